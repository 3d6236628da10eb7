"""`weir trace` against weir, other servers, and servers that fail."""
import functools
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

import pytest

import harness
import prioritisation_page
from trace_peer import PROGRAMS, Peer, page, peer, trace, traced

SETTINGS, DATA, HEADERS, RST_STREAM, GOAWAY = 4, 0, 1, 3, 7
SVG = "{http://www.w3.org/2000/svg}"


# ---- a page, from every server ------------------------------------------------------------------


def check_run(run, root):
    """What must hold for every complete run."""
    sizes = {r["url"]: os.path.getsize(root / r["url"]) for r in run["resources"]}
    assert run["summary"]["complete"] == len(sizes), run["summary"]
    received = {}
    for frame in run["frames"]:
        assert frame["begin_ms"] <= frame["end_ms"] <= run["end_ms"] + 1000
        if frame["type"] == "DATA" and not frame["sent"]:
            received[frame["stream"]] = received.get(frame["stream"], 0) + frame["length"]
    for resource in run["resources"]:
        assert resource["status"] == 200
        assert resource["bytes"] == sizes[resource["url"]]
        # Padding counts as length, so the frames of a server that pads have more.
        assert received[resource["stream"]] >= resource["bytes"]
        moments = [resource[name] for name in ("due_ms", "asked_ms", "sent_ms", "headers_ms",
                                               "first_byte_ms", "end_ms")]
        assert moments == sorted(moments), resource
        if resource["kind"] == "image":
            assert resource["first_byte_ms"] <= resource["dimensions_ms"] <= resource["end_ms"]
            assert resource["width"] in (256, 2048)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_page(peer, page, tmp_path, secure):
    work, root, manifest = page
    run, = traced(tmp_path, "--cacert", work / "cert.pem", "--manifest", manifest,
                  peer.url(secure))["runs"]
    check_run(run, root)
    connection, = run["connections"]
    assert connection["begin_ms"] <= connection["connected_ms"] <= connection["ready_ms"]
    by_url = {r["url"]: r for r in run["resources"]}
    first = by_url["background-00.png"]
    assert first["due_ms"] >= by_url["index.html"]["end_ms"]
    assert by_url["late.css"]["due_ms"] >= first["first_byte_ms"] + 20
    # Every requested stream has a HEADERS frame, in the order of its identifier.
    asked = [f["stream"] for f in run["frames"] if f["sent"] and f["type"] == "HEADERS"]
    assert asked == sorted(asked) == sorted(r["stream"] for r in run["resources"])


@pytest.mark.parametrize("profile", ["chromium", "firefox", "safari", "none"])
def test_profiles(peer, page, tmp_path, profile):
    _, root, manifest = page
    run, = traced(tmp_path, "-p", profile, "-m", manifest, peer.url(False))["runs"]
    check_run(run, root)
    sent = [f for f in run["frames"] if f["sent"]]
    settings = next(f for f in sent if f["type"] == "SETTINGS")["details"]
    update = next(f for f in sent if f["type"] == "WINDOW_UPDATE")["details"]
    window = {"chromium": 6291456, "firefox": 131072, "safari": 2097152, "none": 6291456}
    credit = {"chromium": 15663105, "firefox": 12517377, "safari": 10420225, "none": 15663105}
    assert f"INITIAL_WINDOW_SIZE={window[profile]}" in settings
    assert update == f"+{credit[profile]}"
    assert ("NO_RFC7540_PRIORITIES=1" in settings) == (profile == "safari")
    headers = [f["details"] for f in sent if f["type"] == "HEADERS"]
    by_url = {r["url"]: r for r in run["resources"]}
    style, image = by_url["late.css"], by_url["background-00.png"]
    if profile == "none":
        assert not any("PRIORITY" in text for text in headers)
        assert not any(r["priority"] for r in run["resources"])  # the manifest's is omitted
    if profile == "chromium":
        assert all("exclusively" in text for text in headers)
        assert (style["priority"], style["weight"]) == ("u=0", 256)
        assert (image["priority"], image["weight"]) == ("i", 147)
    if profile == "firefox":
        assert headers[0].endswith("depends on 0, weight 42")
        widened = [f for f in sent if f["type"] == "WINDOW_UPDATE" and f["stream"]]
        # No credit is sent for a stream that has ended meanwhile. What came with its HEADERS is given back at once, too.
        assert len(widened) > len(headers) / 2
        assert 0 <= int(widened[0]["details"]) - 12451840 <= 131072
    if profile == "safari":
        assert (style["priority"], image["priority"]) == ("u=1", "u=5, i")


