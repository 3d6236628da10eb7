/*
 * load/csv.h - the file of --data-csv: its first row names the columns, each other row has the
 * values of one request. Spec: RFC 4180, with LF or CRLF.
 *
 * The file is mapped, and only where its rows begin is kept in memory.
 *
 * Owner: the plan. Read-only once opened; any thread may read.
 */
#ifndef WEIR_LOAD_CSV_H
#define WEIR_LOAD_CSV_H

#include "engine/base/text.h"
#include "tools/common/failure.h"
#include "tools/load/limits.h"

/* One value as it is in the file. */
struct load_cell {
  struct span text; /* without the quotes around it */
  bool quoted;      /* two quotes in `text` are one */
};

struct load_csv {
  const uint8_t *base; /* NULL: none is open */
  size_t len;
  size_t *rows; /* where each begins */
  size_t row_count;
  struct load_cell names[LOAD_CSV_COLUMNS_MAX];
  uint32_t column_count;
  bool once; /* otherwise it begins again at its end */
};

/* Maps the file and checks each row. False with "FILE:LINE: ..." in `failure`; nothing is held
 * then. */
__attribute__((warn_unused_result)) bool load_csv_open(struct load_csv *csv, const char *path,
                                                       bool once, const struct failure *failure);
void load_csv_close(struct load_csv *csv);

/* The column of that name. */
__attribute__((warn_unused_result)) bool load_csv_find(const struct load_csv *csv, struct span name,
                                                       uint32_t *column);

/* The values of row `index`, which is below row_count (asserted). */
void load_csv_row(const struct load_csv *csv, size_t index,
                  struct load_cell cells[LOAD_CSV_COLUMNS_MAX]);

/* Writes the value, at most cell.text.len bytes. Returns its length. */
size_t load_cell_write(struct load_cell cell, uint8_t *out);

#endif
