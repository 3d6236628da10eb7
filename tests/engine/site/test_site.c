/*
 * site/test_site.c - the site against a source of made-up files and streams without a protocol:
 * statuses, fields and bytes, with lookups and reads that answer at once, later, or never.
 */
#include "engine/http/limits.h"
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/made.h"

#include <stdio.h>
#include <string.h>

/* ---- statuses, fields, bytes ----------------------------------------------------------------- */

#define ETAG_DIGITS "\"a-ae1b981bc490a05\""

/* A part of several. */
#define DIGITS_PART(range, bytes)                                                                  \
  "\r\n--a-ae1b981bc490a05\r\ncontent-type: text/plain; charset=utf-8\r\n"                         \
  "content-range: bytes " range "/10\r\n\r\n" bytes
#define LARGE_PART(range, bytes)                                                                   \
  "\r\n--1a-0\r\ncontent-type: application/octet-stream\r\n"                                       \
  "content-range: bytes " range "/26\r\n\r\n" bytes

struct row {
  struct made_question asked;
  unsigned status;
  const char *body;     /* NULL: of an error, not compared */
  const char *field[2]; /* a field that must be there with that value */
};

static const char *etag_of(const char *path) {
  static char etag[1000];
  struct fake_stream fake = {0};
  made_get(&fake, path);
  fake_pull_all(&fake, 100);
  const char *value = fake_field(&fake, "etag");
  snprintf(etag, sizeof etag, "%s", value ? value : "(none)");
  fake_free(&fake);
  return etag;
}

