#!/usr/bin/python3
"""The modules of engine/, io/ and tools/, and which of them needs which.

A module is a source file and its header: engine/h2/frame.c and engine/h2/frame.h are engine/h2/frame.
It needs another when one of its files includes the other's header, or when its object calls a function
that the other one defines. tests/style looks for circles among these arrows.
"""
import os
import re
import subprocess

FOLDERS = ("engine", "io", "tools")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def sources(root="."):
    """Paths of all .c and .h files, relative to `root`, sorted."""
    found = []
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(root, folder)):
            found += [os.path.relpath(os.path.join(path, n), root) for n in names
                      if n.endswith((".c", ".h"))]
    return sorted(found)


def module_of(path):
    return os.path.splitext(path)[0]


def includes(root="."):
    """{(module, module)}: the arrows that includes make."""
    arrows = set()
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            arrows |= {(module_of(path), module_of(name)) for name in INCLUDE.findall(file.read())}
    return {(a, b) for a, b in arrows if a != b}


def calls(root=".", objects="build/release"):
    """{(module, module)}: the arrows that calls make, from the objects, which must be built."""
    objects = os.path.join(root, objects)
    built = [o for o in (os.path.join(objects, module_of(p) + ".o") for p in sources(root) if p.endswith(".c"))
             if os.path.exists(o)]
    if not built:
        return set()
    symbols = subprocess.run(["nm", "-A", "-P", *built], check=True, capture_output=True, text=True).stdout
    used, definer = [], {}
    for line in symbols.splitlines():
        path, name, kind = line.split()[:3]
        module = module_of(os.path.relpath(path.rstrip(":"), objects))
        if kind in "Uwv":
            used.append((module, name))
        elif kind.isupper():
            definer[name] = module
    return {(module, definer[name]) for module, name in used if name in definer and definer[name] != module}


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


if __name__ == "__main__":
    for circle in circles(includes() | calls()):
        print(*circle)
