/*
 * trace/test_manifest.c - manifests: what is read, and what is refused.
 */
#include "tests/support/cmocka.h"
#include "tools/trace/limits.h"
#include "tools/trace/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_manifest(void **state) {
  (void)state;
  struct trace_manifest manifest;
  char error[256];
  const struct failure failure = {error, sizeof error};
  assert_true(trace_manifest_parse(
      &manifest,
      "{\"resources\": ["
      "{\"url\": \"/\", \"id\": \"page\"},"
      "{\"url\": \"a.css\", \"after\": \"page\", \"event\": \"first-byte\", \"delay\": 5},"
      "{\"url\": \"b.jpg\", \"start\": 120.5, \"priority\": \"u=2, i\", \"weight\": 183,"
      " \"critical\": true, \"cap\": 4096, \"uncap\": \"a.css\"},"
      "{\"url\": \"api\", \"kind\": \"fetch\", \"priority\": \"\", \"after\": \"b.jpg\"},"
      "{\"url\": \"c.css\", \"critical\": false}]}",
      &failure));
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
  assert_true(trace_manifest_parse(&manifest, "[{\"url\": \"/x\"}]", &failure));
  assert_int_equal(manifest.count, 1);
  trace_manifest_free(&manifest);
}

static void test_wrong_manifests(void **state) {
  static const struct {
    const char *json, *named; /* the error must contain this */
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
    const struct failure failure = {error, sizeof error};
    if (trace_manifest_parse(&manifest, rows[i].json, &failure))
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
  const struct failure failure = {error, sizeof error};
  assert_non_null(json);
  *end++ = '[';
  for (int i = 0; i <= TRACE_RESOURCES_MAX; i++)
    end += sprintf(end, "%s{\"url\": \"/\"}", i ? "," : "");
  strcpy(end, "]");
  assert_false(trace_manifest_parse(&manifest, json, &failure));
  assert_non_null(strstr(error, "more than 1000 resources"));
  free(json);
  assert_false(trace_manifest_read(&manifest, "/nonexistent", &failure));
  assert_string_equal(error, "/nonexistent: cannot read it: No such file or directory");
}

static void test_list_of_urls(void **state) {
  (void)state;
  struct trace_manifest manifest;
  char error[256];
  const struct failure failure = {error, sizeof error};
  char *good[] = {(char *)"http://h/a.css", (char *)"http://h/b"};
  char *bad[] = {(char *)"http://h/a.css", (char *)"h"};
  assert_true(trace_manifest_of_urls(&manifest, good, 2, &failure));
  assert_int_equal(manifest.count, 2);
  assert_int_equal(manifest.at[0].kind, TRACE_STYLE);
  assert_true(manifest.at[0].kind_given);
  assert_false(manifest.at[1].kind_given);
  trace_manifest_free(&manifest);
  assert_false(trace_manifest_of_urls(&manifest, bad, 2, &failure));
  assert_non_null(strstr(error, "h: expected http://HOST/PATH"));
}

/* White space counts like any other byte. */
static void test_too_large(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    char file[] = "/tmp/weir-manifest-XXXXXX", error[256];
    const struct failure failure = {error, sizeof error};
    struct trace_manifest manifest;
    int fd = mkstemp(file);
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(to);
    fprintf(to, "%-*s", TRACE_MANIFEST_BYTES_MAX + (int)extra, "[{\"url\": \"/x\"}]");
    assert_int_equal(fclose(to), 0);
    bool good = trace_manifest_read(&manifest, file, &failure);
    unlink(file);
    assert_int_equal(good, !extra);
    if (good) trace_manifest_free(&manifest);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_manifest),     cmocka_unit_test(test_wrong_manifests),
      cmocka_unit_test(test_too_many),     cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_list_of_urls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
