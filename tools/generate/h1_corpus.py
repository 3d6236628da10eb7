#!/usr/bin/python3
"""Writes the seeds for tests/fuzz/h1_head.c, h1_chunked.c, h1_server.c and h1_client.c, and their dictionary.

    tools/generate/h1_corpus.py [tests/corpus]

A seed is the choices that those files describe, then the bytes of a message or of a body.
"""
import os
import sys

REQUESTS = {
    "curl": b"GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
    "browser": (b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nsec-ch-ua-mobile: ?0\r\n"
                b"Accept-Encoding: gzip, br\r\nCookie: a=1; b=2\r\nIf-None-Match: \"x\"\r\n\r\n"),
    "old": b"\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET /",
    "chunked": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
                b"3;a=\"b\"\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"),
    "absolute": b"GET http://a:80?b HTTP/1.1\r\nHost: A\r\n\r\n",
    "options": b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "websocket": (b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    "h2c": (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"),
    "smuggled": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
}

RESPONSES = {
    "ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: x\r\n\r\nab",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "until-close": b"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n\r\n",
    "switching": b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\0",
    "not-modified": b"HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n",
}

BODIES = {
    "empty": b"0\r\n\r\n",
    "chunks": b"3\r\nabc\r\nA\r\n0123456789\r\n00\r\n\r\nGET",
    "extensions": b"1;a;b=c;d=\"e\\\"f\"\r\nx\r\n0;last\r\n\r\n",
    "trailers": b"1\r\nx\r\n0\r\nX: y\r\n\r\n",
    "one-byte": b"1\r\nx\r\n" * 20,
    "large": b"7fffffffffffffff\r\nx",
    "bare-lf": b"1\nx\r\n0\r\n\r\n",
}



def get(path, more=b""):
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n"


CONNECTIONS = {
    "kinds": b"".join(get(b"/" + bytes([kind])) for kind in b"sblit43cxrn"),
    "pipelined": get(b"/b") * 3 + get(b"/s", b"Connection: close\r\n") + get(b"/4"),
    "old": b"GET /b HTTP/1.0\r\n\r\n",
    "old-kept": b"GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2,
    "head": get(b"/s").replace(b"GET", b"HEAD") + get(b"/b").replace(b"GET", b"HEAD") + get(b"/s"),
    "post": b"POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789" + get(b"/s"),
    "chunked": (b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" +
                get(b"/t")),
    "continue": b"POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx" + get(b"/i"),
    "tunnel": get(b"/w", b"Connection: upgrade\r\nUpgrade: websocket\r\n") + b"\x81\x85abcdhello",
    "h2c": (get(b"/s", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n") +
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"),
    "connect": b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nbytes",
    "one-byte-chunks": b"POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40,
    "smuggled": REQUESTS["smuggled"],
}

WORDS = [
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b": ", b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n", b"HTTP/1.1 200 ", b"HTTP/1.1 304 ", b"Host: a\r\n", b"Content-Length: ", b"Transfer-Encoding: ",
    b"chunked", b"Connection: ", b"close", b"keep-alive", b"Upgrade: ", b"websocket", b"h2c", b"HTTP2-Settings: ",
    b"Expect: 100-continue\r\n", b"TE: trailers\r\n", b"http://", b"https://", b"*", b"?", b"#", b"[::1]", b"0\r\n\r\n",
    b"0\r\n", b";a=\"", b";a", b"\\\"", b"ffffffffffffffff", b"7fffffffffffffff", b"9223372036854775807", b"\0", b"\x7f",
]


def write(folder, name, octets):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(octets)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "tests/corpus"
    for name, wire in REQUESTS.items():
        write(os.path.join(root, "h1_head"), name, b"\0\1" + wire)
    for name, wire in RESPONSES.items():
        write(os.path.join(root, "h1_head"), "response-" + name, b"\1\1" + wire)
    write(os.path.join(root, "h1_head"), "response-to-head", b"\3\1" + RESPONSES["ok"])
    write(os.path.join(root, "h1_head"), "response-to-connect", b"\5\1" + RESPONSES["ok"])
    for name, wire in BODIES.items():
        write(os.path.join(root, "h1_chunked"), name, b"\1" + wire)
    for name, wire in CONNECTIONS.items():
        write(os.path.join(root, "h1_server"), name, b"\0\x11".ljust(8, b"\x11") + wire)
    for name, wire in RESPONSES.items():
        for kind in range(9):
            write(os.path.join(root, "h1_client"), f"{name}-{kind}", bytes([0, 64 + kind]).ljust(8, b"\x11") + wire * 3)
    with open(os.path.join(root, "h1.dict"), "w", encoding="ascii") as file:
        file.write("# Written by tools/generate/h1_corpus.py.\n")
        for word in WORDS:
            file.write('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n')


if __name__ == "__main__":
    main()
