"""The counters that SIGUSR1 prints: all of them, summed over the workers, at any time."""
import json
import os
import re
import signal
import time

import harness


def read(name):
    with open(os.path.join(harness.ROOT, name)) as source:
        return source.read()


def sections(name):
    """(title, text) of the sections of a limits.h."""
    return re.findall(r"^/\* ---- (.*?) -+ \*/\n(.*?)(?=^/\* ---- |\Z)", read(name), re.M | re.S)


def struct_of(text, name):
    return re.search(rf"struct {name} \{{(.*?)\n\}};", text, re.S).group(1)


def members(text, name):
    body = re.sub(r"/\*.*?\*/", "", struct_of(text, name), flags=re.S)
    return [member.strip() for line in re.findall(r"uint64_t\s+([^;]+);", body)
            for member in line.split(",")]


def lines(server):
    complete = [line for line in server.log().splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line) for line in complete if line.startswith("{")]


def ask(server):
    count = len(lines(server))
    os.kill(server.pid, signal.SIGUSR1)
    assert harness.wait_until(lambda: server.log().endswith("}\n") and len(lines(server)) > count)
    return lines(server)[-1]


def test_all_are_printed(start):
    server = start(workers=2)
    for _ in range(20):
        assert server.get("/plaintext").status == 200
    printed = ask(server)
    wanted = (members(read("engine/http/shared.h"), "http_counters") +
              ["h1_" + name for name in members(read("engine/h1/shared.h"), "h1_counters")] +
              members(read("engine/h2/shared.h"), "h2_counters") +
              ["spdy_" + name for name in members(read("engine/spdy/shared.h"), "spdy_counters")] +
              ["ws_" + name for name in members(read("engine/ws/events.h"), "ws_counters")] +
              members(read("io/ring/loop.h"), "loop_counters") +
              ["tls_" + name for name in members(read("io/tls/factory.h"), "tls_counters")] +
              ["files_" + name for name in members(read("io/files/counters.h"), "files_counters")] +
              ["recode_" + name for name in members(read("tools/serve/coding/recode.h"), "recode_counters")] +
              ["compress_" + name for name in members(read("tools/serve/coding/compress.h"), "compress_counters")] +
              ["rate_" + name for name in members(read("tools/serve/rules/rate.h"), "rate_counters")] +
              ["access_log_lines", "access_log_dropped", "recorded_lines", "recorded_dropped", "lines_dropped"])
    assert list(printed) == wanted
    assert printed["requests"] >= 20 and printed["links_accepted"] >= 20
    assert ask(server)["requests"] == printed["requests"]


def test_until_the_end(start):
    """Also while workers end one by one, and after a worker's engine is gone."""
    server = start(workers=4)
    server.get("/plaintext")
    busy = server.raw()
    busy.request(1, "/delay/400")
    assert harness.wait_until(lambda: ask(server)["requests"] >= 2)
    os.kill(server.pid, signal.SIGTERM)
    end = time.monotonic() + 5
    while server.process.poll() is None and time.monotonic() < end:
        os.kill(server.pid, signal.SIGUSR1)
        time.sleep(0.01)
    server.check(server.wait())
    busy.close()
    counted = [line["requests"] for line in lines(server)]
    assert counted and counted == sorted(counted) and counted[-1] >= 2, counted


def test_it_is_documented():
    status, out, _ = harness.run("serve", "--help")
    assert status == 0 and "SIGUSR1" in out
    assert "SIGUSR1" in read("tools/weir.1")


def test_every_budget_has_a_counter():
    """Each bound on a peer, and each deadline, is named beside a counter."""
    counted = (struct_of(read("engine/http/shared.h"), "http_counters") +
               struct_of(read("engine/h1/shared.h"), "h1_counters") +
               struct_of(read("engine/h2/shared.h"), "h2_counters"))
    patterns = [re.compile(name.replace("*", ".*") + "$")
                for name in re.findall(r"\b(?:H1|H2|HPACK|PEER)_[A-Z0-9_]+\*?", counted)]
    bounds = "".join(text for folder in ("base", "http", "h1", "h2", "hpack")
                     for title, text in sections(f"engine/{folder}/limits.h")
                     if title not in ("one engine, that is one core", "what we announce", "what a peer may make us hold"))
    others = ["PEER_CONCURRENT_STREAMS_DEFAULT", "PEER_HEADER_LIST_BYTES_DEFAULT",
              "PEER_HEADER_FIELDS_MAX", "PEER_HEADER_BLOCK_BYTES_MAX", "H2_CONTINUATION_FRAMES_MAX",
              "H2_SETTINGS_ENTRIES_MAX"]
    # These do not bound a peer: sizes of weir's own tables and responses, its own pace, what it may ask for as a client,
    # and how far it reads a field.
    ours = ["HPACK_TABLE_BYTES_MAX", "HPACK_STORE_BYTES_FIRST", "HPACK_COOKIE_BYTES_MIN",
            "HPACK_BLOCK_KEPT_BYTES_MAX", "HPACK_BLOCKS_KEPT_COUNT", "HPACK_PROBATION_COUNT",
            "HPACK_PROBATION_WAYS", "PEER_DATA_BYTES_SMALL",
            "H1_GRACE_NS", "H2_DRAIN_NS", "H2_REST_NS", "PEER_TICK_NS", "PEER_FAREWELL_NS", "PEER_LINGER_IDLE_NS",
            "PEER_LINGER_NS",
            "PEER_LINGER_BYTES", "MOUNT_CLOSE_NS", "H1_PROTOCOL_BYTES_MAX", "H1_AHEAD_MAX",
            "H1_EAGER_BYTES", "H1_TEXT_BYTES", "H1_GATHER_BYTES",
            "H1_HEAD_MEMOS", "H1_HEAD_MEMO_BYTES",
            "H1_SECTION_MEMOS", "H1_SECTION_MEMO_BYTES", "H1_SECTION_MEMO_FIELDS",
            "H1_RESPONSE_MEMOS", "H1_RESPONSE_MEMO_BYTES_MAX", "H1_REQUEST_MEMOS", "H1_REQUEST_MEMO_BYTES_MAX",
            "FIELD_LIST_BYTES_MAX", "PRIORITY_FIELD_BYTES_MAX", "FIELD_RULES_MAX", "FIELD_RULES_FIELDS_MAX",
            "HEAD_START_SCAN_BYTES_MAX",
            "HTTP_TARGET_BYTES_MAX"]  # Its counter names H1_TARGET_BYTES_MAX; over HTTP/2 a site refuses, with 414.
    names = re.findall(r"#define (\w+)", bounds) + others
    assert len(names) > 30
    missing = [name for name in names
               if name not in ours and not any(p.match(name) for p in patterns)]
    assert not missing, missing
