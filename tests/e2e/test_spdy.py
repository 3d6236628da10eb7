"""`weir serve --spdy`: HTTP over SPDY/3.1 by ALPN, prior knowledge and Upgrade, against a client over Python's zlib."""
import json
import os
import struct

import pytest

import harness
import spdy_peer
from spdy_peer import FIN, Spdy, control, data
from harness import Server, wait_until

LARGE = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spdy") / "root"
    folder.mkdir()
    (folder / "index.html").write_text("<link rel=stylesheet href=style.css>")
    (folder / "style.css").write_text("p { margin: 0 }")
    (folder / "app.js").write_text("let a = 1")
    (folder / "large").write_bytes(LARGE)
    return folder


@pytest.fixture(scope="module")
def served(root):
    with Server(root.parent, root, "--spdy", "--preload", "/=/style.css") as server:
        yield server


WAYS = {"prior knowledge": {}, "upgrade": {"upgrade": True}, "TLS": {"secure": True}}


@pytest.fixture(params=WAYS)
def spdy(served, request):
    how = WAYS[request.param]
    peer = Spdy(served.https_port if how.get("secure") else served.http_port, **how)
    yield peer
    peer.close()


def test_get(spdy):
    fields, body = spdy.fetch("/app.js")
    assert fields[":status"].startswith("200") and fields[":version"] == "HTTP/1.1"
    assert fields["content-type"].startswith("text/javascript") and "date" in fields
    assert body == b"let a = 1"
    assert spdy.frames[0] == ("SETTINGS", 2)


def test_head_range_and_missing(spdy):
    assert spdy.fetch("/app.js", method="HEAD")[1] == b""
    fields, body = spdy.fetch("/app.js", fields=[("range", "bytes=0-2")])
    assert (fields[":status"], body) == ("206", b"let")
    assert spdy.fetch("/none")[0][":status"] == "404"
    fields, _ = spdy.fetch("/app.js")
    assert spdy.fetch("/app.js", fields=[("if-none-match", fields["etag"])])[0][":status"] == "304"


def test_large_and_many(spdy):
    streams = [spdy.request("/large", priority=p) for p in (5, 0, 3)]
    small = [spdy.request("/app.js", priority=1) for _ in range(50)]
    spdy.take_until(lambda: spdy.ended.issuperset([*streams, *small]))
    assert all(spdy.bodies[s] == LARGE for s in streams)
    assert all(spdy.bodies[s] == b"let a = 1" for s in small)


def test_windows_hold_the_server_back(served):
    spdy = Spdy(served.http_port, credit=False)
    stream = spdy.request("/large")
    spdy.take_until(lambda: len(spdy.bodies.get(stream, b"")) == 65536)
    spdy.send(control(spdy_peer.PING, struct.pack("!I", 1)))
    spdy.take_until(lambda: spdy.frames[-1] == ("PING", 1))
    assert len(spdy.bodies[stream]) == 65536
    spdy.send(spdy_peer.window_update(0, 1 << 20) + spdy_peer.window_update(stream, 1000))
    spdy.take_until(lambda: len(spdy.bodies[stream]) == 66536)
    spdy.close()


def test_a_cancelled_download_does_not_stall_others(spdy):
    stalled = spdy.request("/large")
    spdy.take_until(lambda: stalled in spdy.bodies)
    spdy.send(control(spdy_peer.RST_STREAM, struct.pack("!II", stalled, spdy_peer.CANCEL)))
    assert spdy.fetch("/large")[1] == LARGE


def test_pushes(served):
    spdy = Spdy(served.http_port)
    page = spdy.request("/")
    spdy.take_until(lambda: spdy.ended >= {page, 2})
    assert ("SYN_STREAM", 2, page) in spdy.frames
    assert spdy.heads[2][":path"] == "/style.css" and spdy.heads[2][":status"] == "200"
    assert spdy.bodies[2] == b"p { margin: 0 }"
    assert spdy.heads[page]["x-associated-content"] == "1??http://localhost/style.css"
    spdy.close()


def test_what_is_not_pushed_is_named(root):
    with Server(root.parent, root, "--spdy", "--no-push", "--preload", "/=/style.css") as server:
        spdy = Spdy(server.http_port)
        fields, _ = spdy.fetch("/")
        assert fields["x-subresource"] == "text/css!!/style.css"
        assert "x-associated-content" not in fields
        spdy.close()


def test_uploads(tmp_path):
    with Server(tmp_path, "--spdy") as server:
        spdy = Spdy(server.http_port)
        stream = spdy.request("/echo", method="POST", flags=0)
        sent = os.urandom(60_000)
        for at in range(0, len(sent), 10_000):
            last = at + 10_000 == len(sent)
            spdy.send(data(stream, sent[at:at + 10_000], FIN if last else 0))
        spdy.take_until(lambda: stream in spdy.ended)
        assert spdy.bodies[stream] == sent
        spdy.close()


def test_not_offered_without_the_option(root):
    with Server(root.parent, root) as server:
        secure = harness.connect(server.https_port, True, alpn=("spdy/3.1", "http/1.1"))
        assert secure.selected_alpn_protocol() == "http/1.1"
        secure.close()
        clear = harness.connect(server.http_port)
        clear.sendall(b"GET /app.js HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
        assert clear.recv(4096).startswith(b"HTTP/1.1 200 ")
        clear.close()


def test_access_log(root, tmp_path):
    log = tmp_path / "log"
    with Server(tmp_path, root, "--spdy", "--access-log", log, "--log-format", "json") as server:
        spdy = Spdy(server.https_port, secure=True)
        spdy.fetch("/app.js", priority=4)
        assert wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
        line = json.loads(log.read_text())
        assert (line["protocol"], line["status"], line["path"]) == ("SPDY/3.1", 200, "/app.js")
        assert line["response_body_bytes"] == 9 and line["tls"].startswith("TLS")
        spdy.close()


def test_shutdown(root, tmp_path):
    server = Server(tmp_path, root, "--spdy")
    spdy = Spdy(server.http_port, credit=False)
    stream = spdy.request("/large")
    spdy.take_until(lambda: stream in spdy.bodies)
    server.process.terminate()
    spdy.take_until(lambda: spdy.goaway is not None)
    assert spdy.goaway == (stream, 0)
    spdy.credit = True
    spdy.send(spdy_peer.window_update(0, 8_000_000) + spdy_peer.window_update(stream, 8_000_000))
    spdy.take_until(lambda: stream in spdy.ended)
    assert spdy.bodies[stream] == LARGE
    spdy.take_all()
    spdy.close()
    server.check(server.wait())


def test_counters(served):
    spdy = Spdy(served.http_port)
    before = served.counters()["spdy_charged_pings"]
    spdy.send(control(spdy_peer.PING, struct.pack("!I", 1)))
    spdy.take_until(lambda: ("PING", 1) in spdy.frames)
    assert served.counters()["spdy_charged_pings"] == before + 1
    spdy.close()
