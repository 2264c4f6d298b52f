"""The whole table of a small checkpoint: `fewstep run` against a script over diffusers and transformers.

Five samplers × 1/2/4/8 steps, the same prompts, guidance and batch size, CLIP score (ViT-B/32) of every image. FID is left out: 20 calls of scipy's
sqrtm would dominate the Python side, and the distance has a ratio of its own. The Python side draws a batch at a time with one generator per image.
fewstep is timed as a whole process (start, loading, hashing, database); the Python side without its imports and loading.
"""
import csv
import pathlib
import shutil
import subprocess
import time

import torch

PROMPTS, BATCH, OMEGA, STEPS = 16, 8, 7.0, (1, 2, 4, 8)
UNET = dict(sample_size=32, down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(96, 192, 256),
            layers_per_block=1, cross_attention_dim=256, attention_head_dim=8, norm_num_groups=32)
VAE = dict(down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
           block_out_channels=(32, 64, 128, 128), layers_per_block=1, latent_channels=4, norm_num_groups=16, sample_size=256)


def make_checkpoints(folder, tokenizer_folder):
    from diffusers import (AutoencoderKL, DDIMScheduler, LatentConsistencyModelPipeline, LCMScheduler, StableDiffusionPipeline,
                           UNet2DConditionModel)
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    text = CLIPTextModel(CLIPTextConfig(vocab_size=49408, hidden_size=256, intermediate_size=1024, num_hidden_layers=4,
                                        num_attention_heads=4, max_position_embeddings=77))
    vae = AutoencoderKL(**VAE)
    ddim = DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False,
                         timestep_spacing="trailing", set_alpha_to_one=True)
    pipelines = {}
    for name, extra in (("teacher", {}), ("guided-distill", {"time_cond_proj_dim": 64}), ("lcm", {"time_cond_proj_dim": 64})):
        kind = LatentConsistencyModelPipeline if name == "lcm" else StableDiffusionPipeline
        scheduler = LCMScheduler.from_config(ddim.config) if name == "lcm" else ddim
        options = dict(vae=vae, text_encoder=text, tokenizer=tokenizer, unet=UNet2DConditionModel(**UNET, **extra),
                       scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        pipelines[name] = kind(**options)
        pipelines[name].save_pretrained(folder / name)
        pipelines[name].set_progress_bar_config(disable=True)
    return pipelines


def make_clip(folder, tokenizer_folder):
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer
    torch.manual_seed(1)
    clip = CLIPModel(CLIPConfig()).eval()  # ViT-B/32
    clip.save_pretrained(folder / "clip")
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.save_pretrained(folder / "clip")
    for file in tokenizer_folder.iterdir():
        shutil.copy(file, folder / "clip" / file.name)
    return clip, CLIPImageProcessorPil(), tokenizer


def reference_table(pipelines, clip_score, prompts):
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
    clip, processor, tokenizer = clip_score
    config = pipelines["guided-distill"].scheduler.config
    schedulers = {
        "ddim": DDIMScheduler.from_config(config),
        "dpm": DPMSolverMultistepScheduler.from_config(config, algorithm_type="dpmsolver", final_sigmas_type="sigma_min"),
        "dpm++": DPMSolverMultistepScheduler.from_config(config, algorithm_type="dpmsolver++"),
    }
    cells = {}
    for sampler in ("ddim", "dpm", "dpm++", "guided-distill", "lcm"):
        pipe = pipelines[sampler if sampler in pipelines else "teacher"]
        if sampler in schedulers:
            pipe.scheduler = schedulers[sampler]
        for steps in STEPS:
            scores = []
            for start in range(0, len(prompts), BATCH):
                batch = prompts[start:start + BATCH]
                images = pipe(batch, num_inference_steps=steps, guidance_scale=1 + OMEGA, output_type="pil",
                              generator=[torch.Generator().manual_seed(start + i) for i in range(len(batch))]).images
                inputs = dict(processor(images=images, return_tensors="pt"),
                              **tokenizer(batch, padding="max_length", truncation=True, max_length=77, return_tensors="pt"))
                out = clip(**inputs)
                scores.append(100 * torch.nn.functional.cosine_similarity(out.image_embeds, out.text_embeds))
            cells[sampler, steps] = float(torch.cat(scores).mean())
    return cells


def experiment_file(folder, prompts_file, count):
    steps = list(STEPS)
    text = f'''name = "against-diffusers"
seed = 1
[prompts]
file = "{prompts_file}"
count = {count}
[[checkpoint]]
name = "teacher"
path = "teacher"
samplers = ["ddim", "dpm", "dpm++"]
[[checkpoint]]
name = "guided-distill"
path = "guided-distill"
samplers = ["guided-distill"]
[[checkpoint]]
name = "lcm"
path = "lcm"
samplers = ["lcm"]
[grid]
steps = {steps}
omega = [{OMEGA}]
[[metric]]
name = "clip-score"
protocol = "transformers"
model = "clip"
'''
    path = folder / "experiment.toml"
    path.write_text(text)
    return path


def compare_tables(args, folder, dtype=torch.float32):
    source = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
    with open(source / "prompts" / "coco2014_captions.tsv", newline="", encoding="utf-8") as file:
        prompts = [row["caption"] for row in csv.DictReader(file, delimiter="\t")][:PROMPTS]
    pipelines = make_checkpoints(folder, source / "tokenizer" / "sd15")
    for pipeline in pipelines.values():
        pipeline.to(dtype=dtype)
    clip_score = make_clip(folder, source / "tokenizer" / "sd15")
    (folder / "captions.txt").write_text("\n".join(prompts) + "\n", encoding="utf-8")
    experiment = experiment_file(folder, "captions.txt", PROMPTS)

    def ours():
        store = folder / "table.sqlite"
        for old in folder.glob("table.*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        start = time.perf_counter()
        subprocess.run([str(args.bin / "fewstep"), "run", str(experiment), "--store", str(store), "--batch", str(BATCH),
                        "--dtype", str(dtype).removeprefix("torch.")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - start

    def theirs():
        start = time.perf_counter()
        with torch.inference_mode():
            reference_table(pipelines, clip_score, prompts)
        return time.perf_counter() - start

    pairs = [(theirs(), ours()) for _ in range(max(1, args.rounds - 2))]
    return [p[0] for p in pairs], [p[1] for p in pairs]
