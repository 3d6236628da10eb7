/*
 * h2/test_handlers.c - what applications may do, and when: each call is made from within each event
 * of either side, at each of its occurrences, during exchanges of all kinds between a client engine
 * and a server engine. Whatever is called, the connection survives, every stream and every body is
 * closed once, the end of every request is told once, and nothing leaks.
 */
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <stdio.h>
#include <string.h>

enum side { SERVER, CLIENT, SIDES };
enum event { REQUEST, DATA, TRAILERS, RESPONSE, PROMISE, CLOSED, TIMER, PULL, CLOSE_BODY, EVENTS };
enum action {
  NOTHING,
  RESET_SELF,
  RESET_OTHERS,
  RESET_ALL,
  RESPOND,
  INFORM,
  ADD_TRAILERS,
  PUSH,
  RESUME_SELF,
  RESUME_OTHERS,
  SET_TIMER,
  CLEAR_TIMER,
  HEAD_START,
  ASK,
  ACTIONS
};

static const char *const event_names[] = {"request", "data",  "trailers", "response",  "promise",
                                          "closed",  "timer", "pull",     "close body"};
static const char *const action_names[] = {
    "nothing",    "reset itself", "reset others",  "reset all",     "respond",   "inform",
    "trailers",   "push",         "resume itself", "resume others", "set timer", "clear timer",
    "head start", "ask"};

enum { STREAMS_MAX = 64, BODY_BYTES = 40000 };

/* One stream as one side's application sees it. */
struct exchange {
  enum side side;
  struct stream *stream; /* NULL once closed */
  unsigned closed, ended, bodies_open, bodies_closed;
  size_t left;
  bool waits; /* the body returns BODY_WAIT every other time, and a timer resumes it */
  bool waited;
};

static struct loopback loop;
static struct exchange exchanges[STREAMS_MAX];
static unsigned exchange_count;
static bool closing;

/* The single action of a run. */
static struct {
  enum side side;
  enum event event;
  unsigned at; /* the n-th occurrence, from 0 */
  enum action action;
  unsigned seen;
  bool done;
} plan;

static const struct stream_events events;
static const struct body_ops body_ops;

static struct exchange *adopt(struct stream *stream, enum side side) {
  assert_true(exchange_count < STREAMS_MAX);
  struct exchange *exchange = &exchanges[exchange_count++];
  *exchange = (struct exchange){.side = side, .stream = stream};
  if (stream) {
    stream->events = &events;
    stream->user = exchange;
  }
  return exchange;
}

static struct body body_of(struct exchange *exchange, size_t bytes, bool waits) {
  exchange->left = bytes;
  exchange->waits = waits;
  exchange->bodies_open++;
  return (struct body){&body_ops, exchange};
}

/* ---- the actions ----------------------------------------------------------------------------- */

static void ask(const char *method, const char *path, bool body) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path)),
      header_of(TOKEN_PROTOCOL, span_text("test"))};
  struct exchange *exchange = adopt(NULL, CLIENT);
  exchange->stream =
      h2_request(h2_of(&loop.client), fields, strcmp(method, "CONNECT") == 0 ? 5 : 4,
                 body ? body_of(exchange, BODY_BYTES, true) : BODY_NONE, &events, exchange);
  if (!exchange->stream) exchange->closed = 1; /* refused: no events will come */
}

static void push(struct stream *stream) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/pushed"))};
  (void)stream_push(stream, fields, 4);
}

static void respond(struct stream *stream) {
  struct exchange *exchange = stream->user;
  struct body body = body_of(exchange, BODY_BYTES, exchange_count % 2);
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("image/png"));
  (void)stream_respond(stream, 200, &type, 1, body); /* the body is closed in every case */
}

static void each(struct exchange *self, enum action action) {
  for (unsigned i = 0; i < exchange_count; i++) {
    struct exchange *other = &exchanges[i];
    if (other->side != self->side || !other->stream) continue;
    if (other == self && action != RESET_ALL) continue;
    if (action == RESUME_OTHERS)
      stream_resume(other->stream);
    else
      stream_reset(other->stream, 8);
  }
}

static void act(struct exchange *self, enum action action) {
  static const struct header field = {.name = {(const uint8_t *)"x", 1},
                                      .value = {(const uint8_t *)"y", 1}};
  struct stream *stream = self->stream;
  if (action == RESET_OTHERS || action == RESET_ALL || action == RESUME_OTHERS) {
    each(self, action);
  } else if (action == ASK) {
    ask("GET", "/again", false);
  } else if (!stream) {
    return; /* nothing may be called from now on */
  } else if (action == RESET_SELF) {
    stream_reset(stream, 8);
  } else if (action == RESPOND && self->side == SERVER) {
    respond(stream);
  } else if (action == INFORM && self->side == SERVER) {
    (void)stream_inform(stream, 103, &field, 1);
  } else if (action == ADD_TRAILERS) {
    (void)stream_trailers(stream, &field, 1);
  } else if (action == PUSH && self->side == SERVER) {
    push(stream);
  } else if (action == RESUME_SELF) {
    stream_resume(stream);
  } else if (action == SET_TIMER || action == CLEAR_TIMER) {
    stream_timer(stream,
                 action == SET_TIMER ? loop.now_ns + 5 * MILLISECOND_NS : MACHINE_NO_DEADLINE);
    if (action == CLEAR_TIMER && self->waited) stream_resume(stream); /* otherwise nothing would */
  } else if (action == HEAD_START) {
    stream_head_start(stream, BODY_BYTES / 2);
  }
}

