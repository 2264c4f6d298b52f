#!/usr/bin/env python3
"""Side-by-side speed ratios: fewstep against the public Python packages, alternating in one run, medians of several.

usage: against_diffusers.py --bin build/release/bin [--only unet,vae,frechet,table] [--rounds 5] [--json FILE]
Random weights of SD 1.5's size are made in a temporary folder (about 4 GB). A ratio below 1 means that fewstep is faster.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

BOUNDS = {"unet float32": 0.70, "unet bfloat16": 0.88, "vae decode float32": 0.80, "vae decode bfloat16": 0.80,
          "table": 1 / 1.3, "frechet 2048": 1 / 10}
rows = []


def record(name, reference, ours):
    """reference, ours: seconds of alternating rounds."""
    row = {"name": name, "reference_s": statistics.median(reference), "fewstep_s": statistics.median(ours),
           "rounds": len(ours), "bound": BOUNDS[name]}
    row["ratio"] = statistics.median(o / r for o, r in zip(ours, reference))
    rows.append(row)
    print(f"{name:22s} reference {row['reference_s']:8.3f} s   fewstep {row['fewstep_s']:8.3f} s   "
          f"ratio {row['ratio']:.2f} (bound {row['bound']:.2f}, {row['rounds']} rounds)", flush=True)


class Forward:
    """fewstep_forward as a server: one network, one line per call, answers with the milliseconds of the forward alone."""

    def __init__(self, binary, kind, folder, dtype):
        self.process = subprocess.Popen([binary, kind, folder, dtype], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, inputs, output):
        self.process.stdin.write(f"{inputs} {output}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"fewstep_forward stopped with {self.process.wait()}")
        return float(line) / 1e3

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def alternate(rounds, reference, ours):
    reference(), ours()  # warm-up: packing, caches, page faults
    pairs = [(reference(), ours()) for _ in range(rounds)]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def timed(function):
    start = time.perf_counter()
    with torch.inference_mode():
        function()
    return time.perf_counter() - start


def network(args, folder, kind, name, module, inputs, call):
    from safetensors.torch import save_file
    folder.mkdir(parents=True, exist_ok=True)
    module.save_pretrained(folder, safe_serialization=True, max_shard_size="20GB")
    save_file(inputs, folder / "in.safetensors")
    for dtype in (torch.float32, torch.bfloat16):
        module = module.to(dtype)
        cast = {k: v.to(dtype) if v.is_floating_point() and k != "time" else v for k, v in inputs.items()}
        server = Forward(str(args.bin / "fewstep_forward"), kind, str(folder), str(dtype).removeprefix("torch."))
        record(f"{name} {str(dtype).removeprefix('torch.')}",
               *alternate(args.rounds, lambda: timed(lambda: call(module, cast)),
                          lambda: server.seconds(folder / "in.safetensors", folder / "out.safetensors")))
        server.close()


def unet(args, folder):
    from diffusers import UNet2DConditionModel
    from references._full_size import SD15_UNET
    torch.manual_seed(0)
    module = UNet2DConditionModel(**SD15_UNET).eval()
    inputs = {"x": torch.randn(1, 4, 64, 64), "time": torch.tensor([499.0]), "context": torch.randn(1, 77, 768)}
    network(args, folder / "unet", "unet", "unet", module, inputs,
            lambda m, i: m(i["x"], i["time"], i["context"]).sample)


def vae(args, folder):
    from diffusers import AutoencoderKL
    from references._full_size import SD_VAE
    torch.manual_seed(0)
    module = AutoencoderKL(**SD_VAE).eval()
    inputs = {"latents": torch.randn(1, 4, 64, 64)}
    scale = SD_VAE["scaling_factor"]
    network(args, folder / "vae", "vae-decode", "vae decode", module, inputs,
            lambda m, i: m.decode(i["latents"] / scale).sample)


def frechet(args, folder):
    """pytorch-fid's own function, whose cost is scipy.linalg.sqrtm, against the same two sets of statistics."""
    import numpy as np
    from pytorch_fid.fid_score import calculate_frechet_distance
    generator = np.random.default_rng(0)
    features = [generator.normal(size=(4096, 2048)) @ np.diag(generator.uniform(0.2, 2, 2048)) for _ in range(2)]
    moments = [(f.mean(0), np.cov(f, rowvar=False)) for f in features]
    files = []
    for index, (mu, sigma) in enumerate(moments):
        files.append(folder / f"statistics-{index}.npz")
        np.savez(files[-1], mu=mu, sigma=sigma)
    server = Forward(str(args.bin / "fewstep_forward"), "frechet", "-", "float32")
    reference = lambda: timed(lambda: calculate_frechet_distance(*moments[0], *moments[1]))
    record("frechet 2048", *alternate(2, reference, lambda: server.seconds(*files)))
    server.close()


def table(args, folder):
    from diffusers_table import compare_tables
    record("table", *compare_tables(args, folder))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="unet,vae,frechet,table")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    print(f"{cpu}, {os.cpu_count()} cores, torch {torch.__version__} with {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as temporary:
        for part in args.only.split(","):
            {"unet": unet, "vae": vae, "frechet": frechet, "table": table}[part](args, pathlib.Path(temporary))
    if args.json:
        args.json.write_text(json.dumps({"cpu": cpu, "cores": os.cpu_count(), "rows": rows}, indent=1) + "\n")
    slow = [r["name"] for r in rows if r["ratio"] > r["bound"]]
    if slow:
        sys.exit(f"slower than the bound: {', '.join(slow)}")


if __name__ == "__main__":
    main()
