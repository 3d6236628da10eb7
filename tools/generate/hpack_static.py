#!/usr/bin/python3
"""Writes engine/hpack/static.c: RFC 7541 Appendix A as fields with tokens, and the first index of each
name."""

import collections

import generated
import header_names


def main():
    token_of = {name: token for token, name in header_names.tokens()}
    entries = []
    of_token = collections.defaultdict(list)
    for index, name, *value in generated.rows("rfc7541_static.txt"):
        value = value[0] if value else ""
        flags = "HEADER_PSEUDO_BAD" if name == ":authority" else "0"  # whose value is empty
        entries.append(
            f'[{index}] = {{{{(const uint8_t *)"{name}", {len(name)}}}, '
            f'{{(const uint8_t *)"{value}", {len(value)}}}, {token_of[name]}, {flags}, 0}},\n'
        )
        of_token[token_of[name]].append(int(index))
    for indices in of_token.values():
        assert indices == list(range(indices[0], indices[-1] + 1)), "same names are neighbours"
    first = "".join(f"[{token}] = {i[0]},\n" for token, i in of_token.items())
    count = "".join(f"[{token}] = {len(i)},\n" for token, i in of_token.items())
    generated.write(
        "hpack/static.c", "hpack_static.py", "the static table of RFC 7541 Appendix A.",
        f"""#include "engine/hpack/table.h"

const struct header hpack_static[HPACK_STATIC_COUNT + 1] = {{
{"".join(entries)}}};

const uint8_t hpack_static_first[TOKEN_COUNT] = {{
{first}}};

const uint8_t hpack_static_entries[TOKEN_COUNT] = {{
{count}}};
""")


if __name__ == "__main__":
    main()
