/*
 * h2/test_mistakes.c - bodies that wait for room, and mistakes of handlers: each is refused and
 * reported, and neither the connection nor another stream suffers.
 */
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <string.h>

#include "engine/h2/request.h"
#include "engine/http/body.h"

static struct loopback loop;
static const char *told; /* the last mistake */
static unsigned told_count;
static struct {
  unsigned status, closed, dates, servers, connections;
  uint32_t error_code;
  size_t len;
} seen;

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)ctx, (void)stream;
  told = what;
  told_count++;
}

/* ---- the client ------------------------------------------------------------------------------ */

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)stream, (void)end;
  seen.status = status;
  for (uint32_t i = 0; i < fields->count; i++) {
    seen.dates += fields->at[i].token == TOKEN_DATE;
    seen.servers += fields->at[i].token == TOKEN_SERVER;
    seen.connections += fields->at[i].token == TOKEN_CONNECTION;
  }
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)stream, (void)end;
  seen.len += bytes.len;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)stream;
  seen.closed++;
  seen.error_code = error_code;
}

static const struct stream_events client_events = {
    .response = on_response, .data = on_data, .closed = on_closed};

static struct stream *ask(const char *path, struct body body) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("POST")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  memset(&seen, 0, sizeof seen);
  struct stream *stream = h2_request(h2_of(&loop.client), fields, 4, body, &client_events, NULL);
  assert_non_null(stream);
  return stream;
}

/* ---- a body of records ----------------------------------------------------------------------- */

enum { RECORD = 100, RECORDS = 50 };

static unsigned records_left, pulls;

/* Only whole records, as many as fit. */
static enum body_result records_pull(void *self, struct body_chunk *chunk) {
  (void)self;
  pulls++;
  if (chunk->max == 0) return BODY_ROOM;
  if (chunk->max < RECORD) return BODY_ROOM;
  size_t count = chunk->max / RECORD < records_left ? chunk->max / RECORD : records_left;
  memset(chunk->room, 'r', count * RECORD);
  chunk->bytes = span_of(chunk->room, count * RECORD);
  records_left -= (unsigned)count;
  return records_left == 0 ? BODY_END : BODY_MORE;
}

static const struct body_ops records_ops = {.pull = records_pull};

/* ---- bodies that break their contract -------------------------------------------------------- */

static enum body_result empty_pull(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  pulls++;
  return BODY_MORE;
}

static enum body_result long_pull(void *self, struct body_chunk *chunk) {
  static const uint8_t bytes[1 << 20];
  (void)self;
  chunk->bytes = span_of(bytes, chunk->max + 1);
  return BODY_MORE;
}

static enum body_result greedy_pull(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_ROOM;
}

static enum body_result odd_pull(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(chunk->room, 1);
  return (enum body_result)(BODY_ERROR + 1);
}

/* The second half of the room, which is not the body's own. */
static enum body_result half_pull(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(chunk->room + chunk->max / 2, chunk->max / 2);
  return BODY_MORE;
}

static enum body_result null_pull(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = (struct span){.len = chunk->max};
  return BODY_MORE;
}

static unsigned closes;

static void count_close(void *self) {
  (void)self;
  closes++;
}

static const struct body_ops odd_ops = {.pull = odd_pull};
static const struct body_ops half_ops = {.pull = half_pull};
static const struct body_ops null_ops = {.pull = null_pull};
static const struct body_ops no_pull_ops = {.close = count_close};
static const struct body_ops empty_ops = {.pull = empty_pull};
static const struct body_ops long_ops = {.pull = long_pull};
static const struct body_ops greedy_ops = {.pull = greedy_pull};

/* ---- the server ------------------------------------------------------------------------------ */

static void too_much(struct stream *stream, struct span bytes, bool end) {
  stream_consume(stream, bytes.len + 1);
  if (end) assert_true(stream_respond(stream, 200, NULL, 0, BODY_NONE));
}

