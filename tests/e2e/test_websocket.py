"""WebSockets end to end: /ws of the built-in site with independent clients, over HTTP/1.1, TLS and HTTP/2.
tests/engine/ws tests every rule about frames."""
import http.server
import json
import os
import shutil
import signal
import struct
import subprocess
import threading
import urllib.parse
import zlib

import pytest

import harness
from test_browser import FLAGS, browser
from ws_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Http1, Http2, encode

CARRIERS = ["http/1.1", "https, HTTP/1.1", "HTTP/2", "https, HTTP/2"]


def open_ws(server, carrier, path="/ws", **how):
    secure = carrier.startswith("https")
    if "HTTP/2" in carrier:
        fields = [tuple(line.lower().split(": ", 1)) for line in how.get("fields", "").split("\r\n") if line]
        return Http2(server.raw(secure), path=path, fields=fields)
    return Http1(server.https_port if secure else server.http_port, secure, path, **how)


@pytest.fixture(params=CARRIERS)
def carrier(request):
    return request.param


def test_an_echo(demo, carrier):
    peer = open_ws(demo, carrier, fields="Sec-WebSocket-Protocol: echo\r\n")
    assert peer.status == (200 if "HTTP/2" in carrier else 101)
    peer.send(TEXT, b"Hello")
    assert peer.take() == (0x80 | TEXT, b"Hello")
    peer.send(BINARY, bytes(range(256)) * 100)
    assert peer.take_message() == (BINARY, bytes(range(256)) * 100)
    peer.send(TEXT, b"Hel", fin=False)
    peer.send(PING, b"between")
    peer.send(CONTINUATION, b"lo")
    frames = sorted([peer.take(), peer.take()])  # the pong may go first
    assert frames == [(0x80 | TEXT, b"Hello"), (0x80 | PONG, b"between")]
    peer.send(CLOSE, b"\x0f\xa0done")
    assert peer.take_close() == 4000
    peer.close()


def test_large_messages(demo, carrier):
    """Up to the bound, in as many frames as the server likes; one byte more is refused. The server answers a
    message once it is whole."""
    peer = open_ws(demo, carrier)
    most = harness.bound("WS_MESSAGE_BYTES_DEFAULT")
    for size in (65535, 65536, most):
        content = os.urandom(size)
        peer.send(BINARY, content)
        assert peer.take_message() == (BINARY, content)
    peer.write(encode(BINARY, b"")[:1] + b"\xff" + (most + 1).to_bytes(8, "big") + b"\0\0\0\0")
    assert peer.take_close() == 1009
    peer.close()


@pytest.mark.parametrize("frames, code", [
    (encode(TEXT, b"Hello", mask=None), 1002),
    (encode(TEXT, b"Hello", rsv1=True), 1002),
    (encode(3, b""), 1002),
    (encode(CONTINUATION, b""), 1002),
    (encode(TEXT, b"\xff"), 1007),
    (encode(CLOSE, b"\x03\xed"), 1002),
    (encode(PING, b"x") * (harness.bound("WS_CONTROL_BURST") + 100), 1008),
    (encode(TEXT, b"x", fin=False) + encode(CONTINUATION, b"y", fin=False) *
     (harness.bound("WS_FRAGMENT_BURST") + 1000), 1008),
], ids=["no mask", "RSV1", "opcode 3", "continuation", "UTF-8", "code 1005", "pings", "fragments"])
def test_faults_get_their_code(demo, carrier, frames, code):
    peer = open_ws(demo, carrier)
    peer.write(frames)
    opcode = PONG
    while opcode == PONG:
        first, payload = peer.take()
        opcode = first & 15
    assert opcode == CLOSE and int.from_bytes(payload[:2], "big") == code
    peer.close()


