/*
 * support/counted.h - memory that counts what is allocated, and refuses on request.
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
  struct memory memory; /* passed to the code under test */
  size_t bytes, count;  /* allocated now */
  size_t bytes_max;     /* the maximum of `bytes` so far */
  uint64_t calls;       /* allocations so far, refused ones included */
  uint64_t refuse_at;   /* refuse only this call, counted from 1; 0: none */
  uint64_t allowed;     /* refuse all calls after this many more */
};

/* Starts with nothing allocated and nothing refused. Returns the memory to pass on. It is valid
 * as long as `counted`, which must not move. */
const struct memory *counted_init(struct counted_memory *counted);

#endif
