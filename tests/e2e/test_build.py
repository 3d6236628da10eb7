"""The linked release program, and what installs the packages that building needs."""
import os
import subprocess

import pytest

import harness

PROGRAM = os.path.join(harness.ROOT, "build/release/weir")


@pytest.fixture
def built():
    if not os.path.exists(PROGRAM):
        pytest.skip("build/release/weir is not built (make)")


def test_ipsec_mb_is_left_out_where_it_is_absent():
    """A compiler that finds no headers stands for a system without it."""
    made = harness.tool("make", "-C", harness.ROOT, "-n", "-p", "help", "CC=gcc -nostdinc").decode()
    assert "\nIPSEC_MB := \n" in made or "\nIPSEC_MB :=\n" in made


def test_jemalloc_is_linked(built):
    dynamic = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True)
    assert "[libjemalloc.so" in dynamic.stdout


def test_jemalloc_configuration_is_in_force(built):
    """tools/weir.c configures jemalloc. MALLOC_CONF only makes it print the configuration in force."""
    ran = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True,
                         env={**os.environ, "MALLOC_CONF": "stats_print:true"})
    options = ran.stderr.split("\n")
    for option in ("background_thread: true", "dirty_decay_ms: 1000", "muzzy_decay_ms: 0"):
        assert any(line.strip().startswith("opt." + option) for line in options), option


def test_a_worker_maps_what_it_uses(built, tmp_path, monkeypatch):
    """Mapped memory counts where address space is limited. A worker with TLS once took 4.5 GiB of it."""
    monkeypatch.setenv("WEIR", PROGRAM)
    mapped = []
    for workers in (1, 3):
        with harness.Server(tmp_path, workers=workers) as server:
            with open(f"/proc/{server.pid}/status") as status:
                mapped.append(next(int(line.split()[1]) for line in status if line.startswith("VmSize:")))
    assert (mapped[1] - mapped[0]) / 2 < 256 << 10, mapped  # KiB


def test_packages_wait_for_another_apt(tmp_path):
    """Another apt holds the lock for two updates' time, and may hold it again when packages are installed."""
    log = tmp_path / "log"
    fakes = {
        "dpkg-query": "exit 1",  # nothing is installed
        "sleep": "exit 0",
        "sudo": 'exec "$@"',
        "apt-get": f'echo "$@" >> {log}\n'
                   f'[ "$1" = install ] || [ "$(grep -c update {log})" -gt 2 ] && exit 0\n'
                   'echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1"\nexit 100'}
    for name, script in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run([os.path.join(harness.ROOT, "tools/deps.sh"), "build"], check=True, capture_output=True,
                   env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, timeout=30)
    calls = log.read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["update"] * 3 + ["install"]
    assert "DPkg::Lock::Timeout=600" in calls[3] and "gcc" in calls[3].split()
