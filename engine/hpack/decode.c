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
 * A field is decoded in one of two ways. While the list has room, strings that are decoded end up in the
 * list's arena. Once the list has overflowed, fields are only counted, and strings that the dynamic table
 * needs pass through a scratch buffer on the stack. Running out of arena in the middle of a field
 * switches from the first way to the second and begins that field again: nothing has changed by
 * then.
 *
 * Fields of the dynamic table are borrowed: their spans point into it. Before an insertion evicts or moves
 * entries, the borrowed fields so far get copies of their strings in the arena.
 */
#include "engine/hpack/decode.h"

#include <string.h>

#include "engine/base/likely.h"
#include "engine/hpack/coded_names.h"
#include "engine/hpack/huffman.h"

/* Room for every pair of strings that fits the table. Derived from its bound. */
enum { SCRATCH_BYTES = HPACK_TABLE_BYTES_MAX };

/* Dynamic entries whose index is in the first octet. Derived from section 6.1. */
enum { AGES_OF_OCTET = 0x7f - HPACK_STATIC_COUNT - 1 };

/* One call of hpack_decode(). No error outlives it (CVE-2024-7246). */
struct block {
  struct hpack_decoder *decoder;
  struct headers *out;
  const uint8_t *at, *end; /* at < end whenever a representation begins */
  uint32_t owned;          /* no field of the list before this one is borrowed */
  bool borrowed;           /* one of the others is */
  const char *reason;      /* of the failure; static */
};

/* Where the strings of one field go. */
struct room {
  uint8_t *at;
  size_t left;
  bool short_of; /* a string did not fit: its span has no base */
};

static const char bad_code[] = "bad Huffman code";

static enum hpack_result fail(struct block *b, const char *reason) {
  b->reason = reason;
  return HPACK_ERROR;
}

/* Reading functions return where what they read ends; NULL: they failed. */
static const uint8_t *fail_at(struct block *b, const char *reason) {
  b->reason = reason;
  return NULL;
}

/* The octets after a prefix of all ones: least significant first, 7 bits each (section 5.1). */
static const uint8_t *integer_rest(struct block *b, const uint8_t *at, uint32_t prefix,
                                   uint32_t *value) {
  uint64_t sum = prefix;
  for (unsigned octets = 1; octets < HPACK_INTEGER_OCTETS_MAX; octets++) {
    if (at == b->end) return fail_at(b, "integer is cut off");
    const uint8_t octet = *at++;
    sum += (uint64_t)(octet & 0x7f) << 7 * (octets - 1);
    if (octet & 0x80) continue;
    if (sum > HPACK_INTEGER_MAX) return fail_at(b, "integer is too large");
    *value = (uint32_t)sum;
    return at;
  }
  return fail_at(b, "integer has too many octets");
}

/* The integer whose prefix is the low `prefix_bits` of the octet at `at`. */
static inline const uint8_t *integer(struct block *b, const uint8_t *at, unsigned prefix_bits,
                                     uint32_t *value) {
  const uint32_t ones = (1u << prefix_bits) - 1, prefix = *at & ones;
  if (unlikely(prefix == ones)) return integer_rest(b, at + 1, ones, value);
  *value = prefix;
  return at + 1;
}

/* A string literal as it came (section 5.2). */
struct literal_string {
  struct span bytes;
  bool huffman;
};

static inline const uint8_t *literal_string(struct block *b, const uint8_t *at,
                                            struct literal_string *string) {
  if (at == b->end) return fail_at(b, "string is missing");
  string->huffman = *at & 0x80;
  uint32_t len = 0;
  at = integer(b, at, 7, &len);
  if (unlikely(!at)) return NULL;
  if (len > (size_t)(b->end - at)) return fail_at(b, "string is cut off");
  string->bytes = span_of(at, len);
  return at + len;
}

/* Huffman-coded `coded` to a string in `room`; `*rare` as huffman_decode(). The length is counted exactly
 * only where the quick bound does not fit. False: it is no code. */
static inline bool decode_string(struct room *room, struct span coded, struct span *string,
                                 bool *rare) {
  if (unlikely(huffman_decode_bound(coded.len) > room->left)) {
    const size_t len = huffman_decode_len(coded);
    if (len == HUFFMAN_BAD) return false;
    if (len + HUFFMAN_DECODE_SLACK > room->left) {
      *string = span_of(NULL, len);
      room->short_of = true;
      return true;
    }
  }
  const size_t len = huffman_decode(coded, room->at, rare);
  if (unlikely(len == HUFFMAN_BAD)) return false;
  *string = span_of(room->at, len);
  room->at += len;
  room->left -= len;
  return true;
}

