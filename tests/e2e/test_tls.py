"""TLS as openssl s_client and curl see it: which certificate a name gets, tickets, certificates of clients, secrets, and
files that are replaced while the server runs."""
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest

import harness
from harness import tool, wait_until


def make_certificate(folder, name, names, kind="ec"):
    """A certificate that signs itself, in NAME.pem and NAME.key."""
    key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    tool("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-subj", f"/CN={name}", "-days", "30", "-addext",
         "subjectAltName=" + ",".join(f"DNS:{n}" for n in names), "-keyout", folder / f"{name}.key", "-out",
         folder / f"{name}.pem")


def pair(folder, name):
    return "--cert", folder / f"{name}.pem", "--key", folder / f"{name}.key"


def s_client(server, *arguments, send=""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}", *map(str, arguments)],
                          input=send.encode(), capture_output=True, timeout=harness.PATIENCE_SECONDS, check=False)
    return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def shown(server, *arguments):
    """The common name of the certificate that the server shows."""
    found = re.search(r"subject=.*?CN = ([\w.-]+)", s_client(server, *arguments))
    return found.group(1) if found else None


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Made once; tests copy what they change."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder, "a-ec", ["a.test", "www.a.test"])
    make_certificate(folder, "a-rsa", ["a.test"], "rsa")
    make_certificate(folder, "wild", ["*.b.test"])
    make_certificate(folder, "new", ["a.test"])
    return folder


