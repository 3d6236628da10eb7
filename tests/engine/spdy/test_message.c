/*
 * spdy/test_message.c - requests, pushes, responses and trailers: what handlers see of them, what is malformed, and
 * what goes on the wire.
 */
#include <stdio.h>
#include <string.h>

#include "engine/spdy/message.h"
#include "tests/support/cmocka.h"

enum { FIELDS = 16, ARENA_BYTES = 256 };

static struct header fields[FIELDS];
static uint8_t arena[ARENA_BYTES];
static struct headers list;

/* Makes the list of "name: value" lines, as the block reader would. `max`: fields it has room for. */
static void make_list(const char *text, uint32_t max) {
  headers_init(&list, fields, max, arena, sizeof arena, 4096);
  while (*text) {
    size_t len = strcspn(text, "\n");
    const char *colon = strstr(text + 1, ": ");
    assert_true(colon && colon < text + len);
    struct header field = {.name = span_of(text, (size_t)(colon - text)),
                           .value = span_of(colon + 2, (size_t)(text + len - colon - 2))};
    field.token = (uint16_t)header_token_of(field.name);
    field.flags = header_value_flags(field.value);
    headers_add(&list, field);
    text += len + (text[len] == '\n');
  }
}

static const char *fields_text(const struct header *at, size_t count) {
  static char text[4096];
  size_t len = 0;
  text[0] = 0;
  for (size_t i = 0; i < count; i++) {
    if (at[i].name.base[0] != ':' || at[i].token)
      assert_int_equal(at[i].token, header_token_of(at[i].name));
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s: %.*s", i ? "\n" : "",
                            (int)at[i].name.len, (const char *)at[i].name.base,
                            (int)at[i].value.len, (const char *)at[i].value.base);
    assert_true(len < sizeof text);
  }
  return text;
}

static void check_verdict(struct spdy_verdict verdict, const char *name, bool good) {
  if ((verdict.scope == SPDY_ACCEPT) != good)
    fail_msg("%s: %s", name, verdict.reason ? verdict.reason : "accepted");
  if (good) return;
  assert_int_equal(verdict.scope, SPDY_STREAM_ERROR);
  assert_int_equal(verdict.code, SPDY_PROTOCOL_ERROR);
  assert_non_null(verdict.reason);
}

/* ---- requests: section 3.2.1 ----------------------------------------------------------------- */

#define GET      ":method: GET\n:path: /a?b\n:version: HTTP/1.1\n:host: www.example.org\n:scheme: http"
#define SEEN_GET ":method: GET\n:scheme: http\n:authority: www.example.org\n:path: /a?b"

static const struct {
  const char *name, *list;
  const char *seen; /* NULL: malformed */
} requests[] = {
    {"the five alone", GET, SEEN_GET},
    {"fields before, between and behind",
     "accept: */*\n" GET "\naccept-language: de\n"
     "x-a: 1",
     SEEN_GET "\naccept: */*\naccept-language: de\nx-a: 1"},
    {"HTTP/1.0", ":method: GET\n:path: /\n:version: HTTP/1.0\n:host: a\n:scheme: https",
     ":method: GET\n:scheme: https\n:authority: a\n:path: /"},
    {"a port", ":method: PUT\n:path: /\n:version: HTTP/1.1\n:host: [::1]:80\n:scheme: http",
     ":method: PUT\n:scheme: http\n:authority: [::1]:80\n:path: /"},
    {"OPTIONS *", ":method: OPTIONS\n:path: *\n:version: HTTP/1.1\n:host: a\n:scheme: http",
     ":method: OPTIONS\n:scheme: http\n:authority: a\n:path: *"},
    {"cookies are joined", GET "\ncookie: a=1\naccept: */*\ncookie: b=2",
     SEEN_GET "\ncookie: a=1; b=2\naccept: */*"},
    {"the same length twice", GET "\ncontent-length: 5\ncontent-length: 5",
     SEEN_GET "\ncontent-length: 5\ncontent-length: 5"},
    {"no :method", ":path: /\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"no :path", ":method: GET\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"no :version", ":method: GET\n:path: /\n:host: a\n:scheme: http", NULL},
    {"no :host", ":method: GET\n:path: /\n:version: HTTP/1.1\n:scheme: http", NULL},
    {"no :scheme", ":method: GET\n:path: /\n:version: HTTP/1.1\n:host: a", NULL},
    {"two :path", GET "\n:path: /b", NULL},
    {":status", GET "\n:status: 200", NULL},
    {":authority", GET "\n:authority: www.example.org", NULL},
    {"an unknown one", GET "\n:x: 1", NULL},
    {"a bad :method", ":method: G T\n:path: /\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"an empty :method", ":method: \n:path: /\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"CONNECT", ":method: CONNECT\n:path: /\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"a bad :path", ":method: GET\n:path: a\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"GET *", ":method: GET\n:path: *\n:version: HTTP/1.1\n:host: a\n:scheme: http", NULL},
    {"a bad :scheme", ":method: GET\n:path: /\n:version: HTTP/1.1\n:host: a\n:scheme: 1", NULL},
    {"a bad :host", ":method: GET\n:path: /\n:version: HTTP/1.1\n:host: a@b\n:scheme: http", NULL},
    {"an empty :host", ":method: GET\n:path: /\n:version: HTTP/1.1\n:host: \n:scheme: http", NULL},
    {"HTTP/2", ":method: GET\n:path: /\n:version: HTTP/2.0\n:host: a\n:scheme: http", NULL},
    {"host", GET "\nhost: www.example.org", NULL},
    {"connection", GET "\nconnection: close", NULL},
    {"keep-alive", GET "\nkeep-alive: 5", NULL},
    {"proxy-connection", GET "\nproxy-connection: close", NULL},
    {"transfer-encoding", GET "\ntransfer-encoding: chunked", NULL},
    {"upgrade", GET "\nupgrade: x", NULL},
    {"no number", GET "\ncontent-length: x", NULL},
    {"too large a number", GET "\ncontent-length: 9223372036854775808", NULL},
    {"two lengths", GET "\ncontent-length: 5\ncontent-length: 6", NULL},
    {"a bad value", GET "\nx: a\rb", NULL},
};