def test_what_peers_run_into_is_counted(start):
    server = start()
    for frames, counter in ((encode(TEXT, b"\xff"), "ws_broken"),
                            (encode(PING) * (harness.bound("WS_CONTROL_BURST") + 1), "ws_flooded"),
                            (b"\x82\xff" + bytes([127]) * 8 + bytes(4), "ws_too_big")):
        peer = Http1(server.http_port)
        peer.write(frames)
        while peer.more():
            pass
        peer.close()
        assert harness.wait_until(lambda: server.counters()[counter] == 1), counter
    counted = server.counters()
    assert counted["ws_opened"] == 3 and counted["ws_closed"] == 3


def test_deflate(demo, carrier):
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    peer = open_ws(demo, carrier, "/ws?deflate", fields=offer)
    text = b"again and " * 1000
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    peer.send(TEXT, packed[:-4], rsv1=True)
    first, payload = peer.take()
    assert first == 0xc0 | TEXT and len(payload) < 200
    assert zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff") == text
    bomb = zlib.compressobj(9, zlib.DEFLATED, -12)
    peer.send(BINARY, (bomb.compress(bytes(4 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv1=True)
    assert peer.take_close() == 1009
    peer.close()


def test_without_the_query_nothing_is_compressed(demo, carrier):
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    peer = open_ws(demo, carrier, fields=offer)
    peer.send(TEXT, b"x" * 1000)
    assert peer.take() == (0x80 | TEXT, b"x" * 1000)
    peer.close()


def test_frames_before_the_answer_are_kept(demo):
    peer = Http1(demo.http_port, early=encode(TEXT, b"early") + encode(TEXT, b"bird"))
    assert peer.take() == (0x80 | TEXT, b"early")
    assert peer.take() == (0x80 | TEXT, b"bird")
    peer.close()


def test_a_peer_that_does_not_read(start):
    """It sends as long as it can. The server holds little of that, and serves others."""
    server = start()
    peer = Http1(server.http_port, receive_bytes=4096)
    message, sent = encode(BINARY, bytes(60000)), 0
    peer.socket.settimeout(2)
    try:
        while sent < 64 << 20:
            sent += peer.socket.send(message[sent % len(message):])
    except TimeoutError:
        pass
    assert sent < 32 << 20
    assert server.get("/plaintext").status == 200
    peer.close()


def test_a_server_that_ends(start, carrier):
    """What was sent comes back, then a close frame with 1001; the server ends with the last client."""
    server = start("--drain-seconds", "60")
    peer = open_ws(server, carrier)
    peer.send(TEXT, b"Hello")
    assert peer.take() == (0x80 | TEXT, b"Hello")
    server.process.send_signal(signal.SIGTERM)
    assert peer.take() == (0x80 | CLOSE, struct.pack(">H", 1001))
    peer.send(CLOSE, struct.pack(">H", 1001))
    assert peer.ended()
    peer.close()
    assert server.wait(20) == 0


def test_refused_handshakes(demo):
    peer = Http1(demo.http_port, fields="Sec-WebSocket-Version: 8\r\n")
    assert peer.status == 400  # twice
    peer.close()
    peer = Http1(demo.http_port, path="/elsewhere")
    assert peer.status == 404
    peer.close()
    peer = Http2(demo.raw(), path="/elsewhere")
    assert peer.status == 404
    peer.close()


def test_a_plain_request_gets_a_page(demo):
    reply = demo.get("/ws")
    assert reply.status == 200 and b"WebSocket" in reply.body


def test_many_on_one_connection(demo):
    """Streams of one connection, each a WebSocket."""
    raw = demo.raw()
    peers = [Http2(raw, stream) for stream in range(1, 60, 2)]
    for peer in peers:
        peer.send(TEXT, b"stream %d" % peer.stream)
    raw.take_until(lambda f: len(raw.bodies) == len(peers))
    for peer in peers:
        assert raw.bodies[peer.stream] == encode(TEXT, b"stream %d" % peer.stream, mask=None)
    raw.close()


# ---- Node ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("path", ["/ws", "/ws?deflate"])
@pytest.mark.parametrize("package", ["", "ws"])
def test_node(demo, secure, path, package):
    """Node's own WebSocket, which is undici's, and the package ws if NODE_PATH leads to one."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no Node is installed")
    flags = [] if package else ["--experimental-websocket"]
    probe = f"require('{package}')" if package else "new WebSocket('ws://127.0.0.1:1').onerror = () => {}"
    if subprocess.run([node, *flags, "-e", probe], capture_output=True, check=False).returncode:
        pytest.skip(f"Node has no package {package}" if package else "this Node has no WebSocket")
    url = demo.url(path, secure).replace("http", "ws", 1)
    done = subprocess.run([node, *flags, os.path.join(os.path.dirname(__file__), "ws_node.mjs"), url, package],
                          capture_output=True, timeout=90, check=False,
                          env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"})
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {"protocol": "echo", "messages": ["Hello", "large"], "binary": 100000,
                                       "code": 4001, "wasClean": True}


# ---- Chromium ------------------------------------------------------------------------------------

# Fetches first, for a connection whose SETTINGS are known. Then opens a WebSocket, sends, and reports.
PAGE = b"""<!doctype html><meta charset=utf-8><title>page</title><script>
addEventListener('load', async () => {
  const url = new URLSearchParams(location.search).get('url');
  const seen = { back: 0, wrong: 0 };
  const tell = () => fetch('/seen/' + encodeURIComponent(JSON.stringify(seen)));
  try { await fetch(url.replace(/^ws/, 'http').replace('/ws', '/plaintext'), { mode: 'no-cors', credentials: 'include' }); }
  catch (error) { seen.error = String(error); }
  const ws = new WebSocket(url, 'echo');
  const messages = Array.from({ length: 200 }, (_, i) => i + ' \\u20ac'.repeat(i * i));
  ws.onopen = () => {
    seen.extensions = ws.extensions;
    messages.forEach((message) => ws.send(message));
  };
  ws.onmessage = (event) => {
    if (event.data != messages[seen.back++]) seen.wrong++;
    if (seen.back == messages.length) ws.close(4002, 'done');
  };
  ws.onclose = (event) => { seen.code = event.code; seen.clean = event.wasClean; tell(); };
});
</script>"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = self.path.startswith("/seen/")
        if seen:
            self.server.seen.append(json.loads(urllib.parse.unquote(self.path[6:])))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"" if seen else PAGE)

    def log_message(self, *arguments):
        pass


def chromium(tmp_path, url, *flags):
    """(what the page saw, Chromium's network log)"""
    log = tmp_path / "net.json"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as pages:
        pages.seen = []
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        query = urllib.parse.urlencode({"url": url})
        process = subprocess.Popen(
            [browser(), *FLAGS, *flags, f"--user-data-dir={tmp_path}/profile", "--remote-debugging-port=0",
             f"--log-net-log={log}", "--net-log-capture-mode=Everything",
             f"http://127.0.0.1:{pages.server_port}/?{query}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)})
        harness.wait_until(lambda: pages.seen, seconds=60)
        process.terminate()
        process.wait()
        pages.shutdown()
    assert pages.seen, "the page reported nothing"
    return pages.seen[0], log.read_text(errors="replace")


@pytest.mark.parametrize("how, flags", [("h2", []), ("http/1.1", ["--disable-http2"]), ("clear text", [])])
@pytest.mark.parametrize("path", ["/ws", "/ws?deflate"])
def test_chromium(demo, tmp_path, how, flags, path):
    url = demo.url(path, secure=how != "clear text").replace("http", "ws", 1)
    seen, log = chromium(tmp_path, url, *flags)
    assert seen["back"] == 200 and seen["wrong"] == 0, seen
    assert seen["code"] == 4002 and seen["clean"]
    assert seen["extensions"].startswith("permessage-deflate") == (path != "/ws")
    # Extended CONNECT over HTTP/2, Upgrade over HTTP/1.1.
    assert (":protocol: websocket" in log) == (how == "h2")
    assert ("Sec-WebSocket-Accept".lower() in log.lower()) == (how != "h2")
