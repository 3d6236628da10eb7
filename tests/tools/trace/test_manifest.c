/*
 * trace/test_manifest.c - URLs, manifests and the command line of `weir trace`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/trace/manifest.h"
#include "tools/trace/options.h"

/* ---- URLs ------------------------------------------------------------------------------------ */

static void test_urls(void **state) {
  static const struct {
    const char *text, *authority, *target; /* authority NULL: refused */
    unsigned port;
    bool secure;
  } rows[] = {
      {"https://example.org", "example.org", "/", 443, true},
      {"http://example.org/", "example.org", "/", 80, false},
      {"HTTPS://Example.org:8443/a?b=c#d", "Example.org:8443", "/a?b=c", 8443, true},
      {"https://example.org:443/", "example.org", "/", 443, true},
      {"http://example.org:/x", "example.org", "/x", 80, false},
      {"http://[::1]:8080/x", "[::1]:8080", "/x", 8080, false},
      {"https://[::1]", "[::1]", "/", 443, true},
      {"http://example.org?q", "example.org", "/?q", 80, false},
      {"http://example.org#f", "example.org", "/", 80, false},
      {"http://127.0.0.1:1/a%20b", "127.0.0.1:1", "/a%20b", 1, false},
      {.text = "ftp://example.org/"},
      {.text = "example.org"},
      {.text = "http:/example.org/"},
      {.text = "http:///path"},
      {.text = "http://user@example.org/"},
      {.text = "http://example.org:0/"},
      {.text = "http://example.org:65536/"},
      {.text = "http://example.org:80x/"},
      {.text = "http://[::1/"},
      {.text = "http://[::1]x/"},
      {.text = "http://[]/"},
      {.text = "http://example.org/a b"},
      {.text = "http://example.org/\x01"},
      {.text = "http://ex\xc3\xa4mple.org/"},
      {.text = ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct url url;
    bool good = url_parse(&url, rows[i].text);
    if (good != (rows[i].authority != NULL)) fail_msg("%s", rows[i].text);
    if (!good) continue;
    assert_string_equal(url.authority, rows[i].authority);
    assert_string_equal(url.target, rows[i].target);
    assert_int_equal(url.port, rows[i].port);
    assert_int_equal(url.secure, rows[i].secure);
  }
}

static void test_url_too_long(void **state) {
  (void)state;
  static char text[2 * URL_BYTES_MAX];
  struct url url;
  for (size_t len = URL_BYTES_MAX - 2; len < URL_BYTES_MAX + 2; len++) {
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", 9);
    text[8 + len] = 0; /* the target, with its slash, has `len` bytes */
    assert_int_equal(url_parse(&url, text), len < URL_BYTES_MAX);
  }
}

static void test_references(void **state) {
  static const struct {
    const char *reference, *authority, *target;
  } rows[] = {
      {"", "h:81", "/d/e?q"},        {"/x", "h:81", "/x"},          {"x", "h:81", "/d/x"},
      {"x/y?z", "h:81", "/d/x/y?z"}, {"?r", "h:81", "/d/e?r"},      {"//other/x", "other", "/x"},
      {"http://k/l", "k", "/l"},     {"https://k:81", "k:81", "/"}, {"x#f", "h:81", "/d/x"},
  };
  struct url base, url;
  (void)state;
  assert_true(url_parse(&base, "http://h:81/d/e?q"));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_true(url_resolve(&url, &base, rows[i].reference));
    assert_string_equal(url.authority, rows[i].authority);
    assert_string_equal(url.target, rows[i].target);
  }
  assert_false(url_resolve(&url, &base, "a b"));
  assert_false(url_resolve(&url, &base, "http://"));
}

/* ---- manifests ------------------------------------------------------------------------------- */

static void test_manifest(void **state) {
  (void)state;
  struct trace_manifest manifest;
  char error[256];
  assert_true(trace_manifest_parse(
      &manifest,
      "{\"resources\": ["
      "{\"url\": \"/\", \"id\": \"page\"},"
      "{\"url\": \"a.css\", \"after\": \"page\", \"event\": \"first-byte\", \"delay\": 5},"
      "{\"url\": \"b.jpg\", \"start\": 120.5, \"priority\": \"u=2, i\", \"weight\": 183,"
      " \"critical\": true, \"cap\": 4096, \"uncap\": \"a.css\"},"
      "{\"url\": \"api\", \"kind\": \"fetch\", \"priority\": \"\", \"after\": \"b.jpg\"},"
      "{\"url\": \"c.css\", \"critical\": false}]}",
      error, sizeof error));
  assert_int_equal(manifest.count, 5);
  const struct trace_resource *at = manifest.at;
  assert_int_equal(at[0].kind, TRACE_DOCUMENT);
  assert_true(at[0].critical);
  assert_int_equal(at[0].after, -1);
  assert_int_equal(at[1].kind, TRACE_STYLE);
  assert_int_equal(at[1].after, 0);
  assert_int_equal(at[1].event, TRACE_ON_BYTE);
  assert_true(at[1].start_ms == 5);
  assert_null(at[1].priority);
  assert_true(at[1].cap_bytes == UINT64_MAX);
  assert_true(at[2].start_ms == 120.5);
  assert_string_equal(at[2].priority, "u=2, i");
  assert_int_equal(at[2].weight, 183);
  assert_true(at[2].critical);
  assert_int_equal(at[2].cap_bytes, 4096);
  assert_int_equal(at[2].uncap, 1);
  assert_int_equal(at[3].kind, TRACE_FETCH);
  assert_false(at[3].critical);
  assert_string_equal(at[3].priority, "");
  assert_int_equal(at[3].after, 2);
  assert_int_equal(at[3].event, TRACE_ON_COMPLETE);
  assert_false(at[4].critical);
  trace_manifest_free(&manifest);
  assert_true(trace_manifest_parse(&manifest, "[{\"url\": \"/x\"}]", error, sizeof error));
  assert_int_equal(manifest.count, 1);
  trace_manifest_free(&manifest);
}

