/*
 * site/test_recode.c - files that are sent in another coding than they have on disk: compressed on the fly, or
 * decoded for clients that do not take what there is.
 */
#include "engine/site/limits.h"
#include "engine/site/mime.h"
#include "engine/site/rules.h"
#include "tests/support/cmocka.h"
#include "tests/support/made.h"

#include <string.h>

#define SIZE_AND_TIME "400-ae1b981bc490a05"

static void reopen(unsigned encodings, const struct site_rules *rules) {
  made.recodes = true;
  made_reopen((struct site_settings){.encodings = encodings, .rules = rules});
}

enum { ALL_ENCODINGS = 1 << CODING_GZIP | 1 << CODING_ZSTD | 1 << CODING_BR };

static void ask(struct fake_stream *fake, const char *path, const char *accept,
                enum header_token token, const char *value) {
  struct made_question asked = {"GET", path, {{TOKEN_ACCEPT_ENCODING, accept}}};
  if (!accept) asked.fields[0].token = 0;
  asked.fields[accept ? 1 : 0].token = token;
  asked.fields[accept ? 1 : 0].value = value;
  made_ask(fake, &asked);
  fake_pull_all(fake, 5000);
}

/* ---- compressed on the fly ------------------------------------------------------------------- */

static void what_is_compressed(void **state) {
  static const struct {
    const char *path, *accept;
    const char *encoding; /* NULL: as it is */
    const char *etag;     /* NULL: not compared */
    bool varies;
  } rows[] = {
      {"/long.css", NULL, NULL, "\"" SIZE_AND_TIME "\"", true},
      {"/long.css", "identity", NULL, "\"" SIZE_AND_TIME "\"", true},
      {"/long.css", "gzip", "gzip", "W/\"" SIZE_AND_TIME "-gz\"", true},
      {"/long.css", "zstd", "zstd", "W/\"" SIZE_AND_TIME "-zst\"", true},
      {"/long.css", "gzip, br, zstd", "br", "W/\"" SIZE_AND_TIME "-br\"", true},
      {"/long.css", "br;q=0.5, gzip", "gzip", NULL, true},
      {"/long.css", "br;q=0.5, identity", NULL, NULL, true},
      {"/long.css", "identity;q=0, gzip;q=0.1", "gzip", NULL, true},
      {"/long.css", "identity;q=0", NULL, NULL, true}, /* the last resort */
      {"/digits.txt", "gzip, br", NULL, NULL, false},  /* small */
      {"/large.bin", "gzip, br", NULL, NULL, false},   /* bytes */
  };
  (void)state;
  reopen(ALL_ENCODINGS, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct fake_stream fake = {0};
    made.recode_count = 0;
    ask(&fake, rows[i].path, rows[i].accept, 0, NULL);
    assert_int_equal(fake.status, 200);
    made_assert_field(&fake, "content-encoding", rows[i].encoding);
    made_assert_field(&fake, "vary", rows[i].varies ? "accept-encoding" : NULL);
    made_assert_field(&fake, "accept-ranges", rows[i].encoding ? NULL : "bytes");
    if (rows[i].etag) made_assert_field(&fake, "etag", rows[i].etag);
    assert_int_equal(made.recode_count, rows[i].encoding ? 1 : 0);
    if (rows[i].encoding) {
      assert_int_equal(made.recode_asked.from, CODING_IDENTITY);
      made_assert_body(&fake, "MADE");
      made_assert_field(&fake, "content-length", "4");
      made_assert_field(&fake, "content-type", "text/css; charset=utf-8");
      made_assert_field(&fake, "last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    }
    fake_free(&fake);
  }
}

static void only_what_the_settings_allow(void **state) {
  (void)state;
  reopen(1 << CODING_GZIP, NULL);
  struct fake_stream fake = {0};
  ask(&fake, "/long.css", "br", 0, NULL);
  made_assert_field(&fake, "content-encoding", NULL);
  fake_free(&fake);
  reopen(0, NULL);
  fake = (struct fake_stream){0};
  ask(&fake, "/long.css", "br, gzip", 0, NULL);
  made_assert_field(&fake, "content-encoding", NULL);
  made_assert_field(&fake, "vary", NULL);
  fake_free(&fake);
}

static void no_transform(void **state) {
  static const struct {
    const char *value;
    bool compressed;
  } rows[] = {{"max-age=5", true},
              {"max-age=5, no-transform", false},
              {"No-Transform", false},
              {"x-no-transform", true}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct site_cache_rule cache = {span_text("*"), span_text(rows[i].value)};
    struct site_rules rules = site_rules_default;
    rules.cache = &cache;
    rules.cache_count = 1;
    reopen(ALL_ENCODINGS, &rules);
    struct fake_stream fake = {0};
    ask(&fake, "/long.css", "gzip", 0, NULL);
    made_assert_field(&fake, "content-encoding", rows[i].compressed ? "gzip" : NULL);
    made_assert_field(&fake, "cache-control", rows[i].value);
    fake_free(&fake);
    reopen(0, NULL); /* before the rules go */
  }
}

/* Siblings win, whatever the client would rather have. */
static void siblings_win(void **state) {
  (void)state;
  reopen(ALL_ENCODINGS, NULL);
  struct fake_stream fake = {0};
  ask(&fake, "/app.js", "br, gzip, zstd", 0, NULL);
  made_assert_body(&fake, "BR");
  made_assert_field(&fake, "accept-ranges", "bytes");
  assert_int_equal(made.recode_count, 0);
  fake_free(&fake);
}

/* ---- conditions and ranges ------------------------------------------------------------------- */

static void conditions(void **state) {
  static const struct {
    enum header_token token;
    const char *value;
    unsigned status;
  } rows[] = {
      {TOKEN_IF_NONE_MATCH, "W/\"" SIZE_AND_TIME "-gz\"", 304},
      {TOKEN_IF_NONE_MATCH, "\"" SIZE_AND_TIME "-gz\"", 304}, /* compared weakly */
      {TOKEN_IF_NONE_MATCH, "\"" SIZE_AND_TIME "\"", 200},    /* the file itself */
      {TOKEN_IF_MATCH, "W/\"" SIZE_AND_TIME "-gz\"", 412},    /* compared strongly */
      {TOKEN_IF_MATCH, "\"" SIZE_AND_TIME "-gz\"", 412},
      {TOKEN_IF_MATCH, "*", 200},
      {TOKEN_IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT", 304},
  };
  (void)state;
  reopen(ALL_ENCODINGS, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct fake_stream fake = {0};
    ask(&fake, "/long.css", "gzip", rows[i].token, rows[i].value);
    if (fake.status != rows[i].status) fail_msg("row %zu: status %u", i, fake.status);
    made_assert_field(&fake, "vary", "accept-encoding");
    fake_free(&fake);
  }
}

/* A range is one of the file; a client that refuses the file as it is gets the whole, compressed. */
static void ranges(void **state) {
  (void)state;
  reopen(ALL_ENCODINGS, NULL);
  struct fake_stream fake = {0};
  ask(&fake, "/long.css", "gzip, br", TOKEN_RANGE, "bytes=0-3");
  assert_int_equal(fake.status, 206);
  made_assert_body(&fake, "p { ");
  made_assert_field(&fake, "content-encoding", NULL);
  made_assert_field(&fake, "etag", "\"" SIZE_AND_TIME "\"");
  fake_free(&fake);

  fake = (struct fake_stream){0};
  ask(&fake, "/long.css", "gzip, identity;q=0", TOKEN_RANGE, "bytes=0-1");
  assert_int_equal(fake.status, 200);
  made_assert_body(&fake, "MADE");
  fake_free(&fake);
}

/* ---- decoded --------------------------------------------------------------------------------- */

static void only_siblings_exist(void **state) {
  static const struct {
    const char *path, *accept, *body, *encoding;
    enum coding from;
  } rows[] = {
      {"/packed.js", "gzip", "GZIPP", "gzip", 0},
      {"/packed.js", "br", "BRO", "br", 0},
      {"/packed.js", NULL, "MADE", NULL, CODING_BR},
      {"/packed.js", "zstd", "MADE", NULL, CODING_BR},
      {"/packed/", "br", "MADE", NULL, CODING_GZIP},
      {"/only.txt", "zstd", "ZSTDD", "zstd", 0},
      {"/only.txt", "br", "MADE", NULL, CODING_ZSTD},
  };
  (void)state;
  reopen(0, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct fake_stream fake = {0};
    ask(&fake, rows[i].path, rows[i].accept, 0, NULL);
    if (fake.status != 200) fail_msg("row %zu: status %u", i, fake.status);
    made_assert_body(&fake, rows[i].body);
    made_assert_field(&fake, "content-encoding", rows[i].encoding);
    made_assert_field(&fake, "vary", "accept-encoding");
    if (!rows[i].encoding) assert_int_equal(made.recode_asked.from, rows[i].from);
    fake_free(&fake);
  }
  struct fake_stream fake = {0};
  ask(&fake, "/nothing.txt", NULL, 0, NULL);
  assert_int_equal(fake.status, 404);
  made_assert_field(&fake, "vary", NULL); /* all were looked for */
  fake_free(&fake);
}

/* ---- waiting and failing --------------------------------------------------------------------- */

/* Asks for a file that is known, as its siblings are. Making its other form is under way afterwards. */
static void ask_and_wait(struct fake_stream *fake) {
  reopen(ALL_ENCODINGS, NULL);
  ask(fake, "/long.css", NULL, 0, NULL);
  fake_free(fake);
  *fake = (struct fake_stream){0};
  made.lookups_wait = true;
  struct made_question asked = {"GET", "/long.css", {{TOKEN_ACCEPT_ENCODING, "gzip"}}};
  made_ask(fake, &asked);
  made_lookup_done();
}

static void it_may_take_time(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask_and_wait(&fake);
  assert_int_equal(fake.status, 0);
  made_lookup_done();
  fake_pull_all(&fake, 100);
  made_assert_body(&fake, "MADE");
  fake_free(&fake);
}

static void a_stream_may_end_meanwhile(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  ask_and_wait(&fake);
  fake_closed(&fake, 8);
  assert_int_equal(made.waiting_count, 0);
  fake_free(&fake);
}

/* The file itself can always be sent; a sibling that the client does not take cannot. */
static void results(void **state) {
  static const struct {
    enum site_result result;
    unsigned decoded;
  } rows[] = {{SITE_MISSING, 404}, {SITE_BUSY, 503}, {SITE_FAILED, 500}};
  (void)state;
  reopen(ALL_ENCODINGS, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    made.recode_result = rows[i].result;
    struct fake_stream fake = {0};
    ask(&fake, "/long.css", "gzip", 0, NULL);
    assert_int_equal(fake.status, 200);
    made_assert_field(&fake, "content-encoding", NULL);
    made_assert_field(&fake, "content-length", "1024");
    fake_free(&fake);
    fake = (struct fake_stream){0};
    ask(&fake, "/packed.js", NULL, 0, NULL);
    assert_int_equal(fake.status, rows[i].decoded);
    fake_free(&fake);
  }
}

static void types(void **state) {
  static const struct {
    const char *type;
    bool compressible;
  } rows[] = {
      {"text/html; charset=utf-8", true},
      {"TEXT/plain", true},
      {"image/svg+xml", true},
      {"application/json", true},
      {"application/ld+json", true},
      {"application/wasm", true},
      {"image/png", false},
      {"application/octet-stream", false},
      {"application/jsonx", false},
      {"texts/x", false},
      {"", false},
      {"video/mp4", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (mime_is_compressible(span_text(rows[i].type)) != rows[i].compressible)
      fail_msg("%s", rows[i].type);
}

/* From SITE_ENCODE_BYTES_MIN to SITE_ENCODE_BYTES_MAX, whose content is never read here. */
static void sizes(void **state) {
  static const struct {
    uint64_t bytes;
    bool varies;
  } rows[] = {{SITE_ENCODE_BYTES_MIN - 1, false},
              {SITE_ENCODE_BYTES_MIN, true},
              {SITE_ENCODE_BYTES_MAX, true},
              {SITE_ENCODE_BYTES_MAX + 1, false}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    reopen(ALL_ENCODINGS, NULL);
    for (size_t j = 0; j < MADE_FILES; j++)
      if (strcmp(made.files[j].path, "long.css") == 0)
        made.files[j].entry.size_bytes = rows[i].bytes;
    struct fake_stream fake = {0};
    struct made_question asked = {"HEAD", "/long.css", {{0}}};
    made_ask(&fake, &asked);
    made_assert_field(&fake, "vary", rows[i].varies ? "accept-encoding" : NULL);
    fake_free(&fake);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(what_is_compressed),
      MADE_TEST(only_what_the_settings_allow),
      MADE_TEST(no_transform),
      MADE_TEST(siblings_win),
      MADE_TEST(conditions),
      MADE_TEST(ranges),
      MADE_TEST(only_siblings_exist),
      MADE_TEST(it_may_take_time),
      MADE_TEST(a_stream_may_end_meanwhile),
      MADE_TEST(results),
      cmocka_unit_test(types),
      MADE_TEST(sizes),
  };
  return cmocka_run_group_tests_name("site/recode", tests, NULL, NULL);
}
