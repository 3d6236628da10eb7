/*
 * serve/service/supervision.h - the main thread's ties to the world outside: signals, the service manager and its
 * watchdog, sockets that were inherited, and the program that is to replace this one.
 */
#ifndef WEIR_TOOLS_SERVE_SERVICE_SUPERVISION_H
#define WEIR_TOOLS_SERVE_SERVICE_SUPERVISION_H

#include <signal.h>

#include "io/worker/group.h"
#include "tools/serve/service/inherited.h"
#include "tools/serve/service/replacement.h"
#include "tools/serve/service/systemd.h"

struct supervision {
  struct systemd systemd;
  struct inherited inherited;
  struct replacement replacement;
  int leaving; /* what supervision_wait() returns at leave_ns: no worker accepts any more. Or 0 */
  uint64_t leave_ns; /* or TIMER_NEVER */
  bool replaced; /* another process serves now: nothing is said to the service manager any more */
  int signals;   /* signalfd, or -1 */
  bool ends_with_terminal; /* it was started from one, without nohup(1) */
  uint64_t watchdog_ns;    /* when it is to hear next */
};

/* Instead of a signal's number. */
enum { SUPERVISION_REPLACED = -1 };

/* Reads the environment and keeps the command line. False with error->text. Call supervision_close() in
 * either case. */
__attribute__((warn_unused_result)) bool supervision_open(struct supervision *supervision, int argc,
                                                          char *const *argv,
                                                          struct io_error *error);

/* Takes the signals of `set`, which all threads block. */
__attribute__((warn_unused_result)) bool supervision_take_signals(struct supervision *supervision,
                                                                  const sigset_t *set,
                                                                  struct io_error *error);

/* The workers run: tells the service manager, or the process that this one replaces. */
void supervision_ready(struct supervision *supervision, const char *status);

/* Waits for a signal and returns its number, or SUPERVISION_REPLACED. Where the listening sockets live on with
 * others, SERVE_LEAVE_MILLISECONDS go by before it returns that or the first SIGTERM or SIGINT, in which no
 * worker accepts. Meanwhile tells the watchdog that all
 * is well for as long as every worker's loop turns, and looks after the program that is starting. */
__attribute__((warn_unused_result)) int supervision_wait(struct supervision *supervision,
                                                         struct worker_group *group);

/* Starts the program that is to replace this one, unless one is starting; says on standard error what went
 * wrong. */
void supervision_replace(struct supervision *supervision);

/* No more connections: closes the copies of the listening sockets. */
void supervision_drain(struct supervision *supervision, unsigned seconds);

void supervision_close(struct supervision *supervision);

#endif
