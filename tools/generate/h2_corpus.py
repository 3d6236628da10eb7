#!/usr/bin/python3
"""Writes the seeds for tests/fuzz/h2_server.c and tests/fuzz/h2_client.c, and their dictionary.

    tools/generate/h2_corpus.py [tests/corpus]

A seed is 8 bytes of choices (see those files), then frames. Header fields are static indexes or literals without
Huffman coding, so that mutations stay meaningful.
"""
import os
import struct
import sys

DATA, HEADERS, PRIORITY, RST, SETTINGS, PROMISE, PING, GOAWAY, UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return bytes([0x00, len(name)]) + name + bytes([len(value)]) + value


def indexed_literal(index, value):
    return bytes([0x40 | index, len(value)]) + value


def request(path=b"/", method=0x82, extra=b""):
    """GET is 0x82, POST 0x83; scheme http; authority a."""
    return bytes([method, 0x86]) + indexed_literal(1, b"a") + indexed_literal(4, path) + extra


def get(stream, path):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, request(path))


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", i, v) for i, v in pairs))


def word(value):
    return struct.pack(">I", value)


def server_seeds():
    yield "get", get(1, b"/")
    yield "kinds", b"".join(get(1 + 2 * i, b"/" + k) for i, k in enumerate(
        [b"b", b"w", b"l", b"p", b"i", b"t", b"x", b"r", b"c", b"4", b"n"]))
    yield "post", (frame(HEADERS, END_HEADERS, 1, request(b"/c", 0x83, indexed_literal(28, b"9"))) +
                   frame(DATA, 0, 1, b"12345") + frame(DATA, END_STREAM, 1, b"6789"))
    yield "padded", (frame(HEADERS, END_HEADERS | PADDED, 1, b"\x02" + request(b"/s", 0x83) + b"\0\0") +
                     frame(DATA, PADDED | END_STREAM, 1, b"\x03abc\0\0\0"))
    yield "trailers", (frame(HEADERS, END_HEADERS, 1, request(b"/s", 0x83)) + frame(DATA, 0, 1, b"x") +
                       frame(HEADERS, END_STREAM | END_HEADERS, 1, literal(b"x-sum", b"1")))
    block = request(b"/s", 0x82, literal(b"x-long", b"y" * 100))
    yield "continuation", (frame(HEADERS, END_STREAM, 1, block[:9]) + frame(CONTINUATION, 0, 1, block[9:40]) +
                           frame(CONTINUATION, END_HEADERS, 1, block[40:]))
    yield "windows", (settings((4, 10), (5, 20000), (1, 0)) + get(1, b"/b") + frame(UPDATE, 0, 1, word(5000)) +
                      settings((4, 0)) + frame(UPDATE, 0, 0, word(100)) + settings((4, 70000), (1, 4096)) +
                      frame(UPDATE, 0, 1, word(100)))
    yield "overflow", get(1, b"/b") + frame(UPDATE, 0, 1, word(0x7fffffff)) + frame(UPDATE, 0, 0, word(0x7fffffff))
    yield "resets", b"".join(get(1 + 2 * i, b"/b") + frame(RST, 0, 1 + 2 * i, word(8)) for i in range(8))
    yield "control", (frame(PING, 0, 0, b"12345678") + settings((3, 100)) + frame(0x42, 7, 9, b"zz") +
                      frame(GOAWAY, 0, 0, word(0) + word(0) + b"bye"))
    yield "priorities", (frame(PRIORITY, 0, 3, word(0x80000000) + b"\x10") +
                         frame(HEADERS, END_STREAM | END_HEADERS | HAS_PRIORITY, 5, word(3) + b"\x20" + request(b"/b")) +
                         frame(PRIORITY_UPDATE, 0, 0, word(5) + b"u=1, i") + frame(PRIORITY, 0, 5, word(5) + b"\1"))
    yield "connect", (frame(HEADERS, END_HEADERS, 1, b"\x02\x07CONNECT" + indexed_literal(1, b"a:1")) +
                      frame(DATA, 0, 1, b"tunnel") + frame(DATA, END_STREAM, 1))
    yield "websocket", frame(HEADERS, END_HEADERS, 1, request(b"/s", 0x82)[1:] + b"\x02\x07CONNECT" +
                             literal(b":protocol", b"websocket"))
    yield "cookies", frame(HEADERS, END_STREAM | END_HEADERS, 1,
                           request(b"/s", 0x82, indexed_literal(32, b"a=1") + indexed_literal(32, b"b=2")))
    yield "empty-data", frame(HEADERS, END_HEADERS, 1, request(b"/s", 0x83)) + frame(DATA, 0, 1) * 12
    yield "malformed", (frame(HEADERS, END_STREAM | END_HEADERS, 1, request(b"/s", 0x82, literal(b"Upper", b"1"))) +
                        frame(HEADERS, END_STREAM | END_HEADERS, 3, b"\x82\x82") +
                        frame(HEADERS, END_STREAM | END_HEADERS, 5, request(b"/s", 0x82, literal(b"te", b"gzip"))))
    yield "large-list", frame(HEADERS, END_STREAM | END_HEADERS, 1,
                              request(b"/s", 0x82, literal(b"x-a", b"z" * 120) * 60))


