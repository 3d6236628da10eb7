"""Wrong command lines and wrong environments. Each gives one line on stderr that names the cause. The exit status
is 2 for the command line, 1 for the rest."""
import glob
import os
import re
import socket
import subprocess
import threading

import pytest

import harness
from harness import free_port, run, tool


def refused(status, *arguments, names, **how):
    code, out, err = run(*arguments, **how)
    assert code == status, (code, out, err)
    lines = err.strip().split("\n")
    assert len(lines) == 1, err
    for name in [names] if isinstance(names, str) else names:
        assert re.search(name, err), err
    return err


def here(*more):
    """A serve command that would work without `more`."""
    return ("serve", "--http", f"127.0.0.1:{free_port()}", "--https", f"127.0.0.1:{free_port()}",
            "--workers", "1", *more)


COMMANDS = ("serve", "load", "report", "trace", "forward", "tunnel")


def test_help():
    for arguments in (["help"], ["--help"], ["-h"]):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "") and all(f"  {name}" in out for name in COMMANDS), out
    for name in COMMANDS:
        code, out, err = run(name, "--help")
        assert (code, err) == (0, "") and out.startswith(f"Usage: weir {name} "), (code, err)
        assert run("help", name) == run(name, "-h") == (code, out, err)
        assert "-h, --help" in out and "-V, --version" in out
        assert all(len(line) <= 90 for line in out.split("\n"))


def test_help_lists_every_option():
    """Help and manual have every long option that the parser knows, except a few synonyms."""
    synonyms = {"connections", "streams", "window-cap"}
    for name in COMMANDS:
        known = set()
        for path in glob.glob(os.path.join(harness.ROOT, "tools", name, "options*.c")):
            with open(path) as source:
                known |= set(re.findall(r'^ +\{"([a-z0-9-]+)", (?:\w+_argument|0|\'\w\'),',
                                        source.read(), re.M))
        if name == "serve":  # most of its options are keys of configuration files
            known |= serve_keys()
        listed = set(re.findall(r"--([a-z0-9-]+)", run(name, "--help")[1]))
        if name == "load":  # those that are only refused, with what to use instead
            pages = run(name, "--help=h2load")[1] + run(name, "--help=others")[1]
            known -= set(re.findall(r"--([a-z0-9-]+)", pages)) - listed
        assert {"help", "version"} <= known
        assert known - listed <= (synonyms if name == "load" else set())
        assert listed & known <= manual()


def serve_keys():
    """The options of the table of keys: a flag that is on unless said otherwise is switched off by one."""
    with open(os.path.join(harness.ROOT, "tools/serve/config/table.c")) as source:
        rows = source.read().split("{.name = ")[1:]
    names = [re.search(r'\.option = "([a-z0-9-]+)"', row) or re.match(r'"([a-z0-9-]+)"', row) for row in rows]
    off = ["no-" * ('.standard = "true"' in row) for row in rows]
    assert len(rows) > 30
    return {no + name.group(1) for no, name in zip(off, names)}


def manual():
    """The long options that the manual page explains."""
    with open(os.path.join(harness.ROOT, "tools/weir.1")) as page:
        return set(re.findall(r"--([a-z0-9-]+)", page.read().replace("\\-", "-")))


def test_version():
    for arguments in (["version"], *([*command, option] for command in ([], *([c] for c in COMMANDS))
                                     for option in ("--version", "-V"))):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "") and re.fullmatch(r"weir \d+\.\d+\.\d+\n", out), (arguments, out)


@pytest.mark.parametrize("arguments", [
    ["--help"], ["--version"], ["help", "trace"], ["serve", "--help"], ["serve", "--version"],
    ["trace", "--help"], ["load", "--help"], ["load", "--version"], ["trace", "-V"], ["version"]])
