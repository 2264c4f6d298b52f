#!/usr/bin/env bash
# Installs dist/fewstep-*.whl into a fresh virtual environment and runs the tests of the programs against what lies there.
# usage: tools/wheel-test.sh BUILD_BIN [VENV]     VENV [a temporary folder, outside the checkout]: made anew, with torch's libraries for the CPU
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1; venv=${2:-$(mktemp -d)}
version() { sed -n "s/^$1_version=//p" tools/setup.sh; }
rm -rf "$venv"
python3 -m venv "$venv"
pip="$venv/bin/pip install -q --no-cache-dir --disable-pip-version-check"
# All that libtorch_cpu.so needs; `pip install dist/fewstep-*.whl` alone would take torch with its CUDA libraries, 4 GB.
$pip --no-deps "torch==$(version torch)" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
$pip "pyarrow==$(version arrow)" "pandas>=2"
$pip --no-deps dist/fewstep-*.whl
"$venv/bin/python" tests/package/test_package.py
export FEWSTEP_PROGRAMS=$PWD/$venv/bin
"$bin/fewstep_cli_tests" --gtest_brief=1
"$bin/fewstep_harness_tests" --gtest_brief=1 --gtest_filter='*Program*:Sample.*:Cut*:Audit*'
"$bin/fewstep_pocket_tests" --gtest_brief=1 --gtest_filter='Demo.*:PocketVerdict.*'
