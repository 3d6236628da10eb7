/*
 * http/test_filters.c - rules about the fields of responses, and pages for errors, over HTTP/1.1, HTTP/2 and SPDY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/body.h"
#include "engine/http/error_pages.h"
#include "engine/http/field_rules.h"
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/exchange.h"

static struct exchange exchange;

static struct header field(const char *name, const char *value) {
  struct header made = {.name = span_text(name), .value = span_text(value)};
  made.token = (uint16_t)header_token_of(made.name);
  return made;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static struct {
  const struct answer_filter *filter;
  unsigned status;
  struct header fields[FIELD_RULES_FIELDS_MAX + 1];
  uint32_t count;
  struct body_bytes bytes;
  bool secure, as_set;
  unsigned closed;
} app;

static void body_closed(void *ctx) {
  (void)ctx;
  app.closed++;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  static const struct stream_events none;
  static struct machine_peer clear;
  static struct header_set set;
  (void)ctx, (void)request, (void)now_ns;
  stream->events = &none;
  stream->filter = app.filter;
  const struct machine_peer *peer = stream->peer;
  if (!app.secure) stream->peer = &clear;
  struct body body = body_bytes(&app.bytes, span_text("handler"), body_closed, NULL);
  set = (struct header_set){.at = app.fields, .count = app.count};
  if (app.as_set)
    (void)stream_respond_set(stream, app.status, &set, body);
  else
    (void)stream_respond(stream, app.status, app.fields, app.count, body);
  stream->peer = peer;
}

static const struct handler handler = {.request = on_request};

static void begin(enum exchange_protocol protocol, const struct answer_filter *filter) {
  memset(&app, 0, sizeof app);
  app.filter = filter;
  app.status = 200;
  app.secure = true;
  exchange_begin(&exchange, protocol, &handler);
}

static void give(const char *name, const char *value) {
  app.fields[app.count++] = field(name, value);
}

static void ask(const char *method) {
  app.closed = 0;
  exchange_ask(&exchange, method, "/", NULL, 0);
  assert_true(exchange.closed);
  assert_int_equal(exchange.error_code, 0);
  assert_int_equal(app.closed, 1);
}

static void expect(const char *name, const char *value) {
  const char *got = exchange_field(&exchange, name);
  if ((got == NULL) != (value == NULL) || (got && strcmp(got, value) != 0))
    fail_msg("%s: %s, expected %s", name, got ? got : "(none)", value ? value : "(none)");
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void fields(enum exchange_protocol protocol) {
  const struct field_rule at[] = {
      {FIELD_REMOVE, field("x-powered-by", "")},
      {FIELD_SET, field("cache-control", "no-store")},
      {FIELD_SET, field("x-frame-options", "DENY")},
      {FIELD_ADD, field("link", "</a>")},
      {FIELD_ADD, field("link", "</b>")},
      {FIELD_SET, field("server", "mine")},
  };
  struct field_rules rules;
  field_rules_init(&rules, at, sizeof at / sizeof *at, NULL);
  for (int as_set = 0; as_set < 2; as_set++) {
    begin(protocol, &rules.filter);
    app.as_set = as_set;
    give("content-length", "7");
    give("x-powered-by", "1");
    give("cache-control", "one");
    give("x-kept", "yes");
    give("cache-control", "two");
    give("x-powered-by", "2");
    ask("GET");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.body, "handler");
    /* SPDY tells fields of one name as one. */
    assert_string_equal(exchange.fields,
                        protocol == EXCHANGE_SPDY
                            ? exchange.fields
                            : "content-length: 7\ncache-control: no-store\nx-kept: yes\n"
                              "x-frame-options: DENY\nlink: </a>\nlink: </b>\n");
    expect("x-powered-by", NULL);
    expect("cache-control", "no-store");
    expect("x-frame-options", "DENY");
    exchange_end(&exchange);
  }
}

static void over_secure_transport(enum exchange_protocol protocol) {
  const struct field_rule at[] = {{FIELD_SET, field("strict-transport-security", "max-age=9")}};
  struct field_rules rules;
  field_rules_init(&rules, at, 1, NULL);
  begin(protocol, &rules.filter);
  ask("GET");
  expect("strict-transport-security", "max-age=9");
  app.secure = false;
  ask("GET");
  expect("strict-transport-security", NULL);
  exchange_end(&exchange);
}

