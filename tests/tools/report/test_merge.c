/*
 * report/test_merge.c - results of several machines, added up.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/histogram_json.h"
#include "tools/report/merge.h"
#include "tools/report/result.h"

/* A result with what is written in single quotes in `text`. */
static json_t *parse(const char *text) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", text);
  for (char *at = copy; (at = strchr(at, '\''));)
    *at = '"';
  json_error_t error;
  json_t *json = json_loads(copy, 0, &error);
  if (!json) fail_msg("%s: %s", error.text, copy);
  return json;
}

/* Adds `from` to `sum`; both are released. Returns the sum. */
static json_t *added(json_t *sum, json_t *from) {
  assert_true(report_merge_add(sum, from));
  json_decref(from);
  assert_true(report_merge_end(sum, 2));
  return sum;
}

/* What is at `path`, "series" or "connections.reasons", must equal `wanted`. */
static void expect(const json_t *found, const char *path, const char *wanted) {
  char names[64], list[512], *rest = names;
  snprintf(names, sizeof names, "%s", path);
  snprintf(list, sizeof list, "[%s]", wanted); /* a JSON text is a list or an object */
  json_t *value = parse(list);
  for (char *name; (name = strsep(&rest, "."));)
    found = json_object_get(found, name);
  if (!found || !json_equal(found, json_array_get(value, 0)))
    fail_msg("%s is %s, not %s", path, found ? json_dumps(found, JSON_ENCODE_ANY) : "missing",
             wanted);
  json_decref(value);
}

/* ---- histograms ------------------------------------------------------------------------------ */

static json_t *result_of(const struct load_histogram *histogram) {
  return json_pack("{s:i, s:I, s:{s:I, s:i, s:i, s:i, s:i, s:i, s:f, s:o}}", "weir_load", 1,
                   "duration_ns", (json_int_t)1000000000, "latency", "count",
                   (json_int_t)histogram->count, "min_ns", 0, "p50_ns", 0, "p99_ns", 0, "p99_99_ns",
                   0, "max_ns", 0, "mean_ns", 0.0, "histogram", load_histogram_to_json(histogram));
}

/* Ten results equal the histogram of all values, and so do their percentiles. */
static void test_ten_equal_the_whole(void **state) {
  static struct load_histogram whole, part, sum_found;
  uint64_t random = 88172645463325252;
  json_t *sum = NULL;
  (void)state;
  memset(&whole, 0, sizeof whole);
  for (unsigned i = 0; i < 10; i++) {
    memset(&part, 0, sizeof part);
    for (unsigned k = 0; k < 10000 + 100 * i; k++) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      uint64_t value = random >> (24 + k % (20 + i));
      load_histogram_add(&part, value);
      load_histogram_add(&whole, value);
    }
    json_t *result = result_of(&part);
    assert_true(!sum || report_merge_add(sum, result));
    if (sum) json_decref(result);
    sum = sum ? sum : result;
  }
  assert_true(report_merge_end(sum, 10));
  json_t *latency = json_object_get(sum, "latency");
  assert_true(load_histogram_from_json(json_object_get(latency, "histogram"), &sum_found));
  assert_memory_equal(sum_found.buckets, whole.buckets, sizeof whole.buckets);
  assert_true(sum_found.count == whole.count && sum_found.sum_ns == whole.sum_ns);
  static const struct {
    const char *name;
    double percent;
  } rows[] = {{"min_ns", 0}, {"p50_ns", 50}, {"p99_ns", 99}, {"p99_99_ns", 99.99}, {"max_ns", 100}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(json_integer_value(json_object_get(latency, rows[i].name)),
                     load_histogram_percentile(&whole, rows[i].percent));
  assert_int_equal(json_integer_value(json_object_get(latency, "count")), whole.count);
  assert_true(json_real_value(json_object_get(latency, "mean_ns")) == load_histogram_mean(&whole));
  json_decref(sum);
}

static void test_wrong_histogram(void **state) {
  (void)state;
  static struct load_histogram empty;
  json_t *sum = result_of(&empty), *from = result_of(&empty);
  json_object_set_new(json_object_get(from, "latency"), "histogram", json_string("none"));
  assert_false(report_merge_add(sum, from));
  json_decref(sum);
  json_decref(from);
}

