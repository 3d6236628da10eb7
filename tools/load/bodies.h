/*
 * load/bodies.h - the files that request bodies come from, each mapped once.
 *
 * Owner: the plan. Only one thread at a time opens; what is open stays until load_bodies_free().
 */
#ifndef WEIR_LOAD_BODIES_H
#define WEIR_LOAD_BODIES_H

#include "engine/base/text.h"
#include "tools/common/failure.h"
#include "tools/load/limits.h"

struct load_body_file {
  char *path;
  struct span bytes;
};

struct load_bodies {
  struct load_body_file *at; /* sorted by path */
  size_t count;
};

/* False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_bodies_open(struct load_bodies *bodies,
                                                          struct span path, struct span *out,
                                                          const struct failure *failure);
void load_bodies_free(struct load_bodies *bodies);

#endif
