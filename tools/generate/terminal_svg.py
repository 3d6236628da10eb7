#!/usr/bin/python3
"""Draws a terminal's text, with its colors, as an SVG:

    tmux capture-pane -p -e | tools/generate/terminal_svg.py > tools/load/live.svg

Knows bold, dim and the eight colors. Reads standard input, writes standard output.
"""
import html
import re
import sys

COLUMN, LINE, MARGIN = 8.4, 18, 14
NO_BREAK = "\u00a0"  # browsers drop usual spaces at the ends
PALETTE = ["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#4fc1c9", "#dcdfe4"]


def spans(line):
    """(column, text, style) of each piece of a line."""
    style, column = {}, 0
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b["):
            for code in piece[2:-1].split(";"):
                number = int(code or 0)
                if number == 0:
                    style = {}
                elif number == 1:
                    style = {**style, "font-weight": "bold"}
                elif number == 2:
                    style = {**style, "opacity": ".6"}
                elif 30 <= number <= 37:
                    style = {**style, "fill": PALETTE[number - 30]}
                elif number == 39:
                    style = {key: value for key, value in style.items() if key != "fill"}
        elif piece:
            yield column, piece, style
            column += len(piece)


def main():
    lines = [line.rstrip("\n") for line in sys.stdin]
    while lines and not re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).strip():
        lines.pop()
    width = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * COLUMN + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
          f'height="{height}" role="img">\n<!-- made by tools/generate/terminal_svg.py -->\n'
          f'<rect width="100%" height="100%" rx="8" fill="#1e222a"/>\n'
          f'<g fill="#dcdfe4" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" '
          f'font-size="14">')
    for number, line in enumerate(lines):
        baseline = MARGIN + number * LINE + 13
        for column, text, style in spans(line):
            if not text.strip():
                continue
            safe = html.escape(text).replace(" ", NO_BREAK)
            shown = "".join(f' {key}="{value}"' for key, value in style.items())
            print(f'<text x="{MARGIN + column * COLUMN:.1f}" y="{baseline}" textLength="{len(text) * COLUMN:.1f}"'
                  f'{shown}>{safe}</text>')
    print("</g>\n</svg>")


main()
