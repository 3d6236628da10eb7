/*
 * load/sets.h - the prepared targets of a run as sets of fields, in which a worker's engine notes what
 * it has worked out about them, so that they are cheap to send again.
 *
 * The plan's own fields are shared by all workers and stay as they are: each worker makes a copy of a
 * target's fields when it asks for it first.
 *
 * Owner: embedded in the worker's books; one thread. The sets live as long as this does.
 */
#ifndef WEIR_LOAD_SETS_H
#define WEIR_LOAD_SETS_H

#include <stddef.h>

#include "tools/load/limits.h"
#include "tools/load/target.h"

struct load_sets {
  struct header_set **at; /* by target.index; NULL until one is made */
};

/* The set of a target, or NULL: it is not of the plan's list, or not among the first LOAD_SETS_MAX, or memory
 * was refused. What varies is the target's until the set is got again. `sets` is zeroed at first. */
struct header_set *load_sets_get(struct load_sets *sets, const struct load_target *target);

/* No set is lent any more. */
void load_sets_free(struct load_sets *sets);

#endif