static void notice(struct exchange *exchange, enum event event) {
  if (closing || exchange->side != plan.side || event != plan.event || plan.done) return;
  if (plan.seen++ != plan.at) return;
  plan.done = true;
  act(exchange, plan.action);
}

/* ---- the events ------------------------------------------------------------------------------ */

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)bytes, (void)end;
  notice(stream->user, DATA);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  notice(stream->user, TRAILERS);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)status, (void)fields, (void)end;
  notice(stream->user, RESPONSE);
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  (void)request;
  (void)adopt(promised, CLIENT);
  notice(stream->user, PROMISE);
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  struct exchange *exchange = stream->user;
  stream_resume(stream);
  notice(exchange, TIMER);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  struct exchange *exchange = stream->user;
  exchange->stream = NULL;
  exchange->closed++;
  notice(exchange, CLOSED);
}

static const struct stream_events events = {.data = on_data,
                                            .trailers = on_trailers,
                                            .response = on_response,
                                            .promise = on_promise,
                                            .timer = on_timer,
                                            .closed = on_closed};

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct exchange *exchange = self;
  notice(exchange, PULL);
  if (exchange->waits && !exchange->waited && exchange->left) {
    exchange->waited = true;
    if (exchange->stream) stream_timer(exchange->stream, loop.now_ns + MILLISECOND_NS);
    return BODY_WAIT;
  }
  size_t take = exchange->left < chunk->max ? exchange->left : chunk->max;
  if (take) exchange->waited = false;
  if (take) memset(chunk->room, 'b', take);
  chunk->bytes = span_of(chunk->room, take);
  exchange->left -= take;
  return exchange->left ? BODY_MORE : BODY_END;
}

static void close_body(void *self) {
  struct exchange *exchange = self;
  exchange->bodies_closed++;
  notice(exchange, CLOSE_BODY);
}

static const struct body_ops body_ops = {.pull = pull, .close = close_body};

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  static const struct header field = {.name = {(const uint8_t *)"x", 1},
                                      .value = {(const uint8_t *)"y", 1}};
  (void)ctx, (void)now_ns;
  struct exchange *exchange = adopt(stream, SERVER);
  stream->log = exchange;
  notice(exchange, REQUEST);
  if (!exchange->stream) return;
  if (span_is(request->path, "/push")) push(stream);
  if (!exchange->stream) return;
  if (!exchange->bodies_open) respond(stream);
  if (exchange->stream && span_is(request->path, "/trailers"))
    (void)stream_trailers(stream, &field, 1);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  (void)ctx, (void)facts;
  struct exchange *exchange = stream->log;
  assert_int_equal(exchange->closed, 1);
  assert_int_equal(exchange->bodies_open, exchange->bodies_closed);
  exchange->ended++;
}

static const struct handler handler = {.request = on_request, .ended = on_ended};

/* ---- a run ----------------------------------------------------------------------------------- */

static void run(enum side side, enum event event, unsigned at, enum action action) {
  plan.side = side, plan.event = event, plan.at = at, plan.action = action;
  plan.seen = 0, plan.done = false;
  exchange_count = 0;
  closing = false;
  struct engine_config config = engine_config_default();
  config.h2.connect_protocol = true;
  config.h2.stream_window_bytes = 10000;
  loopback_open(&loop, &handler, &config);
  loopback_run(&loop);
  ask("GET", "/", false);
  ask("HEAD", "/", false);
  ask("POST", "/trailers", true);
  ask("GET", "/push", false);
  ask("CONNECT", "/tunnel", true);
  loopback_run(&loop);
  loopback_advance(&loop, 2 * SECOND_NS);
  assert_false(h2_of(&loop.client)->dead);
  assert_false(h2_of(&loop.server)->dead);
  for (unsigned i = 0; i < exchange_count; i++)
    if (exchanges[i].closed != 1)
      fail_msg("%s in %s %u of the %s: stream of the %s is %s", action_names[action],
               event_names[event], at, side == SERVER ? "server" : "client",
               exchanges[i].side == SERVER ? "server" : "client",
               exchanges[i].closed ? "closed twice" : "still open");
  closing = true;
  loopback_close(&loop);
  for (unsigned i = 0; i < exchange_count; i++) {
    assert_int_equal(exchanges[i].bodies_open, exchanges[i].bodies_closed);
    assert_int_equal(exchanges[i].ended, exchanges[i].side == SERVER);
  }
}

static void test_every_call_in_every_event(void **state) {
  (void)state;
  unsigned runs = 0;
  for (unsigned side = SERVER; side < SIDES; side++)
    for (unsigned event = REQUEST; event < EVENTS; event++)
      for (unsigned action = NOTHING; action < ACTIONS; action++)
        for (unsigned at = 0; at < 200; at++) {
          if (side == SERVER && action == ASK) break; /* servers make no requests */
          run((enum side)side, (enum event)event, at, (enum action)action);
          runs++;
          if (!plan.done) break; /* there are no more of these events */
        }
  print_message("%u runs\n", runs);
  assert_true(runs > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call_in_every_event)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
