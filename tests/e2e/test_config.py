"""Configuration files: hosts and routes over each protocol, and reloads by SIGHUP."""
import os
import pathlib
import pwd
import resource
import signal
import socket
import ssl
import tempfile

import pytest

import harness
import spdy_peer
from harness import tool, wait_until


class Configured:
    """`weir serve --config` with a file that can be written anew."""

    def __init__(self, start, tmp_path, text):
        self.path = str(tmp_path / "weir.yaml")
        self.http, self.https, self.other = (harness.free_port() for _ in range(3))
        self.write(text)
        self.server = start("--config", self.path, http=False, https=False, workers=None)
        self.server.http_port, self.server.https_port = self.http, self.https
        assert wait_until(lambda: harness.listening(self.http)), self.server.log()

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text.format(http=self.http, https=self.https, other=self.other))

    def reload(self, text, ends="reloaded /"):
        """Writes the file and waits for the line that ends the reload."""
        count = self.server.log().count(ends)
        self.write(text)
        self.server.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: self.server.log().count(ends) > count), self.server.log()

    def get(self, path="/", host="localhost", secure=False, *options):
        """Status, location and body, by curl."""
        done = tool("curl", "-sk", "--max-time", "10", "-H", f"Host: {host}", *options, "-w",
                    "\n%{http_code} %header{location}", self.server.url(path, secure))
        body, line = done.decode().rsplit("\n", 1)
        status, location = line.split(" ", 1)
        return int(status), location, body


@pytest.fixture
def configured(start, tmp_path):
    return lambda text: Configured(start, tmp_path, text)


SITE = """
http: 127.0.0.1:{http}
https: 127.0.0.1:{https}
workers: 2
hosts:
  - name: [a.example, "*.a.example"]
    directory: DIR/top
    routes:
      - path: /docs/
        directory: DIR/docs
        cache-control: max-age=7
      - {{path: /old/, redirect: /docs/}}
      - {{path: /gone, answer: "gone", status: 410}}
  - name: plain.example
    https-only: true
    answer: secure
"""


@pytest.fixture
def site(tmp_path):
    for name in ("top", "docs", "docs/sub"):
        os.makedirs(tmp_path / name, exist_ok=True)
        (tmp_path / name / "index.html").write_text(name)
    return SITE.replace("DIR", str(tmp_path))


@pytest.mark.parametrize("options", [("--http1.1",), ("--http2",), ("--http2-prior-knowledge",)],
                         ids=["http1", "http2", "h2c"])
def test_hosts_and_routes(configured, site, options):
    server = configured(site)
    secure = options == ("--http2",)

    def get(path, host="a.example"):
        return server.get(path, host, secure, *options)

    assert get("/") == (200, "", "top")
    assert get("/docs/", "x.y.A.example.:1") == (200, "", "docs")
    assert get("/docs?q") == (301, "/docs/?q", "")
    assert get("/docs/sub") == (301, "/docs/sub/", "")
    assert get("/x/..%2e/docs/sub/")[0] == 404
    assert get("/docs/%73ub/") == (200, "", "docs/sub")
    assert get("/old/a%20b/?c") == (302, "/docs/a%20b/?c", "")
    assert get("/gone") == (410, "", "gone")
    assert get("/", "other.example")[0] == 404
    if secure:
        assert get("/", "plain.example") == (200, "", "secure")
    else:
        assert get("/x?y", "plain.example") == (
            301, f"https://plain.example:{server.https}/x?y", "")


@pytest.mark.parametrize("way", [{}, {"upgrade": True}, {"secure": True}], ids=["clear text", "upgrade", "TLS"])
def test_hosts_and_routes_over_spdy(configured, site, way):
    server = configured("spdy: true\n" + site)
    secure = "secure" in way
    peer = spdy_peer.Spdy(server.https if secure else server.http, **way)

    def get(path, host="a.example"):
        fields, body = peer.fetch(path, host=host, scheme="https" if secure else "http")
        return int(fields[":status"][:3]), fields.get("location", ""), body.decode()

    assert get("/") == (200, "", "top")
    assert get("/docs/", "x.y.A.example.:1") == (200, "", "docs")
    assert peer.fetch("/docs/", host="a.example")[0]["cache-control"] == "max-age=7"
    assert get("/old/a%20b/?c") == (302, "/docs/a%20b/?c", "")
    assert get("/gone") == (410, "", "gone")
    assert get("/", "other.example")[0] == 404
    assert get("/x?y", "plain.example") == (
        (200, "", "secure") if secure else (301, f"https://plain.example:{server.https}/x?y", ""))
    peer.close()


