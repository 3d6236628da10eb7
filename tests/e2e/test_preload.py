"""The announcements of a page: 103 Early Hints, link fields and pushes (RFC 8297, RFC 9113 section 8.4).
Also the other options about what to send."""
import json
import signal

import h2.events
import h2.settings
import pytest

import harness
from harness import tool

LINKS = ["</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preload") / "root"
    folder.mkdir()
    (folder / "index.html").write_text("<link rel=stylesheet href=style.css>")
    (folder / "style.css").write_text("p { margin: 0 }")
    (folder / "app.js").write_text("let large = '" + "x" * 500_000 + "'")
    (folder / "app.js.gz").write_bytes(b"not really gzip")
    (folder / "plain.html").write_text("plain")
    (folder / "manifest.json").write_text(json.dumps({
        "/": {"/style.css": {"type": "style", "weight": 1}, "/app.js": {"type": "script"}}}))
    return folder


@pytest.fixture(scope="module")
def served(root):
    with harness.Server(root.parent, root, "--push-manifest", root / "manifest.json") as server:
        yield server


class Watcher(harness.Client):
    """Also keeps informational responses and pushes, in order."""

    def __init__(self, port, secure=False, push=False):
        self.seen = []
        self.promised = {}
        super().__init__(port, secure)
        if push:
            self.h2.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 1})
            self.flush()
            while not self.h2.local_settings.enable_push:
                self.turn()

    def event(self, event):
        if isinstance(event, h2.events.InformationalResponseReceived):
            self.seen.append(dict(event.headers)[":status"])
            self.hints = [v for n, v in event.headers if n == "link"]
        elif isinstance(event, h2.events.PushedStreamReceived):
            self.seen.append("promise")
            self.promised[event.pushed_stream_id] = dict(event.headers)
            self.responses[event.pushed_stream_id] = harness.Response()
        elif isinstance(event, h2.events.ResponseReceived):
            self.seen.append(f"response {event.stream_id}")
        super().event(event)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_early_hints(served, secure):
    client = Watcher(served.https_port if secure else served.http_port, secure)
    response = client.wait(client.request("/"))[0]
    assert response.status == 200
    assert client.seen == ["103", "response 1"]
    assert client.hints == LINKS
    assert [v for n, v in response.fields if n == "link"] == LINKS
    client.close()


@pytest.mark.parametrize("path, method, fields", [
    ("/plain.html", "GET", []), ("/style.css", "GET", []), ("/", "HEAD", []),
    ("/", "GET", [("if-none-match", "*")]), ("/missing", "GET", [])])
def test_no_hints_where_they_are_of_no_use(served, path, method, fields):
    client = Watcher(served.http_port)
    client.wait(client.request(path, method, fields))
    assert client.seen == ["response 1"]
    client.close()


def test_pushes(served, root):
    client = Watcher(served.http_port, push=True)
    client.wait(client.request("/"))
    assert client.seen[:3] == ["promise", "promise", "response 1"]
    assert sorted(client.promised) == [2, 4]
    style, script = client.promised[2], client.promised[4]
    assert style == {":method": "GET", ":scheme": "http", ":authority": client.authority,
                     ":path": "/style.css"}
    assert script[":path"] == "/app.js"
    bodies = client.wait(2, 4)
    assert [r.status for r in bodies] == [200, 200]
    assert bodies[0].body == (root / "style.css").read_bytes()
    assert bodies[1].body == (root / "app.js").read_bytes()
    # The connection continues. A client with a conditional request has everything.
    client.seen.clear()
    etag = client.responses[1].field("etag")
    assert client.wait(client.request("/", fields=[("if-none-match", etag)]))[0].status == 304
    assert client.seen == ["response 3"]
    client.close()


def test_a_pushed_resource_is_negotiated_like_its_page(served, root):
    client = Watcher(served.http_port, push=True)
    client.wait(client.request("/", fields=[("accept-encoding", "gzip")]))
    assert client.promised[4]["accept-encoding"] == "gzip"
    assert client.wait(4)[0].body == (root / "app.js.gz").read_bytes()
    assert client.responses[4].field("content-encoding") == "gzip"
    client.close()


