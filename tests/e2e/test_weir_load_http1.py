"""`weir load --h1`: everything that the report says over HTTP/2 is right over HTTP/1.1, too."""
import http.server
import re
import shutil
import threading
import time

import pytest

import harness
from load_http1_peer import BODY, LENGTH, Http1Peer
from load_peer import due_all_started, graceful, kinds, load, measured, reasons, site, spent, weir

# ---- servers of others ---------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("depth", [1, 8])
def test_counts_agree_with_the_server(weir, site, secure, depth):
    trust = ["--cacert", site[0] / "cert.pem"] if secure else []
    report, own = spent(weir, "--h1", "-n", 3000, "-c", 10, "-m", depth, "-t", 2, *trust,
                        weir.url("/", secure))
    assert report["requests"]["succeeded"] == own["requests"] == own["responses"] == 3000
    assert report["bytes"]["data"] == own["body_bytes_sent"] == 3000 * 1000
    assert own["connections_opened"] == report["connections"]["opened"] == 10
    assert report["connections"]["requests"] == {"min": 300, "mean": 300, "max": 300}
    assert report["connections"]["failed"] == report["connections"]["ended"] == 0
    assert report["requests"]["retried"] == 0
    if not secure:
        assert own["send_bytes"] >= report["bytes"]["received"] > 3000 * 1000


@pytest.mark.parametrize("path", ["/", "/large.bin", "/missing"])
def test_the_same_totals_as_ab(weir, path):
    if not shutil.which("ab"):
        pytest.skip("ab is not installed")
    other = harness.tool("ab", "-k", "-n", "200", "-c", "5", weir.url(path)).decode()
    report = measured("--h1", "-n", 200, "-c", 5, weir.url(path), expect=int(path == "/missing"))
    number = lambda name: int(re.search(rf"{name}:\s+(\d+)", other).group(1))
    assert report["requests"]["done"] == number("Complete requests") == 200
    assert report["bytes"]["data"] == number("HTML transferred")
    missing = re.search(r"Non-2xx responses:\s+(\d+)", other)
    assert report["requests"]["failed"] == (int(missing.group(1)) if missing else 0)


@pytest.mark.parametrize("path", ["/", "/large.bin", "/missing"])
def test_the_same_totals_as_h2load(weir, path):
    if not shutil.which("h2load"):
        pytest.skip("h2load is not installed")
    other = harness.tool("h2load", "--h1", "-n", "500", "-c", "5", weir.url(path)).decode()
    report = measured("--h1", "-n", 500, "-c", 5, weir.url(path), expect=int(path == "/missing"))
    done, good = re.search(r"(\d+) done, (\d+) succeeded", other).groups()
    assert report["requests"]["done"] == int(done) == 500
    assert report["requests"]["succeeded"] == int(good)
    assert report["bytes"]["data"] == int(re.search(r"\((\d+)\) data", other).group(1))


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_pythons_server(version):
    """With HTTP/1.0 it ends each connection after its response, which has no length."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = version

        def do_GET(self):
            self.send_response(200)
            if version == "HTTP/1.1":
                self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", harness.free_port()), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    report = measured("--h1", "-n", 60, "-c", 3, f"http://127.0.0.1:{server.server_address[1]}/")
    server.shutdown()
    assert report["requests"]["succeeded"] == 60
    assert report["bytes"]["data"] == 60 * len(BODY)
    assert report["requests"]["retried"] == report["requests"]["errored"] == 0
    assert report["connections"]["opened"] == (60 if version == "HTTP/1.0" else 3)


def test_tls_servers_may_select_http1(site):
    """As Python's ssl does here. --h2 does not accept it."""
    import ssl
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(site[0] / "cert.pem", site[0] / "key.pem")
    tls.set_alpn_protocols(["http/1.1"])
    with Http1Peer(tls=tls) as peer:
        report = measured("-n", 20, "-c", 2, "-k", peer.url())
        assert report["requests"]["succeeded"] == 20 == peer.counts["answered"]
        assert report["handshake"]["count"] == 2
        why = load("-n", 20, "-c", 2, "-k", "--h2", peer.url(), expect=1)
        assert "ALPN" in why or "TLS" in why


