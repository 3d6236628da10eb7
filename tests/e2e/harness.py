"""Shared by the end-to-end tests: a server that is started, stopped and checked, free ports, and two clients,
one based on python3-h2 and one that shows every frame as it arrived."""
import ctypes
import glob
import hashlib
import json
import math
import os
import random
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import hpack
import hyperframe.frame
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer",
                   "WARNING: ThreadSanitizer", "FATAL: ThreadSanitizer")
# Generous: a sanitized server on a busy machine is slow, and the timeout only has to end hangs.
PATIENCE_SECONDS = 30


def binary(variant=None):
    """The program under test: that of a variant, or $WEIR, or build/weir."""
    if variant:
        return os.path.join(ROOT, "build", variant, "weir")
    return os.path.join(ROOT, os.environ.get("WEIR", "build/weir"))


def sanitized():
    return "/asan/" in binary() or "/tsan/" in binary()


_held = []


def bound(name):
    """The value of a bound in a limits.h: a number, or a product of numbers and units."""
    units = {"SECOND_NS": 10**9, "MILLISECOND_NS": 10**6, "KIB": 1024, "MIB": 1024**2}
    for path in glob.glob(os.path.join(ROOT, "*/**/limits.h"), recursive=True):
        with open(path, encoding="utf-8") as header:
            found = re.search(rf"^(?:#define {name} |  {name} =)([\w ()*]+)", header.read(), re.M)
        if found:
            factors = re.findall(r"\w+", found.group(1))
            return math.prod(units.get(factor) or int(factor.rstrip("u")) for factor in factors)
    raise AssertionError(f"there is no bound {name}")


def free_port():
    """A free port, below the range of outgoing connections. An abstract socket keeps it from other tests that run at
    the same time."""
    low, high = (int(x) for x in os.environ.get("WEIR_TEST_PORTS", "20000-29999").split("-"))
    for _ in range(1000):
        port = random.randint(low, high)
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        probe = socket.socket()
        try:
            lock.bind(f"\0weir-test-port-{port}")
            probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        finally:
            probe.close()
        _held.append(lock)
        return port
    raise RuntimeError("no free port")


