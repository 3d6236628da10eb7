"""Two network namespaces joined by a veth pair, whose server side sends through a token bucket: a slow last mile on
one machine. Needs root, iproute2 and a kernel with tbf.

    with netlab.Lab(kbit=1600) as lab:
        server = lab.server.popen([...])        # 10.77.0.1
        client = lab.client.run([...])          # 10.77.0.2

All names are unique, and everything is removed afterwards. What a killed process has left is removed by the first Lab of
the next one. A program that uses a Lab outside of pytest calls end_on_signals() first.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

SERVER_ADDRESS, CLIENT_ADDRESS = "10.77.0.1", "10.77.0.2"
# One full segment and what passes in a timer tick. More would be a burst above the rate.
BURST_BYTES = 3000
# The queue in front of the bottleneck, 80 ms of the classic 1.6 Mbit/s. Bytes in it have left the server, and no
# server can overtake them. Home routers of that speed have longer queues, which would only add the same time to
# every server's result.
LIMIT_BYTES = 16000

# A line that stood still for longer than this is broken, and its results do not count. TCP bridges shorter pauses
# from its queue; a round trip is several times as long.
LATE_US_MAX = 30000

_count = 0


def missing():
    """Why a lab is impossible, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for program in ("ip", "tc"):
        if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            return f"needs {program} (iproute2)"
    try:
        with Lab(kbit=1000):
            return None
    except subprocess.CalledProcessError as error:
        return f"no namespaces with tbf here: {' '.join(error.cmd)}: {error.stderr.strip()}"


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True)


def end_on_signals():
    """SIGTERM, SIGINT and SIGHUP end the program as an exception does, so that its labs are removed."""
    def end(number, _):
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, end)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep():
    """Removes the namespaces of processes that have ended, and what still runs in them."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name, pid in re.findall(r"^(weir[sc](\d+)-\d+)\b", listed, re.M):
        if is_alive(int(pid)):
            continue
        left = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
        for process in left.split():
            try:
                os.kill(int(process), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Namespace:
    def __init__(self, name):
        self.name = name
        self.processes = []
        ip("netns", "add", name)

    def ip(self, *arguments):
        ip("-n", self.name, *arguments)

    def command(self, command):
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def popen(self, command, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(self.command(command), **how)
        self.processes.append(process)
        return process

    def run(self, command, seconds=60, **how):
        done = subprocess.run(self.command(command), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds, **how)
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def set(self, name, value):
        """Sets a sysctl of this namespace."""
        path = "/proc/sys/" + name.replace(".", "/")
        self.run(["sh", "-c", f"[ ! -e {path} ] || echo {value} > {path}"])

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Lab:
    """The server sends `kbit` kbit/s through a queue of `limit` bytes. The client's direction is unlimited."""

    def __init__(self, kbit, limit=LIMIT_BYTES, burst=BURST_BYTES, congestion="reno"):
        global _count
        _count += 1
        if _count == 1:
            sweep()
        tag = f"{os.getpid()}-{_count}"
        self.bytes_per_second = kbit * 1000 / 8
        self.queue_seconds = limit / self.bytes_per_second
        self.kbit, self.limit, self.burst, self.congestion = kbit, limit, burst, congestion
        self.spaces = []
        try:
            self.server = self.add(f"weirs{tag}")
            self.client = self.add(f"weirc{tag}")
            self.join(tag)
        except BaseException:
            self.close()
            raise

    def add(self, name):
        space = Namespace(name)
        self.spaces.append(space)
        # IPv6 addresses appear a second later, and browsers start over when an address appears.
        space.set("net.ipv6.conf.all.disable_ipv6", 1)
        space.ip("link", "set", "lo", "up")
        return space

    def join(self, tag):
        one, two = f"ws{tag}"[:15], f"wc{tag}"[:15]
        ip("link", "add", one, "netns", self.server.name, "type", "veth", "peer", "name", two,
           "netns", self.client.name)
        for space, device, address in ((self.server, one, SERVER_ADDRESS),
                                       (self.client, two, CLIENT_ADDRESS)):
            space.ip("addr", "add", f"{address}/24", "dev", device)
            space.ip("link", "set", device, "up")
            # Every kernel has reno, and it fills the queue, which is the harder case for a server.
            space.set("net.ipv4.tcp_congestion_control", self.congestion)
            # What an earlier run learnt about the path must not help a later one.
            space.set("net.ipv4.tcp_no_metrics_save", 1)
        self.shape(self.server, one)

    def shape(self, space, device):
        space.run(["tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", f"{self.kbit}kbit",
                   "burst", self.burst, "limit", self.limit])

    def wait_for_port(self, port, process, seconds=10):
        """Waits until a process listens on the port in the server's namespace."""
        end = time.monotonic() + seconds
        wanted = f":{port:04X}"
        while time.monotonic() < end:
            assert process.poll() is None, f"the server ended with {process.returncode}"
            rows = self.server.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).decode()
            columns = [row.split() for row in rows.splitlines()]
            if any(row[1].endswith(wanted) and row[3] == "0A" for row in columns):  # 0A: LISTEN
                return
            time.sleep(0.05)
        raise AssertionError(f"nothing listens on port {port}")

    def close(self):
        for space in self.spaces:
            space.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


class LongLab(Lab):
    """A long line: `delay_ms` each way and `kbit` kbit/s in both directions, made by tests/helpers/delay_link.c,
    because not every kernel has netem. Its rate counts whole IP packets, so an upload without pauses has 96.5% of it
    for its body (1448 of 1500 with TCP timestamps). The queue holds more than TCP's largest window, so nothing is
    lost and no loss limits the rate."""

    def __init__(self, kbit, delay_ms, program, **how):
        self.delay_ms, self.program = delay_ms, program
        self.flight_bytes = (kbit * 1000 // 8) * 2 * delay_ms // 1000
        super().__init__(kbit, limit=8 * self.flight_bytes, **how)

    def join(self, tag):
        self.line = subprocess.Popen(
            [self.program, self.server.name, self.client.name, str(self.delay_ms), str(self.kbit),
             str(self.limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.line.stdout.readline() == b"ready\n"
        for space, address, peer in ((self.server, SERVER_ADDRESS, CLIENT_ADDRESS),
                                     (self.client, CLIENT_ADDRESS, SERVER_ADDRESS)):
            space.ip("addr", "add", address, "peer", peer, "dev", "line")
            space.ip("link", "set", "line", "up")
            space.set("net.ipv4.tcp_congestion_control", self.congestion)
            space.set("net.ipv4.tcp_no_metrics_save", 1)
            # TCP's own windows must not be the bound. Half of what a receiver may buffer is window.
            # HTTP/2's window may grow to four times the bytes in flight.
            for name, most in (("tcp_rmem", 8 * self.flight_bytes), ("tcp_wmem", 32 << 20)):
                space.set(f"net.ipv4.{name}", f"\"4096 131072 {most}\"")

    def account(self):
        """What the line did since the last call (see tests/helpers/delay_link.c), and whether it was sound: on
        time, and nothing lost."""
        self.line.stdin.write(b"\n")
        self.line.stdin.flush()
        account = json.loads(self.line.stdout.readline())
        account["sound"] = (account["late_us_max"] < LATE_US_MAX and
                            not any(way["lost"] for way in account["directions"]))
        return account

    def close(self):
        if getattr(self, "line", None):
            self.line.stdin.close()
            self.line.wait()
            self.line.stdout.close()
        super().close()
