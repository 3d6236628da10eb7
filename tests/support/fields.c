/*
 * support/fields.c - field lists for tests.
 */
#include "tests/support/fields.h"

#include <stdio.h>

#include "tests/support/cmocka.h"

struct headers *fields_init(struct fields *fields) {
  headers_init(&fields->headers, fields->at, FIELDS_MAX, fields->arena, FIELDS_ARENA_BYTES,
               FIELDS_LIST_BYTES);
  return &fields->headers;
}

/* Writes one line. Returns its length. */
static size_t put_line(char *text, size_t max, struct span name, struct span value) {
  const int n = snprintf(text, max, "%.*s: %.*s\n", (int)name.len, (const char *)name.base,
                         (int)value.len, (const char *)value.base);
  assert_true(n >= 0 && (size_t)n < max);
  return (size_t)n;
}

void fields_text(const struct headers *headers, char *text, size_t max) {
  text[0] = '\0';
  for (uint32_t i = 0; i < headers->count; i++) {
    const size_t n = put_line(text, max, headers->at[i].name, headers->at[i].value);
    text += n;
    max -= n;
  }
}

void fields_text_of_table(const struct hpack_table *table, char *text, size_t max) {
  text[0] = '\0';
  for (uint32_t age = 0; age < table->count; age++) {
    const struct hpack_entry *entry = hpack_table_at(table, age);
    uint8_t strings[HPACK_TABLE_BYTES_MAX];
    hpack_table_copy(table, entry, strings);
    const size_t stored = hpack_entry_stored_name_len(entry);
    const struct span name = entry->token == TOKEN_UNKNOWN
                                 ? span_of(strings, stored)
                                 : header_token_name((enum header_token)entry->token);
    assert_int_equal(name.len, entry->name_len);
    const size_t n = put_line(text, max, name, span_of(strings + stored, entry->value_len));
    text += n;
    max -= n;
  }
}