/* The entry that `index` (above the static table) refers to, or NULL. */
static inline const struct hpack_entry *dynamic_entry(const struct hpack_decoder *decoder,
                                                      uint32_t index) {
  const uint32_t age = index - HPACK_STATIC_COUNT - 1;
  return likely(age < decoder->table.count) ? hpack_table_at(&decoder->table, age) : NULL;
}

/* A name taken from a table. One that is stored in the dynamic table is copied, since inserting
 * this very field may evict it (section 4.4). */
static inline const uint8_t *name_indexed(struct block *b, const uint8_t *at, struct room *room,
                                          uint32_t index, struct header *field) {
  if (index <= HPACK_STATIC_COUNT) {
    field->name = hpack_static[index].name;
    field->token = hpack_static[index].token;
    return at;
  }
  const struct hpack_entry *entry = dynamic_entry(b->decoder, index);
  if (!entry) return fail_at(b, "index beyond the table");
  field->token = entry->token;
  field->flags |= entry->flags & HEADER_NAME_BAD;
  if (entry->token != TOKEN_UNKNOWN) {
    field->name = header_token_names[entry->token];
    return at;
  }
  field->name = span_of(room->at, entry->name_len);
  if (entry->name_len > room->left) {
    field->name.base = NULL;
    room->short_of = true;
    return at;
  }
  hpack_table_copy_name(&b->decoder->table, entry, room->at);
  room->at += entry->name_len;
  room->left -= entry->name_len;
  return at;
}

/* A Huffman-coded name that is known need not be decoded. */
static inline const uint8_t *name_literal(struct block *b, const uint8_t *at, struct room *room,
                                          struct header *field) {
  struct literal_string name;
  at = literal_string(b, at, &name);
  if (unlikely(!at)) return NULL;
  field->token =
      (uint16_t)(name.huffman ? coded_names_token_of(name.bytes) : header_token_of(name.bytes));
  if (field->token != TOKEN_UNKNOWN) {
    field->name = header_token_names[field->token];
    return at;
  }
  field->name = name.bytes;
  bool rare;
  if (name.huffman && !decode_string(room, name.bytes, &field->name, &rare))
    return fail_at(b, bad_code);
  if (field->name.base) field->flags |= header_name_flags(field->name);
  return at;
}

/* What is not allowed inside of a value are rare octets. */
static inline const uint8_t *value_literal(struct block *b, const uint8_t *at, struct room *room,
                                           struct header *field) {
  struct literal_string value;
  at = literal_string(b, at, &value);
  if (unlikely(!at)) return NULL;
  bool rare = true;
  struct span text = value.bytes;
  if (value.huffman && !decode_string(room, value.bytes, &text, &rare)) return fail_at(b, bad_code);
  field->value = text;
  if (unlikely(!text.base)) return at;
  field->flags |= rare ? header_value_flags(text) : header_value_end_flags(text);
  if (field->token <= TOKEN_PSEUDO_LAST) field->flags |= header_pseudo_flags(field->token, text);
  return at;
}

/* Sets `field` to the literal at b->at, and b->at to its end. */
__attribute__((noinline)) static enum hpack_result
literal_strings(struct block *b, struct room *room, struct header *field) {
  const uint8_t *at = b->at;
  const uint8_t octet = *at;
  uint32_t index = 0;
  at = octet & 0x40 ? integer(b, at, 6, &index) : integer(b, at, 4, &index);
  if (unlikely(!at)) return HPACK_ERROR;
  field->flags = (octet & 0x50) == 0x10 ? HEADER_NEVER_INDEX : 0;
  field->memo = 0;
  at = index > 0 ? name_indexed(b, at, room, index, field) : name_literal(b, at, room, field);
  if (unlikely(!at)) return HPACK_ERROR;
  at = value_literal(b, at, room, field);
  if (unlikely(!at)) return HPACK_ERROR;
  b->at = at;
  return HPACK_OK;
}

