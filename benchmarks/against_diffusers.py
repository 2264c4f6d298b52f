#!/usr/bin/env python3
"""Side-by-side speed ratios: fewstep against the public Python packages, alternating in one run, medians of several.

usage: against_diffusers.py --bin build/release/bin [--only unet,vae,frechet,training,table] [--rounds 5] [--json FILE]
Random weights of SD 1.5's size are made in a temporary folder (about 4 GB). A ratio below 1 means that fewstep is faster.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

BOUNDS = {"unet float32": 0.58, "unet bfloat16": 0.72, "vae decode float32": 0.58, "vae decode bfloat16": 0.72,
          "table float32": 1 / 2, "table bfloat16": 1 / 1.7, "frechet 2048": 1 / 10, "lcd step pocket": 1.1, "lcd step middle": 1.1}
rows = []


def record(name, reference, ours):
    """reference, ours: seconds of alternating rounds."""
    row = {"name": name, "reference_s": statistics.median(reference), "fewstep_s": statistics.median(ours),
           "rounds": len(ours), "bound": BOUNDS[name]}
    row["ratio"] = statistics.median(o / r for o, r in zip(ours, reference))
    rows.append(row)
    print(f"{name:22s} reference {row['reference_s']:8.3f} s   fewstep {row['fewstep_s']:8.3f} s   "
          f"ratio {row['ratio']:.2f} (bound {row['bound']:.2f}, {row['rounds']} rounds)", flush=True)


class Server:
    """fewstep_forward or fewstep_training_step: one line per call, answers with the milliseconds of the work alone."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, *files):
        self.process.stdin.write(" ".join(str(f) for f in files) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the server stopped with {self.process.wait()}")
        return float(line) / 1e3

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def alternate(rounds, reference, ours):
    reference(), ours()  # warm-up: packing, caches, page faults
    pairs = [(reference(), ours()) for _ in range(rounds)]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def timed(function):
    start = time.perf_counter()
    with torch.inference_mode():
        function()
    return time.perf_counter() - start


def network(args, folder, kind, name, module, inputs, call):
    from safetensors.torch import save_file
    folder.mkdir(parents=True, exist_ok=True)
    module.save_pretrained(folder, safe_serialization=True, max_shard_size="20GB")
    save_file(inputs, folder / "in.safetensors")
    for dtype in (torch.float32, torch.bfloat16):
        module = module.to(dtype)
        cast = {k: v.to(dtype) if v.is_floating_point() and k != "time" else v for k, v in inputs.items()}
        server = Server(args.bin / "fewstep_forward", kind, folder, str(dtype).removeprefix("torch."))
        record(f"{name} {str(dtype).removeprefix('torch.')}",
               *alternate(args.rounds, lambda: timed(lambda: call(module, cast)),
                          lambda: server.seconds(folder / "in.safetensors", folder / "out.safetensors")))
        server.close()


def unet(args, folder):
    from diffusers import UNet2DConditionModel
    from references._full_size import SD15_UNET
    torch.manual_seed(0)
    module = UNet2DConditionModel(**SD15_UNET).eval()
    inputs = {"x": torch.randn(1, 4, 64, 64), "time": torch.tensor([499.0]), "context": torch.randn(1, 77, 768)}
    network(args, folder / "unet", "unet", "unet", module, inputs,
            lambda m, i: m(i["x"], i["time"], i["context"]).sample)


def vae(args, folder):
    from diffusers import AutoencoderKL
    from references._full_size import SD_VAE
    torch.manual_seed(0)
    module = AutoencoderKL(**SD_VAE).eval()
    inputs = {"latents": torch.randn(1, 4, 64, 64)}
    scale = SD_VAE["scaling_factor"]
    network(args, folder / "vae", "vae-decode", "vae decode", module, inputs,
            lambda m, i: m.decode(i["latents"] / scale).sample)


def frechet(args, folder):
    """pytorch-fid's own function, whose cost is scipy.linalg.sqrtm, against the same two sets of statistics."""
    import numpy as np
    from pytorch_fid.fid_score import calculate_frechet_distance
    generator = np.random.default_rng(0)
    features = [generator.normal(size=(4096, 2048)) @ np.diag(generator.uniform(0.2, 2, 2048)) for _ in range(2)]
    moments = [(f.mean(0), np.cov(f, rowvar=False)) for f in features]
    files = []
    for index, (mu, sigma) in enumerate(moments):
        files.append(folder / f"statistics-{index}.npz")
        np.savez(files[-1], mu=mu, sigma=sigma)
    server = Server(args.bin / "fewstep_forward", "frechet", "-", "float32")
    reference = lambda: timed(lambda: calculate_frechet_distance(*moments[0], *moments[1]))
    record("frechet 2048", *alternate(2, reference, lambda: server.seconds(*files)))
    server.close()


class LcdStep:
    """The same training step in PyTorch and diffusers, as diffusers' train_lcm_distill scripts take it (both teacher forwards in one batch).
    bfloat16: autocast, as there."""

    def __init__(self, teacher, bfloat16=False):
        import copy

        from diffusers import DDIMScheduler, UNet2DConditionModel
        self.teacher, self.bfloat16, device = teacher.requires_grad_(False), bfloat16, teacher.device
        self.student = UNet2DConditionModel(**dict(teacher.config, time_cond_proj_dim=64)).train().to(device)
        self.student.load_state_dict(teacher.state_dict(), strict=False)
        self.target = copy.deepcopy(self.student).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.student.parameters(), lr=1e-5)
        alpha_bar = DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012).alphas_cumprod
        self.alpha, self.sigma = alpha_bar.sqrt().to(device), (1 - alpha_bar).sqrt().to(device)

    def consistency(self, net, z, times, states, embedding):
        alpha, sigma = self.alpha[times].view(-1, 1, 1, 1), self.sigma[times].view(-1, 1, 1, 1)
        x0 = (z - sigma * net(z, times, states, timestep_cond=embedding).sample) / alpha
        scaled = times.view(-1, 1, 1, 1) * 10.0
        return 0.25 / (scaled**2 + 0.25) * z + scaled / (scaled**2 + 0.25).sqrt() * x0

    def loss(self, i):
        from diffusers import LatentConsistencyModelPipeline as Pipeline
        start = 20 * (i["index"] + 1) - 1
        end = (start - 20).clamp_min(0)
        at = lambda values, times: values[times].view(-1, 1, 1, 1)  # noqa: E731
        embedding = Pipeline.get_guidance_scale_embedding(None, i["omega"].cpu(), embedding_dim=64).to(i["omega"].device)
        z = at(self.alpha, start) * i["x0"] + at(self.sigma, start) * i["noise"]
        prediction = self.consistency(self.student, z, start, i["states"], embedding)
        with torch.no_grad():
            states = torch.cat([i["negative"].expand_as(i["states"]), i["states"]])
            uncond, cond = self.teacher(torch.cat([z, z]), torch.cat([start, start]), states).sample.chunk(2)
            eps = uncond + (1 + i["omega"]).view(-1, 1, 1, 1) * (cond - uncond)
            x0 = (z - at(self.sigma, start) * eps) / at(self.alpha, start)
            previous = at(self.alpha, end) * x0 + at(self.sigma, end) * eps
            wanted = self.consistency(self.target, previous, end, i["states"], embedding)
        return (((prediction - wanted)**2 + 1e-6).sqrt() - 1e-3).mean()

    def __call__(self, i):
        with torch.autocast(self.teacher.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss = self.loss(i)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        torch._foreach_lerp_(list(self.target.parameters()), list(self.student.parameters()), 0.05)


def training(args, folder):
    from diffusers import UNet2DConditionModel
    from safetensors.torch import save_file
    pocket = dict(sample_size=8, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), mid_block_type=None,
                  up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), block_out_channels=(64, 96), layers_per_block=1,
                  cross_attention_dim=64, attention_head_dim=4, norm_num_groups=16)
    middle = dict(pocket, sample_size=32, block_out_channels=(128, 256), layers_per_block=2, cross_attention_dim=256,
                  attention_head_dim=8, norm_num_groups=32, mid_block_type="UNetMidBlock2DCrossAttn")
    for name, config, batch, tokens in (("pocket", pocket, 64, 16), ("middle", middle, 4, 77)):
        torch.manual_seed(0)
        teacher = UNet2DConditionModel(**config)
        place = folder / f"teacher-{name}"
        teacher.save_pretrained(place)
        size, width = config["sample_size"], config["cross_attention_dim"]
        inputs = {"x0": torch.randn(batch, 4, size, size), "noise": torch.randn(batch, 4, size, size),
                  "states": torch.randn(batch, tokens, width), "negative": torch.randn(1, tokens, width),
                  "omega": torch.rand(batch) * 3, "index": torch.randint(0, 50, (batch,))}
        save_file(inputs, place / "in.safetensors")
        step, server = LcdStep(teacher), Server(args.bin / "fewstep_training_step", place)

        def reference():
            start = time.perf_counter()
            step(inputs)
            return time.perf_counter() - start
        record(f"lcd step {name}", *alternate(2 * args.rounds, reference, lambda: server.seconds(place / "in.safetensors")))
        server.close()


def table(args, folder):
    from diffusers_table import compare_tables
    for dtype in (torch.float32, torch.bfloat16):
        place = folder / str(dtype).removeprefix("torch.")
        place.mkdir()
        record(f"table {place.name}", *compare_tables(args, place, dtype))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="unet,vae,frechet,training,table")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    print(f"{cpu}, {os.cpu_count()} cores, torch {torch.__version__} with {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as temporary:
        for part in args.only.split(","):
            {"unet": unet, "vae": vae, "frechet": frechet, "table": table, "training": training}[part](args, pathlib.Path(temporary))
    if args.json:
        args.json.write_text(json.dumps({"cpu": cpu, "cores": os.cpu_count(), "rows": rows}, indent=1) + "\n")
    slow = [r["name"] for r in rows if r["ratio"] > r["bound"]]
    if slow:
        sys.exit(f"slower than the bound: {', '.join(slow)}")


if __name__ == "__main__":
    main()