static const struct stream_events no_events;
static const struct stream_events too_much_events = {.data = too_much};

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  const struct body_ops *ops = span_is(request->path, "/records")  ? &records_ops
                               : span_is(request->path, "/empty")  ? &empty_ops
                               : span_is(request->path, "/long")   ? &long_ops
                               : span_is(request->path, "/greedy") ? &greedy_ops
                               : span_is(request->path, "/odd")    ? &odd_ops
                               : span_is(request->path, "/half")   ? &half_ops
                               : span_is(request->path, "/null")   ? &null_ops
                                                                   : NULL;
  stream->events = &no_events;
  if (span_is(request->path, "/wait")) return;
  if (span_is(request->path, "/by-hand") || span_is(request->path, "/by-hand-set")) {
    static struct header fields[3];
    static struct header_set set;
    fields[0] = (struct header){.name = span_text("date"), .value = span_text("yesterday")};
    fields[1] = (struct header){.name = span_text("server"), .value = span_text("mine")};
    fields[2] = (struct header){.name = span_text("connection"), .value = span_text("close")};
    set = (struct header_set){.at = fields, .count = 3};
    struct body body = {&records_ops, NULL};
    if (span_is(request->path, "/by-hand"))
      assert_true(stream_respond(stream, 200, fields, 3, body));
    else
      assert_true(stream_respond_set(stream, 200, &set, body));
    return;
  }
  if (ops) {
    assert_true(stream_respond(stream, 200, NULL, 0, (struct body){ops, NULL}));
  } else if (span_is(request->path, "/too-much")) {
    stream->events = &too_much_events;
    stream->consume_later = true;
  } else {
    assert_false(stream_inform(stream, 200, NULL, 0));
    assert_false(stream_inform(stream, 101, NULL, 0));
    assert_false(stream_respond(stream, 99, NULL, 0, BODY_NONE));
    assert_false(stream_respond(stream, 600, NULL, 0, BODY_NONE));
    stream_weigh_connection(stream, 0);
    stream_weigh_connection(stream, 257);
    assert_int_equal(told_count, 6);
    assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
    assert_false(stream_respond(stream, 200, NULL, 0, BODY_NONE));
    assert_int_equal(told_count, 7);
  }
}

/* What a peer would refuse as malformed; one that passed it on over HTTP/1.1 could make two messages of it. */
static void misuse_fields(struct stream *stream) {
  const struct header bad[] = {
      {.name = span_text("X-Upper"), .value = span_text("1")},
      {.name = span_text("a b"), .value = span_text("1")},
      {.name = span_text(""), .value = span_text("1")},
      {.name = span_text(":status"), .value = span_text("200")},
      header_of(TOKEN_PATH, span_text("/")),
      {.name = span_text("x"), .value = span_text("1\r\nset-cookie: a=b")},
      {.name = span_text("x"), .value = span_of((const uint8_t *)"a\0b", 3)},
      header_of(TOKEN_LOCATION, span_text("/a\n")),
      header_of(TOKEN_LOCATION, span_text(" /a")),
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct header copy = bad[i];
    struct header_set set = {.at = &copy, .count = 1};
    unsigned before = told_count;
    assert_false(stream_inform(stream, 103, &bad[i], 1));
    assert_false(stream_respond(stream, 200, &bad[i], 1, BODY_NONE));
    assert_false(stream_respond_set(stream, 200, &set, BODY_NONE));
    assert_false(stream_trailers(stream, &bad[i], 1));
    assert_int_equal(told_count - before, 4);
  }
  told_count = 0;
}

/* Each call is refused and told, and leaves everything as it was. */
static void misuse(struct stream *stream) {
  const struct header field = header_of(TOKEN_SERVER, span_text("mine"));
  struct header_set set = {.count = 1};
  const struct body no_pull = {&no_pull_ops, NULL};
  misuse_fields(stream);
  assert_false(stream_inform(stream, 103, NULL, 1));
  assert_false(stream_respond(stream, 200, NULL, 1, BODY_NONE));
  assert_false(stream_respond(stream, 200, &field, 1, no_pull));
  assert_int_equal(closes, 1);
  assert_false(stream_respond_set(stream, 200, NULL, BODY_NONE));
  assert_false(stream_respond_set(stream, 200, &set, BODY_NONE));
  assert_null(stream_push(stream, NULL, 4));
  assert_false(stream_trailers(stream, NULL, 1));
  assert_false(stream_tunnel(stream, NULL, 0, no_pull));
  assert_int_equal(closes, 2);
  assert_int_equal(told_count, 8);
  assert_true(stream_trailers(stream, &field, 1));
  assert_false(stream_trailers(stream, &field, 1));
  assert_int_equal(told_count, 9);
}

