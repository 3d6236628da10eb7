/*
 * site/test_site.c - the site against a source of made-up files and streams without a protocol:
 * statuses, fields and bytes, with lookups and reads that answer at once, later, or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/site/site.h"
#include "tests/support/fake.h"
#include "tests/support/jpeg.h"

/* ---- memory that counts ---------------------------------------------------------------------- */

static size_t memory_out;
static unsigned memory_refuse_after; /* 0: never; else the n-th allocation from now fails */

static void *counted_alloc(void *ctx, size_t bytes) {
  (void)ctx;
  if (memory_refuse_after > 0 && --memory_refuse_after == 0) return NULL;
  memory_out += bytes;
  return malloc(bytes);
}

static void counted_free(void *ctx, void *object, size_t bytes) {
  (void)ctx;
  memory_out -= bytes;
  free(object);
}

static const struct memory memory = {.alloc = counted_alloc, .free = counted_free};

/* ---- a source of made-up files --------------------------------------------------------------- */

struct made_file {
  const char *path;
  const char *text; /* NULL: a directory */
  size_t len;       /* 0: as long as a string is */
  int64_t mtime_ns;
  bool large;               /* has to be read */
  enum site_result instead; /* SITE_FOUND, or what a lookup says */
  struct site_entry entry;
  int held;
};

#define NOV_1994_NS (784111777 * (int64_t)SECOND_NS + 5)

static const struct made_file files_at_start[] = {
    {.path = ""},
    {.path = "index.html", .text = "<p>home", .mtime_ns = NOV_1994_NS},
    {.path = "empty.txt", .text = "", .mtime_ns = NOV_1994_NS},
    {.path = "digits.txt", .text = "0123456789", .mtime_ns = NOV_1994_NS},
    {.path = "large.bin", .text = "abcdefghijklmnopqrstuvwxyz", .large = true},
    {.path = "sub"},
    {.path = "sub/index.html", .text = "<p>sub", .mtime_ns = -1},
    {.path = "bare"},
    {.path = "odd"},
    {.path = "odd/index.html"},
    {.path = "app.js", .text = "let plain", .mtime_ns = NOV_1994_NS},
    {.path = "app.js.br", .text = "BR", .mtime_ns = NOV_1994_NS},
    {.path = "app.js.gz", .text = "GZIP", .mtime_ns = NOV_1994_NS},
    {.path = "style.css", .text = "p{}", .mtime_ns = NOV_1994_NS},
    {.path = "style.css.gz", .text = "ZZZZ", .mtime_ns = NOV_1994_NS},
    {.path = "dir.css", .text = "q{}", .mtime_ns = NOV_1994_NS},
    {.path = "dir.css.br"}, /* a directory that looks like a sibling */
    {.path = "secret", .instead = SITE_FORBIDDEN},
    {.path = "busy", .instead = SITE_BUSY},
    {.path = "broken", .instead = SITE_FAILED},
    {.path = ".well-known/x", .text = "known"},
    {.path = "p.jpg", .text = (const char *)jpeg_colour, .len = sizeof jpeg_colour},
    {.path = "big.jpg",
     .text = (const char *)jpeg_restarts,
     .len = sizeof jpeg_restarts,
     .large = true},
    {.path = "drawing.svgz", .text = "GZIPPED", .mtime_ns = NOV_1994_NS},
    {.path = "drawing.svgz.br", .text = "never", .mtime_ns = NOV_1994_NS},
    {.path = "a b"}, /* the last: the_longest_redirect() renames it */
};

enum { SCAN_COLOUR = 249, SCAN_RESTARTS = 256 }; /* see tests/engine/http/test_first_scan.c */

enum { FILES = sizeof files_at_start / sizeof files_at_start[0], WAITING_MAX = 32 };

static struct {
  struct made_file files[FILES];
  bool lookups_wait, reads_wait, truncated;
  struct {
    struct site_lookup *lookup;
    char path[300];
  } waiting[WAITING_MAX];
  unsigned waiting_count, lookups;
  struct site_read *reads[WAITING_MAX];
  unsigned read_count, buffers_out, buffers_max;
  struct made_file *reading[WAITING_MAX];
} source;

static struct span content_of(const struct made_file *file) {
  return file->len ? span_of(file->text, file->len) : span_text(file->text);
}

