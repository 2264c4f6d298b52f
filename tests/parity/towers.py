#!/usr/bin/env python3
"""Every network against diffusers, transformers and pytorch-fid at full size, with random weights made on the spot.

usage: towers.py --bin build/release/bin [--only text_sd15,vae,…] [--device cuda:0]
One network at a time: at most 4 GB on disk and 8 GB of memory.
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
from references import _hashed_weights as hashed  # noqa: E402
from references._tiny import write_tiny_tokenizer  # noqa: E402
from references.towers import inception, randomise  # noqa: E402

TOWER_BOUND, VAE_BOUND, OMEGA_BOUND = 1e-5, 3e-5, 1e-6


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape) + shape[-1]))


def text(folder, config):
    from transformers import CLIPTextConfig, CLIPTextModel
    model = randomise(CLIPTextModel(CLIPTextConfig(**config)), 1)
    model.save_pretrained(folder)
    ids = torch.randint(0, 49406, (2, 77), generator=torch.Generator().manual_seed(2))
    ids[:, 0], ids[:, 30:] = 49406, 49407
    return "text", folder, {"ids": ids}, lambda: {"states": model(ids).last_hidden_state}, TOWER_BOUND


def clip(folder):
    from transformers import CLIPConfig, CLIPModel
    model = randomise(CLIPModel(CLIPConfig()), 3)  # ViT-B/32, Transformers' default
    model.save_pretrained(folder)
    write_tiny_tokenizer(folder)
    ids = torch.randint(0, 49406, (2, 77), generator=torch.Generator().manual_seed(4))
    ids[:, 20:] = 49407
    pixels = random(2, 3, 224, 224)
    return "clip", folder, {"ids": ids, "pixels": pixels}, lambda: {
        "text_embedding": model.get_text_features(ids).pooler_output,
        "image_embedding": model.get_image_features(pixels).pooler_output}, TOWER_BOUND


def vae(folder, size=64):
    from diffusers import AutoencoderKL
    model = randomise(AutoencoderKL(**sizes.SD_VAE), 5)
    model.save_pretrained(folder)
    latents, images = random(1, 4, size, size), random(1, 3, 8 * size, 8 * size).clamp(-1, 1)

    def expected():
        posterior = model.encode(images).latent_dist
        return {"decoded": model.decode(latents / model.config.scaling_factor).sample, "mean": posterior.mean,
                "logvar": posterior.logvar}

    return "vae", folder, {"latents": latents, "images": images}, expected, VAE_BOUND


def inception_v3(folder):
    model, shapes = inception(hashed.inception_weights)
    save_file(hashed.inception_weights(shapes), folder / "inception.safetensors")
    images = torch.from_numpy(hashed.images(4, 299))
    return ("inception", folder / "inception.safetensors", {"images": images}, lambda: {"features": model(images)[0][:, :, 0, 0]},
            TOWER_BOUND)


def unet(folder, config):
    from diffusers import UNet2DConditionModel
    model = randomise(UNet2DConditionModel(**config), 6)
    model.save_pretrained(folder, max_shard_size="2GB")
    size = config["sample_size"]
    inputs = {"x": random(1, 4, size, size), "time": torch.tensor([601.0]), "context": random(1, 77, config["cross_attention_dim"])}
    if "time_cond_proj_dim" in config:
        inputs["omega_embedding"] = random(1, config["time_cond_proj_dim"])
    return "unet", folder, inputs, lambda: {
        "out": model(inputs["x"], inputs["time"], inputs["context"], timestep_cond=inputs.get("omega_embedding")).sample}, TOWER_BOUND


def omega(folder):
    from diffusers import LatentConsistencyModelPipeline as Pipeline
    values = torch.tensor([0.0, 0.5, 1.0, 2.5, 6.5, 7.0, 8.0, 13.9])
    return "omega", folder, {"omega": values, "dim": torch.tensor(256)}, lambda: {
        "embedding": Pipeline.get_guidance_scale_embedding(None, values, embedding_dim=256)}, OMEGA_BOUND


CASES = {
    "text_sd15": lambda folder: text(folder, sizes.SD15_TEXT), "text_sd21": lambda folder: text(folder, sizes.SD21_TEXT),
    "clip_b32": clip, "inception": inception_v3, "vae": vae, "omega": omega,
    "unet_sd15": lambda folder: unet(folder, sizes.SD15_UNET), "unet_lcm": lambda folder: unet(folder, sizes.LCM_UNET),
    "unet_sd21": lambda folder: unet(folder, dict(sizes.SD21_UNET, sample_size=64)),
}


def check(name, args):
    """Makes the network, runs both sides, prints max |difference| / max |reference| of each output."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        kind, path, inputs, expected, bound = CASES[name](folder)
        with torch.inference_mode():
            reference = expected()
        del expected
        gc.collect()
        save_file(inputs, folder / "inputs.safetensors")
        subprocess.run([args.bin / "fewstep_parity_towers", kind, path, folder / "inputs.safetensors",
                        folder / "outputs.safetensors", "float32", args.device], check=True)
        ours = load_file(folder / "outputs.safetensors")
    ok = True
    for output, value in reference.items():
        difference = float((ours[output] - value).abs().max() / value.abs().max())
        ok &= difference <= bound  # false for NaN
        print(f"{name:10s} {output:16s} {difference:.2e} (bound {bound:.0e}){'' if difference <= bound else '  OUT OF BOUNDS'}",
              flush=True)
    return ok


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    results = [check(name, args) for name in args.only.split(",")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
