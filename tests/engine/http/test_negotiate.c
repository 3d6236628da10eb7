/*
 * http/test_negotiate.c - Accept-Encoding (RFC 9110 section 12.5.3) and preconditions (section 13).
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "engine/http/negotiate.h"
#include "engine/site/conditional.h"

enum { ALL = 1u << CODING_IDENTITY | 1u << CODING_GZIP | 1u << CODING_BR };
enum { GZIP_ONLY = 1u << CODING_IDENTITY | 1u << CODING_GZIP };

struct accept_row {
  const char *fields[3];
  const char *best, *best_without_br;
};

static const struct accept_row accept_rows[] = {
    {{NULL}, "identity", "identity"},
    {{""}, "identity", "identity"}, /* an empty field: only identity */
    {{"gzip"}, "gzip", "gzip"},
    {{"GZip"}, "gzip", "gzip"},
    {{"x-gzip"}, "gzip", "gzip"},
    {{"br"}, "br", "identity"},
    {{"gzip, deflate, br"}, "br", "gzip"},
    {{"gzip, deflate, br, zstd"}, "br", "gzip"},
    {{"gzip", "br"}, "br", "gzip"}, /* two fields */
    {{"br;q=0.5, gzip;q=0.8"}, "gzip", "gzip"},
    {{"br;q=0.001, gzip;q=0.002"}, "gzip", "gzip"},
    {{"gzip;q=0.5"}, "gzip", "gzip"}, /* identity unsaid: gzip was asked for */
    {{"identity;q=1, gzip;q=0.5"}, "identity", "identity"},
    {{"identity, gzip"}, "gzip", "gzip"},
    {{"gzip;q=0"}, "identity", "identity"},
    {{"gzip;q=0, *"}, "br", "identity"},
    {{"*"}, "br", "gzip"},
    {{"*;q=0"}, "identity", "identity"},
    {{"*;q=0.5, br;q=0"}, "gzip", "gzip"},
    {{"identity;q=0"}, "identity", "identity"}, /* the last resort */
    {{"identity;q=0, gzip;q=0.1"}, "gzip", "gzip"},
    {{"gzip ; q=0.5 , br ; q=0.9"}, "br", "gzip"},
    {{"gzip;Q=1.000"}, "gzip", "gzip"},
    {{",,gzip,,"}, "gzip", "gzip"},
    {{"gzip;q=1.1"}, "identity", "identity"}, /* malformed elements are skipped */
    {{"gzip;q=0.0001"}, "identity", "identity"},
    {{"gzip;q="}, "identity", "identity"},
    {{"gzip;q"}, "identity", "identity"},
    {{"gzip;q=-1"}, "identity", "identity"},
    {{"gzip;q=2"}, "identity", "identity"},
    {{"gzip;x=1"}, "identity", "identity"},
    {{"gzip;q=1;q=0"}, "identity", "identity"},
    {{"gzip;q=.5, br"}, "br", "identity"},
    {{"gzipx"}, "identity", "identity"},
    {{";;;,q=1,=;"}, "identity", "identity"},
};

static const char *name(enum coding coding) {
  static const char *const names[] = {"identity", "gzip", "br"};
  return names[coding];
}

static void accept_encoding(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof accept_rows / sizeof accept_rows[0]; i++) {
    const struct accept_row *row = &accept_rows[i];
    struct header at[4] = {header_of(TOKEN_REFERER, span_text("br"))};
    struct headers fields = {.at = at, .count = 1, .max = 4};
    for (int k = 0; k < 3 && row->fields[k]; k++)
      at[fields.count++] = header_of(TOKEN_ACCEPT_ENCODING, span_text(row->fields[k]));
    struct negotiation negotiation;
    negotiate_read(&negotiation, &fields);
    const char *all = name(negotiate_best(&negotiation, ALL));
    const char *gzip = name(negotiate_best(&negotiation, GZIP_ONLY));
    if (strcmp(all, row->best) != 0 || strcmp(gzip, row->best_without_br) != 0)
      fail_msg("%s: %s and %s", row->fields[0] ? row->fields[0] : "(none)", all, gzip);
    assert_int_equal(negotiate_best(&negotiation, 1u << CODING_IDENTITY), CODING_IDENTITY);
    assert_int_equal(negotiate_best(&negotiation, 0), CODING_IDENTITY);
  }
}

static void coding_names(void **state) {
  (void)state;
  assert_true(span_is(coding_name(CODING_BR), "br"));
  assert_true(span_is(coding_suffix(CODING_BR), ".br"));
  assert_true(span_is(coding_name(CODING_GZIP), "gzip"));
  assert_true(span_is(coding_suffix(CODING_GZIP), ".gz"));
  assert_int_equal(coding_name(CODING_IDENTITY).len, 0);
  assert_int_equal(coding_suffix(CODING_IDENTITY).len, 0);
}

/* ---- preconditions --------------------------------------------------------------------------- */

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT  "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct validators ours = {
    .etag = {(const uint8_t *)"\"abc\"", 5},
    .modified_seconds = 784111777,
    .now_seconds = 1750000000,
};

