/*
 * h2/test_ended.c - the facts and the time of handler.ended(): after closed(), and after the
 * transport has taken what the response's body lent.
 */
#include "engine/h2/client.h"
#include "engine/h2/frame.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <stdio.h>
#include <string.h>

enum { LENT_BYTES = 60000 };

static struct loopback loop;
static uint8_t lent[LENT_BYTES];
static struct body_bytes body;
static unsigned closed, ended;
static struct stream_facts facts;
static struct machine_peer peer;
static uint64_t ended_id;

/* ---- the server ------------------------------------------------------------------------------ */

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)stream, (void)error_code;
  closed++;
}

static void answer(struct stream *stream, size_t bytes) {
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  (void)stream_respond(stream, 200, &type, 1, body_bytes(&body, span_of(lent, bytes), NULL, NULL));
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)bytes;
  if (end) answer(stream, 5);
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const struct stream_events events = {.data = on_data, .closed = on_closed};
  (void)now_ns;
  stream->events = &events;
  stream->log = ctx;
  if (span_is(request->path, "/silent") || !request->end) return;
  if (span_is(request->path, "/early")) (void)stream_inform(stream, 103, NULL, 0);
  answer(stream, span_is(request->path, "/large") ? LENT_BYTES : 5);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *of) {
  assert_ptr_equal(stream->log, ctx);
  assert_int_equal(closed, ended + 1);
  facts = *of;
  peer = *stream->peer;
  ended_id = stream->id;
  ended++;
}

static const struct handler handler = {.ctx = &facts, .request = serve, .ended = on_ended};

/* ---- the client ------------------------------------------------------------------------------ */

static struct stream *ask(const char *method, const char *path, const char *priority,
                          struct body upload) {
  static const struct stream_events none;
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path)),
      header_of(TOKEN_PRIORITY, span_text(priority ? priority : ""))};
  return h2_request(h2_of(&loop.client), fields, priority ? 5 : 4, upload, &none, NULL);
}

static int setup(void **state) {
  (void)state;
  closed = ended = 0;
  loopback_open(&loop, &handler, NULL);
  loopback_run(&loop);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  loopback_close(&loop);
  assert_int_equal(ended, closed);
  return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_complete(void **state) {
  (void)state;
  uint64_t begun_ns = loop.now_ns;
  assert_non_null(ask("GET", "/", "u=1, i", BODY_NONE));
  loopback_run(&loop);
  assert_int_equal(ended, 1);
  assert_int_equal(ended_id, 1);
  assert_string_equal(facts.protocol, "HTTP/2");
  assert_int_equal(facts.status, 200);
  assert_int_equal(facts.error_code, 0);
  assert_int_equal(facts.begun_ns, begun_ns);
  assert_int_equal(facts.ended_ns, loop.now_ns);
  assert_int_equal(facts.body_bytes_sent, 5);
  assert_int_equal(facts.body_bytes_received, 0);
  assert_true(facts.prioritized && facts.incremental);
  assert_int_equal(facts.urgency, 1);
  assert_true(peer.secure);
  assert_string_equal(peer.application_protocol, "");
}

static void test_header_bytes(void **state) {
  (void)state;
  assert_non_null(ask("GET", "/", NULL, BODY_NONE));
  /* HEADERS of four fields: three of one byte each, and `a` as a literal. */
  loopback_run(&loop);
  assert_int_equal(facts.header_bytes_received, H2_FRAME_HEADER_BYTES + 3 + 3);
  assert_true(facts.header_bytes_sent > H2_FRAME_HEADER_BYTES);
  assert_false(facts.prioritized);
  assert_non_null(ask("GET", "/early", NULL, BODY_NONE));
  loopback_run(&loop);
  assert_int_equal(ended, 2);
  /* The 103 is there, too; the fields of the 200 are in the table by now. */
  assert_true(facts.header_bytes_sent > 2 * H2_FRAME_HEADER_BYTES);
}

static void test_upload(void **state) {
  (void)state;
  struct body_bytes upload;
  assert_non_null(ask("POST", "/", NULL, body_bytes(&upload, span_of(lent, 1234), NULL, NULL)));
  loopback_run(&loop);
  assert_int_equal(ended, 1);
  assert_int_equal(facts.body_bytes_received, 1234);
  assert_int_equal(facts.body_bytes_sent, 5);
}

static void test_reset(void **state) {
  (void)state;
  struct stream *stream = ask("GET", "/silent", NULL, BODY_NONE);
  loopback_run(&loop);
  loop.now_ns += SECOND_NS;
  stream_reset(stream, H2_CANCEL);
  loopback_run(&loop);
  assert_int_equal(ended, 1);
  assert_int_equal(facts.status, 0);
  assert_int_equal(facts.error_code, H2_CANCEL);
  assert_int_equal(facts.ended_ns - facts.begun_ns, SECOND_NS);
  assert_int_equal(facts.header_bytes_sent, 0);
}

static void test_waits_for_lent_bytes(void **state) {
  (void)state;
  struct span spans[64];
  assert_non_null(ask("GET", "/large", NULL, BODY_NONE));
  loopback_move(&loop, &loop.client, &loop.server);
  void *server = loop.server.self;
  const struct machine_ops *ops = loop.server.ops;
  size_t count = 64, bytes = 0;
  while (!closed) {
    count = ops->send_peek(server, spans, 64, SIZE_MAX, loop.now_ns);
    bytes = 0;
    for (size_t i = 0; i < count; i++)
      bytes += spans[i].len;
    assert_true(bytes > 1);
    if (!closed) ops->send_ack(server, bytes, loop.now_ns);
  }
  ops->send_ack(server, bytes - 1, loop.now_ns);
  assert_int_equal(ended, 0);
  loop.now_ns += SECOND_NS;
  ops->send_ack(server, 1, loop.now_ns);
  assert_int_equal(ended, 1);
  assert_int_equal(facts.body_bytes_sent, LENT_BYTES);
  assert_int_equal(facts.ended_ns - facts.begun_ns, SECOND_NS);
}

/* The connection ends before the answer. */
static void test_lost(void **state) {
  (void)state;
  assert_non_null(ask("GET", "/silent", NULL, BODY_NONE));
  loopback_run(&loop);
  uint8_t ping[] = {0, 0, 1, H2_PING, 0, 0, 0, 0, 0, 'x'}; /* one byte is not a PING */
  loopback_deliver(&loop, &loop.server, span_of(ping, sizeof ping));
  assert_int_equal(ended, 1);
  assert_int_equal(facts.status, 0);
  assert_int_equal(facts.error_code, H2_FRAME_SIZE_ERROR);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_complete), TEST(test_header_bytes),         TEST(test_upload),
      TEST(test_reset),    TEST(test_waits_for_lent_bytes), TEST(test_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
