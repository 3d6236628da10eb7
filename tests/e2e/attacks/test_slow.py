"""Slow clients. All of them run at once, on one server, until the longest deadline. Then each test looks at
one of them."""
import socket
import struct
import threading
import time

import pytest

import harness
import scene as scene_module
from scene import ENHANCE_YOUR_CALM, MIB, Innocent, Meter, client_hello

CONNECTIONS = 10
ATTACK_SECONDS = 60  # longer than the server listens to any of them
# title, CVE, attack, code of the GOAWAY or None, seconds until the end, words in the GOAWAY
SLOW = [
    ("SETTINGS never acknowledged", "CVE-2025-53506", ["silent"], "4", 10, "acknowledged"),
    ("a frame, byte by byte", "", ["slow", "--variant", 1], ENHANCE_YOUR_CALM, 10, "too long"),
    ("a header block without its end", "CVE-2007-6750", ["slow", "--variant", 2],
     ENHANCE_YOUR_CALM, 10, "too long"),
    ("windows shut, silence", "CVE-2023-43622", ["hold"], ENHANCE_YOUR_CALM, 20, "not taken"),
    ("windows shut, PING each second", "CVE-2023-43622", ["hold", "--variant", 1],
     ENHANCE_YOUR_CALM, 20, "not taken"),
    ("windows opened by a byte a second", "CVE-2026-13474", ["hold", "--variant", 2],
     ENHANCE_YOUR_CALM, 20, ""),
    ("100 downloads of 1 GB, TCP not read", "CVE-2019-9517", ["download", "--unread"], None, 22,
     ""),
]
BODIES = [("a request body, byte by byte", 3), ("a request body that stops", 4)]


class Slow:
    """The results of all clients."""


def reading_slowly(port, result):
    """An honest client on a bad line: its windows allow 8 KiB a second."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.settimeout(harness.PATIENCE_SECONDS)
        plain.sendall(harness.RawClient.PREFACE + bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]) +
                      struct.pack(">HI", 4, 8192) + bytes([0, 0, 0, 4, 1, 0, 0, 0, 0]))
        block = b"\x82\x86\x01\x01a\x04\x0d/bytes/180000"
        plain.sendall(struct.pack(">I", len(block))[1:] + b"\x01\x05\0\0\0\1" + block)
        received, due, opened = 0, time.monotonic() + 1, 8192
        plain.settimeout(0.05)
        while received < 180000 and time.monotonic() < due + 40:
            try:
                data = plain.recv(65536)
                if not data:
                    break
                received += len(data)
            except TimeoutError:
                pass
            if time.monotonic() >= due + opened / 8192 - 1:
                update = struct.pack(">I", 8192)
                for stream in (b"\0\0\0\0", b"\0\0\0\1"):
                    plain.sendall(b"\0\0\4\x08\0" + stream + update)
                opened += 8192
        result["received"] = received


def dribbling(port, pieces, result, name):
    """Sends a piece now and then. Returns how long the server listened."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as plain:
        try:
            for piece in pieces:
                plain.settimeout(0.3)
                plain.sendall(piece)
                try:
                    if not plain.recv(4096):
                        break
                except TimeoutError:
                    pass
            plain.settimeout(harness.PATIENCE_SECONDS)
            while plain.recv(4096):
                pass
        except OSError as error:
            result[name + " error"] = error
    result[name] = time.monotonic() - began


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    with scene_module.Scene(tmp_path_factory.mktemp("slow")) as scene:
        made = Slow()
        made.scene = scene
        before = scene.counters()
        meter = Meter(scene.server.pid)
        innocent = Innocent(scene.port)
        began = time.monotonic()
        running = [scene.start(*row[2], "--connections", CONNECTIONS, "--seconds", ATTACK_SECONDS)
                   for row in SLOW]
        bodies = [scene.start("slow", "--variant", variant, "--connections", CONNECTIONS,
                              "--seconds", 16) for _, variant in BODIES]
        made.times = {}
        secure = scene.server.https_port
        hello = client_hello()
        preface = harness.RawClient.PREFACE
        threads = [
            threading.Thread(target=dribbling, args=(port, pieces, made.times, name))
            for port, pieces, name in [
                (scene.port, [b""], "nothing"),
                (scene.port, [preface[i:i + 1] for i in range(24)], "preface, byte by byte"),
                (scene.port, [preface], "preface alone"),
                (secure, [b""], "no ClientHello"),
                (secure, [hello[i:i + 1] for i in range(len(hello))], "ClientHello, byte by byte"),
                (secure, [hello], "ClientHello alone"),
                (secure, [b"\x16\x03\x01\x40\x00" + bytes(100)], "a record of 16 KiB")]]
        threads.append(threading.Thread(target=reading_slowly, args=(scene.port, made.times)))
        for thread in threads:
            thread.start()
        made.bodies = [scene.finish(p) for p in bodies]
        made.results = [scene.finish(p) for p in running]
        for thread in threads:
            thread.join()
        made.seconds = time.monotonic() - began
        made.innocent = innocent.result()
        meter.stop()
        made.meter = meter
        made.counters = scene.since(before)
        scene.note(("all slow clients at once, 27 s", "CVE-2007-6750, CVE-2023-43622", "deadline"),
                   scene_module.Siege({"connections": CONNECTIONS * (len(SLOW) + len(BODIES))},
                                      meter, made.counters, made.innocent, None))
        yield made


