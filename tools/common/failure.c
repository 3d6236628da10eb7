/*
 * common/failure.c - see common/failure.h.
 */
#include "tools/common/failure.h"

#include <stdio.h>

bool failure_set(const struct failure *failure, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->text, failure->size, format, arguments);
  va_end(arguments);
  return false;
}

bool failure_set_in(const struct failure *failure, const char *source, const char *format,
                    va_list arguments) {
  int len = source ? snprintf(failure->text, failure->size, "%s: ", source) : 0;
  if (len < 0 || (size_t)len >= failure->size) return false;
  vsnprintf(failure->text + len, failure->size - (size_t)len, format, arguments);
  for (char *byte = failure->text; *byte; byte++)
    if ((unsigned char)*byte < ' ') *byte = '?';
  return false;
}
