/*
 * serve/metrics/counters.h - every counter of a server by its names: one table for the line that SIGUSR1
 * prints and for the metrics (serve/metrics/text.h).
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_COUNTERS_H
#define WEIR_TOOLS_SERVE_METRICS_COUNTERS_H

#include "engine/engine.h"
#include "io/files/counters.h"
#include "io/ring/loop.h"
#include "io/tls/factory.h"
#include "tools/serve/coding/compress.h"
#include "tools/serve/coding/recode.h"
#include "tools/serve/log/writer.h"
#include "tools/serve/rules/rate.h"

/* Of all workers together. Every member is a uint64_t, and has a row in the table. */
struct serve_counts {
  struct engine_counters engine;
  struct loop_counters loop;
  struct tls_counters tls;
  struct files_counters files;
  struct recode_counters recode;
  struct compress_counters compress;
  struct rate_counters rate;
  struct log_counts access_log, record;
  uint64_t lines_dropped; /* by common/output.h */
};

struct serve_counter {
  const char *name;   /* in the line: that of its member */
  const char *metric; /* without _total; one that ends in _bytes has this unit */
  const char *labels; /* NULL: none. Rows of one metric stand together */
  const char *help;
  size_t offset; /* in struct serve_counts */
};

extern const struct serve_counter serve_counters[];
extern const unsigned serve_counters_count;

uint64_t serve_counter_get(const struct serve_counter *counter, const struct serve_counts *counts);

/* Adds counters, which another thread may be writing, to a sum. Both are `bytes` of uint64_t. */
void serve_counts_add(void *sum, const void *counters, size_t bytes);

/* Writes one line of JSON to the descriptor `to`: every counter. */
void serve_counters_say(int to, const struct serve_counts *counts);

#endif
