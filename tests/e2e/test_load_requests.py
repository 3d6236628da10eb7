"""Requests that `weir load` reads from files, and `weir serve --record`, whose recordings it replays. What a server
got is seen in its own recording."""
import json
import os
import subprocess
import time
import uuid

import harness
import pytest
from harness import Server, wait_until
from load_http1_peer import Http1Peer
from load_peer import kinds, load, measured, reconcile


@pytest.fixture(name="server")
def recording_server(tmp_path):
    (tmp_path / "site").mkdir()
    for name in ("a", "b"):
        (tmp_path / "site" / name).write_text(name)
    with Server(tmp_path, tmp_path / "site", "--record", tmp_path / "seen.jsonl") as server:
        server.seen = tmp_path / "seen.jsonl"
        yield server


def seen(server, count):
    """The requests that the server got, in the order of their times."""
    assert wait_until(lambda: server.seen.read_text().count("\n") >= count), server.seen.read_text()
    lines = sorted(server.seen.read_text().splitlines())
    assert len(lines) == count
    return [json.loads(line) for line in lines]


def described(request):
    header = {name: values for name, values in request["header"].items() if name != "user-agent"}
    return request["method"], request["url"], header, request["body_bytes"]


def file_of(tmp_path, text):
    path = tmp_path / "requests"
    path.write_text(text)
    return path


# ---- forms ---------------------------------------------------------------------------------------

HAR = {"log": {"version": "1.2", "entries": [
    {"startedDateTime": "2026-01-01T00:00:00.000Z", "request": {
        "method": "GET", "url": "http://site.example/a?{seq}",
        "headers": [{"name": ":path", "value": "/a"}, {"name": "Priority", "value": "u=1"}]}},
    {"startedDateTime": "2026-01-01T00:00:00.500Z", "request": {
        "method": "POST", "url": "http://site.example/b", "headers": [{"name": "Host", "value": "site.example"}],
        "postData": {"text": "{}"}}, "response": {"content": {"text": "[{\"}"}}}]}}

