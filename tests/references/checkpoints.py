"""Tiny but complete pipelines in diffusers layout with random weights: every supported architecture at a few hundred kilobytes.

They make images of 16×16 pixels that mean nothing. Biases and norms are random too, so that a forgotten one shows.
"""
import pathlib
import shutil

import torch
from references._tiny import write_tiny_tokenizer

SCHEDULE = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, num_train_timesteps=1000)
UNET = dict(sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16, 16, 16), layers_per_block=1,
            norm_num_groups=4, cross_attention_dim=16, attention_head_dim=2,
            down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)
UNETS = {
    "sd15": UNET,
    "sd21-v": dict(UNET, attention_head_dim=(1, 2, 4, 4), use_linear_projection=True),
    "lcm": dict(UNET, time_cond_proj_dim=32),
    "guided-distill": dict(UNET, time_cond_proj_dim=32),
    "lcm-lora": UNET,
}
VAE = dict(block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=16,
           down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, scaling_factor=0.18215)


def randomize(module, seed):
    """Every parameter from the seed alone: norms around 1, biases around 0, weights of variance 1 per output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:
                parameter.copy_(0.2 * noise + (1 if name.endswith("weight") else 0))
            else:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
    return module.eval()


def scheduler_of(name):
    from diffusers import DDIMScheduler, LCMScheduler
    if name.startswith("lcm"):
        return LCMScheduler(**SCHEDULE)
    return DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=True, steps_offset=1, timestep_spacing="trailing",
                         prediction_type="v_prediction" if name == "sd21-v" else "epsilon")


def make_pipeline(name, tokenizer_folder):
    from diffusers import (AutoencoderKL, LatentConsistencyModelPipeline, StableDiffusionPipeline, UNet2DConditionModel)
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=16, hidden_act="gelu" if name == "sd21-v" else "quick_gelu", projection_dim=16,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    parts = dict(vae=randomize(AutoencoderKL(**VAE), 1), text_encoder=randomize(text, 2), tokenizer=tokenizer,
                 unet=randomize(UNet2DConditionModel(**UNETS[name]), 3), scheduler=scheduler_of(name), safety_checker=None,
                 feature_extractor=None, requires_safety_checker=False)
    # Students with an LCM-LoRA merged have no omega embedding and run in the plain pipeline.
    kind = LatentConsistencyModelPipeline if name == "lcm" else StableDiffusionPipeline
    pipe = kind(**parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def make(folder: pathlib.Path):
    for name in UNETS:
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        write_tiny_tokenizer(target / "tokenizer", pad="!" if name == "sd21-v" else "<|endoftext|>", model_max_length=16)
        kept = {file.name: file.read_bytes() for file in (target / "tokenizer").iterdir()}
        make_pipeline(name, target / "tokenizer").save_pretrained(target)
        # The published checkpoints have the tokenizer's files in this older form; Transformers 5 would write another.
        shutil.rmtree(target / "tokenizer")
        (target / "tokenizer").mkdir()
        for file, content in kept.items():
            (target / "tokenizer" / file).write_bytes(content)
