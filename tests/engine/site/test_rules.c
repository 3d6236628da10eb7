/*
 * site/test_rules.c - what an operator says about a site: Cache-Control by pattern, types and charset, names of
 * indexes, the fallback, and listings.
 */
#include "engine/site/limits.h"
#include "engine/site/rules.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/site/types.h"
#include "tests/support/cmocka.h"
#include "tests/support/made.h"

#define TEXT(text)                                                                                 \
  { (const uint8_t *)(text), sizeof(text) - 1 }

static struct fake_stream fake;

static void get_with(const char *method, const char *path, const char *codings) {
  fake = (struct fake_stream){0};
  struct made_question asked = {.method = method, .path = path};
  if (codings) {
    asked.fields[0].token = TOKEN_ACCEPT_ENCODING;
    asked.fields[0].value = codings;
  }
  made_ask(&fake, &asked);
  while (made.waiting_count > 0)
    made_lookup_done();
  fake_pull_all(&fake, 1000);
}

static void get(const char *path) {
  get_with("GET", path, NULL);
}

/* Asserts the answer to the last get(), and ends it. NULL: not looked at. */
static void got(unsigned status, const char *body) {
  assert_int_equal(fake.status, status);
  if (body) made_assert_body(&fake, body);
  fake_free(&fake);
}

static void use(const struct site_rules *rules) {
  made_reopen((struct site_settings){.rules = rules, .cache_control = span_text("otherwise")});
}

/* ---- Cache-Control --------------------------------------------------------------------------- */

static void cache_control(void **state) {
  static const struct site_cache_rule cache[] = {
      {TEXT("*.css"), TEXT("one")},
      {TEXT("/sub/*"), TEXT("two")},
      {TEXT("/app.js"), TEXT("three")},
      {TEXT("index*"), TEXT("never for sub, which an earlier rule has")},
  };
  static const struct {
    const char *path, *codings, *value;
  } rows[] = {
      {"/style.css", NULL, "one"},          {"/style.css", "gzip", "one"},
      {"/style.css.gz", NULL, "otherwise"}, {"/sub/", NULL, "two"},
      {"/app.js", "br", "three"},           {"/digits.txt", NULL, "otherwise"},
      {"/nothing.txt", NULL, NULL},
  };
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.cache = cache;
  rules.cache_count = 4;
  use(&rules);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    get_with("GET", rows[i].path, rows[i].codings);
    made_assert_field(&fake, "cache-control", rows[i].value);
    fake_free(&fake);
  }
  const struct made_question again = {"GET", "/style.css", {{TOKEN_IF_NONE_MATCH, "*"}}};
  fake = (struct fake_stream){0};
  made_ask(&fake, &again);
  made_assert_field(&fake, "cache-control", "one");
  got(304, "");
}

/* ---- types ----------------------------------------------------------------------------------- */

static const struct site_type_rule types[] = {
    {TEXT("bin"), TEXT("application/x-firmware")},
    {TEXT("txt"), TEXT("text/x-log")},
    {TEXT("css"), TEXT("text/css; charset=koi8-r")},
};

static void check_type(const char *path, const char *expected) {
  get(path);
  made_assert_field(&fake, "content-type", expected);
  fake_free(&fake);
}

static void overridden_types(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.types = types;
  rules.type_count = 3;
  use(&rules);
  check_type("/large.bin", "application/x-firmware");
  check_type("/digits.txt", "text/x-log; charset=utf-8");
  check_type("/style.css", "text/css; charset=koi8-r");
  check_type("/app.js", "text/javascript; charset=utf-8");
  check_type("/p.jpg", "image/jpeg");
}

static void another_charset(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.types = types;
  rules.type_count = 3;
  rules.charset = span_text("iso-8859-1");
  use(&rules);
  check_type("/digits.txt", "text/x-log; charset=iso-8859-1");
  check_type("/style.css", "text/css; charset=koi8-r");
  check_type("/app.js", "text/javascript; charset=iso-8859-1");
  check_type("/p.jpg", "image/jpeg");
  get_with("GET", "/packed.js", "br");
  made_assert_field(&fake, "content-type", "text/javascript; charset=iso-8859-1");
  got(200, "BRO");
  rules.charset = (struct span){0};
  use(&rules);
  check_type("/app.js", "text/javascript");
  check_type("/digits.txt", "text/x-log");
}

