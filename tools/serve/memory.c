/*
 * serve/memory.c - see serve/memory.h.
 */
#include "tools/serve/memory.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "io/files/limits.h"
#include "io/link/limits.h"
#include "io/ring/limits.h"
#include "tools/serve/limits.h"

static const struct serve_memory defaults = {
    .buffers = IO_BUFFER_COUNT,
    .keep_bytes = IO_KEEP_BYTES_MAX,
    .connections = ENGINE_CONNECTIONS_DEFAULT,
    .streams = ENGINE_STREAMS_DEFAULT,
    .window_bytes = PEER_WINDOW_BUDGET_BYTES,
    .cache_bytes = FILES_CACHE_BYTES,
    .reads = FILES_READS_MAX,
    .log_bytes = ACCESS_LOG_QUEUE_BYTES,
};

_Static_assert(SERVE_SHARE_BUFFERS + SERVE_SHARE_KEEP + SERVE_SHARE_CONNECTIONS +
                       SERVE_SHARE_STREAMS + SERVE_SHARE_WINDOWS + SERVE_SHARE_CACHE +
                       SERVE_SHARE_READS + SERVE_SHARE_LOG <
                   SERVE_SHARES,
               "something is left for the kernel");
_Static_assert(SERVE_WORKER_BYTES_MIN / SERVE_SHARES * SERVE_SHARE_BUFFERS >= IO_BUFFER_BYTES &&
                   SERVE_WORKER_BYTES_MIN / SERVE_SHARES * SERVE_SHARE_KEEP >= IO_BUFFER_BYTES &&
                   SERVE_WORKER_BYTES_MIN / SERVE_SHARES * SERVE_SHARE_CACHE >= FILES_SMALL_BYTES &&
                   SERVE_WORKER_BYTES_MIN / SERVE_SHARES * SERVE_SHARE_READS >= FILES_READ_BYTES &&
                   SERVE_WORKER_BYTES_MIN / SERVE_SHARES * SERVE_SHARE_LOG >=
                       2 * ACCESS_LOG_LINE_BYTES_MAX,
               "the smallest worker has some of each");

unsigned serve_memory_workers(uint64_t limit_bytes, unsigned wanted) {
  if (limit_bytes == 0) return wanted;
  if (limit_bytes < SERVE_PROCESS_BYTES) return 0;
  uint64_t fitting = (limit_bytes - SERVE_PROCESS_BYTES) / SERVE_WORKER_BYTES_MIN;
  return fitting < wanted ? (unsigned)fitting : wanted;
}

/* `share` of SERVE_SHARES of the worker's bytes, in pieces of `piece_bytes`; at most `most`. */
static uint64_t part(uint64_t worker_bytes, unsigned share, uint64_t piece_bytes, uint64_t most) {
  uint64_t pieces = worker_bytes / SERVE_SHARES * share / piece_bytes;
  return pieces < most ? pieces : most;
}

static uint32_t power_of_two_below(uint32_t count) {
  uint32_t power = 1;
  while (power <= count / 2)
    power *= 2;
  return power;
}

static bool too_small(uint64_t limit_bytes, unsigned workers, const struct failure *failure) {
  const unsigned long long mib = 1024 * 1024, process = SERVE_PROCESS_BYTES / mib,
                           each = SERVE_WORKER_BYTES_MIN / mib;
  return failure_set(failure,
                     "the cgroup allows %llu KiB of memory, too little for %u worker%s: that takes "
                     "%llu MiB, and %llu MiB for each worker",
                     (unsigned long long)limit_bytes / 1024, workers, workers == 1 ? "" : "s",
                     process, each);
}

bool serve_memory_plan(struct serve_memory *memory, uint64_t limit_bytes, unsigned workers,
                       const struct failure *failure) {
  assert(workers > 0);
  *memory = defaults;
  if (limit_bytes == 0) return true;
  if (serve_memory_workers(limit_bytes, workers) < workers)
    return too_small(limit_bytes, workers, failure);
  uint64_t each = (limit_bytes - SERVE_PROCESS_BYTES) / workers;
  uint32_t buffers = (uint32_t)part(each, SERVE_SHARE_BUFFERS, IO_BUFFER_BYTES, defaults.buffers);
  uint32_t log_bytes = (uint32_t)part(each, SERVE_SHARE_LOG, 1, defaults.log_bytes);
  *memory = (struct serve_memory){
      .limit_bytes = limit_bytes,
      .buffers = power_of_two_below(buffers),
      .keep_bytes = part(each, SERVE_SHARE_KEEP, 1, defaults.keep_bytes),
      .connections = (uint32_t)part(each, SERVE_SHARE_CONNECTIONS, SERVE_CONNECTION_BYTES,
                                    defaults.connections),
      .streams = (uint32_t)part(each, SERVE_SHARE_STREAMS, SERVE_STREAM_BYTES, defaults.streams),
      .window_bytes = part(each, SERVE_SHARE_WINDOWS, 1, defaults.window_bytes),
      .cache_bytes = part(each, SERVE_SHARE_CACHE, 1, defaults.cache_bytes),
      .reads = (uint32_t)part(each, SERVE_SHARE_READS, FILES_READ_BYTES, defaults.reads),
      .log_bytes = power_of_two_below(log_bytes),
  };
  return true;
}
