#!/usr/bin/env python3
"""What `fewstep distill` writes, loaded by diffusers and Transformers: the same images, embeddings and tokens.

The pocket world's recipes, cut short. usage: trained.py --bin build/release/bin
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

POCKET = pathlib.Path(__file__).resolve().parent.parent.parent / "pocket"
PROMPT, OMEGA, STEPS = "a large red circle on a blue background", 2.0, 4
LATENT_BOUND, IMAGE_BOUND = 1.5e-5, 1.5e-4
SHORT = {"vae": ["train.steps=30"], "clip": ["train.steps=20", "train.batch=64"], "teacher": ["train.steps=30", "diffusion.ema=0.5"],
         "lcm": ["train.steps=20"],
         "guided-distill": ["guided-distill.stage_one_steps=10", "guided-distill.steps_per_halving=10", "guided-distill.students=[2,1]"]}


def train(args, folder):
    for part in ("networks", "recipes"):
        shutil.copytree(POCKET / part, folder / part)
    for recipe, settings in SHORT.items():
        command = [args.bin / "fewstep", "distill", folder / f"recipes/{recipe}.toml", "--device", "cpu"]
        for setting in settings + ["data.count=512", f"data.cache={folder / 'cache'}", "train.warmup=5"]:
            command += ["--set", setting]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def reference(pipe, latents, noise):
    import diffusers.schedulers.scheduling_lcm as module
    draws = iter(noise)
    module.randn_tensor = lambda *_, **__: next(draws)
    with torch.inference_mode():
        out = pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=1 + OMEGA, latents=latents.clone(), height=32, width=32,
                   output_type="latent").images
        return out, pipe.vae.decode(out / pipe.vae.config.scaling_factor).sample


def check_sampling(args, folder, name, sampler):
    from diffusers import DiffusionPipeline
    pipe = DiffusionPipeline.from_pretrained(folder / name, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(3)
    latents, noise = torch.randn(1, 4, 8, 8, generator=generator), torch.randn(STEPS - 1, 1, 4, 8, 8, generator=generator)
    save_file({"latents": latents, "noise": noise}, folder / "start.safetensors")
    expected_latents, expected_images = reference(pipe, latents, noise)
    subprocess.run([args.bin / "fewstep", "sample", "--force", "--checkpoint", folder / name, "--sampler", sampler, "--steps", str(STEPS), "--omega",
                    str(OMEGA), "--prompt", PROMPT, "--seed", "0", "-o", folder / f"out-{name}", "--latents",
                    folder / "start.safetensors", "--save-latents", folder / "end.safetensors"], check=True, stdout=subprocess.DEVNULL)
    ours = load_file(folder / "end.safetensors")
    ok = True
    for what, expected, bound in (("latents", expected_latents, LATENT_BOUND), ("images", expected_images, IMAGE_BOUND)):
        difference = float((ours[what] - expected).abs().max() / expected.abs().max())
        ok &= difference <= bound
        print(f"{name:8s} {what:8s} max|difference| / max|reference| = {difference:.2e} (bound {bound:.1e})", flush=True)
    return ok


def check_loading(folder):
    """Every name is known to the packages, and no weight is left at random."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPModel, CLIPTokenizer
    ok = True
    for name in ("guided-distill/stage-one", "guided-distill/2-steps", "guided-distill/1-steps", "lcm"):
        _, info = UNet2DConditionModel.from_pretrained(folder / name / "unet", output_loading_info=True)
        ok &= not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
        print(f"{name}: UNet loads" + ("" if ok else f" with {info}"), flush=True)
    _, info = CLIPModel.from_pretrained(folder / "clip", output_loading_info=True)
    ok &= not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    ids = CLIPTokenizer.from_pretrained(folder / "clip")(PROMPT).input_ids
    ok &= len(ids) == len(PROMPT.split()) + 2
    print(f"clip: model and tokenizer load, {len(ids)} tokens" + ("" if ok else f" with {info}"), flush=True)
    return ok


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        train(args, folder)
        ok = check_loading(folder)
        ok &= check_sampling(args, folder, "teacher", "ddim")
        ok &= check_sampling(args, folder, "lcm", "lcm")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
