"""The access log of `weir serve`: what its lines say, and whether every request gets one or is counted, even
while files are rotated, disks are full and readers are slow."""
import glob
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time

import pytest
from harness import Server, binary, connect, free_port, wait_until

COMBINED = re.compile(
    r'(?P<address>\S+) - - \[(?P<time>[^]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<body>\d+) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<protocol>\S+) (?P<stream>\d+) (?P<microseconds>\d+) '
    r'(?P<header_in>\d+) (?P<body_in>\d+) (?P<header_out>\d+) (?P<priority>\S+) (?P<tls>\S+) (?P<error>\d+) '
    r'(?P<group>\S+) "(?P<subject>[^"]*)"')
KEYS = {"time", "address", "port", "method", "scheme", "authority", "path", "referer", "user_agent", "client_subject", "protocol",
        "tls", "tls_group", "priority", "status", "stream", "error", "microseconds", "request_header_bytes",
        "request_body_bytes", "response_header_bytes", "response_body_bytes"}


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def lines_of(path, count):
    """The lines of a log, once there are that many. Each must be complete."""
    assert wait_until(lambda: read(path).count("\n") >= count), read(path)
    text = read(path)
    assert text.endswith("\n") and text.count("\n") == count
    return text.splitlines()


def curl(*arguments):
    done = subprocess.run(["curl", "-sk", "-o", "/dev/null", "--max-time", "20", *arguments], check=False)
    return done.returncode


def h2load(server, count, path="/plaintext"):
    subprocess.run(["h2load", "-n", str(count), "-c", "4", "-m", "20", server.url(path)], check=True,
                   stdout=subprocess.DEVNULL)


def counters(server):
    """The server's counters, by SIGUSR1."""
    before = server.log().count("access_log_lines")
    os.kill(server.pid, signal.SIGUSR1)
    assert wait_until(lambda: server.log().count("access_log_lines") > before)
    return json.loads([line for line in server.log().splitlines() if "access_log_lines" in line][-1])


# ---- what lines say ------------------------------------------------------------------------------


def test_combined(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log)
    assert curl("--http2-prior-knowledge", "-A", 'a "b" \\', server.url("/bytes/1000?q")) == 0
    assert curl("--http2", "-e", "https://there/", "-d", "12345", "-H", "priority: u=1, i",
                server.url("/sink", secure=True)) == 0
    first, second = [COMBINED.fullmatch(line) for line in lines_of(log, 2)]
    assert first["address"] == "127.0.0.1"
    assert first["request"] == "GET /bytes/1000?q HTTP/2.0"
    assert (first["status"], first["body"], first["referer"]) == ("200", "1000", "-")
    assert first["agent"] == r"a \x22b\x22 \x5c"
    assert (first["protocol"], first["priority"], first["tls"], first["error"]) == ("HTTP/2", "-", "-", "0")
    assert first["group"] == "-"
    at = time.strptime(first["time"], "%d/%b/%Y:%H:%M:%S +0000")
    assert abs(time.mktime(at) - time.mktime(time.gmtime())) < 60
    assert second["request"] == "POST /sink HTTP/2.0"
    assert (second["body_in"], second["referer"], second["priority"]) == ("5", "https://there/", "u=1,i")
    assert (second["tls"], second["group"].lower()) in [("TLSv1.3", "x25519"), ("TLSv1.3", "x25519mlkem768")]


def test_http1(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log)
    assert curl("--http1.1", "-d", "12345", server.url("/sink", secure=True)) == 0
    assert curl("--http1.0", server.url("/plaintext")) == 0
    first, second = [COMBINED.fullmatch(line) for line in lines_of(log, 2)]
    assert (first["request"], first["protocol"]) == ("POST /sink HTTP/1.1", "HTTP/1.1")
    assert (first["body_in"], first["body"], first["tls"]) == ("5", "2", "TLSv1.3")
    assert int(first["header_in"]) > 100 and int(first["header_out"]) > 100
    assert (second["request"], second["status"], second["body"]) == ("GET /plaintext HTTP/1.0", "200", "13")


