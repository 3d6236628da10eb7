/*
 * serve/limits.h - the bounds of weir serve, with their reasons.
 */
#ifndef WEIR_TOOLS_SERVE_LIMITS_H
#define WEIR_TOOLS_SERVE_LIMITS_H

enum {
  /* Descriptors that must be left when all is set up: for a connection, and for the file that it asks
   * for with the directory on the way. Untested: test_command_line.py tries each limit from the
   * outside. */
  SERVE_DESCRIPTORS_MIN = 3,
};

#endif
