#!/usr/bin/env python3
"""Remakes tests/golden from the pinned public packages with random weights from fixed seeds (`make golden`).

usage: make_golden.py [AREA…]   (default: all of tests/references)
"""
import importlib
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))

areas = sys.argv[1:] or sorted(p.stem for p in (here / "references").glob("*.py") if not p.stem.startswith("_"))
for area in areas:
    folder = here / "golden" / area
    folder.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"references.{area}").make(folder)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{area}: {size / 1e6:.2f} MB in {folder}")