struct condition_row {
  struct {
    enum header_token token;
    const char *value;
  } fields[3];
  const char *expected; /* go, 304 or 412 */
};

static const struct condition_row condition_rows[] = {
    {{{0}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "W/\"abc\""}}, "304"}, /* weak comparison, section 13.1.2 */
    {{{TOKEN_IF_NONE_MATCH, "*"}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x\", \"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x,\"abc\""}}, "go"}, /* the comma is inside of the first tag */
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "abc"}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "w/\"abc\""}}, "go"}, /* W is case-sensitive, section 8.8.3 */
    {{{TOKEN_IF_NONE_MATCH, ""}}, "go"},
    {{{TOKEN_IF_MODIFIED_SINCE, EXACT}}, "304"},
    {{{TOKEN_IF_MODIFIED_SINCE, AFTER}}, "304"},
    {{{TOKEN_IF_MODIFIED_SINCE, BEFORE}}, "go"},
    {{{TOKEN_IF_MODIFIED_SINCE, "yesterday"}}, "go"},
    {{{TOKEN_IF_MODIFIED_SINCE, AFTER}, {TOKEN_IF_MODIFIED_SINCE, AFTER}}, "go"},
    /* If-None-Match decides alone, section 13.1.3 */
    {{{TOKEN_IF_NONE_MATCH, "\"x\""}, {TOKEN_IF_MODIFIED_SINCE, AFTER}}, "go"},
    {{{TOKEN_IF_NONE_MATCH, "\"abc\""}, {TOKEN_IF_MODIFIED_SINCE, BEFORE}}, "304"},
    {{{TOKEN_IF_MATCH, "\"abc\""}}, "go"},
    {{{TOKEN_IF_MATCH, "*"}}, "go"},
    {{{TOKEN_IF_MATCH, "W/\"abc\""}}, "412"}, /* strong comparison, section 13.1.1 */
    {{{TOKEN_IF_MATCH, "\"x\""}}, "412"},
    {{{TOKEN_IF_MATCH, "\"x\",\"abc\""}}, "go"},
    {{{TOKEN_IF_MATCH, "\"abc\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "304"},
    {{{TOKEN_IF_MATCH, "\"x\""}, {TOKEN_IF_NONE_MATCH, "\"abc\""}}, "412"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, BEFORE}}, "412"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, EXACT}}, "go"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, AFTER}}, "go"},
    {{{TOKEN_IF_UNMODIFIED_SINCE, "never"}}, "go"},
    /* If-Match decides alone, section 13.1.4 */
    {{{TOKEN_IF_MATCH, "\"abc\""}, {TOKEN_IF_UNMODIFIED_SINCE, BEFORE}}, "go"},
};

static struct headers list(const struct condition_row *row, struct header at[3]) {
  struct headers fields = {.at = at, .max = 3};
  for (int k = 0; k < 3 && row->fields[k].value; k++)
    at[fields.count++] = header_of(row->fields[k].token, span_text(row->fields[k].value));
  return fields;
}

static void preconditions(void **state) {
  (void)state;
  static const char *const results[] = {"go", "304", "412"};
  for (size_t i = 0; i < sizeof condition_rows / sizeof condition_rows[0]; i++) {
    const struct condition_row *row = &condition_rows[i];
    struct header at[3];
    struct headers fields = list(row, at);
    const char *got = results[conditional_evaluate(&fields, &ours)];
    if (strcmp(got, row->expected) != 0)
      fail_msg("row %zu: %s, expected %s", i, got, row->expected);
  }
}

static bool if_range(const char *value, int64_t now_seconds) {
  struct header at[1] = {header_of(TOKEN_IF_RANGE, span_text(value))};
  struct headers fields = {.at = at, .count = 1, .max = 1};
  struct validators validators = ours;
  validators.now_seconds = now_seconds;
  return conditional_range_counts(&fields, &validators);
}

static void if_range_rows(void **state) {
  (void)state;
  const int64_t later = 1750000000;
  struct headers none = {0};
  assert_true(conditional_range_counts(&none, &ours));
  assert_true(if_range("\"abc\"", later));
  assert_false(if_range("W/\"abc\"", later)); /* section 13.1.5: strong comparison */
  assert_false(if_range("\"x\"", later));
  assert_false(if_range("abc", later));
  assert_false(if_range("", later));
  assert_true(if_range(EXACT, later));
  assert_true(if_range("Sunday, 06-Nov-94 08:49:37 GMT", later));
  assert_false(if_range(BEFORE, later)); /* exact match only */
  assert_false(if_range(AFTER, later));
  assert_false(if_range(EXACT, ours.modified_seconds)); /* the second is not over yet */
  assert_true(if_range(EXACT, ours.modified_seconds + 1));
  assert_false(if_range(EXACT, 0)); /* the time is unknown */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accept_encoding),
      cmocka_unit_test(coding_names),
      cmocka_unit_test(preconditions),
      cmocka_unit_test(if_range_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