/* One text is made for each type, however many files have it; refused memory leaves the table's. */
static void texts_of_types(void **state) {
  struct counted_memory memory;
  struct site_rules rules = site_rules_default;
  struct site_types all;
  char name[SITE_CHARSET_BYTES_MAX + 1];
  (void)state;
  memset(name, 'c', sizeof name - 1);
  name[sizeof name - 1] = 0;
  rules.charset = span_text(name);
  site_types_init(&all, counted_init(&memory), &rules);
  memory.refuse_at = 1;
  assert_true(span_is(site_types_find(&all, span_text("a.js")), "text/javascript; charset=utf-8"));
  struct span first = site_types_find(&all, span_text("a.js"));
  assert_ptr_equal(first.base, site_types_find(&all, span_text("b/c.mjs")).base);
  assert_int_equal(first.len, strlen("text/javascript; charset=") + strlen(name));
  assert_int_equal(memory.count, 1);
  assert_false(site_types_know(&all, span_text("a.unheard-of")));
  assert_true(site_types_know(&all, span_text("a.js")));
  site_types_destroy(&all);
  assert_int_equal(memory.bytes, 0);
}

/* ---- indexes --------------------------------------------------------------------------------- */

static void several_indexes(void **state) {
  static const struct span names[] = {TEXT("digits.txt"), TEXT("index.html"), TEXT("p.jpg")};
  static struct site_rules rules;
  (void)state;
  rules = (struct site_rules){.indexes = names, .index_count = 3};
  for (int wait = 0; wait < 2; wait++) {
    use(&rules);
    made.lookups_wait = wait;
    get("/");
    got(200, "0123456789");
    get("/sub/");
    got(200, "<p>sub");
    get("/bare/");
    got(404, NULL);
    get("/sub");
    made_assert_field(&fake, "location", "/sub/");
    got(301, "");
    get("/odd/"); /* its index.html is a directory */
    got(404, NULL);
  }
}

/* The first index exists only compressed: what a client without that coding gets could have been another. */
static void an_index_for_some(void **state) {
  static const struct span names[] = {TEXT("packed.js"), TEXT("index.html")};
  static struct site_rules rules;
  (void)state;
  rules = (struct site_rules){.indexes = names, .index_count = 2};
  use(&rules);
  get_with("GET", "/", "gzip");
  got(200, "GZIPP");
  get("/");
  made_assert_field(&fake, "vary", "accept-encoding");
  got(200, "<p>home");
}

static void no_index(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = (struct site_rules){0};
  use(&rules);
  static const char *const missing[] = {"/", "/sub/", "/bare/", "/digits.txt/", "/none/"};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
    get(missing[i]);
    got(404, NULL);
  }
  get("/sub/index.html");
  got(200, "<p>sub");
}

/* Names and paths up to their bounds. */
static void long_indexes(void **state) {
  static char name[SITE_INDEX_BYTES_MAX + 2], path[SITE_PATH_BYTES_MAX + 2];
  struct span names[SITE_INDEXES_MAX + 1];
  struct site_rules rules = {.indexes = names, .index_count = 2};
  (void)state;
  memset(name, 'n', sizeof name - 1);
  names[0] = span_of(name, SITE_INDEX_BYTES_MAX);
  names[1] = span_text("index.html");
  use(&rules);
  get("/sub/");
  got(200, "<p>sub");
  memset(path, 'p', sizeof path - 1);
  path[0] = '/';
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX - 1] = '/';
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX] =
      0; /* with the slash before it, the name just fits */
  get(path);
  got(404, NULL);
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX - 1] = 'p';
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX + 2] = 0;
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX] = 'p';
  path[SITE_PATH_BYTES_MAX - SITE_INDEX_BYTES_MAX + 1] = '/';
  get(path);
  got(414, NULL);
  for (unsigned i = 0; i < SITE_INDEXES_MAX; i++)
    names[i] = span_text("none");
  names[SITE_INDEXES_MAX] = span_text("index.html");
  rules.index_count = SITE_INDEXES_MAX + 1;
  use(&rules);
  get("/sub/");
  got(404, NULL);
}

/* ---- the fallback ---------------------------------------------------------------------------- */

static void fallback(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.fallback = span_text("sub/index.html");
  for (int wait = 0; wait < 2; wait++) {
    use(&rules);
    made.lookups_wait = wait;
    static const char *const shown[] = {"/users/7", "/john.doe", "/bare/", "/none/at/all/"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
      get(shown[i]);
      made_assert_field(&fake, "content-type", "text/html; charset=utf-8");
      got(200, "<p>sub");
    }
    get_with("HEAD", "/users/7", NULL);
    made_assert_field(&fake, "content-length", "6");
    got(200, "");
    get("/assets/old.js"); /* a browser would run the page as a script */
    got(404, NULL);
    get("/secret");
    got(403, NULL);
    get("/digits.txt");
    got(200, "0123456789");
  }
}

