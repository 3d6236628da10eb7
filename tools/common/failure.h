/*
 * common/failure.h - where to say why something failed: one line without the program's name in
 * front and without a newline.
 */
#ifndef WEIR_TOOLS_FAILURE_H
#define WEIR_TOOLS_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

struct failure {
  char *text; /* borrowed */
  size_t size;
};

/* Writes the text, cut to what fits, and returns false, so that failures read
 * `return failure_set(...)`. */
__attribute__((format(printf, 2, 3))) bool failure_set(const struct failure *failure,
                                                       const char *format, ...);

#endif
