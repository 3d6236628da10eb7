"""Thousands of clients at once: some never send a request, others take every free connection. Measured with
the release build."""
import socket
import time

import pytest

import harness
import scene as scene_module
from scene import ENHANCE_YOUR_CALM, Innocent, KIB, Meter, client_hello

CROWD = 10000
# The server's limit on open descriptors. Two attackers open more connections than that.
DESCRIPTORS = 16000
HOARDERS, HOARD = 2, 9000
# The most that one connection may cost. Measured: 0.6 KiB before the preface, 4 KiB idle, 6.5 KiB with a header block.
CONNECTION_BYTES = 10 * KIB
HANDSHAKES, HANDSHAKE_BYTES = 500, 120 * KIB


def crowd_of(scene, seconds, *attacks):
    """Runs the attacks in parallel, each from its own address. Returns results, meter, innocent client, counters."""
    before = scene.quiet()
    innocent, meter = Innocent(scene.port), Meter(scene.server.pid)
    running = [scene.start(*attack, "--seconds", seconds, "--source", 2 + number)
               for number, attack in enumerate(attacks)]
    results = [scene.finish(process) for process in running]
    meter.stop()
    return results, meter, innocent.result(), scene.since(before)


# A full completion queue loses nothing, and costs a pass more. Other work may keep the worker from its core for longer
# than the queue lasts, but not again and again.
OVERFLOWS = 100


def unharmed(innocent, counters):
    """Turns are not timed here, where other work on the machine would lengthen them. tests/io/link/test_limits_ends.c
    and tests/io/worker/test_limits.c check that they stay short, with a clock that only the work advances."""
    assert innocent["errors"] == 0 and innocent["requests"] > 0, innocent
    assert counters["cq_overflows"] < OVERFLOWS, counters


def test_slow_crowd(scene):
    """5,000 prefaces get 5 s, and 5,000 header blocks 10 s, at the same time."""
    results, meter, innocent, counters = crowd_of(
        scene, 20, ["preface", "--connections", CROWD // 2],
        ["slow", "--variant", 2, "--connections", CROWD // 2])
    prefaces, headers = results
    assert prefaces["closed"] == CROWD // 2 and 4 < prefaces["seconds"] < 15, prefaces
    assert headers["goaway"] == {ENHANCE_YOUR_CALM: CROWD // 2}, headers
    assert 9 < headers["seconds"] < 18, headers
    assert meter.grown < CROWD * CONNECTION_BYTES, meter.grown
    unharmed(innocent, counters)
    scene.note(("10,000 slow prefaces and header blocks at once", "CVE-2007-6750", "deadline"),
               scene_module.Siege({"connections": CROWD}, meter, counters, innocent, None))


@pytest.fixture
def cramped(tmp_path):
    with scene_module.Scene(tmp_path, preexec=harness.descriptors_at_most(DESCRIPTORS)) as made:
        yield made


def test_hoarded_descriptors(cramped):
    """More idle connections than the server can hold. It still accepts new clients, because it closes idle
    connections. Each costs little."""
    scene = cramped
    before, meter, innocent = scene.quiet(), Meter(scene.server.pid), Innocent(scene.port)
    hoard = [scene.start("idle", "--connections", HOARD, "--seconds", 6, "--source", 10 + number)
             for number in range(HOARDERS)]
    most = crowded = 0
    while any(process.poll() is None for process in hoard):
        now = scene.since(before)
        most = max(most, now["links_accepted"] - now["links_closed"])
        assert scene.server.get("/plaintext").status == 200
        crowded += now["links_shed"] > 0
        time.sleep(0.2)
    results = [scene.finish(process) for process in hoard]
    meter.stop()
    counters, noticed = scene.since(before), innocent.result()
    assert sum(result["connections"] for result in results) == HOARDERS * HOARD
    assert DESCRIPTORS * 3 / 4 < most < DESCRIPTORS, most
    assert crowded > 0 and counters["links_shed"] > 0, counters
    assert counters["links_accepted"] >= HOARDERS * HOARD, counters
    assert meter.grown < DESCRIPTORS * CONNECTION_BYTES, meter.grown
    unharmed(noticed, counters)
    scene.note((f"{most:,} idle connections, and more arriving", "CVE-2020-8663", "idle ones are closed"),
               scene_module.Siege({"connections": most}, meter, counters, noticed, None))


def test_hoarded_handshakes(scene):
    """Handshakes that clients begin and never finish. The server has computed its part and waits 5 s."""
    hello, clients = client_hello(), []
    before, meter, innocent = scene.quiet(), Meter(scene.server.pid), Innocent(scene.port)
    for _ in range(HANDSHAKES):
        client = socket.create_connection(("127.0.0.1", scene.server.https_port))
        client.sendall(hello)
        clients.append(client)
    for client in clients:
        client.settimeout(harness.PATIENCE_SECONDS)
        assert client.recv(100)
    began = time.monotonic()
    for client in clients:
        while client.recv(65536):
            pass
    assert time.monotonic() - began < 15
    meter.stop()
    for client in clients:
        client.close()
    counters, noticed = scene.since(before), innocent.result()
    assert meter.grown < HANDSHAKES * HANDSHAKE_BYTES, meter.grown
    unharmed(noticed, counters)
    scene.note((f"TLS: {HANDSHAKES} unfinished handshakes", "", "deadline"),
               scene_module.Siege({"connections": HANDSHAKES}, meter, counters, noticed, None))


def test_the_ledgers_balance(scene):
    scene.reconcile()
    assert scene.server.alive()