#define NOV_1994 "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct row rows[] = {
    {{"GET", "/digits.txt", {{0}}}, 200, "0123456789", {"content-length", "10"}},
    {{"GET", "/digits.txt", {{0}}},
     200,
     "0123456789",
     {"content-type", "text/plain; charset=utf-8"}},
    {{"GET", "/digits.txt", {{0}}}, 200, "0123456789", {"last-modified", NOV_1994}},
    {{"GET", "/digits.txt", {{0}}}, 200, "0123456789", {"accept-ranges", "bytes"}},
    {{"GET", "/digits.txt?x=1", {{0}}}, 200, "0123456789", {NULL}},
    {{"GET", "/%64igits.txt", {{0}}}, 200, "0123456789", {NULL}},
    {{"HEAD", "/digits.txt", {{0}}}, 200, "", {"content-length", "10"}},
    {{"GET", "/empty.txt", {{0}}}, 200, "", {"content-length", "0"}},
    {{"GET", "/", {{0}}}, 200, "<p>home", {"content-type", "text/html; charset=utf-8"}},
    {{"GET", "/index.html", {{0}}}, 200, "<p>home", {NULL}},
    {{"GET", "/sub/", {{0}}}, 200, "<p>sub", {"last-modified", "Wed, 31 Dec 1969 23:59:59 GMT"}},
    {{"GET", "/.well-known/x", {{0}}}, 200, "known", {NULL}},

    {{"GET", "/sub", {{0}}}, 301, "", {"location", "/sub/"}},
    {{"GET", "/sub?a=b&c", {{0}}}, 301, "", {"location", "/sub/?a=b&c"}},
    {{"HEAD", "/sub", {{0}}}, 301, "", {"location", "/sub/"}},
    {{"GET", "//sub", {{0}}}, 301, "", {"location", "/sub/"}},
    {{"GET", "/a%20b", {{0}}}, 301, "", {"location", "/a%20b/"}},
    {{"GET", "/bare/", {{0}}}, 404, NULL, {NULL}},
    {{"GET", "/odd/", {{0}}}, 404, NULL, {NULL}}, /* index.html is a directory */
    {{"GET", "/digits.txt/", {{0}}}, 404, NULL, {NULL}},

    {{"POST", "/digits.txt", {{0}}}, 405, NULL, {"allow", "GET, HEAD, OPTIONS"}},
    {{"get", "/digits.txt", {{0}}}, 405, NULL, {NULL}}, /* methods are case-sensitive */
    {{"OPTIONS", "*", {{0}}}, 204, "", {"allow", "GET, HEAD, OPTIONS"}},
    {{"OPTIONS", "/digits.txt", {{0}}}, 204, "", {"allow", "GET, HEAD, OPTIONS"}},
    {{"CONNECT", "", {{0}}}, 501, NULL, {NULL}},
    {{"GET", "/nothing", {{0}}}, 404, NULL, {"content-type", "text/plain; charset=utf-8"}},
    {{"HEAD", "/nothing", {{0}}}, 404, "", {"content-length", "48"}},
    {{"GET", "/.git/config", {{0}}}, 404, NULL, {NULL}},
    {{"GET", "/../x", {{0}}}, 404, NULL, {NULL}},
    {{"GET", "/a%2fb", {{0}}}, 404, NULL, {NULL}},
    {{"GET", "/secret", {{0}}}, 403, NULL, {NULL}},
    {{"GET", "/busy", {{0}}}, 503, NULL, {"retry-after", "1"}},
    {{"GET", "/broken", {{0}}}, 500, NULL, {NULL}},

    {{"GET", "/drawing.svgz", {{TOKEN_ACCEPT_ENCODING, "br"}}},
     200,
     "GZIPPED",
     {"content-encoding", "gzip"}},
    {{"GET", "/drawing.svgz", {{0}}}, 200, "GZIPPED", {"content-type", "image/svg+xml"}},
    {{"GET", "/digits.txt", {{TOKEN_IF_NONE_MATCH, ETAG_DIGITS}}}, 304, "", {"etag", ETAG_DIGITS}},
    {{"HEAD", "/digits.txt", {{TOKEN_IF_NONE_MATCH, "*"}}}, 304, "", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_IF_NONE_MATCH, "\"x\""}}}, 200, "0123456789", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_IF_MODIFIED_SINCE, NOV_1994}}}, 304, "", {NULL}},
    {{"GET", "/nothing", {{TOKEN_IF_NONE_MATCH, "*"}}}, 404, NULL, {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_IF_MATCH, "\"x\""}}}, 412, NULL, {NULL}},

    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}}},
     206,
     "234",
     {"content-range", "bytes 2-4/10"}},
    {{"GET", "/digits.txt", {{TOKEN_ACCEPT_ENCODING, "gzip"}}},
     200,
     "0123456789",
     {"content-encoding", NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}}}, 206, "234", {"content-length", "3"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=-3"}}}, 206, "789", {"etag", ETAG_DIGITS}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=8-"}}}, 206, "89", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=0-"}}}, 206, "0123456789", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=10-"}}},
     416,
     NULL,
     {"content-range", "bytes */10"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=0-1,3-4"}}},
     206,
     DIGITS_PART("0-1", "01") DIGITS_PART("3-4", "34") "\r\n--a-ae1b981bc490a05--\r\n",
     {"content-type", "multipart/byteranges; boundary=a-ae1b981bc490a05"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=-1,0-0,20-"}}},
     206,
     DIGITS_PART("9-9", "9") DIGITS_PART("0-0", "0") "\r\n--a-ae1b981bc490a05--\r\n",
     {"content-range", NULL}},
    {{"GET", "/large.bin", {{TOKEN_RANGE, "bytes=20-,3-4"}}},
     206,
     LARGE_PART("20-25", "uvwxyz") LARGE_PART("3-4", "de") "\r\n--1a-0--\r\n",
     {"etag", "\"1a-0\""}},
    {{"HEAD", "/digits.txt", {{TOKEN_RANGE, "bytes=0-1,3-4"}}}, 200, "", {"content-length", "10"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=0-1,3-4"}, {TOKEN_IF_RANGE, "\"x\""}}},
     200,
     "0123456789",
     {NULL}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}, {TOKEN_RANGE, "bytes=0-0,2-2"}}},
     200,
     "GZIP",
     {"content-encoding", "gzip"}},
    {{"GET", "/drawing.svgz", {{TOKEN_RANGE, "bytes=0-0,2-2"}}}, 200, "GZIPPED", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=1-2"}, {TOKEN_RANGE, "bytes=3-4"}}},
     200,
     "0123456789",
     {NULL}},
    {{"HEAD", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}}}, 200, "", {"content-length", "10"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}, {TOKEN_IF_RANGE, ETAG_DIGITS}}},
     206,
     "234",
     {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}, {TOKEN_IF_RANGE, "\"x\""}}},
     200,
     "0123456789",
     {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}, {TOKEN_IF_RANGE, NOV_1994}}},
     206,
     "234",
     {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}, {TOKEN_IF_NONE_MATCH, ETAG_DIGITS}}},
     304,
     "",
     {NULL}},
    {{"GET", "/empty.txt", {{TOKEN_RANGE, "bytes=0-"}}}, 416, NULL, {"content-range", "bytes */0"}},

    {{"GET", "/large.bin", {{0}}}, 200, "abcdefghijklmnopqrstuvwxyz", {"content-length", "26"}},
    {{"HEAD", "/large.bin", {{0}}}, 200, "", {"content-length", "26"}},
    {{"GET", "/large.bin", {{TOKEN_RANGE, "bytes=3-23"}}},
     206,
     "defghijklmnopqrstuvwx",
     {"content-range", "bytes 3-23/26"}},

    {{"GET", "/app.js", {{0}}}, 200, "let plain", {"vary", "accept-encoding"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}},
     200,
     "BR",
     {"content-encoding", "br"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}},
     200,
     "BR",
     {"content-type", "text/javascript; charset=utf-8"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}}, 200, "BR", {"content-length", "2"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}},
     200,
     "BR",
     {"vary", "accept-encoding"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}}},
     200,
     "GZIP",
     {"content-encoding", "gzip"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br;q=0.5, gzip"}}},
     200,
     "GZIP",
     {"content-encoding", "gzip"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "identity"}}},
     200,
     "let plain",
     {"vary", "accept-encoding"}},
    {{"HEAD", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}}}, 200, "", {"content-length", "2"}},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}, {TOKEN_RANGE, "bytes=1-2"}}},
     206,
     "ZI",
     {"content-range", "bytes 1-2/4"}},
    {{"GET", "/app.js.gz", {{TOKEN_ACCEPT_ENCODING, "gzip"}}},
     200,
     "GZIP",
     {"content-type", "application/gzip"}},
    {{"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "br, gzip"}}},
     200,
     "ZZZZ",
     {"content-encoding", "gzip"}},
    {{"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "br"}}},
     200,
     "p{}",
     {"vary", "accept-encoding"}},
    {{"GET", "/dir.css", {{TOKEN_ACCEPT_ENCODING, "br"}}}, 200, "q{}", {NULL}},
    {{"GET", "/zipped.txt", {{TOKEN_ACCEPT_ENCODING, "gzip, zstd"}}},
     200,
     "ZSTD",
     {"content-encoding", "zstd"}},
    {{"GET", "/zipped.txt", {{TOKEN_ACCEPT_ENCODING, "zstd"}}},
     200,
     "ZSTD",
     {"content-type", "text/plain; charset=utf-8"}},
    {{"GET", "/zipped.txt", {{TOKEN_ACCEPT_ENCODING, "gzip"}}}, 200, "plain", {NULL}},
    {{"GET", "/only.txt", {{TOKEN_ACCEPT_ENCODING, "zstd"}}},
     200,
     "ZSTDD",
     {"content-encoding", "zstd"}},
    {{"GET", "/only.txt.zst", {{0}}}, 200, "ZSTDD", {"content-type", "application/zstd"}},

    /* The file itself does not exist. */
    {{"GET", "/packed.js", {{0}}}, 404, NULL, {NULL}},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "identity"}}}, 404, NULL, {NULL}},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}},
     200,
     "BRO",
     {"content-encoding", "br"}},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br;q=0.5"}}},
     200,
     "GZIPP",
     {"content-type", "text/javascript; charset=utf-8"}},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "identity, gzip;q=0.1"}}},
     200,
     "GZIPP",
     {"vary", "accept-encoding"}},
    {{"HEAD", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "br"}}}, 200, "", {"content-length", "3"}},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "gzip;q=0.001"}}}, 200, "GZIPP", {NULL}},
    {{"GET", "/packed/", {{TOKEN_ACCEPT_ENCODING, "gzip"}}},
     200,
     "INDEX",
     {"content-type", "text/html; charset=utf-8"}},
    {{"GET", "/busy.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}}}, 503, NULL, {NULL}},
    {{"GET", "/missing.svgz", {{TOKEN_ACCEPT_ENCODING, "gzip"}}}, 404, NULL, {NULL}},
};

/* A row as it is, with lookups that wait, and both again now that the facts are known; pulled byte
 * by byte and whole. */
static void check_row(size_t index, bool wait, size_t pull_max) {
  const struct row *row = &rows[index];
  struct fake_stream fake = {0};
  made.lookups_wait = made.reads_wait = wait;
  made_ask(&fake, &row->asked);
  if (wait && fake.status == 0)
    while (made.waiting_count > 0)
      made_lookup_done();
  while (!fake.closed) {
    fake_pull_all(&fake, pull_max);
    if (made.read_count > 0) made_read_done();
  }
  made.lookups_wait = made.reads_wait = false;
  if (fake.status != row->status)
    fail_msg("row %zu, %s %s: %u", index, row->asked.method, row->asked.path, fake.status);
  if (row->body) made_assert_body(&fake, row->body);
  if (row->field[0]) made_assert_field(&fake, row->field[0], row->field[1]);
  char length[24];
  snprintf(length, sizeof length, "%zu", fake.len);
  bool head = strcmp(row->asked.method, "HEAD") == 0;
  bool bodiless = head || fake.status == 204 || fake.status == 304;
  if (fake.status == 204)
    made_assert_field(&fake, "content-length", NULL); /* RFC 9110 section 8.6 */
  if (!bodiless) made_assert_field(&fake, "content-length", length);
  if (bodiless) assert_int_equal(fake.len, 0);
  fake_free(&fake);
}

static void answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (int turn = 0; turn < 8; turn++) {
      made.now_ns += turn == 4 ? 2 * SITE_SIBLINGS_NS : 1;
      check_row(i, turn & 1, turn & 2 ? 1 : 1000);
    }
}

