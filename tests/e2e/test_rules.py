"""Rules of routes, with curl over HTTP/1.1 and HTTP/2: fields, Cache-Control, types, indexes, listings, the fallback,
error pages, access and rates."""
import shutil
import socket
import subprocess

import pytest

import harness

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
VERSIONS = ["--http1.1", "--http2"]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A site, and the options that give it rules."""
    root = tmp_path_factory.mktemp("site")
    site = root / "site"
    (site / "list" / "inner").mkdir(parents=True)
    (site / "two").mkdir()
    (site / "open").mkdir()
    (site / "open" / "a.txt").write_text("open")
    (site / "index.html").write_text("<p>home")
    (site / "two" / "start.htm").write_text("<p>start")
    (site / "list" / "<b>&.txt").write_text("bold")
    (site / "list" / ".hidden").write_text("secret")
    (site / "a.css").write_text("p {}")
    (site / "a.data").write_text("data")
    (site / "b.data").write_text("data")
    (root / "404.html").write_text("<p>There is no such page")
    (root / "403.txt").write_text("No.")
    return [site, "--listing", "--index", "index.html", "--index", "start.htm",
            "--cache-control", "no-cache", "--cache-rule", "*.css: max-age=60", "--charset", "iso-8859-1",
            "--type", "data=text/x-data", "--header-set", "X-Frame-Options: DENY",
            "--header-set", "Strict-Transport-Security: max-age=9", "--header-remove", "last-modified",
            "--error-page", f"404={root}/404.html", "--error-page", f"403={root}/403.txt",
            "--route", "/app", "--directory", site, "--fallback", "/index.html",
            "--route", "/own", "--answer", "own", "--access", "deny 127.0.0.0/8", "--access", "allow all",
            "--route", "/few", "--answer", "few", "--request-rate", "1/h,burst=2",
            "--route", "/b.data", "--access", "deny all", "--route", "/open/", "--header-set", "x-route: open"]


@pytest.fixture(scope="module")
def server(options, tmp_path_factory):
    with harness.Server(tmp_path_factory.mktemp("log"), *options) as running:
        yield running


def curl(server, path, *more, version="--http2", secure=True):
    """(status, fields, body)."""
    out = harness.tool("curl", "-ski", "--path-as-is", version, *more, server.url(path, secure)).decode()
    head, _, body = out.partition("\r\n\r\n")
    lines = head.split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), fields, body


@pytest.mark.parametrize("version", VERSIONS)
def test_files(server, version):
    status, fields, body = curl(server, "/", version=version)
    assert (status, body) == (200, "<p>home")
    assert fields["content-type"] == "text/html; charset=iso-8859-1"
    assert fields["cache-control"] == "no-cache"
    assert fields["x-frame-options"] == "deny"
    assert fields["strict-transport-security"] == "max-age=9"
    assert "last-modified" not in fields and "etag" in fields
    assert curl(server, "/a.css", version=version)[1]["cache-control"] == "max-age=60"
    assert curl(server, "/a.data", version=version)[1]["content-type"] == "text/x-data; charset=iso-8859-1"
    assert curl(server, "/two/", version=version)[2] == "<p>start"
    assert "strict-transport-security" not in curl(server, "/", version="--http1.1", secure=False)[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_listing(server, version):
    status, fields, body = curl(server, "/list/", version=version)
    assert status == 200 and fields["content-type"].startswith("text/html")
    assert '<a href="./inner/">inner/</a>' in body
    assert '<a href="./%3Cb%3E&amp;.txt">&lt;b&gt;&amp;.txt</a><td>4<td>' in body
    assert "hidden" not in body and "<b>" not in body
    assert curl(server, "/list/%3Cb%3E&.txt", version=version)[2] == "bold"


@pytest.mark.parametrize("version", VERSIONS)
def test_errors(server, version):
    status, fields, body = curl(server, "/none", version=version)
    assert (status, body) == (404, "<p>There is no such page")
    assert fields["content-type"].startswith("text/html") and fields["x-frame-options"] == "deny"
    status, fields, body = curl(server, "/none", "--head", version=version)
    assert (status, fields["content-length"], body) == (404, "24", "")
    status, _, body = curl(server, "/none", "--range", "0-3", version=version)
    assert (status, body) == (404, "<p>There is no such page")


@pytest.mark.parametrize("version", VERSIONS)
def test_fallback(server, version):
    assert curl(server, "/app/users/7", version=version)[::2] == (200, "<p>home")
    assert curl(server, "/app/old.js", version=version)[0] == 404


@pytest.mark.parametrize("version", VERSIONS)
def test_access(server, version):
    for path in ("/own", "/own/a", "/own/", "/%6fwn", "//own", "/list/../own"):
        assert curl(server, path, version=version)[::2] == (403, "No."), path
    assert curl(server, "/owner", version=version)[0] == 404


def test_routes_with_rules_alone(server):
    """They serve the directory of all, under the same paths."""
    assert curl(server, "/b.data")[::2] == (403, "No.")
    status, fields, body = curl(server, "/open/a.txt")
    assert (status, fields["x-route"], body) == (200, "open", "open")
    assert curl(server, "/open/none")[0] == 404 and curl(server, "/open")[1]["location"] == "/open/"
    assert "x-route" not in curl(server, "/a.css")[1]


def test_rate(server):
    answers = [curl(server, "/few") for _ in range(4)]
    assert [status for status, _, _ in answers] == [200, 200, 429, 429]
    assert 3000 < int(answers[3][1]["retry-after"]) <= 3600
    assert server.log().count("requests from 127.0.0.1 come faster than 1/h,burst=2") == 1
    assert curl(server, "/")[0] == 200


def test_connections(start):
    server = start("--answer", "hello", "--connection-rate", "1/h,burst=20")
    codes = []
    for _ in range(25):
        try:
            codes.append(curl(server, "/")[0])
        except AssertionError:
            codes.append(None)
    # Some of the first twenty looked whether the server listens.
    assert codes[0] == 200 and codes[-1] is None, codes
    assert server.log().count("connections from 127.0.0.1 come faster") == 1


def test_connections_per_client(start):
    server = start("--answer", "hello", "--connections-per-client", "3")
    held, refused = [], 0
    for _ in range(12):
        sock = socket.create_connection(("127.0.0.1", server.http_port))
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        try:
            answered = sock.recv(100).startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            answered = False
        if answered:
            held.append(sock)
        else:
            refused += 1
    assert held and refused and len(held) <= 3
    assert "127.0.0.1 has 3 connections open; others are refused" in server.log()
    held.pop().close()

    def answers():
        out = subprocess.run(["curl", "-s", server.url("/")], stdout=subprocess.PIPE)
        return out.stdout == b"hello"

    assert harness.wait_until(answers)


def test_a_file_says_the_same(options, tmp_path):
    status, text, error = harness.run("serve", *options, "--print-config")
    assert status == 0, error
    for line in ("listing: true", "charset: iso-8859-1", "fallback: /index.html", "request-rate: "):
        assert line in text
    path = tmp_path / "weir.yaml"
    path.write_text(text)
    assert harness.run("serve", "--config", path, "--print-config")[:2] == (0, text)
    assert harness.run("serve", "--config", path, "--check")[0] == 0


def test_an_error_page_that_is_missing(tmp_path):
    status, _, error = harness.run("serve", tmp_path, "--error-page", f"404={tmp_path}/none", "--check")
    assert status == 1
    assert f"cannot show error-page {tmp_path}/none for status 404: No such file or directory" in error