def test_priority_over_http1(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log)
    assert curl("--http1.1", "-H", "Priority: u=1, i", server.url("/plaintext")) == 0
    assert curl("--http1.1", server.url("/plaintext")) == 0
    assert [COMBINED.fullmatch(line)["priority"] for line in lines_of(log, 2)] == ["u=1,i", "-"]


def test_answers_of_the_engine(start, tmp_path):
    """Requests that no handler sees are logged, too: with their line, as far as it could be read."""
    log = tmp_path / "log"
    server = start("--access-log", log)
    heads = [b"GET /a HTTP/1.1\r\nHost : a\r\n\r\n", b"GET /b HTTP/1.1\r\nUser-Agent: me\r\n\r\n",
             b"GET /c HTTP/3.0\r\n\r\n", b"\xff\x01 /\r\n\r\n",
             b"GET /" + 9000 * b"d" + b" HTTP/1.1\r\nHost: a\r\n\r\n"]
    for head in heads:
        with connect(server.http_port) as client:
            client.sendall(head)
            assert client.recv(9) == b"HTTP/1.1 "
    assert curl("--http2-prior-knowledge", "-H", "Expect: tea", "-d", "x", server.url("/sink")) == 0
    lines = [COMBINED.fullmatch(line) for line in lines_of(log, 6)]
    assert [line["status"] for line in lines] == ["400", "400", "505", "400", "414", "417"]
    assert [line["request"] for line in lines[:4]] == ["GET /a HTTP/1.1", "GET /b HTTP/1.1", "GET /c HTTP/1.1", "-"]
    assert lines[1]["agent"] == "me" and lines[4]["request"].startswith("GET /ddd")
    assert (lines[5]["request"], lines[5]["protocol"]) == ("POST /sink HTTP/2.0", "HTTP/2")


def test_json_and_hostile_texts(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log, "--log-format", "json")
    agents = [b'"}\\', b"\xc3\xa9\xff", b"\xc2\x9b2J", b"tab\there", b""]
    for agent in agents:
        assert curl("--http2-prior-knowledge", "-A", agent, server.url('/a"b')) == 0
    assert wait_until(lambda: log.exists() and log.read_bytes().count(b"\n") == len(agents))
    entries = [json.loads(line) for line in log.read_bytes().decode("utf-8").splitlines()]
    assert all(set(entry) == KEYS for entry in entries)
    assert [e["user_agent"] for e in entries] == ['"}\\', "é\xff", "\xc2\x9b2J", "tab\there", ""]
    assert all(e["path"] == '/a"b' and e["status"] == 404 for e in entries)
    assert all(isinstance(e["microseconds"], int) and e["port"] > 0 for e in entries)


def test_client_leaves(start, tmp_path):
    """A request that gets no answer has a line, too, with its error code."""
    log = tmp_path / "log"
    server = start("--access-log", log, "--log-format", "json")
    client = server.client()
    stream = client.request("/delay/60000")
    client.h2.reset_stream(stream, 8)
    client.flush()
    entry = json.loads(lines_of(log, 1)[0])
    assert (entry["path"], entry["status"], entry["error"]) == ("/delay/60000", 499, 8)
    client.close()


def test_every_worker(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log, workers=2)
    h2load(server, 2000)
    assert all(COMBINED.fullmatch(line) for line in lines_of(log, 2000))
    assert counters(server)["access_log_lines"] == 2000


# ---- rotation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [False, True], ids=["renamed", "told"])
def test_rotation_under_load(start, tmp_path, told):
    """Every request has one whole line in one of the files."""
    log, count = tmp_path / "log", 20000
    server = start("--access-log", log)
    over = threading.Event()

    def rotate():
        number = 0
        while not over.wait(0.03):
            if log.exists():
                log.rename(f"{log}.{number}")
                number += 1
            if told:
                os.kill(server.pid, signal.SIGUSR2)

    rotation = threading.Thread(target=rotate)
    rotation.start()
    h2load(server, count)
    over.set()
    rotation.join()
    files = lambda: glob.glob(f"{log}*")  # noqa: E731
    assert wait_until(lambda: sum(read(file).count("\n") for file in files()) >= count)
    lines = [line for file in files() for line in read(file).splitlines()]
    assert len(lines) == count and all(COMBINED.fullmatch(line) for line in lines)
    assert len(files()) > 2
    assert counters(server)["access_log_dropped"] == 0


