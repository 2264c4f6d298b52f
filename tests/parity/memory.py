#!/usr/bin/env python3
"""Private memory of `fewstep sample` on a checkpoint of SD 1.5's size: loading, packing and one small image.

The bound is 1.1 times the bytes of the weights in the type they run in, plus 200 MB. Private is RssAnon of /proc, read every 5 ms; pages
of the mapped weight files are shared with the page cache and do not count. usage: memory.py --bin build/release/bin
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from full_size_sample import make_pipeline  # noqa: E402


def private_bytes(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def peak_private_bytes(command):
    process, peak = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        peak = max(peak, private_bytes(process.pid))
        time.sleep(0.005)
    if process.returncode != 0:
        raise SystemExit(f"fewstep sample stopped with {process.returncode}")
    return peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args = parser.parse_args()
    ok = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        pipe = make_pipeline("sd15")
        pipe.save_pretrained(folder / "sd15", max_shard_size="2GB")
        weights = sum(p.numel() for m in (pipe.unet, pipe.vae, pipe.text_encoder) for p in m.parameters())
        del pipe
        save_file({"latents": torch.randn(1, 4, 8, 8)}, folder / "start.safetensors")
        for dtype, size in (("float32", 4), ("bfloat16", 2)):
            peak = peak_private_bytes([args.bin / "fewstep", "sample", "--force", "--checkpoint", folder / "sd15", "--sampler", "ddim", "--steps", "1",
                                       "--omega", "7", "--prompt", "a cat", "-o", folder / "out", "--latents", folder / "start.safetensors", "--dtype", dtype])
            bound = 1.1 * size * weights + 200e6
            ok &= peak <= bound
            print(f"{dtype:9s} weights {size * weights / 1e6:.0f} MB, peak of private memory {peak / 1e6:.0f} MB = "
                  f"{peak / size / weights:.2f} x (bound {bound / 1e6:.0f} MB)", flush=True)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
