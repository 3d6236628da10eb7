/*
 * support/talk_rows.c - see support/talk_rows.h.
 */
#include "tests/support/talk_rows.h"

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/talk.h"

static struct talk talk;

static bool run(const struct talk_row *row, size_t cut, size_t piece) {
  talk_begin(&talk, NULL);
  talk_run(&talk, row->script, cut, piece);
  bool same = strcmp(talk.heard.text, row->heard) == 0 && strcmp(talk.wire.text, row->wire) == 0;
  if (!same)
    print_error("%s %s (%zu, then by %zu):\n  got  %s\n  want %s\n  sent %s\n  want %s\n",
                row->section, row->name, cut, piece, talk.heard.text, row->heard, talk.wire.text,
                row->wire);
  talk_end(&talk);
  return same;
}

void talk_rows_run(const struct talk_row *rows, size_t count, int every_cut) {
  unsigned failures = 0;
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(rows[i].script);
    bool same = run(&rows[i], 0, len) && run(&rows[i], 0, 1);
    for (size_t cut = 1; every_cut && same && cut < len; cut++)
      same = run(&rows[i], cut, len);
    failures += !same;
  }
  assert_int_equal(failures, 0);
}
