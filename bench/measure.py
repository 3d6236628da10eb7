"""What the comparisons share: processor time and memory of servers, runs of load generators, statistics."""
import json
import os
import platform
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
import typing

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WEIR = os.environ.get("WEIR", os.path.join(ROOT, "build/weir"))
KIB = 1024
PERCENTILES = ("p50", "p99", "p99_9")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return done.stdout + done.stderr
    except OSError:
        return ""


def surroundings():
    """Commit, kernel and processor."""
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*:\s*(.*)", info.read())
    git = ["git", "-C", ROOT]
    changed = output_of([*git, "status", "--porcelain", "-uno", "engine", "io", "tools", "Makefile"]).strip()
    return {"commit": output_of([*git, "rev-parse", "--short", "HEAD"]).strip() + ("-changed" if changed else ""),
            "kernel": platform.release(), "cpu": model.group(1) if model else platform.machine(),
            "cores": os.cpu_count()}


def cores():
    """One for the server, and the others, as taskset wants them, for the load. Raises the limit on descriptors."""
    able = sorted(os.sched_getaffinity(0))
    if len(able) < 2:
        sys.exit("this needs two cores: one for the server, one for the load")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return str(able[-1]), ",".join(map(str, able[:-1]))


# ---- processes ----------------------------------------------------------------------------------


def processes_of(pid):
    """The process and its descendants, such as nginx's worker."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                for child in children.read().split():
                    found += processes_of(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    """CPU time of a process and its descendants so far. Taken from the scheduler's nanoseconds if the kernel
    shows them; utime and stime come in ticks of 10 ms."""
    total = 0.0
    for process in processes_of(pid):
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/schedstat") as stat:
                    total += int(stat.read().split()[0]) / 1e9
        except (FileNotFoundError, ValueError):
            with open(f"/proc/{process}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def resident_bytes(pid):
    """Memory of a process and its descendants. What they share counts more than once: use differences."""
    total = 0
    for process in processes_of(pid):
        with open(f"/proc/{process}/statm") as statm:
            total += int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


# ---- load ---------------------------------------------------------------------------------------


class Work(typing.NamedTuple):
    """What the load generator does."""
    title: str
    port: str  # of the server: http, https or http1
    connections: int
    streams: int  # requests in flight on each connection; over HTTP/1.1 they are pipelined
    file_bytes: int = 128
    fresh: bool = False  # a connection for each request
    wide: bool = False  # windows of 2^24 and 2^30 bytes: the client never holds the server back

    def flags(self):
        return [*(["--h1"] if self.port == "http1" else []), *(["-w", "24", "-W", "30"] if self.wide else []),
                "-c", str(self.connections), "-m", str(self.streams), "-t", "1"]


def h2load(work, url, requests):
    return ["h2load", *work.flags(), "-n", str(requests), url]


def read_h2load(text):
    """It knows no percentiles."""
    succeeded, body = re.search(r"(\d+) succeeded", text), re.search(r"\((\d+)\) data", text)
    return {"succeeded": int(succeeded.group(1)), "body_bytes": int(body.group(1))} if succeeded and body else None


def weir_load(work, url, requests):
    fresh = ["--requests-per-connection", "1"] if work.fresh else []
    return [WEIR, "load", "-q", "-k", "--json", "--no-pin",
            *work.flags(), *fresh, "-n", str(requests), url]


def read_weir_load(text):
    try:
        report = json.loads(text)
        return {"succeeded": report["requests"]["succeeded"], "body_bytes": report["bytes"]["data"],
                **{name: report["latency"][f"{name}_ns"] / 1000 for name in PERCENTILES}}
    except (ValueError, KeyError):
        return None


LOADS = {"h2load": (h2load, read_h2load), "weir load": (weir_load, read_weir_load)}


def can_load(load, work):
    return not (work.fresh and load == "h2load")


def rate_of(requests, cpu, connections, opening):
    """Requests per CPU second, without those that open the connections."""
    return requests / cpu if opening is None else (requests - connections) / max(cpu - opening, cpu / 10)


def run_of(pid, load, work, url, requests, client_cores, opening=None):
    """One run against the server with this pid: rates, and percentiles in us. `opening` is the server's CPU seconds for
    the connections and a request on each: the rate by CPU is then that of the requests that follow."""
    command, read = LOADS[load]
    cpu = cpu_seconds(pid)
    wall = time.monotonic()
    done = subprocess.run(["taskset", "-c", client_cores, *command(work, url, requests)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    wall, cpu = time.monotonic() - wall, cpu_seconds(pid) - cpu
    seen = read(done.stdout)
    if not seen or seen.pop("succeeded") != requests or seen.pop("body_bytes") != requests * work.file_bytes:
        sys.exit(f"not every request to {url} was answered in full: {' '.join(command(work, url, requests))}\n"
                 f"{done.stdout[:3000]}{done.stderr[:3000]}")
    return {"per_cpu_second": rate_of(requests, cpu, work.connections, opening), "per_wall_second": requests / wall, "cpu_share": cpu / wall, **seen}


# ---- statistics ---------------------------------------------------------------------------------


class Figure(typing.NamedTuple):
    median: float
    lowest: float
    highest: float

    def spread(self):
        """Half of the range, as a share of the median."""
        return (self.highest - self.lowest) / 2 / self.median if self.median else 0.0


def figure_of(values):
    return Figure(statistics.median(values), min(values), max(values))


def rounded(value):
    """Three digits that count: 1,234,567 is 1,230,000, and 1.2345 is 1.23."""
    if value >= 1000:
        unit = 10 ** (len(str(int(value))) - 3)
        return f"{round(value / unit) * unit:,}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
