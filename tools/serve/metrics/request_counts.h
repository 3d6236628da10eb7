/*
 * serve/metrics/request_counts.h - how one worker's requests ended: how many, how long they took and how large
 * they were. A handler around another one counts them, at a few nanoseconds a request.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_REQUEST_COUNTS_H
#define WEIR_TOOLS_SERVE_METRICS_REQUEST_COUNTS_H

#include "engine/http/handler.h"
#include "tools/serve/limits.h"

enum request_protocol {
  REQUEST_HTTP_1_0,
  REQUEST_HTTP_1_1,
  REQUEST_HTTP_2,
  REQUEST_SPDY,
  REQUEST_PROTOCOLS
};

/* The first digit of the status; 0: the request got no final response. */
enum { REQUEST_CLASSES = 6 };

struct request_histogram {
  uint64_t counts[REQUEST_BUCKETS + 1]; /* the last has what exceeds all bounds */
  uint64_t sum;
};

/* Every member is a uint64_t, with one writer; readers use counter_get(). */
struct request_counts {
  uint64_t requests[REQUEST_PROTOCOLS][REQUEST_CLASSES];
  struct request_histogram duration_ns; /* from the complete header section to the last byte */
  struct request_histogram request_bytes, response_bytes; /* of bodies */
};

/* Upper bounds, which belong to their bucket. */
extern const uint64_t request_duration_bounds_ns[REQUEST_BUCKETS];
extern const uint64_t request_size_bounds[REQUEST_BUCKETS];

/* Owner: the worker. It stays where it is while `handler` is in use. */
struct request_counter {
  struct request_counts counts;
  struct handler handler;
  const struct handler *inner;
};

/* Begins to count what `inner`, which is kept, answers, and what the engine answers by itself. Returns
 * the handler. */
const struct handler *request_counter_init(struct request_counter *counter,
                                           const struct handler *inner);

/* Counts one request that has ended. */
void request_counts_add(struct request_counts *counts, const struct stream_facts *facts);

#endif
