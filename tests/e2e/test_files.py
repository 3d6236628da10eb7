"""Static files: the right bytes, the right fields, and never a byte from outside the directory."""
import email
import email.policy
import email.utils
import os
import time

import pytest

import harness
import site_tree
from site_tree import BROKEN_PATHS, SECRET, TRAVERSALS, Site

import urllib.parse


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    parent = tmp_path_factory.mktemp("site")
    site = Site(parent)
    with harness.Server(parent, site.root) as server:
        server.site = site
        yield server


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_every_file_comes_whole(served, secure):
    client = served.client(secure)
    for name, content in served.site.files.items():
        response = client.fetch(urllib.parse.quote(name))
        assert response.status == 200, name
        assert response.body == content, name
        assert response.field("content-length") == str(len(content)), name
        assert response.field("server") and response.field("date"), name
        assert abs(email.utils.parsedate_to_datetime(response.field("date")).timestamp() -
                   time.time()) < 10
    client.close()


def test_many_at_once(served):
    client = served.client()
    names = [n for n in served.site.files if n != "/large.bin"] * 4
    streams = [client.request(urllib.parse.quote(name)) for name in names]
    for name, response in zip(names, client.wait(*streams)):
        assert (response.status, bytes(response.body)) == (200, served.site.files[name]), name
    client.close()


def test_head_has_the_fields_and_no_body(served):
    client = served.client()
    for name in ("/index.html", "/large.bin", "/empty.txt"):
        get = client.fetch(name)
        head = client.fetch(name, "HEAD")
        assert head.status == 200 and head.body == b""
        ignore = ("date",)
        assert [f for f in get.fields if f[0] not in ignore] == \
            [f for f in head.fields if f[0] not in ignore]
    client.close()


@pytest.mark.parametrize("name, kind", [
    ("style.css", "text/css"), ("code.js", "text/javascript"), ("picture.svg", "image/svg+xml"),
    ("picture.png", "image/png"), ("data.json", "application/json"),
    ("module.wasm", "application/wasm"), ("unknown.xyzzy", "application/octet-stream"),
    ("noextension", "application/octet-stream")])
def test_content_type(served, name, kind):
    assert served.get("/types/" + name).field("content-type").split(";")[0] == kind


def test_a_name_that_is_not_utf8(served):
    with open(os.fsencode(served.site.root) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"latin-1")
    response = served.get("/caf%e9.txt")
    assert response.status == 200 and response.body == b"latin-1"


def test_directories(served):
    index = served.get("/")
    assert (index.status, index.body) == (200, served.site.files["/index.html"])
    assert index.field("content-type").startswith("text/html")
    redirect = served.get("/directory")
    assert (redirect.status, redirect.field("location")) == (301, "/directory/")
    assert served.get("/directory/").body == served.site.files["/directory/index.html"]
    assert served.get("/directory?q=1").field("location") == "/directory/?q=1"
    assert served.get("/no-index/").status == 404
    assert served.get("/one.txt/").status == 404
    # A redirect must not lead to another host: "//host/" has an authority.
    redirect = served.get("//directory")
    assert (redirect.status, redirect.field("location")) == (301, "/directory/")


def test_queries_do_not_matter(served):
    assert served.get("/one.txt?x=/../..").body == b"1"


def test_not_modified(served):
    client = served.client()
    first = client.fetch("/medium.bin")
    etag, date = first.field("etag"), first.field("last-modified")
    assert etag.startswith('"') and date
    rows = [([("if-none-match", etag)], 304),
            ([("if-none-match", f'"x", {etag}')], 304),
            ([("if-none-match", "W/" + etag)], 304),
            ([("if-none-match", "*")], 304),
            ([("if-none-match", '"x"')], 200),
            ([("if-modified-since", date)], 304),
            ([("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT")], 200),
            ([("if-modified-since", "yesterday")], 200),
            # RFC 9110 section 13.2.2: If-None-Match wins.
            ([("if-none-match", '"x"'), ("if-modified-since", date)], 200),
            ([("if-match", '"x"')], 412),
            ([("if-match", etag)], 200),
            ([("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT")], 412)]
    for fields, status in rows:
        response = client.fetch("/medium.bin", fields=fields)
        assert response.status == status, fields
        if status == 304:
            assert response.body == b"" and response.field("etag") == etag
        elif status == 200:
            assert response.body == served.site.files["/medium.bin"]
    client.close()


