"""Service managers: readiness, watchdog, inherited sockets; users; and the replacement of the program under load."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import harness

SIGNAL = signal.SIGRTMIN
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Manager:
    """The socket of a service manager, and what was said to it."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(harness.PATIENCE_SECONDS)
        self.env = {"NOTIFY_SOCKET": self.path}

    def take(self, line):
        """The first message from now on with that line, or one that begins so: its lines by name."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            if any(each.startswith(line) for each in lines):
                return dict(each.split("=", 1) for each in lines)


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.socket.close()


class Load:
    """Requests at a fixed rate, whatever becomes of those before."""

    def __init__(self, url, *options, seconds):
        self.process = subprocess.Popen(
            [harness.binary(), "load", "--quiet", "--json", "-k", "--rate", "100", "--duration", str(seconds),
             "-c", "2", *options, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check(self):
        out, err = self.process.communicate(timeout=harness.PATIENCE_SECONDS)
        report = json.loads(out)
        assert (self.process.returncode, err) == (0, b""), report
        assert report["requests"]["failed"] == 0 and report["requests"]["succeeded"] > 10, report


def end_of(pid):
    """Ends a server that is no child of this process."""
    os.kill(pid, signal.SIGTERM)

    def gone():
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True
    assert harness.wait_until(gone)


def activate(*sockets, names=None, directory="/", env=None, options=()):
    """Starts a server with listening sockets as descriptors from 3 on, as a service manager does."""
    names = [] if names is None else [f"LISTEN_FDNAMES={':'.join(names)}"]
    first = 3
    code = ("import os, sys\n"
            "fds = [int(fd) for fd in sys.argv[1].split(',')]\n"
            f"high = [os.dup2(fd, {first} + 100 + i) for i, fd in enumerate(fds)]\n"
            f"[os.dup2(fd, {first} + i) for i, fd in enumerate(high)]\n"
            "os.environ['LISTEN_PID'] = str(os.getpid())\n"
            "os.environ['LISTEN_FDS'] = str(len(fds))\n"
            "os.execv(sys.argv[2], sys.argv[2:])\n")
    fds = ",".join(str(each.fileno()) for each in sockets)
    command = ["env", *names, "python3", "-c", code, fds, harness.binary(), "serve", "--workers", "2", *options]
    return subprocess.Popen(command, pass_fds=[each.fileno() for each in sockets], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory,
                            env={**os.environ, **(env or {})})


def listen():
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", harness.free_port()))
    made.listen(1024)
    return made


def port_of(listening):
    return listening.getsockname()[1]


def get(port, secure=False):
    client = harness.Client(port, secure)
    try:
        return client.fetch("/plaintext").body
    finally:
        client.close()


# ---- the service manager -------------------------------------------------------------------------


def test_ready_alive_and_stopping(start, manager):
    env = {**manager.env, "WATCHDOG_USEC": "200000"}
    server = start(env=env, workers=2)
    assert "serving with 2 workers" == manager.take("READY=1")["STATUS"]
    for _ in range(3):
        manager.take("WATCHDOG=1")
    server.process.send_signal(signal.SIGTERM)
    assert "draining" in manager.take("STOPPING=1")["STATUS"]
    server.check(server.wait())


def test_reloading(tmp_path, manager):
    """systemd learns of it, whatever comes of it. A program that replaces this one has the addresses of the last
    configuration that was good."""
    first, second = harness.free_port(), harness.free_port()
    config = tmp_path / "weir.yaml"
    config.write_text(f"http: 127.0.0.1:{first}\n")
    process = subprocess.Popen([harness.binary(), "serve", "--config", config], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, **manager.env})
    manager.take("READY=1")
    for text, status in ((f"http: 127.0.0.1:{second}\n", "serving by the configuration"), ("htp: 1\n", "not reloaded")):
        config.write_text(text)
        process.send_signal(signal.SIGHUP)
        assert int(manager.take("RELOADING=1")["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert manager.take("READY=1")["STATUS"].startswith(status)
    assert get(second) == b"Hello, World!" and not harness.listening(first)
    config.write_text(f"http: 127.0.0.1:{second}\n")
    process.send_signal(SIGNAL)
    replacement = int(manager.take("MAINPID=")["MAINPID"])
    assert process.wait(harness.PATIENCE_SECONDS) == 0
    assert get(second) == b"Hello, World!"
    end_of(replacement)


def test_not_ready_before_it_is(tmp_path, manager):
    """What fails is never ready."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", harness.free_port()))
        other.listen()
        status, _, err = harness.run("serve", "--http", f"127.0.0.1:{port_of(other)}", env=manager.env)
    assert status == 1 and "Address already in use" in err
    manager.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.socket.recv(4096)


