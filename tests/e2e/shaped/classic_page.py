"""The classic prioritisation page: background images, and then, while these are downloading, a few render-blocking
resources. Starts servers for it and measures the page."""
import json
import os
import random
import subprocess
import sys
import time

import netlab

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
IMAGES, IMAGE_BYTES = 30, 30000
CRITICAL = [("style", "css", 20000), ("style", "css", 15000), ("script", "js", 30000),
            ("script", "js", 25000), ("font", "woff2", 10000)]
CRITICAL_BYTES = sum(size for _, _, size in CRITICAL)
CRITICAL_AT_SECONDS = 0.3
# Bytes that a server can no longer reorder, besides the link's own queue: TCP_NOTSENT_LOWAT, in the kernel.
UNSENT_BUDGET_BYTES = 16384
PROFILES = ["chromium", "firefox", "none"]


def jpeg(rng, size):
    """The segments of a photograph, with 2 KB of metadata before the frame header."""
    metadata = b"\xff\xe1" + (2048).to_bytes(2, "big") + b"Exif\0\0" + bytes(2040)
    frame = b"\xff\xc0\x00\x11\x08\x01\xe0\x02\x80\x03" + b"\x01\x22\0\x02\x11\x01\x03\x11\x01"
    scan = b"\xff\xda\x00\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0"
    start = b"\xff\xd8" + metadata + frame + scan
    return start + rng.randbytes(size - len(start) - 2) + b"\xff\xd9"


def write_site(folder, images=IMAGES, image_bytes=IMAGE_BYTES):
    """Returns the plan of a page load (see page_client.py)."""
    rng = random.Random(1)  # arbitrary seed: the same site each time
    plan = []
    for i in range(images):
        with open(os.path.join(folder, f"image{i}.jpg"), "wb") as file:
            file.write(jpeg(rng, image_bytes))
        plan.append({"path": f"/image{i}.jpg", "kind": "image", "at": 0})
    for i, (kind, suffix, size) in enumerate(CRITICAL):
        with open(os.path.join(folder, f"critical{i}.{suffix}"), "wb") as file:
            file.write(rng.randbytes(size))
        plan.append({"path": f"/critical{i}.{suffix}", "kind": kind, "at": CRITICAL_AT_SECONDS})
    return plan


def write_certificate(work):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{work}/key.pem", "-out",
                    f"{work}/cert.pem", "-days", "2", "-subj", "/CN=localhost"],
                   check=True, capture_output=True)


# ---- servers: each returns its command -------------------------------------------------------------


def weir(work, http, https):
    binary = os.path.join(ROOT, os.environ.get("WEIR", "build/weir"))
    return [binary, "serve", f"{work}/root", "--no-compress", "--workers", "1", "--http", f"0.0.0.0:{http}",
            "--https", f"0.0.0.0:{https}", "--cert", f"{work}/cert.pem", "--key", f"{work}/key.pem"]


def nginx(work, http, https):
    with open(f"{work}/nginx.conf", "w") as config:
        config.write(f"""
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log crit; user root;
events {{ worker_connections 1024; }}
http {{
  types {{ text/css css; text/javascript js; image/jpeg jpg; font/woff2 woff2; text/html html; }}
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
  uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
  server {{ listen {http} http2; listen {https} ssl http2; root {work}/root; }}
}}
""")
    return ["nginx", "-p", work, "-c", f"{work}/nginx.conf"]


def h2o(work, http, https):
    with open(f"{work}/h2o.conf", "w") as config:
        config.write(f"""user: root
num-threads: 1
hosts:
  default:
    listen:
      port: {https}
      ssl:
        certificate-file: {work}/cert.pem
        key-file: {work}/key.pem
    paths:
      /:
        file.dir: {work}/root
listen:
  port: {http}
""")
    return ["h2o", "-c", f"{work}/h2o.conf"]


SERVERS = {"weir": weir, "nginx": nginx, "h2o": h2o}


class Server:
    """One of SERVERS in the lab's server namespace."""

    def __init__(self, lab, name, work, secure=True):
        self.lab, self.work = lab, work
        http, https = 31080, 31443  # no other process is in this namespace
        log = open(f"{work}/{name}.out", "w")
        self.process = lab.server.popen(SERVERS[name](work, http, https), stdout=log, stderr=log)
        port = https if secure else http
        lab.wait_for_port(port, self.process)
        self.url = f"{'https' if secure else 'http'}://{netlab.SERVER_ADDRESS}:{port}"

    def load(self, profile, plan):
        path = f"{self.work}/plan.json"
        with open(path, "w") as file:
            json.dump(plan, file)
        out = self.lab.client.run([sys.executable, os.path.join(HERE, "page_client.py"), "--url",
                                   self.url, "--profile", profile, "--plan", path])
        return json.loads(out)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(15)
        time.sleep(0.05)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()


# ---- figures ---------------------------------------------------------------------------------------


def results(load):
    """Seconds from the critical requests to their last byte, and from the images' requests until all dimensions are
    known and until everything has arrived."""
    resources = load["resources"]
    critical = [r for r in resources if r["kind"] != "image"]
    images = [r for r in resources if r["kind"] == "image"]
    return {"critical": max(r["last"] for r in critical) - min(r["requested"] for r in critical),
            "dimensions": max(r["dimensions"] for r in images),
            "all": max(r["last"] for r in resources)}


def ideal_seconds(lab):
    """Seconds for the critical bytes over the link, behind its full queue and what a server may already have
    handed to the kernel."""
    return (CRITICAL_BYTES + UNSENT_BUDGET_BYTES) / lab.bytes_per_second + lab.queue_seconds
