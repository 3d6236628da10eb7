/*
 * h2/asked.c - see h2/asked.h.
 *
 * A place is found by a hash of the block and the state. What is kept there is compared by every octet, so that a
 * client which finds two blocks for one place only makes itself slower.
 */
#include "engine/h2/asked.h"

#include <string.h>

/* One allocation: this, the fields, the block, and the strings of the fields. */
struct h2_asked_kept {
  struct h2_asked asked;
  uint64_t state; /* hpack_decoder_state() for which it holds */
  uint32_t block_len;
  uint32_t bytes; /* of all this */
  struct headers fields;
  struct header at[];
};

/* ---- places ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t octets) {
  hash = (hash ^ octets) * 0x9e3779b97f4a7c15u; /* 2^64 divided by the golden ratio */
  return hash ^ hash >> 32;
}

static uint64_t load(const uint8_t *at, size_t len) {
  uint64_t octets = 0;
  memcpy(&octets, at, len);
  return octets;
}

/* Of a block that is not empty; the last loads overlap those before. */
static uint64_t hash_of(const struct h2_coded *coded) {
  const uint8_t *at = coded->bytes.base;
  const size_t len = coded->bytes.len;
  uint64_t hash = mix(coded->state, len);
  for (size_t i = 0; i + 8 < len; i += 8)
    hash = mix(hash, load(at + i, 8));
  if (len >= 8) return mix(hash, load(at + len - 8, 8));
  if (len >= 4) return mix(hash, load(at, 4) << 32 | load(at + len - 4, 4));
  return mix(hash, (uint64_t)at[0] << 16 | at[len / 2] << 8 | at[len - 1]);
}

static bool is_kept(const struct h2_asked_kept *kept, const struct h2_coded *coded) {
  return kept && kept->state == coded->state && kept->block_len == coded->bytes.len &&
         memcmp(kept->at + kept->fields.count, coded->bytes.base, coded->bytes.len) == 0;
}

struct h2_asked *h2_asked_find(const struct h2_asked_places *places, const struct h2_coded *coded) {
  if (coded->bytes.len == 0 || coded->bytes.len > H2_ASKED_BLOCK_BYTES_MAX) return NULL;
  struct h2_asked_kept *kept = places->kept[hash_of(coded) % H2_ASKED_COUNT];
  return is_kept(kept, coded) ? &kept->asked : NULL;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* The decoder knows all names that have a token. */
static size_t name_bytes(const struct header *field) {
  return field->token == TOKEN_UNKNOWN ? field->name.len : 0;
}

static size_t strings_bytes(const struct headers *fields) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    bytes += name_bytes(&fields->at[i]) + fields->at[i].value.len;
  return bytes;
}

static uint8_t *copy(uint8_t *room, struct span *text) {
  if (text->len > 0) memcpy(room, text->base, text->len);
  text->base = room;
  return room + text->len;
}

static void copy_fields(struct h2_asked_kept *kept, const struct headers *fields, uint8_t *room) {
  headers_init(&kept->fields, kept->at, fields->count, NULL, 0, fields->list_bytes_max);
  kept->fields.count = fields->count;
  kept->fields.list_bytes = fields->list_bytes;
  kept->fields.tokens = fields->tokens;
  for (uint32_t i = 0; i < fields->count; i++) {
    struct header *field = &kept->at[i];
    *field = fields->at[i];
    if (field->token == TOKEN_UNKNOWN) room = copy(room, &field->name);
    room = copy(room, &field->value);
  }
}

/* Where the copy of a field's value is. */
static void move(struct span *text, const struct headers *from, const struct headers *to) {
  for (uint32_t i = 0; i < from->count; i++) {
    const struct span value = from->at[i].value;
    if (text->base != value.base || text->len != value.len) continue;
    text->base = to->at[i].value.base;
    return;
  }
}

static void move_request(struct request *request, const struct headers *to) {
  move(&request->method, request->fields, to);
  move(&request->scheme, request->fields, to);
  move(&request->authority, request->fields, to);
  move(&request->path, request->fields, to);
  request->fields = to;
}

/* NULL when it would be too long, or memory was refused. */
static struct h2_asked_kept *make(const struct memory *memory, const struct h2_coded *coded,
                                  const struct h2_asked *asked) {
  const struct headers *fields = asked->request.fields;
  size_t bytes = sizeof(struct h2_asked_kept) + fields->count * sizeof(struct header) +
                 coded->bytes.len + strings_bytes(fields);
  struct h2_asked_kept *kept = bytes <= H2_ASKED_BYTES_MAX ? memory_alloc(memory, bytes) : NULL;
  if (!kept) return NULL;
  kept->asked = *asked;
  kept->state = coded->state;
  kept->block_len = (uint32_t)coded->bytes.len;
  kept->bytes = (uint32_t)bytes;
  uint8_t *block = (uint8_t *)(kept->at + fields->count);
  memcpy(block, coded->bytes.base, coded->bytes.len);
  copy_fields(kept, fields, block + coded->bytes.len);
  move_request(&kept->asked.request, &kept->fields);
  return kept;
}

static void drop(struct h2_asked_kept **place, const struct memory *memory) {
  if (*place) memory_free(memory, *place, (*place)->bytes);
  *place = NULL;
}

struct h2_asked *h2_asked_note(struct h2_asked_places *places, const struct memory *memory,
                               const struct h2_coded *coded, const struct h2_asked *asked) {
  const size_t len = coded->bytes.len;
  if (len == 0 || len > H2_ASKED_BLOCK_BYTES_MAX || asked->request.protocol.len > 0) return NULL;
  const uint64_t hash = hash_of(coded);
  const unsigned place = hash % H2_ASKED_COUNT;
  const uint32_t tag = (uint32_t)(hash >> 32) | 1;
  const bool again = places->seen[place] == tag;
  places->seen[place] = tag;
  if (!again) return NULL;
  drop(&places->kept[place], memory);
  places->kept[place] = make(memory, coded, asked);
  return places->kept[place] ? &places->kept[place]->asked : NULL;
}

void h2_asked_free(struct h2_asked_places *places, const struct memory *memory) {
  for (unsigned i = 0; i < H2_ASKED_COUNT; i++) {
    drop(&places->kept[i], memory);
    places->seen[i] = 0;
  }
}
