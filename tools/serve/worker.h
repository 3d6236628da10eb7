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

/* ---- another configuration, on the worker's thread; see serve/reload.h ---- */

/* Makes all that the configuration needs. False with error->text: call serve_worker_forget(). */
__attribute__((warn_unused_result)) bool serve_worker_prepare(struct server *server,
                                                              struct worker *worker,
                                                              struct serve_config *config,
                                                              struct io_error *error);

void serve_worker_forget(struct worker *worker);

/* Puts it in force, with the slots as they are now: server->config is the new one. False when memory for a
 * new socket was refused: all else is done. */
__attribute__((warn_unused_result)) bool serve_worker_swap(struct server *server,
                                                           struct worker *worker, const bool *added,
                                                           const bool *removed);

/* Everything that the server has counted so far. Any thread, until worker_group_join() is called. */
struct serve_counts serve_worker_counts(struct server *server, const struct worker_group *group);

#endif
