/*
 * serve/service/systemd.h - what the service manager is told: ready, reloading, stopping, alive, and a status line
 * that `systemctl status` shows.
 *
 * Spec: sd_notify(3), sd_watchdog_enabled(3). A datagram of lines to the socket that NOTIFY_SOCKET names;
 * a library would not make that shorter. Without a service manager every function does nothing.
 */
#ifndef WEIR_TOOLS_SERVE_SERVICE_SYSTEMD_H
#define WEIR_TOOLS_SERVE_SERVICE_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/base/address.h"
#include "io/base/error.h"

struct systemd {
  struct address socket; /* .len is 0: none */
  uint64_t watchdog_ns;  /* it ends a service that is silent for so long; 0: it does not watch */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment. False with
 * error->text when they make no sense; `systemd` then has no socket. */
__attribute__((warn_unused_result)) bool systemd_open(struct systemd *systemd,
                                                      struct io_error *error);

/* Sends `state`, lines such as "READY=1", and a status line if `format` is not NULL. A message that
 * cannot be sent within SERVE_NOTIFY_MILLISECONDS is dropped. */
__attribute__((format(printf, 3, 4))) void
systemd_notify(const struct systemd *systemd, const char *state, const char *format, ...);

/* A new configuration is being read. systemd_notify() with READY=1 ends that, whatever came of it. */
void systemd_reloading(const struct systemd *systemd);

/* Another process serves from now on. It must be a child of the service manager. Its status line is what the
 * service has until the new process says more: whatever it said before, it was not heard. */
void systemd_main_process(const struct systemd *systemd, pid_t process);

#endif
