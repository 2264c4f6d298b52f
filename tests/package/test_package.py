"""The Python package: the launcher, and fewstep.read on a store that the installed program makes.

usage: VENV/bin/python tests/package/test_package.py      (make wheel-test), where fewstep, torch and pandas are installed
"""
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import fewstep
import fewstep.__main__ as launcher

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(sys.executable).parent / "fewstep"


def run(*arguments, folder, **environment):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                          env=os.environ | environment)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.demo = run("demo", "--limit", 8, "--progress", "json", folder=cls.folder)
        cls.store = cls.folder / "results/pocket-demo.sqlite"

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_the_demo_unpacks_its_world_and_makes_table_and_page(self):
        self.assertEqual(self.demo.returncode, 0, self.demo.stderr)
        self.assertIn("guided-distill", self.demo.stdout)
        self.assertTrue((self.folder / "results/pocket-demo.html").exists())
        # Equal files are one file, and all are those of the checkout.
        vae = "vae/diffusion_pytorch_model.safetensors"
        self.assertTrue((self.folder / "pocket/lcm" / vae).samefile(self.folder / "pocket/teacher" / vae))
        for name in ("lcm/unet/diffusion_pytorch_model.safetensors", "clip/model.safetensors", "reference.npz"):
            self.assertEqual((self.folder / "pocket" / name).read_bytes(), (ROOT / "pocket" / name).read_bytes(), name)

    def test_the_unpacked_world_is_there_for_other_commands(self):
        sampled = run("sample", "pocket/lcm", "a red circle", folder=self.folder)
        self.assertEqual(sampled.returncode, 0, sampled.stderr)

    def test_another_pocket_folder_is_left_alone(self):
        with tempfile.TemporaryDirectory() as other:
            (pathlib.Path(other) / "pocket").mkdir()
            refused = run("demo", folder=other)
            self.assertEqual(refused.returncode, 3)
            self.assertIn("expected no such folder", refused.stderr)

    def test_the_module_is_the_program(self):
        said = [subprocess.run(words + ["--version"], capture_output=True, text=True).stdout
                for words in ([str(PROGRAM)], [sys.executable, "-m", "fewstep"])]
        self.assertEqual(said[0], said[1])
        self.assertTrue(said[0].startswith("fewstep "))

    def test_a_torch_of_another_release_is_told_where_it_is_needed(self):
        with tempfile.TemporaryDirectory() as other:
            (pathlib.Path(other) / "torch").mkdir()
            (pathlib.Path(other) / "torch/__init__.py").write_text("")
            (pathlib.Path(other) / "torch/version.py").write_text("__version__ = '2.9.1+cpu'\n")
            refused = run("demo", folder=self.folder, PYTHONPATH=other)
            self.assertEqual(refused.returncode, 4)
            for words in (f"expected torch {launcher.TORCH_RELEASE}", "found 2.9.1+cpu", "pip install 'torch=="):
                self.assertIn(words, refused.stderr)
            report = run("report", self.store, folder=self.folder, PYTHONPATH=other)
            self.assertEqual(report.returncode, 0, "a report needs no LibTorch")

    def test_requirements_are_those_that_the_programs_were_built_with(self):
        text = (ROOT / "tools/setup.sh").read_text()
        requirements = (ROOT / "pyproject.toml").read_text()
        self.assertIn(f"torch_version={launcher.TORCH_RELEASE}.", text)
        self.assertIn(f'"torch=={launcher.TORCH_RELEASE}.*"', requirements)
        release = launcher.ARROW_LIBRARY.rsplit(".", 1)[1][:-2]
        self.assertIn(f"arrow_version={release}.", text)
        self.assertIn(f'"pyarrow=={release}.*"', requirements)

    def test_frames_hold_what_the_store_holds(self):
        cells, samples, timings = fewstep.read(self.store)
        database = sqlite3.connect(self.store)
        value = database.execute("SELECT value FROM score JOIN series ON series.id = series_id JOIN metric ON metric.id = metric_id "
                                 "WHERE sampler = 'lcm' AND steps = 4 AND name = 'clip-score'").fetchone()[0]
        found = cells.query("sampler == 'lcm' and steps == 4 and metric == 'clip-score'")
        self.assertEqual(list(found.value), [value])
        self.assertEqual(len(cells), 2 * 20)
        self.assertEqual(len(samples), 8 * 20)
        lcm = samples.query("sampler == 'lcm' and steps == 4")
        self.assertAlmostEqual(lcm["clip-score"].mean(), value, places=5)
        self.assertEqual(len(timings), database.execute("SELECT count(*) FROM timing_sample").fetchone()[0])
        self.assertEqual(set(timings.stage), {"text", "denoise", "decode"})

    def test_a_repeated_run_changes_no_frame(self):
        import pandas.testing
        before = fewstep.read(self.store)
        again = run("demo", "--limit", "8", "--store", self.store, folder=self.folder)
        self.assertEqual(again.returncode, 0, again.stderr)
        for earlier, now in zip(before, fewstep.read(self.store)):
            pandas.testing.assert_frame_equal(earlier, now)

    def test_samples_are_the_rows_of_the_parquet_file(self):
        import pyarrow.parquet
        written = run("report", self.store, "--format", "samples-parquet", "-o", "samples.parquet", folder=self.folder)
        self.assertEqual(written.returncode, 0, written.stderr)
        rows = pyarrow.parquet.read_table(self.folder / "samples.parquet").to_pandas()
        samples = fewstep.read(self.store).samples
        self.assertEqual(list(rows["clip-score"]), list(samples["clip-score"]))
        self.assertEqual(list(rows["seed"]), list(samples["seed"]))
        self.assertEqual(list(rows["caption"]), list(samples["caption"]))

    def test_what_is_no_store_is_refused(self):
        with self.assertRaisesRegex(FileNotFoundError, "expected a store that fewstep run made"):
            fewstep.read(self.folder / "nothing.sqlite")
        with self.assertRaisesRegex(ValueError, "expected a store that fewstep run made"):
            fewstep.read(ROOT / "README.md")
        other = self.folder / "other.sqlite"
        sqlite3.connect(other).execute("CREATE TABLE run (id)")
        with self.assertRaisesRegex(ValueError, "found another file"):
            fewstep.read(other)
        with self.assertRaisesRegex(ValueError, "expected run 9"):
            fewstep.read(self.store, run=9)

    def test_progress_is_json_on_standard_error(self):
        import json
        events = [json.loads(line) for line in self.demo.stderr.splitlines()]
        self.assertIn("progress", {event["event"] for event in events})
        self.assertTrue(any("unpacked the pocket world" in event.get("text", "") for event in events))


if __name__ == "__main__":
    unittest.main(verbosity=2)
