#!/usr/bin/python3
"""Writes the seeds for tests/fuzz/spdy_frame.c and tests/fuzz/spdy_block.c, and their dictionary.

    tools/generate/spdy_corpus.py [tests/corpus]
"""
import os
import struct
import sys
import zlib

import spdy_dictionary

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN, UNIDIRECTIONAL = 1, 2
DICTIONARY = b"".join(spdy_dictionary.pieces())
REQUEST = [(b":method", b"GET"), (b":path", b"/"), (b":version", b"HTTP/1.1"), (b":host", b"a"),
           (b":scheme", b"http")]
RESPONSE = [(b":status", b"200 OK"), (b":version", b"HTTP/1.1"), (b"content-type", b"text/html")]
FORWARD = [(b"streamtype", b"data"), (b"port", b"80"), (b"requestid", b"0")]


def word(*values):
    return b"".join(struct.pack(">I", value) for value in values)


def control(kind, payload, flags=0, version=3):
    return word(0x80000000 | version << 16 | kind, flags << 24 | len(payload)) + payload


def data(stream, payload, flags=0):
    return word(stream, flags << 24 | len(payload)) + payload


def text(fields):
    return word(len(fields)) + b"".join(word(len(n)) + n + word(len(v)) + v for n, v in fields)


class Compressor:
    """One direction of a session."""

    def __init__(self):
        self.stream = zlib.compressobj(zdict=DICTIONARY)

    def block(self, fields):
        return self.stream.compress(text(fields)) + self.stream.flush(zlib.Z_SYNC_FLUSH)


def syn_stream(stream, block, flags=FIN, associated=0, priority=0):
    return control(SYN_STREAM, word(stream, associated) + bytes([priority << 5, 0]) + block, flags)


def frame_seeds():
    pack = Compressor()
    yield "request", (syn_stream(1, pack.block(REQUEST)) + syn_stream(3, pack.block(REQUEST), 0, 0, 7) +
                      data(3, b"body") + data(3, b"", FIN))
    yield "response", (control(SYN_REPLY, word(1) + pack.block(RESPONSE)) + data(1, b"x" * 40, FIN) +
                       control(HEADERS, word(1) + pack.block([(b"x-sum", b"1")]), FIN))
    yield "push", syn_stream(2, pack.block([(b":scheme", b"http"), (b":host", b"a"), (b":path", b"/s")]),
                             UNIDIRECTIONAL, 1)
    yield "settings", control(SETTINGS, word(3, 4, 100, 0x01000007, 65536, 0x00ffffff, 0), 1)
    yield "control", (control(PING, word(1)) + control(RST_STREAM, word(1, 5)) +
                      control(WINDOW_UPDATE, word(0, 65536)) + control(WINDOW_UPDATE, word(1, 1)) +
                      control(GOAWAY, word(3, 0)))
    yield "unknown", control(10, b"credential") + control(5, b"") + control(0x7fff, b"abc")
    yield "versions", (control(SYN_STREAM, word(1, 0) + bytes(2), 1, 2) + control(PING, word(1), 0, 2))
    yield "settings_lie", control(SETTINGS, word(0xffffffff))
    yield "zero", (control(RST_STREAM, word(0, 1)) + control(WINDOW_UPDATE, word(1, 0)) + data(0, b""))


def piece(payload, is_text):
    """A block of fuzz/spdy_block.c. Its length is a multiple of four there: the last block may be shorter."""
    return bytes([(0x80 if is_text else 0) | min(127, (len(payload) + 3) // 4)]) + payload


def padded(fields):
    """The text with a last name that makes its length a multiple of four."""
    return text(fields + [(b"pad", b"p" * (4 - (len(text(fields)) + 3) % 4))])


def block_seeds():
    yield "request", b"\0" + piece(padded(REQUEST), True) * 2
    yield "response", b"\1" + piece(padded(RESPONSE), True) + piece(padded([(b"x-sum", b"1")]), True)
    yield "forward", b"\7" + piece(padded(FORWARD), True) * 3
    yield "secrets", b"\0" + piece(padded(REQUEST + [(b"cookie", b"a=1\0b=2"), (b"authorization", b"x y")]), True) * 2
    yield "values", b"\3" + piece(text([(b"accept", b"a\0b\0cd"), (b"x", b"")]), True)
    yield "malformed", b"\0" + piece(padded([(b"a", b"\0b"), (b"A", b""), (b"a", b"")]), True)
    yield "lie", b"\0" + piece(word(3, 0xffffffff), True) + piece(padded(FORWARD), True)
    yield "large", b"\0" + piece(word(1, 1) + b"a" + word(400) + b"v" * 400, True)
    yield "wire", b"\5" + piece(Compressor().block(REQUEST), False)
    yield "bomb", b"\0" + piece(Compressor().block([(b"a", b"b" * 20000)]), False)


WORDS = ([bytes([len(n)]) + n for n in (b":method", b":path", b":host", b":status", b"cookie", b"streamtype")] +
         [word(1), word(0x80030001), word(0x80030004), b"\0\0\xff\xff", b"\x78\xbb\xe3\xc6\xa7\xc2"])


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "tests/corpus"
    for target, seeds in (("spdy_frame", frame_seeds()), ("spdy_block", block_seeds())):
        os.makedirs(f"{root}/{target}", exist_ok=True)
        for name, seed in seeds:
            with open(f"{root}/{target}/{name}", "wb") as file:
                file.write(seed)
    with open(f"{root}/spdy.dict", "w", encoding="ascii") as file:
        for entry in WORDS:
            file.write('"' + "".join(f"\\x{octet:02x}" for octet in entry) + '"\n')


if __name__ == "__main__":
    main()
