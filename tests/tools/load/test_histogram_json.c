/*
 * load/test_histogram_json.c - histograms survive JSON unchanged, and contradictions are refused.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/histogram_json.h"

static struct load_histogram before, after;

static void setup_empty(void) {
  memset(&before, 0, sizeof before);
  memset(&after, 0xff, sizeof after);
}

/* Through text, as between two machines. */
static void expect_unchanged(void) {
  json_t *json = load_histogram_to_json(&before);
  assert_non_null(json);
  char *text = json_dumps(json, 0);
  json_decref(json);
  assert_non_null(text);
  json = json_loads(text, 0, NULL);
  free(text);
  assert_non_null(json);
  assert_true(load_histogram_from_json(json, &after));
  json_decref(json);
  before.last_ns = before.last_place = 0; /* how the last value was added */
  assert_memory_equal(&before, &after, sizeof before);
}

static void test_empty(void **state) {
  (void)state;
  setup_empty();
  expect_unchanged();
}

static void test_extremes(void **state) {
  (void)state;
  setup_empty();
  load_histogram_add(&before, 0);
  expect_unchanged();
  load_histogram_add(&before, INT64_MAX);
  expect_unchanged();
}

static void test_random(void **state) {
  (void)state;
  setup_empty();
  uint64_t random = 88172645463325252;
  for (unsigned i = 0; i < 100000; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    load_histogram_add(&before, random >> (24 + i % 40));
  }
  expect_unchanged();
}

/* The example of the header file. */
static void test_form(void **state) {
  (void)state;
  setup_empty();
  load_histogram_add(&before, 100);
  load_histogram_add(&before, 100);
  load_histogram_add(&before, 500);
  json_t *json = load_histogram_to_json(&before);
  char *text = json_dumps(json, JSON_COMPACT);
  json_decref(json);
  assert_string_equal(text, "{\"unit\":\"ns\",\"part_bits\":7,\"count\":3,\"sum\":700,\"min\":100,"
                            "\"max\":500,\"buckets\":[[100,2],[378,1]]}");
  free(text);
}

/* A sum beyond JSON's integers becomes the greatest one. */
static void test_long_sum(void **state) {
  (void)state;
  setup_empty();
  load_histogram_add(&before, 100);
  before.sum_ns = UINT64_MAX;
  json_t *json = load_histogram_to_json(&before);
  assert_true(load_histogram_from_json(json, &after));
  json_decref(json);
  assert_true(after.sum_ns == INT64_MAX);
}

#define HEAD   "{\"unit\": \"ns\", \"part_bits\": 7, \"sum\": 9, "
#define ENDS   "\"count\": 3, \"min\": 100, \"max\": 200, "
#define SINGLE "\"count\": 1, \"min\": 100, \"max\": 100, "

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *name, *json;
    bool good;
  } rows[] = {
      {"good", HEAD ENDS "\"buckets\": [[100, 1], [200, 2]]}", true},
      {"an array", "[]", false},
      {"nothing in it", "{}", false},
      {"no buckets", HEAD ENDS "\"x\": 1}", false},
      {"buckets of another kind", HEAD ENDS "\"buckets\": {}}", false},
      {"another unit",
       "{\"unit\": \"us\", \"part_bits\": 7, \"sum\": 9, " SINGLE "\"buckets\": [[100, 1]]}",
       false},
      {"another resolution",
       "{\"unit\": \"ns\", \"part_bits\": 8, \"sum\": 9, " SINGLE "\"buckets\": [[100, 1]]}",
       false},
      {"count too small", HEAD ENDS "\"buckets\": [[100, 1], [200, 3]]}", false},
      {"count too large", HEAD ENDS "\"buckets\": [[100, 1], [200, 1]]}", false},
      {"unordered", HEAD ENDS "\"buckets\": [[200, 2], [100, 1]]}", false},
      {"twice the same", HEAD ENDS "\"buckets\": [[100, 1], [100, 1], [200, 1]]}", false},
      {"index too large", HEAD ENDS "\"buckets\": [[100, 1], [4608, 2]]}", false},
      {"negative index", HEAD ENDS "\"buckets\": [[-1, 1], [200, 2]]}", false},
      {"no count", HEAD ENDS "\"buckets\": [[100, 3], [200, 0]]}", false},
      {"a fraction", HEAD ENDS "\"buckets\": [[100, 1.0], [200, 2]]}", false},
      {"three numbers", HEAD ENDS "\"buckets\": [[100, 1, 1], [200, 2]]}", false},
      {"a sum that wraps",
       HEAD ENDS "\"buckets\": [[100, 9223372036854775807], [150, 9223372036854775807], [200, 5]]}",
       false},
      {"another minimum", HEAD ENDS "\"buckets\": [[101, 1], [200, 2]]}", false},
      {"another maximum", HEAD ENDS "\"buckets\": [[100, 1], [201, 2]]}", false},
      {"minimum above the maximum",
       HEAD "\"count\": 1, \"min\": 501, \"max\": 500, \"buckets\": [[378, 1]]}", false},
      {"limits of nothing", HEAD "\"count\": 0, \"min\": 1, \"max\": 1, \"buckets\": []}", false},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *json = json_loads(rows[i].json, 0, NULL);
    if (!json) fail_msg("%s: no JSON", rows[i].name);
    if (load_histogram_from_json(json, &after) != rows[i].good) fail_msg("%s", rows[i].name);
    if (!rows[i].good) assert_int_equal(after.count, 0);
    json_decref(json);
  }
  assert_false(load_histogram_from_json(NULL, &after));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty), cmocka_unit_test(test_extremes), cmocka_unit_test(test_random),
      cmocka_unit_test(test_form),  cmocka_unit_test(test_long_sum), cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
