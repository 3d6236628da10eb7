/*
 * worker/parts.h - one worker's life, as its group drives it; for worker/worker.c and worker/group.c.
 *
 *     worker_open -> setup hook -> worker_run -> worker_end -> stopped hook -> worker_close
 *     (all on the worker's thread)                    worker_release (after the threads were
 * joined)
 */
#ifndef WEIR_IO_WORKER_PARTS_H
#define WEIR_IO_WORKER_PARTS_H

#include "io/worker/worker.h"

enum group_order { GROUP_RUN, GROUP_DRAIN, GROUP_STOP };

/* Ring, buffers, links, timers. On failure what was opened is left to close and release. */
__attribute__((warn_unused_result)) bool worker_open(struct worker *worker, struct io_error *error);

/* Turns until the worker has drained. */
void worker_run(struct worker *worker);

/* Cuts what links are left; cancels and awaits what operations are left. */
void worker_end(struct worker *worker);

void worker_close(struct worker *worker);

/* Closes the descriptors by which others wake this worker: not before all of them have ended, or
 * their wake-ups would reach whatever got the number next. */
void worker_release(struct worker *worker);

/* Any thread, and a signal handler: the worker looks at its orders and its mailbox. */
void worker_wake(struct worker *worker);

#endif
