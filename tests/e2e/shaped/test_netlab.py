"""What is left of a lab when its process ends early: nothing, or nothing for long."""
import os
import signal
import subprocess
import sys

import netlab
import pytest

REASON = netlab.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

PROGRAM = """
import time
import netlab
netlab.end_on_signals()
with netlab.Lab(kbit=1000) as lab:
    sleeper = lab.server.popen(["sleep", "60"])
    while b"sleep" not in lab.server.run(["sh", "-c", f"cat /proc/{sleeper.pid}/comm"]):
        time.sleep(0.01)
    print(sleeper.pid, flush=True)
    time.sleep(60)
"""


def begin():
    """A process in a lab, and the process that it started there."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True,
                               cwd=os.path.dirname(os.path.abspath(__file__)))
    return process, int(process.stdout.readline())


def spaces_of(pid):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line[5:].startswith(f"{pid}-")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_removes_the_lab(number):
    process, sleeper = begin()
    assert len(spaces_of(process.pid)) == 2
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert not spaces_of(process.pid)
    assert not os.path.exists(f"/proc/{sleeper}")


def test_leftovers_are_swept():
    process, _ = begin()
    process.kill()
    process.wait()
    assert len(spaces_of(process.pid)) == 2
    with subprocess.Popen(["sleep", "60"]) as other:  # of a lab that is in use
        netlab.ip("netns", "add", f"weirs{other.pid}-1")
        netlab.sweep()
        assert len(spaces_of(other.pid)) == 1
        netlab.ip("netns", "del", f"weirs{other.pid}-1")
        other.kill()
    assert not spaces_of(process.pid)