/* A content-encoding is said of what is sent as it is stored, not of errors, nor where the body has one already. */
static void of_stored_content(enum exchange_protocol protocol) {
  static const struct {
    unsigned status;
    const char *own, *expected;
  } rows[] = {{200, NULL, "gzip"}, {206, NULL, "gzip"}, {304, NULL, "gzip"}, {200, "br", "br"},
              {404, NULL, NULL},   {503, NULL, NULL},   {302, NULL, NULL}};
  const struct field_rule at[] = {{FIELD_SET, field("content-encoding", "gzip")}};
  struct field_rules rules;
  field_rules_init(&rules, at, 1, NULL);
  begin(protocol, &rules.filter);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    app.status = rows[i].status;
    app.count = 0;
    if (rows[i].own) give("content-encoding", rows[i].own);
    ask("GET");
    expect("content-encoding", rows[i].expected);
  }
  exchange_end(&exchange);
}

/* The content-type of several ranges says where the parts begin. */
static void of_several_ranges(enum exchange_protocol protocol) {
  static const char several[] = "multipart/byteranges; boundary=b";
  static const struct {
    unsigned status;
    const char *own, *removed, *set;
  } rows[] = {{206, several, several, several},
              {206, "text/plain", NULL, "text/ruled"},
              {206, "multipart/byte", NULL, "text/ruled"},
              {200, several, NULL, "text/ruled"},
              {206, NULL, NULL, "text/ruled"}};
  const struct field_rule remove = {FIELD_REMOVE, field("content-type", "")};
  const struct field_rule set = {FIELD_SET, field("content-type", "text/ruled")};
  struct field_rules removes, sets;
  field_rules_init(&removes, &remove, 1, NULL);
  field_rules_init(&sets, &set, 1, NULL);
  begin(protocol, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    app.status = rows[i].status;
    app.count = 0;
    if (rows[i].own) give("content-type", rows[i].own);
    app.filter = &removes.filter;
    ask("GET");
    expect("content-type", rows[i].removed);
    app.filter = &sets.filter;
    ask("GET");
    expect("content-type", rows[i].set);
  }
  exchange_end(&exchange);
}

/* The most fields, and one more. */
static void many_fields(enum exchange_protocol protocol) {
  static char names[FIELD_RULES_FIELDS_MAX + 1][16];
  static struct field_rule at[FIELD_RULES_MAX];
  struct field_rules rules;
  for (uint32_t i = 0; i < FIELD_RULES_MAX; i++)
    at[i] = (struct field_rule){FIELD_SET, field("x-last", "set")};
  field_rules_init(&rules, at, FIELD_RULES_MAX, NULL);
  begin(protocol, &rules.filter);
  for (uint32_t i = 0; i + 1 < FIELD_RULES_FIELDS_MAX; i++) {
    snprintf(names[i], sizeof names[i], "x-%u", i);
    give(names[i], "");
  }
  ask("GET");
  assert_int_equal(exchange.status, 200);
  expect("x-last", "set");
  give("x-one-more", "");
  ask("GET");
  assert_int_equal(exchange.status, 500);
  assert_string_equal(exchange.body, "");
  expect("x-last", "set");
  expect("x-0", NULL);
  exchange_end(&exchange);
}

