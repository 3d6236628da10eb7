"""A forwarded port over a long line, 20 Mbit/s with a round trip of 200 ms. It holds eight times as many bytes as SPDY's
initial window, and half of PIPE_STREAM_WINDOW_BYTES: both ways fill most of it, cold start included."""
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forwarding  # noqa: E402
import harness  # noqa: E402
import netlab  # noqa: E402

reason = netlab.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))

KBIT, ROUND_TRIP_MS = 20000, 200
BODY_BYTES = 15_000_000  # six seconds of the line
SHARE_MIN = 0.6  # a window of 64 KiB reaches 13%
SERVER_PORT, TARGET_PORT, LOCAL_PORT = 7443, 8080, 9090
PROGRAM = os.path.join(harness.ROOT, "build/release/tests/helpers/delay_link")


def test_window():
    """The streams' windows, and that of their session, hold more than the line does."""
    assert harness.bound("PIPE_STREAM_WINDOW_BYTES") > KBIT * 1000 // 8 * ROUND_TRIP_MS // 1000
    assert harness.bound("PIPE_SESSION_WINDOW_BYTES") >= 16 * harness.bound("PIPE_STREAM_WINDOW_BYTES")


def share(lab, verb):
    """Of the line, which one transfer used; None when the line itself was late."""
    lab.account()
    began = time.monotonic()
    lab.client.run([sys.executable, forwarding.PEER, verb, "127.0.0.1", LOCAL_PORT, f"/bytes/{BODY_BYTES}"], seconds=100)
    used = BODY_BYTES / (time.monotonic() - began) / lab.bytes_per_second
    print(f"{verb}: {used:.1%}")
    return used if lab.account()["sound"] else None


@pytest.mark.seconds(300)
@pytest.mark.parametrize("form", [[], ["--no-websocket"]], ids=["WebSocket", "SPDY"])
def test_long_line(tmp_path, form):
    if not os.path.exists(PROGRAM):
        pytest.skip("needs `make helpers`")
    with netlab.LongLab(KBIT, ROUND_TRIP_MS // 2, PROGRAM) as lab:
        processes = [forwarding.target(tmp_path, TARGET_PORT, space=lab.server),
                     forwarding.tunnel(tmp_path, SERVER_PORT, "127.0.0.1", address=netlab.SERVER_ADDRESS,
                                       space=lab.server)]
        config = forwarding.kubeconfig(tmp_path, f"http://{netlab.SERVER_ADDRESS}:{SERVER_PORT}")
        processes.append(forwarding.forward(tmp_path, config, LOCAL_PORT, TARGET_PORT, *form, space=lab.client))
        try:
            for verb in ("get", "put"):
                used = next((used for _ in range(3) if (used := share(lab, verb)) is not None), None)
                if used is None:
                    pytest.skip("this machine was too busy to imitate a line, three times")
                assert used > SHARE_MIN, verb
        finally:
            for process in processes:
                process.kill()