def test_spdy_is_off_in_a_file_that_does_not_name_it(configured, site):
    server = configured(site)
    peer = harness.connect(server.https, True, alpn=("spdy/3.1", "http/1.1"))
    assert peer.selected_alpn_protocol() == "http/1.1"
    peer.close()


def test_check_and_print(tmp_path, site):
    path = str(tmp_path / "weir.yaml")
    port = harness.free_port()
    text = site.format(http=port, https=harness.free_port())
    for file_text, status, words in ((text, 0, "can be used"),
                                     (text.replace("/docs\n", "/none\n"), 1, "cannot serve"),
                                     (text.replace("answer", "anser"), 1, "did you mean answer?")):
        with open(path, "w", encoding="utf-8") as file:
            file.write(file_text)
        got, out, error = harness.run("serve", "--config", path, "--check")
        assert got == status and words in out + error
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    printed = harness.run("serve", "--config", path, "--print-config")
    with open(path, "w", encoding="utf-8") as file:
        file.write(printed[1])
    assert printed == harness.run("serve", "--config", path, "--print-config")
    assert "max-age=7" in printed[1] and printed[0] == 0
    assert not harness.listening(port)


def become_nobody():
    """Without root's capabilities."""
    if os.geteuid() == 0:
        os.setuid(pwd.getpwnam("nobody").pw_uid)


def test_check_looks_at_ports():
    """Those that are in use or root's are told, and are no mistakes: the server may be what runs there, or get them."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", harness.free_port()))
        other.listen()
        free, taken = (f"127.0.0.1:{port}" for port in (harness.free_port(), other.getsockname()[1]))
        rows = [(free, taken, 0, f"note: {taken} is in use; that is fine"),
                (taken, free, 0, f"note: {taken} is in use; that is fine"),
                (free, "192.0.2.1:1024", 1, "cannot listen on 192.0.2.1:1024: Cannot")]
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as first:
            if int(first.read()) > 1:
                rows.append(("127.0.0.1:1", free, 0, "note: this user alone may not listen on 127.0.0.1:1;"))
        for http, metrics, wanted, words in rows:
            status, out, err = harness.run("serve", "--http", http, "--metrics", metrics, "--check",
                                           preexec=become_nobody)
            assert status == wanted and words in out + err, (status, out, err)


def test_check_looks_at_logs(tmp_path):
    """A log that could not be opened is told, and nothing is made."""
    path = str(tmp_path / "weir.yaml")
    for key in ("access-log", "record"):
        for log, status, words in (("log", 0, "can be used"), ("none/log", 1, "No such file"), (".", 1, "directory")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"http: {harness.free_port()}\n{key}: {tmp_path / log}\n")
            got, out, error = harness.run("serve", "--config", path, "--check")
            assert got == status and words in out + error, (key, log)
            assert os.listdir(tmp_path) == ["weir.yaml"]


def test_check_looks_at_the_user(tmp_path):
    path = str(tmp_path / "weir.yaml")
    for user, status, words in (("nobody", 0, "can be used"),
                                ("no-such-user", 1, f"{path}:2:1: user: no-such-user: there is no such user"),
                                ("nobody:no-group", 1, f"{path}:2:1: user: no-group: there is no such group")):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"http: {harness.free_port()}\nuser: {user}\n")
        got, out, error = harness.run("serve", "--config", path, "--check")
        assert got == status and words in out + error, (user, out, error)


def test_check_looks_at_ciphers_and_groups(tmp_path):
    path = str(tmp_path / "weir.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"https: {harness.free_port()}\nciphers: a:b\ngroups: c\n")
    assert harness.run("serve", "--config", path, "--check") == (
        1, "", f"weir serve: {path}:2:1: ciphers: a:b: OpenSSL has no such cipher\n"
               f"weir serve: {path}:3:1: groups: c: OpenSSL has no such group\n")


# Each setting that names a file or a directory: key, line and column in NAMING, and what is wrong with a file that is
# missing, not readable, a directory, empty, or garbage. None: nothing is.
NAMING = """\
http: 127.0.0.1:{http}
https: 127.0.0.1:{https}
certificates:
  - {{cert: {cert}, key: good.key}}
  - {{cert: good.pem, key: {file}}}
