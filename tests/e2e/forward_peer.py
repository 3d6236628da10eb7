"""Peers of `weir forward`: a cluster's API server, which hands tunnels on to a real one (`weir tunnel`, or the kubelet of
tests/peers); a target with several behaviours; the program itself, whose lines can be waited for; and fixtures of
these."""
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

import harness

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER


def reset(sock):
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
    except OSError:
        pass


def serve_forever(listener, handle):
    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(sock,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1000)
    return listener


# ---- what is forwarded to ------------------------------------------------------------------------


class Target:
    """Reads a line, and does what it says: `send N` sends N bytes of a pattern, and ends; `hash` answers with the digest
    of all that follows it, once that has ended; `echo` sends back what comes; `reset` resets; `hold` says "held" and
    reads nothing more."""

    def __init__(self):
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        self.open = []
        serve_forever(self.listener, self.handle)

    def handle(self, sock):
        self.open.append(sock)
        try:
            with sock:
                self.obey(sock, sock.makefile("rb"))
        except OSError:
            pass
        self.open.remove(sock)

    def obey(self, sock, reader):
        words = reader.readline().split()
        if words[:1] == [b"send"]:
            left = int(words[1])
            while left > 0:
                left -= sock.send(harness.demo_bytes(1 << 20)[:min(left, 1 << 20)])
        elif words == [b"hash"]:
            digest = hashlib.sha256()
            while piece := reader.read1(1 << 16):
                digest.update(piece)
            sock.sendall(digest.hexdigest().encode())
        elif words == [b"echo"]:
            while piece := reader.read1(1 << 16):
                sock.sendall(piece)
        elif words == [b"reset"]:
            reset(sock)
        elif words == [b"hold"]:
            sock.sendall(b"held")
            time.sleep(1000)

    def close(self):
        self.listener.close()


