/*
 * hpack/encode.h - header lists to header blocks.
 * Spec: RFC 7541. Encoding never fails: a field that cannot be indexed, or for which memory is
 * refused, becomes a literal.
 *
 * The top of hpack/encode.c says which fields go into the table. Credentials never do (section
 * 7.1), nor does a field flagged HEADER_NEVER_INDEX.
 *
 * Blocks must be sent in the order they were encoded in, and each block once begun must be sent:
 * the peer's table follows ours.
 *
 * Ownership: embedded in its connection. Memory is taken by the first insertion: 2.3 KiB to find
 * entries by hash and blocks by key, and 320 bytes to 5 KiB of entries. At rest only the entries stay.
 */
#ifndef WEIR_HPACK_ENCODE_H
#define WEIR_HPACK_ENCODE_H

#include "engine/hpack/huffman.h"
#include "engine/hpack/table.h"

/* Derived from RFC 7541 section 5.1 and the bounds of what is encoded. */
enum {
  /* Room behind a block for bytes that are written and do not count. */
  HPACK_ENCODE_SLACK = HUFFMAN_ENCODE_SLACK,
  /* Most bytes of a block besides its fields: two size updates of at most 3 bytes, and the slack. */
  HPACK_ENCODE_BLOCK_BYTES_MAX = 6 + HPACK_ENCODE_SLACK,
  /* Most bytes of a field besides its strings: the representation's first byte and two lengths of
   * at most 5 bytes. */
  HPACK_ENCODE_FIELD_BYTES_MAX = 11,
};

/* The key of a whole block: blocks with equal keys have equal fields. */
struct hpack_block_key {
  uint64_t list; /* which list of fields */
  uint64_t time; /* of the fields in it that change */
};

struct hpack_encoder {
  struct hpack_table table;
  struct hpack_lookup *lookup; /* strings to entries; NULL until something is to be inserted */
  uint32_t limit_bytes;        /* the size in force after the next block has begun */
  uint32_t limit_bytes_least;  /* the smallest it has been since the last block began */
  bool indices_only;           /* the current block holds nothing else so far */
};

/* Borrows `memory` for the encoder's whole life. The table starts with 4096 bytes (RFC 9113 section
 * 6.5.2). */
void hpack_encoder_init(struct hpack_encoder *encoder, const struct memory *memory);

void hpack_encoder_destroy(struct hpack_encoder *encoder);

/* Nothing is to be encoded for a while: gives memory back. The next block takes it again, and forgets which
 * fields were on probation. */
void hpack_encoder_rest(struct hpack_encoder *encoder);

/* The peer's SETTINGS_HEADER_TABLE_SIZE has become `peer_bytes`; any value. We use at most
 * HPACK_TABLE_BYTES_MAX of it. The next block announces the change (section 4.2). */
void hpack_encoder_set_limit(struct hpack_encoder *encoder, uint32_t peer_bytes);

/* Most bytes that `field` becomes. */
static inline size_t hpack_encode_field_bound(const struct header *field) {
  return HPACK_ENCODE_FIELD_BYTES_MAX + field->name.len + field->value.len;
}

/* Most bytes that hpack_encode() writes, slack included. */
size_t hpack_encode_bound(const struct header *fields, size_t count);

/* Notes in the field's memo what the encoder looks it up by, a hash of name and value: worth doing
 * once for a field that is kept and sent often. Without it the hash is computed each time. */
void hpack_encode_note(struct header *field);

/* Writes one whole block to `out`, which has hpack_encode_bound() bytes; returns how many it took.
 * A token must be that of the name; TOKEN_UNKNOWN is looked up again, so that a credential is
 * known as one however it was put into the list. Strings are shorter than HPACK_INTEGER_MAX. */
size_t hpack_encode(struct hpack_encoder *encoder, const struct header *fields, size_t count,
                    uint8_t *out);

/* The same in steps: begin once a block, then field by field. Each writes at `out`, which has the slack
 * besides, and returns the end of what it wrote. */
uint8_t *hpack_encode_begin(struct hpack_encoder *encoder, uint8_t *out);
/* Where a part of a block begins that is kept for itself; see below. */
static inline void hpack_encode_part(struct hpack_encoder *encoder) {
  encoder->indices_only = true;
}
uint8_t *hpack_encode_field(struct hpack_encoder *encoder, const struct header *field,
                            uint8_t *out);

/* A block of nothing but indices stays valid while the table does not change. keep() stores one that was just encoded,
 * from `begin` (the result of hpack_encode_begin(), or where a part began) to `end`, where that is possible. again()
 * writes it to `out`, which has HPACK_BLOCK_KEPT_BYTES_MAX bytes, in place of its hpack_encode_begin() and
 * hpack_encode_field() calls, or of those of a part; NULL when it is no longer stored, or a change of the table's size
 * has to be said first. */
void hpack_encode_keep(struct hpack_encoder *encoder, struct hpack_block_key key,
                       const uint8_t *begin, const uint8_t *end);
uint8_t *hpack_encode_again(const struct hpack_encoder *encoder, struct hpack_block_key key,
                            uint8_t *out);

#endif
