"""`weir load` against weir and other servers. Its counts must agree with the servers' own, whatever happens."""
import json
import math
import os
import re
import shutil
import signal
import subprocess
import time

import h2.settings
import pytest

import harness
from load_http1_peer import Http1Peer
from load_peer import SLOW, Peer, due_all_started, load, measured, once_served, reconcile, same_totals, seconds, seen_by, site, spent, weir

# ---- weir and others -----------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("threads", [1, 2])
def test_counts_agree_with_the_server(weir, site, secure, threads):
    trust = ["--cacert", site[0] / "cert.pem"] if secure else []
    report, own = spent(weir, "-n", 5000, "-c", 10, "-m", 20, "-t", threads, *trust,
                        weir.url("/", secure))
    assert report["requests"]["succeeded"] == 5000
    assert report["statuses"] == {"200": 5000}
    assert report["bytes"]["data"] == 5000 * 1000
    assert own["requests"] == own["responses"] == 5000
    assert own["body_bytes_sent"] == 5000 * 1000
    assert own["connections_opened"] == report["connections"]["opened"] == 10
    assert report["connections"]["requests"] == {"min": 500, "mean": 500, "max": 500}
    assert report["handshake"]["count"] == (10 if secure else 0)
    assert report["connect"]["count"] == 10
    assert report["connections"]["failed"] == report["connections"]["ended"] == 0
    if not secure:  # with TLS, the server counts bytes of records
        assert own["send_bytes"] >= report["bytes"]["received"] > 5000 * 1000


def test_upgrade(weir):
    """Each connection begins as HTTP/1.1, with a request that is not counted."""
    report, own = spent(weir, "--upgrade", "-n", 1000, "-c", 5, "-m", 10, weir.url("/"))
    assert report["statuses"] == {"200": 1000} and report["tls"]["alpn"] == "h2"
    assert report["bytes"]["data"] == 1000 * 1000
    assert own["requests"] == 1000 + 5
    with Http1Peer() as peer:
        error = load("--upgrade", "-D", 5, "-c", 2, peer.url(), expect=1)
    assert error == ("weir load: the server stays with HTTP/1.1: its answer to Upgrade: h2c has status 200\n")


def test_words_and_json_agree(weir):
    out = load("-n", 100, "-c", 4, "-m", 5, weir.url("/"))
    assert re.search(r"^100 of 100 requests succeeded in [\d.]+[mu]?s: [\d.]+k?/s, p99 [\d.]+[mu]s\n"
                     r"limited by .*\nweir load ", out, re.M), out
    assert "\nrequests    100 started, 100 succeeded, 0 failed\n" in out
    assert "\nstatuses    200 (100)\n" in out
    assert re.search(r"^received .* bodies 100KB, ", out, re.M), out
    assert "\nconnections 4 opened, 0 failed, 0 ended early\n            requests on each: 25 to 25\n" in out
    assert re.search(r"^latency  ( +[\d.]+[mu]?s){9}$", out, re.M), out
    assert "TLS" not in out


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")
@pytest.mark.parametrize("path", ["/", "/large.bin", "/missing"])
def test_the_same_totals_as_h2load(weir, path):
    shape = ["-n", "500", "-c", "5", "-m", "10"]
    other = harness.tool("h2load", *shape, weir.url(path)).decode()
    own = measured(*shape, weir.url(path), expect=1 if path == "/missing" else 0)
    same_totals(own, other)
    saved = 100 - 100 * own["bytes"]["headers"] / own["bytes"]["headers_uncompressed"]
    assert abs(saved - float(re.search(r"savings ([\d.]+)%", other).group(1))) < 1, saved


def test_several_urls_in_turn(weir):
    report, own = spent(weir, "-n", 450, "-c", 3, "-m", 4, weir.url("/"), weir.url("/image.jpg"),
                        weir.url("/missing"))
    assert report["statuses"] == {"200": 300, "404": 150}
    assert report["requests"]["failed"] == 150 and report["requests"]["errored"] == 0
    assert report["bytes"]["data"] == own["body_bytes_sent"]


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(300_000)], ids=["0", "1", "300000"])
def test_uploads(demo, tmp_path, data):
    path = tmp_path / "data"
    path.write_bytes(data)
    report, own = spent(demo, "-n", 60, "-c", 3, "-m", 5, "-d", path, demo.url("/echo"))
    assert report["requests"]["succeeded"] == 60
    assert report["bytes"]["data"] == report["bytes"]["data_sent"] == 60 * len(data)
    assert own["body_bytes_received"] == 60 * len(data)