static enum site_result find(struct span path, struct site_lookup *lookup) {
  for (size_t i = 0; i < FILES; i++) {
    struct made_file *file = &source.files[i];
    if (!span_is(path, file->path)) continue;
    if (file->instead != SITE_FOUND) return file->instead;
    if (!file->entry.size_bytes && !file->entry.directory) {
      file->entry.directory = !file->text;
      file->entry.size_bytes = file->text ? content_of(file).len : 0;
      file->entry.mtime_ns = file->mtime_ns;
      if (file->text && !file->large) file->entry.bytes = content_of(file);
    }
    file->held++;
    lookup->entry = &file->entry;
    return SITE_FOUND;
  }
  return SITE_MISSING;
}

static enum site_result source_lookup(void *self, struct span path, uint64_t now_ns,
                                      struct site_lookup *lookup) {
  (void)self;
  (void)now_ns;
  source.lookups++;
  if (!source.lookups_wait) return find(path, lookup);
  assert_true(source.waiting_count < WAITING_MAX);
  source.waiting[source.waiting_count].lookup = lookup;
  snprintf(source.waiting[source.waiting_count++].path, sizeof source.waiting[0].path, "%.*s",
           (int)path.len, (const char *)path.base);
  return SITE_PENDING;
}

static void source_lookup_cancel(void *self, struct site_lookup *lookup) {
  (void)self;
  for (unsigned i = 0; i < source.waiting_count; i++)
    if (source.waiting[i].lookup == lookup) {
      source.waiting[i] = source.waiting[--source.waiting_count];
      return;
    }
  fail_msg("cancelled a lookup that was not pending");
}

/* Answers the first pending lookup. */
static void deliver_lookup(void) {
  assert_true(source.waiting_count > 0);
  struct site_lookup *lookup = source.waiting[0].lookup;
  enum site_result result = find(span_text(source.waiting[0].path), lookup);
  memmove(source.waiting, source.waiting + 1, --source.waiting_count * sizeof source.waiting[0]);
  lookup->done(lookup, result);
}

static void source_release(void *self, struct site_entry *entry) {
  (void)self;
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  assert_true(file->held > 0);
  file->held--;
}

static enum site_result fetch(struct made_file *file, struct site_read *read) {
  if (source.truncated) return SITE_FAILED;
  assert_true(read->max >= 1);
  assert_true(read->offset + read->max <= content_of(file).len);
  /* A copy, so that bytes used after read_end() are found out. Never all at once. */
  size_t count = read->max > 7 ? 7 : read->max;
  uint8_t *copy = malloc(count);
  memcpy(copy, file->text + read->offset, count);
  read->bytes = span_of(copy, count);
  return SITE_FOUND;
}

static enum site_result source_read(void *self, struct site_entry *entry, struct site_read *read) {
  (void)self;
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  assert_true(file->held > 0);
  if (source.buffers_out == source.buffers_max) return SITE_BUSY;
  read->bytes = (struct span){0};
  if (!source.reads_wait) {
    enum site_result result = fetch(file, read);
    source.buffers_out += result == SITE_FOUND;
    return result;
  }
  source.buffers_out++;
  source.reads[source.read_count] = read;
  source.reading[source.read_count++] = file;
  return SITE_PENDING;
}

static void deliver_read(void) {
  assert_true(source.read_count > 0);
  struct site_read *read = source.reads[0];
  struct made_file *file = source.reading[0];
  source.read_count--;
  memmove(source.reads, source.reads + 1, source.read_count * sizeof source.reads[0]);
  memmove(source.reading, source.reading + 1, source.read_count * sizeof source.reading[0]);
  read->done(read, fetch(file, read));
}

static void source_read_end(void *self, struct site_read *read) {
  (void)self;
  for (unsigned i = 0; i < source.read_count; i++)
    if (source.reads[i] == read) {
      source.read_count--;
      memmove(source.reads + i, source.reads + i + 1, (source.read_count - i) * sizeof(void *));
      memmove(source.reading + i, source.reading + i + 1, (source.read_count - i) * sizeof(void *));
    }
  free((void *)read->bytes.base);
  assert_true(source.buffers_out > 0);
  source.buffers_out--;
}

static const struct site_source_ops source_ops = {
    .lookup = source_lookup,
    .lookup_cancel = source_lookup_cancel,
    .release = source_release,
    .read = source_read,
    .read_end = source_read_end,
};