static void test_requests(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    struct request request;
    make_list(requests[i].list, FIELDS);
    check_verdict(spdy_message_request(&list, &request), requests[i].name, requests[i].seen);
    if (requests[i].seen)
      assert_string_equal(fields_text(list.at, list.count), requests[i].seen);
    else
      assert_false(list.overflowed);
  }
}

static void test_request(void **state) {
  (void)state;
  struct request request;
  make_list(GET "\ncontent-length: 9223372036854775807", FIELDS);
  assert_int_equal(spdy_message_request(&list, &request).scope, SPDY_ACCEPT);
  assert_true(span_is(request.method, "GET"));
  assert_true(span_is(request.scheme, "http"));
  assert_true(span_is(request.authority, "www.example.org"));
  assert_true(span_is(request.path, "/a?b"));
  assert_int_equal(request.protocol.len, 0);
  assert_int_equal(request.content_length, INT64_MAX);
  assert_ptr_equal(request.fields, &list);
  make_list(GET, FIELDS);
  assert_int_equal(spdy_message_request(&list, &request).scope, SPDY_ACCEPT);
  assert_int_equal(request.content_length, -1);
}

/* The joined cookies do not fit the arena: the list is too large, which a server tells the client. */
static void test_cookies(void **state) {
  (void)state;
  struct request request;
  make_list(GET "\ncookie: 1\ncookie: 2", FIELDS);
  list.arena_max = 3;
  check_verdict(spdy_message_request(&list, &request), "cookies", false);
  assert_true(list.overflowed);
}

/* ---- pushes: section 3.3.1 ------------------------------------------------------------------- */

#define URL      ":scheme: https\n:host: a\n:path: /style.css"
#define SEEN_URL ":method: GET\n:scheme: https\n:authority: a\n:path: /style.css"

static const struct {
  const char *name, *list, *seen;
  unsigned status;
} pushes[] = {
    {"the URL alone", URL, SEEN_URL, 0},
    {"with its response", URL "\n:status: 200 OK\n:version: HTTP/1.1\netag: x",
     SEEN_URL "\netag: x", 200},
    {"a method is not needed", ":method: POST\n" URL, SEEN_URL, 0},
    {"no :host", ":scheme: https\n:path: /style.css", NULL, 0},
    {"no :path", ":scheme: https\n:host: a", NULL, 0},
    {"no :scheme", ":path: /style.css\n:host: a", NULL, 0},
    {"a bad status", URL "\n:status: x", NULL, 0},
};

static void test_pushes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pushes / sizeof *pushes; i++) {
    struct request request;
    unsigned status = 1;
    make_list(pushes[i].list, FIELDS);
    check_verdict(spdy_message_push(&list, &request, &status), pushes[i].name, pushes[i].seen);
    if (!pushes[i].seen) continue;
    assert_string_equal(fields_text(list.at, list.count), pushes[i].seen);
    assert_int_equal(status, pushes[i].status);
    assert_true(span_is(request.method, "GET"));
  }
}

/* A list that is full has no room for the method. */
static void test_full_push(void **state) {
  (void)state;
  struct request request;
  unsigned status;
  make_list(URL, 3);
  check_verdict(spdy_message_push(&list, &request, &status), "full", false);
  assert_true(list.overflowed);
}

/* ---- responses: section 3.2.2 ---------------------------------------------------------------- */

