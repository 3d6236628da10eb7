/*
 * forward/test_connection.c - forwarded connections over a session between two engines, whose other end does what the
 * test says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/spdy/frame.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tools/forward/connection.h"

/* ---- the other end --------------------------------------------------------------------------- */

enum { STREAMS_MAX = 400 };

/* A stream that the server got. */
struct remote {
  struct stream *stream; /* NULL: closed */
  bool data;             /* else the error stream */
  char fields[100];      /* "type port id" */
  char got[100];
  bool ended; /* by the client */
  bool accepted;
  const char *text; /* to be sent; then the end if `ends` */
  bool ends;
  uint32_t code; /* of its end */
};

static struct bench {
  struct counted_memory memory;
  struct engine client_engine, server_engine;
  bool engines;
  struct machine client, server;
  bool session;
  struct worker worker;
  struct connections all;
  struct remote remotes[STREAMS_MAX];
  unsigned remote_count;
  bool accepts;     /* the server answers at once */
  uint32_t refuses; /* with this status; 0: no */
  unsigned opened, ended[CONNECTION_ENDS];
  uint64_t sent, received; /* of the last that ended */
  char error[FORWARD_ERROR_TEXT_BYTES];
} bench;

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct remote *remote = self;
  size_t len = remote->text ? strlen(remote->text) : 0;
  if (len > chunk->max) len = chunk->max;
  if (len > 0) memcpy(chunk->room, remote->text, len);
  chunk->bytes = span_of(chunk->room, len);
  if (remote->text) remote->text += len;
  if (remote->text && *remote->text) return BODY_MORE;
  return remote->ends ? BODY_END : len > 0 ? BODY_MORE : BODY_WAIT;
}

static const struct body_ops body_ops = {.pull = pull};

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct remote *remote = stream->user;
  size_t len = strlen(remote->got);
  snprintf(remote->got + len, sizeof remote->got - len, "%.*s", (int)bytes.len,
           bytes.len ? (const char *)bytes.base : "");
  remote->ended |= end;
}

static void on_closed(struct stream *stream, uint32_t code) {
  struct remote *remote = stream->user;
  remote->stream = NULL;
  remote->code = code;
}

static const struct stream_events remote_events = {.data = on_data, .closed = on_closed};

static void answer(struct remote *remote) {
  remote->accepted = true;
  stream_tunnel(remote->stream, NULL, 0, (struct body){&body_ops, remote});
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct remote *remote = &bench.remotes[bench.remote_count++];
  const struct headers *fields = request->fields;
  (void)ctx, (void)now_ns;
  assert_true(bench.remote_count < STREAMS_MAX);
  *remote = (struct remote){.stream = stream};
  for (uint32_t i = 0; i < fields->count; i++) {
    size_t len = strlen(remote->fields);
    snprintf(remote->fields + len, sizeof remote->fields - len, "%s%.*s=%.*s", i ? " " : "",
             (int)fields->at[i].name.len, (const char *)fields->at[i].name.base,
             (int)fields->at[i].value.len, (const char *)fields->at[i].value.base);
    remote->data |= span_is(fields->at[i].value, "data");
  }
  stream->events = &remote_events;
  stream->user = remote;
  stream->duplex = true;
  if (bench.refuses)
    stream_reset(stream, bench.refuses);
  else if (bench.accepts)
    answer(remote);
}

static const char *const protocols[] = {"spdy/3.1", NULL};
static const struct handler handler = {.request = on_request, .protocols = protocols};

static void say(struct remote *remote, const char *text, bool ends) {
  remote->text = text;
  remote->ends = ends;
  stream_resume(remote->stream);
}

