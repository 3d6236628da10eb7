"""Port-forwarding: kubectl with its two forms through `weir tunnel`, and `weir forward` to a server in Go as kubelets
have it (tests/peers/kubelet), and to `weir tunnel`. Bytes are compared with a pattern."""
import concurrent.futures
import socket
import time

import pytest

import forward_ends
import forwarding
import harness

MIB = 1 << 20
BULK_BYTES = 1024 * MIB if forwarding.LONG else 48 * MIB
CONNECTIONS = 200

WAYS = {
    "kubectl, WebSocket": ("kubectl", "tunnel"),
    "kubectl, SPDY": ("kubectl", "tunnel"),
    "forward to Go": ("forward", "kubelet"),
    "forward to tunnel": ("forward", "tunnel"),
}


class Way:
    """A local port that is forwarded to the target."""

    def __init__(self, folder, name, tls=None):
        client, server = WAYS[name]
        self.name = name
        self.ours, self.processes = [], []
        self.local, server_port, target_port = (harness.free_port() for _ in range(3))
        token = forwarding.TOKEN if tls else None
        try:
            self.add(forwarding.target(folder, target_port))
            self.start_server(folder, server, server_port, tls, token)
            url = f"{'https' if tls else 'http'}://127.0.0.1:{server_port}"
            config = forwarding.kubeconfig(folder, url, tls and tls[0], token)
            if client == "kubectl":
                self.client = forwarding.kubectl(folder, config, self.local, target_port, "WebSocket" in name)
                self.add(self.client)
            else:
                self.client = forwarding.forward(folder, config, self.local, target_port)
                self.ours.append(self.client)
        except BaseException:
            self.close(False)
            raise

    def add(self, process):
        self.processes.append(process)

    def start_server(self, folder, server, port, tls, token):
        if server == "kubelet":
            self.add(forwarding.kubelet(folder, port, tls=tls, token=token))
            return
        more = ["--cert", tls[0], "--key", tls[1], "--token", token] if tls else []
        self.ours.append(forwarding.tunnel(folder, port, "127.0.0.1", *more))

    def close(self, check=True):
        for process in self.processes:
            process.kill()
        for process in self.ours:
            if check:
                process.check()
            else:
                process.kill()


@pytest.fixture(params=list(WAYS))
def way(request, tmp_path):
    yield from open_way(request.param, tmp_path)


@pytest.fixture(params=list(WAYS))
def tls_way(request, tmp_path):
    yield from open_way(request.param, tmp_path, forwarding.certificate(tmp_path))


def open_way(name, folder, tls=None):
    client, server = WAYS[name]
    reason = (forwarding.missing_kubectl() if client == "kubectl" else None) or \
        (forwarding.missing_kubelet() if server == "kubelet" else None)
    if reason:
        pytest.skip(reason)
    opened = Way(folder, name, tls)
    yield opened
    opened.close()


@pytest.mark.seconds(600)
def test_bulk(way):
    assert forward_ends.get(way.local, BULK_BYTES) == BULK_BYTES
    assert forward_ends.put(way.local, BULK_BYTES) == BULK_BYTES
    assert way.client.alive()


def test_both_ways_at_once(way):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(kind, way.local, 8 * MIB) for kind in (forward_ends.get, forward_ends.put) * 2]
        assert [job.result() for job in jobs] == [8 * MIB] * 4


def test_many_connections(way):
    """All of them are open at the same time."""
    connections = [forward_ends.begin(way.local, "/bytes/20000") for _ in range(CONNECTIONS)]
    for connection in connections:
        reader = forward_ends.Reader(connection)
        assert reader.head()
        assert reader.body(20000) == 20000
    for connection in connections:
        connection.close()
    forward_ends.hello(way.local)


def test_cancelled_downloads(way):
    """Downloads that are given up, while others go on."""
    if way.name.startswith("kubectl") and forwarding.kubectl_version() < (1, 32):
        pytest.skip("before 1.32, kubectl itself blocks after a download that was given up")
    for _ in range(8):
        with forward_ends.begin(way.local, f"/bytes/{64 * MIB}") as connection:
            assert connection.recv(100000)
    for _ in range(20):
        forward_ends.hello(way.local, seconds=20)
    assert forward_ends.get(way.local, 4 * MIB, seconds=20) == 4 * MIB
    assert way.client.alive()


def test_stalled_download(way):
    """A download whose client does not read stops nobody else, where both ends have windows. Go's spdystream has none:
    then it is TCP that holds the other end back, for all streams."""
    if way.name != "forward to tunnel":
        pytest.skip("one end has no windows")
    with forward_ends.begin(way.local, f"/bytes/{256 * MIB}"):
        time.sleep(0.5)
        for _ in range(20):
            forward_ends.hello(way.local, seconds=20)
        assert forward_ends.get(way.local, 4 * MIB, seconds=20) == 4 * MIB
    assert way.client.alive()


def test_cancelled_uploads(way):
    for _ in range(8):
        with forward_ends.connect(way.local) as connection:
            connection.sendall(f"PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: {64 * MIB}\r\n\r\n".encode())
            connection.sendall(forward_ends.pattern(0, 100000))
            forward_ends.reset(connection)
    for _ in range(5):
        forward_ends.hello(way.local, seconds=20)
    assert way.client.alive()


def test_target_resets(way):
    """The connection ends, without the rest of the body; the session goes on."""
    for _ in range(5):
        with forward_ends.begin(way.local, "/reset/50000") as connection:
            received = 0
            try:
                while piece := connection.recv(1 << 16):
                    received += len(piece)
            except ConnectionResetError:
                pass
            assert received < 100000
        forward_ends.hello(way.local)
    assert way.client.alive()


def test_half_close(way):
    """A request whose client has already ended its own direction is answered."""
    with forward_ends.begin(way.local, f"/bytes/{MIB}") as connection:
        connection.shutdown(socket.SHUT_WR)
        reader = forward_ends.Reader(connection)
        assert reader.head()
        assert reader.body(MIB) == MIB


def test_tls_and_token(tls_way):
    forward_ends.hello(tls_way.local)
    assert forward_ends.get(tls_way.local, 8 * MIB) == 8 * MIB
    assert forward_ends.put(tls_way.local, 8 * MIB) == 8 * MIB