#define VERSION "\n:version: HTTP/1.1"
static const struct {
  const char *name, *list, *seen;
  unsigned status;
} responses[] = {
    {"a number", ":status: 200" VERSION, ":status: 200", 200},
    {"a number and a text", ":status: 404 Not Found" VERSION "\nserver: x",
     ":status: 404\nserver: x", 404},
    {"a number and a blank", ":status: 200 " VERSION, NULL, 0},
    {"version first", ":version: HTTP/1.0\n:status: 999", ":status: 999", 999},
    {"100", ":status: 100 Continue" VERSION, ":status: 100", 100},
    {"101", ":status: 101" VERSION, NULL, 0},
    {"99", ":status: 99" VERSION, NULL, 0},
    {"099", ":status: 099" VERSION, NULL, 0},
    {"2000", ":status: 2000" VERSION, NULL, 0},
    {"200OK", ":status: 200OK" VERSION, NULL, 0},
    {"no number", ":status: OK" VERSION, NULL, 0},
    {"empty", ":status: " VERSION, NULL, 0},
    {"no status", "server: x" VERSION, NULL, 0},
    {"no version", ":status: 200", NULL, 0},
    {"a bad version", ":status: 200\n:version: 1.1", NULL, 0},
    {"two", ":status: 200\n:status: 200" VERSION, NULL, 0},
    {":path", ":status: 200" VERSION "\n:path: /", NULL, 0},
    {"connection", ":status: 200" VERSION "\nconnection: close", NULL, 0},
    {"transfer-encoding", ":status: 200" VERSION "\ntransfer-encoding: chunked", NULL, 0},
};

static void test_responses(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
    unsigned status = 0;
    int64_t length = 7;
    make_list(responses[i].list, FIELDS);
    check_verdict(spdy_message_response(&list, &status, &length), responses[i].name,
                  responses[i].seen);
    if (!responses[i].seen) continue;
    assert_string_equal(fields_text(list.at, list.count), responses[i].seen);
    assert_int_equal(status, responses[i].status);
    assert_int_equal(length, -1);
  }
  unsigned status;
  int64_t length;
  make_list(":status: 200" VERSION "\ncontent-length: 12", FIELDS);
  assert_int_equal(spdy_message_response(&list, &status, &length).scope, SPDY_ACCEPT);
  assert_int_equal(length, 12);
}

static void test_trailers(void **state) {
  (void)state;
  make_list("x-sum: 1\ny: 2", FIELDS);
  check_verdict(spdy_message_trailers(&list), "trailers", true);
  make_list("x-sum: 1\n:status: 200", FIELDS);
  check_verdict(spdy_message_trailers(&list), "pseudo-header field", false);
  make_list("connection: close", FIELDS);
  check_verdict(spdy_message_trailers(&list), "connection", false);
}

/* ---- sent ------------------------------------------------------------------------------------ */

static void test_put_request(void **state) {
  (void)state;
  struct header out[FIELDS];
  make_list(":method: GET\n:scheme: http\n:authority: a\n:path: /\nhost: a\naccept: */*\n"
            "connection: close\ncookie: b=1",
            FIELDS);
  size_t count = spdy_message_put_request(list.at, list.count, out);
  assert_true(count <= list.count + 1);
  assert_string_equal(fields_text(out, count),
                      ":version: HTTP/1.1\n:method: GET\n:scheme: http\n:host: a\n:path: /\n"
                      "accept: */*\ncookie: b=1");
  /* What is sent is a good request. */
  struct request request;
  memcpy(fields, out, count * sizeof *out);
  list.count = (uint32_t)count;
  check_verdict(spdy_message_request(&list, &request), "sent", true);
}

static void test_put_response(void **state) {
  (void)state;
  struct header out[FIELDS];
  uint8_t digits[3];
  make_list("server: x\ntransfer-encoding: chunked\nset-cookie: a\nset-cookie: b", FIELDS);
  size_t count = spdy_message_put_response(404, list.at, list.count, digits, out);
  assert_true(count <= list.count + 2);
  assert_string_equal(fields_text(out, count),
                      ":status: 404\n:version: HTTP/1.1\nserver: x\nset-cookie: a\nset-cookie: b");
  unsigned status;
  int64_t length;
  memcpy(fields, out, count * sizeof *out);
  list.count = (uint32_t)count;
  check_verdict(spdy_message_response(&list, &status, &length), "sent", true);
  assert_int_equal(status, 404);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),     cmocka_unit_test(test_request),
      cmocka_unit_test(test_cookies),      cmocka_unit_test(test_pushes),
      cmocka_unit_test(test_full_push),    cmocka_unit_test(test_responses),
      cmocka_unit_test(test_trailers),     cmocka_unit_test(test_put_request),
      cmocka_unit_test(test_put_response),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
