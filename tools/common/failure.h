/*
 * common/failure.h - holds the reason for a failure: one line, without the program's name and
 * without a newline.
 */
#ifndef WEIR_TOOLS_FAILURE_H
#define WEIR_TOOLS_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

struct failure {
  char *text; /* borrowed */
  size_t size;
};

/* Writes the text, cut to fit. Returns false, so that callers can write `return
 * failure_set(...)`. */
__attribute__((format(printf, 2, 3))) bool failure_set(const struct failure *failure,
                                                       const char *format, ...);

#endif
