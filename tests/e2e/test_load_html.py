"""The page of `weir load --html` and `weir report --html`: in headless Chromium, and as text."""
import html
import http.server
import json
import os
import re
import shutil
import subprocess

import pytest

import harness
from load_peer import load, site, weir  # pylint: disable=unused-import
from load_results import histogram, result, write

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0"]

# Uses each plot with the keyboard, opens each table, and writes what it saw into the page.
PROBE = """<script>
addEventListener('error', (event) => document.body.append('ERROR ' + event.message));
const drawn = setInterval(() => {
  const figures = [...document.querySelectorAll('figure')];
  if (document.readyState !== 'complete' || !figures.every((figure) => figure.querySelector('svg'))) return;
  clearInterval(drawn);
  const press = (svg, key) => svg.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const tips = figures.map((figure) => {
    const svg = figure.querySelector('svg');
    press(svg, 'ArrowRight');
    const shown = figure.querySelector('.tip').innerText;
    press(svg, 'Escape');
    return [figure.id, shown, figure.querySelector('.tip').hidden];
  });
  document.querySelectorAll('details').forEach((details) => { details.open = true; });
  setTimeout(() => {
    const wide = [...document.querySelectorAll('body *')].filter((element) => (
      !element.closest('.wide, .scroll, svg') && element.getBoundingClientRect().right > innerWidth + 1));
    const seen = document.createElement('pre');
    seen.id = 'seen';
    seen.textContent = JSON.stringify({ tips, title: document.title, wide: wide.map((element) => element.outerHTML.slice(0, 80)),
      tables: [...document.querySelectorAll('table')].map((table) => [table.getAttribute('aria-label'), table.rows.length]),
      lines: Object.fromEntries([...document.querySelectorAll('figure')].map((figure) => (
        [figure.id, figure.querySelectorAll('path.line').length]))),
      loaded: performance.getEntriesByType('resource').map((entry) => entry.name), text: document.body.innerText });
    document.body.append(seen);
  }, 200);
}, 50);
</script>
"""

# A window is at least 500 pixels wide, a frame is not. What the probe saw goes to the test, once it is there.
FRAME = """<!doctype html><body><iframe style="border:0;height:4000px;width:%dpx" srcdoc="%s"></iframe><script>
const looking = setInterval(() => {
  const seen = document.querySelector('iframe').contentDocument.getElementById('seen');
  if (!seen) return;
  clearInterval(looking);
  fetch('http://127.0.0.1:%d/', { method: 'POST', mode: 'no-cors', body: seen.textContent });
}, 50);
</script>"""
BROWSE_SECONDS = 90


