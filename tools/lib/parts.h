/*
 * lib/parts.h - what lib/server.c and lib/client.c share; nobody else includes this.
 */
#ifndef WEIR_PARTS_H
#define WEIR_PARTS_H

#include "io/worker/group.h"

/* worker_group_start() with every signal blocked on the new threads: signals are the program's. */
__attribute__((warn_unused_result)) bool weir_group_start(struct worker_group *group,
                                                          const struct worker_config *config,
                                                          struct io_error *error);

#endif
