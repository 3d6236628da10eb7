"""`weir forward`: through tests/peers' kubelet and `weir tunnel`, and against a cluster that misbehaves."""
import concurrent.futures
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

import harness
from forward_peer import RESET, Cluster, Forward, Target, ask, kubeconfig, pod_of, read_all, reset, sent


# ---- servers of tunnels --------------------------------------------------------------------------


class Process:
    """A server on a port of its own."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.lines = []
        assert harness.wait_until(lambda: harness.listening(port) or self.process.poll() is not None)
        assert self.process.poll() is None, self.lines

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self):
        self.process.terminate()
        self.process.wait(harness.PATIENCE_SECONDS)
        for words in harness.SANITIZER_WORDS:
            assert words not in "".join(self.lines), self.lines


def start_kubelet():
    """The kubelet of tests/peers, on Go's spdystream."""
    if not shutil.which("go"):
        pytest.skip("Go is not installed")
    built = subprocess.run(["make", "-s", "build/peers/kubelet"], cwd=harness.ROOT, capture_output=True, text=True,
                           check=False)
    if "cannot find package" in built.stderr:
        pytest.skip("golang-github-docker-spdystream-dev is not installed")
    assert built.returncode == 0, built.stderr
    port = harness.free_port()
    return Process([os.path.join(harness.ROOT, "build/peers/kubelet"), "-listen", f"127.0.0.1:{port}"], port)


def start_tunnel(*arguments):
    if "  tunnel" not in harness.run("--help")[1]:
        pytest.skip("this program has no tunnel")
    port = harness.free_port()
    return Process([harness.binary(), "tunnel", "--listen", f"127.0.0.1:{port}", *map(str, arguments)], port)


@pytest.fixture(scope="module")
def kubelet():
    server = start_kubelet()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tunnel():
    server = start_tunnel("--pod", "web=127.0.0.1", "--pod", "shop/web=127.0.0.1", "--write-errors")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["kubelet", "tunnel", "tunnel, Upgrade"])
def server(request):
    """(port, more options): every kind of server and form."""
    one = request.getfixturevalue(request.param.split(",")[0])
    return one.port, ["--no-websocket"] if "Upgrade" in request.param else []


@pytest.fixture(scope="module")
def target():
    one = Target()
    yield one
    one.close()


@pytest.fixture
def forward():
    """Starts the program, which is ended and checked when the test ends."""
    running = []

    def start(*arguments, **how):
        running.append(Forward(*arguments, **how))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def cluster(tunnel):
    """An API server before `weir tunnel`, with the pod web."""
    one = Cluster(tunnel.port)
    one.answers["/api/v1/namespaces/default/pods/web"] = 200, pod_of("web", ports=[("http", 8080)])
    yield one
    one.close()


def url(port):
    return f"http://127.0.0.1:{port}/web"


# ---- bytes ---------------------------------------------------------------------------------------


def test_both_directions_and_half_close(server, target, forward):
    """Each direction ends by itself, and every byte arrives."""
    port, more = server
    local = forward(*more, url(port), f":{target.port}").port(target.port)
    assert ask(local, "send 0") == b""
    assert ask(local, "send 3000001") == sent(3000001)
    upload = os.urandom(3000001)
    assert ask(local, "hash", upload) == hashlib.sha256(upload).hexdigest().encode()
    assert ask(local, "echo", b"hello") == b"hello"


def test_bulk(server, target, forward):
    """100 MB each way, at once."""
    port, more = server
    local = forward(*more, url(port), f":{target.port}").port(target.port)
    count, block = 100, os.urandom(1 << 20)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        down = pool.submit(ask, local, f"send {count << 20}")
        up = pool.submit(ask, local, "hash", block * count)
        assert hashlib.sha256(down.result()).digest() == hashlib.sha256(sent(count << 20)).digest()
        assert up.result() == hashlib.sha256(block * count).hexdigest().encode()


def test_200_connections(server, target, forward):
    port, more = server
    program = forward(*more, url(port), f":{target.port}")
    local = program.port(target.port)
    socks = [socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) for _ in range(200)]
    for index, sock in enumerate(socks):
        sock.sendall(b"echo\n%d" % index)
        sock.shutdown(socket.SHUT_WR)
    for index, sock in enumerate(socks):
        assert read_all(sock) == b"%d" % index
        sock.close()
    program.line(r": closed after", count=200)


def test_cancelled_downloads(server, target, forward):
    """Clients that give up in the middle, or do not read, hold nobody else up."""
    port, more = server
    program = forward(*more, url(port), f":{target.port}")
    local = program.port(target.port)
    for _ in range(10):
        sock = socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS)
        sock.sendall(b"send 50000000\n")
        assert len(sock.recv(1000)) > 0
        reset(sock)
    program.line("reset by the local client", count=10)
    assert ask(local, "send 1000000") == sent(1000000)


# ---- what fails ----------------------------------------------------------------------------------


def test_refused_port(server, target, forward):
    """The error stream's text is shown, and only that connection ends."""
    port, more = server
    closed = harness.free_port()
    program = forward(*more, url(port), f":{target.port}", f":{closed}")
    good, bad = program.port(target.port), program.port(closed)
    with socket.create_connection(("127.0.0.1", good), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nbefore")
        assert sock.recv(100) == b"before"
        with socket.create_connection(("127.0.0.1", bad), harness.PATIENCE_SECONDS) as other:
            with pytest.raises(ConnectionResetError):
                other.recv(1)
        program.line(rf"to port {closed} of web: .*refused")
        sock.sendall(b"after")
        assert sock.recv(100) == b"after"


def test_target_resets(tunnel, target, forward):
    program = forward(url(tunnel.port), f":{target.port}")
    local = program.port(target.port)
    with socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nbefore")
        assert sock.recv(100) == b"before"
        with socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) as other:
            other.sendall(b"reset\n")
            with pytest.raises(ConnectionResetError):
                while other.recv(100):
                    pass
        sock.sendall(b"after")
        assert sock.recv(100) == b"after"


def test_local_port_in_use(target):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = harness.run("forward", url(1), f"{port}:80")
        assert (status, out) == (1, "")
        assert err == f"weir forward: cannot listen on 127.0.0.1:{port}: Address already in use\n"
