/*
 * load/histogram_json.c - see load/histogram_json.h.
 */
#include "tools/load/histogram_json.h"

#include <string.h>

/* ---- writing --------------------------------------------------------------------------------- */

/* JSON's integers are signed here. Only sums get that large: 292 years of waiting. */
static json_int_t integer_of(uint64_t value) {
  return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

static json_t *buckets_to_json(const struct load_histogram *histogram) {
  json_t *buckets = json_array();
  for (unsigned i = 0; buckets && i < LOAD_HISTOGRAM_BUCKETS; i++) {
    if (histogram->buckets[i] == 0) continue;
    json_t *bucket = json_pack("[I, I]", (json_int_t)i, integer_of(histogram->buckets[i]));
    if (json_array_append_new(buckets, bucket) == 0) continue;
    json_decref(buckets);
    return NULL;
  }
  return buckets;
}

json_t *load_histogram_to_json(const struct load_histogram *histogram) {
  bool empty = histogram->count == 0;
  return json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:o}", "unit", "ns", "part_bits",
                   LOAD_HISTOGRAM_PART_BITS, "count", integer_of(histogram->count), "sum",
                   integer_of(histogram->sum_ns), "min", empty ? 0 : integer_of(histogram->min_ns),
                   "max", integer_of(histogram->max_ns), "buckets", buckets_to_json(histogram));
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_integer(const json_t *value, json_int_t least, json_int_t most, uint64_t *into) {
  if (!json_is_integer(value)) return false;
  json_int_t number = json_integer_value(value);
  if (number < least || number > most) return false;
  *into = (uint64_t)number;
  return true;
}

static bool read_member(const json_t *object, const char *name, uint64_t *into) {
  return read_integer(json_object_get(object, name), 0, INT64_MAX, into);
}

/* Buckets must be in order, so that none comes twice. */
static bool read_buckets(const json_t *list, struct load_histogram *histogram) {
  json_int_t least = 0;
  uint64_t sum = 0;
  size_t number;
  json_t *bucket;
  if (!json_is_array(list)) return false;
  json_array_foreach (list, number, bucket) {
    uint64_t index, count;
    if (json_array_size(bucket) != 2 ||
        !read_integer(json_array_get(bucket, 0), least, LOAD_HISTOGRAM_BUCKETS - 1, &index) ||
        !read_integer(json_array_get(bucket, 1), 1, INT64_MAX - (json_int_t)sum, &count))
      return false;
    histogram->buckets[index] = count;
    sum += count;
    least = (json_int_t)index + 1;
  }
  return sum == histogram->count;
}

/* Whether the first and the last bucket are those of the minimum and the maximum. */
static bool ends_agree(const json_t *list, const struct load_histogram *histogram) {
  if (histogram->count == 0) return histogram->min_ns == 0 && histogram->max_ns == 0;
  const json_t *first = json_array_get(list, 0);
  const json_t *last = json_array_get(list, json_array_size(list) - 1);
  return json_integer_value(json_array_get(first, 0)) == load_histogram_bucket(histogram->min_ns) &&
         json_integer_value(json_array_get(last, 0)) == load_histogram_bucket(histogram->max_ns) &&
         histogram->min_ns <= histogram->max_ns;
}

static bool read_all(const json_t *json, struct load_histogram *histogram) {
  const char *unit = json_string_value(json_object_get(json, "unit"));
  const json_t *buckets = json_object_get(json, "buckets");
  uint64_t bits;
  return unit && strcmp(unit, "ns") == 0 && read_member(json, "part_bits", &bits) &&
         bits == LOAD_HISTOGRAM_PART_BITS && read_member(json, "count", &histogram->count) &&
         read_member(json, "sum", &histogram->sum_ns) &&
         read_member(json, "min", &histogram->min_ns) &&
         read_member(json, "max", &histogram->max_ns) && read_buckets(buckets, histogram) &&
         ends_agree(buckets, histogram);
}

bool load_histogram_from_json(const json_t *json, struct load_histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
  if (read_all(json, histogram)) return true;
  memset(histogram, 0, sizeof *histogram);
  return false;
}
