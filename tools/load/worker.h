/*
 * load/worker.h - one thread of a run: its phases, its clocks, and the open loop.
 *
 *     begin --dial all--> [warm-up] --> measuring --last request, or the time is up--> over --> end
 *
 * An open loop begins when each connection's first attempt is over: making connections is not the
 * server's latency. Its clock is a timeout of io_uring, since the worker's own timers count
 * milliseconds; each time it fires, all requests that are due are started on the connections in
 * turn. A request that finds no room is started by the connection that has room first, and measured
 * from when it was due.
 */
#ifndef WEIR_LOAD_WORKER_H
#define WEIR_LOAD_WORKER_H

#include "engine/engine.h"
#include "tools/load/connection.h"

struct load_worker {
  _Alignas(64) struct load_books books; /* no two workers share a cache line */
  unsigned index;
  struct engine engine;
  bool has_engine;
  struct client_server server;
  struct load_connection *connections; /* books.connections of them */
  unsigned turn;                       /* the connection whose turn is next in an open loop */
  struct loop_op pace;                 /* open loop: until the next request is due */
  struct __kernel_timespec pace_at;
};

/* Dials. False with error->text; nothing is then held. */
__attribute__((warn_unused_result)) bool load_worker_begin(struct load_worker *worker,
                                                           const struct load_plan *plan,
                                                           struct worker *io,
                                                           struct io_error *error);

/* Once a second. */
void load_worker_second(struct load_worker *worker);

/* Ends what is measured, then the worker. Not from within a machine's call. */
void load_worker_finish(struct load_worker *worker);

/* The thread is ending, and all machines are closed. The connections and books stay to be read. */
void load_worker_end(struct load_worker *worker);

/* After load_worker_end(), or instead of load_worker_begin(). */
void load_worker_free(struct load_worker *worker);

#endif
