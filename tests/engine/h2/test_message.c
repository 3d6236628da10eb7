/*
 * h2/test_message.c - all 256 octets in names, values and each pseudo-header field, first, in the
 * middle and last, through the whole of a server connection (RFC 9113 sections 8.2 and 8.3); and
 * the request that a handler sees.
 *
 * The rules are written here from the RFCs, independently of the engine's tables. Where the RFCs
 * leave a choice, the comment gives weir's.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

#include "engine/h2/message.h"
#include "engine/http/expectation.h"

static struct script script;

/* ---- what is allowed ------------------------------------------------------------------------- */

static bool is_alpha(unsigned c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(unsigned c) {
  return c >= '0' && c <= '9';
}

static bool is_one_of(unsigned c, const char *set) {
  return c != 0 && c < 0x80 && strchr(set, (int)c);
}

enum place { FIRST, MIDDLE, LAST };

/* Section 8.2.1, and RFC 9110 section 5.1: a token in lower case; a leading colon makes an
 * unknown pseudo-header field. */
static bool name_allows(unsigned c, enum place place) {
  (void)place;
  return (is_alpha(c) && c >= 'a') || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

/* Section 8.2.1. Other controls are left to the handler, as are octets above 0x7f. */
static bool value_allows(unsigned c, enum place place) {
  if (c == 0 || c == '\r' || c == '\n') return false;
  return place == MIDDLE || (c != ' ' && c != '\t');
}

/* RFC 9110 section 5.6.2: a token. */
static bool method_allows(unsigned c, enum place place) {
  (void)place;
  return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

/* RFC 3986 section 3.1. */
static bool scheme_allows(unsigned c, enum place place) {
  return is_alpha(c) || (place != FIRST && (is_digit(c) || is_one_of(c, "+-.")));
}

/* RFC 3986 section 3.2: a registered name; a colon begins a port, which may be empty. The
 * characters after a percent sign are left to the handler. */
static bool authority_allows(unsigned c, enum place place) {
  if (c == ':') return place == LAST;
  return is_alpha(c) || is_digit(c) || is_one_of(c, "-._~!$&'()*+,;=%");
}

/* Visible ASCII, no fragment; others that RFC 3986 wants encoded are left to the handler. It begins with
 * a slash. */
static bool path_allows(unsigned c, enum place place) {
  if (place == FIRST) return c == '/';
  return c > 0x20 && c < 0x7f && c != '#';
}

/* ---- all octets ------------------------------------------------------------------------------ */

struct subject {
  const char *what;
  const char *before, *rest; /* the block around the octet */
  const char *parts[3];      /* the string with the octet first, in the middle, last */
  bool (*allows)(unsigned c, enum place place);
  const char *after;
};

#define M ":method=GET "
#define S ":scheme=https "
#define A ":authority=a "
#define P ":path=/hold "

static const struct subject subjects[] = {
    {"name", M S A P, "=v", {"%02xnn", "n%02xn", "nn%02x"}, name_allows, ""},
    {"value", M S A P "n=", "", {"%02xvv", "v%02xv", "vv%02x"}, value_allows, ""},
    {":method", ":method=", "", {"%02xXX", "X%02xX", "XX%02x"}, method_allows, " " S A P},
    {":scheme", ":scheme=", "", {"%02xss", "s%02xs", "ss%02x"}, scheme_allows, " " M A P},
    {":authority", ":authority=", "", {"%02xaa", "a%02xa", "aa%02x"}, authority_allows, " " M S P},
    {":path", ":path=", "", {"%02x/pp", "/p%02xp", "/pp%02x"}, path_allows, " " M S A},
};

static void try_octet(const struct subject *subject, enum place place, unsigned c) {
  char part[64], step[512];
  /* The script's %xx: the octet itself. */
  const char *at = strchr(subject->parts[place], '%');
  snprintf(part, sizeof part, "%.*s%%%02x%s", (int)(at - subject->parts[place]),
           subject->parts[place], c, at + 4);
  snprintf(step, sizeof step, "HEADERS/SH 1 [%s%s%s%s +x-sync=1]", subject->before, part,
           subject->rest, subject->after);
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, step);
  bool accepted = strncmp(script.log, "request 1 ", 10) == 0;
  bool rejected = strcmp(script.log, "HEADERS 1 400 end, RST_STREAM 1 PROTOCOL_ERROR") == 0;
  if (accepted != subject->allows(c, place) || accepted == rejected)
    fail_msg("%s with %02x (%s): %s", subject->what, c, part, script.log);
  if (c % 16 == 0 || rejected) script_check(&script); /* HPACK is still in step */
  script_close(&script);
}

static void test_octets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
    for (unsigned c = 0; c < 256; c++)
      for (unsigned place = FIRST; place <= LAST; place++)
        try_octet(&subjects[i], (enum place)place, c);
}

/* A value is checked when it is read, and the result stays with it in the dynamic table. */
static void test_indexed(void **state) {
  (void)state;
  for (unsigned c = 0; c < 256; c++)
    for (unsigned place = FIRST; place <= LAST; place++) {
      static const char *const values[] = {"%%%02xv", "v%%%02xv", "v%%%02x"};
      char value[16], step[256];
      snprintf(value, sizeof value, values[place], c);
      snprintf(step, sizeof step, "HEADERS/SH 1 [@hold +n=%s]; HEADERS/SH 3 [@hold #62]", value);
      script_begin(&script, H2_SERVER, NULL, false);
      script_run(&script, step);
      bool allowed = value_allows(c, (enum place)place);
      assert_string_equal(script.log, allowed ? "request 1 GET /hold end, request 3 GET /hold end"
                                              : "HEADERS 1 400 end, RST_STREAM 1 PROTOCOL_ERROR, "
                                                "HEADERS 3 400 end, RST_STREAM 3 PROTOCOL_ERROR");
      script_close(&script);
    }
}

/* The same octets in a response and in trailers of both directions. */
static void test_other_sections(void **state) {
  (void)state;
  static const char *const sections[] = {
      "HEADERS/SH 1 [@ok n=v%%%02xv]",
      "HEADERS/H 1 [@ok]; HEADERS/SH 1 [n=v%%%02xv]",
      "HEADERS/H 1 [:status=103 n=v%%%02xv]",
  };
  for (unsigned c = 0; c < 256; c++) {
    char step[256];
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
      script_begin(&script, H2_CLIENT, NULL, false);
      script_run(&script, "!request /a");
      snprintf(step, sizeof step, sections[i], c);
      script_run(&script, step);
      assert_int_equal(!strstr(script.log, "RST_STREAM"), value_allows(c, MIDDLE));
      script_close(&script);
    }
    script_begin(&script, H2_SERVER, NULL, false);
    snprintf(step, sizeof step, "HEADERS/H 1 [@post]; HEADERS/SH 1 [n%%%02xn=v]", c);
    script_run(&script, step);
    assert_int_equal(!strstr(script.log, "RST_STREAM"), name_allows(c, MIDDLE));
    script_close(&script);
  }
}

