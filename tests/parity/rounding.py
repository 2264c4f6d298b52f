#!/usr/bin/env python3
"""How far an image moves when it is made again in another batch, by other threads or other instructions: in levels of 255.

usage: rounding.py [--bin build/release/bin] [--prompts 64] [--dtypes bfloat16]

The pocket's cells are made once in batches of 32 and again in other ways; kept images and their 8x8x3 means are compared. The
bounds of harness/generate/regenerated.cpp come from here (docs/parity.md).
"""
import argparse
import os
import pathlib
import sqlite3
import subprocess
import tempfile

import numpy
from PIL import Image

WAYS = {"batch 1": (["--batch", "1"], {}), "batch 7": (["--batch", "7"], {}), "one thread": ([], {"OMP_NUM_THREADS": "1"}),
        "AVX2": ([], {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"})}


def images(bin, folder, name, dtype, prompts, options, environment):
    root = pathlib.Path(__file__).resolve().parents[2]
    store = folder / f"{name}.sqlite"
    command = [bin / "fewstep", "run", root / "experiments" / "pocket.toml", "--store", store, "--limit", str(prompts), "--dtype", dtype,
               "--device", "cpu", "--set", f"images={{height=32, width=32, keep={prompts}}}", "--set", "timing={repetitions=1, warmup=0}"]
    subprocess.run(command + options, check=True, capture_output=True, env={**os.environ, **environment})
    rows = sqlite3.connect(store).execute("SELECT identity, prompt_id, image_path, fingerprint FROM sample JOIN series ON series.id = series_id")
    return {row[:2]: (numpy.asarray(Image.open(folder / row[2])).astype(int), numpy.frombuffer(row[3], numpy.uint8).astype(int))
            for row in rows}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "float16"])
    args = parser.parse_args()
    print(f"{'dtype':9} {'made again by':12} {'images':>6} {'equal':>6} {'max level':>9} {'most of values':>14} {'largest mean':>12} {'max of parts':>12} {'mean of parts':>13}")
    for dtype in args.dtypes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            first = images(args.bin, folder, "first", dtype, args.prompts, [], {})
            for way, (options, environment) in WAYS.items():
                other = images(args.bin, folder, way.replace(" ", "-"), dtype, args.prompts, options, environment)
                levels = [abs(first[key][0] - other[key][0]) for key in first]
                parts = [abs(first[key][1] - other[key][1]) for key in first]
                print(f"{dtype:9} {way:12} {len(first):6} {sum(not one.any() for one in levels):6} {max(one.max() for one in levels):9} "
                      f"{max((one > 0).mean() for one in levels):14.2%} {max(one.mean() for one in levels):12.2f} {max(one.max() for one in parts):12} "
                      f"{max(one.mean() for one in parts):13.2f}", flush=True)


if __name__ == "__main__":
    main()
