"""`weir forward` when the network goes away in the middle of a download: it is noticed within the keepalive, the
session is dialled again, and the next request is answered."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netlab  # noqa: E402
import lost_network  # noqa: E402
import forwarding  # noqa: E402

reason = netlab.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))

KEEPALIVE_SECONDS = 3
# For the rest of a busy machine.
SLACK_SECONDS = 3


@pytest.mark.parametrize("server", ["tunnel", "kubelet"])
@pytest.mark.parametrize("event", lost_network.EVENTS)
def test_lost_network(tmp_path, event, server):
    missing = forwarding.missing_kubelet() if server == "kubelet" else None
    if missing:
        pytest.skip(missing)
    seen = lost_network.lose_network(tmp_path, "forward", server, event, KEEPALIVE_SECONDS, 20)
    assert seen.noticed is not None and seen.noticed < KEEPALIVE_SECONDS + SLACK_SECONDS, seen
    assert seen.answered is not None and seen.answered < 10, seen
    assert "lost" in seen.log, seen.log
