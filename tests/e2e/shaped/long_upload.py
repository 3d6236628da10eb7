"""Uploads over a long line (netlab.LongLab): by TCP alone, and to `weir serve` with each policy. Each is timed from
before the connection until the client has its answer, cold start included. Its rate is the body's bytes in that
time, as a share of what the line carries, headers included."""
import subprocess
import sys

import netlab

PORT = 31080  # no other process is in the namespace
SECONDS_MAX = 400
CURL_EXPIRED = 28
# Both ends have priority over other work on this machine, as the line does: the figure is time spent waiting.
PROMPT = ["nice", "-n", "-15"]

TAKE = f"""
import socket
listener = socket.create_server(("{netlab.SERVER_ADDRESS}", {PORT}))
peer = listener.accept()[0]
while peer.recv(1 << 20):
    pass
peer.sendall(b"x")
"""
GIVE = f"""
import socket, sys, time
body = open(sys.argv[1], "rb")
began = time.monotonic()
peer = socket.create_connection(("{netlab.SERVER_ADDRESS}", {PORT}))
peer.sendfile(body)
peer.shutdown(socket.SHUT_WR)
peer.recv(1)
print(time.monotonic() - began)
"""


class Upload:
    def __init__(self, lab, body_bytes, seconds):
        self.bytes, self.seconds = body_bytes, seconds
        self.share = body_bytes / seconds / lab.bytes_per_second
        self.account = lab.account()

    def __repr__(self):
        sound = "" if self.account["sound"] else ", the line failed"
        return f"{self.bytes} bytes, {self.seconds:.2f} s, {self.share:.1%} of the line{sound}"


def by_tcp(lab, path, size):
    server = lab.server.popen([*PROMPT, sys.executable, "-c", TAKE])
    lab.wait_for_port(PORT, server)
    lab.account()
    out = lab.client.run([*PROMPT, sys.executable, "-c", GIVE, path], seconds=SECONDS_MAX)
    server.wait(10)
    return Upload(lab, size, float(out))


def to_weir(lab, binary, flow, path, seconds=SECONDS_MAX):
    """Uploads the file, or as much of it as `seconds` allow."""
    server = lab.server.popen(
        [*PROMPT, binary, "serve", "--http", f"0.0.0.0:{PORT}", "--workers", "1", "--flow", flow,
         "--drain-seconds", "1"], stdout=subprocess.DEVNULL)
    lab.wait_for_port(PORT, server)
    lab.account()
    client = lab.client.popen(
        [*PROMPT, "curl", "-s", "--http2-prior-knowledge", "-X", "POST", "-T", path, "-o",
         "/dev/null", "-m", str(seconds), "-w", "%{http_code} %{size_upload} %{time_total}",
         f"http://{netlab.SERVER_ADDRESS}:{PORT}/sink"], stdout=subprocess.PIPE)
    out = client.communicate()[0].split()
    server.terminate()
    assert server.wait(10) == 0
    ended = client.returncode == 0 and out[0] == b"200"
    expired = client.returncode == CURL_EXPIRED and seconds < SECONDS_MAX
    assert ended or expired, (client.returncode, out)
    return Upload(lab, int(float(out[1])), float(out[2]))


def sound(upload, tries=3):
    """The first result of `upload()` during which the line worked as it should, or None. Results on a broken line
    mean nothing."""
    for _ in range(tries):
        result = upload()
        print(result)
        if result.account["sound"]:
            return result
    return None
