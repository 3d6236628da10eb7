"""Connections that stay open: HTTP/2 clients that made one request each, and what memory they take in the server."""
import socket
import ssl
import struct
import time

import peers
from measure import resident_bytes

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
ACK = END_STREAM = 1
END_HEADERS = 4
ENABLE_PUSH, INITIAL_WINDOW_SIZE = 2, 4
WARM_UP = 200  # connections before those that count: pools and tables have their first size then
# Servers give back what idle connections do not need, some after a second, and their allocators after another few.
SETTLED_SECONDS, SETTLE_SECONDS_MAX, WAITING_SECONDS = 4, 20, 1.5


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 255, kind, flags, stream) + payload


def literal(name_index, value):
    """A field that HPACK adds to the table, with an indexed name."""
    return bytes([0x40 | name_index, len(value)]) + value


def request(path, secure, window):
    """The client's first bytes: preface, SETTINGS, and a GET with the fields of a usual client."""
    settings = struct.pack(">HIHI", ENABLE_PUSH, 0, INITIAL_WINDOW_SIZE, window)
    block = b"\x82" + (b"\x87" if secure else b"\x86") + literal(4, path.encode()) + literal(1, b"localhost") + \
        literal(19, b"*/*") + literal(58, b"weir-bench/1.0")
    return PREFACE + frame(SETTINGS, 0, 0, settings) + frame(HEADERS, END_STREAM | END_HEADERS, 1, block)


def read_frame(reader):
    head = reader.read(9)
    if len(head) < 9:
        raise ConnectionError("the server closed the connection")
    length = head[0] << 16 | head[1] << 8 | head[2]
    reader.read(length)
    return head[3], head[4], struct.unpack(">I", head[5:])[0]


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def open_one(port, path, context, active):
    """A connection whose response has come; with `active`, only its header, because the window is 0."""
    end = socket.create_connection(("127.0.0.1", port), 30)
    if context:
        end = context.wrap_socket(end, server_hostname="localhost")
    end.sendall(request(path, context is not None, 0 if active else 65535))
    with end.makefile("rb") as reader:
        while True:
            kind, flags, stream = read_frame(reader)
            if kind == SETTINGS and not flags & ACK:
                end.sendall(frame(SETTINGS, ACK, 0))
            if stream == 1 and (flags & END_STREAM if not active else kind == HEADERS):
                return end


def settled_bytes(pid):
    """Resident bytes, once they have not become less for a while."""
    least, since = resident_bytes(pid), time.monotonic()
    until = since + SETTLE_SECONDS_MAX
    while since + SETTLED_SECONDS > time.monotonic() < until:
        time.sleep(0.5)
        now = resident_bytes(pid)
        if now < least:
            least, since = now, time.monotonic()
    return least


def waiting_bytes(pid):
    """The same for connections that wait: soon, because weir ends a response that waits for 20 s."""
    time.sleep(WAITING_SECONDS)
    return resident_bytes(pid)


def bytes_each(server, folder, core, secure, count, file_bytes=128, active=False):
    """Resident bytes for each of `count` connections to a fresh server that have made one request."""
    peer = peers.Peer(server, folder, core)
    context = client_context() if secure else None
    port, path, ends = peer.ports["https" if secure else "http"], f"/{file_bytes}.bin", []
    read = waiting_bytes if active else settled_bytes
    try:
        ends = [open_one(port, path, context, active) for _ in range(WARM_UP)]
        before = read(peer.pid)
        ends += [open_one(port, path, context, active) for _ in range(count)]
        return (read(peer.pid) - before) / count
    finally:
        for end in ends:
            end.close()
        peer.stop()
