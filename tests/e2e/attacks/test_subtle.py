"""Traffic within every limit that is still expensive: costly valid requests, budgets that are spent as fast as
they refill, and pages that push. None of it may be refused, and other clients must not notice."""
import json

import hyperframe.frame
import pytest

import harness
import scene as scene_module

def bound_seconds(name):
    return harness.bound(name) // 10**9


# title, answer, arguments of the attacker, factor of CPU time allowed per byte
EXPENSIVE = [
    ("requests of 64 KB, by reference to one field", "200", ["amplify"], 4),
    ("the same, as cookie crumbs", "200", ["amplify", "--variant", 1], 4),
    ("requests of too many fields", "431", ["amplify", "--variant", 2], 4),
    # A request has only 14 bytes, so even an ordinary one costs twice as much per byte.
    ("targets of 4 KB, by reference", "404", ["long-path"], 20),
    ("every second request is reset", "200", ["reset-half"], 4),
    ("streams that earn PRIORITY frames, all moved below one", "200", ["regroup"], 4),
    ("windows opened 256 bytes at a time", "200", ["small-credit", "--variant", 256], 4),
    ("PING, SETTINGS, odd frames: as many as requests pay for", "200", ["earn"], 4),
    ("PING, SETTINGS, resets, odd frames: each within its budget", "200", ["temperate"], 4),
]


@pytest.mark.parametrize("title,answer,attack,ratio", EXPENSIVE, ids=[row[0] for row in EXPENSIVE])
def test_within_the_limits(scene, title, answer, attack, ratio):
    """No client is refused, and all are served."""
    # The budgets let only a few small packets pass. Each costs its system calls, as one with a request does.
    temperate = attack[0] == "temperate"
    siege = scene.besiege((title, "", answer), *attack, cpu_ratio_max=ratio, again=False,
                          either_way=attack[0] in ("small-credit", "earn"), pace="paced" if temperate else None)
    assert siege.came_back["goaway"] == {}, siege.came_back
    assert siege.came_back["closed"] == siege.came_back["cut"] == 0, siege.came_back
    if not temperate:
        assert siege.came_back["ended"] + siege.came_back["data_bytes"] > 0, siege.came_back


def test_responses_taken_byte_by_byte(scene):
    """A client with little memory looks the same: it is read at a pace, for as long as it likes."""
    before = scene.counters()
    alone = scene.run("dribble", "--seconds", 2 * bound_seconds("PEER_SLOWED_NS"))
    assert alone["goaway"] == {} and alone["closed"] == alone["cut"] == 0, alone
    assert scene.since(before)["pauses"] > 50
    # Nearly every frame travels alone and costs the system calls of a packet.
    siege = scene.besiege(("responses taken byte by byte", "CVE-2019-9511", "slowed"), "dribble", cpu_ratio_max=40,
                          again=False, either_way=True)
    assert siege.came_back["goaway"] == {}, siege.came_back


# Frames, their number, and the replies. The budgets allow 500 and 100 at once.
BURSTS = [("PING", hyperframe.frame.PingFrame(0), 600, "PingFrame"),
          ("SETTINGS", hyperframe.frame.SettingsFrame(0), 120, "SettingsFrame")]


@pytest.mark.parametrize("name,frame,count,reply", BURSTS, ids=[burst[0] for burst in BURSTS])
def test_a_burst(scene, name, frame, count, reply):
    """More frames at once than the budget allows. The connection is slowed, but every frame is answered, and so is
    the request behind them. Other clients are served meanwhile."""
    before = scene.counters()
    client = scene.server.raw()
    client.send(frame.serialize() * count)
    client.request(1, "/plaintext")
    assert harness.wait_until(lambda: scene.since(before)["pauses"] > 0)
    for _ in range(20):
        assert scene.server.get("/plaintext").status == 200
    while 1 not in client.headers:
        assert client.take(), client.frames[-1]
    acks = [f for f in client.frames if type(f).__name__ == reply and "ACK" in f.flags]
    assert len(acks) >= count, len(acks)
    counters = scene.since(before)
    assert counters["slowed"] == 1 and counters["calmed"] == 0, counters
    client.close()


