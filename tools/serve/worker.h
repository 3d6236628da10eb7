/*
 * serve/worker.h - what one worker of `weir serve` does: its engine, handler, TLS and listeners.
 *
 * The functions of serve_worker_hooks() run on the worker's own thread. The last worker to end sends
 * the main thread SIGUSR2.
 */
#ifndef WEIR_TOOLS_SERVE_WORKER_H
#define WEIR_TOOLS_SERVE_WORKER_H

#include "tools/serve/server.h"

/* Keeps `server` for as long as workers run. */
struct worker_hooks serve_worker_hooks(struct server *server);

/* Everything that the server has counted so far. Any thread, until worker_group_join() is called. */
struct serve_counts serve_worker_counts(struct server *server, const struct worker_group *group);

#endif
