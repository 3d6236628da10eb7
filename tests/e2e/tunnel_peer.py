"""A client of `weir tunnel` that is none of weir's code: SPDY/3.1 frames and zlib by Python, in an upgraded connection or in
WebSocket messages; and the program itself."""
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import zlib

import harness
import ws_peer

DICTIONARY = open(os.path.join(harness.ROOT, "tests/vectors/spdy/dictionary.bin"), "rb").read()
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 1
PROTOCOL_ERROR, UNSUPPORTED_VERSION, CANCEL = 1, 4, 5
FORWARD = "/api/v1/namespaces/default/pods/web/portforward"
WINDOW_BYTES = 1 << 30


class Gone(Exception):
    """The server has closed the connection."""


class Stream:
    def __init__(self):
        self.accepted = self.ended = False
        self.data, self.status = bytearray(), None  # status: of RST_STREAM

    def over(self):
        return self.ended or self.status is not None


class Session:
    """The client's end. read() and write() carry its bytes."""

    def __init__(self, read, write, hang_up):
        self.read_some, self.write, self.hang_up = read, write, hang_up
        self.buffer = b""
        self.deflate = zlib.compressobj(zdict=DICTIONARY)
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)
        self.streams, self.next_id = {}, 1
        self.pings, self.goaway, self.settings = [], None, {}
        self.windows = True  # WINDOW_UPDATE is sent for all that comes

    # ---- sending

    def frame(self, kind, payload, flags=0, version=3):
        self.write(struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(payload)) + payload)

    def block(self, fields):
        text = struct.pack(">I", len(fields))
        for name, value in fields.items():
            text += struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(value)) + value.encode()
        return self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)

    def open(self, fields, fin=False, stream_id=None):
        """Opens a stream; returns its identifier."""
        if stream_id is None:
            stream_id = self.next_id
        self.next_id = max(self.next_id, stream_id + 2)
        self.streams[stream_id] = Stream()
        payload = struct.pack(">IIH", stream_id, 0, 0) + self.block(fields)
        self.frame(SYN_STREAM, payload, FIN if fin else 0)
        return stream_id

    def open_one(self, kind, port, request=None, **how):
        """An error stream, which ends at once as kubectl's does, or a data stream."""
        fields = {"streamtype": kind, "port": str(port)}
        if request is not None:
            fields["requestid"] = request
        return self.open(fields, fin=kind == "error", **how)

    def open_pair(self, port, request=None):
        """(error stream, data stream), both accepted."""
        error, data = (self.open_one(kind, port, request) for kind in ("error", "data"))
        self.until(lambda: self[error].accepted and self[data].accepted)
        return error, data

    def data(self, stream_id, content, fin=False):
        self.write(struct.pack(">II", stream_id, (FIN if fin else 0) << 24 | len(content)) + content)

    def reset(self, stream_id, status=CANCEL):
        self.frame(RST_STREAM, struct.pack(">II", stream_id, status))

    # ---- receiving

    def __getitem__(self, stream_id):
        return self.streams[stream_id]

    def take(self, count):
        while len(self.buffer) < count:
            piece = self.read_some()
            if not piece:
                raise Gone
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self):
        """Reads a frame, and notes what it says."""
        first, second = struct.unpack(">II", self.take(8))
        flags, payload = second >> 24, self.take(second & 0xffffff)
        if first < 0x80000000:
            self.got_data(first, payload, flags)
        else:
            self.got_control(first & 0xffff, payload, flags)

    def got_data(self, stream_id, content, flags):
        stream = self[stream_id]
        assert stream.accepted and not stream.ended
        stream.data += content
        stream.ended = bool(flags & FIN)
        if self.windows and content:
            for each in (stream_id, 0):
                self.frame(WINDOW_UPDATE, struct.pack(">II", each, len(content)))

    def got_control(self, kind, payload, flags):
        if kind == SYN_REPLY:
            stream_id = struct.unpack(">I", payload[:4])[0]
            self.inflate.decompress(payload[4:])
            assert not self[stream_id].accepted
            self[stream_id].accepted = True
            self[stream_id].ended = bool(flags & FIN)
        elif kind == RST_STREAM:
            stream_id, status = struct.unpack(">II", payload)
            if stream_id in self.streams:
                self[stream_id].status = status
        elif kind == SETTINGS:
            for at in range(4, len(payload), 8):
                number, value = struct.unpack(">II", payload[at:at + 8])
                self.settings[number & 0xffffff] = value
        elif kind == PING:
            number, = struct.unpack(">I", payload)
            if number % 2:
                self.pings.append(number)
            else:
                self.frame(PING, payload)
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload)[1]

    def until(self, condition):
        while not condition():
            self.read()

    def until_over(self, *stream_ids):
        self.until(lambda: all(self[each].over() for each in stream_ids))

    def until_gone(self):
        try:
            while True:
                self.read()
        except (Gone, ConnectionError, ssl.SSLError):
            pass

    def close(self):
        self.hang_up()


