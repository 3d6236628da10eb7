"""Files that are compressed on the fly, and compressed files that are decoded: end to end, with other decoders."""
import gzip
import os
import random
import signal
import subprocess

import pytest

import harness
from harness import bound

CODINGS = ("gzip", "br", "zstd")


def text_of(size, seed=1):
    words = random.Random(seed)
    return b"".join(b"word%d " % words.randrange(400) for _ in range(size // 4))[:size]


def decode(coding, body):
    if coding == "gzip":
        return gzip.decompress(body)
    if coding == "br":
        return subprocess.run(["brotli", "-dc"], input=body, capture_output=True, check=True).stdout
    return None  # there is no decoder for zstd here: test_codec.c has the library's


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    files = {"small.js": text_of(20000), "large.css": text_of(700000), "tiny.txt": text_of(1023),
             "noise.txt": random.Random(2).randbytes(30000), "image.png": text_of(5000),
             "with.html": text_of(9000), "page.html": text_of(40000)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "with.html.gz").write_bytes(gzip.compress(b"the sibling"))
    (folder / "only.js.gz").write_bytes(gzip.compress(files["small.js"][:5000]) + gzip.compress(files["small.js"][5000:]))
    (folder / "only.css.br").write_bytes(harness.tool("brotli", "-c", folder / "small.js"))
    (folder / "broken.js.gz").write_bytes(gzip.compress(files["small.js"])[:500])
    with harness.Server(folder.parent, folder, workers=2) as server:
        server.folder, server.files = folder, files
        yield server


def get(server, path, accept, *fields, **more):
    return server.get(path, fields=[("accept-encoding", accept), *fields], **more)


def test_the_built_in_site(start):
    """Of a plain command line, too; and it goes on to be sent as it is with --no-compress."""
    for options, coding in (([], "gzip"), (["--no-compress"], None)):
        response = get(start(*options), "/", "gzip")
        assert response.status == 200 and response.field("content-encoding") == coding
        page = decode("gzip", bytes(response.body)) if coding else bytes(response.body)
        assert page.strip().endswith(b"</html>") or b"<" in page


def test_lists_of_directories(start, tmp_path):
    """A list is compressed as it is sent; the files in the directory are compressed once, as ever."""
    for number in range(100):
        (tmp_path / f"a-name-{number}.txt").write_bytes(text_of(2000))
    server = start(tmp_path, "--listing")
    listed = get(server, "/", "gzip")
    assert listed.field("content-encoding") == "gzip" and listed.field("vary") == "accept-encoding"
    assert b"a-name-99.txt" in decode("gzip", bytes(listed.body))
    assert get(server, "/", "identity").field("content-encoding") is None
    file = get(server, "/a-name-1.txt", "gzip")
    assert file.field("content-encoding") == "gzip" and file.field("content-length") is not None
    assert server.counters()["compress_begun"] == 1


@pytest.mark.parametrize("name", ["small.js", "large.css"])
@pytest.mark.parametrize("coding", CODINGS)
def test_compressed(served, name, coding):
    """Again and again the same: the second time it is made already, if it is the same worker."""
    first = get(served, "/" + name, coding)
    assert first.status == 200 and first.field("content-encoding") == coding
    assert first.field("vary") == "accept-encoding" and first.field("etag").startswith('W/"')
    assert first.field("accept-ranges") is None
    assert int(first.field("content-length")) == len(first.body) < len(served.files[name]) / 2
    decoded = decode(coding, bytes(first.body))
    assert decoded in (None, served.files[name])
    if coding == "zstd":
        assert first.body.startswith(b"\x28\xb5\x2f\xfd")
    for _ in range(4):
        again = get(served, "/" + name, coding)
        assert bytes(again.body) == bytes(first.body) and again.field("etag") == first.field("etag")
    head = get(served, "/" + name, coding, method="HEAD")
    assert head.field("content-length") == first.field("content-length") and not head.body
    not_modified = get(served, "/" + name, coding, ("if-none-match", first.field("etag")))
    assert not_modified.status == 304 and not_modified.field("etag") == first.field("etag")


@pytest.mark.parametrize("path, accept, coding", [
    ("/tiny.txt", "br, gzip", None), ("/noise.txt", "br, gzip", None), ("/image.png", "br, gzip", None),
    ("/small.js", "identity", None), ("/small.js", "gzip;q=0, br;q=0", None), ("/small.js", "deflate", None),
    ("/small.js", "gzip;q=0.8, br;q=0.5", "gzip"), ("/small.js", "identity;q=0, zstd", "zstd"),
    ("/with.html", "br, gzip", "gzip"), ("/with.html", "br", "br"),
])
def test_what_is_sent(served, path, accept, coding):
    response = get(served, path, accept)
    assert response.status == 200 and response.field("content-encoding") == coding
    if coding is None:
        assert bytes(response.body) == served.files[path[1:]]
    if path == "/with.html" and coding == "gzip":
        assert gzip.decompress(bytes(response.body)) == b"the sibling"


def test_ranges_are_those_of_the_file(served):
    response = get(served, "/large.css", "br, gzip", ("range", "bytes=10-19"))
    assert response.status == 206 and bytes(response.body) == served.files["large.css"][10:20]
    assert response.field("content-encoding") is None and not response.field("etag").startswith("W/")
    weak = get(served, "/large.css", "br").field("etag")
    whole = get(served, "/large.css", "br", ("range", "bytes=10-19"), ("if-range", weak))
    assert whole.status == 200 and bytes(whole.body) == served.files["large.css"]


@pytest.mark.parametrize("path", ["/only.js", "/only.css"])
def test_only_a_compressed_file_exists(served, path):
    content = served.files["small.js"]
    own = "gzip" if path == "/only.js" else "br"
    assert decode(own, bytes(get(served, path, own).body)) == content
    for response in (served.get(path), get(served, path, "zstd, identity")):
        assert response.status == 200 and bytes(response.body) == content
        assert response.field("content-encoding") is None and response.field("vary") == "accept-encoding"
        assert response.field("content-type").startswith("text/")


def test_a_damaged_one(served):
    assert get(served, "/broken.js", "gzip").status == 200
    assert served.get("/broken.js").status == 500
    assert served.get("/missing.js").status == 404


def test_more_than_the_cache_could_keep(start, tmp_path):
    """It is tried once, not for each request: with many directories, each has a small part of the cache."""
    folder, config, port = tmp_path / "many", tmp_path / "weir.yaml", harness.free_port()
    folder.mkdir()
    routes = 64
    decoded = bound("FILES_CACHE_BYTES") // routes // bound("RECODE_CACHE_PART") + 1
    (folder / "bomb.js.gz").write_bytes(gzip.compress(bytes(decoded)))
    (folder / "fits.js.gz").write_bytes(gzip.compress(bytes(decoded - 1)))
    config.write_text(f"http: {port}\nworkers: 1\nroutes:\n" + "".join(
        f"- {{path: /{number or ''}, directory: {folder}}}\n" for number in range(routes)))
    server = start("--config", config, http=False, https=False, workers=None)
    server.http_port = port
    assert harness.wait_until(lambda: harness.listening(port))
    assert len(server.get("/fits.js").body) == decoded - 1
    for _ in range(5):
        assert server.get("/bomb.js").status == 404
        assert get(server, "/bomb.js", "gzip").status == 200
    counters = server.counters()
    assert (counters["recode_useless"], counters["recode_busy"], counters["recode_decoded"]) == (1, 0, 1)


def test_many_at_once(served):
    """All wait for the same job, and those who leave meanwhile miss nothing."""
    clients = [served.client() for _ in range(8)]
    for client in clients:
        client.streams = [client.request("/page.html", fields=[("accept-encoding", "br")]) for _ in range(10)]
    for client in clients[:4]:
        client.h2.reset_stream(client.streams.pop())
        client.flush()
    clients.pop().close()
    bodies = {bytes(response.body) for client in clients for response in client.wait(*client.streams)}
    assert len(bodies) == 1 and decode("br", bodies.pop()) == served.files["page.html"]
    for client in clients:
        client.close()


def test_a_changed_file(served):
    path = served.folder / "changing.js"
    path.write_bytes(text_of(30000, 5))
    tags = set()
    for seed in (5, 6, 7):
        replaced = served.folder / "new"
        replaced.write_bytes(text_of(30000, seed))
        os.replace(replaced, path)

        def is_new():
            response = get(served, "/changing.js", "gzip")
            tags.add(response.field("etag"))
            return gzip.decompress(bytes(response.body)) == text_of(30000, seed)
        assert harness.wait_until(is_new)
    assert len(tags) >= 3


def test_it_can_be_turned_off(start, served):
    server = start(served.folder, "--no-compress")
    response = get(server, "/small.js", "br, gzip")
    assert response.field("content-encoding") is None and response.field("vary") is None
    assert get(server, "/with.html", "gzip").field("content-encoding") == "gzip"
    assert bytes(server.get("/only.js").body) == served.files["small.js"]


def test_the_end_comes_while_it_works(start, served):
    server = start(served.folder, "--drain-seconds", 0)
    assert server.get("/tiny.txt").status == 200  # it has started, and heeds signals
    client = server.client()
    for coding in CODINGS:
        client.request("/large.css", fields=[("accept-encoding", coding)])
    os.kill(server.pid, signal.SIGTERM)
    server.check(server.wait())
    client.close()


def test_each_route_for_itself(start, served, tmp_path):
    """Files and what handlers make, by routes that compress and by some that do not."""
    config = tmp_path / "weir.yaml"
    text = "a long answer, " * 100
    port = harness.free_port()
    config.write_text(f"""
http: {port}
routes:
- {{path: /, directory: {served.folder}}}
- {{path: /plain, directory: {served.folder}, compress: false}}
- {{path: /answer, answer: "{text}"}}
- {{path: /answer/plain, answer: "{text}", compress: false, header-set: {{x-rule: "yes"}}}}
- {{path: /answer/ruled, answer: "{text}", header-set: {{x-rule: "yes"}}}}
""")
    server = start("--config", config, http=False, https=False, workers=None)
    server.http_port = port
    assert harness.wait_until(lambda: harness.listening(port))
    for path, coding in (("/small.js", "gzip"), ("/plain/small.js", None), ("/answer", "gzip"), ("/answer/plain", None),
                         ("/answer/ruled", "gzip")):
        response = get(server, path, "gzip")
        assert response.status == 200 and response.field("content-encoding") == coding, path
        assert (response.field("vary") is None) == (path.endswith("plain") or "/plain/" in path)
        assert (response.field("x-rule") == "yes") == path.startswith("/answer/")
        body = decode(coding, bytes(response.body)) if coding else bytes(response.body)
        assert body == (text.encode() if "answer" in path else served.files["small.js"])
    over_http1 = harness.tool("curl", "-s", "--http1.1", "--compressed", server.url("/answer"))
    assert over_http1 == text.encode()
