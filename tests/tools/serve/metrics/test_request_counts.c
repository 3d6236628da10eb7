/*
 * serve/metrics/test_request_counts.c - how requests are counted: by protocol, by class, and into buckets.
 */
#include "tests/support/cmocka.h"

#include "tools/serve/metrics/request_counts.h"

static const struct stream_facts plain = {
    .protocol = "HTTP/2", .status = 200, .begun_ns = 1000, .ended_ns = 1000};

static void test_protocols_and_classes(void **state) {
  (void)state;
  static const struct {
    const char *protocol;
    uint16_t status;
    enum request_protocol row;
    unsigned class;
  } rows[] = {
      {"HTTP/1.0", 200, REQUEST_HTTP_1_0, 2}, {"HTTP/1.1", 101, REQUEST_HTTP_1_1, 1},
      {"HTTP/1.1", 404, REQUEST_HTTP_1_1, 4}, {"HTTP/2", 304, REQUEST_HTTP_2, 3},
      {"HTTP/2", 599, REQUEST_HTTP_2, 5},     {"HTTP/2", 0, REQUEST_HTTP_2, 0},
      {"SPDY/3.1", 204, REQUEST_SPDY, 2},     {"SPDY/3.1", 999, REQUEST_SPDY, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct request_counts counts = {0};
    struct stream_facts facts = plain;
    uint64_t all = 0;
    facts.protocol = rows[i].protocol;
    facts.status = rows[i].status;
    request_counts_add(&counts, &facts);
    assert_int_equal(counts.requests[rows[i].row][rows[i].class], 1);
    for (unsigned j = 0; j < REQUEST_PROTOCOLS * REQUEST_CLASSES; j++)
      all += (&counts.requests[0][0])[j];
    assert_int_equal(all, 1);
  }
}

/* A bound belongs to its bucket; what is beyond the last one has its own. */
static void test_buckets(void **state) {
  (void)state;
  for (unsigned i = 0; i < REQUEST_BUCKETS; i++) {
    for (unsigned more = 0; more < 2; more++) {
      struct request_counts counts = {0};
      struct stream_facts facts = plain;
      facts.ended_ns = facts.begun_ns + request_duration_bounds_ns[i] + more;
      facts.body_bytes_received = request_size_bounds[i] + more;
      facts.body_bytes_sent = request_size_bounds[REQUEST_BUCKETS - 1 - i] + more;
      request_counts_add(&counts, &facts);
      assert_int_equal(counts.duration_ns.counts[i + more], 1);
      assert_int_equal(counts.duration_ns.sum, request_duration_bounds_ns[i] + more);
      assert_int_equal(counts.request_bytes.counts[i + more], 1);
      assert_int_equal(counts.request_bytes.sum, request_size_bounds[i] + more);
      assert_int_equal(counts.response_bytes.counts[REQUEST_BUCKETS - 1 - i + more], 1);
    }
    if (i > 0) {
      assert_true(request_duration_bounds_ns[i] > request_duration_bounds_ns[i - 1]);
      assert_true(request_size_bounds[i] > request_size_bounds[i - 1]);
    }
  }
}

/* ---- the handler ----------------------------------------------------------------------------- */

static unsigned requested, refused, mistaken, ended;

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx, (void)stream, (void)request, (void)now_ns;
  requested++;
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx, (void)stream, (void)request, (void)now_ns;
  refused++;
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)ctx, (void)stream, (void)what;
  mistaken++;
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  (void)ctx, (void)stream, (void)facts;
  ended++;
}

static void test_all_calls_reach_the_inner_handler(void **state) {
  (void)state;
  static const char *const protocols[] = {"websocket", NULL};
  const struct handler full = {.request = on_request,
                               .refused = on_refused,
                               .mistake = on_mistake,
                               .ended = on_ended,
                               .protocols = protocols};
  const struct handler bare = {.request = on_request};
  const struct handler *const inners[] = {&full, &bare};
  for (unsigned i = 0; i < 2; i++) { /* a bare one is not called where it has no function */
    struct request_counter counter;
    const struct handler *outer = request_counter_init(&counter, inners[i]);
    assert_ptr_equal(outer->protocols, inners[i]->protocols);
    outer->request(outer->ctx, NULL, NULL, 0);
    outer->refused(outer->ctx, NULL, NULL, 0);
    outer->mistake(outer->ctx, NULL, "");
    outer->ended(outer->ctx, NULL, &plain);
    assert_int_equal(counter.counts.requests[REQUEST_HTTP_2][2], 1);
  }
  assert_int_equal(requested, 2);
  assert_int_equal(refused, 1);
  assert_int_equal(mistaken, 1);
  assert_int_equal(ended, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_protocols_and_classes),
      cmocka_unit_test(test_buckets),
      cmocka_unit_test(test_all_calls_reach_the_inner_handler),
  };
  return cmocka_run_group_tests_name("serve/metrics/request_counts", tests, NULL, NULL);
}
