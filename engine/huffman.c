/*
 * huffman.c - see huffman.h.
 *
 * Decoding keeps the next bits of the input at the top of a 64-bit word, looks up
 * HUFFMAN_PEEK_BITS of them and gets one or two symbols at once. The input's end is followed by
 * ones, as if its padding never ended: what remains then must be at most 7 bits, all ones.
 */
#include "huffman.h"

#include "huffman_table.h"
#include "wire.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum { WORD_BITS = 64, PADDING_BITS_MAX = 7 };

/* Invariant: of `word`, the top `bits` bits are input not yet decoded. */
struct bits {
  uint64_t word;
  unsigned bits;
  const uint8_t *at, *end;
};

static inline uint64_t load64(const uint8_t *at) {
  return (uint64_t)wire_get32(at) << 32 | wire_get32(at + 4);
}

/* Needs 8 bytes of input. Afterwards there are at least 56 bits. Bits below `bits` may already hold
 * the input that follows; setting them again changes nothing. */
static inline void refill(struct bits *b) {
  b->word |= load64(b->at) >> b->bits;
  b->at += (WORD_BITS - 1 - b->bits) >> 3;
  b->bits |= WORD_BITS - 8;
}

/* The same byte by byte near the end of input, and the ones that follow it. */
static inline void refill_last(struct bits *b) {
  while (b->bits <= WORD_BITS - 8 && b->at < b->end) {
    b->word |= (uint64_t)*b->at++ << (WORD_BITS - 8 - b->bits);
    b->bits += 8;
  }
  if (b->at == b->end && b->bits < WORD_BITS) b->word |= UINT64_MAX >> b->bits;
}

static inline void drop(struct bits *b, unsigned bits) {
  b->word <<= bits;
  b->bits -= bits;
}

/* One symbol whose code is longer than a peek; false for EOS or when input ends before. */
static bool take_long(struct bits *b, uint8_t *symbol) {
  const uint32_t top = (uint32_t)(b->word >> 32);
  const struct huffman_length *length = &huffman_lengths[HUFFMAN_LENGTHS - 1];
  while (top < length->first)
    length--;
  const uint32_t index = length->offset + ((top - length->first) >> (32 - length->bits));
  if (length->bits > b->bits || index >= HUFFMAN_LONG_SYMBOLS - 1) return false;
  *symbol = huffman_long_symbols[index];
  drop(b, length->bits);
  return true;
}

/* Decodes one or two symbols with nothing known about how many bits are left. False when what is
 * left holds no whole symbol. */
static inline bool take_last(struct bits *b, uint8_t symbols[2], unsigned *count) {
  const struct huffman_peek peek = huffman_peeks[b->word >> (WORD_BITS - HUFFMAN_PEEK_BITS)];
  symbols[0] = peek.symbols[0];
  symbols[1] = peek.symbols[1];
  *count = peek.count;
  if (likely(peek.count > 0 && peek.bits <= b->bits)) {
    drop(b, peek.bits);
    return true;
  }
  *count = 1;
  if (peek.count == 0) return take_long(b, symbols);
  const unsigned bits = huffman_code_bits[symbols[0]];
  if (bits > b->bits) return false;
  drop(b, bits);
  return true;
}

static inline bool padding_is_good(const struct bits *b) {
  return b->bits <= PADDING_BITS_MAX && ~b->word >> (WORD_BITS - 1 - PADDING_BITS_MAX) == 0;
}

/* Both decoding functions: with `store` false nothing is written. */
__attribute__((always_inline)) static inline size_t decode(struct span in, uint8_t *out,
                                                           bool store) {
  if (in.len == 0) return 0; /* its base may be NULL */
  struct bits b = {.at = in.base, .end = in.base + in.len};
  size_t len = 0;
  while (b.end - b.at >= 8) {
    refill(&b);
    /* Four peeks take at most 48 of the 56 bits. */
    for (int i = 0; i < 4; i++) {
      const struct huffman_peek peek = huffman_peeks[b.word >> (WORD_BITS - HUFFMAN_PEEK_BITS)];
      if (unlikely(peek.count == 0)) {
        if (b.bits < HUFFMAN_CODE_BITS_MAX) break; /* refill first: it might be cut */
        uint8_t symbol;
        if (!take_long(&b, &symbol)) return HUFFMAN_BAD;
        if (store) out[len] = symbol;
        len++;
        break;
      }
      if (store) {
        out[len] = peek.symbols[0];
        out[len + 1] = peek.symbols[1];
      }
      len += peek.count;
      drop(&b, peek.bits);
    }
  }
  for (;;) {
    refill_last(&b);
    uint8_t symbols[2];
    unsigned count;
    if (b.bits == 0 || !take_last(&b, symbols, &count)) break;
    if (store) {
      out[len] = symbols[0];
      out[len + 1] = symbols[1];
    }
    len += count;
  }
  return padding_is_good(&b) ? len : HUFFMAN_BAD;
}

size_t huffman_decode(struct span in, uint8_t *out) {
  return decode(in, out, true);
}

size_t huffman_decode_len(struct span in) {
  return decode(in, NULL, false);
}

size_t huffman_encode_len(struct span in) {
  size_t bits = 0;
  for (size_t i = 0; i < in.len; i++)
    bits += huffman_code_bits[in.base[i]];
  return (bits + 7) / 8;
}

uint8_t *huffman_encode(struct span in, uint8_t *out) {
  uint64_t word = 0; /* the low `bits` bits are to be written */
  unsigned bits = 0; /* below 32 between symbols, so that a code of 30 always fits */
  for (size_t i = 0; i < in.len; i++) {
    const struct huffman_code code = huffman_codes[in.base[i]];
    word = word << code.bits | code.code;
    bits += code.bits;
    if (bits >= 32) {
      bits -= 32;
      out = wire_put32(out, (uint32_t)(word >> bits));
    }
  }
  while (bits >= 8) {
    bits -= 8;
    *out++ = (uint8_t)(word >> bits);
  }
  if (bits > 0) *out++ = (uint8_t)(word << (8 - bits) | 0xffu >> bits);
  return out;
}
