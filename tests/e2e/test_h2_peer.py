"""weir's client engine (tests/helpers/h2_client.c) against a server based on python3-h2, and `weir serve` against a
python3-h2 client that does more than fetch."""
import os
import random
import socket
import subprocess

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame
import pytest

import harness

CODES = h2.settings.SettingCodes


def client_program():
    for variant in ("asan", "release"):
        path = os.path.join(harness.ROOT, "build", variant, "tests/helpers", "h2_client")
        if os.path.exists(path):
            return path
    pytest.skip("tests/helpers/h2_client is not built (make helpers)")


def pattern(stream, size):
    """A body as h2_client sends and expects it: octet k is 31 k + stream."""
    row = bytes((31 * k + stream) & 255 for k in range(256))
    return (row * (size // 256 + 1))[:size]


class PeerServer:
    """One connection to h2_client. Calls `answer(server, stream)` when a request is complete. Bodies that it
    queues in `self.bodies` are sent as the windows allow."""

    def __init__(self, requests, answer, settings=None, env=None):
        self.here, there = socket.socketpair()
        self.here.settimeout(harness.PATIENCE_SECONDS)
        self.process = subprocess.Popen([client_program(), *requests], stdin=there,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, **(env or {})})
        there.close()
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings)
        self.h2.initiate_connection()
        self.answer = answer
        self.requests, self.uploads, self.bodies, self.trailers = {}, {}, {}, {}
        self.resets, self.paths, self.events = {}, {}, []
        self.padding, self.partial, self.preface = 0, b"", 24
        self.h2.max_inbound_frame_size = self.h2.local_settings.max_frame_size

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.here.sendall(data)

    def pump(self):
        """Sends as much of all bodies as the windows allow."""
        for stream in list(self.bodies):
            body = self.bodies[stream]
            while body or stream in self.bodies:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
                room -= self.padding + 1 if self.padding else 0
                if body and room <= 0:
                    break
                piece, body = body[:max(room, 0)], body[max(room, 0):]
                last = not body and stream not in self.trailers
                pad = self.padding if self.padding and piece else None
                self.h2.send_data(stream, piece, end_stream=last, pad_length=pad)
                self.bodies[stream] = body
                if not body:
                    del self.bodies[stream]
                    if stream in self.trailers:
                        self.h2.send_headers(stream, self.trailers.pop(stream), end_stream=True)
                    break

    def handle(self, event):
        self.events.append(event)
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = dict(event.headers)
            self.paths[event.stream_id] = dict(event.headers)[":path"]
            self.uploads[event.stream_id] = bytearray()
            if dict(event.headers)[":method"] == "CONNECT":
                self.answer(self, event.stream_id)
        elif isinstance(event, h2.events.DataReceived):
            self.uploads[event.stream_id] += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            if self.requests[event.stream_id][":method"] != "CONNECT":
                self.answer(self, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code
            self.bodies.pop(event.stream_id, None)

    def receive(self, data):
        """Hands over one frame at a time. Otherwise a frame that arrives together with the acknowledgement before
        it is judged by the old settings."""
        self.partial += data
        while len(self.partial) >= self.preface + 9:
            length = self.preface + 9 + int.from_bytes(self.partial[self.preface:self.preface + 3],
                                                       "big")
            if len(self.partial) < length:
                break
            frame, self.partial = self.partial[:length], self.partial[length:]
            self.preface = 0
            for event in self.h2.receive_data(frame):
                self.handle(event)

    def run(self):
        """Runs until the client exits. Returns its output."""
        self.flush()
        while True:
            try:
                data = self.here.recv(1 << 16)
            except ConnectionResetError:  # it exited with an acknowledgement unread
                data = b""
            if not data:
                break
            self.receive(data)
            self.pump()
            try:
                self.flush()
            except (BrokenPipeError, ConnectionResetError):
                break
        out, err = self.process.communicate(timeout=harness.PATIENCE_SECONDS)
        self.here.close()
        for words in harness.SANITIZER_WORDS:
            assert words not in err.decode(), err.decode()
        assert self.process.returncode == 0, err.decode()
        lines = out.decode().splitlines()
        assert not [line for line in lines if line.startswith("wrong")], lines
        return lines


def ok(size=0, fields=(), status="200"):
    """An answer of `size` bytes."""
    def answer(server, stream):
        server.h2.send_headers(stream, [(":status", status), *fields], end_stream=size == 0)
        if size:
            server.bodies[stream] = pattern(stream, size)
    return answer


# ---- one thing at a time -------------------------------------------------------------------------


def test_fetch():
    lines = PeerServer(["GET:/a"], ok(100_000, [("content-length", "100000"), ("x-y", "z")])).run()
    assert lines == ["response 1 :status=200 content-length=100000 x-y=z", "data 1 100000",
                     "closed 1 NO_ERROR", "asked 1"]


def test_upload_through_small_windows():
    server = PeerServer(["POST:/a:300000", "POST:/b:1"], ok(),
                        {CODES.INITIAL_WINDOW_SIZE: 1000, CODES.MAX_CONCURRENT_STREAMS: 1})
    lines = server.run()
    assert server.uploads[1] == pattern(1, 300_000)
    assert server.uploads[3] == pattern(3, 1)
    assert lines == ["response 1 end :status=200", "closed 1 NO_ERROR",
                     "response 3 end :status=200", "closed 3 NO_ERROR", "asked 2"]


def test_informational_responses_and_trailers():
    def answer(server, stream):
        server.h2.send_headers(stream, [(":status", "103"), ("link", "</a.css>")])
        server.h2.send_headers(stream, [(":status", "200")])
        server.trailers[stream] = [("x-sum", "42")]
        server.bodies[stream] = pattern(stream, 5)
    lines = PeerServer(["GET:/a"], answer).run()
    assert lines == ["response 1 :status=103 link=</a.css>", "response 1 :status=200", "data 1 5",
                     "trailers 1 end x-sum=42", "closed 1 NO_ERROR", "asked 1"]


def test_push():
    def answer(server, stream):
        for promised, path in ((2, "/style"), (4, "/unwanted")):
            server.h2.push_stream(stream, promised, [
                (":method", "GET"), (":scheme", "http"), (":authority", "peer.test"), (":path", path)])
        ok(10)(server, stream)
        server.h2.send_headers(2, [(":status", "200")])
        server.bodies[2] = pattern(2, 70_000)
    server = PeerServer(["GET:/a"], answer)
    lines = server.run()
    assert "promise 1 2 /style" in lines and "promise 1 4 /unwanted" in lines
    assert "data 2 70000" in lines and "closed 2 NO_ERROR" in lines
    assert server.resets == {4: 8}


def test_extended_connect():
    def answer(server, stream):
        server.h2.send_headers(stream, [(":status", "200")])
        server.bodies[stream] = pattern(stream, 1000)
    lines = PeerServer(["CONNECT:/chat:500"], answer, {CODES.ENABLE_CONNECT_PROTOCOL: 1}).run()
    assert lines == ["response 1 :status=200", "data 1 1000", "closed 1 NO_ERROR", "asked 1"]


def test_reset_and_goaway():
    def answer(server, stream):
        if stream == 1:
            server.h2.reset_stream(1, 7)
        elif stream == 3:
            ok(10)(server, stream)
            server.flush()
            goaway = hyperframe.frame.GoAwayFrame(0, last_stream_id=3, error_code=0)
            server.here.sendall(goaway.serialize())
    lines = PeerServer([f"GET:/{i}" for i in range(2)], answer).run()
    assert "closed 1 REFUSED_STREAM" in lines
    assert "goaway 3 NO_ERROR" in lines


def test_padding_ping_and_priority():
    def answer(server, stream):
        server.padding = 200
        server.h2.ping(b"01234567")
        ok(200_000)(server, stream)
    server = PeerServer(["GET:/a"], answer)
    assert "data 1 200000" in server.run()
    acks = [e for e in server.events if isinstance(e, h2.events.PingAckReceived)]
    assert [e.ping_data for e in acks] == [b"01234567"]


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_smaller_header_tables_of_the_client(size):
    """The server's encoder must follow what the client announces."""
    fields = [(f"x-{i}", "v" * i) for i in range(40)]
    lines = PeerServer([f"GET:/{i}" for i in range(30)], ok(0, fields),
                       env={"HEADER_TABLE_BYTES": str(size)}).run()
    assert sum(line.startswith("response") for line in lines) == 30
    assert sum(line.endswith("NO_ERROR") for line in lines) == 30


@pytest.mark.parametrize("size", [0, 64, 4096, 65536])
def test_header_tables_of_the_server(size):
    """The client's encoder must follow what the server announces, also between requests."""
    def answer(server, stream):
        ok()(server, stream)
        if stream % 7 == 0:
            server.h2.update_settings({CODES.HEADER_TABLE_SIZE: (size * stream) % 5000})
    server = PeerServer([f"GET:/path/{i % 10}" for i in range(100)], answer,
                        {CODES.HEADER_TABLE_SIZE: size, CODES.MAX_CONCURRENT_STREAMS: 10})
    lines = server.run()
    assert sum(line.endswith("NO_ERROR") for line in lines) == 100
    assert [server.paths[2 * i + 1] for i in range(100)] == [f"/path/{i % 10}" for i in range(100)]


def test_large_frames():
    server = PeerServer(["GET:/a", "POST:/b:200000"], ok(1_000_000),
                        {CODES.MAX_FRAME_SIZE: 100_000}, env={"FRAME_BYTES_MAX": "500000"})
    lines = server.run()
    assert server.uploads[3] == pattern(3, 200_000)
    assert "data 1 1000000" in lines and "data 3 1000000" in lines


def test_settings_in_the_middle():
    """Windows shrink below what was sent, and grow again."""
    def answer(server, stream):
        ok(50_000)(server, stream)
        server.h2.update_settings({CODES.INITIAL_WINDOW_SIZE: [0, 70_000, 10][stream % 3]})
        server.h2.update_settings({CODES.INITIAL_WINDOW_SIZE: 30_000, CODES.MAX_FRAME_SIZE: 20_000})
    server = PeerServer([f"POST:/{i}:40000" for i in range(40)], answer,
                        {CODES.MAX_CONCURRENT_STREAMS: 5})
    lines = server.run()
    assert sum(line == f"data {2 * i + 1} 50000" for i in range(40) for line in lines) == 40
    assert all(server.uploads[2 * i + 1] == pattern(2 * i + 1, 40_000) for i in range(40))


@pytest.mark.parametrize("seed", range(6))
def test_many_exchanges(seed):
    """Random sizes in both directions, fields that repeat and change, pushes, trailers, padding."""
    chance = random.Random(seed)
    sizes = [chance.choice([0, 1, 1000, 16384, 70_000]) for _ in range(120)]
    requests = [f"POST:/{i}:{chance.choice([0, 5, 9000, 40_000])}" if chance.random() < 0.4 else
                f"GET:/{i}" for i in range(120)]

    def answer(server, stream):
        size = sizes[stream // 2]
        fields = [(f"x-{chance.randrange(20)}", str(chance.randrange(5))) for _ in range(5)]
        if size and chance.random() < 0.3:
            server.trailers[stream] = [("x-sum", str(stream))]
        if chance.random() < 0.1:
            server.h2.ping(b"abcdefgh")
        server.padding = chance.choice([0, 0, 50])
        ok(size, fields)(server, stream)

    server = PeerServer(requests, answer, {CODES.MAX_CONCURRENT_STREAMS: chance.choice([1, 10, 100]),
                                           CODES.INITIAL_WINDOW_SIZE: chance.choice([500, 65535])})
    lines = server.run()
    assert sum(line.startswith("closed") and line.endswith("NO_ERROR") for line in lines) == 120
    received = {int(line.split()[1]): int(line.split()[2]) for line in lines
                if line.startswith("data")}
    assert all(received.get(2 * i + 1, 0) == size for i, size in enumerate(sizes))
    for i, request in enumerate(requests):
        size = int(request.split(":")[2]) if request.startswith("POST") else 0
        assert server.uploads[2 * i + 1] == pattern(2 * i + 1, size)


# ---- python3-h2 as the client of `weir serve` ----------------------------------------------------


@pytest.fixture
def raw_h2(start):
    """A python3-h2 client on the built-in site, before it has chosen settings."""
    server = start()
    return server, server.client()


def test_client_settings_change_while_receiving(raw_h2):
    server, client = raw_h2
    client.piece_bytes = 9
    client.fetch("/bytes/1")
    streams = [client.request(f"/bytes/{n}") for n in (200_000, 300_000, 1)]
    for size in (0, 4096, 17, 1000):
        client.h2.update_settings({CODES.HEADER_TABLE_SIZE: size, CODES.MAX_FRAME_SIZE: 16384 + size})
        client.flush()
        assert client.fetch("/bytes/10").status == 200  # each acknowledged before the next
    for response in client.wait(*streams):
        assert response.status == 200
    assert client.responses[streams[1]].body == harness.demo_bytes(300_000)
    client.close()


def test_upload_with_padding_and_priority(raw_h2):
    server, client = raw_h2
    stream = client.h2.get_next_available_stream_id()
    client.responses[stream] = harness.Response()
    client.h2.send_headers(stream, [(":method", "POST"), (":scheme", "http"),
                                    (":authority", client.authority), (":path", "/echo")],
                           priority_weight=200, priority_depends_on=0, priority_exclusive=True)
    for _ in range(40):
        client.h2.send_data(stream, b"x" * 100, pad_length=255)
    client.h2.prioritize(stream, weight=1)
    client.h2.send_headers(stream, [("x-trailer", "1")], end_stream=True)
    client.flush()
    assert client.wait(stream)[0].body == b"x" * 4000
    client.close()
