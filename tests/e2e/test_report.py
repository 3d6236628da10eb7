"""`weir report`: results side by side, and results added up."""
import json
import random
import re

import pytest

import harness
from load_results import bucket, histogram, result, write


def report(*arguments, expect=0):
    status, out, err = harness.run("report", *arguments)
    assert status == expect, (status, out, err)
    assert (err == "") == (expect == 0), err
    if expect:
        assert err.startswith("weir report: ") and err.count("\n") == 1, err
    return err if expect in (1, 2) else out


def latencies(count, mean_ns, seed):
    chance = random.Random(seed)
    return [100_000 + int(chance.expovariate(1 / mean_ns)) for _ in range(count)]


@pytest.fixture
def files(tmp_path):
    def make(name, *values, **more):
        return write(tmp_path / name, result(latencies(*values), **more))
    return make


# ---- side by side --------------------------------------------------------------------------------


def row(out, label):
    return re.search(rf"^{re.escape(label)} +(.*?) *$", out, re.M).group(1).split()


def test_two_runs(files):
    a, b = files("a.json", 5000, 1e6, 1), files("b.json", 5000, 1.5e6, 2)
    out = report(a, b)
    assert all(len(line) <= harness.bound("REPORT_LINE_COLUMNS") for line in out.split("\n")), out
    assert "bootstrap intervals of 95% (10000 resamples, seed 1)" in out
    assert re.search(r"^B +p50 +\+\d+us +\+\d\d%  \[\+\d+us, \+\d+us\] slower$", out, re.M), out
    assert re.search(r"^ +p99 +\+[\d.]+ms +\+\d\d%  \[.*\] slower$", out, re.M), out
    assert row(out, "requests") == ["5000", "5000", "="]
    assert row(out, "success/s") == ["500", "500", "="]
    assert row(out, "limited by") == ["none", "none"]
    assert row(out, "failed") == ["0.00%", "0.00%", "="]
    assert report(a, b) == out


def test_a_long_command_is_cut_with_dots(files):
    fits = "weir load " + "x" * 30
    assert f"  {fits}\n" in report(files("a.json", 100, 1e6, 1, command=fits))
    line = next(line for line in report(files("a.json", 100, 1e6, 1, command="x" * 100)).split("\n") if line)
    assert len(line) == harness.bound("REPORT_LINE_COLUMNS") and line.endswith("xxx...")


def test_the_percentiles_are_those_of_the_values(files, tmp_path):
    a = write(tmp_path / "a.json", result([10**6] * 989 + [2 * 10**6] * 10 + [10**9]))
    out = report(a)
    assert "Differences" not in out
    shown = re.match(r"A   (\S+)  weir load", out).group(1)
    assert shown.endswith("a.json") and len(shown) == harness.bound("REPORT_PATH_COLUMNS")
    for label, value in (("min", "1.00ms"), ("p50", "1.00ms"), ("p99", "2.00ms"), ("p99.9", "2.00ms"),
                         ("p99.99", "1.00s"), ("max", "1.00s"), ("mean", "2.01ms")):
        assert row(out, label) == [value], out


def test_the_same_run_twice_shows_no_difference(files):
    a = files("a.json", 1000, 1e6, 1)
    out = report(a, a)
    assert len(re.findall("no difference shown", out)) == 2
    assert not re.search("slower|faster", out)


def test_the_seed_decides(files):
    a, b = files("a.json", 30, 1e6, 1), files("b.json", 30, 1e6, 2)
    first = report(a, b)
    assert report("--seed", "1", a, b) == first
    assert report("--seed", "2", a, b).replace("seed 2", "seed 1") != first


def test_many_runs_in_blocks(files):
    runs = [files(f"{i}.json", 100, 1e6, i) for i in range(30)]
    out = report(*runs)
    assert all(len(line) <= 80 for line in out.split("\n")), out
    heads = re.findall(r"^ {10} +(A .*?) *$", out, re.M)
    assert len(heads[0].split()) == harness.bound("REPORT_COLUMNS_MAX")
    assert [head.split() for head in heads[:2]] == [["A", "B", "C", "D"], ["A", "E", "F", "G"]]
    assert heads[-1].split() == ["A", "R29", "R30"]
    assert len(heads) == 10


def test_notes(files):
    a = files("a.json", 100, 1e6, 1, interrupted=True)
    b = files("b.json", 100, 1e6, 1, limited_by="generator")
    c = files("c.json", 0, 1e6, 1)
    out = report(a, b, c)
    assert "note: A was interrupted\n" in out
    assert "note: B was limited by weir load itself, not by the server\n" in out
    assert "note: C has no latencies\n" in out
    assert re.search(r"^C +has nothing to compare$", out, re.M)


def test_texts_of_a_result_cannot_steer_the_terminal(files):
    a = files("a.json", 100, 1e6, 1, command="weir\x1b[31m load", limited_by="\x1b[2J")
    out = report(a)
    assert "\x1b" not in out and "weir?[31m load" in out


@pytest.mark.parametrize("percent, status", [("5", 3), ("5%", 3), ("60", 0)])
def test_fail_if_slower(files, percent, status):
    a, b = files("a.json", 5000, 1e6, 1), files("b.json", 5000, 1.5e6, 2)
    out = report("--fail-if-slower", percent, a, b, expect=status)
    assert "p99.9" in out
    report("--fail-if-slower", percent, b, a)