/* ---- the session ----------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
  return bench.worker.loop.now_ns;
}

static bool move(struct machine *from, struct machine *to) {
  struct span spans[8];
  size_t count = from->ops->send_peek(from->self, spans, 8, 65536, now_ns()), total = 0;
  for (size_t i = 0; i < count; i++) {
    to->ops->recv(to->self, spans[i], now_ns());
    total += spans[i].len;
  }
  if (total > 0) from->ops->send_ack(from->self, total, now_ns());
  return total > 0;
}

/* Lets both ends send. Whether one did. */
static bool exchange(void) {
  bool asked = move(&bench.client, &bench.server);
  bool answered = move(&bench.server, &bench.client);
  return asked || answered;
}

static void run(void) {
  do
    timers_run(&bench.worker.loop.timers, now_ns());
  while (bench.session && exchange());
}

static void pass(uint64_t ns) {
  for (uint64_t end = now_ns() + ns; now_ns() < end;) {
    bench.worker.loop.now_ns += 50 * MILLISECOND_NS;
    run();
  }
}

static const uint16_t ports[] = {80, 443};

/* A session between both engines, and up. */
static void session_up(void) {
  const struct machine_peer peer = {.application_protocol = ""};
  const struct spdy_session_config client = {.raw = true, .windows = SPDY_WINDOWS_DETECT};
  const struct spdy_session_config server = {.raw = true, .handler = &handler};
  assert_true(
      spdy_client(&bench.client_engine.spdy, &client, &peer, NULL, now_ns(), &bench.client));
  assert_true(
      spdy_server(&bench.server_engine.spdy, &server, &peer, NULL, now_ns(), &bench.server));
  bench.session = true;
  run();
  connections_up(&bench.all, spdy_of(&bench.client), ports);
  run();
}

static void session_ends(void) {
  bench.session = false;
  bench.client.ops->close(bench.client.self);
  bench.server.ops->close(bench.server.self);
}

/* As session.c has it: the connections are told first. */
static unsigned session_lost(void) {
  unsigned count = connections_lost(&bench.all);
  session_ends();
  return count;
}

/* ---- local connections ----------------------------------------------------------------------- */

static struct machine accept_local(unsigned port) {
  const struct machine_peer peer = {
      .address = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 1234, .application_protocol = ""};
  struct machine machine;
  assert_true(connection_accept(&bench.all, port, &peer, NULL, now_ns(), &machine));
  return machine;
}

static void local_sends(struct machine *local, const char *text) {
  assert_int_equal(local->ops->recv(local->self, span_text(text), now_ns()), strlen(text));
  run();
}

static void local_ends(struct machine *local) {
  local->ops->recv_eof(local->self, now_ns());
  run();
}

static void expect_local_gets(struct machine *local, const char *expected) {
  struct span span;
  run();
  assert_int_equal(local->ops->send_peek(local->self, &span, 1, 1000, now_ns()), 1);
  assert_int_equal(span.len, strlen(expected));
  assert_memory_equal(span.base, expected, span.len);
  local->ops->send_ack(local->self, span.len, now_ns());
  run();
}

static unsigned wants(const struct machine *local) {
  return local->ops->wants(local->self);
}

static void local_closes(struct machine *local) {
  local->ops->close(local->self);
  run();
}

/* ---- set up ---------------------------------------------------------------------------------- */

static void on_error(void *ctx, const struct connection *connection, const char *text) {
  (void)ctx;
  assert_string_equal(connection->client, "127.0.0.1:1234");
  snprintf(bench.error, sizeof bench.error, "%s", text);
}

static void on_opened(void *ctx, const struct connection *connection) {
  (void)ctx, (void)connection;
  bench.opened++;
}

static void on_ended(void *ctx, const struct connection *connection) {
  (void)ctx;
  bench.ended[connection->end]++;
  bench.sent = connection->bytes_sent;
  bench.received = connection->bytes_received;
}

static const struct connections_events events = {
    .error = on_error, .opened = on_opened, .ended = on_ended};

