#!/usr/bin/env python3
"""Which room of the house includes which, and that no include points upwards (`make check-includes`, and a test).

Prints the graph that docs/architecture.md shows, and the pairs of files inside a room that include each other (a header and the
source of the same name count as one file). Exit code 1 where a file includes what its room may not, where the document shows
another graph, where there are more such pairs than MAX_PAIRS, or where a folder has more files than it may.
"""
import pathlib
import re
import sys

# What each room or sub-room may include, beside itself: those above it in this list (a room stands for its sub-rooms too), or single headers of them.
ALLOWED = {
    "core": [],
    "formats": ["core"],
    "images": ["core"],
    "models/tokenizer": ["core", "formats"],
    "models": ["core", "formats", "images", "models/tokenizer"],
    "models/cuda": ["models"],
    "checkpoints": ["core", "formats", "models"],
    "process": ["core", "checkpoints"],
    "samplers": ["core"],
    "metrics": ["core", "formats", "images", "models"],
    "datasets": ["core", "formats", "images"],
    "settings/toml": ["core"],
    "settings": ["core", "formats", "checkpoints", "datasets", "samplers/catalog.h", "metrics/catalog.h", "settings/toml"],
    "distill": ["core", "formats", "images", "models", "checkpoints", "datasets", "settings"],
    "distill/train": ["core", "models", "checkpoints", "process", "datasets", "settings", "distill"],
    "store": ["core", "formats", "metrics/clustered_error.h", "metrics/score.h"],
    "harness/generate": ["core", "images", "models", "checkpoints", "process", "samplers", "datasets", "settings", "store"],
    "harness/score": ["core", "images", "process", "metrics", "datasets", "settings", "store", "harness/generate"],
    "harness/run": ["core", "images", "checkpoints", "process", "metrics", "datasets", "settings", "distill", "store", "harness/generate", "harness/score"],
    "reports": ["core", "formats", "images", "samplers/catalog.h", "metrics", "settings/cells.h", "settings/toml/table.h", "store"],
    "reports/inspect": ["core", "formats", "models/checkpoint_files.h", "checkpoints/checkpoint_info.h", "metrics/statistics_file.h", "store", "reports"],
    "reports/printers": ["reports"],
    "verdicts": ["core", "metrics/catalog.h", "metrics/clustered_error.h", "metrics/margin.h", "metrics/student.h", "settings", "store", "reports"],
    "verdicts/printers": ["reports", "verdicts"],
    "cli": ["core", "checkpoints", "process", "samplers/catalog.h", "datasets/caption_formats.h", "metrics", "settings", "distill/train", "store", "harness", "reports", "verdicts"],
}
MAX_PAIRS = 8
MAX_FILES = {"room": 60, "sub-room of harness": 40}
ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = list(ALLOWED)


def room_of(path):
    return next((room for room in sorted(ROOMS, key=len, reverse=True) if path.startswith(room + "/")), None)


def rooms_of(part, room):
    """The rooms that an entry of ALLOWED opens to a room: another one with its sub-rooms, its own parent alone, or the room of a single header."""
    if room.startswith(part + "/"):
        return [part]
    return [other for other in ROOMS if other == part or other.startswith(part + "/")] or [room_of(part)]


def includes():
    """Yields (file, line, header) of every include of a file of a room by a file of a room."""
    for folder in sorted({room.split("/")[0] for room in ROOMS}):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            for line, text in enumerate(file.read_text().splitlines(), 1):
                header = re.match(r'#include "(\w+/.+)"', text)
                if header and room_of(header[1]):
                    yield str(file.relative_to(ROOT)), line, header[1]


def allowed_part(room, header):
    """The entry of ALLOWED that lets a file of the room include the header, or None."""
    return next((part for part in ALLOWED[room] if header == part or not part.endswith(".h") and room_of(header) in rooms_of(part, room)), None)


def folder_failures():
    for room in ROOMS:
        kind = "sub-room of harness" if room.startswith("harness/") else "room"
        count = sum(file.suffix in (".h", ".cpp") for file in (ROOT / room).iterdir())
        if count > MAX_FILES[kind]:
            yield f"{room}: expected at most {MAX_FILES[kind]} files, found {count}"


def name_failures():
    """A sampler, a metric or a method of training is asked for a property of its catalog's row, and not for its name."""
    rows = {"samplers/catalog.h": r'^\s*\{+"([a-z+-]+)"', "metrics/catalog.h": r'\.name = "([a-z+-]+)"', "settings/methods.h": r'\.name = "([a-z+-]+)"'}
    names = {name for catalog, row in rows.items() for name in re.findall(row, (ROOT / catalog).read_text(), re.M)}
    for file in sorted(path for room in ROOMS for path in (ROOT / room).iterdir() if path.suffix in (".h", ".cpp")):
        for line, text in enumerate(file.read_text().splitlines(), 1):
            for name in re.findall(r'[=!]= "([a-z+-]+)"|"([a-z+-]+)" [=!]=', text):
                if names & set(name):
                    yield f"{file.relative_to(ROOT)}:{line}: expected a property of the catalog's row, found the name {max(name)}"


def main():
    for room, allowed in ALLOWED.items():
        above = ROOMS[: ROOMS.index(room)]
        assert all(other in above for part in allowed for other in rooms_of(part, room)), room
    failures, used, units = [*folder_failures(), *name_failures()], {}, {}
    for file, line, header in includes():
        room, other = room_of(file), room_of(header)
        unit, target = (path.rsplit(".", 1)[0] for path in (file, header))
        if unit != target and room.split("/")[0] == other.split("/")[0]:
            units.setdefault(unit, set()).add(target)
        if room == other:
            continue
        part = allowed_part(room, header)
        used.setdefault(room, set()).add(part or header)
        if not part:
            failures.append(f"{file}:{line}: {room} may not include {header}")
    width = max(map(len, ROOMS))
    graph = "".join(f"{room:{width}} <- {', '.join(part for part in ALLOWED[room] if part in used.get(room, ()))}".rstrip(" <-") + "\n" for room in ROOMS)
    print(graph, end="")
    if graph not in (ROOT / "docs/architecture.md").read_text():
        failures.append("docs/architecture.md: expected this graph, found another")
    pairs = sorted((one, two) for one in units for two in units[one] if one < two and one in units.get(two, ()))
    print(f"{len(pairs)} pairs of files that include each other" + "".join(f"\n  {one} {two}" for one, two in pairs))
    if len(pairs) > MAX_PAIRS:
        failures.append(f"expected at most {MAX_PAIRS} pairs of files that include each other, found {len(pairs)}")
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
