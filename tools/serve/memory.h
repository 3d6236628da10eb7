/*
 * serve/memory.h - what each worker may hold when a cgroup limits the memory of the process.
 *
 * The workers share the limit equally, and each divides its part by the shares in serve/limits.h. A
 * share only ever makes a bound smaller than its default. Without a limit all bounds are the defaults.
 */
#ifndef WEIR_TOOLS_SERVE_MEMORY_H
#define WEIR_TOOLS_SERVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/failure.h"

/* Each bound is one worker's. */
struct serve_memory {
  uint64_t limit_bytes; /* of the process; 0: none */
  uint32_t buffers;     /* for receiving, IO_BUFFER_BYTES each; a power of two */
  uint64_t keep_bytes;  /* received and not wanted yet */
  uint32_t connections;
  uint32_t streams;      /* of all connections */
  uint64_t window_bytes; /* receive windows for request bodies */
  size_t cache_bytes;    /* files in memory */
  size_t log_bytes;      /* lines of the access log that wait; a power of two */
  uint32_t reads;        /* buffers for files that are not, FILES_READ_BYTES each */
};

/* Workers that fit into the limit: `wanted`, or fewer; 0: not even one. */
unsigned serve_memory_workers(uint64_t limit_bytes, unsigned wanted);

/* False when the limit is too small for that many workers, with one line that says what would fit. */
__attribute__((warn_unused_result)) bool serve_memory_plan(struct serve_memory *memory,
                                                           uint64_t limit_bytes, unsigned workers,
                                                           const struct failure *failure);

#endif