/* ---- one section, without a connection ------------------------------------------------------- */

static struct header fields[16];
static uint8_t arena[256];
static struct headers list;

/* "name: value" lines; the flags are what a decoder would set. */
static struct headers *section(const char *text) {
  headers_init(&list, fields, 16, arena, sizeof arena, 4096);
  while (*text) {
    size_t len = strcspn(text, "\n");
    const char *colon = memchr(text + 1, ':', len - 1);
    struct header field = {.name = span_of(text, (size_t)(colon - text)),
                           .value = span_of(colon + 2, (size_t)(text + len - colon - 2))};
    field.token = (uint16_t)header_token_of(field.name);
    field.flags = header_name_flags(field.name) | header_value_flags(field.value) |
                  header_pseudo_flags(field.token, field.value);
    headers_add(&list, field);
    text += len + (text[len] == '\n');
  }
  return &list;
}

#define GET ":method: GET\n:scheme: https\n:authority: a\n:path: /x?y\n"

static void test_request(void **state) {
  (void)state;
  struct request request;
  struct headers *headers = section(GET "content-length: 12\nx: y");
  assert_int_equal(h2_message_request(headers, false, &request).scope, H2_ACCEPT);
  assert_true(span_is(request.method, "GET"));
  assert_true(span_is(request.scheme, "https"));
  assert_true(span_is(request.authority, "a"));
  assert_true(span_is(request.path, "/x?y"));
  assert_int_equal(request.protocol.len, 0);
  assert_int_equal(request.content_length, 12);
  assert_int_equal(headers->count, 6);
  assert_false(h2_message_pushable(&request));
  assert_int_equal(expectation_of(headers), EXPECT_NOTHING);
  assert_non_null(headers_find(headers, TOKEN_CONTENT_LENGTH));
  headers = section(GET "x: y\nexpect: 100-continue");
  assert_int_equal(h2_message_request(headers, false, &request).scope, H2_ACCEPT);
  assert_int_equal(expectation_of(headers), EXPECT_CONTINUE);
}

/* Section 8.2.3: one field, at the place of the first crumb. */
static void test_cookies(void **state) {
  (void)state;
  struct request request;
  struct headers *headers = section(GET "cookie: a=b\nx: y\ncookie: c=d\ncookie: \ncookie: e=f");
  assert_int_equal(h2_message_request(headers, false, &request).scope, H2_ACCEPT);
  assert_int_equal(headers->count, 6);
  assert_true(span_is(headers->at[4].value, "a=b; c=d; ; e=f"));
  assert_true(span_is(headers->at[5].name, "x"));
}

