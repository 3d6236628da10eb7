"""An HTTP/1.1 server of known behaviour, for the tests of `weir load`."""
import re
import socket
import struct

import harness
from load_peer import Peer

BODY = b"hello, world\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


class Http1Peer(Peer):
    """A thread for each connection. `behave(peer, conn)` answers conn.request, the next request in line; by default
    with 200. `address` is a path for a UNIX socket. Counts what it did."""

    def __init__(self, behave=None, address=None, tls=None):
        self.behave = behave or (lambda peer, conn: conn.answer())
        self.tls = tls
        if address:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(address)
            listener.listen(128)
        else:
            listener = socket.create_server(("127.0.0.1", harness.free_port()), backlog=128)
        self.listen(listener)

    def connection(self, plain, number):
        return Connection(self, plain, number)

    def url(self, path="/"):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"


class Connection:
    """`request` is the head of the request that is to be answered, `number` counts connections from 1, and
    `requests` those of this connection."""

    def __init__(self, peer, plain, number):
        self.peer, self.socket, self.number = peer, plain, number
        self.requests = 0
        self.received = b""
        self.over = False
        self.request = self.body = b""

    def run(self):
        if self.socket.family == socket.AF_INET:  # an answer that waits for an ACK would be lost in a reset
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.peer.tls:
                self.socket = self.peer.tls.wrap_socket(self.socket, server_side=True)
            while not self.over and self.take_request():
                self.requests += 1
                self.peer.count("requests")
                self.peer.behave(self.peer, self)
        except OSError as error:
            self.peer.count(type(error).__name__)
        finally:
            self.socket.close()

    def take_until(self, enough):
        while not enough():
            data = self.socket.recv(65536)
            if not data:
                return False
            self.received += data
        return True

    def take_request(self):
        if not self.take_until(lambda: b"\r\n\r\n" in self.received):
            return False
        self.request, _, self.received = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", self.request)
        size = int(length.group(1)) if length else 0
        if not self.take_until(lambda: len(self.received) >= size):
            return False
        self.body, self.received = self.received[:size], self.received[size:]
        return True

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, status=b"200 OK", fields=b"", body=BODY):
        self.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), fields, body))
        self.peer.count("answered")

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.socket.shutdown(socket.SHUT_WR)
            self.drain()
        self.over = True

    def drain(self):
        """Reads until the client closes, too. Closing with requests unread would be a reset, in place of the end."""
        self.socket.settimeout(5)
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
