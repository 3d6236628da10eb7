/*
 * load/start.h - agrees on when the open loop of all workers starts: soon after the first attempt
 * of every connection is over, since connecting is not part of the latency.
 *
 * Shared by the workers of a run; any thread may call these.
 */
#ifndef WEIR_LOAD_START_H
#define WEIR_LOAD_START_H

#include <stdint.h>

struct load_start {
  unsigned missing;  /* workers whose connections are not settled yet */
  uint64_t begin_ns; /* on the clock of clock_now_ns(); 0: not known yet */
};

/* A worker's connections are settled. To be called once by each worker. */
void load_start_arrive(struct load_start *start, uint64_t now_ns);

/* When the open loop starts; 0 while a worker is missing. */
uint64_t load_start_begin_ns(const struct load_start *start);

#endif
