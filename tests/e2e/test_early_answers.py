"""Malformed requests, and requests that are answered before their end. Clients react differently, but all of them must
show the answer."""
import os
import shutil
import subprocess

import pytest

import harness

EARLY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "early")
CLIENTS = ["curl", "node", "go", "java"]
MIB = 1 << 20


def program(name):
    """The path of a program, or the test is skipped."""
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """A function that returns the path of early.go's program, and builds it when first called."""
    made = []

    def make():
        if not made:
            place = tmp_path_factory.mktemp("go")
            made.append(str(place / "early"))
            subprocess.run([program("go"), "build", "-o", made[0], os.path.join(EARLY, "early.go")], check=True,
                           env={**os.environ, "GOCACHE": str(place), "GOFLAGS": "", "HOME": str(place)})
        return made[0]
    return make


def ask(client, go, url, size, *field):
    """Makes one request. Returns what the client's program prints."""
    if client == "curl":
        fields = ["-H", f"{field[0]}: {field[1]}"] if field else []
        upload = ["--data-binary", "@-"] if size else []
        target = ["--request-target", "/plain text"] if "%20" in url else []
        command = [program("curl"), "-sS", "-k", "-o", os.devnull, "-w", "HTTP/%{http_version} %{http_code}\n",
                   "--max-time", "60", *upload, *fields, *target, url]
    elif client == "java":
        command = [program("java"), os.path.join(EARLY, "Early.java"), url, str(size), *field]
    else:
        runs = [go()] if client == "go" else [program("node"), os.path.join(EARLY, "early.mjs")]
        command = [*runs, url, str(size), *field]
    done = subprocess.run(command, input=bytes(size), capture_output=True, timeout=harness.PATIENCE_SECONDS)
    return (done.stdout + done.stderr).decode().strip()


def shows(said, status):
    """Whether it was an answer over HTTP/2 with that status, and nothing else."""
    version, _, code = said.partition(" ")
    return version in ("HTTP/2", "HTTP/2.0", "HTTP_2") and code == str(status)


# By client, what makes a request malformed and is still sent: a path, or a field.
MALFORMED = {"curl": ("/plain%20text", ()), "node": ("/plain%20text", ()), "go": ("/plaintext", ("te", "gzip")),
             "java": ("/plaintext", ("te", "gzip"))}


@pytest.mark.parametrize("size", [0, 3 * MIB])
@pytest.mark.parametrize("client", CLIENTS)
def test_malformed(demo, go, client, size):
    path, field = MALFORMED[client]
    said = ask(client, go, demo.url(path, secure=True), size, *field)
    assert shows(said, 400), said


@pytest.mark.parametrize("size", [60_000, 5_000_000])
@pytest.mark.parametrize("client", CLIENTS)
def test_refused_uploads(demo, go, client, size):
    said = ask(client, go, demo.url("/plaintext", secure=True), size)
    assert shows(said, 405), said
