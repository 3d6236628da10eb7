/*
 * hpack/test_table.c - the dynamic table against a naive one (C06): random operations, the same
 * answers. The seeds are fixed, so that a failure repeats.
 */
#include "engine/hpack/table.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fields.h"
#include "tests/support/random.h"

#include <string.h>

enum {
  OPERATIONS = 1000000,
  OPERATIONS_OF_A_LIFE = 2000,
  ENTRIES_MAX = HPACK_TABLE_BYTES_MAX / HPACK_ENTRY_OVERHEAD + 1,
};

/* Entries newest first, moved by one at each insertion; sizes summed up each time. */
struct naive {
  struct naive_entry {
    char name[HPACK_TABLE_BYTES_MAX], value[HPACK_TABLE_BYTES_MAX];
    size_t name_len, value_len;
    unsigned token, flags;
  } * at[ENTRIES_MAX];
  size_t count, bytes_max;
};

static struct naive naive;
static struct naive_entry storage[ENTRIES_MAX];
static struct counted_memory memory;
static struct hpack_table table;
static struct random chance;

static uint32_t below(uint32_t limit) {
  return random_below(&chance, limit);
}

static void naive_begin(void) {
  for (size_t i = 0; i < ENTRIES_MAX; i++)
    naive.at[i] = &storage[i];
  naive.count = 0;
  naive.bytes_max = HPACK_TABLE_BYTES_MAX;
}

static size_t naive_bytes(void) {
  size_t bytes = 0;
  for (size_t i = 0; i < naive.count; i++)
    bytes += naive.at[i]->name_len + naive.at[i]->value_len + HPACK_ENTRY_OVERHEAD;
  return bytes;
}

static void naive_evict(size_t bytes_max) {
  while (naive_bytes() > bytes_max)
    naive.count--;
}

static void naive_insert(const struct header *field) {
  const size_t bytes = field->name.len + field->value.len + HPACK_ENTRY_OVERHEAD;
  naive_evict(bytes > naive.bytes_max ? 0 : naive.bytes_max - bytes);
  if (bytes > naive.bytes_max) return;
  /* The array is a permutation of the storage: the last place is always a free entry. */
  struct naive_entry *entry = naive.at[ENTRIES_MAX - 1];
  memmove(naive.at + 1, naive.at, (ENTRIES_MAX - 1) * sizeof *naive.at);
  naive.at[0] = entry;
  naive.count++;
  memcpy(entry->name, field->name.base, field->name.len);
  memcpy(entry->value, field->value.base, field->value.len);
  entry->name_len = field->name.len;
  entry->value_len = field->value.len;
  entry->token = field->token;
  entry->flags = field->flags & HEADER_BAD;
}

static void compare_entry(uint32_t age) {
  const struct naive_entry *expected = naive.at[age];
  const struct hpack_entry *entry = hpack_table_at(&table, age);
  assert_int_equal(hpack_table_age(&table, hpack_table_number(&table, age)), age);
  assert_int_equal(entry->name_len, expected->name_len);
  assert_int_equal(entry->value_len, expected->value_len);
  assert_int_equal(entry->token, expected->token);
  assert_int_equal(entry->flags, expected->flags);
  static uint8_t strings[HPACK_TABLE_BYTES_MAX];
  const size_t stored_name = hpack_entry_stored_name_len(entry);
  hpack_table_copy(&table, entry, strings);
  assert_int_equal(hpack_entry_stored_len(entry), stored_name + expected->value_len);
  if (entry->token == TOKEN_UNKNOWN) assert_int_equal(stored_name, expected->name_len);
  assert_memory_equal(strings, expected->name, stored_name);
  assert_memory_equal(strings + stored_name, expected->value, expected->value_len);
  memset(strings, 0, stored_name);
  hpack_table_copy_name(&table, entry, strings);
  assert_memory_equal(strings, expected->name, stored_name);

  struct header field = {.name = span_of(expected->name, expected->name_len),
                         .value = span_of(expected->value, expected->value_len),
                         .token = (uint16_t)expected->token};
  assert_true(hpack_table_name_equal(&table, entry, &field));
  assert_true(hpack_table_value_equal(&table, entry, &field));
  field.token ^= 1;
  assert_false(hpack_table_name_equal(&table, entry, &field));
  if (field.value.len == 0) return;
  char *octet = &naive.at[age]->value[below((uint32_t)field.value.len)];
  *octet ^= 1;
  assert_false(hpack_table_value_equal(&table, entry, &field));
  *octet ^= 1;
}

static void compare(bool all) {
  assert_int_equal(table.count, naive.count);
  assert_int_equal(table.bytes_max, naive.bytes_max);
  assert_int_equal(table.bytes, naive_bytes());
  if (table.count == 0) return;
  if (!all) {
    compare_entry(below(table.count));
    return;
  }
  for (uint32_t age = 0; age < table.count; age++)
    compare_entry(age);
}

/* Mostly short strings, now and then ones that fill the table or exceed it. */
static size_t random_len(void) {
  switch (below(32)) {
  case 0: return below(4200);
  case 1: return below(1000);
  case 2: return 0;
  default: return below(40);
  }
}

