"""`weir tunnel` with a client that is none of weir's code: both forms of the upgrade, pairing of streams, targets that
fail, bad input, who may use it, and --fault."""
import signal
import ssl
import struct
import subprocess
import time

import pytest

import forward_peer
import harness
import tunnel_peer
import ws_peer
from tunnel_peer import CANCEL, FORWARD, PROTOCOL_ERROR, CARRIERS, Tunnel, bare, document, request, websocket


@pytest.fixture(scope="module")
def target():
    one = forward_peer.Target()
    yield one
    one.close()


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory):
    with Tunnel(tmp_path_factory.mktemp("tunnel"), pods=("web=127.0.0.1", "prod/db=127.0.0.1:5432")) as running:
        yield running


@pytest.fixture(params=list(CARRIERS))
def session(request, tunnel):
    opened = CARRIERS[request.param](tunnel.port)
    yield opened
    opened.close()


def echo(session, target, content=b"hello", name=None):
    """One forwarded connection from begin to end."""
    error, data = session.open_pair(target.port, name)
    session.data(data, b"echo\n" + content, fin=True)
    session.until_over(error, data)
    assert session[data].data == content
    assert session[data].ended and session[error].ended
    assert session[error].data == b""


# ---- what works ----------------------------------------------------------------------------------


def test_both_ways_with_half_close(session, target):
    echo(session, target)
    for number in range(20):
        echo(session, target, b"%d" % number * 1000, f"request-{number}")


def test_bytes_are_exact(session, target):
    error, data = session.open_pair(target.port, "0")
    session.data(data, b"send 3000001\n", fin=True)
    session.until_over(error, data)
    assert session[data].data == forward_peer.sent(3000001)


def test_without_windows(session, target):
    """A client that sends no WINDOW_UPDATE, as spdystream, gets everything all the same."""
    session.windows = False
    error, data = session.open_pair(target.port, "0")
    session.data(data, b"send 3000001\n", fin=True)
    session.until_over(error, data)
    assert session[data].data == forward_peer.sent(3000001)


def test_many_at_once(session, target):
    pairs = [session.open_pair(target.port, str(number)) for number in range(200)]
    for error, data in pairs:
        session.data(data, b"echo\n%d" % data, fin=True)
    for error, data in pairs:
        session.until_over(error, data)
        assert session[data].data == b"%d" % data


def test_pairing_without_request_ids(session, target):
    """The data stream's identifier is the error stream's and 2."""
    echo(session, target, name=None)
    first, second = (session.open_one("error", target.port) for _ in range(2))  # 5 and 7: not their partners
    late = session.open_one("data", target.port)
    session.data(late, b"echo\nlate", fin=True)
    session.until_over(second, late)
    assert session[late].data == b"late"
    assert not session[first].over()


def test_ping_is_answered(session):
    session.frame(tunnel_peer.PING, struct.pack(">I", 1))
    session.frame(tunnel_peer.PING, struct.pack(">I", 3))
    session.until(lambda: session.pings == [1, 3])


def test_mapped_ports(tmp_path, target):
    """All ports of a pod that is given with one lead there."""
    with Tunnel(tmp_path, pods=(f"web=localhost:{target.port}",)) as running:
        session = bare(running.port)
        error, data = session.open_pair(1, "0")
        session.data(data, b"echo\nmapped", fin=True)
        session.until_over(error, data)
        assert session[data].data == b"mapped"
        session.close()