/* Copies a borrowed field's strings to the arena. False when that has no room. */
static bool own(struct block *b, struct header *field) {
  const bool name = hpack_table_holds(&b->decoder->table, field->name);
  uint8_t *room = headers_room(b->out, field->value.len + (name ? field->name.len : 0));
  if (!room) return false;
  if (name) {
    memcpy(room, field->name.base, field->name.len);
    field->name.base = room;
    room += field->name.len;
  }
  memcpy(room, field->value.base, field->value.len);
  field->value.base = room;
  return true;
}

/* A value without bytes may begin at the end of the table, behind the name. */
static bool is_borrowed(const struct hpack_table *table, const struct header *field) {
  return hpack_table_holds(table, field->value) || hpack_table_holds(table, field->name);
}

/* The table is about to drop or to move what was borrowed. Fields for which the arena has no room are
 * dropped from the list, which has overflowed. */
static void own_all(struct block *b) {
  struct headers *out = b->out;
  const struct hpack_table *table = &b->decoder->table;
  for (uint32_t i = b->owned; i < out->count; i++)
    if (is_borrowed(table, &out->at[i]) && !own(b, &out->at[i])) out->count = i;
  b->owned = out->count;
  b->borrowed = false;
}

/* An entry larger than the table empties it, which is no error (section 4.4). A string that did not
 * fit the scratch buffer does not fit the table either. */
static enum hpack_result insert(struct block *b, const struct header *field) {
  struct hpack_table *table = &b->decoder->table;
  if (likely(hpack_table_has_room(table, field)) && hpack_table_insert(table, field))
    return HPACK_OK;
  if (b->borrowed && hpack_table_disturbs(table, field)) own_all(b);
  if (!hpack_table_fits(table, field->name.len, field->value.len)) {
    hpack_table_clear(table);
    return HPACK_OK;
  }
  if (hpack_table_insert(table, field)) return HPACK_OK;
  b->reason = "no memory for the header table";
  return HPACK_NO_MEMORY;
}

static inline bool is_to_be_indexed(uint8_t octet) {
  return octet & 0x40;
}

/* A literal of a list that has overflowed: counted, and inserted where it says so. */
__attribute__((noinline)) static enum hpack_result literal_dropped(struct block *b) {
  uint8_t scratch[SCRATCH_BYTES];
  struct room room = {.at = scratch, .left = sizeof scratch};
  struct header field;
  const bool indexed = is_to_be_indexed(*b->at);
  const enum hpack_result result = literal_strings(b, &room, &field);
  if (result != HPACK_OK) return result;
  const bool kept = headers_account(b->out, field.name.len, field.value.len);
  assert(!kept);
  return indexed ? insert(b, &field) : HPACK_OK;
}

/* The field is made where it stays: a struct that is made of small stores and then copied by large loads would wait for
 * the stores. */
static enum hpack_result literal_kept(struct block *b) {
  struct headers *out = b->out;
  const uint8_t *begin = b->at;
  const bool indexed = is_to_be_indexed(*begin);
  struct room room = {.at = out->arena + out->arena_used, .left = out->arena_max - out->arena_used};
  if (unlikely(out->count == out->max)) {
    out->overflowed = true;
    return literal_dropped(b);
  }
  struct header *field = &out->at[out->count];
  const enum hpack_result result = literal_strings(b, &room, field);
  if (unlikely(result != HPACK_OK)) return result;
  if (unlikely(room.short_of)) {
    out->overflowed = true;
    b->at = begin;
    return literal_dropped(b);
  }
  if (likely(headers_account(out, field->name.len, field->value.len))) out->count++;
  out->arena_used = out->arena_max - room.left; /* dropped or not: its insertion may take more */
  return indexed ? insert(b, field) : HPACK_OK;
}

/* Sets the field of an entry, whose strings are `strings`, in place: a struct that is made of small stores and then
 * copied by large loads would wait for the stores. */
static inline void set_field(struct header *field, const struct hpack_entry *entry,
                             const uint8_t *strings) {
  if (entry->token == TOKEN_UNKNOWN) {
    field->name = span_of(strings, entry->name_len);
    strings += entry->name_len;
  } else {
    field->name = header_token_names[entry->token];
  }
  field->value = span_of(strings, entry->value_len);
  field->token = entry->token;
  field->flags = entry->flags;
  field->memo = 0;
}

