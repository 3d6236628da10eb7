"""Single frames, invalid or just rare: the answer, and whether the connection is still in step afterwards."""
import random
import socket
import struct

import hyperframe.frame
import pytest

import harness

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0, 1, 3, 5
FRAME_SIZE_ERROR, REFUSED_STREAM, COMPRESSION_ERROR = 6, 7, 9
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
LONG = harness.os.environ.get("WEIR_ATTACK_LONG")
GET = bytes([0x82, 0x86, 0x01, 1]) + b"a"  # :method GET, :scheme http, :authority a


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def setting(number, value):
    return frame(SETTINGS, payload=struct.pack(">HI", number, value))


def get(stream, path=b"/plaintext", extra=b"", end=True):
    block = GET + bytes([0x04, len(path)]) + path + extra
    return frame(HEADERS, 5 if end else 4, stream, block)


@pytest.fixture
def raw(demo_scene):
    made = []

    def open_one(**how):
        made.append(demo_scene.server.raw(**how))
        return made[-1]

    yield open_one
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def demo_scene(scene):
    return scene


def answers(client, stream=99, path="/plaintext"):
    """Asserts that the connection still works."""
    client.request(stream, path)
    assert client.take_end(stream) is not None, client.kinds()
    return client.status(stream)


def ends(client, code):
    """Asserts GOAWAY with that code, then the end, and nothing in between."""
    last = client.take_kind("GoAway")
    assert last is not None, client.kinds()
    assert last.error_code == code, (last.error_code, last.additional_data)
    assert client.take() is None


def resets(client, stream, code):
    """Asserts RST_STREAM with that code; a complete 400 may come first."""
    last = client.take_end(stream)
    if type(last) is hyperframe.frame.HeadersFrame and client.status(stream) == "400":
        last = client.take_kind("RstStream")
    assert type(last) is hyperframe.frame.RstStreamFrame, client.frames
    assert last.error_code == code, last


# ---- connection errors ---------------------------------------------------------------------------

