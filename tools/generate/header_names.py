#!/usr/bin/python3
"""Writes engine/http/header_names.c: the names of the tokens, and the lookup from name to token. And
engine/hpack/coded_names.c: the same for Huffman-coded names.

The tokens and their order come from `enum header_token` in engine/http/headers.h. A lookup multiplies the length
and three bytes of the name, and the product's top 8 bits are a place in a table of tokens: no two of the known names
have the same place, so that one comparison remains. The factor is found by trying.
"""

import random
import re

import generated
import huffman_table

PSEUDO = {"AUTHORITY", "METHOD", "PATH", "SCHEME", "STATUS", "PROTOCOL"}


def tokens():
    """(enumerator, name) of each token in order, without TOKEN_UNKNOWN."""
    text = (generated.ENGINE / "http/headers.h").read_text()
    body = re.search(r"enum header_token \{(.*?)\};", text, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    found = re.findall(r"TOKEN_(\w+)", body)
    assert found[0] == "UNKNOWN" and found[-1] == "COUNT"
    for word in found[1:-1]:
        name = word.lower().replace("_", "-")
        yield f"TOKEN_{word}", ":" + name if word in PSEUDO else name


def check_static_order(names):
    """Tokens 1 to 52 are the static table's names, in its order. hpack_static.py relies on it."""
    static = list(dict.fromkeys(row[1] for row in generated.rows("rfc7541_static.txt")))
    assert names[: len(static)] == static, "enum header_token does not follow Appendix A"


def key(name):
    """As name_places_key() in engine/http/name_places.h."""
    return name[0] | name[len(name) // 2] << 8 | name[-1] << 16 | len(name) << 24


def find_factor(names):
    """A factor that gives each of the names a place of its own."""
    keys = [key(name) for name in names]
    assert len(set(keys)) == len(keys), "other bytes must be chosen"
    chance = random.Random(0)
    while True:
        factor = chance.getrandbits(32) | 1
        if len({(k * factor & 0xFFFFFFFF) >> 24 for k in keys}) == len(keys):
            return factor


def places(symbol, pairs):
    """A struct name_places, for pairs of token and name."""
    factor = find_factor([name for _, name in pairs])
    rows = ",\n".join(
        f"[{(key(name) * factor & 0xFFFFFFFF) >> 24}] = {token}"
        for token, name in sorted(pairs, key=lambda pair: (key(pair[1]) * factor & 0xFFFFFFFF) >> 24)
    )
    return f"const struct name_places {symbol} = {{.factor = 0x{factor:08x}u, .tokens = {{ {rows} }} }};\n"


def coded(name, code):
    bits = "".join(code[byte] for byte in name.encode())
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def literal(data):
    """As a C string. Each byte is octal, with all its digits: nothing after it can be read as another one."""
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def write_names(pairs):
    names = "".join(
        f'[{token}] = {{(const uint8_t *)"{name}", {len(name)}}},\n' for token, name in pairs
    )
    generated.write(
        "http/header_names.c", "header_names.py", "known field names: by number, and back.",
        f"""#include "engine/http/headers.h"
#include "engine/http/name_places.h"

const struct span header_token_names[TOKEN_COUNT] = {{
{names}}};

static {places("places", [(token, name.encode()) for token, name in pairs])}
enum header_token header_token_of(struct span name) {{
  return name_places_find(&places, header_token_names, name);
}}
""")


def write_coded(pairs):
    code = huffman_table.codes()
    pairs = [(token, coded(name, code)) for token, name in pairs]
    names = "".join(
        f"[{token}] = {{(const uint8_t *){literal(name)}, {len(name)}}},\n" for token, name in pairs
    )
    generated.write(
        "hpack/coded_names.c", "header_names.py", "known field names, Huffman-coded.",
        f"""#include "engine/hpack/coded_names.h"

#include "engine/http/name_places.h"

static const struct span names[TOKEN_COUNT] = {{
{names}}};

static {places("places", pairs)}
enum header_token coded_names_token_of(struct span coded) {{
  return name_places_find(&places, names, coded);
}}
""")


def main():
    pairs = list(tokens())
    check_static_order([name for _, name in pairs])
    write_names(pairs)
    write_coded(pairs)


if __name__ == "__main__":
    main()