def test_ranges(served):
    content = served.site.files["/medium.bin"]
    size = len(content)
    client = served.client()
    etag = client.fetch("/medium.bin", "HEAD").field("etag")
    assert client.fetch("/medium.bin", "HEAD").field("accept-ranges") == "bytes"
    rows = [("bytes=0-0", 0, 1), ("bytes=0-99", 0, 100), ("bytes=100-", 100, size),
            ("bytes=-100", size - 100, size), (f"bytes={size - 1}-", size - 1, size),
            (f"bytes=10-{size * 2}", 10, size), (f"bytes=-{size * 2}", 0, size)]
    for value, begin, end in rows:
        response = client.fetch("/medium.bin", fields=[("range", value)])
        assert response.status == 206, value
        assert response.body == content[begin:end], value
        assert response.field("content-range") == f"bytes {begin}-{end - 1}/{size}"
        assert response.field("content-length") == str(end - begin)
    for value in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0",
                  "bytes=99999999999999999999999-"):
        response = client.fetch("/medium.bin", fields=[("range", value)])
        assert response.status == 416, value
        assert response.field("content-range") == f"bytes */{size}"
    # Anything but a byte range is ignored: the answer is the whole file.
    for value in ("bytes=5-1", "bytes=", "bytes", "lines=1-2", "bytes=a-b", "bytes=1-4,4-5"):
        response = client.fetch("/medium.bin", fields=[("range", value)])
        assert response.status == 200, value
        assert response.body == content, value
    for value, status in ((etag, 206), ('"x"', 200), ("W/" + etag, 200)):
        response = client.fetch("/medium.bin", fields=[("range", "bytes=0-9"),
                                                       ("if-range", value)])
        assert response.status == status, value
        assert response.body == (content[:10] if status == 206 else content)
    client.close()


@pytest.mark.parametrize("path", ["/medium.bin", "/large.bin"])
def test_several_ranges(served, path):
    content = served.site.files[path]
    ranges = [(100_000, 100_100), (5, 6), (len(content) - 70_000, len(content))]
    value = ", ".join(f"{begin}-{end - 1}" for begin, end in ranges)
    response = served.get(path, fields=[("range", "bytes=" + value)])
    assert response.status == 206
    assert response.field("content-length") == str(len(response.body))
    head = f"content-type: {response.field('content-type')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/byteranges"
    parts = list(message.iter_parts())
    assert len(parts) == len(ranges)
    for part, (begin, end) in zip(parts, ranges):
        assert part["content-range"] == f"bytes {begin}-{end - 1}/{len(content)}"
    boundary = message.get_boundary().encode()
    pieces = response.body.split(b"\r\n--" + boundary)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n"
    bodies = [piece.split(b"\r\n\r\n", 1)[1] for piece in pieces[1:-1]]
    assert bodies == [content[begin:end] for begin, end in ranges]


def test_range_of_a_large_file(served):
    content = served.site.files["/large.bin"]
    response = served.get("/large.bin", fields=[("range", "bytes=10000000-19999999")])
    assert response.status == 206 and response.body == content[10_000_000:20_000_000]


@pytest.mark.parametrize("accept, encoding", [
    (None, None), ("", None), ("identity", None), ("gzip", "gzip"), ("br", "br"),
    ("gzip, br", "br"), ("br;q=0, gzip", "gzip"), ("gzip;q=0, br;q=0", None), ("*", "br"),
    ("deflate", None), ("gzip;q=1.0, br;q=0.1", "gzip"), ("GZIP", "gzip")])
def test_precompressed(served, accept, encoding):
    fields = [] if accept is None else [("accept-encoding", accept)]
    response = served.get("/app.js", fields=fields)
    assert response.status == 200
    assert response.field("content-encoding") == encoding
    assert response.body == {None: served.site.files["/app.js"], "gzip": served.site.gzip,
                             "br": served.site.brotli}[encoding]
    assert "accept-encoding" in response.field("vary").lower()
    assert response.field("content-type").split(";")[0] == "text/javascript"


def test_encodings_have_etags_of_their_own(served):
    tags = {served.get("/app.js", fields=[("accept-encoding", a)]).field("etag")
            for a in ("identity", "gzip", "br")}
    assert len(tags) == 3


def test_a_compressed_file_by_its_own_name(served):
    response = served.get("/app.js.gz")
    assert (response.status, response.body) == (200, served.site.gzip)
    assert response.field("content-encoding") is None


@pytest.mark.parametrize("path", TRAVERSALS + BROKEN_PATHS,
                         ids=lambda p: p if len(p) < 60 else p[:20] + "...")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_from_outside(served, path, method):
    client = served.raw()
    client.request(1, path, method)
    client.take_end(1)
    status = "414" if len(path) > 4096 else "404" if path.isascii() else "400"
    assert client.status(1) == status, dict(client.headers[1][-1])
    body = client.bodies.get(1, b"")
    assert SECRET not in body and b"root:" not in body
    # The connection continues.
    client.request(3, "/one.txt")
    client.take_end(3)
    assert client.bodies[3] == b"1"
    client.close()