static void test_wrong_manifests(void **state) {
  static const struct {
    const char *json, *named; /* what the error must name */
  } rows[] = {
      {"", "line 1"},
      {"{", "line 1"},
      {"{}", "expected a list"},
      {"{\"resources\": 1}", "expected a list"},
      {"[]", "no resources"},
      {"[1]", "must be an object"},
      {"[{}]", "no \"url\""},
      {"[{\"url\": \"\"}]", "no \"url\""},
      {"[{\"url\": 1}]", "\"url\" must be a string"},
      {"[{\"url\": \"a b\"}]", "a b is not an http or https URL"},
      {"[{\"url\": \"ftp://\\u0001\"}]", "is not an http or https URL"},
      {"[{\"url\": \"/\", \"kind\": \"movie\"}]", "movie is not a known kind"},
      {"[{\"url\": \"/\", \"kind\": 1}]", "\"kind\" must be a string"},
      {"[{\"url\": \"/\", \"critical\": 1}]", "\"critical\" must be true or false"},
      {"[{\"url\": \"/\", \"start\": -1}]", "\"start\" must be a number"},
      {"[{\"url\": \"/\", \"start\": \"1\"}]", "\"start\" must be a number"},
      {"[{\"url\": \"/\", \"start\": 1e9}]", "\"start\" must be a number"},
      {"[{\"url\": \"/\", \"delay\": 1}]", "without \"after\""},
      {"[{\"url\": \"/\", \"event\": \"headers\"}]", "without \"after\""},
      {"[{\"url\": \"/\"}, {\"url\": \"/b\", \"after\": \"/\", \"start\": 1}]", "has both"},
      {"[{\"url\": \"/\"}, {\"url\": \"/b\", \"after\": \"/\", \"event\": \"load\"}]",
       "load is not a known event"},
      {"[{\"url\": \"/\", \"after\": \"/c\"}]", "there is no resource /c"},
      {"[{\"url\": \"/\", \"uncap\": \"/c\"}]", "there is no resource /c"},
      {"[{\"url\": \"/\", \"after\": \"/\"}]", "for itself"},
      {"[{\"url\": \"/a\", \"after\": \"/b\"}, {\"url\": \"/b\", \"after\": \"/a\"}]",
       "for itself"},
      {"[{\"url\": \"/\", \"weight\": 0}]", "\"weight\" must be a number from 1 to 256"},
      {"[{\"url\": \"/\", \"weight\": 257}]", "\"weight\" must be a number from 1 to 256"},
      {"[{\"url\": \"/\", \"priority\": \"u=1\\n\"}]", "is not a value for the priority field"},
      {"[{\"url\": \"/\", \"priority\": \" u=1\"}]", "is not a value for the priority field"},
      {"[{\"url\": \"/\", \"priority\": 1}]", "\"priority\" must be a string"},
      {"[{\"url\": \"/\", \"cap\": -1}]", "\"cap\" must be a number"},
      {"[{\"url\": \"/\", \"prority\": \"u=1\"}]", "\"prority\" is not a member"},
      {"[{\"url\": \"/\", \"url\": \"/\"}]", "duplicate"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct trace_manifest manifest;
    char error[256] = "";
    if (trace_manifest_parse(&manifest, rows[i].json, error, sizeof error))
      fail_msg("%s was accepted", rows[i].json);
    if (!strstr(error, rows[i].named)) fail_msg("%s: %s", rows[i].json, error);
    assert_null(strpbrk(error, "\n\t\x01"));
    assert_null(manifest.at);
  }
}

static void test_too_many(void **state) {
  (void)state;
  struct trace_manifest manifest;
  char error[256], *json = malloc(20 * (TRACE_RESOURCES_MAX + 2)), *end = json;
  assert_non_null(json);
  *end++ = '[';
  for (int i = 0; i <= TRACE_RESOURCES_MAX; i++)
    end += sprintf(end, "%s{\"url\": \"/\"}", i ? "," : "");
  strcpy(end, "]");
  assert_false(trace_manifest_parse(&manifest, json, error, sizeof error));
  assert_non_null(strstr(error, "more than 1000 resources"));
  free(json);
  assert_false(trace_manifest_read(&manifest, "/nonexistent", error, sizeof error));
  assert_string_equal(error, "/nonexistent: No such file or directory");
}

static void test_list_of_urls(void **state) {
  (void)state;
  struct trace_manifest manifest;
  char error[256];
  char *good[] = {(char *)"http://h/a.css", (char *)"http://h/b"};
  char *bad[] = {(char *)"http://h/a.css", (char *)"h"};
  assert_true(trace_manifest_of_urls(&manifest, good, 2, error, sizeof error));
  assert_int_equal(manifest.count, 2);
  assert_int_equal(manifest.at[0].kind, TRACE_STYLE);
  assert_true(manifest.at[0].kind_given);
  assert_false(manifest.at[1].kind_given);
  trace_manifest_free(&manifest);
  assert_false(trace_manifest_of_urls(&manifest, bad, 2, error, sizeof error));
  assert_non_null(strstr(error, "h: expected http://HOST/PATH"));
}

/* ---- the command line ------------------------------------------------------------------------ */

static enum trace_options_result parse(const char *line, struct trace_options *options,
                                       char error[256]) {
  static char words[2000];
  static char *argv[40];
  int argc = 1;
  snprintf(words, sizeof words, "%s", line);
  argv[0] = (char *)"trace";
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
    assert_true(argc < 39);
    argv[argc++] = word;
  }
  argv[argc] = NULL;
  error[0] = 0;
  return trace_options_parse(options, argc, argv, error, 256);
}

