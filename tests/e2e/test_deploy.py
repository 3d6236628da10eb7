"""tools/deploy: one load from several machines, and --start-at, by which they begin together."""
import json
import os
import re
import subprocess
import time

import pytest

import harness
from load_peer import load, measured, site, weir  # pylint: disable=unused-import

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
DEPLOY = os.path.join(harness.ROOT, "tools/deploy")


def job():
    with open(os.path.join(DEPLOY, "load-job.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


# ---- --start-at ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["+{0}s", "{1:.3f}", "{2}"])
def test_a_run_begins_when_it_should(weir, form):
    at = time.time() + 2
    text = form.format(2, at, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at + 1)))
    report = measured("--start-at", text, "-n", 10, weir.url("/"))
    begin = report["begin_unix_ns"] / 1e9
    wanted = report["options"]["start_unix_ns"] / 1e9
    assert abs(wanted - at) <= 1.5
    assert wanted <= begin + 0.001 and begin < wanted + 5


@pytest.mark.parametrize("text, status, words", [
    ("later", 2, "expected a time, such as"),
    ("2026-02-30T00:00:00Z", 2, "expected a time, such as"),
    ("1000000000", 1, r"that time was \d+\.\d+ seconds ago"),
    (lambda: str(int(time.time()) + harness.bound("LOAD_START_AHEAD_SECONDS") + 60), 1, "more than a day ahead"),
])
def test_other_times(text, status, words):
    text = text() if callable(text) else text
    assert re.search(words, load("--start-at", text, "http://127.0.0.1:1/", expect=status))


# ---- Kubernetes ----------------------------------------------------------------------------------


def test_the_job_is_what_kubernetes_wants():
    made = job()
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
    spec = made["spec"]
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"] > 1
    assert spec["backoffLimit"] == 0
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    selector = pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert selector == {"job-name": made["metadata"]["name"]}  # the label that the Job gives its pods
    (container,) = pod["containers"]
    assert container["securityContext"]["seccompProfile"] == {"type": "Unconfined"}
    assert "cpu" not in container["resources"]["limits"]


def test_what_a_pod_runs(weir):
    """Its arguments, with another URL and shorter."""
    (container,) = job()["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["weir"]
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    given = container["args"]
    assert given[-1].startswith("https://") and "--start-at=START" in given and "--duration=60" in given
    arguments = [word.replace("START", start).replace("=60", "=1") for word in given[:-1]]
    status, out, err = harness.run(*arguments, weir.url("/"))
    assert (status, err) == (0, "")
    assert json.loads(out)["requests"]["succeeded"] > 400


# ---- ssh -----------------------------------------------------------------------------------------

# Runs the command here. Its first argument is the host.
SSH = """#!/bin/sh
[ "$1" != lost ] || { echo "ssh: connect to host lost port 22: Connection refused" >&2; exit 255; }
echo "$1" >> "$HOSTS"
shift
exec sh -c "$*"
"""


@pytest.fixture
def over_ssh(tmp_path):
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)

    def run(hosts, *arguments):
        environment = {**os.environ, "SSH": str(ssh), "WEIR": harness.binary(), "START_IN": "3",
                       "HOSTS": str(tmp_path / "hosts")}
        done = subprocess.run([os.path.join(DEPLOY, "load-ssh"), tmp_path / "all.json", hosts, *map(str, arguments)],
                              env=environment, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    return run


def test_several_machines_over_ssh(weir, over_ssh, tmp_path):
    status, out, err = over_ssh("one two three", "-n", 50, "-c", 2, "-H", "x-note: it's \"quoted\" $HOME", weir.url("/"))
    assert (status, err) == (0, "")
    assert sorted((tmp_path / "hosts").read_text().split()) == ["one", "three", "two"]
    merged = json.loads((tmp_path / "all.json").read_text())
    assert merged["merged"] == 3 and merged["requests"]["succeeded"] == 150
    assert merged["latency"]["histogram"]["count"] == 150
    assert merged["options"]["header"] == ["x-note: it's \"quoted\" $HOME"]
    assert re.search(r"^requests +150$", out, re.M)


def test_a_machine_that_is_lost(weir, over_ssh, tmp_path):
    status, _, err = over_ssh("one lost", "-n", 10, weir.url("/"))
    assert status == 1
    assert "load-ssh: lost: status 255\n" in err and "lost: ssh: connect to host lost" in err
    assert not (tmp_path / "all.json").exists()


def test_how_load_ssh_is_used(over_ssh):
    status, out, err = over_ssh("one")
    assert (status, out) == (2, "") and err.startswith("load-ssh OUT.json 'HOST HOST...' OPTION...")
