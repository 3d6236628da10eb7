/*
 * hpack/huffman.c - see hpack/huffman.h.
 *
 * Decoding keeps the next bits of the input, inverted, at the top of a 64-bit word. A look-up of
 * HUFFMAN_PEEK_BITS of them gives one or two symbols, and how far to shift. A round is as many look-ups
 * as one refill feeds, without a branch: where no short code begins, a look-up gives no symbol and
 * shifts by nothing, and so do those behind it. Then either a long code is next, or the end has come: the
 * input is followed by ones without end, as if its padding went on, which are zeros once inverted
 * and begin no short code.
 *
 * Encoding joins the codes of four symbols and writes them with what was left before as one word. How
 * many bytes of it count depends on no branch.
 */
#include "engine/hpack/huffman.h"

#include <string.h>

#include "engine/base/likely.h"
#include "engine/base/wire.h"
#include "engine/hpack/huffman_table.h"

enum {
  WORD_BITS = 64,
  REFILLED_BITS = WORD_BITS - 8, /* at least as many are there after a refill */
  PEEKS = REFILLED_BITS / HUFFMAN_PEEK_BITS,
  ROUND_BYTES_MAX = PEEKS * HUFFMAN_PEEK_BITS / 8, /* of input in a round; derived from the two */
  PADDING_BITS_MAX = 7,                            /* fixed by RFC 7541 section 5.2 */
  RUN_BITS_MAX = WORD_BITS - 8, /* encoded in a step, behind up to 7; derived from the word */
};

/* Invariant: the top `bits` bits of `word` are input that is not decoded yet. Below may be bits that
 * follow; or'ing them in again changes nothing. */
struct bits {
  uint64_t word; /* inverted */
  unsigned bits;
  const uint8_t *at;   /* the next byte; goes on beyond the end */
  const uint8_t *last; /* the last 8 bytes of input */
};

/* The first `len` bytes, 1 .. 7, at the top of a word. */
static inline uint64_t load_some(const uint8_t *at, size_t len) {
  if (len >= 4) /* two loads that overlap */
    return (uint64_t)wire_get32(at) << 32 | (uint64_t)wire_get32(at + len - 4) << 8 * (8 - len);
  return (uint64_t)at[0] << 56 | (uint64_t)at[len / 2] << 8 * (7 - len / 2) |
         (uint64_t)at[len - 1] << 8 * (8 - len);
}

/* Less than 8 bytes of input are loaded here. */
static inline struct bits bits_of(struct span in) {
  static const uint8_t nothing[8];
  if (in.len >= 8) return (struct bits){.at = in.base, .last = in.base + in.len - 8};
  const unsigned bits = 8 * (unsigned)in.len, rest = WORD_BITS - bits;
  return (struct bits){.word = ~load_some(in.base, in.len) >> rest << rest,
                       .bits = bits,
                       .at = nothing + 8,
                       .last = nothing};
}

/* Bits that are left of the input; below 0: more were taken. */
static inline ptrdiff_t left(const struct bits *b) {
  return 8 * (b->last + 8 - b->at) + (ptrdiff_t)b->bits;
}

/* `next` has the 8 bytes at b->at, inverted. */
static inline void refill_with(struct bits *b, uint64_t next) {
  b->word |= next >> b->bits;
  b->at += (WORD_BITS - 1 - b->bits) >> 3;
  b->bits |= REFILLED_BITS;
}

/* Near the end or beyond: loads 8 bytes that overlap those before. */
static inline void refill_last(struct bits *b) {
  const uint8_t *from = b->at < b->last ? b->at : b->last;
  const size_t past = (size_t)(b->at - from), shift = 4 * (past < 8 ? past : 8);
  refill_with(b, ~wire_get64(from) << shift << shift);
}

/* Both symbols of a look-up, one after the other in one store. */
static inline void put_symbols(uint8_t *out, uint32_t peek) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  const uint16_t symbols = (uint16_t)(peek >> 16);
  memcpy(out, &symbols, sizeof symbols);
#else
  out[0] = (uint8_t)(peek >> 16);
  out[1] = (uint8_t)(peek >> 24);
#endif
}

/* Returns the end of the output, and sets `*found` to whether the last look-up found a symbol. */
__attribute__((always_inline)) static inline uint8_t *take_round(struct bits *b, uint8_t *out,
                                                                 bool store, bool *found) {
  uint32_t sums = 0; /* of bits and counts; neither goes beyond its 8 bits */
  uint32_t peek = 0;
#pragma GCC unroll 4
  for (unsigned i = 0; i < PEEKS; i++) {
    peek = huffman_peeks[b->word >> (WORD_BITS - HUFFMAN_PEEK_BITS)];
    if (store) put_symbols(out, peek);
    out += (uint8_t)(peek >> 8);
    b->word <<= peek & (WORD_BITS - 1);
    sums += peek;
  }
  b->bits -= (uint8_t)sums;
  *found = (uint8_t)(peek >> 8);
  return out;
}

