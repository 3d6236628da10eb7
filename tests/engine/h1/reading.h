/*
 * h1/reading.h - reads heads, however their bytes are cut, and writes the result as one line of
 * text.
 */
#ifndef WEIR_TESTS_H1_READING_H
#define WEIR_TESTS_H1_READING_H

#include "engine/h1/head.h"

enum { READING_FIELDS = 16, READING_ARENA = 1024, READING_LIST = 4096, READING_TEXT = 16384 };

struct reading {
  struct h1_head head;
  struct headers fields;
  struct header at[READING_FIELDS];
  uint8_t arena[READING_ARENA];
};

/* Bytes of a string literal, which may hold NUL. */
#define BYTES(text)                                                                                \
  { (const uint8_t *)(text), sizeof(text) - 1 }

void reading_begin(struct reading *reading, enum h1_head_kind kind);

/* Reads `bytes` whole. Writes to `text`, which has room for READING_TEXT bytes:
 *   "?"                                     incomplete
 *   "400"                                   refused, with this status
 *   "GET|/|1.1|name=value|...|rest"         a request and the bytes that follow it
 *   "200|1.1|name=value|...|rest", "name=value|...|rest"   a response, a trailer section */
void reading_text(struct reading *reading, enum h1_head_kind kind, struct span bytes, char *text);

/* Fails the test unless `bytes` give `expected` whole, byte by byte, and in two pieces at every place; before
 * a guard page, where the bytes move from call to call, and at one place. */
void reading_check(const char *name, enum h1_head_kind kind, struct span bytes,
                   const char *expected);

#endif
