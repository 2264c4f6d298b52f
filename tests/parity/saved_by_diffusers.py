#!/usr/bin/env python3
"""Checkpoints as diffusers saves them, with each of its schedulers, in each layout: final latents of `fewstep sample` against
the pipeline that was loaded again. DDIM, DPM-Solver++ and LCM as loaded; every other scheduler after
pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config), and DPMSolverMultistepScheduler's.

usage: saved_by_diffusers.py --bin build/release/bin [--only WORD]
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import diffusers
import torch
from diffusers.utils import logging
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
logging.disable_progress_bar()
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/checkpoints"
BOUND, STEPS, SCALE = 1.5e-5, 4, 7.5
OTHERS = ["PNDMScheduler", "DDPMScheduler", "DDIMParallelScheduler", "DDPMParallelScheduler", "EulerDiscreteScheduler",
          "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
          "LMSDiscreteScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler", "DPMSolverSinglestepScheduler",
          "SASolverScheduler", "TCDScheduler"]


class Check:
    def __init__(self, bin, folder):
        self.bin, self.folder, self.failed, self.count = pathlib.Path(bin), folder, 0, 0
        generator = torch.Generator().manual_seed(3)
        self.latents = torch.randn(1, 4, 8, 8, generator=generator)
        self.noise = torch.randn(STEPS - 1, 1, 4, 8, 8, generator=generator)
        save_file({"latents": self.latents, "noise": self.noise}, folder / "start.safetensors")

    def expected(self, pipe, prompt):
        import diffusers.schedulers.scheduling_lcm as module
        draws = iter(self.noise)
        module.randn_tensor = lambda *_, **__: next(draws)
        pipe.set_progress_bar_config(disable=True)
        with torch.inference_mode():
            return pipe(prompt, num_inference_steps=STEPS, guidance_scale=SCALE, latents=self.latents.clone(), output_type="latent",
                        height=16, width=16).images.float()

    def compare(self, label, checkpoint, pipe, sampler, options, prompt="a red boat"):
        expected = self.expected(pipe, prompt)
        end = self.folder / "end.safetensors"
        end.unlink(missing_ok=True)
        done = subprocess.run([self.bin / "fewstep", "sample", "--force", "--checkpoint", checkpoint, "--sampler", sampler, "--steps", str(STEPS),
                               "--guidance-scale", str(SCALE), "--prompt", prompt, "--device", "cpu", "-o", self.folder / "out",
                               "--latents", self.folder / "start.safetensors", "--save-latents", end, *options],
                              capture_output=True, text=True)
        difference = float("inf")
        if done.returncode == 0:
            ours = load_file(end)["latents"]
            difference = float((ours - expected).abs().max() / expected.abs().max())
        self.count += 1
        self.failed += not difference <= BOUND
        print(f"{label:60s} {difference:.1e} (bound {BOUND:.1e}) {done.stderr.strip()[-200:] if done.returncode else ''}", flush=True)


def load(folder):
    return diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)


def grid_of(scheduler, sampler):
    """The options that give fewstep the grid and the last level of a scheduler object."""
    config = scheduler.config
    options = ["--spacing", config.timestep_spacing]
    if sampler == "ddim":
        return options + ["--final-sigma", "zero" if config.set_alpha_to_one else "min"]
    return options + ["--final-sigma", "zero" if config.final_sigmas_type == "zero" else "min"]


def check_schedulers(check, pipe):
    ddim = pipe.scheduler
    for spacing in ("leading", "trailing"):
        for to_one in (True, False):
            pipe.scheduler = diffusers.DDIMScheduler.from_config(ddim.config, timestep_spacing=spacing, set_alpha_to_one=to_one)
            pipe.save_pretrained(check.folder / "ddim")
            again = load(check.folder / "ddim")
            check.compare(f"DDIMScheduler, {spacing}, set_alpha_to_one={to_one}", check.folder / "ddim", again, "ddim",
                          grid_of(again.scheduler, "ddim"))
    for algorithm, final, sampler in (("dpmsolver++", "zero", "dpm++"), ("dpmsolver++", "sigma_min", "dpm++"),
                                      ("dpmsolver", "sigma_min", "dpm")):
        for spacing in ("linspace", "leading", "trailing"):
            pipe.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(ddim.config, algorithm_type=algorithm,
                                                                              final_sigmas_type=final, timestep_spacing=spacing)
            pipe.save_pretrained(check.folder / "dpm")
            again = load(check.folder / "dpm")
            check.compare(f"DPMSolverMultistepScheduler, {algorithm}, {final}, {spacing}", check.folder / "dpm", again, sampler,
                          grid_of(again.scheduler, sampler))
    for name in OTHERS:
        pipe.scheduler = getattr(diffusers, name).from_config(ddim.config)
        pipe.save_pretrained(check.folder / name)
        again = load(check.folder / name)
        saved = again.scheduler
        for cls, sampler in ((diffusers.DDIMScheduler, "ddim"), (diffusers.DPMSolverMultistepScheduler, "dpm++")):
            try:
                again.scheduler = cls.from_config(saved.config)
            except (ValueError, NotImplementedError) as error:  # an algorithm_type that is none of DPM-Solver's
                print(f"{name}, then {cls.__name__}: refused by diffusers: {error}")
                continue
            check.compare(f"{name}, then {cls.__name__}", check.folder / name, again, sampler, grid_of(again.scheduler, sampler))
    pipe.scheduler = ddim


def check_lcm(check):
    for name in ("lcm-lora", "lcm"):
        kind = diffusers.LatentConsistencyModelPipeline if name == "lcm" else diffusers.StableDiffusionPipeline
        pipe = kind.from_pretrained(GOLDEN / name)
        pipe.scheduler = diffusers.LCMScheduler.from_config(pipe.scheduler.config, original_inference_steps=20)
        pipe.save_pretrained(check.folder / name)
        check.compare(f"LCMScheduler, {kind.__name__}, 20 original steps", check.folder / name, kind.from_pretrained(check.folder / name), "lcm", [])


def check_layouts(check, pipe):
    ddim = ["--spacing", "trailing"]
    pipe.save_pretrained(check.folder / "sharded", max_shard_size="20KB")
    check.compare("sharded", check.folder / "sharded", load(check.folder / "sharded"), "ddim", ddim)
    half = load(check.folder / "sharded").to(torch.float16)
    half.save_pretrained(check.folder / "fp16", variant="fp16")
    check.compare("variant fp16, computed in float32", check.folder / "fp16",
                  diffusers.StableDiffusionPipeline.from_pretrained(check.folder / "fp16", variant="fp16", torch_dtype=torch.float32), "ddim", ddim)
    half.save_pretrained(check.folder / "fp16-sharded", variant="fp16", max_shard_size="10KB")
    check.compare("variant fp16, sharded, computed in float32", check.folder / "fp16-sharded",
                  diffusers.StableDiffusionPipeline.from_pretrained(check.folder / "fp16-sharded", variant="fp16", torch_dtype=torch.float32),
                  "ddim", ddim)
    for vectors in (1, 3):
        learned = load(GOLDEN / "sd15")  # tokenizer of Transformers 4; saved, it is one of Transformers 5
        generator = torch.Generator().manual_seed(vectors)
        width = learned.text_encoder.get_input_embeddings().weight.shape[1]
        learned.load_textual_inversion({"<cat-toy>": torch.randn(vectors, width, generator=generator)}, token="<cat-toy>")
        target = check.folder / f"learned{vectors}"
        learned.save_pretrained(target)
        check.compare(f"textual inversion of {vectors} vectors", target, load(target), "ddim", ddim, "a <cat-toy> backpack, <cat-toy>")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(args.bin, pathlib.Path(folder))
        pipe = load(GOLDEN / "sd15")
        check_layouts(check, pipe)
        check_lcm(check)
        check_schedulers(check, pipe)
    print(f"{check.count - check.failed} of {check.count} within the bound")
    return check.failed == 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
