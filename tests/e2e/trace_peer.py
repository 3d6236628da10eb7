"""Shared by the tests of `weir trace`: running it, and servers with a page to fetch."""
import json
import os
import shutil
import subprocess
import time

import pytest

import harness
import prioritisation_page


def trace(*arguments, expect=0):
    """Runs `weir trace`. The exit status must be `expect`, and an error one line. Returns standard output."""
    status, out, err = harness.run("trace", *arguments)
    assert status == expect, (status, out, err)
    if expect:
        assert err.startswith("weir trace: ") and err.count("\n") == 1, err
        return err
    assert err == ""
    return out


def traced(tmp_path, *arguments, expect=0):
    """The output of --json."""
    path = tmp_path / f"trace-{time.monotonic_ns()}.json"
    trace(*arguments, "--json", path, expect=expect)
    return json.loads(path.read_text())


# ---- the servers --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    work = tmp_path_factory.mktemp("page")
    os.chmod(work, 0o755)
    root = work / "root"
    manifest = prioritisation_page.write(str(root), images=6, image_bytes=20_000, late_ms=20)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", work / "key.pem", "-out",
                    work / "cert.pem", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"],
                   check=True, capture_output=True)
    return work, root, manifest


def nginx(work, root, http, https):
    conf = work / "nginx.conf"
    conf.write_text(f"""
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log crit;
{'user root;' if os.getuid() == 0 else ''}
events {{ worker_connections 256; }}
http {{
  access_log off; include /etc/nginx/mime.types;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
  uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
  server {{ listen 127.0.0.1:{http} http2; listen 127.0.0.1:{https} ssl http2; root {root}; }}
}}
""")
    return [["nginx", "-p", work, "-c", conf]]


def h2o(work, root, http, https):
    conf = work / "h2o.conf"
    conf.write_text(f"""{'user: root' if os.getuid() == 0 else ''}
num-threads: 1
listen:
  host: 127.0.0.1
  port: {http}
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {https}
      ssl:
        certificate-file: {work}/cert.pem
        key-file: {work}/key.pem
    paths:
      /:
        file.dir: {root}
""")
    return [["h2o", "-c", conf]]


def nghttpd(work, root, http, https):
    return [["nghttpd", "-d", root, "-a", "127.0.0.1", "--no-tls", str(http)],
            ["nghttpd", "-d", root, "-a", "127.0.0.1", str(https), work / "key.pem",
             work / "cert.pem"]]


def weir(work, root, http, https):
    return [[harness.binary(), "serve", root, "--no-compress", "--http", f"127.0.0.1:{http}", "--https",
             f"127.0.0.1:{https}", "--cert", work / "cert.pem", "--key", work / "key.pem",
             "--workers", "1"]]


SERVERS = {"weir": weir, "nginx": nginx, "h2o": h2o, "nghttpd": nghttpd}
PROGRAMS = "/usr/sbin:/sbin"


class Peer:
    def __init__(self, name, work, root):
        search = os.environ["PATH"] + ":" + PROGRAMS
        if name != "weir" and not shutil.which(name, path=search):
            pytest.skip(f"{name} is not installed")
        self.http, self.https = harness.free_port(), harness.free_port()
        with open(work / f"{name}.log", "wb") as log:
            self.processes = [
                subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, env={**os.environ, "PATH": search})
                for command in SERVERS[name](work, root, self.http, self.https)]
        ready = harness.wait_until(lambda: harness.listening(self.http) and
                                   harness.listening(self.https))
        if not ready:
            self.stop()
        assert ready, (work / f"{name}.log").read_text()

    def url(self, secure, path="/"):
        return f"https://localhost:{self.https}{path}" if secure else \
            f"http://127.0.0.1:{self.http}{path}"

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module", params=list(SERVERS))
def peer(request, page):
    work, root, _ = page
    started = Peer(request.param, work, root)
    started.name = request.param
    yield started
    started.stop()
