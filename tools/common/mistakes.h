/*
 * common/mistakes.h - what is wrong with a file, all at once: each with its line and column.
 *
 * The first MISTAKES_MAX are kept and all are counted, so that a file of nothing but mistakes cannot
 * fill memory or a screen. The same mistake at the same place is told once: a key of a host counts in each of
 * its routes.
 */
#ifndef WEIR_TOOLS_MISTAKES_H
#define WEIR_TOOLS_MISTAKES_H

#include <stdarg.h>
#include <stdbool.h>

#include "tools/common/limits.h"

/* Where something stands. Counted from 1; line 0: nowhere in particular. */
struct place {
  unsigned line, column;
};

/* Embedded; all zeros: none yet. */
struct mistakes {
  unsigned count; /* of all that were added */
  unsigned kept;
  struct mistake {
    struct place place;
    char text[MISTAKE_BYTES]; /* cut to fit, without control characters */
  } at[MISTAKES_MAX];
};

/* Returns false, so that callers can write `return mistakes_add(...)`. */
__attribute__((format(printf, 3, 4))) bool
mistakes_add(struct mistakes *mistakes, struct place place, const char *format, ...);

__attribute__((format(printf, 3, 0))) bool mistakes_add_list(struct mistakes *mistakes,
                                                             struct place place, const char *format,
                                                             va_list arguments);

/* In the order of the file. */
void mistakes_sort(struct mistakes *mistakes);

/* Calls `tell` for each of those kept with "SOURCE:LINE:COLUMN: TEXT", and with one line about how many
 * more there are. */
void mistakes_tell(const struct mistakes *mistakes, const char *source,
                   void (*tell)(void *ctx, const char *line), void *ctx);

#endif
