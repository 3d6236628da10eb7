/*
 * common/nearest.c - see common/nearest.h.
 *
 * The distance is that of Damerau and Levenshtein, restricted to swaps of neighbours, by the usual
 * table of which three rows are kept.
 */
#include "tools/common/nearest.h"

#include <limits.h>
#include <string.h>

#include "tools/common/limits.h"

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

/* Row i of the table from the two rows before it: rows[2] is written. */
static void fill_row(unsigned rows[3][NEAREST_BYTES_MAX + 1], const char *a, const char *b,
                     size_t i) {
  rows[2][0] = (unsigned)i;
  for (size_t j = 1; b[j - 1]; j++) {
    unsigned cost = a[i - 1] != b[j - 1];
    unsigned best = least(rows[1][j] + 1, rows[2][j - 1] + 1);
    best = least(best, rows[1][j - 1] + cost);
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
      best = least(best, rows[0][j - 2] + 1);
    rows[2][j] = best;
  }
}

unsigned nearest_distance(const char *a, const char *b) {
  unsigned rows[3][NEAREST_BYTES_MAX + 1];
  if (strlen(a) > NEAREST_BYTES_MAX || strlen(b) > NEAREST_BYTES_MAX) return UINT_MAX;
  for (unsigned j = 0; j <= NEAREST_BYTES_MAX; j++)
    rows[1][j] = rows[2][j] = j;
  memset(rows[0], 0, sizeof rows[0]);
  for (size_t i = 1; a[i - 1]; i++) {
    if (i > 1) memcpy(rows[0], rows[1], sizeof rows[0]);
    if (i > 1) memcpy(rows[1], rows[2], sizeof rows[1]);
    fill_row(rows, a, b, i);
  }
  return rows[2][strlen(b)];
}

const char *nearest_word(const char *word, const char *const *words, size_t count) {
  size_t third = strlen(word) / 3;
  unsigned allowed = third > 1 ? (unsigned)third : 1;
  const char *found = NULL;
  for (size_t i = 0; i < count; i++) {
    unsigned distance = nearest_distance(word, words[i]);
    if (distance > allowed || (found && distance == allowed)) continue;
    found = words[i];
    allowed = distance;
  }
  return found;
}
