"""HTTP/1.1 and HTTP/1.0 from real clients and raw sockets: the same answers as over HTTP/2, complete and in order."""
import concurrent.futures
import hashlib
import http.client
import os
import re
import socket
import ssl
import time
import urllib.parse

import pytest

import harness
import site_tree
from harness import tool

both = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    parent = tmp_path_factory.mktemp("site")
    site = site_tree.Site(parent)
    with harness.Server(parent, site.root) as server:
        server.site = site
        yield server


def connect(server, secure=False):
    port = server.https_port if secure else server.http_port
    client = harness.connect(port, secure, alpn=("http/1.1",))
    client.settimeout(harness.PATIENCE_SECONDS)
    return client


def read_all(client):
    answer = b""
    while data := client.recv(65536):
        answer += data
    return answer


def ask(server, request, secure=False):
    """Sends all of it and reads until the server ends the connection."""
    with connect(server, secure) as client:
        client.sendall(request)
        return read_all(client)


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


def http_connection(server, secure):
    if not secure:
        return http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=harness.PATIENCE_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", server.https_port, context=context,
                                       timeout=harness.PATIENCE_SECONDS)


# ---- the same as over HTTP/2 ---------------------------------------------------------------------


@both
def test_every_file_as_over_http2(served, secure):
    """Status, fields and bytes; one connection for all files."""
    client, other = http_connection(served, secure), served.client(secure)
    for name, content in served.site.files.items():
        path = name if isinstance(name, str) else name.decode()
        quoted = urllib.parse.quote(path)
        for method in ("GET", "HEAD"):
            client.request(method, quoted)
            answer, expected = client.getresponse(), other.fetch(quoted, method)
            body = answer.read()
            assert (answer.status, body) == (expected.status, bytes(expected.body)), name
            fields = [(n.lower(), v) for n, v in answer.getheaders() if n.lower() != "date"]
            assert sorted(fields) == sorted(f for f in expected.fields if f[0] != "date" and f[0][0] != ":"), name
        assert method == "HEAD" and answer.version == 11
    other.close()
    client.close()


@pytest.mark.parametrize("status,method,path,fields", [
    (404, "GET", "/none", {}), (405, "DELETE", "/index.html", {}),
    (412, "GET", "/index.html", {"if-match": '"x"'}), (414, "GET", "/" + "a" * 9000, {}),
    (416, "GET", "/large.bin", {"range": "bytes=9999999999-"})])
def test_errors_as_over_http2(served, status, method, path, fields):
    """Whichever part of the server notices, and over whichever protocol: the same short text."""
    client, other = http_connection(served, False), served.client()
    client.request(method, path, headers=fields)
    answer, expected = client.getresponse(), other.fetch(path, method, fields=list(fields.items()))
    body = answer.read()
    assert (answer.status, expected.status, body) == (status, status, bytes(expected.body))
    assert body.startswith(b"%d " % status) and body.count(b"\n") == 2 and len(body) < 100
    other.close()
    client.close()


@pytest.mark.parametrize("how", [("--http1.0",), ("--http1.1",), ("--http2",), ("--http1.1", "-r", "5-99"),
                                 ("--http1.1", "-r", "0-9,20-29"), ("--http1.1", "-I"),
                                 ("--http1.1", "-H", "if-none-match: *"), ("--http1.1", "-X", "DELETE"),
                                 ("--http1.1", "-X", "OPTIONS")], ids=lambda how: "".join(how))
def test_curl(served, how):
    url = served.url("/large.bin")
    expected = tool("curl", "-sS", "--http2-prior-knowledge", *how[1:], url)
    got = tool("curl", "-sS", *how, url)

    def same(text):  # boundaries differ from answer to answer
        text = re.sub(rb"--[0-9a-zA-Z]{10,}", b"--X", text)
        return re.sub(rb"(?im)^(HTTP/\S+ \d+).*$|^date:.*$", b"", text).replace(b"\r\n\r\n", b"\r\n")
    assert same(got) == same(expected)


def test_curl_says_which_version(demo):
    for how, version in (("--http1.0", b"1.1"), ("--http1.1", b"1.1"), ("--http2", b"2"),
                         ("--http2-prior-knowledge", b"2")):
        assert tool("curl", "-sS", how, "-o", "/dev/null", "-w", "%{http_version}", demo.url("/")) == version