static inline void indexed_dynamic(struct block *b, const struct hpack_entry *entry) {
  struct headers *out = b->out;
  const struct hpack_table *table = &b->decoder->table;
  if (unlikely(!headers_account(out, entry->name_len, entry->value_len))) return;
  const uint8_t *strings = hpack_table_strings(table, entry);
  if (unlikely(!strings)) { /* they wrap around the ring's end */
    uint8_t *room = headers_room(out, hpack_entry_stored_len(entry));
    if (!room) return;
    hpack_table_copy(table, entry, room);
    strings = room;
  }
  b->borrowed = true;
  set_field(&out->at[out->count++], entry, strings);
}

static inline enum hpack_result indexed(struct block *b) {
  uint32_t index;
  const uint8_t *at = integer(b, b->at, 7, &index);
  if (unlikely(!at)) return HPACK_ERROR;
  b->at = at;
  if (index - 1 < HPACK_STATIC_COUNT) {
    const struct header *field = &hpack_static[index];
    if (headers_account(b->out, field->name.len, field->value.len))
      b->out->at[b->out->count++] = *field;
    return HPACK_OK;
  }
  if (unlikely(index == 0)) return fail(b, "index 0");
  const struct hpack_entry *entry = dynamic_entry(b->decoder, index);
  if (unlikely(!entry)) return fail(b, "index beyond the table");
  indexed_dynamic(b, entry);
  return HPACK_OK;
}

/* The next fields, as long as each is an index of one octet, the list has room, and nothing has to be copied. */
static inline void indexed_run(struct block *b) {
  struct headers *out = b->out;
  const struct hpack_table *table = &b->decoder->table;
  const uint32_t ages = table->count < AGES_OF_OCTET ? table->count : AGES_OF_OCTET;
  const size_t most = out->max - out->count, octets = (size_t)(b->end - b->at);
  const uint8_t *at = b->at, *end = at + (octets < most ? octets : most);
  struct header *to = out->at + out->count;
  size_t left = out->list_bytes_max - out->list_bytes;
  for (; at < end; at++, to++) {
    const uint32_t index = *at - 0x80u; /* of another representation: too large for both tables */
    size_t bytes;
    if (index - 1 < HPACK_STATIC_COUNT) {
      const struct header *field = &hpack_static[index];
      bytes = field->name.len + field->value.len + HEADER_OVERHEAD_BYTES;
      if (unlikely(bytes > left)) break;
      *to = *field;
    } else {
      const uint32_t age = index - HPACK_STATIC_COUNT - 1;
      if (age >= ages) break;
      const struct hpack_entry *entry = hpack_table_at(table, age);
      const uint8_t *strings = hpack_table_strings(table, entry);
      bytes = (size_t)entry->name_len + entry->value_len + HEADER_OVERHEAD_BYTES;
      if (unlikely(!strings) || unlikely(bytes > left)) break;
      set_field(to, entry, strings);
      b->borrowed = true;
    }
    left -= bytes;
  }
  out->count += (uint32_t)(at - b->at);
  out->list_bytes = out->list_bytes_max - left;
  b->at = at;
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
    const uint8_t *at = integer(b, b->at, 5, &bytes);
    if (!at) return HPACK_ERROR;
    b->at = at;
    if (bytes > decoder->limit_bytes) return fail(b, "table size update above the limit");
    if (decoder->update_required && bytes > decoder->required_bytes)
      return fail(b, "table size update above the lowered limit");
    decoder->update_required = false;
    hpack_table_resize(&decoder->table, bytes);
  }
  return decoder->update_required ? fail(b, "table size update is missing") : HPACK_OK;
}

/* One field, or several. */
static enum hpack_result fields(struct block *b) {
  const uint8_t octet = *b->at;
  if (octet & 0x80) {
    const uint8_t *begin = b->at;
    if (likely(!b->out->overflowed)) indexed_run(b);
    return likely(b->at > begin) ? HPACK_OK : indexed(b);
  }
  if (unlikely((octet & 0xe0) == 0x20)) return fail(b, "misplaced table size update");
  return unlikely(b->out->overflowed) ? literal_dropped(b) : literal_kept(b);
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
    const enum hpack_result result = fields(b);
    if (unlikely(result != HPACK_OK)) return result;
    if (unlikely(b->out->overflowed) && b->out->list_bytes > list_bytes_stop) {
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