def test_chain(page, tmp_path, start):
    """Chromium's dependencies: each on the newest open request that is at least as urgent."""
    _, root, manifest = page
    server = start(root, "--no-compress")
    run, = traced(tmp_path, "-r", "400K", "-m", manifest, server.url())["runs"]
    by_stream = {r["stream"]: r for r in run["resources"]}
    images = [r for r in run["resources"] if r["url"].startswith("background")]
    for before, after in zip(images, images[1:]):
        assert after["depends_on"] == before["stream"] and after["exclusive"]
    style = next(r for r in run["resources"] if r["kind"] == "style")
    assert style["depends_on"] == 0 and style["weight"] == 256
    for resource in run["resources"]:
        parent = by_stream.get(resource["depends_on"])
        assert parent is None or parent["weight"] >= resource["weight"]


# ---- do browsers send that? ----------------------------------------------------------------------

BROWSED = {
    "index.html": "document", "a.css": "style", "a.js": "script", "a.woff2": "font",
    "image-6.png": "image", "api.json": "fetch",
}


def browsed_page(root):
    images = "".join(f'<img src="image-{i}.png" width="300" height="300">' for i in range(7))
    root.mkdir()
    (root / "index.html").write_text(
        '<!doctype html><link rel="stylesheet" href="a.css"><script src="a.js"></script>'
        "<style>@font-face{font-family:f;src:url(a.woff2)}body{font-family:f}</style>"
        f"<body>text{images}<script>fetch('api.json')</script>")
    (root / "a.css").write_text("p { color: black }")
    (root / "a.js").write_text("1;")
    (root / "a.woff2").write_bytes(b"not a font")
    (root / "api.json").write_text("{}")
    for i in range(7):
        content, _, _ = prioritisation_page.png(5000, random.Random(i))
        (root / f"image-{i}.png").write_bytes(content)


