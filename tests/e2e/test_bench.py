"""The scripts of bench/: what they read, count and draw. They measure nothing here."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree

import pytest

import harness

BENCH = os.path.join(harness.ROOT, "bench")
sys.path.insert(0, BENCH)
import chart  # noqa: E402
import idle  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(BENCH, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


compare, growth = script("compare"), script("growth")


# ---- reading and counting ------------------------------------------------------------------------


@pytest.mark.parametrize("values, median, spread", [([5], 5, 0), ([4, 2, 3], 3, 1 / 3), ([1, 2, 3, 4], 2.5, 0.6)])
def test_a_figure_is_the_median_with_half_of_the_range(values, median, spread):
    figure = measure.figure_of(values)
    assert figure.median == median and figure.spread() == pytest.approx(spread)


@pytest.mark.parametrize("value, text", [(1234567, "1,230,000"), (99960, "100,000"), (1000, "1,000"), (999.6, "1000"),
                                         (12.34, "12.3"), (1.234, "1.23")])
def test_three_digits_are_shown(value, text):
    assert measure.rounded(value) == text


def test_what_opens_connections_is_not_counted():
    assert measure.rate_of(1000, 0.5, 16, None) == 2000
    assert measure.rate_of(1016, 0.6, 16, 0.1) == pytest.approx(2000)
    assert measure.rate_of(1016, 0.1, 16, 0.2) == pytest.approx(100000)  # what another minute opened in is no rate


def server(opening, each, startup):
    """Runs of a server that takes so many seconds to open all connections, and for each request."""
    return lambda count: {"per_cpu_second": count / (opening + each * count),
                          "per_wall_second": count / (startup + opening + each * count)}


@pytest.mark.parametrize("opening, each", [(0.18, 2e-6), (0.011, 7e-6), (0.0003, 1e-6), (0.0003, 5e-5)])
def test_requests_fill_the_time_and_outweigh_what_opens_their_connections(opening, each):
    work = measure.Work("", "https", 256, 10)
    count = compare.enough(server(opening, each, 0.02), work, 0.3, opening)
    assert count * each >= 1.7 * opening and 0.19 <= 0.02 + opening + count * each <= 4 * (0.3 + opening)


def test_opening_is_the_median_of_three_runs_of_a_request_a_connection():
    rates = iter([100, 10, 1])
    opening = compare.opening_of(lambda count: {"per_cpu_second": count * next(rates)}, measure.Work("", "http", 16, 8))
    assert opening == pytest.approx(0.1)
    assert compare.opening_of(None, measure.Work("", "https", 16, 1, fresh=True)) is None


H2LOAD = """finished in 1.02s, 98039.00 req/s, 14.71MB/s
requests: 100000 total, 100000 started, 100000 done, 99998 succeeded, 2 failed, 0 errored, 0 timeout
traffic: 15.00MB (15728640) total, 0.50MB (524288) headers (space savings 95.00%), 12.21MB (12799744) data
"""


def test_h2load_is_read():
    assert measure.read_h2load(H2LOAD) == {"succeeded": 99998, "body_bytes": 12799744}
    assert measure.read_h2load("could not connect") is None


def test_weir_load_is_read():
    text = '{"requests": {"succeeded": 7}, "bytes": {"data": 896}, "latency": {"p50_ns": 1500, "p99_ns": 2000, ' \
           '"p99_9_ns": 3000}}'
    assert measure.read_weir_load(text) == {"succeeded": 7, "body_bytes": 896, "p50": 1.5, "p99": 2, "p99_9": 3}
    assert measure.read_weir_load("") is None and measure.read_weir_load("{}") is None


def test_cpu_and_memory_of_this_process_and_its_children():
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        assert measure.processes_of(os.getpid())[0] == os.getpid()
        assert child.pid in measure.processes_of(os.getpid())
        assert measure.resident_bytes(os.getpid()) > measure.resident_bytes(child.pid) > 0
        before = measure.cpu_seconds(os.getpid())
        sum(range(3_000_000))
        assert measure.cpu_seconds(os.getpid()) > before
    finally:
        child.communicate()


# ---- the command line ----------------------------------------------------------------------------


def test_a_quick_run_is_short():
    quick, whole = compare.read_options(["--quick"]), compare.read_options([])
    assert (quick.rounds, quick.seconds, quick.only) == (1, 0.2, list(compare.QUICK))
    assert (whole.rounds, whole.seconds) == (3, 0.5) and set(whole.only) == {*compare.IDLE, *compare.WORKS, "hpack"}
    assert compare.read_options(["--quick", "--rounds", "3", "--only", "tls,idle"]).only == ["tls", "idle"]


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--servers", "weir,apache"], ["--rounds", "x"]])
def test_wrong_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        compare.read_options(arguments)
    assert refused.value.code == 2 and arguments[1].split(",")[-1] in capsys.readouterr().err


def test_servers_that_are_missing_are_left_out(monkeypatch, capsys):
    monkeypatch.setattr(peers.shutil, "which", lambda name: None if name == "nginx" else "/bin/" + name)
    assert peers.present(["weir", "h2o", "nginx"]) == ["weir", "h2o"]
    assert "left out: nginx" in capsys.readouterr().err


# ---- connections that stay open ------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("active", [False, True])
def test_a_held_connection_has_its_answer(tmp_path, secure, active):
    with harness.Server(tmp_path) as server:
        context = idle.client_context() if secure else None
        end = idle.open_one(server.https_port if secure else server.http_port, "/plaintext", context, active)
        end.close()


# ---- the report ----------------------------------------------------------------------------------


def runs(*rates):
    return [{"per_cpu_second": rate, "per_wall_second": rate, "cpu_share": 1, "p50": 100, "p99": 200, "p99_9": 300}
            for rate in rates]


@pytest.fixture
def result():
    works = compare.WORKS
    return {"commit": "abc", "kernel": "6.18", "cpu": "<CPU> & co", "cores": 2, "h2load": "h2load 1", "rounds": 3,
            "seconds": 1, "versions": {"h2o": "2.2.5"}, "configurations": {"weir": "weir serve", "h2o": "listen: 1"},
            "rows": {"plain": {"work": works["plain"]._asdict(),
                               "runs": {"h2load": {"weir": runs(1000, 3000, 2000), "h2o": runs(1000, 1000, 500),
                                                   "ceiling": runs(4000, 4000, 5000)},
                                        "weir load": {"weir": runs(2000), "h2o": runs(500), "ceiling": runs(8000)}}},
                     "handshake": {"work": works["handshake"]._asdict(),
                                   "runs": {"weir load": {"weir": runs(2500)}}}},
            "idle": {"idle": {"weir": [4321.5], "h2o": [3000]}},
            "hpack": {"nghttp2's": {"weir": [20], "nghttpd": [80]}}}


def test_the_table(result):
    text = compare.markdown(result)
    assert "| 128 B, 16 x 32 | h2load | 2,000 ±50% | 1,000 ±25% | 2.00 | 4,000 | 4.00 | 50% |" in text
    assert "| 128 B, 16 x 32 | weir load | 2,000 | 500 | 4.00 | 8,000 | 16.00 | 25% |" in text
    assert "| full TLS handshake and a request | weir load | 400 us |  |  |  |  |" in text
    assert "| idle connection, bytes |  | 4,322 | 3,000 |" in text
    assert "| 128 B, 16 x 32 | 100 / 200 / 300 | 100 / 200 / 300 |" in text
    assert "h2o 2.2.5 |" in text and "listen: 1" in text


def test_files_are_merged(result, tmp_path):
    for name in ("plain", "handshake"):
        part = {**result, "rows": {name: result["rows"][name]}}
        (tmp_path / f"{name}.json").write_text(compare.json.dumps(part))
    both = compare.merged([tmp_path / "handshake.json", tmp_path / "plain.json"])
    assert list(both["rows"]) == ["plain", "handshake"]


def elements(svg, kind):
    return xml.etree.ElementTree.fromstring(svg).findall(f".//{{http://www.w3.org/2000/svg}}{kind}")


def test_the_chart_of_bars(result):
    svg = compare.svg(result)
    assert [rect.get("width") for rect in elements(svg, "rect")][:2] == ["105.0", "52.5"]  # of 210, for the ceiling
    assert "<CPU> & co" in " ".join(text.text for text in elements(svg, "text"))


@pytest.mark.parametrize("highest, ticks", [(1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (7, [0, 2, 4, 6, 8]),
                                            (2300, [0, 500, 1000, 1500, 2000, 2500])])
def test_ticks_are_round(highest, ticks):
    assert chart.linear_ticks(highest) == pytest.approx(ticks)


def test_the_chart_of_lines():
    svg = chart.plots("Growth", [], [chart.Plot("a", "connections", "ns", {"weir": [(1, 10), (10, 20), (100, 5)]})])
    line = elements(svg, "polyline")[0].get("points").split()
    across = [float(point.split(",")[0]) for point in line]
    assert len(line) == 3 and across[1] - across[0] == pytest.approx(across[2] - across[1])


def test_the_report_of_growth():
    result = {"commit": "abc", "kernel": "6.18", "cpu": "CPU", "cores": 2, "rounds": 3, "servers": ["weir", "h2o"],
              "connections": {"weir": [[1, 15000.4], [10, 6000]], "h2o": [[1, 20000]]},
              "memory": {"idle": {"weir": [[100, 4000]], "h2o": [[100, 3000]]}}, "start": {"weir": [[1, 12], [8, 14]]},
              "workers": {"one worker": [700, 720, 800], "two workers": [900]}}
    text, svg = growth.markdown(result), growth.svg(result)
    assert "| ns | 1 | 10 |\n| --- | --- | --- |\n| weir | 15,000 | 6,000 |\n| h2o | 20,000 |  |" in text
    assert "Memory of a connection: h2o" in text and "one worker 720 ns, two workers 900 ns" in text
    assert len(elements(svg, "polyline")) == 5


def test_growth_knows_its_parts(capsys):
    assert growth.read_options(["--only", "start,memory"]).only == ["start", "memory"]
    with pytest.raises(SystemExit):
        growth.read_options(["--only", "starts"])
    assert "connections, streams, memory, start, workers" in capsys.readouterr().err
