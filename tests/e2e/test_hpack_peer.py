"""weir's HPACK against python3-hpack, through tests/helpers/hpack_peer.c. Each side reads what the other writes,
over many blocks of one connection, with changes of the table size."""
import glob
import json
import os
import random
import subprocess

import pytest

hpack = pytest.importorskip("hpack")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEER = os.path.join(ROOT, "build/asan/tests/helpers/hpack_peer")
if not os.path.exists(PEER):
    PEER = os.path.join(ROOT, "build/release/tests/helpers/hpack_peer")
NEVER_INDEX = 1  # HEADER_NEVER_INDEX
TABLE_BYTES_MAX = 4096
SECRETS = {b"authorization", b"proxy-authorization", b"set-cookie"}


class Peer:
    """The C program. Fields are (name, value) in bytes."""

    def __init__(self):
        self.process = subprocess.Popen([PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def tell(self, line):
        self.process.stdin.write(line + "\n")

    def answer(self):
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def limit(self, size):
        self.tell(f"limit {size}")

    def encode(self, fields):
        for name, value in fields:
            self.tell(f"field 0 -{name.hex()} -{value.hex()}")
        self.tell("encode")
        return bytes.fromhex(self.answer()[0][1:])

    def decode(self, block):
        self.tell(f"decode -{block.hex()}")
        fields = []
        while True:
            words = self.answer()
            if words[0] in ("ok", "error"):
                assert words == ["ok"], words
                return fields
            fields.append((int(words[0]), bytes.fromhex(words[1][1:]), bytes.fromhex(words[2][1:])))

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.fixture
def peer():
    if not os.path.exists(PEER):
        pytest.skip("tests/helpers/hpack_peer is not built")
    one = Peer()
    yield one
    one.close()


def decoder_of(size=TABLE_BYTES_MAX):
    decoder = hpack.Decoder(max_header_list_size=1 << 24)
    decoder.max_allowed_table_size = size
    return decoder


def read(decoder, block):
    return [(bytes(name), bytes(value)) for name, value in decoder.decode(block, raw=True)]


def stories():
    """The header lists of recorded connections."""
    for root in ("tests/vectors", os.environ.get("WEIR_VECTORS", "../shared/vectors")):
        pattern = os.path.join(ROOT, root, "hpack/nghttp2/story_*.json")
        for path in sorted(glob.glob(pattern)):
            with open(path) as file:
                cases = json.load(file)["cases"]
            yield path, [[(n.encode(), v.encode()) for pair in case["headers"]
                          for n, v in pair.items()] for case in cases]


def random_field(dice, numbers):
    kind = dice.randrange(8)
    if kind == 0:
        return b"x-number", str(next(numbers)).encode()
    if kind == 1:
        return bytes(dice.choice(sorted(SECRETS))), b"secret"
    if kind == 2:
        return b"cookie", b"c" * dice.randrange(40)
    name = dice.choice([b":status", b"date", b"etag", b"content-type", b"x-a", b"x-b", b"priority",
                        b"content-length", b"x-" + bytes([97 + dice.randrange(26)]) * 20])
    octets = range(256) if kind == 3 else b"abcdefghijklmnopqrstuvwxyz0123456789 /=;"
    return name, bytes(dice.choices(octets, k=dice.choice([0, 1, 3, 10, 30, 300, 3000])))


def random_lists(seed, count):
    dice, numbers = random.Random(seed), iter(range(1 << 30))
    seen = []
    for _ in range(count):
        fields = []
        for _ in range(dice.randrange(12)):
            if seen and dice.random() < 0.6:
                fields.append(dice.choice(seen))
            else:
                fields.append(random_field(dice, numbers))
                seen = seen[-40:] + fields[-1:]
        yield fields


def test_recorded_lists_to_peer():
    """python3-hpack reads what weir writes."""
    if not os.path.exists(PEER):
        pytest.skip("tests/helpers/hpack_peer is not built")
    count = 0
    for path, lists in stories():
        ours, decoder = Peer(), decoder_of()
        for fields in lists:
            assert read(decoder, ours.encode(fields)) == fields, path
            count += 1
        ours.close()
    assert count > 0


def test_random_lists_to_peer(peer):
    decoder = decoder_of()
    for fields in random_lists(seed=1, count=1500):
        assert read(decoder, peer.encode(fields)) == fields


def test_random_lists_from_peer(peer):
    encoder = hpack.Encoder()
    for fields in random_lists(seed=2, count=1500):
        assert [field[1:] for field in peer.decode(encoder.encode(fields))] == fields


def test_secrets_are_never_indexed(peer):
    decoder = decoder_of()
    for fields in random_lists(seed=3, count=200):
        for field in decoder.decode(peer.encode(fields), raw=True):
            secret = field[0] in SECRETS or field[0] == b"cookie" and len(field[1]) < 20
            assert secret == (not field.indexable), field
        assert not SECRETS & {name for name, _ in decoder.header_table.dynamic_entries}


def test_never_indexed_is_seen(peer):
    encoder = hpack.Encoder()
    block = encoder.encode([hpack.NeverIndexedHeaderTuple(b"x", b"y"), hpack.HeaderTuple(b"x", b"y")])
    assert peer.decode(block) == [(NEVER_INDEX, b"x", b"y"), (0, b"x", b"y")]


def test_table_size_changes_to_peer(peer):
    """The peer changes its limit now and then; the next block announces it."""
    dice, decoder = random.Random(4), decoder_of()
    for fields in random_lists(seed=4, count=800):
        if dice.random() < 0.1:
            for _ in range(dice.randrange(1, 4)):
                size = dice.choice([0, 1, 33, 100, 1000, 4096])
                peer.limit(size)
            decoder.max_allowed_table_size = size
        assert read(decoder, peer.encode(fields)) == fields


def test_table_size_changes_from_peer(peer):
    """One change between two blocks, because python3-hpack announces each of several where two suffice."""
    dice, encoder = random.Random(5), hpack.Encoder()
    for fields in random_lists(seed=5, count=800):
        if dice.random() < 0.1:
            sizes = {0, 1, 33, 100, 1000, 4096} - {encoder.header_table_size}
            size = dice.choice(sorted(sizes))
            peer.limit(size)
            encoder.header_table_size = size
        assert [field[1:] for field in peer.decode(encoder.encode(fields))] == fields
