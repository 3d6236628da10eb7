/*
 * load/watch.h - the main thread while the workers run: once a second it looks at what they did, and
 * it acts on signals.
 *
 * A look is a message to each worker, so that nothing is shared while requests are made:
 *
 *     main: ask --post--> worker: load_second_take() --signal--> main: add up, show
 *
 * A worker that does not answer within a second is left out of that second. Its next answer covers
 * the time since its last one.
 */
#ifndef WEIR_LOAD_WATCH_H
#define WEIR_LOAD_WATCH_H

#include <pthread.h>
#include <signal.h>

#include "io/worker/group.h"
#include "tools/load/live.h"
#include "tools/load/series.h"
#include "tools/load/so_far.h"
#include "tools/load/worker.h"

struct load_watch;

/* One worker, as seen from here. */
struct load_glance {
  struct load_watch *watch;
  struct load_worker *worker;
  bool asked;                 /* by the main thread, and not yet read */
  bool answered;              /* by the worker; atomic */
  struct load_so_far *so_far; /* to be filled with the next answer, or NULL */
  struct load_tally tally;
  struct load_second second;
};

struct load_watch {
  const struct load_options *options;
  struct load_worker *workers; /* options->threads of them */
  struct worker_group *group;
  pthread_t main_thread;
  unsigned running; /* workers that have not ended; atomic */
  unsigned unread;  /* answers still to come; atomic */
  struct load_glance *glances;
  struct load_second sum; /* what all did in the last second */
  struct load_progress progress;
  struct load_live live;
  struct load_series series;
  unsigned stops;    /* signals to end */
  bool had_terminal; /* a controlling one */
  const char *command;
  struct load_so_far *so_far; /* after SIGHUP, until the report is printed: one for each worker */
};

/* Blocks the signals that the watch waits for; the workers inherit that. Before they are started. Keeps
 * its arguments. False when memory was refused. */
__attribute__((warn_unused_result)) bool
load_watch_begin(struct load_watch *watch, const struct load_options *options, const char *command,
                 struct load_worker *workers, struct worker_group *group);

/* A worker begins, and ends. Any thread. */
void load_watch_enter(struct load_watch *watch);
void load_watch_leave(struct load_watch *watch);

/* Returns when all workers have left. */
void load_watch_wait(struct load_watch *watch);

/* Adds what the workers did since the last look. After their threads have ended. */
void load_watch_end(struct load_watch *watch);

/* The series is the caller's. Also for one that is all zeros. */
void load_watch_free(struct load_watch *watch);

#endif
