/*
 * spec/spec_rows.h - runs rows of { section, what is required, script, transcript } (test_spec_*.c),
 * each whole and byte by byte. Where the connection lives on, it is then proven whole
 * (script_check()).
 */
#ifndef WEIR_TESTS_SPEC_ROWS_H
#define WEIR_TESTS_SPEC_ROWS_H

#include "tests/support/h2_script.h"

#include <string.h>

enum {
  ROW_BARE = 1,  /* no prefaces first */
  ROW_FINAL = 2, /* the connection is not usable afterwards though nothing is wrong with it */
};

struct spec_line {
  const char *section, *name;
  const char *text, *transcript;
  unsigned flags;
};

static struct script line_script;

static inline bool line_run(const struct spec_line *line, enum h2_role role,
                            const struct engine_config *config, size_t piece_bytes) {
  script_begin(&line_script, role, config, line->flags & ROW_BARE);
  line_script.piece_bytes = piece_bytes;
  script_run(&line_script, line->text);
  bool same = strcmp(line_script.log, line->transcript) == 0;
  if (!same)
    print_error("%s %s (%s):\n  got  %s\n  want %s\n", line->section, line->name,
                piece_bytes ? "byte by byte" : "whole", line_script.log, line->transcript);
  bool over = line_script.goaway || line->flags & ROW_FINAL || script_done(&line_script);
  line_script.piece_bytes = 0;
  if (same && !over) script_check(&line_script);
  script_close(&line_script);
  return same;
}

static inline void lines_run(const struct spec_line *lines, size_t count, enum h2_role role,
                             const struct engine_config *config) {
  unsigned failures = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t piece = 0; piece < 2; piece++)
      failures += !line_run(&lines[i], role, config, piece);
  assert_int_equal(failures, 0);
}

#define LINES(lines) lines, sizeof lines / sizeof *lines

#endif
