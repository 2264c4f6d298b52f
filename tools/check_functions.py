#!/usr/bin/env python3
"""No function of a room has more than 45 lines (`make check-includes`, and a test).

Reads what clang-format wrote: a function begins with a line that ends with `{` at the level of a namespace or of a class, and ends with
the first `}` of the same indentation. Exit code 1 where one is longer.
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from check_includes import ROOMS, ROOT

MOST = 45
NO_FUNCTION = re.compile(r" *(namespace|struct|class|enum|union|extern|if|for|while|switch|else|do|try|return|inline constexpr|constexpr|const|public|private)\b")
LAMBDA = re.compile(r"\[[&=\w, *]*\] ?(\(|\{|mutable|->)")
HEAD = re.compile(r"( {0,4})[^ #/}].*\{$")


def functions(lines):
    """(first line, number of lines) of every function."""
    for i, line in enumerate(lines):
        head = HEAD.match(line)
        if not head or NO_FUNCTION.match(line) or LAMBDA.search(line) or line.rstrip().endswith("= {") or "(" not in line + lines[max(0, i - 1)]:
            continue
        begin = i
        while begin > 0 and lines[begin - 1] and not lines[begin - 1].rstrip().endswith((";", "}", "{", ":")) and "//" not in lines[begin - 1]:
            begin -= 1
        end = next((j for j in range(i + 1, len(lines)) if lines[j] == head[1] + "}"), i)
        yield begin + 1, end - begin + 1


def main():
    counted, longest = 0, 0
    too_long = []
    for folder in sorted({room.split("/")[0] for room in ROOMS}):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            for line, length in functions(file.read_text().split("\n")):
                counted, longest = counted + 1, max(longest, length)
                if length > MOST:
                    too_long.append(f"{file.relative_to(ROOT)}:{line}: {length} lines")
    print(f"{counted} functions, the longest has {longest} lines (at most {MOST})")
    for one in too_long:
        print(one)
    return 1 if too_long or counted < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