static void test_options(void **state) {
  (void)state;
  struct trace_options options;
  char error[256];
  assert_int_equal(parse("http://h/", &options, error), TRACE_OPTIONS_RUN);
  assert_string_equal(options.profile->name, "chromium");
  assert_int_equal(options.rate_limit, 0);
  assert_int_equal(parse("-k -f --manifest m.json --profile safari --limit-rate 1.6M -o p.svg "
                         "--window 16K --connection-window 100000 -t 2.5 -H a:b "
                         "--compare https://i/ http://h/",
                         &options, error),
                   TRACE_OPTIONS_RUN);
  assert_string_equal(options.profile->name, "safari");
  assert_int_equal(options.rate_limit, 1600000);
  assert_int_equal(options.stream_window_bytes, 16000);
  assert_int_equal(options.connection_window_bytes, 100000);
  assert_true(options.timeout_seconds == 2.5);
  assert_true(options.insecure && options.frames);
  assert_int_equal(options.url_count, 1);
  assert_string_equal(options.urls[0], "http://h/");
  assert_int_equal(parse("--help", &options, error), TRACE_OPTIONS_HELP);
  assert_int_equal(parse("-V", &options, error), TRACE_OPTIONS_VERSION);
  assert_int_equal(parse("--version", &options, error), TRACE_OPTIONS_VERSION);
}

static void test_wrong_options(void **state) {
  static const struct {
    const char *line, *named;
  } rows[] = {
      {"", "no URL"},
      {"--nonsense http://h/", "--nonsense: no such option; see weir trace --help"},
      {"--frames -xf http://h/", "-x: no such option"},
      {"http://h/ -o", "-o needs a value"},
      {"-o page.png http://h/", "page.png"},
      {"-o .svg http://h/", ".svg"},
      {"-p opera http://h/", "opera"},
      {"-r 10 http://h/", "--limit-rate 10"},
      {"-r 10X http://h/", "--limit-rate 10X"},
      {"-r -5K http://h/", "--limit-rate"},
      {"-r 5KB http://h/", "--limit-rate 5KB"},
      {"-r nan http://h/", "--limit-rate nan"},
      {"--window 0 http://h/", "--window 0"},
      {"--window 2147483648 http://h/", "--window 2147483648"},
      {"--connection-window 65534 http://h/", "--connection-window 65534"},
      {"-t 0 http://h/", "--timeout 0"},
      {"-t nan http://h/", "--timeout nan"},
      {"-t 1x http://h/", "--timeout 1x"},
      {"-H nonsense http://h/", "--header nonsense"},
      {"-H :path:x http://h/", "--header :path"},
      {"-m a.json http://h/ http://i/", "one base URL"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct trace_options options;
    char error[256];
    assert_int_equal(parse(rows[i].line, &options, error), TRACE_OPTIONS_WRONG);
    if (!strstr(error, rows[i].named)) fail_msg("%s: %s", rows[i].line, error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_urls),
      cmocka_unit_test(test_url_too_long),
      cmocka_unit_test(test_references),
      cmocka_unit_test(test_manifest),
      cmocka_unit_test(test_wrong_manifests),
      cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_list_of_urls),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_wrong_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
