/*
 * serve/metrics/metrics.h - the listener for Prometheus and for probes, with a thread of its own.
 *
 *     /metrics   everything that is counted, in the form that the client wants
 *     /healthz   200 while the process runs
 *     /readyz    200 while it takes requests, 503 while it drains
 *
 * It is a small server of the same parts as the one it reports on: a worker with a loop, and an engine.
 * So the same deadlines and budgets bound its clients, of which there are METRICS_CONNECTIONS_MAX at
 * most. The workers of the server are never asked: their counters are read where they are.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_METRICS_H
#define WEIR_TOOLS_SERVE_METRICS_METRICS_H

#include "io/link/listener.h"
#include "io/ring/choice.h"
#include "tools/serve/metrics/page.h"

struct metrics;

/* Takes the open listener, for one worker. NULL with error->text. */
__attribute__((warn_unused_result)) struct metrics *metrics_open(struct listener *listener,
                                                                 struct io_error *error);

/* As bound. */
const struct address *metrics_address(const struct metrics *metrics);

/* Starts the thread, which calls read(ctx, facts) for each page; facts->ready and facts->start_ns are
 * set. `disabled`: URING_* features not to be used. False with error->text. */
__attribute__((warn_unused_result)) bool
metrics_start(struct metrics *metrics, enum ring_choice ring, unsigned disabled,
              void (*read)(void *ctx, struct metrics_facts *facts), void *ctx,
              struct io_error *error);

/* Any thread; not ready at first. NULL is allowed. */
void metrics_set_ready(struct metrics *metrics, bool ready);

/* Another process has the same socket, and answers from now on. NULL is allowed. */
void metrics_leave(struct metrics *metrics);

/* Ends the thread, cuts its clients, and closes the listener. NULL is allowed. */
void metrics_close(struct metrics *metrics);

#endif