def test_nghttp_upgrades(demo):
    out = tool("nghttp", "-u", "-v", demo.url("/plaintext"))
    assert b"101 Switching Protocols" in out and b"HTTP Upgrade success" in out
    assert b"Hello, World!" in out and b":status: 200" in out


# ---- bodies --------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_uploads(demo, tmp_path, secure, chunked):
    content = os.urandom(3_000_000)
    (tmp_path / "up").write_bytes(content)
    how = ("-H", "Transfer-Encoding: chunked") if chunked else ()
    out = tool("curl", "-sS", "-k", "--http1.1", *how, "--data-binary", f"@{tmp_path / 'up'}",
               demo.url("/echo", secure))
    assert hashlib.sha256(out).digest() == hashlib.sha256(content).digest()


def test_continue(demo):
    with connect(demo) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                       b"Connection: close\r\n\r\n")
        first = client.recv(1000)  # this handler answers before it has read the body
        client.sendall(b"ok")
        answer = first + read_all(client)
        assert first.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert b"\r\n\r\nHTTP/1.1 200 OK\r\n" in answer and answer.endswith(b"\r\n\r\nok")


@both
def test_early_answer_to_a_large_upload(served, secure):
    """The answer arrives whole, though the client is not done and the server ends the connection."""
    request = b"POST /index.html HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n"
    with connect(served, secure) as client, concurrent.futures.ThreadPoolExecutor() as threads:
        client.sendall(request + b"x" * 100_000)
        answer = threads.submit(read_all, client)
        head = answer.result()
        assert head.startswith(b"HTTP/1.1 405 ") and b"connection: close\r\n" in head
        length = int(re.search(rb"content-length: (\d+)", head)[1])
        assert len(head.split(b"\r\n\r\n", 1)[1]) == length


def test_early_answer_to_curl(served, tmp_path):
    (tmp_path / "up").write_bytes(bytes(30_000_000))
    for how in ((), ("-H", "Expect:"), ("-H", "Transfer-Encoding: chunked")):
        out = tool("curl", "-sS", "--http1.1", *how, "--data-binary", f"@{tmp_path / 'up'}", "-o", "/dev/null", "-w",
                   "%{http_code}", served.url("/index.html"))
        assert out == b"405"


def test_a_small_upload_that_is_refused_keeps_the_connection(served):
    client = http_connection(served, False)
    for _ in range(3):
        client.request("POST", "/index.html", body=b"x" * 1000)
        answer = client.getresponse()
        assert answer.status == 405 and answer.read()
        assert client.sock is not None
    client.close()


# ---- connections ---------------------------------------------------------------------------------


@both
def test_pipelined(demo, secure):
    """Answers in order, though the second takes longer than the third."""
    answer = ask(demo, get("/bytes/3") + get("/delay/300") + get("/plaintext") + get("/bytes/5", "Connection: close\r\n"),
                 secure)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
    first, second = answer.index(harness.demo_bytes(3)), answer.index(b"Hello, World!")
    assert first < second and answer.endswith(harness.demo_bytes(5))


def test_many_pipelined(demo):
    """More requests than are handled ahead, and more than a client reads at once."""
    count = 2000
    with connect(demo) as client:
        sender = concurrent.futures.ThreadPoolExecutor().submit(
            client.sendall, get("/bytes/100") * (count - 1) + get("/bytes/100", "Connection: close\r\n"))
        time.sleep(0.3)
        answer = read_all(client)
        sender.result()
    assert answer.count(harness.demo_bytes(100)) == count


def test_byte_by_byte(demo):
    with connect(demo) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/plaintext", "Connection: close\r\n"):
            client.sendall(bytes([byte]))
        assert read_all(client).endswith(b"\r\n\r\nHello, World!")


def test_half_closed(demo):
    with connect(demo) as client:
        client.sendall(get("/delay/200"))
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 200 ")


