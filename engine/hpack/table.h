/*
 * hpack/table.h - the two tables that HPACK indexes refer to: the static one, and one direction's
 * dynamic one.
 * Spec: RFC 7541 sections 2.3 and 4, Appendix A. Unit: bytes; an entry counts its name, its value
 * and 32 more (section 4.1).
 *
 * The dynamic table is a ring of entries over a ring of bytes. Insertion and eviction are O(1); an
 * entry's strings may wrap around the end of the byte ring. The name of an entry whose token is
 * known is counted but not stored.
 *
 *     strings   ..|value|name|value|value..|       next_byte: where the next strings go
 *     entries   ..|oldest|......|newest|..         newest: number of the entry with index 62
 *
 * Ownership: embedded in a decoder or an encoder. Both rings are one allocation, made by the first
 * insertion, so that a new connection has none; it begins with 320 bytes and doubles, up to 5
 * KiB, when entries need it. Entries together count at least what either ring holds of them, so
 * that `bytes` <= `capacity` says that they fit. Invariants: bytes <= bytes_max <=
 * HPACK_TABLE_BYTES_MAX; bytes <= capacity; count <= HPACK_TABLE_ENTRIES_MAX.
 */
#ifndef WEIR_HPACK_TABLE_H
#define WEIR_HPACK_TABLE_H

#include <assert.h>

#include "engine/base/pool.h"
#include "engine/hpack/limits.h"
#include "engine/http/headers.h"

/* Fixed by RFC 7541, or derived from the table's size. */
enum {
  HPACK_STATIC_COUNT = 61,   /* Appendix A */
  HPACK_ENTRY_OVERHEAD = 32, /* section 4.1 */
  HPACK_TABLE_ENTRIES_MAX = HPACK_TABLE_BYTES_MAX / HPACK_ENTRY_OVERHEAD,
};

static_assert((HPACK_TABLE_BYTES_MAX & (HPACK_TABLE_BYTES_MAX - 1)) == 0,
              "rings are powers of two");
static_assert((HPACK_STORE_BYTES_FIRST & (HPACK_STORE_BYTES_FIRST - 1)) == 0 &&
                  HPACK_STORE_BYTES_FIRST >= HPACK_ENTRY_OVERHEAD &&
                  HPACK_STORE_BYTES_FIRST <= HPACK_TABLE_BYTES_MAX,
              "they begin small and grow to the largest");
static_assert(HPACK_TABLE_BYTES_MAX <= UINT16_MAX, "offsets and lengths are 16 bits");

struct hpack_entry {
  uint16_t offset;   /* in the ring of strings: the name, unless its token is known; the value */
  uint16_t name_len; /* counted even when the name is not stored */
  uint16_t value_len;
  uint8_t token; /* enum header_token */
  uint8_t flags; /* of HEADER_BAD */
};

static_assert(TOKEN_COUNT <= UINT8_MAX, "tokens fit an entry");

struct hpack_table {
  const struct memory *memory;
  struct hpack_entry *entries; /* ring of capacity / 32; NULL until the first insertion */
  uint8_t *strings;            /* ring of `capacity` bytes, in the same allocation */
  uint32_t capacity;           /* bytes of entries that there is memory for; 0 or a power of two */
  uint32_t newest;             /* counts insertions: the number of the newest entry; may wrap */
  uint32_t count;
  uint32_t bytes;     /* sum of the entries' sizes */
  uint32_t bytes_max; /* entries are evicted to stay within it */
  uint32_t next_byte; /* 0 .. capacity - 1 */
  /* Counts insertions, evictions of one or more entries, and changes of bytes_max. */
  uint64_t changes;
};

/* Entries 1 .. 61 of Appendix A; [0] is unused. */
extern const struct header hpack_static[HPACK_STATIC_COUNT + 1];

/* Per token: the first static entry of that name (0: none), and how many there are. */
extern const uint8_t hpack_static_first[TOKEN_COUNT];
extern const uint8_t hpack_static_entries[TOKEN_COUNT];

/* Borrows `memory` for the table's whole life. Allocates nothing yet. */
void hpack_table_init(struct hpack_table *table, const struct memory *memory, uint32_t bytes_max);

void hpack_table_destroy(struct hpack_table *table);

/* Evicts the oldest entries until the rest fits (section 4.3). `bytes_max` is at most
 * HPACK_TABLE_BYTES_MAX (asserted). */
void hpack_table_resize(struct hpack_table *table, uint32_t bytes_max);

/* Whether an entry of these lengths is not larger than the table. */
bool hpack_table_fits(const struct hpack_table *table, size_t name_len, size_t value_len);

