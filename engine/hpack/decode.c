/*
 * hpack/decode.c - see hpack/decode.h.
 *
 *     block  = *2 size-update, *field
 *     field  = 1xxxxxxx  indexed                            (RFC 7541 section 6.1)
 *              01xxxxxx  literal, to be indexed             (6.2.1)
 *              0000xxxx  literal                            (6.2.2)
 *              0001xxxx  literal, never to be indexed       (6.2.3)
 *     size-update = 001xxxxx                                (6.3)
 *
 * A field is decoded in one of two ways. While the list has room, its strings end up in the list's
 * arena. Once the list has overflowed, fields are only counted, and strings that the dynamic table
 * needs pass through a scratch buffer on the stack. Running out of arena in the middle of a field
 * switches from the first way to the second and begins that field again: nothing has changed by
 * then.
 */
#include "engine/hpack/decode.h"

#include <string.h>

#include "engine/hpack/huffman.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Room for every pair of strings that fits the table. Derived from its bound. */
enum { SCRATCH_BYTES = HPACK_TABLE_BYTES_MAX };

/* One call of hpack_decode(). No error outlives it (CVE-2024-7246). */
struct block {
  struct hpack_decoder *decoder;
  struct headers *out;
  const uint8_t *at, *end; /* at < end whenever a representation begins */
  const char *reason;      /* of the failure; static */
};

/* Where the strings of one field go. */
struct room {
  uint8_t *at;
  size_t left;
  bool short_of; /* a string did not fit: its span has no base */
};

static enum hpack_result fail(struct block *b, const char *reason) {
  b->reason = reason;
  return HPACK_ERROR;
}

/* The octets after a prefix of all ones: least significant first, 7 bits each (section 5.1). */
static enum hpack_result integer_rest(struct block *b, uint32_t prefix, uint32_t *value) {
  uint64_t sum = prefix;
  for (unsigned octets = 1; octets < HPACK_INTEGER_OCTETS_MAX; octets++) {
    if (b->at == b->end) return fail(b, "integer is cut off");
    const uint8_t octet = *b->at++;
    sum += (uint64_t)(octet & 0x7f) << 7 * (octets - 1);
    if (octet & 0x80) continue;
    if (sum > HPACK_INTEGER_MAX) return fail(b, "integer is too large");
    *value = (uint32_t)sum;
    return HPACK_OK;
  }
  return fail(b, "integer has too many octets");
}

/* The integer whose prefix is the low `prefix_bits` of the octet at b->at. */
static inline enum hpack_result integer(struct block *b, unsigned prefix_bits, uint32_t *value) {
  const uint32_t ones = (1u << prefix_bits) - 1;
  *value = *b->at++ & ones;
  if (likely(*value < ones)) return HPACK_OK;
  return integer_rest(b, ones, value);
}

/* Huffman-coded `coded` to a string in `room`. The length is counted exactly only where the quick
 * bound does not fit. */
static enum hpack_result string_huffman(struct block *b, struct room *room, struct span coded,
                                        struct span *string) {
  size_t len = 0;
  if (unlikely(huffman_decode_bound(coded.len) > room->left)) {
    len = huffman_decode_len(coded);
    if (len != HUFFMAN_BAD && len + HUFFMAN_DECODE_SLACK > room->left) {
      *string = span_of(NULL, len);
      room->short_of = true;
      return HPACK_OK;
    }
  }
  if (len != HUFFMAN_BAD) len = huffman_decode(coded, room->at);
  if (len == HUFFMAN_BAD) return fail(b, "bad Huffman code");
  *string = span_of(room->at, len);
  room->at += len;
  room->left -= len;
  return HPACK_OK;
}

/* A string literal (section 5.2). */
static enum hpack_result string_literal(struct block *b, struct room *room, struct span *string) {
  if (b->at == b->end) return fail(b, "string is missing");
  const bool huffman = *b->at & 0x80;
  uint32_t len;
  if (integer(b, 7, &len) != HPACK_OK) return HPACK_ERROR;
  if (len > (size_t)(b->end - b->at)) return fail(b, "string is cut off");
  *string = span_of(b->at, len);
  b->at += len;
  return huffman ? string_huffman(b, room, *string, string) : HPACK_OK;
}

/* The entry that `index` (above the static table) refers to, or NULL. */
static inline const struct hpack_entry *dynamic_entry(const struct hpack_decoder *decoder,
                                                      uint32_t index) {
  const uint32_t age = index - HPACK_STATIC_COUNT - 1;
  return likely(age < decoder->table.count) ? hpack_table_at(&decoder->table, age) : NULL;
}

/* A name taken from a table. One that is stored in the dynamic table is copied, since inserting
 * this very field may evict it (section 4.4). */