/* The symbol whose code, longer than a peek, begins with the top bits; returns its bits, or 0 for EOS. */
static unsigned find_long(uint32_t top, uint8_t *symbol) {
  const struct huffman_length *length = &huffman_lengths[HUFFMAN_LENGTHS - 1];
  while (top < length->first)
    length--;
  const uint32_t index = length->offset + ((top - length->first) >> (32 - length->bits));
  if (index >= HUFFMAN_LONG_SYMBOLS - 1) return 0;
  *symbol = huffman_long_symbols[index];
  return length->bits;
}

/* Both decoding functions. Without `store`, `out` only counts. */
__attribute__((always_inline)) static inline size_t decode(struct span in, uint8_t *out, bool store,
                                                           bool *rare) {
  const uint8_t *begin = out;
  bool found;
  *rare = false;
  if (in.len == 0) return 0; /* its base may be NULL */
  struct bits b = bits_of(in);
  /* Round k loads from byte 6 * k + 1 at most, since the refill before it may have loaded 63 bits. */
  for (size_t bytes = in.len; bytes > 8; bytes -= ROUND_BYTES_MAX) {
    refill_with(&b, ~wire_get64(b.at));
    out = take_round(&b, out, store, &found);
  }
  for (;;) {
    refill_last(&b);
    out = take_round(&b, out, store, &found);
    if (found) continue;
    refill_last(&b);
    if (left(&b) <= PADDING_BITS_MAX) return left(&b) >= 0 ? (size_t)(out - begin) : HUFFMAN_BAD;
    uint8_t symbol = 0;
    const unsigned bits = find_long((uint32_t)(~b.word >> 32), &symbol);
    if (bits == 0) return HUFFMAN_BAD;
    if (store) *out = symbol;
    out++;
    b.word <<= bits;
    b.bits -= bits;
    *rare = true;
  }
}

size_t huffman_decode(struct span in, uint8_t *out, bool *rare) {
  return decode(in, out, true, rare);
}

size_t huffman_decode_len(struct span in) {
  bool rare;
  return decode(in, (uint8_t *)1, false, &rare);
}

size_t huffman_encode_len(struct span in) {
  size_t bits = 0;
  for (size_t i = 0; i < in.len; i++)
    bits += huffman_code_bits[in.base[i]];
  return (bits + 7) / 8;
}

/* Invariant: the top `bits` bits of `word`, 0 .. 7, are to be written; the rest is 0. */
struct put {
  uint64_t word;
  unsigned bits;
  uint8_t *at;
};

/* Several codes. */
struct run {
  uint64_t code;
  unsigned bits;
};

/* Writes 8 bytes, of which whole ones count. `run` has 1 .. RUN_BITS_MAX bits. */
static inline struct put put_run(struct put put, struct run run) {
  const unsigned bits = put.bits + run.bits;
  const uint64_t word = put.word | run.code << (WORD_BITS - bits);
  wire_put64(put.at, word);
  return (struct put){word << bits / 8 * 8, bits % 8, put.at + bits / 8};
}

static inline struct run join(const struct huffman_code *a, const struct huffman_code *b) {
  return (struct run){(uint64_t)a->code << b->bits | b->code, a->bits + b->bits};
}

/* Symbols with long codes. Inlined: a call would keep `put` in memory all the time. */
__attribute__((always_inline)) static inline struct put put_each(struct put put, const uint8_t *in,
                                                                 size_t count) {
  for (size_t i = 0; i < count; i++)
    put = put_run(put, (struct run){huffman_codes[in[i]].code, huffman_codes[in[i]].bits});
  return put;
}

/* The next `count` symbols, 1 .. 4, in a step. */
__attribute__((always_inline)) static inline struct put put_four(struct put put, const uint8_t *in,
                                                                 size_t count) {
  static const struct huffman_code none;
  const struct huffman_code *codes = huffman_codes;
  const struct run first = join(&codes[in[0]], count > 1 ? &codes[in[1]] : &none);
  const struct run second =
      join(count > 2 ? &codes[in[2]] : &none, count > 3 ? &codes[in[3]] : &none);
  const unsigned bits = first.bits + second.bits;
  if (unlikely(bits > RUN_BITS_MAX)) return put_each(put, in, count);
  return put_run(put, (struct run){first.code << second.bits | second.code, bits});
}

uint8_t *huffman_encode(struct span in, uint8_t *out, size_t most) {
  const uint8_t *limit = out + most, *at = in.base;
  size_t left = in.len;
  struct put put = {.at = out};
  if (left == 0) return out;
  for (; left > 4 && put.at <= limit; left -= 4, at += 4)
    put = put_four(put, at, 4);
  if (put.at > limit) return NULL;
  put = put_four(put, at, left);
  *put.at = (uint8_t)(put.word >> (WORD_BITS - 8) | 0xffu >> put.bits);
  put.at += put.bits > 0;
  return put.at <= limit ? put.at : NULL;
}
