"""`weir forward`: bytes through tests/peers' kubelet and `weir tunnel`, connections that fail, sessions that are lost."""
import concurrent.futures
import hashlib
import os
import socket
import time

import pytest

import harness
from forward_peer import ask, read_all, reset, sent, start_tunnel
from forward_peer import cluster, forward, kubelet, make_cluster, server, target, tunnel  # fixtures


def url(port):
    return f"http://127.0.0.1:{port}/web"


# ---- bytes ---------------------------------------------------------------------------------------


def test_both_directions_and_half_close(server, target, forward):
    """Each direction ends by itself, and every byte arrives."""
    port, more = server
    local = forward(*more, url(port), f":{target.port}").port(target.port)
    assert ask(local, "send 0") == b""
    assert ask(local, "send 3000001") == sent(3000001)
    upload = os.urandom(3000001)
    assert ask(local, "hash", upload) == hashlib.sha256(upload).hexdigest().encode()
    assert ask(local, "echo", b"hello") == b"hello"


def test_bulk(server, target, forward):
    """100 MB each way, at once."""
    port, more = server
    local = forward(*more, url(port), f":{target.port}").port(target.port)
    count, block = 100, os.urandom(1 << 20)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        down = pool.submit(ask, local, f"send {count << 20}")
        up = pool.submit(ask, local, "hash", block * count)
        assert hashlib.sha256(down.result()).digest() == hashlib.sha256(sent(count << 20)).digest()
        assert up.result() == hashlib.sha256(block * count).hexdigest().encode()


def test_200_connections(server, target, forward):
    port, more = server
    program = forward(*more, url(port), f":{target.port}")
    local = program.port(target.port)
    socks = [socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) for _ in range(200)]
    for index, sock in enumerate(socks):
        sock.sendall(b"echo\n%d" % index)
        sock.shutdown(socket.SHUT_WR)
    for index, sock in enumerate(socks):
        assert read_all(sock) == b"%d" % index
        sock.close()
    program.line(r": closed after", count=200)


def test_cancelled_downloads(server, target, forward):
    """Clients that give up in the middle, or do not read, hold nobody else up."""
    port, more = server
    program = forward(*more, url(port), f":{target.port}")
    local = program.port(target.port)
    for _ in range(10):
        sock = socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS)
        sock.sendall(b"send 50000000\n")
        assert len(sock.recv(1000)) > 0
        reset(sock)
    program.line("reset by the local client", count=10)
    assert ask(local, "send 1000000") == sent(1000000)


def test_tls_and_token(target, forward, tmp_path):
    """With the kubeconfig that weir tunnel writes, to a pod and to a service."""
    config = tmp_path / "config"
    secure = start_tunnel("--pod", f"web=127.0.0.1:{target.port}", "--token", "secret", "--kubeconfig-out", config)
    for words in (["web", ":80"], ["svc/web", f":{target.port}"]):
        program = forward("--kubeconfig", config, *words)
        port = int(program.line(r"^Forwarding from 127\.0\.0\.1:(\d+) -> ").group(1))
        assert ask(port, "send 3000001") == sent(3000001)
        program.stop()
    secure.stop()


# ---- what fails ----------------------------------------------------------------------------------


def expect_reset_of(port, request=b""):
    """Makes a connection that is reset, at any time: even connect() may hear of it."""
    with pytest.raises(ConnectionResetError):
        with socket.create_connection(("127.0.0.1", port), harness.PATIENCE_SECONDS) as sock:
            sock.sendall(request)
            while sock.recv(1000):
                pass


