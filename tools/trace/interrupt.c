/*
 * trace/interrupt.c - see trace/interrupt.h.
 */
#include "tools/trace/interrupt.h"

#include <signal.h>

#include "io/worker/group.h"

/* worker_group_stop() may be called from a signal handler. */
static struct worker_group *watched;
static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
  worker_group_stop(watched);
}

static void set_handler(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

void trace_interrupt_watch(struct worker_group *group) {
  watched = group;
  set_handler(on_signal);
}

void trace_interrupt_forget(void) {
  set_handler(SIG_DFL);
}

bool trace_interrupted(void) {
  return interrupted;
}
