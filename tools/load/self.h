/*
 * load/self.h - what the generator itself was like: whether it woke in time, and what it waited for.
 *
 * Three things make a request late, and only one of them is the server:
 *
 *     due ------> noticed ----------> sent -----------> answered
 *          late            crowded           latency of the server
 *          (weir woke late) (no free stream or connection)
 *
 * Lateness has one sample for each request of an open loop. In a closed loop requests are due when an
 * answer has come, so there it has one for each beat of a clock that the worker keeps; beats that
 * were missed count, too.
 */
#ifndef WEIR_LOAD_SELF_H
#define WEIR_LOAD_SELF_H

#include <stdint.h>

#include "tools/load/histogram.h"

/* What kept the run from making more, or faster, requests. */
enum load_limit {
  LOAD_LIMIT_NONE,      /* an open loop that kept its rate */
  LOAD_LIMIT_SERVER,    /* requests were sent in time, and the answers were slow */
  LOAD_LIMIT_STREAMS,   /* requests waited for a free stream or connection */
  LOAD_LIMIT_GENERATOR, /* weir woke late, or had no CPU time left */
};

struct load_self {
  struct load_histogram lateness;
  uint64_t late;         /* of its samples: more than LOAD_LATE_NS */
  uint64_t crowded;      /* open loop: requests that found no free stream or connection */
  uint64_t run_delay_ns; /* the worker threads could run and had no core (schedstat) */
  uint64_t throttled;    /* periods in which the cgroup's quota was used up; */
  uint64_t throttled_ns; /* for how long */
  enum load_limit limited_by;
};

#endif
