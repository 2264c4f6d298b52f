#!/usr/bin/env python3
"""UNet forwards and VAE decodes of SD 1.5's size on a CUDA device: fewstep beside eager and compiled diffusers, in one run, milliseconds.

usage: gpu_against_diffusers.py --bin build/cuda/bin [--device cuda:0] [--dtype bfloat16] [--only unet,vae] [--batches 1,16,64] [--rounds 20] [--json FILE]
Random weights in a temporary folder (about 2 GB). Every figure is a median of rounds in which the three take turns; compiling takes minutes.
"""
import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

import torch

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "tests"), str(pathlib.Path(__file__).resolve().parent)]
from against_diffusers import Server  # noqa: E402

# Milliseconds in bfloat16 on one H100 or H200.
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--dtype", type=lambda name: getattr(torch, name), default=torch.bfloat16)
    parser.add_argument("--only", default="unet,vae")
    parser.add_argument("--batches", type=lambda text: [int(b) for b in text.split(",")], default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("expected a CUDA device, found none")
    print(f"{torch.cuda.get_device_name(args.device)}, torch {torch.__version__}, {args.dtype}")
    rows = []
    for kind in args.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            rows += list(measure(args, kind, pathlib.Path(folder)))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    slow = [f"{row['kind']} at batch {row['batch']}" for row in rows if row["bound"] and row["fewstep"] > row["bound"]]
    if slow and args.dtype == torch.bfloat16:
        sys.exit(f"slower than the bound: {', '.join(slow)}")


if __name__ == "__main__":
    main()
