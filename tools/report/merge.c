/*
 * report/merge.c - see report/merge.h.
 */
#include "tools/report/merge.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/histogram_json.h"
#include "tools/load/units.h"
#include "tools/report/result.h"

/* ---- numbers --------------------------------------------------------------------------------- */

enum how { SUM, MOST, LEAST, FIRST, NOTHING };

/* How the numbers of a name are added. Others are amounts, or ages if they end with "_ns". */
static const struct {
  const char *name;
  enum how how;
} rules[] = {
    {"begin_unix_ns", LEAST}, {"begin_ns", LEAST},   {"min_ns", LEAST},
    {"min", LEAST},           {"max", MOST},         {"busy", MOST},
    {"cpu_ns", SUM},          {"run_delay_ns", SUM}, {"throttled_ns", SUM},
    {"input_ns", SUM},        {"second", FIRST},     {"seconds", MOST},
    {"weir_load", FIRST},     {"code", FIRST},       {"stage", FIRST},
    {"value", NOTHING},       {"mean_ns", NOTHING},
};

/* Whether `name` is "p50_ns", "p99_9_ns" and so on, and the percent. */
static bool is_percentile(const char *name, double *percent) {
  char *end, text[16];
  if (name[0] != 'p' || !isdigit((unsigned char)name[1])) return false;
  snprintf(text, sizeof text, "%s", name + 1);
  char *point = strchr(text, '_');
  if (point && isdigit((unsigned char)point[1])) *point = '.';
  *percent = strtod(text, &end);
  return strcmp(end, "_ns") == 0;
}

static enum how how_of(const char *name) {
  double percent;
  for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (strcmp(rules[i].name, name) == 0) return rules[i].how;
  if (is_percentile(name, &percent)) return NOTHING;
  size_t len = strlen(name);
  return len > 3 && strcmp(name + len - 3, "_ns") == 0 ? MOST : SUM;
}

static json_t *add_integers(enum how how, json_int_t a, json_int_t b) {
  json_int_t sum;
  if (how == MOST) return json_integer(a > b ? a : b);
  if (how == LEAST) return json_integer(a < b ? a : b);
  return json_integer(__builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum);
}

static json_t *add_numbers(enum how how, const json_t *a, const json_t *b) {
  if (how == NOTHING) return json_null();
  if (json_is_integer(a) && json_is_integer(b))
    return add_integers(how, json_integer_value(a), json_integer_value(b));
  double x = json_number_value(a), y = json_number_value(b);
  return json_real(how == MOST ? fmax(x, y) : how == LEAST ? fmin(x, y) : x + y);
}

/* ---- histograms ------------------------------------------------------------------------------ */

/* Whether the object has values whose histogram it does not tell. Percentiles are null after such
 * an object was added. */
static bool is_inexact(json_t *object) {
  const char *name;
  json_t *value;
  double percent;
  if (json_object_get(object, "histogram")) return false;
  json_object_foreach (object, name, value)
    if (is_percentile(name, &percent) && (json_is_null(value) || json_number_value(value) > 0))
      return true;
  return false;
}

static bool set_number(json_t *object, const char *name, const struct load_histogram *histogram) {
  double percent;
  bool empty = histogram->count == 0;
  json_t *value = NULL;
  if (is_percentile(name, &percent))
    value = json_integer((json_int_t)load_histogram_percentile(histogram, percent));
  else if (strcmp(name, "mean_ns") == 0)
    value = json_real(load_histogram_mean(histogram));
  else if (strcmp(name, "min_ns") == 0)
    value = json_integer(empty ? 0 : (json_int_t)histogram->min_ns);
  else if (strcmp(name, "max_ns") == 0)
    value = json_integer((json_int_t)histogram->max_ns);
  return !value || json_object_set_new(object, name, value) == 0;
}

/* Computes the percentiles beside a histogram anew. */
static bool refresh(json_t *object, const struct load_histogram *histogram) {
  const char *name;
  void *next;
  json_t *value;
  json_object_foreach_safe(object, next, name, value) {
    if (!set_number(object, name, histogram)) return false;
  }
  return json_object_set_new(object, "histogram", load_histogram_to_json(histogram)) == 0;
}

static bool read_histogram(const json_t *object, struct load_histogram *histogram) {
  const json_t *json = json_object_get(object, "histogram");
  memset(histogram, 0, sizeof *histogram);
  return !json || load_histogram_from_json(json, histogram);
}

