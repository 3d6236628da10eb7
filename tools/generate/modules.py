#!/usr/bin/python3
"""The modules of engine/, io/, tools/ and tests/, and which module needs which.

    tools/generate/modules.py     draws those of engine/, io/ and tools/ into tools/modules.svg

A module is a source file and its header: engine/h2/frame.c and engine/h2/frame.h are engine/h2/frame. A module
needs another if one of its files includes the other's header, or if its object calls one of the other's functions.
tests/style looks for circles among these arrows, and checks that the drawing is up to date.
"""
import os
import re
import subprocess
import textwrap

FOLDERS = ("engine", "io", "tools")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def sources(root=".", folders=FOLDERS):
    """Paths of all .c and .h files, relative to `root`, sorted."""
    found = []
    for folder in folders:
        for path, _, names in os.walk(os.path.join(root, folder)):
            found += [os.path.relpath(os.path.join(path, n), root) for n in names
                      if n.endswith((".c", ".h"))]
    return sorted(found)


def module_of(path):
    return os.path.splitext(path)[0]


def includes(root=".", folders=FOLDERS):
    """{(module, module)}: the arrows of includes."""
    arrows = set()
    for path in sources(root, folders):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            arrows |= {(module_of(path), module_of(name)) for name in INCLUDE.findall(file.read())}
    return {(a, b) for a, b in arrows if a != b}


# What only a program defines. No module calls a program; one may define a function that stands in for a module's.
PROGRAM = ("main", "LLVMFuzzerTestOneInput")


def calls(root=".", objects="build/release", folders=FOLDERS):
    """{(module, module)}: the arrows of calls, from the objects, which must be built."""
    objects = os.path.join(root, objects)
    built = [o for o in (os.path.join(objects, module_of(p) + ".o") for p in sources(root, folders)
                         if p.endswith(".c")) if os.path.exists(o)]
    if not built:
        return set()
    symbols = subprocess.run(["nm", "-A", "-P", *built], check=True, capture_output=True, text=True).stdout
    used, definer, programs = [], {}, set()
    for line in symbols.splitlines():
        path, name, kind = line.split()[:3]
        module = module_of(os.path.relpath(path.rstrip(":"), objects))
        if kind in "Uwv":
            used.append((module, name))
        elif kind.isupper():
            definer.setdefault(name, []).append(module)
            programs |= {module} if name in PROGRAM else set()

    def may_call(module, other):  # tests/ may stand in for libc, and then others only seem to call it
        return other != module and other not in programs and (
            module.startswith("tests/") or not other.startswith("tests/"))

    return {(module, other) for module, name in used for other in definer.get(name, ()) if may_call(module, other)}


def circles(arrows):
    """The sets of modules that need each other, directly or through others; each sorted."""
    needs = {}
    for a, b in arrows:
        needs.setdefault(a, set()).add(b)

    def reached(module):
        seen, todo = set(), [module]
        while todo:
            for other in needs.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reach = {module: reached(module) for module in needs}
    return sorted({tuple(sorted(m for m in reach[module] if module in reach.get(m, ())))
                   for module in needs if module in reach[module]})


# ---- the drawing ---------------------------------------------------------------------------------

DRAWING = "tools/modules.svg"
WIDTH, MARGIN, GAP = 960, 14, 16  # of the picture, around it, between boxes
FLOOR_GAP, LINE, PADDING = 34, 15, 9
CHARACTER = 6.2  # the width of one, about, at 11 pixels
COLORS = {"engine": ("#e8f0fb", "#4a74ad"), "tools": ("#fbf3e2", "#a8842f"), "io": ("#e6f5ea", "#3f8a57")}
STYLE = """
  text { font: 11px Helvetica, Arial, sans-serif; fill: #222 }
  .folder { font-weight: bold; font-size: 12px }
  .arrow { stroke: #888; stroke-width: 1.2; fill: none; marker-end: url(#head) }
"""


def folder_of(module):
    """Folders in folders of folders are drawn as parts of these."""
    return "/".join(os.path.dirname(module).split("/")[:2])


def one_way(arrows):
    """The arrows without those inside a circle, which tests/style reports."""
    inside = [set(circle) for circle in circles(arrows)]
    return {(a, b) for a, b in arrows if not any(a in circle and b in circle for circle in inside)}


def heights(needs, names):
    """{name: floor}: as high as its users allow. A name without users is on the highest floor."""
    needed_by = {name: [other for other in names if name in needs.get(other, ())] for name in names}

    def below(name):  # the number of floors above it
        return max((below(other) + 1 for other in needed_by[name]), default=0)

    lowest = max(map(below, names))
    return {name: lowest - below(name) for name in names}


def reduced(needs):
    """The arrows that no path over others replaces."""
    def reaches(a, b):
        return b in needs.get(a, ()) or any(reaches(other, b) for other in needs.get(a, ()))
    return sorted((a, b) for a in needs for b in needs[a]
                  if not any(reaches(other, b) for other in needs[a] if other != b))


