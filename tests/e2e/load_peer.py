"""Shared by the tests of `weir load`: running it, sites to request, and a server that behaves as told."""
import collections
import heapq
import json
import math
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time

import h2.config
import h2.connection
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
    errors = sum(row["count"] for row in report["errors"])
    timeouts = sum(row["count"] for row in report["errors"] if row["kind"] == "timeout")
    statuses = sum(report["statuses"].values())
    assert requests["total"] == requests["started"] + requests["never_started"], report
    assert requests["started"] == requests["done"] + requests["in_flight"], report
    assert requests["done"] == requests["succeeded"] + requests["failed"], report
    assert requests["errored"] == errors, report
    assert requests["timeout"] == timeouts, report
    assert statuses == (0 if report["options"]["ws"] else requests["done"] - errors), report
    assert report["latency"]["count"] == requests["succeeded"] + requests["waiting"], report
    stranded = sum(row["count"] for row in report["errors"] if row["kind"] == "stranded")
    assert report["failed_latency"]["count"] == requests["failed"] - stranded, report
    assert math.isclose(requests["succeeded_per_second"] * seconds(report), requests["succeeded"],
                        rel_tol=1e-6), report
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


def same_totals(own, other):
    """`own`: the report of weir load; `other`: what h2load printed of the same requests."""
    requests = ", ".join(f"{own['requests'][name]} {name}" for name in (
        "total", "started", "done", "succeeded", "failed", "errored", "timeout"))
    assert f"requests: {requests}\n" in other
    for hundreds in "2345":
        count = sum(n for status, n in own["statuses"].items() if status[0] == hundreds)
        assert f" {count} {hundreds}xx" in re.search(r"status codes:.*", other).group()
    assert own["bytes"]["data"] == int(re.search(r"\((\d+)\) data", other).group(1))


def seen_by(server_requests, report):
    """Whether the server had the requests of a run that ended while some were under way: all that are done."""
    requests = report["requests"]
    return requests["done"] <= server_requests <= requests["started"]


def seconds(report):
    """How long was measured."""
    return report["duration_ns"] / 1e9


def kinds(report):
    return {(row["kind"], row["code"]): row["count"] for row in report["errors"]}


def reasons(report):
    return {row["text"]: row["count"] for row in report["connections"]["reasons"]}


def graceful(report):
    """Whether all connections ended as the protocol provides for it, which is no error."""
    return all(row["graceful"] for row in report["connections"]["reasons"])


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


def counters(server):
    """The server's own counters."""
    return server.counters()


def once_served(server, count, process):
    """Waits until the server has had so many requests of a run that goes on."""
    before = counters(server)["requests"]
    assert harness.wait_until(lambda: counters(server)["requests"] >= before + count or process.poll() is not None)


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


def due_all_started(report, rate):
    """Whatever the server does, every request that was due has been started or is reported as unsent. None is due
    after the duration, even if the run ends late. Returns the counts."""
    requests = report["requests"]
    due = rate * report["options"]["duration_ns"] / 1e9
    assert requests["started"] + requests["unsent"] == due, report
    return requests


class Peer:
    """An HTTP/2 server based on python3-h2, with a thread per connection. `behave(peer, conn, stream)` decides
    about each request; by default all are answered. Counts what it did."""

    BODY = b"hello, world\n"

    def __init__(self, behave=None, streams=100, begin=None, port=None):
        self.behave = behave or (lambda peer, conn, stream: conn.answer(stream))
        self.streams, self.begin = streams, begin
        self.listen(socket.create_server(("127.0.0.1", port or harness.free_port()), backlog=128))

    def listen(self, listener):
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.listener = listener
        self.port = listener.getsockname()[1] if listener.family == socket.AF_INET else None
        self.stopping = False
        threading.Thread(target=self.accept, daemon=True).start()

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
            threading.Thread(target=self.connection(plain, number).run, daemon=True).start()

    def connection(self, plain, number):
        return Connection(self, plain, number)

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
        self.due = []

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
            while not self.over and self.turn():
                pass
        except OSError as error:
            self.peer.count(type(error).__name__)
        except h2.exceptions.ProtocolError as error:
            self.peer.count(type(error).__name__)
            self.read_on()
        finally:
            self.socket.close()

    def read_on(self):
        """Until the client closes. A socket that is closed with unread bytes is reset, and the client may then lose
        answers that had been sent before, or GOAWAY."""
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(65536):
            pass

    def turn(self):
        """Answers what is due, or receives. False after the client's FIN."""
        if self.due:
            wait = self.due[0][0] - time.monotonic()
            if wait <= 0:
                self.answer(heapq.heappop(self.due)[1])
                self.flush()
                return True
            if not select.select([self.socket], [], [], wait)[0]:
                return True
        data = self.socket.recv(65536)
        if data:
            self.receive(data)
        return bool(data)

    def later(self, stream, delay):
        """Answers in `delay` seconds."""
        heapq.heappush(self.due, (time.monotonic() + delay, stream))

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
        data = self.h2.data_to_send()
        self.peer.count("bytes", len(data))
        self.socket.sendall(data)

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
