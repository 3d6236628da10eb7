#!/usr/bin/python3
"""Writes engine/http/header_names.c: the names of the tokens, and the lookup from name to token.

The tokens and their order come from `enum header_token` in engine/http/headers.h. The lookup switches on the
length, then on the byte position that best distinguishes the names of that length. It compares the remaining
candidates by memcmp() of a constant length, which compilers turn into a few loads.
"""

import collections
import re

import generated

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


def best_position(names):
    """The byte position at which the largest group of equal bytes is smallest."""
    def largest(position):
        return max(collections.Counter(name[position] for name in names).values())
    return min(range(len(names[0])), key=largest)


def search(by_length):
    lines = []
    for length, group in sorted(by_length.items()):
        position = best_position([name for _, name in group])
        by_byte = collections.defaultdict(list)
        for token, name in group:
            by_byte[name[position]].append((token, name))
        lines.append(f"case {length}:\nswitch (at[{position}]) {{")
        for byte, candidates in sorted(by_byte.items()):
            lines.append(f"case '{byte}':")
            for token, name in candidates:
                lines.append(f'if (memcmp(at, "{name}", {length}) == 0) return {token};')
            lines.append("break;")
        lines.append("}\nbreak;")
    return "\n".join(lines)


def main():
    pairs = list(tokens())
    check_static_order([name for _, name in pairs])
    by_length = collections.defaultdict(list)
    for token, name in pairs:
        by_length[len(name)].append((token, name))
    names = "".join(
        f'[{token}] = {{(const uint8_t *)"{name}", {len(name)}}},\n' for token, name in pairs
    )
    generated.write(
        "http/header_names.c", "header_names.py", "known field names: by number, and back.",
        f"""#include "engine/http/headers.h"

#include <string.h>

const struct span header_token_names[TOKEN_COUNT] = {{
{names}}};

enum header_token header_token_of(struct span name) {{
  const uint8_t *at = name.base;
  switch (name.len) {{
{search(by_length)}
  }}
  return TOKEN_UNKNOWN;
}}
""")


if __name__ == "__main__":
    main()
