"""--metrics: what Prometheus gets, what probes get, and what clients that misbehave there get."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import harness

parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client is not installed")
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Metrics:
    """A server that shows metrics, and a client that reads them."""

    def __init__(self, start, *arguments, **how):
        self.port = harness.free_port()
        self.server = start(*arguments, "--metrics", self.port, **how)
        assert harness.wait_until(lambda: harness.listening(self.port))

    def get(self, path, method="GET", accept=OPEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE_SECONDS)
        connection.request(method, path, headers={"accept": accept})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body

    def text(self):
        return self.get("/metrics")[1]

    def samples(self):
        """The value of each sample, by its name and labels; all that the reference parser lets pass."""
        found = {}
        for family in parser.text_string_to_metric_families(self.text()):
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert key not in found, key
                found[key] = sample.value
        return found


@pytest.fixture
def metrics(start):
    return Metrics(start)


def value(samples, name, **labels):
    return samples[(name, *sorted(labels.items()))]


def test_what_is_counted(metrics):
    server = metrics.server
    for _ in range(5):
        assert server.get("/plaintext", secure=True).status == 200
    harness.tool("curl", "-s", server.url("/bytes/5000"))
    assert server.get("/nothing-here").status == 404
    held = server.client()
    slow = held.request("/delay/60000")
    idle = server.client()
    assert idle.fetch("/plaintext").status == 200

    def settled():
        now = metrics.samples()
        return (value(now, "weir_connections", state="active"), value(now, "weir_connections", state="idle"),
                value(now, "weir_connections", state="new")) == (1, 1, 0)
    assert harness.wait_until(settled), metrics.text()
    now = metrics.samples()
    assert value(now, "weir_requests_total", protocol="HTTP/2", code_class="2xx") == 6
    assert value(now, "weir_requests_total", protocol="HTTP/2", code_class="4xx") == 1
    assert value(now, "weir_requests_total", protocol="HTTP/1.1", code_class="2xx") == 1
    assert value(now, "weir_request_duration_seconds_count") == 8
    assert value(now, "weir_response_body_bytes_bucket", le="4096.0") == 7
    assert value(now, "weir_response_body_bytes_bucket", le="16384.0") == 8
    assert value(now, "weir_tls_version_handshakes_total", version="TLSv1.3") == 5
    assert value(now, "weir_streams") == 1
    time.sleep(2.5)  # the idle one rests from its first second on, and is counted all the same
    assert harness.wait_until(lambda: value(metrics.samples(), "weir_protocol_connections", protocol="HTTP/2") == 2)
    held.h2.reset_stream(slow)
    held.flush()
    assert harness.wait_until(lambda: value(metrics.samples(), "weir_requests_total", protocol="HTTP/2",
                                            code_class="none") == 1)
    printed = server.counters()
    now = metrics.samples()
    for name, metric in (("requests", "weir_http_requests"), ("links_accepted", "weir_io_links_accepted"),
                         ("resets_received", "weir_h2_resets_received"), ("tls_handshakes", "weir_tls_handshakes")):
        assert printed[name] == value(now, metric + "_total") > 0
    held.close()
    idle.close()


def test_both_forms_say_the_same(metrics):
    texts = {}
    for accept, content_type in ((OPEN, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
                                 ("*/*", "text/plain; version=0.0.4; charset=utf-8")):
        response, texts[accept] = metrics.get("/metrics?x=y", accept=accept)
        assert (response.status, response.getheader("content-type")) == (200, content_type)
        assert int(response.getheader("content-length")) == len(texts[accept])
        assert response.getheader("cache-control") == "no-store"
    names = [re.findall(r"^(\w+(?:\{[^}]*\})?) ", text, re.M) for text in texts.values()]
    assert names[0] == names[1] and len(names[0]) > 200
    assert texts[OPEN].endswith("\n# EOF\n") and "# EOF" not in texts["*/*"]
    response, body = metrics.get("/metrics", method="HEAD")
    assert response.status == 200 and not body


def test_labels_never_come_from_clients(metrics):
    before = set(metrics.samples())
    for path, fields in (("/evil-path", []), ("/", [("user-agent", "evil-agent")]), ("/", [("evil-name", "x")])):
        metrics.server.get(path, fields=fields)
    with socket.create_connection(("127.0.0.1", metrics.server.http_port)) as raw:
        raw.sendall(b"EVILMETHOD /evil HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        raw.recv(4096)
    assert set(metrics.samples()) == before
    assert "evil" not in metrics.text().lower()


def test_probes(metrics):
    server = metrics.server
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 404), ("/metrics/", 404)):
        assert metrics.get(path)[0].status == status, path
    assert metrics.get("/metrics", method="POST")[0].status == 405
    assert value(metrics.samples(), "weir_ready") == 1
    busy = server.client()
    busy.request("/delay/3000")
    assert harness.wait_until(lambda: value(metrics.samples(), "weir_streams") == 1)
    os.kill(server.pid, signal.SIGTERM)
    assert harness.wait_until(lambda: metrics.get("/readyz")[0].status == 503)
    assert metrics.get("/healthz")[0].status == 200
    assert value(metrics.samples(), "weir_ready") == 0
    busy.close()
    server.check(server.wait())


def test_clients_that_misbehave(metrics):
    """Some send no HTTP, some send nothing, and some read nothing: others are served all the same."""
    clients = []
    for index in range(3 * harness.bound("METRICS_CONNECTIONS_MAX")):
        raw = socket.create_connection(("127.0.0.1", metrics.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        try:
            if index % 3 == 0:
                raw.send(b"\x16\x03\x01 garbage \r\n\r\n")
            if index % 3 == 1:
                for _ in range(50):
                    raw.send(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        except OSError:
            pass  # it was refused
        clients.append(raw)
    memory = metrics.server.memory_bytes()
    assert memory < (600 if harness.sanitized() else 100) << 20
    assert metrics.server.get("/plaintext").status == 200
    for raw in clients:
        raw.close()

    def served():
        try:
            return metrics.get("/healthz")[0].status == 200
        except (OSError, http.client.HTTPException):
            return False
    assert harness.wait_until(served)


def test_a_crowd_that_does_not_read(metrics):
    """Clients by the hundred stay, idle or with a page that they do not read: a probe is answered all the same."""
    requests = [b"", b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n" * 100]
    for request in requests:
        clients = []
        for _ in range(4 * harness.bound("METRICS_CONNECTIONS_MAX")):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            raw.connect(("127.0.0.1", metrics.port))
            raw.setblocking(False)
            try:
                raw.send(request)
            except OSError:
                pass  # it was cut off
            clients.append(raw)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert metrics.get(path)[0].status == 200, (len(request), path)
        for raw in clients:
            raw.close()


def test_the_address(start):
    metrics = Metrics(start)
    line = f"metrics on http://127.0.0.1:{metrics.port}/metrics\n"
    assert harness.wait_until(lambda: line in metrics.server.log())
    for text, wanted, words in ((metrics.port, 1, "cannot listen on 127.0.0.1"), ("nonsense", 2, "not an address")):
        status, _, error = harness.run("serve", "--http", harness.free_port(), "--metrics", text)
        assert status == wanted and words in error


def test_the_dashboard_names_what_exists(metrics):
    with open(os.path.join(harness.ROOT, "tools/deploy/grafana.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    known = {}
    for key in metrics.samples():
        known.setdefault(key[0], set()).update(name for name, _ in key[1:])
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries += [variable["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    for query in queries:
        names = re.findall(r"\b(?:weir|process)_\w+", query)
        assert names and set(names) <= set(known), query
        for labels in re.findall(r"by \(([^)]*)\)", query):
            assert all(set(labels.split(", ")) <= known[name] for name in names), query
    assert len(queries) > 40


def test_prometheus_scrapes_it(metrics, tmp_path):
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if not prometheus or not promtool:
        pytest.skip("prometheus is not installed")
    checked = subprocess.run([promtool, "check", "metrics"], input=metrics.get("/metrics", accept="*/*")[1], text=True,
                             capture_output=True, check=False)
    complaints = [line for line in checked.stderr.splitlines() if line]
    assert checked.returncode in (0, 3), checked.stderr  # 3: opinions about names
    assert all("_total" not in line for line in complaints), complaints
    port = harness.free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: weir, static_configs: [{{targets: ["127.0.0.1:{metrics.port}"]}}]}}]
""")
    harness.tool(promtool, "check", "config", config)
    with open(tmp_path / "prometheus.log", "wb") as log:
        process = subprocess.Popen([prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
                                    f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

    def query(text):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE_SECONDS)
        connection.request("GET", "/api/v1/query?query=" + text)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["data"]["result"]

    def scraped():
        try:
            return [one["value"][1] for one in query("up")] == ["1"]
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return False
    try:
        metrics.server.get("/plaintext")
        assert harness.wait_until(scraped), (tmp_path / "prometheus.log").read_text()
        assert harness.wait_until(lambda: any(int(one["value"][1]) >= 1 for one in query("sum(weir_requests_total)")))
        assert len(query("weir_request_duration_seconds_bucket")) == harness.bound("REQUEST_BUCKETS") + 1
    finally:
        process.terminate()
        process.wait()
