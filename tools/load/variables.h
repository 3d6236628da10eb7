/*
 * load/variables.h - what stands in braces in a request and is filled in each time it is made:
 *
 *     {seq}         1, 2, 3 ...: no two requests of a run have the same
 *     {rand:1-100}  a random integer of that range
 *     {uuid}        a random UUID (RFC 9562, version 4)
 *     {name}        a column of --data-csv
 *     {{            a brace
 *
 * {seq}, {uuid} and columns are the same wherever they stand in one request; each {rand} is drawn
 * anew. A brace is a variable's if a letter or underscore follows and the closing brace is near;
 * otherwise, as in JSON, it stands for itself.
 *
 * Owner: struct load_values belongs to one worker. Worker w of W has the sequence numbers w + 1,
 * w + 1 + W ... and the CSV's rows of these numbers, so workers share no counter.
 */
#ifndef WEIR_LOAD_VARIABLES_H
#define WEIR_LOAD_VARIABLES_H

#include "engine/base/text.h"
#include "tools/common/failure.h"
#include "tools/load/csv.h"
#include "tools/load/limits.h"

enum load_variable_kind { LOAD_NO_VARIABLE, LOAD_SEQ, LOAD_RAND, LOAD_UUID, LOAD_COLUMN };

struct load_variable {
  enum load_variable_kind kind;
  uint32_t column;    /* LOAD_COLUMN */
  uint64_t low, high; /* LOAD_RAND: both are drawn, too */
};

/* Cuts the text before the next variable from `text`, and the variable. Writes that text without
 * its escapes to `out`, which has room for all of `text`; `*len` is set to its length. At the end
 * of the text the kind is LOAD_NO_VARIABLE. `csv` may be NULL. False with one line in `failure`
 * when there is no variable of that name. */
__attribute__((warn_unused_result)) bool
load_variables_cut(struct span *text, const struct load_csv *csv, uint8_t *out, size_t *len,
                   struct load_variable *variable, const struct failure *failure);

struct load_values {
  const struct load_csv *csv; /* or NULL */
  uint64_t seq, step;
  uint64_t random[2];
  bool has_uuid; /* it has been drawn for this request */
  char uuid[36]; /* without NUL */
  struct load_cell row[LOAD_CSV_COLUMNS_MAX];
};

/* Keeps `csv`. `seed` begins the random numbers. */
void load_values_init(struct load_values *values, const struct load_csv *csv, unsigned worker,
                      unsigned workers, uint64_t seed);

/* The CSV is read once, and has no more rows. */
static inline bool load_values_are_out(const struct load_values *values) {
  return values->csv && values->csv->once && values->seq + values->step > values->csv->row_count;
}

/* Chooses the values of the next request. They must not be out (asserted). */
void load_values_next(struct load_values *values);

/* Most bytes that the variable's value takes. */
size_t load_values_bound(const struct load_values *values, const struct load_variable *variable);

/* Writes the value; returns its length. */
size_t load_values_write(struct load_values *values, const struct load_variable *variable,
                         uint8_t *out);

#endif
