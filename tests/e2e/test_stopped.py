"""A thousand uploads to handlers that stop consuming. Their clients stop too, and the server's resident memory
stays within its budget. /sink?stopped drops what it gets and never reports it as consumed. /echo keeps it,
because its client does not take the answer."""
import time

import pytest

import harness

CLIENTS, STREAMS = 10, 100
WINDOW_BYTES = 65535  # of a stream, until the handler consumes it
CONNECTION_BYTES = 1 << 20


def send_all(client, streams):
    """Sends as much as the windows allow, in frames of all streams in turn."""
    sent = 0
    going = True
    while going:
        going = False
        for stream in streams:
            room = min(client.h2.local_flow_control_window(stream), 16384)
            if room > 0:
                client.h2.send_data(stream, bytes(room))
                client.flush()
                sent += room
                going = True
    return sent


def settle(client, seconds=0.2):
    """Receives once."""
    client.socket.settimeout(seconds)
    try:
        while True:
            client.turn()
    except TimeoutError:
        pass
    client.socket.settimeout(harness.PATIENCE_SECONDS)


@pytest.mark.parametrize("path, answer_window", [("/sink?stopped", 1 << 20), ("/echo", 0)])
def test_a_thousand_uploads_that_nobody_uses(start, path, answer_window):
    server = start("--streams", str(STREAMS), "--workers", "1")
    server.alive()
    before = server.memory_bytes()
    clients = []
    for _ in range(CLIENTS):
        client = server.client(window_bytes=answer_window)
        settle(client)
        streams = [client.request(path, "POST", end=False) for _ in range(STREAMS)]
        clients.append((client, streams))
    for client, streams in clients:
        sent = send_all(client, streams)
        settle(client, 0.05)
        sent += send_all(client, streams)
        # The connection's window and not a byte more, regardless of the number of streams.
        assert sent == CONNECTION_BYTES, sent
        assert client.h2.outbound_flow_control_window == 0
    grown = server.memory_bytes() - before
    print(path, grown)
    assert grown < (256 << 20 if harness.sanitized() else 32 << 20), grown
    if path == "/echo":  # it holds what it was sent; otherwise this would measure nothing
        assert grown > CLIENTS * CONNECTION_BYTES * 3 // 4, grown
    # Other clients of the same worker are not delayed.
    began = time.monotonic()
    assert server.get("/plaintext").status == 200
    assert server.get("/sink", method="POST", body=bytes(300000)).body == b"300000\n"
    assert time.monotonic() - began < 10
    # Memory of ended uploads is given back.
    client, streams = clients[0]
    for stream in streams:
        client.h2.reset_stream(stream, 8)
    client.flush()
    settle(client)
    assert client.h2.outbound_flow_control_window == CONNECTION_BYTES
    for client, _ in clients:
        client.close()
