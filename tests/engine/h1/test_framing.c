/*
 * h1/test_framing.c - what a head decides about its connection: persistence, expectations,
 * upgrades, trailers; and which fields handlers see. test_bad_input.c and test_responses.c test
 * lengths and Host.
 */
#include "engine/h1/limits.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "tests/engine/h1/message.h"

static struct message message;
static char text[MESSAGE_TEXT];

/* Reads a request with these field lines. `minor` is "1" or "0". */
static const struct h1_framing *read_fields(const char *minor, const char *lines) {
  char bytes[4096];
  const char *method = *minor == '0' ? "GET" : "POST"; /* HTTP/1.0's POST tells its length */
  snprintf(bytes, sizeof bytes, "%s / HTTP/1.%s\r\nHost: a\r\n%s\r\n", method, minor, lines);
  message_begin(&message, H1_REQUEST, (struct h1_asked){0});
  (void)message_give(&message, span_text(bytes));
  if (message.step == MESSAGE_REFUSED || message.step == MESSAGE_HEAD)
    fail_msg("%s: %s", lines, message.step == MESSAGE_HEAD ? "incomplete" : message.verdict.reason);
  return &message.framing;
}

/* ---- persistence (RFC 9112 section 9.3) ------------------------------------------------------ */

static const struct {
  const char *minor, *lines;
  bool keep;
} persistence[] = {
    {"1", "", true},
    {"1", "Connection: close\r\n", false},
    {"1", "Connection: CLOSE\r\n", false},
    {"1", "Connection: keep-alive\r\n", true},
    {"1", "Connection: keep-alive, close\r\n", false},
    {"1", "Connection: x\r\nConnection: ,,close ,\r\n", false},
    {"1", "Connection: closed\r\n", true},
    {"1", "Connection: x-close\r\n", true},
    {"1", "Connection:\r\n", true},
    {"1", "Proxy-Connection: close\r\n", true},
    {"0", "", false},
    {"0", "Connection: keep-alive\r\n", true},
    {"0", "Connection: Keep-Alive, x\r\n", true},
    {"0", "Connection: keep-alive, close\r\n", false},
    {"0", "Connection: close\r\n", false},
    {"0", "Keep-Alive: timeout=5\r\n", false},
    {"0", "Proxy-Connection: keep-alive\r\n", false},
};

static void test_persistence(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof persistence / sizeof *persistence; i++)
    if (read_fields(persistence[i].minor, persistence[i].lines)->keep != persistence[i].keep)
      fail_msg("HTTP/1.%s %s", persistence[i].minor, persistence[i].lines);
}

/* ---- bodies, expectations and trailers ------------------------------------------------------- */

static void test_bodies(void **state) {
  (void)state;
  assert_int_equal(read_fields("1", "")->body, H1_BODY_NONE);
  assert_int_equal(message.framing.content_length, -1);
  assert_int_equal(read_fields("1", "Content-Length: 0\r\n")->body, H1_BODY_NONE);
  assert_int_equal(message.framing.content_length, 0);
  assert_int_equal(read_fields("1", "Content-Length: 9223372036854775807\r\n")->body,
                   H1_BODY_LENGTH);
  assert_int_equal(message.framing.content_length, INT64_MAX);
  assert_int_equal(read_fields("1", "Transfer-Encoding: chunked\r\n")->body, H1_BODY_CHUNKED);
  assert_int_equal(message.framing.content_length, -1);
}

#define EXPECT "Expect: 100-continue\r\n"

/* RFC 9110 section 10.1.1. */
static void test_expect(void **state) {
  (void)state;
  assert_false(read_fields("1", "Content-Length: 1\r\n")->expect_continue);
  assert_true(read_fields("1", EXPECT "Content-Length: 1\r\n")->expect_continue);
  assert_true(read_fields("1", EXPECT "Transfer-Encoding: chunked\r\n")->expect_continue);
  assert_false(read_fields("1", EXPECT)->expect_continue); /* there is no body to wait for */
  assert_false(read_fields("1", EXPECT "Content-Length: 0\r\n")->expect_continue);
  assert_false(read_fields("0", EXPECT "Content-Length: 1\r\n")->expect_continue);
}

