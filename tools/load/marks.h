/*
 * load/marks.h - what one worker did in each --stage. It takes the difference at the end of each; see
 * load/second.h.
 *
 * Owner: embedded in the worker; one thread. The results may be read after that has ended.
 */
#ifndef WEIR_LOAD_MARKS_H
#define WEIR_LOAD_MARKS_H

#include "tools/load/second.h"

struct load_marks {
  const struct load_books *books;
  struct timer timer; /* until the end of the current stage */
  struct load_tally tally;
  struct load_second *stages; /* `count` of them; NULL without --stage */
  unsigned count, taken;      /* stages that take time; those that have ended, or were cut off */
};

/* Keeps the books. False when memory was refused. load_marks_free() in either case. */
__attribute__((warn_unused_result)) bool load_marks_init(struct load_marks *marks,
                                                         const struct load_books *books);

/* The open loop is scheduled: the stages begin. */
void load_marks_begin(struct load_marks *marks);

/* The books are closed: the current stage ends. */
void load_marks_end(struct load_marks *marks);

void load_marks_free(struct load_marks *marks);

#endif