def test_old_clients(demo):
    assert ask(demo, b"GET /plaintext HTTP/1.0\r\n\r\n").endswith(b"connection: close\r\n\r\nHello, World!")
    with connect(demo) as client:
        for _ in range(3):
            client.sendall(b"GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = b""
            while not answer.endswith(b"Hello, World!"):
                answer += client.recv(1000)
            assert b"connection: keep-alive\r\n" in answer


def test_drain(start):
    """A request in progress is completed. Its answer says that it is the last."""
    server = start()
    with connect(server) as busy, connect(server) as idle:
        idle.sendall(get("/plaintext"))
        assert idle.recv(1000)
        busy.sendall(get("/delay/1000"))
        time.sleep(0.3)
        server.process.terminate()
        assert read_all(idle) == b""
        answer = read_all(busy)
        assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close\r\n" in answer
    server.check(server.wait())


# ---- other clients -------------------------------------------------------------------------------


@both
def test_python(demo, secure):
    client = http_connection(demo, secure)
    for count in (0, 1, 1000, 1_000_000):
        client.request("GET", f"/bytes/{count}")
        answer = client.getresponse()
        assert answer.read() == harness.demo_bytes(count)
    client.request("POST", "/echo", body=iter([b"ab", b"c" * 100_000]), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked"})
    assert client.getresponse().read() == b"ab" + b"c" * 100_000
    client.close()


NODE = """
const http = require('http'), agent = new http.Agent({keepAlive: true, maxSockets: 2});
let left = 20, sockets = new Set();
for (let i = 0; i < 20; i++)
  http.get({port: +process.argv[1], host: '127.0.0.1', path: '/bytes/5000', agent}, r => {
    let bytes = 0;
    sockets.add(r.socket.localPort);
    r.on('data', d => bytes += d.length);
    r.on('end', () => { if (r.statusCode != 200 || bytes != 5000) process.exit(1);
                        if (--left == 0) { console.log(sockets.size); process.exit(0); } });
  });
"""


def test_node(demo):
    assert tool("node", "-e", NODE, str(demo.http_port)).strip() == b"2"


def told(text, name):
    return int(re.search(rf"{name}:?\s+(\d+)", text).group(1))


def test_ab(demo, tmp_path):
    """HTTP/1.0: until the end of the connection, and kept alive; and uploads."""
    upload = tmp_path / "upload"
    upload.write_bytes(b"x" * 5000)
    url = demo.url("/bytes/1000")
    for how, kept in (([url], None), (["-k", url], 400),
                      (["-k", "-p", str(upload), "-T", "text/plain", demo.url("/echo")], 400)):
        out = tool("ab", "-q", "-n", "400", "-c", "8", *how).decode()
        assert told(out, "Complete requests") == 400 and told(out, "Failed requests") == 0, out
        assert told(out, "HTML transferred") == 400 * (5000 if "-p" in how else 1000)
        assert "Non-2xx" not in out and (kept is None or told(out, "Keep-Alive requests") == kept)


@both
def test_wrk(demo, secure):
    out = tool("wrk", "-t1", "-c16", "-d1", demo.url("/bytes/1000", secure=secure)).decode()
    assert "Socket errors" not in out and "Non-2xx" not in out, out
    assert int(re.search(r"(\d+) requests in", out).group(1)) > 0


FETCH = """
  const fetches = Array.from({length: 40}, (_, i) =>
    fetch(`http://127.0.0.1:${process.argv[1]}/bytes/${1000 + i}`).then(r => r.arrayBuffer()));
  const echo = fetch(`http://127.0.0.1:${process.argv[1]}/echo`, {method: 'POST', duplex: 'half',
    body: new ReadableStream({start(c) { for (let i = 0; i < 50; i++) c.enqueue(Buffer.alloc(1000, i)); c.close(); }})});
  Promise.all(fetches).then(async all => {
    const bytes = (await (await echo).arrayBuffer()).byteLength;
    console.log(all.every((b, i) => b.byteLength == 1000 + i), bytes);
  });
"""


def test_undici(demo):
    """Node's fetch() is undici: it sends streams in chunks."""
    assert tool("node", "-e", FETCH, str(demo.http_port)).strip() == b"true 50000"


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("status,request_bytes", [
    (400, b"GET / HTTP/1.1\r\n\r\n"), (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
    (400, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx"),
    (411, b"POST /sink HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    (417, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n"),
    (421, b"GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 1000 + b"\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 70_000 + b"\r\n\r\n"),
    (501, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), (505, b"GET / HTTP/1.9\r\nHost: a\r\n\r\n")])
def test_refused(demo, status, request_bytes):
    """A short answer, and what follows is not read as a request."""
    answer = ask(demo, request_bytes + get("/plaintext"))
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"connection: close\r\n" in answer and b"Hello" not in answer
    assert len(answer) < 1000
