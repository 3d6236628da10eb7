/*
 * h2/test_flow.c - the receiver's policies, over a line with a delay and a rate in simulated time.
 * `auto` and the budget have a file of their own, tests/engine/h2/test_flow_auto.c.
 */
#include "tests/support/flow_world.h"

#include <stdlib.h>

/* ---- each policy on the wire, chosen by option and by handler ----------------------------------
 */

/* The WINDOW_UPDATE frames of the one upload's stream since the world began. */
struct updates {
  uint32_t count, least, most;
  uint64_t sum;
};

static struct updates stream_updates(void) {
  struct updates updates = {.least = UINT32_MAX};
  for (uint32_t i = 0; i < world->update_count; i++) {
    uint32_t increment = world->updates[i].increment;
    if (world->updates[i].stream_id == 0) continue;
    updates.count++;
    updates.sum += increment;
    if (increment < updates.least) updates.least = increment;
    if (increment > updates.most) updates.most = increment;
  }
  return updates;
}

enum { WINDOW = 65535, STEP = 1000 };

/* An upload of 200,000 bytes, STEP of them a millisecond, in an engine of policy `engine` to a
 * handler that asks for `handler`. */
static struct upload *upload_to(enum stream_flow engine, enum stream_flow handler, bool stopped) {
  struct engine_config config = with_flow(engine);
  open_world(&config, MILLISECOND_NS, STEP * 1000);
  world->stopped = stopped;
  world->flow = handler;
  struct upload *upload = begin_upload(200000);
  run_ms(400);
  return upload;
}

static const enum stream_flow policies[] = {FLOW_ECHO, FLOW_THRESHOLD, FLOW_CONSUME, FLOW_AUTO};

/* Runs `check` with the policy as the engine's, and as the handler's word in an engine of each
 * policy: it counts more. */
static void each_way(enum stream_flow policy, bool stopped, void (*check)(struct upload *upload)) {
  check(upload_to(policy, FLOW_DEFAULT, stopped));
  close_world();
  for (size_t i = 0; i < 4; i++) {
    check(upload_to(policies[i], policy, stopped));
    close_world();
  }
}

/* Each frame is answered by as much at once, although nothing was used. Not the last: it ended. */
static void check_echo(struct upload *upload) {
  assert_int_equal(upload->closed, 1);
  struct updates updates = stream_updates();
  assert_true(updates.count >= 190);
  assert_true(updates.most <= STEP);
  assert_true(updates.sum >= 200000 - 2 * STEP && updates.sum < 200000);
}

static void echo_answers_each_frame(void **state) {
  (void)state;
  each_way(FLOW_ECHO, true, check_echo);
}

/* The connection's window is the engine's affair, and is answered by the same policy. */
static void echo_answers_for_the_connection(void **state) {
  (void)state;
  struct upload *upload = upload_to(FLOW_ECHO, FLOW_DEFAULT, true);
  assert_int_equal(upload->closed, 1);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < world->update_count; i++) {
    if (world->updates[i].stream_id != 0) continue;
    assert_true(sum == 0 || world->updates[i].increment <= STEP);
    sum += world->updates[i].increment; /* the first: what an upload adds to the initial window */
  }
  assert_int_equal(sum, 200000 + H2_CONNECTION_WINDOW_BYTES_DEFAULT - WINDOW);
  close_world();
}

/* Refilled whenever half of the window has arrived, used or not. */
static void check_threshold(struct upload *upload) {
  assert_int_equal(upload->closed, 1);
  struct updates updates = stream_updates();
  assert_true(updates.least >= WINDOW / 2);
  assert_true(updates.most < WINDOW / 2 + STEP);
  assert_int_equal(updates.count, 200000 / (WINDOW / 2 + STEP));
}

static void threshold_refills_at_half(void **state) {
  (void)state;
  each_way(FLOW_THRESHOLD, true, check_threshold);
}

/* A handler that stops, stops its client; credit is what was used, to the byte, once it is worth a
 * frame. */
