/*
 * lib/group.h - workers whose threads take no signals.
 */
#ifndef WEIR_LIB_GROUP_H
#define WEIR_LIB_GROUP_H

#include "io/worker/group.h"

/* worker_group_start() with every signal blocked on the new threads: signals are the program's. `ring` names
 * the engine, which config->ring is set to; NULL: "auto". */
__attribute__((warn_unused_result)) bool weir_group_start(struct worker_group *group,
                                                          struct worker_config *config,
                                                          const char *ring, struct io_error *error);

/* Whether the calling thread is one of the workers. */
__attribute__((warn_unused_result)) bool weir_group_is_own_thread(const struct worker_group *group);

#endif