/* ---- one site a test ------------------------------------------------------------------------- */

static struct site *site;
static int64_t wall_seconds = 1750000000;
static uint64_t now_ns;

static const struct site_preload home_preloads[] = {
    {{(const uint8_t *)"/style.css", 10}, {(const uint8_t *)"</style.css>; rel=preload", 25}, true},
    {{(const uint8_t *)"/app.js", 7}, {(const uint8_t *)"</app.js>; rel=preload", 22}, true},
    {{(const uint8_t *)"", 0}, {(const uint8_t *)"<//cdn/x>; rel=preload", 22}, false},
};
static const struct site_page pages[] = {
    {{(const uint8_t *)"index.html", 10}, home_preloads, 3},
    {{(const uint8_t *)"style.css", 9}, home_preloads + 1, 1},
};
static const struct site_hints hints = {.pages = pages, .page_count = 2};

static void open_site(struct site_settings settings) {
  settings.memory = &memory;
  settings.source = (struct site_source){.ops = &source_ops};
  settings.wall_seconds = &wall_seconds;
  if (settings.exchanges_max == 0) settings.exchanges_max = 100;
  site = site_create(&settings);
  assert_non_null(site);
}

static int setup(void **state) {
  (void)state;
  memset(&source, 0, sizeof source);
  memcpy(source.files, files_at_start, sizeof files_at_start);
  source.buffers_max = 4;
  memory_refuse_after = 0;
  now_ns = SECOND_NS;
  open_site((struct site_settings){0});
  return 0;
}

/* Whatever a test did: nothing is held, pending, lent or allocated any more. */
static int teardown(void **state) {
  (void)state;
  site_destroy(site);
  for (size_t i = 0; i < FILES; i++)
    assert_int_equal(source.files[i].held, 0);
  assert_int_equal(source.waiting_count, 0);
  assert_int_equal(source.buffers_out, 0);
  assert_int_equal(memory_out, 0);
  return 0;
}

static void reopen(struct site_settings settings) {
  site_destroy(site);
  open_site(settings);
}

struct asked {
  const char *method, *path;
  struct {
    enum header_token token;
    const char *value;
  } fields[4];
};

static void ask(struct fake_stream *fake, const struct asked *asked) {
  struct header at[4];
  size_t count = 0;
  for (; count < 4 && asked->fields[count].value; count++)
    at[count] = header_of(asked->fields[count].token, span_text(asked->fields[count].value));
  fake_request(fake, site_handler(site), asked->method, asked->path, at, count, now_ns);
}

static void get(struct fake_stream *fake, const char *path) {
  ask(fake, &(struct asked){.method = "GET", .path = path});
}

static void assert_field(const struct fake_stream *fake, const char *name, const char *expected) {
  const char *got = fake_field(fake, name);
  if (!expected && got) fail_msg("%s: %s, expected none", name, got);
  if (expected && (!got || strcmp(got, expected) != 0))
    fail_msg("%s: %s, expected %s", name, got ? got : "(none)", expected);
}

static void assert_body(const struct fake_stream *fake, const char *expected) {
  struct span got = span_of(fake->bytes, fake->len);
  if (!span_is(got, expected))
    fail_msg("body %.*s, expected %s", (int)fake->len, (const char *)fake->bytes, expected);
}

/* ---- statuses, fields, bytes ----------------------------------------------------------------- */

#define ETAG_DIGITS "\"a-ae1b981bc490a05\""

struct row {
  struct asked asked;
  unsigned status;
  const char *body;     /* NULL: of an error, not compared */
  const char *field[2]; /* a field that must be there with that value */
};

static const char *etag_of(const char *path) {
  static char etag[1000];
  struct fake_stream fake = {0};
  get(&fake, path);
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
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-4"}}}, 206, "234", {"content-length", "3"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=-3"}}}, 206, "789", {"etag", ETAG_DIGITS}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=8-"}}}, 206, "89", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=0-"}}}, 206, "0123456789", {NULL}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=10-"}}},
     416,
     NULL,
     {"content-range", "bytes */10"}},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=0-1,3-4"}}}, 200, "0123456789", {NULL}},
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
};

/* A row as it is; with lookups that wait; and both again, now that the facts are known. Pulled byte
 * by byte and whole. */