def test_pushes_are_not_counted_in_rates(start, root):
    """They were not asked for: a page with pushes is one request."""
    server = start(root, "--push-manifest", root / "manifest.json", "--request-rate", "1/h,burst=2")
    client = Watcher(server.http_port, push=True)
    assert [client.wait(client.request("/"))[0].status for _ in range(3)] == [200, 200, 429]
    assert [response.status for response in client.wait(2, 4, 6, 8)] == [200] * 4
    client.close()


def test_a_push_may_be_refused(served, root):
    client = Watcher(served.http_port, push=True)
    client.wait(client.request("/"))
    client.h2.reset_stream(4, 8)
    client.flush()
    assert client.wait(2)[0].status == 200
    assert client.fetch("/app.js").body == (root / "app.js").read_bytes()
    client.close()


def test_a_reload_switches_pushes_on_and_off(root, tmp_path):
    """Pushes that the first configuration did without, too."""
    path, port = tmp_path / "weir.yaml", harness.free_port()
    text = f"http: 127.0.0.1:{port}\ndirectory: {root}\npreload: {{/: /style.css}}\npush: "
    path.write_text(text + "false\n")
    with harness.Server(tmp_path, "--config", path, http=False, https=False,
                        workers=None) as server:
        assert harness.wait_until(lambda: harness.listening(port)), server.log()
        for number, push in enumerate(("false", "true", "false")):
            path.write_text(f"{text}{push}\n")
            server.process.send_signal(signal.SIGHUP)
            assert harness.wait_until(lambda: server.log().count("reloaded /") > number)
            client = Watcher(port, push=True)
            client.wait(client.request("/"))
            assert ("promise" in client.seen) == (push == "true")
            client.close()


def test_pushes_can_be_switched_off(root):
    with harness.Server(root.parent, root, "--preload", "/=/style.css", "--no-push") as server:
        client = Watcher(server.http_port, push=True)
        client.wait(client.request("/"))
        assert client.seen == ["103", "response 1"]
        assert client.hints == LINKS[:1]
        client.close()


def test_other_clients_take_it(served):
    """curl and nghttp, which understand 103 and pushes."""
    out = tool("curl", "-sS", "-i", "--http2-prior-knowledge", served.url("/")).decode()
    assert out.startswith("HTTP/2 103") and "HTTP/2 200" in out
    out = tool("nghttp", "-nv", served.url("/")).decode()
    assert out.count("recv PUSH_PROMISE frame") == 2


def test_http1(served):
    """Browsers that navigate get 103. Others get the links with the answer alone."""
    get = ["curl", "-sS", "-i", "--http1.1", served.url("/")]
    out = tool(*get, "-H", "Sec-Fetch-Mode: navigate").decode()
    assert out.startswith("HTTP/1.1 103") and "HTTP/1.1 200" in out and out.count("link: ") == 2 * len(LINKS)
    out = tool(*get).decode()
    assert out.startswith("HTTP/1.1 200") and out.count("link: ") == len(LINKS)


@pytest.mark.parametrize("content, names", [
    (None, "No such file"), ("", "line 1"), ("[]", "expected an object"), ("{\"/\":", "manifest"),
    ("{\"/\": [\"/a b\"]}", "/a b"), ("{\"/..\": [\"/a\"]}", "/..")])
def test_bad_manifests(root, tmp_path, content, names):
    manifest = tmp_path / "manifest.json"
    if content is not None:
        manifest.write_text(content)
    code, out, err = harness.run("serve", root, "--http", f"127.0.0.1:{harness.free_port()}",
                                 "--push-manifest", manifest)
    assert code == 1 and names in err and len(err.strip().split("\n")) == 1, err
    assert str(manifest) in err, err


def test_cache_control(root):
    with harness.Server(root.parent, root, "--cache-control", "max-age=77") as server:
        assert server.get("/").field("cache-control") == "max-age=77"
        assert server.get("/missing").field("cache-control") is None


def test_the_number_of_streams(root):
    with harness.Server(root.parent, root, "--streams", "7") as server:
        client = server.raw()
        settings = client.take_kind("Settings")
        assert settings.settings[3] == 7
        client.close()


def test_idle_connections_are_closed(root):
    with harness.Server(root.parent, root, "--idle-seconds", "1") as server:
        client = server.raw()
        client.request(1, "/plain.html")
        client.take_end(1)
        assert client.take_kind("GoAway").error_code == 0
        assert client.take() is None
        client.close()
