/*
 * site/test_vary.c - which responses say that they depend on Accept-Encoding (RFC 9110 section 12.5.5).
 */
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/made.h"

/* A response varies if and only if another Accept-Encoding could have led to another one. */
static void what_varies(void **state) {
  enum { NONE, GZIP, BR, ALL, CODINGS };
  static const char *const accept[CODINGS] = {"identity", "gzip", "br", "gzip, br, zstd"};
  static const struct {
    const char *path;
    struct {
      enum header_token token;
      const char *value;
    } field;
    unsigned status[CODINGS];
    const char *varies; /* a letter for each of `accept`: y or n */
  } cases[] = {
      {"/digits.txt", {0}, {200, 200, 200, 200}, "nnnn"},
      {"/digits.txt", {TOKEN_RANGE, "bytes=1-2"}, {206, 206, 206, 206}, "nnnn"},
      {"/digits.txt", {TOKEN_RANGE, "bytes=10-"}, {416, 416, 416, 416}, "nnnn"},
      {"/digits.txt", {TOKEN_IF_NONE_MATCH, "*"}, {304, 304, 304, 304}, "nnnn"},
      {"/digits.txt", {TOKEN_IF_MATCH, "\"x\""}, {412, 412, 412, 412}, "nnnn"},
      {"/app.js", {0}, {200, 200, 200, 200}, "yyyy"},
      {"/app.js", {TOKEN_RANGE, "bytes=1-1"}, {206, 206, 206, 206}, "yyyy"},
      {"/app.js", {TOKEN_RANGE, "bytes=0-0,1-1"}, {206, 200, 200, 200}, "yyyy"},
      {"/app.js", {TOKEN_RANGE, "bytes=3-"}, {206, 206, 416, 416}, "yyyy"},
      {"/app.js", {TOKEN_RANGE, "bytes=100-"}, {416, 416, 416, 416}, "yyyy"},
      {"/app.js", {TOKEN_IF_NONE_MATCH, "*"}, {304, 304, 304, 304}, "yyyy"},
      {"/app.js", {TOKEN_IF_MATCH, "\"x\""}, {412, 412, 412, 412}, "yyyy"},
      {"/style.css", {0}, {200, 200, 200, 200}, "yyyy"},    /* .gz alone */
      {"/packed.js", {0}, {404, 200, 200, 200}, "yyyy"},    /* siblings alone */
      {"/zipped.txt", {0}, {200, 200, 200, 200}, "yyyy"},   /* .zst alone */
      {"/only.txt", {0}, {404, 404, 404, 200}, "yyyy"},     /* .zst alone, without the file */
      {"/packed/", {0}, {404, 200, 404, 200}, "yyyy"},      /* .gz alone, without the file */
      {"/drawing.svgz", {0}, {200, 200, 200, 200}, "nnnn"}, /* has none */
      {"/missing.svgz", {0}, {404, 404, 404, 404}, "nnnn"}, /* nor would have any */
      {"/nothing.txt", {0}, {404, 404, 404, 404}, "yyyn"},  /* the last one looked for all */
      {"/secret", {0}, {403, 403, 403, 403}, "nnnn"},       /* before any sibling */
      {"/sub", {0}, {301, 301, 301, 301}, "nnnn"},
      {"/odd/", {0}, {404, 404, 404, 404}, "nnnn"},
      {"/a%00b", {0}, {404, 404, 404, 404}, "nnnn"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (int coding = 0; coding < CODINGS; coding++)
      for (int head = 0; head < 2; head++) {
        struct fake_stream fake = {0};
        struct made_question asked = {
            head ? "HEAD" : "GET", cases[i].path, {{TOKEN_ACCEPT_ENCODING, accept[coding]}}};
        asked.fields[1].token = cases[i].field.token;
        asked.fields[1].value = cases[i].field.value;
        made_ask(&fake, &asked);
        fake_pull_all(&fake, 100);
        bool range = cases[i].field.token == TOKEN_RANGE && cases[i].field.value;
        if (fake.status != (head && range ? 200 : cases[i].status[coding]))
          fail_msg("case %zu, %s: status %u", i, accept[coding], fake.status);
        const char *varies = fake_field(&fake, "vary");
        if ((varies != NULL) != (cases[i].varies[coding] == 'y'))
          fail_msg("case %zu, %s: vary %s", i, accept[coding], varies ? varies : "(none)");
        if (varies) assert_string_equal(varies, "accept-encoding");
        fake_free(&fake);
      }
}

/* A sibling that could not be looked at may be there. */
static void siblings_that_cannot_be_seen(void **state) {
  static const enum site_result results[] = {SITE_BUSY, SITE_FAILED, SITE_FORBIDDEN, SITE_MISSING};
  struct made_file *sibling = &made.files[14];
  (void)state;
  assert_string_equal(sibling->path, "style.css.gz");
  for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
    struct fake_stream fake = {0};
    sibling->instead = results[i];
    made.now_ns += 2 * SITE_SIBLINGS_NS;
    for (int again = 0; again < 2; again++) {
      made_ask(&fake,
               &(struct made_question){"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "gzip"}}});
      fake_pull_all(&fake, 100);
      made_assert_body(&fake, "p{}");
      made_assert_field(&fake, "vary", i < 2 ? "accept-encoding" : NULL);
      fake_free(&fake);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(what_varies),
      MADE_TEST(siblings_that_cannot_be_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