static void check_row(size_t index, bool wait, size_t pull_max) {
  const struct row *row = &rows[index];
  struct fake_stream fake = {0};
  source.lookups_wait = source.reads_wait = wait;
  ask(&fake, &row->asked);
  if (wait && fake.status == 0)
    while (source.waiting_count > 0)
      deliver_lookup();
  while (!fake.closed) {
    fake_pull_all(&fake, pull_max);
    if (source.read_count > 0) deliver_read();
  }
  source.lookups_wait = source.reads_wait = false;
  if (fake.status != row->status)
    fail_msg("row %zu, %s %s: %u", index, row->asked.method, row->asked.path, fake.status);
  if (row->body) assert_body(&fake, row->body);
  if (row->field[0]) assert_field(&fake, row->field[0], row->field[1]);
  char length[24];
  snprintf(length, sizeof length, "%zu", fake.len);
  bool head = strcmp(row->asked.method, "HEAD") == 0;
  bool bodiless = head || fake.status == 204 || fake.status == 304;
  if (fake.status == 204) assert_field(&fake, "content-length", NULL); /* RFC 9110 section 8.6 */
  if (!bodiless) assert_field(&fake, "content-length", length);
  if (bodiless) assert_int_equal(fake.len, 0);
  fake_free(&fake);
}

static void answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (int turn = 0; turn < 8; turn++) {
      now_ns += turn == 4 ? 2 * SITE_SIBLINGS_NS : 1;
      check_row(i, turn & 1, turn & 2 ? 1 : 1000);
    }
}

static void each_coding_has_its_own_tag(void **state) {
  (void)state;
  char plain[1000];
  snprintf(plain, sizeof plain, "%s", etag_of("/app.js"));
  struct fake_stream fake = {0};
  ask(&fake, &(struct asked){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}}});
  fake_pull_all(&fake, 100);
  assert_string_not_equal(fake_field(&fake, "etag"), plain);
  fake_free(&fake);
  /* The tag of one coding does not vouch for another. */
  const struct asked asked = {
      "GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}, {TOKEN_IF_NONE_MATCH, plain}}};
  ask(&fake, &asked);
  fake_pull_all(&fake, 100);
  assert_int_equal(fake.status, 200);
  fake_free(&fake);
}

static void no_vary_without_siblings(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  get(&fake, "/digits.txt");
  fake_pull_all(&fake, 100);
  assert_field(&fake, "vary", NULL);
  assert_field(&fake, "content-encoding", NULL);
  fake_free(&fake);
}

