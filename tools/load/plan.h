/*
 * load/plan.h - what a run requests, and from which server. Made from the options before the
 * workers start, and read-only from then on.
 *
 * Ownership: keeps the options and their strings until load_plan_free().
 */
#ifndef WEIR_LOAD_PLAN_H
#define WEIR_LOAD_PLAN_H

#include "tools/common/failure.h"
#include "tools/load/limits.h"
#include "tools/load/options.h"
#include "tools/load/origin.h"
#include "tools/load/reader.h"

struct tls_context;

struct load_plan {
  const struct load_options *options;
  struct load_rules rules;
  struct load_bodies bodies;
  struct load_csv csv;        /* of --data-csv */
  struct load_list list;      /* empty if there is a reader */
  struct load_reader *reader; /* of a large file or a pipe, or NULL */
  bool by_connection;         /* each connection begins with the first request */
  bool one_pass;              /* the run ends after the last request */
  uint64_t seed;              /* of random variables */
  uint64_t replay_begin_ns;   /* --replay: the time of the first request */
  struct load_origins origins;
  struct tls_context *tls; /* NULL: http */
  uint64_t timeout_ns, duration_ns, warm_up_ns;
  struct load_shape shape; /* of an open loop */
};

/* Opens the files of --data and --data-csv. False with one line in `failure`. Call load_plan_free()
 * in either case. The plan must stay where it is. */
__attribute__((warn_unused_result)) bool load_plan_init(struct load_plan *plan,
                                                        const struct load_options *options,
                                                        const struct failure *failure);

/* Makes the requests of the command line, or with -i reads its URL. False with one line in `failure`
 * when the command line is wrong. */
__attribute__((warn_unused_result)) bool load_plan_targets(struct load_plan *plan,
                                                           const struct failure *failure);

/* Opens the file of -i, if there is one. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_plan_read(struct load_plan *plan,
                                                        const struct failure *failure);

/* Resolves the host and prepares TLS. May block. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_plan_look_up(struct load_plan *plan,
                                                           const struct failure *failure);

/* How many of all connections are a worker's: those from number `*first` on. */
unsigned load_plan_connections(const struct load_plan *plan, unsigned worker, unsigned *first);

void load_plan_free(struct load_plan *plan);

#endif
