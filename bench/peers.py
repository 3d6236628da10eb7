"""The servers that are compared: how each is configured, started and stopped.

Each is tuned as its own documentation says: one thread, no log, no limit that the load would run into, and no idle
timeout within ten minutes. A function below returns the command and the files it needs, {name: text}.
"""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

from measure import KIB, ROOT, WEIR, free_port, output_of

READY_SECONDS = 10
# haproxy wants two descriptors for each, and refuses to start without.
CONNECTIONS = min(9000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100)


def weir(folder, http, https, http1):
    return [WEIR, "serve", f"{folder}/root", "--no-compress", "--workers", "1", "--idle-seconds", "600",
            "--http", f"127.0.0.1:{http}", "--http", f"127.0.0.1:{http1}", "--https", f"127.0.0.1:{https}",
            "--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem"], {}


def weir_epoll(folder, **ports):
    """As where io_uring is refused."""
    command, files = weir(folder, **ports)
    return [*command, "--ring", "epoll"], files


def nginx(folder, http, https, http1):
    """Files stay open. sendfile is off, because nginx sends small files faster without it (measured).
    By default it speaks no TLS 1.3 before 1.23.4."""
    return ["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"], {"nginx.conf": f"""\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections {2 * CONNECTIONS}; multi_accept on; }}
http {{
  access_log off; sendfile off; open_file_cache max=100 inactive=600s; open_file_cache_valid 600s;
  keepalive_requests 1000000000; keepalive_timeout 600s; http2_max_concurrent_streams 256;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
  server {{
    listen 127.0.0.1:{http} http2; listen 127.0.0.1:{http1}; listen 127.0.0.1:{https} ssl http2;
    root {folder}/root;
  }}
}}
"""}


def h2o(folder, http, https, http1):
    """neverbleed, which keeps the private key in a process of its own, is off, as in all others."""
    user = "user: root\n" if os.getuid() == 0 else ""
    return ["h2o", "-c", f"{folder}/h2o.conf"], {"h2o.conf": f"""\
{user}num-threads: 1
max-connections: {CONNECTIONS}
http1-request-timeout: 600
http2-idle-timeout: 600
http2-max-concurrent-requests-per-connection: 256
hosts:
  default:
    paths: {{ /: {{ file.dir: {folder}/root }} }}
listen: {{ host: 127.0.0.1, port: {http} }}
listen: {{ host: 127.0.0.1, port: {http1} }}
listen:
  host: 127.0.0.1
  port: {https}
  ssl: {{ certificate-file: {folder}/cert.pem, key-file: {folder}/key.pem, neverbleed: OFF }}
"""}


def nghttpd(folder, http, https, http1):
    """A process for each port."""
    del http1  # it has none
    tls = f"nghttpd -d {folder}/root -n 1 {https} {folder}/key.pem {folder}/cert.pem"
    clear = f"nghttpd -d {folder}/root -n 1 --no-tls {http}"
    return ["sh", "-c", f"{tls} & {clear} & wait"], {}


def haproxy(folder, http, https, http1):
    """It answers by itself (http-request return) what fits in one of its buffers, which is no file of 1 MiB."""
    answers = "\n  ".join(f"http-request return status 200 content-type application/octet-stream "
                          f"file {folder}/root/{size}.bin if {{ path /{size}.bin }}" for size in (128, 10 * KIB))
    return ["haproxy", "-f", f"{folder}/haproxy.conf"], {"haproxy.conf": f"""\
global
  nbthread 1
  maxconn {CONNECTIONS}
  tune.h2.max-concurrent-streams 256
defaults
  mode http
  timeout client 600s
  timeout http-request 600s
  timeout http-keep-alive 600s
frontend all
  bind 127.0.0.1:{http} proto h2
  bind 127.0.0.1:{http1}
  bind 127.0.0.1:{https} ssl crt {folder}/both.pem alpn h2,http/1.1
  {answers}
"""}


def ceiling(folder, http, https, http1):
    """No server: the least that one can do (bench/ceiling.c). The size of its answers comes with its options."""
    return [os.path.join(ROOT, "build/release/bench/ceiling"), "--http", str(http), "--https", str(https), "--http1",
            str(http1), "--cert", f"{folder}/cert.pem", "--key", f"{folder}/key.pem"], {}


SERVERS = {"weir": weir, "weir-epoll": weir_epoll, "h2o": h2o, "nghttpd": nghttpd, "nginx": nginx, "haproxy": haproxy}
OURS = ("weir", "weir-epoll")
VERSIONS = {"h2o": (["h2o", "--version"], r"h2o version (\S+)"),
            "nghttpd": (["nghttpd", "--version"], r"nghttp2/(\S+)"),
            "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
            "haproxy": (["haproxy", "-v"], r"version (\S+)")}


def can_serve(name, port, file_bytes):
    return not (name == "nghttpd" and port == "http1" or name == "haproxy" and file_bytes > 10 * KIB)


def versions():
    found = {name: re.search(pattern, output_of(command)) for name, (command, pattern) in VERSIONS.items()}
    return {name: match.group(1) for name, match in found.items() if match}


def present(names):
    """Those of the names that are installed. The others are named to the user."""
    for name in names:
        if name not in SERVERS:
            sys.exit(f"no server is called {name}; there are {', '.join(SERVERS)}")
    missing = [name for name in names if name not in OURS and not shutil.which(name)]
    if missing:
        print(f"not installed, left out: {', '.join(missing)} "
              "(apt-get install nginx-light h2o nghttp2-server haproxy)", file=sys.stderr)
    return [name for name in names if name not in missing]


def prepare(folder, sizes):
    """Files of random bytes, and a certificate."""
    os.mkdir(f"{folder}/root")
    for size in sizes:
        with open(f"{folder}/root/{size}.bin", "wb") as file:
            file.write(os.urandom(size))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", f"{folder}/key.pem", "-out",
                    f"{folder}/cert.pem"], check=True, capture_output=True, timeout=30)
    with open(f"{folder}/both.pem", "w") as both:
        for name in ("cert", "key"):
            with open(f"{folder}/{name}.pem") as part:
                both.write(part.read())
    os.chmod(folder, 0o755)  # nginx started by root runs its worker as another user


class Peer:
    """A running server, on one core."""

    def __init__(self, name, folder, core, options=()):
        self.name = name
        self.ports = {port: free_port() for port in ("http", "https", "http1")}
        self.command, self.files = {**SERVERS, "ceiling": ceiling}[name](folder, **self.ports)
        self.command = [*self.command, *options]
        for file_name, text in self.files.items():
            with open(f"{folder}/{file_name}", "w") as file:
                file.write(text)
        self.log = open(f"{folder}/{name}.out", "w+")
        self.process = subprocess.Popen(["taskset", "-c", str(core), *self.command], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.process.pid
        end = time.monotonic() + READY_SECONDS
        while not self.listening():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                self.log.seek(0)
                sys.exit(f"{name} did not start: {' '.join(self.command)}\n{self.log.read()}")
            time.sleep(0.001)

    def listening(self):
        try:
            for port, number in self.ports.items():
                if can_serve(self.name, port, 0):
                    socket.create_connection(("127.0.0.1", number), 1).close()
            return True
        except OSError:
            return False

    def configuration(self):
        return "\n".join([" ".join(self.command), *self.files.values()])

    def url(self, port, file_bytes):
        return f"{'https' if port == 'https' else 'http'}://127.0.0.1:{self.ports[port]}/{file_bytes}.bin"

    def signal(self, number):
        """To all of its processes."""
        os.killpg(self.pid, number)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()
