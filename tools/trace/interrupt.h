/*
 * trace/interrupt.h - ends a run early on SIGINT and SIGTERM.
 *
 * Signals belong to the process, so there is one run at a time.
 */
#ifndef WEIR_TRACE_INTERRUPT_H
#define WEIR_TRACE_INTERRUPT_H

#include <stdbool.h>

struct worker_group;

/* A signal stops `group`, until trace_interrupt_forget(). */
void trace_interrupt_watch(struct worker_group *group);
void trace_interrupt_forget(void);

/* Whether a signal has come, in this run or an earlier one. */
bool trace_interrupted(void);

#endif
