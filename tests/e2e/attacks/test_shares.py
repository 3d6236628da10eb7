"""The share that an attack leaves for other clients, and how costs grow with what is sent. For the release build."""
import itertools
import json
import re
import shutil

import pytest

import harness
import scene as scene_module

ATTACKERS = 4
# The input of one link per turn, from io/link/limits.h. A download gets at least 80% of that.
TURN_BYTES = 65536
SHARE_LEAST = 0.8
FAMINES = [
    ["get"], ["ping"], ["seesaw-large"], ["rapid-reset", "--path", "/bytes/1000000"],
    ["reset-at", "--variant", 100000, "--path", "/bytes/1000000000"], ["priority"], ["regroup"],
    ["amplify", "--variant", 1], ["amplify", "--variant", 2], ["long-path"], ["churn"],
    ["bomb", "--variant", 2], ["dribble"], ["download", "--unread"],
]


def share_of_turns(scene, attack):
    """The share of a download in each turn, beside the attack. Turns are bounded in CPU time, as `turns_long`
    shows. How fast they follow each other depends on other work on the machine."""
    running = scene.start(*attack, "--connections", ATTACKERS, "--again", "--count", 1 << 40,
                          "--seconds", 1)
    before = scene.counters()
    took = scene.bulk()
    turns = scene.since(before)["turns"]
    scene.finish(running)
    return took / turns / TURN_BYTES


@pytest.mark.parametrize("attack", FAMINES, ids=[" ".join(map(str, a)) for a in FAMINES])
def test_a_download_keeps_its_share(scene, attack):
    """A download that takes everything it can get: long turns do not make it look like a slow client, and it
    gets its share of each."""
    for again in (True, False):
        share = share_of_turns(scene, attack)
        if share >= SHARE_LEAST:
            break
        assert again, f"{share:.2f} of its share"


# ---- no cost is quadratic ------------------------------------------------------------------------

# The quantity that grows, and the attacker's arguments.
GROWTH = [
    ("requests of a connection", [["get", "--count", n] for n in (1000, 4000, 16000)]),
    ("requests that are reset", [["reset-half", "--count", n] for n in (1000, 4000, 16000)]),
    ("fields of a request", [["churn", "--count", 1000, "--variant", n] for n in (8, 32, 120)]),
    ("crumbs of a cookie", [["crumbs", "--count", 4000, "--variant", n] for n in (8, 32, 120)]),
    ("DATA frames", [["sink", "--count", n] for n in (16000, 32000, 128000)]),
    ("priorities", [["regroup", "--count", n] for n in (500, 2000, 16000)]),
]
# What one more costs between the second and the third, where 1 is what it costs between the first and the second.
GROWTH_MAX = 1.1


def instructions_of(folder, attack):
    """What the server executes from its start to its end, in user mode. Unlike its time, that hardly depends on the
    machine: runs differ by two hundredths at most. valgrind knows no io_uring."""
    server = harness.Server(folder, "--ring", "epoll", https=False, wrapper=[
        "valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
    with server:
        command = [scene_module.helper("attacker"), server.http_port, *attack, "--seconds", 90]
        came_back = json.loads(harness.tool(*command, seconds=100))
        assert came_back["fences"] == 1, came_back
    return int(re.search(r"I +refs: +([\d,]+)", server.log()).group(1).replace(",", ""))


@pytest.mark.seconds(300)  # other work may take most of the cores
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("what,attacks", GROWTH, ids=[row[0] for row in GROWTH])
def test_cost_grows_linearly(tmp_path, what, attacks):
    points = [(attack[-1], instructions_of(tmp_path, attack)) for attack in attacks]
    first, last = ((cost - cost_before) / (number - before)
                   for (before, cost_before), (number, cost) in itertools.pairwise(points))
    assert 0 < last <= GROWTH_MAX * first, points
