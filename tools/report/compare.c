/*
 * report/compare.c - see report/compare.h.
 */
#include "tools/report/compare.h"

#include <string.h>

#include "tools/common/output.h"
#include "tools/report/values.h"

static const double tested[REPORT_TESTED] = {50, 99};

static const char *name_of(unsigned index, char name[REPORT_NAME_BYTES]) {
  if (index < 26)
    snprintf(name, REPORT_NAME_BYTES, "%c", 'A' + (int)index);
  else
    snprintf(name, REPORT_NAME_BYTES, "R%u", index + 1);
  return name;
}

/* ---- differences ----------------------------------------------------------------------------- */

bool report_changes_find(const struct report_result *results, unsigned count, uint64_t seed,
                         struct report_change *changes) {
  changes[0] = (struct report_change){0};
  for (unsigned i = 1; i < count; i++) {
    const struct load_histogram *from = &results[0].latency, *to = &results[i].latency;
    changes[i] = (struct report_change){.measured = from->count > 0 && to->count > 0};
    for (unsigned k = 0; k < REPORT_TESTED && changes[i].measured; k++)
      if (!report_bootstrap(from, to, tested[k], seed + k, &changes[i].tested[k])) return false;
  }
  return true;
}

bool report_is_slower(const struct report_change *change, double percent) {
  for (unsigned k = 0; k < REPORT_TESTED && change->measured; k++)
    if (change->tested[k].low_ns > change->tested[k].from_ns * percent / 100) return true;
  return false;
}

/* ---- what was run ---------------------------------------------------------------------------- */

/* The end of a long path says more than its beginning. */
static int write_path(const char *path, FILE *to) {
  size_t len = strlen(path);
  if (len <= REPORT_PATH_COLUMNS) return fprintf(to, "%s", path);
  return fprintf(to, "...%s", path + len - (REPORT_PATH_COLUMNS - 3));
}

/* A text from a result, on what is left of a line: its beginning, if it is longer. */
static void write_rest(const char *text, int used, FILE *to) {
  char line[REPORT_LINE_COLUMNS + 1];
  const size_t room = (size_t)(REPORT_LINE_COLUMNS - used);
  const int len = snprintf(line, room + 1, "%s", text);
  if ((size_t)len > room) memcpy(line + room - 3, "...", 3);
  output_tame(line, strlen(line), '?');
  fputs(line, to);
}

static void write_names(const struct report_result *results, unsigned count, FILE *to) {
  char name[REPORT_NAME_BYTES];
  for (unsigned i = 0; i < count; i++) {
    const char *command = report_text(results[i].json, "command");
    int used = fprintf(to, "%-3s ", name_of(i, name)) + write_path(results[i].path, to);
    if (*command) write_rest(command, used + fprintf(to, "  "), to);
    fputc('\n', to);
  }
}

/* What makes a comparison doubtful. */
static void write_notes(const struct report_result *results, unsigned count, FILE *to) {
  char name[REPORT_NAME_BYTES];
  for (unsigned i = 0; i < count; i++) {
    name_of(i, name);
    if (json_is_true(json_object_get(results[i].json, "interrupted")))
      fprintf(to, "note: %s was interrupted\n", name);
    if (strcmp(report_text(results[i].json, "limited_by"), "generator") == 0)
      fprintf(to, "note: %s was limited by weir load itself, not by the server\n", name);
    if (results[i].latency.count == 0) fprintf(to, "note: %s has no latencies\n", name);
  }
}

/* ---- the table ------------------------------------------------------------------------------- */

static double seconds_of(const struct report_result *result) {
  return report_number(result->json, "duration_ns") / 1e9;
}

static double duration_of(const struct report_result *result) {
  return report_number(result->json, "duration_ns");
}

static double done_of(const struct report_result *result) {
  return report_number(result->json, "requests.done");
}

static double rate_of(const struct report_result *result) {
  double seconds = seconds_of(result);
  return seconds > 0 ? report_number(result->json, "requests.succeeded") / seconds : 0;
}

static double failed_of(const struct report_result *result) {
  double done = done_of(result);
  return done > 0 ? report_number(result->json, "requests.failed") / done : 0;
}

static double lateness_of(const struct report_result *result) {
  return report_number(result->json, "lateness.p99_ns");
}

/* A row is computed by a function, or is a percentile of the latency; of 101%, the mean. */
static const struct row {
  const char *label;
  double (*value)(const struct report_result *result);
  double percent;
  const char *(*text)(double value, char text[REPORT_TEXT_BYTES]);
} rows[] = {
    {"duration", duration_of, 0, report_time_text},
    {"requests", done_of, 0, report_count_text},
    {"success/s", rate_of, 0, report_count_text},
    {"failed", failed_of, 0, report_share_text},
    {"late p99", lateness_of, 0, report_time_text},
    {"min", NULL, 0, report_time_text},
    {"p50", NULL, 50, report_time_text},
    {"p75", NULL, 75, report_time_text},
    {"p90", NULL, 90, report_time_text},
    {"p95", NULL, 95, report_time_text},
    {"p99", NULL, 99, report_time_text},
    {"p99.9", NULL, 99.9, report_time_text},
    {"p99.99", NULL, 99.99, report_time_text},
    {"max", NULL, 100, report_time_text},
    {"mean", NULL, 101, report_time_text},
};

