/*
 * support/hpack_support.h - what the tests of the HPACK rooms share: memory that counts and refuses, input
 * that ends at a page nobody may read, lists as text.
 */
#ifndef WEIR_TESTS_HPACK_SUPPORT_H
#define WEIR_TESTS_HPACK_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"

/* ---- memory ---------------------------------------------------------------------------------- */

struct test_memory {
  struct memory memory;
  size_t taken_bytes;
  unsigned allowed; /* allocations before all are refused */
};

static inline void *test_memory_alloc(void *ctx, size_t bytes) {
  struct test_memory *test = ctx;
  if (test->allowed == 0) return NULL;
  test->allowed--;
  test->taken_bytes += bytes;
  return malloc(bytes);
}

static inline void test_memory_free(void *ctx, void *object, size_t bytes) {
  struct test_memory *test = ctx;
  test->taken_bytes -= bytes;
  free(object);
}

static inline const struct memory *test_memory_init(struct test_memory *test) {
  *test = (struct test_memory){.memory = {test, test_memory_alloc, test_memory_free},
                               .allowed = UINT32_MAX};
  return &test->memory;
}

/* ---- input that ends at a guard page --------------------------------------------------------- */

struct guard {
  uint8_t *base;
  size_t bytes; /* readable ones; the page behind them is not */
};

static inline void guard_init(struct guard *guard, size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  guard->bytes = (bytes + page - 1) / page * page;
  guard->base =
      mmap(NULL, guard->bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(guard->base != MAP_FAILED);
  assert_int_equal(mprotect(guard->base + guard->bytes, page, PROT_NONE), 0);
}

static inline void guard_destroy(struct guard *guard) {
  munmap(guard->base, guard->bytes + (size_t)sysconf(_SC_PAGESIZE));
}

/* A copy of `bytes` that ends where reading ends. */
static inline struct span guard_put(struct guard *guard, struct span bytes) {
  assert_true(bytes.len <= guard->bytes);
  uint8_t *at = guard->base + guard->bytes - bytes.len;
  if (bytes.len > 0) memcpy(at, bytes.base, bytes.len);
  return span_of(at, bytes.len);
}

/* Room of exactly `bytes` bytes before the guard page. */
static inline uint8_t *guard_room(struct guard *guard, size_t bytes) {
  assert_true(bytes <= guard->bytes);
  return guard->base + guard->bytes - bytes;
}

/* ---- text ------------------------------------------------------------------------------------ */

static inline unsigned hex_digit(char c) {
  assert_true((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Blanks between octets are left out. */
static inline size_t hex_decode(const char *hex, uint8_t *out, size_t max) {
  size_t len = 0;
  for (; *hex; hex++) {
    if (*hex == ' ') continue;
    assert_true(len < max && hex[1]);
    out[len++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
    hex++;
  }
  return len;
}

static inline size_t text_field(char *text, size_t max, struct span name, struct span value) {
  const int n = snprintf(text, max, "%.*s: %.*s\n", (int)name.len, (const char *)name.base,
                         (int)value.len, (const char *)value.base);
  assert_true(n >= 0 && (size_t)n < max);
  return (size_t)n;
}

/* The list as lines `name: value`. */
static inline void text_of_headers(const struct headers *headers, char *text, size_t max) {
  text[0] = '\0';
  for (uint32_t i = 0; i < headers->count; i++) {
    const size_t n = text_field(text, max, headers->at[i].name, headers->at[i].value);
    text += n;
    max -= n;
  }
}

/* The dynamic table as the same, newest first. */
static inline void text_of_table(const struct hpack_table *table, char *text, size_t max) {
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
    const size_t n = text_field(text, max, name, span_of(strings + stored, entry->value_len));
    text += n;
    max -= n;
  }
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* A list with storage of its own. */
struct test_list {
  struct headers headers;
  struct header fields[1024];
  uint8_t arena[256 * 1024];
};

static inline struct headers *test_list_init(struct test_list *list) {
  headers_init(&list->headers, list->fields, 1024, list->arena, sizeof list->arena, 1u << 20);
  return &list->headers;
}

#endif
