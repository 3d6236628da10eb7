"""Uploads over a long line: 40 Mbit/s, 300 ms there and back. With the window that grows the line is
full; a fixed one of 65,535 bytes has its window a round trip. And a handler that stops consuming stops
its clients, a thousand of them, in bounded memory."""
import os
import time

import pytest

import harness
import netlab

reason = netlab.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=reason or "")

KBIT, DELAY_MS = 40000, 150
PROGRAM = os.path.join(harness.ROOT, "build/release/tests/delay_link")
PORT = 31080


@pytest.fixture(scope="module")
def line():
    if not os.path.exists(PROGRAM):
        pytest.skip("needs `make helpers`")
    with netlab.LongLab(KBIT, DELAY_MS, PROGRAM) as lab:
        yield lab


def received_bytes(lab):
    """By the server's end of the line, headers included."""
    for row in lab.server.run(["cat", "/proc/net/dev"]).decode().splitlines():
        if row.strip().startswith("line:"):
            return int(row.split(":")[1].split()[0])
    raise AssertionError("no device")


def rate(lab, flow, warm_seconds, seconds, enough=0, windows=1):
    """Bytes a second of an upload without end, after it has had time to find out what the line takes.
    Looks at up to so many windows of `seconds`, until one has `enough`."""
    command = [harness.binary(), "serve", "--http", f"0.0.0.0:{PORT}", "--workers", "1", "--flow",
               flow, "--drain-seconds", "1"]
    server = lab.server.popen(command)
    lab.wait_for_port(PORT, server)
    client = lab.client.popen(["sh", "-c", "exec curl -sS --http2-prior-knowledge -X POST -T - -m 30 "
                               f"http://{netlab.SERVER_ADDRESS}:{PORT}/sink < /dev/zero"])
    time.sleep(warm_seconds)
    result = 0
    while windows > 0 and result <= enough:
        windows -= 1
        before, began = received_bytes(lab), time.monotonic()
        time.sleep(seconds)
        result = (received_bytes(lab) - before) / (time.monotonic() - began)
    assert client.poll() is None and server.poll() is None
    for process in (client, server):
        process.terminate()
        process.wait(15)
    assert server.returncode == 0
    return result


def test_auto_fills_the_line(line):
    wanted = 0.9 * line.bytes_per_second
    assert rate(line, "auto", 4, 3, enough=wanted, windows=6) > wanted


@pytest.mark.parametrize("flow", ["threshold", "consume", "echo"])
def test_a_fixed_window_does_not(line, flow):
    fixed = 65535 / (2 * DELAY_MS / 1000)
    seen = rate(line, flow, 1.5, 3)
    # Packet headers, acknowledgements of what comes back, and the moments of measuring.
    assert 0.4 * fixed < seen < 1.3 * fixed, (seen, fixed)
    assert seen < 0.1 * line.bytes_per_second
