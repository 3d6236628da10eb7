"""`weir load`: what TLS offers, what was agreed on, and where connections go."""
import os
import socket
import ssl

import pytest

import harness
from load_http1_peer import Http1Peer
from load_peer import load, measured, site, spent, weir


@pytest.fixture(scope="module")
def client_certificate(site):
    """Signed by its own key, which servers may trust. In one file, and in two."""
    work, _ = site
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 work / "client-key.pem", "-out", work / "client.pem", "-subj", "/CN=load", "-days", "2")
    both = work / "client-both.pem"
    both.write_bytes((work / "client.pem").read_bytes() + (work / "client-key.pem").read_bytes())
    return work / "client.pem", work / "client-key.pem", both


def tls_of(site, *protocols):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(site[0] / "cert.pem", site[0] / "key.pem")
    tls.set_alpn_protocols(protocols or ["http/1.1"])
    return tls


# ---- what was agreed on --------------------------------------------------------------------------


def test_facts_of_a_handshake(weir, site):
    report = measured("-n", 6, "-c", 3, "-k", weir.url("/", True))
    assert report["tls"] == {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "group": "x25519",
                             "alpn": "h2", "connections": 3, "resumed": 0, "others": 0}
    out = load("-n", 6, "-c", 3, "-k", weir.url("/", True))
    assert "protocol    HTTP/2 over TLSv1.3, TLS_AES_128_GCM_SHA256, x25519\n" in out


def test_facts_in_clear_text(weir):
    report = measured("--h1", "-n", 6, "-c", 3, weir.url("/"))
    assert report["tls"] == {"version": None, "cipher": None, "group": None, "alpn": "http/1.1",
                             "connections": 3, "resumed": 0, "others": 0}
    assert "protocol    HTTP/1.1 in clear text\n" in load("--h1", "-n", 6, weir.url("/"))


