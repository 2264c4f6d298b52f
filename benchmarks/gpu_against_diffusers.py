#!/usr/bin/env python3
"""On a CUDA device, in one run: UNet forwards and VAE decodes of SD 1.5's size, fewstep beside eager and compiled diffusers, milliseconds; a step of latent
consistency distillation at 512² beside diffusers' own; FID and CLIP score of 1,000 images beside those of the CPU.

usage: gpu_against_diffusers.py --bin build/cuda/bin [--device cuda:0] [--dtype bfloat16] [--only unet,vae,lcd,metrics] [--batches 1,16,64] [--images 1000] [--rounds 20] [--json FILE]
Random weights in a temporary folder (about 2 GB). Every figure is a median of rounds in which the three take turns; compiling takes minutes.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "tests"), str(pathlib.Path(__file__).resolve().parent)]
from against_diffusers import LcdStep, Server  # noqa: E402

# Milliseconds in bfloat16 on one H100 or H200.
METRIC_BOUNDS = {"fid": 1e-3, "clip-score": 1e-4}  # as docs/parity.md has them for the same images; TF32 off
BOUNDS = {("unet", 1): 6, ("unet", 16): 33, ("unet", 64): 122, ("vae", 1): 7.5, ("vae", 16): 95}


def timed(call):
    torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.inference_mode():
        call()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start)


def network(kind):
    from references import _full_size as sizes
    torch.manual_seed(0)
    if kind == "unet":
        from diffusers import UNet2DConditionModel
        return UNet2DConditionModel(**sizes.SD15_UNET).eval()
    from diffusers import AutoencoderKL
    return AutoencoderKL(**sizes.SD_VAE).eval()


def inputs_for(kind, batch):
    if kind == "unet":
        return {"x": torch.randn(batch, 4, 64, 64), "time": torch.full((batch,), 499.0), "context": torch.randn(batch, 77, 768)}
    return {"latents": torch.randn(batch, 4, 64, 64)}


def call(kind, module, tensors):
    if kind == "unet":
        return module(tensors["x"], tensors["time"], tensors["context"]).sample
    return module.decode(tensors["latents"] / module.config.scaling_factor).sample


def measure(args, kind, folder):
    from safetensors.torch import save_file
    module = network(kind)
    module.save_pretrained(folder / kind, max_shard_size="20GB")
    module = module.to(args.device, args.dtype).to(memory_format=torch.channels_last)
    torch.backends.cudnn.benchmark = True
    compiled = torch.compile(module if kind == "unet" else module.decoder)
    server = Server(args.bin / "fewstep_forward", "unet" if kind == "unet" else "vae-decode", folder / kind, str(args.dtype).removeprefix("torch."), args.device)
    for batch in args.batches:
        if kind == "vae" and batch > 16:
            continue
        inputs = inputs_for(kind, batch)
        save_file(inputs, folder / "in.safetensors")
        there = {name: t.to(args.device, t.dtype if name == "time" else args.dtype) for name, t in inputs.items()}

        def run_compiled():
            if kind == "unet":
                return compiled(there["x"], there["time"], there["context"]).sample
            return compiled(module.post_quant_conv(there["latents"] / module.config.scaling_factor))

        ways = {"eager": lambda: timed(lambda: call(kind, module, there)), "compiled": lambda: timed(run_compiled),
                "fewstep": lambda: 1e3 * server.seconds(folder / "in.safetensors", folder / "out.safetensors")}
        for way in ways.values():
            for _ in range(3):
                way()
        times = {name: [] for name in ways}
        for _ in range(args.rounds):
            for name, way in ways.items():
                times[name].append(way())
        row = {"kind": kind, "batch": batch, **{name: statistics.median(values) for name, values in times.items()}, "bound": BOUNDS.get((kind, batch))}
        print(f"{kind} batch {batch:3d}: eager {row['eager']:8.2f}   compiled {row['compiled']:8.2f}   fewstep {row['fewstep']:8.2f} ms"
              + (f"   (bound {row['bound']})" if row["bound"] and args.dtype == torch.bfloat16 else ""), flush=True)
        yield row
    server.close()


def lcd(args, folder):
    """A step in bfloat16 (autocast) at batch 8: no slower than diffusers', within the memory of one card."""
    from diffusers import UNet2DConditionModel
    from references import _full_size as sizes
    from safetensors.torch import save_file
    torch.manual_seed(0)
    teacher = UNet2DConditionModel(**sizes.SD15_UNET).eval()
    teacher.save_pretrained(folder / "teacher", max_shard_size="20GB")
    batch = 8
    inputs = {"x0": torch.randn(batch, 4, 64, 64), "noise": torch.randn(batch, 4, 64, 64), "states": torch.randn(batch, 77, 768),
              "negative": torch.randn(1, 77, 768), "omega": torch.rand(batch) * 10 + 5, "index": torch.randint(0, 50, (batch,))}
    save_file(inputs, folder / "in.safetensors")
    there = {name: tensor.to(args.device) for name, tensor in inputs.items()}

    def theirs(step):
        torch.cuda.synchronize()
        start = time.perf_counter()
        step(there)
        torch.cuda.synchronize()
        return 1e3 * (time.perf_counter() - start)

    def held(run):  # of the device's memory, by everyone
        total = lambda: (lambda free, all: all - free)(*torch.cuda.mem_get_info(args.device))  # noqa: E731
        before = total()
        run()
        return (total() - before) / 2**30

    rounds, times = max(3, args.rounds // 2), {}
    step = LcdStep(teacher.to(args.device), bfloat16=True)
    for _ in range(3):
        theirs(step)
    times["diffusers"] = [theirs(step) for _ in range(rounds)]
    del step, teacher
    torch.cuda.empty_cache()
    server = Server(args.bin / "fewstep_training_step", folder / "teacher", args.device, "bfloat16")
    memory = held(lambda: [server.seconds(folder / "in.safetensors") for _ in range(3)])
    times["fewstep"] = [1e3 * server.seconds(folder / "in.safetensors") for _ in range(rounds)]
    server.close()
    row = {"kind": "lcd", "batch": batch, **{name: statistics.median(values) for name, values in times.items()}, "memory_gib": memory}
    row["bound"] = row["diffusers"]
    print(f"lcd batch {batch}, 512², bfloat16: diffusers {row['diffusers']:.1f}   fewstep {row['fewstep']:.1f} ms a step, {memory:.1f} GiB (bound 78)", flush=True)
    if memory > 78:
        row["bound"] = 0
    yield row


def metrics(args, folder):
    """fewstep score of the same images on the CPU and on the device; networks of the true size with random weights."""
    import numpy as np
    from parity import towers
    from PIL import Image
    towers.inception_v3(folder)
    (folder / "clip").mkdir()
    towers.clip(folder / "clip")
    rng = np.random.default_rng(0)
    for place in ("images", "reference"):
        (folder / place).mkdir()
        for i in range(args.images):
            coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            coarse.resize((128, 128), Image.BICUBIC).save(folder / place / f"{i:05d}.png")
    (folder / "captions.txt").write_text("".join(f"a picture of number {i}\n" for i in range(args.images)))
    found = {}
    for device in ("cpu", args.device):
        start = time.perf_counter()
        done = subprocess.run([args.bin / "fewstep", "score", "--images", folder / "images", "--reference", folder / "reference", "--metric", "fid",
                               "--metric", "clip-score", "--inception", folder / "inception.safetensors", "--clip", folder / "clip", "--prompts",
                               folder / "captions.txt", "--device", device, "--batch", "50", "--json"], capture_output=True, text=True, check=True)
        found[device] = {score["metric"]: score["value"] for score in json.loads(done.stdout)["scores"]}
        print(f"{device}: {found[device]}, {time.perf_counter() - start:.0f} s", flush=True)
    for name, bound in METRIC_BOUNDS.items():
        ours, theirs = found[args.device][name], found["cpu"][name]
        difference = abs(ours - theirs)
        print(f"{name} of {args.images} images, {args.device} beside cpu: {difference:.1e} (bound {bound:.0e})", flush=True)
        yield {"kind": name, "batch": args.images, "fewstep": difference, "bound": bound}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--dtype", type=lambda name: getattr(torch, name), default=torch.bfloat16)
    parser.add_argument("--only", default="unet,vae,lcd,metrics")
    parser.add_argument("--batches", type=lambda text: [int(b) for b in text.split(",")], default=[1, 16, 64])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("expected a CUDA device, found none")
    print(f"{torch.cuda.get_device_name(args.device)}, torch {torch.__version__}, {args.dtype}")
    rows = []
    for kind in args.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            parts = {"lcd": lcd, "metrics": metrics}
            rows += list(parts[kind](args, pathlib.Path(folder)) if kind in parts else measure(args, kind, pathlib.Path(folder)))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    slow = [f"{row['kind']} at batch {row['batch']}" for row in rows if row["bound"] is not None and row["fewstep"] > row["bound"]]
    if slow and args.dtype == torch.bfloat16:
        sys.exit(f"beyond the bound: {', '.join(slow)}")


if __name__ == "__main__":
    main()
