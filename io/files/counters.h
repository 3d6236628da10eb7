/*
 * files/counters.h - what the files of one worker have counted. One writer; read with counter_get()
 * from anywhere.
 */
#ifndef WEIR_FILES_COUNTERS_H
#define WEIR_FILES_COUNTERS_H

#include <stdint.h>

struct files_counters {
  uint64_t hits, misses, revalidations, evictions;
  uint64_t reads_direct;  /* from the page cache */
  uint64_t reads_waited;  /* through the ring */
  uint64_t no_descriptor; /* ENFILE or EMFILE */
};

/* What they hold now. */
struct files_gauges {
  uint64_t entries;     /* of the cache */
  uint64_t bytes;       /* of these */
  uint64_t descriptors; /* of large files */
};

#endif
