"""An independent WebSocket client: raw frames over HTTP/1.1, with or without TLS, or over HTTP/2."""
import base64
import hashlib
import os
import socket
import struct

import harness

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def encode(opcode, payload=b"", fin=True, rsv1=False, mask=b"\x37\xfa\x21\x3d"):
    """A frame; `mask` None: without one."""
    first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head = struct.pack(">BB", first, bit | len(payload))
    elif len(payload) < 65536:
        head = struct.pack(">BBH", first, bit | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, bit | 127, len(payload))
    if not mask:
        return head + payload
    pattern = (mask * (len(payload) // 4 + 1))[:len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return head + mask + masked.to_bytes(len(payload), "big")


class Peer:
    """Frames, on a carrier that has write() and more(), which returns b"" at the end."""

    def __init__(self):
        self.buffer = b""

    def read(self, count):
        while len(self.buffer) < count:
            data = self.more()
            assert data, f"the server ended the stream: {self.buffer!r}"
            self.buffer += data
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def ended(self):
        """Whether nothing but the end follows."""
        return not self.buffer and not self.more()

    def send(self, opcode, payload=b"", **how):
        self.write(encode(opcode, payload, **how))

    def take(self):
        """(first octet, payload) of the next frame, which must not be masked."""
        first, length = self.read(2)
        assert length < 128
        if length == 126:
            length, = struct.unpack(">H", self.read(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.read(8))
        return first, self.read(length)

    def take_message(self):
        """(opcode, payload) of the next message."""
        first, payload = self.take()
        opcode = first & 15
        while not first & 0x80:
            first, more = self.take()
            assert first & 15 == CONTINUATION
            payload += more
        return opcode, payload

    def take_close(self):
        """The code of a close frame, after which the stream must end."""
        first, payload = self.take()
        assert first == 0x80 | CLOSE, (first, payload)
        assert self.ended()
        return struct.unpack(">H", payload[:2])[0] if payload else None


class Http1(Peer):
    def __init__(self, port, secure=False, path="/ws", fields="", early=b"", receive_bytes=None):
        super().__init__()
        self.socket = harness.connect(port, secure, alpn=("http/1.1",), receive_bytes=receive_bytes)
        key = base64.b64encode(os.urandom(16))
        self.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n".encode() + early)
        while b"\r\n\r\n" not in self.buffer:
            data = self.more()
            assert data, self.buffer
            self.buffer += data
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
            assert f"sec-websocket-accept: {accept}".lower() in head.decode().lower()

    def write(self, data):
        self.socket.sendall(data)

    def more(self):
        try:
            return self.socket.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def close(self):
        self.socket.close()


class Http2(Peer):
    """One stream of a connection, which may carry several. Only one of them reads at a time."""

    def __init__(self, raw, stream=1, path="/ws", fields=()):
        super().__init__()
        self.raw, self.stream, self.over = raw, stream, False
        self.credit, self.connection_credit, self.incoming = 65535, 65535, b""
        if stream == 1:
            settings = None
            while settings is None:
                frame = raw.take_kind("Settings")
                settings = None if "ACK" in frame.flags else frame.settings
            assert settings.get(8) == 1, "no ENABLE_CONNECT_PROTOCOL"
            assert settings.get(4, 65535) == 65535
        block = raw.encoder.encode(
            [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
             (":authority", raw.authority), (":path", path), ("sec-websocket-version", "13"), *fields])
        raw.frame("Headers", stream, data=block, flags=["END_HEADERS"])
        self.read_frames(lambda f: type(f).__name__ == "HeadersFrame" and f.stream_id == stream)
        self.status = int(raw.status(stream))

    def read_frames(self, condition):
        """Takes frames until one of this stream, or of the connection, fulfils the condition."""
        while not self.over:
            frame = self.raw.take_until(lambda f: f.stream_id in (0, self.stream))
            kind = type(frame).__name__
            if kind == "DataFrame":
                self.incoming += frame.data
                for stream in (0, self.stream) if frame.data else ():
                    self.raw.frame("WindowUpdate", stream, window_increment=len(frame.data))
            elif kind == "WindowUpdateFrame":
                self.credit += frame.window_increment if frame.stream_id else 0
                self.connection_credit += frame.window_increment if not frame.stream_id else 0
            broken = kind == "RstStreamFrame" or (kind == "GoAwayFrame" and frame.error_code)
            self.over = frame is None or broken or (
                frame.stream_id == self.stream and "END_STREAM" in frame.flags)
            if condition(frame):
                return

    def write(self, data):
        while data and not self.over:
            room = min(self.credit, self.connection_credit, 16384, len(data))
            if room == 0:
                self.read_frames(lambda f: type(f).__name__ == "WindowUpdateFrame")
                continue
            self.raw.frame("Data", self.stream, data=data[:room])
            self.credit -= room
            self.connection_credit -= room
            data = data[room:]

    def more(self):
        if not self.incoming:
            self.read_frames(lambda f: self.incoming)
        taken, self.incoming = self.incoming, b""
        return taken

    def close(self):
        self.raw.close()
