"""Results of `weir load --json`, made up: with known latencies."""
import collections
import json


def bucket(value_ns):
    """The index of a value's bucket, as in tools/load/histogram_json.h."""
    shift = max(0, value_ns.bit_length() - 8)
    return value_ns if value_ns < 256 else (shift << 7) + (value_ns >> shift)


def histogram(values):
    buckets = collections.Counter(bucket(value) for value in values)
    return {"unit": "ns", "part_bits": 7, "count": len(values), "sum": sum(values), "min": min(values, default=0),
            "max": max(values, default=0), "buckets": sorted([index, count] for index, count in buckets.items())}


def times(values):
    """Percentiles are left at 0: the programs under test compute them from the histogram."""
    return {"count": len(values), "min_ns": min(values, default=0), "p50_ns": 0, "p99_ns": 0,
            "max_ns": max(values, default=0), "mean_ns": 0.0, "histogram": histogram(values)}


def result(latencies, seconds=10, **more):
    made = {"weir_load": 1, "version": "0.1.0", "command": "weir load -D 10 -r 100 http://localhost:8080/",
            "options": {"urls": ["http://localhost:8080/"], "rate": 100.0, "threads": 1, "timeout_ns": 30 * 10**9},
            "verdict": "kept", "limited_by": "none", "interrupted": False, "duration_ns": seconds * 10**9,
            "requests": {"total": len(latencies), "started": len(latencies), "done": len(latencies),
                         "succeeded": len(latencies), "failed": 0, "succeeded_per_second": len(latencies) / seconds},
            "statuses": {"200": len(latencies)}, "errors": [], "latency": times(latencies)}
    return {**made, **more}


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)