/* What is out of range, and no mistake: it counts as the nearest thing that is in range. */
static void extremes(struct stream *stream) {
  struct header field = {
      .name = span_text("date"), .value = span_text("never"), .token = UINT16_MAX};
  stream_cap(stream, 0);
  stream_cap(stream, UINT64_MAX - 1);
  stream_head_start(stream, UINT64_MAX);
  stream_timer(stream, 0);
  assert_true(stream_respond(stream, 200, &field, 1, (struct body){&records_ops, NULL}));
}

static void serve_misuse(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  stream->events = &no_events;
  stream->flow = (enum stream_flow)99;
  if (span_is(request->path, "/misuse")) misuse(stream);
  extremes(stream);
}

static const struct handler handler = {.request = serve, .mistake = on_mistake};
static const struct handler misusing = {.request = serve_misuse, .mistake = on_mistake};

/* ---- tests ----------------------------------------------------------------------------------- */

static void open_with_window(uint32_t stream_bytes) {
  struct engine_config config = engine_config_default();
  config.h2.stream_window_bytes = stream_bytes;
  config.h2.flow = FLOW_CONSUME;
  told = NULL;
  told_count = pulls = 0;
  records_left = RECORDS;
  loopback_open(&loop, &handler, &config);
  loopback_run(&loop);
}

/* A window smaller than a record keeps the body waiting, without a pull meanwhile; larger ones give
 * it room. */
static void test_records(void **state) {
  (void)state;
  static const uint32_t windows[] = {RECORD, RECORD + 1, 250, 1000, 65535};
  for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
    open_with_window(windows[i]);
    (void)ask("/records", BODY_NONE);
    loopback_run(&loop);
    if (seen.len != RECORD * RECORDS) fail_msg("window %u: %zu bytes", windows[i], seen.len);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.error_code, 0);
    assert_in_range(pulls, 1, 4 * RECORDS);
    assert_null(told);
    loopback_close(&loop);
  }
}

static void test_window_below_a_record(void **state) {
  (void)state;
  open_with_window(RECORD - 1);
  struct stream *stream = ask("/records", BODY_NONE);
  loopback_run(&loop);
  assert_int_equal(seen.status, 200);
  assert_int_equal(seen.len, 0);
  unsigned before = pulls;
  for (int i = 0; i < 100; i++)
    loopback_run(&loop);
  assert_in_range(pulls, before, before + 1); /* it is not asked repeatedly */
  stream_cap(stream, 10000);                  /* the client widens its window */
  loopback_run(&loop);
  assert_int_equal(seen.len, RECORD * RECORDS);
  loopback_close(&loop);
}

/* A body that waits for room in the connection's window gets it when that grows. */
static void test_connection_below_a_record(void **state) {
  (void)state;
  open_with_window(65535);
  struct h2 *server = h2_of(&loop.server);
  (void)ask("/records", BODY_NONE);
  window_spend(&server->window, window_available(&server->window) - (RECORD - 1));
  loopback_run(&loop);
  assert_int_equal(seen.len, 0);
  assert_int_equal(server->room_waits, 1);
  const uint8_t update[13] = {0, 0, 4, 8, [11] = 0xff, [12] = 0xff}; /* WINDOW_UPDATE of 65535 */
  loop.server.ops->recv(loop.server.self, span_of(update, sizeof update), loop.now_ns);
  loopback_run(&loop);
  assert_int_equal(seen.len, RECORD * RECORDS);
  loopback_close(&loop);
}

/* A stream that ends while its body waits for room is no longer counted. */
static void test_reset_below_a_record(void **state) {
  (void)state;
  open_with_window(RECORD - 1);
  struct stream *stream = ask("/records", BODY_NONE);
  loopback_run(&loop);
  assert_int_equal(h2_of(&loop.server)->room_waits, 1);
  stream_reset(stream, H2_CANCEL);
  loopback_run(&loop);
  assert_int_equal(h2_of(&loop.server)->room_waits, 0);
  loopback_close(&loop);
}

