#!/usr/bin/python3
"""Attacks build/weir and writes the measurements into the README.md beside this file, between the two
comments that name this program. `make attack-table` calls it.

    table.py           run the attacks, then write the table
    table.py LOG       write the table of an earlier run
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PAGE = os.path.join(HERE, "README.md")
BEGIN, END = "<!-- tests/e2e/attacks/table.py begin -->", "<!-- tests/e2e/attacks/table.py end -->"
KIB, MIB = 1 << 10, 1 << 20
# The files with rows for the table, in its order.
FILES = ["test_floods.py", "test_subtle.py", "test_slow.py", "test_crowds.py", "test_h1_attacks.py",
         "test_websockets.py", "test_spdy_attacks.py", "test_tls_attacks.py"]


def measure(log):
    if os.path.exists(log):
        os.remove(log)
    files = [os.path.join(HERE, name) for name in FILES]
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
                   env={**os.environ, "WEIR": "build/weir", "WEIR_ATTACK_LOG": log}, check=True)


def memory(grown):
    if grown < 64 * KIB:
        return "none"
    return f"{grown / MIB:.1f} MiB" if grown >= MIB else f"{grown // KIB} KiB"


def milliseconds(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def cells(row):
    ratio = row["cpu_ratio"]
    return [row["attack"], row["cve"], row["answer"], memory(row["grown"]),
            "" if ratio is None else f"{ratio:.2f}",
            f"{milliseconds(row['p50_ms'])} / {milliseconds(row['p99_ms'])} ms"]


def table(rows):
    head = ["attack", "CVE", "answer", "memory", "CPU", "others' latency"]
    lines = [head, ["---"] * len(head), *map(cells, rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main():
    log = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "attacks.json")
    if len(sys.argv) == 1:
        measure(log)
    with open(log) as lines:
        rows = [json.loads(line) for line in lines]
    with open(PAGE) as page:
        text = page.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(PAGE, "w") as page:
        page.write(f"{before}{BEGIN}\n\n{table(rows)}\n{END}{after}")
    print(f"{len(rows)} attacks in {os.path.relpath(PAGE)}")


if __name__ == "__main__":
    main()
