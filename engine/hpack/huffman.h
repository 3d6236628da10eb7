/*
 * hpack/huffman.h - the Huffman code for strings in header blocks.
 * Spec: RFC 7541 section 5.2 and Appendix B. Pure functions; nothing is allocated or kept.
 */
#ifndef WEIR_HUFFMAN_H
#define WEIR_HUFFMAN_H

#include "engine/base/machine.h"

/* The decoding functions return this for a string that is not valid Huffman code: one that contains
 * EOS, ends in more than 7 bits of padding, or is padded with anything but ones. */
#define HUFFMAN_BAD SIZE_MAX

/* It writes two symbols where there may be none, and one more where a code is cut by the end. */
enum { HUFFMAN_DECODE_SLACK = 3 };

/* Room that huffman_decode() needs for `len` encoded bytes: the shortest code has 5 bits. It writes
 * up to HUFFMAN_DECODE_SLACK bytes more than it returns. */
static inline size_t huffman_decode_bound(size_t len) {
  return len + len * 3 / 5 + HUFFMAN_DECODE_SLACK;
}

/* Decodes `in` to `out`; returns the bytes it became, or HUFFMAN_BAD. `out` has room for
 * huffman_decode_bound(in.len), or for huffman_decode_len(in) + HUFFMAN_DECODE_SLACK. Time is
 * linear in `in.len`. Sets `*rare` to whether any of the octets has a code of more than 12 bits: NUL, CR
 * and LF are among those octets, so a text without them is free of these three. */
__attribute__((warn_unused_result)) size_t huffman_decode(struct span in, uint8_t *out, bool *rare);

/* What huffman_decode() would return. */
__attribute__((warn_unused_result)) size_t huffman_decode_len(struct span in);

/* The bytes that `in` encodes to. */
size_t huffman_encode_len(struct span in);

/* It writes words of 8 bytes, four codes of up to 30 bits before it looks at the bound. */
enum { HUFFMAN_ENCODE_SLACK = (7 + 3 * 30) / 8 + 8 };

/* Encodes `in` to `out`, which has room for `most` + HUFFMAN_ENCODE_SLACK bytes; returns the end of
 * what was written, or NULL when that would be more than `most` bytes. */
__attribute__((warn_unused_result)) uint8_t *huffman_encode(struct span in, uint8_t *out,
                                                            size_t most);

#endif
