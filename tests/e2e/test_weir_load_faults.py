"""`weir load` names each fault of a server as it came, and never takes a limit of its own for one."""
import json
import os
import signal
import ssl
import struct
import subprocess
import time

import pytest

import harness
from load_peer import SLOW, Peer, graceful, kinds, load, measured, once_served, reasons, site, weir

# ---- codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 8, 13, 14, 4711, 2**32 - 1])
def test_codes_of_resets(code):
    with Peer(lambda peer, conn, stream: conn.reset(stream, code)) as peer:
        report = measured("-n", 4, peer.url(), expect=1)
    assert kinds(report) == {("reset", code): 4}


@pytest.mark.parametrize("code, name", [(1, "PROTOCOL_ERROR"), (14, "code 14"), (2**32 - 1, "code 4294967295")])
def test_codes_of_goaways(code, name):
    def behave(peer, conn, stream):
        conn.h2.close_connection(code, additional_data=b"calm \x1b[31mdown", last_stream_id=stream)
        conn.flush()
        conn.close()
    with Peer(behave) as peer:
        report = measured("-n", 1, peer.url(), expect=1)
    assert kinds(report) == {("goaway", code): 1}
    assert graceful(report) == (code == 0)
    assert reasons(report) == {f"the server ended the connection with GOAWAY ({name}): calm ?[31mdown": 1}


def test_a_reason_without_an_error():
    def behave(peer, conn, stream):
        conn.answer(stream)
        conn.h2.close_connection(0, additional_data=b"restarting", last_stream_id=stream)
        conn.flush()
    with Peer(behave) as peer:
        report = measured("-n", 3, peer.url())
    assert report["requests"]["succeeded"] == 3
    assert reasons(report) == {"the server ended the connection with GOAWAY (NO_ERROR): restarting": 3}
    assert graceful(report)


def test_no_end_before_settings_is_graceful():
    with Peer(begin=lambda conn: conn.close()) as peer:
        report = measured("-n", 1, peer.url(), expect=1)
    assert reasons(report) and not graceful(report)


def test_no_error_is_shown_for_a_graceful_end():
    """The report lists it with the connections."""
    def behave(peer, conn, stream):
        conn.answer(stream)
        conn.goaway(stream)
    with Peer(behave) as peer:
        lines = load("-n", 3, peer.url()).splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("connections "))
    assert lines[row + 1] == "            3 connections: the server ended the connection with GOAWAY"
    assert not any(line.startswith("errors") for line in lines)


# ---- our own limits ------------------------------------------------------------------------------


def test_too_many_pings():
    """The server breaks no rule. `weir load` gives the connection up, and says so."""
    def behave(peer, conn, stream):
        conn.flush()
        conn.socket.sendall((struct.pack(">I", 8 << 8 | 6) + bytes(5) + b"12345678") * 20000)
    with Peer(behave) as peer:
        report = measured("-n", 1, peer.url(), expect=1)
    assert kinds(report) == {("limit", 11): 1}
    assert reasons(report) == {"weir gave the connection up: too many PING frames": 1}


def test_too_large_a_response():
    def behave(peer, conn, stream):
        conn.answer(stream, fields=[(f"x-{i}", "y" * 4000) for i in range(100)])
    with Peer(behave) as peer:
        report = measured("-n", 2, peer.url(), expect=1)
    assert {kind for kind, code in kinds(report)} == {"limit"}, kinds(report)


