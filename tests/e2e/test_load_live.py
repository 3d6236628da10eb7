"""The live display of `weir load` on a terminal."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import harness
from load_peer import site, weir

HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


class Terminal:
    """A run of `weir load` whose standard error is a terminal. Standard output goes to a pipe."""

    def __init__(self, *arguments, columns=80, **environment):
        self.end, other = pty.openpty()
        self.resize(columns)
        variables = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}
        self.process = subprocess.Popen(
            [harness.binary(), "load", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=other, env=variables, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(other, termios.TIOCSCTTY, 0))
        os.close(other)
        self.seen = b""

    def resize(self, columns):
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self):
        try:
            data = os.read(self.end, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += data
        return bool(data)

    def read_until(self, pattern, seconds=30):
        """Reads until what comes from now on has the pattern."""
        before, began = len(self.seen), time.monotonic()
        while not re.search(pattern, self.seen[before:]):
            assert time.monotonic() - began < seconds and self.read(), self.seen[before:]
        return self.seen[before:]

    def finish(self):
        """The exit status, and standard output."""
        while self.read():
            pass
        out = self.process.stdout.read().decode()
        os.close(self.end)
        return self.process.wait(30), out


def widths(data):
    """The columns of each line that was drawn."""
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", data.decode())
    return [len(line) for line in text.replace("\r", "").split("\n")]


def cleaned_up(terminal):
    """The cursor is shown again, and the last thing was to erase the display."""
    assert terminal.seen.count(HIDE) == 1 == terminal.seen.count(SHOW), terminal.seen
    assert terminal.seen.endswith(b"\x1b[J" + SHOW), terminal.seen[-200:]


def test_display(weir):
    terminal = Terminal("-D", "2500ms", "-r", 200, "-c", 3, "-m", 2, weir.url("/"), NO_COLOR="1")
    frame = terminal.read_until(rb"(?s)p50 \d.*woke late p99 ").decode()
    for words in ("3 connections of 2 streams", "s left", " of 200/s ", "p99 ", " done ", " backlog ", "█"):
        assert words in frame, (words, frame)
    status, out = terminal.finish()
    assert status == 0 and "requests succeeded" in out
    assert max(widths(terminal.seen)) <= 80
    cleaned_up(terminal)


def test_narrower(weir):
    """A terminal that shrinks gets narrower lines at once."""
    terminal = Terminal("-D", "60", "-c", 3, weir.url("/"))
    terminal.read_until(rb"woke late p99")
    terminal.resize(40)
    terminal.read_until(rb"weir load .*\n")  # maybe one that was under way
    after = terminal.read_until(rb"weir load .*\n(.*\n){6}.*weir load ")
    assert max(widths(after)) <= 40, after
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish()[0] == 0
    cleaned_up(terminal)


def test_ends_clean_after_a_signal(weir):
    for number in (signal.SIGINT, signal.SIGTERM):
        terminal = Terminal("-D", "60", "-c", 3, weir.url("/"))
        terminal.read_until(rb"woke late p99")
        terminal.process.send_signal(number)
        status, out = terminal.finish()
        assert status == 0 and "INTERRUPTED: " in out
        cleaned_up(terminal)


def test_ctrl_c(weir):
    terminal = Terminal("-D", "60", "-c", 3, weir.url("/"))
    terminal.read_until(rb"woke late p99")
    os.write(terminal.end, b"\x03")
    status, out = terminal.finish()
    assert status == 0 and "INTERRUPTED: " in out


def test_closed_terminal(weir):
    """It ends the run, and what was measured is reported."""
    terminal = Terminal("-D", "60", "-c", 3, weir.url("/"))
    terminal.read_until(rb"woke late p99")
    os.close(terminal.end)
    assert terminal.process.wait(30) == 0
    assert "INTERRUPTED: " in terminal.process.stdout.read().decode()


def test_nobody_listens():
    """The reason comes after the display has gone."""
    terminal = Terminal("-D", "1", f"http://127.0.0.1:{harness.free_port()}/")
    status, out = terminal.finish()
    assert status == 1 and out == ""
    assert terminal.seen.split(SHOW)[-1].startswith(b"weir load: cannot connect to ")


def test_colors(weir):
    for variables, colored in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        terminal = Terminal("-D", "60", weir.url("/"), **variables)
        terminal.read_until(rb"woke late p99")
        terminal.process.send_signal(signal.SIGINT)
        terminal.finish()
        assert (b"\x1b[0m" in terminal.seen) == colored


def test_other_terminals(weir):
    """A dumb one gets lines, and --quiet means nothing at all."""
    terminal = Terminal("-D", "1500ms", weir.url("/"), TERM="dumb")
    assert terminal.finish()[0] == 0
    assert re.fullmatch(rb"   1 s: \S+/s, p50 .* late\r\n", terminal.seen), terminal.seen
    terminal = Terminal("-q", "-D", "1500ms", weir.url("/"))
    assert terminal.finish()[0] == 0 and terminal.seen == b""


def test_stopped_terminal(weir):
    """Ctrl-S stops the terminal, not the run."""
    terminal = Terminal("-D", "3", "-c", 2, weir.url("/"))
    terminal.read_until(rb"woke late p99")
    os.write(terminal.end, b"\x13")
    assert terminal.process.wait(30) == 0
    assert "requests succeeded in 3" in terminal.process.stdout.read().decode()


def test_report_so_far(weir):
    """SIGHUP prints a report within a second or two, and the run goes on."""
    process = subprocess.Popen([harness.binary(), "load", "-D", "60", "-r", "200", "-t", "2", "-c", "2", weir.url("/")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = iter(process.stderr.readline, "")
    assert " s: " in next(lines)
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        verdict = next(line for line in lines if line.startswith("SO FAR: "))
        assert int(re.search(r"SO FAR: (\d+) of", verdict).group(1)) > 50
        assert any(re.match(r"latency  ( +[\d.]+[mu]?s){9}$", line) for line in lines)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "INTERRUPTED: " in out and "SO FAR" not in out