# ---- adding up -----------------------------------------------------------------------------------


def test_a_merge_equals_all_samples(tmp_path):
    """Ten results, each with a distribution of its own, against one of all their samples."""
    parts = [latencies(1000 + i, 10 ** (4 + i / 2), i) for i in range(10)]
    everything = [value for part in parts for value in part]
    files = [write(tmp_path / f"{i}.json", result(part)) for i, part in enumerate(parts)]
    merged = json.loads(report("--merge", "--json", "-", *files))
    whole = write(tmp_path / "whole.json", result(everything))
    assert merged["latency"]["histogram"] == histogram(everything)
    everything.sort()
    for name, percent in (("p50_ns", 50), ("p99_ns", 99)):
        exact = everything[-(-len(everything) * percent // 100) - 1]
        assert bucket(merged["latency"][name]) == bucket(exact)
    assert merged["latency"]["count"] == merged["requests"]["done"] == len(everything)
    assert merged["statuses"] == {"200": len(everything)}
    assert merged["options"]["rate"] == 1000
    assert merged["merged"] == 10
    assert report("--merge", *files).split("\n")[3:] == report(whole).split("\n")[3:]


def test_a_merge_is_a_result(files, tmp_path):
    """It can be merged and compared again, and the order does not matter."""
    a, b, c = (files(f"{i}.json", 1000, 1e6, i) for i in range(3))
    first = str(tmp_path / "first.json")
    assert report("--merge", "--json", first, a, b) == ""
    by_steps = json.loads(report("--merge", "--force", "--json", "-", first, c))
    at_once = json.loads(report("--merge", "--json", "-", c, b, a))
    assert by_steps["latency"] == at_once["latency"] and by_steps["requests"] == at_once["requests"]
    report(first, a)


def test_a_merge_replaces_only_sums(files, tmp_path):
    """With its own name left out, the first result would be lost: --json machine-*.json."""
    a, b, c = (files(f"{i}.json", 1000, 1e6, i) for i in range(3))
    before = open(a, encoding="utf-8").read()
    assert "is a result of one machine" in report("--merge", "--json", a, b, c, expect=1)
    assert open(a, encoding="utf-8").read() == before
    for _ in range(2):
        report("--merge", "--json", tmp_path / "sum.json", a, b)


def test_different_options_are_refused(files):
    a = files("a.json", 100, 1e6, 1)
    b = files("b.json", 100, 1e6, 2, options={"urls": ["http://localhost:8080/"], "rate": 200.0, "threads": 1,
                                             "timeout_ns": 30 * 10**9})
    err = report("--merge", a, b, expect=1)
    assert re.search(r'a\.json and .*b\.json differ in "rate": --force', err)
    assert row(report("--merge", "--force", a, b), "requests") == ["200"]


def test_threads_may_differ(files):
    a = files("a.json", 100, 1e6, 1)
    b = files("b.json", 100, 1e6, 2, options={"urls": ["http://localhost:8080/"], "rate": 100.0, "threads": 4,
                                             "timeout_ns": 30 * 10**9})
    assert row(report("--merge", a, b), "requests") == ["200"]


# ---- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("content, words", [
    ("", r"line 1: .*end of file"),
    ("{\n]", r"line 2: "),
    ("[]", "no result of weir load --json"),
    ("{}", "no result of weir load --json"),
    ('{"weir_load": 2}', "a result in form 2; this program knows form 1"),
    ('{"weir_load": 1}', "the histogram of latencies is missing or wrong"),
    ('{"weir_load": 1, "latency": {"histogram": {"count": 5}}}', "the histogram of latencies is missing or wrong"),
    ('{"weir_load": 1, "weir_load": 1}', "duplicate"),
])
def test_wrong_files(tmp_path, content, words):
    path = tmp_path / "wrong.json"
    path.write_text(content)
    for merge in ([], ["--merge"]):
        err = report(*merge, path, expect=1)
        assert re.search(rf"wrong\.json: .*{words}", err), err


def test_no_such_file(files, tmp_path):
    a = files("a.json", 100, 1e6, 1)
    assert "missing.json: cannot read it: No such file" in report(a, tmp_path / "missing.json", expect=1)
    assert "cannot write /dev/full: No space" in report("--merge", "--json", "/dev/full", a, expect=1)


@pytest.mark.parametrize("arguments, words", [
    ([], "no result given"),
    (["--json", "x", "a"], "--json needs --merge"),
    (["--force", "a"], "--force needs --merge"),
    (["--html", "a.json", "b.json"], "expected the page's own name"),
    (["--merge", "--fail-if-slower", "5", "a", "b"], "exclude each other"),
    (["--json", "", "--merge", "a"], "expected the name of a file"),
    (["--html", "", "a"], "expected the name of a file"),
    (["--seed", "4294967296", "a"], "expected a number from 0 to 4294967295"),
    (["--fail-if-slower", "5", "a"], "needs two results"),
    (["--fail-if-slower", "-5", "a", "b"], "expected a percentage"),
    (["--fail-if-slower", "5x", "a", "b"], "expected a percentage"),
    (["--seed", "x", "a"], "expected a number"),
    (["a"] * (harness.bound("REPORT_FILES_MAX") + 1), "more than 1024 results"),
])
def test_wrong_command_lines(arguments, words):
    assert words in report(*arguments, expect=2)