static void random_insert(void) {
  static char strings[2][4200];
  struct header field = {.name = span_of(strings[0], random_len()),
                         .value = span_of(strings[1], random_len()),
                         .flags = (uint8_t)below(8)};
  for (size_t i = 0; i < field.name.len; i++)
    strings[0][i] = (char)('a' + below(26));
  for (size_t i = 0; i < field.value.len; i++)
    strings[1][i] = (char)('A' + below(26));
  if (below(2)) {
    field.token = (uint16_t)(1 + below(TOKEN_COUNT - 1));
    field.name = header_token_name((enum header_token)field.token);
  }
  naive_insert(&field);
  if (hpack_table_fits(&table, field.name.len, field.value.len))
    assert_true(hpack_table_insert(&table, &field));
  else
    hpack_table_clear(&table);
}

static void random_resize(void) {
  uint32_t bytes_max = HPACK_TABLE_BYTES_MAX;
  if (below(2)) bytes_max = below(HPACK_TABLE_BYTES_MAX + 1);
  naive.bytes_max = bytes_max;
  naive_evict(bytes_max);
  hpack_table_resize(&table, bytes_max);
}

/* One table's life; `seed` replays it. */
static void run_life(uint64_t seed, uint32_t *wrapped, uint32_t *full, uint32_t *grown) {
  chance.state = seed;
  naive_begin();
  hpack_table_init(&table, &memory.memory, HPACK_TABLE_BYTES_MAX);
  for (uint32_t step = 0; step < OPERATIONS_OF_A_LIFE; step++) {
    const uint32_t next_byte = table.next_byte, capacity = table.capacity;
    if (below(500) == 0)
      random_resize();
    else
      random_insert();
    *grown += capacity > 0 && table.capacity > capacity;
    *wrapped += table.next_byte < next_byte && table.capacity == capacity;
    *full += table.bytes + 40 > HPACK_TABLE_BYTES_MAX;
    compare(step % 1000 == 0 || table.capacity != capacity);
  }
  hpack_table_destroy(&table);
}

static void agrees_with_naive(void **state) {
  (void)state;
  uint32_t wrapped = 0, full = 0, grown = 0;
  counted_init(&memory);
  for (uint64_t seed = 0; seed < OPERATIONS / OPERATIONS_OF_A_LIFE; seed++)
    run_life(seed, &wrapped, &full, &grown);
  /* The steps did reach the edge cases. */
  assert_true(wrapped > 1000);
  assert_true(full > 1000);
  assert_true(grown > OPERATIONS / OPERATIONS_OF_A_LIFE);
  assert_int_equal(memory.bytes, 0);
}

/* Refused memory leaves the table as it was, the first time or later. */
static void refused_memory_changes_nothing(void **state) {
  (void)state;
  char before[8192], after[8192];
  const struct header field = {.name = span_text("name"), .value = span_text("value")};
  counted_init(&memory);
  hpack_table_init(&table, &memory.memory, HPACK_TABLE_BYTES_MAX);
  memory.allowed = 0;
  assert_false(hpack_table_insert(&table, &field));
  assert_int_equal(table.count, 0);
  memory.allowed = 1;
  uint32_t inserted = 0;
  while (hpack_table_insert(&table, &field))
    inserted++;
  assert_int_equal(inserted, HPACK_STORE_BYTES_FIRST / 41);
  fields_text_of_table(&table, before, sizeof before);
  /* One that would first have to evict. */
  static char large[4000];
  const struct header other = {.name = span_text("large"), .value = span_of(large, sizeof large)};
  assert_false(hpack_table_insert(&table, &other));
  fields_text_of_table(&table, after, sizeof after);
  assert_string_equal(before, after);
  assert_int_equal(table.bytes, inserted * 41);
  memory.allowed = 1;
  assert_true(hpack_table_insert(&table, &other));
  assert_int_equal(table.count, 2); /* beside the last of the others */
  hpack_table_destroy(&table);
  assert_int_equal(memory.bytes, 0);
}

/* A table that was made smaller keeps its memory until it is trimmed, and takes no more than it needs. */
static void memory_follows_need(void **state) {
  (void)state;
  const struct header field = {.name = span_text("name"), .value = span_text("value")};
  counted_init(&memory);
  hpack_table_init(&table, &memory.memory, 100);
  for (int i = 0; i < 1000; i++)
    assert_true(hpack_table_insert(&table, &field));
  assert_int_equal(table.count, 2);
  assert_int_equal(memory.bytes, HPACK_STORE_BYTES_FIRST * 5 / 4);
  hpack_table_resize(&table, HPACK_TABLE_BYTES_MAX);
  for (int i = 0; i < 1000; i++)
    assert_true(hpack_table_insert(&table, &field));
  assert_int_equal(table.count, HPACK_TABLE_BYTES_MAX / 41);
  assert_int_equal(memory.bytes, HPACK_TABLE_BYTES_MAX * 5 / 4);
  hpack_table_resize(&table, 300);
  hpack_table_trim(&table);
  assert_int_equal(memory.bytes, 2 * HPACK_STORE_BYTES_FIRST * 5 / 4);
  assert_int_equal(table.count, 300 / 41);
  for (uint32_t age = 0; age < table.count; age++)
    assert_true(hpack_table_value_equal(&table, hpack_table_at(&table, age), &field));
  memory.allowed = 0; /* it then stays as it is */
  hpack_table_resize(&table, 100);
  hpack_table_trim(&table);
  assert_int_equal(table.count, 2);
  memory.allowed = UINT64_MAX;
  hpack_table_clear(&table);
  hpack_table_trim(&table);
  assert_int_equal(memory.bytes, 0);
  assert_true(hpack_table_insert(&table, &field));
  hpack_table_destroy(&table);
}

