/*
 * http/test_answer_filter.c - filters between a handler and HTTP/1.1, HTTP/2 and SPDY: they change status, fields
 * and bodies, wrap a body, and answer later.
 */
#include "engine/http/answer_filter.h"

#include <string.h>

#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/exchange.h"

static struct exchange exchange;

/* ---- the handler ----------------------------------------------------------------------------- */

static const struct answer_filter *chain; /* that the requests get */
static struct {
  struct body_bytes bytes;
  unsigned closed; /* bodies of the handler */
  unsigned status;
  bool as_set, wrong;
  bool result; /* of stream_respond() */
} handled;

static struct header plain[] = {
    {.name = {(const uint8_t *)"x-first", 7}, .value = {(const uint8_t *)"1", 1}},
    {.name = {(const uint8_t *)"content-length", 14},
     .value = {(const uint8_t *)"5", 1},
     .token = TOKEN_CONTENT_LENGTH},
};
static struct header_set set;

static void body_closed(void *ctx) {
  (void)ctx;
  handled.closed++;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  static const struct stream_events none;
  (void)ctx, (void)request, (void)now_ns;
  stream->events = &none;
  stream->filter = chain;
  stream->filter_note = 7;
  struct body body = body_bytes(&handled.bytes, span_text("hello"), body_closed, NULL);
  if (handled.wrong)
    handled.result = stream_respond(stream, 99, plain, 2, body);
  else if (handled.as_set)
    handled.result = stream_respond_set(stream, handled.status, &set, body);
  else
    handled.result = stream_respond(stream, handled.status, plain, 2, body);
  if (handled.wrong) (void)stream_respond(stream, 500, NULL, 0, BODY_NONE);
}

static const struct handler handler = {.request = on_request};

static void begin(enum exchange_protocol protocol, const struct answer_filter *filters) {
  memset(&handled, 0, sizeof handled);
  set = (struct header_set){.at = plain, .count = 2};
  handled.status = 200;
  chain = filters;
  exchange_begin(&exchange, protocol, &handler);
}

/* ---- filters --------------------------------------------------------------------------------- */

static unsigned seen_sets; /* responses that came as a set */

/* Adds a field whose texts are gone when it returns. */
static bool add(const struct answer_filter *filter, struct stream *stream,
                struct response *response) {
  struct header fields[8];
  char value[] = "note 0";
  value[5] = (char)('0' + stream->filter_note);
  assert_true(response->count + 1 <= 8);
  memcpy(fields, response->fields, response->count * sizeof *fields);
  fields[response->count] =
      (struct header){.name = span_text("x-added"), .value = span_text(value)};
  seen_sets += response->set != NULL;
  response->fields = fields;
  response->count++;
  response->set = NULL;
  bool result = answer_filter_pass(filter, stream, response);
  memset(value, '!', sizeof value);
  return result;
}

/* Another status, and another body. */
static struct body_bytes instead;

static bool replace(const struct answer_filter *filter, struct stream *stream,
                    struct response *response) {
  static const struct header fields[] = {{.name = {(const uint8_t *)"content-length", 14},
                                          .value = {(const uint8_t *)"7", 1},
                                          .token = TOKEN_CONTENT_LENGTH}};
  if (response->body.ops) response->body.ops->close(response->body.self);
  *response = (struct response){.status = 503,
                                .fields = fields,
                                .count = 1,
                                .body = body_bytes(&instead, span_text("instead"), NULL, NULL)};
  return answer_filter_pass(filter, stream, response);
}

/* A body in capitals. Nothing but the handler's own body says when it ends. */
static struct {
  struct body inner;
  unsigned closed;
} capitals;

static enum body_result pull_capitals(void *self, struct body_chunk *chunk) {
  (void)self;
  enum body_result result = capitals.inner.ops->pull(capitals.inner.self, chunk);
  for (size_t i = 0; i < chunk->bytes.len; i++)
    chunk->room[i] = chunk->bytes.base[i] & 0xdf;
  chunk->bytes.base = chunk->room;
  return result;
}

static void close_capitals(void *self) {
  (void)self;
  capitals.closed++;
  capitals.inner.ops->close(capitals.inner.self);
}

static bool wrap(const struct answer_filter *filter, struct stream *stream,
                 struct response *response) {
  static const struct body_ops ops = {.pull = pull_capitals, .close = close_capitals};
  capitals.inner = response->body;
  response->body = (struct body){&ops, NULL};
  return answer_filter_pass(filter, stream, response);
}

static struct {
  const struct answer_filter *filter;
  struct stream *stream;
  struct response response;
} kept;