static enum hpack_result name_indexed(struct block *b, struct room *room, uint32_t index,
                                      struct header *field) {
  if (index <= HPACK_STATIC_COUNT) {
    field->name = hpack_static[index].name;
    field->token = hpack_static[index].token;
    return HPACK_OK;
  }
  const struct hpack_entry *entry = dynamic_entry(b->decoder, index);
  if (!entry) return fail(b, "index beyond the table");
  field->token = entry->token;
  field->flags |= entry->flags & HEADER_NAME_BAD;
  if (entry->token != TOKEN_UNKNOWN) {
    field->name = header_token_name((enum header_token)entry->token);
    return HPACK_OK;
  }
  field->name = span_of(room->at, entry->name_len);
  if (entry->name_len > room->left) {
    field->name.base = NULL;
    room->short_of = true;
    return HPACK_OK;
  }
  hpack_table_copy_name(&b->decoder->table, entry, room->at);
  room->at += entry->name_len;
  room->left -= entry->name_len;
  return HPACK_OK;
}

static enum hpack_result name_literal(struct block *b, struct room *room, struct header *field) {
  if (string_literal(b, room, &field->name) != HPACK_OK) return HPACK_ERROR;
  if (!field->name.base) return HPACK_OK;
  field->token = (uint16_t)header_token_of(field->name);
  if (field->token == TOKEN_UNKNOWN) field->flags |= header_name_flags(field->name);
  return HPACK_OK;
}

/* A literal's name and value, `prefix_bits` of index before them. */
static enum hpack_result literal_strings(struct block *b, struct room *room, unsigned prefix_bits,
                                         struct header *field) {
  uint32_t index;
  if (integer(b, prefix_bits, &index) != HPACK_OK) return HPACK_ERROR;
  const enum hpack_result named =
      index > 0 ? name_indexed(b, room, index, field) : name_literal(b, room, field);
  if (named != HPACK_OK) return HPACK_ERROR;
  if (string_literal(b, room, &field->value) != HPACK_OK) return HPACK_ERROR;
  if (field->value.base)
    field->flags |=
        header_value_flags(field->value) | header_pseudo_flags(field->token, field->value);
  return HPACK_OK;
}

/* An entry larger than the table empties it, which is no error (section 4.4). A string that did not
 * fit the scratch buffer does not fit the table either. */
static enum hpack_result insert(struct block *b, const struct header *field) {
  struct hpack_table *table = &b->decoder->table;
  if (!hpack_table_fits(table, field->name.len, field->value.len)) {
    hpack_table_clear(table);
    return HPACK_OK;
  }
  if (hpack_table_insert(table, field)) return HPACK_OK;
  b->reason = "no memory for the header table";
  return HPACK_NO_MEMORY;
}

/* What the first octet of a literal says. */
struct literal {
  unsigned prefix_bits;
  bool indexed;
  uint8_t flags;
};

static inline struct literal literal_of(uint8_t octet) {
  if (octet & 0x40) return (struct literal){.prefix_bits = 6, .indexed = true};
  return (struct literal){.prefix_bits = 4, .flags = octet & 0x10 ? HEADER_NEVER_INDEX : 0};
}

/* A literal of a list that has overflowed: counted, and inserted where it says so. */
__attribute__((noinline)) static enum hpack_result literal_dropped(struct block *b) {
  uint8_t scratch[SCRATCH_BYTES];
  struct room room = {.at = scratch, .left = sizeof scratch};
  const struct literal literal = literal_of(*b->at);
  struct header field = {.flags = literal.flags};
  const enum hpack_result result = literal_strings(b, &room, literal.prefix_bits, &field);
  if (result != HPACK_OK) return result;
  const bool kept = headers_account(b->out, field.name.len, field.value.len);
  assert(!kept);
  return literal.indexed ? insert(b, &field) : HPACK_OK;
}

static enum hpack_result literal_kept(struct block *b) {
  struct headers *out = b->out;
  const uint8_t *begin = b->at;
  struct room room = {.at = out->arena + out->arena_used, .left = out->arena_max - out->arena_used};
  const struct literal literal = literal_of(*b->at);
  struct header field = {.flags = literal.flags};
  const enum hpack_result result = literal_strings(b, &room, literal.prefix_bits, &field);
  if (result != HPACK_OK) return result;
  if (unlikely(room.short_of)) {
    out->overflowed = true;
    b->at = begin;
    return literal_dropped(b);
  }
  if (headers_account(out, field.name.len, field.value.len)) {
    out->at[out->count++] = field;
    out->arena_used = out->arena_max - room.left;
  }
  return literal.indexed ? insert(b, &field) : HPACK_OK;
}

static inline void indexed_static(struct block *b, const struct header *field) {
  struct headers *out = b->out;
  if (likely(headers_account(out, field->name.len, field->value.len)))
    out->at[out->count++] = *field;
}