def test_documents(tunnel):
    assert document(tunnel.port, "/version")[1]["major"] == "1"
    assert document(tunnel.port, "/api")[1]["versions"] == ["v1"]
    assert document(tunnel.port, "/apis")[1]["groups"] == []
    status, fields, content = request(
        tunnel.port, "/api?timeout=32s", Accept="application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    assert status == 200 and "as=APIGroupDiscoveryList" in fields["content-type"] and b"portforward" in content
    assert document(tunnel.port, FORWARD.removesuffix("/portforward"))[1]["status"]["phase"] == "Running"
    assert len(document(tunnel.port, "/api/v1/pods?limit=500")[1]["items"]) == 2
    assert document(tunnel.port, "/api/v1/namespaces/prod/services/db")[1]["spec"]["ports"][0]["port"] == 5432
    assert request(tunnel.port, "/readyz")[2] == b"ok"


# ---- targets that fail ---------------------------------------------------------------------------


def test_refused_port(session, target, tunnel):
    """That connection is reset, and nothing is written that would end the client's session."""
    port = harness.free_port()
    error, data = session.open_pair(port, "0")
    session.until_over(error, data)
    assert session[data].status == CANCEL
    assert session[error].ended and session[error].data == b""
    tunnel.says(f"port {port}: cannot connect to 127.0.0.1:{port}: Connection refused")
    echo(session, target)


@pytest.mark.parametrize("how", ["--write-errors", "user-agent"])
def test_errors_are_told_where_they_are_wanted(tmp_path, target, how):
    """As a kubelet does, with --write-errors; and to clients that survive it."""
    port = harness.free_port()
    with Tunnel(tmp_path, *(["--write-errors"] if how.startswith("--") else [])) as running:
        session = bare(running.port, User_Agent="curl/8" if how.startswith("--") else "weir/0.1.0 (forward)")
        error, data = session.open_pair(port, "0")
        session.until_over(error, data)
        assert session[error].ended
        assert session[error].data.decode() == \
            f"error forwarding port {port} to pod web: cannot connect to 127.0.0.1:{port}: Connection refused"
        echo(session, target)
        session.close()


def test_target_resets(session, target):
    """A reset of one connection leaves the others as they are."""
    _, other = session.open_pair(target.port, "other")
    session.data(other, b"echo\nbefore")
    session.until(lambda: session[other].data == b"before")
    error, data = session.open_pair(target.port, "0")
    session.data(data, b"reset\n")
    session.until_over(error, data)
    assert session[data].status == CANCEL and session[error].ended and session[error].data == b""
    session.data(other, b" and after", fin=True)
    session.until_over(other)
    assert session[other].data == b"before and after"


def test_client_resets(session, target):
    """The target hears of it, and the error stream ends."""
    error, data = session.open_pair(target.port, "0")
    session.data(data, b"hold\n")
    session.until(lambda: session[data].data == b"held")
    session.reset(data)
    session.until_over(error)
    assert session[error].data == b""
    echo(session, target, name="1")


def test_stalled_download(session, target):
    """A client that reads nothing of one connection gets the others' bytes."""
    session.windows = False
    _, stalled = session.open_pair(target.port, "0")
    session.frame(tunnel_peer.WINDOW_UPDATE, struct.pack(">II", stalled, 1))  # so that it is one with windows
    session.data(stalled, b"send 100000000\n")
    session.until(lambda: len(session[stalled].data) >= 60000)
    session.reset(stalled)
    session.frame(tunnel_peer.WINDOW_UPDATE, struct.pack(">II", 0, len(session[stalled].data)))
    session.windows = True
    echo(session, target, b"x" * 100000, "1")


def test_a_pause(tunnel, target):
    """A client without windows reads nothing for longer than HTTP/1.1 would allow, as kubectl does when the program behind
    one of its connections stands still. It lives: it sends PING."""
    session = bare(tunnel.port)
    session.windows = False
    error, data = session.open_pair(target.port, "0")
    session.data(data, b"send 20000001\n", fin=True)
    session.until(lambda: len(session[data].data) > 3 << 20)
    for number in range(13):
        time.sleep(2)
        session.frame(tunnel_peer.PING, struct.pack(">I", 2 * number + 1))
    session.until_over(error, data)
    assert session[data].data == forward_peer.sent(20000001)
    session.close()


# ---- what is refused -----------------------------------------------------------------------------


def test_version_mismatch(tunnel):
    answer = bare(tunnel.port, X_Stream_Protocol_Version="v9.portforward.k8s.io")
    assert answer.status == 403
    assert answer.headers["x-accepted-stream-protocol-versions"] == "portforward.k8s.io"
    assert b"unable to upgrade" in answer.read()


@pytest.mark.parametrize("protocol", [None, "v4.channel.k8s.io", "SPDY/3.1", "spdy/3.1+portforward.k8s.io"])
def test_wrong_subprotocol(tunnel, protocol):
    answer = websocket(tunnel.port, protocol=protocol)
    assert answer.status == 400
    assert b"SPDY/3.1+portforward.k8s.io" in answer.read()


def test_web_pages(tunnel):
    """A page in a browser on this machine must not reach what the tunnel reaches."""
    for origin in ("https://evil.example", f"http://127.0.0.1:{tunnel.port}", "null"):
        assert websocket(tunnel.port, Origin=origin).status == 403


def test_no_upgrade(tunnel):
    assert request(tunnel.port, FORWARD, method="POST", Content_Length="0")[0] == 400
    assert request(tunnel.port, FORWARD)[0] == 400
    assert bare(tunnel.port, Upgrade="SPDY/2").status == 400


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_unknown_pod(tunnel, carrier):
    for path in (FORWARD.replace("web", "nobody"), FORWARD.replace("default", "prod")):
        answer = CARRIERS[carrier](tunnel.port, path=path)
        assert answer.status == 404 and b'"reason":"NotFound"' in answer.read()


def test_nothing_can_be_changed(tunnel):
    assert request(tunnel.port, "/api/v1/namespaces/default/pods/web", method="DELETE")[0] == 405
    assert request(tunnel.port, "/api/v1/secrets")[0] == 404


# ---- streams that are wrong ----------------------------------------------------------------------


@pytest.mark.parametrize("fields", [
    {"port": "80"}, {"streamtype": "stdin", "port": "80"}, {"streamtype": "data"},
    {"streamtype": "data", "port": "0"}, {"streamtype": "data", "port": "65536"},
    {"streamtype": "data", "port": "80", "requestid": "x" * 65}])
def test_wrong_fields(session, target, fields):
    stream = session.open(fields)
    session.until_over(stream)
    assert session[stream].status == PROTOCOL_ERROR
    echo(session, target)


@pytest.mark.parametrize("kind", ["error", "data"])
def test_duplicate_request_id(session, target, kind):
    """The second is reset; the first gets its partner."""
    first, second = (session.open_one(kind, target.port, "0") for _ in range(2))
    session.until_over(second)
    assert session[second].status == PROTOCOL_ERROR
    partner = session.open_one("data" if kind == "error" else "error", target.port, "0")
    data = first if kind == "data" else partner
    session.data(data, b"echo\nhello", fin=True)
    session.until_over(data)
    assert session[data].data == b"hello"


def test_identifiers_backwards(session, target):
    """Streams are independent: the late one alone is refused."""
    error = session.open_one("error", target.port, "0", stream_id=5)
    late = session.open_one("data", target.port, "0", stream_id=3)
    session.until_over(late)
    assert session[late].status == PROTOCOL_ERROR
    data = session.open_one("data", target.port, "0")
    session.data(data, b"echo\nhello", fin=True)
    session.until_over(error, data)
    assert session[data].data == b"hello"


def test_unknown_version(session, target):
    """Its SYN_STREAM is refused, and nothing else."""
    session.streams[1] = tunnel_peer.Stream()
    session.frame(tunnel_peer.SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + bytes(10), version=2)
    session.until_over(1)
    assert session[1].status == tunnel_peer.UNSUPPORTED_VERSION
    session.next_id = 3
    echo(session, target)


def test_lonely_streams_harm_nobody(session, target):
    """One of a pair never comes; unit tests wait for the 30 s."""
    session.open_one("error", target.port, "lonely")
    session.open_one("data", target.port, "alone")
    echo(session, target, name="0")


def test_lines_are_bounded(tmp_path, target):
    """TUNNEL_LINES_BURST; the others are counted."""
    most = harness.bound("TUNNEL_LINES_BURST")
    with Tunnel(tmp_path) as tunnel:
        session = bare(tunnel.port)
        for _ in range(3 * most):
            stream = session.open({"port": "80"})
        session.until_over(stream)
        assert most <= tunnel.log().count("a stream was refused") < 2 * most
        time.sleep(2 / harness.bound("TUNNEL_LINES_PER_SECOND"))
        session.until_over(session.open({"port": "80"}))
        tunnel.says("lines were left out\n")
        echo(session, target)
        session.hang_up()


# ---- sessions that are wrong ---------------------------------------------------------------------


def corrupt_zlib(session):
    session.frame(tunnel_peer.SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + b"\xff" * 100)


def too_many_settings(session):
    """CVE-2026-35469: a count that is far larger than the frame."""
    session.frame(tunnel_peer.SETTINGS, struct.pack(">I", 0xffffffff) + b"\0" * 80)


def large_frame(session):
    session.write(struct.pack(">HHI", 0x8003, tunnel_peer.SYN_STREAM, 0xffffff) + b"\0" * 1000000)


def bomb(session):
    """A header block of 60 MB, in 60 KB."""
    block = session.deflate.compress(struct.pack(">I", 1) + struct.pack(">I", 1) + b"x" + struct.pack(">I", 60 << 20))
    block += session.deflate.compress(b"y" * (60 << 20)) + session.deflate.flush(2)
    session.frame(tunnel_peer.SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + block)


@pytest.mark.parametrize("carrier", list(CARRIERS))
@pytest.mark.parametrize("wrong", [corrupt_zlib, too_many_settings, large_frame, bomb])
def test_broken_sessions(tunnel, target, carrier, wrong):
    """The session ends, and takes no other one with it, nor memory."""
    other = bare(tunnel.port)
    _, data = other.open_pair(target.port, "0")
    before = tunnel.memory_bytes()
    session = CARRIERS[carrier](tunnel.port)
    try:
        wrong(session)
    except ConnectionError:
        pass
    session.until_gone()
    session.close()
    assert tunnel.memory_bytes() < before + (16 << 20)
    other.data(data, b"echo\nhello", fin=True)
    other.until_over(data)
    assert other[data].data == b"hello"
    other.close()


def test_text_messages(tunnel):
    session = websocket(tunnel.port)
    session.frames.send(ws_peer.TEXT, b"hello")
    session.until_gone()
    assert session.frames.code == 1003
    session.close()


def test_pieces(tunnel, target):
    """Boundaries of messages mean nothing: frames come byte by byte."""
    session = websocket(tunnel.port)
    whole = session.write
    session.write = lambda data: [whole(data[at:at + 1]) for at in range(len(data))]
    echo(session, target)
    session.close()


def test_silent_client(tmp_path):
    """It does not answer PING: it is given up after twice the keepalive."""
    with Tunnel(tmp_path, "--keepalive", 1) as running:
        session = bare(running.port)
        began = time.monotonic()
        session.got_control = lambda *_: None
        session.until_gone()
        assert 1.5 < time.monotonic() - began < 20
        session.close()


def test_client_that_reads_nothing(tmp_path, target):
    """It cannot answer PING. While output waits for it, it is not given up."""
    with Tunnel(tmp_path, "--keepalive", 1) as running:
        session = bare(running.port)
        session.windows = False
        error, data = session.open_pair(target.port, "0")
        session.data(data, b"send 20000001\n", fin=True)
        session.until(lambda: len(session[data].data) > 3 << 20)
        time.sleep(5)
        session.until_over(error, data)
        assert session[data].data == forward_peer.sent(20000001)
        session.close()


def test_the_end(tmp_path, target):
    """On SIGTERM clients get a GOAWAY."""
    with Tunnel(tmp_path, "--verbose") as running:
        session = bare(running.port)
        echo(session, target)
        running.process.send_signal(signal.SIGUSR1)
        running.says("forwarded 1 connections of 1 sessions: 10 bytes to targets, 5 from them")
        running.process.terminate()
        session.until_gone()
        assert session.goaway is not None
        session.close()
        assert running.process.wait(harness.PATIENCE_SECONDS) == 0
        assert running.log().count("forwarded 1 connections of 1 sessions") == 2
        running.process.poll = lambda: None  # it has ended in order


# ---- who may -------------------------------------------------------------------------------------


def openssl(*words, folder):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    """A certificate of an authority with this name, and one of a client that it vouches for."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem",
            "-subj", f"/CN={name}", "-days", 2, folder=folder)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=me",
            folder=folder)
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", 2, folder=folder)


def unchecked(certificate=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    return context


def test_tokens(tmp_path, target):
    with Tunnel(tmp_path, "--token", "secret", "--token", "other") as running:
        context = unchecked()
        for carrier in CARRIERS.values():
            for token in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}):
                answer = carrier(running.port, context=context, **token)
                assert answer.status == 401 and b"Unauthorized" in answer.read()
            for token in ("secret", "other"):
                session = carrier(running.port, context=context, Authorization=f"Bearer {token}")
                echo(session, target)
                session.close()
        assert document(running.port, "/api", context=context)[0] == 401
        assert request(running.port, "/healthz", context=context)[0] == 200


def test_expired_token(tmp_path, target):
    """What is open stays open."""
    with Tunnel(tmp_path, "--token", "secret", "--token-seconds", 3) as running:
        context = unchecked()
        session = bare(running.port, context=context, Authorization="Bearer secret")
        echo(session, target)

        def expired():
            answer = bare(running.port, context=context, Authorization="Bearer secret")
            return not isinstance(answer, tunnel_peer.Session) and b"the token has expired" in answer.read()

        assert harness.wait_until(expired)
        echo(session, target, name="1")
        session.close()


def test_client_certificates(tmp_path, target):
    authority(tmp_path, "known")
    authority(tmp_path, "stranger")
    with Tunnel(tmp_path, "--client-ca", tmp_path / "known-ca.pem") as running:
        session = bare(running.port, context=unchecked(tmp_path / "known"))
        echo(session, target)
        session.close()
        assert bare(running.port, context=unchecked()).status == 401
        with pytest.raises((ssl.SSLError, ConnectionError)):
            bare(running.port, context=unchecked(tmp_path / "stranger"))


def test_kubeconfig(tmp_path):
    """The authority in it vouches for the server."""
    path = tmp_path / "kubeconfig"
    with Tunnel(tmp_path, "--token", "secret", "--kubeconfig-out", path) as running:
        text = path.read_text()
        assert f"server: https://127.0.0.1:{running.port}\n" in text and 'token: "secret"' in text
        data = text.split("certificate-authority-data: ")[1].split("\n")[0]
        pem = subprocess.run(["base64", "-d"], input=data.encode(), capture_output=True, check=True).stdout.decode()
        context = ssl.create_default_context(cadata=pem)
        assert document(running.port, "/api", context=context, Authorization="Bearer secret")[0] == 200


# ---- --fault -------------------------------------------------------------------------------------


@pytest.fixture
def faulty(request, tmp_path):
    """A session with that fault, after one connection without."""
    with Tunnel(tmp_path, "--fault", f"{request.param}:2") as running:
        yield running, bare(running.port)


def begin(session, target):
    error, data = session.open_pair(target.port, "fault")
    session.data(data, b"echo\nhello")
    return error, data


@pytest.mark.parametrize("faulty", ["reset"], indirect=True)
def test_fault_reset(faulty, target):
    _, session = faulty
    echo(session, target, name="0")
    error, data = begin(session, target)
    session.until_over(error, data)
    assert session[data].status == CANCEL and session[error].data == b""
    echo(session, target, name="1")


@pytest.mark.parametrize("faulty", ["drop"], indirect=True)
def test_fault_drop(faulty, target):
    running, session = faulty
    echo(session, target, name="0")
    begin(session, target)
    session.until_gone()
    assert session.goaway is not None
    echo(bare(running.port), target)


@pytest.mark.parametrize("faulty", ["vanish"], indirect=True)
def test_fault_vanish(faulty, target):
    running, session = faulty
    echo(session, target, name="0")
    begin(session, target)
    session.until_gone()
    assert session.goaway is None
    echo(bare(running.port), target)


@pytest.mark.parametrize("faulty", ["delay"], indirect=True)
def test_fault_delay(faulty, target):
    _, session = faulty
    echo(session, target, name="0")
    began = time.monotonic()
    session.open_pair(target.port, "1")
    assert time.monotonic() - began > 2


@pytest.mark.parametrize("faulty", ["error"], indirect=True)
def test_fault_error(faulty, target):
    _, session = faulty
    echo(session, target, name="0")
    error, _ = begin(session, target)
    session.until_over(error)
    assert b"asked to fail" in session[error].data


@pytest.mark.parametrize("faulty", ["stall"], indirect=True)
def test_fault_stall(faulty, target):
    """Nothing comes back, and there is no credit."""
    _, session = faulty
    echo(session, target, name="0")
    _, data = begin(session, target)
    echo(session, target, name="1")
    assert session[data].data == b"" and not session[data].over()
