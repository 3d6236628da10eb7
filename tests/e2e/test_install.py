"""`make install`: what it puts where, and that a program can be built against it."""
import os
import subprocess

import harness
from harness import tool

HANDLER = r"""
#include <weir/body.h>
#include <weir/handler.h>
#include <stdio.h>

static void hello(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  stream_respond(stream, 200, &type, 1, BODY_NONE);
}

int main(void) {
  const struct handler handler = {.request = hello};
  struct span name = header_token_name(TOKEN_CONTENT_TYPE);
  printf("%.*s %d\n", (int)name.len, (const char *)name.base, handler.request == hello);
  return 0;
}
"""


def test_install_and_build_against_it(tmp_path):
    tool("make", "-C", harness.ROOT, "--no-print-directory", "install", f"PREFIX={tmp_path}/usr",
         env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")}, seconds=110)
    prefix = tmp_path / "usr"
    assert tool(prefix / "bin/weir", "--version").startswith(b"weir ")
    assert (prefix / "share/man/man1/weir.1").read_text().startswith(".TH WEIR 1")
    source = tmp_path / "program.c"
    source.write_text(HANDLER)
    flags = tool("pkg-config", "--static", "--cflags", "--libs", "weir",
                 env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).split()
    tool("gcc", "-std=c17", "-Wall", "-Werror", source, "-o", tmp_path / "program",
         *[f.decode() for f in flags])
    assert subprocess.run([tmp_path / "program"], capture_output=True, timeout=10,
                          check=True).stdout == b"content-type 1\n"
