/*
 * base/error.c - one line of text for a person.
 */
#include "io/base/error.h"

#include <stdarg.h>
#include <stdio.h>

_Bool io_error_set(struct io_error *error, int code, const char *format, ...) {
  if (!error) return 0;
  error->code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return 0;
}
