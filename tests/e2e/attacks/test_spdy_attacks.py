"""Attacks over SPDY/3.1: floods of frames, header blocks that are bombs or no zlib, windows that stay shut."""
import struct

import pytest

import scene as scene_module
import spdy_peer
from scene import CONNECTION_BYTES

# title, CVE, arguments of the attacker, the counter of what ends it
FLOODS = [
    ("SPDY: PING", "CVE-2019-9512", ["spdy-ping"], "calmed_pings"),
    ("SPDY: SETTINGS", "CVE-2019-9515", ["spdy-settings", "--variant", 1], "calmed_settings"),
    ("SPDY: SETTINGS of 64 entries", "CVE-2020-11080", ["spdy-settings", "--variant", 64], "calmed_settings"),
    ("SPDY: unknown frame types", "", ["spdy-unknown"], "calmed_glitches"),
    ("SPDY: WINDOW_UPDATE by the byte", "CVE-2019-9511", ["spdy-window"], "calmed_glitches"),
    ("SPDY: DATA for streams that are not there", "", ["spdy-data"], "calmed_resets"),
    ("SPDY: rapid reset", "CVE-2023-44487", ["spdy-reset"], "calmed_resets"),
    ("SPDY: SYN_STREAM of version 2", "", ["spdy-version"], "calmed_resets"),
]
ERRORS = [
    ("SPDY: SETTINGS of 4000 entries", "CVE-2026-35469", ["spdy-settings", "--variant", 4000], "failed"),
    ("SPDY: SETTINGS that claims 2^31 entries", "CVE-2026-35469", ["spdy-settings-lie"], "failed"),
    ("SPDY: identifiers that go backwards", "", ["spdy-backwards"], "failed"),
    ("SPDY: a zlib bomb in one value", "CVE-2016-6581", ["spdy-bomb"], "calmed_headers"),
    ("SPDY: a zlib bomb of names", "CVE-2016-6581", ["spdy-bomb", "--variant", 1], "calmed_headers"),
    ("SPDY: header blocks that are no zlib", "", ["spdy-corrupt"], "failed_compression"),
    ("SPDY: a header block of 16 MiB", "", ["spdy-oversized"], "failed"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The built-in site with --spdy."""
    with scene_module.Scene(tmp_path_factory.mktemp("spdy-attacked"), "--spdy") as made:
        yield made


@pytest.fixture(scope="module")
def alone(scene):
    """Each flood from one connection, all at once: the server slows most of them for ten seconds before it ends them."""
    before = scene.quiet()
    running = {flood[0]: scene.start(*flood[2], "--seconds", 60) for flood in FLOODS}
    came_back = {title: scene.finish(process) for title, process in running.items()}
    return came_back, scene.since(before)


@pytest.mark.parametrize("title,cve,attack,counter", FLOODS, ids=[flood[0] for flood in FLOODS])
def test_flood(scene, alone, title, cve, attack, counter):
    """It is slowed down, ends with GOAWAY, and costs little work."""
    came_back, counters = alone
    assert came_back[title]["closed"] == 1 and came_back[title]["cut"] == 0, came_back[title]
    assert counters[f"spdy_{counter}"] == sum(flood[3] == counter for flood in FLOODS), counters
    scene.besiege((title, cve, "GOAWAY"), *attack)


@pytest.mark.parametrize("title,cve,attack,counter", ERRORS, ids=[error[0] for error in ERRORS])
def test_error(scene, title, cve, attack, counter):
    """It ends the session at once."""
    before = scene.quiet()
    came_back = scene.run(*attack, "--seconds", 10)
    assert came_back["closed"] == 1 and came_back["cut"] == 0, came_back
    assert scene.since(before)[f"spdy_{counter}"] == 1
    scene.besiege((title, cve, "GOAWAY"), *attack, cpu_ratio_max=40)


def test_windows_that_stay_shut(scene):
    """Readers that never grant credit hold a response's window each, and no more."""
    before = scene.server.memory_bytes()
    peers = [spdy_peer.Spdy(scene.port, credit=False) for _ in range(20)]
    streams = [(peer, peer.request("/bytes/100000000")) for peer in peers for _ in range(5)]
    for peer, stream in streams:
        peer.take_until(lambda: sum(map(len, peer.bodies.values())) == 65536)
    assert scene.server.memory_bytes() - before < 20 * CONNECTION_BYTES * (10 if scene_module.SANITIZED else 1) + (8 << 20)
    assert scene.server.get("/plaintext").status == 200
    for peer in peers:
        peer.close()


def test_more_streams_than_allowed(scene):
    """They are refused, and those that are open go on."""
    peer = spdy_peer.Spdy(scene.port)
    streams = [peer.request("/delay/300") for _ in range(200)]
    peer.take_until(lambda: set(streams) <= peer.ended | set(peer.resets))
    assert set(peer.resets.values()) == {spdy_peer.REFUSED_STREAM}
    assert 100 <= len(peer.ended) <= 199
    peer.send(peer_ping())
    peer.take_until(lambda: ("PING", 1) in peer.frames)
    peer.close()


def peer_ping():
    return spdy_peer.control(spdy_peer.PING, struct.pack("!I", 1))
