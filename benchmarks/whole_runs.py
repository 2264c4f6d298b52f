#!/usr/bin/env python3
"""Whole runs of fewstep: what sharing saves on the pocket table, how long no network runs, and what memory ten times the prompts take.

usage: whole_runs.py --bin build/release/bin [--only sharing,waiting,memory,threads,load] [--rounds 3] [--prompts 400] [--device cpu]
sharing: the pocket table's quality pass with sharing and without, in turns; results have to be equal to the bit (on a CPU).
waiting: 12 images at 512 x 512 of a random LCM of SD 1.5's size (about 4 GB in a temporary folder), one step, FID's features, CLIP score, kept images.
threads: 64 captions with two threads against one, in turns. load: 16 captions, the same beside a process that keeps one CPU busy; --rounds 15.
"""
import argparse
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "parity"), str(ROOT / "benchmarks")]
BOUNDS = {"sharing": 1.35, "waiting": 5.0, "memory": 1.05, "threads": 0.65, "load": 1.05}


def pocket_without_timing(folder):
    text = (ROOT / "experiments" / "pocket.toml").read_text()
    text = re.sub(r"\[timing\]\n(?:[^\[]*\n)*?\n", "", text).replace("../pocket", str(ROOT / "pocket"))
    path = folder / "pocket.toml"
    path.write_text(text)
    return path


def run(args, experiment, store, *options, environment=None):
    """Seconds of the process, what it says of itself, and its largest resident memory so far."""
    for old in store.parent.glob(store.stem + ".*"):
        if old.suffix != ".toml":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    start = time.perf_counter()
    done = subprocess.run([str(args.bin / "fewstep"), "run", str(experiment), "--store", str(store), "--device", args.device, *options],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    if done.returncode:
        raise SystemExit(done.stderr)
    said = next(line for line in done.stderr.splitlines() if line.startswith("computed "))
    return time.perf_counter() - start, said


def results(store):
    database = sqlite3.connect(store)
    samples = database.execute("SELECT identity, prompt.row, image_index, forwards, image_sha256, latents FROM sample JOIN series ON "
                               "series.id = series_id JOIN prompt ON prompt.id = prompt_id ORDER BY 1, 2, 3").fetchall()
    scores = database.execute("SELECT identity, metric_id, value, standard_error, flags, influence FROM score JOIN series ON "
                              "series.id = series_id ORDER BY 1, 2").fetchall()
    return samples, scores


def sharing(args, folder):
    experiment, limit = pocket_without_timing(folder), ("--limit", str(args.prompts))
    shared, alone, ratios = folder / "shared.sqlite", folder / "alone.sqlite", []
    for _ in range(args.rounds):
        first, said = run(args, experiment, shared, *limit)
        second, said_alone = run(args, experiment, alone, *limit, "--no-sharing")
        ratios.append(second / first)
    print(f"pocket table, {args.prompts} prompts: {first:.1f} s with sharing, {second:.1f} s without")
    print(f"  with:    {said}\n  without: {said_alone}")
    samples, scores = results(shared)
    equal = (samples, scores) == results(alone)
    print(f"  {len(samples)} samples and {len(scores)} scores are {'equal to the bit' if equal else 'DIFFERENT'}")
    if args.device == "cpu" and not equal:
        raise SystemExit("results differ")
    return statistics.median(ratios), "times as fast with sharing"


def waiting_share(said):
    return float(re.search(r"no network ([\d.]+) %", said).group(1))


def waiting(args, folder):
    import torch
    from safetensors.torch import save_file
    from diffusers_table import make_clip
    from full_size_sample import make_pipeline
    from references import _hashed_weights as hashed
    from references.towers import inception
    worst = waiting_share(run(args, pocket_without_timing(folder), folder / "small.sqlite", "--limit", str(args.prompts))[1])
    print(f"pocket table, {args.prompts} prompts: no network for {worst} % of the time")
    make_pipeline("lcm").save_pretrained(folder / "lcm", max_shard_size="20GB")
    tokenizer = ROOT / "tests" / "golden" / "tokenizer" / "sd15"
    make_clip(folder, tokenizer)
    shapes = inception(hashed.inception_weights)[1]
    save_file({name: tensor.contiguous() for name, tensor in hashed.inception_weights(shapes).items()}, folder / "inception.safetensors")
    torch.manual_seed(2)
    features = torch.randn(4096, 2048, dtype=torch.float64)
    import numpy as np
    np.savez(folder / "reference.npz", mu=features.mean(0).numpy(), sigma=np.cov(features.numpy(), rowvar=False))
    (folder / "large.toml").write_text(f'''name = "large"
seed = 1
[prompts]
file = "{ROOT / "tests" / "golden" / "prompts" / "coco2014_captions.tsv"}"
count = 12
[reference]
statistics = "reference.npz"
assume_protocol = true
[[checkpoint]]
name = "lcm"
path = "lcm"
samplers = ["lcm"]
[grid]
steps = [1]
omega = [7.0]
[[metric]]
name = "fid"
weights = "inception.safetensors"
[[metric]]
name = "clip-score"
protocol = "transformers"
model = "clip"
[images]
keep = true
''')
    seconds, said = run(args, folder / "large.toml", folder / "large.sqlite")
    print(f"12 images at 512 x 512 in {seconds:.1f} s: {said}")
    return max(worst, waiting_share(said)), "% of the time without a network"


def memory(args, folder):
    experiment, peaks = pocket_without_timing(folder), []
    for prompts in (args.prompts // 4, args.prompts // 4 * 10):
        run(args, experiment, folder / "memory.sqlite", "--limit", str(prompts))
        peaks.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)  # of the largest child so far
        print(f"pocket table, {prompts} prompts: {peaks[-1]:.0f} MB at most")
    return peaks[1] / peaks[0], "times the memory for ten times the prompts"


def two_against_one(args, folder, *options):
    experiment, ratios = pocket_without_timing(folder), []
    for _ in range(args.rounds):
        one, two = (run(args, experiment, folder / "threads.sqlite", *options, environment={"OMP_NUM_THREADS": n})[0] for n in ("1", "2"))
        ratios.append(two / one)
        print(f"  {two:.2f} s with two threads, {one:.2f} s with one", flush=True)
    print(f"ratios of {len(ratios)} pairs: {min(ratios):.3f} to {max(ratios):.3f}")
    return statistics.median(ratios)


def two_against_one_idle(args, folder):
    return two_against_one(args, folder, "--limit", "64"), "of one thread's time with two"


def load(args, folder):
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        return two_against_one(args, folder, "--limit", "16", "--only", "steps=1,2,4"), "of one thread's time with two, beside a busy process"
    finally:
        busy.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="memory,sharing,waiting")  # memory first: it sees the largest child so far
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    beyond = []
    for part in args.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            value, what = {"sharing": sharing, "waiting": waiting, "memory": memory, "threads": two_against_one_idle, "load": load}[part](args, pathlib.Path(folder))
        met = value >= BOUNDS[part] if part == "sharing" else value <= BOUNDS[part]
        print(f"{part}: {value:.2f} {what} (bound {BOUNDS[part]})", flush=True)
        beyond += [] if met else [part]
    if beyond:
        sys.exit(f"beyond the bound: {', '.join(beyond)}")


if __name__ == "__main__":
    main()
