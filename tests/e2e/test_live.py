"""/events and /poll of the built-in site: slow answers to real clients, over HTTP/2 and HTTP/1.1."""
import json
import os
import re
import signal
import subprocess
import textwrap
import time

import pytest
from harness import wait_until
from test_browser import report_of

PROTOCOLS = {"h2": "--http2-prior-knowledge", "http1.1": "--http1.1"}
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def curl(server, protocol, path, **more):
    return subprocess.Popen(["curl", "-sN", "--max-time", "60", PROTOCOLS[protocol], server.url(path)],
                            stdout=subprocess.PIPE, text=True, **more)


def next_event(stream):
    """(id, data) of the next event."""
    identifier, data, end = (stream.readline() for _ in range(3))
    assert identifier.startswith("id: ") and data.startswith("data: ") and end == "\n"
    return int(identifier[4:]), json.loads(data[6:])


@each_protocol
def test_events(start, protocol):
    """One event a second, with rising numbers, each sent at once."""
    server = start()
    with curl(server, protocol, "/events") as client:
        first, counters = next_event(client.stdout)
        for number in range(first + 1, first + 4):
            began = time.monotonic()
            identifier, counters = next_event(client.stdout)
            assert identifier == number and time.monotonic() - began < 10
        assert counters["requests"] == 1 and counters["connections"] == 1 and counters["streams"] == 1
        assert server.get("/plaintext").status == 200
        assert any(next_event(client.stdout)[1]["requests"] == 2 for _ in range(5))
        client.kill()


@each_protocol
def test_poll(start, protocol):
    server = start()
    with curl(server, protocol, "/poll") as client:
        assert wait_until(lambda: server.counters()["requests"] == 1)
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(2.5)
        assert server.get("/plaintext").status == 200
        assert client.stdout.read() == "clients have come or left\n"


@each_protocol
def test_drain(start, protocol):
    """They end properly and at once, long before their time to finish is up."""
    server = start("--drain-seconds", "60")
    with curl(server, protocol, "/events") as events, curl(server, protocol, "/poll") as poll:
        next_event(events.stdout)
        os.kill(server.pid, signal.SIGTERM)
        assert server.wait(20) == 0
        assert events.wait(10) == 0 and poll.wait(10) == 0


@each_protocol
def test_reader_that_stops(start, protocol):
    """It costs nothing, and misses the events that it did not read."""
    server = start()
    clients = [curl(server, protocol, "/events") for _ in range(20)]
    for client in clients:
        next_event(client.stdout)
        os.kill(client.pid, signal.SIGSTOP)
    before = server.memory_bytes()
    time.sleep(5)
    assert server.memory_bytes() - before < len(clients) * (128 << 10)
    for client in clients:
        os.kill(client.pid, signal.SIGCONT)
        next_event(client.stdout)
        client.kill()
        client.communicate()


NODE = """
    import http2 from 'node:http2';
    import http from 'node:http';
    const url = process.argv[2], which = process.argv[3];
    const hear = (stream) => {
      let text = '';
      stream.setEncoding('utf8').on('data', (more) => {
        text += more;
        const events = text.split('\\n\\n');
        if (events.length < 4) return;
        for (const event of events.slice(0, 3)) JSON.parse(event.split('\\ndata: ')[1]);
        console.log('three events');
        process.exit(0);
      });
    };
    if (which == 'h2') hear(http2.connect(url).request({ ':path': '/events' }));
    else http.get(url + '/events', hear);
"""


@each_protocol
def test_node(start, tmp_path, protocol):
    server = start()
    script = tmp_path / "events.mjs"
    script.write_text(textwrap.dedent(NODE))
    done = subprocess.run(["node", script, server.url("").rstrip("/"), protocol], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.stdout == "three events\n", done.stderr


# Shows the built-in page in a frame, looks at its chart, and hears the same events itself. This page has another
# origin, so Chromium must be told to allow that. The window must be large enough to show the chart.
WATCHER = """<!doctype html><meta charset=utf-8><title>page</title>
<iframe id=frame src=ORIGIN/ width=900 height=1900></iframe>
<script>
const heard = [], errors = [];
const events = new EventSource('ORIGIN/events');
events.onerror = (event) => { errors.push(String(event)); };
events.onmessage = (event) => {
  heard.push([Number(event.lastEventId), JSON.parse(event.data).connections]);
  const inside = (id) => document.getElementById('frame').contentDocument.getElementById(id);
  const bars = (inside('rate')?.getAttribute('d') || '').split('z').length - 1;
  if (bars < 2) return;
  events.close();
  const seen = { heard, errors, bars, live: inside('live').textContent, how: inside('how').textContent };
  fetch(`http://127.0.0.1:${location.search.slice(1)}/${encodeURIComponent(JSON.stringify(seen))}`,
        { mode: 'no-cors' });
};
</script>"""


@pytest.mark.parametrize("flags", [[], ["--disable-http2"]], ids=PROTOCOLS)
def test_chromium(start, tmp_path, flags):
    """EventSource hears each event, and the chart on the built-in page is drawn from them."""
    server = start()
    root = tmp_path / "root"
    root.mkdir()
    origin = server.url("", secure=True).rstrip("/")
    (root / "index.html").write_text(WATCHER.replace("ORIGIN", origin))
    pages = start(root, http=False)
    flags = [*flags, "--disable-web-security", "--disable-site-isolation-trials", "--window-size=1000,2000"]
    seen = report_of(tmp_path, pages.url("/", secure=True), *flags)
    numbers = [number for number, connections in seen["heard"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and not seen["errors"], seen
    assert seen["bars"] >= 2 and re.fullmatch(r"\d+ requests, .* bytes sent\.", seen["live"]), seen
    assert ("came over h2." in seen["how"]) == ("--disable-http2" not in flags), seen
