#!/usr/bin/env python3
"""Timing sessions of the pocket's 20 cells beside a load that comes and goes on one core: may a table reverse two cells?

usage: timing_stability.py [--bin build/release/bin] [--sessions 10]

A quiet session says which cells differ by 1.5x or more. Of every later one it is counted how often the order of such a
pair is reversed, and whether one of the two is flagged as unstable then.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

BURNER = "import time\nwhile True:\n    end = time.time() + {on}\n    while time.time() < end: pass\n    time.sleep({off})\n"


def session(bin, store, again):
    experiment = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "pocket.toml"
    command = [bin / "fewstep", "run", experiment, "--limit", "1", "--store", store, "--device", "cpu"] + ["--retime"] * again
    subprocess.run(command, check=True, capture_output=True)
    report = json.loads(subprocess.run([bin / "fewstep", "report", store, "--format", "json"], check=True, capture_output=True).stdout)
    return {f"{cell['sampler']} {cell['steps']}": (cell["timing_ms"]["total"]["median"], cell["timing_ms"]["unstable"])
            for cell in report["cells"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--sessions", type=int, default=10)
    args = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "timing.sqlite"
        quiet = session(args.bin, store, False)
        pairs = [(a, b) for a in quiet for b in quiet if quiet[a][0] * 1.5 <= quiet[b][0]]
        silent = said = flagged = 0
        for number in range(args.sessions):
            burner = BURNER.format(on=random.uniform(0.2, 4), off=random.uniform(0.2, 4))
            load = subprocess.Popen(["taskset", "-c", "0", "python3", "-c", burner])
            start = time.time()
            try:
                found = session(args.bin, store, True)
            finally:
                os.kill(load.pid, signal.SIGKILL)
                load.wait()
            unstable = sum(flag for _, flag in found.values())
            reversed_pairs = [(a, b) for a, b in pairs if found[a][0] > found[b][0]]
            hidden = [(a, b) for a, b in reversed_pairs if not found[a][1] and not found[b][1]]
            silent, said, flagged = silent + len(hidden), said + len(reversed_pairs) - len(hidden), flagged + unstable
            print(f"session {number + 1}: {time.time() - start:.0f} s, {unstable} of {len(found)} cells unstable, "
                  f"{len(reversed_pairs)} pairs reversed, {len(hidden)} of them without a flag", flush=True)
        print(f"{args.sessions} sessions, {len(pairs)} pairs that differ by 1.5x: {silent} reversed without a flag, {said} with one; "
              f"{flagged / args.sessions:.1f} of {len(quiet)} cells unstable")
        if silent:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