client-ca: {file}
ticket-keys: {file}
access-log: {log}
record: ./{log}
key-log: {log}
error-page: {{404: {file}}}
routes:
  - path: /a/
    directory: {file}
  - path: /b/
    directory: .
    push-manifest: {file}
"""
PEM = "no certificate or crl found"
FILES = [
    ("4:6: cert: ", ("No such file", "Permission denied", "Is a directory", "not a PEM certificate", "not a PEM certificate")),
    ("5:22: key: ", ("No such file", "Permission denied", "Is a directory", "not a PEM private", "not a PEM private")),
    ("6:1: client-ca: ", ("No such file", "Permission denied", "Is a directory", PEM, PEM)),
    ("7:1: ticket-keys: ", ("No such file", "Permission denied", "Is a directory", "0 bytes are not", "300 bytes are not")),
    ("8:1: access-log: ", ("No such file", "Permission denied", "Is a directory", None, None)),
    ("9:1: record: ", ("No such file", "Permission denied", "Is a directory", None, None)),
    ("10:1: key-log: ", ("No such file", "Permission denied", "Is a directory", None, None)),
    ("11:19: cannot show error-page ", ("No such file", "Permission denied", "no regular file", None, None)),
    ("14:5: cannot serve directory ", ("No such file", "Not a directory", None, "Not a directory", "Not a directory")),
    ("17:5: push-manifest: ", ("No such file", "Permission denied", "Is a directory", "expected near end", "unable to decode")),
]


@pytest.mark.parametrize("kind", range(5), ids=("missing", "closed", "directory", "empty", "garbage"))
def test_files_that_cannot_be_used(kind):
    """All at once, each with its key and place. Nothing is made."""
    with tempfile.TemporaryDirectory() as name:  # nobody cannot enter pytest's
        root = pathlib.Path(name)
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a",
             "-keyout", root / "good.key", "-out", root / "good.pem")
        (root / "closed").touch()
        (root / "directory").mkdir()
        (root / "empty").touch()
        (root / "garbage").write_bytes(bytes(range(200, 250)) * 6)
        file = ("missing", "closed", "directory", "empty", "garbage")[kind]
        (root / "weir.yaml").write_text(NAMING.format(
            http=harness.free_port(), https=harness.free_port(), file=file, cert=file,
            log="missing/log" if file == "missing" else file))
        for each, mode in (("", 0o755), ("closed", 0), ("empty", 0o666), ("garbage", 0o666), ("good.key", 0o644)):
            (root / each).chmod(mode)
        before = sorted(os.listdir(root))

        def enter():
            os.chdir(root)
            become_nobody()
        # LeakSanitizer needs what another user may not do.
        status, out, err = harness.run("serve", "--config", "weir.yaml", "--check", preexec=enter,
                                       env={"ASAN_OPTIONS": "detect_leaks=0"})
        assert (status, out) == (1, "") and sorted(os.listdir(root)) == before
    told = {line.split("weir.yaml:", 1)[1] for line in err.splitlines()}
    for place, words in FILES:
        found = [line for line in told if line.startswith(place)]
        assert len(found) == (words[kind] is not None), (place, err)
        assert all(words[kind] in line and file in line for line in found), (place, err)
    assert len(told) == sum(words[kind] is not None for _, words in FILES), err


def test_check_warns_of_an_expired_certificate(tmp_path):
    request, key, cert = tmp_path / "a.csr", tmp_path / "a.key", tmp_path / "a.pem"
    tool("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a.test",
         "-keyout", key, "-out", request)
    tool("openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", cert)
    status, out, _ = harness.run("serve", "--https", f"127.0.0.1:{harness.free_port()}", "--cert", str(cert), "--key",
                                 str(key), "--check")
    assert (status, out) == (0, f"warning: certificate {cert} has expired\nthe configuration can be used\n")


def test_the_configuration_in_the_readme(tmp_path):
    """It is ten lines long, and can be read."""
    with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
        after = file.read().split("reads all settings from a file. This one serves a site:\n\n")[1]
    text = after.split("\n\n")[0]
    assert len(text.splitlines()) == 10
    path = tmp_path / "weir.yaml"
    path.write_text("\n".join(line[4:] for line in text.splitlines()))
    status, out, error = harness.run("serve", "--config", path, "--print-config")
    assert status == 0, error
    assert out.count("https-only: true") == 2 and out.count("- path: /\n") == 2


DEMO = "http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nworkers: 2\ndemo: true\n"


def test_reload(configured, site):
    """Streams that have begun go on by the configuration before; new ones have the next."""
    server = configured(DEMO)
    client = server.server.client(secure=True)
    slow = client.request("/delay/1500")
    echo = client.request("/echo", "POST", end=False)
    assert client.fetch("/plaintext").status == 200  # the others have arrived, too
    server.reload(site)
    assert server.get("/", "a.example") == (200, "", "top")
    client.send_body(echo, b"still here")
    delayed, echoed = client.wait(slow, echo)
    assert delayed.status == 200 and bytes(echoed.body) == b"still here"
    client.authority = "a.example"
    assert bytes(client.fetch("/docs/").body) == b"docs"
    client.close()
    server.reload(DEMO)
    assert server.get("/plaintext")[2] == "Hello, World!"


def test_reload_of_addresses(configured):
    server = configured("http: 127.0.0.1:{http}\nanswer: one\n")
    server.reload("http: [127.0.0.1:{http}, 127.0.0.1:{other}]\nanswer: two\n")
    assert harness.listening(server.other) and server.get()[2] == "two"
    server.reload("http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nanswer: three\n")
    assert wait_until(lambda: not harness.listening(server.other))
    assert server.get(secure=True)[2] == "three"


def test_reload_that_turns_an_address_into_https(configured):
    server = configured("http: [127.0.0.1:{http}, 127.0.0.1:{https}]\nanswer: one\n")
    server.reload("http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nanswer: two\n"
                  "https-only: true\n")
    assert server.get()[:2] == (301, f"https://localhost:{server.https}/")
    assert server.get(secure=True) == (200, "", "two")


@pytest.mark.parametrize("text, words", [
    ("http: 127.0.0.1:{http}\nanswr: x\n", "weir.yaml:2:1: answr: no such key; did you mean answer?"),
    ("http: 127.0.0.1:{http}\ndirectory: /none\n", "cannot serve directory /none"),
    ("http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nanswer: x\n"
     "certificates: [{{cert: /none, key: /none}}]\n", "/none"),
    ("http: [127.0.0.1:{http}, 192.0.2.1:1]\nanswer: x\n", "cannot listen on 192.0.2.1:1"),
    ("", "no configuration in it"),
], ids=["key", "directory", "certificate", "address", "empty"])
def test_refused_reload_changes_nothing(configured, text, words):
    server = configured("http: 127.0.0.1:{http}\nanswer: before\n")
    server.reload(text, "not reloaded: the configuration before stays in force")
    assert words in server.server.log()
    assert server.get() == (200, "", "before")
    assert not harness.listening(server.https)


def test_refused_reload_leaves_no_tls(configured, tmp_path):
    """What a reload that was refused said about TLS is not what the next one gets."""
    text = ("http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nanswer: a\n"
            f"ticket-keys: {tmp_path}/keys\nciphers: ")
    server = configured("http: 127.0.0.1:{http}\nanswer: a\n")
    (tmp_path / "keys").write_bytes(b"short")
    server.reload(text + "TLS_AES_128_GCM_SHA256\n", "not reloaded")
    (tmp_path / "keys").write_bytes(os.urandom(80))
    server.reload(text + "TLS_CHACHA20_POLY1305_SHA256\n")
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", server.https), timeout=10) as plain:
        with context.wrap_socket(plain) as secure:
            assert secure.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


def cipher_of(port, **files):
    """The cipher of a new connection; None when the server wants a certificate that it does not get."""
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # its handshake ends with the server's verdict
    if files:
        context.load_cert_chain(**files)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain) as secure:
                return secure.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


def test_reload_changes_the_policy_of_tls(configured, tmp_path):
    """Ciphers, and whether clients need certificates; a list that is wrong changes nothing."""
    text = "http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nanswer: a\n"
    one, other = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"
    certificate, key = str(tmp_path / "client.pem"), str(tmp_path / "client.key")
    tool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice", "-days", "2",
         "-out", certificate, "-keyout", key)
    server = configured(text + f"ciphers: {one}\n")
    assert cipher_of(server.https) == one
    server.reload(text + f"ciphers: {other}\n")
    assert cipher_of(server.https) == other
    server.reload(text + "ciphers: NONE-OF-THESE\n", "not reloaded")
    server.reload(text + "client-ca: /nowhere\n", "not reloaded")
    assert cipher_of(server.https) == other
    server.reload(text + f"client-ca: {certificate}\nciphers: {one}\n")
    assert cipher_of(server.https) is None
    assert cipher_of(server.https, certfile=certificate, keyfile=key) == one
    server.reload(text)
    assert cipher_of(server.https)
    assert "restart to change it" not in server.server.log()


def test_refused_by_a_worker_leaves_no_tls(configured, tmp_path):
    """The same when a worker refused, after it had opened TLS: it finds no descriptors for forty directories."""
    text = "http: 127.0.0.1:{http}\nhttps: 127.0.0.1:{https}\nworkers: 1\n"
    server = configured("http: 127.0.0.1:{http}\nanswer: a\nworkers: 1\n")
    routes = "".join(f"- {{{{path: /{number}, directory: {tmp_path}}}}}\n" for number in range(40))
    pid, before = server.server.pid, resource.prlimit(server.server.pid, resource.RLIMIT_NOFILE)
    most = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 20, before[1]))
    server.reload(text + f"answer: a\nkey-log: {tmp_path}/one\nroutes:\n{routes}", "not reloaded")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    server.reload(text + f"answer: a\nkey-log: {tmp_path}/other\n")
    assert cipher_of(server.https)
    assert "restart to change it" not in server.server.log()
    assert (tmp_path / "other").stat().st_size > 0 and (tmp_path / "one").stat().st_size == 0


def test_reload_of_a_fifo(configured):
    """Its open would wait for a writer: the server goes on, and can be stopped."""
    server = configured("http: 127.0.0.1:{http}\nanswer: before\n")
    os.unlink(server.path)
    os.mkfifo(server.path)
    server.server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "the configuration before stays in force" in server.server.log()), server.server.log()
    assert f"{server.path} is a FIFO" in server.server.log()
    assert server.get() == (200, "", "before")


def test_many_reloads_under_load(configured, tmp_path):
    """No request fails, and nothing is left behind. Signals that come together are one reload."""
    text = "http: 127.0.0.1:{http}\nworkers: 2\nanswer: TEXT\nroutes: [{{path: /d, directory: DIR}}]\n"
    (tmp_path / "index.html").write_text("x")
    text = text.replace("DIR", str(tmp_path))
    server = configured(text)
    server.reload(text)
    before = server.server.descriptors()
    load = harness.subprocess.Popen(
        [harness.binary(), "load", "-n", "3000", "-c", "4", "-m", "2", server.server.url("/d/")],
        stdout=harness.subprocess.PIPE, stderr=harness.subprocess.STDOUT)
    for number in range(60):
        server.reload(text.replace("TEXT", f"number {number}"))
    out = load.communicate(timeout=60)[0].decode()
    assert load.returncode == 0, out
    assert server.get()[2] == "number 59"
    assert wait_until(lambda: server.server.descriptors() <= before + 2)
