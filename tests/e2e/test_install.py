"""`make install`: what it installs where, and whether a program can be built against it."""
import os
import re
import subprocess

import harness
from harness import tool


def program_of_readme():
    """The README's example for embedders, on a free port."""
    with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
        programs = re.findall(r"^```c\n(.*?)^```$", file.read(), re.M | re.S)
    assert len(programs) == 1
    assert programs[0].count(":8080") == 2
    return programs[0].replace(":8080", f":{harness.free_port()}")


def test_install_and_build_against_it(tmp_path):
    tool("make", "-C", harness.ROOT, "--no-print-directory", "install", f"PREFIX={tmp_path}/usr",
         env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")}, seconds=110)
    prefix = tmp_path / "usr"
    assert tool(prefix / "bin/weir", "--version").startswith(b"weir ")
    assert (prefix / "share/man/man1/weir.1").read_text().startswith(".TH WEIR 1")
    source = tmp_path / "program.c"
    source.write_text(program_of_readme())
    flags = tool("pkg-config", "--static", "--cflags", "--libs", "weir",
                 env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).split()
    tool("gcc", "-std=c17", "-Wall", "-Werror", source, "-o", tmp_path / "program",
         *[f.decode() for f in flags])
    assert subprocess.run([tmp_path / "program"], capture_output=True, timeout=10,
                          check=True).stdout == b"200 hello\n"
    # What handlers may call. Each header compiles alone.
    headers = sorted(os.listdir(prefix / "include/weir"))
    assert {"weir.h", "stream.h", "first_scan.h"} <= set(headers)
    for header in headers:
        source.write_text(f"#include <weir/{header}>\nint main(void) {{ return 0; }}\n")
        tool("gcc", "-std=c17", "-Wall", "-Werror", source, "-fsyntax-only",
             *[f.decode() for f in flags])
    source.write_text('''#include <weir/first_scan.h>
int main(void) { return (int)first_scan_bytes((struct span){0}); }''')
    tool("gcc", "-std=c17", source, "-o", tmp_path / "program", *[f.decode() for f in flags])
    assert subprocess.run([tmp_path / "program"], timeout=10).returncode == 0
