/*
 * trace/bucket.h - the link's rate: a token bucket that all connections of a run share, as they
 * share the last mile to a user.
 *
 * Tokens are taken by what is read from the sockets. While the bucket is empty nothing is read: the
 * sockets' small receive buffers fill up, TCP's window closes, and the server feels the rate. This
 * emulates a slow downlink behind a short queue. It emulates neither loss nor delay, and the uplink
 * is not limited.
 */
#ifndef WEIR_TRACE_BUCKET_H
#define WEIR_TRACE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/trace/limits.h"

struct trace_bucket {
  uint64_t rate; /* bytes per second; 0: no limit, the rest is unused */
  uint64_t filled_ns;
  double tokens; /* bytes */
  bool dry;      /* the last token is taken: more bytes are probably waiting */
};

void trace_bucket_init(struct trace_bucket *bucket, uint64_t rate, uint64_t now_ns);

/* How many bytes may pass now; UINT64_MAX without a limit. */
uint64_t trace_bucket_room(struct trace_bucket *bucket, uint64_t now_ns);
void trace_bucket_take(struct trace_bucket *bucket, uint64_t bytes);

/* When the next segment may pass. */
uint64_t trace_bucket_next_ns(const struct trace_bucket *bucket);

#endif
