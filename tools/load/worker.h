/*
 * load/worker.h - one thread of a run: its phases, its timers, and the open loop.
 *
 *     begin --dial all--> [warm-up] --> measuring --last request, or the time is up--> over --> end
 *
 * An open loop starts after the first attempt of every connection of every worker, since connecting
 * is not part of the latency; see load/start.h. It is paced by loop_timeout(), because the
 * worker's own timers count milliseconds.
 * Whenever the timeout fires, all requests that are due are started on the connections in turn. If
 * there is no room, the first connection that has some starts them; they are measured from when
 * they were due.
 *
 * A closed loop keeps a slow beat instead, which tells how late the worker wakes.
 */
#ifndef WEIR_LOAD_WORKER_H
#define WEIR_LOAD_WORKER_H

#include "engine/engine.h"
#include "tools/load/batch.h"
#include "tools/load/connection.h"
#include "tools/load/marks.h"

struct load_worker {
  _Alignas(64) struct load_books books; /* no two workers share a cache line */
  struct engine engine;
  bool has_engine;
  struct load_ws_kit ws_kit;           /* --ws */
  struct client_server *servers;       /* of each origin of the plan */
  struct load_connection *connections; /* books.connections of them */
  unsigned turn;                       /* open loop: the index of the next connection */
  int core;                            /* to run on; -1: any */
  struct loop_op pace; /* open loop: until the next request is due; closed loop: the next beat */
  struct load_marks marks;
  struct load_batch batch;
  uint64_t pace_ns; /* the same */
};

/* Starts to connect. The caller has set `core`. False with error->text; nothing is held then. */
__attribute__((warn_unused_result)) bool
load_worker_begin(struct load_worker *worker, const struct load_plan *plan,
                  struct load_start *start, struct worker *io, struct io_error *error);

/* Once a second. */
void load_worker_second(struct load_worker *worker);

/* Stops measuring and drains the worker. Not from within a machine's call. */
void load_worker_finish(struct load_worker *worker);

/* The thread ends; all machines are closed. The connections and books can still be read. */
void load_worker_end(struct load_worker *worker);

/* After load_worker_end(), or instead of load_worker_begin(). */
void load_worker_free(struct load_worker *worker);

#endif
