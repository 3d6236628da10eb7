"""`weir load` against servers that misbehave, stall, or record what it allows them to send."""
import ssl
import struct
import threading
import time

import h2.errors
import h2.events
import pytest

import harness
from load_peer import SLOW, Peer, due_all_started, graceful, kinds, load, measured, reasons, seconds, site

# ---- servers that misbehave ----------------------------------------------------------------------


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
        assert report["statuses"] == {"200": 100, "503": 100}
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
        assert graceful(report)
        assert peer.counts["connections"] == report["connections"]["opened"] >= 30
        assert report["requests"]["retried"] > 0
        assert reasons(report) == {"the server ended the connection with GOAWAY (NO_ERROR)":
                                   report["connections"]["ended"]}


def test_goaway_after_few_of_many():
    """As nginx with keepalive_requests 10: of 100 streams, it answers 10 and has not processed the others. These are
    asked for again on the next connections, ten times and more."""
    def behave(peer, conn, stream):
        if conn.requests <= 10:
            conn.answer(stream)
        if conn.requests == 10:
            conn.goaway(stream)
    with Peer(behave) as peer:
        report = measured("-n", 500, "-c", 2, "-m", 100, peer.url())
        assert report["requests"]["succeeded"] == 500 == peer.counts["answered"]
        assert report["requests"]["failed"] == 0
        assert report["connections"]["opened"] == 50
        assert report["requests"]["retried"] > 1000


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
        refused = kinds(report)[("goaway", 0)]
        assert kinds(report) == {("goaway", 0): refused, ("stranded", 0): 10 - refused}
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
        assert report["failed_latency"]["min_ns"] >= 300e6
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
        assert report["requests"]["timeout"] >= 3
        assert kinds(report)[("stranded", 0)] == 1000 - 5 - report["requests"]["timeout"]
        assert reasons(report) == {"the server was silent for too long": 1}


def test_late_answers_are_nobodys_fault():
    """All time out at once and are answered later. They are more than the engine remembers individually. The timeout
    leaves a peer in Python that long for those that follow."""
    count, timeout_seconds = 400, 4
    def late(peer, conn, stream):
        if conn.requests < count:
            return
        if conn.requests > count:
            conn.answer(stream)
            return
        conn.flush()
        time.sleep(timeout_seconds + 0.3)
        for each in range(1, 2 * count, 2):  # without h2, which may know about the resets
            conn.socket.sendall(struct.pack(">I", 1 << 8 | 1) + b"\4" + struct.pack(">I", each) +
                                b"\x88" + struct.pack(">I", 5 << 8) + b"\1" +
                                struct.pack(">I", each) + b"hello")
            peer.count("late")
    with Peer(late, streams=1000) as peer:
        report = measured("-n", 1200, "-m", count, "-T", f"{timeout_seconds}s", peer.url())
        assert peer.counts["late"] == count
        assert kinds(report) == {("timeout", 0): report["requests"]["errored"]}
        assert report["requests"]["timeout"] >= count
        assert 100 <= report["requests"]["succeeded"] <= peer.counts["answered"]
        assert report["connections"]["opened"] == 1 and reasons(report) == {}


