#!/usr/bin/env python3
"""Counts the characters of the commands in docs/keystrokes.md: fewstep never takes more, in six tasks or more fewer.

usage: keystrokes.py [FILE]
"""
import pathlib
import re
import sys


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "docs" / "keystrokes.md"
    rows = re.findall(r"^\| (.*?) \| `(.*?)` \| `(.*?)` \|$", path.read_text(), re.MULTILINE)
    fewer = 0
    for task, theirs, ours in rows:
        fewer += len(ours) < len(theirs)
        print(f"{task:36s} {len(theirs):4d} {len(ours):4d}")
    more = [task for task, theirs, ours in rows if len(ours) > len(theirs)]
    print(f"{len(rows)} tasks, fewer keys in {fewer}")
    if len(rows) < 10 or more or fewer < 6:
        sys.exit(f"more keys: {', '.join(more)}" if more else "expected ten tasks, and fewer keys in six")


if __name__ == "__main__":
    main()
