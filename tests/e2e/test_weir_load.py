"""`weir load` against weir, other servers, and servers that misbehave. Its counts must agree with the servers'
own, whatever happens."""
import collections
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import pytest

import harness

SLOW = 4 if harness.sanitized() else 1


def load(*arguments, expect=0, seconds=60):
    """Runs `weir load`. The exit status must be `expect`, and an error one line. Returns the report as text."""
    status, out, err = harness.run("load", "--quiet", *arguments, seconds=seconds)
    assert status == expect, (status, out, err)
    if expect:
        assert err.startswith("weir load: ") and err.count("\n") == 1, err
        return err
    assert err == ""
    return out


def reconcile(report):
    """What must hold for every report."""
    requests = report["requests"]
    errors = sum(row["requests"] for row in report["errors"])
    timeouts = sum(row["requests"] for row in report["errors"] if row["kind"] == "timeout")
    statuses = sum(report["status"].values())
    assert requests["total"] == requests["started"] + requests["never_started"], report
    assert requests["started"] == requests["done"] + requests["in_flight"], report
    assert requests["done"] == requests["succeeded"] + requests["failed"], report
    assert requests["errored"] == errors, report
    assert requests["timeout"] == timeouts, report
    assert statuses == requests["done"] - errors, report
    assert report["latency_ns"]["count"] == statuses + timeouts + requests["waiting"], report
    assert requests["waiting"] <= requests["in_flight"] + requests["unsent"], report
    each = report["connections"]["requests"]
    assert each["min"] <= each["mean"] <= each["max"], report
    return report


def measured(*arguments, expect=0, seconds=60):
    """The output of --json."""
    status, out, err = harness.run("load", "--quiet", "--json", *arguments, seconds=seconds)
    assert status == expect, (status, out, err)
    assert (err == "") == (expect == 0), err
    return reconcile(json.loads(out))


def kinds(report):
    return {(row["kind"], row["code"]): row["requests"] for row in report["errors"]}


def reasons(report):
    return {row["text"]: row["connections"] for row in report["connections"]["reasons"]}


# ---- weir and others -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    work = tmp_path_factory.mktemp("site")
    os.chmod(work, 0o755)
    root = work / "root"
    root.mkdir()
    (root / "index.html").write_bytes(b"x" * 1000)
    (root / "large.bin").write_bytes(os.urandom(1_000_000))
    (root / "image.jpg").write_bytes(os.urandom(100_000))
    (root / "script.js").write_bytes(os.urandom(500_000))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", work / "key.pem", "-out",
                    work / "cert.pem", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"],
                   check=True, capture_output=True)
    return work, root


@pytest.fixture(scope="module")
def weir(site):
    work, root = site
    with harness.Server(work, root, "--cert", work / "cert.pem", "--key", work / "key.pem") as server:
        yield server


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with harness.Server(tmp_path_factory.mktemp("demo")) as server:
        yield server


def counters(server):
    """The server's own counters, by SIGUSR1."""
    before = server.log().count('{"connections_opened"')
    os.kill(server.pid, signal.SIGUSR1)
    assert harness.wait_until(lambda: server.log().count('{"connections_opened"') > before)
    return json.loads(server.log()[server.log().rindex('{"connections_opened"'):].splitlines()[0])


def spent(server, *arguments, **how):
    """A report, and the growth of the server's counters until its connections were closed."""
    before = counters(server)
    report = measured(*arguments, **how)
    def gone():
        now = counters(server)
        return now["connections_opened"] == now["connections_closed"]
    assert harness.wait_until(gone)
    after = counters(server)
    return report, {name: after[name] - before[name] for name in after}


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("threads", [1, 2])
def test_counts_agree_with_the_server(weir, site, secure, threads):
    trust = ["--cacert", site[0] / "cert.pem"] if secure else []
    report, own = spent(weir, "-n", 5000, "-c", 10, "-m", 20, "-t", threads, *trust,
                        weir.url("/", secure))
    assert report["requests"]["succeeded"] == 5000
    assert report["status"] == {"2xx": 5000, "3xx": 0, "4xx": 0, "5xx": 0}
    assert report["bytes"]["data"] == 5000 * 1000
    assert own["requests"] == own["responses"] == 5000
    assert own["body_bytes_sent"] == 5000 * 1000
    assert own["connections_opened"] == report["connections"]["opened"] == 10
    assert report["connections"]["requests"] == {"min": 500, "mean": 500, "max": 500}
    assert report["tls_handshake_ns"]["count"] == (10 if secure else 0)
    assert report["connect_ns"]["count"] == 10
    assert report["connections"]["failed"] == report["connections"]["ended"] == 0
    if not secure:  # with TLS, the server counts bytes of records
        assert own["send_bytes"] >= report["bytes"]["received"] > 5000 * 1000