@pytest.mark.parametrize("path", ["one.txt", "", "http://localhost/one.txt", "*"])
def test_paths_without_a_slash(served, path):
    client = served.raw()
    client.request(1, path)
    client.take_end(1)
    assert client.status(1) == "400"
    client.request(3, "/one.txt")
    client.take_end(3)
    assert client.bodies[3] == b"1"
    client.close()


def test_dots_that_stay_inside(served):
    for path, body in (("/directory/../one.txt", b"1"), ("/./one.txt", b"1"),
                       ("/directory/./page.html", b"<p>page\n")):
        response = served.get(path)
        assert (response.status, response.body) == (200, body), path


def test_traps(served):
    client = served.client()
    for path in served.site.forbidden:
        began = time.monotonic()
        response = client.fetch(path)
        # The answer does not reveal that the dot-file exists.
        assert response.status == (404 if "/." in path else 403), path
        assert SECRET not in response.body and b"root:" not in response.body
        assert time.monotonic() - began < 5, path
    client.close()


def test_links_that_stay_inside(served):
    """Also to files that are not served by their own name, which begins with a dot: the manual says so."""
    os.symlink("one.txt", served.site.path("link-in.txt"))
    response = served.get("/link-in.txt")
    assert (response.status, response.body) == (200, b"1")
    with open(served.site.path(".revision"), "wb") as file:
        file.write(b"7")
    os.symlink(".revision", served.site.path("revision.txt"))
    assert served.get("/.revision").status == 404
    response = served.get("/revision.txt")
    assert (response.status, response.body) == (200, b"7")


def test_other_methods(served):
    client = served.client()
    for method in ("POST", "PUT", "DELETE", "PATCH", "PROPFIND"):
        response = client.fetch("/one.txt", method, body=b"x")
        assert response.status == 405, method
        assert response.field("allow") == "GET, HEAD, OPTIONS"
    client.close()


def test_changes_are_noticed(served):
    path = served.site.path("changing.txt")
    client = served.client()
    tags = set()
    for content in (b"first", b"second version", b"third"):
        with open(path, "wb") as file:
            file.write(content)
        assert harness.wait_until(lambda: client.fetch("/changing.txt").body == content, 10, 0.1)
        tags.add(client.fetch("/changing.txt").field("etag"))
    assert len(tags) == 3
    os.rename(served.site.path("no-index/file.txt"), path)
    assert harness.wait_until(lambda: client.fetch("/changing.txt").body == b"file\n", 10, 0.1)
    os.remove(path)
    assert harness.wait_until(lambda: client.fetch("/changing.txt").status == 404, 10, 0.1)
    client.close()


def begin_slowly(served, name, read=100_000):
    """A raw client that has read the start of a large file and opens its window no further."""
    client = served.raw(settings={4: read}, receive_bytes=16384)
    client.request(1, name)
    while len(client.bodies.get(1, b"")) < min(read, 60_000):
        assert client.take() is not None
    return client


def open_window(client, stream=1):
    client.frame("WindowUpdate", 0, window_increment=1 << 30)
    client.frame("WindowUpdate", stream, window_increment=1 << 30)


def test_truncated_while_it_is_sent(served):
    served.site.add("/shrinks.bin", site_tree.random_bytes(16 << 20, 5))
    client = begin_slowly(served, "/shrinks.bin")
    os.truncate(served.site.path("shrinks.bin"), 200_000)
    open_window(client)
    end = client.take_end(1)
    assert type(end).__name__ == "RstStreamFrame"
    assert len(client.bodies[1]) < 16 << 20
    client.request(3, "/one.txt")
    client.take_end(3)
    assert client.bodies[3] == b"1"
    client.close()
    assert served.alive()


def test_replaced_while_it_is_sent(served):
    old = site_tree.random_bytes(4 << 20, 6)
    served.site.add("/replaced.bin", old)
    client = begin_slowly(served, "/replaced.bin")
    new = site_tree.random_bytes(4 << 20, 7)
    with open(served.site.path("replaced.bin.new"), "wb") as file:
        file.write(new)
    os.rename(served.site.path("replaced.bin.new"), served.site.path("replaced.bin"))
    assert served.get("/replaced.bin").body == new
    open_window(client)
    assert type(client.take_end(1)).__name__ == "DataFrame"
    assert client.bodies[1] == old
    client.close()
    assert served.alive()


