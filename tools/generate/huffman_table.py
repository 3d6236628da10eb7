#!/usr/bin/python3
"""Writes engine/hpack/huffman_table.c: the code of RFC 7541 Appendix B for encoding and for decoding.

Decoding looks up PEEK_BITS bits at once and gets one or two whole symbols; most text consists of codes of 5 to 7
bits. Longer codes are found by their length: the code is canonical, so all codes of one length are consecutive
numbers in the order of their symbols.
"""

import generated

PEEK_BITS = 12  # also HUFFMAN_PEEK_BITS in engine/hpack/huffman_table.h
TAKES_SHIFT = 6  # also HUFFMAN_TAKES_SHIFT


def codes():
    return {int(symbol): bits for symbol, bits in generated.rows("rfc7541_huffman.txt")}


def peek_entry(bits, by_code):
    """(count, length, symbols) of the whole symbols at the start of `bits`, at most two."""
    symbols, used = [], 0
    while len(symbols) < 2:
        for length in range(5, len(bits) - used + 1):
            symbol = by_code.get(bits[used : used + length])
            if symbol is not None:
                symbols.append(symbol)
                used += length
                break
        else:
            break
    return symbols, used


def peek_table(by_code):
    """By the inverted bits, so that the first row is that of all ones."""
    for value in reversed(range(1 << PEEK_BITS)):
        symbols, used = peek_entry(format(value, f"0{PEEK_BITS}b"), by_code)
        first, second = (symbols + [0, 0])[:2]
        yield f"{len(symbols)} << {TAKES_SHIFT} | {used}", f"{{{first}, {second}}}"


def long_lengths(code):
    """(length, first code aligned to 32 bits, index of its first symbol), and the symbols."""
    lengths, symbols = [], []
    for length in range(PEEK_BITS + 1, 31):
        group = sorted((int(bits, 2), s) for s, bits in code.items() if len(bits) == length)
        if not group:
            continue
        assert [c for c, _ in group] == list(range(group[0][0], group[0][0] + len(group)))
        # `end` is the first 32-bit number after the codes of this length. The last one wraps to 0.
        end = ((group[-1][0] + 1) << (32 - length)) & 0xFFFFFFFF
        lengths.append((length, group[0][0] << (32 - length), end, len(symbols)))
        symbols += [s for _, s in group]
    assert all(a[2] == b[1] for a, b in zip(lengths, lengths[1:])), "longer codes come after"
    assert symbols[-1] == 256, "EOS is the last of all"
    return lengths, symbols


def main():
    code = codes()
    assert len(code) == 257
    by_code = {bits: symbol for symbol, bits in code.items()}
    lengths, symbols = long_lengths(code)
    encode = ",\n".join(f"{{0x{int(code[s], 2):x}, {len(code[s])}}}" for s in range(256))
    bits = ", ".join(str(len(code[s])) for s in range(256))
    takes, symbol_pairs = zip(*peek_table(by_code))
    rows = ",\n".join(f"{{0x{first:08x}u, {offset}, {length}}}" for length, first, _, offset in lengths)
    # EOS has no octet. Its place holds 0; hpack/huffman.c never reads it.
    octets = ", ".join(str(s if s < 256 else 0) for s in symbols)
    generated.write(
        "hpack/huffman_table.c", "huffman_table.py", "the Huffman code of RFC 7541 Appendix B.",
        f"""#include "engine/hpack/huffman_table.h"

const struct huffman_code huffman_codes[256] = {{ {encode} }};

const uint8_t huffman_code_bits[256] = {{ {bits} }};

const uint8_t huffman_takes[1 << HUFFMAN_PEEK_BITS] = {{
{", ".join(takes)} }};

const uint8_t huffman_symbols[1 << HUFFMAN_PEEK_BITS][2] = {{
{", ".join(symbol_pairs)} }};

const struct huffman_length huffman_lengths[HUFFMAN_LENGTHS] = {{ {rows} }};

const uint8_t huffman_long_symbols[HUFFMAN_LONG_SYMBOLS] = {{ {octets} }};
""")
    print(f"HUFFMAN_LENGTHS {len(lengths)}, HUFFMAN_LONG_SYMBOLS {len(symbols)}")


if __name__ == "__main__":
    main()
