"""The files that `weir load` writes: --json, --csv and --log-file."""
import csv
import json
import os
import signal
import subprocess
import time

import pytest

import harness
from load_peer import Peer, load, measured, reconcile, site, weir


def lines_of(path):
    return [tuple(map(int, line.split("\t"))) for line in path.read_text().splitlines()]


def test_log_file(weir, tmp_path):
    """A line for each request."""
    began = time.time()
    report = measured("-n", 3000, "-c", 4, "-m", 10, "-t", 2, "--log-file", tmp_path / "log", weir.url("/"),
                      weir.url("/missing"))
    rows = lines_of(tmp_path / "log")
    assert report["self"]["log_lost"] == 0 and len(rows) == 3000
    assert sorted({status for _, status, _ in rows}) == [200, 404]
    assert sum(status == 200 for _, status, _ in rows) == 1500
    assert all(began - 1 <= start / 1e6 <= time.time() + 1 for start, _, _ in rows)
    good = [microseconds for _, status, microseconds in rows if status == 200]
    assert min(good) == report["latency"]["min_ns"] // 1000 and max(good) == report["latency"]["max_ns"] // 1000


def test_log_file_of_failures(tmp_path):
    with Peer(lambda peer, conn, stream: conn.reset(stream, 8)) as peer:
        load("-n", 5, "--log-file", tmp_path / "log", peer.url(), expect=1)
    assert [status for _, status, _ in lines_of(tmp_path / "log")] == [-1] * 5


def test_log_file_leaves_the_warm_up_out(weir, tmp_path):
    report = measured("-D", 1, "--warm-up-time", "500ms", "--log-file", tmp_path / "log", weir.url("/"))
    assert len(lines_of(tmp_path / "log")) == report["requests"]["done"]


def test_csv(weir, tmp_path):
    report = measured("-D", "2500ms", "-r", 200, "--csv", tmp_path / "csv", weir.url("/"))
    rows = list(csv.DictReader((tmp_path / "csv").open()))
    assert len(rows) == len(report["series"]) >= 2
    for row, same in zip(rows, report["series"]):
        for name in ("started", "done", "failed", "bytes_in", "in_flight", "backlog", "connections"):
            assert int(row[name]) == same[name]
        for name in ("p50", "p99", "max"):
            assert round(float(row[name]) * 1e9) == same[name + "_ns"]


def test_json_file(weir, tmp_path):
    """The text goes to standard output as usual."""
    out = load("-n", 10, f"--json={tmp_path}/json", weir.url("/"))
    assert "\n10 of 10 requests succeeded" in "\n" + out
    assert reconcile(json.loads((tmp_path / "json").read_text()))["requests"]["succeeded"] == 10


OPTIONS = ["--json=", "--csv=", "--hdr=", "--log-file="]


@pytest.mark.parametrize("option", OPTIONS)
def test_full_disk(weir, option):
    """The other outputs are written all the same."""
    status, out, err = harness.run("load", "-q", "-n", 10, option + "/dev/full", weir.url("/"))
    assert status == 1 and "10 of 10 requests succeeded" in out
    assert err == "weir load: cannot write /dev/full: No space left on device\n"


@pytest.mark.parametrize("option", OPTIONS)
def test_wrong_path(weir, option):
    """It is told before the run."""
    began = time.monotonic()
    status, out, err = harness.run("load", "-q", "-D", 20, option + "/nowhere/file", weir.url("/"))
    assert status == 1 and out == "" and time.monotonic() - began < 15
    assert err == "weir load: cannot write /nowhere/file: No such file or directory\n"


def test_interrupted(weir, tmp_path):
    """Ctrl-C ends the run early, and everything is written and marked."""
    files = {name: tmp_path / name for name in ("json", "csv", "hdr", "log")}
    process = subprocess.Popen([harness.binary(), "load", "-q", "-D", "60", "-r", "100", f"--json={files['json']}",
                                "--csv", files["csv"], "--hdr", files["hdr"], "--log-file", files["log"],
                                weir.url("/")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert harness.wait_until(lambda: files["log"].exists())
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and err == b"" and b"INTERRUPTED: " in out
    report = reconcile(json.loads(files["json"].read_text()))
    assert report["interrupted"] and report["verdict"].startswith("INTERRUPTED: ")
    assert len(lines_of(files["log"])) == report["requests"]["done"] > 50
    seconds = list(csv.DictReader(files["csv"].open()))
    assert [row["interrupted"] for row in seconds] == ["0"] * (len(report["series"]) - 1) + ["1"]
    assert "#[Interrupted by a signal]" in files["hdr"].read_text().splitlines()
