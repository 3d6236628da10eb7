/*
 * trace/interrupt.h - SIGINT and SIGTERM end a run early.
 *
 * Signals belong to the process, so one run at a time.
 */
#ifndef WEIR_TRACE_INTERRUPT_H
#define WEIR_TRACE_INTERRUPT_H

#include <stdbool.h>

struct worker_group;

/* From now on a signal stops `group`, until trace_interrupt_forget(). */
void trace_interrupt_watch(struct worker_group *group);
void trace_interrupt_forget(void);

/* A signal has come, in this run or an earlier one. */
bool trace_interrupted(void);

#endif
