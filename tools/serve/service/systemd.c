/*
 * serve/service/systemd.c - see serve/service/systemd.h.
 */
#include "tools/serve/service/systemd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "tools/serve/limits.h"

static bool read_socket(struct systemd *systemd, struct io_error *error) {
  const char *path = getenv("NOTIFY_SOCKET");
  if (!path) return true;
  bool has_form = path[0] == '/' || path[0] == '@';
  if (has_form && address_from_path(&systemd->socket, path)) return true;
  systemd->socket.len = 0;
  return io_error_set(error, 0, "NOTIFY_SOCKET=%.100s: not the path of a socket", path);
}

/* WATCHDOG_PID tells whether this process is meant, or the one that started it. */
static bool read_watchdog(struct systemd *systemd, struct io_error *error) {
  const char *text = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
  uint64_t microseconds, process;
  if (!text) return true;
  if (whose && (!decimal_get(span_text(whose), &process) || process != (uint64_t)getpid()))
    return true;
  if (!decimal_within(span_text(text), 1, UINT64_MAX / 1000 - 1, &microseconds))
    return io_error_set(error, 0, "WATCHDOG_USEC=%.100s: not a time in microseconds", text);
  systemd->watchdog_ns = microseconds * 1000;
  return true;
}

bool systemd_open(struct systemd *systemd, struct io_error *error) {
  *systemd = (struct systemd){.watchdog_ns = 0};
  bool good = read_socket(systemd, error) && read_watchdog(systemd, error);
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  return good;
}

static void send_message(const struct systemd *systemd, const char *message, size_t len) {
  const struct timeval patience = {.tv_usec = SERVE_NOTIFY_MILLISECONDS * 1000};
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  (void)sendto(fd, message, len, MSG_NOSIGNAL, &systemd->socket.any, systemd->socket.len);
  close(fd);
}

/* The status is one line: in a text from elsewhere a second one would be another message. */
static void flatten(char *text) {
  for (char *at = text; *at; at++)
    if ((unsigned char)*at < ' ') *at = ' ';
}

void systemd_notify(const struct systemd *systemd, const char *state, const char *format, ...) {
  char message[SERVE_NOTIFY_BYTES], status[SERVE_NOTIFY_BYTES - 128];
  if (!systemd->socket.len) return;
  int len = snprintf(message, sizeof message, "%s\n", state);
  if (format) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(status, sizeof status, format, arguments);
    va_end(arguments);
    flatten(status);
    len = snprintf(message, sizeof message, "%s\nSTATUS=%s\n", state, status);
  }
  if (len > 0 && (size_t)len < sizeof message) send_message(systemd, message, (size_t)len);
}

void systemd_reloading(const struct systemd *systemd) {
  struct timespec now;
  char state[64];
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
           (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
  systemd_notify(systemd, state, "reloading the configuration");
}

void systemd_main_process(const struct systemd *systemd, pid_t process) {
  char state[64];
  snprintf(state, sizeof state, "MAINPID=%ld\nREADY=1", (long)process);
  systemd_notify(systemd, state, "serving as process %ld, which replaced process %ld",
                 (long)process, (long)getpid());
}
