/*
 * support/fields.h - field lists for tests: a list with storage of its own, and lists and HPACK
 * tables as text.
 */
#ifndef WEIR_TESTS_FIELDS_H
#define WEIR_TESTS_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/hpack/table.h"
#include "engine/http/headers.h"

enum { FIELDS_MAX = 1024, FIELDS_ARENA_BYTES = 256 * 1024, FIELDS_LIST_BYTES = 1 << 20 };

/* Storage for any list that a test decodes. `headers` points into it, so it must not move. */
struct fields {
  struct headers headers;
  struct header at[FIELDS_MAX];
  uint8_t arena[FIELDS_ARENA_BYTES];
};

/* An empty list, limited to FIELDS_LIST_BYTES (RFC 9113 section 6.5.2). Returns its headers. */
struct headers *fields_init(struct fields *fields);

/* Writes "name: value\n" for each field. Fails the test when `max` bytes do not hold it. */
void fields_text(const struct headers *headers, char *text, size_t max);

/* Likewise for the entries of an HPACK dynamic table, newest first. */
void fields_text_of_table(const struct hpack_table *table, char *text, size_t max);

#endif
