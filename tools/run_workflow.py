#!/usr/bin/env python3
"""Runs every `run:` step of a GitHub workflow, every line of a GitLab job, or every sh block of a Markdown page, in order in bash.

usage: tools/run_workflow.py docs/ci/gate.github.yml [FOLDER]   FOLDER: a clone [here]. Steps that are `uses:` of others are
replaced by the stand-ins below; one that is not listed is an error. Exit code: that of the first step that fails, else 0.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

try:
    import yaml
except ImportError:
    yaml = None  # a page needs none


def need_files(step):
    missing = [name for name in step["with"]["path"].split() if not pathlib.Path(name).is_file()]
    return f"missing: {missing}" if missing else ""


# What stands in for each action of others: what it needs is checked, nothing is sent.
STAND_INS = {
    "actions/checkout": lambda step: "" if pathlib.Path(".git").exists() else "not a clone",
    "actions/cache": lambda step: "",
    "actions/upload-artifact": need_files,
    "marocchino/sticky-pull-request-comment": need_files,
}


def run(script, variables):
    print("+ " + script.strip().replace("\n", "\n+ "), flush=True)
    code = subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=os.environ | variables).returncode
    if code:
        sys.exit(code)


def github(workflow):
    variables = {name: str(value) for name, value in workflow.get("env", {}).items()}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                run(step["run"], variables)
                continue
            action = step["uses"].split("@")[0]
            if action not in STAND_INS:
                sys.exit(f"no stand-in for {action}")
            trouble = STAND_INS[action](step)
            print(f"= {action}: {trouble or 'ok'}", flush=True)
            if trouble:
                sys.exit(f"{action}: {trouble}")


def gitlab(workflow):
    for job in workflow.values():
        variables = {name: str(value) for name, value in job.get("variables", {}).items()}
        run("\n".join(job.get("before_script", []) + job["script"]), variables)
        for name in job["artifacts"]["paths"] + [job["artifacts"]["reports"]["junit"]]:
            if not pathlib.Path(name).is_file():
                sys.exit(f"missing artifact: {name}")


def page(text):
    path = f"{os.getcwd()}/build/release/bin:{os.environ['PATH']}"
    os.makedirs("walk", exist_ok=True)
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        start = time.time()
        run(block, {"PATH": path})
        print(f"= {time.time() - start:.0f} s", flush=True)


def main():
    text = pathlib.Path(sys.argv[1]).read_text()
    if len(sys.argv) > 2:
        os.chdir(sys.argv[2])
    if sys.argv[1].endswith(".md"):
        return page(text)
    if yaml is None:
        sys.exit("run_workflow: PyYAML is missing: pip install pyyaml, or .deps/parity/bin/python after make parity")
    workflow = yaml.safe_load(text)
    github(workflow) if "jobs" in workflow else gitlab(workflow)


main()
