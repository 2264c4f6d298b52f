#!/usr/bin/env python3
"""`fewstep sample` against diffusers' pipelines at SD 1.5's and SD 2.1's full size: final latents and images.

Random weights are made in a temporary folder (about 4 GB at a time). usage: full_size_sample.py --bin build/release/bin [--only sd15,lcm,sd21]
"""
import argparse
import gc
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from references import _full_size as sizes  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
PROMPT, OMEGA, STEPS = "a photograph of an astronaut riding a horse", 7.0, 2
LATENT_BOUND, IMAGE_BOUND = 1.5e-5, 1.5e-4


def nontrivial(module):
    """Random biases and norms, so that a forgotten one shows."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            noise = torch.randn(parameter.shape, generator=generator) * 0.1
            parameter.data.add_(noise)
    return module.eval()


def make_pipeline(kind):
    from diffusers import (AutoencoderKL, DDIMScheduler, LatentConsistencyModelPipeline, LCMScheduler, StableDiffusionPipeline,
                           UNet2DConditionModel)
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    torch.manual_seed(0)
    unet = {"sd15": sizes.SD15_UNET, "lcm": sizes.LCM_UNET, "sd21": sizes.SD21_UNET}[kind]
    text = sizes.SD21_TEXT if kind == "sd21" else sizes.SD15_TEXT
    schedule = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    if kind == "lcm":
        scheduler = LCMScheduler(**schedule)
    else:
        scheduler = DDIMScheduler(**schedule, clip_sample=False, set_alpha_to_one=True, timestep_spacing="trailing",
                                  prediction_type="v_prediction" if kind == "sd21" else "epsilon")
    pipeline = LatentConsistencyModelPipeline if kind == "lcm" else StableDiffusionPipeline
    pipe = pipeline(vae=nontrivial(AutoencoderKL(**sizes.SD_VAE)), text_encoder=nontrivial(CLIPTextModel(CLIPTextConfig(**text))),
                    tokenizer=CLIPTokenizer.from_pretrained(GOLDEN / "tokenizer" / ("sd21" if kind == "sd21" else "sd15")),
                    unet=nontrivial(UNet2DConditionModel(**unet)), scheduler=scheduler, safety_checker=None, feature_extractor=None,
                    requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def reference(pipe, kind, size, latents, noise):
    """Final latents and images; LCM's noise is replayed draw by draw."""
    if kind == "lcm":
        import diffusers.schedulers.scheduling_lcm as module
        draws = iter(noise)
        module.randn_tensor = lambda *_, **__: next(draws)
    with torch.inference_mode():
        out = pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=1 + OMEGA, latents=latents.clone(), height=size * 8,
                   width=size * 8, output_type="latent").images
        return out, pipe.vae.decode(out / pipe.vae.config.scaling_factor).sample


def check(args, kind, folder):
    size = {"sd15": 64, "lcm": 64, "sd21": 96}[kind]
    pipe = make_pipeline(kind)
    pipe.save_pretrained(folder / kind, max_shard_size="2GB")
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(1, 4, size, size, generator=generator)
    noise = torch.randn(STEPS - 1, 1, 4, size, size, generator=generator)
    save_file({"latents": latents, "noise": noise}, folder / "start.safetensors")
    expected_latents, expected_images = reference(pipe, kind, size, latents, noise)
    del pipe
    gc.collect()
    subprocess.run([args.bin / "fewstep", "sample", "--force", "--checkpoint", folder / kind, "--sampler", "lcm" if kind == "lcm" else "ddim",
                    "--steps", str(STEPS), "--omega", str(OMEGA), "--prompt", PROMPT, "--seed", "0", "-o", folder / "out",
                    "--latents", folder / "start.safetensors", "--save-latents", folder / "end.safetensors"], check=True,
                   stdout=subprocess.DEVNULL)
    ours = load_file(folder / "end.safetensors")
    ok = True
    for name, expected, bound in (("latents", expected_latents, LATENT_BOUND), ("images", expected_images, IMAGE_BOUND)):
        difference = float((ours[name] - expected).abs().max() / expected.abs().max())
        ok &= difference <= bound
        print(f"{kind:6s} {name:8s} max|difference| / max|reference| = {difference:.2e} (bound {bound:.1e})", flush=True)
    return ok


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="sd15,lcm,sd21")
    args = parser.parse_args()
    ok = True
    for kind in args.only.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            ok &= check(args, kind, pathlib.Path(temporary))
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