# ---- how connections end -------------------------------------------------------------------------


def test_connection_close_after_each_answer():
    def behave(peer, conn):
        conn.answer(fields=b"Connection: close\r\n")
        conn.close()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 60, "-c", 3, peer.url())
        assert report["requests"]["succeeded"] == 60 == peer.counts["answered"]
        assert report["connections"]["opened"] == peer.counts["connections"] == 60
        assert report["requests"]["retried"] == 0
        assert reasons(report) == {"the server ends connections after a response": 60}
        assert graceful(report)


def test_bytes_behind_a_response():
    """A body that is longer than its Content-Length: the server has not ended the connection."""
    def behave(peer, conn):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more")
        peer.count("answered")
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 5, peer.url())
        assert report["requests"]["succeeded"] == 5 == peer.counts["answered"]
        assert reasons(report) == {"the server sent bytes that answer no request": 5}
        assert not graceful(report)


def test_the_status_says_why_nothing_succeeded():
    """Not that the server closed its connections in between."""
    def behave(peer, conn):
        conn.answer(b"503 Busy", fields=b"Connection: close\r\n")
        conn.close()
    with Http1Peer(behave) as peer:
        assert "see the status codes" in load("--h1", "-n", 5, peer.url(), expect=1)


@pytest.mark.parametrize("says", [True, False], ids=["close", "silent"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fin"])
def test_the_rest_of_a_pipeline_is_asked_again(says, reset):
    """The server ends each connection after five answers, whatever has been asked behind them."""
    def behave(peer, conn):
        last = conn.requests == 5
        conn.answer(fields=b"Connection: close\r\n" if last and says else b"")
        if last:
            time.sleep(0.02)  # the answers arrive, even when a reset follows
            conn.close(reset)
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 100, "-c", 2, "-m", 4, peer.url())
        assert report["requests"]["succeeded"] == 100 == peer.counts["answered"]
        assert report["requests"]["errored"] == 0
        assert report["requests"]["retried"] > 20
        assert report["connections"]["opened"] == peer.counts["connections"] == 20


def test_keep_alive_ends_between_requests():
    """The server closes without a word after its third answer; the next request may be on its way by then."""
    def behave(peer, conn):
        conn.answer()
        if conn.requests == 3:
            conn.close()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 90, "-c", 3, peer.url())
        assert report["requests"]["succeeded"] == 90 == peer.counts["answered"]
        assert report["requests"]["errored"] == 0


def test_a_post_is_not_asked_again(tmp_path):
    """Nobody knows whether the server has processed it."""
    data = tmp_path / "data"
    data.write_bytes(b"x" * 10)
    def behave(peer, conn):
        if conn.requests == 3:
            conn.close()
        else:
            conn.answer()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 90, "-c", 3, "-d", data, peer.url())
        assert kinds(report) == {("closed", 0): 30}
        assert report["requests"]["succeeded"] == 60 == peer.counts["answered"]
        assert report["requests"]["retried"] == 0 and peer.counts["requests"] == 90


def test_a_server_that_never_answers():
    with Http1Peer(lambda peer, conn: conn.close()) as peer:
        report = measured("--h1", "-n", 4, "-c", 2, peer.url(), expect=1)
        assert kinds(report)[("closed", 0)] >= 2
        assert report["requests"]["succeeded"] == 0


def test_a_response_that_is_cut_off():
    def behave(peer, conn):
        if conn.requests % 3 == 0:
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            conn.close()
        elif conn.requests % 3 == 1:
            conn.answer()
        else:
            conn.answer(b"503 Busy")
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 90, "-c", 3, peer.url())
        assert kinds(report) == {("closed", 0): 30}
        assert report["statuses"] == {"200": 30, "503": 30}
        assert report["requests"]["failed"] == 60


