/*
 * ring/features.h - what a kernel may lack, and a person may switch off.
 *
 *   feature            since  without it
 *   single_issuer      6.0    set up without the flag
 *   defer_taskrun      6.1    completions run in interrupted system calls, as before 6.1
 *   submit_all         5.18   set up without the flag
 *   ring_fd            5.18   the ring's descriptor is looked up at every enter
 *   ext_arg            5.11   the wait's timeout is a request of its own
 *   multishot_accept   5.19   one request per connection
 *   multishot_recv     6.0    one request per receive
 *   buffer_ring        5.19   readiness, then recv(2)
 *   full_queues        -      shorter queues, as the locked-memory limit (ulimit -l) allows
 *   inline_send        -      every send goes through the ring (no kernel feature: a way to run
 *                             and measure that path)
 *
 * WEIR_URING_DISABLE is a comma-separated list of these names, read by the programs through
 * uring_parse_disabled().
 */
#ifndef WEIR_IO_RING_FEATURES_H
#define WEIR_IO_RING_FEATURES_H

#include <stdbool.h>

enum uring_feature {
  URING_SINGLE_ISSUER = 1 << 0,
  URING_DEFER_TASKRUN = 1 << 1,
  URING_SUBMIT_ALL = 1 << 2,
  URING_RING_FD = 1 << 3,
  URING_EXT_ARG = 1 << 4,
  URING_MULTISHOT_ACCEPT = 1 << 5,
  URING_MULTISHOT_RECV = 1 << 6,
  URING_BUFFER_RING = 1 << 7,
  URING_INLINE_SEND = 1 << 8,
  URING_FULL_QUEUES = 1 << 9,
};
enum { URING_FEATURE_COUNT = 10 }; /* derived from the list above */

/* The name of one feature bit, as in the table above. */
const char *uring_feature_name(unsigned feature);

/* What a person should know about a feature that is not in use ("received bytes are copied..."). */
const char *uring_feature_fallback(unsigned feature);

/* Reads a list of feature names. False when a word is none; `*bad` then points to it. */
__attribute__((warn_unused_result)) bool uring_parse_disabled(const char *text, unsigned *features,
                                                              const char **bad);

#endif
