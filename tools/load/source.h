/*
 * load/source.h - where the requests of one worker come from: the targets of the plan, in turn.
 *
 * Owner: embedded in the worker's books; one thread.
 */
#ifndef WEIR_LOAD_SOURCE_H
#define WEIR_LOAD_SOURCE_H

#include "tools/load/plan.h"

struct load_source {
  const struct load_plan *plan;
};

/* Keeps the plan. */
void load_source_init(struct load_source *source, const struct load_plan *plan);

/* The next request of a connection. `turn` is the connection's own count, 0 at first. Must be
 * released. */
const struct load_target *load_source_next(struct load_source *source, uint64_t *turn);

/* The request is over: no body of it is lent, and it will not be repeated. */
void load_source_release(struct load_source *source, const struct load_target *target);

#endif