# ---- inherited sockets ---------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is absent")
def test_started_by_systemd(tmp_path):
    """By name: no option says what to speak where. The server starts with the first connection."""
    plain, secure = harness.free_port(), harness.free_port()
    process = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{plain}", "-l", f"127.0.0.1:{secure}",
                                "--fdname=http:https", harness.binary(), "serve", "--workers", "2"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert harness.wait_until(lambda: harness.listening(plain))
    assert get(plain) == get(secure, True) == b"Hello, World!"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
    assert process.returncode == 0, err


def test_an_option_says_what_to_speak():
    """The names are those of units then, and the default addresses stay closed."""
    with listen() as plain, listen() as secure:
        process = activate(plain, secure, names=["weir.socket", "weir.socket"], options=[
            "--http", f"127.0.0.1:{port_of(plain)}", "--https", f"127.0.0.1:{port_of(secure)}"])
        assert get(port_of(plain)) == get(port_of(secure), True) == b"Hello, World!"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
        assert (process.returncode, err) == (0, b"")
        assert out.count(b"listening on") == 2


@pytest.mark.parametrize("names, words", [(["other"], 'its name is "other", neither "http" nor "https"'),
                                          (None, 'its name is "", neither')])
def test_a_socket_that_nothing_explains(names, words):
    with listen() as plain:
        process = activate(plain, names=names)
        _, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
    assert process.returncode == 1
    assert err.startswith(b"weir serve: descriptor 3, 127.0.0.1:") and words.encode() in err and err.count(b"\n") == 1


def test_descriptors_that_are_no_sockets():
    with open("/dev/null", "rb") as file, socket.socket() as silent, listen() as good:
        for each in (file, silent):
            process = activate(good, each, names=["http", "http"])
            _, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
            assert process.returncode == 1
            assert err == b"weir serve: descriptor 4: not a listening TCP socket\n"


def test_restart_loses_nothing(manager):
    """The sockets stay open while no server runs, and connections wait there."""
    with listen() as plain:
        process = activate(plain, names=["http"], env=manager.env)
        manager.take("READY=1")
        load = Load(f"http://127.0.0.1:{port_of(plain)}/plaintext", seconds=2)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
        assert (process.returncode, err) == (0, b""), out
        process = activate(plain, names=["http"], env=manager.env)
        load.check()
        process.send_signal(signal.SIGTERM)
        assert process.wait(harness.PATIENCE_SECONDS) == 0


# ---- replacement ---------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path):
    """A link to the program, to be pointed elsewhere."""
    link = tmp_path / "weir"
    link.symlink_to(harness.binary())
    return link


def kinds_of_descriptors(pid):
    """Kinds of what is open, such as "socket". Some may close meanwhile."""
    kinds = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds.append(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0])
        except FileNotFoundError:
            pass
    return kinds


def point(link, target):
    new = link.with_suffix(".new")
    new.symlink_to(target)
    new.rename(link)


