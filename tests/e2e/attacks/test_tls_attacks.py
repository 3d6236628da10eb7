"""Attacks on TLS itself. Floods of records and renegotiation come from openssl s_client, which sends KeyUpdate
and requests renegotiation on command."""
import socket
import ssl
import subprocess

import pytest

import harness
from scene import Innocent, MIB, Meter

PING = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + bytes(8)
BEGIN = harness.RawClient.PREFACE + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def secure(scene, **how):
    return harness.connect(scene.server.https_port, True, **how)


def until_closed(client):
    """Receives until the server closes, and returns the bytes."""
    got = b""
    try:
        while data := client.recv(65536):
            got += data
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        pass
    return got


def s_client(scene, *options, say=b"", seconds=20):
    """Gives openssl s_client the lines of `say` and waits. Returns its output."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{scene.server.https_port}", "-alpn",
               "h2", "-quiet" if not say else "-no_ign_eof", *options]
    done = subprocess.run(command, input=say, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=seconds)
    return done.stdout


class Told:
    """s_client with its commands: a line R renegotiates; K sends KeyUpdate and requests one back."""

    def __init__(self, scene, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{scene.server.https_port}", "-alpn",
             "h2", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)

    def say(self, line, count):
        """One command at a time: s_client looks for it at the start of each read()."""
        said = 0
        try:
            while said < count and self.process.poll() is None:
                self.process.stdin.write(line)
                said += 1
                harness.time.sleep(0.004)
        except BrokenPipeError:
            pass
        return said

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        out = self.process.stdout.read()
        self.process.wait()
        return out


def test_renegotiation_is_refused(scene):
    """A TLS 1.2 client may request it. The server does nothing (CVE-2011-1473)."""
    told = Told(scene, "-tls1_2")
    told.say(b"R\n", 3)
    out = told.end()
    assert b"RENEGOTIATING" in out, out
    assert b"no renegotiation" in out or b"handshake failure" in out or b":error:" in out, out
    assert scene.server.alive()


def test_key_updates(scene):
    """A few are answered. A flood, which carries no data, ends the connection."""
    told = Told(scene, "-tls1_3")
    said = told.say(b"K\n", 400)
    out = told.end()
    assert out.count(b"KEYUPDATE") > 3, out
    assert said < 400, "400 KeyUpdates and still connected"


def test_tiny_records(scene):
    """A record of one byte costs 29 bytes and a decryption. A flood of them ends the connection."""
    client = secure(scene)
    client.sendall(BEGIN)
    meter, before = Meter(scene.server.pid), scene.counters()
    frame = bytes([0, 0x40, 0, 0x42, 0, 0, 0, 0, 0]) + bytes(0x4000)  # frames of unknown type: one glitch
    try:
        for at in range(4000):
            client.sendall(frame[at:at + 1])
    except OSError:
        pass
    until_closed(client)
    meter.stop()
    client.close()
    assert meter.grown < 2 * MIB, meter.grown
    assert scene.since(before)["glitches"] == 1  # the frames did not end it


def test_small_records_of_an_honest_client(scene):
    """Many clients send a record per frame, so that must work."""
    client = secure(scene)
    client.sendall(BEGIN)
    for _ in range(400):
        client.sendall(PING)
    got = b""
    while got.count(bytes([0, 0, 8, 6, 1, 0, 0, 0, 0]) + bytes(8)) < 400:
        data = client.recv(65536)
        assert data
        got += data
    client.close()


def test_no_common_protocol(scene):
    """With no common ALPN protocol, the handshake fails (ALPACA)."""
    for offered in (["ftp"], ["imap", "smtp"]):
        with pytest.raises(ssl.SSLError):
            client = secure(scene, alpn=offered)
            client.sendall(b"x")
            assert client.recv(10) == b""
    assert scene.server.alive()


def test_old_versions(scene):
    out = s_client(scene, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert b"BEGIN CERTIFICATE" not in out and b"alert" in out, out


def test_no_early_data(scene, tmp_path):
    """Early data could be a replay, so it is not offered."""
    session = tmp_path / "session"
    said = tmp_path / "said"
    said.write_bytes(BEGIN)
    told = Told(scene, "-tls1_3", "-sess_out", session)
    assert harness.wait_until(session.exists)  # the ticket comes after the handshake
    told.end()
    assert b"BEGIN SSL SESSION" in session.read_bytes()
    out = s_client(scene, "-tls1_3", "-sess_in", session, "-early_data", said, say=b"Q\n")
    assert b"Early data was accepted" not in out and b"Early data was not sent" in out, out


@pytest.mark.parametrize("tickets", [True, False], ids=["with tickets", "without"])
def test_sessions_are_not_kept(scene, tickets):
    """The server keeps nothing for resumption: without a ticket, a session cannot be resumed."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 there are only tickets
    if not tickets:
        context.options |= ssl.OP_NO_TICKET

    def connect(session=None):
        plain = socket.create_connection(("127.0.0.1", scene.server.https_port))
        with context.wrap_socket(plain, session=session) as secure:
            return secure.session, secure.session_reused
    session, _ = connect()
    assert session.has_ticket == tickets
    assert connect(session)[1] == tickets


def test_garbage_instead_of_a_handshake(scene):
    for sent in (b"GET / HTTP/1.1\r\n\r\n", bytes(200), b"\x16\x03\x01\x00\x05\x01\0\0\1\0" * 3,
                 b"\x15\x03\x01\x00\x02\x02\x28", BEGIN):
        with socket.create_connection(("127.0.0.1", scene.server.https_port)) as plain:
            plain.settimeout(harness.PATIENCE_SECONDS)
            plain.sendall(sent)
            assert len(until_closed(plain)) < 300  # an alert, or the reason to use https


def test_cut_at_each_stage(scene):
    """A client that disconnects in the middle of the handshake leaves nothing behind."""
    hello = None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()
    for cut in range(1, len(hello) + 1, 7):
        with socket.create_connection(("127.0.0.1", scene.server.https_port)) as plain:
            plain.sendall(hello[:cut])
    assert scene.server.alive()


def test_handshake_flood(scene):
    """Many handshakes at once take turns, and other clients are served."""
    meter, innocent = Meter(scene.server.pid), Innocent(scene.port)
    hellos = []
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(200):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hellos.append(outgoing.read())
    clients = []
    before = scene.counters()
    for hello in hellos:
        plain = socket.create_connection(("127.0.0.1", scene.server.https_port))
        plain.settimeout(harness.PATIENCE_SECONDS)
        clients.append(plain)
        plain.sendall(hello)
    for plain in clients:
        assert plain.recv(10)
    meter.stop()
    result = innocent.result()
    assert result["errors"] == 0, result
    assert meter.grown < 200 * MIB // 8 + 16 * MIB, meter.grown
    scene.note(("TLS: 200 ClientHellos at once", "", "in turn"), _siege(scene, before, meter, result))
    for plain in clients:
        plain.close()


def _siege(scene, before, meter, innocent):
    from scene import Siege
    return Siege({"connections": 200}, meter, scene.since(before), innocent, None)


def test_the_ledgers_balance(scene):
    scene.reconcile()
    assert scene.server.alive()
