#!/usr/bin/python3
"""Both ends of a forwarded connection: an HTTP/1.1 server that a port is forwarded to, and requests to the local port.
Bodies are a long pattern, so that a byte that is lost, doubled or moved is noticed.

    forward_ends.py serve ADDRESS PORT            prints "ready"
    forward_ends.py get|put ADDRESS PORT PATH     exit status 0 when the body is right; prints its length

    /bytes/N    N bytes of the pattern           PUT /count     counts a body, and checks that it is the pattern
    /reset/N    N bytes of twice as many, RST    /hang/N        N bytes of more, then nothing
    /hello      "hello"
"""
import random
import socket
import struct
import sys
import threading
import time

# An odd length: no power of two divides the distance between two equal places.
PATTERN = memoryview(random.Random(11).randbytes((1 << 20) + 7))
DOUBLE = memoryview(bytes(PATTERN) * 2)
PIECE = 1 << 18


def pattern(offset, count):
    """`count` bytes (at most PIECE) of the body from `offset` on."""
    start = offset % len(PATTERN)
    return DOUBLE[start:start + count]


def reset(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# ---- the server ------------------------------------------------------------------------------------


class Lost(Exception):
    """The peer closed, or sent something wrong."""


class Reader:
    def __init__(self, connection):
        self.connection, self.buffer = connection, bytearray()

    def head(self):
        """The lines up to an empty one; None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            piece = self.connection.recv(PIECE)
            if not piece:
                return None
            self.buffer += piece
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        return head.decode("latin-1").split("\r\n")

    def body(self, length):
        """Reads a body and compares it with the pattern. Returns the offset of the first byte that differs, or
        `length`."""
        at = 0
        while at < length:
            piece = self.buffer or self.connection.recv(min(PIECE, length - at))
            self.buffer = bytearray()
            if not piece:
                raise Lost(f"closed after {at} of {length} bytes")
            for start in range(0, len(piece), PIECE):
                part = piece[start:start + PIECE]
                if part != pattern(at, len(part)):
                    same = (x == y for x, y in zip(part, pattern(at, len(part))))
                    return at + next(i for i, equal in enumerate(same) if not equal)
                at += len(part)
        return at


def field(lines, name):
    for line in lines[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def send_pattern(connection, count, offset=0):
    while offset < count:
        connection.sendall(pattern(offset, min(PIECE, count - offset)))
        offset += min(PIECE, count - offset)


def answer(connection, body):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def serve_one(connection, reader, lines):
    """Answers a request. False when the connection is gone."""
    method, path, _ = lines[0].split(" ")
    kind, _, number = path[1:].partition("/")
    if method == "PUT":
        length = int(field(lines, "content-length"))
        answer(connection, b"%d" % reader.body(length))
        return True
    if kind == "hello":
        answer(connection, b"hello")
        return True
    count = int(number)
    announced = count if kind == "bytes" else 2 * count + 1
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % announced)
    send_pattern(connection, count)
    if kind == "reset":
        reset(connection)
    elif kind == "hang":
        connection.recv(1)
    return kind == "bytes"


def serve_connection(connection):
    reader = Reader(connection)
    try:
        while lines := reader.head():
            if not serve_one(connection, reader, lines):
                break
    except (OSError, Lost):
        pass
    finally:
        connection.close()


def serve(address, port):
    listener = socket.create_server((address, port), backlog=1024)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_connection, args=(connection,), daemon=True).start()


# ---- requests --------------------------------------------------------------------------------------


def connect(port, address="127.0.0.1", seconds=60):
    connection = socket.create_connection((address, port), seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def begin(port, path, address="127.0.0.1", seconds=60):
    """Sends a request for `path`. Returns the connection."""
    connection = connect(port, address, seconds)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return connection


def get(port, count, address="127.0.0.1", seconds=60):
    """Downloads `count` bytes; Lost when something is wrong with them."""
    with begin(port, f"/bytes/{count}", address, seconds) as connection:
        reader = Reader(connection)
        if not reader.head():
            raise Lost("no answer")
        if reader.body(count) != count:
            raise Lost("the body differs")
    return count


def put(port, count, address="127.0.0.1", seconds=60):
    """Uploads `count` bytes; Lost when the server got something else."""
    with connect(port, address, seconds) as connection:
        connection.sendall(f"PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: {count}\r\n\r\n".encode())
        send_pattern(connection, count)
        reader = Reader(connection)
        lines = reader.head()
        if not lines:
            raise Lost("no answer")
        length = int(field(lines, "content-length"))
        while len(reader.buffer) < length:
            piece = connection.recv(PIECE)
            if not piece:
                raise Lost("closed")
            reader.buffer += piece
        if int(reader.buffer) != count:
            raise Lost(f"the body differs at {int(reader.buffer)}")
    return count


def hello(port, address="127.0.0.1", seconds=60):
    with begin(port, "/hello", address, seconds) as connection:
        received = b""
        while not received.endswith(b"hello"):
            piece = connection.recv(PIECE)
            if not piece:
                raise Lost("closed")
            received += piece


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    began = time.monotonic()
    try:
        kind = put if sys.argv[1] == "put" else get
        print(kind(int(sys.argv[3]), int(sys.argv[4].rpartition("/")[2]), sys.argv[2], 120))
    except (OSError, Lost) as error:
        sys.exit(f"{error} after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
