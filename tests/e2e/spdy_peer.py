"""A small SPDY/3.1 client over Python's zlib, for the end-to-end tests: blocks, frames, and what arrived."""
import os
import socket
import struct
import zlib

import harness

DICTIONARY = open(os.path.join(harness.ROOT, "tests/vectors/spdy/dictionary.bin"), "rb").read()
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN, UNIDIRECTIONAL = 1, 2
CANCEL, INVALID_STREAM, REFUSED_STREAM = 5, 2, 3


def control(kind, payload, flags=0, version=3):
    return struct.pack("!HHI", 0x8000 | version, kind, flags << 24 | len(payload)) + payload


def data(stream, payload=b"", flags=0):
    return struct.pack("!II", stream, flags << 24 | len(payload)) + payload


def window_update(stream, delta):
    return control(WINDOW_UPDATE, struct.pack("!II", stream, delta))


def pairs(fields):
    """The text of a header block."""
    text = struct.pack("!I", len(fields))
    for name, value in fields:
        for part in (name, value):
            part = part if isinstance(part, bytes) else part.encode()
            text += struct.pack("!I", len(part)) + part
    return text


class Spdy:
    """`spdy = Spdy(port)`; then requests, and take() until what is waited for has arrived."""

    def __init__(self, port, secure=False, upgrade=False, credit=True):
        self.credit = credit  # give the server credit for what arrives
        self.socket = harness.connect(port, secure, alpn=("spdy/3.1",))
        if secure:
            assert self.socket.selected_alpn_protocol() == "spdy/3.1"
        self.inbox = b""
        self.deflate = zlib.compressobj(zdict=DICTIONARY)
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)
        self.next = 1
        self.frames = []  # (name of the frame, stream or number, ...)
        self.heads, self.bodies, self.ended, self.resets = {}, {}, set(), {}
        self.goaway = None
        self.eof = False
        self.answer = b""
        if upgrade:
            self.upgrade()

    def upgrade(self):
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
        while b"\r\n\r\n" not in self.inbox:
            self.inbox += self.socket.recv(65536)
        self.answer, _, self.inbox = self.inbox.partition(b"\r\n\r\n")

    def block(self, fields):
        return self.deflate.compress(pairs(fields)) + self.deflate.flush(zlib.Z_SYNC_FLUSH)

    def send(self, frames):
        self.socket.sendall(frames)

    def syn_stream(self, fields, flags=FIN, priority=0, stream=None):
        """The bytes of a SYN_STREAM, and its identifier."""
        stream = stream or self.next
        self.next = stream + 2
        return control(SYN_STREAM, struct.pack("!IIBB", stream, 0, priority << 5, 0) + self.block(fields), flags), stream

    def request(self, path, method="GET", fields=(), flags=FIN, priority=0, host="localhost", scheme="http"):
        frame, stream = self.syn_stream([(":method", method), (":path", path), (":version", "HTTP/1.1"),
                                         (":host", host), (":scheme", scheme), *fields], flags, priority)
        self.send(frame)
        return stream

    # ---- what arrives ----

    def read_block(self, compressed):
        text = self.inflate.decompress(compressed)
        count, at, fields = struct.unpack("!I", text[:4])[0], 4, {}
        for _ in range(count):
            words = []
            for _ in range(2):
                size = struct.unpack("!I", text[at:at + 4])[0]
                words.append(text[at + 4:at + 4 + size].decode())
                at += 4 + size
            fields[words[0]] = words[1]
        assert at == len(text)
        return fields

    def handle(self, word, flags, payload):
        if not word >> 31:
            self.frames.append(("DATA", word, len(payload)))
            self.bodies[word] = self.bodies.get(word, b"") + payload
            if payload and self.credit:
                self.send(window_update(word, len(payload)) + window_update(0, len(payload)))
            if flags & FIN:
                self.ended.add(word)
            return
        assert word >> 16 == 0x8003
        kind, numbers = word & 0xffff, struct.unpack("!I", payload[:4])
        if kind in (SYN_STREAM, SYN_REPLY, HEADERS):
            fields = self.read_block(payload[10 if kind == SYN_STREAM else 4:])
            self.heads.setdefault(numbers[0], {}).update(fields)
            if flags & FIN:
                self.ended.add(numbers[0])
        elif kind == RST_STREAM:
            self.resets[numbers[0]] = struct.unpack("!I", payload[4:])[0]
        elif kind == GOAWAY:
            self.goaway = struct.unpack("!II", payload)
        name = {SYN_STREAM: "SYN_STREAM", SYN_REPLY: "SYN_REPLY", RST_STREAM: "RST_STREAM", SETTINGS: "SETTINGS",
                PING: "PING", GOAWAY: "GOAWAY", HEADERS: "HEADERS", WINDOW_UPDATE: "WINDOW_UPDATE"}[kind]
        if kind == SYN_STREAM:
            numbers += struct.unpack("!I", payload[4:8])
        self.frames.append((name, *numbers))

    def take(self):
        """Handles one frame, or notes the end of the connection."""
        while len(self.inbox) < 8 or len(self.inbox) < 8 + (struct.unpack("!I", self.inbox[4:8])[0] & 0xffffff):
            try:
                more = self.socket.recv(262144)
            except ConnectionResetError:
                more = b""
            if not more:
                self.eof = True
                return
            self.inbox += more
        word, size = struct.unpack("!II", self.inbox[:8])
        end = 8 + (size & 0xffffff)
        payload, self.inbox = self.inbox[8:end], self.inbox[end:]
        self.handle(word, size >> 24, payload)

    def take_until(self, condition):
        while not condition():
            assert not self.eof, self.frames[-20:]
            self.take()

    def take_all(self):
        while not self.eof:
            self.take()

    def fetch(self, path, **how):
        """(fields, body) of one request."""
        stream = self.request(path, **how)
        self.take_until(lambda: stream in self.ended or stream in self.resets)
        return self.heads[stream], self.bodies.get(stream, b"")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
