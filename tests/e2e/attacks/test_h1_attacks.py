"""Attacks over HTTP/1.1: input that never ends, input in single bytes, and input behind a malformed request."""
import socket

import pytest

import harness
from scene import MIB, Innocent

# title, CVE, arguments of the attacker, class of the answer's status, the answer for the table
FLOODS = [
    ("HTTP/1.1: a target without an end", "", ["h1-endless"], "4xx", "414"),
    ("HTTP/1.1: a method without an end", "", ["h1-endless", "--variant", 1], "5xx", "501"),
    ("HTTP/1.1: a field without an end", "CVE-2018-12121", ["h1-endless", "--variant", 2], "4xx", "431"),
    ("HTTP/1.1: fields without an end", "CVE-2018-12121", ["h1-endless", "--variant", 3], "4xx", "431"),
    ("HTTP/1.1: white space without an end", "", ["h1-endless", "--variant", 4], "4xx", "431"),
    ("HTTP/1.1: trailers without an end", "", ["h1-endless", "--variant", 5], "4xx", "431"),
    ("HTTP/1.1: chunks of one byte", "", ["h1-chunks"], "4xx", "400"),
    ("HTTP/1.1: chunks of one byte with extensions", "", ["h1-chunks", "--variant", 1], "4xx", "400"),
    ("HTTP/1.1: chunk extensions of 8 KiB", "CVE-2023-39326", ["h1-chunks", "--variant", 2], "4xx", "400"),
    ("HTTP/1.1: requests behind a malformed one", "", ["h1-bad"], "4xx", "400"),
    ("HTTP/1.1: an upload that goes on after its answer", "", ["h1-upload"], "4xx", "405"),
]
SLOW = ["a head", "a body", "a chunk's size"]


@pytest.fixture(scope="module")
def slow(scene):
    """Slow clients take ten seconds, so all of them run at once."""
    running = [scene.start("h1-slow", "--variant", variant, "--seconds", 60) for variant in range(len(SLOW))]
    return [scene.finish(process) for process in running]


@pytest.mark.parametrize("title,cve,attack,status,answer", FLOODS, ids=[flood[0] for flood in FLOODS])
def test_flood(scene, title, cve, attack, status, answer):
    """It is answered once, and the connection closes; it costs no more than valid requests."""
    alone = scene.run(*attack, "--seconds", 30)
    assert alone["status"] == {status: 1}, alone
    assert alone["closed"] == 1 and alone["cut"] == 0, alone
    scene.besiege((title, cve, answer), *attack)


def answer_to(port, request):
    with socket.create_connection(("127.0.0.1", port), harness.PATIENCE_SECONDS) as plain:
        plain.sendall(request)
        return plain.recv(4096).split(b"\r\n")[0]


def test_statuses(scene):
    """The server sends the statuses that the table shows."""
    post = b"POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    requests = {"414": b"GET /" + b"a" * 70000, "501": b"A" * 70000, "431": b"GET / HTTP/1.1\r\nX: " + b"x" * 70000,
                "400": post + b"1\r\nx\r\n" * 100000,
                "405": b"POST /plaintext HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"}
    assert {flood[4] for flood in FLOODS} == set(requests)
    for status, request in requests.items():
        assert answer_to(scene.port, request).startswith(f"HTTP/1.1 {status} ".encode()), status


def test_pipelined_requests(scene):
    """Requests sent at full speed are all answered, and cost little more than over HTTP/2."""
    alone = scene.run("h1-get", "--count", 5000, "--seconds", 2)
    assert alone["status"] == {"2xx": 5000}, alone
    scene.besiege(("HTTP/1.1: pipelined requests, as fast as they go", "", "200"), "h1-get", "--count", 20000)


def test_unread_answers(scene):
    """A client that pipelines and does not read costs bounded memory: the server stops reading it."""
    siege = scene.siege("h1-get", "--count", 1000000, "--unread", again=False, seconds=3)
    scene.bounded(siege)
    scene.note(("HTTP/1.1: pipelined requests, answers not read", "", "not read"), siege)
    assert siege.counters["recv_bytes"] < 64 * MIB, siege.counters["recv_bytes"]


@pytest.mark.parametrize("variant", range(len(SLOW)), ids=SLOW)
def test_slow_client(slow, variant):
    """A timer ends it, whatever it sends."""
    came_back = slow[variant]
    assert came_back["closed"] == 1, came_back
    assert 4 < came_back["seconds"] < 25, came_back


def test_others_are_served(scene):
    client = Innocent(scene.port)
    assert client.result()["errors"] == 0
