"""A server under attack: its answers, its memory, its CPU time, and what other clients notice.

Every attack runs twice. The first run, from one connection, shows the answer. The second is a siege by many
connections that are opened again and again. It measures memory, CPU time, and the latency of an innocent client.
Each siege leaves a line in $WEIR_ATTACK_LOG, from which table.py makes the table in the README.md here.

Memory and outcome have tight bounds. With the release build, so do the CPU time per byte and per turn of the event
loop. Latencies have none, because the machine may be busy with other work.
"""
import json
import os
import ssl
import subprocess
import threading
import time

import harness

KIB, MIB = 1 << 10, 1 << 20
# The most memory that a hostile connection may cost: 128 streams with their state and headers, about 2.5 KiB each,
# and output. Sanitizers need more for their own bookkeeping.
CONNECTION_BYTES = 384 * KIB
SIEGE_CONNECTIONS = 64
# An idle machine needs a hundredth of this, a busy one almost all of it. A server brought to a halt needs more.
INNOCENT_P99_MS = 3000
SANITIZED = harness.sanitized()
# The sanitized build finds errors; the release build is measured. Longer sieges show little more, because the server
# slows most attackers down after a tenth of a second.
SIEGE_SECONDS = float(os.environ.get("WEIR_ATTACK_SECONDS", "0.3" if SANITIZED else
                                     "0.7" if os.environ.get("WEIR_LONG") else "0.4"))
# CPU time per byte, compared with a flood of small valid requests.
CPU_RATIO_MAX = 4
ENHANCE_YOUR_CALM = "11"


def helper(name):
    return os.path.join(harness.ROOT, "build/release/tests/helpers", name)