def sent(count):
    """What `send COUNT` sends."""
    row = harness.demo_bytes(1 << 20)
    return (row * (count // len(row) + 1))[:count]


def read_all(sock):
    pieces = []
    while piece := sock.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


def ask(port, line, more=b""):
    """Sends a line, and more, and our end; returns what comes back until the target's end."""
    with socket.create_connection(("127.0.0.1", port), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(line.encode() + b"\n" + more)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


# ---- the cluster ---------------------------------------------------------------------------------

POD = "/api/v1/namespaces/default/pods/web"  # which every cluster has
TUNNEL = re.compile(r"^/api/v1/namespaces/([^/]+)/pods/([^/]+)/portforward$")
STATUS = {101: "Switching Protocols", 200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


def pod_of(name, phase="Running", ready=True, ports=()):
    return {"kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"ports": [{"name": n, "containerPort": p} for n, p in ports]}]},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(bool(ready))}]}}


class Cluster:
    """An API server. `answers` maps paths to (status, JSON); tunnels go to the server on port `backend`."""

    def __init__(self, backend, context=None):
        self.backend, self.context = backend, context
        self.answers = {}
        self.tokens = None    # those accepted; None: any or none
        self.refusal = None   # what tunnels are answered instead: bytes
        self.subprotocol = None  # WebSockets are accepted, with this subprotocol ("": none)
        self.says = b""       # all that they say
        self.silent = False   # tunnels carry nothing, in either direction
        self.prefix = ""      # of the paths of tunnels
        self.close_each = False  # after each answer
        self.requests = []    # (method, path, fields)
        self.tunnels = []     # pairs of sockets
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        serve_forever(self.listener, self.handle)

    def url(self, path=""):
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}{path}"

    def handle(self, sock):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            reader = sock.makefile("rb", buffering=0)
            while self.answer(sock, reader):
                pass
            sock.close()
        except (OSError, ssl.SSLError):
            sock.close()

    def answer(self, sock, reader):
        """Answers one request. Whether more may come."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = reader.read(1)
            if not byte:
                return False
            head += byte
        lines = head.decode().split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
        self.requests.append((method, path, fields))
        if self.tokens is not None and fields.get("authorization") not in [f"Bearer {t}" for t in self.tokens]:
            return self.say(sock, 401, {"kind": "Status", "message": "Unauthorized"})
        if TUNNEL.match(path.removeprefix(self.prefix)):
            if self.subprotocol is not None and "sec-websocket-key" in fields:
                return self.websocket(sock, fields["sec-websocket-key"])
            return self.tunnel(sock, head.replace(self.prefix.encode(), b"", 1) if self.prefix else head)
        status, body = self.answers.get(path, (404, {"kind": "Status", "message": f"{path} not found"}))
        return self.say(sock, status, body)

    def say(self, sock, status, body):
        content = json.dumps(body).encode()
        close = "Connection: close\r\n" if self.close_each else ""
        sock.sendall(f"HTTP/1.1 {status} {STATUS[status]}\r\nContent-Type: application/json\r\n{close}"
                     f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return not self.close_each

    def websocket(self, sock, key):
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        named = f"Sec-WebSocket-Protocol: {self.subprotocol}\r\n" if self.subprotocol else ""
        sock.sendall(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n{named}\r\n".encode() + self.says)
        sock.recv(1 << 16)  # the close frame, if nothing else was said
        return False

    def tunnel(self, sock, head):
        if self.refusal is not None:
            sock.sendall(self.refusal)
            while self.silent:
                time.sleep(0.05)
            return False
        backend = socket.create_connection(("127.0.0.1", self.backend))
        backend.sendall(head)
        pair = (sock, backend)
        self.tunnels.append(pair)
        other = threading.Thread(target=self.copy, args=(backend, sock), daemon=True)
        other.start()
        self.copy(sock, backend)
        other.join()
        if pair in self.tunnels:
            self.tunnels.remove(pair)
        return False

    def copy(self, source, to):
        try:
            while piece := source.recv(1 << 16):
                while self.silent:
                    time.sleep(0.05)
                to.sendall(piece)
            to.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        """Resets all tunnels."""
        for sock, backend in self.tunnels[:]:
            for each in (sock, backend):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                reset(each)
        self.tunnels.clear()

    def close(self):
        self.listener.close()
        self.silent = False
        self.cut()


def kubeconfig(path, server, user=None, cluster=None, namespace="default"):
    path.write_text(json.dumps({
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}]}))
    return path


# ---- the program ---------------------------------------------------------------------------------


class Forward:
    """A running `weir forward` with these arguments. It must end with status 0 when it is told to."""

    def __init__(self, *arguments, env=None, expect=0):
        self.lines, self.expect = [], expect
        self.process = subprocess.Popen([harness.binary(), "forward", "-v", *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **(env or {})}, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def text(self):
        return "\n".join(self.lines)

    def line(self, pattern, seconds=harness.PATIENCE_SECONDS, count=1):
        """Waits for `count` lines that match; returns the match of the last of them."""
        def found():
            return [m for m in (re.search(pattern, line) for line in self.lines) if m]

        assert harness.wait_until(lambda: len(found()) >= count or self.process.poll() is not None, seconds), \
            f"no line {pattern}:\n{self.text()}"
        self.process.poll() is None or self.reader.join(5)
        assert len(found()) >= count, f"no line {pattern}:\n{self.text()}"
        return found()[count - 1]

    def port(self, remote):
        """The local port that leads there, once the session is up."""
        return int(self.line(rf"^Forwarding from 127\.0\.0\.1:(\d+) -> {remote}$").group(1))

    def stop(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.wait()
        assert status == self.expect, f"exit status {status}\n{self.text()}"

    def wait(self, seconds=harness.PATIENCE_SECONDS):
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running after {seconds} s:\n{self.text()}")
        self.reader.join(5)
        for words in harness.SANITIZER_WORDS:
            assert words not in self.text(), self.text()
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        print(self.text())


# ---- servers of tunnels --------------------------------------------------------------------------


class Process:
    """A server on a port of its own."""

    def __init__(self, command, port):
        self.port, self.lines = port, []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.read, daemon=True).start()
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
def make_cluster(kubelet):
    """Makes API servers before the kubelet, with the pod web."""
    made = []

    def make(**how):
        made.append(Cluster(kubelet.port, **how))
        made[-1].answers[POD] = 200, pod_of("web")
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def cluster(make_cluster):
    return make_cluster()