/* Inserts a copy of `field`, which must fit (asserted), as the newest entry, and evicts others to
 * make room (section 4.4). Its spans must not point into this table; its token must be right. False
 * when memory was refused: the table is then unchanged. */
__attribute__((warn_unused_result)) bool hpack_table_insert(struct hpack_table *table,
                                                            const struct header *field);

/* Whether `field` can be inserted without taking memory or evicting an entry. Its strings together are shorter than
 * SIZE_MAX / 2. */
__attribute__((warn_unused_result)) static inline bool
hpack_table_has_room(const struct hpack_table *table, const struct header *field) {
  const size_t bytes = table->bytes + field->name.len + field->value.len + HPACK_ENTRY_OVERHEAD;
  return bytes <= table->capacity && bytes <= table->bytes_max;
}

/* Gives memory back that the entries do not need. */
void hpack_table_trim(struct hpack_table *table);

/* The entries without their rings, for a table that is not used for a while: how many bytes that takes; writing
 * them to `out`, and returning their end. */
size_t hpack_table_packed_bytes(const struct hpack_table *table);
uint8_t *hpack_table_pack(const struct hpack_table *table, uint8_t *out);

/* A copy of this table owns its rings from now on. All that may be done with this one is hpack_table_unpack() and
 * hpack_table_destroy(). */
void hpack_table_hollow(struct hpack_table *table);

/* Makes rings for a hollow table that was packed at `in`; returns the end of the entries there. NULL when memory was
 * refused: the table stays hollow. */
__attribute__((warn_unused_result)) const uint8_t *hpack_table_unpack(struct hpack_table *table,
                                                                      const uint8_t *in);

/* Evicts all entries, as inserting one that does not fit does (section 4.4). */
void hpack_table_clear(struct hpack_table *table);

/* Whether to insert `field`, or to clear the table because it does not fit, ends the life of entries or moves
 * their strings. */
__attribute__((warn_unused_result)) bool hpack_table_disturbs(const struct hpack_table *table,
                                                              const struct header *field);

/* Copies the strings of an entry to `out` as they are stored: the name unless its token is known,
 * then the value. `out` has room for hpack_entry_stored_len(). */
void hpack_table_copy(const struct hpack_table *table, const struct hpack_entry *entry,
                      uint8_t *out);

/* The same for the name alone, of an entry whose token is unknown. */
void hpack_table_copy_name(const struct hpack_table *table, const struct hpack_entry *entry,
                           uint8_t *out);

/* Whether the strings of an entry are those of `field`. */
bool hpack_table_name_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                            const struct header *field);
bool hpack_table_value_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                             const struct header *field);

/* A number that the `age`-th newest entry (0 is the newest) keeps for its life and shares with no
 * other live entry: 0 .. HPACK_TABLE_ENTRIES_MAX - 1. */
static inline uint32_t hpack_table_number(const struct hpack_table *table, uint32_t age) {
  return (table->newest - age) & (HPACK_TABLE_ENTRIES_MAX - 1);
}

/* Inverse: how many entries are newer than the one with this number. At least `count`: no live
 * entry has it. */
static inline uint32_t hpack_table_age(const struct hpack_table *table, uint32_t number) {
  return (table->newest - number) & (HPACK_TABLE_ENTRIES_MAX - 1);
}

/* The `age`-th newest entry; `age` is below count. */
static inline const struct hpack_entry *hpack_table_at(const struct hpack_table *table,
                                                       uint32_t age) {
  return &table->entries[(table->newest - age) & (table->capacity / HPACK_ENTRY_OVERHEAD - 1)];
}

/* Whether a string lies in the dynamic table. One without bytes may lie anywhere. */
__attribute__((warn_unused_result)) static inline bool
hpack_table_holds(const struct hpack_table *table, struct span string) {
  return (uintptr_t)string.base - (uintptr_t)table->strings < table->capacity;
}

static inline size_t hpack_entry_stored_name_len(const struct hpack_entry *entry) {
  return entry->token == TOKEN_UNKNOWN ? entry->name_len : 0;
}

static inline size_t hpack_entry_stored_len(const struct hpack_entry *entry) {
  return hpack_entry_stored_name_len(entry) + entry->value_len;
}

/* The strings of an entry as they are stored, until an insertion disturbs them; NULL when they wrap around
 * the end of their ring. */
static inline const uint8_t *hpack_table_strings(const struct hpack_table *table,
                                                 const struct hpack_entry *entry) {
  const bool whole = entry->offset + hpack_entry_stored_len(entry) <= table->capacity;
  return whole ? table->strings + entry->offset : NULL;
}

#endif
