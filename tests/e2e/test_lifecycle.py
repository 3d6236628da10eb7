"""How connections and the server end, and what happens to peers that misbehave."""
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

import harness
from harness import tool

both = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])

FEATURES = ["single_issuer", "defer_taskrun", "submit_all", "ring_fd", "ext_arg",
            "multishot_accept", "multishot_recv", "buffer_ring", "inline_send"]


# ---- shutdown ------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain(start, secure, number):
    """RFC 9113 section 6.8: first a GOAWAY with the largest identifier, later the final one. Open streams
    are completed."""
    server = start()
    client = server.raw(secure)
    client.request(1, "/delay/1500")
    client.request(3, "/plaintext")
    client.take_end(3)
    server.process.send_signal(number)
    first = client.take_kind("GoAway")
    assert first.error_code == 0 and first.last_stream_id == 2**31 - 1
    # Sent before the client could know: the server still answers it.
    client.request(5, "/plaintext")
    client.take_end(1)
    assert client.status(1) == "200"
    assert client.status(5) == "200" and client.bodies[5] == b"Hello, World!"
    while client.take() is not None:
        pass
    last = [f for f in client.frames if type(f).__name__ == "GoAwayFrame"][-1]
    assert last.error_code == 0 and last.last_stream_id == 5
    client.close()
    server.check(server.wait())


def test_drain_answers_the_ping_too(start):
    """The second GOAWAY need not wait for its timer once a round trip has passed."""
    server = start()
    client = server.raw()
    client.request(1, "/plaintext")
    client.take_end(1)
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    while (frame := client.take()) is not None:
        if type(frame).__name__ == "PingFrame" and "ACK" not in frame.flags:
            client.frame("Ping", opaque_data=frame.opaque_data, flags=["ACK"])
    client.close()
    server.check(server.wait())
    assert time.monotonic() - began < 8


def test_drain_takes_no_new_connections(start):
    server = start()
    client = server.raw()
    client.request(1, "/delay/1000")
    client.take_kind("Settings")
    server.process.send_signal(signal.SIGTERM)
    client.take_kind("GoAway")
    assert harness.wait_until(lambda: not harness.listening(server.http_port), 5)
    client.take_end(1)
    client.close()
    server.check(server.wait())


def test_a_download_is_completed(start):
    server = start()
    client = server.raw(settings={4: 1 << 20})
    client.request(1, "/bytes/3000000")
    client.take_kind("Data", 1)
    server.process.send_signal(signal.SIGTERM)
    client.frame("WindowUpdate", 0, window_increment=1 << 24)
    client.frame("WindowUpdate", 1, window_increment=1 << 24)
    client.take_end(1)
    assert client.bodies[1] == harness.demo_bytes(3_000_000)
    client.close()
    server.check(server.wait())


def test_draining_has_an_end(start):
    server = start("--drain-seconds", "1")
    client = server.raw()
    client.request(1, "/delay/20000")
    client.take_kind("Settings")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.check(server.wait(15))
    assert 0.5 < time.monotonic() - began < 8
    client.close()


def test_a_second_signal_ends_at_once(start):
    server = start("--drain-seconds", "30")
    client = server.raw()
    client.request(1, "/delay/20000")
    client.take_kind("Settings")
    server.process.send_signal(signal.SIGTERM)
    client.take_kind("GoAway")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.check(server.wait(5))
    assert time.monotonic() - began < 3
    client.close()


def test_idle_server_ends_at_once(start):
    server = start()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 3


def test_hangup_without_a_file(start):
    """SIGHUP, which asks for a reload, does not end a server that has nothing to read anew."""
    server = start()
    for count in (1, 2):
        server.process.send_signal(signal.SIGHUP)
        assert harness.wait_until(lambda: server.log().count("there is no file to read anew") == count), server.log()
    assert server.alive()


@pytest.mark.parametrize("wrapper, lives", [([], False), (["nohup"], True)], ids=["plain", "nohup"])
def test_closed_terminal(wrapper, lives):
    """It drains a server, unless nohup(1) started that."""
    port = harness.free_port()
    command = [*wrapper, harness.binary(), "serve", "--http", f"127.0.0.1:{port}", "--workers", "1"]
    child, terminal = pty.fork()
    if child == 0:  # the leader of a session, as a shell is; its terminal's SIGHUP is the kernel's
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        os.execvp(command[0], command)
    assert harness.wait_until(lambda: harness.listening(port))
    client = harness.RawClient(port)
    client.request(1, "/delay/1000")
    client.take_kind("Settings")
    os.close(terminal)
    client.take_end(1)
    assert client.status(1) == "200"
    client.close()
    if lives:
        assert harness.listening(port)
        os.kill(child, signal.SIGTERM)
    assert os.waitpid(child, 0)[1] == 0