static void test_refusals(void **state) {
  static const struct {
    enum field_rule_kind kind;
    const char *name, *value;
    bool refused;
  } rows[] = {
      {FIELD_SET, "x-a", "b", false},
      {FIELD_SET, "x-a", "", false},
      {FIELD_SET, "X-A", "b", true},
      {FIELD_SET, "", "b", true},
      {FIELD_SET, ":status", "200", true},
      {FIELD_SET, "x a", "b", true},
      {FIELD_SET, "x-a", "a\r\nb: c", true},
      {FIELD_SET, "x-a", " b", true},
      {FIELD_REMOVE, "x-a", "\n", false},
      {FIELD_ADD, "connection", "close", true},
      {FIELD_ADD, "transfer-encoding", "chunked", true},
      {FIELD_REMOVE, "content-length", "", true},
      {FIELD_SET, "content-range", "bytes */1", true},
      {FIELD_SET, "server", "mine", false},
      {FIELD_REMOVE, "server", "", true},
      {FIELD_REMOVE, "date", "", true},
      {FIELD_REMOVE, "etag", "", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *why =
        field_rule_refusal(rows[i].kind, span_text(rows[i].name), span_text(rows[i].value));
    if ((why != NULL) != rows[i].refused) fail_msg("%s: %s", rows[i].name, why ? why : "allowed");
  }
}

/* ---- error pages ----------------------------------------------------------------------------- */

static void *alloc(void *ctx, size_t bytes) {
  bool *refuse = ctx;
  return *refuse ? NULL : malloc(bytes);
}

static void release(void *ctx, void *memory, size_t bytes) {
  (void)ctx, (void)bytes;
  free(memory);
}

static bool refuse_memory;
static const struct memory memory = {.ctx = &refuse_memory, .alloc = alloc, .free = release};
static struct error_page pages[2];

static const struct answer_filter *make_pages(struct error_pages *filter,
                                              const struct answer_filter *next) {
  refuse_memory = false;
  pages[0] = (struct error_page){404, span_text("text/html"), span_text("<p>gone")};
  pages[1] = (struct error_page){416, span_text("text/plain"), span_text("")};
  error_pages_init(filter, &memory, pages, 2, next);
  return &filter->filter;
}

static void errors(enum exchange_protocol protocol) {
  struct error_pages filter;
  begin(protocol, make_pages(&filter, NULL));
  give("content-length", "7");
  give("content-type", "text/handler");
  give("content-encoding", "gzip");
  give("etag", "\"e\"");
  give("last-modified", "never");
  give("accept-ranges", "bytes");
  give("content-range", "bytes */10");
  give("vary", "accept-encoding");
  app.status = 404;
  ask("GET");
  assert_int_equal(exchange.status, 404);
  assert_string_equal(exchange.body, "<p>gone");
  assert_string_equal(exchange.fields, "content-range: bytes */10\nvary: accept-encoding\n"
                                       "content-type: text/html\ncontent-length: 7\n");
  ask("HEAD");
  assert_int_equal(exchange.status, 404);
  assert_string_equal(exchange.body, "");
  expect("content-length", "7");
  app.status = 416;
  ask("GET");
  assert_int_equal(exchange.status, 416);
  assert_string_equal(exchange.body, "");
  expect("content-length", "0");
  expect("content-range", "bytes */10");
  for (unsigned status = 200; status <= 500; status += 300) {
    app.status = status;
    ask("GET");
    assert_int_equal(exchange.status, status);
    assert_string_equal(exchange.body, "handler");
    expect("content-type", "text/handler");
  }
  exchange_end(&exchange);
}

/* The rules see what the pages made; without memory the handler's own body is sent. */
static void pages_then_fields(enum exchange_protocol protocol) {
  const struct field_rule at[] = {{FIELD_SET, field("content-type", "text/ruled")},
                                  {FIELD_SET, field("x-a", "b")}};
  struct field_rules rules;
  struct error_pages filter;
  field_rules_init(&rules, at, 2, NULL);
  begin(protocol, make_pages(&filter, &rules.filter));
  give("content-length", "7");
  app.status = 404;
  ask("GET");
  assert_string_equal(exchange.body, "<p>gone");
  expect("content-type", "text/ruled");
  expect("x-a", "b");
  refuse_memory = true;
  ask("GET");
  assert_int_equal(exchange.status, 404);
  assert_string_equal(exchange.body, "handler");
  expect("x-a", "b");
  refuse_memory = false;
  app.count = 0;
  while (app.count <= FIELD_RULES_FIELDS_MAX - 2)
    give("x-many", "");
  ask("GET");
  assert_string_equal(exchange.body, "");
  assert_int_equal(exchange.status, 500); /* of the rules, which have no room */
  exchange_end(&exchange);
}

/* ---- over each protocol ---------------------------------------------------------------------- */

#define EACH_PROTOCOL(name)                                                                        \
  static void test_##name(void **state) {                                                          \
    (void)state;                                                                                   \
    for (int protocol = 0; protocol < EXCHANGE_PROTOCOLS; protocol++)                              \
      name((enum exchange_protocol)protocol);                                                      \
  }

EACH_PROTOCOL(fields)
EACH_PROTOCOL(over_secure_transport)
EACH_PROTOCOL(of_stored_content)
EACH_PROTOCOL(of_several_ranges)
EACH_PROTOCOL(many_fields)
EACH_PROTOCOL(errors)
EACH_PROTOCOL(pages_then_fields)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_over_secure_transport),
      cmocka_unit_test(test_of_stored_content),
      cmocka_unit_test(test_of_several_ranges),
      cmocka_unit_test(test_many_fields),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_pages_then_fields),
  };
  return cmocka_run_group_tests_name("filters", tests, NULL, NULL);
}