def test_output_that_cannot_be_written(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([harness.binary(), *arguments], stdout=full, stderr=subprocess.PIPE,
                              timeout=harness.PATIENCE_SECONDS, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rb"weir[a-z ]*: cannot write to standard output: .*\n", done.stderr)


@pytest.mark.parametrize("arguments, names", [
    ([], ""), (["no-such-command"], "no-such-command"),
    (["help", "no-such-command"], "no-such-command"),
    (["serve", "--no-such-option"], "--no-such-option"),
    (["serve", "--workers"], "--workers"), (["serve", "--workers", "0"], "--workers"),
    (["serve", "--workers", "x"], "--workers"), (["serve", "--workers", "-1"], "--workers"),
    (["serve", "--workers", "99999999999"], "--workers"),
    (["serve", "--drain-seconds", "soon"], "--drain-seconds"),
    (["serve", "--http", "localhost"], "localhost"),
    (["serve", "--http", "localhost:http:1"], "localhost:http:1"),
    (["serve", "--http", "127.0.0.1:65536"], "65536"),
    (["serve", "--https", "127.0.0.1:-1"], "-1"),
    (["serve", "one", "two"], "two"),
    (["tunnel"], "--pod"), (["tunnel", "--pod", "web"], "--pod web"),
    (["tunnel", "--pod", "web=a", "--fault", "x"], "--fault x"),
    (["serve", "--cert", "only.pem"], "--key"), (["serve", "--key", "only.pem"], "--cert")])
def test_wrong_command_lines(arguments, names):
    code, out, err = run(*arguments)
    assert code == 2, (code, err)
    assert out == "" and names in err, err
    if arguments:
        assert len(err.strip().split("\n")) <= 2, err  # the line, and perhaps where to read more


def test_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option in ("--http", "--https"):
            refused(1, "serve", option, f"127.0.0.1:{port}",
                    names=[f"127.0.0.1:{port}", "Address already in use"])


def test_make_run_tells_how_to_choose_other_ports():
    """It also listens where it is told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["make", "-C", harness.ROOT, "--no-print-directory", "run", f"HTTP=127.0.0.1:{port}",
             f"HTTPS=127.0.0.1:{free_port()}"],
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
            capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode != 0
    assert "make run HTTP=" in done.stdout, done.stdout
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr, done.stderr


def test_a_port_in_use_by_weir(tmp_path):
    with harness.Server(tmp_path) as server:
        refused(1, "serve", "--http", f"127.0.0.1:{server.http_port}", "--https",
                f"127.0.0.1:{free_port()}", names=["Address already in use"])


def test_addresses_that_cannot_be():
    refused(1, *here("--http", "192.0.2.1:80"), names="192.0.2.1:80")
    refused(1, *here("--http", "no-such-host.invalid:80"), names="no-such-host.invalid")


def test_directories_that_cannot_be_served(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    refused(1, *here(tmp_path / "missing"), names=["missing", "No such file"])
    refused(1, *here(file), names=["file", "[Nn]ot a directory"])
    if os.getuid() != 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0)
        refused(1, *here(closed), names=["closed", "Permission denied"])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("a", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("b", ["rsa:2048"])):
        tool("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}.test",
             "-days", "2", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    tool("openssl", "rsa", "-aes128", "-passout", "pass:x", "-in", folder / "b.key", "-out",
         folder / "locked.key")
    (folder / "nonsense.pem").write_text("not PEM at all\n")
    (folder / "empty.pem").write_text("")
    return folder


@pytest.mark.parametrize("cert, key, names", [
    ("missing.pem", "a.key", ["missing.pem", "No such file"]),
    ("a.pem", "missing.key", ["missing.key", "No such file"]),
    ("nonsense.pem", "a.key", ["nonsense.pem"]), ("empty.pem", "a.key", ["empty.pem"]),
    ("a.pem", "nonsense.pem", ["nonsense.pem"]), ("a.pem", "a.pem", ["a.pem"]),
    ("a.pem", "b.key", ["a.pem|b.key"]), ("b.pem", "locked.key", ["locked.key"]),
    (".", "a.key", ["."])])
def test_bad_certificates(keys, cert, key, names):
    refused(1, *here("--cert", keys / cert, "--key", keys / key), names=names)


@pytest.mark.parametrize("name", ["a", "b"], ids=["ec", "rsa"])
def test_own_certificates(keys, tmp_path, name):
    with harness.Server(tmp_path, "--cert", keys / f"{name}.pem", "--key",
                        keys / f"{name}.key") as server:
        out = tool("curl", "-sS", "--http2", "--cacert", keys / f"{name}.pem", "--resolve",
                   f"{name}.test:{server.https_port}:127.0.0.1",
                   f"https://{name}.test:{server.https_port}/plaintext")
        assert out == b"Hello, World!"


def says(server, words):
    """Waits for the words: the port is open a moment before the line about it is written."""
    return harness.wait_until(lambda: words in server.log(), 5)


def test_startup_lines(tmp_path):
    with harness.Server(tmp_path) as server:
        assert says(server, f"http://127.0.0.1:{server.http_port}"), server.log()
        assert says(server, f"https://127.0.0.1:{server.https_port}"), server.log()
    with harness.Server(tmp_path, "--verbose") as server:
        assert says(server, "memory: "), server.log()
        assert harness.WITHOUT_IO_URING or says(server, "multishot"), server.log()


def test_listening_on_ipv6(tmp_path):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    port = free_port()
    with harness.Server(tmp_path, "--http", f"[::1]:{port}", http=False) as _:
        assert tool("curl", "-sS", "-g", "--http2-prior-knowledge",
                    f"http://[::1]:{port}/plaintext") == b"Hello, World!"


def test_any_address_of_both_kinds(tmp_path):
    """0.0.0.0 and [::] with one port, in either order."""
    for first, second in (("0.0.0.0", "[::]"), ("[::]", "0.0.0.0")):
        port = harness.free_port()
        with harness.Server(tmp_path, "--http", f"{first}:{port}", "--http", f"{second}:{port}",
                            http=False, https=False):
            for host in ("127.0.0.1", "[::1]"):
                assert harness.wait_until(lambda: harness.listening(port))
                assert tool("curl", "-sS", "-g", "--http2-prior-knowledge",
                            f"http://{host}:{port}/plaintext") == b"Hello, World!"


def test_port_that_becomes_free(tmp_path):
    """A killed server holds its port for a moment. The next one waits until it is free."""
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    timer = threading.Timer(0.4, taken.close)
    timer.start()
    with harness.Server(tmp_path, "--http", f"127.0.0.1:{port}", http=False, https=False) as server:
        timer.join()
        assert harness.wait_until(lambda: "listening" in server.log())


# ---- io_uring refused ----------------------------------------------------------------------------


IO_URING_SETUP, IO_URING_ENTER = 425, 426


@pytest.mark.parametrize("call", [IO_URING_SETUP, IO_URING_ENTER])
def test_io_uring_refused(tmp_path, call):
    """Refused as a whole, or a ring can be created but not used: then epoll, which the first line says, and why."""
    with harness.Server(tmp_path, https=False, env={"WEIR_RING": ""}, preexec=harness.without_io_uring(call)) as server:
        assert server.get("/plaintext").body == b"Hello, World!"
        first = server.log().split("\n")[0]
        assert "1 worker on epoll, because io_uring is refused" in first and "seccomp" in first


def test_io_uring_demanded():
    for command in (here(), ["trace", "http://127.0.0.1:1/"], ["load", "http://127.0.0.1:1/"]):
        refused(1, *command, "--ring", "io_uring", preexec=harness.without_io_uring(), names=["io_uring", "seccomp"])


@pytest.mark.parametrize("command", ["serve", "load", "trace", "forward", "tunnel"])
def test_engines(command):
    refused(2, command, "--ring", "kqueue", names=["--ring kqueue", "auto, io_uring or epoll"])


# ---- descriptors ---------------------------------------------------------------------------------


def test_no_descriptor_to_start_with():
    # The 3 standard ones, and fewer than the ring, listeners and files need.
    code, out, err = run(*here(), preexec=harness.descriptors_at_most(6))
    assert code == 1 and re.search("[Tt]oo many open files|descriptor", err), (code, err)
    assert len(err.strip().split("\n")) == 1, err


def test_no_descriptor_for_a_connection():
    """Whatever the limit, weir serves, or says that it is too small."""
    answers = []
    for limit in range(7, 24):
        port = harness.free_port()
        process = subprocess.Popen(
            [harness.binary(), "serve", "--workers", "1", "--http", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=harness.descriptors_at_most(limit))
        if process.stdout.readline():
            assert tool("curl", "-sS", "--http2-prior-knowledge",
                        f"http://127.0.0.1:{port}/plaintext") == b"Hello, World!"
            process.terminate()
            process.communicate(timeout=20)
            break
        text = process.communicate()[1].decode()
        assert process.returncode == 1 and len(text.strip().split("\n")) == 1, text
        answers.append(text)
    assert any("ulimit -n" in text for text in answers), answers


def test_descriptors_run_out_and_come_back(tmp_path):
    with harness.Server(tmp_path, preexec=harness.descriptors_at_most(64)) as server:
        clients = [socket.create_connection(("127.0.0.1", server.http_port), 10)
                   for _ in range(100)]
        before = cpu_seconds(server.pid)
        subprocess.run(["sleep", "1"], check=True)
        assert cpu_seconds(server.pid) - before < 0.5, "the server spins"
        for client in clients:
            client.close()
        assert server.alive()
        assert server.descriptors() < 64


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- a cgroup's limit on memory ------------------------------------------------------------------


def in_cgroup(tmp_path, limit):
    """A wrapper: the command in it sees a cgroup with this memory limit, in cgroup v1 and v2."""
    root = tmp_path / f"cgroup-{limit}"
    (root / "memory").mkdir(parents=True)
    (root / "memory.max").write_text(f"{limit}\n")
    (root / "memory" / "memory.limit_in_bytes").write_text(f"{limit}\n")
    wrapper = ("unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c",
               'mount --bind "$0" /sys/fs/cgroup && exec "$@"', str(root))
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    return wrapper


def connections(server):
    counters = server.counters()
    return counters["links_accepted"] - counters["links_closed"]


def test_memory_limit(tmp_path):
    """The limit leaves memory for one worker, and for a share of it in connections."""
    limit = harness.bound("SERVE_PROCESS_BYTES") + harness.bound("SERVE_WORKER_BYTES_MIN")
    share = harness.bound("SERVE_WORKER_BYTES_MIN") // harness.bound("SERVE_SHARES")
    most = (share * harness.bound("SERVE_SHARE_CONNECTIONS") // harness.bound("SERVE_CONNECTION_BYTES"))
    with harness.Server(tmp_path, "--verbose", workers=None, wrapper=in_cgroup(tmp_path, limit)) as server:
        assert says(server, "with 1 worker on "), server.log()
        assert says(server, f"memory: the cgroup allows {limit // 1024} KiB"), server.log()
        assert says(server, f"up to {most} connections"), server.log()
        clients = [socket.create_connection(("127.0.0.1", server.http_port), 10)
                   for _ in range(most + 10)]
        assert harness.wait_until(lambda: connections(server) == most)
        assert all(connections(server) <= most for _ in range(10))
        for client in clients:
            client.close()
        assert tool("curl", "-sS", "--http2-prior-knowledge",
                    f"http://127.0.0.1:{server.http_port}/plaintext") == b"Hello, World!"
    with harness.Server(tmp_path, "--verbose", "--connections", 7,
                        wrapper=in_cgroup(tmp_path, limit + 1024)) as server:
        assert says(server, "up to 7 connections"), server.log()  # the command line wins


def test_too_little_memory(tmp_path):
    limit = harness.bound("SERVE_PROCESS_BYTES") + harness.bound("SERVE_WORKER_BYTES_MIN") - 1024
    done = subprocess.run([*in_cgroup(tmp_path, limit), harness.binary(), *here()],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1 and len(lines) == 1, (done.returncode, lines)
    assert lines[0].startswith(f"weir serve: the cgroup allows {limit // 1024} KiB of memory"), lines


def test_no_memory_limit(tmp_path):
    with harness.Server(tmp_path, "--verbose", wrapper=in_cgroup(tmp_path, "max")) as server:
        assert says(server, "memory: no cgroup limits it"), server.log()