/* Percentiles whose histograms are unknown are unknown, and stay so. */
static void test_without_histograms(void **state) {
  (void)state;
  static const char row[] = "{'series': [{'second': 0, 'done': 5, 'p99_ns': 7, 'max_ns': 9}]}";
  json_t *sum = added(parse(row), parse(row));
  expect(sum, "series", "[{'second': 0, 'done': 10, 'p99_ns': null, 'max_ns': 9}]");
  sum = added(sum, parse(row));
  expect(sum, "series", "[{'second': 0, 'done': 15, 'p99_ns': null, 'max_ns': 9}]");
  json_decref(sum);
}

#define HISTOGRAM                                                                                  \
  "'histogram': {'unit': 'ns', 'part_bits': 7, 'count': 1, 'sum': 7, 'min': 7, 'max': 7, "         \
  "'buckets': [[7, 1]]}"

/* A histogram and a percentile without one: that of one part must not pass for the sum's. */
static void test_one_histogram(void **state) {
  (void)state;
  json_t *sum = added(parse("{'first_byte': {'p50_ns': 7, " HISTOGRAM "}}"),
                      parse("{'first_byte': {'p50_ns': 8}}"));
  expect(sum, "first_byte", "{'p50_ns': null}");
  sum = added(sum, parse("{'first_byte': {'p50_ns': 7, " HISTOGRAM "}}"));
  expect(sum, "first_byte", "{'p50_ns': null}");
  json_decref(sum);
  /* Without values, there need be no histogram. */
  sum = added(parse("{'first_byte': {'p50_ns': 0}}"),
              parse("{'first_byte': {'p50_ns': 7, " HISTOGRAM "}}"));
  expect(sum, "first_byte", "{'p50_ns': 7, " HISTOGRAM "}");
  json_decref(sum);
}

/* ---- everything else ------------------------------------------------------------------------- */

