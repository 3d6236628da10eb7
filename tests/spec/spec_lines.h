/*
 * spec/spec_lines.h - lines of { section, requirement, script, transcript }, run one by one.
 */
#ifndef WEIR_TESTS_SPEC_LINES_H
#define WEIR_TESTS_SPEC_LINES_H

#include "engine/engine.h"
#include "engine/h2/h2.h"

/* Flags of a line. */
enum {
  SPEC_LINE_BARE = 1,    /* no prefaces first */
  SPEC_LINE_FINAL = 2,   /* the connection takes no new request afterwards, without an error */
  SPEC_LINE_TUNNELS = 4, /* the handler takes tunnels for "websocket" */
};

struct spec_line {
  const char *section, *name;
  const char *text, *transcript; /* see tests/support/script.h */
  unsigned flags;
};

/* Runs each line on a connection of its own, whole and byte by byte. The transcript must be the
 * line's. If the connection survives, script_check() must accept it. `role` is the role of the
 * machine under test; `config` NULL: script_config(). Prints every line that fails, and then
 * fails the test. */
void spec_lines_run(const struct spec_line *lines, size_t count, enum h2_role role,
                    const struct engine_config *config);

/* The first two arguments, of an array. */
#define SPEC_LINES(lines) lines, sizeof lines / sizeof *lines

#endif
