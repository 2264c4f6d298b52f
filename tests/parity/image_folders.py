#!/usr/bin/env python3
"""`fewstep stats` of one folder that holds every oddity, against the files that each FID package counts there, read by its own
code, in one network of random weights: number of images, mean and covariance.

Hidden files are left out on both sides: the packages count them, and fail on what macOS puts there.
usage: image_folders.py --bin build/release/bin
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from glob import glob

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from references import _hashed_weights as hashed  # noqa: E402
from references import metrics as prepare  # noqa: E402
from references.towers import inception  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/images/files"
BOUND = 1e-5  # of the largest feature
OTHERS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm"}


def odd_folder(folder):
    """16-bit grey and colour, palettes, CMYK, animations, orientation, alpha, endings in capitals, folders below, text, hidden files."""
    names = ["grey16.png", "rgb16.png", "P.png", "RGBA.png", "LA.tif", "1.png", "CMYK.jpg", "exif.jpg", "moving.png", "moving.webp",
             "turned6.tif", "predictor.tif", "rle8.bmp", "p5_16.pgm", "p6_16.ppm", "transparent.png", "premultiplied.tif"]
    for i, name in enumerate(names):
        shutil.copy(GOLDEN / name, folder / f"{i}{pathlib.Path(name).suffix}")
    shutil.copy(GOLDEN / "RGB.png", folder / "capital.PNG")
    shutil.copy(GOLDEN / "RGB.jpg", folder / "capital.JPEG")
    shutil.copy(GOLDEN / "RGB.tif", folder / "capital.TIF")
    shutil.copy(GOLDEN / "moving.gif", folder / "animated.gif")
    shutil.copy(GOLDEN / "moving.gif", folder / "a-gif.jpg")
    (folder / "below/deeper").mkdir(parents=True)
    shutil.copy(GOLDEN / "L.png", folder / "below/deeper/grey.png")
    np.save(folder / "array.npy", np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8))
    (folder / "notes.txt").write_text("no image")
    (folder / "._0.png").write_bytes(b"AppleDouble")
    (folder / ".hidden").mkdir()
    shutil.copy(GOLDEN / "L.png", folder / ".hidden/grey.png")


def pixels(file):
    return np.load(file) if file.suffix == ".npy" else np.array(Image.open(file).convert("RGB"))


def by_pytorch_fid(folder):
    from pytorch_fid.fid_score import IMAGE_EXTENSIONS
    return sorted(file for ending in IMAGE_EXTENSIONS for file in folder.glob(f"*.{ending}"))


def by_torch_fidelity(folder):
    from torch_fidelity.utils import glob_samples_paths
    return sorted(pathlib.Path(f) for f in glob_samples_paths(str(folder), False, "png,jpg,jpeg", verbose=False))


def by_clean_fid(folder):
    from cleanfid.utils import EXTENSIONS
    return sorted(pathlib.Path(f) for ending in EXTENSIONS for f in glob(os.path.join(folder, f"**/*.{ending}"), recursive=True))


def by_torchmetrics(folder):  # is given tensors; the files are fewstep's own choice
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in OTHERS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    args = parser.parse_args()
    net, shapes = inception(hashed.inception_weights)
    see = {"pytorch-fid": (by_pytorch_fid, None), "torch-fidelity": (by_torch_fidelity, prepare.prepare_by_torch_fidelity),
           "torchmetrics": (by_torchmetrics, prepare.prepare_by_torchmetrics), "clean-fid": (by_clean_fid, prepare.prepare_by_clean_fid)}
    ok = True
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        folder = temporary / "images"
        folder.mkdir()
        odd_folder(folder)
        save_file({name: value.contiguous() for name, value in hashed.inception_weights(shapes).items()}, temporary / "inception.safetensors")
        for protocol, (files_of, prepared) in see.items():
            files = [f for f in files_of(folder) if not f.name.startswith(".")]
            if prepared is None:
                prepared = lambda image: prepare.prepare_by_pytorch_fid(pytorch_fid_net(net), image)
            with torch.inference_mode():
                rows = np.stack([net(prepared(pixels(f)))[0][0, :, 0, 0].double().numpy() for f in files])
            done = subprocess.run([pathlib.Path(args.bin) / "fewstep", "stats", folder, "-o", temporary / "x.npz", "--protocol", protocol,
                                   "--inception", temporary / "inception.safetensors", "--device", "cpu"], capture_output=True, text=True)
            if done.returncode:
                print(f"{protocol:15s} {done.stderr.strip()[-300:]}")
                ok = False
                continue
            ours = np.load(temporary / "x.npz")
            count = int(done.stdout.split(" images")[0].split()[-1])
            mean = np.abs(ours["mu"] - rows.mean(0)).max() / np.abs(rows).max()
            sigma = np.abs(ours["sigma"] - np.cov(rows, rowvar=False)).max() / np.abs(np.cov(rows, rowvar=False)).max()
            ok &= count == len(files) and mean <= BOUND and sigma <= BOUND
            print(f"{protocol:15s} {count} images (the package: {len(files)}), mean {mean:.1e}, covariance {sigma:.1e} (bound {BOUND:.0e})", flush=True)
    return ok


def pytorch_fid_net(net):
    """The same network with pytorch-fid's own resize and scale before it."""
    import copy
    whole = copy.copy(net)
    whole.resize_input, whole.normalize_input = True, True
    return whole


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
