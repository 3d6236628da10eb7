/*
 * hpack/table.c - see hpack/table.h. The static table is in hpack/static.c, which is generated.
 *
 * Strings go around their ring in the order of their entries. All stored bytes together are less
 * than the entries' sizes, which count 32 more each, so that the ring never runs over its tail.
 */
#include "engine/hpack/table.h"

#include <string.h>

#include "engine/base/likely.h"

static size_t bytes_of(size_t name_len, size_t value_len) {
  return name_len + value_len + HPACK_ENTRY_OVERHEAD;
}

static size_t store_bytes(uint32_t capacity) {
  return capacity / HPACK_ENTRY_OVERHEAD * sizeof(struct hpack_entry) + capacity;
}

/* hpack_table_at(), to write to. */
static struct hpack_entry *entry_at(struct hpack_table *table, uint32_t age) {
  return table->entries + (hpack_table_at(table, age) - table->entries);
}

#ifdef WEIR_INVARIANTS
static void invariants(const struct hpack_table *table) {
  assert(table->bytes <= table->bytes_max);
  assert(table->bytes <= table->capacity);
  assert(table->count * HPACK_ENTRY_OVERHEAD <= table->bytes);
  assert(table->next_byte == 0 || table->next_byte < table->capacity);
}
#else
static void invariants(const struct hpack_table *table) {
  (void)table;
}
#endif

void hpack_table_init(struct hpack_table *table, const struct memory *memory, uint32_t bytes_max) {
  assert(bytes_max <= HPACK_TABLE_BYTES_MAX);
  *table = (struct hpack_table){.memory = memory, .bytes_max = bytes_max};
}

void hpack_table_destroy(struct hpack_table *table) {
  memory_free(table->memory, table->entries, store_bytes(table->capacity));
  table->entries = NULL;
  table->capacity = table->count = table->bytes = table->next_byte = 0;
}

static void evict_to(struct hpack_table *table, size_t bytes) {
  if (table->bytes > bytes) table->changes++;
  while (table->bytes > bytes) {
    const struct hpack_entry *oldest = hpack_table_at(table, table->count - 1);
    table->bytes -= (uint32_t)bytes_of(oldest->name_len, oldest->value_len);
    table->count--;
  }
}

void hpack_table_clear(struct hpack_table *table) {
  evict_to(table, 0);
}

void hpack_table_resize(struct hpack_table *table, uint32_t bytes_max) {
  assert(bytes_max <= HPACK_TABLE_BYTES_MAX);
  if (bytes_max != table->bytes_max) table->changes++;
  table->bytes_max = bytes_max;
  evict_to(table, bytes_max);
  invariants(table);
}

bool hpack_table_fits(const struct hpack_table *table, size_t name_len, size_t value_len) {
  /* Each length alone first: their sum must not wrap. */
  return name_len <= table->bytes_max && value_len <= table->bytes_max &&
         bytes_of(name_len, value_len) <= table->bytes_max;
}

static void put_string(struct hpack_table *table, struct span string) {
  const size_t before_end = table->capacity - table->next_byte;
  if (string.len <= before_end) {
    memcpy(table->strings + table->next_byte, string.base, string.len);
  } else {
    memcpy(table->strings + table->next_byte, string.base, before_end);
    memcpy(table->strings, string.base + before_end, string.len - before_end);
  }
  table->next_byte = (table->next_byte + (uint32_t)string.len) & (table->capacity - 1);
}

static void get_string(const struct hpack_table *table, size_t offset, size_t len, uint8_t *out) {
  const size_t before_end = table->capacity - offset;
  if (len <= before_end) {
    memcpy(out, table->strings + offset, len);
  } else {
    memcpy(out, table->strings + offset, before_end);
    memcpy(out + before_end, table->strings, len - before_end);
  }
}

/* Moves the entries, in their order and under their numbers, from `from` to the empty rings of
 * `table`, which have room for them. */
static void move_entries(struct hpack_table *table, const struct hpack_table *from) {
  if (from->count == 0) return;
  const uint32_t first = hpack_table_at(from, from->count - 1)->offset;
  const uint32_t len = (from->next_byte - first) & (from->capacity - 1);
  get_string(from, first, len, table->strings);
  table->next_byte = len & (table->capacity - 1);
  for (uint32_t age = 0; age < from->count; age++) {
    struct hpack_entry entry = *hpack_table_at(from, age);
    entry.offset = (uint16_t)((entry.offset - first) & (from->capacity - 1));
    *entry_at(table, age) = entry;
  }
}

static uint32_t capacity_for(size_t bytes) {
  uint32_t capacity = HPACK_STORE_BYTES_FIRST;
  while (capacity < bytes)
    capacity *= 2;
  return capacity;
}

/* Makes empty rings of that capacity; forgets the ones before. False, and nothing changed, when memory is refused. */
static bool make_rings(struct hpack_table *table, uint32_t capacity) {
  struct hpack_entry *entries = memory_alloc(table->memory, store_bytes(capacity));
  if (!entries) return false;
  table->capacity = capacity;
  table->entries = entries;
  table->strings = (uint8_t *)(entries + capacity / HPACK_ENTRY_OVERHEAD);
  table->next_byte = 0;
  return true;
}

