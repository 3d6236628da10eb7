"""Headless Chromium loads a page over 1.6 Mbit/s: images below the fold, and 0.4 s later resources that it considers
urgent. (Visible images would be as urgent to it as scripts, and share with them.) Its own network log must show the
scheduler's order: first the dimensions of all images, then the urgent resources by urgency, then the images."""
import json
import os
import random
import shutil
import struct
import subprocess
import zlib

import pytest

import classic_page
import harness
import netlab

reason = netlab.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=reason or "")

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--ignore-certificate-errors"]
IMAGES = 16
# The late resources, with Chromium's urgency of each: style sheets 0, scripts of high priority 1.
CRITICAL = {"/late0.css": 25000, "/late1.css": 20000, "/late.js": 30000}
HEAD_BYTES = 4096
# The link's queue, the kernel's unsent bytes, one send, and, on this young connection, what TCP's slow start has
# lost and sends again.
UNDER_WAY_BYTES = netlab.LIMIT_BYTES + 3 * 16384
PAGE = """<!doctype html><meta charset=utf-8><title>page</title>
<body><div style="height: 20000px"></div>%s<script>
setTimeout(() => {
  for (const name of ['/late0.css', '/late1.css']) {
    const link = document.createElement('link');
    link.rel = 'stylesheet'; link.href = name;
    document.head.append(link);
  }
  const script = document.createElement('script');
  script.src = '/late.js'; script.fetchPriority = 'high';
  document.head.append(script);
}, 400);
addEventListener('load', () => fetch('/done.txt'));
</script>"""


def png(rng):
    """About 30 kB of noise that no decoder rejects."""
    width = height = 100
    rows = b"".join(b"\0" + rng.randbytes(3 * width) for _ in range(height))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def write_site(root):
    rng = random.Random(3)
    images = "".join(f"<img src=/image{i}.png width=10 height=10>" for i in range(IMAGES))
    (root / "index.html").write_text(PAGE % images)
    for i in range(IMAGES):
        (root / f"image{i}.png").write_bytes(png(rng))
    (root / "done.txt").write_text("done")
    for name, size in CRITICAL.items():
        (root / name[1:]).write_bytes(b"/*" + b"x" * (size - 4) + b"*/")


def read_log(path):
    """From the log of the HTTP/2 session to the server, in order: (path, None) for a request, (path, bytes) for DATA.
    Also the priority field of each request."""
    text = path.read_text(errors="replace")
    try:
        log = json.loads(text)
    except ValueError:  # the browser exited before the end of the log: a line for each event, then other data
        events_end = text.find("],\n\"polledData\"")
        log = json.loads(text[:events_end if events_end >= 0 else text.rindex(",\n")] + "]}")
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    paths, events, priorities = {}, [], {}
    for event in log["events"]:
        kind, params = kinds[event["type"]], event.get("params", {})
        if kind == "HTTP2_SESSION_SEND_HEADERS":
            fields = dict(field.split(": ", 1) for field in params["headers"])
            if netlab.SERVER_ADDRESS in fields.get(":authority", ""):
                paths[params["stream_id"]] = fields[":path"]
                priorities[fields[":path"]] = fields.get("priority")
                events.append((fields[":path"], None))
        elif kind == "HTTP2_SESSION_RECV_DATA" and params["size"] > 0:
            if params["stream_id"] in paths:
                events.append((paths[params["stream_id"]], params["size"]))
    return events, priorities


def after_bytes(events, index, count):
    """The index at which `count` more bytes have arrived."""
    while count > 0:
        count -= events[index][1] or 0
        index += 1
    return index


def check_order(events):
    asked = {path: i for i, (path, size) in enumerate(events) if size is None}
    last = {path: i for i, (path, size) in enumerate(events) if size}
    images = {path for path in asked if path.startswith("/image")}
    assert set(CRITICAL) <= set(asked) and len(images) == IMAGES, asked
    # The most urgent come first, and all of them before any image in progress is complete.
    late = sorted(CRITICAL, key=last.get)
    assert late == ["/late0.css", "/late1.css", "/late.js"], late
    began = after_bytes(events, min(asked[path] for path in CRITICAL), UNDER_WAY_BYTES)
    on_their_way = [path for path in images if last[path] > began]
    assert len(on_their_way) > IMAGES / 2, "the late requests came too late to show anything"
    ended = max(last[path] for path in CRITICAL)
    assert ended < min(last[path] for path in on_their_way)
    # Meanwhile images get almost nothing: head starts, one byte in sixteen.
    first = min(i for i, (path, size) in enumerate(events) if size and path in CRITICAL)
    beside = sum(size for path, size in events[first:ended] if size and path in images)
    assert beside < 0.15 * sum(CRITICAL.values()) + 2 * HEAD_BYTES, beside
    # While an image waits for its first bytes, the others get no more than was in flight.
    had, waiting = {}, {}
    for path, size in events:
        if path not in images:
            continue
        if size is None:
            had[path] = waiting[path] = 0
            continue
        waiting.pop(path, None)
        had[path] += size
        if had[path] > 2 * HEAD_BYTES:
            waiting = {name: rest + size for name, rest in waiting.items()}
            assert max(waiting.values(), default=0) < UNDER_WAY_BYTES, (path, waiting)


def test_its_network_log_agrees(tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        pytest.skip("no Chromium is installed")
    root, log = tmp_path / "root", tmp_path / "net.json"
    root.mkdir()
    write_site(root)
    classic_page.write_certificate(str(tmp_path))
    with netlab.Lab(kbit=1600) as lab, classic_page.Server(lab, "weir", str(tmp_path)) as server:
        process = lab.client.popen(
            [browser, *FLAGS, f"--user-data-dir={tmp_path}/profile", f"--log-net-log={log}",
             server.url + "/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(tmp_path)})

        def done():
            return log.exists() and ":path: /done.txt" in log.read_text(errors="replace")
        loaded = harness.wait_until(done, 60, 0.2)
        process.terminate()
        process.wait(20)
        assert loaded
    events, priorities = read_log(log)
    print(priorities)
    check_order(events)
