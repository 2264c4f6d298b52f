#!/usr/bin/env python3
"""`fewstep run --dry-run` on a checkpoint of SD 1.5's size with seven planted faults: names seven, in under 2 seconds.

usage: dry_run_full_size.py [--bin build/release/bin]

The networks' configurations and tensor names are those of diffusers and Transformers at SD 1.5's size, made on the meta
device; their files are sparse, as large as the real ones, and hold zeros.
"""
import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

BOUND = 2.0


def write_sparse(path, tensors):
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    return offset


def make_checkpoint(folder, golden):
    """SD 1.5's networks; tokenizer and scheduler of the tiny checkpoint, whose formats are the same."""
    with torch.device("meta"):
        text = CLIPTextConfig(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                              hidden_act="quick_gelu", projection_dim=768)
        networks = {
            "unet": UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
            "vae": AutoencoderKL(down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
                                 block_out_channels=[128, 256, 512, 512], layers_per_block=2, sample_size=512),
            "text_encoder": CLIPTextModel(text),
        }
    shutil.copytree(golden / "checkpoints" / "sd15", folder)
    size = 0
    for name, network in networks.items():
        for old in (folder / name).iterdir():
            old.unlink()
        if name == "text_encoder":
            (folder / name / "config.json").write_text(json.dumps({**text.to_dict(), "architectures": ["CLIPTextModel"]}))
        else:
            network.save_config(folder / name)
        stem = "model" if name == "text_encoder" else "diffusion_pytorch_model"
        size += write_sparse(folder / name / f"{stem}.safetensors", network.state_dict())
    return size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    args = parser.parse_args()
    golden = pathlib.Path(__file__).resolve().parents[1] / "golden"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        size = make_checkpoint(folder / "good", golden)
        prompts = folder / "prompts.txt"
        prompts.write_text("a\nb\nc\n")

        def dry_run(checkpoints, reference, clip):
            toml = folder / "e.toml"
            rows = "".join(f'[[checkpoint]]\nname = "{name}"\npath = "{folder / name}"\nsamplers = ["ddim"]\n' for name in checkpoints)
            toml.write_text(f'name = "full"\nseed = 1\n[prompts]\nfile = "{prompts}"\n[reference]\n{reference}\n{rows}'
                            f'[grid]\nsteps = [4]\nomega = [7.0]\n[[metric]]\nname = "clip-score"\nmodel = "{clip}"\n'
                            f'[[metric]]\nname = "fd-pocket"\nmodel = "{golden / "feature_net" / "five_layers"}"\n')
            start = time.time()
            done = subprocess.run([args.bin / "fewstep", "run", toml, "--dry-run", "--device", "cpu"], capture_output=True, text=True)
            return done, time.time() - start

        clip = golden / "metrics" / "clip-tiny"
        good, seconds = dry_run(["good"], 'builtin = "shapes"', clip)
        print(f"whole ({size / 1e9:.2f} GB): exit {good.returncode} in {seconds:.2f} s {good.stderr if good.returncode else ''}")

        bad = folder / "bad"
        subprocess.run(["cp", "-r", "--sparse=always", folder / "good", bad], check=True)
        unet = bad / "unet" / "diffusion_pytorch_model.safetensors"
        with open(unet, "r+b") as file:
            file.truncate(unet.stat().st_size - 4096)  # 1
        (bad / "vae" / "diffusion_pytorch_model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 334643276\n")  # 2
        (bad / "tokenizer" / "merges.txt").unlink()  # 3
        config = bad / "text_encoder" / "config.json"
        config.write_text(config.read_text().replace('"hidden_size": 768', '"hidden_size": 1024'))  # 4
        bad_run, seconds = dry_run(["bad", "gone"], f'statistics = "{folder / "none.npz"}"', folder / "no-clip")  # 5, 6, 7
        print(bad_run.stderr.strip())
        named = sum(line[0].isdigit() for line in bad_run.stderr.splitlines())
        print(f"seven planted faults: exit {bad_run.returncode}, {named} named, in {seconds:.2f} s (bound {BOUND} s)")
        if good.returncode != 0 or bad_run.returncode != 3 or "7 things are wrong" not in bad_run.stderr or seconds > BOUND:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