def test_refused_port(server, target, forward):
    """The error stream's text is shown, and only that connection ends."""
    port, more = server
    closed = harness.free_port()
    program = forward(*more, url(port), f":{target.port}", f":{closed}")
    good, bad = program.port(target.port), program.port(closed)
    with socket.create_connection(("127.0.0.1", good), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nbefore")
        assert sock.recv(100) == b"before"
        expect_reset_of(bad)
        program.line(rf"to port {closed} of web: .*refused")
        sock.sendall(b"after")
        assert sock.recv(100) == b"after"


def test_target_resets(tunnel, target, forward):
    program = forward(url(tunnel.port), f":{target.port}")
    local = program.port(target.port)
    with socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nbefore")
        assert sock.recv(100) == b"before"
        expect_reset_of(local, b"reset\n")
        sock.sendall(b"after")
        assert sock.recv(100) == b"after"


def test_local_port_in_use(target):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = harness.run("forward", url(1), f"{port}:80")
        assert (status, out) == (1, "")
        assert err == f"weir forward: cannot listen on 127.0.0.1:{port}: Address already in use\n"


# ---- each fault of weir tunnel -------------------------------------------------------------------


@pytest.fixture(params=[[], ["--no-websocket"]], ids=["WebSocket", "Upgrade"])
def faulty(request, target, forward):
    """Starts a tunnel with this fault on every second connection, and the program."""
    tunnels = []

    def start(kind):
        tunnels.append(start_tunnel("--pod", "web=127.0.0.1", "--fault", f"{kind}:2"))
        program = forward(*request.param, url(tunnels[0].port), f":{target.port}")
        return program, program.port(target.port)

    yield start
    for each in tunnels:
        each.stop()


def open_echo(port):
    """A connection to a target that echoes, which it has done once."""
    sock = socket.create_connection(("127.0.0.1", port), harness.PATIENCE_SECONDS)
    sock.sendall(b"echo\nhello")
    assert sock.recv(100) == b"hello"
    return sock


def expect_echo(sock):
    sock.sendall(b"again")
    assert sock.recv(100) == b"again"


def expect_reset(sock):
    with pytest.raises(ConnectionResetError):
        while sock.recv(1000):
            pass
    sock.close()


def test_fault_reset(faulty):
    program, local = faulty("reset")
    good = open_echo(local)
    expect_reset_of(local, b"echo\n")
    program.line("reset by the other end after")
    expect_echo(good)
    assert "lost" not in program.text()


def test_fault_error(faulty):
    """Bytes on the error stream, though nothing is wrong: over kubectl they end all connections."""
    program, local = faulty("error")
    good = open_echo(local)
    expect_reset_of(local, b"echo\n")
    program.line("of web: .+")
    program.line("failed at the other end after")
    expect_echo(good)
    assert "lost" not in program.text()


@pytest.mark.parametrize("kind", ["drop", "vanish"])
def test_fault_session(faulty, kind):
    """The session ends, with a GOAWAY or without a word, and is made again."""
    program, local = faulty(kind)
    first = open_echo(local)
    expect_reset_of(local, b"echo\n")
    expect_reset(first)
    if kind == "vanish":
        program.line("lost the session with web: the .*(closed|reset).*; 2 connections closed; connecting again$")
    else:
        program.line("the server ends the session with web; . connections? go(es)? on; connecting again$")
    program.line("connected again to web")
    expect_echo(open_echo(local))


def test_fault_delay(faulty):
    """What is sent before a late SYN_REPLY is not lost, and no other connection waits for it."""
    _, local = faulty("delay")
    assert ask(local, "echo", b"first") == b"first"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        begin = time.monotonic()
        slow = pool.submit(ask, local, "echo", b"second")
        while not slow.done() and time.monotonic() - begin < 0.5:
            time.sleep(0.05)
        assert ask(local, "echo", b"third") == b"third"
        assert not slow.done()
        assert slow.result() == b"second"
        assert time.monotonic() - begin > 2


def test_fault_stall(faulty):
    """An upload that nobody reads holds up no other connection."""
    _, local = faulty("stall")
    assert ask(local, "echo", b"first") == b"first"
    stuck = socket.create_connection(("127.0.0.1", local))
    stuck.sendall(b"hash\n")
    stuck.setblocking(False)
    last, count = time.monotonic(), 0
    while time.monotonic() - last < 1:
        try:
            count += stuck.send(bytes(1 << 16))
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.05)
    assert count < 50 << 20
    assert ask(local, "send 3000000") == sent(3000000)
    reset(stuck)


# ---- sessions that are lost ----------------------------------------------------------------------


def test_session_is_cut(cluster, target, forward):
    """Open connections are reset and counted; new ones wait for the next session; a line says what happened."""
    program = forward(cluster.url("/web"), f":{target.port}")
    local = program.port(target.port)
    socks = [socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) for _ in range(3)]
    for sock in socks:
        sock.sendall(b"echo\nhello")
        assert sock.recv(100) == b"hello"
    cluster.refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    cluster.cut()
    program.line(r"lost the session with web: .*; 3 connections closed; connecting again$")
    program.line(r"cannot connect again: the server refuses the tunnel: status 503.*; trying until it works$")
    for sock in socks:
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        sock.close()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(ask, local, "echo", b"%d" % index) for index in range(5)]
        time.sleep(0.3)
        assert not any(each.done() for each in waiting)
        cluster.refusal = None
        assert [each.result() for each in waiting] == [b"%d" % index for index in range(5)]
    program.line(r"connected again to web, after \d+\.\d s$")
    assert program.text().count("cannot connect again") == 1


def test_no_reconnect(cluster, target, forward):
    program = forward("--no-reconnect", cluster.url("/web"), f":{target.port}", expect=1)
    local = program.port(target.port)
    with socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nhello")
        assert sock.recv(100) == b"hello"
        cluster.cut()
        assert program.wait() == 1
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    program.line(r"lost the session with web: .*; 1 connection closed$")


def test_dead_network(cluster, target, forward):
    """Nothing comes any more, and no connection is closed: noticed within --keepalive."""
    program = forward("--keepalive", "2", cluster.url("/web"), f":{target.port}")
    local = program.port(target.port)
    assert ask(local, "echo", b"before") == b"before"
    time.sleep(3)
    assert "lost" not in program.text()
    begin = time.monotonic()
    cluster.silent = True
    program.line("lost the session with web: nothing came from the server for 2 seconds; 0 connections closed")
    assert time.monotonic() - begin < 6
    cluster.silent = False
    assert ask(local, "echo", b"after") == b"after"


def test_connections_before_it_is_noticed(cluster, target, forward):
    """A connection whose streams were never answered is not lost with the session: it waits for the next one."""
    program = forward("--keepalive", "2", cluster.url("/web"), f":{target.port}")
    local = program.port(target.port)
    assert ask(local, "echo", b"before") == b"before"
    cluster.silent = True
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(ask, local, "echo", b"%d" % index) for index in range(5)]
        program.line("lost the session with web: .*; 0 connections closed; connecting again")
        cluster.silent = False
        assert [each.result() for each in waiting] == [b"%d" % index for index in range(5)]


def test_interrupted(cluster, target, forward):
    """The first Ctrl-C ends it: what is open is reset, and the server hears GOAWAY."""
    program = forward(cluster.url("/web"), f":{target.port}")
    local = program.port(target.port)
    with socket.create_connection(("127.0.0.1", local), harness.PATIENCE_SECONDS) as sock:
        sock.sendall(b"echo\nhello")
        assert sock.recv(100) == b"hello"
        program.stop()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    program.line("^weir forward: closed 1 connection$")
    assert not harness.listening(local)


def test_interrupted_before_it_is_up(cluster, forward):
    cluster.refusal = b""
    cluster.silent = True
    program = forward(cluster.url("/web"), ":80")
    assert harness.wait_until(lambda: cluster.requests)
    program.stop()