def test_words_and_json_agree(weir):
    out = load("-n", 100, "-c", 4, "-m", 5, weir.url("/"))
    assert re.search(r"^finished in [\d.]+[mu]?s, [\d.]+ req/s, [\d.]+[KMG]?B/s$", out, re.M), out
    assert ("requests: 100 total, 100 started, 100 done, 100 succeeded, 0 failed, 0 errored, "
            "0 timeout\n") in out
    assert "status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx\n" in out
    assert re.search(r"^traffic: .*\(100000\) data$", out, re.M), out
    assert "connections: 4 wanted, 4 opened, 0 failed, 0 ended early\n" in out
    assert "requests per connection: min 25, mean 25.0, max 25\n" in out
    assert "TLS" not in out


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")
@pytest.mark.parametrize("path", ["/", "/large.bin", "/missing"])
def test_the_same_totals_as_h2load(weir, path):
    shape = ["-n", "500", "-c", "5", "-m", "10"]
    other = harness.tool("h2load", *shape, weir.url(path)).decode()
    status, own, err = harness.run("load", "-q", *shape, weir.url(path))
    assert status == (1 if path == "/missing" else 0)
    for pattern in (r"requests: .*", r"status codes: .*", r"\((\d+)\) data"):
        assert re.search(pattern, own).group() == re.search(pattern, other).group()
    saved = [float(re.search(r"savings ([\d.]+)%", text).group(1)) for text in (own, other)]
    assert abs(saved[0] - saved[1]) < 1, saved


def test_several_urls_in_turn(weir):
    report, own = spent(weir, "-n", 450, "-c", 3, "-m", 4, weir.url("/"), weir.url("/image.jpg"),
                        weir.url("/missing"))
    assert report["status"] == {"2xx": 300, "3xx": 0, "4xx": 150, "5xx": 0}
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
    assert 0.95 < report["seconds"] < 3
    requests = report["requests"]
    assert requests["in_flight"] <= 16 and requests["errored"] == 0
    assert own["requests"] >= requests["started"] + 16  # plus those of the warm-up
    assert requests["done"] > 100


def due_all_started(report, rate):
    """Whatever the server does, every request that was due has been started or is reported as unsent."""
    requests = report["requests"]
    due = rate * report["seconds"]
    assert due - 2 <= requests["started"] + requests["unsent"] <= due + 2, report
    return requests


def test_open_loop_keeps_its_rate(weir):
    report, own = spent(weir, "-D", "2s", "-r", 500, "-c", 5, "-m", 10, weir.url("/"))
    due_all_started(report, 500)
    assert own["requests"] == report["requests"]["started"]
    assert 0 < report["since_sent_ns"]["p50"] <= report["latency_ns"]["p50"]
    each = report["connections"]["requests"]
    assert each["min"] > each["mean"] / 2  # in turn
    report = measured("-n", 200, "-r", 1000, "-c", 2, "-m", 10, "-t", 2, weir.url("/"))
    assert report["requests"]["succeeded"] == 200
    assert 0.19 < report["seconds"] < 3 * SLOW


