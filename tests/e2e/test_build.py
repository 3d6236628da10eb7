"""The linked release program."""
import os
import subprocess

import pytest

import harness

PROGRAM = os.path.join(harness.ROOT, "build/release/weir")


@pytest.fixture(autouse=True)
def built():
    if not os.path.exists(PROGRAM):
        pytest.skip("build/release/weir is not built (make)")


def test_jemalloc_is_linked():
    dynamic = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True)
    assert "[libjemalloc.so" in dynamic.stdout


def test_jemalloc_configuration_is_in_force():
    """tools/weir.c configures jemalloc. MALLOC_CONF only makes it print the configuration in force."""
    ran = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True,
                         env={**os.environ, "MALLOC_CONF": "stats_print:true"})
    options = ran.stderr.split("\n")
    for option in ("background_thread: true", "dirty_decay_ms: 1000", "muzzy_decay_ms: 0"):
        assert any(line.strip().startswith("opt." + option) for line in options), option
