/*
 * serve/metrics/request_counts.c - see serve/metrics/request_counts.h.
 */
#include "tools/serve/metrics/request_counts.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

const uint64_t request_duration_bounds_ns[REQUEST_BUCKETS] = {
    100 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,    10 * MS,
    25 * MS,  100 * MS, 250 * MS, 1 * S,     2500 * MS, 10 * S,
};

const uint64_t request_size_bounds[REQUEST_BUCKETS] = {
    1 << 8,  1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18,
    1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30,
};

/* ---- counting -------------------------------------------------------------------------------- */

/* From the small ones up: most requests have no body, and take no longer than a turn. */
static unsigned bucket_of(const uint64_t bounds[REQUEST_BUCKETS], uint64_t value) {
  unsigned bucket = 0;
  while (bucket < REQUEST_BUCKETS && value > bounds[bucket])
    bucket++;
  return bucket;
}

static void observe(struct request_histogram *histogram, const uint64_t bounds[REQUEST_BUCKETS],
                    uint64_t value) {
  counter_add(&histogram->counts[bucket_of(bounds, value)], 1);
  counter_add(&histogram->sum, value);
}

/* Of "HTTP/1.0", "HTTP/1.1", "HTTP/2" and "SPDY/3.1", which the engine writes. */
static enum request_protocol protocol_of(const char *name) {
  if (name[0] == 'S') return REQUEST_SPDY;
  if (name[5] == '2') return REQUEST_HTTP_2;
  return name[7] == '0' ? REQUEST_HTTP_1_0 : REQUEST_HTTP_1_1;
}

void request_counts_add(struct request_counts *counts, const struct stream_facts *facts) {
  unsigned class = facts->status / 100u;
  uint64_t duration_ns = facts->ended_ns > facts->begun_ns ? facts->ended_ns - facts->begun_ns : 0;
  if (class >= REQUEST_CLASSES) class = 0;
  counter_add(&counts->requests[protocol_of(facts->protocol)][class], 1);
  observe(&counts->duration_ns, request_duration_bounds_ns, duration_ns);
  observe(&counts->request_bytes, request_size_bounds, facts->body_bytes_received);
  observe(&counts->response_bytes, request_size_bounds, facts->body_bytes_sent);
}

/* ---- the handler ----------------------------------------------------------------------------- */

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  const struct request_counter *counter = ctx;
  counter->inner->request(counter->inner->ctx, stream, request, now_ns);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  const struct request_counter *counter = ctx;
  if (counter->inner->mistake) counter->inner->mistake(counter->inner->ctx, stream, what);
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  const struct request_counter *counter = ctx;
  if (counter->inner->refused)
    counter->inner->refused(counter->inner->ctx, stream, request, now_ns);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  struct request_counter *counter = ctx;
  request_counts_add(&counter->counts, facts);
  if (counter->inner->ended) counter->inner->ended(counter->inner->ctx, stream, facts);
}

const struct handler *request_counter_init(struct request_counter *counter,
                                           const struct handler *inner) {
  *counter = (struct request_counter){.handler = {.ctx = counter,
                                                  .request = on_request,
                                                  .mistake = on_mistake,
                                                  .protocols = inner->protocols,
                                                  .refused = on_refused,
                                                  .ended = on_ended},
                                      .inner = inner};
  return &counter->handler;
}