# ---- HTTP/1.x ------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("request_bytes,status", [
    (b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"200"),
    (b"GET /plaintext HTTP/1.0\r\n\r\n", b"200"),
    (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n" + b"x" * 100_000,
     b"200"),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414")], ids=["11", "10", "post", "long"])
def test_http1_without_alpn(demo, secure, request_bytes, status):
    client = harness.connect(demo.https_port if secure else demo.http_port, secure, alpn=())
    try:
        client.sendall(request_bytes)
    except OSError:
        pass  # the server may close before it has read everything
    answer = b""
    while data := client.recv(65536):
        answer += data
    client.close()
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 " + status), answer
    assert b"connection: close" in head and body, answer
    assert demo.alive()


def test_http1_by_curl(demo):
    for url in (demo.url("/"), demo.url("/", True)):
        out = tool("curl", "-sS", "-k", "--http1.1", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", url)
        assert out == b"200 1.1"


@both
def test_nonsense(demo, secure):
    port = demo.https_port if secure else demo.http_port
    for junk in (b"\0" * 100, b"\x16\x03\x01" + b"\xff" * 200, os.urandom(5000), b"PRI * HTTP/2.0",
                 b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"\r\n\r\n"):
        for tls in {False, secure}:
            client = harness.connect(port, tls, alpn=())
            client.settimeout(15)  # the preface has its own deadline
            try:
                client.sendall(junk)
                while client.recv(65536):
                    pass
            except OSError as error:
                assert not isinstance(error, TimeoutError), junk
            client.close()
    assert demo.alive()


# ---- peers that misbehave ------------------------------------------------------------------------


def test_malformed_frames_end_one_connection(demo):
    """RFC 9113 section 4.2 and others: the connection ends with the code, and another one continues."""
    rows = [
        (b"\x00\x00\x05\x06\x00\x00\x00\x00\x00hello", 6),  # PING of 5 bytes
        (b"\x00\x00\x08\x06\x00\x00\x00\x00\x01\0\0\0\0\0\0\0\0", 1),  # PING on a stream
        (b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x", 1),  # DATA on stream 0
        (b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\0\0\0\0", 1),  # WINDOW_UPDATE of 0
        (b"\x00\x00\x03\x04\x00\x00\x00\x00\x00abc", 6),  # SETTINGS of 3 bytes
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\0\x04\xff\xff\xff\xff", 3),  # window too large
        (b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + b"x" * 16385, 6),  # larger than allowed
        (b"\x00\x00\x02\x01\x04\x00\x00\x00\x01\x82\xff", 9),  # a broken block
        (b"\x00\x00\x01\x01\x04\x00\x00\x00\x02\x82", 1),  # an even stream
        (b"\x00\x00\x01\x09\x04\x00\x00\x00\x01\x82", 1),  # CONTINUATION without HEADERS
        (b"\x00\x00\x04\x05\x04\x00\x00\x00\x01\0\0\0\2", 1),  # PUSH_PROMISE by a client
    ]
    bystander = demo.client()
    for bytes_, code in rows:
        client = demo.raw()
        client.take_kind("Settings")
        client.send(bytes_)
        goaway = client.take_kind("GoAway")
        assert goaway is not None and goaway.error_code == code, (bytes_[:20], goaway)
        while client.take() is not None:
            pass
        client.close()
        assert bystander.fetch("/plaintext").status == 200
    bystander.close()


def test_malformed_requests_end_one_stream(demo):
    client = demo.raw()
    rows = [[(":method", "GET"), (":scheme", "http")],  # no :path
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("Upper", "x")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("connection", "close")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":path", "/")],
            [("x", "y"), (":method", "GET"), (":scheme", "http"), (":path", "/")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("te", "gzip")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", "a\r\nb")],
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":status", "200")]]
    stream = 1
    for fields in rows:
        client.frame("Headers", stream, data=client.encoder.encode(fields),
                     flags=["END_HEADERS", "END_STREAM"])
        client.take_end(stream)
        assert client.status(stream) == "400", fields
        end = client.take_end(stream)
        assert (type(end).__name__, end.error_code) == ("RstStreamFrame", 1), fields
        stream += 2
    client.request(stream, "/plaintext")
    client.take_end(stream)
    assert client.bodies[stream] == b"Hello, World!"
    client.close()


