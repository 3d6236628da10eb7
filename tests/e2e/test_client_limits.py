"""Bounds of `weir load` and `weir trace` that show only on the wire. Bounds on their command lines are in
tests/tools/load/test_limits.c and tests/tools/trace/test_limits.c."""
import select
import socket
import struct
import threading
import time

import h2.errors

import harness
from harness import bound
from load_peer import Peer, kinds, load, measured, reasons
from trace_peer import traced


def always_refuse(peer, conn, stream):
    conn.reset(stream, h2.errors.ErrorCodes.REFUSED_STREAM)


def trace(*arguments, expect=0):
    status, out, err = harness.run("trace", *arguments)
    assert status == expect, (status, out, err)
    return out + err


def test_load_repeats_what_was_refused():
    with Peer(always_refuse) as peer:
        report = measured("-n", 20, peer.url(), expect=1)
        assert kinds(report) == {("reset", 7): 20}
        assert peer.counts["requests"] == 20 * (1 + bound("LOAD_REFUSALS_MAX"))


def test_trace_repeats_what_was_refused():
    with Peer(always_refuse) as peer:
        assert "REFUSED_STREAM" in trace(peer.url(), expect=1)
        assert peer.counts["requests"] == 1 + bound("TRACE_REFUSALS_MAX")


def test_load_gives_up_on_futile_connections():
    """Each connection is made again after a longer pause. The requests that it did not come to have failed, too."""
    with Peer(lambda peer, conn, stream: conn.close()) as peer:
        began = time.monotonic()
        report = measured("-n", 50, peer.url(), expect=1)
        pauses = [bound("LOAD_PAUSE_NS") / 1e9 * 2 ** i for i in range(bound("LOAD_FUTILE_MAX") - 1)]
        assert time.monotonic() - began >= sum(pauses)
        assert peer.counts["connections"] == bound("LOAD_FUTILE_MAX")
        assert report["requests"]["errored"] == 50


def test_load_gives_up_on_a_silent_server():
    with Peer(lambda peer, conn, stream: conn.answer(stream) if conn.requests == 1 else None) as peer:
        began = time.monotonic()
        report = measured("-n", 1000, "-T", "200ms", peer.url())
        assert time.monotonic() - began >= 0.2 * bound("LOAD_SILENT_TIMEOUTS")
        assert report["requests"]["succeeded"] == 1
        assert report["requests"]["timeout"] >= bound("LOAD_SILENT_TIMEOUTS")
        assert reasons(report) == {"the server was silent for too long": 1}


class Mute(threading.Thread):
    """A server that says nothing, and counts the HEADERS frames of its first connection."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/" % self.listener.getsockname()[1]
        self.seen = b""
        self.start()

    def headers(self):
        at, count = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0
        while at + 9 <= len(self.seen):
            count += self.seen[at + 3] == 1
            at += 9 + struct.unpack(">I", b"\0" + self.seen[at:at + 3])[0]
        return count

    def run(self):
        connection, _ = self.listener.accept()
        while self.headers() < bound("TRACE_STREAMS_ASSUMED"):
            self.seen += connection.recv(65536)
        while select.select([connection], [], [], 0.5)[0]:
            more = connection.recv(65536)
            if not more:
                break
            self.seen += more
        connection.close()
        self.listener.close()


def test_trace_asks_for_so_much_before_settings():
    mute = Mute()
    trace(*(f"{mute.url}{i}" for i in range(bound("TRACE_STREAMS_ASSUMED") + 30)), expect=1)
    mute.join(10)
    assert not mute.is_alive()
    assert mute.headers() == bound("TRACE_STREAMS_ASSUMED")


def test_trace_counts_origins():
    port = harness.free_port()
    urls = [f"http://127.0.0.{i}:{port}/" for i in range(1, bound("TRACE_CONNECTIONS_MAX") + 2)]
    too_many = f"more than {bound('TRACE_CONNECTIONS_MAX')} origins"
    assert too_many not in trace(*urls[:-1], expect=1)
    assert too_many in trace(*urls, expect=1)


def jpeg_whose_size_ends_at(offset):
    """Metadata, then the frame header, in which the width comes last."""
    filler, frame_header = offset - 2 - 9, b"\xff\xc0" + struct.pack(">HBHH", 17, 8, 30, 40)
    metadata = b""
    while len(metadata) < filler:
        segment = min(filler - len(metadata), 60000)
        segment = segment if filler - len(metadata) - segment in (0, *range(4, filler)) else segment - 4
        metadata += b"\xff\xe1" + struct.pack(">H", segment - 2) + bytes(segment - 4)
    return b"\xff\xd8" + metadata + frame_header + bytes(1000)


def test_trace_looks_for_the_size_of_an_image(start, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name, beyond in (("near.jpg", 0), ("far.jpg", 1)):
        image = jpeg_whose_size_ends_at(bound("TRACE_IMAGE_BYTES_MAX") + beyond)
        (root / name).write_bytes(image)
    server = start(root)
    run, = traced(tmp_path, server.url("/near.jpg"), server.url("/far.jpg"))["runs"]
    near, far = run["resources"]
    assert (near["width"], near["height"]) == (40, 30)
    assert far["bytes"] > near["bytes"] and not far.get("width")


def test_load_waits_for_a_connection():
    """The queue of a server that accepts nothing is full: the kernel does not answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        began = time.monotonic()
        err = load("-n", 1, f"http://127.0.0.1:{listener.getsockname()[1]}/", expect=1)
        assert "timed out" in err
        assert time.monotonic() - began >= bound("CLIENT_CONNECT_NS") / 1e9
        for each in waiting:
            each.close()