# ---- carriers ------------------------------------------------------------------------------------


def connect(port, context=None):
    sock = socket.create_connection(("127.0.0.1", port), harness.PATIENCE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(sock, server_hostname="localhost") if context else sock


class Answer:
    """A response. What follows a 101 is the reader's."""

    def __init__(self, reader):
        self.reader = reader
        self.status = int(reader.readline().split()[1])
        self.headers = http.client.parse_headers(reader)

    def read(self):
        return self.reader.read(int(self.headers["content-length"]))


def ask(sock, method, path, fields):
    """Sends a request; returns the answer."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"] + [f"{name}: {value}" for name, value in fields.items()]
    sock.sendall("\r\n".join(lines + ["", ""]).encode())
    return Answer(sock.makefile("rb"))


def request(port, path, method="GET", context=None, **fields):
    """(status, fields, content) of an ordinary request."""
    with contextlib.closing(connect(port, context)) as sock:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        answer = ask(sock, method, path, {**named, "Connection": "close"})
        return answer.status, answer.headers, answer.read()


def document(port, path, **how):
    status, _, content = request(port, path, **how)
    return status, json.loads(content)


def bare(port, path=FORWARD, context=None, **fields):
    """A session by POST, or the answer that refuses it."""
    sock = connect(port, context)
    more = {name.replace("_", "-"): value for name, value in fields.items()}
    answer = ask(sock, "POST", path, {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "Content-Length": "0",
                                      "X-Stream-Protocol-Version": "portforward.k8s.io", **more})
    if answer.status != 101:
        return answer
    assert answer.headers["upgrade"].lower() == "spdy/3.1"
    assert answer.headers["x-stream-protocol-version"] == "portforward.k8s.io"
    reader = answer.reader
    return Session(lambda: reader.read1(1 << 16), sock.sendall, lambda: (reader.close(), sock.close()))


class Socket(ws_peer.Peer):
    """Messages of a WebSocket."""

    def __init__(self, sock, reader):
        super().__init__()
        self.sock, self.reader, self.code = sock, reader, None

    def more(self):
        return self.reader.read1(1 << 16)

    def write(self, data):
        self.sock.sendall(data)

    def read_message(self):
        """The payload of the next message; b"" at the close frame, whose code is kept."""
        first, payload = self.take()
        if first & 15 == ws_peer.CLOSE:
            self.code, = struct.unpack(">H", payload[:2])
            return b""
        assert first & 15 in (ws_peer.BINARY, ws_peer.CONTINUATION)
        return payload or self.read_message()


def websocket(port, path=FORWARD, protocol="SPDY/3.1+portforward.k8s.io", context=None, **fields):
    """A session in a WebSocket, or the answer that refuses it."""
    sock = connect(port, context)
    more = {name.replace("_", "-"): value for name, value in fields.items()}
    wish = {"Sec-WebSocket-Protocol": protocol} if protocol else {}
    answer = ask(sock, "GET", path, {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                                     "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **wish, **more})
    if answer.status != 101:
        return answer
    assert answer.headers["sec-websocket-protocol"] == protocol
    frames = Socket(sock, answer.reader)
    session = Session(frames.read_message, lambda data: frames.send(ws_peer.BINARY, data),
                      lambda: (frames.reader.close(), sock.close()))
    session.frames = frames
    return session


CARRIERS = {"POST": bare, "WebSocket": websocket}


# ---- the program ---------------------------------------------------------------------------------


class Tunnel:
    """`weir tunnel` on a port of its own, with the pod web on this machine unless pods are given."""

    def __init__(self, folder, *arguments, pods=("web=127.0.0.1",)):
        self.port = harness.free_port()
        self.log_path = os.path.join(str(folder), f"tunnel-{self.port}.log")
        words = [word for pod in pods for word in ("--pod", pod)]
        command = [harness.binary(), "tunnel", "--listen", f"127.0.0.1:{self.port}", "--workers", "1", *words,
                   *map(str, arguments)]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ready = harness.wait_until(lambda: self.process.poll() is not None or harness.listening(self.port))
        assert ready and self.process.poll() is None, self.log()

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def says(self, text):
        assert harness.wait_until(lambda: text in self.log()), f"not said: {text}\n{self.log()}"

    def memory_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        alive = self.process.poll() is None
        if alive:
            self.process.send_signal(signal.SIGTERM if kind is None else signal.SIGKILL)
        status = self.process.wait(harness.PATIENCE_SECONDS)
        if kind is not None:
            print(self.log())
            return
        for words in harness.SANITIZER_WORDS:
            assert words not in self.log(), self.log()
        assert alive and status == 0, f"exit status {status}\n{self.log()}"
