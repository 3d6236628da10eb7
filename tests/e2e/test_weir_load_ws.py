"""`weir load --ws`: messages and their echoes, against weir and against a server that behaves as told."""
import base64
import hashlib
import re
import struct

import pytest

import harness
import ws_peer
from load_http1_peer import Http1Peer
from load_peer import Peer, kinds, load, measured, reasons

# ---- weir's own echo -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with harness.Server(tmp_path_factory.mktemp("demo")) as server:
        yield server


def echo(server, secure=False, path="/ws"):
    return re.sub("^http", "ws", server.url(path, secure))


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("version", [(), ("--h2",)], ids=["http1", "http2"])
@pytest.mark.parametrize("count, shape, least, most", [
    (400, ("-m", 1), 64, 64), (400, ("-m", 7, "--message-bytes", "0-300", "--message-text"), 1, 300),
    (40, ("-m", 3, "--message-bytes", 100000), 100000, 100000)], ids=["small", "text", "large"])
def test_every_message_comes_back(demo, secure, version, count, shape, least, most):
    report = measured("--ws", "-k", *version, "-n", count, "-c", 4, *shape, echo(demo, secure))
    assert report["requests"]["succeeded"] == report["latency"]["count"] == count
    assert report["bytes"]["data"] == report["bytes"]["data_sent"]
    assert count * least <= report["bytes"]["data"] <= count * most
    each = count / 4
    assert report["connections"]["requests"] == {"min": each, "mean": each, "max": each}
    assert report["connections"]["opened"] == 4
    assert report["connections"]["ended"] == report["connections"]["failed"] == 0
    assert report["connections"]["reasons"] == [] and report["connections"]["close_codes"] == {}
    assert report["tls"]["alpn"] == ("h2" if version else "http/1.1")


def test_words_and_json_agree(demo):
    out = load("--ws", "-n", 100, "-c", 2, echo(demo))
    assert re.search(r"^100 of 100 messages succeeded in .*/s, p99 ", out, re.M), out
    assert "\nmessages    100 started, 100 succeeded, 0 failed\nconnections 2 opened," in out, out
    assert "\n            messages on each: 50 to 50\nprotocol    WebSocket over HTTP/1.1 in clear" in out, out
    assert re.search(r"^received .*: messages 6\.40KB$", out, re.M), out
    assert "statuses" not in out and "headers" not in out, out


def test_a_rate_and_a_subprotocol(demo):
    report = measured("--ws", "-r", 500, "-n", 200, "-c", 2, "-m", 50, "--subprotocol", "echo", echo(demo))
    assert report["requests"]["succeeded"] == report["since_sent"]["count"] == 200
    assert report["options"]["subprotocol"] == "echo"


def test_messages_per_connection(demo):
    report = measured("--ws", "-n", 100, "-c", 2, "-m", 4, "--requests-per-connection", 10, echo(demo))
    assert report["requests"]["succeeded"] == 100
    assert report["connections"]["opened"] == 10
    assert report["connections"]["ended"] == 0 and report["connections"]["close_codes"] == {}


@pytest.mark.parametrize("version, status", [("--h1", 404), ("--h2", 404)])
def test_no_websocket_at_that_path(demo, version, status):
    report = measured("--ws", version, "-D", 5, "-c", 2, echo(demo, path="/nothing"), expect=1)
    assert reasons(report) == {f"the server answered with status {status}, not with a WebSocket": 2}
    assert report["connections"]["failed"] == 2 and report["duration_ns"] < 3e9


# ---- a server that behaves as told ---------------------------------------------------------------


class Echo(ws_peer.Peer):
    """The server's end on a connection of Http1Peer."""

    def __init__(self, conn):
        super().__init__()
        self.conn = conn
        self.buffer = conn.received

    def more(self):
        return self.conn.socket.recv(65536)

    def send(self, opcode, payload=b"", **how):
        self.conn.send(ws_peer.encode(opcode, payload, mask=None, **how))

    def take(self):
        """(opcode, payload) of the client's next frame."""
        first, length = self.read(2)
        assert length & 0x80 and first & 0x80, "a frame that is not masked, or a fragment"
        length &= 127
        if length >= 126:
            length = int.from_bytes(self.read(2 if length == 126 else 8), "big")
        mask = self.read(4)
        return first & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.read(length)))

    def close(self, code, reason=b""):
        """Sends a close frame, reads the client's, and ends the connection."""
        self.send(ws_peer.CLOSE, struct.pack(">H", code) + reason if code else b"")
        while self.take()[0] != ws_peer.CLOSE:
            pass
        self.conn.close()


def serving(talk, first=b""):
    """A server that opens each WebSocket, and sends `first` with its answer. `talk(peer, end, number, payload)` does with message `number` of it what it
    wants, and returns what to send back, or None when it has ended the WebSocket."""
    def behave(peer, conn):
        key = re.search(rb"sec-websocket-key: (\S+)", conn.request, re.I).group(1)
        accept = base64.b64encode(hashlib.sha1(key + ws_peer.GUID).digest())
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + first)
        end, number = Echo(conn), 0
        while not conn.over:
            opcode, payload = end.take()
            if opcode == ws_peer.CLOSE:
                end.send(ws_peer.CLOSE, payload)
                return conn.close()
            number += 1
            back = talk(peer, end, number, payload)
            if back is not None:
                end.send(opcode, back)
    return Http1Peer(behave)