/* The last step for two objects: their histograms, if either has one. */
static bool merge_histograms(json_t *sum, const json_t *from, bool inexact) {
  struct load_histogram histogram, other; /* 72 KiB; not recursive */
  if (inexact) {
    json_object_del(sum, "histogram");
    return true;
  }
  if (!read_histogram(sum, &histogram) || !read_histogram(from, &other)) return false;
  load_histogram_merge(&histogram, &other);
  return refresh(sum, &histogram);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Rows of these lists are the same if these members are equal. Rows of the series are the same if
 * they are of the same time, and rows of `stages` by position. Other lists are joined. */
static const struct {
  const char *name, *keys[2];
} lists[] = {
    {"series", {"second"}},
    {"errors", {"kind", "code"}},
    {"reasons", {"text", "graceful"}},
    {"fail_if", {"condition", "stage"}},
};

static bool merge_object(json_t *sum, json_t *from);

/* Whether the middle of the row `b` is in the row `a`. */
static bool is_same_time(const json_t *a, const json_t *b) {
  double length = report_number(a, "seconds"), length_b = report_number(b, "seconds");
  double since = report_number(b, "second") + length_b / 2 - report_number(a, "second");
  return since >= 0 && (since < length || since == length_b / 2);
}

static bool is_same_row(const json_t *a, const json_t *b, const char *const keys[2]) {
  if (strcmp(keys[0], "second") == 0) return is_same_time(a, b);
  for (unsigned i = 0; i < 2 && keys[i]; i++) {
    const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
    if ((x || y) && !json_equal(x, y)) return false;
  }
  return true;
}

/* The row of `list` that is the same as `row`, looked for at `position` first. */
static json_t *find_row(const json_t *list, size_t position, const json_t *row,
                        const char *const keys[2]) {
  json_t *there = json_array_get(list, position);
  if (there && is_same_row(there, row, keys)) return there;
  size_t i;
  json_array_foreach (list, i, there) {
    if (is_same_row(there, row, keys)) return there;
  }
  return NULL;
}

static bool merge_list(json_t *list, const char *name, const json_t *from) {
  static const char *const by_position[2] = {NULL};
  const char *const *keys = strcmp(name, "stages") == 0 ? by_position : NULL;
  for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++)
    if (strcmp(lists[i].name, name) == 0) keys = lists[i].keys;
  size_t position, before = json_array_size(list);
  json_t *row;
  json_array_foreach (from, position, row) {
    json_t *same = NULL;
    if (keys == by_position && position < before)
      same = json_array_get(list, position);
    else if (keys && keys != by_position)
      same = find_row(list, position, row, keys);
    if (same ? !merge_object(same, row) : json_array_append(list, row) != 0) return false;
  }
  return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

static bool merge_member(json_t *sum, const char *name, json_t *value) {
  json_t *have = json_object_get(sum, name);
  if (!have) return json_object_set(sum, name, value) == 0;
  if (json_is_array(have) && json_is_array(value)) return merge_list(have, name, value);
  if (json_is_object(have) && json_is_object(value)) return merge_object(have, value);
  if (json_is_true(value)) return json_object_set(sum, name, value) == 0;
  if (strcmp(name, "text") == 0 && !json_equal(have, value)) /* of one part's value */
    return json_object_set_new(sum, name, json_null()) == 0;
  enum how how = how_of(name);
  if (how == FIRST || !json_is_number(have) || !json_is_number(value)) return true;
  return json_object_set_new(sum, name, add_numbers(how, have, value)) == 0;
}

static bool merge_object(json_t *sum, json_t *from) {
  const char *name;
  json_t *value;
  bool has = json_object_get(sum, "histogram") || json_object_get(from, "histogram");
  bool inexact = has && (is_inexact(sum) || is_inexact(from));
  json_object_foreach (from, name, value)
    if (strcmp(name, "histogram") != 0 && !merge_member(sum, name, value)) return false;
  return !has || merge_histograms(sum, from, inexact);
}

/* ---- whole results --------------------------------------------------------------------------- */

static json_int_t integer_at(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

/* How many seconds `from` began after `sum`; less than 0: before it. Clocks that are a day apart
 * tell nothing. */
static json_int_t shift_of(const json_t *sum, const json_t *from) {
  double begin = report_number(sum, "begin_unix_ns"), other = report_number(from, "begin_unix_ns");
  double seconds = round((other - begin) / 1e9);
  return begin > 0 && other > 0 && fabs(seconds) < 86400 ? (json_int_t)seconds : 0;
}

static bool shift_series(json_t *result, json_int_t seconds) {
  if (seconds == 0) return true;
  size_t i;
  json_t *row;
  json_array_foreach (json_object_get(result, "series"), i, row) {
    json_t *second = json_real(report_number(row, "second") + (double)seconds);
    if (json_object_set_new(row, "second", second) != 0) return false;
  }
  return true;
}

/* From the first start to the last end. */
static bool merge_duration(json_t *sum, const json_t *from) {
  json_int_t shift = shift_of(sum, from)
                         ? integer_at(from, "begin_unix_ns") - integer_at(sum, "begin_unix_ns")
                         : 0;
  json_int_t end = integer_at(sum, "duration_ns"), other = integer_at(from, "duration_ns") + shift;
  json_int_t duration = (end > other ? end : other) - (shift < 0 ? shift : 0);
  return json_object_set_new(sum, "duration_ns", json_integer(duration)) == 0;
}

static bool merge_options(json_t *sum, const json_t *from) {
  static const char *const amounts[] = {"requests", "connections", "rate", "begin_rate",
                                        "connect_rate"};
  for (unsigned i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
    json_t *have = json_object_get(sum, amounts[i]), *more = json_object_get(from, amounts[i]);
    if (!json_is_number(have) || !json_is_number(more)) continue;
    if (json_object_set_new(sum, amounts[i], add_numbers(SUM, have, more)) != 0) return false;
  }
  return true;
}

/* The worst limit wins: what weir load itself held back was not the server's doing. */
static bool merge_limits(json_t *sum, const json_t *from) {
  static const char *const limits[] = {"none", "server", "streams", "input", "generator"};
  unsigned worst = 0;
  for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++)
    if (strcmp(report_text(sum, "limited_by"), limits[i]) == 0 ||
        strcmp(report_text(from, "limited_by"), limits[i]) == 0)
      worst = i;
  return json_object_set_new(sum, "limited_by", json_string(limits[worst])) == 0;
}

bool report_merge_add(json_t *sum, const json_t *from) {
  static const char *const done[] = {"duration_ns", "options", "limited_by"};
  json_t *rest = json_deep_copy(from);
  json_int_t shift = shift_of(sum, from);
  bool good = rest && shift_series(shift < 0 ? sum : rest, shift < 0 ? -shift : shift) &&
              merge_duration(sum, from) && merge_limits(sum, from) &&
              merge_options(json_object_get(sum, "options"), json_object_get(from, "options"));
  for (unsigned i = 0; rest && i < sizeof done / sizeof done[0]; i++)
    json_object_del(rest, done[i]);
  good = good && merge_object(sum, rest);
  json_decref(rest);
  return good;
}

/* ---- the end --------------------------------------------------------------------------------- */

struct second {
  double number;
  json_t *row;
};

static int compare_seconds(const void *a, const void *b) {
  double x = ((const struct second *)a)->number, y = ((const struct second *)b)->number;
  return (x > y) - (x < y);
}

/* Machines that began later have added their rows at the end. */
static bool sort_series(json_t *sum) {
  json_t *series = json_object_get(sum, "series"), *row;
  size_t count = json_array_size(series), i;
  if (count == 0) return true;
  struct second *seconds = malloc(count * sizeof *seconds);
  if (!seconds) return false;
  json_array_foreach (series, i, row)
    seconds[i] = (struct second){report_number(row, "second"), json_incref(row)};
  qsort(seconds, count, sizeof *seconds, compare_seconds);
  bool good = json_array_clear(series) == 0;
  for (i = 0; i < count; i++)
    if (json_array_append_new(series, seconds[i].row) != 0) good = false;
  free(seconds);
  return good;
}

static bool set_rate(json_t *requests, const char *name, const char *count, double seconds) {
  if (!json_object_get(requests, name)) return true;
  double rate = seconds > 0 ? report_number(requests, count) / seconds : 0;
  return json_object_set_new(requests, name, json_real(rate)) == 0;
}

/* Requests per connection: its mean cannot be added. */
static bool set_mean(json_t *sum) {
  json_t *each = json_object_get(json_object_get(sum, "connections"), "requests");
  double wanted = report_number(sum, "connections.wanted");
  if (!json_is_object(each) || wanted <= 0) return true;
  return json_object_set_new(each, "mean",
                             json_real(report_number(sum, "requests.done") / wanted)) == 0;
}

static json_t *verdict(const json_t *sum, unsigned count) {
  double seconds = report_number(sum, "duration_ns") / 1e9;
  double succeeded = report_number(sum, "requests.succeeded");
  double total = report_number(sum, "requests.total");
  return json_sprintf("%u result%s added: %.0f of %.0f request%s succeeded, %.4g/s; limited by: %s",
                      count, load_plural(count), succeeded, total, total == 1 ? "" : "s",
                      seconds > 0 ? succeeded / seconds : 0, report_text(sum, "limited_by"));
}

bool report_merge_end(json_t *sum, unsigned count) {
  json_t *requests = json_object_get(sum, "requests");
  double seconds = report_number(sum, "duration_ns") / 1e9;
  return sort_series(sum) && set_mean(sum) &&
         set_rate(requests, "succeeded_per_second", "succeeded", seconds) &&
         set_rate(requests, "failed_per_second", "failed", seconds) &&
         json_object_set_new(sum, "merged", json_integer(count)) == 0 &&
         json_object_set_new(sum, "verdict", verdict(sum, count)) == 0;
}

/* ---- what was meant to be the same ----------------------------------------------------------- */

/* In these, machines may differ. */
static bool may_differ(const char *name) {
  static const char *const names[] = {"threads", "seed", "start_unix_ns"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static const char *missing_or_other(json_t *a, const json_t *b) {
  const char *name;
  json_t *value;
  json_object_foreach (a, name, value) {
    const json_t *other = json_object_get(b, name);
    if (!may_differ(name) && (!other || !json_equal(value, other))) return name;
  }
  return NULL;
}

const char *report_merge_conflict(const json_t *sum, const json_t *from) {
  json_t *a = json_object_get(sum, "options"), *b = json_object_get(from, "options");
  if (strcmp(report_text(sum, "protocol"), report_text(from, "protocol")) != 0 ||
      strcmp(report_text(sum, "tls.alpn"), report_text(from, "tls.alpn")) != 0)
    return "protocol";
  const char *name = missing_or_other(a, b);
  return name ? name : missing_or_other(b, a);
}
