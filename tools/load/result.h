/*
 * load/result.h - what a run was and what it measured: all that reports are made of.
 */
#ifndef WEIR_LOAD_RESULT_H
#define WEIR_LOAD_RESULT_H

#include "io/base/limits.h"
#include "tools/load/options.h"
#include "tools/load/self.h"
#include "tools/load/series.h"
#include "tools/load/stage_report.h"
#include "tools/load/stats.h"

struct load_fairness {
  unsigned connections;
  uint64_t min, max; /* requests done on one connection */
  double mean;
};

/* What became of the requests to one origin. */
struct load_origin_counts {
  char origin[URL_ORIGIN_BYTES];
  uint64_t connections, done, failed;
};

struct load_report {
  const struct load_options *options;
  const char *command; /* the command line; see load/command.h */
  bool so_far;         /* the run goes on */
  char origin[URL_ORIGIN_BYTES];
  int64_t begin_unix_ns; /* when measuring began, on the wall clock */
  uint64_t total;        /* requests to be made; with a duration: requests started */
  struct load_stats sum;
  struct load_series series;        /* owned; see load_report_free() */
  struct load_stage_report *stages; /* owned; those that have begun, or NULL without --stage */
  unsigned stage_count;
  struct load_fairness fairness;
  struct load_origin_counts *origins; /* owned; NULL if there is only one */
  unsigned origin_count;
  struct load_self self;       /* of all workers */
  uint64_t log_lost;           /* requests that --log-file lacks */
  int log_error;               /* errno when it could not be written, or 0 */
  enum ring_choice ring;       /* the engine in use; RING_AUTO: no worker has begun */
  double busy[IO_WORKERS_MAX]; /* CPU use of each worker, 0 to 1 */
  unsigned workers;
  char mistake[512]; /* in the file of -i, if that ended the run; else empty */
};

/* Adds what one worker has counted. */
void load_report_add(struct load_report *report, const struct load_stats *stats,
                     const struct load_self *self);

/* Frees what the report owns. Also for one that is all zeros. */
void load_report_free(struct load_report *report);

#endif
