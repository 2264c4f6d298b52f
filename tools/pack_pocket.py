#!/usr/bin/env python3
"""Packs the pocket world for an installed fewstep: experiments/pocket.toml and what git holds of pocket/, equal files once.

usage: tools/pack_pocket.py OUTPUT.tar.xz      nothing is done while OUTPUT is of the same files
The second of two equal files is a hard link of the archive to the first. The archive is equal to the byte for equal files.
"""
import hashlib
import lzma
import os
import pathlib
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What training leaves beside a checkpoint, and the recipes' own state.
LEFT_OUT = (".trained.json", ".training.safetensors", "fewstep.partial")
# Numbers of four bytes: lp=2 says so, and saves a twentieth.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lc": 0, "lp": 2, "pb": 2}]


def files():
    """Relative paths, sorted: the experiment and the pocket world without what only its training needs."""
    world = [path.relative_to(ROOT) for path in (ROOT / "pocket").rglob("*") if path.is_file()]
    kept = [path for path in world if not path.name.endswith(LEFT_OUT) and "lcm-outline" not in path.parts]
    return [pathlib.Path("experiments/pocket.toml"), *sorted(kept)]


def entry(name, first, size):
    info = tarfile.TarInfo(name)
    if first:
        info.type, info.linkname = tarfile.LNKTYPE, first
    else:
        info.size = size
    info.mode = 0o644
    return info


def main(output):
    hashes = {path: hashlib.sha256((ROOT / path).read_bytes()).hexdigest() for path in files()}
    stamp = hashlib.sha256(repr([(str(path), hashes[path]) for path in hashes]).encode()).hexdigest()
    stamp_file = output.with_suffix(".stamp")
    if output.exists() and stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    first, temporary = {}, output.with_suffix(".part")
    with lzma.open(temporary, "wb", filters=FILTERS) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, sha256 in hashes.items():
            with open(ROOT / path, "rb") as file:
                archive.addfile(entry(str(path), first.get(sha256), os.path.getsize(ROOT / path)), file)
            first.setdefault(sha256, str(path))
    temporary.replace(output)
    stamp_file.write_text(stamp)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