def wait_until(condition, seconds=PATIENCE_SECONDS, step=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return False


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


# ---- the built-in site ---------------------------------------------------------------------------


def demo_bytes(count):
    """The body of /bytes/COUNT."""
    row = bytes(range(256))
    return (row * (count // 256 + 1))[:count]


def digest(content):
    return hashlib.sha256(content).hexdigest()


# ---- conditions to start a program under ---------------------------------------------------------


def descriptors_at_most(count):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


LOAD, JUMP_EQUAL, ANSWER = 0x20, 0x15, 0x06  # instructions of a seccomp filter
REFUSE, ALLOW = 0x00050000 | 1, 0x7FFF0000  # SECCOMP_RET_ERRNO with EPERM, SECCOMP_RET_ALLOW


def seccomp(program):
    """A function that installs a filter: (code, jump if true, jump if false, operand) for each instruction."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    filter_ = Program(len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)

    def install():
        PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")

    install.keep = (code, filter_)
    return install


# tests/run has taken io_uring from all tests, and with that from weir.
WITHOUT_IO_URING = "WEIR_WITHOUT_IO_URING" in os.environ
# Clients are told, as they would warn. Servers find out by themselves.
SERVER_ENV = {"WEIR_RING": os.environ.get("WEIR_RING", "")}
if WITHOUT_IO_URING:
    os.environ["WEIR_RING"] = "epoll"
needs_io_uring = pytest.mark.skipif(WITHOUT_IO_URING, reason="io_uring is refused to all tests")


def without_io_uring(call=425):
    """A seccomp filter like that of container runtimes: one call, by default io_uring_setup(), fails with EPERM."""
    AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[os.uname().machine]
    return seccomp([
        (LOAD, 0, 0, 4),  # seccomp_data.arch
        (JUMP_EQUAL, 0, 3, AUDIT_ARCH),
        (LOAD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_EQUAL, 0, 1, call),
        (ANSWER, 0, 0, REFUSE),
        (ANSWER, 0, 0, ALLOW),
    ])


def allow_only(calls):
    """A seccomp filter like that of a service manager: all calls but these fail with EPERM."""
    program = [(LOAD, 0, 0, 0)]  # seccomp_data.nr
    for call in calls:
        program += [(JUMP_EQUAL, 0, 1, call), (ANSWER, 0, 0, ALLOW)]
    return seccomp(program + [(ANSWER, 0, 0, REFUSE)])


# ---- the server ----------------------------------------------------------------------------------


class Server:
    """`weir serve` with the given arguments on ports of its own.

        with Server(tmp_path, directory) as server: ...

    On leaving, the server is told to stop. It must exit with status 0, without a sanitizer's report.
    """

    def __init__(self, tmp_path, *arguments, variant=None, env=None, preexec=None, http=True,
                 https=True, workers=1, wrapper=()):
        self.http_port = free_port() if http else None
        self.https_port = free_port() if https else None
        self.log_path = os.path.join(str(tmp_path), f"weir-{time.monotonic_ns()}.log")
        command = [*wrapper, binary(variant), "serve", *map(str, arguments)]
        if http:
            command += ["--http", f"127.0.0.1:{self.http_port}"]
        if https:
            command += ["--https", f"127.0.0.1:{self.https_port}"]
        if workers:
            command += ["--workers", str(workers)]
        self.command = command
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **SERVER_ENV, **(env or {})},
                                            preexec_fn=preexec)
        self.pid = self.process.pid
        ports = [p for p in (self.http_port, self.https_port) if p]
        ready = wait_until(lambda: self.process.poll() is not None or
                           all(listening(p) for p in ports))
        if not ready or self.process.poll() is not None:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not start: {' '.join(command)}\n{self.log()}")

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def counters(self):
        """What the server prints on SIGUSR1."""
        begin = '{"connections_opened"'
        count = self.log().count(begin)
        os.kill(self.pid, signal.SIGUSR1)
        assert wait_until(lambda: self.log().count(begin) > count and self.log().endswith("}\n"))
        return json.loads(self.log()[self.log().rindex(begin):].splitlines()[0])

    def url(self, path="/", secure=False):
        scheme, port = ("https", self.https_port) if secure else ("http", self.http_port)
        return f"{scheme}://127.0.0.1:{port}{path}"

    def client(self, secure=False, **more):
        return Client(self.https_port if secure else self.http_port, secure, **more)

    def raw(self, secure=False, **more):
        return RawClient(self.https_port if secure else self.http_port, secure, **more)

    def get(self, path, secure=False, **more):
        """Makes one request on a new connection."""
        client = self.client(secure)
        try:
            return client.fetch(path, **more)
        finally:
            client.close()

    def alive(self):
        """Asserts that the same process still runs and answers."""
        assert self.process.poll() is None, f"the server ended: {self.log()}"
        if self.http_port:
            assert self.get("/").status < 500
        return True

    def memory_bytes(self):
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait(self, seconds=PATIENCE_SECONDS):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running after {seconds} s:\n{self.log()}")

    def check(self, status):
        log = self.log()
        for words in SANITIZER_WORDS:
            assert words not in log, log
        assert status == 0, f"exit status {status}:\n{log}"

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.check(self.wait())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.stop()
            return
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        print(self.log())


def run(*arguments, variant=None, env=None, preexec=None, seconds=PATIENCE_SECONDS):
    """Runs `weir ARGUMENTS`, which must end by itself. Returns (status, stdout, stderr)."""
    done = subprocess.run([binary(variant), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=seconds, preexec_fn=preexec,
                          env={**os.environ, **(env or {})})
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    for words in SANITIZER_WORDS:
        assert words not in err, err
    return done.returncode, out, err


def tool(*command, seconds=PATIENCE_SECONDS, **more):
    """Runs another program and returns its output as bytes. Fails if the program fails."""
    done = subprocess.run([str(c) for c in command], stdin=more.pop("stdin", subprocess.DEVNULL),
                          capture_output=True, timeout=seconds, **more)
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


# ---- connections ---------------------------------------------------------------------------------


def connect(port, secure=False, alpn=("h2",), receive_bytes=None, tls_max=None, session=None,
            context=None, source=None):
    """A connected socket. With TLS, certificates are not verified."""
    plain = socket.socket()
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    plain.settimeout(PATIENCE_SECONDS)
    if source:
        plain.bind((source, 0))
    plain.connect(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not secure:
        return plain
    if context is None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if tls_max:
            context.maximum_version = tls_max
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


class Response:
    def __init__(self):
        self.status = None
        self.fields = []
        self.body = bytearray()
        self.trailers = None
        self.ended = False
        self.error_code = None

    def field(self, name):
        values = [value for n, value in self.fields if n == name]
        assert len(values) < 2, f"{name} more than once: {values}"
        return values[0] if values else None


class Client:
    """A blocking client based on python3-h2."""

    def __init__(self, port, secure=False, window_bytes=1 << 20, **how):
        self.socket = connect(port, secure, **how)
        self.authority = f"localhost:{port}"
        self.scheme = "https" if secure else "http"
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8",
                                           validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.ENABLE_PUSH: 0,
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window_bytes,
            h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 16,
        })
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.responses = {}
        self.piece_bytes = 0  # most that python3-h2 gets at once; 0: all that arrives
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def request(self, path, method="GET", fields=(), end=True):
        stream = self.h2.get_next_available_stream_id()
        self.responses[stream] = Response()
        self.h2.send_headers(stream, [(":method", method), (":scheme", self.scheme),
                                      (":authority", self.authority), (":path", path), *fields],
                             end_stream=end)
        self.flush()
        return stream

    def send_body(self, stream, body):
        """Sends all of `body` within the server's windows, receiving in between."""
        view = memoryview(body)
        while len(view):
            room = min(self.h2.local_flow_control_window(stream),
                       self.h2.max_outbound_frame_size, len(view))
            if room <= 0:
                self.turn()
                continue
            self.h2.send_data(stream, bytes(view[:room]))
            view = view[room:]
            self.flush()
        self.h2.end_stream(stream)
        self.flush()

    def turn(self):
        """Receives once."""
        data = self.socket.recv(1 << 18)
        assert data, "the server closed the connection"
        # python3-h2 applies new limits on frames only from its next call on. So piece_bytes can keep an
        # acknowledgement and the frame header behind it, nine bytes each, out of the same call.
        piece = self.piece_bytes or len(data)
        for at in range(0, len(data), piece):
            for event in self.h2.receive_data(data[at:at + piece]):
                self.event(event)
        self.flush()

    def event(self, event):
        response = self.responses.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            response.status = int(dict(event.headers)[":status"])
            response.fields = [(n, v) for n, v in event.headers if not n.startswith(":")]
        elif isinstance(event, h2.events.DataReceived):
            response.body += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            response.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            response.ended = True
        elif isinstance(event, h2.events.StreamReset):
            response.error_code = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            raise ConnectionError(f"GOAWAY {event.error_code} {event.additional_data}")

    def wait(self, *streams):
        """Receives until all `streams` have ended."""
        def over(stream):
            response = self.responses[stream]
            return response.ended or response.error_code is not None
        while not all(over(s) for s in streams):
            self.turn()
        return [self.responses[s] for s in streams]

    def fetch(self, path, method="GET", fields=(), body=None):
        stream = self.request(path, method, fields, end=body is None)
        if body is not None:
            self.send_body(stream, body)
        return self.wait(stream)[0]

    def close(self):
        self.socket.close()


class RawClient:
    """Raw frames: sends only what a test asks for, and keeps everything received, in order. Acknowledges
    SETTINGS, unless `quiet`."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def __init__(self, port, secure=False, settings=None, quiet=False, **how):
        self.socket = connect(port, secure, **how)
        self.authority = f"localhost:{port}".encode()
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.buffer = b""
        self.quiet = quiet
        self.frames = []
        self.headers = {}  # stream: list of header lists
        self.bodies = {}
        self.closed = False
        frame = hyperframe.frame.SettingsFrame(0, settings=settings or {})
        self.send(self.PREFACE + frame.serialize())

    def send(self, data):
        self.socket.sendall(data)

    def frame(self, name, stream=0, **fields):
        flags = fields.pop("flags", [])
        self.send(getattr(hyperframe.frame, name + "Frame")(stream, flags=flags, **fields)
                  .serialize())

    def request(self, stream, path, method="GET", fields=(), end=True):
        block = self.encoder.encode([(":method", method), (":scheme", "http"),
                                     (":authority", self.authority), (":path", path), *fields])
        self.frame("Headers", stream, data=block,
                   flags=["END_HEADERS"] + (["END_STREAM"] if end else []))

    def take(self):
        """The next frame, or None if the server has closed."""
        while True:
            if len(self.buffer) >= 9:
                frame, length = hyperframe.frame.Frame.parse_frame_header(
                    memoryview(self.buffer[:9]))
                if len(self.buffer) >= 9 + length:
                    frame.parse_body(memoryview(self.buffer[9:9 + length]))
                    self.buffer = self.buffer[9 + length:]
                    self.keep(frame)
                    return frame
            try:
                data = self.socket.recv(1 << 16)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                self.closed = True
                return None
            self.buffer += data

    def keep(self, frame):
        self.frames.append(frame)
        kind = type(frame).__name__
        if kind == "HeadersFrame":
            assert "END_HEADERS" in frame.flags
            self.headers.setdefault(frame.stream_id, []).append(self.decoder.decode(frame.data))
        elif kind == "DataFrame":
            self.bodies[frame.stream_id] = self.bodies.get(frame.stream_id, b"") + frame.data
        elif kind == "SettingsFrame" and "ACK" not in frame.flags and not self.quiet:
            self.frame("Settings", flags=["ACK"])

    def take_until(self, condition):
        """Takes frames until one fulfils the condition. None if the server closes first."""
        while True:
            frame = self.take()
            if frame is None or condition(frame):
                return frame

    def take_kind(self, name, stream=None):
        return self.take_until(lambda f: type(f).__name__ == name + "Frame" and
                               (stream is None or f.stream_id == stream))

    def take_end(self, stream):
        return self.take_until(lambda f: f.stream_id == stream and
                               ("END_STREAM" in f.flags or
                                type(f).__name__ == "RstStreamFrame"))

    def status(self, stream):
        return dict(self.headers[stream][-1])[":status"]

    def kinds(self):
        return [type(f).__name__[:-5] for f in self.frames]

    def close(self):
        self.socket.close()