/* Entries come back from their packed form with their numbers, and the rings have no more memory than these need. */
static void packs(void **state) {
  (void)state;
  static uint8_t packed[HPACK_TABLE_BYTES_MAX];
  counted_init(&memory);
  hpack_table_init(&table, &memory.memory, HPACK_TABLE_BYTES_MAX);
  assert_int_equal(hpack_table_packed_bytes(&table), 0);
  assert_ptr_equal(hpack_table_unpack(&table, packed), packed);
  naive_begin();
  for (int i = 0; i < 200; i++) {
    random_insert();
    struct hpack_table rings = table;
    const size_t bytes = hpack_table_packed_bytes(&table);
    assert_true(bytes < sizeof packed);
    hpack_table_hollow(&table);
    assert_ptr_equal(hpack_table_pack(&rings, packed), packed + bytes);
    hpack_table_destroy(&rings);
    assert_int_equal(memory.bytes, 0);
    memory.allowed = 0;
    assert_true(table.count == 0 || !hpack_table_unpack(&table, packed));
    memory.allowed = UINT64_MAX;
    assert_ptr_equal(hpack_table_unpack(&table, packed), packed + bytes);
    compare(true);
  }
  hpack_table_destroy(&table);
  assert_int_equal(memory.bytes, 0);
}

/* 128 entries of nothing: the ring of entries is full. */
static void full_of_empty_entries(void **state) {
  (void)state;
  counted_init(&memory);
  hpack_table_init(&table, &memory.memory, HPACK_TABLE_BYTES_MAX);
  const struct header field = {0};
  for (uint32_t i = 0; i < 1000; i++) {
    assert_true(hpack_table_fits(&table, 0, 0));
    assert_true(hpack_table_insert(&table, &field));
    assert_int_equal(table.count, i < HPACK_TABLE_ENTRIES_MAX ? i + 1 : HPACK_TABLE_ENTRIES_MAX);
  }
  hpack_table_resize(&table, 31);
  assert_int_equal(table.count, 0);
  hpack_table_destroy(&table);
}

static void lengths_do_not_wrap(void **state) {
  (void)state;
  counted_init(&memory);
  hpack_table_init(&table, &memory.memory, HPACK_TABLE_BYTES_MAX);
  assert_false(hpack_table_fits(&table, SIZE_MAX, 1));
  assert_false(hpack_table_fits(&table, 1, SIZE_MAX));
  assert_false(hpack_table_fits(&table, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1));
  assert_false(hpack_table_fits(&table, 0, HPACK_TABLE_BYTES_MAX - 31));
  assert_true(hpack_table_fits(&table, 0, HPACK_TABLE_BYTES_MAX - 32));
  hpack_table_destroy(&table);
}

/* Appendix A, by what must hold of it; its rows are compared with the RFC's by the generator. */
static void static_table(void **state) {
  (void)state;
  for (unsigned i = 1; i <= HPACK_STATIC_COUNT; i++) {
    const struct header *field = &hpack_static[i];
    assert_true(span_equal(field->name, header_token_name((enum header_token)field->token)));
    assert_in_range(i - hpack_static_first[field->token], 0,
                    hpack_static_entries[field->token] - 1u);
    assert_int_equal(field->flags, header_pseudo_flags(field->token, field->value));
  }
  assert_true(span_is(hpack_static[2].value, "GET"));
  assert_true(span_is(hpack_static[16].value, "gzip, deflate"));
  assert_true(span_is(hpack_static[61].name, "www-authenticate"));
  assert_int_equal(hpack_static_first[TOKEN_UNKNOWN], 0);
  assert_int_equal(hpack_static_first[TOKEN_PRIORITY], 0);
}

/* What blocks mean has changed: a size is part of it, because of what later insertions evict. */
static void resize_is_a_change(void **state) {
  (void)state;
  hpack_table_init(&table, counted_init(&memory), 4096);
  const uint64_t changes = table.changes;
  hpack_table_resize(&table, 4096);
  assert_int_equal(table.changes, changes);
  hpack_table_resize(&table, 4095);
  assert_int_not_equal(table.changes, changes);
  hpack_table_destroy(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_naive),
      cmocka_unit_test(refused_memory_changes_nothing),
      cmocka_unit_test(memory_follows_need),
      cmocka_unit_test(full_of_empty_entries),
      cmocka_unit_test(lengths_do_not_wrap),
      cmocka_unit_test(static_table),
      cmocka_unit_test(packs),
      cmocka_unit_test(resize_is_a_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
