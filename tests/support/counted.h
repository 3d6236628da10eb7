/*
 * support/counted.h - memory that counts what is allocated, and refuses when it is told to.
 *
 * New memory is filled with 0xa5, so that code which forgets to initialize it is noticed.
 * Owner: the test; not safe between threads.
 */
#ifndef WEIR_TESTS_COUNTED_H
#define WEIR_TESTS_COUNTED_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/pool.h"

struct counted_memory {
  struct memory memory; /* what the code under test gets */
  size_t bytes, count;  /* allocated now */
  size_t bytes_max;     /* the most that `bytes` has been */
  uint64_t calls;       /* allocations so far, refused ones included */
  uint64_t refuse_at;   /* refuse this call alone, counted from 1; 0: none */
  uint64_t allowed;     /* refuse all calls after so many more */
};

/* Nothing is allocated and nothing is refused. Returns the memory to pass on; it stays valid as
 * long as `counted` does, and `counted` must not move. */
const struct memory *counted_init(struct counted_memory *counted);

#endif
