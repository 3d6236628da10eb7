/*
 * common/output.c - see common/output.h.
 */
#include "tools/common/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/common/commands.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Lines dropped since the start, those not yet reported, and whether the last line was cut. Under
 * the lock. */
static struct {
  uint64_t lines, untold;
  bool torn;
} dropped;

static bool is_regular(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Writes as much as `to` takes without blocking. Files never block. Pipes and sockets accept
 * RWF_NOWAIT, terminals refuse it. */
static ssize_t write_now(int to, const char *text, size_t len) {
  if (is_regular(to)) return write(to, text, len);
  struct iovec part = {(void *)text, len};
  ssize_t written = pwritev2(to, &part, 1, -1, RWF_NOWAIT);
  if (written >= 0 || errno != EOPNOTSUPP) return written;
  struct pollfd room = {.fd = to, .events = POLLOUT};
  if (poll(&room, 1, 0) != 1) return -1;
  return write(to, text, len);
}

/* False: the line was dropped, or cut. */
static bool write_line(int to, const char *text, size_t len) {
  if (dropped.torn && write_now(to, "\n", 1) != 1) return false;
  dropped.torn = false;
  ssize_t written = write_now(to, text, len);
  if (written == (ssize_t)len) return true;
  dropped.torn = written > 0;
  return false;
}

/* False: the report of what is missing was dropped, too. */
static bool tell_dropped(int to) {
  char text[80];
  if (dropped.untold == 0) return true;
  int len =
      snprintf(text, sizeof text, "weir: dropped %llu messages here, because nothing read them\n",
               (unsigned long long)dropped.untold);
  if (!write_line(to, text, (size_t)len)) return false;
  dropped.untold = 0;
  return true;
}

void output_tame(char *text, size_t len, char instead) {
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = (uint8_t)text[i], next = i + 1 < len ? (uint8_t)text[i + 1] : 0;
    bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (byte < ' ' || byte == 0x7f || c1) text[i] = instead;
    if (c1) text[++i] = instead;
  }
}

static void say(int to, const char *before, const char *format, va_list arguments) {
  char *text = NULL;
  size_t len = 0;
  FILE *line = open_memstream(&text, &len);
  if (!line) return;
  fputs(before, line);
  vfprintf(line, format, arguments);
  fputc('\n', line);
  bool made = fclose(line) == 0;
  pthread_mutex_lock(&lock);
  if (!made || !tell_dropped(to) || !write_line(to, text, len)) {
    dropped.lines++;
    dropped.untold++;
  }
  pthread_mutex_unlock(&lock);
  free(text);
}

void output_say(int to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(to, "", format, arguments);
  va_end(arguments);
}

uint64_t output_dropped(void) {
  pthread_mutex_lock(&lock);
  uint64_t lines = dropped.lines;
  pthread_mutex_unlock(&lock);
  return lines;
}

int output_complain(const char *command, int status, const char *format, ...) {
  char before[64];
  snprintf(before, sizeof before, "%s: ", command);
  va_list arguments;
  va_start(arguments, format);
  say(STDERR_FILENO, before, format, arguments);
  va_end(arguments);
  return status;
}

/* An errno of 0 means that an earlier write failed. Its reason is lost. */
static int cannot_write(const char *command, int why) {
  return output_complain(command, EXIT_FAILED, "cannot write to standard output%s%s",
                         why ? ": " : "", why ? strerror(why) : "");
}

int output_end(const char *command, int status) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  return cannot_write(command, errno);
}

int output_text(const char *command, const char *text) {
  errno = 0;
  if (fputs(text, stdout) >= 0 && fflush(stdout) == 0) return EXIT_DONE;
  return cannot_write(command, errno);
}