def test_a_method_and_fields(weir):
    report = measured("-n", 3, "-H", ":method: HEAD", "-H", "Accept: a/b", weir.url("/large.bin"))
    assert report["requests"]["succeeded"] == 3 and report["bytes"]["data"] == 0


def test_what_a_request_says():
    with Peer() as peer:
        measured("-n", 1, "-H", ":authority: example.org:1", "-H", "X-Own:  a b ", "-H",
                 "user-agent: other", peer.url("/a?b"))
        fields = dict(peer.fields)
    assert fields == {":method": "GET", ":scheme": "http", ":authority": "example.org:1",
                      ":path": "/a?b", "user-agent": "other", "x-own": "a b"}


def test_http2_limits():
    """What is announced, and that the encoder uses a smaller table than the server allows."""
    sent, seen = [], []
    for table in (4096, 0):
        with Peer(behave=lambda peer, conn, stream: (seen.append(dict(conn.h2.remote_settings)),
                                                     conn.answer(stream))) as peer:
            report = measured("--h2", "-n", 20, "-f", "32K", "--header-table-size", "1K",
                              "--encoder-header-table-size", table, "-H", "x-long: " + 100 * "y",
                              peer.url("/"))
            sent.append(report["bytes"]["sent"])
    codes = h2.settings.SettingCodes
    assert {row[codes.MAX_FRAME_SIZE] for row in seen} == {32768}
    assert {row[codes.HEADER_TABLE_SIZE] for row in seen} == {1024}
    assert sent[1] > sent[0] + 18 * 60, sent


def test_repeated_fields():
    """Each is sent. The first replaces a default."""
    with Peer() as peer:
        measured("-n", 1, "-H", "Host: example.org", "-H", "x-a: 1", "-H", "X-A: 2", "-H", "x-a: 1",
                 "-H", "user-agent: one", "-H", "user-agent: two", peer.url("/"))
        fields = peer.fields
    assert fields == [(":method", "GET"), (":scheme", "http"), (":authority", "example.org"),
                      (":path", "/"), ("user-agent", "one"), ("x-a", "1"), ("x-a", "2"),
                      ("x-a", "1"), ("user-agent", "two")]


@pytest.mark.parametrize("flow", ["echo", "threshold", "consume", "auto"])
def test_flow_policies(weir, flow):
    report, own = spent(weir, "-n", 20, "-c", 2, "-m", 5, "--flow", flow, "-w", 16, "-W", 17,
                        weir.url("/large.bin"))
    assert report["requests"]["succeeded"] == 20
    assert report["bytes"]["data"] == 20_000_000


