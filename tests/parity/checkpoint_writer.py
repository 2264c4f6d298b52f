#!/usr/bin/env python3
"""Checkpoints that fewstep writes load in diffusers and give the same images there as the ones they were made from.

usage: checkpoint_writer.py --bin build/release/bin
"""
import argparse
import pathlib
import subprocess
import tempfile

import torch
from diffusers import DiffusionPipeline
from safetensors import safe_open

BOUND = 0.0  # the same weights through the same program


def image(folder):
    pipe = DiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    out = pipe("a red circle above a blue square!", num_inference_steps=4, latents=latents, output_type="pt",
               generator=torch.Generator().manual_seed(2))
    return type(pipe).__name__, type(pipe.scheduler).__name__, out.images


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    args = parser.parse_args()
    checkpoints = pathlib.Path(__file__).resolve().parent.parent / "golden" / "checkpoints"
    worst = 0.0
    for source in sorted(p for p in checkpoints.iterdir() if (p / "model_index.json").exists()):
        with tempfile.TemporaryDirectory() as folder:
            written = pathlib.Path(folder) / "written"
            subprocess.run([f"{args.bin}/fewstep_parity_checkpoint_writer", source, written], check=True)
            before, after = image(source), image(written)
            assert before[:2] == after[:2], (before[:2], after[:2])
            difference = (before[2] - after[2]).abs().max().item()
            with safe_open(written / "unet" / "diffusion_pytorch_model.safetensors", "pt") as file:
                assert file.metadata() == {"format": "pt"}
        print(f"{source.name}: {after[0]} with {after[1]}, max |Δ| {difference:.1e} (bound {BOUND})")
        worst = max(worst, difference)
    if worst > BOUND:
        raise SystemExit(f"out of bounds: {worst}")


if __name__ == "__main__":
    main()
