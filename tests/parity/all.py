#!/usr/bin/env python3
"""Runs every live check of this folder against the public packages (`make parity`); stops with an error if one fails.

usage: all.py --bin build/release/bin [NAME…]
"""
import argparse
import os
import pathlib
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--bin", required=True)
parser.add_argument("names", nargs="*")
args = parser.parse_args()

here = pathlib.Path(__file__).resolve().parent
names = args.names or sorted(p.stem for p in here.glob("*.py") if p.stem != "all" and not p.stem.startswith("_"))
quiet = dict(os.environ, DIFFUSERS_VERBOSITY="error", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1",
             PYTHONWARNINGS="ignore")
failed = []
for name in names:
    print(f"== {name}", flush=True)
    if subprocess.run([sys.executable, here / f"{name}.py", "--bin", args.bin], env=quiet).returncode != 0:
        failed.append(name)
if failed:
    sys.exit(f"parity: out of bounds: {', '.join(failed)}")
print(f"parity: {len(names)} checks within their bounds")
