#!/usr/bin/env python3
"""Which room of the house includes which, and that no include points upwards (`make check-includes`, and a test).

Prints the graph that docs/architecture.md shows; exit code 1 where a file includes what its room may not, or where the
document shows another graph.
"""
import pathlib
import re
import sys

# What each room may include, beside itself: rooms above it in this list, or single headers of them.
ALLOWED = {
    "core": [],
    "formats": ["core"],
    "images": ["core"],
    "models": ["core", "formats", "images"],
    "samplers": ["core"],
    "metrics": ["core", "formats", "images", "models"],
    "datasets": ["core", "formats", "images"],
    "settings": ["core", "formats", "models", "datasets", "samplers/catalog.h", "metrics/catalog.h"],
    "distill": ["core", "formats", "images", "models", "datasets", "settings"],
    "store": ["core", "formats", "metrics/clustered_error.h", "metrics/score.h"],
    "harness": ["core", "formats", "images", "models", "samplers", "metrics", "datasets", "settings", "distill", "store"],
    "reports": ["core", "formats", "images", "models", "samplers/catalog.h", "metrics", "settings/cells.h", "settings/toml/table.h", "store"],
    "verdicts": ["core", "metrics/catalog.h", "metrics/clustered_error.h", "metrics/margin.h", "metrics/student.h", "settings", "store", "reports"],
    "cli": ["core", "samplers/catalog.h", "datasets/caption_formats.h", "metrics", "models", "settings", "store", "harness", "reports", "verdicts"],
}
ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    rooms, failures, graph = list(ALLOWED), [], ""
    for room, allowed in ALLOWED.items():
        assert all(rooms.index(other.split("/")[0]) < rooms.index(room) for other in allowed), room
        used = {}
        for file in sorted((ROOT / room).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            for line, text in enumerate(file.read_text().splitlines(), 1):
                header = re.match(r'#include "((\w+)/.+)"', text)
                if not header or header[2] == room or header[2] not in ALLOWED:
                    continue
                used.setdefault(header[2], set()).add(header[1])
                if header[2] not in allowed and header[1] not in allowed:
                    failures.append(f"{file.relative_to(ROOT)}:{line}: {room} may not include {header[1]}")
        names = [other if other in allowed else ", ".join(sorted(used[other])) for other in rooms if other in used]
        graph += f"{room:8} <- {', '.join(names)}".rstrip(" <-") + "\n"
    print(graph, end="")
    if graph not in (ROOT / "docs/architecture.md").read_text():
        failures.append("docs/architecture.md: expected this graph, found another")
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


sys.exit(main())