@pytest.mark.parametrize("where", ["everywhere", "in the middle"])
def test_rewritten_while_it_is_sent(served, where):
    content = site_tree.random_bytes(4 << 20, 8)
    served.site.add("/rewritten.bin", content)
    client = begin_slowly(served, "/rewritten.bin")
    with open(served.site.path("rewritten.bin"), "r+b") as file:  # as many bytes
        file.seek(0 if where == "everywhere" else 3 << 20)
        file.write(site_tree.random_bytes(4 << 20 if where == "everywhere" else 1000, 9))
    open_window(client)
    assert type(client.take_end(1)).__name__ == "RstStreamFrame"
    assert client.bodies[1] == content[:len(client.bodies[1])]
    client.close()
    assert served.alive()


def test_rewritten_while_it_is_on_its_way(served):
    """What the kernel holds for a client that does not read yet stays as it was sent. The file is old enough to be
    sent from memory that is shared; of two clients, one goes away."""
    content = site_tree.random_bytes(16 << 20, 11)
    served.site.add("/on-its-way.bin", content)
    time.sleep(2.1)
    gone, client = (served.raw(settings={4: 1 << 30}) for _ in range(2))
    for each in (gone, client):
        each.frame("WindowUpdate", 0, window_increment=1 << 30)
        each.request(1, "/on-its-way.bin")
        while len(each.bodies.get(1, b"")) < 1 << 20:
            assert each.take() is not None
    time.sleep(0.2)  # the sockets are full
    with open(served.site.path("on-its-way.bin"), "r+b") as file:
        file.write(site_tree.random_bytes(16 << 20, 12))
    gone.close()
    assert type(client.take_end(1)).__name__ == "RstStreamFrame"
    assert client.bodies[1] == content[:len(client.bodies[1])]
    client.close()
    assert served.get("/one.txt").body == b"1"
    assert served.alive()


@pytest.mark.parametrize("change", ["touch", "append", "unlink", "chmod"])
def test_changed_while_it_is_sent(served, change):
    content = site_tree.random_bytes(4 << 20, 10)
    served.site.add(f"/{change}.bin", content)
    path = served.site.path(f"{change}.bin")
    client = begin_slowly(served, f"/{change}.bin")
    if change == "touch":
        os.utime(path)
    elif change == "append":
        with open(path, "ab") as file:
            file.write(b"more")
    elif change == "unlink":
        os.unlink(path)
    else:
        os.chmod(path, 0o604)
    open_window(client)
    assert type(client.take_end(1)).__name__ == "DataFrame"
    assert client.bodies[1] == content
    client.close()


def test_stalled_readers_keep_no_file_from_others(start, tmp_path):
    """A connection has as many large files in transfer as there are descriptors for them, and reads none. A
    newcomer gets its file at once. Once the others are read again, they arrive complete, also one that has been
    replaced."""
    descriptors, part = 400, 4  # FILES_DESCRIPTORS_PART
    count = descriptors // part
    root = tmp_path / "root"
    root.mkdir()
    content = [bytes([i]) * 300_000 for i in range(count + 1)]
    for i, body in enumerate(content):
        (root / str(i)).write_bytes(body)
    server = start(root, preexec=harness.descriptors_at_most(descriptors))
    client = server.raw()
    for i in range(count):
        client.request(1 + 2 * i, f"/{i}")
    client.take_until(lambda _: len(client.headers) == count)
    (root / "new").write_bytes(b"new")
    os.rename(root / "new", root / "0")
    began = time.monotonic()
    newcomer = server.get(f"/{count}")
    assert (newcomer.status, newcomer.body) == (200, content[count])
    assert time.monotonic() - began < 2
    client.frame("WindowUpdate", 0, window_increment=1 << 30)
    for i in range(count):
        client.frame("WindowUpdate", 1 + 2 * i, window_increment=1 << 20)
    client.take_until(lambda _: sum(map(len, client.bodies.values())) == 300_000 * count)
    assert [client.bodies[1 + 2 * i] for i in range(count)] == content[:count]
    client.close()


def test_the_reason_of_a_403_is_told_once(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").write_text("no")
    (root / "a b").symlink_to("../outside")
    (root / "fine").write_text("yes")
    with harness.Server(tmp_path, root, "--verbose", workers=2) as server:
        for _ in range(6):
            assert server.get("/a%20b").status == 403
            assert server.get("/fine").status == 200
    lines = [line for line in server.log().splitlines() if line.startswith("403")]
    assert lines == ["403 for /a%20b: it leads outside of the directory"]


def test_a_large_file_is_not_loaded_whole(tmp_path):
    site = Site(tmp_path)
    with open(site.path("huge.bin"), "wb") as file:
        file.truncate(3 << 30)
    with harness.Server(tmp_path, site.root) as server:
        before = server.memory_bytes()
        client = server.client()
        stream = client.request("/huge.bin")
        while len(client.responses[stream].body) < 100 << 20:
            client.turn()
            if len(client.responses[stream].body) % (8 << 20) < 65536:
                assert server.memory_bytes() - before < 64 << 20
        client.close()
        assert server.alive()