static bool answer_later(const struct answer_filter *filter, struct stream *stream,
                         struct response *response) {
  kept.filter = filter;
  kept.stream = stream;
  kept.response = *response; /* the fields are static here */
  return true;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void each_protocol(void (*test)(enum exchange_protocol)) {
  for (int protocol = 0; protocol < EXCHANGE_PROTOCOLS; protocol++)
    test((enum exchange_protocol)protocol);
}

static void check_answered(unsigned status, const char *body) {
  assert_int_equal(exchange.status, status);
  assert_string_equal(exchange.body, body);
  assert_true(exchange.closed);
  assert_int_equal(exchange.error_code, 0);
  assert_int_equal(handled.closed, 1);
}

static void nothing(enum exchange_protocol protocol) {
  begin(protocol, NULL);
  exchange_ask(&exchange, "GET", "/", NULL, 0);
  check_answered(200, "hello");
  assert_null(exchange_field(&exchange, "x-added"));
  exchange_end(&exchange);
}

static void fields(enum exchange_protocol protocol) {
  static const struct answer_filter adds = {.respond = add};
  begin(protocol, &adds);
  for (int as_set = 0; as_set < 2; as_set++) {
    seen_sets = handled.closed = 0;
    handled.as_set = as_set;
    exchange_ask(&exchange, "GET", "/", NULL, 0);
    check_answered(200, "hello");
    assert_int_equal(seen_sets, as_set);
    assert_string_equal(exchange_field(&exchange, "x-first"), "1");
    assert_string_equal(exchange_field(&exchange, "x-added"), "note 7");
  }
  exchange_end(&exchange);
}

static bool count_set(const struct answer_filter *filter, struct stream *stream,
                      struct response *response) {
  seen_sets += response->set == &set;
  return answer_filter_pass(filter, stream, response);
}

/* A set that no filter has changed reaches the protocol as one: it notes something about it. */
static void unchanged_set(enum exchange_protocol protocol) {
  static const struct answer_filter last = {.respond = count_set};
  static const struct answer_filter first = {.respond = count_set, .next = &last};
  begin(protocol, &first);
  handled.as_set = true;
  seen_sets = 0;
  exchange_ask(&exchange, "GET", "/", NULL, 0);
  check_answered(200, "hello");
  assert_int_equal(seen_sets, 2);
  const struct header_memo *memo = &set.memo;
  bool noted = memo->h1[0] || memo->h1[1] || memo->h2[0] || memo->h2[1];
  assert_int_equal(noted, protocol != EXCHANGE_SPDY);
  exchange_end(&exchange);
}

static void everything(enum exchange_protocol protocol) {
  static const struct answer_filter second = {.respond = add};
  static const struct answer_filter first = {.respond = replace, .next = &second};
  begin(protocol, &first);
  exchange_ask(&exchange, "GET", "/", NULL, 0);
  check_answered(503, "instead");
  assert_null(exchange_field(&exchange, "x-first"));
  assert_string_equal(exchange_field(&exchange, "x-added"), "note 7");
  handled.closed = 0;
  exchange_ask(&exchange, "HEAD", "/", NULL, 0);
  check_answered(503, "");
  assert_string_equal(exchange_field(&exchange, "content-length"), "7");
  exchange_end(&exchange);
}

static void wrapped(enum exchange_protocol protocol) {
  static const struct answer_filter wraps = {.respond = wrap};
  static const struct {
    const char *method;
    unsigned status;
    const char *body;
  } rows[] = {{"GET", 200, "HELLO"}, {"HEAD", 200, ""}, {"GET", 304, ""}};
  begin(protocol, &wraps);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    capitals.closed = handled.closed = 0;
    handled.status = rows[i].status;
    exchange_ask(&exchange, rows[i].method, "/", NULL, 0);
    check_answered(rows[i].status, rows[i].body);
    assert_int_equal(capitals.closed, 1);
  }
  exchange_end(&exchange);
}

static void later(enum exchange_protocol protocol) {
  static const struct answer_filter second = {.respond = add};
  static const struct answer_filter first = {.respond = answer_later, .next = &second};
  begin(protocol, &first);
  exchange_ask(&exchange, "GET", "/", NULL, 0);
  assert_int_equal(exchange.status, 0);
  assert_true(answer_filter_pass(kept.filter, kept.stream, &kept.response));
  exchange_run(&exchange);
  check_answered(200, "hello");
  assert_string_equal(exchange_field(&exchange, "x-added"), "note 7");
  exchange_end(&exchange);
}

/* What breaks the contract never reaches a filter. */
static bool never(const struct answer_filter *filter, struct stream *stream,
                  struct response *response) {
  assert_int_not_equal(response->status, 99);
  return answer_filter_pass(filter, stream, response);
}

static void mistake(enum exchange_protocol protocol) {
  static const struct answer_filter checks = {.respond = never};
  begin(protocol, &checks);
  handled.wrong = true;
  exchange_ask(&exchange, "GET", "/", NULL, 0);
  assert_false(handled.result);
  check_answered(500, "");
  exchange_end(&exchange);
}

static void test_no_filter(void **state) {
  (void)state;
  each_protocol(nothing);
}

static void test_fields(void **state) {
  (void)state;
  each_protocol(fields);
}

static void test_an_unchanged_set(void **state) {
  (void)state;
  each_protocol(unchanged_set);
}

static void test_everything_is_replaced(void **state) {
  (void)state;
  each_protocol(everything);
}

static void test_a_wrapped_body(void **state) {
  (void)state;
  each_protocol(wrapped);
}

static void test_a_later_answer(void **state) {
  (void)state;
  each_protocol(later);
}

static void test_a_mistake(void **state) {
  (void)state;
  each_protocol(mistake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_filter),        cmocka_unit_test(test_fields),
      cmocka_unit_test(test_an_unchanged_set), cmocka_unit_test(test_everything_is_replaced),
      cmocka_unit_test(test_a_wrapped_body),   cmocka_unit_test(test_a_later_answer),
      cmocka_unit_test(test_a_mistake),
  };
  return cmocka_run_group_tests_name("answer_filter", tests, NULL, NULL);
}
