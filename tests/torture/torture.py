#!/usr/bin/env python3
"""Kills and faults over a cut of the pocket experiment: what goes on afterwards has to be what was never stopped.

usage: torture.py --bin build/release/bin [--parts kills,points,faults,alone,gone,two] [--kills 1000] [--passages 200] [--minutes 20] [--log FILE]
  kills   SIGKILL at random moments, 5 to 10 for each run, before it is let finish
  points  SIGKILL at each named point (core/fault_point.h), at its n-th passage, so many times for each point
  faults  a full disk, an I/O error and a short write at every call that writes below the run's folder
  alone   the .sqlite of a killed run is copied without its log: the copy is whole but for the last cell, or every command names the log
  gone    features or images are missing: the same run makes them again
  two     a second process on the same store
Each part goes on where the log ends, and stops after so many minutes; again until it says "done". QUICK=1: a few of each, in three minutes, no log.
After each run its store is compared with that of a run that nothing stopped: samples, rows, scores to the bit; and no file is there that the store does not
name. Exit code 1 where something differs.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POINTS = ["denoise", "decode", "measure", "file written", "file synced", "file renamed", "features written", "before commit", "after commit", "log emptied"]
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1")  # two runs at a time on two cores
CUT = ["--limit", "32", "--batch", "8"]
LESS = ["--limit", "8", "--batch", "2", "--only", "steps=1,2,4 sampler=lcm"]
SMALL = ["--limit", "4", "--batch", "2", "--only", "steps=1,2 sampler=lcm"]


class Torture:
    def __init__(self, args, folder):
        self.args, self.folder, self.lock = args, folder, threading.Lock()
        text = (ROOT / "experiments" / "pocket.toml").read_text()
        text = re.sub(r"\[timing\]\n(?:[^\[]*\n)*?\n", "", text).replace("../pocket", str(ROOT / "pocket"))
        self.experiment = folder / "pocket.toml"
        self.experiment.write_text(text)
        self.expected = {}
        self.differences = []
        self.end = time.time() + 60 * args.minutes

    def command(self, program, place, options):
        return [str(self.args.bin / program), "run", str(self.experiment), "--store", str(place / "run.sqlite"), "--device", "cpu", *options]

    def run(self, place, options, environment=None):
        place.mkdir(exist_ok=True)
        return subprocess.run(self.command("fewstep-engine", place, options), env={**ENVIRONMENT, **(environment or {})}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)

    def reference(self, options):
        key = " ".join(options)
        with self.lock:
            if key not in self.expected:
                place = self.folder / f"whole{len(self.expected)}"
                done = self.run(place, options)
                assert done.returncode == 0, done.stderr
                self.expected[key] = results(place)
        return self.expected[key]

    def check(self, place, options, what):
        """A run that is let finish, and what is left of it."""
        done = self.run(place, options)
        trouble = f"exit code {done.returncode}: {done.stderr[-300:]}" if done.returncode else ""
        if not trouble and results(place) != self.reference(options):
            trouble = "other results"
        if not trouble and (left := orphans(place)):
            trouble = f"files that nothing names: {left[:3]}"
        if trouble:
            self.differences.append(f"{what}: {trouble}")
        shutil.rmtree(place)
        return not trouble


def results(place):
    database = sqlite3.connect(place / "run.sqlite")
    key = "identity, prompt.row, image_index"
    of_sample = "FROM sample JOIN series ON series.id = series_id JOIN prompt ON prompt.id = prompt_id"
    samples = database.execute(f"SELECT {key}, sample.seed, forwards, image_sha256, image_path <> '', hex(fingerprint), latents, tripped {of_sample} ORDER BY 1, 2, 3")
    rows = database.execute(f"SELECT {key}, metric_id, value, recomputed {of_sample} JOIN sample_metric ON sample_id = sample.id ORDER BY 1, 2, 3, 4")
    features = database.execute(f"SELECT {key}, metric_id, hash, sample_feature.row {of_sample} JOIN sample_feature ON sample_id = sample.id "
                                "JOIN feature_block ON block_id = feature_block.id ORDER BY 1, 2, 3, 4")
    scores = database.execute("SELECT identity, metric_id, value, standard_error, flags, influence FROM score JOIN series ON series.id = series_id "
                              "WHERE run_id = (SELECT max(id) FROM run) ORDER BY 1, 2")
    cells = database.execute("SELECT position, state, images_sha256, latents_sha256 FROM run_cell WHERE run_id = (SELECT max(id) FROM run) ORDER BY 1")
    integrity = database.execute("PRAGMA integrity_check")
    return [part.fetchall() for part in (samples, rows, features, scores, cells, integrity)]


def orphans(place):
    database = sqlite3.connect(place / "run.sqlite")
    named = {f"run.features/{name}.safetensors" for (name,) in database.execute("SELECT hash FROM feature_block")}
    named |= {name for (name,) in database.execute("SELECT image_path FROM sample")} | {"run.images/captions.csv"}
    found = {str(path.relative_to(place)) for folder in ("run.features", "run.images") for path in (place / folder).glob("*")}
    return sorted(found - named)


def kill_round(torture, number):
    """Some SIGKILLs at random moments of one run; returns how many hit."""
    chance, place, hits = random.Random(f"kills {number}"), torture.folder / f"kills{number}", 0
    place.mkdir()
    for _ in range(chance.randint(5, 10)):
        process = subprocess.Popen(torture.command("fewstep-engine", place, CUT), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        hits += process.wait() == -signal.SIGKILL
    torture.check(place, CUT, f"kills, round {number}")
    return hits


def point_round(torture, point, number):
    """Ten deaths at one point, each at another passage of it; returns how many came."""
    chance, place, hits = random.Random(f"{point} {number}"), torture.folder / f"{point.replace(' ', '-')}{number}", 0
    place.mkdir()
    for _ in range(10):
        environment = {"FEWSTEP_DIE_AT": f"{point}:{chance.randint(1, 8)}"}
        done = subprocess.run(torture.command("fewstep_torture_run", place, CUT), env={**ENVIRONMENT, **environment}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        hits += done.returncode == -signal.SIGKILL
        if done.returncode not in (0, -signal.SIGKILL):
            torture.differences.append(f"{point}, round {number}: exit code {done.returncode}: {done.stderr[-300:]}")
    torture.check(place, CUT, f"{point}, round {number}")
    return hits


def faulty(torture, place, kind, at):
    count = place / "calls"
    place.mkdir(exist_ok=True)
    (place / "store").mkdir(exist_ok=True)
    environment = {"LD_PRELOAD": str(torture.args.bin / "libfewstep_faults.so"), "FAULTS_FOLDER": str(place / "store"), "FAULTS_KIND": kind, "FAULTS_AT": str(at),
                   "FAULTS_COUNT": str(count)}
    done = torture.run(place / "store", SMALL, environment)
    return done, int(count.read_text()) if count.exists() else 0


def writes_of_a_run(torture):
    done, calls = faulty(torture, torture.folder / "counted", "none", 0)
    assert done.returncode == 0 and calls > 50, (done.stderr, calls)
    return calls


def fault_round(torture, kind, at):
    """One fault at one call, and the run that goes on; returns whether the fault was met by an error of its own."""
    place = torture.folder / f"{kind}{at}"
    done, _ = faulty(torture, place, kind, at)
    good = done.returncode == 0 or (done.returncode in (3, 4) and "error: [" in done.stderr and kind != "short")
    if not good:
        torture.differences.append(f"{kind} at call {at}: exit code {done.returncode}: {done.stderr[-300:]}")
    torture.check(place / "store", SMALL, f"{kind} at call {at}")
    return done.returncode != 0


def alone_round(torture, number):
    """The .sqlite of a killed run is copied without its log; returns whether the copy was refused."""
    chance, place, alone = random.Random(f"alone {number}"), torture.folder / f"alone{number}", torture.folder / f"copy{number}"
    point = chance.choice(["denoise", "features written", "before commit", "after commit", "log emptied"])
    environment = {**ENVIRONMENT, "FEWSTEP_DIE_AT": f"{point}:{chance.randint(1, 4)}"}
    place.mkdir()
    subprocess.run(torture.command("fewstep_torture_run", place, LESS), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    alone.mkdir()
    shutil.copy(place / "run.sqlite", alone)
    shutil.rmtree(place)
    done = torture.run(alone, LESS)
    if done.returncode == 3 and "expected its log run.sqlite-wal" in done.stderr:
        database = sqlite3.connect(alone / "run.sqlite")
        with database:
            database.execute("UPDATE log_binding SET awaits_log = 0")
        database.close()
        torture.check(alone, LESS, f"alone, round {number}, after its log was given up")
        return True
    if done.returncode:
        torture.differences.append(f"alone, round {number}: exit code {done.returncode}: {done.stderr[-300:]}")
    torture.check(alone, LESS, f"alone, round {number}")
    return False


def gone_round(torture, number):
    """Features or images of a run are removed, some of them or all, before, or after, it was killed; returns whether any were."""
    chance, place = random.Random(f"gone {number}"), torture.folder / f"gone{number}"
    place.mkdir()
    if chance.random() < 0.5:
        torture.run(place, LESS)
    else:
        environment = {**ENVIRONMENT, "FEWSTEP_DIE_AT": f"after commit:{chance.randint(1, 6)}"}
        subprocess.run(torture.command("fewstep_torture_run", place, LESS), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    removed = 0
    for folder in chance.choice([["run.features"], ["run.images"], ["run.features", "run.images", "run.references"]]):
        files = sorted((place / folder).glob("*"))
        if chance.random() < 0.5:
            shutil.rmtree(place / folder, ignore_errors=True)
        else:
            files = [file for file in files if chance.random() < 0.4]
            for file in files:
                file.unlink()
        removed += len(files)
    torture.check(place, LESS, f"gone, round {number}")
    return removed > 0


def two_round(torture, number):
    """A second process while the first runs: one of the two is refused, and the first one's results stand."""
    place = torture.folder / f"two{number}"
    place.mkdir()
    first = subprocess.Popen(torture.command("fewstep-engine", place, CUT), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (place / "run.sqlite-lock").exists():
        time.sleep(0.01)
    time.sleep(random.Random(number).uniform(0, 1.5))
    second = torture.run(place, CUT)
    refused = second.returncode == 4 and "run.sqlite" in second.stderr
    if first.wait() != 0 or not refused:
        torture.differences.append(f"two processes: {first.returncode} and {second.returncode}: {second.stderr[-300:]}")
    torture.check(place, CUT, f"two processes, round {number}")
    return refused


def logged(log, name):
    """How much of a part earlier calls did, by the last number of its lines."""
    if not log or not log.exists():
        return []
    return [line.split("\t") for line in log.read_text().splitlines() if line.split("\t")[0] == name]


def work(torture, name, rounds, do, wanted=None):
    """Goes through rounds, two at a time, from where the log ends; wanted: enough hits. Returns hits and whether it is done."""
    before = logged(torture.args.log, name)
    done, hits = {int(line[1]) for line in before}, sum(int(line[2]) for line in before)
    todo = iter([number for number in rounds if number not in done])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running, exhausted = {}, False
        while True:
            while not exhausted and len(running) < 2:
                enough = wanted is not None and hits >= wanted
                number = None if enough or time.time() > torture.end else next(todo, None)
                exhausted = number is None
                if not exhausted:
                    running[pool.submit(do, number)] = number
            if not running:
                break
            finished = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done
            for future in finished:
                number = running.pop(future)
                hit = int(future.result())
                hits += hit
                done.add(number)
                if torture.args.log:
                    with torture.lock, open(torture.args.log, "a") as log:
                        log.write(f"{name}\t{number}\t{hit}\t{len(torture.differences)}\n")
    return hits, len(done), (wanted is not None and hits >= wanted) or (wanted is None and all(n in done for n in rounds))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--parts", default="kills,points,faults,alone,gone,two")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--every", type=int, default=1, help="of the calls that write, every so many")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--log", type=pathlib.Path)
    args = parser.parse_args()
    args.bin = args.bin.resolve()
    if os.environ.get("QUICK"):
        args.kills, args.passages, args.every, args.log = 6, 5, 40, None
    finished = True
    with tempfile.TemporaryDirectory() as folder:
        torture = Torture(args, pathlib.Path(folder))
        for part in args.parts.split(","):
            if part == "kills":
                hits, rounds, over = work(torture, "kills", range(10_000), lambda n: kill_round(torture, n), args.kills)
                print(f"kills at random moments: {hits} in {rounds} runs", flush=True)
                finished &= over
            elif part == "points":
                for point in POINTS:
                    hits, rounds, over = work(torture, point, range(10_000), lambda n: point_round(torture, point, n), args.passages)
                    print(f"killed at '{point}': {hits} times in {rounds} runs", flush=True)
                    finished &= over
            elif part == "faults":
                calls = writes_of_a_run(torture)
                for kind in ("enospc", "eio", "short"):
                    hits, rounds, over = work(torture, kind, range(1, calls + 1, args.every), lambda n: fault_round(torture, kind, n))
                    print(f"{kind} at {rounds} of {calls} calls that write: {hits} runs ended with an error", flush=True)
                    finished &= over
            elif part in ("alone", "gone"):
                rounds = range(4 if os.environ.get("QUICK") else 50)
                hits, rounds, over = work(torture, part, rounds, lambda n: (alone_round if part == "alone" else gone_round)(torture, n))
                print(f"the .sqlite of a killed run alone: {rounds} runs, {hits} refused for their log" if part == "alone" else
                      f"features or images missing: {hits} of {rounds} runs", flush=True)
                finished &= over
            elif part == "two":
                hits, rounds, over = work(torture, "two", range(2 if os.environ.get("QUICK") else 20), lambda n: two_round(torture, n))
                print(f"a second process on the store: refused {hits} times of {rounds}", flush=True)
                finished &= over
        for difference in torture.differences[:10]:
            print(f"DIFFERS: {difference}")
        print(f"{len(torture.differences)} differences; {'done' if finished else 'not done: run it again'}")
        sys.exit(1 if torture.differences else 0)


if __name__ == "__main__":
    main()
