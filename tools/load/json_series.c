/*
 * load/json_series.c - a run second by second as JSON; see load/json_parts.h.
 */
#include "tools/load/json_parts.h"

#include "tools/load/histogram_json.h"

/* The values of a row's buckets. */
static void add_latency(json_t *object, const struct load_histogram *latency) {
  json_object_set_new(object, "p50_ns", load_json_integer(load_histogram_percentile(latency, 50)));
  json_object_set_new(object, "p99_ns", load_json_integer(load_histogram_percentile(latency, 99)));
  json_object_set_new(object, "max_ns", load_json_integer(load_histogram_percentile(latency, 100)));
  json_object_set_new(object, "histogram", load_histogram_to_json(latency));
}

static json_t *row_of(const struct load_row *row) {
  static struct load_histogram histogram; /* large, and the main thread's only */
  const struct load_json_count counts[] = {
      {"started", row->started},         {"done", row->done},           {"failed", row->failed},
      {"bytes_in", row->bytes_in},       {"in_flight", row->in_flight}, {"backlog", row->backlog},
      {"connections", row->connections},
  };
  json_t *object = json_object();
  json_object_set_new(object, "second", json_real((double)row->begin_ns / 1e9));
  json_object_set_new(object, "seconds", json_real((double)(row->end_ns - row->begin_ns) / 1e9));
  json_object_set_new(object, "asked", json_real(row->asked));
  load_json_add_counts(object, counts, sizeof counts / sizeof counts[0]);
  json_object_set_new(object, "busy", json_real(row->busy));
  load_buckets_expand(&row->lateness, &histogram);
  json_object_set_new(object, "lateness_p99_ns",
                      load_json_integer(load_histogram_percentile(&histogram, 99)));
  load_buckets_expand(&row->latency, &histogram);
  add_latency(object, &histogram);
  return object;
}

static json_t *stage_of(const struct load_stage_report *stage, uint64_t run_begin_ns) {
  const struct load_second *sum = &stage->sum;
  const struct load_json_count counts[] = {
      {"begin_ns", sum->begin_ns - run_begin_ns},
      {"end_ns", sum->end_ns - run_begin_ns},
      {"started", sum->started},
      {"done", sum->done},
      {"failed", sum->failed},
      {"bytes_in", sum->bytes_in},
      {"in_flight", sum->in_flight},
      {"backlog", sum->backlog},
      {"connections", sum->connections},
  };
  json_t *object = json_object();
  json_object_set_new(object, "stage", load_json_text(stage->text));
  json_object_set_new(object, "begin_rate", json_real(stage->begin_rate));
  json_object_set_new(object, "end_rate", json_real(stage->end_rate));
  json_object_set_new(object, "asked", json_real(stage->asked));
  load_json_add_counts(object, counts, sizeof counts / sizeof counts[0]);
  add_latency(object, &sum->latency);
  return object;
}

json_t *load_json_stages(const struct load_stage_report *stages, unsigned count) {
  json_t *list = json_array();
  for (unsigned i = 0; i < count; i++)
    json_array_append_new(list, stage_of(&stages[i], stages[0].sum.begin_ns));
  return list;
}

json_t *load_json_series(const struct load_series *series) {
  json_t *list = json_array();
  for (unsigned i = 0; i < series->count; i++)
    json_array_append_new(list, row_of(&series->rows[i]));
  return list;
}