static void each_coding_has_its_own_tag(void **state) {
  (void)state;
  char plain[1000];
  snprintf(plain, sizeof plain, "%s", etag_of("/only.txt.zst"));
  assert_string_equal(plain + strlen(plain) - 5, "-zst\"");
  snprintf(plain, sizeof plain, "%s", etag_of("/app.js"));
  struct fake_stream fake = {0};
  made_ask(&fake, &(struct made_question){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}}});
  fake_pull_all(&fake, 100);
  assert_string_not_equal(fake_field(&fake, "etag"), plain);
  fake_free(&fake);
  /* The tag of one coding does not vouch for another. */
  const struct made_question asked = {
      "GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}, {TOKEN_IF_NONE_MATCH, plain}}};
  made_ask(&fake, &asked);
  fake_pull_all(&fake, 100);
  assert_int_equal(fake.status, 200);
  fake_free(&fake);
}

static void siblings_are_noticed_within_a_second(void **state) {
  (void)state;
  struct made_file *sibling = &made.files[14];
  assert_string_equal(sibling->path, "style.css.gz");
  sibling->instead = SITE_MISSING;
  const struct made_question asked = {"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "gzip"}}};
  static const char *const bodies[] = {"p{}", "p{}", "ZZZZ"};
  for (int i = 0; i < 3; i++) {
    struct fake_stream fake = {0};
    made_ask(&fake, &asked);
    fake_pull_all(&fake, 100);
    made_assert_body(&fake, bodies[i]);
    fake_free(&fake);
    sibling->instead = SITE_FOUND;
    if (i == 1) made.now_ns += SITE_SIBLINGS_NS;
  }
}

/* What the hot path promises: one lookup for a known file. */
static void a_known_file_costs_one_lookup(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  made_get(&fake, "/app.js");
  fake_free(&fake);
  made.lookups = 0;
  made_get(&fake, "/app.js");
  assert_int_equal(made.lookups, 1);
  fake_free(&fake);
  made.lookups = 0;
  made_ask(&fake, &(struct made_question){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}}});
  assert_int_equal(made.lookups, 2);
  fake_free(&fake);
}