static void begin(uint32_t streams_max) {
  struct engine_config config = engine_config_default();
  const struct memory *memory = counted_init(&bench.memory);
  config.clock_ns = &bench.worker.loop.now_ns;
  assert_true(engine_init(&bench.client_engine, memory, &config, NULL));
  if (streams_max) config.spdy.concurrent_streams = streams_max;
  assert_true(engine_init(&bench.server_engine, memory, &config, &handler));
}

static int set_up(void **state) {
  (void)state;
  bench = (struct bench){.accepts = true};
  bench.worker.loop.now_ns = SECOND_NS;
  timers_init(&bench.worker.loop.timers, now_ns());
  connections_begin(&bench.all, &bench.worker, 150, &events, NULL);
  return 0;
}

/* Every connection has ended, and nothing is left. */
static int tear_down(void **state) {
  (void)state;
  if (bench.session) session_ends();
  run();
  assert_true(list_is_empty(&bench.all.all));
  assert_int_equal(bench.all.count, 0);
  connections_destroy(&bench.all);
  engine_destroy(&bench.client_engine);
  engine_destroy(&bench.server_engine);
  assert_int_equal(bench.memory.count, 0);
  return 0;
}

/* ---- in order -------------------------------------------------------------------------------- */

/* The error stream first; nothing is sent before the answers; then both ways, until both ends have ended. */
static void test_life(void **state) {
  (void)state;
  bench.accepts = false;
  begin(0);
  session_up();
  struct machine local = accept_local(1);
  local_sends(&local, "early");
  assert_int_equal(bench.remote_count, 2);
  struct remote *error = &bench.remotes[0], *data = &bench.remotes[1];
  assert_string_equal(error->fields, "streamtype=error port=443 requestid=0");
  assert_string_equal(data->fields, "streamtype=data port=443 requestid=0");
  assert_true(error->stream->id < data->stream->id);
  answer(data);
  run();
  assert_int_equal(bench.opened, 0);
  answer(error);
  run();
  assert_true(error->ended);
  assert_int_equal(bench.opened, 1);
  assert_string_equal(data->got, "early");
  say(data, "answer", true);
  expect_local_gets(&local, "answer");
  assert_int_equal(wants(&local), MACHINE_RECV | MACHINE_ENDED);
  local_sends(&local, " and more");
  local_ends(&local);
  assert_string_equal(data->got, "early and more");
  assert_true(data->ended);
  assert_int_equal(wants(&local), MACHINE_DONE);
  local_closes(&local);
  assert_int_equal(bench.ended[CONNECTION_DONE], 0);
  say(error, "", true);
  run();
  assert_int_equal(bench.ended[CONNECTION_DONE], 1);
  assert_int_equal(bench.sent, 14);
  assert_int_equal(bench.received, 6);
}

/* What is accepted before there is a session waits for it. */
static void test_waits_for_session(void **state) {
  (void)state;
  begin(0);
  struct machine a = accept_local(0), b = accept_local(0);
  local_sends(&a, "a");
  local_sends(&b, "b");
  session_up();
  assert_int_equal(bench.opened, 2);
  assert_string_equal(bench.remotes[1].got, "a");
  assert_string_equal(bench.remotes[3].got, "b");
  assert_string_equal(bench.remotes[3].fields, "streamtype=data port=80 requestid=1");
  local_closes(&a);
  assert_int_equal(bench.remotes[1].code, SPDY_CANCEL);
  local_closes(&b);
  pass(2 * FORWARD_ERROR_NS);
  assert_int_equal(bench.ended[CONNECTION_LOCAL], 2);
}

