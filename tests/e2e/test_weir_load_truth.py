"""`weir load` says what was slow: the server, too few streams, or itself. And its arithmetic agrees with what a server
of known behaviour did."""
import json
import os
import pathlib
import signal
import subprocess
import time

import h2.errors
import pytest

import harness
from load_peer import SLOW, Peer, due_all_started, kinds, measured, reconcile, seconds

# ---- who was slow --------------------------------------------------------------------------------


def was_late(report):
    """More than 1% of the requests, or beats, were noticed late."""
    return report["self"]["late"] * 100 > report["lateness"]["count"]


def assert_limit(report, limit):
    """What limited the run. On a busy machine the generator itself may be late, and then must say so."""
    assert report["limited_by"] == ("generator" if was_late(report) else limit), report


def disturbed(*arguments, disturb, before=None):
    """A report in JSON, while `disturb(process)` does something to `weir load`."""
    process = subprocess.Popen([harness.binary(), "load", "--json", "-q", *map(str, arguments)], preexec_fn=before,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    disturb(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == b"", err
    return reconcile(json.loads(out))


def stop_for_a_second(process):
    time.sleep(1)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("rate", [[], ["-r", "100"]], ids=["closed", "open"])
def test_stopped(rate):
    """For one second of four, `weir load` itself stands still. Of 400 requests, 100 were due then; of 400 beats, 100.
    Beats go on until the run has ended, which may be late."""
    with Peer() as peer:
        report = disturbed("-D", 4, "-c", 4, "-m", 100, *rate, peer.url(), disturb=stop_for_a_second)
    assert report["limited_by"] == "generator"
    assert report["self"]["late"] >= 95, report["self"]
    assert report["lateness"]["max_ns"] >= 0.95e9
    assert 350 <= report["lateness"]["count"] <= (400 if rate else 100 * seconds(report) + 1)


def test_a_warning_comes_first():
    with Peer() as peer:
        process = subprocess.Popen([harness.binary(), "load", "-q", "-D", "4", "-r", "100", peer.url()],
                                   stdout=subprocess.PIPE, text=True)
        stop_for_a_second(process)
        out = process.communicate(timeout=60)[0]
    assert out.startswith("warning: weir load itself was late by more than 1ms for "), out


class Quota:
    """A control group that may use a fiftieth of a core."""

    def __init__(self):
        name = f"weir-test-{os.getpid()}"
        root = pathlib.Path("/sys/fs/cgroup")
        legacy = root / "cpu"
        self.path = (legacy if legacy.is_dir() else root) / name
        try:
            self.path.mkdir()
            if legacy.is_dir():
                (self.path / "cpu.cfs_period_us").write_text("100000")
                (self.path / "cpu.cfs_quota_us").write_text("2000")
            else:
                (self.path / "cpu.max").write_text("2000 100000")
        except OSError as error:
            self.remove()
            pytest.skip(f"cannot make a control group with a quota: {error}")

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        if self.path.is_dir():
            self.path.rmdir()


def test_a_quota(demo):
    """The kernel makes `weir load` wait for most of each tenth of a second, as it has enough to do: two hundred
    streams, in a closed loop, against a server that answers at once."""
    quota = Quota()
    try:
        report = disturbed("-D", 2, "-c", 2, "-m", 100, demo.url("/plaintext"), disturb=lambda process: None,
                           before=quota.enter)
    finally:
        quota.remove()
    if report["self"]["throttled"] == 0 and report["self"]["cpu_ns"] < 0.02 * report["duration_ns"]:
        pytest.skip("the machine is so busy that the quota is not used up")
    assert report["self"]["throttled"] > 0 and report["self"]["throttled_ns"] > 0, report["self"]
    assert report["limited_by"] == "generator"


def test_too_few_streams():
    """50 requests a second, each of 100 ms, need five streams; there is one. The requests wait for it, and the server
    is not blamed for that: since they were sent, they took 100 ms."""
    with Peer(lambda peer, conn, stream: conn.later(stream, 0.1)) as peer:
        report = measured("-D", 2, "-r", 50, "-c", 1, "-m", 1, peer.url())
    assert_limit(report, "streams")
    assert report["self"]["crowded"] > 50
    assert report["since_sent"]["p50_ns"] < 0.2e9 * SLOW < report["latency"]["p90_ns"] * SLOW
    assert "raise -c or -m" in report["verdict"] or was_late(report)


def test_enough_streams():
    with Peer(lambda peer, conn, stream: conn.later(stream, 0.1)) as peer:
        report = measured("-D", 2, "-r", 50, "-c", 1, "-m", 50, peer.url())
    slowest_ns = report["latency"]["max_ns"]
    assert slowest_ns > 0.2e9 or was_late(report) or report["limited_by"] == "none", report
    assert slowest_ns > 0.9e9 or was_late(report) or report["self"]["crowded"] == 0, report


def test_a_server_that_stops():
    """It answers 50 of 150 requests. Every one was sent in time, so it was the server."""
    def behave(peer, conn, stream):
        if conn.requests <= 50:
            conn.answer(stream)
    with Peer(behave, streams=200) as peer:
        report = measured("-D", 3, "-r", 50, "-c", 1, "-m", 200, peer.url())
    assert_limit(report, "server")
    requests = due_all_started(report, 50)
    assert requests["done"] == 50 and requests["in_flight"] + requests["unsent"] == 100


def test_a_busy_core_is_not_chosen():
    """Another process keeps one core busy: the thread of `weir load` is pinned to another. If all are busy, other
    tests being at work, it is pinned to none."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("needs two cores")
    idle = idle_cores()
    if not idle or idle == [cores[-1]]:
        pytest.skip("the machine is too busy")
    hog = subprocess.Popen(["python3", "-c", "while True: pass"],
                           preexec_fn=lambda: os.sched_setaffinity(0, [cores[-1]]))
    try:
        time.sleep(0.2)
        chosen = [thread_cores() for _ in range(5)]
        assert {cores[-1]} not in chosen, chosen
        assert thread_cores("--no-pin") == set(cores)
    finally:
        hog.kill()
        hog.wait()


def idle_cores():
    def read():
        rows = [line.split() for line in open("/proc/stat") if line.startswith("cpu") and line[3] != " "]
        return {int(row[0][3:]): (int(row[4]) + int(row[5]), sum(map(int, row[1:9]))) for row in rows}
    before = read()
    time.sleep(0.3)
    after = read()
    return [core for core in sorted(os.sched_getaffinity(0))
            if 2 * (after[core][0] - before[core][0]) > after[core][1] - before[core][1]]


def thread_cores(*more):
    """The affinity of the threads of a run, but the first."""
    with Peer(lambda peer, conn, stream: conn.later(stream, 0.05)) as peer:
        process = subprocess.Popen([harness.binary(), "load", "-q", "-D", "1", *more, peer.url()],
                                   stdout=subprocess.DEVNULL)
        time.sleep(0.6)
        threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task") if int(name) != process.pid]
        sets = [os.sched_getaffinity(thread) for thread in threads]
        process.wait()
    return set().union(*sets)


# ---- arithmetic ----------------------------------------------------------------------------------


def test_warm_up():
    """Each answer takes half a second, at 100 requests a second. In the two seconds after the warm-up 200 are completed,
    although 50 of these were started before, and 50 are unfinished at the end."""
    with Peer(lambda peer, conn, stream: conn.later(stream, 0.5)) as peer:
        report = measured("-D", 2, "--warm-up-time", 1, "-r", 100, "-c", 1, "-m", 100, peer.url())
    requests = report["requests"]
    after = 100 * seconds(report) - 200  # answers that came because the run ended late
    assert abs(requests["succeeded"] - 200 - after) <= 10 * SLOW, requests
    assert abs(requests["carried"] - 50) <= 10 * SLOW, requests
    assert abs(requests["in_flight"] + requests["unsent"] - 50 + after) <= 10 * SLOW, requests


def test_a_fixed_delay():
    """Four streams, 50 ms each, for two seconds or a little longer: 160 requests."""
    with Peer(lambda peer, conn, stream: conn.later(stream, 0.05)) as peer:
        report = measured("-D", 2, "-m", 4, peer.url())
    assert report["latency"]["min_ns"] >= 50e6
    assert 160 / SLOW / 2 <= report["requests"]["succeeded"] <= 80 * seconds(report)
    assert report["latency"]["p50_ns"] < 75e6 * SLOW


def test_two_delays():
    """Every eighth answer takes 200 ms, the others 10 ms: p75 is of the fast ones, p90 and above are of the slow ones,
    even if some of the fast ones took longer."""
    def behave(peer, conn, stream):
        conn.later(stream, 0.2 if conn.requests % 8 == 0 else 0.01)
    with Peer(behave) as peer:
        report = measured("-n", 200, "-m", 1, peer.url())
    assert report["latency"]["min_ns"] >= 10e6
    assert report["latency"]["p75_ns"] < 200e6 <= report["latency"]["p90_ns"]
    assert report["latency"]["mean_ns"] >= 33.75e6  # (7 * 10 + 200) / 8


def test_one_in_twenty_fails():
    """5% of 400 requests have a status of 500. Rates and times of successes and failures are apart."""
    def behave(peer, conn, stream):
        if conn.requests % 20 == 0:
            conn.answer(stream, "500")
        else:
            conn.later(stream, 0.01)
    with Peer(behave) as peer:
        report = measured("-n", 400, "-m", 1, peer.url())
    assert report["statuses"] == {"200": 380, "500": 20}
    assert report["latency"]["count"] == 380 and report["latency"]["min_ns"] >= 10e6
    assert report["failed_latency"]["count"] == 20
    assert report["failed_latency"]["p50_ns"] < report["latency"]["p50_ns"]
    rate = report["requests"]["succeeded_per_second"]
    assert abs(rate - 380 / seconds(report)) < rate * 1e-6


def test_all_streams_reset():
    """Failures are no requests per second."""
    with Peer(lambda peer, conn, stream: conn.reset(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)) as peer:
        report = measured("-n", 100, "-c", 2, "-m", 5, peer.url(), expect=1)
    assert report["requests"]["succeeded_per_second"] == 0
    assert report["latency"]["count"] == 0 and report["failed_latency"]["count"] == 100
    assert kinds(report) == {("reset", 2): 100}


def test_no_distribution_is_made_up():
    """Nothing is ever completed, so there is no latency to report."""
    with Peer(lambda peer, conn, stream: None) as peer:
        report = measured("-D", 1, "-m", 5, peer.url(), expect=1)
    assert report["latency"]["count"] == report["requests"]["waiting"] == 0
    assert report["requests"]["in_flight"] == 5
