"""Connections of one worker: downloads without end do not hold up a connection that has little to ask, and
each of them gets its part."""
import time

import pytest

import harness

REQUESTS = 400
BULK_BYTES = 10_000_000_000


def latencies(server, secure):
    """Milliseconds of small requests on one connection, sorted."""
    client = server.raw(secure)
    seen = []
    for i in range(REQUESTS):
        began = time.perf_counter()
        client.request(1 + 2 * i, "/plaintext")
        assert client.take_end(1 + 2 * i) is not None
        seen.append((time.perf_counter() - began) * 1000)
        time.sleep(0.002)
    client.close()
    return sorted(seen)


class Bulk:
    """Downloads without end, each on a connection of its own, and what each has received."""

    def __init__(self, server, secure, count):
        import multiprocessing
        import threading
        self.received = multiprocessing.Array("Q", count, lock=False)

        def read(index):
            client = server.raw(secure, settings={4: 2**31 - 1})
            client.frame("WindowUpdate", 0, window_increment=2**31 - 1 - 65535)
            client.request(1, f"/bytes/{BULK_BYTES}")
            client.socket.settimeout(30)
            buffer = bytearray(1 << 20)
            while True:
                got = client.socket.recv_into(buffer)
                if got == 0:
                    return
                self.received[index] += got

        def run():
            threads = [threading.Thread(target=read, args=[i], daemon=True) for i in range(count)]
            for thread in threads:
                thread.start()
            time.sleep(60)

        self.process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
        self.process.start()

    def stop(self):
        self.process.kill()
        self.process.join()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_downloads_beside_small_requests(start, secure):
    server = start("--drain-seconds", "1")
    alone = latencies(server, secure)
    bulk = Bulk(server, secure, 16)
    try:
        assert harness.wait_until(lambda: min(bulk.received) > 1 << 20)
        before = list(bulk.received)
        beside = latencies(server, secure)
        after = list(bulk.received)
    finally:
        bulk.stop()
    middle, most = REQUESTS // 2, REQUESTS * 99 // 100
    print("alone", alone[middle], alone[most], "beside", beside[middle], beside[most])
    # A turn of the worker is a few milliseconds; the rest is room for the reader on the same cores.
    assert beside[middle] < alone[middle] + 10
    assert beside[most] < alone[most] + 100
    shares = [b - a for a, b in zip(before, after)]
    assert sum(shares) > 16 << 20, "the downloads stood still"
    assert min(shares) > sum(shares) / len(shares) / 3, shares