# ---- a directory ---------------------------------------------------------------------------------

PRELOADS = 16


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    (root / "index.html").write_text("<html>\n" * 10)
    (root / "plaintext").write_text("Hello, World!")
    (root / "large").write_bytes(bytes(400000))
    for number in range(PRELOADS):
        (root / f"{number}.js").write_text("//\n" * 1000)
    manifest = root / ".manifest.json"
    manifest.write_text(json.dumps({"/": {f"/{n}.js": {"type": "script"} for n in range(PRELOADS)}}))
    with scene_module.Scene(tmp_path_factory.mktemp("attacked"), root, "--push-manifest",
                            manifest) as made:
        yield made


# A new path costs a file-system lookup; a repeated path of 4 KB costs its normalisation.
@pytest.mark.parametrize("title,attack,ratio", [
    ("files: missing ones, always different", ["new-paths"], 20),
    ("files: targets of 2,000 directories, by reference", ["long-path", "--variant", 1], 60),
    ("files: large ones, reset in the middle", ["reset-at", "--variant", 60000, "--path", "/large"], 4),
], ids=["names", "directories", "resets"])
def test_files(site, title, attack, ratio):
    reset = attack[0] == "reset-at"
    if reset:
        scene_module.ended_with(site.run(*attack, "--seconds", 60), scene_module.ENHANCE_YOUR_CALM)
    siege = site.besiege((title, "", "ENHANCE_YOUR_CALM" if reset else "404"), *attack,
                         cpu_ratio_max=ratio, either_way=reset)
    assert set(siege.came_back["goaway"]) <= ({"11"} if reset else set()), siege.came_back


@pytest.mark.parametrize("title,attack", [
    ("pages that push 16 files, requested without pause", ["get", "--path", "/"]),
    ("pages that push 16 files, into shut windows", ["hoard-pushes", "--path", "/"]),
], ids=["endless", "shut"])
def test_pushes(site, title, attack):
    """A request for a page costs as much as 17 requests, until the budget of pushes is used up. After that the page
    has link fields only."""
    # A push is a request that took no received bytes, and 128 more streams may wait to be sent.
    siege = site.besiege((title, "", "200"), *attack, again=False, cpu_ratio_max=20,
                         connection_bytes=2 * scene_module.CONNECTION_BYTES)
    assert siege.came_back["goaway"] == {}, siege.came_back
    connections = scene_module.SIEGE_CONNECTIONS
    assert connections < siege.counters["pushes"] <= connections * (128 + 10 * 5), siege.counters


def test_held_files(site):
    """More stalled downloads than read buffers: the files of other clients are still read."""
    before, meter = site.quiet(), scene_module.Meter(site.server.pid)
    hoard = site.start("hold-files", "--connections", 12, "--path", "/large", "--seconds", 6)
    assert harness.wait_until(lambda: site.since(before)["requests"] >= 1200)
    for _ in range(10):
        response = site.server.get("/large")
        assert response.status == 200 and len(response.body) == 400000
    assert hoard.poll() is None, "served only after the hoarders left"
    came_back = site.finish(hoard)
    meter.stop()
    assert came_back["data_bytes"] == 1200 and came_back["closed"] == 0, came_back
    assert meter.grown < 12 * scene_module.MIB * (8 if scene_module.SANITIZED else 1), meter.grown


@pytest.mark.parametrize("ranges, status, most", [
    ("bytes=" + ",".join(["0-"] * 1300), 200, 400000),
    ("bytes=0-0,2-2,4-4", 206, 1000),  # with the fields of each part
    ("bytes=" + ",".join(f"{n}-{n}" for n in range(1000)), 200, 400000),
    (f"bytes=0-{1 << 63},{1 << 64}-", 206, 400000)], ids=range(4))
def test_ranges(site, ranges, status, most):
    """Many ranges get no more than the file (CVE-2011-3192)."""
    response = site.server.get("/large", fields=[("range", ranges)])
    assert response.status == status and len(response.body) <= most


def test_the_ledgers_balance(scene, site):
    for made in (scene, site):
        made.reconcile()
        assert made.server.alive()
