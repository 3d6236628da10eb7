/*
 * common/failure.h - holds the reason for a failure: one line, without the program's name and
 * without a newline.
 */
#ifndef WEIR_TOOLS_FAILURE_H
#define WEIR_TOOLS_FAILURE_H

#include <stdarg.h>
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

/* Likewise "SOURCE: TEXT", or without a source (NULL) TEXT. The text may come from a file: its control
 * characters become '?', so that it stays one line. */
__attribute__((format(printf, 3, 0))) bool failure_set_in(const struct failure *failure,
                                                          const char *source, const char *format,
                                                          va_list arguments);

/* A value that is wrong, as a message names it: an empty one must be seen. */
static inline const char *failure_shown(const char *value) {
  return value[0] ? value : "\"\"";
}

#endif
