/*
 * http/test_negotiate.c - Accept-Encoding (RFC 9110 section 12.5.3).
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "engine/http/negotiate.h"

enum { ALL = 1u << CODING_IDENTITY | 1u << CODING_GZIP | 1u << CODING_ZSTD | 1u << CODING_BR };
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
    {{"zstd"}, "zstd", "identity"},
    {{"gzip, zstd"}, "zstd", "gzip"},
    {{"br;q=0.9, zstd"}, "zstd", "identity"},
    {{"br;q=0.5, gzip;q=0.8"}, "gzip", "gzip"},
    {{"br;q=0.001, gzip;q=0.002"}, "gzip", "gzip"},
    {{"gzip;q=0.5"}, "gzip", "gzip"}, /* identity unsaid: gzip was asked for */
    {{"identity;q=1, gzip;q=0.5"}, "identity", "identity"},
    {{"identity, gzip"}, "gzip", "gzip"},
    {{"gzip;q=0"}, "identity", "identity"},
    {{"gzip;q=0, *"}, "br", "identity"},
    {{"*"}, "br", "gzip"},
    {{"*;q=0"}, "identity", "identity"},
    {{"*;q=0.5, br;q=0"}, "zstd", "gzip"},
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
  static const char *const names[] = {"identity", "gzip", "zstd", "br"};
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

/* `text` behind so many bytes of other elements. */
static struct span behind(char *room, size_t bytes, const char *text) {
  memset(room, 'a', bytes);
  if (bytes > 0) room[bytes - 1] = ',';
  memcpy(room + bytes, text, strlen(text));
  return span_of(room, bytes + strlen(text));
}

/* FIELD_LIST_BYTES_MAX bytes of all fields are looked at, in whole elements. */
static void long_fields(void **state) {
  static const struct {
    size_t first, second; /* bytes before `text`: of a field before it, and in its own */
    const char *text, *best;
  } rows[] = {
      {0, FIELD_LIST_BYTES_MAX - 4, "gzip", "gzip"},
      {0, FIELD_LIST_BYTES_MAX - 4, "gzip,br", "gzip"},
      {0, FIELD_LIST_BYTES_MAX - 3, "gzip", "identity"},
      {0, FIELD_LIST_BYTES_MAX - 4, "gzip;q=0", "identity"}, /* not "gzip" */
      {FIELD_LIST_BYTES_MAX - 4, 0, "gzip", "gzip"},
      {FIELD_LIST_BYTES_MAX - 3, 0, "gzip", "identity"},
      {FIELD_LIST_BYTES_MAX + 1, 0, "gzip", "identity"},
      {9 * FIELD_LIST_BYTES_MAX, 0, ",gzip", "identity"},
  };
  static char room[2][10 * FIELD_LIST_BYTES_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct header at[2] = {
        header_of(TOKEN_ACCEPT_ENCODING, behind(room[0], rows[i].first, "")),
        header_of(TOKEN_ACCEPT_ENCODING, behind(room[1], rows[i].second, rows[i].text))};
    struct headers fields = {.at = at, .count = 2, .max = 2};
    struct negotiation negotiation;
    negotiate_read(&negotiation, &fields);
    if (strcmp(name(negotiate_best(&negotiation, ALL)), rows[i].best) != 0)
      fail_msg("row %zu: %s", i, name(negotiate_best(&negotiation, ALL)));
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accept_encoding),
      cmocka_unit_test(long_fields),
      cmocka_unit_test(coding_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