/* RFC 9110 section 10.1.4. */
static void test_te(void **state) {
  (void)state;
  assert_false(read_fields("1", "")->te_trailers);
  assert_true(read_fields("1", "TE: trailers\r\n")->te_trailers);
  assert_true(read_fields("1", "TE: gzip;q=1, Trailers\r\n")->te_trailers);
  assert_true(read_fields("1", "TE: trailers\r\nTE: gzip\r\n")->te_trailers);
  assert_false(read_fields("1", "TE: gzip\r\n")->te_trailers);
  assert_false(read_fields("1", "TE: trailers;q=0\r\n")->te_trailers);
}

static void test_cookies(void **state) {
  (void)state;
  assert_int_equal(read_fields("1", "")->cookies, 0);
  assert_int_equal(read_fields("1", "Cookie: a\r\nX: y\r\ncookie: b\r\n")->cookies, 2);
}

/* ---- upgrades (RFC 9110 section 7.8) --------------------------------------------------------- */

#define SETTINGS "HTTP2-Settings: AAMAAABk\r\n"

static const struct {
  const char *minor, *lines;
  const char *upgrade, *settings; /* settings: NULL for none */
} upgrades[] = {
    {"1", "Connection: upgrade\r\nUpgrade: websocket\r\n", "websocket", NULL},
    {"1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "websocket", NULL},
    {"1", "Upgrade: websocket\r\n", "", NULL},
    {"1", "Connection: upgrade\r\n", "", NULL},
    {"1", "Connection: x-upgrade\r\nUpgrade: websocket\r\n", "", NULL},
    {"0", "Connection: upgrade\r\nUpgrade: websocket\r\n", "", NULL},
    {"1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "", NULL},
    {"1", "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n", "h2c", NULL},
    {"1", "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n", "", NULL},
    {"1", "Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n", "", NULL},
    {"1", "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" SETTINGS, "h2c", "AAMAAABk"},
    {"1", "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings:\r\n", "h2c", ""},
    {"1", "Connection: upgrade\r\nUpgrade: h2c\r\n" SETTINGS, "h2c", NULL},
    {"1", "Connection: http2-settings\r\nUpgrade: h2c\r\n" SETTINGS, "", NULL},
    {"1", "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n" SETTINGS SETTINGS, "h2c", NULL},
    {"1", "Connection: upgrade, http2-settings\r\n" SETTINGS, "", NULL},
    {"1", "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nContent-Length: 1\r\n" SETTINGS,
     "", NULL},
    {"0", "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n" SETTINGS, "", NULL},
};

static void test_upgrades(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof upgrades / sizeof *upgrades; i++) {
    const struct h1_framing *framing = read_fields(upgrades[i].minor, upgrades[i].lines);
    const char *settings = upgrades[i].settings;
    if (!span_is(framing->upgrade, upgrades[i].upgrade) ||
        (framing->http2_settings.base != NULL) != (settings != NULL) ||
        (settings && !span_is(framing->http2_settings, settings)))
      fail_msg("row %zu: %s", i, upgrades[i].lines);
  }
}

static void test_upgrade_list(void **state) {
  (void)state;
  const struct span list = span_text("HTTP/2.0, H2C ,websocketx");
  assert_true(h1_framing_upgrade_has(list, "h2c"));
  assert_false(h1_framing_upgrade_has(list, "websocket"));
  assert_false(h1_framing_upgrade_has(list, "h2"));
  assert_false(h1_framing_upgrade_has(span_text(""), "h2c"));
}

/* A response takes the upgrade that it names. */
static void test_upgrade_response(void **state) {
  (void)state;
  message_begin(&message, H1_RESPONSE, (struct h1_asked){0});
  (void)message_give(
      &message, span_text("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"));
  assert_int_equal(message.step, MESSAGE_DONE);
  assert_int_equal(message.framing.body, H1_BODY_TUNNEL);
  assert_true(span_is(message.framing.upgrade, "websocket"));
  message_begin(&message, H1_RESPONSE, (struct h1_asked){0});
  (void)message_give(&message, span_text("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"));
  assert_true(span_is(message.framing.upgrade, ""));
}

/* ---- options --------------------------------------------------------------------------------- */

/* H1_CONNECTION_OPTIONS_MAX options in two fields, or one more. */
static void test_options(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    char bytes[512] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: a";
    for (unsigned i = 1; i < H1_CONNECTION_OPTIONS_MAX - 1 + more; i++)
      strcat(bytes, ",a");
    strcat(bytes, "\r\nConnection: b\r\n\r\n");
    message_begin(&message, H1_REQUEST, (struct h1_asked){0});
    (void)message_give(&message, span_text(bytes));
    assert_int_equal(message.step, more ? MESSAGE_REFUSED : MESSAGE_DONE);
    if (more) assert_int_equal(message.verdict.status, 400);
  }
}

