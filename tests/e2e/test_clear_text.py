"""Clear text on the TLS port: the client is told to use https, and can read the whole answer."""
import socket
import struct
import subprocess

import pytest

import harness

TEXT = b"This port speaks TLS: use https:// and not http:\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with harness.Server(tmp_path_factory.mktemp("clear"), http=False) as running:
        yield running


def exchange(server, *parts):
    """Sends the parts. Returns everything up to the end, which must be orderly."""
    with socket.create_connection(("127.0.0.1", server.https_port), 10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            client.sendall(part)
        got = b""
        while chunk := client.recv(65536):  # a reset raises ConnectionResetError
            got += chunk
        return got


def head_and_body(answer):
    head, body = answer.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request"
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(TEXT) in lines
    return lines, body


@pytest.mark.parametrize("parts", [
    (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",),
    (b"G",),
    (b"OPTIONS * HTTP/1.0\r\n\r\n",),
    (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n", b"x" * 1000000),
    (b"PRO",),
    (b"HEADS",),
], ids=["get", "one byte", "options", "upload", "a beginning", "like head"])
def test_http1(server, parts):
    assert head_and_body(exchange(server, *parts))[1] == TEXT


def test_head(server):
    assert head_and_body(exchange(server, b"HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n"))[1] == b""


def test_curl(server):
    done = subprocess.run(["curl", "-sS", "--http1.1", "-w", "%{http_code}", f"http://127.0.0.1:{server.https_port}/"],
                          capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (0, TEXT + b"400"), done


def test_http2_preface(server):
    """SETTINGS, then GOAWAY with INADEQUATE_SECURITY and the reason as text."""
    answer = exchange(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">HBBBI", 0, 0, 4, 0, 0))
    assert answer[:9] == struct.pack(">HBBBI", 0, 0, 4, 0, 0)
    goaway = answer[9:]
    length, kind = int.from_bytes(goaway[:3], "big"), goaway[3]
    last, code = struct.unpack(">II", goaway[9:17])
    assert (kind, last, code, len(goaway)) == (7, 0, 12, 9 + length)
    assert goaway[17:] == b"this port speaks TLS: use https"


def test_http2_client(server):
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", f"http://127.0.0.1:{server.https_port}/"],
                          capture_output=True, check=False, timeout=30)
    assert done.returncode == 16 and b"HTTP2" in done.stderr, done


@pytest.mark.parametrize("first", [b"220 mail.example.org ESMTP\r\n", b"\x00", b"\x80\x2e\x01\x03\x01"],
                         ids=["smtp", "zero", "ssl2"])
def test_neither(server, first):
    """Anything else gets TLS's own refusal: alert, fatal, unexpected_message."""
    assert exchange(server, first) == bytes([21, 3, 3, 0, 2, 2, 10])