static void siblings_are_noticed_within_a_second(void **state) {
  (void)state;
  struct made_file *sibling = &source.files[14];
  assert_string_equal(sibling->path, "style.css.gz");
  sibling->instead = SITE_MISSING;
  const struct asked asked = {"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "gzip"}}};
  static const char *const bodies[] = {"p{}", "p{}", "ZZZZ"};
  for (int i = 0; i < 3; i++) {
    struct fake_stream fake = {0};
    ask(&fake, &asked);
    fake_pull_all(&fake, 100);
    assert_body(&fake, bodies[i]);
    fake_free(&fake);
    sibling->instead = SITE_FOUND;
    if (i == 1) now_ns += SITE_SIBLINGS_NS;
  }
}

/* The promise that the hot path makes: one lookup for a known file. */
static void a_known_file_costs_one_lookup(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  get(&fake, "/app.js");
  fake_free(&fake);
  source.lookups = 0;
  get(&fake, "/app.js");
  assert_int_equal(source.lookups, 1);
  fake_free(&fake);
  source.lookups = 0;
  ask(&fake, &(struct asked){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip"}}});
  assert_int_equal(source.lookups, 2);
  fake_free(&fake);
}

static void bytes_in_memory_are_lent_not_copied(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  uint8_t room[10];
  get(&fake, "/digits.txt");
  struct body_chunk chunk = {.room = room, .max = 4};
  assert_int_equal(fake.body.ops->pull(fake.body.self, &chunk), BODY_MORE);
  assert_ptr_equal(chunk.bytes.base, source.files[3].text);
  assert_int_equal(chunk.bytes.len, 4);
  assert_int_equal(source.files[3].held, 1);
  fake_free(&fake);
}

static void cache_control_is_sent_where_it_counts(void **state) {
  (void)state;
  reopen((struct site_settings){.cache_control = span_text("max-age=60")});
  static const struct {
    struct asked asked;
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
    ask(&fake, &asked[i].asked);
    fake_pull_all(&fake, 100);
    assert_field(&fake, "cache-control", asked[i].expected);
    fake_free(&fake);
  }
}

static void a_modification_in_the_future_is_dated_now(void **state) {
  (void)state;
  source.files[3].mtime_ns = (wall_seconds + 1000) * (int64_t)SECOND_NS;
  struct fake_stream fake = {0};
  get(&fake, "/digits.txt");
  assert_field(&fake, "last-modified", "Sun, 15 Jun 2025 15:06:40 GMT");
  fake_free(&fake);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static unsigned status_of_target(size_t path_len, size_t query_len) {
  static char target[3 * SITE_TARGET_BYTES_MAX];
  struct fake_stream fake = {0};
  memset(target, 'a', sizeof target);
  target[0] = '/';
  if (query_len > 0) target[path_len] = '?';
  target[path_len + query_len] = 0;
  get(&fake, target);
  unsigned status = fake.status;
  fake_pull_all(&fake, 1000);
  fake_free(&fake);
  return status;
}

static void long_targets(void **state) {
  (void)state;
  assert_int_equal(status_of_target(SITE_PATH_BYTES_MAX, 0), 404);
  assert_int_equal(status_of_target(SITE_PATH_BYTES_MAX + 1, 0), 414);
  assert_int_equal(status_of_target(10, SITE_TARGET_BYTES_MAX - 10), 404);
  assert_int_equal(status_of_target(10, SITE_TARGET_BYTES_MAX - 9), 414);
}

/* A redirect of the longest path that is all escapes still fits. */
static void the_longest_redirect(void **state) {
  (void)state;
  static char path[SITE_PATH_BYTES_MAX + 1], target[SITE_TARGET_BYTES_MAX + 1];
  size_t names = 2700;
  memset(path, ' ', names);
  target[0] = '/';
  for (size_t i = 0; i < names; i++)
    memcpy(target + 1 + 3 * i, "%20", 4);
  source.files[FILES - 1].path = path;
  struct fake_stream fake = {0};
  get(&fake, target);
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
      source.lookups_wait = wait;
      fake_request(&fake, site_handler(site), "GET", "/digits.txt", at, count, now_ns);
      while (source.waiting_count > 0)
        deliver_lookup();
      assert_int_equal(fake.status, extra ? 431 : 200);
      fake_free(&fake);
    }
  }
}

static void more_exchanges_than_allowed(void **state) {
  (void)state;
  reopen((struct site_settings){.exchanges_max = 2});
  struct fake_stream fakes[3] = {0};
  for (int i = 0; i < 3; i++)
    get(&fakes[i], "/digits.txt");
  assert_int_equal(fakes[0].status, 200);
  assert_int_equal(fakes[1].status, 200);
  assert_int_equal(fakes[2].status, 503);
  assert_field(&fakes[2], "retry-after", "1");
  fake_free(&fakes[0]);
  fake_free(&fakes[2]);
  get(&fakes[2], "/digits.txt");
  assert_int_equal(fakes[2].status, 200);
  fake_free(&fakes[2]);
  fake_free(&fakes[1]);
}

/* Each allocation of a request that waits is refused in turn: 503, or as if nothing had been. */
static void refused_memory(void **state) {
  (void)state;
  unsigned refused = 0;
  for (unsigned turn = 1; turn < 6; turn++) {
    reopen((struct site_settings){0});
    struct fake_stream fake = {0};
    source.lookups_wait = true;
    memory_refuse_after = turn;
    get(&fake, "/large.bin");
    memory_refuse_after = 0;
    while (source.waiting_count > 0)
      deliver_lookup();
    assert_true(fake.status == 200 || fake.status == 503);
    refused += fake.status == 503;
    fake_free(&fake);
  }
  assert_int_equal(refused, 3);
}

/* ---- streams that end early ------------------------------------------------------------------ */

static void closed_while_a_lookup_is_pending(void **state) {
  (void)state;
  source.lookups_wait = true;
  for (int delivered = 0; delivered < 3; delivered++) {
    struct fake_stream fake = {0};
    now_ns += 2 * SITE_SIBLINGS_NS;
    ask(&fake, &(struct asked){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}});
    for (int i = 0; i < delivered; i++)
      deliver_lookup();
    assert_int_equal(fake.status, 0);
    assert_int_equal(source.waiting_count, 1);
    fake_free(&fake); /* the teardown finds what was not given back */
    assert_int_equal(source.waiting_count, 0);
  }
}

static void closed_while_a_read_is_pending(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++) {
    struct fake_stream fake = {0};
    source.reads_wait = true;
    get(&fake, "/large.bin");
    assert_int_equal(fake_pull(&fake, 5), BODY_WAIT);
    assert_int_equal(fake_pull(&fake, 5), BODY_WAIT); /* pulled early: still waiting */
    if (order == 0) fake_close_body(&fake);
    fake_closed(&fake, 8);
    if (order == 1 && source.read_count > 0) deliver_read(); /* nobody to resume */
    assert_int_equal(fake.resumed, 0);
    fake_free(&fake);
    assert_int_equal(source.read_count, 0);
  }
}

