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
  RUN_BITS_MAX = WORD_BITS - 8, /* encoded in a step, behind up to 7; derived from the word */
  PADDING_BITS_MAX = 7,         /* fixed by RFC 7541 section 5.2 */
};

/* Input that is not decoded yet: the last `left` bits before `end`, 1 or more, which at least 8 readable bytes
 * precede. */
struct input {
  const uint8_t *end;
  ptrdiff_t left; /* below 1: all was taken, or more */
};

/* The first `len` bytes, 1 .. 7, at the end of 8. */
static inline void align_right(uint8_t *out, const uint8_t *at, size_t len) {
  uint64_t word;
  if (len >= 4) /* two loads that overlap */
    word = (uint64_t)wire_get32(at) << 8 * (len - 4) | wire_get32(at + len - 4);
  else
    word = (uint64_t)at[0] << 8 * (len - 1) | (uint64_t)at[len / 2] << 8 * (len - 1 - len / 2) |
           at[len - 1];
  wire_put64(out, word);
}

/* Short input is copied to `room`. */
static inline struct input input_of(struct span in, uint8_t room[static 8]) {
  const ptrdiff_t bits = 8 * (ptrdiff_t)in.len;
  if (likely(in.len >= 8)) return (struct input){in.base + in.len, bits};
  align_right(room, in.base, in.len);
  return (struct input){room + 8, bits};
}

/* The next 57 bits at least, or all that is left and zeros behind it. */
static inline uint64_t next_word(const struct input *in) {
  const ptrdiff_t bytes = in->left <= WORD_BITS ? WORD_BITS / 8 : (in->left + 7) / 8;
  return ~wire_get64(in->end - bytes) << (8 * bytes - in->left);
}

/* What a round did. */
struct round {
  uint64_t word;
  uint8_t *out;  /* the end of the output */
  unsigned bits; /* taken */
  bool found;    /* the last look-up found a symbol */
};

__attribute__((always_inline)) static inline struct round take_round(uint64_t word, uint8_t *out,
                                                                     bool store) {
  size_t sums = 0, takes = 0;
#pragma GCC unroll 4
  for (unsigned i = 0; i < PEEKS; i++) {
    const size_t peek = word >> (WORD_BITS - HUFFMAN_PEEK_BITS);
    takes = huffman_takes[peek];
    if (store) memcpy(out + (sums >> HUFFMAN_TAKES_SHIFT), huffman_symbols[peek], 2);
    sums += takes;
    word <<= takes & (WORD_BITS - 1);
  }
  return (struct round){word, out + (sums >> HUFFMAN_TAKES_SHIFT),
                        sums & ((1u << HUFFMAN_TAKES_SHIFT) - 1), takes != 0};
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

/* Where a look-up found nothing before the end. Takes a long code; what is none sets `left` to less than 0. */
static void take_long(struct input *in, uint8_t **out, bool store, bool *rare) {
  uint8_t symbol = 0;
  const unsigned bits = find_long((uint32_t)(~next_word(in) >> 32), &symbol);
  in->left = bits > 0 ? in->left - (ptrdiff_t)bits : -1;
  if (store) **out = symbol;
  ++*out;
  *rare = true;
}

/* Rounds from the beginning on, until a look-up finds nothing or the end is near. Here a round need not wait for its
 * load. */
__attribute__((always_inline)) static inline uint8_t *take_quickly(struct input *in, uint8_t *out,
                                                                   bool store) {
  const uint8_t *at = in->end - in->left / 8, *last = in->end - 8;
  struct round round = {.out = out, .found = true};
  /* The top `bits` bits of `word` are counted. Below are bits that follow; or'ing them in again changes nothing. */
  unsigned bits = 0;
  while (at <= last && likely(round.found)) {
    round.word |= ~wire_get64(at) >> bits;
    at += (WORD_BITS - 1 - bits) >> 3;
    bits |= REFILLED_BITS;
    round = take_round(round.word, round.out, store);
    bits -= round.bits;
    in->left -= round.bits;
  }
  return round.out;
}

/* Both decoding functions. Without `store`, `out` only counts. */
__attribute__((always_inline)) static inline size_t decode(struct span coded, uint8_t *out,
                                                           bool store, bool *rare) {
  uint8_t room[8], *at = out;
  *rare = false;
  if (coded.len == 0) return 0; /* its base may be NULL */
  struct input in = input_of(coded, room);
  if (likely(coded.len >= 8)) at = take_quickly(&in, at, store);
  while (in.left > 0) {
    const struct round round = take_round(next_word(&in), at, store);
    at = round.out;
    in.left -= round.bits;
    if (in.left <= PADDING_BITS_MAX) {
      /* Padding, or another short code. */
      if (in.left > 0 && round.word >> (WORD_BITS - in.left) == 0) in.left = 0;
    } else if (unlikely(!round.found)) {
      take_long(&in, &at, store, rare);
    }
  }
  return in.left < 0 ? HUFFMAN_BAD : (size_t)(at - out);
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