class Seen(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def browse(page, tmp_path, width=1280):
    """What the probe saw, in real time."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("chromium is not installed")
    text = page.read_text().replace("<script type=application/json", PROBE + "<script type=application/json", 1)
    probed = tmp_path / "probed.html"
    with http.server.HTTPServer(("127.0.0.1", 0), Seen) as server:
        server.seen, server.timeout = [], BROWSE_SECONDS
        probed.write_text(FRAME % (width, html.escape(text), server.server_port))
        process = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={tmp_path}/profile", f"file://{probed}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)})
        server.handle_request()
        process.terminate()
        process.wait()
    assert server.seen, "the page reported nothing"
    return server.seen[0]


def data_of(page):
    return json.loads(re.search(r"<script type=application/json id=data>\n(.*?)\n</script>", page.read_text(), re.S).group(1))


def expect_self_contained(page):
    text = page.read_text()
    without_data = re.sub(r"<script type=application/json.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(?:src|href)\s*=\s*['\"]?(?!data:)[a-z/]|@import|url\(|fetch\(|XMLHttp", without_data)
    assert re.search(r"^<!doctype html>", text) and "@page" not in text and "@data@" not in text


def page_of(tmp_path, *arguments):
    page = tmp_path / "page.html"
    status, out, err = harness.run("report", "--html", page, *arguments)
    assert (status, out, err) == (0, "", "")
    expect_self_contained(page)
    return page


def row(second, done=100, failed=0, values=(10**6,), **more):
    return {"second": float(second), "seconds": 1.0, "started": done, "done": done, "failed": failed, "bytes_in": 1000,
            "in_flight": 5, "backlog": 0, "connections": 10, "busy": 0.5, "lateness_p99_ns": 50_000, "p50_ns": 0,
            "p99_ns": 0, "max_ns": max(values, default=0), "histogram": histogram(list(values)), **more}


def measured(**more):
    values = [10**6 + 1000 * i for i in range(990)] + [50 * 10**6] * 10
    more = {"origin": "http://localhost:8080", **more}
    return result(values, series=[row(i, values=values[100 * i:100 * i + 100], failed=i) for i in range(10)],
                  begin_unix_ns=1700000000 * 10**9, **more)


# ---- a run ---------------------------------------------------------------------------------------


def test_a_run_as_a_page(weir, tmp_path):
    page, out = tmp_path / "run.html", tmp_path / "run.json"
    load("-D", 2, "-r", 200, "-c", 2, "-m", 5, "--html", page, f"--json={out}", weir.url("/"), weir.url("/missing"))
    expect_self_contained(page)
    report, data = json.loads(out.read_text()), data_of(page)
    assert len(data["results"]) == 1 and "changes" not in data
    shown = data["results"][0]["result"]
    assert {key: value for key, value in shown.items() if key != "series"} == {
        key: value for key, value in report.items() if key != "series"}
    assert len(shown["series"]) == len(report["series"]) > 0
    assert all("histogram" not in one and one["p90_ns"] >= one["p50_ns"] for one in shown["series"])
    seen = browse(page, tmp_path)
    assert seen["loaded"] == [] and seen["wide"] == [], seen
    assert "ERROR" not in seen["text"]
    assert {name for name, *_ in seen["tips"]} == {"latency", "distribution", "throughput", "errors", "lateness", "flight"}
    assert all(text and hidden for _, text, hidden in seen["tips"]), seen["tips"]
    assert seen["title"] == f"weir load: {report['origin']}"
    assert report["verdict"] in seen["text"] and "status 404" in seen["text"]
    assert ["outcomes", 3] in seen["tables"] and any(label == "percentiles" for label, _ in seen["tables"])


def test_a_page_that_cannot_be_written(weir):
    for path, why in (("/missing/page", "No such file"), ("/dev/full", "No space left")):
        assert f"cannot write {path}: {why}" in load("--html", path, "-n", 10, weir.url("/"), expect=1)
        status, _, err = harness.run("report", "--html", path, os.devnull)
        assert status == 1 and err.count("\n") == 1


# ---- results -------------------------------------------------------------------------------------


def test_a_result(tmp_path):
    a = write(tmp_path / "a.json", measured(
        options={"urls": ["http://localhost:8080/"], "rate": 100.0, "ws": True},
        errors=[{"kind": "reset", "code": 7, "text": "the server sent RST_STREAM", "count": 45}],
        fail_if=[{"condition": "p99>1ms", "stage": 2, "value": 5e6, "text": "5.00ms", "failed": True}],
        stages=[{"stage": "5s:100", "begin_ns": 0, "end_ns": 5 * 10**9, "done": 500, "failed": 10, "p50_ns": 10**6,
                 "p99_ns": 2 * 10**6, "max_ns": 3 * 10**6, "histogram": histogram([3 * 10**6])},
                {"stage": "5s:200", "begin_ns": 5 * 10**9, "end_ns": 10**10, "done": 500, "failed": 35}]))
    page = page_of(tmp_path, a)
    seen = browse(page, tmp_path)
    assert browse(page, tmp_path, 390)["wide"] == []
    assert ["stages", 3] in seen["tables"] and ["thresholds", 2] in seen["tables"]
    assert re.search(r"stage2:p99>1ms\s+5.00ms\s+failed", seen["text"])
    assert "successful messages a second" in seen["text"] and "Messages under way" in seen["text"]
    assert "requests" not in seen["text"].lower()
    assert "5s:200" in seen["text"] and "the server sent RST_STREAM" in seen["text"]
    assert seen["lines"] == {"latency": 5, "distribution": 1, "throughput": 2, "errors": 1, "lateness": 1, "flight": 2}
    tips = {name: text for name, text, _ in seen["tips"]}
    assert re.search(r"p50\s+1.05\sms", tips["latency"]) and re.search(r"0.5\ss", tips["latency"])
    assert re.search(r"^p0", tips["distribution"])


def test_several_results(tmp_path):
    a = write(tmp_path / "a.json", measured())
    b = write(tmp_path / "b.json", measured(latency={"histogram": histogram([2 * 10**6 + i for i in range(500)]), "count": 500}))
    page = page_of(tmp_path, a, b, a)
    data = data_of(page)
    assert data["changes"][0] is None and data["changes"][1]["p50"]["low_ns"] > 0
    assert "10000 resamples" in data["method"]
    seen = browse(page, tmp_path)
    assert seen["title"] == "weir load: a.json, b.json, a.json"
    assert ["differences", 5] in seen["tables"] and ["results side by side", 14] in seen["tables"]
    assert "successful requests a second" in seen["text"] and "messages" not in seen["text"].lower()
    assert "slower" in seen["text"] and "no difference shown" in seen["text"]
    assert seen["lines"]["distribution"] == 3 and seen["lines"]["difference"] == 2
    assert seen["wide"] == [] and seen["loaded"] == []
    assert browse(page, tmp_path, 390)["wide"] == []


def test_results_without_values_or_series(tmp_path):
    empty = write(tmp_path / "empty.json", result([]))
    bare = write(tmp_path / "bare.json", result([10**6]))
    for files in ([empty], [bare], [empty, bare], [bare, empty], [bare, bare]):
        seen = browse(page_of(tmp_path, *files), tmp_path)
        assert "ERROR" not in seen["text"] and "NaN" not in seen["text"] and "undefined" not in seen["text"], files


def test_a_merge_as_a_page(tmp_path):
    a, b = (write(tmp_path / f"{name}.json", measured()) for name in "ab")
    data = data_of(page_of(tmp_path, "--merge", a, b))
    (merged,) = data["results"]
    assert merged["result"]["latency"]["histogram"]["count"] == 2000
    assert [one["done"] for one in merged["result"]["series"]] == [200] * 10


@pytest.mark.parametrize("text", ["</script><script>document.title='taken'</script>", "<!--<script>", "\u2028\"'\\&lt;",
                                  "<img src=x onerror=document.title='taken'>"])
def test_texts_of_a_result_stay_texts(tmp_path, text):
    content = measured(verdict=text, command=text, origin=text, limited_by=text, options={text: text},
                       errors=[{"kind": text, "code": 1, "text": text, "count": 1}],
                       stages=[{"stage": text, "begin_ns": 0, "end_ns": 1}])
    page = page_of(tmp_path, write(tmp_path / "a.json", content))
    assert data_of(page)["results"][0]["result"]["verdict"] == text
    assert page.read_text().count("<script") == 2 and page.read_text().count("</script>") == 2
    seen = browse(page, tmp_path)
    assert "taken" not in seen["title"].replace(text, "") and seen["tips"]
    assert seen["text"].count(text.split("\n")[0]) >= 4