static void bytes_in_memory_are_lent_not_copied(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  uint8_t room[10];
  made_get(&fake, "/digits.txt");
  struct body_chunk chunk = {.room = room, .max = 4};
  assert_int_equal(fake.body.ops->pull(fake.body.self, &chunk), BODY_MORE);
  assert_ptr_equal(chunk.bytes.base, made.files[3].text);
  assert_int_equal(chunk.bytes.len, 4);
  assert_int_equal(made.files[3].held, 1);
  fake_free(&fake);
}

static void cache_control_is_sent_where_it_counts(void **state) {
  (void)state;
  made_reopen((struct site_settings){.cache_control = span_text("max-age=60")});
  static const struct {
    struct made_question asked;
    const char *expected;
  } asked[] = {
      {{"GET", "/digits.txt", {{0}}}, "max-age=60"},
      {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=1-2"}}}, "max-age=60"},
      {{"GET", "/digits.txt", {{TOKEN_IF_NONE_MATCH, "*"}}}, "max-age=60"},
      {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}}}, "max-age=60"},
      {{"GET", "/nothing", {{0}}}, NULL},
  };
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
    struct fake_stream fake = {0};
    made_ask(&fake, &asked[i].asked);
    fake_pull_all(&fake, 100);
    made_assert_field(&fake, "cache-control", asked[i].expected);
    fake_free(&fake);
  }
}