/* One never-indexed crumb makes the joined field never-indexed. */
static void test_cookie_that_is_never_indexed(void **state) {
  (void)state;
  struct request request;
  struct headers *headers = section(GET "cookie: a=b\ncookie: secret=c");
  headers->at[5].flags |= HEADER_NEVER_INDEX;
  assert_int_equal(h2_message_request(headers, false, &request).scope, H2_ACCEPT);
  assert_true(headers->at[4].flags & HEADER_NEVER_INDEX);
}

/* Without room to join them, the list is too large, but the message is not malformed. */
static void test_cookies_too_large(void **state) {
  (void)state;
  static char text[1024] = GET;
  struct request request;
  for (int i = 0; i < 2; i++) {
    strcat(text, "cookie: ");
    for (int k = 0; k < 150; k++)
      strcat(text, "c");
    strcat(text, "\n");
  }
  struct headers *headers = section(text);
  assert_int_equal(h2_message_request(headers, false, &request).code, H2_ENHANCE_YOUR_CALM);
  assert_true(headers->overflowed);
}

static void test_host(void **state) {
  (void)state;
  struct request request;
  assert_int_equal(h2_message_request(section(":method: GET\n:scheme: http\n:path: /\nhost: h:80"),
                                      false, &request)
                       .scope,
                   H2_ACCEPT);
  assert_true(span_is(request.authority, "h:80"));
}

struct expectation_row {
  const char *text;
  enum expectation expected;
};

static void test_expectations(void **state) {
  (void)state;
  static const struct expectation_row rows[] = {
      {GET, EXPECT_NOTHING},
      {GET "expect: 100-continue", EXPECT_CONTINUE},
      {GET "expect: 100-CONTINUE", EXPECT_CONTINUE},
      {GET "expect: 100-continue, 100-continue", EXPECT_CONTINUE},
      {GET "expect: , \t100-continue ,", EXPECT_CONTINUE},
      {GET "expect: ", EXPECT_NOTHING},
      {GET "expect: ,", EXPECT_NOTHING},
      {GET "expect: 100-continue=1", EXPECT_UNKNOWN},
      {GET "expect: 100", EXPECT_UNKNOWN},
      {GET "expect: 100-continue, x", EXPECT_UNKNOWN},
      {GET "expect: 100-continue\nexpect: x", EXPECT_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(expectation_of(section(rows[i].text)), rows[i].expected);
}

/* FIELD_LIST_BYTES_MAX bytes of them are looked at. */
static void test_many_expectations(void **state) {
  static char text[FIELD_LIST_BYTES_MAX + 2];
  (void)state;
  for (int more = 0; more < 2; more++) {
    const size_t len = FIELD_LIST_BYTES_MAX + (size_t)more;
    memset(text, ',', len);
    text[len - 1] = 'x';
    struct header at[1] = {header_of(TOKEN_EXPECT, span_of(text, len))};
    struct headers one = {.at = at, .count = 1, .max = 1};
    assert_int_equal(expectation_of(&one), more ? EXPECT_NOTHING : EXPECT_UNKNOWN);
  }
}

struct response_row {
  const char *text;
  unsigned status; /* 0: malformed */
};

static void test_responses(void **state) {
  (void)state;
  static const struct response_row rows[] = {
      {":status: 100", 100}, {":status: 599", 599}, {":status: 999", 999}, {":status: 099", 0},
      {":status: 000", 0},   {":status: 101", 0},   {":status: 20", 0},    {":status: 0200", 0},
      {":status: +20", 0},   {":status: 20x", 0},   {":status: ", 0},      {"x: y", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned status = 0;
    int64_t content_length;
    struct h2_verdict verdict =
        h2_message_response(section(rows[i].text), &status, &content_length);
    assert_int_equal(verdict.scope, rows[i].status ? H2_ACCEPT : H2_STREAM_ERROR);
    if (rows[i].status) assert_int_equal(status, rows[i].status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_octets),
      cmocka_unit_test(test_indexed),
      cmocka_unit_test(test_other_sections),
      cmocka_unit_test(test_request),
      cmocka_unit_test(test_cookie_that_is_never_indexed),
      cmocka_unit_test(test_cookies),
      cmocka_unit_test(test_cookies_too_large),
      cmocka_unit_test(test_host),
      cmocka_unit_test(test_expectations),
      cmocka_unit_test(test_many_expectations),
      cmocka_unit_test(test_responses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