class Meter:
    """Memory and CPU time of a process, from now until stop()."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self.peak = self.memory()
        self.cpu_before = self.cpu_ns()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def memory(self):
        with open(f"/proc/{self.pid}/smaps_rollup") as rollup:
            return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))

    def cpu_ns(self):
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/schedstat") as schedstat:
                total += int(schedstat.read().split()[0])
        return total

    def watch(self):
        while not self.ending.wait(0.02):
            self.peak = max(self.peak, self.memory())

    def stop(self):
        self.ending.set()
        self.thread.join()
        self.after = self.memory()
        self.peak = max(self.peak, self.after)
        self.grown = self.peak - self.before
        self.cpu = self.cpu_ns() - self.cpu_before


class Innocent:
    """A client that must not notice the attack; see tests/helpers/innocent.c."""

    def __init__(self, port, *how):
        self.process = subprocess.Popen([helper("innocent"), str(port), *how],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def result(self):
        out, _ = self.process.communicate(timeout=harness.PATIENCE_SECONDS)
        assert self.process.returncode == 0
        return json.loads(out)


class Siege:
    """The effect of an attack from many connections. CPU time is counted per byte received, or, for an attack that
    aims at what the server sends, per byte in either direction. `baseline` has both costs for a flood of
    requests. For an attack of single packets at a slow pace, `compare()` is fair."""

    def __init__(self, came_back, meter, counters, innocent, baseline, either_way=False):
        self.came_back, self.meter, self.counters = came_back, meter, counters
        self.innocent = innocent
        received = counters["recv_bytes"]
        moved = received + counters["send_bytes"]
        self.cpu_per_byte = meter.cpu / max(received, 1), meter.cpu / max(moved, 1)
        self.cpu_ratio = None
        if baseline and received > MIB // 8:
            self.cpu_ratio = self.cpu_per_byte[either_way] / baseline[either_way]
        self.cpu_per_packet = meter.cpu / max(counters["recv_calls"], 1)

    def compare(self, other):
        """Counts CPU time per packet received, where 1 is that of another siege."""
        self.cpu_ratio = self.cpu_per_packet / other.cpu_per_packet


class Scene:
    def __init__(self, tmp_path, *arguments, **how):
        # Otherwise freed memory that a sanitizer keeps would count as the server's.
        env = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
        self.server = harness.Server(tmp_path, *arguments, env=env, **how)
        self.port = self.server.http_port
        self.bulk_path = "/bytes/1000000000000"
        self.baseline = None

    def __enter__(self):
        self.server.__enter__()
        self.run("get", "--seconds", 0.3, "--connections", 4)  # fills pools and caches
        self.baseline = self.siege("get").cpu_per_byte
        return self

    def __exit__(self, *exception):
        if exception[0] is None:
            self.reconcile()
        self.server.__exit__(*exception)

    # ---- the server's counters

    def counters(self):
        return self.server.counters()

    def quiet(self):
        """Counters, once the last attack's connections are closed. Otherwise bytes left in their sockets' queues
        would count towards the next attack."""
        def all_closed():
            now = self.counters()
            return now["links_accepted"] == now["links_closed"]
        harness.wait_until(all_closed, 5, 0.02)
        return self.counters()

    def since(self, before):
        return {name: count - before[name] for name, count in self.counters().items()}

    def reconcile(self):
        """Asserts that everything opened has been closed."""
        def balanced():
            now = self.counters()
            return (now["connections_opened"] == now["connections_closed"] and
                    now["streams_opened"] == now["streams_closed"] and
                    now["links_accepted"] == now["links_closed"])
        # The server waits 20 s for a client that has closed only its own direction and does not read.
        assert harness.wait_until(balanced, 30, 0.1), self.counters()

    # ---- attacks

    def start(self, name, *options, port=None):
        return subprocess.Popen([helper("attacker"), str(port or self.port), name,
                                 *map(str, options)], stdout=subprocess.PIPE)

    def finish(self, process):
        out, _ = process.communicate(timeout=100)
        assert process.returncode == 0
        return json.loads(out)

    def run(self, name, *options):
        """Runs one attack and returns the answers."""
        return self.finish(self.start(name, *options))

    def siege(self, name, *options, connections=SIEGE_CONNECTIONS, again=True,
              seconds=SIEGE_SECONDS, either_way=False):
        more = ["--again"] if again else []
        before = self.quiet()
        innocent = Innocent(self.port)
        time.sleep(0.1)
        meter = Meter(self.server.pid)
        came_back = self.run(name, "--connections", connections, "--seconds", seconds, *more,
                             *options)
        meter.stop()
        counters = self.since(before)
        return Siege(came_back, meter, counters, innocent.result(), self.baseline, either_way)

    def bulk(self, seconds=0.5):
        """Bytes that one download transfers to a client that never stops reading."""
        client = Innocent(self.port, self.bulk_path, "bulk")
        time.sleep(seconds)
        took = client.result()
        return took["bytes"]

    # ---- expectations

    def bounded(self, siege, connections=SIEGE_CONNECTIONS, connection_bytes=CONNECTION_BYTES):
        """Memory is bounded, and the innocent client is served."""
        slack = 4 * MIB
        allowed = connections * connection_bytes * (10 if SANITIZED else 1) + slack
        assert siege.meter.grown <= allowed, f"{siege.meter.grown} bytes more"
        assert siege.innocent["errors"] == 0, siege.innocent
        assert siege.innocent["requests"] > 0
        if not SANITIZED:
            assert siege.innocent["p99_ms"] < INNOCENT_P99_MS, siege.innocent

    def besiege(self, row, name, *options, cpu_ratio_max=CPU_RATIO_MAX,
                connection_bytes=CONNECTION_BYTES, pace=None, **how):
        """Runs a siege, checks it, and notes its line for the table. `row`: (attack, CVE, answer). `pace`: another
        attack of as many packets, to compare it with."""
        for again in (True, False):
            siege = self.siege(name, *options, **how)
            if pace:
                siege.compare(self.siege(pace, **how))
            self.bounded(siege, how.get("connections", SIEGE_CONNECTIONS), connection_bytes)
            over = None if SANITIZED else self.over(siege, cpu_ratio_max)
            if not over:
                break
            assert again, over  # the first time, other work on the core may be to blame
        self.note(row, siege)
        return siege

    def over(self, siege, cpu_ratio_max):
        """What costs too much CPU time, or None."""
        if siege.counters["turns_long"] > 0:
            return f"{siege.counters['turns_long']} turns of more than 10 ms"
        if siege.cpu_ratio is not None and siege.cpu_ratio > cpu_ratio_max:
            return f"{siege.cpu_ratio:.1f} times the CPU time of a flood of requests"
        return None

    def note(self, row, siege):
        path = os.environ.get("WEIR_ATTACK_LOG")
        if not path:
            return
        title, cve, answer = row
        with open(path, "a") as log:
            print(json.dumps({
                "attack": title, "cve": cve, "answer": answer,
                "connections": siege.came_back["connections"],
                "bytes": siege.counters["recv_bytes"],
                "grown": siege.meter.grown, "cpu_ratio": siege.cpu_ratio,
                "p50_ms": siege.innocent["p50_ms"], "p99_ms": siege.innocent["p99_ms"]}), file=log)


def ended_with(came_back, code, connections=1):
    """Asserts that every connection got GOAWAY with that code, and was closed."""
    assert came_back["goaway"] == {code: connections}, came_back
    assert came_back["closed"] == connections, came_back
    assert came_back["cut"] == 0, came_back


def client_hello():
    """The ClientHello of a real client, to be sent in pieces."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
