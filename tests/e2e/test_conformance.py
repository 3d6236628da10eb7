"""The cases of tests/spec/spec_suite.c against `weir serve` over real sockets (tests/helpers/suite_peer.c)."""
import os
import subprocess

import pytest

import harness


def suite_program():
    for variant in ("asan", "release"):
        path = os.path.join(harness.ROOT, "build", variant, "tests/helpers", "suite_peer")
        if os.path.exists(path):
            return path
    pytest.skip("tests/helpers/suite_peer is not built (make helpers)")


@pytest.mark.parametrize("workers", [1, 2])
def test_suite(start, workers):
    server = start(workers=workers)
    done = subprocess.run([suite_program(), str(server.http_port)], capture_output=True,
                          timeout=4 * harness.PATIENCE_SECONDS)
    out = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, out
    assert ", 0 failed" in out
    assert server.alive()
