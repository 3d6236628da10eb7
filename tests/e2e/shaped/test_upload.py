"""50 MB over a long line: 40 Mbit/s with a round trip of 150 ms. It holds eleven times as many bytes as a window of
65,535. With growing windows the whole upload, cold start included, uses as much of the line as TCP alone: 85%, and
90% of it in 100 MB, which `make test-long` sends. bench/upload has longer lines, and takes longer."""
import os
import tempfile

import pytest

import harness
import long_upload
import netlab

reason = netlab.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=reason or "")

KBIT, ROUND_TRIP_MS = 40000, 150
BODY_BYTES, SHARE_MIN = (100_000_000, 0.9) if os.environ.get("WEIR_LONG") else (50_000_000, 0.85)
# The cold start may take that much longer than TCP's, and nothing else may.
LATE_SECONDS = 0.4
FIXED_SECONDS = 4
PROGRAM = os.path.join(harness.ROOT, "build/release/tests/helpers/delay_link")


@pytest.fixture(scope="module")
def line():
    if not os.path.exists(PROGRAM):
        pytest.skip("needs `make helpers`")
    with netlab.LongLab(KBIT, ROUND_TRIP_MS // 2, PROGRAM) as lab:
        yield lab


@pytest.fixture(scope="module")
def body():
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(BODY_BYTES)
        yield file.name


def measured(upload):
    result = long_upload.sound(upload)
    if not result:
        pytest.skip("this machine was too busy to imitate a line, three times")
    return result


@pytest.mark.seconds(300)
def test_auto_fills_the_line(line, body):
    tcp = measured(lambda: long_upload.by_tcp(line, body, BODY_BYTES))
    auto = measured(lambda: long_upload.to_weir(line, harness.binary(), "auto", body))
    assert auto.bytes == BODY_BYTES
    assert auto.share >= SHARE_MIN, (auto, tcp)
    assert auto.seconds <= tcp.seconds + LATE_SECONDS, (auto, tcp)


@pytest.mark.parametrize("flow", ["threshold", "consume", "echo"])
def test_a_fixed_window_does_not(line, body, flow):
    seen = measured(
        lambda: long_upload.to_weir(line, harness.binary(), flow, body, FIXED_SECONDS))
    a_window_each_round_trip = 65535 / (ROUND_TRIP_MS / 1000) / line.bytes_per_second
    # At least half: a window that is refilled when half used may be late by that much.
    # Bytes that have left curl may not have arrived yet.
    assert 0.4 * a_window_each_round_trip < seen.share < 1.1 * a_window_each_round_trip, seen
