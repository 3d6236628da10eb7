/*
 * h2/test_flow.c - the receiver's policies, over a line with a delay and a rate in simulated time.
 * `auto` and the budget have a file of their own, tests/engine/h2/test_flow_auto.c.
 */
#include "tests/support/cmocka.h"
#include "tests/support/line.h"

static struct line *line;

/* ---- each policy on the wire, chosen by option and by handler ----------------------------------
 */

/* The WINDOW_UPDATE frames of the one upload's stream since the line was opened. */
struct updates {
  uint32_t count, least, most;
  uint64_t sum;
};

static struct updates stream_updates(void) {
  struct updates updates = {.least = UINT32_MAX};
  for (uint32_t i = 0; i < line->update_count; i++) {
    uint32_t increment = line->updates[i].increment;
    if (line->updates[i].stream_id == 0) continue;
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
static struct line_upload *upload_to(enum stream_flow engine, enum stream_flow handler,
                                     bool stopped) {
  struct engine_config config = line_config(engine);
  line = line_open(&config, MILLISECOND_NS, STEP * 1000);
  line->stopped = stopped;
  line->flow = handler;
  struct line_upload *upload = line_upload(line, 200000);
  line_run(line, 400);
  return upload;
}

static const enum stream_flow policies[] = {FLOW_ECHO, FLOW_THRESHOLD, FLOW_CONSUME, FLOW_AUTO};

/* Runs `check` with the policy as the engine's, and as the handler's choice in an engine of each
 * policy. The handler's choice prevails. */
static void each_way(enum stream_flow policy, bool stopped,
                     void (*check)(struct line_upload *upload)) {
  check(upload_to(policy, FLOW_DEFAULT, stopped));
  line_close(line);
  for (size_t i = 0; i < 4; i++) {
    check(upload_to(policies[i], policy, stopped));
    line_close(line);
  }
}

/* Each frame is answered with as much credit at once, although nothing was consumed. Except the
 * last one, which ended the stream. */
static void check_echo(struct line_upload *upload) {
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

/* The engine refills the connection's window by the same policy. */
static void echo_answers_for_the_connection(void **state) {
  (void)state;
  struct line_upload *upload = upload_to(FLOW_ECHO, FLOW_DEFAULT, true);
  assert_int_equal(upload->closed, 1);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < line->update_count; i++) {
    if (line->updates[i].stream_id != 0) continue;
    assert_true(sum == 0 || line->updates[i].increment <= STEP);
    sum += line->updates[i].increment; /* the first: what an upload adds to the initial window */
  }
  assert_int_equal(sum, 200000 + PEER_CONNECTION_WINDOW_BYTES_DEFAULT - WINDOW);
  line_close(line);
}

/* Refilled whenever half of the window has arrived, consumed or not. */
static void check_threshold(struct line_upload *upload) {
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

/* A handler that stops makes its client stop. The credit is exactly what was consumed, once it
 * is worth a frame. */
static void check_back_pressure(struct line_upload *upload, uint32_t too_little) {
  assert_int_equal(upload->arrived, WINDOW);
  assert_int_equal(stream_updates().count, 0);
  stream_consume(upload->server, too_little);
  line_run(line, 100);
  assert_int_equal(stream_updates().count, 0);
  stream_consume(upload->server, 40000 - too_little);
  upload->unused -= 40000;
  line_run(line, 100);
  assert_int_equal(stream_updates().count, 1);
  assert_int_equal(stream_updates().sum, 40000);
  assert_int_equal(upload->arrived, WINDOW + 40000);
  line->stopped = false;
  stream_consume(upload->server, upload->unused);
  upload->unused = 0;
  line_run(line, 500);
  assert_int_equal(upload->closed, 1);
  assert_int_equal(upload->arrived, 200000);
}

static void check_consume(struct line_upload *upload) {
  check_back_pressure(upload, WINDOW / 2 - 1);
  assert_true(stream_updates().sum <= 200000); /* never more than was consumed */
}

static void consume_is_back_pressure(void **state) {
  (void)state;
  each_way(FLOW_CONSUME, true, check_consume);
}

static void check_auto_stopped(struct line_upload *upload) {
  check_back_pressure(upload, WINDOW / 4 - 1);
}

/* A handler that keeps up gets more credit than it consumed: the window becomes wider. */
static void check_auto_running(struct line_upload *upload) {
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

/* The connection's window bounds what a stopped handler makes us hold, whatever the number of
 * streams. Nothing is lost when it continues. */
static void a_thousand_streams_and_a_stopped_consumer(void **state) {
  (void)state;
  enum { COUNT = 1000, BYTES = 50000 };
  struct engine_config config = line_config(FLOW_AUTO);
  config.h2.concurrent_streams = COUNT;
  line = line_open(&config, 50 * MILLISECOND_NS, 10 * LINE_LONG_RATE);
  line->stopped = true;
  size_t memory_before = line->loop.memory.bytes;
  for (unsigned i = 0; i < COUNT; i++)
    line_upload(line, BYTES);
  line_run(line, 3000);
  assert_int_equal(line->answered, COUNT);
  assert_int_equal(line->arrived, config.h2.connection_window_bytes);
  assert_int_equal(line_server(line)->credit.granted, 0);
  assert_int_equal(line_server(line)->credit.target, config.h2.connection_window_bytes);
  /* On both ends: streams, their headers, and the scheduler's objects, but no bytes of bodies. */
  assert_true(line->loop.memory.bytes - memory_before < COUNT * 4 * KIB + 256 * KIB);
  line->stopped = false;
  for (unsigned i = 0; i < COUNT; i++) {
    stream_consume(line->uploads[i].server, line->uploads[i].unused);
    line->uploads[i].unused = 0;
  }
  line_run(line, 5000);
  for (unsigned i = 0; i < COUNT; i++)
    assert_int_equal(line->uploads[i].closed, 1);
  assert_int_equal(line->arrived, (uint64_t)COUNT * BYTES);
  line_close(line);
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
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  struct stream *stream =
      h2_request(h2_of(&line->loop.client), fields, 4, BODY_NONE, &events, download);
  assert_non_null(stream);
  return stream;
}

/* "4 KB of this image for now, 500 KB of that script, then the rest of the image", to the byte. */
static void caps_order_a_download(void **state) {
  (void)state;
  static const struct handler handler = {.request = send_download};
  struct engine_config config = line_config(FLOW_AUTO);
  config.h2.stream_window_bytes = 4096; /* a window that may be used at once cannot be capped */
  line = line_open_cold(&handler, &config, 10 * MILLISECOND_NS, 1000000);
  line_run(line, 100);
  struct download *image = &downloads[0], *script = &downloads[1];
  image->length = 300000;
  script->length = 600000;
  struct stream *of_image = get(image);
  stream_cap(of_image, 4096);
  line_run(line, 300);
  assert_int_equal(image->arrived, 4096);
  struct stream *of_script = get(script);
  stream_cap(of_script, 500000);
  line_run(line, 2000);
  assert_int_equal(script->arrived, 500000);
  assert_int_equal(image->arrived, 4096);
  stream_cap(of_image, 10000); /* a little more */
  line_run(line, 100);
  assert_int_equal(image->arrived, 10000);
  stream_cap(of_image, STREAM_UNCAPPED);
  line_run(line, 2000);
  assert_int_equal(image->arrived, 300000);
  assert_int_equal(image->closed, 1);
  assert_int_equal(script->arrived, 500000);
  stream_cap(of_script, STREAM_UNCAPPED);
  line_run(line, 1000);
  assert_int_equal(script->closed, 1);
  line_close(line);
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