static void check_back_pressure(struct upload *upload, uint32_t too_little) {
  assert_int_equal(upload->arrived, WINDOW);
  assert_int_equal(stream_updates().count, 0);
  stream_consume(upload->server, too_little);
  run_ms(100);
  assert_int_equal(stream_updates().count, 0);
  stream_consume(upload->server, 40000 - too_little);
  upload->unused -= 40000;
  run_ms(100);
  assert_int_equal(stream_updates().count, 1);
  assert_int_equal(stream_updates().sum, 40000);
  assert_int_equal(upload->arrived, WINDOW + 40000);
  world->stopped = false;
  stream_consume(upload->server, upload->unused);
  upload->unused = 0;
  run_ms(500);
  assert_int_equal(upload->closed, 1);
  assert_int_equal(upload->arrived, 200000);
}

static void check_consume(struct upload *upload) {
  check_back_pressure(upload, WINDOW / 2 - 1);
  assert_true(stream_updates().sum <= 200000); /* never more than was used */
}

static void consume_is_back_pressure(void **state) {
  (void)state;
  each_way(FLOW_CONSUME, true, check_consume);
}

static void check_auto_stopped(struct upload *upload) {
  check_back_pressure(upload, WINDOW / 4 - 1);
}

/* Who keeps up is given more than was used: the window becomes wider. */
static void check_auto_running(struct upload *upload) {
  assert_int_equal(upload->closed, 1);
  assert_true(stream_updates().sum > 200000);
}

static void auto_is_back_pressure_that_widens(void **state) {
  (void)state;
  each_way(FLOW_AUTO, true, check_auto_stopped);
  each_way(FLOW_AUTO, false, check_auto_running);
}

static void policies_have_names(void **state) {
  (void)state;
  enum stream_flow flow = FLOW_DEFAULT;
  assert_true(h2_flow_parse("auto", &flow));
  assert_int_equal(flow, FLOW_AUTO);
  assert_true(h2_flow_parse("echo", &flow));
  assert_int_equal(flow, FLOW_ECHO);
  assert_true(h2_flow_parse("threshold", &flow));
  assert_true(h2_flow_parse("consume", &flow));
  assert_int_equal(flow, FLOW_CONSUME);
  assert_false(h2_flow_parse("", &flow));
  assert_false(h2_flow_parse("automatic", &flow));
  assert_int_equal(flow, FLOW_CONSUME);
}

/* ---- a thousand uploads and a consumer that has stopped ----------------------------------------
 */

/* The connection's window is the bound of what a handler's standstill makes us hold, whatever the
 * number of streams; and nothing is lost when it goes on. */
static void a_thousand_streams_and_a_stopped_consumer(void **state) {
  (void)state;
  enum { COUNT = 1000, BYTES = 50000 };
  struct engine_config config = with_flow(FLOW_AUTO);
  config.concurrent_streams = COUNT;
  open_world(&config, 50 * MILLISECOND_NS, 10 * PATH_RATE);
  world->stopped = true;
  size_t memory_before = world->loop.memory.bytes;
  for (unsigned i = 0; i < COUNT; i++)
    begin_upload(BYTES);
  run_ms(3000);
  assert_int_equal(world->answered, COUNT);
  assert_int_equal(world->arrived, config.connection_window_bytes);
  assert_int_equal(server()->credit.granted, 0);
  assert_int_equal(server()->credit.target, config.connection_window_bytes);
  /* Of both ends: streams, their headers, and what the scheduler needs; no bytes of bodies. */
  assert_true(world->loop.memory.bytes - memory_before < COUNT * 4 * KIB + 256 * KIB);
  world->stopped = false;
  for (unsigned i = 0; i < COUNT; i++) {
    stream_consume(world->uploads[i].server, world->uploads[i].unused);
    world->uploads[i].unused = 0;
  }
  run_ms(5000);
  for (unsigned i = 0; i < COUNT; i++)
    assert_int_equal(world->uploads[i].closed, 1);
  assert_int_equal(world->arrived, (uint64_t)COUNT * BYTES);
  close_world();
}

