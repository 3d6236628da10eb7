/*
 * serve/log/test_line.c - lines of the access log, byte for byte; and that no text of a client can end
 * its string or its line.
 */
#include "tools/serve/log/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"

static struct log_date date;
static char out[ACCESS_LOG_LINE_BYTES_MAX + 1];

static struct stream_facts facts;
static struct machine_peer peer;
static const char *subject = "";

/* A request for "/" that got 13 bytes within 250 microseconds. */
static int setup(void **state) {
  (void)state;
  subject = "";
  facts = (struct stream_facts){.protocol = "HTTP/2",
                                .begun_ns = 1000000,
                                .ended_ns = 1250999,
                                .header_bytes_received = 48,
                                .header_bytes_sent = 54,
                                .body_bytes_received = 7,
                                .body_bytes_sent = 13,
                                .status = 200};
  peer = (struct machine_peer){.address = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
                               .port = 40000};
  return 0;
}

static const char *write_line(enum log_format format, const struct span texts[LOG_TEXTS]) {
  struct log_request *request = malloc(sizeof *request + log_request_bytes(texts));
  log_request_fill(request, texts);
  const struct log_line line = {.request = request,
                                .facts = &facts,
                                .peer = &peer,
                                .stream_id = 5,
                                .wall_ns = INT64_C(1795814527015999999)};
  size_t len = log_line_write(format, &line, &date, out);
  free(request);
  out[len] = 0;
  return out;
}

static const char *line_of(enum log_format format, const char *path, const char *referer,
                           const char *user_agent) {
  const struct span texts[LOG_TEXTS] = {[LOG_METHOD] = span_text("GET"),
                                        [LOG_SCHEME] = span_text("https"),
                                        [LOG_AUTHORITY] = span_text("example.org"),
                                        [LOG_PATH] = span_text(path),
                                        [LOG_REFERER] = span_text(referer),
                                        [LOG_USER_AGENT] = span_text(user_agent),
                                        [LOG_SUBJECT] = span_text(subject)};
  return write_line(format, texts);
}

/* ---- whole lines ----------------------------------------------------------------------------- */

static void test_combined(void **state) {
  (void)state;
  assert_string_equal(line_of(LOG_COMBINED, "/", "", ""),
                      "127.0.0.1 - - [27/Nov/2026:21:22:07 +0000] \"GET / HTTP/2.0\" 200 13 \"-\" "
                      "\"-\" HTTP/2 5 250 48 7 54 - - 0 - \"-\"\n");
  peer.secure_version = "TLSv1.3";
  peer.secure_group = "x25519";
  subject = "CN=a \"b\"";
  peer.address[0] = 0x20, peer.address[10] = 0;
  facts.protocol = "HTTP/1.1";
  facts.status = 0;
  facts.error_code = 8;
  facts.prioritized = true;
  facts.urgency = 1;
  assert_string_equal(
      line_of(LOG_COMBINED, "/a?b", "https://a/", "curl/7"),
      "2000::ff:7f00:1 - - [27/Nov/2026:21:22:07 +0000] \"GET /a?b HTTP/1.1\" 499 13 "
      "\"https://a/\" \"curl/7\" HTTP/1.1 5 250 48 7 54 u=1 TLSv1.3 8 x25519 \"CN=a "
      "\\x22b\\x22\"\n");
  facts.incremental = true;
  memset(peer.address, 0, sizeof peer.address);
  const char *line = line_of(LOG_COMBINED, "", "", "");
  assert_int_equal(strncmp(line, "- - - [", 7), 0);
  assert_non_null(strstr(line, "\"GET example.org HTTP/1.1\"")); /* as CONNECT, without a path */
  assert_non_null(strstr(line, " u=1,i "));
}

static void test_json(void **state) {
  (void)state;
  assert_string_equal(
      line_of(LOG_JSON, "/", "", "curl/7"),
      "{\"time\":\"2026-11-27T21:22:07.015Z\",\"address\":\"127.0.0.1\",\"method\":\"GET\","
      "\"scheme\":\"https\",\"authority\":\"example.org\",\"path\":\"/\",\"referer\":\"\","
      "\"user_agent\":\"curl/7\",\"client_subject\":\"\",\"protocol\":\"HTTP/"
      "2\",\"tls\":\"\",\"tls_group\":\"\",\"priority\":\"\","
      "\"port\":40000,\"status\":200,\"stream\":5,\"error\":0,\"microseconds\":250,"
      "\"request_header_bytes\":48,\"request_body_bytes\":7,\"response_header_bytes\":54,"
      "\"response_body_bytes\":13}\n");
}

/* ---- texts of clients ------------------------------------------------------------------------ */

