"""Clients that do not read. In a file of its own, because cutting them off takes time."""
import time

import pytest

import harness

COUNT = 20  # half of them with TLS


@pytest.mark.seconds(100)
def test_clients_that_never_read(start):
    """Clients open their windows wide, request gigabytes and read nothing. Memory stays bounded, other clients
    are served, and these are cut off in the end."""
    server = start()
    server.alive()
    before = server.memory_bytes()
    clients = []
    for i in range(COUNT):
        client = server.raw(i % 2 == 1, settings={4: 2**31 - 1}, quiet=True, receive_bytes=4096)
        client.frame("WindowUpdate", 0, window_increment=2**31 - 1 - 65535)
        for stream in range(1, 100, 2):
            client.request(stream, "/bytes/100000000")
        clients.append(client)
    for _ in range(20):
        time.sleep(0.1)
        assert server.get("/plaintext").status == 200
    grown = server.memory_bytes() - before
    # A connection may hold some hundred KB unsent. Sanitizers also keep freed memory.
    assert grown < COUNT * (4 << 20), grown
    baseline = 12  # for the process itself, generously

    def cut_off():
        return server.descriptors() < baseline + 5
    # 10 seconds of stalling, plus some for a slow machine; far below TCP's own timeouts.
    assert harness.wait_until(cut_off, 45, 0.5), server.descriptors()
    for client in clients:
        client.close()