/* ---- what handlers see ----------------------------------------------------------------------- */

static const struct {
  const char *lines, *expected;
} stripped[] = {
    {"X: y\r\n", "POST - a / 1.1 keep|x=y||"},
    {"Connection: keep-alive\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nAccept: z\r\n",
     "POST - a / 1.1 keep|accept=z||"},
    {"Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: upgrade\r\n", "POST - a / 1.1 keep||"},
    {"X-A: 1\r\nConnection: x-a, X-B\r\nX-b: 2\r\nx-c: 3\r\n", "POST - a / 1.1 keep|x-c=3||"},
    {"X-A: 1\r\nX-B: 2\r\nConnection: x-b\r\nConnection: x-a\r\n", "POST - a / 1.1 keep||"},
    /* The connection field cannot remove fields of the message. */
    {"Cookie: c\r\nAuthorization: d\r\nContent-Length: 0\r\n"
     "Connection: cookie, authorization, content-length\r\n",
     "POST - a / 1.1 keep|cookie=c|authorization=d|content-length=0||"},
    {"TE: gzip, trailers\r\nConnection: te\r\n", "POST - a / 1.1 keep|te=trailers||"},
    {"TE: gzip\r\nConnection: te\r\n", "POST - a / 1.1 keep||"},
};

static void test_strip(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof stripped / sizeof *stripped; i++) {
    (void)read_fields("1", stripped[i].lines);
    h1_framing_strip(&message.fields, 0);
    message_text(&message, text);
    assert_string_equal(text, stripped[i].expected);
  }
}

/* Fields before `first` are not looked at: pseudo-header fields have their place there. */
static void test_first(void **state) {
  (void)state;
  (void)read_fields("1", "Connection: close\r\nX: y\r\n");
  assert_int_equal(message.fields.count, 3);
  h1_framing_strip(&message.fields, 2);
  assert_int_equal(message.fields.count, 3);
  struct h1_framing framing;
  assert_int_equal(h1_framing_request(&message.head, &message.fields, 2, &framing).outcome,
                   H1_COMPLETE);
  assert_true(framing.keep);
  assert_null(framing.host.base);
  h1_framing_strip(&message.fields, 1);
  assert_int_equal(message.fields.count, 2);
  assert_int_equal(message.at[0].token, TOKEN_HOST);
  assert_true(span_is(message.at[1].name, "x"));
}

/* Places behind the list's end may hold anything. */
static void test_count(void **state) {
  (void)state;
  (void)read_fields("1", "X-A: y\r\n");
  const uint32_t count = message.fields.count;
  message.at[count] = header_of(TOKEN_CONNECTION, span_text("close, x-a"));
  h1_framing_strip(&message.fields, 1);
  assert_int_equal(message.fields.count, count);
  struct h1_framing framing;
  assert_int_equal(h1_framing_request(&message.head, &message.fields, 0, &framing).outcome,
                   H1_COMPLETE);
  assert_true(framing.keep);
  struct header trailers[] = {header_of(TOKEN_DATE, span_text("x")),
                              header_of(TOKEN_HOST, span_text("a"))};
  struct headers list;
  headers_init(&list, trailers, 2, NULL, 0, SIZE_MAX);
  list.count = 1;
  assert_int_equal(h1_framing_trailers(&list).outcome, H1_COMPLETE);
  list.count = 2;
  assert_int_equal(h1_framing_trailers(&list).outcome, H1_REFUSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_persistence),  cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_expect),       cmocka_unit_test(test_te),
      cmocka_unit_test(test_cookies),      cmocka_unit_test(test_upgrades),
      cmocka_unit_test(test_upgrade_list), cmocka_unit_test(test_upgrade_response),
      cmocka_unit_test(test_options),      cmocka_unit_test(test_strip),
      cmocka_unit_test(test_first),        cmocka_unit_test(test_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
