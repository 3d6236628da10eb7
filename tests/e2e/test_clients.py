"""The built-in site through independent clients. Every byte is compared."""
import json
import os
import re
import ssl
import subprocess

import pytest

import harness
from harness import tool

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = [0, 1, 127, 128, 16383, 16384, 16385, 65535, 65536, 1_000_000, 5_000_003]
UPLOAD = bytes(range(256)) * 20_000 + b"the end"  # a little over 5 MB

both = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])


def curl(secure, *arguments, **more):
    prior = [] if secure else ["--http2-prior-knowledge"]
    return tool("curl", "-sS", "-k", "--http2", *prior, "--max-time", "60", *arguments, seconds=90,
                **more)


# ---- curl ----------------------------------------------------------------------------------------


@both
def test_curl_gets(demo, secure):
    assert curl(secure, "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                demo.url("/", secure)) == b"2 200"
    assert curl(secure, demo.url("/plaintext", secure)) == b"Hello, World!"
    for size in SIZES:
        assert curl(secure, demo.url(f"/bytes/{size}", secure)) == harness.demo_bytes(size), size


@both
def test_curl_posts(demo, secure, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(UPLOAD)
    assert curl(secure, "--data-binary", f"@{upload}", demo.url("/echo", secure)) == UPLOAD
    # In chunks, without content-length.
    assert curl(secure, "-T", "-", "-X", "POST", demo.url("/echo", secure),
                stdin=open(upload, "rb")) == UPLOAD
    assert curl(secure, "-d", "", demo.url("/echo", secure)) == b""


@both
def test_curl_head_and_missing(demo, secure):
    head = curl(secure, "-I", demo.url("/bytes/1000", secure)).decode()
    assert head.startswith("HTTP/2 200") and "content-length: 1000" in head
    assert re.search(r"^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$", head, re.M)
    assert re.search(r"^server: .*weir", head, re.M)
    code = curl(secure, "-o", "/dev/null", "-w", "%{http_code}", demo.url("/no-such", secure))
    assert code == b"404"


def test_curl_parallel(demo, tmp_path):
    urls = []
    for i in range(40):
        urls += ["-o", str(tmp_path / str(i)), demo.url(f"/bytes/{i * 5000}", True)]
    curl(True, "-Z", *urls)
    for i in range(40):
        assert (tmp_path / str(i)).read_bytes() == harness.demo_bytes(i * 5000)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_tls_versions(demo, version):
    assert curl(True, f"--tlsv{version}", "--tls-max", version,
                demo.url("/plaintext", True)) == b"Hello, World!"


# ---- nghttp --------------------------------------------------------------------------------------


@both
def test_nghttp(demo, secure):
    out = tool("nghttp", "-nv", "--no-verify-peer", demo.url("/", secure)).decode()
    assert ":status: 200" in out
    assert "END_STREAM" in out
    if secure:
        assert "negotiated protocol: h2" in out


@both
def test_nghttp_bytes(demo, secure):
    for size in (0, 1, 70_000, 1_000_000):
        body = tool("nghttp", "--no-verify-peer", demo.url(f"/bytes/{size}", secure))
        assert body == harness.demo_bytes(size)


def test_nghttp_upload(demo, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(UPLOAD)
    assert tool("nghttp", "--no-verify-peer", "-d", upload, demo.url("/echo", True)) == UPLOAD


def test_nghttp_padding_continuation_and_trailers(demo, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(UPLOAD[:200_000])
    assert tool("nghttp", "-b", "200", "--continuation", "--trailer", "x-checksum: 1", "-d", upload,
                demo.url("/echo")) == UPLOAD[:200_000]


def test_nghttp_small_windows(demo):
    assert tool("nghttp", "-w", "10", "-W", "14", demo.url("/bytes/200000")) == \
        harness.demo_bytes(200_000)


# ---- Node ----------------------------------------------------------------------------------------


@both
def test_node(demo, secure):
    out = tool("node", os.path.join(HERE, "client.mjs"), demo.url("", secure), seconds=90)
    results = json.loads(out)
    assert results["plaintext"] == "Hello, World!"
    assert results["echo_equal"] is True
    assert results["delays_ms"][0] >= 190
    assert results["head"] == {"status": 200, "length": "1000", "body": 0}
    assert results["pings"] == 3
    for size, digest in results["bytes"].items():
        assert digest == harness.digest(harness.demo_bytes(int(size))), size


def test_node_sees_why_a_request_is_refused(demo):
    script = """
      import http2 from 'node:http2';
      const client = http2.connect(process.argv[1]);
      const request = client.request({':path': '/plain text'});
      let status;
      request.on('response', headers => { status = headers[':status']; });
      request.on('error', () => {});
      request.on('close', () => { console.log(status, request.rstCode); client.close(); });
      request.resume();
    """
    out = tool("node", "--input-type=module", "-e", script, demo.url("", False))
    assert out.split() == [b"400", b"0"]  # the RST_STREAM behind it comes after the end


# ---- python3-h2 ----------------------------------------------------------------------------------


@both
def test_python_h2(demo, secure):
    client = demo.client(secure)
    for size in SIZES:
        response = client.fetch(f"/bytes/{size}")
        assert (response.status, response.body) == (200, harness.demo_bytes(size))
    response = client.fetch("/echo", "POST", body=UPLOAD)
    assert (response.status, response.body) == (200, UPLOAD)
    client.close()


def test_python_h2_concurrent(demo):
    client = demo.client(window_bytes=30_000)
    sizes = [i * 997 for i in range(100)]
    streams = [client.request(f"/bytes/{size}") for size in sizes]
    for size, response in zip(sizes, client.wait(*streams)):
        assert (response.status, response.body) == (200, harness.demo_bytes(size))
    client.close()


def test_echo_and_download_side_by_side(demo):
    client = demo.client()
    download = client.request("/bytes/3000000")
    upload = client.request("/echo", "POST", end=False)
    client.send_body(upload, UPLOAD[:1_000_000])
    first, second = client.wait(download, upload)
    assert first.body == harness.demo_bytes(3_000_000)
    assert second.body == UPLOAD[:1_000_000]
    client.close()


def test_a_delay_delays_nobody_else(demo):
    client = demo.client()
    slow = client.request("/delay/600")
    quick = client.request("/plaintext")
    client.wait(quick)
    assert not client.responses[slow].ended
    assert client.wait(slow)[0].status == 200
    client.close()


def test_bad_parameters(demo):
    client = demo.client()
    for path in ("/bytes/", "/bytes/x", "/bytes/-1", "/bytes/99999999999999999999999",
                 "/delay/", "/delay/x", "/delay/99999999999999999999", "/bytes/1/2"):
        assert client.fetch(path).status in (400, 404), path
    assert client.fetch("/plaintext", "DELETE").status in (404, 405, 501)
    assert client.fetch("/echo").status in (200, 404, 405)
    client.close()


def test_methods_that_read_nothing(demo):
    client = demo.client()
    response = client.fetch("*", "OPTIONS")
    assert (response.status, response.field("allow")) == (204, "GET, HEAD, POST, OPTIONS")
    response = client.fetch("/plaintext", "OPTIONS")
    assert (response.status, response.field("allow")) == (204, "GET, HEAD, OPTIONS")
    assert client.fetch("/plaintext").status == 200
    client.close()


def test_many_cookies(demo):
    """Browsers send each cookie as a field of its own (RFC 9113 section 8.2.3)."""
    client = demo.client()
    crumbs = [("cookie", f"name{i}=value{i}") for i in range(180)]
    assert client.fetch("/plaintext", fields=crumbs).status == 200
    assert client.fetch("/plaintext", fields=crumbs).status == 200
    client.close()


def test_curl_expects_in_any_case(demo):
    out = curl(False, "-D", "-", "-H", "Expect: 100-Continue", "-d", "x", demo.url("/echo"))
    assert b"HTTP/2 100" in out


def test_tls_sessions_resume(demo):
    """A ticket is valid for a later connection, whichever worker accepts it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    first = demo.client(True, context=context)
    assert first.fetch("/plaintext").status == 200
    session = first.socket.session
    assert session is not None and session.has_ticket
    first.close()
    second = demo.client(True, context=context, session=session)
    assert second.fetch("/plaintext").status == 200
    assert second.socket.session_reused
    second.close()


def test_the_fingerprint_is_the_certificates(demo):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{demo.https_port}"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    text = tool("openssl", "x509", "-noout", "-fingerprint", "-sha256", input=done.stdout,
                stdin=None).decode()
    fingerprint = text.split("=")[1].strip()
    assert harness.wait_until(lambda: fingerprint in demo.log(), 5), demo.log()