static void test_rules(void **state) {
  (void)state;
  static const struct {
    const char *a, *b, *path, *sum;
  } rows[] = {
      {"{'requests': {'done': 5}}", "{'requests': {'done': 7}}", "requests", "{'done': 12}"},
      {"{'requests': {}}", "{'requests': {'new': 7}}", "requests", "{'new': 7}"},
      {"{'requests': {'oldest_in_flight_ns': 5}}", "{'requests': {'oldest_in_flight_ns': 3}}",
       "requests", "{'oldest_in_flight_ns': 5}"},
      {"{'statuses': {'200': 5}}", "{'statuses': {'200': 1, '503': 2}}", "statuses",
       "{'200': 6, '503': 2}"},
      {"{'errors': [{'kind': 'reset', 'code': 7, 'count': 1}]}",
       "{'errors': [{'kind': 'reset', 'code': 8, 'count': 1}, "
       "{'kind': 'reset', 'code': 7, 'count': 2}]}",
       "errors",
       "[{'kind': 'reset', 'code': 7, 'count': 3}, {'kind': 'reset', 'code': 8, 'count': 1}]"},
      {"{'connections': {'reasons': [{'text': 'x', 'count': 1}]}}",
       "{'connections': {'reasons': [{'text': 'x', 'count': 2}]}}", "connections.reasons",
       "[{'text': 'x', 'count': 3}]"},
      {"{'interrupted': false}", "{'interrupted': true}", "interrupted", "true"},
      {"{'limited_by': 'server'}", "{'limited_by': 'generator'}", "limited_by", "'generator'"},
      {"{'limited_by': 'input'}", "{'limited_by': 'streams'}", "limited_by", "'input'"},
      {"{'limited_by': 'streams'}", "{'limited_by': 'none'}", "limited_by", "'streams'"},
      {"{'self': {'busy': [0.5], 'cpu_ns': 1}}", "{'self': {'busy': [0.25], 'cpu_ns': 2}}", "self",
       "{'busy': [0.5, 0.25], 'cpu_ns': 3}"},
      {"{'options': {'rate': 50, 'connections': 2, 'timeout_ns': 9}}",
       "{'options': {'rate': 50, 'connections': 2, 'timeout_ns': 9}}", "options",
       "{'rate': 100, 'connections': 4, 'timeout_ns': 9}"},
      {"{'stages': [{'text': '1s:5', 'begin_ns': 2, 'end_ns': 5, 'requests': {'done': 1}}]}",
       "{'stages': [{'text': '1s:5', 'begin_ns': 1, 'end_ns': 4, 'requests': {'done': 2}}]}",
       "stages", "[{'text': '1s:5', 'begin_ns': 1, 'end_ns': 5, 'requests': {'done': 3}}]"},
      {"{'fail_if': [{'condition': 'p99>1ms', 'value': 5, 'failed': true}]}",
       "{'fail_if': [{'condition': 'p99>1ms', 'value': 0, 'failed': false}]}", "fail_if",
       "[{'condition': 'p99>1ms', 'value': null, 'failed': true}]"},
      {"{'tls': {'version': 'TLSv1.3', 'resumed': 1}}",
       "{'tls': {'version': 'TLSv1.3', 'resumed': 2}}", "tls",
       "{'version': 'TLSv1.3', 'resumed': 3}"},
      {"{'duration_ns': 5000000000, 'requests': {'succeeded': 20, 'succeeded_per_second': 4.0}}",
       "{'duration_ns': 4000000000, 'requests': {'succeeded': 20, 'succeeded_per_second': 5.0}}",
       "requests", "{'succeeded': 40, 'succeeded_per_second': 8.0}"},
      {"{'requests': {'x': 9223372036854775807}}", "{'requests': {'x': 1}}", "requests",
       "{'x': 9223372036854775807}"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *sum = added(parse(rows[i].a), parse(rows[i].b));
    expect(sum, rows[i].path, rows[i].sum);
    json_decref(sum);
  }
}

/* One machine began two seconds after the other, in either order: its rows are two seconds later,
 * and the whole is longer. */
static void test_later_start(void **state) {
  (void)state;
  static const char first[] =
      "{'begin_unix_ns': 1000000000, 'duration_ns': 3000000000, 'series': ["
      "{'second': 0, 'seconds': 1.0, 'done': 1}, {'second': 1.25, 'seconds': 0.75, 'done': 2}, "
      "{'second': 2, 'seconds': 1.0, 'done': 3}]}";
  static const char later[] =
      "{'begin_unix_ns': 3100000000, 'duration_ns': 3000000000, 'series': ["
      "{'second': 0, 'seconds': 1.25, 'done': 10}, {'second': 1.25, 'seconds': 1.0, 'done': 20}]}";
  static const double done[] = {1, 2, 13, 20};
  for (unsigned i = 0; i < 2; i++) {
    json_t *sum = added(parse(i ? later : first), parse(i ? first : later)), *row;
    size_t k;
    assert_int_equal(json_array_size(json_object_get(sum, "series")), 4);
    json_array_foreach (json_object_get(sum, "series"), k, row) {
      assert_true(report_number(row, "done") == done[k]);
    }
    assert_true(report_number(sum, "duration_ns") == 5.1e9);
    assert_true(report_number(sum, "begin_unix_ns") == 1e9);
    json_decref(sum);
  }
}

static void test_conflicts(void **state) {
  (void)state;
  static const struct {
    const char *a, *b, *conflict;
  } rows[] = {
      {"{'options': {'rate': 5}}", "{'options': {'rate': 5}}", NULL},
      {"{'options': {'rate': 5}}", "{'options': {'rate': 6}}", "rate"},
      {"{'options': {'rate': 5}}", "{'options': {}}", "rate"},
      {"{'options': {}}", "{'options': {'rate': 5}}", "rate"},
      {"{'options': {'urls': ['a', 'b']}}", "{'options': {'urls': ['a', 'c']}}", "urls"},
      {"{'options': {'threads': 5, 'seed': 1}}", "{'options': {'threads': 6, 'seed': 2}}", NULL},
      {"{'tls': {'alpn': 'h2', 'cipher': 'x'}}", "{'tls': {'alpn': 'h2', 'cipher': 'y'}}", NULL},
      {"{'tls': {'alpn': 'h2'}}", "{'tls': {'alpn': 'http/1.1'}}", "protocol"},
      {"{'protocol': 'h2'}", "{'protocol': 'http/1.1'}", "protocol"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *a = parse(rows[i].a), *b = parse(rows[i].b);
    const char *conflict = report_merge_conflict(a, b);
    if (rows[i].conflict) {
      assert_non_null(conflict);
      assert_string_equal(conflict, rows[i].conflict);
    } else if (conflict) {
      fail_msg("row %u: %s", i, conflict);
    }
    json_decref(a);
    json_decref(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ten_equal_the_whole),
      cmocka_unit_test(test_wrong_histogram),
      cmocka_unit_test(test_without_histograms),
      cmocka_unit_test(test_one_histogram),
      cmocka_unit_test(test_rules),
      cmocka_unit_test(test_later_start),
      cmocka_unit_test(test_conflicts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