# ---- TLS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_alert(site, version):
    """The server wants a certificate. With TLS 1.3 it says so after the client's handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site[0] / "cert.pem", site[0] / "key.pem")
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    def greet(conn):
        conn.over = True
        try:
            context.wrap_socket(conn.socket, server_side=True).recv(10)
        except OSError:
            pass
    with Peer(begin=greet) as peer:
        err = load("-k", "-n", 3, f"https://127.0.0.1:{peer.port}/", expect=1)
    assert "TLS with 127.0.0.1" in err and "alert" in err, err


def test_a_reason_that_stays(weir):
    """A certificate that is not trusted will not be trusted later: the run ends at once, although -D is not over."""
    for rate in ([], ["-r", 10]):
        began = time.monotonic()
        err = load("-D", 30, "-c", 2, *rate, weir.url("/", secure=True), expect=1)
        assert "TLS with 127.0.0.1" in err and time.monotonic() - began < 5 * SLOW


# ---- bytes ---------------------------------------------------------------------------------------


def test_bytes_of_the_last_answer():
    """Everything that the server sent was received, the end of the last response included."""
    with Peer() as peer:
        report = measured("-n", 20, "-m", 5, peer.url())
        assert report["bytes"]["received"] == report["bytes"]["http_received"] == peer.counts["bytes"]
        assert report["bytes"]["data"] == 20 * len(Peer.BODY)


def test_bytes_of_tls(weir):
    """TLS adds to what HTTP sends, and HTTP to headers and content."""
    sizes = []
    for secure in (False, True):
        sizes.append(measured("-k", "-n", 20, "-m", 5, weir.url("/", secure=secure))["bytes"])
    plain, tls = sizes
    assert plain["received"] == plain["http_received"] and plain["sent"] == plain["http_sent"]
    assert tls["received"] > tls["http_received"] + 1000  # a certificate at least
    assert tls["sent"] > tls["http_sent"] + 200
    for bytes in sizes:
        assert bytes["http_received"] > bytes["headers"] + bytes["data"] + 20 * 18


# ---- bad input -----------------------------------------------------------------------------------


def test_an_unknown_host():
    err = load("-n", 1, "http://no-such-host.invalid/", expect=1)
    assert "no-such-host.invalid" in err


def test_garbage():
    def garbage(conn):
        conn.socket.sendall(os.urandom(100))
        conn.close()
    with Peer(begin=garbage) as peer:
        began = time.monotonic()
        report = measured("-n", 3, "-T", 2, peer.url(), expect=1)
        assert time.monotonic() - began < 5 * SLOW
    assert kinds(report) == {("stranded", 0): 3} and len(reasons(report)) == 1


def test_goaway_at_once():
    def goaway(conn):
        conn.h2.initiate_connection()
        conn.goaway(0, 11)
        conn.close()
    with Peer(begin=goaway) as peer:
        began = time.monotonic()
        err = load("-n", 3, peer.url(), expect=1)
        assert time.monotonic() - began < 5 * SLOW
    assert "GOAWAY (ENHANCE_YOUR_CALM)" in err


def test_ports_run_out():
    """Only two ports are left: the third connection says what to widen."""
    first = harness.free_port()
    if not can_unshare():
        pytest.skip("needs a network namespace of its own")
    port = first + 1000
    script = f"""
ip link set lo up
echo {first} {first + 1} > /proc/sys/net/ipv4/ip_local_port_range
python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 &
until grep -q ':{port:04X} ' /proc/net/tcp; do sleep 0.1; done
{harness.binary()} load --json -q -n 9 -c 9 -T 1 http://127.0.0.1:{port}/
kill $!
"""
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    reason = (f"cannot connect to 127.0.0.1:{port}: Cannot assign requested address "
              "(no free ports: widen net.ipv4.ip_local_port_range)")
    assert reasons(json.loads(done.stdout)).get(reason) >= 7, (done.stdout, done.stderr)


def can_unshare():
    return subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True).returncode == 0


def test_descriptors_run_out(weir):
    err = harness.run("load", "-n", 500, "-c", 500, weir.url("/"), preexec=harness.descriptors_at_most(100))
    assert err[0] == 1 and "ulimit -n" in err[2], err


def test_a_full_disk(weir):
    """The report cannot be written: that is an error."""
    for more in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([harness.binary(), "load", "-q", "-n", "1", *more, weir.url("/")], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=30)
        assert done.returncode == 1 and "No space left on device" in done.stderr, done


@pytest.mark.parametrize("option", ["--json=", "--hdr=", "--html="])
def test_a_full_disk_for_a_file(weir, option):
    """The report is printed all the same."""
    status, out, err = harness.run("load", "-q", "-n", 1, option + "/dev/full", weir.url("/"))
    assert status == 1 and "1 of 1 request succeeded" in out
    assert err == "weir load: cannot write /dev/full: No space left on device\n"


def test_ctrl_c_writes_every_file(weir, tmp_path):
    names = {option: tmp_path / option for option in ("json", "hdr", "html")}
    process = subprocess.Popen([harness.binary(), "load", "-q", "-D", "60", weir.url("/"),
                                *[f"--{option}={path}" for option, path in names.items()]],
                               stdout=subprocess.PIPE, text=True)
    once_served(weir, 5, process)
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=30)[0]
    assert process.returncode == 0 and out.lstrip().find("INTERRUPTED: ") >= 0
    report = json.loads(names["json"].read_text())
    assert report["interrupted"] and report["requests"]["succeeded"] > 0
    assert "INTERRUPTED" in names["html"].read_text()
    assert names["hdr"].read_text().startswith("#")


def test_another_protocol():
    """What answers is named, if it can be told."""
    def ssh(conn):
        conn.socket.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        conn.socket.recv(1000)
        conn.close()
    with Peer(begin=ssh) as peer:
        err = load("-n", 3, peer.url(), expect=1)
    assert "the server broke the protocol" in err, err


def test_never_longer_than_the_duration(weir):
    """A server that takes connections and says nothing, with and without a rate."""
    for rate in ([], ["-r", 100]):
        with Peer(lambda peer, conn, stream: None) as peer:
            began = time.monotonic()
            measured("-D", 1, "-m", 3, *rate, peer.url(), expect=1)
            assert time.monotonic() - began < 3 * SLOW