/* FORWARD_ERROR_NS: an error stream that stays open is not waited for any longer. */
static void test_silent_error_stream(void **state) {
  (void)state;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  run();
  say(&bench.remotes[1], "x", true);
  expect_local_gets(&local, "x");
  local_ends(&local);
  local_closes(&local);
  pass(FORWARD_ERROR_NS - 100 * MILLISECOND_NS);
  assert_int_equal(bench.ended[CONNECTION_DONE], 0);
  pass(200 * MILLISECOND_NS);
  assert_int_equal(bench.ended[CONNECTION_DONE], 1);
  assert_null(bench.remotes[0].stream);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* A text on the error stream resets this connection, before the end of the data stream is believed, and no other. */
static void test_error_text(void **state) {
  (void)state;
  begin(0);
  session_up();
  struct machine bad = accept_local(0), good = accept_local(0);
  run();
  say(&bench.remotes[0], "no\nluck\n", false);
  run();
  assert_int_equal(wants(&bad), MACHINE_RESET);
  assert_string_equal(bench.error, "");
  bench.remotes[0].ends = true;
  stream_resume(bench.remotes[0].stream);
  run();
  assert_string_equal(bench.error, "no luck");
  local_closes(&bad);
  assert_int_equal(bench.ended[CONNECTION_REFUSED], 1);
  local_sends(&good, "still here");
  assert_string_equal(bench.remotes[3].got, "still here");
  local_closes(&good);
  pass(2 * FORWARD_ERROR_NS);
}

/* FORWARD_ERROR_TEXT_BYTES: what is longer is cut. */
static void test_long_text(void **state) {
  static char text[2 * FORWARD_ERROR_TEXT_BYTES];
  (void)state;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  run();
  memset(text, 'x', sizeof text - 1);
  say(&bench.remotes[0], text, true);
  run();
  assert_int_equal(strlen(bench.error), FORWARD_ERROR_TEXT_BYTES - 1);
  local_closes(&local);
}

static void test_data_stream_is_reset(void **state) {
  (void)state;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  run();
  stream_reset(bench.remotes[1].stream, SPDY_INTERNAL_ERROR);
  run();
  assert_int_equal(wants(&local), MACHINE_RESET);
  local_closes(&local);
  pass(2 * FORWARD_ERROR_NS);
  assert_int_equal(bench.ended[CONNECTION_REMOTE], 1);
}

/* FORWARD_REPLY_NS: one SYN_REPLY is missing. */
static void test_no_reply(void **state) {
  (void)state;
  bench.accepts = false;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  run();
  answer(&bench.remotes[0]);
  pass(FORWARD_REPLY_NS - 100 * MILLISECOND_NS);
  assert_int_equal(wants(&local), MACHINE_RECV);
  pass(200 * MILLISECOND_NS);
  assert_int_equal(wants(&local), MACHINE_RESET);
  assert_string_equal(bench.error, "the server did not answer in time");
  local_closes(&local);
  assert_int_equal(bench.ended[CONNECTION_REMOTE], 1);
}

/* ---- sessions that end ----------------------------------------------------------------------- */

/* Connections that are open are reset and counted. Those that were not answered wait for the next session. */
static void test_session_is_lost(void **state) {
  (void)state;
  begin(0);
  session_up();
  struct machine open = accept_local(0);
  run();
  bench.accepts = false;
  struct machine asked = accept_local(0);
  local_sends(&asked, "early");
  assert_int_equal(session_lost(), 1);
  run();
  assert_int_equal(wants(&open), MACHINE_RESET);
  local_closes(&open);
  assert_int_equal(bench.ended[CONNECTION_LOST], 1);
  assert_int_equal(wants(&asked), MACHINE_RECV);
  bench.accepts = true;
  bench.remote_count = 0;
  session_up();
  assert_string_equal(bench.remotes[1].got, "early");
  assert_string_equal(bench.remotes[1].fields, "streamtype=data port=80 requestid=2");
  local_closes(&asked);
  pass(2 * FORWARD_ERROR_NS);
}

static void test_stop(void **state) {
  (void)state;
  begin(0);
  session_up();
  struct machine open = accept_local(0);
  run();
  bench.accepts = false;
  struct machine asked = accept_local(0);
  run();
  assert_int_equal(connections_stop(&bench.all), 2);
  assert_int_equal(wants(&open), MACHINE_RESET);
  assert_int_equal(wants(&asked), MACHINE_RESET);
  local_closes(&open);
  local_closes(&asked);
  assert_int_equal(bench.ended[CONNECTION_STOPPED], 2);
  struct machine_host *host = NULL;
  struct machine machine;
  assert_false(connection_accept(&bench.all, 0, &(struct machine_peer){0}, host, 0, &machine));
}

/* ---- room ------------------------------------------------------------------------------------ */

/* A server that takes three streams: the second connection waits for the end of the first. */
static void test_few_streams(void **state) {
  (void)state;
  begin(3);
  session_up();
  struct machine a = accept_local(0), b = accept_local(0);
  local_sends(&b, "b");
  assert_int_equal(bench.opened, 1);
  assert_int_equal(wants(&b), MACHINE_RECV);
  say(&bench.remotes[0], "", true);
  local_closes(&a);
  pass(100 * MILLISECOND_NS);
  assert_int_equal(bench.opened, 2);
  assert_string_equal(bench.remotes[3].got, "b");
  local_closes(&b);
  pass(2 * FORWARD_ERROR_NS);
}

/* FORWARD_TRIES_MAX, FORWARD_REFUSED_NS: a server that refuses streams is asked again, but not for ever. */
static void test_refused_streams(void **state) {
  bool for_ever = *state;
  (void)state;
  bench.refuses = SPDY_REFUSED_STREAM;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  local_sends(&local, "early");
  assert_int_equal(bench.remote_count, 2);
  if (!for_ever) bench.refuses = 0;
  pass(FORWARD_REFUSED_NS + 100 * MILLISECOND_NS);
  assert_int_equal(bench.remote_count, 4);
  if (!for_ever) assert_string_equal(bench.remotes[3].got, "early");
  if (for_ever) pass(FORWARD_TRIES_MAX * (FORWARD_REFUSED_NS + 100 * MILLISECOND_NS));
  if (for_ever) assert_int_equal(bench.remote_count, 2 * FORWARD_TRIES_MAX);
  assert_int_equal(wants(&local), for_ever ? MACHINE_RESET : MACHINE_RECV);
  local_closes(&local);
  pass(2 * FORWARD_ERROR_NS);
}

/* Another status means that it does not want this connection. */
static void test_rejected_streams(void **state) {
  (void)state;
  bench.refuses = SPDY_INTERNAL_ERROR;
  begin(0);
  session_up();
  struct machine local = accept_local(0);
  run();
  assert_int_equal(wants(&local), MACHINE_RESET);
  local_closes(&local);
  assert_int_equal(bench.ended[CONNECTION_REMOTE], 1);
}

static void test_count_max(void **state) {
  struct machine locals[150], machine;
  (void)state;
  begin(0);
  for (int i = 0; i < 150; i++)
    locals[i] = accept_local(0);
  assert_false(
      connection_accept(&bench.all, 0, &(struct machine_peer){0}, NULL, now_ns(), &machine));
  for (int i = 0; i < 150; i++)
    local_closes(&locals[i]);
  assert_int_equal(bench.ended[CONNECTION_LOCAL], 150);
}

#define TEST(test, state)                                                                          \
  { #test " " #state, test, set_up, tear_down, (void *)(uintptr_t)(state) }

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_life, 0),
      TEST(test_waits_for_session, 0),
      TEST(test_silent_error_stream, 0),
      TEST(test_error_text, 0),
      TEST(test_long_text, 0),
      TEST(test_data_stream_is_reset, 0),
      TEST(test_no_reply, 0),
      TEST(test_session_is_lost, 0),
      TEST(test_stop, 0),
      TEST(test_few_streams, 0),
      TEST(test_refused_streams, false),
      TEST(test_refused_streams, true),
      TEST(test_rejected_streams, 0),
      TEST(test_count_max, 0),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