def test_no_streams_allowed():
    with Peer(streams=0) as peer:
        report = measured("-n", 5, "-T", "500ms", peer.url(), expect=1)
        assert kinds(report) == {("stranded", 0): 5} and peer.counts["requests"] == 0
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
    """TLS without ALPN: the server may speak anything, so --h2 refuses it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site[0] / "cert.pem", site[0] / "key.pem")
    def greet(conn):
        conn.over = True
        try:
            context.wrap_socket(conn.socket, server_side=True).recv(10)
        except OSError:
            pass
    with Peer(begin=greet) as peer:
        err = load("-k", "--h2", "-n", 3, "-c", 2, f"https://127.0.0.1:{peer.port}/", expect=1)
        assert "did not select h2 by ALPN" in err


def test_a_server_that_dies():
    """In the middle of a run. Nothing waits forever, and requests that could not be sent have failed."""
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
        assert report["requests"]["succeeded"] == 49 and report["requests"]["failed"] == 151
        assert kinds(report) == {("closed", 0): 1, ("stranded", 0): 150}
        assert report["requests"]["never_started"] == 0
        assert any("Connection refused" in text for text in reasons(report))
    with Peer(behave) as peer:
        report = measured("-D", "2s", peer.url())
        assert report["requests"]["succeeded"] == 49 and report["requests"]["started"] == 50
        assert 1.9 < seconds(report) < 3 * SLOW


@pytest.mark.parametrize("secure, words", [(False, "send its SETTINGS"), (True, "complete TLS")])
def test_silence_before_settings(secure, words):
    """-T limits this phase, too. With -n the requests fail; with -D it is tried again."""
    def silent(conn):
        while conn.socket.recv(1000):
            pass
        conn.close()
    scheme = "https" if secure else "http"
    with Peer(begin=silent) as peer:
        url = f"{scheme}://127.0.0.1:{peer.port}/"
        began = time.monotonic()
        report = measured("-k", "-n", 3, "-T", "300ms", url, expect=1)
        assert 0.29 < time.monotonic() - began < 4 * SLOW
        assert reasons(report) == {f"the server did not {words} in time": 1}
        assert kinds(report) == {("stranded", 0): 3}
        began = time.monotonic()
        report = measured("-k", "-D", "1500ms", "-T", "300ms", url, expect=1)
        assert 1.4 < time.monotonic() - began < 6 * SLOW
        assert reasons(report)[f"the server did not {words} in time"] >= 2


def test_half_of_the_connections_refused():
    """With -n, their requests have failed. With -D they are tried again with a pause: the rate of the others stays."""
    def refuse(conn):
        if conn.number % 2 == 0:
            conn.close(reset=True)
    with Peer(begin=refuse) as peer:
        report = measured("-n", 100, "-c", 10, peer.url())
        assert report["connections"]["opened"] == report["connections"]["failed"] == 5
        assert report["requests"]["succeeded"] == 50
        assert kinds(report) == {("stranded", 0): 50}
    with Peer(begin=refuse) as peer:
        report = measured("-D", "1500ms", "-c", 2, peer.url())
        assert report["connections"]["opened"] == 2  # the second at its second attempt
        assert report["connections"]["failed"] == 1
        assert report["requests"]["failed"] == 0


def test_a_server_that_starts_late():
    port = harness.free_port()
    peers = []
    timer = threading.Timer(0.7, lambda: peers.append(Peer(port=port)))
    timer.start()
    try:
        report = measured("-D", "3s", "-c", 2, f"http://127.0.0.1:{port}/")
    finally:
        timer.join()
        peers[0].stop()
    assert report["requests"]["succeeded"] > 0 and report["requests"]["failed"] == 0
    assert report["connections"]["opened"] == 2
    # pauses of 100 ms, 200 ms, 400 ms ...: two or three attempts each
    assert 2 <= report["connections"]["failed"] <= 8
    assert list(reasons(report)) == [f"cannot connect to 127.0.0.1:{port}: Connection refused"]


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
        latency = report["latency"]
        assert 0.85e9 < latency["p99_ns"] < 1.5e9 * SLOW, latency
        assert latency["max_ns"] >= 0.95e9
        due_all_started(report, 200)
        assert latency["p90_ns"] > 0.4e9, latency
    stalled.clear()
    with Peer(behave) as peer:
        report = measured("-D", "4s", "-c", 1, "-m", 4, peer.url())
        assert report["latency"]["p99_ns"] < 0.2e9  # the purpose of the open loop


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
            assert report["latency"]["max_ns"] > 0.5e9
            assert report["requests"]["in_flight"] == 4
            if rate[0] == "-r":
                assert report["requests"]["waiting"] > 150
                assert report["latency"]["p90_ns"] > 0.5e9
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
        assert report["latency"]["max_ns"] > 0.5e9
        assert 0 < report["since_sent"]["p50_ns"] < 0.2e9


def test_due_and_never_sent_times_out():
    """While no connection has a free stream, requests that are due fail when their time is up."""
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