def raw_server_seeds():
    yield "raw-preface", PREFACE + settings() + get(1, b"/")
    yield "raw-http1", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    yield "raw-noise", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\n" * 8


def response(stream, status=0x88, extra=b"", flags=END_HEADERS):
    return frame(HEADERS, flags, stream, bytes([status]) + extra)


def client_seeds():
    yield "ok", response(1) + frame(DATA, END_STREAM, 1, b"hello") + response(3, flags=5) + response(5, flags=5)
    yield "informational", response(1, 0x08, b"\x03103") + response(1, flags=5)
    yield "trailers", response(1) + frame(DATA, 0, 1, b"x") + frame(HEADERS, 5, 1, literal(b"x-sum", b"1"))
    yield "push", (frame(PROMISE, END_HEADERS, 1, word(2) + request(b"/b")) + response(1, flags=5) + response(2) +
                   frame(DATA, END_STREAM, 2, b"pushed") + frame(PROMISE, END_HEADERS, 3, word(4) + request(b"/r")))
    yield "early", response(3) + frame(DATA, END_STREAM, 3, b"no more") + frame(RST, 0, 3, word(0))
    yield "length", response(1, 0x88, indexed_literal(28, b"5")) + frame(DATA, END_STREAM, 1, b"hell")
    yield "head", response(5, 0x88, indexed_literal(28, b"5"), 5) + response(7) + response(9, 0x8d, flags=5)
    yield "windows", (settings((4, 100), (3, 2), (1, 0)) + frame(UPDATE, 0, 3, word(50)) + settings((4, 65535)) +
                      frame(UPDATE, 0, 0, word(9)) + response(3, flags=5))
    yield "goaway", (frame(GOAWAY, 0, 0, word(0x7fffffff) + word(0)) + response(1, flags=5) +
                     frame(GOAWAY, 0, 0, word(5) + word(0) + b"done") + response(5, flags=5))
    yield "tunnel", response(9) + frame(DATA, 0, 9, b"down") + frame(DATA, END_STREAM, 9)
    yield "continuation", frame(HEADERS, 1, 1, b"\x88") + frame(CONTINUATION, 4, 1, literal(b"x-y", b"z"))
    yield "resets", b"".join(frame(RST, 0, s, word(s)) for s in (1, 3, 5, 7, 9, 11, 13))
    yield "control", frame(PING, 0, 0, b"12345678") + frame(PING, 1, 0, b"flowctl\0") + frame(0x42, 0, 0, b"z")
    yield "unopened", response(1, flags=5) + response(3, flags=5) + response(15, flags=5) + response(17, flags=5)
    yield "reset-at-end", response(7, flags=5) + response(1, flags=5)
    yield "malformed", response(1, 0x88, literal(b"connection", b"close")) + frame(HEADERS, 5, 3, b"\x88\x88")


def write(folder, name, choices, wire):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(choices).ljust(8, b"\x11") + wire)


def dictionary():
    yield "preface", PREFACE
    for kind in list(range(11)) + [PRIORITY_UPDATE]:
        yield f"type_{kind}", bytes([0, 0, 8, kind, 0, 0, 0, 0, 1])
    for path in b"bwlpitxrcn4":
        yield f"path_{chr(path)}", bytes([0x44, 2, 0x2f, path])
    for name in [b":method", b":path", b":status", b":protocol", b"content-length", b"te", b"cookie", b"priority",
                 b"connection", b"host", b"expect", b"trailer"]:
        yield name.strip(b":").decode().replace("-", "_"), bytes([0, len(name)]) + name
    for value in [0, 1, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]:
        yield f"word_{value:x}", word(value)
    for octet in [0x3f, 0x20, 0x82, 0x88, 0xbe, 0xbf, 0x7f]:
        yield f"octet_{octet:x}", bytes([octet])


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "tests/corpus"
    for name, wire in server_seeds():
        write(os.path.join(root, "h2_server"), name, [0, 16], wire)
    for name, wire in raw_server_seeds():
        write(os.path.join(root, "h2_server"), name, [0, 23], wire)
    for name, wire in client_seeds():
        write(os.path.join(root, "h2_client"), name, [0, 1], wire)
    with open(os.path.join(root, "h2.dict"), "w", encoding="ascii") as file:
        file.write("# Written by tools/generate/h2_corpus.py.\n")
        for name, octets in dictionary():
            file.write(name + '="' + "".join(f"\\x{octet:02x}" for octet in octets) + '"\n')


if __name__ == "__main__":
    main()
