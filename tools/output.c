/*
 * output.c - see output.h.
 */
#include "tools/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"

int output_end(const char *command, int status) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  /* An earlier write failed: its reason is no longer known. */
  fprintf(stderr, "%s: cannot write to standard output%s%s\n", command, errno ? ": " : "",
          errno ? strerror(errno) : "");
  return EXIT_FAILED;
}
