"""`weir load` and h2load against the servers of others: the totals are the same. A server that is not installed is
left out; so is all of this without h2load."""
import os
import shutil
import subprocess

import pytest

import harness
from load_peer import measured, same_totals, site

PEERS = os.path.join(harness.ROOT, "tests/peers")
SHAPE = ("-n", "400", "-c", "4", "-m", "10")
SERVERS = ["nginx", "h2o", "nghttpd", "haproxy", "node", "go"]

NGINX = """
daemon off; worker_processes 1; pid {work}/pid; error_log {work}/log crit; {nginx_user}
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
  fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  server {{ listen 127.0.0.1:{port} ssl http2; root {root}; ssl_certificate {cert}; ssl_certificate_key {key}; }}
}}
"""
H2O = """
{h2o_user}
hosts: {{ default: {{ paths: {{ /: {{ file.dir: {root} }} }} }} }}
listen: {{ host: 127.0.0.1, port: {port}, ssl: {{ certificate-file: {cert}, key-file: {key} }} }}
"""
HAPROXY = """
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
frontend all
  bind 127.0.0.1:{port} ssl crt {work}/both.pem alpn h2
  http-request return status 404 if !{{ path /index.html }}
  http-request return status 200 content-type text/html file {root}/index.html
"""
NODE = """
const fs = require('fs');
const files = {{'/index.html': fs.readFileSync('{root}/index.html')}};
require('http2').createSecureServer({{cert: fs.readFileSync('{cert}'), key: fs.readFileSync('{key}')}})
  .on('stream', (stream, fields) => {{
    const file = files[fields[':path']];
    stream.respond({{':status': file ? 200 : 404}});
    stream.end(file);
  }}).listen({port}, '127.0.0.1');
"""


def written(path, form, facts):
    path.write_text(form.format(**facts))
    return str(path)


def built(work):
    program = str(work / "files")
    environment = {**os.environ, "GOFLAGS": "", "GO111MODULE": "off"}
    environment.setdefault("GOCACHE", os.path.join(os.environ.get("HOME", str(work)), ".cache/go-build"))
    subprocess.run(["go", "build", "-o", program, os.path.join(PEERS, "files/main.go")], check=True, env=environment)
    return program


def users():
    """As root, nginx and h2o would become somebody who may not read the files."""
    root = os.getuid() == 0
    return {"nginx_user": "user root;" if root else "", "h2o_user": "user: root" if root else ""}


def command(name, work, facts):
    """The command line of a server of the files in facts["root"]."""
    if name == "nginx":
        return ["nginx", "-p", str(work), "-c", written(work / "nginx.conf", NGINX, facts)]
    if name == "h2o":
        return ["h2o", "-c", written(work / "h2o.conf", H2O, facts)]
    if name == "haproxy":
        (work / "both.pem").write_bytes((work / "cert.pem").read_bytes() + (work / "key.pem").read_bytes())
        return ["haproxy", "-f", written(work / "haproxy.conf", HAPROXY, facts)]
    if name == "node":
        return ["node", "-e", NODE.format(**facts)]
    if name == "go":
        return [built(work), facts["root"], f"127.0.0.1:{facts['port']}", facts["cert"], facts["key"]]
    return ["nghttpd", "-d", facts["root"], "-a", "127.0.0.1", str(facts["port"]), facts["key"], facts["cert"]]


@pytest.fixture(scope="module", params=SERVERS)
def port(request, site):
    """The port of each server in turn."""
    name, (work, root) = request.param, site
    if not shutil.which(name) or not shutil.which("h2load"):
        pytest.skip(f"{name} or h2load is not installed")
    number = harness.free_port()
    facts = {"work": work, "root": str(root), "port": number, "cert": str(work / "cert.pem"),
             "key": str(work / "key.pem"), **users()}
    process = subprocess.Popen(command(name, work, facts), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        assert harness.wait_until(lambda: harness.listening(number), harness.PATIENCE_SECONDS)
        yield number
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("path", ["index.html", "missing"])
def test_the_same_totals_as_h2load(port, path):
    url = f"https://127.0.0.1:{port}/{path}"
    other = harness.tool("h2load", *SHAPE, url).decode()
    own = measured(*SHAPE, "-k", url, expect=1 if path == "missing" else 0)
    same_totals(own, other)
