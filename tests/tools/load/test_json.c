/*
 * load/test_json.c - the report as JSON: its values, and that tools/load/SCHEMA.md lists its keys.
 */
#include "tests/support/cmocka.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/load/example.h"
#include "tools/load/command.h"
#include "tools/load/json.h"

static json_t *json_of(const struct load_report *report) {
  char *text;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  assert_non_null(to);
  assert_true(load_json_write(report, to));
  fclose(to);
  json_t *root = json_loads(text, 0, NULL);
  assert_non_null(root);
  free(text);
  return root;
}

/* ---- values ---------------------------------------------------------------------------------- */

static json_int_t number(json_t *root, const char *object, const char *name) {
  json_t *value = json_object_get(json_object_get(root, object), name);
  if (!json_is_integer(value)) fail_msg("%s.%s is no integer", object, name);
  return json_integer_value(value);
}

static const char *text(json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  if (!json_is_string(value)) fail_msg("%s is no string", name);
  return json_string_value(value);
}

static void test_values(void **state) {
  (void)state;
  json_t *root = json_of(example_report());
  assert_int_equal(json_integer_value(json_object_get(root, "weir_load")), 1);
  assert_int_equal(json_integer_value(json_object_get(root, "duration_ns")), 2000000000);
  assert_string_equal(text(root, "ring"), "epoll");
  assert_int_equal(number(root, "requests", "total"), 100);
  assert_int_equal(number(root, "requests", "in_flight"), 10);
  assert_int_equal(number(root, "requests", "never_started"), 10);
  assert_int_equal(number(root, "statuses", "200"), 70);
  assert_int_equal(number(root, "statuses", "503"), 4);
  assert_int_equal(json_object_size(json_object_get(root, "statuses")), 2);
  assert_int_equal(number(root, "latency", "count"), 2);
  assert_int_equal(number(root, "latency", "min_ns"), 100);
  assert_int_equal(number(root, "latency", "max_ns"), 3000000000);
  assert_int_equal(number(root, "options", "connections"), 3);
  assert_int_equal(number(root, "options", "duration_ns"), 2500000000);
  json_t *row = json_array_get(json_object_get(root, "series"), 0);
  assert_int_equal(json_integer_value(json_object_get(row, "done")), 45);
  assert_int_equal(json_integer_value(json_object_get(row, "p99_ns")), 100);
  json_t *errors = json_object_get(root, "errors");
  assert_int_equal(json_array_size(errors), 2);
  json_t *reset = json_array_get(errors, 1);
  assert_string_equal(text(reset, "kind"), "reset");
  assert_int_equal(json_integer_value(json_object_get(reset, "code")), 7);
  assert_int_equal(json_integer_value(json_object_get(reset, "count")), 4);
  json_decref(root);
}

/* A reason may hold any bytes that a server sent, and a command any bytes at all. */
static void test_bytes_that_are_no_text(void **state) {
  (void)state;
  struct load_report *report = example_report();
  report->command = "weir load http://localhost/\xff";
  load_stats_reason(&report->sum, "bad \xc3 news", false, 2);
  json_t *root = json_of(report);
  assert_string_equal(text(root, "command"), "weir load http://localhost/?");
  json_t *reasons = json_object_get(json_object_get(root, "connections"), "reasons");
  assert_string_equal(text(json_array_get(reasons, 1), "text"), "bad ? news");
  json_decref(root);
}

/* ---- the page -------------------------------------------------------------------------------- */

/* One key a line, sorted and each once. */
struct keys {
  char at[512][96];
  unsigned count;
};

static void add(struct keys *keys, const char *key) {
  unsigned i = 0;
  while (i < keys->count && strcmp(keys->at[i], key) < 0)
    i++;
  if (i < keys->count && strcmp(keys->at[i], key) == 0) return;
  assert_true(keys->count < sizeof keys->at / sizeof keys->at[0]);
  memmove(keys->at[i + 1], keys->at[i], (keys->count - i) * sizeof keys->at[0]);
  keys->count++;
  snprintf(keys->at[i], sizeof keys->at[i], "%s", key);
}

static bool is_times(const json_t *value) {
  return json_object_get(value, "p99_99_ns");
}

static void walk(struct keys *keys, const char *path, json_t *value) {
  char longer[160];
  const char *name;
  json_t *inner;
  size_t index;
  if (is_times(value)) {
    add(keys, path);
    path = "TIMES";
  }
  if (json_object_get(value, "part_bits")) {
    add(keys, path);
    path = "HISTOGRAM";
  }
  if (json_is_object(value)) {
    json_object_foreach (value, name, inner) {
      snprintf(longer, sizeof longer, "%s%s%s", path, *path ? "." : "",
               isdigit((unsigned char)name[0]) ? "NNN" : name);
      walk(keys, longer, inner);
    }
  } else if (json_is_array(value)) {
    snprintf(longer, sizeof longer, "%s[]", path);
    if (json_array_size(value) == 0 && strcmp(path, "HISTOGRAM.buckets") != 0)
      fail_msg("%s is empty in the example", path);
    json_array_foreach (value, index, inner)
      walk(keys, longer, inner);
  } else {
    add(keys, path);
  }
}

/* The first column of its tables. */
static void read_page(struct keys *keys) {
  FILE *page = fopen("tools/load/SCHEMA.md", "r");
  assert_non_null(page);
  char line[1024];
  while (fgets(line, sizeof line, page)) {
    if (strncmp(line, "| `", 3) != 0) continue;
    *strchr(line + 3, '`') = 0;
    add(keys, line + 3);
  }
  fclose(page);
}

static void test_the_page_lists_all_keys(void **state) {
  static struct keys found, listed;
  (void)state;
  json_t *root = json_of(example_report());
  walk(&found, "", root);
  json_decref(root);
  read_page(&listed);
  for (unsigned i = 0; i < found.count || i < listed.count; i++) {
    const char *key = i < found.count ? found.at[i] : "~",
               *row = i < listed.count ? listed.at[i] : "~";
    int order = strcmp(key, row);
    if (order < 0) fail_msg("SCHEMA.md does not list %s", key);
    if (order > 0) fail_msg("SCHEMA.md lists %s, which the report does not have", row);
  }
}

/* ---- the command ----------------------------------------------------------------------------- */

static void test_command(void **state) {
  static const struct {
    const char *argv[6], *expected;
  } rows[] = {
      {{"load", "-n", "3", "http://a/"}, "weir load -n 3 http://a/"},
      {{"load", "http://a/?b=c&d", ""}, "weir load 'http://a/?b=c&d' ''"},
      {{"load", "it's"}, "weir load 'it'\\''s'"},
      {{"load", "-H", "Authorization: Bearer x"}, "weir load -H Authorization:..."},
      {{"load", "-Hcookie: a=b"}, "weir load -Hcookie:..."},
      {{"load", "--header=X-API-Key:k"}, "weir load --header=X-API-Key:..."},
      {{"load", "-H", "accept: a"}, "weir load -H 'accept: a'"},
      {{"load", "-H", "cookies: a"}, "weir load -H 'cookies: a'"},
  };
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int argc = 0;
    while (rows[i].argv[argc])
      argc++;
    char *made = load_command_text(argc, (char *const *)rows[i].argv);
    assert_string_equal(made, rows[i].expected);
    free(made);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_bytes_that_are_no_text),
      cmocka_unit_test(test_the_page_lists_all_keys),
      cmocka_unit_test(test_command),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
