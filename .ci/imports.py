#!/usr/bin/env python3
"""Checks the ways between the rooms: crates import downwards only, and no files import each other in a circle."""
import json
import pathlib
import re
import subprocess
import sys

# Downwards: a crate may import those of lower floors, and of its own floor only what is named here.
FLOOR = {
    "netstrata-cli": 9, "netstrata-lab-wasm": 9, "netstrata-bench": 8, "netstrata-examples": 8, "netstrata-services": 8, "netstrata-lab": 8,
    "netstrata-sim": 7, "netstrata-packetdrill": 7, "netstrata": 7,
    "netstrata-runtime": 6, "netstrata-link": 5, "netstrata-stack": 5, "netstrata-tcp": 4, "netstrata-wire": 3,
    "netstrata-names": 3, "netstrata-dhcp": 3, "netstrata-basis": 2,
}
ROOT = pathlib.Path(__file__).resolve().parent.parent


def check_crates():
    text = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    faults = []
    for package in json.loads(text)["packages"]:
        name = package["name"]
        if name not in FLOOR:
            faults.append(f"{name}: not on any floor: add it to FLOOR in .ci/imports.py")
            continue
        for dependency in package["dependencies"]:
            other = dependency["name"]
            if other in FLOOR and dependency["kind"] is None and FLOOR[other] >= FLOOR[name]:
                faults.append(f"{name} imports {other}, which is not below it")
    return faults


def without_tests(text):
    """The text without its test modules and comments."""
    text = re.sub(r"//.*", "", text)
    start = text.find("#[cfg(test)]")
    while start != -1:
        brace, semicolon = text.find("{", start), text.find(";", start)
        if semicolon != -1 and (brace == -1 or semicolon < brace):
            text = text[:start] + text[semicolon + 1:]
        else:
            depth, end = 0, brace
            while end < len(text):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
                if depth == 0:
                    break
            text = text[:start] + text[end:]
        start = text.find("#[cfg(test)]")
    return text


def module_of(file, source):
    parts = list(file.relative_to(source).with_suffix("").parts)
    if parts[-1] in ("mod", "lib", "main"):
        parts.pop()
    return tuple(parts)


def paths(tree, prefix=()):
    """All paths that a use tree names: `a::{b, c::d}` names a::b and a::c::d."""
    tree = tree.strip()
    depth, start, pieces = 0, 0, []
    for at, char in enumerate(tree):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            pieces.append(tree[start:at])
            start = at + 1
    pieces.append(tree[start:])
    for piece in filter(None, (piece.strip() for piece in pieces)):
        brace = piece.find("{")
        if brace == -1:
            yield prefix + tuple(re.split(r"\s+as\s+", piece)[0].split("::"))
        else:
            head = tuple(part for part in piece[:brace].split("::") if part)
            yield from paths(piece[brace + 1:piece.rindex("}")], prefix + head)


def imports(file, source, modules):
    """The files that a file's use declarations, and the paths in its code, lead to."""
    here = module_of(file, source)
    text = without_tests(file.read_text())
    declared = r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);"
    inline = re.findall(r"(?<![\w:$])((?:crate|super|self)(?:::\w+)+)", re.sub(declared + r"|\bpub\([^)]*\)", "", text))
    for tree in re.findall(declared, text) + inline:
        for path in paths(tree):
            base = list(here)
            path = list(path)
            if path[0] == "crate":
                base, path = [], path[1:]
            elif path[0] in ("super", "self"):
                while path and path[0] in ("super", "self"):
                    if path.pop(0) == "super" and base:
                        base.pop()
            elif (*here, path[0]) not in modules:
                continue
            target = base + path
            while target and tuple(target) not in modules:
                target.pop()
            yield modules[tuple(target)] if tuple(target) in modules else None


def check_files():
    faults = []
    for source in sorted(ROOT.glob("crates/*/src")) + [ROOT / "bench/src"]:
        files = [f for f in source.rglob("*.rs") if f.stem != "tests" and "bin" not in f.relative_to(source).parts]
        modules = {module_of(file, source): file for file in files}
        graph = {file: {i for i in imports(file, source, modules) if i and i != file} for file in files}
        faults += [" -> ".join(str(f.relative_to(ROOT)) for f in circle) for circle in circles(graph)]
    return faults


def circles(graph):
    """One circle for each file that begins one, found by depth-first search."""
    done, found = set(), []

    def visit(file, way):
        if file in way:
            found.append(way[way.index(file):] + [file])
            return
        if file in done:
            return
        for other in sorted(graph[file]):
            visit(other, way + [file])
        done.add(file)

    for file in sorted(graph):
        visit(file, [])
    return found


def main():
    faults = check_crates() + check_files()
    for fault in faults:
        print("import fault:", fault)
    print("imports:", "no circle, no way up" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
