/*
 * h2/priority_said.h - what a request's fields say about its priority.
 */
#ifndef WEIR_H2_PRIORITY_SAID_H
#define WEIR_H2_PRIORITY_SAID_H

#include "engine/sched/sched.h"

struct h2_priority_said {
  struct sched_priority field; /* of the `priority` field; SCHED_PRIORITY_DEFAULT without one */
  uint16_t head_start_paths;   /* rules of sched/head_start.h that the path matches */
};

#endif