static const struct {
  const char *name, *text, *combined, *json;
} rows[] = {
    {"plain", "/a%20b?c=d&e", "/a%20b?c=d&e", "/a%20b?c=d&e"},
    {"a quote ends no string", "a\" 200 1 \"", "a\\x22 200 1 \\x22", "a\\\" 200 1 \\\""},
    {"a backslash escapes nothing", "a\\", "a\\x5c", "a\\\\"},
    {"a line feed begins no line", "a\n::1 - -", "a\\x0a::1 - -", "a\\u000a::1 - -"},
    {"carriage return", "a\rb", "a\\x0db", "a\\u000db"},
    {"escape", "\x1b[2J", "\\x1b[2J", "\\u001b[2J"},
    {"delete", "a\x7f", "a\\x7f", "a\\u007f"},
    {"tab", "a\tb", "a\\x09b", "a\\u0009b"},
    {"UTF-8 of 2, 3 and 4 bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"a control character of two bytes", "\xc2\x9b", "\\xc2\\x9b", "\\u00c2\\u009b"},
    {"no-break space", "\xc2\xa0", "\\xc2\\xa0", "\xc2\xa0"},
    {"a byte that begins no character", "a\xffz", "a\\xffz", "a\\u00ffz"},
    {"a continuation alone", "\x80", "\\x80", "\\u0080"},
    {"cut short", "\xe2\x82", "\\xe2\\x82", "\\u00e2\\u0082"},
    {"interrupted", "\xe2\x82z", "\\xe2\\x82z", "\\u00e2\\u0082z"},
    {"overlong, 2 bytes", "\xc0\xaf", "\\xc0\\xaf", "\\u00c0\\u00af"},
    {"overlong, 3 bytes", "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\u00e0\\u0080\\u00af"},
    {"overlong, 4 bytes", "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf",
     "\\u00f0\\u0080\\u0080\\u00af"},
    {"half of a surrogate pair", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\u00ed\\u00a0\\u0080"},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\u00f4\\u0090\\u0080\\u0080"},
    {"U+10FFFF", "\xf4\x8f\xbf\xbf", "\\xf4\\x8f\\xbf\\xbf", "\xf4\x8f\xbf\xbf"},
};

/* Each text at every place within eight bytes, before and after plain ones, in every field. */
static void test_texts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned before = 0; before < 10; before++)
      for (unsigned which = 0; which < 3; which++) {
        char text[64], quoted[2][128];
        static const char plain[] = "0123456789";
        snprintf(text, sizeof text, "%.*s%s", (int)before, plain, rows[i].text);
        snprintf(quoted[LOG_COMBINED], sizeof *quoted, "%.*s%s%s", (int)before, plain,
                 rows[i].combined, which == 0 ? " HTTP/2.0\"" : "\"");
        snprintf(quoted[LOG_JSON], sizeof *quoted, "\"%.*s%s\"", (int)before, plain, rows[i].json);
        for (unsigned format = LOG_COMBINED; format <= LOG_JSON; format++) {
          const char *line = line_of((enum log_format)format, which == 0 ? text : "/",
                                     which == 1 ? text : "", which == 2 ? text : "");
          if (!strstr(line, quoted[format]))
            fail_msg("%s: no %s in %s", rows[i].name, quoted[format], line);
        }
      }
}

/* Every byte, at every place within eight bytes; nothing beyond the text's end is read. */
static void test_every_byte(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++)
    for (size_t len = 1; len <= 17; len++)
      for (size_t at = 0; at < len; at++) {
        uint8_t text[17];
        memset(text, 'a', sizeof text);
        text[at] = (uint8_t)byte;
        struct span texts[LOG_TEXTS] = {[LOG_PATH] = span_of(text, len)};
        const char *line = write_line(LOG_COMBINED, texts);
        size_t end = strlen(line) - 1;
        assert_int_equal(line[end], '\n');
        for (size_t i = 0; i < end; i++)
          assert_true(line[i] >= ' ' && line[i] < 0x7f);
        bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
        assert_int_equal(strstr(line, "\\x") != NULL, !plain);
        line = write_line(LOG_JSON, texts);
        assert_int_equal(strstr(line, "\\") != NULL, !plain);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
      }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bounds(void **state) {
  (void)state;
  static const size_t most[LOG_TEXTS] = {[LOG_METHOD] = ACCESS_LOG_METHOD_BYTES_MAX,
                                         [LOG_SCHEME] = ACCESS_LOG_METHOD_BYTES_MAX,
                                         [LOG_AUTHORITY] = ACCESS_LOG_AUTHORITY_BYTES_MAX,
                                         [LOG_PATH] = ACCESS_LOG_PATH_BYTES_MAX,
                                         [LOG_REFERER] = ACCESS_LOG_PATH_BYTES_MAX,
                                         [LOG_USER_AGENT] = ACCESS_LOG_AUTHORITY_BYTES_MAX,
                                         [LOG_SUBJECT] = TLS_SUBJECT_BYTES_MAX};
  static uint8_t text[ACCESS_LOG_PATH_BYTES_MAX + 1];
  memset(text, 1, sizeof text);
  struct span texts[LOG_TEXTS];
  size_t all = 0;
  for (unsigned i = 0; i < LOG_TEXTS; i++) {
    for (unsigned more = 0; more < 2; more++) {
      memset(texts, 0, sizeof texts);
      texts[i] = span_of(text, most[i] + more);
      assert_int_equal(log_request_bytes(texts), most[i]);
    }
    all += most[i];
  }
  assert_int_equal(all, ACCESS_LOG_TEXT_BYTES_MAX);
  for (unsigned i = 0; i < LOG_TEXTS; i++)
    texts[i] = span_of(text, most[i] + 1);
  memset(peer.address, 0xee, sizeof peer.address);
  facts = (struct stream_facts){.protocol = "HTTP/1.1",
                                .ended_ns = UINT64_MAX,
                                .header_bytes_received = UINT64_MAX,
                                .header_bytes_sent = UINT64_MAX,
                                .body_bytes_received = UINT64_MAX,
                                .body_bytes_sent = UINT64_MAX,
                                .error_code = UINT32_MAX,
                                .status = UINT16_MAX,
                                .prioritized = true,
                                .incremental = true};
  assert_true(strlen(write_line(LOG_JSON, texts)) > 6 * (size_t)ACCESS_LOG_TEXT_BYTES_MAX);
  assert_true(strlen(write_line(LOG_COMBINED, texts)) > 4 * (size_t)ACCESS_LOG_PATH_BYTES_MAX);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {TEST(test_combined), TEST(test_json), TEST(test_texts),
                                     TEST(test_every_byte), TEST(test_bounds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