@pytest.mark.parametrize("number", range(len(SLOW)), ids=[row[0] for row in SLOW])
def test_slow_client(slow, number):
    """The deadline ends it: not earlier, because the client may be honest. Output is looked at once a deadline, so
    two looks may pass before a client that takes a little is ended."""
    _, _, _, code, seconds, words = SLOW[number]
    came_back = slow.results[number]
    assert came_back["closed"] + came_back["cut"] == CONNECTIONS, came_back
    assert seconds - 1.5 < came_back["seconds"] < 2 * seconds + 5, came_back
    if code:
        assert came_back["goaway"] == {code: CONNECTIONS}, came_back
        assert words in came_back["reason"], came_back


@pytest.mark.parametrize("number", range(len(BODIES)), ids=[row[0] for row in BODIES])
def test_slow_body(slow, number):
    """Only the stream ends; the connection remains usable. (Silence is allowed once the handler has begun to answer,
    as /echo does: client and server may be in a conversation.)"""
    came_back = slow.bodies[number]
    assert came_back["rst"] == {"8": CONNECTIONS}, came_back
    assert came_back["goaway"] == {}, came_back


def test_slow_beginnings(slow):
    """Five seconds for a preface, and for a TLS handshake. Nothing extends them."""
    beginnings = {name: took for name, took in slow.times.items()
                  if name != "received" and not name.endswith("error")}
    assert len(beginnings) == 7
    for name, took in beginnings.items():
        assert 4 < took < 15, beginnings


def test_an_honest_slow_reader(slow):
    """8 KiB a second is enough to go on."""
    assert slow.times["received"] >= 180000, slow.times


def test_cost_of_slow_clients(slow):
    """Little memory, almost no CPU time, and other clients do not notice."""
    connections = CONNECTIONS * (len(SLOW) + len(BODIES))
    assert slow.meter.grown < connections * MIB // 2 + 8 * MIB, slow.meter.grown
    assert slow.innocent["errors"] == 0, slow.innocent
    assert slow.innocent["requests"] > 200
    if not scene_module.SANITIZED:
        assert slow.innocent["p99_ms"] < scene_module.INNOCENT_P99_MS, slow.innocent
        assert slow.meter.cpu / 1e9 < slow.seconds / 4, slow.meter.cpu


def test_each_deadline_is_counted(slow):
    counted = {name: count for name, count in slow.counters.items() if name.startswith("timeouts_")}
    for name in ("timeouts_preface", "timeouts_settings", "timeouts_frames", "timeouts_output",
                 "timeouts_bodies"):
        assert counted[name] > 0, counted


# ---- idle clients, on a server that closes them soon ---------------------------------------------


@pytest.fixture(scope="module")
def brisk(tmp_path_factory):
    with scene_module.Scene(tmp_path_factory.mktemp("brisk"), "--idle-seconds", 2) as made:
        yield made


@pytest.mark.parametrize("attack", ["idle", "alive"])
def test_idle_clients(brisk, attack):
    """Only requests keep a connection open, not PING, SETTINGS, PRIORITY or WINDOW_UPDATE."""
    siege = brisk.siege(attack, "--count", 1000, again=False, seconds=12)
    brisk.bounded(siege)
    assert siege.came_back["goaway"] == {"0": siege.came_back["connections"]}, siege.came_back
    assert 1.5 < siege.came_back["seconds"] < 10, siege.came_back
    brisk.note(("idle, but sending PING and SETTINGS" if attack == "alive" else "idle", "",
                "GOAWAY when idle"), siege)


def test_idle_counted(brisk):
    assert brisk.counters()["idled"] >= 2


# ---- hoarding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["idle", "alive"])
def test_hoarded_connections(tmp_path, attack):
    """Idle connections take every free place. The server closes those idle longest to make room, long before their
    idle time is up, and serves requests on the others."""
    places = 100
    with scene_module.Scene(tmp_path, "--connections", places) as scene:
        hoard = scene.start(attack, "--connections", places + 30, "--seconds", 8)
        assert harness.wait_until(lambda: scene.counters()["links_accepted"] -
                                  scene.counters()["links_closed"] >= places)
        assert scene.server.get("/plaintext").status == 200
        assert hoard.poll() is None, "served only after the hoarders left"
        came_back = scene.finish(hoard)
        assert came_back["goaway"].get("0", 0) > 0, came_back
        assert scene.counters()["links_shed"] > 0