static void test_bodies(void **state) {
  (void)state;
  static const struct {
    const char *path, *words;
  } rows[] = {
      {"/empty", "BODY_MORE and gave no bytes"},
      {"/long", "more bytes than there was room for"},
      {"/greedy", "BODY_ROOM to BODY_ROOM_BYTES"},
      {"/odd", "no body_result"},
      {"/half", "neither its own nor at the beginning of the room"},
      {"/null", "neither its own nor at the beginning of the room"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    open_with_window(65535);
    (void)ask(rows[i].path, BODY_NONE);
    loopback_run(&loop);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.error_code, H2_INTERNAL_ERROR);
    assert_non_null(told);
    if (!strstr(told, rows[i].words)) fail_msg("%s: %s", rows[i].path, told);
    (void)ask("/records", BODY_NONE); /* the connection is unchanged */
    loopback_run(&loop);
    assert_int_equal(seen.len, RECORD * RECORDS);
    loopback_close(&loop);
  }
}

static void test_calls(void **state) {
  (void)state;
  open_with_window(65535);
  (void)ask("/calls", BODY_NONE);
  loopback_run(&loop);
  assert_int_equal(seen.status, 204);
  assert_int_equal(seen.error_code, 0);
  told_count = 0;
  struct body_bytes body;
  (void)ask("/too-much", body_bytes(&body, span_text("12345"), NULL, NULL));
  loopback_run(&loop);
  assert_int_equal(seen.status, 200);
  assert_in_range(told_count, 1, 5);
  loopback_close(&loop);
}

/* Arguments that no call may have, and after them a response as if nothing had been. */
static void test_arguments(void **state) {
  (void)state;
  struct body_bytes body;
  static const char *const paths[] = {"/misuse", "/extremes"};
  for (size_t i = 0; i < 2; i++) {
    told_count = closes = 0;
    records_left = RECORDS;
    loopback_open(&loop, &misusing, NULL);
    loopback_run(&loop);
    engine_set_date(&loop.server_engine, 1);
    (void)ask(paths[i], body_bytes(&body, span_text("12345"), NULL, NULL));
    loopback_run(&loop);
    assert_int_equal(seen.status, 200);
    assert_int_equal(seen.len, RECORD * RECORDS);
    assert_int_equal(seen.error_code, 0);
    assert_int_equal(seen.dates, 1); /* a number that is no token: the name counts */
    assert_int_equal(told_count, i == 0 ? 9 : 0);
    loopback_close(&loop);
  }
}

/* A field without a token is identified by its name. */
static void test_fields_by_hand(void **state) {
  (void)state;
  static const char *const paths[] = {"/by-hand", "/by-hand-set"};
  for (size_t i = 0; i < 2; i++) {
    open_with_window(65535);
    engine_set_date(&loop.server_engine, 1);
    (void)ask(paths[i], BODY_NONE);
    loopback_run(&loop);
    assert_int_equal(seen.status, 200);
    assert_int_equal(seen.dates, 1);
    assert_int_equal(seen.servers, 1);
    assert_int_equal(seen.connections, 0);
    loopback_close(&loop);
  }
}

/* A call from outside the connection, long after its last event, brings the current time.
 * Otherwise the next tick would take what it queues to be as old as that event. */
static void test_call_after_silence(void **state) {
  (void)state;
  struct engine_config config = engine_config_default();
  config.clock_ns = &loop.now_ns;
  loopback_open(&loop, &handler, &config);
  loopback_run(&loop);
  struct stream *stream = ask("/wait", BODY_NONE);
  loopback_run(&loop);
  loop.now_ns += 2 * PEER_CONTROL_STALL_NS; /* nothing calls the machine meanwhile */
  stream_reset(stream, H2_CANCEL);
  loop.client.ops->tick(loop.client.self, loop.now_ns);
  loopback_run(&loop);
  (void)ask("/records", BODY_NONE);
  loopback_run(&loop);
  assert_int_equal(seen.status, 200);
  loopback_close(&loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_records),
      cmocka_unit_test(test_window_below_a_record),
      cmocka_unit_test(test_reset_below_a_record),
      cmocka_unit_test(test_connection_below_a_record),
      cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_call_after_silence),
      cmocka_unit_test(test_fields_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
