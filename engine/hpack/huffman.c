/*
 * hpack/huffman.c - see hpack/huffman.h.
 *
 * Decoding keeps the next bits of the input at the top of a 64-bit word, looks up
 * HUFFMAN_PEEK_BITS of them and gets one or two symbols at once. The input's end is followed by
 * ones, as if its padding never ended: what remains then must be at most 7 bits, all ones.
 */
#include "engine/hpack/huffman.h"

#include <limits.h>

#include "engine/base/wire.h"
#include "engine/hpack/huffman_table.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum { WORD_BITS = 64, PADDING_BITS_MAX = 7 /* fixed by RFC 7541 section 5.2 */ };

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

/* The first `len` bytes, 1 .. 8, at the top of a word. */
static inline uint64_t load_some(const uint8_t *at, size_t len) {
  if (len == 8) return load64(at);
  if (len >= 4) /* two loads that overlap */
    return (uint64_t)wire_get32(at) << 32 | (uint64_t)wire_get32(at + len - 4) << 8 * (8 - len);
  return (uint64_t)at[0] << 56 | (uint64_t)at[len / 2] << 8 * (7 - len / 2) |
         (uint64_t)at[len - 1] << 8 * (8 - len);
}

/* The same near the end of input: as many whole bytes as there are and fit. */
static inline void refill_last(struct bits *b) {
  const size_t left = (size_t)(b->end - b->at), room = (WORD_BITS - b->bits) / 8;
  const size_t take = left < room ? left : room;
  if (take == 0) return;
  b->word |= load_some(b->at, take) >> b->bits;
  b->at += take;
  b->bits += 8 * (unsigned)take;
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

/* One symbol from fewer bits than a peek. False when they hold no whole one. */
static inline bool take_last(struct bits *b, uint8_t *symbol) {
  const struct huffman_peek *peek = &huffman_peeks[b->word >> (WORD_BITS - HUFFMAN_PEEK_BITS)];
  if (peek->count == 0) return false;
  *symbol = peek->symbols[0];
  const unsigned bits = huffman_code_bits[*symbol];
  if (bits > b->bits) return false;
  drop(b, bits);
  return true;
}

static inline bool padding_is_good(const struct bits *b) {
  return b->bits <= PADDING_BITS_MAX && ~b->word >> (WORD_BITS - 1 - PADDING_BITS_MAX) == 0;
}

/* Where decoded symbols go; `at` is NULL to count only. */
struct sink {
  uint8_t *at;
  size_t len;
};

/* Decodes while there are bits for a whole peek, at most `peeks` times. False when a long code is
 * next. */
static inline bool take_peeks(struct bits *b, struct sink *sink, unsigned peeks) {
  for (; peeks > 0 && b->bits >= HUFFMAN_PEEK_BITS; peeks--) {
    const struct huffman_peek *peek = &huffman_peeks[b->word >> (WORD_BITS - HUFFMAN_PEEK_BITS)];
    if (unlikely(peek->count == 0)) return false;
    if (sink->at) {
      sink->at[sink->len] = peek->symbols[0];
      sink->at[sink->len + 1] = peek->symbols[1];
    }
    sink->len += peek->count;
    drop(b, peek->bits);
  }
  return true;
}

static inline bool take_one(struct bits *b, struct sink *sink,
                            bool (*take)(struct bits *b, uint8_t *symbol)) {
  uint8_t symbol;
  if (!take(b, &symbol)) return false;
  if (sink->at) sink->at[sink->len] = symbol;
  sink->len++;
  return true;
}

/* Both decoding functions, by whether the sink stores. */
__attribute__((always_inline)) static inline size_t decode(struct span in, struct sink sink) {
  if (in.len == 0) return 0; /* its base may be NULL */
  struct bits b = {.at = in.base, .end = in.base + in.len};
  while (b.end - b.at >= 8) {
    refill(&b);
    if (unlikely(!take_peeks(&b, &sink, 4)) && b.bits >= HUFFMAN_CODE_BITS_MAX &&
        !take_one(&b, &sink, take_long))
      return HUFFMAN_BAD;
  }
  for (;;) {
    refill_last(&b);
    if (likely(take_peeks(&b, &sink, UINT_MAX))) {
      if (b.at == b.end) break;
    } else if (b.at == b.end || b.bits >= HUFFMAN_CODE_BITS_MAX) {
      if (!take_one(&b, &sink, take_long)) break;
    }
  }
  if (b.bits < WORD_BITS) b.word |= UINT64_MAX >> b.bits; /* the ones that follow the input */
  while (take_one(&b, &sink, take_last))
    ;
  return padding_is_good(&b) ? sink.len : HUFFMAN_BAD;
}

size_t huffman_decode(struct span in, uint8_t *out) {
  return decode(in, (struct sink){.at = out});
}

size_t huffman_decode_len(struct span in) {
  return decode(in, (struct sink){.at = NULL});
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
