/*
 * link/splice_stage.h - what tests of pipes between sockets share: a kernel that refuses, and connections of TCP's.
 *
 * For one file of a program: it defines pipe2(), fcntl() and uname() in front of libc's.
 */
#ifndef WEIR_TESTS_SPLICE_STAGE_H
#define WEIR_TESTS_SPLICE_STAGE_H

#include "tests/support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

static struct {
  int vmsplice, splice, pipe2, resize; /* errno values; 0: they succeed */
  const char *release;
} fails;

static inline void fail_nothing(void) {
  memset(&fails, 0, sizeof fails);
  fails.release = "6.12.1";
}

int pipe2(int ends[2], int flags) {
  if (!fails.pipe2) return (int)syscall(SYS_pipe2, ends, flags);
  errno = fails.pipe2;
  return -1;
}

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  unsigned long argument = va_arg(list, unsigned long);
  va_end(list);
  if (!fails.resize || command != F_SETPIPE_SZ)
    return (int)syscall(SYS_fcntl, fd, command, argument);
  errno = fails.resize;
  return -1;
}

int uname(struct utsname *out) {
  strcpy(out->release, fails.release);
  return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static inline void connect_both(int *ours, int *theirs) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  *theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(*theirs, (struct sockaddr *)&address, len), 0);
  *ours = accept(listener, NULL, NULL);
  assert_true(*ours >= 0);
  close(listener);
}

#endif