FORMS = {
    "urls": ("# two\n/a?1\n\nhttp://other.example/b\n",
             [("GET", "/a?1", {}, 0), ("GET", "/b", {}, 0)]),
    "http": ("GET /a\nX-A: 1\npriority: u=1\n\nPOST /b\n@{body}\n",
             [("GET", "/a", {"x-a": ["1"], "priority": ["u=1"]}, 0), ("POST", "/b", {}, 5)]),
    "json": ('{"method":"PUT","url":"/a","body":"aGVsbG8=","header":{"x":["1","2"]}}\n'
             '{"url":"/b","body_bytes":70000,"method":"POST"}\n',
             [("PUT", "/a", {"x": ["1", "2"]}, 5), ("POST", "/b", {}, 70000)]),
    "har": (json.dumps(HAR, indent=1), [("GET", "/a?{{seq}", {"priority": ["u=1"]}, 0), ("POST", "/b", {}, 2)]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pipe", [False, True], ids=["file", "pipe"])
def test_forms(server, tmp_path, form, pipe):
    text, expected = FORMS[form]
    (tmp_path / "body").write_text("hello")
    path = file_of(tmp_path, text.replace("{body}", str(tmp_path / "body")))
    name = "/dev/stdin" if pipe else path
    feeder = subprocess.Popen(["cat", path] if pipe else ["true"], stdout=subprocess.PIPE)
    done = subprocess.run([harness.binary(), "load", "-q", "--json", "-i", name, server.url()],
                          stdin=feeder.stdout, capture_output=True, timeout=60, check=False)
    feeder.stdout.close()
    assert feeder.wait() == 0
    report = reconcile(json.loads(done.stdout))
    assert report["requests"]["done"] == 2 and report["requests"]["errored"] == 0
    assert [described(request) for request in seen(server, 2)] == expected


def test_a_file_begins_again(server, tmp_path):
    path = file_of(tmp_path, "/a\n/b\n/a?2\n")
    report = measured("-n", 30, "-c", 2, "-t", 2, "-i", path, server.url())
    assert report["requests"]["succeeded"] == 30
    urls = [request["url"] for request in seen(server, 30)]
    assert {url: urls.count(url) for url in urls} == {"/a": 10, "/b": 10, "/a?2": 10}


def test_weights(server, tmp_path):
    path = file_of(tmp_path, '{"url":"/a","weight":9}\n{"url":"/b"}\n')
    measured("-n", 50, "-c", 5, "-i", path, server.url())
    urls = [request["url"] for request in seen(server, 50)]
    assert (urls.count("/a"), urls.count("/b")) == (45, 5)


def test_without_a_url_the_file_names_the_server(server, tmp_path):
    path = file_of(tmp_path, f"{server.url('/a')}\n/b\n")
    assert measured("-i", path)["requests"]["succeeded"] == 2


def test_several_servers(tmp_path):
    """Each gets its own requests, in their order, and each of them once; or again and again."""
    paths = {}
    def behave(peer, conn):
        with peer.lock:
            paths.setdefault(peer, []).append(conn.request.split()[1].decode())
        conn.answer()
    with Http1Peer(behave) as one, Http1Peer(behave) as two:
        lines = [f"{peer.url('/')}{i}" for i in range(40) for peer in ((one, two) if i < 10 else (one,))]
        path = file_of(tmp_path, "\n".join(lines))
        report = measured("--h1", "-c", 2, "-i", path)
        assert paths == {one: [f"/{i}" for i in range(40)], two: [f"/{i}" for i in range(10)]}
        assert [row["done"] for row in report["origins"]] == [40, 10]
        paths.clear()
        measured("--h1", "-c", 5, "-t", 3, "-m", 2, "-r", 500, "-i", path)
        assert sorted(paths[one]) == sorted(f"/{i}" for i in range(40))
        assert sorted(paths[two]) == sorted(f"/{i}" for i in range(10))
        report = measured("--h1", "-n", 60, "-c", 2, "-i", path)
        assert [row["done"] for row in report["origins"]] == [30, 30]
        error = load("-c", 1, "-i", path, expect=1)
        assert error == "weir load: -c 1: fewer connections than servers (2); try -c 2\n"


def test_one_of_several_servers_is_down(tmp_path):
    """The other one gets its requests; those that nobody takes are failed."""
    closed = harness.free_port()
    with Http1Peer() as peer:
        path = file_of(tmp_path, f"{peer.url('/a')}\nhttp://127.0.0.1:{closed}/x\n/b\n" * 5)
        report = measured("--h1", "-c", 4, "-t", 2, "-i", path)
        assert peer.counts["answered"] == report["requests"]["succeeded"] == 10
    assert kinds(report) == {("stranded", 0): 5}


def test_a_pipe_has_one_server(server):
    done = subprocess.run([harness.binary(), "load", "-q", "-i", "-"], input=f"{server.url('/a')}\nhttp://b/\n",
                          capture_output=True, timeout=60, check=False, text=True)
    assert done.returncode == 1
    assert ("weir load: standard input:2: http://b/: what is read as a stream has one server, here " +
            server.url()[:-1]) in done.stderr


def test_a_large_file_is_a_stream(server, tmp_path):
    """Each request is made once, by either thread."""
    count = 0
    with open(tmp_path / "large", "w", encoding="ascii") as file:
        while file.tell() < 17 << 20:  # more than LOAD_KEPT_BYTES_MAX
            file.write(f"/a?{count}&{'x' * 1500}\n")
            count += 1
    report = measured("-c", 2, "-m", 50, "-t", 2, "-i", tmp_path / "large", server.url())
    assert report["requests"]["succeeded"] == count
    urls = {request["url"].split("&")[0] for request in seen(server, count)}
    assert urls == {f"/a?{number}" for number in range(count)}


def test_lines_of_a_pipe_are_not_held_back(server):
    with subprocess.Popen([harness.binary(), "load", "-q", "-i", "-", server.url()], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        for count in range(1, 4):
            process.stdin.write(b"/a?%d\n" % count)
            process.stdin.flush()
            seen(server, count)
        process.stdin.close()
        assert b"3 of 3 requests succeeded" in process.stdout.read()
    assert process.returncode == 0


@pytest.mark.parametrize("rate", [[], ["-r", 1000], ["--replay"]], ids=["closed", "open", "replay"])
def test_a_slow_pipe_is_told(server, rate):
    """Nothing of it is the server's doing, nor counts as lateness."""
    with subprocess.Popen([harness.binary(), "load", "-q", "--json", "-m", "9", *map(str, rate), "-i", "-",
                           server.url()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for count in range(5):
            process.stdin.write(b'{"url":"/a","time_ns":%d}\n' % (1 + count * 1000))
            process.stdin.flush()
            seen(server, count + 1)
            time.sleep(0.1)
        process.stdin.close()
        report = reconcile(json.loads(process.stdout.read()))
    assert process.returncode == 0 and report["requests"]["succeeded"] == 5
    assert report["self"]["input_ns"] > 0.3e9, report["self"]
    assert report["limited_by"] == "input" or report["self"]["late"] > 0, report


@pytest.mark.parametrize("rate", [[], ["-r", 100], ["--replay"]], ids=["closed", "open", "replay"])
def test_fewer_requests_than_threads(server, tmp_path, rate):
    """Threads without a request end."""
    path = file_of(tmp_path, '{"url":"/a","time_ns":5}\n')
    assert measured("-c", 4, "-t", 4, *rate, "-i", path, server.url())["requests"]["succeeded"] == 1


# ---- mistakes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, where, what", [
    ("/a\n/b {x}\n", 2, "/b {x}: expected a path"),
    ("/a\n/{nothing}\n", 2, "{nothing}: no such variable or CSV column"),
    ("GET /a\n\nGET /b\nno field\n", 4, "expected \"name: value\""),
    ("GET /a\n@/nowhere/x\n", 1, "cannot read /nowhere/x: No such file or directory"),
    ('{"url":"/a"}\n{"url":"/b","wieght":1}\n', 2, "\"wieght\": no such member"),
    ('{"log":\n{"entries":[\n{}]}}', 3, "an entry has no request.method or request.url"),
])
def test_mistakes(tmp_path, text, where, what):
    path = file_of(tmp_path, text)
    assert f"{path}:{where}: {what}" in load("-i", path, "http://127.0.0.1:1", expect=1)


def test_missing_and_empty(tmp_path):
    assert "cannot read /nowhere/x: No such file" in load("-i", "/nowhere/x", "http://127.0.0.1:1", expect=1)
    assert ": no requests" in load("-i", file_of(tmp_path, "# none\n"), "http://127.0.0.1:1", expect=1)
    assert "/x:1: no row of values" in load("--data-csv", file_of(tmp_path, "").rename(tmp_path / "x"),
                                            "http://127.0.0.1:1", expect=1)


def test_a_late_mistake_ends_the_run(server):
    """What was made before it is reported."""
    done = subprocess.run([harness.binary(), "load", "-q", "--json", "-i", "-", server.url()],
                          input=b"/a\n/a\n/{x}\n/a\n", capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"weir load: standard input:3: {x}: no such variable" in done.stderr
    assert json.loads(done.stdout)["requests"]["succeeded"] == 2


# ---- variables -----------------------------------------------------------------------------------

def test_variables(server, tmp_path):
    (tmp_path / "users.csv").write_text("id,name\n7,Ann\n8,\"Bo, \"\"B\"\"\"\n")
    measured("-n", 8, "-c", 2, "-t", 2, "-H", "x-uuid: {uuid}", "-H", "x-name: {name}", "-H", "x-id: {{id}",
             "--data-csv", tmp_path / "users.csv", server.url("/a?{seq}&{id}&{rand:3-4}"))
    requests = seen(server, 8)
    numbers, ids, randoms = zip(*(request["url"][3:].split("&") for request in requests))
    assert sorted(numbers, key=int) == [str(number) for number in range(1, 9)]
    assert set(randoms) <= {"3", "4"}
    for number, identifier, request in zip(numbers, ids, requests):
        assert identifier == "78"[(int(number) - 1) % 2]
        assert request["header"]["x-name"] == ["Ann" if identifier == "7" else 'Bo, "B"']
        assert request["header"]["x-id"] == ["{{id}"]  # doubled in a recording
    uuids = {uuid.UUID(request["header"]["x-uuid"][0]) for request in requests}
    assert len(uuids) == 8 and {value.version for value in uuids} == {4}


def test_csv_once_ends_the_run(server, tmp_path):
    (tmp_path / "ids.csv").write_text("id\n1\n2\n3\n")
    report = measured("-D", 60, "-c", 2, "-t", 2, "--data-csv", tmp_path / "ids.csv", "--data-csv-once",
                      server.url("/a?{id}"))
    assert report["requests"]["succeeded"] == 3
    assert sorted(request["url"] for request in seen(server, 3)) == ["/a?1", "/a?2", "/a?3"]


def test_variables_in_bodies(server, tmp_path):
    body = file_of(tmp_path, "{\"n\": {seq}}")
    measured("-n", 1, "-d", body, server.url("/a"), expect=1)
    measured("-n", 1, "-d", body, "--body-variables", server.url("/a"), expect=1)
    assert [request["body_bytes"] for request in seen(server, 2)] == [12, 8]


# ---- recording and replaying ---------------------------------------------------------------------

def browse(server):
    """Requests such as curl and a browser make, some at once."""
    for version in ("--http1.1", "--http2-prior-knowledge"):
        subprocess.run(["curl", "-s", version, "-o", "/dev/null", "-b", "secret=1", "-u", "me:secret", "-d", "12345",
                        "-H", "x-a: {seq} \"q\"", server.url("/a?{x}"), "-g"], check=True)
    client = server.client()
    fields = [("accept", "text/html"), ("accept-language", "de"), ("cookie", "secret=2"), ("priority", "u=0, i"),
              ("sec-fetch-mode", "navigate"), ("x-two", "1"), ("x-two", "2")]
    streams = [client.request(f"/b?{number}", fields=fields) for number in range(20)]
    client.wait(*streams)
    client.close()
    return 22


def test_replay(server, tmp_path):
    count = browse(server)
    recorded = seen(server, count)
    assert "secret" not in server.seen.read_text()
    assert recorded[0]["method"] == "POST" and recorded[0]["url"] == "/a?{{x}"
    assert recorded[0]["header"]["x-a"] == ['{{seq} "q"'] and recorded[0]["body_bytes"] == 5
    assert recorded[2]["header"]["x-two"] == ["1", "2"]
    span = (recorded[-1]["time_ns"] - recorded[0]["time_ns"]) / 1e9

    (tmp_path / "again").mkdir()
    for speed in (1, 0.5):
        again = tmp_path / f"again-{speed}.jsonl"
        with Server(tmp_path / "again", tmp_path / "site", "--record", again) as other:
            other.seen = again
            report = measured("-i", server.seen, "--replay", "--speed", speed, "-c", 2, "-m", 100, "-t", 2,
                              other.url(), expect=0)
            replayed = seen(other, count)
        assert report["requests"]["started"] == report["requests"]["done"] == count
        # The last request is due that long after the first.
        assert report["duration_ns"] / 1e9 >= span / speed
        assert sorted(map(repr, map(described, replayed))) == sorted(map(repr, map(described, recorded)))


def test_replay_is_fast_forward(server, tmp_path):
    """An hour in a few seconds, in order, each request when it is due or later."""
    times = [10 ** 9 * minute * 60 for minute in range(1, 61)]
    path = file_of(tmp_path, "".join(f'{{"time_ns":{time},"url":"/a?{index}"}}\n'
                                     for index, time in reversed(list(enumerate(times)))))
    report = measured("-i", path, "--replay", "--speed", 1000, "-m", 10, server.url())
    assert report["requests"]["succeeded"] == 60
    assert 3.54e9 <= report["duration_ns"] < 60e9
    requests = seen(server, 60)
    assert [request["url"] for request in requests] == [f"/a?{index}" for index in range(60)]


def test_secrets_can_be_kept(tmp_path):
    path = tmp_path / "seen.jsonl"
    with Server(tmp_path, "--record", path, "--record-secrets") as server:
        server.seen = path
        subprocess.run(["curl", "-s", "-o", "/dev/null", "-b", "secret=1", server.url()], check=True)
        assert seen(server, 1)[0]["header"]["cookie"] == ["secret=1"]


def test_lost_lines_are_counted(tmp_path):
    """Nobody reads the FIFO, so it and then the queue fill up."""
    os.mkfifo(tmp_path / "fifo")
    with Server(tmp_path, "--record", tmp_path / "fifo") as server:
        count = 0
        while server.counters()["recorded_dropped"] == 0:
            measured("-n", 2000, "-c", 4, "-m", 50, "-H", f"x-long: {'x' * 6000}", server.url("/plaintext"))
            count += 2000
            assert count < 40000
        def recorded():
            counters = server.counters()
            return counters["recorded_lines"] + counters["recorded_dropped"]
        assert wait_until(lambda: recorded() == count)  # the server may count a request after its client has
