/*
 * common/failure.c - see common/failure.h.
 */
#include "tools/common/failure.h"

#include <stdarg.h>
#include <stdio.h>

bool failure_set(const struct failure *failure, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->text, failure->size, format, arguments);
  va_end(arguments);
  return false;
}
