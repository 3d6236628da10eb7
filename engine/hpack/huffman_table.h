/*
 * hpack/huffman_table.h - shape of the tables in hpack/huffman_table.c, which
 * tools/generate/huffman_table.py makes from RFC 7541 Appendix B. For hpack/huffman.c alone.
 */
#ifndef WEIR_HUFFMAN_TABLE_H
#define WEIR_HUFFMAN_TABLE_H

#include <stdint.h>

enum {
  HUFFMAN_PEEK_BITS = 12,     /* 12 KiB of tables; two symbols a look-up for most text */
  HUFFMAN_TAKES_SHIFT = 6,    /* sums of the bits of up to five look-ups stay below */
  HUFFMAN_CODE_BITS_MAX = 30, /* fixed by Appendix B */
  HUFFMAN_LENGTHS = 14,       /* different lengths of codes longer than a peek */
  HUFFMAN_LONG_SYMBOLS = 173, /* symbols with such codes; the last is EOS */
};

struct huffman_code {
  uint32_t code; /* aligned to the least significant bit */
  uint32_t bits;
};

/* The codes of one length: consecutive from `first`, which is aligned to the most significant bit;
 * their symbols begin at huffman_long_symbols[offset]. */
struct huffman_length {
  uint32_t first;
  uint16_t offset;
  uint16_t bits;
};

extern const struct huffman_code huffman_codes[256];
extern const uint8_t huffman_code_bits[256];

/* What HUFFMAN_PEEK_BITS bits begin with, by these bits inverted: the number of whole symbols (0, 1 or 2; 0: a longer
 * code) << HUFFMAN_TAKES_SHIFT | their bits; and the symbols, in a table of their own, since no look-up waits for
 * them. */
extern const uint8_t huffman_takes[1 << HUFFMAN_PEEK_BITS];
extern const uint8_t huffman_symbols[1 << HUFFMAN_PEEK_BITS][2];

extern const struct huffman_length huffman_lengths[HUFFMAN_LENGTHS];
extern const uint8_t huffman_long_symbols[HUFFMAN_LONG_SYMBOLS];

#endif