/* ---- the client's caps -------------------------------------------------------------------------
 */

struct download {
  uint64_t length, sent; /* the server's side */
  uint64_t arrived;
  unsigned closed;
};

static enum body_result download_pull(void *self, struct body_chunk *chunk) {
  struct download *download = self;
  static const uint8_t zeros[64 * KIB];
  uint64_t left = download->length - download->sent;
  size_t len = chunk->max < sizeof zeros ? chunk->max : sizeof zeros;
  if (len > left) len = (size_t)left;
  chunk->bytes = span_of(zeros, len);
  download->sent += len;
  return download->sent < download->length ? BODY_MORE : BODY_END;
}

static void download_data(struct stream *stream, struct span bytes, bool end) {
  (void)end;
  ((struct download *)stream->user)->arrived += bytes.len;
}

static void download_closed(struct stream *stream, uint32_t error_code) {
  assert_int_equal(error_code, 0);
  ((struct download *)stream->user)->closed++;
}

static struct download downloads[2];
static unsigned downloads_asked;

static void send_download(void *ctx, struct stream *stream, const struct request *request,
                          uint64_t now_ns) {
  static const struct body_ops ops = {.pull = download_pull};
  static const struct stream_events none;
  (void)ctx;
  (void)request;
  (void)now_ns;
  stream->events = &none;
  struct body body = {&ops, &downloads[downloads_asked++]};
  assert_true(stream_respond(stream, 200, NULL, 0, body));
}

static struct stream *get(struct download *download) {
  static const struct stream_events events = {.data = download_data, .closed = download_closed};
  struct header fields[4] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, post[1].value),
      header_of(TOKEN_AUTHORITY, post[2].value), header_of(TOKEN_PATH, post[3].value)};
  struct stream *stream =
      h2_request(h2_of(&world->loop.client), fields, 4, BODY_NONE, &events, download);
  assert_non_null(stream);
  return stream;
}

/* "4 KB of this image for now, 500 KB of that script, then the rest of the image", to the byte. */
static void caps_order_a_download(void **state) {
  (void)state;
  static const struct handler handler = {.request = send_download};
  struct engine_config config = with_flow(FLOW_AUTO);
  config.stream_window_bytes = 4096; /* what may come unasked cannot be capped */
  world = calloc(1, sizeof *world);
  world->delay_ns = 10 * MILLISECOND_NS;
  world->bytes_per_step = 1000;
  loopback_open(&world->loop, &handler, &config);
  run_ms(100);
  struct download *image = &downloads[0], *script = &downloads[1];
  image->length = 300000;
  script->length = 600000;
  struct stream *of_image = get(image);
  stream_cap(of_image, 4096);
  run_ms(300);
  assert_int_equal(image->arrived, 4096);
  struct stream *of_script = get(script);
  stream_cap(of_script, 500000);
  run_ms(2000);
  assert_int_equal(script->arrived, 500000);
  assert_int_equal(image->arrived, 4096);
  stream_cap(of_image, 10000); /* a little more */
  run_ms(100);
  assert_int_equal(image->arrived, 10000);
  stream_cap(of_image, STREAM_UNCAPPED);
  run_ms(2000);
  assert_int_equal(image->arrived, 300000);
  assert_int_equal(image->closed, 1);
  assert_int_equal(script->arrived, 500000);
  stream_cap(of_script, STREAM_UNCAPPED);
  run_ms(1000);
  assert_int_equal(script->closed, 1);
  close_world();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo_answers_each_frame),
      cmocka_unit_test(echo_answers_for_the_connection),
      cmocka_unit_test(threshold_refills_at_half),
      cmocka_unit_test(consume_is_back_pressure),
      cmocka_unit_test(auto_is_back_pressure_that_widens),
      cmocka_unit_test(policies_have_names),
      cmocka_unit_test(a_thousand_streams_and_a_stopped_consumer),
      cmocka_unit_test(caps_order_a_download),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
