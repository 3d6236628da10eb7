"""Floods of frames and of header blocks."""
import pytest

import scene as scene_module
from scene import ENHANCE_YOUR_CALM, ended_with

CALM = "ENHANCE_YOUR_CALM"
# Requests handled per second once a connection has used up its budget of resets: as many as the budget regains,
# and one more for each of ten pauses.
SLOWED_RESETS = 100 + 10
# title, CVE, arguments of the attacker, words in the GOAWAY, maximum of handled requests at once
FLOODS = [
    ("PING", "CVE-2019-9512", ["ping"], "PING", 0),
    ("SETTINGS", "CVE-2019-9515", ["settings"], "SETTINGS", 0),
    ("SETTINGS of 2730 entries", "CVE-2020-11080", ["settings-large", "--variant", 2730],
     "settings", 0),
    ("INITIAL_WINDOW_SIZE up and down", "", ["seesaw"], "SETTINGS", 100),
    ("the same, 32 times per frame", "", ["seesaw-large"], "SETTINGS", 100),
    ("HEADER_TABLE_SIZE up and down", "", ["tables"], "SETTINGS", 0),
    ("invalid requests, for RST_STREAM", "CVE-2019-9514", ["invalid"], "resets", 210),
    ("rapid reset", "CVE-2023-44487", ["rapid-reset"], "resets", 210),
    # Many are answered before their RST_STREAM is read, and pay for it, until their 13 bytes have used up the window.
    ("rapid reset, 100 at a time", "CVE-2023-44487", ["rapid-reset", "--variant", 1], "resets", 65535 // 13 + 7000),
    ("made-you-reset: WINDOW_UPDATE of 0", "CVE-2025-8671", ["made-reset"], "resets", 210),
    ("made-you-reset: window overflow", "CVE-2025-8671", ["made-reset", "--variant", 1],
     "resets", 210),
    ("made-you-reset: PRIORITY of 4 bytes", "CVE-2025-8671", ["made-reset", "--variant", 2],
     "resets", 210),
    ("made-you-reset: stream depends on itself", "CVE-2025-8671",
     ["made-reset", "--variant", 3], "resets", 210),
    ("made-you-reset: HEADERS after the end", "CVE-2025-8671", ["made-reset", "--variant", 4],
     "resets", 210),
    ("made-you-reset: DATA after the end", "CVE-2025-8671", ["made-reset", "--variant", 5],
     "resets", 210),
    ("made-you-reset: more than content-length", "CVE-2025-8671", ["made-reset", "--variant", 6],
     "resets", 210),
    ("made-you-reset: less than content-length", "CVE-2025-8671", ["made-reset", "--variant", 7],
     "resets", 210),
    ("made-you-reset: trailers without END_STREAM", "CVE-2025-8671", ["made-reset", "--variant", 8],
     "resets", 210),
    ("made-you-reset: invalid trailers", "CVE-2025-8671", ["made-reset", "--variant", 9],
     "resets", 210),
    ("rapid reset, in the middle of responses", "CVE-2023-44487",
     ["reset-at", "--variant", 40000, "--path", "/bytes/1000000000"], "resets", 210),
    ("more streams than allowed", "", ["over-limit"], "useless", 128),
    ("PRIORITY, a deep chain of idle streams", "CVE-2019-9513", ["priority"], "useless", 0),
    ("PRIORITY_UPDATE for idle streams", "", ["priority-update", "--variant", 10], "useless", 0),
    ("PRIORITY_UPDATE of 16 KiB", "", ["priority-update", "--variant", 16000], "useless", 0),
    ("WINDOW_UPDATE by the byte", "CVE-2019-9511", ["window-update"], "useless", 1),
    ("unknown frame types", "CVE-2026-27141", ["unknown"], "useless", 0),
    ("ALTSVC and ORIGIN", "CVE-2018-1000168", ["extension"], "useless", 0),
    ("empty DATA", "CVE-2019-9518", ["empty-data"], "useless", 1),
    ("DATA of nothing but padding", "CVE-2019-9518", ["empty-data", "--variant", 1], "useless",
     1),
    ("CONTINUATION, empty", "CVE-2019-9518, CVE-2026-33871", ["continuation"], "CONTINUATION",
     0),
    ("CONTINUATION of 1 byte", "CVE-2024-27316", ["continuation", "--variant", 1],
     "CONTINUATION", 0),
    ("CONTINUATION of 16 KiB", "CVE-2024-27316", ["continuation", "--variant", 16384],
     "too long", 0),
    ("HPACK: 16,000 references to an empty field", "CVE-2026-49975", ["bomb"], "far too large",
     1),
    ("HPACK: 16,000 cookie crumbs", "CVE-2026-49975", ["bomb", "--variant", 1],
     "far too large", 1),
    ("HPACK: 16,000 times 4 KB", "CVE-2016-6581", ["bomb", "--variant", 2], "far too large", 1),
    ("HPACK: fields without a name", "CVE-2019-9516", ["nameless"], "resets", 210),
]


def test_nothing(scene):
    """Others' latency beside a single idle connection."""
    siege = scene.besiege(("nothing, for comparison", "", ""), "idle", connections=1, again=False,
                          cpu_ratio_max=1000)
    assert siege.came_back["goaway"] == {}, siege.came_back


@pytest.fixture(scope="module")
def alone(scene):
    """The answers to each flood from one connection. All run at once, because the server slows most of them for ten
    seconds before it ends them."""
    running = {flood[0]: scene.start(*flood[2], "--seconds", 60) for flood in FLOODS}
    return {title: scene.finish(process) for title, process in running.items()}


@pytest.mark.parametrize("title,cve,attack,words,handled", FLOODS, ids=[f[0] for f in FLOODS])
def test_flood(scene, alone, title, cve, attack, words, handled):
    """It is slowed down, ends with ENHANCE_YOUR_CALM, and costs little work."""
    came_back = alone[title]
    ended_with(came_back, ENHANCE_YOUR_CALM)
    assert words in came_back["reason"], came_back
    if words == "resets":
        handled += SLOWED_RESETS * came_back["seconds"]
    # GOAWAY names the last stream that was answered. Streams were opened in order.
    assert (came_back["last_stream_id"] + 1) // 2 <= handled, came_back

    # Attacks that make the server send are measured per byte in either direction.
    siege = scene.besiege((title, cve, CALM), *attack, either_way=attack[0] == "reset-at")
    assert set(siege.came_back["goaway"]) <= {ENHANCE_YOUR_CALM}, siege.came_back


def test_valid_requests(scene):
    """As many requests as possible, from many connections. All are answered, and so are other clients."""
    siege = scene.besiege(("valid requests, as fast as they go", "", "200"), "get", "--count",
                          20000)
    assert siege.came_back["goaway"] == {} and siege.came_back["rst"] == {}, siege.came_back
    assert set(siege.came_back["status"]) == {"2xx"}, siege.came_back


def test_header_table_churn(scene):
    """Valid requests of 60 fields, which all enter the table and evict each other."""
    siege = scene.besiege(("HPACK: table churn in valid requests", "CVE-2022-41723", "200"), "churn")
    assert siege.came_back["goaway"] == {} and siege.came_back["rst"] == {}, siege.came_back
    assert set(siege.came_back["status"]) == {"2xx"}, siege.came_back


def test_small_data(scene):
    """A body in DATA frames of one byte costs no more memory than in large ones."""
    grown = {}
    for name, size in (("large", 16000), ("small", 1)):
        siege = scene.siege("small-data", "--count", 65535 // size, "--variant", size, again=False,
                            seconds=60)
        scene.bounded(siege)
        grown[name] = siege.meter.grown
        assert siege.came_back["fences"] == siege.came_back["connections"], siege.came_back
    scene.note(("DATA of 1 byte, echo not taken", "CVE-2020-12603", "flow control"), siege)
    assert grown["small"] <= 2 * grown["large"] + (8 << 20), grown


def test_goaway_flood(scene):
    """A client that sends GOAWAY and has no open stream gets GOAWAY, and the connection closes."""
    alone = scene.run("goaway")
    assert alone["closed"] == 1 and alone["goaway"] == {"0": 1}, alone
    scene.besiege(("GOAWAY with debug data", "CVE-2023-35945", "close"), "goaway")


def test_noise_after_an_error(scene):
    """After a connection error, frames are no longer processed."""
    alone = scene.run("after-death", "--relentless", "--count", 3000)
    assert alone["goaway"] == {"1": 1} and alone["closed"] == 1, alone
    scene.besiege(("any frames after a connection error", "CVE-2026-27135", "PROTOCOL_ERROR"),
                  "after-death", "--relentless")


def test_rapid_reset_variants(scene):
    """Resets a millisecond after the request, and in the next segment."""
    running = [scene.start("rapid-reset", "--variant", variant, "--path", "/delay/60000", "--count", 3000,
                           "--seconds", 60) for variant in (2, 3)]
    for process in running:
        ended_with(scene.finish(process), ENHANCE_YOUR_CALM)


def test_the_ledgers_balance(scene):
    """After all these attacks, everything that was opened has been closed."""
    scene.reconcile()
    assert scene.server.alive()