@both
def test_clients_that_vanish(demo, secure):
    """Clients close or reset at any moment, with requests in flight."""
    before = demo.descriptors()
    for i in range(30):
        client = demo.raw(secure)
        for stream in range(1, 20, 2):
            client.request(stream, ("/bytes/1000000", "/delay/300", "/plaintext")[i % 3])
        if i % 2:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for _ in range(i % 7):
            client.take()
        client.close()
    assert demo.alive()
    assert harness.wait_until(lambda: demo.descriptors() <= before + 1, 20)


def test_connections_cut_in_the_handshake(demo):
    before = demo.descriptors()
    for size in (0, 1, 5, 50, 200):
        client = harness.connect(demo.https_port)
        client.sendall((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(300))[:size])
        client.close()
    assert harness.wait_until(lambda: demo.descriptors() <= before, 20)
    assert demo.get("/plaintext", secure=True).status == 200


def test_a_slow_reader_gets_everything(demo):
    client = demo.raw(settings={4: 20_000}, receive_bytes=4096)
    client.request(1, "/bytes/400000")
    while len(client.bodies.get(1, b"")) < 400_000:
        frame = client.take()
        if type(frame).__name__ == "DataFrame" and frame.data:
            time.sleep(0.02)
            client.frame("WindowUpdate", 0, window_increment=len(frame.data))
            if "END_STREAM" not in frame.flags:
                client.frame("WindowUpdate", 1, window_increment=len(frame.data))
    assert client.bodies[1] == harness.demo_bytes(400_000)
    client.close()


def test_windows_that_shrink_below_nothing(demo):
    """RFC 9113 section 6.9.2: a smaller SETTINGS_INITIAL_WINDOW_SIZE may make a window negative."""
    client = demo.raw(settings={4: 30_000})
    client.request(1, "/bytes/60000")
    while len(client.bodies.get(1, b"")) < 30_000:
        client.take()
    client.frame("Settings", settings={4: 10_000})  # now at -20,000
    client.take_until(lambda f: type(f).__name__ == "SettingsFrame" and "ACK" in f.flags)
    client.frame("WindowUpdate", 1, window_increment=20_000)  # now at 0: still nothing
    client.frame("Ping", opaque_data=b"12345678")
    client.take_kind("Ping")
    assert len(client.bodies[1]) == 30_000
    client.frame("WindowUpdate", 1, window_increment=30_000)
    client.take_end(1)
    assert client.bodies[1] == harness.demo_bytes(60_000)
    client.close()


def test_byte_by_byte(demo):
    client = demo.raw(settings={})
    client.take_kind("Settings")
    block = client.encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/plaintext"),
                                   (":authority", "x")])
    frame = bytes([0, 0, len(block), 1, 5, 0, 0, 0, 1]) + block
    for byte in frame:
        client.send(bytes([byte]))
        time.sleep(0.002)
    client.take_end(1)
    assert client.bodies[1] == b"Hello, World!"
    client.close()


# ---- other kernels, other numbers of workers -----------------------------------------------------


@harness.needs_io_uring
@pytest.mark.parametrize("disabled", FEATURES + ["multishot_accept,multishot_recv,buffer_ring",
                                                 ",".join(FEATURES)])
def test_fallbacks(start, disabled):
    """Without a feature of io_uring everything still works, and a line says so."""
    server = start("--verbose", "--ring", "io_uring", env={"WEIR_URING_DISABLE": disabled})
    for secure in (False, True):
        client = server.client(secure)
        assert client.fetch("/bytes/1000000").body == harness.demo_bytes(1_000_000)
        body = os.urandom(500_000)
        assert client.fetch("/echo", "POST", body=body).body == body
        client.close()
    assert harness.wait_until(lambda: disabled.split(",")[0] in server.log(), 5), server.log()


def test_an_unknown_feature_is_an_error():
    code, _, err = harness.run("serve", "--http", f"127.0.0.1:{harness.free_port()}",
                               env={"WEIR_URING_DISABLE": "no_such_thing"})
    assert code in (1, 2) and "no_such_thing" in err