static void a_fallback_that_is_missing(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.fallback = span_text("nowhere");
  use(&rules);
  get("/users/7");
  got(404, NULL);
  rules.fallback = span_text("bare"); /* a directory */
  use(&rules);
  get("/users/7");
  got(404, NULL);
}

/* ---- listings -------------------------------------------------------------------------------- */

static const struct site_name names[] = {
    {TEXT("sub dir"), 0, 784111777, true},       {TEXT(".git"), 0, 0, true},
    {TEXT("<b>&\"'.txt"), 10, 784111777, false}, {TEXT("a:b"), 1, 0, false},
    {TEXT("back\\slash"), 1, 0, false},          {TEXT("line\nbreak"), 1, 0, false},
};

#define PAGE(title, up, rows, more)                                                                \
  "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"                                \
  "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Index of " title                \
  "</title>\n<h1>Index of " title "</h1>\n<table>\n<tr><th>Name<th>Bytes<th>Modified\n" up rows    \
  "</table>\n" more
#define UP "<tr><td><a href=\"../\">../</a><td><td>\n"
#define ROWS                                                                                       \
  "<tr><td><a href=\"./sub%20dir/\">sub dir/</a><td><td>Sun, 06 Nov 1994 08:49:37 GMT\n"           \
  "<tr><td><a href=\"./%3Cb%3E&amp;%22&#39;.txt\">&lt;b&gt;&amp;&quot;&#39;.txt</a>"               \
  "<td>10<td>Sun, 06 Nov 1994 08:49:37 GMT\n"                                                      \
  "<tr><td><a href=\"./a:b\">a:b</a><td>1<td>Thu, 01 Jan 1970 00:00:00 GMT\n"

static void listings(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.listing = true;
  for (int wait = 0; wait < 2; wait++) {
    use(&rules);
    made.names = (struct site_names){.at = names, .count = 6};
    made.lookups_wait = wait;
    get("/bare/");
    made_assert_field(&fake, "content-type", "text/html; charset=utf-8");
    made_assert_field(&fake, "content-security-policy", "default-src 'none'");
    got(200, PAGE("/bare/", UP, ROWS, ""));
    get_with("HEAD", "/bare/", NULL);
    char length[16];
    snprintf(length, sizeof length, "%zu", sizeof PAGE("/bare/", UP, ROWS, "") - 1);
    made_assert_field(&fake, "content-length", length);
    got(200, "");
    get("/sub/"); /* has an index */
    got(200, "<p>sub");
    get("/none/");
    got(404, NULL);
    get("/digits.txt/");
    got(404, NULL);
    get("/.git/");
    got(404, NULL);
  }
  rules.index_count = 0;
  use(&rules);
  made.names = (struct site_names){.count = 0, .more = true};
  get("/");
  got(200, PAGE("/", "", "", "<p>There are more, which are not shown.\n"));
  get("/secret/");
  got(403, NULL);
  made_reopen((struct site_settings){.rules = &rules, .prefix = span_text("docs/a&b")});
  made.names = (struct site_names){0};
  get("/docs/a&b/");
  got(200, PAGE("/docs/a&amp;b/", "", "", ""));
  get("/docs/a&b/bare/");
  got(200, PAGE("/docs/a&amp;b/bare/", UP, "", ""));
}

static void listings_are_off(void **state) {
  (void)state;
  get("/bare/");
  got(404, NULL);
}

static void a_listing_without_memory(void **state) {
  static struct site_rules rules;
  (void)state;
  rules = site_rules_default;
  rules.listing = true;
  use(&rules);
  get("/digits.txt"); /* the pool has its first chunk */
  got(200, NULL);
  made.names = (struct site_names){.at = names, .count = 6};
  made.memory.refuse_at = made.memory.calls + 1;
  get("/bare/");
  got(503, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(cache_control),
      MADE_TEST(overridden_types),
      MADE_TEST(another_charset),
      cmocka_unit_test(texts_of_types),
      MADE_TEST(several_indexes),
      MADE_TEST(an_index_for_some),
      MADE_TEST(no_index),
      MADE_TEST(long_indexes),
      MADE_TEST(fallback),
      MADE_TEST(a_fallback_that_is_missing),
      MADE_TEST(listings),
      MADE_TEST(listings_are_off),
      MADE_TEST(a_listing_without_memory),
  };
  return cmocka_run_group_tests_name("site_rules", tests, NULL, NULL);
}
