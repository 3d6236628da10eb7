"""`weir load --hdr`: the log against the JSON report of the same run, and, where npm's hdr-histogram-js is installed,
against that reference."""
import base64
import collections
import json
import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import harness
from load_peer import Peer, load, site, weir  # pylint: disable=unused-import


def decode(text):
    """The buckets of an interval: index to count."""
    packed = base64.b64decode(text)
    cookie, length = struct.unpack(">II", packed[:8])
    assert cookie == 0x1C849314 and len(packed) == 8 + length
    plain = zlib.decompress(packed[8:])
    cookie, length, shift, digits, lowest, _, ratio = struct.unpack(">IIIIQQd", plain[:40])
    assert (cookie, shift, digits, lowest, ratio) == (0x1C849313, 0, 2, 1, 1.0) and len(plain) == 40 + length
    buckets, index, value, bits = {}, 0, 0, 0
    for byte in plain[40:]:
        value |= (byte & 0x7F if bits < 56 else byte) << bits
        bits += 7
        if byte & 0x80 and bits < 63:
            continue
        count = value >> 1 ^ -(value & 1)
        if count > 0:
            buckets[index] = count
        index += max(1, -count)
        value = bits = 0
    return buckets


def intervals(path):
    """The lines of a log: (tag, begin, length, max, buckets)."""
    lines = path.read_text().splitlines()
    assert re.fullmatch(r"#\[Logged with weir load [\d.]+\]", lines[0])
    assert lines[1] == "#[Histogram log format version 1.3]"
    assert re.fullmatch(r"#\[StartTime: \d{10}\.\d{3} \(seconds since epoch\), \w{3} .* UTC \d{4}\]", lines[2])
    assert re.fullmatch(r"#\[BaseTime: \d{10}\.\d{3} \(seconds since epoch\)\]", lines[3])
    assert lines[4] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    for line in lines[5:]:
        tag, begin, length, most, text = re.fullmatch(
            r"(?:Tag=(\w+),)?([\d.]+),([\d.]+),([\d.]+),([\w+/=]+)", line).groups()
        yield tag, float(begin), float(length), float(most), decode(text)


def sums(log):
    """For each tag: the buckets of all intervals together, and the greatest maximum."""
    all_buckets, most = collections.defaultdict(collections.Counter), collections.defaultdict(float)
    for tag, _, _, greatest, buckets in intervals(log):
        all_buckets[tag].update(buckets)
        most[tag] = max(most[tag], greatest)
    return all_buckets, most


def expect_agreement(log, report):
    all_buckets, most = sums(log)
    for tag, name in ((None, "latency"), ("failed", "failed_latency")):
        times = report[name]
        assert all_buckets[tag] == dict(times["histogram"]["buckets"]), name
        assert abs(most[tag] - times["max_ns"] / 1e6) < 0.001, name


def run(weir, tmp_path, *arguments, expect=0):
    log, out = tmp_path / "run.hlog", tmp_path / "run.json"
    load("--hdr", log, f"--json={out}", *arguments, expect=expect)
    report = json.loads(out.read_text())
    expect_agreement(log, report)
    return log, report


def test_the_log_has_every_latency(weir, tmp_path):
    log, report = run(weir, tmp_path, "-n", 2000, "-c", 4, "-m", 8, weir.url("/"))
    assert report["latency"]["count"] == 2000
    assert sum(sum(buckets.values()) for *_, buckets in intervals(log)) == 2000
    assert {tag for tag, *_ in intervals(log)} == {None}


def test_an_interval_is_a_second(weir, tmp_path):
    log, report = run(weir, tmp_path, "-D", 3, "-r", 100, weir.url("/"))
    rows = list(intervals(log))
    assert len(rows) == len(report["series"]) >= 2
    for (_, begin, length, most, buckets), row in zip(rows, report["series"]):
        assert abs(begin - row["second"]) < 0.001 and abs(length - row["seconds"]) < 0.001
        if row is not report["series"][-1]:
            assert buckets == dict(row["histogram"]["buckets"])
            assert abs(most - row["max_ns"] / 1e6) < 0.001


def test_unfinished_requests_are_in_the_last_interval(tmp_path):
    """A server that stops to answer: latencies are those of requests that still wait at the end."""
    def stall(peer, conn, stream):
        if peer.counts["answered"] < 20:
            conn.answer(stream)
    with Peer(stall) as peer:
        log, report = run(None, tmp_path, "-D", 2, "-r", 50, "-m", 100, peer.url("/"))
    assert report["requests"]["waiting"] > 0
    rows = list(intervals(log))
    assert sum(sum(buckets.values()) for *_, buckets in rows) == report["latency"]["count"]


def test_failed_requests_have_a_tag(weir, tmp_path):
    _, report = run(weir, tmp_path, "-n", 100, weir.url("/"), weir.url("/missing"))
    assert report["failed_latency"]["count"] == report["latency"]["count"] == 50


def test_a_log_that_cannot_be_written(weir):
    for path, why in (("/missing/log", "No such file"), ("/dev/full", "No space left")):
        err = load("--hdr", path, "-n", 10, weir.url("/"), expect=1)
        assert f"cannot write {path}: {why}" in err


# ---- the reference -------------------------------------------------------------------------------


def reference(*arguments):
    """Output of the comparison with hdr-histogram-js; skips the test where that is not installed."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no Node is installed")
    if subprocess.run([node, "-e", "require('hdr-histogram-js')"], capture_output=True, check=False).returncode:
        pytest.skip("Node has no package hdr-histogram-js: npm install it, and set NODE_PATH")
    script = os.path.join(os.path.dirname(__file__), "hdr_reference.mjs")
    done = subprocess.run([node, script, *map(str, arguments)], capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def helper():
    for variant in ("release", "asan"):
        path = os.path.join(harness.ROOT, "build", variant, "tests/helpers", "load_histogram")
        if os.path.exists(path):
            return path
    return pytest.skip("tests/helpers/load_histogram is not built (make helpers)")


def test_a_million_values_as_the_reference_has_them(tmp_path):
    """Percentiles within the resolution, and every count of the log."""
    assert reference("record", helper(), tmp_path / "values.hlog", 1000000) == "1000000 values agree\n"


def test_the_reference_reads_a_run(weir, tmp_path):
    log, report = run(weir, tmp_path, "-n", 500, "-c", 5, weir.url("/"))
    read = [json.loads(line) for line in reference("read", log).splitlines()]
    assert sum(interval["count"] for interval in read) == 500
    assert abs(read[0]["begin_ms"] - report["begin_unix_ns"] / 1e6) <= 1
    assert max(interval["max"] for interval in read) >= report["latency"]["max_ns"]
