/*
 * hpack_table.c - see hpack_table.h. The static table is in hpack_static.c, which is generated.
 *
 * Strings go around the byte ring in the order of their entries. All stored bytes together are less
 * than the table's size, which counts 32 more an entry, so that the ring never runs over its tail.
 */
#include "hpack_table.h"

#include <string.h>

enum { BYTE_MASK = HPACK_TABLE_BYTES_MAX - 1 };

static size_t entry_bytes(const struct hpack_entry *entry) {
  return (size_t)entry->name_len + entry->value_len + HPACK_ENTRY_OVERHEAD;
}

static void invariants(const struct hpack_table *table) {
  assert(table->bytes_max <= HPACK_TABLE_BYTES_MAX);
  assert(table->bytes <= table->bytes_max);
  assert(table->count * HPACK_ENTRY_OVERHEAD <= table->bytes);
  assert(table->store || table->count == 0);
}

void hpack_table_init(struct hpack_table *table, const struct memory *memory, uint32_t bytes_max) {
  *table = (struct hpack_table){.memory = memory, .bytes_max = bytes_max};
  invariants(table);
}

void hpack_table_destroy(struct hpack_table *table) {
  memory_free(table->memory, table->store, sizeof(*table->store));
  table->store = NULL;
  table->count = table->bytes = 0;
}

static void evict_to(struct hpack_table *table, size_t bytes) {
  while (table->bytes > bytes) {
    table->bytes -= (uint32_t)entry_bytes(hpack_table_at(table, table->count - 1));
    table->count--;
  }
}

void hpack_table_resize(struct hpack_table *table, uint32_t bytes_max) {
  table->bytes_max = bytes_max;
  evict_to(table, bytes_max);
  invariants(table);
}

bool hpack_table_make_room(struct hpack_table *table, size_t name_len, size_t value_len) {
  /* Each length alone first: their sum must not wrap. */
  const bool fits = name_len <= table->bytes_max && value_len <= table->bytes_max &&
                    name_len + value_len + HPACK_ENTRY_OVERHEAD <= table->bytes_max;
  evict_to(table, fits ? table->bytes_max - (name_len + value_len + HPACK_ENTRY_OVERHEAD) : 0);
  return fits;
}

static void put_bytes(struct hpack_table *table, struct span string) {
  uint8_t *ring = table->store->bytes;
  const size_t before_end = HPACK_TABLE_BYTES_MAX - table->next_byte;
  if (string.len <= before_end) {
    memcpy(ring + table->next_byte, string.base, string.len);
  } else {
    memcpy(ring + table->next_byte, string.base, before_end);
    memcpy(ring, string.base + before_end, string.len - before_end);
  }
  table->next_byte = (table->next_byte + (uint32_t)string.len) & BYTE_MASK;
}

bool hpack_table_insert(struct hpack_table *table, const struct header *field) {
  const size_t bytes = field->name.len + field->value.len + HPACK_ENTRY_OVERHEAD;
  assert(table->bytes + bytes <= table->bytes_max);
  if (!table->store) {
    table->store = memory_alloc(table->memory, sizeof(*table->store));
    if (!table->store) return false;
  }
  table->newest = (table->newest + 1) & (HPACK_TABLE_ENTRIES_MAX - 1);
  table->count++;
  table->bytes += (uint32_t)bytes;
  table->store->entries[table->newest] =
      (struct hpack_entry){.offset = (uint16_t)table->next_byte,
                           .name_len = (uint16_t)field->name.len,
                           .value_len = (uint16_t)field->value.len,
                           .token = (uint8_t)field->token,
                           .flags = field->flags & (HEADER_NAME_BAD | HEADER_VALUE_BAD)};
  if (field->token == TOKEN_UNKNOWN && field->name.len > 0) put_bytes(table, field->name);
  if (field->value.len > 0) put_bytes(table, field->value);
  invariants(table);
  return true;
}

static void get_bytes(const struct hpack_table *table, size_t offset, size_t len, uint8_t *out) {
  const uint8_t *ring = table->store->bytes;
  const size_t before_end = HPACK_TABLE_BYTES_MAX - offset;
  if (len <= before_end) {
    memcpy(out, ring + offset, len);
  } else {
    memcpy(out, ring + offset, before_end);
    memcpy(out + before_end, ring, len - before_end);
  }
}

void hpack_table_copy(const struct hpack_table *table, const struct hpack_entry *entry,
                      uint8_t *out) {
  get_bytes(table, entry->offset, hpack_entry_stored_len(entry), out);
}

void hpack_table_copy_name(const struct hpack_table *table, const struct hpack_entry *entry,
                           uint8_t *out) {
  get_bytes(table, entry->offset, hpack_entry_stored_name_len(entry), out);
}

/* Whether `string` is what the byte ring holds at `offset`. */
static bool bytes_equal(const struct hpack_table *table, size_t offset, struct span string) {
  const uint8_t *ring = table->store->bytes;
  const size_t before_end = HPACK_TABLE_BYTES_MAX - offset;
  if (string.len <= before_end)
    return string.len == 0 || memcmp(ring + offset, string.base, string.len) == 0;
  return memcmp(ring + offset, string.base, before_end) == 0 &&
         memcmp(ring, string.base + before_end, string.len - before_end) == 0;
}

bool hpack_table_name_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                            const struct header *field) {
  if (entry->token != field->token) return false;
  if (entry->token != TOKEN_UNKNOWN) return true;
  return entry->name_len == field->name.len && bytes_equal(table, entry->offset, field->name);
}

bool hpack_table_value_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                             const struct header *field) {
  const size_t offset = (entry->offset + hpack_entry_stored_name_len(entry)) & BYTE_MASK;
  return entry->value_len == field->value.len && bytes_equal(table, offset, field->value);
}