def test_names_and_kinds_of_keys(start, certificates):
    server = start(*pair(certificates, "a-ec"), *pair(certificates, "a-rsa"), *pair(certificates, "wild"), http=False)
    rsa = ("-sigalgs", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256")
    old_rsa = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    rows = [
        (("-servername", "a.test"), "a-ec"),
        (("-servername", "a.test", *rsa), "a-rsa"),
        (("-servername", "a.test", *old_rsa), "a-rsa"),
        (("-servername", "x.b.test"), "wild"),
        (("-servername", "x.y.b.test"), "a-ec"),
        (("-servername", "nobody.test", *rsa), "a-rsa"),
        (("-noservername",), "a-ec"),
    ]
    assert [(how, shown(server, *how)) for how, _ in rows] == rows


def test_misdirected_requests(start, certificates, tmp_path):
    """Requests for several hosts over one connection, as of a client that takes it for good for all of them."""
    hosts = sum((["--host", name, "--answer", "x"] for name in ("a.test", "www.a.test", "x.b.test")), [])
    server = start(*pair(certificates, "a-ec"), *pair(certificates, "wild"), *hosts, http=False)
    rows = [("a.test", "a.test", b"2 200 1"), ("a.test", "www.a.test", b"2 200 0"), ("a.test", "x.b.test", b"2 421 0"),
            ("a.test", "c.test", b"2 404 0"), ("x.b.test", "x.b.test", b"2 200 1"), ("x.b.test", "a.test", b"2 421 0")]
    command = []
    for name, host, _ in rows:
        command += ["--next", "-sk", "--http2", "--connect-to", f"::127.0.0.1:{server.https_port}", "-o", tmp_path / "out",
                    "-w", "%{http_version} %{http_code} %{num_connects}\\n", "-H", f"Host: {host}", f"https://{name}/"]
    assert tool("curl", *command[1:]).splitlines() == [expected for _, _, expected in rows]


def test_misdirected_without_hosts(start, certificates):
    """The same where each host is the same site."""
    server = start(*pair(certificates, "a-ec"), *pair(certificates, "wild"), http=False)
    got = [tool("curl", "-sk", "--connect-to", f"::127.0.0.1:{server.https_port}", "-o", os.devnull, "-w", "%{http_code}",
                "-H", f"Host: {host}", "https://a.test/plaintext") for host in ("a.test", "x.b.test", "c.test")]
    assert got == [b"200", b"421", b"200"]


# ---- other keys ----------------------------------------------------------------------------------


class Conversation:
    """s_client that speaks HTTP/1.1 and obeys commands: a line k changes its keys, K asks the server to change its own, too."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}", "-alpn",
                                         "http/1.1", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.heard = b""

    def say(self, text, until):
        """Writes the text, and reads until the answer has come once more."""
        wanted = self.heard.count(until) + 1
        self.process.stdin.write(text)
        self.process.stdin.flush()
        while self.heard.count(until) < wanted:
            data = self.process.stdout.read1()
            assert data, self.heard.decode(errors="replace")
            self.heard += data

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(harness.PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_key_updates(start, certificates, suite):
    """Requests go on with new keys, of the client alone and of both."""
    server = start(*pair(certificates, "a-ec"), http=False)
    client = Conversation(server, "-tls1_3", "-ciphersuites", suite)
    request = b"GET /plaintext HTTP/1.1\r\nHost: a.test\r\n\r\n"
    client.say(request, b"Hello, World!")
    for command in (b"k\n", b"K\n", b"K\n", b"k\n"):
        client.say(command, b"KEYUPDATE")
        client.say(request, b"Hello, World!")
    client.end()


# ---- tickets -------------------------------------------------------------------------------------


def session(server, path, *arguments):
    """Connects, and keeps the session in a file. Whether it was resumed."""
    text = s_client(server, "-tls1_2", *arguments, "-sess_out", path)
    assert ("New, TLS" in text) != ("Reused, TLS" in text), text
    return "Reused, TLS" in text


def test_two_servers_with_one_ticket_file(start, certificates, tmp_path):
    keys, ticket = tmp_path / "keys", tmp_path / "ticket"
    first, second = os.urandom(80), os.urandom(80)
    keys.write_bytes(first)
    ours = (*pair(certificates, "a-ec"), "--ticket-keys", keys)
    one, two = start(*ours, http=False), start(*ours, http=False)
    stranger = start(*pair(certificates, "a-ec"), http=False)
    assert not session(one, ticket)
    assert session(two, ticket, "-sess_in", ticket)
    assert session(one, ticket, "-sess_in", ticket)
    assert not session(stranger, tmp_path / "other", "-sess_in", ticket)

    keys.write_bytes(second + first)  # the old key still decrypts
    assert wait_until(lambda: all("were replaced" in server.log() for server in (one, two)))
    assert session(two, ticket, "-sess_in", ticket)
    keys.write_bytes(second[:79])  # half-written
    assert wait_until(lambda: all("79 bytes are not 1 to 12 ticket keys" in s.log() for s in (one, two)))
    assert session(one, ticket, "-sess_in", ticket)
    keys.write_bytes(second)
    assert wait_until(lambda: all(s.log().count("were replaced") == 2 for s in (one, two)))
    assert not session(two, ticket, "-sess_in", ticket)
    assert session(one, ticket, "-sess_in", ticket)


# ---- certificates of clients ---------------------------------------------------------------------


def test_certificates_of_clients(start, certificates, tmp_path):
    log = tmp_path / "log"
    shutil.copy(certificates / "wild.pem", tmp_path / "authorities")
    ours = (*pair(certificates, "a-ec"), "--client-ca", tmp_path / "authorities")
    required = start(*ours, "--access-log", log, http=False)
    optional = start(*ours, "--client-optional", http=False)

    def get(server, *options):
        done = subprocess.run(["curl", "-sk", "--max-time", "20", *map(str, options), server.url("/plaintext", secure=True)],
                              capture_output=True, check=False)
        return done.stdout.decode()

    known, stranger = ("--cert", certificates / "wild.pem", "--key", certificates / "wild.key"), \
        ("--cert", certificates / "new.pem", "--key", certificates / "new.key")
    assert [get(required, *who) != "" for who in ((), known, stranger)] == [False, True, False]
    assert [get(optional, *who) != "" for who in ((), known, stranger)] == [True, True, False]
    assert wait_until(lambda: log.exists() and log.read_text().count("\n") == 1)
    assert log.read_text().endswith(' "CN=wild"\n')
    assert "Acceptable client certificate CA names\nCN = wild" in s_client(required)


# ---- secrets -------------------------------------------------------------------------------------


def test_key_logs(start, certificates, tmp_path):
    """What Wireshark needs: both ends of each connection write the same secrets."""
    logs = {name: tmp_path / name for name in ("server", "old", "new", "load", "trace")}
    server = start(*pair(certificates, "a-ec"), "--key-log", logs["server"], http=False)
    s_client(server, "-tls1_2", "-keylogfile", logs["old"])
    s_client(server, "-tls1_3", "-keylogfile", logs["new"])
    for command in (["load", "-k", "-q", "-n", 2, "-c", 2], ["trace", "-k"]):
        status, out, error = harness.run(*command, "--key-log", logs[command[0]], server.url("/plaintext", secure=True))
        assert status == 0, out + error

    lines = {name: [line.split() for line in path.read_text().splitlines() if line[0] != "#"] for name, path in logs.items()}
    ours = sorted(lines.pop("server"))
    assert ours == sorted(sum(lines.values(), []))
    secrets = {f"{who}_{which}" for who in ("CLIENT", "SERVER") for which in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")}
    assert [line[0] for line in lines["old"]] == ["CLIENT_RANDOM"]
    for name, connections in (("new", 1), ("load", 2), ("trace", 1)):
        labels = [line[0] for line in lines[name]]
        assert secrets <= set(labels) and all(labels.count(secret) == connections for secret in secrets), name
    assert [os.stat(logs[name]).st_mode & 0o777 for name in ("server", "load", "trace")] == [0o600] * 3


# ---- files that are replaced ---------------------------------------------------------------------


def copy(certificates, name, folder, as_name):
    """By renaming, first the certificate and then its key, as tools do that write in two steps."""
    for suffix in ("pem", "key"):
        shutil.copy(certificates / f"{name}.{suffix}", folder / "part")
        os.rename(folder / "part", folder / f"{as_name}.{suffix}")


def test_replaced_files(start, certificates, tmp_path):
    copy(certificates, "a-ec", tmp_path, "live")
    server = start(*pair(tmp_path, "live"), http=False)
    assert shown(server) == "a-ec"

    whole = (certificates / "new.pem").read_bytes()
    (tmp_path / "live.pem").write_bytes(whole[:len(whole) // 2])
    assert wait_until(lambda: "not a PEM certificate" in server.log())
    assert "the old certificate stays in force" in server.log()
    assert shown(server) == "a-ec"

    (tmp_path / "live.pem").write_bytes(whole)
    assert wait_until(lambda: "live.key does not belong to certificate" in server.log())
    assert shown(server) == "a-ec"

    copy(certificates, "new", tmp_path, "live")
    assert wait_until(lambda: shown(server) == "new"), server.log()
    assert "was replaced, SHA-256" in server.log()


def test_links_that_are_turned(start, certificates, tmp_path):
    """certbot: live/cert.pem is a link to archive/cert1.pem. Kubernetes: tls.pem is a link to ..data/tls.pem, and ..data to a
    directory."""
    for folder in ("live", "archive", "volume/..1", "volume/..2"):
        os.makedirs(tmp_path / folder)
    for number, name in ((1, "a-ec"), (2, "new")):
        copy(certificates, name, tmp_path / "archive", f"cert{number}")
        copy(certificates, name, tmp_path / f"volume/..{number}", "tls")
    os.symlink("..1", tmp_path / "volume/..data")
    for suffix in ("pem", "key"):
        os.symlink(f"../archive/cert1.{suffix}", tmp_path / f"live/cert.{suffix}")
        os.symlink(f"..data/tls.{suffix}", tmp_path / f"volume/tls.{suffix}")
    certbot = start(*pair(tmp_path / "live", "cert"), http=False)
    kubernetes = start(*pair(tmp_path / "volume", "tls"), http=False)
    assert (shown(certbot), shown(kubernetes)) == ("a-ec", "a-ec")
    for suffix in ("pem", "key"):
        os.symlink(f"../archive/cert2.{suffix}", tmp_path / "new-link")
        os.rename(tmp_path / "new-link", tmp_path / f"live/cert.{suffix}")
    os.symlink("..2", tmp_path / "volume/..data_tmp")
    os.rename(tmp_path / "volume/..data_tmp", tmp_path / "volume/..data")
    assert wait_until(lambda: shown(certbot) == "new"), certbot.log()
    assert wait_until(lambda: shown(kubernetes) == "new"), kubernetes.log()


# ---- http-01 challenges --------------------------------------------------------------------------

ACME_CONFIG = """
http: 127.0.0.1:{http}
https: 127.0.0.1:{https}
workers: 1
certificates: [{{cert: {live}/fullchain.pem, key: {live}/privkey.pem}}]
answer: site
https-only: true
routes:
  - path: /.well-known/acme-challenge/
    directory: {webroot}/.well-known/acme-challenge
    https-only: false
"""


class Authority:
    """An ACME double: it fetches a challenge as a certificate authority does, and then signs."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        make_certificate(folder, "authority", ["authority.test"])

    def issue(self, name, token, proof, path, key):
        """Writes a certificate for NAME to PATH if the server at NAME has the proof."""
        url = f"http://{name}/.well-known/acme-challenge/{token}"
        assert tool("curl", "-s", "--connect-to", f"::127.0.0.1:{self.port}", url) == proof.encode()
        request, names = self.folder / "request", self.folder / "names"
        names.write_text(f"subjectAltName=DNS:{name}")
        tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", key, "-out", request)
        tool("openssl", "x509", "-req", "-in", request, "-days", "90", "-CA", self.folder / "authority.pem", "-CAkey",
             self.folder / "authority.key", "-set_serial", "7", "-extfile", names, "-out", path)


def test_challenges(start, certificates, tmp_path):
    """The steps of certbot renew --webroot: a token in the webroot, the authority's visit, new links in live/."""
    live, archive, webroot = tmp_path / "live", tmp_path / "archive", tmp_path / "webroot"
    for folder in (live, archive, webroot / ".well-known/acme-challenge"):
        folder.mkdir(parents=True)
    for kind, source in (("fullchain", "a-ec.pem"), ("privkey", "a-ec.key")):
        shutil.copy(certificates / source, archive / f"{kind}1.pem")
        os.symlink(f"../archive/{kind}1.pem", live / f"{kind}.pem")
    http, https = harness.free_port(), harness.free_port()
    config = tmp_path / "weir.yaml"
    config.write_text(ACME_CONFIG.format(http=http, https=https, live=live, webroot=webroot))
    server = start("--config", config, http=False, https=False, workers=None)
    server.http_port, server.https_port = http, https
    assert wait_until(lambda: harness.listening(https)), server.log()
    assert shown(server) == "a-ec"

    (webroot / ".well-known/acme-challenge/token-1").write_text("token-1.proof")
    Authority(tmp_path, http).issue("a.test", "token-1", "token-1.proof", archive / "fullchain2.pem", archive / "privkey2.pem")
    for kind in ("privkey", "fullchain"):
        os.symlink(f"../archive/{kind}2.pem", tmp_path / "link")
        os.rename(tmp_path / "link", live / f"{kind}.pem")
    assert wait_until(lambda: shown(server) == "a.test"), server.log()

    there = f"https://a.test:{https}/"
    for path, status, location in (("/", 301, there), ("/.well-known/x", 301, there + ".well-known/x"),
                                   ("/.well-known/acme-challenge/none", 404, "")):
        got = tool("curl", "-s", "-o", os.devnull, "-w", "%{http_code} %{redirect_url}", "-H", "Host: a.test", server.url(path))
        assert got.decode() == f"{status} {location}"
    trusted = tool("curl", "-s", "--cacert", tmp_path / "authority.pem", "--connect-to", f"::127.0.0.1:{https}",
                   "https://a.test/")
    assert trusted == b"site"


# ---- large ClientHellos --------------------------------------------------------------------------


def handshake(port, first, session=None):
    """Connects with a ClientHello of about 2 KiB, as with a hybrid post-quantum key, in segments of `first` bytes. Asks
    for a page over HTTP/1.1. Returns (length of the ClientHello, the answer's first line, the session, whether it was
    resumed)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1", *(f"unknown-{i:03}" for i in range(130))])
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = (session[0] if session else context).wrap_bio(received, sent, server_hostname="localhost",
                                                        session=session[1] if session else None)
    hello = None
    with socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE_SECONDS) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until_done(step):
            nonlocal hello
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    done = None
                out = sent.read()
                pieces = [out] if hello else [out[i:i + first] for i in range(0, len(out), first)]
                hello = hello or len(out)
                for piece in pieces:
                    peer.sendall(piece)
                if done is not None:
                    return done
                received.write(peer.recv(65536))
        until_done(lambda: tls.do_handshake() or True)
        until_done(lambda: tls.write(b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n"))
        line = until_done(lambda: tls.read(65536)).split(b"\r\n")[0]
    return hello, line, (session[0] if session else context, tls.session), tls.session_reused


@pytest.mark.parametrize("first", [4096, 1400, 1])
def test_a_large_client_hello(start, first):
    server = start(workers=1)
    hello, line, session, resumed = handshake(server.https_port, first)
    assert hello > 1700 and line == b"HTTP/1.1 200 OK" and not resumed
    hello, line, _, resumed = handshake(server.https_port, first, session)
    assert hello > 1700 and line == b"HTTP/1.1 200 OK" and resumed