static double value_of(const struct row *row, const struct report_result *result) {
  if (row->value) return row->value(result);
  if (row->percent > 100) return load_histogram_mean(&result->latency);
  return (double)load_histogram_percentile(&result->latency, row->percent);
}

/* One line of the table, padded on the way and trimmed at its end. */
struct line {
  char text[REPORT_LINE_COLUMNS + 1];
  size_t len;
};

static void add_label(struct line *line, const char *label) {
  line->len = (size_t)snprintf(line->text, sizeof line->text, "%-10.10s", label);
}

static void add_cell(struct line *line, const char *value, const char *change) {
  line->len += (size_t)snprintf(line->text + line->len, sizeof line->text - line->len,
                                " %8.16s %-7.7s", value, change);
  if (line->len >= sizeof line->text) line->len = sizeof line->text - 1;
}

static void write_line(struct line *line, FILE *to) {
  output_tame(line->text, line->len, '?');
  while (line->len > 0 && line->text[line->len - 1] == ' ')
    line->text[--line->len] = 0;
  fprintf(to, "%s\n", line->text);
}

static void write_row(const struct row *row, const struct report_result *const *columns,
                      unsigned count, FILE *to) {
  char text[REPORT_TEXT_BYTES], change[REPORT_TEXT_BYTES];
  struct line line;
  add_label(&line, row->label);
  for (unsigned i = 0; i < count; i++) {
    bool known = row->value || columns[i]->latency.count > 0;
    double value = value_of(row, columns[i]);
    change[0] = 0;
    if (i > 0 && known && (row->value || columns[0]->latency.count > 0))
      report_change_text(value_of(row, columns[0]), value, change);
    add_cell(&line, known ? row->text(value, text) : "-", change);
  }
  write_line(&line, to);
}

static void write_block(const struct report_result *results, unsigned first, unsigned count,
                        FILE *to) {
  const struct report_result *columns[REPORT_COLUMNS_MAX] = {&results[0]};
  unsigned column_count = 1;
  struct line names, limits;
  char name[REPORT_NAME_BYTES];
  add_label(&names, "");
  add_cell(&names, name_of(0, name), "");
  for (unsigned i = first; i < count && column_count < REPORT_COLUMNS_MAX; i++) {
    columns[column_count++] = &results[i];
    add_cell(&names, name_of(i, name), "");
  }
  add_label(&limits, "limited by");
  for (unsigned i = 0; i < column_count; i++)
    add_cell(&limits, report_text(columns[i]->json, "limited_by"), "");
  fputc('\n', to);
  write_line(&names, to);
  write_line(&limits, to);
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    write_row(&rows[i], columns, column_count, to);
}

/* ---- the differences ------------------------------------------------------------------------- */

static const char *judgement(const struct report_difference *difference) {
  if (difference->low_ns > 0) return "slower";
  return difference->high_ns < 0 ? "faster" : "no difference shown";
}

static void write_difference(const struct report_difference *difference, double percent, FILE *to) {
  char value[REPORT_TEXT_BYTES], change[REPORT_TEXT_BYTES], low[REPORT_TEXT_BYTES],
      high[REPORT_TEXT_BYTES];
  fprintf(to, "p%.0f %9s %7s  [%s, %s] %s\n", percent,
          report_time_difference(difference->to_ns - difference->from_ns, value),
          report_change_text(difference->from_ns, difference->to_ns, change),
          report_time_difference(difference->low_ns, low),
          report_time_difference(difference->high_ns, high), judgement(difference));
}

static void write_changes(const struct report_change *changes, unsigned count, uint64_t seed,
                          FILE *to) {
  char name[REPORT_NAME_BYTES];
  fprintf(to,
          "Differences from A, with bootstrap intervals of %.0f%% (%d resamples, seed %llu).\n"
          "They compare the requests of these runs. Only repeated runs show how runs vary.\n",
          REPORT_LEVEL * 100, REPORT_RESAMPLES, (unsigned long long)seed);
  for (unsigned i = 1; i < count; i++) {
    name_of(i, name);
    for (unsigned k = 0; k < REPORT_TESTED && changes[i].measured; k++) {
      fprintf(to, "%-4s ", k == 0 ? name : "");
      write_difference(&changes[i].tested[k], tested[k], to);
    }
    if (!changes[i].measured) fprintf(to, "%-4s has nothing to compare\n", name);
  }
}

void report_compare_write(const struct report_result *results, const struct report_change *changes,
                          unsigned count, uint64_t seed, FILE *to) {
  if (count > 1) {
    write_changes(changes, count, seed, to);
    fputc('\n', to);
  }
  write_names(results, count, to);
  write_notes(results, count, to);
  unsigned first = 1;
  do {
    write_block(results, first, count, to);
    first += REPORT_COLUMNS_MAX - 1;
  } while (first < count);
}