class Box:
    """A folder with its modules, highest first."""

    def __init__(self, folder, modules, arrows):
        inside = {m: {b for a, b in arrows if a == m and b in modules} for m in modules}
        floor = heights(inside, modules)
        self.folder = folder
        self.texts = []  # the folder's own modules, then those of each folder in it
        for inner in sorted({os.path.dirname(m) for m in modules}):
            names = [os.path.basename(m) for m in sorted(modules, key=lambda m: (-floor[m], m))
                     if os.path.dirname(m) == inner]
            self.texts.append((inner[len(folder) + 1:] + "/: " if inner != folder else "") + ", ".join(names))
        self.x = self.y = self.height = 0
        self.width = min(max(120, sum(map(len, self.texts)) * CHARACTER / 3 + 2 * PADDING), 330)

    def lines(self):
        width = int((self.width - 2 * PADDING) / CHARACTER)
        return [line for text in self.texts
                for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)]

    def svg(self):
        fill, stroke = COLORS[self.folder.split("/")[0]]
        yield (f'<rect x="{self.x:.0f}" y="{self.y:.0f}" width="{self.width:.0f}" height="{self.height:.0f}" rx="5" '
               f'fill="{fill}" stroke="{stroke}"/>')
        for i, line in enumerate([self.folder, *self.lines()]):
            yield (f'<text x="{self.x + PADDING:.0f}" y="{self.y + (i + 1) * LINE + 3:.0f}"'
                   f'{" class=" + chr(34) + "folder" + chr(34) if i == 0 else ""}>{line}</text>')


def place(boxes, needs):
    """Places each box. Returns the height of the picture."""
    floor = heights(needs, list(boxes))
    y = MARGIN
    for level in sorted(set(floor.values()), reverse=True):
        row = [box for box in boxes.values() if floor[box.folder] == level]

        def pull(box):  # its part of the tree, then the position of its users
            above = [b.x + b.width / 2 for b in boxes.values() if box.folder in needs.get(b.folder, ()) and b.y]
            return list(COLORS).index(box.folder.split("/")[0]), sum(above) / len(above) if above else 0, box.folder

        row.sort(key=pull)
        room = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        shrink = min(1, room / sum(box.width for box in row))
        for box in row:
            box.width *= shrink
        gap = (WIDTH - 2 * MARGIN - sum(box.width for box in row)) / (len(row) + 1) if shrink == 1 else 0
        x = MARGIN + gap
        tallest = max(len(box.lines()) + 1 for box in row) * LINE + PADDING
        for box in row:
            box.x, box.y, box.height = x, y, tallest
            x += box.width + (gap or GAP)
        y += tallest + FLOOR_GAP
    return y - FLOOR_GAP + MARGIN


def gap_beside(row, x, taken):
    """The x nearest to `x` that is free in the row; `taken` are the arrows already there."""
    edges = [0, *(edge for box in row for edge in (box.x, box.x + box.width)), WIDTH]
    places = [left + (right - left) * part / 6 for left, right in zip(edges[::2], edges[1::2]) for part in range(1, 6)]
    return min((place for place in places if (row[0].y, place) not in taken), key=lambda place: abs(place - x))


def arrows_svg(boxes, arrows):
    """Lines from the bottom of one box to the top of another, between the boxes of the floors that they pass.
    Their ends are spread along the edges."""
    rows = [[box for box in boxes.values() if box.y == y] for y in sorted({box.y for box in boxes.values()})]
    rows = [sorted(row, key=lambda box: box.x) for row in rows]
    taken = set()

    def spread(box, others, other):
        others = sorted(others, key=lambda name: boxes[name].x + boxes[name].width / 2)
        return box.x + box.width * (others.index(other) + 1) / (len(others) + 1)

    for a, b in sorted(arrows, key=lambda arrow: boxes[arrow[1]].y - boxes[arrow[0]].y):
        x = spread(boxes[a], [other for one, other in arrows if one == a], b)
        last = spread(boxes[b], [one for one, other in arrows if other == b], a)
        points = [(x, boxes[a].y + boxes[a].height)]
        for row in rows:
            top, bottom = row[0].y, row[0].y + row[0].height
            if boxes[a].y < top < boxes[b].y:
                share = (top - points[-1][1]) / (boxes[b].y - points[-1][1])
                x = gap_beside(row, points[-1][0] + (last - points[-1][0]) * share, taken)
                taken.add((top, x))
                points += [(x, top), (x, bottom)]
        points.append((last, boxes[b].y - 2))
        yield f'<path class="arrow" d="M{"L".join(f"{x:.0f} {y:.0f}" for x, y in points)}"/>'


def drawing(root="."):
    """The text of the picture: a box per folder, above the boxes that it needs."""
    arrows = one_way({(a, b) for a, b in includes(root) if "/examples" not in a})
    names = {module_of(path) for path in sources(root) if "/examples/" not in path}
    needs = {}
    for a, b in one_way({(folder_of(a), folder_of(b)) for a, b in arrows if folder_of(a) != folder_of(b)}):
        needs.setdefault(a, set()).add(b)
    boxes = {folder: Box(folder, {m for m in names if folder_of(m) == folder}, arrows)
             for folder in sorted({folder_of(m) for m in names})}
    height = place(boxes, needs)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}">',
        "<!-- Generated by tools/generate/modules.py; edit that, not this. -->",
        f"<style>{STYLE}</style>",
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#888"/></marker>',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>',
        *arrows_svg(boxes, reduced(needs)),
        *(line for box in boxes.values() for line in box.svg()),
        "</svg>", ""])


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    with open(DRAWING, "w", encoding="utf-8") as out:
        out.write(drawing())