def test_interrupted(weir):
    """Prints what was measured so far. Nothing is lost."""
    process = subprocess.Popen([harness.binary(), "load", "--json", "-q", "-D", "60", "-c", "3",
                                "-m", "3", weir.url("/")], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    report = reconcile(json.loads(out))
    assert process.returncode == 0 and err == b""
    assert report["interrupted"] and report["requests"]["succeeded"] > 10
    assert 0.3 < report["seconds"] < 10


def test_progress(weir):
    status, out, err = harness.run("load", "-D", "2500ms", "-r", 100, "-c", 2, weir.url("/"))
    assert status == 0
    lines = re.findall(r"^ +(\d) s: (\d+) requests done, 0 failed, \d+ in flight, \d+ requests/s, "
                       r"0\.\d MB$", err, re.M)
    assert [line[0] for line in lines][:2] == ["1", "2"], err
    assert 20 <= int(lines[0][1]) <= 150 <= int(lines[1][1]) + 100


# ---- servers that misbehave ----------------------------------------------------------------------


class Peer:
    """An HTTP/2 server based on python3-h2, with a thread per connection. `behave(peer, conn, stream)` decides
    about each request; by default all are answered. Counts what it did."""

    BODY = b"hello, world\n"

    def __init__(self, behave=None, streams=100, begin=None):
        self.behave = behave or (lambda peer, conn, stream: conn.answer(stream))
        self.streams, self.begin = streams, begin
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", harness.free_port()), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.stopping = False
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def count(self, name, by=1):
        with self.lock:
            self.counts[name] += by
            return self.counts[name]

    def accept(self):
        while not self.stopping:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            number = self.count("connections")
            thread = threading.Thread(target=Connection(self, plain, number).run, daemon=True)
            thread.start()
            self.threads.append(thread)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        if not self.stopping:
            self.stopping = True
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


class Connection:
    def __init__(self, peer, plain, number):
        self.peer, self.socket, self.number = peer, plain, number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.requests = 0
        self.open = set()
        self.most_open = 0
        self.over = False

    def run(self):
        try:
            if self.peer.begin:
                self.peer.begin(self)
                if self.over:
                    return
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.peer.streams})
            self.h2.initiate_connection()
            self.flush()
            while not self.over:
                data = self.socket.recv(65536)
                if not data:
                    break
                self.receive(data)
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.peer.count(type(error).__name__)
        finally:
            self.socket.close()

    def receive(self, data):
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.requests += 1
                self.peer.fields = [tuple(x.decode() if isinstance(x, bytes) else x for x in field)
                                    for field in event.headers]
                self.peer.count("requests")
                self.open.add(event.stream_id)
                self.most_open = max(self.most_open, len(self.open))
                with self.peer.lock:
                    self.peer.counts["most_open"] = max(self.peer.counts["most_open"],
                                                        self.most_open)
                self.peer.behave(self.peer, self, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.open.discard(event.stream_id)
                self.peer.count("resets received")
            if self.over:
                return
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def answer(self, stream, status="200", fields=()):
        self.h2.send_headers(stream, [(":status", status), *fields])
        self.h2.send_data(stream, Peer.BODY, end_stream=True)
        self.open.discard(stream)
        self.peer.count("answered")

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.open.discard(stream)
        self.peer.count("reset")

    def goaway(self, last, code=0):
        self.h2.close_connection(code, last_stream_id=last)
        self.flush()

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        self.over = True


def test_limit_on_streams_is_obeyed():
    def later(peer, conn, stream):
        if len(conn.open) == 3 or conn.requests % 7 == 0:
            for each in sorted(conn.open):
                conn.answer(each)
    with Peer(later, streams=3) as peer:
        report = measured("-n", 210, "-c", 1, "-m", 50, peer.url())
        assert report["requests"]["succeeded"] == 210 == peer.counts["answered"]
        assert peer.counts["most_open"] == 3
        assert report["requests"]["retried"] == 0


def test_refused_streams_are_asked_again():
    def refuse(peer, conn, stream):
        if conn.requests % 5 == 0:
            conn.reset(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
        else:
            conn.answer(stream)
    with Peer(refuse) as peer:
        report = measured("-n", 400, "-c", 4, "-m", 3, peer.url())
        assert report["requests"]["succeeded"] == 400 == peer.counts["answered"]
        assert report["requests"]["retried"] == peer.counts["reset"] > 50
        assert peer.counts["requests"] == 400 + peer.counts["reset"]


def test_streams_that_are_always_refused():
    def refuse(peer, conn, stream):
        conn.reset(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
    with Peer(refuse) as peer:
        report = measured("-n", 20, "-c", 2, "-m", 3, peer.url(), expect=1)
        assert kinds(report) == {("reset", 7): 20}
        assert peer.counts["requests"] == 20 * 4


def test_resets():
    def behave(peer, conn, stream):
        kind = peer.count("turn") % 4
        if kind == 0:
            conn.reset(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif kind == 1:  # in the middle of the response
            conn.h2.send_headers(stream, [(":status", "200")])
            conn.h2.send_data(stream, b"half")
            conn.reset(stream, h2.errors.ErrorCodes.CANCEL)
        elif kind == 2:
            conn.answer(stream, "503")
        else:
            conn.answer(stream)
    with Peer(behave) as peer:
        report = measured("-n", 400, "-c", 2, "-m", 5, peer.url())
        assert kinds(report) == {("reset", 2): 100, ("reset", 8): 100}
        assert report["status"] == {"2xx": 100, "3xx": 0, "4xx": 0, "5xx": 100}
        assert report["requests"]["failed"] == 300 and report["requests"]["errored"] == 200
        assert report["bytes"]["data"] == 200 * len(Peer.BODY) + 100 * 4


def test_a_complete_response_and_then_a_reset(tmp_path):
    """The server does not want the rest of the upload (RFC 9113 section 8.1)."""
    data = tmp_path / "data"
    data.write_bytes(bytes(500_000))
    def behave(peer, conn, stream):
        conn.answer(stream)
        conn.flush()
        conn.reset(stream, h2.errors.ErrorCodes.NO_ERROR)
    with Peer(behave) as peer:
        report = measured("-n", 10, "-d", data, peer.url())
        assert report["requests"]["succeeded"] == 10 == peer.counts["reset"]


def test_a_wrong_content_length():
    def behave(peer, conn, stream):
        conn.answer(stream, fields=[("content-length", "5" if conn.requests % 2 else "13")])
    with Peer(behave) as peer:
        report = measured("-n", 40, "-m", 2, peer.url())
        assert kinds(report) == {("wrong", 1): 20}
        assert report["requests"]["succeeded"] == 20


def test_goaway_in_the_middle():
    """Requests that the server has not processed are sent again on another connection."""
    def behave(peer, conn, stream):
        if conn.requests < 10:
            conn.answer(stream)
        elif conn.requests == 10:
            conn.answer(stream)
            conn.goaway(stream)
        else:
            peer.count("ignored")
    with Peer(behave) as peer:
        report = measured("-n", 300, "-c", 2, "-m", 7, peer.url())
        assert report["requests"]["succeeded"] == 300 == peer.counts["answered"]
        assert peer.counts["connections"] == report["connections"]["opened"] >= 30
        assert report["requests"]["retried"] > 0
        assert reasons(report) == {"the server ended the connection with GOAWAY (NO_ERROR)":
                                   report["connections"]["ended"]}


def test_goaway_with_an_error():
    def behave(peer, conn, stream):
        if conn.requests < 5:
            conn.answer(stream)
        else:
            peer.count("cut")
            conn.goaway(stream, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            conn.close()
    with Peer(behave) as peer:
        report = measured("-n", 100, "-c", 1, "-m", 1, peer.url())
        assert kinds(report) == {("goaway", 11): peer.counts["cut"]}
        assert report["requests"]["succeeded"] == peer.counts["answered"] == 80
        assert reasons(report) == {
            "the server ended the connection with GOAWAY (ENHANCE_YOUR_CALM)": 20}


def test_goaway_for_everybody():
    """A server that accepts nothing is not asked forever."""
    def behave(peer, conn, stream):
        conn.goaway(0)
    with Peer(behave) as peer:
        report = measured("-n", 10, "-c", 1, "-m", 2, peer.url(), expect=1)
        assert kinds(report) == {("goaway", 0): report["requests"]["started"]}
        assert report["requests"]["never_started"] > 0
        assert 1 < peer.counts["connections"] <= 10


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_connections_that_end(reset):
    def behave(peer, conn, stream):
        if conn.requests < 10:
            conn.answer(stream)
            return
        conn.flush()
        time.sleep(0.02)  # answers arrive before the end does
        conn.close(reset)
        peer.count("cut")
    with Peer(behave) as peer:
        report = measured("-n", 200, "-c", 2, "-m", 1, peer.url())
        assert kinds(report) == {("lost" if reset else "closed", 0): 20}
        assert peer.counts["cut"] == 20
        assert report["requests"]["succeeded"] == 180 == peer.counts["answered"]
        assert list(reasons(report).values()) == [report["connections"]["ended"]]


def test_a_server_that_never_answers():
    began = time.monotonic()
    with Peer(lambda peer, conn, stream: None) as peer:
        report = measured("-n", 20, "-c", 2, "-m", 5, "-T", "300ms", peer.url(), expect=1)
        assert time.monotonic() - began < 15 * SLOW
        assert kinds(report) == {("timeout", 0): 20}
        assert report["latency_ns"]["min"] >= 300e6
        assert harness.wait_until(lambda: peer.counts["resets received"] == 20)


def test_silence_ends_a_run():
    """With a timeout for each of a thousand requests, it would last for minutes."""
    def behave(peer, conn, stream):
        if conn.requests <= 5:
            conn.answer(stream)
    began = time.monotonic()
    with Peer(behave) as peer:
        report = measured("-n", 1000, "-T", "300ms", peer.url())
        assert 0.9 < time.monotonic() - began < 10 * SLOW
        assert report["requests"]["succeeded"] == 5
        assert report["requests"]["timeout"] == report["requests"]["errored"] >= 3
        assert report["requests"]["never_started"] > 900
        assert reasons(report) == {"the server was silent for too long": 1}


def test_late_answers_are_nobodys_fault():
    """All time out at once and are answered later. They are more than the engine remembers individually."""
    count = 400
    def late(peer, conn, stream):
        if conn.requests < count:
            return
        if conn.requests > count:
            conn.answer(stream)
            return
        conn.flush()
        time.sleep(1.3)
        for each in range(1, 2 * count, 2):  # without h2, which may know about the resets
            conn.socket.sendall(struct.pack(">I", 1 << 8 | 1) + b"\4" + struct.pack(">I", each) +
                                b"\x88" + struct.pack(">I", 5 << 8) + b"\1" +
                                struct.pack(">I", each) + b"hello")
            peer.count("late")
    with Peer(late, streams=1000) as peer:
        report = measured("-n", 1200, "-m", count, "-T", "1s", peer.url())
        assert peer.counts["late"] == count
        assert kinds(report) == {("timeout", 0): report["requests"]["errored"]}
        assert report["requests"]["timeout"] >= count
        assert 100 <= report["requests"]["succeeded"] <= peer.counts["answered"]
        assert report["connections"]["opened"] == 1 and reasons(report) == {}


def test_no_streams_allowed():
    with Peer(streams=0) as peer:
        report = measured("-n", 5, "-T", "500ms", peer.url(), expect=1)
        assert report["requests"]["started"] == 0 and report["requests"]["never_started"] == 5
        assert reasons(report) == {"the server allows no streams": 1}


def test_not_http2():
    def http1(conn):
        conn.socket.recv(1000)
        conn.socket.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        conn.close()
    with Peer(begin=http1) as peer:
        assert "speaks HTTP/1.1" in load("-n", 3, peer.url(), expect=1)


def test_nonsense():
    """A DATA frame on stream 0: a connection error, counted and reported."""
    def behave(peer, conn, stream):
        if conn.requests < 5:
            conn.answer(stream)
            return
        conn.flush()
        conn.socket.sendall(b"\0\0\1\0\0\0\0\0\0x")
    with Peer(behave) as peer:
        report = measured("-n", 50, "-c", 1, peer.url())
        assert kinds(report) == {("broken", 1): 10}
        assert report["requests"]["succeeded"] == 40
        assert list(reasons(report).values()) == [10]
        assert list(reasons(report))[0].startswith("the server broke the protocol: PROTOCOL_ERROR (")


def test_no_alpn(site):
    """TLS without ALPN: the server may speak anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site[0] / "cert.pem", site[0] / "key.pem")
    def greet(conn):
        conn.over = True
        try:
            context.wrap_socket(conn.socket, server_side=True).recv(10)
        except OSError:
            pass
    with Peer(begin=greet) as peer:
        err = load("-k", "-n", 3, "-c", 2, f"https://127.0.0.1:{peer.port}/", expect=1)
        assert "did not select h2 by ALPN" in err


def test_a_server_that_dies():
    """In the middle of a run. Nothing waits forever, and requests that were not sent are reported."""
    def behave(peer, conn, stream):
        if peer.counts["requests"] < 50:
            conn.answer(stream)
            return
        conn.flush()
        time.sleep(0.02)
        peer.stop()
        conn.close()
    with Peer(behave) as peer:
        report = measured("-n", 200, peer.url())
        assert report["requests"]["succeeded"] == 49 and report["requests"]["errored"] == 1
        assert report["requests"]["never_started"] == 150
        assert any("Connection refused" in text for text in reasons(report))
    with Peer(behave) as peer:
        report = measured("-D", "2s", peer.url())
        assert report["requests"]["succeeded"] == 49 and report["requests"]["started"] == 50
        assert 1.9 < report["seconds"] < 3 * SLOW


def test_silence_before_settings():
    def silent(conn):
        while conn.socket.recv(1000):
            pass
        conn.close()
    with Peer(begin=silent) as peer:
        began = time.monotonic()
        load("-n", 3, peer.url(), expect=1)
        assert time.monotonic() - began < 20


# ---- latency -------------------------------------------------------------------------------------


def test_a_stall_shows_in_an_open_loop():
    """Coordinated omission: for one second of four, the server answers nothing. Each request that was due then
    waits half a second on average; a closed loop has a single slow request per stream."""
    stalled = {}
    def behave(peer, conn, stream):
        with peer.lock:
            began = stalled.setdefault("began", time.monotonic())
        age = time.monotonic() - began
        if 1.5 < age < 2.5:
            conn.flush()
            time.sleep(2.5 - age)
        conn.answer(stream)
    with Peer(behave) as peer:
        report = measured("-D", "4s", "-r", 200, "-c", 1, "-m", 4, peer.url())
        latency = report["latency_ns"]
        assert 0.85e9 < latency["p99"] < 1.5e9 * SLOW, latency
        assert latency["max"] >= 0.95e9
        assert report["requests"]["started"] >= 780
        assert latency["p90"] > 0.4e9, latency
    stalled.clear()
    with Peer(behave) as peer:
        report = measured("-D", "4s", "-c", 1, "-m", 4, peer.url())
        assert report["latency_ns"]["p99"] < 0.2e9  # the purpose of the open loop


def test_a_stall_at_the_end_shows_as_well():
    """The server stops answering. Requests waiting at the end count with the time they have waited."""
    began = []
    def behave(peer, conn, stream):
        began.append(time.monotonic())
        if time.monotonic() - began[0] < 1:
            conn.answer(stream)
    for rate in (["-r", 200, "-m", 4], ["-m", 4]):
        began.clear()
        with Peer(behave) as peer:
            report = measured("-D", "2s", "-c", 1, *rate, peer.url())
            assert report["latency_ns"]["max"] > 0.5e9
            assert report["requests"]["in_flight"] == 4
            if rate[0] == "-r":
                assert report["requests"]["waiting"] > 150
                assert report["latency_ns"]["p90"] > 0.5e9
            else:
                assert report["requests"]["waiting"] == 4


def test_a_slower_server_than_the_rate():
    """Requests that were due and could not be sent are reported."""
    def slow(peer, conn, stream):
        time.sleep(0.02)
        conn.answer(stream)
    with Peer(slow) as peer:
        report = measured("-D", "1500ms", "-r", 200, "-c", 1, "-m", 1, peer.url())
        requests = due_all_started(report, 200)
        assert requests["unsent"] > 100
        assert report["latency_ns"]["max"] > 0.5e9
        assert 0 < report["since_sent_ns"]["p50"] < 0.2e9


def test_due_and_never_sent_times_out():
    """Without room on any connection, requests that are due fail when their time is up."""
    with Peer(lambda peer, conn, stream: None) as peer:
        report = measured("-D", "2s", "-r", 100, "-c", 1, "-m", 2, "-T", "300ms", peer.url(), expect=1)
        requests = due_all_started(report, 100)
        assert requests["timeout"] == requests["errored"] == requests["done"]
        assert requests["timeout"] > 140


# ---- caps ----------------------------------------------------------------------------------------


class CappedPeer(Peer):
    """Answers with as much as the windows allow, and records the order in which the bytes were allowed."""

    SIZES = {"/image.jpg": 100_000, "/script.js": 500_000}

    def __init__(self):
        super().__init__(begin=self.serve)
        self.sent = []  # path, bytes so far, the other's bytes so far

    def serve(self, conn):
        conn.over = True
        conn.h2.initiate_connection()
        conn.flush()
        paths, sent = {}, {}
        while True:
            data = conn.socket.recv(65536)
            if not data:
                break
            for event in conn.h2.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    fields = {bytes(n if isinstance(n, bytes) else n.encode()): v
                              for n, v in event.headers}
                    path = fields[b":path"]
                    paths[event.stream_id] = path.decode() if isinstance(path, bytes) else path
                    sent[event.stream_id] = 0
                    conn.h2.send_headers(event.stream_id, [(":status", "200")])
            conn.flush()
            self.send_all(conn, paths, sent)
        conn.socket.close()

    def send_all(self, conn, paths, sent):
        moved = True
        while moved:
            moved = False
            for stream, path in list(paths.items()):
                left = self.SIZES[path] - sent[stream]
                room = min(left, conn.h2.local_flow_control_window(stream), 16384)
                if left == 0 or room <= 0:
                    continue
                sent[stream] += room
                conn.h2.send_data(stream, bytes(room), end_stream=sent[stream] == self.SIZES[path])
                self.sent.append((path, dict((paths[s], n) for s, n in sent.items())))
                moved = True
                conn.flush()


def test_caps():
    """4 KB of the image, the script, then the rest of the image."""
    with CappedPeer() as peer:
        report = measured("-n", 2, "-m", 2, "--cap", "*.jpg=4k,rest", peer.url("/image.jpg"),
                          peer.url("/script.js"))
        assert report["requests"]["succeeded"] == 2
        assert report["bytes"]["data"] == 600_000
        for path, sent in peer.sent:
            if sent["/script.js"] < 500_000:
                assert sent["/image.jpg"] <= 4000
        assert peer.sent[-1][1] == peer.SIZES


def test_caps_in_three_steps():
    """Each step of the image waits until the script has come as far or ended."""
    with CappedPeer() as peer:
        report = measured("-n", 2, "-m", 2, "--cap", "*.jpg=4k,30k,rest", "--cap", "*.js=100k,rest",
                          peer.url("/image.jpg"), peer.url("/script.js"))
        assert report["requests"]["succeeded"] == 2
        for path, sent in peer.sent:
            if sent["/script.js"] < 100_000:
                assert sent["/image.jpg"] <= 4000
            if sent["/script.js"] < 500_000:
                assert sent["/image.jpg"] <= 34_000
            if sent["/image.jpg"] < 4000:
                assert sent["/script.js"] <= 100_000
        assert peer.sent[-1][1] == peer.SIZES


def test_caps_under_load(weir):
    report, own = spent(weir, "-n", 200, "-c", 2, "-m", 6, "--cap", "*.jpg=4k,20k,rest",
                        weir.url("/image.jpg"), weir.url("/script.js"), weir.url("/"))
    assert report["requests"]["succeeded"] == 200
    assert own["body_bytes_sent"] == report["bytes"]["data"]


# ---- the command line ----------------------------------------------------------------------------


def test_nobody_listens():
    port = harness.free_port()
    for more in ([], ["-D", "5"], ["-D", "5", "-r", 100], ["-c", 10]):
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
    (["http://127.0.0.1/", "http://127.0.0.2/"], "same scheme, host and port"),
    (["ftp://127.0.0.1/"], "expected http"),
    (["--connect-to", "a/b", "http://127.0.0.1/"], "--connect-to a/b"),
])
def test_wrong_command_lines(arguments, words):
    expect = 1 if "--connect-to" in arguments else 2
    assert words in load(*arguments, expect=expect)


def test_unreadable_data(tmp_path):
    assert "cannot read" in load("-d", tmp_path / "none", "http://127.0.0.1:1/", expect=1)
    assert "not a regular file" in load("-d", tmp_path, "http://127.0.0.1:1/", expect=1)


def test_without_io_uring():
    status, out, err = harness.run("load", "http://127.0.0.1:1/",
                                   preexec=harness.without_io_uring())
    assert status == 1 and err.startswith("weir load: ") and "io_uring" in err


def test_help():
    out = harness.run("load", "--help")[1]
    for option in ("--rate", "--cap", "--warm-up-time", "Examples", "Exit status"):
        assert option in out
