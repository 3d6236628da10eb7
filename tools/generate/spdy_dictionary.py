#!/usr/bin/python3
"""Writes engine/spdy/dictionary.c: the text that both ends of SPDY/3 give zlib before the first header block."""

import generated


def pieces():
    """The dictionary's parts: lists of octets."""
    for line in (generated.HERE / "spdy3_dictionary.txt").read_text().splitlines():
        kind, _, text = line.partition(" ")
        if kind == "name":
            yield len(text).to_bytes(4, "big") + text.encode()
        elif kind == "text":
            yield text[1:-1].encode()


def literal(octets):
    return '"' + "".join(chr(o) if o >= 32 else f"\\{o:03o}" for o in octets) + '"'


def main():
    parts = list(pieces())
    size = sum(len(part) for part in parts)
    generated.write(
        "spdy/dictionary.c", "spdy_dictionary.py", "what zlib knows before the first header block.",
        f"""#include "engine/spdy/dictionary.h"

/* Not a string: without the 0 at its end. */
static const uint8_t dictionary[{size}] =
{chr(10).join(literal(part) for part in parts)};

const struct span spdy_dictionary = {{dictionary, sizeof dictionary}};
""")


if __name__ == "__main__":
    main()