def test_reopened_on_signal(start, tmp_path):
    log = tmp_path / "log"
    server = start("--access-log", log)
    log.rename(tmp_path / "old")
    os.kill(server.pid, signal.SIGUSR2)
    assert wait_until(log.exists)


# ---- what cannot be written ----------------------------------------------------------------------


@pytest.mark.parametrize("path, reason", [("missing/log", "No such file or directory"), (".", "Is a directory")])
def test_cannot_open(tmp_path, path, reason):
    done = subprocess.run([binary(), "serve", "--http", f"127.0.0.1:{free_port()}", "--access-log",
                           tmp_path / path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"weir serve: --access-log: cannot open the log {tmp_path / path}: {reason}\n"


def test_full_disk(start):
    """Requests are answered as usual. The server reports the full disk once, not with each line."""
    server = start("--access-log", "/dev/full")
    h2load(server, 5000)
    assert wait_until(lambda: "No space left on device" in server.log())
    time.sleep(2.5)  # by now it has tried again
    assert server.log().count("No space left on device") == 1
    assert server.get("/plaintext").status == 200


def test_file_that_may_not_grow(start, tmp_path):
    """A limit on file size cuts a line. The next file begins with a whole one."""
    log = tmp_path / "log"
    limit = 64 * 1024 - 50
    server = start("--access-log", log,
                   preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    h2load(server, 1000)
    assert wait_until(lambda: "File too large" in server.log())
    assert os.path.getsize(log) == limit
    log.rename(tmp_path / "old")
    assert wait_until(log.exists)
    first = lines_of(log, read(log).count("\n"))[0] if wait_until(lambda: "\n" in read(log)) else ""
    assert COMBINED.fullmatch(first)


def test_fifo(start, tmp_path):
    """Nothing reads it at first, and no request waits for it."""
    log = tmp_path / "log"
    os.mkfifo(log)
    server = start("--access-log", log)
    h2load(server, 5000)
    with open(log, encoding="ascii") as fifo:
        lines = [fifo.readline() for _ in range(5000)]
    assert all(COMBINED.fullmatch(line.rstrip("\n")) for line in lines)
    assert counters(server)["access_log_dropped"] == 0


def test_standard_output(tmp_path):
    """Only lines: startup messages go to standard error. While the reader does not read, lines are dropped and
    counted, and no request waits."""
    port, count = free_port(), 60000
    command = [binary(), "serve", "--http", f"127.0.0.1:{port}", "--workers", "1", "--access-log", "-",
               "--log-format", "json"]
    with open(tmp_path / "messages", "w+", encoding="utf-8") as messages, \
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages) as process:
        said = lambda: read(tmp_path / "messages")  # noqa: E731
        assert wait_until(lambda: "listening on" in said())
        subprocess.run(["h2load", "-n", str(count), "-c", "4", "-m", "20", f"http://127.0.0.1:{port}/plaintext"],
                       check=True, stdout=subprocess.DEVNULL)
        process.send_signal(signal.SIGUSR1)
        assert wait_until(lambda: "access_log_lines" in said())
        numbers = json.loads([line for line in said().splitlines() if "access_log_lines" in line][-1])
        assert numbers["access_log_dropped"] > 0
        assert numbers["access_log_lines"] + numbers["access_log_dropped"] == count
        process.send_signal(signal.SIGTERM)
        lines = process.stdout.read().splitlines()
        assert process.wait(30) == 0
    assert len(lines) == numbers["access_log_lines"]
    assert all(set(json.loads(line)) == KEYS for line in lines)


def test_end(tmp_path):
    """Requests answered before the server ends are in the log afterwards."""
    log = tmp_path / "log"
    with Server(tmp_path, "--access-log", log) as server:
        h2load(server, 3000)
    assert len(lines_of(log, 3000)) == 3000
