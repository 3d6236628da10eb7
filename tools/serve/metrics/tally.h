/*
 * serve/metrics/tally.h - what all workers have counted, also those that have ended.
 *
 * A worker shows its counters when it is set up, and takes them back before it frees them. Any thread
 * may add them up meanwhile: counters are read as they are written, and the lock only keeps them in
 * place.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_TALLY_H
#define WEIR_TOOLS_SERVE_METRICS_TALLY_H

#include <pthread.h>

#include "io/base/limits.h"
#include "tools/serve/metrics/counters.h"
#include "tools/serve/metrics/request_counts.h"

/* What a worker holds: as of the last second, because only the worker can look. Every member is a
 * uint64_t. */
struct serve_gauges {
  struct files_gauges files;
  uint64_t connections_h1, connections_h2, connections_spdy;
};

/* One worker's. */
struct tally_parts {
  const struct engine *engine;          /* NULL: none of these is shown */
  const struct tls_counters *tls;       /* NULL: no TLS */
  const struct files_counters *files;   /* NULL: no directory */
  const struct recode_counters *recode; /* the same */
  const struct compress_counters *compress;
  const struct rate_counters *rate;
  const struct request_counts *requests; /* NULL: they are not counted */
  const struct serve_gauges *gauges;
};

/* Begins as zeros. */
struct tally {
  pthread_mutex_t lock;
  struct tally_parts workers[IO_WORKERS_MAX];
  /* Of workers that have ended. */
  struct serve_counts ended;
  struct request_counts ended_requests;
};

void tally_init(struct tally *tally);

/* Worker `index`: shows counters, which stay until tally_take_back(). */
void tally_show(struct tally *tally, unsigned index, const struct tally_parts *parts);

/* Keeps what was counted. Does nothing when none are shown. */
void tally_take_back(struct tally *tally, unsigned index);

/* Any thread: the sums of what workers show and have shown. The members that no worker has are zero. */
struct serve_counts tally_sum(struct tally *tally);
struct request_counts tally_requests(struct tally *tally);
struct serve_gauges tally_gauges(struct tally *tally);

/* The worker's thread: changes gauges that it shows. */
void tally_set_gauges(struct serve_gauges *gauges, const struct serve_gauges *now);

#endif