def url(peer):
    return f"ws://127.0.0.1:{peer.port}/"


def test_echoes_that_differ():
    """Each tenth is not what was sent."""
    def talk(peer, end, number, payload):
        return payload if number % 10 else payload[:-1] + b"!"
    with serving(talk) as peer:
        report = measured("--ws", "-n", 100, "-c", 2, "-m", 5, url(peer))
    assert kinds(report) == {("mismatch", 0): 10}
    assert report["requests"]["succeeded"] == 90
    assert report["connections"]["requests"]["min"] == 50


def test_an_echo_of_another_kind():
    def talk(peer, end, number, payload):
        end.send(ws_peer.TEXT, payload)
    with serving(talk) as peer:
        report = measured("--ws", "-n", 4, url(peer), expect=1)
        assert kinds(report) == {("mismatch", 0): 4}
        assert measured("--ws", "-n", 4, "--message-text", url(peer))["requests"]["succeeded"] == 4


def test_messages_have_numbers():
    """No two messages of a connection are the same, and all of one size but for the number."""
    seen = []
    def talk(peer, end, number, payload):
        seen.append(payload)
        return payload
    with serving(talk) as peer:
        measured("--ws", "-n", 300, "-m", 3, "--message-bytes", 30, url(peer))
    assert len(set(seen)) == 300
    assert {len(payload) for payload in seen} == {30} and len({payload[16:] for payload in seen}) == 1


@pytest.mark.parametrize("code, told, reason, text", [
    (1001, 1001, b"restarting", "the WebSocket was closed (1001): restarting"),
    (4000, 4000, b"", "the WebSocket was closed (4000)"),
    (0, 1005, b"", "the WebSocket was closed (1005)"),
    (999, 1002, b"", "the WebSocket was closed (1002): close code that may not be sent")])
def test_close_codes(code, told, reason, text):
    """The server ends each WebSocket when its fifth message comes. The others are told as they are."""
    def talk(peer, end, number, payload):
        if number < 5:
            return payload
        end.close(code, reason)
    with serving(talk) as peer:
        report = measured("--ws", "-n", 50, "-c", 2, "--message-bytes", 20, url(peer))
    assert kinds(report) == {("unechoed", told): 10}
    assert report["requests"]["succeeded"] == 40
    assert report["connections"]["close_codes"] == {str(told): 10}
    assert report["connections"]["ended"] == 10
    assert reasons(report) == {text: 10}


@pytest.mark.parametrize("reset, kind, text", [
    (False, "closed", "the server ended the WebSocket without a close frame"),
    (True, "lost", "the connection was reset")])
def test_no_close_frame(reset, kind, text):
    def talk(peer, end, number, payload):
        if number < 5:
            return payload
        end.conn.close(reset)
    with serving(talk) as peer:
        report = measured("--ws", "-n", 20, url(peer))
    assert kinds(report) == {(kind, 0): 4}
    assert report["connections"]["close_codes"] == {"1006": 4}
    assert reasons(report) == {text: 4}


def test_a_message_that_is_not_echoed():
    """It times out, and what was sent behind it is lost with the connection."""
    def talk(peer, end, number, payload):
        if number != 5:
            return payload
        end.conn.socket.recv(65536)  # until the client has ended the connection
        while end.more():
            pass
        end.conn.over = True
    with serving(talk) as peer:
        report = measured("--ws", "-n", 20, "-T", "300ms", url(peer))
    assert kinds(report) == {("timeout", 0): 4}
    assert report["requests"]["succeeded"] == 16
    assert reasons(report) == {"ended by weir load: a message had timed out": 4}


def test_pings_are_answered_and_greetings_are_no_echoes():
    def talk(peer, end, number, payload):
        end.send(ws_peer.PING, b"%d" % number)
        assert end.take() == (ws_peer.PONG, b"%d" % number)
        peer.count("pongs")
        return payload
    with serving(talk, ws_peer.encode(ws_peer.TEXT, b"welcome", mask=None)) as peer:
        report = measured("--ws", "-n", 20, url(peer))
        assert peer.counts["pongs"] == 20
    assert report["requests"]["succeeded"] == 20


@pytest.mark.parametrize("answer, text", [
    (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "the server answered with status 503, not with a WebSocket"),
    (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
     "the server's answer is no WebSocket: ")])
def test_bad_answers(answer, text):
    with Http1Peer(lambda peer, conn: conn.send(answer)) as peer:
        report = measured("--ws", "-n", 5, url(peer), expect=1)
    (told, count), = reasons(report).items()
    assert told.startswith(text) and count == report["connections"]["failed"]
    assert kinds(report) == {("stranded", 0): 5}


def test_a_server_that_does_not_answer():
    with Http1Peer(lambda peer, conn: None) as peer:
        report = measured("--ws", "-n", 2, "-T", "200ms", url(peer), expect=1)
    assert set(reasons(report)) == {"the server did not open the WebSocket in time"}


def test_http2_without_websockets():
    with Peer() as peer:
        report = measured("--ws", "--h2", "-D", 5, peer.url(), expect=1)
    assert set(reasons(report)) == {"the server does not offer WebSockets over HTTP/2"}
    assert report["duration_ns"] < 3e9
