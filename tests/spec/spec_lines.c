/*
 * spec/spec_lines.c - lines of { section, requirement, script, transcript }, run one by one.
 */
#include "tests/spec/spec_lines.h"

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/script.h"

static struct script script;

static bool run(const struct spec_line *line, enum h2_role role, const struct engine_config *config,
                size_t piece_bytes) {
  static const char *const protocols[] = {"websocket", NULL};
  script_engine(&script, role, config);
  script.handler.protocols = line->flags & SPEC_LINE_TUNNELS ? protocols : NULL;
  script_connect(&script, role, line->flags & SPEC_LINE_BARE);
  script.piece_bytes = piece_bytes;
  script_run(&script, line->text);
  bool same = strcmp(script.log, line->transcript) == 0;
  if (!same)
    print_error("%s %s (%s):\n  got  %s\n  want %s\n", line->section, line->name,
                piece_bytes ? "byte by byte" : "whole", script.log, line->transcript);
  bool over = script.goaway || line->flags & SPEC_LINE_FINAL || script_done(&script);
  script.piece_bytes = 0;
  if (same && !over) script_check(&script);
  script_close(&script);
  return same;
}

void spec_lines_run(const struct spec_line *lines, size_t count, enum h2_role role,
                    const struct engine_config *config) {
  unsigned failures = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t piece_bytes = 0; piece_bytes < 2; piece_bytes++)
      failures += !run(&lines[i], role, config, piece_bytes);
  assert_int_equal(failures, 0);
}
