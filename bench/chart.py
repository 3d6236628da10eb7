"""Two kinds of SVG, drawn by hand: bars in panels, and lines over logarithmic axes. Readable in light and dark."""
import html
import math
import typing

COLOURS = ("#2563eb", "#7dadf5", "#e07b1a", "#1d9a6c", "#b34a9c", "#8a7a3c", "#6b7280", "#c0392b")
STYLE = """<style>
svg { font: 12px system-ui, sans-serif; background: #fff; color: #1c2530 }
text { fill: currentColor } .title { font-weight: 600; font-size: 16px } .head { font-weight: 600 }
.faint { fill: #66717e } .axis { stroke: #66717e; fill: none } .grid { stroke: #66717e; opacity: .25 }
@media (prefers-color-scheme: dark) { svg { background: #14181d; color: #e4e9ef } .faint { fill: #98a3af } }
</style>"""


class Bar(typing.NamedTuple):
    label: str
    value: float
    text: str
    lowest: float
    highest: float
    colour: str
    dot: float | None = None  # a second measurement of the same


class Panel(typing.NamedTuple):
    title: str
    bars: list
    limit: float | None = None  # drawn as a line across


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind="axis"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def document(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}">\n{STYLE}\n' + "\n".join(parts) + "\n</svg>\n")


# ---- bars ---------------------------------------------------------------------------------------

LABEL, TRACK, VALUE, ROW, GAP = 76, 210, 100, 16, 24


def panel_height(panel):
    return 22 + ROW * len(panel.bars) + 10


def draw_panel(panel, x, y):
    full = max([panel.limit or 0] + [max(bar.highest, bar.dot or 0) for bar in panel.bars]) or 1
    left, parts = x + LABEL, [text(x, y + 12, panel.title, "head")]
    for number, bar in enumerate(panel.bars):
        top = y + 20 + ROW * number
        middle = top + ROW / 2
        parts += [text(left - 6, middle + 4, bar.label, anchor="end"),
                  f'<rect x="{left}" y="{top + 2}" width="{TRACK * bar.value / full:.1f}" height="{ROW - 4}" '
                  f'rx="2" fill="{bar.colour}"/>',
                  line(left + TRACK * bar.lowest / full, middle, left + TRACK * bar.highest / full, middle),
                  text(left + TRACK + 8, middle + 4, bar.text, "faint")]
        if bar.dot is not None:
            parts.append(f'<circle cx="{left + TRACK * bar.dot / full:.1f}" cy="{middle}" r="3.5" fill="#fff" '
                         f'stroke="{bar.colour}" stroke-width="2"/>')
    if panel.limit:
        at = left + TRACK * panel.limit / full
        parts.append(line(at, y + 18, at, y + 22 + ROW * len(panel.bars)))
    return parts


def bars(title, notes, panels, columns=2):
    """Panels below each other, in columns of about the same height."""
    width = LABEL + TRACK + VALUE
    top = 44 + 16 * len(notes)
    parts = [text(GAP, 28, title, "title")] + [text(GAP, 46 + 16 * i, note, "faint") for i, note in enumerate(notes)]
    share = sum(map(panel_height, panels)) / columns
    column, y, lowest = 0, top, top
    for panel in panels:
        if column < columns - 1 and y - top > 0 and y - top + panel_height(panel) / 2 > share:
            column, y = column + 1, top
        parts += draw_panel(panel, GAP + column * (width + GAP), y)
        y += panel_height(panel)
        lowest = max(lowest, y)
    return document(GAP + (column + 1) * (width + GAP), lowest + 6, parts)


# ---- lines --------------------------------------------------------------------------------------

LINE_COLOURS = COLOURS[:1] + COLOURS[2:]
PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 400, 220, 64


class Plot(typing.NamedTuple):
    title: str
    across: str
    up: str
    series: dict  # {name: [(x, y), ...]}


def ticks(lowest, highest):
    """Powers of ten from at most `lowest` to at least `highest`."""
    return [10 ** power for power in range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)]


def linear_ticks(highest):
    """About five round numbers, from 0 to at least `highest`."""
    unit = 10 ** math.floor(math.log10(highest))
    step = next(size * unit for size in (0.2, 0.5, 1, 2) if highest / (size * unit) <= 5)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def tick_text(value):
    if value >= 1000 and value % 100 == 0:
        return f"{value / 1000:g}k" if value < 1e6 else f"{value / 1e6:g}M"
    return f"{value:g}"


def draw_plot(plot, x, y):
    points = [point for series in plot.series.values() for point in series]
    across = ticks(min(p[0] for p in points), max(p[0] for p in points))
    up = linear_ticks(max(p[1] for p in points))
    left, bottom = x + MARGIN, y + 24 + PLOT_HEIGHT
    decades = math.log10(across[-1] / across[0]) or 1

    def place(point):
        return (left + PLOT_WIDTH * math.log10(point[0] / across[0]) / decades,
                bottom - PLOT_HEIGHT * point[1] / up[-1])

    parts = [text(x, y + 12, f"{plot.title}, {plot.up}", "head"), text(left, bottom + 34, plot.across, "faint"),
             line(left, bottom, left + PLOT_WIDTH, bottom)]
    for value in across:
        parts.append(text(place((value, 0))[0], bottom + 16, tick_text(value), "faint", "middle"))
    for value in up:
        at = place((across[0], value))[1]
        parts += [line(left, at, left + PLOT_WIDTH, at, "grid"),
                  text(left - 6, at + 4, tick_text(value), "faint", "end")]
    for number, (name, series) in enumerate(plot.series.items()):
        colour, places = LINE_COLOURS[number % len(LINE_COLOURS)], [place(point) for point in series]
        parts.append('<polyline fill="none" stroke-width="2" stroke="{}" points="{}"/>'.format(
            colour, " ".join(f"{px:.1f},{py:.1f}" for px, py in places)))
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in places]
        key = left + PLOT_WIDTH + 14
        parts += [f'<rect x="{key}" y="{y + 30 + 18 * number}" width="10" height="10" fill="{colour}"/>',
                  text(key + 16, y + 39 + 18 * number, name)]
    return parts


def plots(title, notes, all_plots, key_width=130):
    """Plots in two columns."""
    width, height = MARGIN + PLOT_WIDTH + key_width, 24 + PLOT_HEIGHT + 60
    top = 40 + 16 * len(notes)
    parts = [text(GAP, 28, title, "title")] + [text(GAP, 46 + 16 * i, note, "faint") for i, note in enumerate(notes)]
    for number, plot in enumerate(all_plots):
        parts += draw_plot(plot, GAP + number % 2 * (width + GAP), top + number // 2 * height)
    return document(GAP + min(2, len(all_plots)) * (width + GAP), top + (len(all_plots) + 1) // 2 * height, parts)