def signals_in(log):
    """From nghttpd's log: (priority, weight, exclusive) of each path, and SETTINGS and credit of the first
    connection with a request."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", log)
    signals, settings, credit = {}, {}, None
    for block in re.split(r"(?=\[id=\d+\] \[)", log):
        if "recv SETTINGS frame" in block and "flags=0x00" in block:
            settings = {int(k, 16): int(v) for k, v in re.findall(r"\((0x\d+)\):(\d+)\]", block)}
        if "recv WINDOW_UPDATE frame" in block and "stream_id=0" in block:
            credit = int(re.search(r"increment=(\d+)", block)[1])
    priorities = dict(re.findall(r"recv \(stream_id=(\d+)\) priority: (.*)", log))
    weights = {s: (int(w), int(e)) for s, w, e in re.findall(
        r"recv HEADERS frame <[^>]*stream_id=(\d+)>[^(]*\([^)]*weight=(\d+), exclusive=(\d)", log)}
    for stream, path in re.findall(r"recv \(stream_id=(\d+)\) :path: /(.*)", log):
        signals[path] = (priorities.get(stream, ""), *weights[stream])
    return signals, settings, credit


def seen_by_nghttpd(work, root, visit):
    port = harness.free_port()
    command = ["nghttpd", "-v", "-d", str(root), str(port), str(work / "key.pem"),
               str(work / "cert.pem")]
    log_path = work / f"nghttpd-{port}.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        assert harness.wait_until(lambda: harness.listening(port))
        visit(f"https://localhost:{port}/")
    finally:
        process.terminate()
        process.wait(10)
    return signals_in(log_path.read_text(errors="replace"))


def test_profile_is_chromium(page, tmp_path):
    """The installed browser and the profile of its name, as the same server sees them."""
    for program in ("chromium", "nghttpd"):
        if not shutil.which(program, path=os.environ["PATH"] + ":" + PROGRAMS):
            pytest.skip(f"{program} is not installed")
    work, root = page[0], tmp_path / "root"
    browsed_page(root)

    def browse(url):
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors",
             f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=3000", "--dump-dom",
             url + "index.html"], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)

    def imitate(url):
        manifest = tmp_path / "browsed.json"
        manifest.write_text(json.dumps([{"url": name, "kind": kind}
                                        for name, kind in BROWSED.items()]))
        trace("-k", "-m", manifest, url)

    real, real_settings, real_credit = seen_by_nghttpd(work, root, browse)
    if "index.html" not in real:
        pytest.skip("chromium does not load pages here")
    ours, our_settings, our_credit = seen_by_nghttpd(work, root, imitate)
    assert {name: real.get(name) for name in BROWSED} == {name: ours[name] for name in BROWSED}
    # The browser raises the first five images of a page; a manifest can do so too.
    assert real["image-0.png"] == ("u=2, i", 183, 1)
    assert our_credit == real_credit
    assert our_settings == {k: v for k, v in real_settings.items() if k != 1}


# ---- pictures -----------------------------------------------------------------------------------


def texts(path):
    tree = xml.etree.ElementTree.parse(path)  # raises if it is not well-formed
    return ["".join(e.itertext()) for e in tree.iter() if e.tag in (SVG + "text", SVG + "title")]


def test_waterfall(peer, page, tmp_path):
    _, root, manifest = page
    picture = tmp_path / "page.svg"
    out = trace("-m", manifest, "-o", picture, "--title", "A <title> & \"more\"", peer.url(False))
    assert "8 of" not in out and "10 of 11" not in out
    shown = texts(picture)
    assert 'A <title> & "more"' in shown
    for name in os.listdir(root):
        if name != "manifest.json":
            assert name in shown
    assert any("DATA frame" in text for text in shown)
    assert "last critical byte" in shown and "dimensions of all images" in shown


def test_compare(page, tmp_path):
    work, root, manifest = page
    peers = [Peer(name, work, root) for name in ("weir", "weir")]
    try:
        picture = tmp_path / "both.html"
        runs = traced(tmp_path, "-m", manifest, "-o", picture, "-c", peers[1].url(True), "-k",
                      peers[0].url(False))["runs"]
        assert [r["url"] for r in runs] == [peers[0].url(False), peers[1].url(True)]
        for run in runs:
            check_run(run, root)
        page_text = picture.read_text()
        assert page_text.startswith("<!doctype html>")
        assert page_text.count("<details>") == 2 and page_text.count('class="server"') == 2
        assert "<script" not in page_text and "http-equiv" not in page_text
        # Absolute URLs on the first server are requested from the second too.
        runs = traced(tmp_path, "-k", "-c", peers[1].url(True), peers[0].url(False, "/hero.jpg"))
        assert [r["resources"][0]["status"] for r in runs["runs"]] == [200, 200]
    finally:
        for started in peers:
            started.stop()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_http1(demo, tmp_path, secure):
    """Up to six connections with one exchange at a time, opened as they are needed."""
    manifest = tmp_path / "manifest.json"
    sizes = [40_000 + i for i in range(10)]
    manifest.write_text(json.dumps({"resources": [{"url": "/", "kind": "document"}] + [
        {"url": f"/bytes/{size}", "kind": "image", "after": "/"} for size in sizes]}))
    url = demo.url("/", secure=secure)
    run, = traced(tmp_path, "-k", "--http1.1", "-m", manifest, url)["runs"]
    assert run["summary"]["complete"] == 11
    assert 1 < len(run["connections"]) <= harness.bound("TRACE_HTTP1_CONNECTIONS")
    assert all(c["protocol"] == "http/1.1" and c["error"] is None for c in run["connections"])
    assert [r["bytes"] for r in run["resources"]][1:] == sizes
    for at in range(len(run["connections"])):
        resources = sorted((r for r in run["resources"] if r["connection"] == at), key=lambda r: r["asked_ms"])
        for before, after in zip(resources, resources[1:]):
            assert before["end_ms"] <= after["asked_ms"]
        for resource in resources:
            frames = [f for f in run["frames"] if f["connection"] == at and f["stream"] == resource["stream"]]
            assert [f["sent"] for f in frames] == [True] + [False] * (len(frames) - 1)
            assert sum(f["length"] for f in frames if f["type"] == "body") == resource["bytes"]


def test_http1_beside_http2(demo, tmp_path):
    picture = tmp_path / "both.svg"
    out = trace("--http1.1", "-c", demo.url("/bytes/50000"), "-o", picture, demo.url("/bytes/50000"))
    assert out.count("1 of 1 resources complete, 50000 bytes") == 2
    shown = " ".join(texts(picture))
    assert "HTTP/1.1 at " in shown and "HTTP/2 at " in shown


def test_http1_that_closes(page):
    """A server of HTTP/1.0 ends each connection; the next request gets a new one."""
    _, root, manifest = page
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        out = trace("--http1.1", "-m", manifest, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
    resources = len(json.loads(pathlib.Path(manifest).read_text())["resources"])
    assert f"{resources} of {resources} resources complete" in out


def test_frame_log(demo):
    out = trace("--frames", demo.url("/bytes/40000"))
    lines = [line for line in out.splitlines() if " #0 " in line]
    assert any(" > HEADERS " in line and "END_STREAM" in line for line in lines)
    assert any(" < DATA " in line and "END_STREAM" in line for line in lines)
    sent = [line for line in lines if " > " in line]
    assert sent[0].split()[4] == "SETTINGS"
    moments = [float(line.split()[0]) for line in lines]
    assert moments == sorted(moments)


# ---- windows and rates --------------------------------------------------------------------------


def test_stalls(demo, tmp_path):
    picture = tmp_path / "stalls.svg"
    run, = traced(tmp_path, "--window", 10000, "-o", picture, demo.url("/bytes/100000"))["runs"]
    data = [f for f in run["frames"] if f["type"] == "DATA" and not f["sent"]]
    assert max(f["length"] for f in data) <= 10000
    assert sum(f["length"] for f in data) == 100000
    updates = [f for f in run["frames"] if f["type"] == "WINDOW_UPDATE" and f["stream"]]
    assert len(updates) >= 9
    assert any(text.startswith("stall: the window of the stream") for text in texts(picture))


def test_cap(demo, tmp_path):
    """4 KB of one resource for now, and the rest when another one is complete."""
    manifest = tmp_path / "cap.json"
    manifest.write_text(json.dumps([
        {"url": "/bytes/50000", "cap": 4096, "uncap": "/bytes/1000"},
        {"url": "/bytes/1000", "start": 200}]))
    run, = traced(tmp_path, "--window", 4096, "-m", manifest, demo.url())["runs"]
    capped, other = run["resources"]
    assert capped["bytes"] == 50000 and capped["complete"]
    data = [f for f in run["frames"] if f["type"] == "DATA" and f["stream"] == capped["stream"]]
    before = sum(f["length"] for f in data if f["end_ms"] < other["end_ms"])
    assert before == 4096
    assert capped["end_ms"] >= other["end_ms"] >= 200


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_rate(demo, tmp_path, secure):
    run, = traced(tmp_path, "-k", "-r", "500K", demo.url("/bytes/500000", secure))["runs"]
    resource, = run["resources"]
    took = resource["end_ms"] - resource["headers_ms"]
    assert 950 < took < (1200 if not harness.sanitized() else 3000), took
    # Spread over the time, not all at its end.
    data = [f for f in run["frames"] if f["type"] == "DATA" and not f["sent"]]
    half = sum(f["length"] for f in data if f["end_ms"] < resource["headers_ms"] + took / 2)
    assert 100_000 < half < 400_000
    # The server was slowed down too: it cannot have sent everything long before.
    assert run["bytes_received"] >= 500_000


def test_more_than_the_server_allows(tmp_path, start):
    server = start("--streams", 7)
    urls = [server.url(f"/bytes/{1000 + i}") for i in range(150)]
    run, = traced(tmp_path, *urls)["runs"]
    assert run["summary"]["complete"] == 150
    assert [r["bytes"] for r in run["resources"]] == [1000 + i for i in range(150)]
    # A hundred are requested before SETTINGS arrive, refused, and requested again.
    assert any(f["type"] == "RST_STREAM" and f["details"] == "REFUSED_STREAM"
               for f in run["frames"])


# ---- what goes wrong ----------------------------------------------------------------------------


class Script(threading.Thread):
    """Accepts one connection and does to it what a test asks for."""

    def __init__(self, act, context=None):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.act, self.context = act, context
        self.start()

    def run(self):
        connection, _ = self.listener.accept()
        connection.settimeout(10)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.act(connection)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        connection.close()
        self.listener.close()

    def url(self, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}/"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def answer(connection, *frames):
    """Greets, waits for the request, and sends the frames."""
    connection.sendall(frame(SETTINGS))
    seen = b""
    while b"weir-trace" not in seen and len(seen) < 150:
        seen += connection.recv(65536)
    connection.sendall(b"".join(frames))


OK = frame(HEADERS, 4, 1, b"\x88")


def test_refused():
    port = harness.free_port()
    err = trace(f"http://127.0.0.1:{port}/", expect=1)
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused" in err


def test_no_such_host():
    assert "cannot look up nonexistent.invalid" in trace("http://nonexistent.invalid/", expect=1)


def test_certificate(peer, page, tmp_path):
    work, _, _ = page
    err = trace(peer.url(True, "/index.html"), expect=1)
    assert "TLS with localhost" in err and "certificate" in err
    trace("-k", peer.url(True, "/index.html"))
    trace("--cacert", work / "cert.pem", peer.url(True, "/index.html"))
    wrong_name = f"https://[::ffff:127.0.0.1]:{peer.https}/"
    assert "failed" in trace("--cacert", work / "cert.pem", wrong_name, expect=1)
    err = trace("--cacert", "/nonexistent.pem", peer.url(True), expect=1)
    assert "/nonexistent.pem" in err


def server_context(page, *protocols):
    work, _, _ = page
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "cert.pem", work / "key.pem")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@pytest.mark.parametrize("protocols", [(), ("http/1.1",)], ids=["no-alpn", "http1"])
def test_not_h2_by_alpn(page, protocols):
    script = Script(lambda connection: None, server_context(page, *protocols))
    assert "did not select h2 by ALPN" in trace("-k", script.url("https"), expect=1)


def test_http1_in_clear_text():
    script = Script(lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"))
    assert "speaks HTTP/1.1, not HTTP/2" in trace(script.url(), expect=1)


def test_not_tls():
    script = Script(lambda c: c.sendall(b"220 mail.example.org ESMTP\r\n"))
    assert "TLS with 127.0.0.1" in trace("-k", script.url("https"), expect=1)


def test_http1_without_an_answer():
    script = Script(lambda c: (c.recv(4096), c.shutdown(socket.SHUT_WR)))
    err = trace("--http1.1", script.url(), expect=1)
    assert "the server closed the connection in the middle of an exchange" in err


def test_closed_at_once():
    script = Script(lambda c: c.shutdown(socket.SHUT_RDWR))
    assert "the server closed the connection" in trace(script.url(), expect=1)


def test_rst_stream(tmp_path):
    script = Script(lambda c: answer(c, OK, frame(DATA, 0, 1, b"part"),
                                     frame(RST_STREAM, 0, 1, struct.pack(">I", 11))))
    picture = tmp_path / "rst.svg"
    path = tmp_path / "rst.json"
    err = trace("-o", picture, "-j", path, script.url(), expect=1)
    assert "the server sent RST_STREAM (ENHANCE_YOUR_CALM)" in err
    resource = json.loads(path.read_text())["runs"][0]["resources"][0]
    assert (resource["bytes"], resource["error_code"], resource["status"]) == (4, 11, 200)
    assert any(text.startswith("RST_STREAM received") for text in texts(picture))


def test_wrong_response():
    """A field name in upper case (RFC 9113 section 8.2.1)."""
    block = b"\x88" + b"\x00\x01A\x01b"
    script = Script(lambda c: answer(c, frame(HEADERS, 4, 1, block)))
    assert "invalid response: weir sent RST_STREAM (PROTOCOL_ERROR)" in trace(script.url(), expect=1)


def test_goaway(tmp_path):
    debug = b'too "many"\n\xff<&'
    script = Script(lambda c: answer(c, frame(GOAWAY, 0, 0, struct.pack(">II", 0, 2) + debug)))
    picture = tmp_path / "goaway.svg"
    err = trace("-o", picture, script.url(), expect=1)
    assert "GOAWAY (INTERNAL_ERROR)" in err
    assert any(text.startswith("GOAWAY received") and "INTERNAL_ERROR" in text
               for text in texts(picture))


def test_protocol_error_of_the_server(tmp_path):
    """DATA for a stream that was never opened: weir notices, and says so by GOAWAY."""
    script = Script(lambda c: answer(c, frame(DATA, 0, 7, b"nonsense")))
    picture = tmp_path / "error.html"
    err = trace("-o", picture, script.url(), expect=1)
    assert "the server broke the protocol: PROTOCOL_ERROR" in err
    assert "GOAWAY sent at" in picture.read_text()


def test_timeout(tmp_path):
    script = Script(lambda c: answer(c, OK, frame(DATA, 0, 1, b"part")))
    began = time.monotonic()
    err = trace("-t", 0.5, "-o", tmp_path / "slow.svg", script.url(), expect=1)
    assert "not complete within 0.5 s" in err
    assert time.monotonic() - began < 10
    assert texts(tmp_path / "slow.svg")


def test_interrupted(demo, tmp_path):
    """What arrived before the interruption is still shown."""
    picture = tmp_path / "part.svg"
    command = [harness.binary(), "trace", "-r", "20K", "-o", str(picture), demo.url("/bytes/1000"),
               demo.url("/bytes/400000")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
    assert process.returncode == 1, (out, err)
    assert err.decode().endswith(": interrupted\n")
    assert b"1 of 2 resources complete" in out
    assert any("DATA frame" in text for text in texts(picture))


def test_followers_of_what_failed(demo, tmp_path):
    manifest = tmp_path / "after.json"
    port = harness.free_port()
    manifest.write_text(json.dumps([
        {"url": "/bytes/10"}, {"url": f"http://127.0.0.1:{port}/x", "id": "lost"},
        {"url": "/bytes/11", "after": "lost"}, {"url": "/bytes/12", "after": "/bytes/11"}]))
    run, = traced(tmp_path, "-m", manifest, demo.url(), expect=1)["runs"]
    good, lost, first, second = run["resources"]
    assert good["complete"] and "refused" in lost["error"]
    assert "was to follow" in first["error"] and "was to follow" in second["error"]
    assert len(run["connections"]) == 2


def test_statuses_are_no_failures(demo):
    assert "404" in trace(demo.url("/nonexistent"))


@pytest.mark.parametrize("arguments, named", [
    ([], "no URL"), (["ftp://h/"], "ftp://h/"), (["-o", "x.png", "http://h/"], "x.png"),
    (["-m", "/nonexistent", "http://h/"], "/nonexistent: cannot read it: No such file"),
    (["-c", "x", "http://h/"], "x: expected"), (["--nonsense"], "--nonsense"),
], ids=str)
def test_command_line(arguments, named):
    assert named in trace(*arguments, expect=2)


def test_output_cannot_be_written(demo):
    assert "cannot write /nonexistent/x.svg" in trace("-o", "/nonexistent/x.svg", demo.url(),
                                                      expect=1)
    if os.path.exists("/dev/full"):
        err = trace("-j", "/dev/full", demo.url(), expect=1)
        assert "No space left on device" in err


def test_help():
    out = trace("--help")
    assert out.startswith("Usage: weir trace") and "Examples" in out
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "trace" in harness.run("--help")[1]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
