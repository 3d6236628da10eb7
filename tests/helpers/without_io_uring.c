/*
 * helpers/without_io_uring.c - runs a program in a process that may not use io_uring.
 *
 *     without_io_uring EPERM|ENOSYS PROGRAM [ARGUMENT...]
 *
 * io_uring_setup() fails with that error in the program and its children, as in containers by default.
 */
#include "tests/support/no_io_uring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int code = 0;
  if (argc > 2 && strcmp(argv[1], "EPERM") == 0) code = EPERM;
  if (argc > 2 && strcmp(argv[1], "ENOSYS") == 0) code = ENOSYS;
  if (!code) {
    fprintf(stderr, "Usage: without_io_uring EPERM|ENOSYS PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  if (!no_io_uring(code)) {
    perror("without_io_uring: seccomp");
    return 1;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 1;
}
