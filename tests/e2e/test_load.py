"""Many requests and many connections, with the release build, alone on the machine."""
import json
import os
import re
import resource
import subprocess

import pytest

import harness
from harness import tool

pytestmark = pytest.mark.seconds(200)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("load")
    (root / "root").mkdir()
    (root / "root" / "file.bin").write_bytes(bytes(range(128)))
    with harness.Server(root, root / "root", workers=None) as started:
        yield started


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_h2load(server, secure):
    out = tool("h2load", "-n", "100000", "-c", "100", "-m", "100",
               server.url("/file.bin", secure), seconds=150).decode()
    assert "100000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out
    assert "100000 2xx" in out
    assert re.search(r"space savings", out)
    traffic = re.search(r"\((\d+)\) data", out)
    assert int(traffic.group(1)) == 100_000 * 128, out
    assert server.alive()


def test_ten_thousand_connections(server):
    """All of them are open at once. Each gets an answer to two requests, and is then closed."""
    connections = 10_000
    needed = connections + 1000
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < needed:
        pytest.skip(f"needs {needed} descriptors a process")
    program = os.path.join(harness.ROOT, "build/release/tests/helpers/hold_connections")
    done = subprocess.run([program, str(server.http_port), str(connections), "/file.bin", "128"],
                          capture_output=True, timeout=150, stdin=subprocess.DEVNULL)
    out = done.stdout.decode()
    assert done.returncode == 0, (out, done.stderr.decode())
    assert f"{connections} connections held" in out
    assert f"{2 * connections} responses" in out
    assert server.alive()
    assert harness.wait_until(lambda: server.descriptors() < 100, 30)


def test_weir_load_with_ten_thousand_connections(server):
    connections = 10_000
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < connections + 1000:
        pytest.skip("needs more descriptors a process")
    status, out, err = harness.run("load", "-q", "--json", "-c", str(connections), "-n", str(2 * connections),
                                   server.url("/file.bin"), seconds=150)
    assert status == 0, (out, err)
    report = json.loads(out)
    assert report["requests"]["succeeded"] == 2 * connections, report["requests"]
    assert report["connections"]["opened"] == connections
    assert harness.wait_until(lambda: server.descriptors() < 100, 30)
