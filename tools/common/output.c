/*
 * common/output.c - see common/output.h.
 */
#include "tools/common/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/commands.h"

int output_complain(const char *command, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", command);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return status;
}

int output_end(const char *command, int status) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  /* Where an earlier write failed, its reason is no longer known. */
  return output_complain(command, EXIT_FAILED, "cannot write to standard output%s%s",
                         errno ? ": " : "", errno ? strerror(errno) : "");
}
