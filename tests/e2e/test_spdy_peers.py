"""weir's SPDY codec (tests/helpers/spdy_peer.c) against the framer of Go's spdystream (tests/peers/framer) and against
Python's zlib: each reads what the others write, over sessions of random frames."""
import os
import random
import shutil
import struct
import subprocess
import zlib

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.path.join(ROOT, "build/asan/tests/helpers/spdy_peer")
if not os.path.exists(OURS):
    OURS = os.path.join(ROOT, "build/release/tests/helpers/spdy_peer")
DICTIONARY = open(os.path.join(ROOT, "tests/vectors/spdy/dictionary.bin"), "rb").read()
TYPES = {"SYN_STREAM": 1, "SYN_REPLY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PING": 6, "GOAWAY": 7, "HEADERS": 8,
         "WINDOW_UPDATE": 9}
NAMES = [b":method", b":path", b":host", b":status", b"streamtype", b"port", b"requestid", b"accept", b"cookie",
         b"set-cookie", b"authorization", b"x-a", b"x-longer-name"]


@pytest.fixture(scope="module")
def go():
    """Go's framer."""
    if not shutil.which("go"):
        pytest.skip("Go is not installed")
    built = subprocess.run(["make", "-s", "build/peers/framer"], cwd=ROOT, capture_output=True, text=True, check=False)
    if "cannot find package" in built.stderr:
        pytest.skip("golang-github-docker-spdystream-dev is not installed")
    assert built.returncode == 0, built.stderr
    return os.path.join(ROOT, "build/peers/framer")


def run(program, *arguments, stdin):
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(errors="replace")
    return done.stdout


# ---- sessions of frames ----------------------------------------------------------------------------


def random_fields(chance):
    """Up to ten names in alphabetical order, some with several values, as words."""
    words = []
    for name in sorted(chance.sample(NAMES, chance.randint(0, 10))):
        for _ in range(chance.choice([1, 1, 1, 3])):
            value = bytes(chance.choice(b"abcdef/=;. 0123456789\xc3\xa4") for _ in range(chance.choice([1, 8, 40, 300])))
            words.append(f"{name.hex()}={value.hex()}")
    return words


def random_frame(chance):
    stream, number = chance.randint(1, 2**31 - 1), chance.randint(0, 2**32 - 1)
    flags = chance.choice([0, 1])
    kind = chance.choice([*TYPES, "SYN_STREAM", "SYN_REPLY", "HEADERS", "DATA"])
    if kind == "SYN_STREAM":
        words = [stream, chance.choice([0, stream]), chance.randint(0, 7), *random_fields(chance)]
    elif kind in ("SYN_REPLY", "HEADERS"):
        words = [stream, *random_fields(chance)]
    elif kind == "DATA":
        words = [stream, "-" + chance.randbytes(chance.choice([0, 1, 100, 20000])).hex()]
    elif kind == "SETTINGS":
        words = [f"{chance.choice([0, 1, 2])}:{chance.randint(1, 8)}:{number}" for _ in range(chance.randint(0, 8))]
    elif kind == "PING":
        flags, words = 0, [max(1, number)]
    elif kind == "GOAWAY":
        flags, words = 0, [stream, chance.randint(0, 2)]
    elif kind == "RST_STREAM":
        flags, words = 0, [stream, chance.randint(1, 11)]
    else:
        flags, words = 0, [chance.choice([0, stream]) or stream, chance.randint(1, 2**31 - 1)]
    return " ".join(map(str, [kind, flags, *words]))


def session(seed, count=200):
    chance = random.Random(seed)
    return [random_frame(chance) for _ in range(count)]


def sorted_fields(line):
    """The line with its names in alphabetical order: secrets are written last, and Go has no order of its own. The
    values of one name keep theirs."""
    words = line.split()
    fields = [word for word in words if "=" in word]
    return " ".join([word for word in words if "=" not in word] + sorted(fields, key=lambda w: w.split("=")[0]))


def expect_lines(got, lines):
    got = [sorted_fields(line) for line in got.decode().splitlines()]
    for at, (line, want) in enumerate(zip(got, lines)):
        assert line == want, f"frame {at}"
    assert len(got) == len(lines)


# ---- Python's zlib ---------------------------------------------------------------------------------


class Writer:
    """One direction of a session."""

    def __init__(self, level):
        self.stream = zlib.compressobj(level, zdict=DICTIONARY)

    def block(self, words):
        fields = {}
        for word in words:
            name, value = map(bytes.fromhex, word.split("="))
            fields.setdefault(name, []).append(value)
        text = struct.pack(">I", len(fields))
        for name, values in fields.items():
            value = b"\0".join(values)
            text += struct.pack(">I", len(name)) + name + struct.pack(">I", len(value)) + value
        return self.stream.compress(text) + self.stream.flush(zlib.Z_SYNC_FLUSH)

    def frame(self, line):
        kind, flags, *words = line.split()
        flags = int(flags)
        if kind == "DATA":
            content = bytes.fromhex(words[1][1:])
            return struct.pack(">II", int(words[0]), flags << 24 | len(content)) + content
        if kind == "SETTINGS":
            payload = struct.pack(">I", len(words))
            for word in words:
                flag, number, value = map(int, word.split(":"))
                payload += struct.pack(">II", flag << 24 | number, value)
        elif kind == "SYN_STREAM":
            payload = struct.pack(">IIH", int(words[0]), int(words[1]), int(words[2]) << 13) + self.block(words[3:])
        elif kind in ("SYN_REPLY", "HEADERS"):
            payload = struct.pack(">I", int(words[0])) + self.block(words[1:])
        else:
            payload = b"".join(struct.pack(">I", int(word)) for word in words)
        return struct.pack(">HHI", 0x8003, TYPES[kind], flags << 24 | len(payload)) + payload


def written_by_python(lines, level):
    writer = Writer(level)
    return b"".join(writer.frame(line) for line in lines)


# ---- tests -----------------------------------------------------------------------------------------


def text_of(lines):
    return "".join(line + "\n" for line in lines).encode()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("level", [0, 1, 9])
def test_we_read_zlib(seed, level):
    lines = session(seed)
    expect_lines(run(OURS, "read", stdin=written_by_python(lines, level)), lines)
    expect_lines(run(OURS, "read", "3", stdin=written_by_python(lines, level)), lines)


@pytest.mark.parametrize("seed", range(6))
def test_we_read_ourselves(seed):
    lines = session(seed)
    frames = run(OURS, "write", stdin=text_of(lines))
    for piece in ("1", "7", "100000"):
        expect_lines(run(OURS, "read", piece, stdin=frames), lines)


@pytest.mark.parametrize("seed", range(6))
def test_go_reads_us(go, seed):
    lines = session(seed)
    expect_lines(run(go, "read", stdin=run(OURS, "write", stdin=text_of(lines))), lines)


@pytest.mark.parametrize("seed", range(6))
def test_we_read_go(go, seed):
    lines = session(seed)
    frames = run(go, "write", stdin=text_of(lines))
    for piece in ("1", "7", "100000"):
        expect_lines(run(OURS, "read", piece, stdin=frames), lines)


def test_differences_are_seen(go):
    """One letter of one value is another."""
    lines = session(1)
    other = list(lines)
    at = next(i for i, line in enumerate(lines) if line.startswith("SYN_STREAM") and line[-1] != "=")
    other[at] = lines[at][:-1] + ("0" if lines[at][-1] != "0" else "1")
    with pytest.raises(AssertionError, match=f"frame {at}"):
        expect_lines(run(go, "read", stdin=written_by_python(other, 6)), lines)