/* Copies a dynamic entry's strings to the arena: the entry may be gone before the list is used. */
static inline void indexed_dynamic(struct block *b, const struct hpack_entry *entry) {
  struct headers *out = b->out;
  if (unlikely(!headers_account(out, entry->name_len, entry->value_len))) return;
  uint8_t *strings = headers_room(out, hpack_entry_stored_len(entry));
  if (unlikely(!strings)) return;
  hpack_table_copy(&b->decoder->table, entry, strings);
  const size_t name_stored = hpack_entry_stored_name_len(entry);
  struct header *field = &out->at[out->count++];
  field->name = entry->token == TOKEN_UNKNOWN ? span_of(strings, name_stored)
                                              : header_token_name((enum header_token)entry->token);
  field->value = span_of(strings + name_stored, entry->value_len);
  field->token = entry->token;
  field->flags = entry->flags;
}

static inline enum hpack_result indexed(struct block *b) {
  uint32_t index;
  if (unlikely(integer(b, 7, &index) != HPACK_OK)) return HPACK_ERROR;
  if (index - 1 < HPACK_STATIC_COUNT) {
    indexed_static(b, &hpack_static[index]);
    return HPACK_OK;
  }
  if (unlikely(index == 0)) return fail(b, "index 0");
  const struct hpack_entry *entry = dynamic_entry(b->decoder, index);
  if (unlikely(!entry)) return fail(b, "index beyond the table");
  indexed_dynamic(b, entry);
  return HPACK_OK;
}

static inline bool is_size_update(const struct block *b) {
  return b->at < b->end && (*b->at & 0xe0) == 0x20;
}

/* The size updates that a block may begin with, and must after we lowered the limit (section 4.2).
 * A later one, or a third, is an error. */
static enum hpack_result size_updates(struct block *b) {
  struct hpack_decoder *decoder = b->decoder;
  for (unsigned count = 0; count < HPACK_SIZE_UPDATES_MAX && is_size_update(b); count++) {
    uint32_t bytes;
    if (integer(b, 5, &bytes) != HPACK_OK) return HPACK_ERROR;
    if (bytes > decoder->limit_bytes) return fail(b, "table size update above the limit");
    if (decoder->update_required && bytes > decoder->required_bytes)
      return fail(b, "table size update above the lowered limit");
    decoder->update_required = false;
    hpack_table_resize(&decoder->table, bytes);
  }
  return decoder->update_required ? fail(b, "table size update is missing") : HPACK_OK;
}

static enum hpack_result field(struct block *b) {
  const uint8_t octet = *b->at;
  if (likely(octet & 0x80)) return indexed(b);
  if (unlikely((octet & 0xe0) == 0x20)) return fail(b, "misplaced table size update");
  return b->out->overflowed ? literal_dropped(b) : literal_kept(b);
}

static size_t stop_bytes(const struct headers *out) {
  return out->list_bytes_max > SIZE_MAX / HPACK_LIST_STOP_FACTOR
             ? SIZE_MAX
             : out->list_bytes_max * HPACK_LIST_STOP_FACTOR;
}

static enum hpack_result decode(struct block *b) {
  const size_t list_bytes_stop = stop_bytes(b->out);
  const enum hpack_result updated = size_updates(b);
  if (unlikely(updated != HPACK_OK)) return updated;
  while (b->at < b->end) {
    const enum hpack_result result = field(b);
    if (unlikely(result != HPACK_OK)) return result;
    if (unlikely(b->out->list_bytes > list_bytes_stop)) {
      b->reason = "header list is far too large";
      return HPACK_TOO_LARGE;
    }
  }
  return HPACK_OK;
}

enum hpack_result hpack_decode(struct hpack_decoder *decoder, struct span block,
                               struct headers *out, const char **reason) {
  struct block b = {.decoder = decoder, .out = out, .at = block.base};
  b.end = block.len > 0 ? block.base + block.len : block.base;
  const enum hpack_result result = decode(&b);
  if (unlikely(result != HPACK_OK)) *reason = b.reason;
  return result;
}

void hpack_decoder_init(struct hpack_decoder *decoder, const struct memory *memory) {
  *decoder = (struct hpack_decoder){.limit_bytes = HPACK_TABLE_BYTES_MAX};
  hpack_table_init(&decoder->table, memory, HPACK_TABLE_BYTES_MAX);
}

void hpack_decoder_destroy(struct hpack_decoder *decoder) {
  hpack_table_destroy(&decoder->table);
}

void hpack_decoder_set_limit(struct hpack_decoder *decoder, uint32_t bytes) {
  assert(bytes <= HPACK_TABLE_BYTES_MAX);
  decoder->limit_bytes = bytes;
  const uint32_t present =
      decoder->update_required ? decoder->required_bytes : decoder->table.bytes_max;
  if (bytes >= present) return;
  decoder->update_required = true;
  decoder->required_bytes = bytes;
}
