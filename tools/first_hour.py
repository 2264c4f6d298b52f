#!/usr/bin/env python3
"""Replays docs/first-hour.md in a clean checkout: every line "$ COMMAND" of its console blocks, in order, in bash.

usage: python3 tools/first_hour.py [--remake]      at the root of a clone whose programs are built
Without --remake a command's exit code has to be that of the page ("exit code 2" below it, else 0). --remake writes what each
printed into the page, long outputs shortened in their middle. Times and their marks differ from machine to machine.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/first-hour.md"
FIRST, LAST = 17, 3  # lines of an output that is shortened
EXIT = re.compile(r"^\(exit code (\d+)\)$")


def shortened(lines):
    if len(lines) <= FIRST + LAST + 3:
        return lines
    return lines[:FIRST] + [f"… {len(lines) - FIRST - LAST} lines more …"] + lines[-LAST:]


def play(command, environment):
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = done.stdout.decode(errors="replace").replace(str(ROOT), "~/fewstep").rstrip("\n").split("\n")
    return done.returncode, [line.rstrip() for line in lines]


def main(remake):
    environment = os.environ | {"PATH": f"{ROOT}/build/release/bin:{os.environ['PATH']}", "NO_COLOR": "1"}
    out, expected, failures, in_console = [], None, 0, False
    lines = PAGE.read_text().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("```"):
            in_console = line == "```console"
        if not in_console or not line.startswith("$ "):
            # What a command printed last time stands between it and the next one, or the end of the block.
            if not (in_console and remake and line != "```console"):
                out.append(line)
            continue
        rest = [EXIT.match(later) for later in lines[number + 1:next_command(lines, number)]]
        expected = next((int(found[1]) for found in rest if found), 0)
        print(line, flush=True)
        code, printed = play(line[2:], environment)
        if code != expected and not remake:
            failures += 1
            print("\n".join(printed[-5:]) + f"\nexpected exit code {expected}, got {code}", flush=True)
        out.append(line)
        if remake:
            out += [text for text in shortened(printed) if text or len(printed) > 1]
            out += [f"(exit code {code})"] if code else []
    if remake:
        PAGE.write_text("\n".join(out))
    return 1 if failures else 0


def next_command(lines, number):
    for later in range(number + 1, len(lines)):
        if lines[later].startswith("$ ") or lines[later].startswith("```"):
            return later
    return len(lines)


if __name__ == "__main__":
    sys.exit(main("--remake" in sys.argv[1:]))