@pytest.mark.parametrize("options, wanted", [
    (["--tls-max", "1.2"], {"version": "TLSv1.2"}),
    (["--tls-min", "1.3"], {"version": "TLSv1.3"}),
    (["--ciphers", "TLS_AES_256_GCM_SHA384"], {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384"}),
    (["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"],
     {"version": "TLSv1.2", "cipher": "ECDHE-ECDSA-AES256-GCM-SHA384"}),
    (["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:TLS_CHACHA20_POLY1305_SHA256"],
     {"version": "TLSv1.3", "cipher": "TLS_CHACHA20_POLY1305_SHA256"}),
    (["--groups", "P-384"], {"group": "secp384r1"}),
    (["--groups", "P-256", "--tls-max", "1.2"], {"version": "TLSv1.2", "group": "secp256r1"}),
    (["--h1"], {"alpn": "http/1.1"}),
])
def test_what_is_offered(weir, options, wanted):
    report = measured("-n", 4, "-k", *options, weir.url("/", True))
    assert report["requests"]["succeeded"] == 4
    assert wanted.items() <= report["tls"].items(), report["tls"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_each_connection_resumes_the_last(site, version):
    def close_after_two(peer, conn):
        conn.answer(fields=b"Connection: close\r\n" if conn.requests == 2 else b"")
        conn.over = conn.requests == 2
        if conn.socket.session_reused:
            peer.count("reused")
    with Http1Peer(close_after_two, tls=tls_of(site)) as peer:
        plain = measured("-k", "-n", 12, "-c", 1, peer.url())
        assert plain["tls"]["connections"] == 6 and plain["tls"]["resumed"] == peer.counts["reused"] == 0
        report = measured("-k", "--tls-resume", "--tls-min", version, "--tls-max", version, "-n", 12, "-c", 1, peer.url())
        assert report["tls"]["connections"] == 6
        assert 1 <= report["tls"]["resumed"] == peer.counts["reused"] / 2 <= 5


# ---- certificates and names ----------------------------------------------------------------------


@pytest.mark.parametrize("files", [1, 2])
def test_client_certificates(site, client_certificate, files):
    cert, key, both = client_certificate
    tls = tls_of(site)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cert)
    with Http1Peer(tls=tls) as peer:
        shown = ["--cert", both] if files == 1 else ["--cert", cert, "--key", key]
        report = measured("-k", "-n", 4, *shown, peer.url())
        assert report["requests"]["succeeded"] == 4
        assert measured("-k", "-n", 4, peer.url(), expect=1)["requests"]["succeeded"] == 0


def test_sni_names_another_host(site):
    names = []
    tls = tls_of(site)
    tls.sni_callback = lambda conn, name, context: names.append(name)
    with Http1Peer(tls=tls) as peer:
        url = f"https://example.org:{peer.port}/"
        where = ["--connect-to", f"127.0.0.1:{peer.port}", "--cacert", site[0] / "cert.pem", "-n", 2]
        why = load(*where, url, expect=1)
        assert "host" in why and "mismatch" in why
        report = measured(*where, "--sni", "localhost", url)
        assert report["requests"]["succeeded"] == 2
    assert names == ["example.org", "localhost"]


# ---- several servers -----------------------------------------------------------------------------


def test_connections_are_divided_between_servers(weir, site):
    """In clear text over TLS, and with an answer that is not found; each server gets its own URLs only."""
    paths = []
    def behave(peer, conn):
        paths.append(conn.request.split()[1])
        conn.answer()
    with Http1Peer(behave, tls=tls_of(site)) as peer:
        urls = [peer.url("/a"), weir.url("/", True), peer.url("/b"), weir.url("/missing", True)]
        report, own = spent(weir, "-k", "-n", 60, "-c", 5, "-t", 2, *urls)
        assert [(row["origin"], row["connections"], row["done"], row["failed"]) for row in report["origins"]] == [
            (f"https://127.0.0.1:{peer.port}", 3, 36, 0),
            (f"https://127.0.0.1:{weir.https_port}", 2, 24, 12)]
        assert own["requests"] == 24 and peer.counts["answered"] == 36
        assert paths.count(b"/a") == paths.count(b"/b") == 18
        assert report["tls"]["connections"] == 5 and report["tls"]["others"] in (2, 3)
        out = load("-k", "-n", 60, "-c", 5, *urls)
        assert f"servers     https://127.0.0.1:{peer.port}: 36 succeeded, 0 failed, 3 connections\n" in out
        assert f"            https://127.0.0.1:{weir.https_port}: 12 succeeded, 12 failed, 2 connections\n" in out


def test_one_server_of_two_is_down(weir):
    """What its connections were to request counts as failed, and as its own."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    report = measured("-n", 20, "-c", 2, weir.url("/"), f"http://127.0.0.1:{closed}/")
    assert [(row["done"], row["failed"]) for row in report["origins"]] == [(10, 0), (10, 10)]
    assert report["requests"]["succeeded"] == 10 and report["connections"]["failed"] >= 1


def test_open_loop_over_two_servers(weir):
    with Http1Peer() as peer:
        report = measured("--h1", "-D", 1, "-r", 200, "-c", 4, weir.url("/"), peer.url())
        done = [row["done"] for row in report["origins"]]
        assert sum(done) == report["requests"]["done"] and min(done) > 60


def test_several_servers_have_names_of_their_own(site):
    names = []
    tls = tls_of(site)
    tls.sni_callback = lambda conn, name, context: names.append(name)
    with Http1Peer(tls=tls) as peer:
        hosts = [f"https://{name}.example:{peer.port}/" for name in "ab"]
        report = measured("-k", "-n", 4, "-c", 2, "--connect-to", f"127.0.0.1:{peer.port}", *hosts)
        assert report["requests"]["succeeded"] == 4
    assert sorted(names) == ["a.example", "b.example"]


# ---- UNIX sockets --------------------------------------------------------------------------------


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_unix_sockets(tmp_path, abstract):
    path = f"@weir-load-{os.getpid()}" if abstract else str(tmp_path / "socket")
    hosts = set()
    def behave(peer, conn):
        hosts.add(conn.request.split(b"\r\n")[1])
        conn.answer()
    with Http1Peer(behave, address=path.replace("@", "\0")) as peer:
        report = measured("--h1", "-n", 40, "-c", 4, "-m", 2, "--connect-to", f"unix:{path}", "http://app.local/")
        assert report["requests"]["succeeded"] == 40 == peer.counts["answered"]
        assert report["connections"]["opened"] == 4
    assert hosts == {b"host: app.local"}


def test_a_unix_socket_that_is_not_there(tmp_path):
    why = load("--connect-to", f"unix:{tmp_path}/none", "http://a/", expect=1)
    assert f"cannot connect to unix:{tmp_path}/none"[:40] in why and "No such file" in why


# ---- wrong combinations --------------------------------------------------------------------------


@pytest.mark.parametrize("options, words", [
    (["--key", "x.pem"], "--key needs --cert"),
    (["-k", "--cacert", "x.pem"], "exclude each other"),
    (["--tls-min", "1.3", "--tls-max", "1.2"], "no version is left"),
    (["--tls-min", "1.1"], "expected 1.2 or 1.3"),
    (["--connect-to", "unix:" + "x" * 108], "1 to 107 bytes"),
    (["--connect-to", "unix:"], "1 to 107 bytes"),
])
def test_wrong_options(options, words):
    assert words in load(*options, "https://127.0.0.1:1/", expect=2)


@pytest.mark.parametrize("options, words", [
    (["--ciphers", "NONSENSE"], "NONSENSE"),
    (["--groups", "NONSENSE"], "NONSENSE"),
    (["--cert", "/nowhere.pem"], "/nowhere.pem"),
])
def test_what_openssl_refuses(options, words):
    assert words in load(*options, "https://127.0.0.1:1/", expect=1)