/* The root of the site lies at /docs: what lies elsewhere is not there, and redirects keep the prefix. */
static void a_prefix_leads_to_the_root(void **state) {
  (void)state;
  made_reopen((struct site_settings){.prefix = span_text("docs/x y")});
  static const struct {
    const char *target, *location;
    unsigned status;
  } asked[] = {
      {"/docs/x%20y/digits.txt", NULL, 200},
      {"/docs/./x%20y//digits.txt", NULL, 200},
      {"/docs/x%20y/", NULL, 200},
      {"/docs/x%20y", "/docs/x%20y/", 301},
      {"/docs/x%20y?a=b", "/docs/x%20y/?a=b", 301},
      {"/digits.txt", NULL, 404},
      {"/docs/x%20yz/digits.txt", NULL, 404},
      {"/docs/x%20y/../digits.txt", NULL, 404},
      {"/docs/", NULL, 404},
  };
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
    struct fake_stream fake = {0};
    made_get(&fake, asked[i].target);
    fake_pull_all(&fake, 100);
    if (fake.status != asked[i].status) fail_msg("%s: %u", asked[i].target, fake.status);
    made_assert_field(&fake, "location", asked[i].location);
    fake_free(&fake);
  }
}

static void a_modification_in_the_future_is_dated_now(void **state) {
  (void)state;
  made.files[3].mtime_ns = (made.wall_seconds + 1000) * (int64_t)SECOND_NS;
  struct fake_stream fake = {0};
  made_get(&fake, "/digits.txt");
  made_assert_field(&fake, "last-modified", "Sun, 15 Jun 2025 15:06:40 GMT");
  fake_free(&fake);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static unsigned status_of_target(size_t path_len, size_t query_len) {
  static char target[3 * HTTP_TARGET_BYTES_MAX];
  struct fake_stream fake = {0};
  memset(target, 'a', sizeof target);
  target[0] = '/';
  if (query_len > 0) target[path_len] = '?';
  target[path_len + query_len] = 0;
  made_get(&fake, target);
  unsigned status = fake.status;
  fake_pull_all(&fake, 1000);
  fake_free(&fake);
  return status;
}

static void long_targets(void **state) {
  (void)state;
  assert_int_equal(status_of_target(SITE_PATH_BYTES_MAX, 0), 404);
  assert_int_equal(status_of_target(SITE_PATH_BYTES_MAX + 1, 0), 414);
  assert_int_equal(status_of_target(10, HTTP_TARGET_BYTES_MAX - 10), 404);
  assert_int_equal(status_of_target(10, HTTP_TARGET_BYTES_MAX - 9), 414);
}

/* A directory's target stands for its index, which needs room, too. */
static void indexes(void **state) {
  static const struct {
    const char *target, *path;
  } cases[] = {{"/", "index.html"}, {"/x/", "x/index.html"}, {"/x/yy/", "x/yy/index.html"}};
  (void)state;
  made.lookups_wait = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct fake_stream fake = {0};
    made_get(&fake, cases[i].target);
    assert_int_equal(made.waiting_count, 1);
    assert_string_equal(made.waiting[0].path, cases[i].path);
    fake_free(&fake);
  }
  made.lookups_wait = false;
  for (size_t extra = 0; extra < 2; extra++) {
    static char target[SITE_PATH_BYTES_MAX + 2];
    struct fake_stream fake = {0};
    const size_t len = SITE_PATH_BYTES_MAX - sizeof "/index.html" + 1 + extra;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    memcpy(target + 1 + len, "/", 2);
    made_get(&fake, target);
    assert_int_equal(fake.status, extra ? 414 : 404);
    fake_pull_all(&fake, 1000);
    fake_free(&fake);
  }
}

