/*
 * load/start.c - see load/start.h.
 */
#include "tools/load/start.h"

#include "tools/load/limits.h"

void load_start_arrive(struct load_start *start, uint64_t now_ns) {
  if (__atomic_sub_fetch(&start->missing, 1, __ATOMIC_ACQ_REL) > 0) return;
  __atomic_store_n(&start->begin_ns, now_ns + LOAD_START_NS, __ATOMIC_RELEASE);
}

uint64_t load_start_begin_ns(const struct load_start *start) {
  return __atomic_load_n(&start->begin_ns, __ATOMIC_ACQUIRE);
}