static void the_response_is_refused(void **state) {
  (void)state;
  static const char *const paths[] = {"/digits.txt", "/large.bin", "/nothing", "/sub",
                                      "/empty.txt"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    for (int wait = 0; wait < 2; wait++) {
      struct fake_stream fake = {.refuse = true};
      source.lookups_wait = wait;
      get(&fake, paths[i]);
      while (source.waiting_count > 0)
        deliver_lookup();
      assert_true(fake.closed);
      fake_free(&fake);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void a_file_truncated_while_it_is_sent(void **state) {
  (void)state;
  for (int wait = 0; wait < 2; wait++) {
    struct fake_stream fake = {0};
    source.truncated = false;
    source.reads_wait = wait;
    get(&fake, "/large.bin");
    if (fake_pull(&fake, 100) == BODY_WAIT) {
      deliver_read();
      assert_int_equal(fake.resumed, 1);
      assert_int_equal(fake_pull(&fake, 100), BODY_MORE);
    }
    assert_int_equal(fake.len, 7);
    source.truncated = true;
    if (fake_pull(&fake, 100) == BODY_WAIT) deliver_read();
    assert_int_equal(fake_pull(&fake, 100), BODY_ERROR);
    fake_free(&fake);
  }
}

/* Four buffers, ten readers: all get their bytes, and nobody is forgotten. */
static void readers_share_the_buffers(void **state) {
  (void)state;
  enum { READERS = 10 };
  struct fake_stream fakes[READERS] = {0};
  source.reads_wait = true;
  for (int i = 0; i < READERS; i++)
    get(&fakes[i], "/large.bin");
  for (int i = 0; i < READERS; i++)
    assert_int_equal(fake_pull(&fakes[i], 100), BODY_WAIT);
  assert_int_equal(source.read_count, 4);
  fake_free(&fakes[9]); /* one that waits for a buffer goes away */
  fake_free(&fakes[0]); /* and one that has one */
  unsigned left = READERS - 2;
  for (int turn = 0; turn < 1000 && left > 0; turn++) {
    if (source.read_count > 0) deliver_read();
    for (int i = 1; i < READERS - 1; i++) {
      if (fakes[i].resumed == 0 || fakes[i].closed) continue;
      fakes[i].resumed = 0;
      fake_pull_all(&fakes[i], 100); /* only ever pulled after a resume */
      if (fakes[i].closed) left--;
    }
  }
  assert_int_equal(left, 0);
  for (int i = 1; i < READERS - 1; i++) {
    assert_body(&fakes[i], "abcdefghijklmnopqrstuvwxyz");
    fake_free(&fakes[i]);
  }
}

/* A client that takes a byte now and then, or none, does not keep a buffer from others; and it gets
 * its file all the same. */
static void a_buffer_is_not_held_for_ever(void **state) {
  (void)state;
  struct fake_stream slow[3] = {0}, other = {0};
  source.buffers_max = 2;
  for (int i = 0; i < 3; i++) {
    get(&slow[i], "/large.bin");
    assert_int_equal(fake_pull(&slow[i], 0), BODY_MORE);
    assert_int_equal(source.buffers_out, i < 2 ? i : 2); /* to ask for nothing takes none */
    assert_int_equal(fake_pull(&slow[i], 1), BODY_MORE);
  }
  get(&other, "/large.bin");
  fake_pull_all(&other, 100);
  assert_body(&other, "abcdefghijklmnopqrstuvwxyz");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fake_pull(&slow[i], 3), BODY_MORE);
    fake_pull_all(&slow[i], 4);
    assert_body(&slow[i], "abcdefghijklmnopqrstuvwxyz");
    fake_free(&slow[i]);
  }
  fake_free(&other);
}

static void no_buffer_at_all_is_an_error_not_a_hang(void **state) {
  (void)state;
  source.buffers_max = 0;
  struct fake_stream fake = {0};
  get(&fake, "/large.bin");
  assert_int_equal(fake_pull(&fake, 100), BODY_ERROR);
  fake_free(&fake);
}

/* ---- what a page announces ------------------------------------------------------------------- */

#define LINKS                                                                                      \
  "103\nlink: </style.css>; rel=preload\nlink: </app.js>; rel=preload\nlink: <//cdn/x>; "          \
  "rel=preload\n"

/* Of a file in memory it is known before the response; what does not begin with the image's first
 * byte, or has no body, has no head start. */
static void the_first_scan_is_told(void **state) {
  (void)state;
  static const struct {
    const char *method, *path, *range;
    uint64_t head_start;
  } cases[] = {{"GET", "/p.jpg", NULL, SCAN_COLOUR}, {"GET", "/p.jpg", "bytes=0-99", SCAN_COLOUR},
               {"GET", "/p.jpg", "bytes=1-", 0},     {"HEAD", "/p.jpg", NULL, 0},
               {"GET", "/digits.txt", NULL, 0},      {"GET", "/nothing.jpg", NULL, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct fake_stream fake = {0};
    struct header range = header_of(TOKEN_RANGE, span_text(cases[i].range ? cases[i].range : ""));
    fake_request(&fake, site_handler(site), cases[i].method, cases[i].path, &range,
                 cases[i].range != NULL, now_ns);
    assert_int_equal(fake.head_start, cases[i].head_start);
    fake_pull_all(&fake, 1000);
    assert_int_equal(fake.head_start, cases[i].head_start);
    fake_free(&fake);
  }
}

/* Of a file that is read in pieces, while it is read; whoever comes later knows it at once. */
static void the_first_scan_is_found_while_reading(void **state) {
  (void)state;
  struct fake_stream fake = {0}, other = {0};
  get(&other, "/big.jpg");
  fake_pull(&other, 7);
  assert_int_equal(other.head_start, 7 + SITE_SCAN_STEP_BYTES);
  get(&fake, "/big.jpg");
  assert_int_equal(fake.head_start, 0);
  for (size_t seen = 7; seen < SCAN_RESTARTS; seen += 7) {
    fake_pull(&fake, 100);
    assert_int_equal(fake.head_start, seen + SITE_SCAN_STEP_BYTES);
  }
  fake_pull(&fake, 100);
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  fake_pull(&other, 7);
  assert_int_equal(other.head_start, SCAN_RESTARTS);
  fake_pull_all(&fake, 100);
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  assert_int_equal(fake.len, sizeof jpeg_restarts);
  fake_free(&other);
  fake_free(&fake);
  get(&fake, "/big.jpg");
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  fake_free(&fake);
}

/* Bytes that are read again, because their buffer was wanted back, count once; a part of the file
 * says nothing about it, and of another kind of file nothing is wanted after its first byte. */
static void the_first_scan_of_pieces_read_again(void **state) {
  (void)state;
  struct fake_stream one = {0}, two = {0};
  struct header range = header_of(TOKEN_RANGE, span_text("bytes=0-99"));
  fake_request(&one, site_handler(site), "GET", "/big.jpg", &range, 1, now_ns);
  fake_pull_all(&one, 30);
  assert_int_equal(one.head_start, 100 + SITE_SCAN_STEP_BYTES);
  fake_free(&one);
  source.buffers_max = 1;
  get(&one, "/big.jpg");
  get(&two, "/big.jpg");
  while (one.last != BODY_END || two.last != BODY_END) { /* each takes the other's buffer */
    if (one.last != BODY_END) fake_pull(&one, 3);
    if (two.last != BODY_END) fake_pull(&two, 2);
  }
  assert_int_equal(one.head_start, SCAN_RESTARTS);
  assert_int_equal(two.head_start, SCAN_RESTARTS);
  assert_memory_equal(one.bytes, jpeg_restarts, sizeof jpeg_restarts);
  assert_memory_equal(two.bytes, jpeg_restarts, sizeof jpeg_restarts);
  fake_free(&one);
  fake_free(&two);
  get(&one, "/large.bin");
  fake_pull(&one, 3);
  assert_int_equal(one.head_start, 0);
  fake_free(&one);
}

static void early_hints(void **state) {
  (void)state;
  reopen((struct site_settings){.hints = &hints});
  for (int wait = 0; wait < 2; wait++) {
    struct fake_stream fake = {0};
    source.lookups_wait = wait;
    get(&fake, "/");
    while (source.waiting_count > 0)
      deliver_lookup();
    assert_int_equal(fake.status, 200);
    assert_string_equal(fake.informed, LINKS);
    assert_field(&fake, "link", "</style.css>; rel=preload"); /* the first of them */
    fake_free(&fake);
  }
  static const struct asked silent[] = {
      {"HEAD", "/", {{0}}},
      {"GET", "/sub/", {{0}}},
      {"GET", "/", {{TOKEN_IF_NONE_MATCH, "*"}}},
      {"GET", "/nothing", {{0}}},
  };
  source.lookups_wait = false;
  for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
    struct fake_stream fake = {0};
    ask(&fake, &silent[i]);
    assert_string_equal(fake.informed, "");
    fake_free(&fake);
  }
}

static void pushes(void **state) {
  (void)state;
  reopen((struct site_settings){.hints = &hints, .push = true});
  struct fake_stream fake = {.accept_push = true};
  source.lookups_wait = true;
  ask(&fake, &(struct asked){"GET", "/", {{TOKEN_ACCEPT_ENCODING, "br"}}});
  while (source.waiting_count > 0)
    deliver_lookup();
  assert_string_equal(fake.pushed, ":method: GET\n:scheme: https\n:authority: example.org\n"
                                   ":path: /style.css\naccept-encoding: br\n"
                                   ":method: GET\n:scheme: https\n:authority: example.org\n"
                                   ":path: /app.js\naccept-encoding: br\n");
  /* What cannot be pushed is still hinted at. */
  assert_string_equal(fake.informed, "103\nlink: <//cdn/x>; rel=preload\n");
  fake_free(&fake);
  source.lookups_wait = false;
  ask(&fake, &(struct asked){"GET", "/", {{TOKEN_IF_NONE_MATCH, "\"old\""}}});
  assert_int_equal(fake.status, 200);
  assert_string_equal(fake.pushed, ""); /* been here before */
  assert_string_equal(fake.informed, LINKS);
  fake_free(&fake);
}

static void every_page_is_found(void **state) {
  (void)state;
  assert_ptr_equal(site_hints_find(&hints, span_text("index.html")), &pages[0]);
  assert_ptr_equal(site_hints_find(&hints, span_text("style.css")), &pages[1]);
  assert_null(site_hints_find(&hints, span_text("")));
  assert_null(site_hints_find(&hints, span_text("index.htm")));
  assert_null(site_hints_find(&hints, span_text("index.html2")));
  assert_null(site_hints_find(&hints, span_text("zzz")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(answers),
      TEST(each_coding_has_its_own_tag),
      TEST(no_vary_without_siblings),
      TEST(siblings_are_noticed_within_a_second),
      TEST(a_known_file_costs_one_lookup),
      TEST(bytes_in_memory_are_lent_not_copied),
      TEST(cache_control_is_sent_where_it_counts),
      TEST(a_modification_in_the_future_is_dated_now),
      TEST(long_targets),
      TEST(the_longest_redirect),
      TEST(too_many_conditions),
      TEST(more_exchanges_than_allowed),
      TEST(refused_memory),
      TEST(closed_while_a_lookup_is_pending),
      TEST(closed_while_a_read_is_pending),
      TEST(the_response_is_refused),
      TEST(a_file_truncated_while_it_is_sent),
      TEST(readers_share_the_buffers),
      TEST(a_buffer_is_not_held_for_ever),
      TEST(no_buffer_at_all_is_an_error_not_a_hang),
      TEST(the_first_scan_is_told),
      TEST(the_first_scan_is_found_while_reading),
      TEST(the_first_scan_of_pieces_read_again),
      TEST(early_hints),
      TEST(pushes),
      TEST(every_page_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
