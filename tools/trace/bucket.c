/*
 * trace/bucket.c - see trace/bucket.h.
 */
#include "tools/trace/bucket.h"

/* Two segments, or five milliseconds of the rate: timers are up to one millisecond late, and a turn
 * takes a few. While bytes are waiting the link is never idle, even if this process is late on a
 * busy machine. So up to a fifth of a second is made up for then. */
static double depth(const struct trace_bucket *bucket) {
  double bytes = (double)bucket->rate * (bucket->dry ? 0.2 : 0.005);
  return bytes > 2 * TRACE_SEGMENT_BYTES ? bytes : 2 * TRACE_SEGMENT_BYTES;
}

void trace_bucket_init(struct trace_bucket *bucket, uint64_t rate, uint64_t now_ns) {
  *bucket = (struct trace_bucket){.rate = rate, .filled_ns = now_ns};
  bucket->tokens = depth(bucket);
}

uint64_t trace_bucket_room(struct trace_bucket *bucket, uint64_t now_ns) {
  if (bucket->rate == 0) return UINT64_MAX;
  if (now_ns > bucket->filled_ns) {
    bucket->tokens += (double)(now_ns - bucket->filled_ns) * (double)bucket->rate / 1e9;
    bucket->filled_ns = now_ns;
  }
  if (bucket->tokens > depth(bucket)) bucket->tokens = depth(bucket);
  return bucket->tokens >= 1 ? (uint64_t)bucket->tokens : 0;
}

void trace_bucket_take(struct trace_bucket *bucket, uint64_t bytes) {
  if (bucket->rate == 0) return;
  bucket->tokens -= (double)bytes;
  bucket->dry = bucket->tokens < 1;
}

uint64_t trace_bucket_next_ns(const struct trace_bucket *bucket) {
  double lacking = TRACE_SEGMENT_BYTES - bucket->tokens;
  if (bucket->rate == 0 || lacking <= 0) return bucket->filled_ns;
  return bucket->filled_ns + (uint64_t)(lacking * 1e9 / (double)bucket->rate);
}