ERRORS = [
    # (name, bytes after the preface and SETTINGS, code)
    ("MAX_FRAME_SIZE 0", setting(5, 0), PROTOCOL_ERROR),
    ("MAX_FRAME_SIZE 16383", setting(5, 16383), PROTOCOL_ERROR),
    ("MAX_FRAME_SIZE 2^24", setting(5, 1 << 24), PROTOCOL_ERROR),
    ("ENABLE_PUSH 2", setting(2, 2), PROTOCOL_ERROR),
    ("INITIAL_WINDOW_SIZE 2^31", setting(4, 1 << 31), FLOW_CONTROL_ERROR),
    ("INITIAL_WINDOW_SIZE overflows a stream", get(1, b"/delay/3000") +
     frame(WINDOW, 0, 1, struct.pack(">I", 1000)) + setting(4, (1 << 31) - 1),
     FLOW_CONTROL_ERROR),
    ("SETTINGS of 5 bytes", frame(SETTINGS, payload=b"12345"), FRAME_SIZE_ERROR),
    ("SETTINGS on a stream", frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    ("SETTINGS ACK twice", 2 * frame(SETTINGS, 1), PROTOCOL_ERROR),
    ("SETTINGS ACK with payload", frame(SETTINGS, 1, 0, b"123456"), FRAME_SIZE_ERROR),
    ("WINDOW_UPDATE 0 for the connection", frame(WINDOW, payload=bytes(4)), PROTOCOL_ERROR),
    ("WINDOW_UPDATE overflows the connection", 2 * frame(WINDOW, payload=b"\x7f\xff\xff\xff"),
     FLOW_CONTROL_ERROR),
    ("WINDOW_UPDATE for an idle stream", frame(WINDOW, 0, 5, b"\0\0\0\1"), PROTOCOL_ERROR),
    ("WINDOW_UPDATE of 3 bytes", frame(WINDOW, payload=bytes(3)), FRAME_SIZE_ERROR),
    ("RST_STREAM for an idle stream", frame(RST, 0, 5, bytes(4)), PROTOCOL_ERROR),
    ("RST_STREAM of 3 bytes", frame(RST, 0, 1, bytes(3)), FRAME_SIZE_ERROR),
    ("PING of 7 bytes", frame(PING, payload=bytes(7)), FRAME_SIZE_ERROR),
    ("PING on a stream", frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR),
    ("GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR),
    ("GOAWAY of 7 bytes", frame(GOAWAY, payload=bytes(7)), FRAME_SIZE_ERROR),
    ("PUSH_PROMISE to a server", frame(PUSH, 4, 1, struct.pack(">I", 2) + GET), PROTOCOL_ERROR),
    ("DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    ("DATA on an idle stream", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
    ("HEADERS on stream 0", frame(HEADERS, 5, 0, GET), PROTOCOL_ERROR),
    ("HEADERS on an even stream", get(2), PROTOCOL_ERROR),
    ("HEADERS on a lower stream", get(9) + get(5), PROTOCOL_ERROR),
    ("CONTINUATION alone", frame(CONTINUATION, 4, 1, GET), PROTOCOL_ERROR),
    ("PING inside a header block", frame(HEADERS, 1, 1, GET) + frame(PING, payload=bytes(8)),
     PROTOCOL_ERROR),
    ("unknown frame inside a header block", frame(HEADERS, 1, 1, GET) + frame(0x42, 0, 1),
     PROTOCOL_ERROR),
    ("CONTINUATION of another stream",
     frame(HEADERS, 1, 1, GET) + frame(CONTINUATION, 4, 3, b""), PROTOCOL_ERROR),
    ("a frame longer than allowed", frame(HEADERS, 5, 1, length=16385), FRAME_SIZE_ERROR),
    ("a frame of 2^24-1 bytes, unknown type", frame(0x42, length=(1 << 24) - 1), FRAME_SIZE_ERROR),
    ("HEADERS padded with more than there is", frame(HEADERS, 0xd, 1, b"\x06" + GET),
     PROTOCOL_ERROR),
    ("HEADERS padded, without the length", frame(HEADERS, 0xd, 1), FRAME_SIZE_ERROR),
    ("DATA padded with more than there is", get(1, b"/echo", end=False) +
     frame(DATA, 8, 1, b"\x08" + bytes(7)), PROTOCOL_ERROR),
    ("DATA padded, without the length", get(1, b"/echo", end=False) + frame(DATA, 8, 1),
     FRAME_SIZE_ERROR),
    ("stream identifiers used up", get((1 << 31) - 1) + get(1), PROTOCOL_ERROR),
    # HPACK
    ("integer without an end", frame(HEADERS, 5, 1, b"\xff" + b"\x80" * 64), COMPRESSION_ERROR),
    ("integer of 2^32", frame(HEADERS, 5, 1, b"\x7f\x80\x80\x80\x80\x10"), COMPRESSION_ERROR),
    ("index 2^28", frame(HEADERS, 5, 1, b"\xff\x80\x80\x80\x7f"), COMPRESSION_ERROR),
    ("index 0", frame(HEADERS, 5, 1, b"\x80"), COMPRESSION_ERROR),
    ("index beyond the table", frame(HEADERS, 5, 1, b"\xbe"), COMPRESSION_ERROR),
    ("a string longer than its block", frame(HEADERS, 5, 1, b"\x00\x7f\x80\x7fabc"),
     COMPRESSION_ERROR),
    ("Huffman padding of zeros", frame(HEADERS, 5, 1, GET + b"\x04\x81\x18"), COMPRESSION_ERROR),
    ("Huffman padding of 8 bits", frame(HEADERS, 5, 1, GET + b"\x04\x82\x63\xff\xff"[:5]),
     COMPRESSION_ERROR),
    ("Huffman EOS", frame(HEADERS, 5, 1, GET + b"\x04\x84\xff\xff\xff\xff"), COMPRESSION_ERROR),
    ("size update beyond the limit", frame(HEADERS, 5, 1, b"\x3f\xe2\x1f" + GET),
     COMPRESSION_ERROR),
    ("size update after a field", frame(HEADERS, 5, 1, GET + b"\x20"), COMPRESSION_ERROR),
    ("three size updates", frame(HEADERS, 5, 1, b"\x20\x20\x20" + GET), COMPRESSION_ERROR),
    ("a thousand size updates", frame(HEADERS, 5, 1, b"\x20\x3f\xe1\x1f" * 1000 + GET),
     COMPRESSION_ERROR),
]


@pytest.mark.parametrize("name,sent,code", ERRORS, ids=[e[0] for e in ERRORS])
def test_connection_error(raw, name, sent, code):
    client = raw()
    client.send(sent)
    ends(client, code)


def test_errors_byte_by_byte(raw):
    """The same, with the bytes cut at every position."""
    for name, sent, code in ERRORS:
        for cut in range(1, min(len(sent), 64)):
            client = raw()
            client.send(sent[:cut])
            client.send(sent[cut:])
            last = client.take_kind("GoAway")
            assert last is not None and last.error_code == code, (name, cut, last)
            client.close()


# ---- settings ------------------------------------------------------------------------------------


def test_tables_of_any_size(raw):
    """HEADER_TABLE_SIZE jumps up and down. The server's blocks can always be decoded."""
    client = raw()
    stream = 1
    for sizes in ([0], [4096], [0, 4096], [100], [4096, 50, 0], [1 << 32 - 1], [0, 65536, 0], [300]):
        for size in sizes:
            client.decoder.max_allowed_table_size = max(4096, size)
            client.send(setting(1, size))
        for _ in sizes:
            client.take_until(lambda f: type(f).__name__ == "SettingsFrame" and "ACK" in f.flags)
        for path in ("/", "/plaintext", "/nothing"):
            assert answers(client, stream, path) in ("200", "404")
            stream += 2


def test_header_list_sizes(raw):
    """MAX_HEADER_LIST_SIZE is advisory: neither 0 nor 2^32-1 stops a response, or costs anything."""
    for size in (0, 1, (1 << 32) - 1):
        client = raw()
        client.send(setting(6, size))
        assert answers(client) == "200"


def test_limit_without_ack(raw):
    """128 streams, whether or not the server's SETTINGS were acknowledged (CVE-2025-53506)."""
    client = raw(quiet=True)
    client.send(b"".join(get(1 + 2 * i, b"/delay/3000") for i in range(300)))
    client.frame("Ping", opaque_data=b"thefence")
    client.take_kind("Ping")
    refused = [f for f in client.frames if type(f) is hyperframe.frame.RstStreamFrame]
    assert len(refused) == 300 - 128
    assert {f.error_code for f in refused} == {REFUSED_STREAM}


# ---- frames that are not errors ------------------------------------------------------------------


def test_unknown_frames(raw):
    """Every unknown type, length and stream is skipped, and the connection stays in step."""
    kinds = [k for k in range(256) if k > 0x10 or 0xa <= k < 0x10]
    lengths = [0, 1, 4, 5, 6, 8, 9, 16384]
    flags = range(256) if LONG else [0, 1, 4, 8, 0x20, 0x24, 0xff]
    rows = [(k, n, f) for k in kinds for n in lengths for f in flags]
    if not LONG:
        rows = random.Random(3).sample(rows, 2500)
    for at in range(0, len(rows), 800):
        client = raw()
        client.send(get(1))
        client.take_end(1)
        client.send(b"".join(frame(k, f, (0, 1, 3, 5)[n % 4], bytes(n))
                             for k, n, f in rows[at:at + 800]))
        assert answers(client) == "200"


def test_window_update_details(raw):
    client = raw()
    client.send(frame(WINDOW, 0, 0, b"\x80\x00\x10\x00"))  # the reserved bit is ignored
    client.send(get(1))
    client.take_end(1)
    client.send(frame(WINDOW, 0, 1, b"\0\0\0\1"))  # on a closed stream: the frames crossed
    assert answers(client) == "200"
    client.send(get(101, b"/delay/3000") + frame(WINDOW, 0, 101, bytes(4)))
    resets(client, 101, PROTOCOL_ERROR)
    client.send(get(103, b"/delay/3000") + frame(WINDOW, 0, 103, b"\x7f\xff\xff\xff"))
    resets(client, 103, FLOW_CONTROL_ERROR)
    assert answers(client, 105) == "200"


def test_goaway_is_noted(raw):
    """Open streams are completed, debug data is not kept, and then the connection closes."""
    client = raw(settings={4: 0})
    client.send(get(1, b"/bytes/100000"))
    client.send(frame(GOAWAY, payload=b"\x80\0\0\0" + bytes(4) + bytes(16000)))
    client.take_kind("Headers", 1)
    client.send(frame(WINDOW, 0, 1, struct.pack(">I", 100000)))
    client.send(frame(WINDOW, 0, 0, struct.pack(">I", 100000)))
    client.take_end(1)
    assert client.bodies[1] == harness.demo_bytes(100000)
    assert client.take() is None or client.take_until(lambda f: False) is None


def test_one_empty_data_frame(raw):
    """END_STREAM in an empty DATA frame is allowed, regardless of windows."""
    client = raw()
    client.request(1, "/echo", "POST", end=False)
    client.send(frame(DATA, 1, 1))
    client.take_end(1)
    assert client.status(1) == "200"


def test_padding_is_given_back(raw):
    """2 MiB of DATA, mostly padding. All of it is charged, and all credit comes back."""
    client = raw(settings={4: 1 << 20})
    client.send(frame(WINDOW, payload=struct.pack(">I", 1 << 24)))
    client.request(1, "/echo", "POST", end=False)
    windows, sent = {0: 65535, 1: 65535}, 0

    def credited(f):
        if type(f).__name__ == "WindowUpdateFrame":
            windows[f.stream_id] = windows.get(f.stream_id, 0) + f.window_increment
        return min(windows[0], windows[1]) >= 512
    while sent < 4096:
        while min(windows[0], windows[1]) < 512:
            assert client.take_until(credited)
        client.send(frame(DATA, 8, 1, b"\xff" + bytes([sent % 256]) * 256 + bytes(255)))
        windows[0] -= 512
        windows[1] -= 512
        sent += 1
    client.send(frame(DATA, 1, 1))
    client.take_end(1)
    assert client.bodies[1] == b"".join(bytes([i % 256]) * 256 for i in range(4096))


def test_identifiers_at_their_end(raw):
    """Skipping to the last identifier allocates nothing for the skipped ones."""
    client = raw()
    client.send(get((1 << 31) - 1))
    client.take_end((1 << 31) - 1)
    assert client.status((1 << 31) - 1) == "200"


# ---- HPACK in step -------------------------------------------------------------------------------

INSERT_PATH = b"\x44\x0a/plaintext"  # :path, with incremental indexing: becomes entry 62
BY_REFERENCE = frame(HEADERS, 5, 99, GET + b"\xbe")
REASONS = [
    ("missing :method", b"\x86\x01\x01a", b""),
    ("upper case", GET, b"\x00\x01A\x01b"),
    ("no name", GET, b"\x00\x00\x00"),
    ("pseudo-field twice", GET + b"\x82", b""),
    ("unknown pseudo-field", GET + b"\x00\x02:x\x01y", b""),
    ("pseudo-field after a field", GET, b"\x00\x01a\x01b\x82"),
    ("connection field", GET, b"\x00\x0aconnection\x05close"),
    ("te: gzip", GET, b"\x00\x02te\x04gzip"),
    ("NUL in a value", GET, b"\x00\x01a\x01\x00"),
    ("CR LF in a value", GET, b"\x00\x01a\x04b\r\nc"),
    ("content-length is no number", GET, b"\x00\x0econtent-length\x02+5"),
    ("content-length without a body", GET, b"\x00\x0econtent-length\x015"),
]


@pytest.mark.parametrize("name,before,after", REASONS, ids=[r[0] for r in REASONS])
def test_tables_stay_in_step(raw, name, before, after):
    """A rejected request still fills the table that the next one refers to (CVE-2023-32731)."""
    client = raw()
    client.send(frame(HEADERS, 5, 1, before + INSERT_PATH + after))
    resets(client, 1, PROTOCOL_ERROR)
    client.send(BY_REFERENCE)
    client.take_end(99)
    assert client.status(99) == "200" and client.bodies[99] == b"Hello, World!"


def test_tables_after_refusal(raw):
    client = raw()
    client.send(b"".join(get(1 + 2 * i, b"/delay/3000") for i in range(128)))
    client.send(frame(HEADERS, 5, 301, GET + INSERT_PATH))
    resets(client, 301, REFUSED_STREAM)
    client.send(frame(RST, 0, 1, struct.pack(">I", 8)))
    client.send(frame(HEADERS, 5, 399, GET + b"\xbe"))
    client.take_end(399)
    assert client.bodies[399] == b"Hello, World!"


@pytest.mark.parametrize("name,fields", [
    ("bytes", b"".join(b"\x00\x01a\x7f\x81\x3e" + b"v" * 8064 for _ in range(7))),
    ("fields", b"\x00\x01a\x01b" * 200)], ids=["bytes", "fields"])
def test_tables_after_431(raw, name, fields):
    """Too many fields or bytes get 431, and the connection continues."""
    client = raw()
    block = GET + INSERT_PATH + (fields if name == "fields" else fields + b"\x00\x01a\x7f\x81\x3e" +
                                 b"v" * 8064 + b"\x00\x01z\x01z" * 40)
    pieces = [block[i:i + 16384] for i in range(0, len(block), 16384)]
    for i, piece in enumerate(pieces):
        end = 4 if i == len(pieces) - 1 else 0
        client.send(frame(CONTINUATION if i else HEADERS, end | (0 if i else 1), 1, piece))
    client.take_end(1)
    assert client.status(1) == "431"
    client.send(BY_REFERENCE)
    client.take_end(99)
    assert client.bodies[99] == b"Hello, World!"


# ---- how connections begin and end ---------------------------------------------------------------


@pytest.mark.parametrize("answer,sent", [
    (b"HTTP/1.1 400 ", b"SSH-2.0-OpenSSH_9.2\r\n"),
    (b"\x15\x03\x01\x00\x02\x02\x0a", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 27),
    (b"HTTP/1.1 400 ", bytes(300)), (b"HTTP/1.1 505 ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + bytes(30)),
    (b"HTTP/1.1 501 ", b"A" * 5000)],
    ids=["ssh", "tls", "zeros", "almost", "long"])
def test_not_http(scene, answer, sent):
    """Anything but a request gets a short answer, and the connection ends."""
    with socket.create_connection(("127.0.0.1", scene.port)) as plain:
        plain.settimeout(harness.PATIENCE_SECONDS)
        plain.sendall(sent)
        got = b""
        try:
            while data := plain.recv(4096):
                got += data
        except ConnectionResetError:
            pass
        assert got.startswith(answer) and len(got) < 1000, got


def test_preface_in_pieces(scene):
    with socket.create_connection(("127.0.0.1", scene.port)) as plain:
        plain.settimeout(harness.PATIENCE_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in harness.RawClient.PREFACE + frame(SETTINGS) + get(1):
            plain.sendall(bytes([byte]))
        got = b""
        while b"Hello, World!" not in got:
            data = plain.recv(4096)
            assert data
            got += data


def test_half_close(raw):
    """A client that has closed its own direction still gets its answer."""
    client = raw()
    client.send(get(1, b"/bytes/60000"))
    client.socket.shutdown(socket.SHUT_WR)
    client.quiet = True
    client.take_end(1)
    assert client.bodies[1] == harness.demo_bytes(60000)
    assert client.take() is None


def test_half_close_with_shut_windows(scene, raw):
    """No credit can arrive after FIN, so the server stops waiting for it."""
    client = raw(settings={4: 0}, quiet=True)
    client.send(get(1, b"/bytes/60000"))
    client.take_kind("Headers", 1)
    client.socket.shutdown(socket.SHUT_WR)
    client.socket.settimeout(5)
    assert client.take_until(lambda f: False) is None


def test_cut_off_while_writing(scene, raw):
    """A client that disconnects in the middle of a response leaves nothing behind."""
    for _ in range(20):
        client = raw(settings={4: (1 << 31) - 1}, quiet=True)
        client.send(frame(WINDOW, payload=b"\x7f\0\0\0") + get(1, b"/bytes/100000000"))
        client.take_kind("Headers", 1)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    assert scene.server.alive()


def test_cut_off_in_a_header_block(scene, raw):
    """A connection that ends between HEADERS and CONTINUATION, or inside either, leaves nothing behind."""
    block = frame(HEADERS, 1, 1, GET + b"\x40\x01a\x01b") + frame(CONTINUATION, 0, 1, bytes([0x82]) * 90)
    for at in range(9, len(block), 3):
        client = raw(quiet=True)
        client.send(block[:at])
        if at % 2:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert scene.server.alive()


def test_one_upload_does_not_starve_another(scene, raw):
    """A stream whose bytes are not consumed fills its own window, not the connection's."""
    client = raw(settings={4: 0})
    for stream in range(1, 11, 2):
        client.request(stream, "/echo", "POST", end=False)
        for _ in range(65535 // 13107):
            client.send(frame(DATA, 0, stream, bytes(13107)))
    client.request(99, "/echo", "POST", end=False)
    client.send(frame(WINDOW, 0, 99, struct.pack(">I", 50000)))
    client.send(frame(DATA, 0, 99, bytes(16384)) * 3 + frame(DATA, 1, 99, bytes(100)))
    client.take_end(99)
    assert len(client.bodies[99]) == 3 * 16384 + 100


def test_the_ledgers_balance(scene):
    scene.reconcile()
    assert scene.server.alive()