def load_a_little(server):
    for url in (server.url("/plaintext"), server.url("/bytes/50000", True)):
        out = tool("h2load", "-n", "1500", "-c", "10", "-m", "10", "-t", "2", url,
                   seconds=100).decode()
        assert "1500 succeeded, 0 failed, 0 errored" in out, out
    clients = [server.client() for _ in range(8)]
    for i, client in enumerate(clients):
        assert client.fetch("/echo", "POST", body=b"x" * i * 10_000).body == b"x" * i * 10_000
        client.close()


def test_two_workers(start):
    load_a_little(start(workers=2))


@pytest.mark.skipif(not os.path.exists(harness.binary("tsan")), reason="build/tsan/weir is absent")
def test_two_workers_under_thread_sanitizer(start):
    """Also with a signal while they work, and without defer_taskrun, as on older kernels."""
    # Its shadow memory may collide with randomized addresses. Not every container allows turning these off.
    fixed = subprocess.run(["setarch", "-R", "true"], capture_output=True, timeout=10)
    wrapper = ["setarch", "-R"] if fixed.returncode == 0 else []
    for disabled in ("", "defer_taskrun"):
        server = start(variant="tsan", workers=2, wrapper=wrapper,
                       env={"WEIR_URING_DISABLE": disabled})
        load_a_little(server)
        client = server.raw()
        client.request(1, "/delay/500")
        client.take_kind("Settings")
        server.process.send_signal(signal.SIGTERM)
        client.take_end(1)
        client.close()
        server.check(server.wait())


def test_workers_default_to_the_affinity_mask(start):
    server = start(workers=None, wrapper=["taskset", "-c", str(min(os.sched_getaffinity(0)))])
    harness.wait_until(lambda: workers_of(server) == ["weir-0"])
    assert workers_of(server) == ["weir-0"], thread_names(server.pid)
    assert server.alive()


def workers_of(server):
    """Names of its workers' threads."""
    return [name for name in thread_names(server.pid) if re.fullmatch(r"weir-\d+", name)]


def thread_names(pid):
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as comm:
            names.append(comm.read().strip())
    return names


# ---- standard streams ----------------------------------------------------------------------------


def start_into_pipe(**how):
    """A server whose messages go into a pipe that is not read yet: its port, its process, and the pipe."""
    port = harness.free_port()
    messages, write_end = os.pipe()
    process = subprocess.Popen(
        [harness.binary(), "serve", "--http", f"127.0.0.1:{port}", "--workers", "1"],
        stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end, **how)
    os.close(write_end)
    assert harness.wait_until(lambda: harness.listening(port))
    return port, process, messages


def drain_pipe(messages):
    text = b""
    while chunk := os.read(messages, 65536):
        text += chunk
    os.close(messages)
    return text.decode().splitlines()


def test_full_pipe_of_messages():
    """Messages never block. What a full pipe does not take is dropped, counted and reported."""
    port, process, messages = start_into_pipe()
    try:
        for _ in range(100):  # about 3 KiB each; a pipe holds 64 KiB
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.01)
        read = os.read(messages, 60000)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        lines = (read.decode() + "\n".join(drain_pipe(messages))).splitlines()
        assert process.wait(10) == 0
    finally:
        process.kill()
    missing = [line for line in lines if "messages here, because" in line]
    assert missing, lines
    counters = json.loads([line for line in lines if line.startswith("{")][-1])
    assert counters["lines_dropped"] == sum(int(line.split()[2]) for line in missing)


def test_full_pipe_does_not_stop_the_end():
    port, process, messages = start_into_pipe()
    try:
        for _ in range(100):
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0  # nothing was read from the pipe until now
    finally:
        process.kill()
        os.close(messages)


def test_started_without_standard_streams():
    """Descriptors 0 to 2 are never sockets, or a message would go to a client."""
    port, process, messages = start_into_pipe(preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
    try:
        for fd in (0, 1, 2):
            assert os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        os.close(messages)


# ---- the harness itself --------------------------------------------------------------------------


def test_the_harness_notices(tmp_path):
    """A test fails if its server dies of a sanitizer's finding or exits with anything but 0."""
    canary = os.path.join(harness.ROOT, "build/asan/tests/helpers/canary")
    if not os.path.exists(canary):
        pytest.skip("build/asan/tests/helpers/canary is absent")
    server = harness.Server.__new__(harness.Server)
    server.log_path = str(tmp_path / "log")
    for death in ("address", "leak", "undefined", "assert"):
        with open(server.log_path, "wb") as log:
            server.process = subprocess.Popen([canary, death], stdout=log, stderr=log)
        with pytest.raises(AssertionError):
            server.check(server.wait())
