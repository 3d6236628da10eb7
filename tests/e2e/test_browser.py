"""Headless Chromium loads a page and everything on it over HTTP/2."""
import http.server
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest

import harness
from site_tree import random_bytes

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--ignore-certificate-errors"]

# Fetches what the page needs, then writes what it saw into the DOM for --dump-dom.
PAGE = b"""<!doctype html><meta charset=utf-8><title>page</title>
<link rel=stylesheet href=/style.css><script src=/script.js></script>
<img src=/picture.svg><pre id=seen>nothing</pre>
<script>
addEventListener('load', async () => {
  const sums = [];
  for (let i = 0; i < 20; i++) {
    const bytes = new Uint8Array(await (await fetch('/data/' + i + '.bin')).arrayBuffer());
    sums.push(bytes.reduce((sum, b) => (sum * 31 + b) % 1000000007, 0));
  }
  const all = performance.getEntriesByType('navigation')
    .concat(performance.getEntriesByType('resource'));
  const protocols = [...new Set(all.map((entry) => entry.nextHopProtocol))];
  document.getElementById('seen').textContent = JSON.stringify({
    protocols, count: all.length, sums, script: window.script_ran,
    style: getComputedStyle(document.body).marginLeft });
});
</script>"""


# Six times within a second, the page begins a hundred fetches and aborts them. Each time it keeps three others. It
# reports the results to the port that its query names.
ABORTS = b"""<!doctype html><meta charset=utf-8><title>page</title>
<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const small = async (n) => {
  try {
    const response = await fetch('/small.txt?' + n);
    return response.status + ' ' + await response.text();
  } catch (error) { return String(error); }
};
addEventListener('load', async () => {
  const others = [];
  let aborted = 0;
  for (let round = 0; round < 6; round++) {
    const control = new AbortController();
    for (let i = 0; i < 100; i++)
      fetch(`/large.bin?${round}-${i}`, { signal: control.signal })
        .then((response) => response.arrayBuffer()).catch(() => aborted++);
    for (let i = 0; i < 3; i++) others.push(small(round * 3 + i));
    await wait(100);
    control.abort();
    await wait(60);
  }
  const results = await Promise.all(others);
  const seen = encodeURIComponent(JSON.stringify({ aborted, results }));
  fetch(`http://127.0.0.1:${location.search.slice(1)}/${seen}`, { mode: 'no-cors' });
});
</script>"""


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    pytest.skip("no Chromium is installed")


def dump(tmp_path, url):
    done = subprocess.run(
        [browser(), *FLAGS, f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=20000",
         "--dump-dom", url], stdin=subprocess.DEVNULL, capture_output=True, timeout=100,
        env={**os.environ, "HOME": str(tmp_path)})
    return done.stdout.decode(), done.stderr.decode()


def checksum(content):
    total = 0
    for byte in content:
        total = (total * 31 + byte) % 1000000007
    return total


def test_a_page_and_its_parts(tmp_path):
    root = tmp_path / "root"
    (root / "data").mkdir(parents=True)
    (root / "index.html").write_bytes(PAGE)
    (root / "style.css").write_text("body { margin-left: 17px }")
    (root / "script.js").write_text("window.script_ran = true;")
    (root / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    contents = [random_bytes(i * 3001, i) for i in range(20)]
    for i, content in enumerate(contents):
        (root / "data" / f"{i}.bin").write_bytes(content)
    with harness.Server(tmp_path, root) as server:
        page, errors = dump(tmp_path, server.url("/", secure=True))
        seen = re.search(r'<pre id="seen">(.*?)</pre>', page, re.S)
        assert seen, (page, errors[-2000:])
        seen = json.loads(seen.group(1))
        assert seen["protocols"] == ["h2"]
        assert seen["count"] >= 24
        assert seen["sums"] == [checksum(c) for c in contents]
        assert seen["script"] is True and seen["style"] == "17px"


def test_the_demo_page(demo, tmp_path):
    page, errors = dump(tmp_path, demo.url("/", secure=True))
    assert "weir" in page, errors[-2000:]


class Reports(http.server.BaseHTTPRequestHandler):
    """Receives a page's report: JSON as the path of a request."""

    def do_GET(self):
        self.server.reported.append(json.loads(urllib.parse.unquote(self.path[1:])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def report_of(tmp_path, url, *flags):
    """The report of the page at the URL, in real time."""
    with http.server.HTTPServer(("127.0.0.1", 0), Reports) as reports:
        reports.reported, reports.timeout = [], 60
        process = subprocess.Popen(
            [browser(), *FLAGS, *flags, f"--user-data-dir={tmp_path}/profile",
             "--remote-debugging-port=0", f"{url}?{reports.server_port}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)})
        reports.handle_request()
        process.terminate()
        process.wait()
        assert reports.reported, "the page reported nothing"
        return reports.reported[0]


def test_a_page_that_gives_up_many_fetches(tmp_path):
    """It is slowed down, but loses neither its connection nor a fetch that it still wants."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "index.html").write_bytes(ABORTS)
    (root / "small.txt").write_text("small")
    (root / "large.bin").write_bytes(random_bytes(4 << 20, 1))
    with harness.Server(tmp_path, root, workers=1) as server:
        seen = report_of(tmp_path, server.url("/", secure=True))
        assert seen["results"] == ["200 small"] * 18, seen
        counters = server.counters()
        assert seen["aborted"] > 400 and counters["calmed"] == 0, (seen, counters)