def test_replaced_under_load(tmp_path, program, manager):
    """Twice, and in between by a program that does not start: the server goes on."""
    plain, secure, metrics = (harness.free_port() for _ in range(3))
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([program, "serve", "--http", f"127.0.0.1:{plain}", "--https", f"127.0.0.1:{secure}",
                                    "--metrics", f"127.0.0.1:{metrics}", "--workers", "2"], env={**os.environ, **manager.env}, stdout=log, stderr=log)
    manager.take("READY=1")
    loads = [Load(f"http://127.0.0.1:{plain}/plaintext", "--requests-per-connection", "10", seconds=3),
             Load(f"http://127.0.0.1:{plain}/plaintext", "--h1", seconds=3),
             Load(f"https://127.0.0.1:{secure}/plaintext", seconds=3)]
    time.sleep(0.5)
    process.send_signal(SIGNAL)
    said = manager.take("MAINPID=")
    second = int(said["MAINPID"])
    assert said["STATUS"] == f"serving as process {second}, which replaced process {process.pid}"
    # A child of the manager, or systemd would kill it at the next stop without a SIGTERM.
    assert status_of(second)["PPid"] == str(os.getpid())
    assert process.wait(harness.PATIENCE_SECONDS) == 0
    bad = tmp_path / "bad"
    bad.write_text("#!/bin/sh\nexit 3\n")
    bad.chmod(0o755)
    point(program, bad)
    os.kill(second, SIGNAL)
    assert manager.take("STATUS=not")["STATUS"] == "not replaced: the new program ended before it was ready"
    program.unlink()
    os.kill(second, SIGNAL)
    assert manager.take("STATUS=not")["STATUS"] == f"not replaced: cannot run {program}: No such file or directory"
    point(program, harness.binary())
    os.kill(second, SIGNAL)
    third = int(manager.take("MAINPID=")["MAINPID"])
    for load in loads:
        load.check()
    assert harness.tool("curl", "-sS", f"http://127.0.0.1:{metrics}/readyz") == b"ready\n"
    assert "pipe" not in kinds_of_descriptors(third)  # by which those before it said that they were ready
    end_of(third)
    assert not harness.listening(plain) and not harness.listening(secure)
    log = (tmp_path / "log").read_text()
    assert not any(words in log for words in harness.SANITIZER_WORDS), log


# ---- users ---------------------------------------------------------------------------------------


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


@root_only
def test_privileges_are_given_up(start):
    """Of all threads, and for good."""
    server = start("--user", "nobody", workers=2)
    nobody = pwd.getpwnam("nobody")
    assert server.get("/plaintext").status == 200
    for task in os.listdir(f"/proc/{server.pid}/task"):
        status = status_of(f"{server.pid}/task/{task}")
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4, status
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4, status
        assert status["Groups"].split() == [str(nobody.pw_gid)], status
        assert status["CapEff"] == status["CapPrm"] == "0" * 16, status
        # Threads that the allocator makes before main() run nothing else.
        assert status["NoNewPrivs"] == "1" or "jemalloc" in status["Name"], status


@root_only
def test_a_user_that_is_replaced():
    """The new program starts as that user: it gets the port from the old one, and can open its log."""
    nobody = pwd.getpwnam("nobody").pw_uid
    with tempfile.TemporaryDirectory() as name:  # nobody cannot enter pytest's
        directory = pathlib.Path(name)
        directory.chmod(0o777)
        manager, log, port = Manager(directory), directory / "log", harness.free_port()
        os.chmod(manager.path, 0o666)
        process = subprocess.Popen([harness.binary(), "serve", "--http", f"127.0.0.1:{port}", "--user", "nobody",
                                    "--access-log", log], env={**os.environ, **manager.env},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        manager.take("READY=1")
        assert log.stat().st_uid == nobody
        process.send_signal(SIGNAL)
        second = int(manager.take("MAINPID=")["MAINPID"])
        assert process.wait(harness.PATIENCE_SECONDS) == 0
        assert get(port) == b"Hello, World!"
        assert status_of(second)["Uid"].split() == [str(nobody)] * 4
        end_of(second)
        manager.socket.close()


@root_only
def test_only_root_can():
    status, _, err = harness.run("serve", "--user", "root", "--http", f"127.0.0.1:{harness.free_port()}",
                                 preexec=lambda: os.setuid(pwd.getpwnam("nobody").pw_uid))
    assert (status, err) == (1, "weir serve: --user root: only root can become another user\n")