def test_half_a_head_is_not_a_reason_to_ask_again():
    def behave(peer, conn):
        if conn.requests == 2:
            conn.send(b"HTTP/1.1 200 O")
            time.sleep(0.02)
            conn.close()
        else:
            conn.answer()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 20, "-c", 1, peer.url())
        assert kinds(report) == {("closed", 0): 10}
        assert report["requests"]["retried"] == 0


def test_garbage():
    with Http1Peer(lambda peer, conn: conn.send(b"\0\1garbage\r\n\r\n")) as peer:
        report = measured("--h1", "-n", 4, "-c", 2, peer.url(), expect=1)
        assert report["requests"]["succeeded"] == 0
        assert {kind for kind, _ in kinds(report)} == {"broken"}
        assert all(text.startswith("the server's response is not valid: ") for text in reasons(report))


# ---- what responses look like --------------------------------------------------------------------


def test_responses_of_all_kinds():
    def behave(peer, conn):
        path = conn.request.split()[1]
        if path == b"/chunks":
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n"
                      b"X-Sum: 1\r\n\r\n")
        elif path == b"/continue":
            conn.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                      b"HTTP/1.1 204 No Content\r\n\r\n")
        elif path == b"/end":
            conn.send(b"HTTP/1.1 200 OK\r\n\r\nall")
            conn.close()
        elif path == b"/moved":
            conn.answer(b"301 Moved", body=b"")
    with Http1Peer(behave) as peer:
        paths = ["/chunks", "/continue", "/moved", "/end"]
        report = measured("--h1", "-n", 40, "-c", 2, "-m", 3, *(peer.url(path) for path in paths))
        assert report["statuses"] == {"200": 20, "204": 10, "301": 10}
        assert report["requests"]["succeeded"] == 40
        assert report["bytes"]["data"] == 10 * 7 + 10 * 3


def test_head_has_no_body():
    def behave(peer, conn):
        assert conn.request.startswith(b"HEAD ")
        conn.send(b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n")
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 20, "-m", 4, "-H", ":method: HEAD", peer.url())
        assert report["requests"]["succeeded"] == 20
        assert report["bytes"]["data"] == 0


def test_uploads(tmp_path):
    data = tmp_path / "data"
    data.write_bytes(b"x" * 100_000)
    def behave(peer, conn):
        assert conn.body == b"x" * 100_000
        conn.answer()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 30, "-c", 2, "-m", 3, "-d", data, peer.url())
        assert report["requests"]["succeeded"] == 30
        assert report["bytes"]["data_sent"] == 30 * 100_000


# ---- times ---------------------------------------------------------------------------------------


def test_timeouts_end_the_connection():
    """One request in ten gets no answer. The others of its pipeline are asked again."""
    def behave(peer, conn):
        if conn.number % 2 == 1 and conn.requests == 4:
            while conn.socket.recv(65536):
                pass
            conn.over = True
        else:
            conn.answer()
    with Http1Peer(behave) as peer:
        report = measured("--h1", "-n", 40, "-c", 1, "-m", 3, "-T", 1, peer.url())
        assert report["requests"]["timeout"] >= 1
        assert {kind for kind, _ in kinds(report)} == {"timeout"}
        assert report["requests"]["succeeded"] == 40 - report["requests"]["timeout"]
        # More than one where the machine is busy and an answer takes a second.
        assert set(reasons(report)) == {"ended by weir load: a request had timed out"}


def test_open_loop(weir):
    report = measured("--h1", "-D", 2, "-r", 200, "-c", 4, weir.url("/"))
    requests = due_all_started(report, 200)
    assert requests["failed"] == 0 and requests["done"] > 0


# ---- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, words", [
    (["--h1", "--h2"], "exclude"),
    (["--h1", "--cap", "4k,rest"], "--cap needs HTTP/2"),
])
def test_wrong_combinations(options, words):
    assert words in load(*options, "http://127.0.0.1:1/", expect=2)
