/*
 * hpack/decode.h - header blocks to header lists.
 * Spec: RFC 7541. Errors: each is a COMPRESSION_ERROR of the connection (RFC 9113 section 4.3).
 *
 * Every block of a connection must be decoded here, whole and in order, even when its stream is
 * refused: after a skipped block the dynamic table would differ from the peer's.
 *
 * Ownership: embedded in its connection. Memory is taken by insertions into the dynamic
 * table, from 320 bytes to 5 KiB; a peer that never indexes costs nothing.
 */
#ifndef WEIR_HPACK_DECODE_H
#define WEIR_HPACK_DECODE_H

#include "engine/hpack/table.h"

enum hpack_result {
  HPACK_OK,
  HPACK_ERROR,     /* COMPRESSION_ERROR: the state is lost, the connection with it */
  HPACK_TOO_LARGE, /* past the hard stop: close with ENHANCE_YOUR_CALM; the state is lost */
  HPACK_NO_MEMORY, /* the table's memory was refused: close with INTERNAL_ERROR; state lost */
};

struct hpack_decoder {
  struct hpack_table table;
  uint32_t limit_bytes;    /* our SETTINGS_HEADER_TABLE_SIZE, as far as the peer has acked it */
  uint32_t required_bytes; /* with update_required: the first size update must not exceed this */
  bool update_required;    /* the limit fell below the table's size: section 4.2 */
};

/* Borrows `memory` for the decoder's whole life. The limit starts at 4096 (RFC 9113 section
 * 6.5.2). */
void hpack_decoder_init(struct hpack_decoder *decoder, const struct memory *memory);

/* Says what blocks mean: for as long as this number stays the same, a block that does not change it
 * decodes to the same fields. 0: the next block must begin with a size update. */
static inline uint64_t hpack_decoder_state(const struct hpack_decoder *decoder) {
  return decoder->update_required ? 0 : decoder->table.changes + 1;
}

void hpack_decoder_destroy(struct hpack_decoder *decoder);

/* Our SETTINGS_HEADER_TABLE_SIZE of `bytes` was acked (at most HPACK_TABLE_BYTES_MAX: asserted). If
 * that is less than the table's present size, the next block must begin with a size update that
 * fits. */
void hpack_decoder_set_limit(struct hpack_decoder *decoder, uint32_t bytes);

/* Decodes one whole block and appends its fields to `out`, in order, each with its token and flags.
 *
 * Strings of `out` point into static tables, into `block` (literals without Huffman coding), into the
 * dynamic table (fields that it holds) or into the list's arena (everything else). So the list lives until
 * `block` ends or the decoder is called again, whichever is first. When `out` overflows, decoding goes on
 * in order to keep the state and to count list_bytes, until that exceeds HPACK_LIST_STOP_FACTOR times
 * list_bytes_max.
 *
 * HPACK_OK: `out` is complete, or overflowed. Otherwise `*reason` is a static text for GOAWAY's
 * debug data, and no further block may be decoded. `*reason` is untouched by HPACK_OK. */
__attribute__((warn_unused_result)) enum hpack_result hpack_decode(struct hpack_decoder *decoder,
                                                                   struct span block,
                                                                   struct headers *out,
                                                                   const char **reason);

#endif
