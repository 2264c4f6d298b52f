"""UNet outputs on every supported architecture, LCM's omega embedding, and whole pipelines (final latents and images) from diffusers."""
import inspect
import json
import pathlib

import torch
from references.checkpoints import SCHEDULE, UNET, UNETS, make_pipeline, randomize
from safetensors.torch import save_file

CHECKPOINTS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "checkpoints"
PROMPT, NEGATIVE = "a red circle on the blue square", "green, and blue"
STEPS = (1, 2, 4, 8)
# Architectures that no tiny checkpoint has.
EXTRA_UNETS = {
    "no-mid-block": dict(UNET, mid_block_type=None, block_out_channels=(8, 16), attention_head_dim=4,
                         down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
                         up_block_types=("CrossAttnUpBlock2D", "UpBlock2D")),
    "two-layers": dict(UNET, layers_per_block=2, block_out_channels=(8, 12), norm_eps=1e-6, freq_shift=1, flip_sin_to_cos=False,
                       down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                       up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")),
}


def unet_case(unet, generator, size):
    inputs = {"x": torch.randn(2, 4, *size, generator=generator), "time": torch.tensor([999.0, 19.0]),
              "context": torch.randn(2, 16, 16, generator=generator)}
    embedding = None
    if unet.config.time_cond_proj_dim:
        embedding = inputs["omega_embedding"] = torch.randn(2, unet.config.time_cond_proj_dim, generator=generator)
    with torch.inference_mode():
        inputs["out"] = unet(inputs["x"], inputs["time"], inputs["context"], timestep_cond=embedding).sample
    return inputs


def make_unets(folder):
    from diffusers import UNet2DConditionModel
    generator = torch.Generator().manual_seed(11)
    for name in UNETS:
        unet = UNet2DConditionModel.from_pretrained(CHECKPOINTS / name / "unet").eval()
        save_file(unet_case(unet, generator, (8, 8)), folder / f"unet-{name}.safetensors")
    for name, config in EXTRA_UNETS.items():
        unet = randomize(UNet2DConditionModel(**config), 5)
        unet.save_pretrained(folder / name)
        save_file(unet_case(unet, generator, (6, 10)), folder / f"unet-{name}.safetensors")
    # 5×7 does not halve evenly: the upsampling goes to the size of the skip connection.
    unet = UNet2DConditionModel.from_pretrained(folder / "two-layers").eval()
    save_file(unet_case(unet, generator, (5, 7)), folder / "unet-two-layers-odd.safetensors")


def make_omega(folder):
    from diffusers import LatentConsistencyModelPipeline as Pipeline
    tensors = {"omega": torch.tensor([0.0, 0.5, 2.0, 8.0, 14.0])}
    for dim in (32, 33, 256):
        tensors[f"embedding-{dim}"] = Pipeline.get_guidance_scale_embedding(None, tensors["omega"], embedding_dim=dim)
    save_file(tensors, folder / "omega.safetensors")


def scheduler_of(sampler, spacing, final_sigma, prediction):
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, LCMScheduler
    common = dict(SCHEDULE, prediction_type=prediction, steps_offset=1)
    if sampler == "lcm":
        return LCMScheduler(**SCHEDULE, prediction_type=prediction)
    if sampler in ("ddim", "guided-distill"):
        return DDIMScheduler(**common, timestep_spacing=spacing, clip_sample=False, set_alpha_to_one=final_sigma == "zero")
    return DPMSolverMultistepScheduler(
        **common, timestep_spacing="leading" if ":" in spacing else spacing, algorithm_type="dpmsolver" if sampler == "dpm" else "dpmsolver++", solver_order=2,
        solver_type="midpoint", final_sigmas_type="zero" if final_sigma == "zero" else "sigma_min")


def cases():
    """(checkpoint, sampler, spacing, final sigma, omega, negative prompt)"""
    for final_sigma in ("zero", "min"):
        for spacing in ("trailing", "leading"):
            yield "sd15", "ddim", spacing, final_sigma, 7.0, ""
        for spacing in ("trailing", "leading", "linspace"):
            yield "sd15", "dpm++", spacing, final_sigma, 7.0, ""
    for spacing in ("trailing", "leading", "linspace"):
        yield "sd15", "dpm", spacing, "min", 7.0, ""
    yield "sd15", "ddim", "trailing", "zero", 0.0, ""
    yield "sd15", "ddim", "trailing", "zero", 2.5, NEGATIVE
    yield "sd21-v", "ddim", "trailing", "zero", 7.0, NEGATIVE
    yield "sd21-v", "dpm++", "trailing", "zero", 7.0, ""
    yield "sd21-v", "dpm", "trailing", "min", 7.0, ""
    yield "guided-distill", "guided-distill", "trailing", "zero", 7.0, ""
    yield "lcm", "lcm", "lcm", "zero", 7.0, ""
    yield "lcm", "lcm", "lcm", "zero", 0.5, ""
    yield "lcm-lora", "lcm", "lcm", "zero", 0.0, ""
    yield "lcm-lora", "lcm", "lcm", "zero", 0.5, ""
    # At given times, of which there is one list for the step count: lcm on a teacher too, as LCM-LoRA is used.
    yield "lcm", "lcm", "times:999-749-499-249", "zero", 7.0, ""
    yield "sd15", "lcm", "times:999-749-499-249", "zero", 0.0, ""
    yield "sd15", "lcm", "times:999-749-499-249", "zero", 0.5, NEGATIVE
    yield "sd21-v", "lcm", "times:979-640", "zero", 0.0, ""
    yield "sd15", "dpm++", "times:999-749-499-249", "zero", 7.0, ""
    yield "sd15", "dpm", "times:900-333", "min", 7.0, ""


def run(pipe, omega, negative, steps, start, noise, times=None):
    import diffusers.schedulers.scheduling_lcm as lcm
    draws = iter(noise)
    lcm.randn_tensor = lambda *_, **__: next(draws)
    steps_or_times = dict(timesteps=times) if times else dict(num_inference_steps=steps)
    options = dict(steps_or_times, prompt=PROMPT, guidance_scale=1 + omega, latents=start.clone(), output_type="latent")
    if "negative_prompt" in inspect.signature(pipe.__call__).parameters:
        options["negative_prompt"] = negative
    with torch.inference_mode():
        latents = pipe(**options, height=16, width=16).images
        return latents, pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample


def make_pipelines(folder):
    generator = torch.Generator().manual_seed(12)
    tensors = {"start": torch.randn(1, 4, 8, 8, generator=generator), "noise": torch.randn(7, 1, 4, 8, 8, generator=generator)}
    pipes = {name: make_pipeline(name, CHECKPOINTS / name / "tokenizer") for name in UNETS}
    for checkpoint, sampler, spacing, final_sigma, omega, negative in cases():
        pipe = pipes[checkpoint]
        prediction = "v_prediction" if checkpoint == "sd21-v" else "epsilon"
        pipe.scheduler = scheduler_of(sampler, spacing, final_sigma, prediction)
        times = [int(time) for time in spacing.removeprefix("times:").split("-")] if spacing.startswith("times:") else None
        for steps in [len(times)] if times else STEPS:
            latents, images = run(pipe, omega, negative, steps, tensors["start"], tensors["noise"], times)
            assert latents.isfinite().all()
            case = "|".join((checkpoint, sampler, spacing, final_sigma, str(omega), negative, str(steps)))
            tensors[case + "|latents"] = latents.contiguous()
            if steps == 4:
                tensors[case + "|images"] = images.contiguous()
    save_file(tensors, folder / "pipelines.safetensors")
    (folder / "prompts.json").write_text(json.dumps({"prompt": PROMPT}) + "\n")


def make(folder: pathlib.Path):
    make_unets(folder)
    make_omega(folder)
    make_pipelines(folder)