@pytest.mark.parametrize("name", ["nginx", "nghttpd"])
def test_other_servers(site, name):
    work, root = site
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    port = harness.free_port()
    if name == "nginx":
        conf = work / "nginx.conf"
        conf.write_text(f"""
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log crit;
{'user root;' if os.getuid() == 0 else ''}
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
  fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  keepalive_requests 100;
  server {{ listen 127.0.0.1:{port} http2; root {root}; }}
}}
""")
        command = ["nginx", "-p", work, "-c", conf]
    else:
        command = ["nghttpd", "--no-tls", "-d", root, "-a", "127.0.0.1", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        assert harness.wait_until(lambda: harness.listening(port))
        report = measured("-n", 2000, "-c", 4, "-m", 10, f"http://127.0.0.1:{port}/index.html")
        assert report["requests"]["succeeded"] == 2000
        if name == "nginx":  # it ends each connection after 100 requests, by GOAWAY
            assert report["connections"]["opened"] >= 20
            opened = report["connections"]["opened"]
            assert opened - 4 <= report["connections"]["ended"] <= opened
    finally:
        process.terminate()
        process.wait()


# ---- time ----------------------------------------------------------------------------------------


def test_duration_and_warm_up(weir):
    began = time.monotonic()
    report, own = spent(weir, "-D", "1s", "--warm-up-time", "500ms", "-c", 4, "-m", 4,
                        weir.url("/"))
    assert 1.4 < time.monotonic() - began < 10 * SLOW
    assert 0.95 < seconds(report) < 3
    requests = report["requests"]
    assert requests["in_flight"] <= 16 and requests["errored"] == 0
    assert own["requests"] >= requests["started"] + 16  # plus those of the warm-up
    assert requests["done"] > 100


def test_open_loop_keeps_its_rate(weir):
    report, own = spent(weir, "-D", "2s", "-r", 500, "-c", 5, "-m", 10, weir.url("/"))
    due_all_started(report, 500)
    assert seen_by(own["requests"], report)
    assert 0 < report["since_sent"]["p50_ns"] <= report["latency"]["p50_ns"]
    each = report["connections"]["requests"]
    assert each["min"] > each["mean"] / 2  # in turn
    report = measured("-n", 200, "-r", 1000, "-c", 2, "-m", 10, "-t", 2, weir.url("/"))
    assert report["requests"]["succeeded"] == 200
    assert 0.19 < seconds(report) < 3 * SLOW


@pytest.mark.parametrize("shape, count", [
    (("-r", "1", "-D", "3"), 3),
    (("-r", "10", "-D", "1500ms", "-t", "2"), 15),
    (("-r", "60k/1m", "-D", "2", "-t", "2"), 2000),
    (("-r", "1k", "-D", "1", "--arrivals", "burst=50"), 1000),
    (("--stage", "1s:400", "--stage", "500ms:400", "--stage", "0:0", "--stage", "200ms:0"), 400),
])
def test_exact_counts(weir, shape, count):
    """Each request that is due before the end has been started, or is reported as unsent: no more, no less."""
    report, own = spent(weir, *shape, "-c", 5, "-m", 40, weir.url("/"))
    requests = report["requests"]
    assert requests["started"] + requests["unsent"] == count, report
    assert seen_by(own["requests"], report)


def test_stages(weir, tmp_path):
    """A row for each stage that takes time; together they are the run."""
    with harness.Server(tmp_path, https=False) as demo:
        report = measured("-r", "200", "--warm-up-time", "300ms", "--stage", "500ms:200", "--stage", "0:600",
                          "--stage", "1s:600", "--stage", "400ms:0", "-c", 4, "-m", 50, "-t", 2, demo.url("/delay/20"))
    stages = report["stages"]
    assert [row["stage"] for row in stages] == ["500ms:200", "1s:600", "400ms:0"]
    assert [row["asked"] for row in stages] == [100, 600, 120]
    requests = report["requests"]
    for name in ("done", "failed"):
        assert sum(row[name] for row in stages) == requests[name], name
    # Those that were under way when the warm-up ended started before the first stage.
    assert requests["carried"] > 0
    assert sum(row["started"] for row in stages) == requests["started"] - requests["carried"]
    assert 820 <= requests["started"] + requests["unsent"] <= 825 + requests["carried"]
    ends = [row["end_ns"] / 1e9 for row in stages]
    for end, wanted in zip(ends, (0.5, 1.5, 1.9)):
        assert wanted <= end < wanted + 0.2 * SLOW, ends
    text = load("--stage", "200ms:100", "--stage", "200ms:100", "-c", 2, "-m", 9, weir.url("/"))
    assert len(re.findall(r"^  200ms:100 +1[05]|^  200ms:100 +20", text, re.M)) == 2, text


@pytest.mark.parametrize("version", ["--h2", "--h1"])
def test_requests_per_connection(weir, version):
    """Each connection makes so many, and is closed gracefully: nothing fails and nothing counts as ended early."""
    report, own = spent(weir, version, "-n", 200, "-c", 4, "-m", 3, "-t", 2, "--requests-per-connection", 10,
                        weir.url("/"))
    assert report["requests"]["succeeded"] == 200 and report["errors"] == []
    connections = report["connections"]
    assert (connections["opened"], connections["failed"], connections["ended"]) == (20, 0, 0), connections
    assert own["connections_opened"] == 20 and own["requests"] == 200


def test_connect_rate(weir):
    """Connections are opened at that rate, again and again, and those that are open make requests. A thread begins
    with one connection."""
    report, own = spent(weir, "-D", "1", "-c", 3, "-t", 3, "--connect-rate", "100", "--requests-per-connection", 1,
                        weir.url("/"))
    assert 50 / SLOW <= own["connections_opened"] <= 100 * seconds(report) + 3
    assert own["requests"] <= own["connections_opened"]
    report, own = spent(weir, "-r", "200", "-D", "1", "-c", 20, "-m", 9, "--connect-rate", "20/s", weir.url("/"))
    assert report["requests"]["started"] + report["requests"]["unsent"] == 200
    assert 10 / SLOW <= own["connections_opened"] <= 21


def test_batch_wait(weir):
    """The report says what latencies may include; a kernel that cannot wait so is told of."""
    command = "load", "--quiet", "--json", "-n", 300, "-c", 30, "--batch-wait", "2ms", weir.url("/")
    status, out, err = harness.run(*command, seconds=60)
    if "needs io_uring" in err:
        assert status == 1
        pytest.skip(err)
    report = json.loads(out)
    assert report["requests"]["succeeded"] == 300 and report["options"]["batch_wait_ns"] == 2000000
    assert "(up to 2.00ms of it by --batch-wait)" in report["verdict"], report["verdict"]


@pytest.mark.parametrize("options, wait_ns", [((), None), (("--batch-wait", "0"), 0)])
def test_batch_wait_by_default(weir, options, wait_ns):
    """What does not show is not told."""
    report = measured("-n", 300, "-c", 30, *options, weir.url("/"))
    assert report["requests"]["succeeded"] == 300 and report["options"]["batch_wait_ns"] == wait_ns
    assert "--batch-wait" not in report["verdict"], report["verdict"]


def test_poisson_repeats(weir):
    """A seed gives the same number of requests, whatever the number of threads."""
    counts = set()
    for threads in (1, 2, 3):
        report = measured("-r", "500", "-D", "1", "--arrivals", "poisson", "--seed", "7", "-t", threads,
                          "-c", 6, "-m", 40, weir.url("/"))
        counts.add(report["requests"]["started"] + report["requests"]["unsent"])
    assert len(counts) == 1 and 400 < counts.pop() < 600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(weir, number):
    """Prints what was measured so far. Nothing is lost."""
    process = subprocess.Popen([harness.binary(), "load", "--json", "-q", "-D", "60", "-c", "3",
                                "-m", "3", weir.url("/")], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    once_served(weir, 50, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    report = reconcile(json.loads(out))
    assert process.returncode == 0 and err == b""
    assert report["interrupted"] and report["requests"]["succeeded"] >= 50 - 9  # nine are under way


def test_nohup(weir):
    """Goes on when its terminal closes."""
    process = subprocess.Popen(["nohup", harness.binary(), "load", "--json", "-q", "-D", "2", weir.url("/")],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(1)
    process.send_signal(signal.SIGHUP)
    report = reconcile(json.loads(process.communicate(timeout=20)[0]))
    assert process.returncode == 0 and not report["interrupted"]


def test_progress(weir):
    """One line a second where standard error is not a terminal."""
    status, out, err = harness.run("load", "-D", "2500ms", "-r", 100, "-c", 2, weir.url("/"))
    assert status == 0
    lines = re.findall(r"^ +(\d) s: ([\d.]+)/s of 100/s, p50 [\d.]+[mu]?s, p99 [\d.]+[mu]?s, 0 failed, "
                       r"\d+ in flight, \d+ due, 2 connections, own load \d+%, [\d.]+[mun]?s late$", err, re.M)
    assert [line[0] for line in lines][:2] == ["1", "2"], err
    assert 20 <= float(lines[0][1]) <= 180, err


def test_series(weir):
    """The rows of the series add up to the whole."""
    report = measured("-D", "2500ms", "-r", 400, "-c", 4, "-t", 2, weir.url("/"))
    rows = report["series"]
    assert 2 <= len(rows) <= 4
    for name, whole in (("started", "started"), ("done", "done"), ("failed", "failed")):
        assert sum(row[name] for row in rows) == report["requests"][whole], report
    assert sum(row["bytes_in"] for row in rows) == report["bytes"]["received"]
    assert sum(row["histogram"]["count"] for row in rows) == report["requests"]["succeeded"]
    assert max(row["connections"] for row in rows) == 4
    for row in rows:
        assert 0 < row["p50_ns"] <= row["p99_ns"] <= row["max_ns"] or row["histogram"]["count"] == 0, row
    for row, following in zip(rows, rows[1:]):
        assert math.isclose(row["second"] + row["seconds"], following["second"], abs_tol=1e-6)
    assert math.isclose(rows[-1]["second"] + rows[-1]["seconds"], seconds(report), abs_tol=1e-3)


def test_conditions(weir):
    """Those of --fail-if come first, and decide about the exit status."""
    conditions = ["--fail-if", "errors>0", "--fail-if", "p99>1us", "--fail-if", "max>1h"]
    status, out, err = harness.run("load", "-q", "-n", 20, *conditions, weir.url("/"))
    assert status == 3 and re.fullmatch(r"weir load: failed: p99>1us \([\d.]+[mu]?s\)\n", err)
    assert re.match(r"FAILED: p99>1us \(.*\)\npassed: errors>0 \(0\)\npassed: max>1h \(.*\)\n", out), out
    status, out, err = harness.run("load", "-q", "-n", 20, "--fail-if", "errors>0", weir.url("/"))
    assert status == 0 and err == ""
    report = measured("-D", 1, "-r", 50, "--fail-if", "rate<200%", weir.url("/"), expect=3)
    assert [(row["condition"], row["failed"]) for row in report["fail_if"]] == [("rate<200%", True)]
    report = measured("--stage", "500ms:50", "--stage", "500ms:50", "--fail-if", "stages:p50>1us", weir.url("/"),
                      expect=3)
    assert [(row["stage"], row["failed"]) for row in report["fail_if"]] == [(1, True), (2, True)]


def test_caps_under_load(weir):
    report, own = spent(weir, "-n", 200, "-c", 2, "-m", 6, "--cap", "*.jpg=4k,20k,rest",
                        weir.url("/image.jpg"), weir.url("/script.js"), weir.url("/"))
    assert report["requests"]["succeeded"] == 200
    assert own["body_bytes_sent"] == report["bytes"]["data"]


# ---- the command line ----------------------------------------------------------------------------


def test_nobody_listens():
    port = harness.free_port()
    for more in ([], ["-D", "1"], ["-D", "1", "-r", 100], ["-c", 10]):
        err = load(*more, f"http://127.0.0.1:{port}/", expect=1)
        assert err == f"weir load: cannot connect to 127.0.0.1:{port}: Connection refused\n"


def test_certificates(weir, site):
    err = load("-n", 1, weir.url("/", secure=True), expect=1)
    assert "TLS with 127.0.0.1" in err and "self-signed" in err
    assert "1 succeeded" in load("-k", "-n", 1, weir.url("/", secure=True))


def test_connect_to(weir):
    out = load("-n", 4, "--connect-to", f"127.0.0.1:{weir.http_port}", "http://example.org/")
    assert "4 succeeded" in out


@pytest.mark.parametrize("arguments, words", [
    ([], "no URL"),
    (["http://127.0.0.1/", "http://127.0.0.2/"], "fewer connections than servers (2); try -c 2"),
    (["ftp://127.0.0.1/"], "expected http"),
    (["ws://127.0.0.1/"], "ws://127.0.0.1/: needs --ws"),
    (["--connect-to", "a/b", "http://127.0.0.1/"], "--connect-to a/b"),
])
def test_wrong_command_lines(arguments, words):
    expect = 1 if "--connect-to" in arguments else 2
    assert words in load(*arguments, expect=expect)


def test_unreadable_data(tmp_path):
    assert "cannot read" in load("-d", tmp_path / "none", "http://127.0.0.1:1/", expect=1)
    assert "not a regular file" in load("-d", tmp_path, "http://127.0.0.1:1/", expect=1)


def test_without_io_uring(weir):
    status, out, err = harness.run("load", "-n", "10", weir.url("/"), env={"WEIR_RING": ""},
                                   preexec=harness.without_io_uring())
    assert status == 0 and "10 succeeded" in out, (out, err)
    assert "warning: on epoll, because io_uring is refused" in err


def test_help():
    out = harness.run("load", "--help")[1]
    for option in ("--rate", "--cap", "--warm-up-time", "Examples", "Exit status"):
        assert option in out
