"""The first scans of progressive JPEGs from a real `weir serve`. Only windows hold the server back, so the order
of its bytes is its own decision, and nothing depends on time."""
import json
import random
import re
import struct

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

import harness

WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
CONNECTION_BYTES = 65535  # what the server may send before the first WINDOW_UPDATE
HEAD_BYTES = 4096         # of every image
STEP_BYTES = 16384        # the head start of a file that is read in pieces may be longer, by less than this
PHOTOS = 6


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def entropy(noise, size):
    """Entropy-coded data: any bytes, with 0xFF stuffed and restart markers in between."""
    pieces = [noise.randbytes(997).replace(b"\xff", b"\xff\0") + bytes((0xFF, 0xD0 + k % 8))
              for k in range(size // 999)]
    return b"".join(pieces)


def photo(noise, scan_bytes, size):
    """A progressive JPEG as camera software writes it: its bytes, and how many of them the first scan takes,
    including the marker behind it."""
    exif = segment(0xE1, b"Exif\0\0" + noise.randbytes(1500))
    tables = segment(0xDB, b"\0" + b"\x10" * 64) + segment(0xC4, noise.randbytes(30))
    frame = segment(0xC2, struct.pack(">BHHBBBB", 8, 600, 800, 1, 1, 0x11, 0))
    first = (b"\xff\xd8" + exif + tables + frame + segment(0xDA, b"\x01\x01\0\0\0\x01")
             + entropy(noise, scan_bytes))
    second = (segment(0xC4, noise.randbytes(30)) + segment(0xDA, b"\x01\x01\0\x01\x3f\x01")
              + entropy(noise, size - len(first)))
    return first + second + b"\xff\xd9", len(first) + 2


class Page:
    """A connection on which the server can send nothing until open()."""

    def __init__(self, server):
        self.socket = harness.connect(server.http_port)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values={WINDOW: 0})
        self.h2.initiate_connection()
        self.authority = f"localhost:{server.http_port}"
        self.answered, self.got, self.ended, self.log = set(), {}, set(), []

    def ask(self, paths, priority):
        """Requests these and returns their streams, once all have a response header section."""
        streams = {}
        for path in paths:
            stream = self.h2.get_next_available_stream_id()
            self.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"),
                                          (":authority", self.authority), (":path", "/" + path),
                                          ("priority", priority)], end_stream=True)
            streams[path] = stream
            self.got[stream] = bytearray()
        self.until(lambda: self.answered >= set(streams.values()))
        return streams

    def until(self, done):
        while True:
            data = self.h2.data_to_send()
            if data:
                self.socket.sendall(data)
            if done():
                return
            data = self.socket.recv(1 << 16)
            assert data, "the server hung up"
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    assert (b":status", b"200") in event.headers or \
                        (":status", "200") in event.headers, event.headers
                    self.answered.add(event.stream_id)
                elif isinstance(event, h2.events.DataReceived):
                    self.got[event.stream_id] += event.data
                    self.log.append((event.stream_id, len(self.got[event.stream_id])))
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended.add(event.stream_id)

    def received(self):
        return sum(len(content) for content in self.got.values())

    def open_streams(self):
        self.h2.update_settings({WINDOW: 1 << 20})
        self.until(lambda: self.received() == CONNECTION_BYTES)

    def open_connection(self):
        self.h2.increment_flow_control_window(1 << 24)
        self.until(lambda: self.ended == set(self.got))

    def close(self):
        self.socket.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Photographs that are cached, photographs that are read in pieces, and the late files."""
    root = tmp_path_factory.mktemp("site")
    noise = random.Random(4)
    files = {}
    for kind, size in (("cached", 100_000), ("streamed", 400_000)):
        for k in range(PHOTOS):
            files[f"{kind}{k}.jpg"] = photo(noise, 15_000 + 1000 * k, size)
    files["late.css"] = (b"/* " + b"x" * 20_000 + b" */", 0)
    files["late.json"] = (b'"' + b"y" * 150_000 + b'"', 0)
    for name, (content, _) in files.items():
        (root / name).write_bytes(content)
    return root, files


def load(server, files, kind):
    """The page in the order of its bytes: [(name, bytes of it so far)]."""
    page = Page(server)
    photos = page.ask([f"{kind}{k}.jpg" for k in range(PHOTOS)], "u=5, i")
    page.open_streams()
    late = {**page.ask(["late.css"], "u=0"), **page.ask(["late.json"], "u=3")}
    page.open_connection()
    page.close()
    names = {stream: name for name, stream in {**photos, **late}.items()}
    for stream, content in page.got.items():
        assert content == files[names[stream]][0], names[stream]
    return [(names[stream], so_far) for stream, so_far in page.log]


def stages(log, heads):
    """The log as letters, without repetitions. c: the style sheet; d: the first bytes of an image; s: the rest
    of its head start; j: the JSON; r: the rest of an image."""
    letters = []
    for name, so_far in log:
        letter = name[5] if name.startswith("late") else \
            "d" if so_far <= HEAD_BYTES else "s" if so_far <= heads[name] else "r"
        if not letters or letters[-1] != letter:
            letters.append(letter)
    return "".join(letters)


def before_json(log):
    """The bytes of each file before the JSON, which is more urgent than images but less than head starts."""
    return dict(log[:[name for name, _ in log].index("late.json")])


def one_after_another(log, files):
    """The first scans are completed, to the byte, in the order in which the images began."""
    began = list(dict.fromkeys(name for name, _ in log if name.endswith("jpg")))
    assert [name for name, so_far in log if so_far == files[name][1]] == began
    scanning = [name for name, so_far in log
                if name.endswith("jpg") and HEAD_BYTES < so_far <= files[name][1]]
    assert list(dict.fromkeys(scanning)) == began
    assert sorted(scanning, key=began.index) == scanning


# The style sheet is requested when the connection's 65,535 bytes are spent, in the middle of the scans.
EXPECTED = "dscsjr"


def test_first_scans_of_cached_photos(tmp_path, site):
    root, files = site
    with harness.Server(tmp_path, root, "--no-compress", https=False) as server:
        log = load(server, files, "cached")
    assert stages(log, {name: scan for name, (_, scan) in files.items()}) == EXPECTED
    one_after_another(log, files)


def test_first_scans_of_streamed_photos(tmp_path, site):
    root, files = site
    with harness.Server(tmp_path, root, "--no-compress", https=False) as server:
        # The first request finds the end of the scan while it is being sent, so it gets up to a frame more.
        first = load(server, files, "streamed")
        heads = before_json(first)
        for k in range(PHOTOS):
            scan = files[f"streamed{k}.jpg"][1]
            assert scan <= heads[f"streamed{k}.jpg"] < scan + STEP_BYTES
        assert stages(first, heads) == EXPECTED
        # After that the end is known.
        log = load(server, files, "streamed")
    assert stages(log, {name: scan for name, (_, scan) in files.items()}) == EXPECTED
    one_after_another(log, files)


@pytest.mark.parametrize("rule, heads", [("image/jpeg=12k", 12 * 1024), ("*@/cached*=12k", 12 * 1024),
                                         ("image/jpeg=0", 0)])
def test_numbers_win(tmp_path, site, rule, heads):
    root, files = site
    with harness.Server(tmp_path, root, "--no-compress", "--head-start", rule, https=False) as server:
        log = load(server, files, "cached")
    before = before_json(log)
    photos = [before.get(f"cached{k}.jpg", 0) for k in range(PHOTOS)]
    if heads:
        assert photos == [heads] * PHOTOS
    else:  # no head start: they share what the connection had left
        assert sum(photos) == CONNECTION_BYTES


def test_trace_marks_first_scans(tmp_path, site):
    """`weir trace` on a slow link: first the dimensions of all photographs, then their first scans, the late JSON,
    and the photographs."""
    root, files = site
    photos = [f"cached{k}.jpg" for k in range(PHOTOS)]
    resources = [{"url": name, "kind": "image", "priority": "u=5, i"} for name in photos]
    resources.append({"url": "late.json", "kind": "fetch", "priority": "u=3", "critical": True,
                      "after": photos[0], "event": "first-byte"})
    manifest, record, picture = (tmp_path / name for name in ("page.json", "run.json", "page.svg"))
    manifest.write_text(json.dumps({"resources": resources}))
    with harness.Server(tmp_path, root, "--no-compress", https=False) as server:
        status, _, err = harness.run("trace", "--manifest", manifest, "--limit-rate", "400K", "--json",
                                     record, "--output", picture, server.url())
        assert status == 0, err
    run = json.loads(record.read_text())["runs"][0]
    seen = {r["url"]: r for r in run["resources"]}
    for name in photos:
        moments = [seen[name][m] for m in ("first_byte_ms", "dimensions_ms", "first_scan_ms", "end_ms")]
        assert moments == sorted(moments) and moments[2] < moments[3], seen[name]
    assert seen["late.json"]["first_scan_ms"] is None
    # At this rate: 0.3 s of first scans, 0.4 s of JSON, and more than a second for the rest.
    scans = max(seen[name]["first_scan_ms"] for name in photos)
    assert scans < seen["late.json"]["end_ms"] < min(seen[name]["end_ms"] for name in photos)
    marks = re.findall(r'class="scan"', picture.read_text())
    assert len(marks) == PHOTOS + 1  # and the legend's
