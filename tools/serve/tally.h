/*
 * serve/tally.h - what all workers have counted, also those that have ended.
 *
 * A worker shows its counters when it is set up, and takes them back before it frees them. Any thread
 * may add them up meanwhile: counters are read as they are written, and the lock only keeps them in
 * place.
 */
#ifndef WEIR_TOOLS_SERVE_TALLY_H
#define WEIR_TOOLS_SERVE_TALLY_H

#include <pthread.h>

#include "io/base/limits.h"
#include "tools/serve/counters.h"

/* One worker's. */
struct tally_parts {
  const struct engine *engine;        /* NULL: none of these is shown */
  const struct tls_counters *tls;     /* NULL: no TLS */
  const struct files_counters *files; /* NULL: no directory */
};

/* Begins as zeros. */
struct tally {
  pthread_mutex_t lock;
  struct tally_parts workers[IO_WORKERS_MAX];
  struct serve_counts ended; /* of workers that have ended */
};

void tally_init(struct tally *tally);

/* Worker `index`: shows counters, which stay until tally_take_back(). */
void tally_show(struct tally *tally, unsigned index, const struct tally_parts *parts);

/* Keeps what was counted. Does nothing when none are shown. */
void tally_take_back(struct tally *tally, unsigned index);

/* Any thread: the sums of what workers show and have shown. The members that no worker has are zero. */
struct serve_counts tally_sum(struct tally *tally);

#endif