/* A redirect of the longest path that is all escapes still fits. */
static void the_longest_redirect(void **state) {
  (void)state;
  static char path[SITE_PATH_BYTES_MAX + 1], target[HTTP_TARGET_BYTES_MAX + 1];
  size_t names = 2700;
  memset(path, ' ', names);
  target[0] = '/';
  for (size_t i = 0; i < names; i++)
    memcpy(target + 1 + 3 * i, "%20", 4);
  made.files[MADE_FILES - 1].path = path;
  struct fake_stream fake = {0};
  made_get(&fake, target);
  assert_int_equal(fake.status, 301);
  fake_free(&fake);
}

static void too_many_conditions(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    struct header at[SITE_CONDITION_FIELDS_MAX + 1];
    /* Scheme and authority count: they are kept as well. */
    size_t count = SITE_CONDITION_FIELDS_MAX - 2 + extra;
    for (size_t i = 0; i < count; i++)
      at[i] = header_of(TOKEN_IF_NONE_MATCH, span_text("\"x\""));
    for (int wait = 0; wait < 2; wait++) {
      struct fake_stream fake = {0};
      made.lookups_wait = wait;
      fake_request(&fake, site_handler(made.site), "GET", "/digits.txt", at, count, made.now_ns);
      while (made.waiting_count > 0)
        made_lookup_done();
      assert_int_equal(fake.status, extra ? 431 : 200);
      fake_free(&fake);
    }
  }
}

static void more_exchanges_than_allowed(void **state) {
  (void)state;
  made_reopen((struct site_settings){.exchanges_max = 2});
  struct fake_stream fakes[3] = {0};
  for (int i = 0; i < 3; i++)
    made_get(&fakes[i], "/digits.txt");
  assert_int_equal(fakes[0].status, 200);
  assert_int_equal(fakes[1].status, 200);
  assert_int_equal(fakes[2].status, 503);
  made_assert_field(&fakes[2], "retry-after", "1");
  fake_free(&fakes[0]);
  fake_free(&fakes[2]);
  made_get(&fakes[2], "/digits.txt");
  assert_int_equal(fakes[2].status, 200);
  fake_free(&fakes[2]);
  fake_free(&fakes[1]);
}

/* Without memory for several parts, the whole. */
static void refused_parts(void **state) {
  (void)state;
  for (unsigned refused = 0; refused < 2; refused++) {
    struct fake_stream fake = {0};
    made_get(&fake, "/empty.txt"); /* the exchanges' memory */
    fake_free(&fake);
    if (refused) made.memory.refuse_at = made.memory.calls + 1;
    made_ask(&fake,
             &(struct made_question){"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=1-2,4-5"}}});
    made.memory.refuse_at = 0;
    assert_int_equal(fake.status, refused ? 200 : 206);
    fake_free(&fake);
  }
}

/* Each allocation of a request that waits is refused in turn: 503, or as if nothing had been. */
static void refused_memory(void **state) {
  (void)state;
  unsigned refused = 0;
  for (unsigned turn = 1; turn < 6; turn++) {
    made_reopen((struct site_settings){0});
    struct fake_stream fake = {0};
    made.lookups_wait = true;
    made.memory.refuse_at = made.memory.calls + turn;
    made_get(&fake, "/large.bin");
    made.memory.refuse_at = 0;
    while (made.waiting_count > 0)
      made_lookup_done();
    assert_true(fake.status == 200 || fake.status == 503);
    refused += fake.status == 503;
    fake_free(&fake);
  }
  assert_int_equal(refused, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(answers),
      MADE_TEST(each_coding_has_its_own_tag),
      MADE_TEST(siblings_are_noticed_within_a_second),
      MADE_TEST(a_known_file_costs_one_lookup),
      MADE_TEST(bytes_in_memory_are_lent_not_copied),
      MADE_TEST(cache_control_is_sent_where_it_counts),
      MADE_TEST(a_prefix_leads_to_the_root),
      MADE_TEST(a_modification_in_the_future_is_dated_now),
      MADE_TEST(long_targets),
      MADE_TEST(indexes),
      MADE_TEST(the_longest_redirect),
      MADE_TEST(too_many_conditions),
      MADE_TEST(more_exchanges_than_allowed),
      MADE_TEST(refused_parts),
      MADE_TEST(refused_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