/* Moves everything to memory of that capacity, which is enough. False, and nothing changed, when it is
 * refused. */
static bool move(struct hpack_table *table, uint32_t capacity) {
  const struct hpack_table old = *table;
  if (!make_rings(table, capacity)) return false;
  move_entries(table, &old);
  memory_free(table->memory, old.entries, store_bytes(old.capacity));
  return true;
}

/* Takes memory for entries of `bytes` bytes in all; else as move(). */
static bool reserve(struct hpack_table *table, size_t bytes) {
  return bytes <= table->capacity || move(table, capacity_for(bytes));
}

/* ---- packing --------------------------------------------------------------------------------- */

size_t hpack_table_packed_bytes(const struct hpack_table *table) {
  size_t bytes = table->count * sizeof(struct hpack_entry);
  for (uint32_t age = 0; age < table->count; age++)
    bytes += hpack_entry_stored_len(hpack_table_at(table, age));
  return bytes;
}

/* The oldest comes first. */
uint8_t *hpack_table_pack(const struct hpack_table *table, uint8_t *out) {
  for (uint32_t age = table->count; age-- > 0;) {
    const struct hpack_entry *entry = hpack_table_at(table, age);
    memcpy(out, entry, sizeof *entry);
    out += sizeof *entry;
    hpack_table_copy(table, entry, out);
    out += hpack_entry_stored_len(entry);
  }
  return out;
}

void hpack_table_hollow(struct hpack_table *table) {
  table->entries = NULL;
  table->strings = NULL;
  table->capacity = table->next_byte = 0;
}

const uint8_t *hpack_table_unpack(struct hpack_table *table, const uint8_t *in) {
  if (table->count == 0) return in;
  if (!make_rings(table, capacity_for(table->bytes))) return NULL;
  for (uint32_t age = table->count; age-- > 0;) {
    struct hpack_entry entry;
    memcpy(&entry, in, sizeof entry);
    in += sizeof entry;
    entry.offset = (uint16_t)table->next_byte;
    const size_t len = hpack_entry_stored_len(&entry);
    put_string(table, span_of(in, len));
    in += len;
    *entry_at(table, age) = entry;
  }
  return in;
}

/* ---- use ------------------------------------------------------------------------------------- */

void hpack_table_trim(struct hpack_table *table) {
  const uint32_t capacity = capacity_for(table->bytes);
  if (table->count == 0)
    hpack_table_destroy(table);
  else if (capacity < table->capacity)
    (void)move(table, capacity); /* without memory it stays as it is */
  invariants(table);
}

/* Bytes of entries that there must be memory for to insert one of `bytes`. */
static size_t bytes_needed(const struct hpack_table *table, size_t bytes) {
  const size_t sum = table->bytes + bytes;
  return sum < table->bytes_max ? sum : table->bytes_max;
}

bool hpack_table_disturbs(const struct hpack_table *table, const struct header *field) {
  const size_t bytes = bytes_of(field->name.len, field->value.len);
  return table->bytes + bytes > table->bytes_max || bytes_needed(table, bytes) > table->capacity;
}

/* For `field`, whose bytes and memory there is room for. */
static void append(struct hpack_table *table, const struct header *field) {
  assert(hpack_table_has_room(table, field));
  table->newest++;
  table->changes++;
  table->count++;
  table->bytes += (uint32_t)bytes_of(field->name.len, field->value.len);
  *entry_at(table, 0) = (struct hpack_entry){.offset = (uint16_t)table->next_byte,
                                             .name_len = (uint16_t)field->name.len,
                                             .value_len = (uint16_t)field->value.len,
                                             .token = (uint8_t)field->token,
                                             .flags = field->flags & HEADER_BAD};
  if (field->token == TOKEN_UNKNOWN && field->name.len > 0) put_string(table, field->name);
  if (field->value.len > 0) put_string(table, field->value);
  invariants(table);
}

bool hpack_table_insert(struct hpack_table *table, const struct header *field) {
  if (likely(hpack_table_has_room(table, field))) {
    append(table, field);
    return true;
  }
  assert(hpack_table_fits(table, field->name.len, field->value.len));
  const uint32_t bytes = (uint32_t)bytes_of(field->name.len, field->value.len);
  if (!reserve(table, bytes_needed(table, bytes))) return false;
  evict_to(table, table->bytes_max - bytes);
  append(table, field);
  return true;
}

void hpack_table_copy(const struct hpack_table *table, const struct hpack_entry *entry,
                      uint8_t *out) {
  get_string(table, entry->offset, hpack_entry_stored_len(entry), out);
}

void hpack_table_copy_name(const struct hpack_table *table, const struct hpack_entry *entry,
                           uint8_t *out) {
  get_string(table, entry->offset, hpack_entry_stored_name_len(entry), out);
}

/* Whether `string` is what the byte ring holds at `offset`. */
static bool bytes_equal(const struct hpack_table *table, size_t offset, struct span string) {
  const uint8_t *ring = table->strings;
  const size_t before_end = table->capacity - offset;
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
  const size_t offset =
      (entry->offset + hpack_entry_stored_name_len(entry)) & (table->capacity - 1);
  return entry->value_len == field->value.len && bytes_equal(table, offset, field->value);
}
