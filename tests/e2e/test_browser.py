"""Headless Chromium loads a page and everything on it over HTTP/2."""
import json
import os
import re
import shutil
import subprocess

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
