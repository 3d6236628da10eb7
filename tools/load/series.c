/*
 * load/series.c - see load/series.h.
 */
#include "tools/load/series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- buckets --------------------------------------------------------------------------------- */

static bool buckets_make(struct load_buckets *buckets, const struct load_histogram *from) {
  unsigned count = 0;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    count += from->buckets[i] > 0;
  *buckets =
      (struct load_buckets){.sum_ns = from->sum_ns, .min_ns = from->min_ns, .max_ns = from->max_ns};
  if (count == 0) return true;
  buckets->at = malloc(count * sizeof *buckets->at);
  if (!buckets->at) return false;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
    if (from->buckets[i] > 0)
      buckets->at[buckets->count++] = (struct load_bucket){.index = i, .count = from->buckets[i]};
  return true;
}

/* Adds `from` to `sum`, and frees it. */
static bool buckets_merge(struct load_buckets *sum, struct load_buckets *from) {
  struct load_buckets all = {.sum_ns = sum->sum_ns + from->sum_ns,
                             .min_ns = sum->min_ns,
                             .max_ns = sum->max_ns > from->max_ns ? sum->max_ns : from->max_ns};
  unsigned a = 0, b = 0;
  size_t most = (size_t)sum->count + from->count;
  if (most > 0 && !(all.at = malloc(most * sizeof *all.at))) return false;
  if (sum->count == 0 || (from->count > 0 && from->min_ns < all.min_ns)) all.min_ns = from->min_ns;
  while (a < sum->count || b < from->count) {
    bool left = b == from->count || (a < sum->count && sum->at[a].index <= from->at[b].index);
    struct load_bucket next = left ? sum->at[a++] : from->at[b++];
    if (all.count > 0 && all.at[all.count - 1].index == next.index)
      all.at[all.count - 1].count += next.count;
    else
      all.at[all.count++] = next;
  }
  free(sum->at);
  free(from->at);
  *from = (struct load_buckets){0};
  *sum = all;
  return true;
}

void load_buckets_expand(const struct load_buckets *buckets, struct load_histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
  histogram->sum_ns = buckets->sum_ns;
  histogram->min_ns = buckets->min_ns;
  histogram->max_ns = buckets->max_ns;
  for (unsigned i = 0; i < buckets->count; i++) {
    histogram->buckets[buckets->at[i].index] = buckets->at[i].count;
    histogram->count += buckets->at[i].count;
  }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void row_free(struct load_row *row) {
  free(row->latency.at);
  free(row->lateness.at);
}

/* Rows do not overlap: what a worker did before, but told only now, is in this second. */
static bool row_make(struct load_row *row, const struct load_second *second,
                     const struct load_series *series) {
  uint64_t from_ns = series->count > 0 ? series->rows[series->count - 1].end_ns : 0;
  uint64_t begin_ns = second->begin_ns > series->begin_ns ? second->begin_ns - series->begin_ns : 0;
  uint64_t end_ns = second->end_ns > series->begin_ns ? second->end_ns - series->begin_ns : 0;
  *row = (struct load_row){.begin_ns = begin_ns > from_ns ? begin_ns : from_ns,
                           .end_ns = end_ns > from_ns ? end_ns : from_ns,
                           .asked = second->asked,
                           .started = second->started,
                           .done = second->done,
                           .failed = second->failed,
                           .bytes_in = second->bytes_in,
                           .in_flight = second->in_flight,
                           .backlog = second->backlog,
                           .connections = second->connections,
                           .busy = second->busy};
  return buckets_make(&row->latency, &second->latency) &&
         buckets_make(&row->lateness, &second->lateness);
}

/* Adds `from`, which comes after it, and frees it. */
static bool row_merge(struct load_row *row, struct load_row *from) {
  row->end_ns = from->end_ns;
  row->asked += from->asked;
  row->started += from->started;
  row->done += from->done;
  row->failed += from->failed;
  row->bytes_in += from->bytes_in;
  row->in_flight = from->in_flight;
  row->backlog = from->backlog;
  row->connections = from->connections;
  if (from->busy > row->busy) row->busy = from->busy;
  return buckets_merge(&row->latency, &from->latency) &&
         buckets_merge(&row->lateness, &from->lateness);
}

/* ---- the series ------------------------------------------------------------------------------ */

void load_series_free(struct load_series *series) {
  for (unsigned i = 0; i < series->count; i++)
    row_free(&series->rows[i]);
  free(series->rows);
  series->rows = NULL;
  series->count = 0;
}

static bool halve(struct load_series *series) {
  for (unsigned i = 0; i < series->count; i += 2)
    if (!row_merge(&series->rows[i], &series->rows[i + 1])) return false;
  series->count /= 2;
  for (unsigned i = 1; i < series->count; i++)
    series->rows[i] = series->rows[2 * i];
  series->seconds_each *= 2;
  series->seconds_of_last = series->seconds_each;
  return true;
}

static bool add(struct load_series *series, struct load_row *row) {
  if (!series->rows) {
    series->rows = calloc(LOAD_SERIES_ROWS_MAX, sizeof *series->rows);
    if (!series->rows) return false;
    series->seconds_each = 1;
  }
  bool rest = row->end_ns - row->begin_ns < SECOND_NS / 2; /* as at the end of a run */
  if (series->count > 0 && (rest || series->seconds_of_last < series->seconds_each)) {
    series->seconds_of_last += !rest;
    return row_merge(&series->rows[series->count - 1], row);
  }
  if (series->count == LOAD_SERIES_ROWS_MAX && !halve(series)) return false;
  series->rows[series->count++] = *row;
  series->seconds_of_last = 1;
  return true;
}

void load_series_add(struct load_series *series, const struct load_second *second) {
  struct load_row row;
  _Static_assert(LOAD_SERIES_ROWS_MAX % 2 == 0, "rows are merged by two");
  assert(second->end_ns >= second->begin_ns);
  if (series->lost || second->end_ns == second->begin_ns) return;
  if (series->begin_ns == 0) series->begin_ns = second->begin_ns;
  if (row_make(&row, second, series) && add(series, &row)) return;
  row_free(&row);
  load_series_free(series);
  series->lost = true;
}
