/*
 * load/csv.c - see load/csv.h.
 */
#include "tools/load/csv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/mapping.h"
#include "tools/load/units.h"

/* ---- one row --------------------------------------------------------------------------------- */

/* How a row ended. */
enum ending { ROW_GOOD, ROW_WIDE, ROW_OPEN_QUOTE, ROW_BAD_QUOTE };

/* Reads a value that begins at `at`. Returns where it ends: at a comma, a line's end or the end. */
static size_t read_cell(const struct load_csv *csv, size_t at, struct load_cell *cell,
                        enum ending *ending) {
  const uint8_t *base = csv->base;
  size_t begin = at;
  cell->quoted = at < csv->len && base[at] == '"';
  if (!cell->quoted) {
    while (at < csv->len && base[at] != ',' && base[at] != '\n')
      at++;
    size_t end =
        at < csv->len && base[at] == '\n' && at > begin && base[at - 1] == '\r' ? at - 1 : at;
    cell->text = span_of(base + begin, end - begin);
    return at;
  }
  for (at = ++begin; at < csv->len; at++) {
    if (base[at] != '"') continue;
    if (at + 1 == csv->len || base[at + 1] != '"') break;
    at++;
  }
  if (at == csv->len) *ending = ROW_OPEN_QUOTE;
  cell->text = span_of(base + begin, at - begin);
  at += at < csv->len;
  at += at + 1 < csv->len && base[at] == '\r' && base[at + 1] == '\n';
  if (at < csv->len && base[at] != ',' && base[at] != '\n') *ending = ROW_BAD_QUOTE;
  return at;
}

/* Reads the row at `*at`, and moves that to the next row. Returns the number of values. */
static uint32_t read_row(const struct load_csv *csv, size_t *at,
                         struct load_cell cells[LOAD_CSV_COLUMNS_MAX], enum ending *ending) {
  uint32_t count = 0;
  *ending = ROW_GOOD;
  for (;;) {
    if (count == LOAD_CSV_COLUMNS_MAX) *ending = ROW_WIDE;
    if (*ending != ROW_GOOD) return count;
    *at = read_cell(csv, *at, &cells[count++], ending);
    bool more = *at < csv->len && csv->base[*at] == ',';
    *at += *at < csv->len;
    if (!more) return count;
  }
}

/* ---- the file -------------------------------------------------------------------------------- */

struct reading {
  struct load_csv *csv;
  const char *path;
  const struct failure *failure;
  size_t at, line, rows_max;
};

static bool wrong(const struct reading *reading, const char *what) {
  return failure_set(reading->failure, "%s:%zu: %s", reading->path, reading->line, what);
}

static bool add_row(struct reading *reading, size_t begin) {
  struct load_csv *csv = reading->csv;
  if (csv->row_count == reading->rows_max) {
    size_t most = reading->rows_max ? 2 * reading->rows_max : 1024;
    size_t *rows = realloc(csv->rows, most * sizeof *rows);
    if (!rows) return failure_set(reading->failure, "out of memory");
    csv->rows = rows;
    reading->rows_max = most;
  }
  csv->rows[csv->row_count++] = begin;
  return true;
}

static size_t lines_in(const struct load_csv *csv, size_t from, size_t to) {
  size_t count = 0;
  for (; from < to; from++)
    count += csv->base[from] == '\n';
  return count;
}

/* Reads one row. Empty lines do not count. */
static bool read_next(struct reading *reading) {
  struct load_csv *csv = reading->csv;
  struct load_cell cells[LOAD_CSV_COLUMNS_MAX];
  size_t begin = reading->at;
  enum ending ending;
  uint32_t count = read_row(csv, &reading->at, cells, &ending);
  if (ending == ROW_WIDE) return wrong(reading, "too many columns");
  if (ending == ROW_OPEN_QUOTE) return wrong(reading, "a quote is not closed");
  if (ending == ROW_BAD_QUOTE) return wrong(reading, "text follows a closing quote");
  if (count == 1 && cells[0].text.len == 0 && !cells[0].quoted) {
    reading->line++;
    return true;
  }
  if (csv->column_count == 0) {
    memcpy(csv->names, cells, sizeof cells);
    csv->column_count = count;
  } else if (count != csv->column_count) {
    return failure_set(reading->failure, "%s:%zu: %u value%s, but the first row names %u column%s",
                       reading->path, reading->line, count, load_plural(count), csv->column_count,
                       load_plural(csv->column_count));
  } else if (!add_row(reading, begin)) {
    return false;
  }
  reading->line += lines_in(csv, begin, reading->at);
  return true;
}

bool load_csv_open(struct load_csv *csv, const char *path, bool once,
                   const struct failure *failure) {
  struct span file;
  *csv = (struct load_csv){.once = once};
  if (!load_mapping_open(path, &file, failure)) return false;
  csv->base = file.base;
  csv->len = file.len;
  struct reading reading = {.csv = csv, .path = path, .failure = failure, .line = 1};
  if (csv->len >= 3 && memcmp(csv->base, "\xef\xbb\xbf", 3) == 0) reading.at = 3; /* UTF-8's mark */
  bool good = true;
  while (good && reading.at < csv->len)
    good = read_next(&reading);
  if (good && csv->row_count == 0)
    good = failure_set(failure, "%s:%zu: no row of values follows the columns' names", path,
                       reading.line);
  if (!good) load_csv_close(csv);
  return good;
}

void load_csv_close(struct load_csv *csv) {
  load_mapping_close(span_of(csv->base, csv->len));
  free(csv->rows);
  *csv = (struct load_csv){0};
}

bool load_csv_find(const struct load_csv *csv, struct span name, uint32_t *column) {
  for (uint32_t i = 0; i < csv->column_count; i++) {
    *column = i;
    if (span_equal(csv->names[i].text, name)) return true;
  }
  return false;
}

void load_csv_row(const struct load_csv *csv, size_t index,
                  struct load_cell cells[LOAD_CSV_COLUMNS_MAX]) {
  size_t at = csv->rows[index];
  enum ending ending;
  assert(index < csv->row_count);
  (void)read_row(csv, &at, cells, &ending);
}

size_t load_cell_write(struct load_cell cell, uint8_t *out) {
  size_t len = 0;
  for (size_t i = 0; i < cell.text.len; i++) {
    out[len++] = cell.text.base[i];
    i += cell.quoted && cell.text.base[i] == '"';
  }
  return len;
}
