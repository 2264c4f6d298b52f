# A thin face over cmake --preset; `make help` lists the targets. Whoever prefers CMake uses the presets directly.
SHELL := /bin/bash
BUILD := build/release
BIN := $(BUILD)/bin
JOBS ?= $(shell nproc)
# Nothing is written outside the checkout: the compiler cache lives here unless the user has one of their own.
export CCACHE_DIR ?= $(CURDIR)/.ccache
export PIP_NO_CACHE_DIR ?= 1
PYTHON := .deps/parity/bin/python

.DEFAULT_GOAL := help
.PHONY: help deps build programs demo pocket pocket-results test parity golden bench shapes-sheet torture fuzz statistics torture-tests sanitize format format-check check-includes lint wheel wheel-test clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

deps: ## install what is missing: Debian packages, LibTorch and Arrow into .deps/ (CUDA=1: LibTorch with CUDA)
	@tools/setup.sh build

build: deps ## build everything (preset release)
	@grep -qs BUILD_TESTING:BOOL=ON $(BUILD)/CMakeCache.txt || cmake --preset release -DBUILD_TESTING=ON
	@cmake --build $(BUILD) -j $(JOBS)

programs: ## build the two programs alone: fewstep and fewstep-engine
	@tools/setup.sh programs
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release -DBUILD_TESTING=OFF
	@cmake --build $(BUILD) -j $(JOBS) --target fewstep fewstep-engine

demo: programs ## the pocket experiment: five samplers at 1, 2, 4 and 8 steps on trained checkpoints, table and page
	@$(BIN)/fewstep demo

pocket: programs ## train the pocket world where it is not trained (AGAIN=1: anew, DEVICE=cuda:0: on a GPU); goes on where it was stopped
	@tools/pocket.sh $(BIN)/fewstep $(or $(DEVICE),auto) $(AGAIN)

pocket-results: build ## remake results/pocket: three seeds of the table, guidance, skip steps, fine-tuning (an hour and a half on two cores)
	@tools/pocket-results.sh $(BIN)

test: build ## every test, with ctest
	@tools/setup.sh test
	@# Two tests at a time share the cores: threads that spin while they wait would hold up the other test's.
	@cd $(BUILD) && GOMP_SPINCOUNT=$${GOMP_SPINCOUNT:-300} ctest --output-on-failure -j $(JOBS)

parity: build ## live checks against diffusers, transformers, pytorch-fid, torchmetrics at full size (random weights)
	@tools/setup.sh parity
	@$(PYTHON) tests/parity/all.py --bin $(BIN)

golden: ## remake tests/golden from the pinned public packages
	@tools/setup.sh parity
	@$(PYTHON) tests/make_golden.py

bench: build ## Google Benchmark programs, then the side-by-side ratios against the Python packages
	@tools/setup.sh parity
	@for b in $(BIN)/*_bench; do echo "== $$b"; $$b --benchmark_min_time=0.2 || exit 1; done
	@$(PYTHON) benchmarks/against_diffusers.py --bin $(BIN)

shapes-sheet: build ## remake the picture of the built-in scenes, docs/shapes.png
	@$(BIN)/fewstep_shapes_sheet docs/shapes.png

torture: build ## kills and faults over a run that goes on (20 minutes a part, again until it is done), then mutated inputs by the ten thousand; QUICK=1: three minutes
	@python3 tests/torture/torture.py --bin $(BIN) --log $(BUILD)/torture.log
	@[ -n "$$QUICK" ] || $(MAKE) --no-print-directory torture-tests

torture-tests: export FEWSTEP_TORTURE = 1
torture-tests:
	@$(BIN)/fewstep_harness_tests --gtest_filter="Resume.*"
	@$(BIN)/fewstep_fuzz_tests --gtest_brief=1
	@$(BIN)/fewstep_pipeline_tsan 1000
	@$(BIN)/fewstep_store_tests --gtest_filter="StoreCrashes.*:HostileStore.*"
	@$(BIN)/fewstep_datasets_tests --gtest_filter="*Mutat*"
	@$(BIN)/fewstep_models_tests --gtest_filter="*SurvivesMutated*"
	@$(BIN)/fewstep_metrics_tests --gtest_filter="StatisticsFile.Mutated*"
	@$(BIN)/fewstep_distill_tests --gtest_filter="TrainingResume.*"
	@$(BIN)/fewstep_pocket_tests --gtest_filter="Recipes/PocketCurve.*"
	@$(BIN)/fewstep_verdicts_tests --gtest_filter="MillionSamples.*"

fuzz: deps ## libFuzzer (clang) over every parser of ours, RUNS=10000 inputs each; what it finds goes to tests/fuzz/corpus
	@tools/setup.sh fuzz
	@[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
	@cmake --build build/fuzz -j $(JOBS) --target fewstep_fuzz
	@tools/fuzz.sh build/fuzz/bin/fewstep_fuzz $(or $(RUNS),10000)

statistics: build ## false alarms, power and coverage of the verdicts by simulation (5 minutes): the figures of docs/statistics.md
	@FEWSTEP_STATISTICS=1 $(BIN)/fewstep_verdicts_tests --gtest_filter="Statistics.*" --gtest_brief=1

sanitize: deps ## the test suite under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh test
	@[ -f build/asan/build.ninja ] || cmake --preset asan
	@cmake --build build/asan -j $(JOBS)
	@cd build/asan && ctest --output-on-failure -j $(JOBS)

format: ## format the sources
	@tools/setup.sh format
	@git ls-files '*.h' '*.cpp' | xargs clang-format-14 -i

format-check:
	@tools/setup.sh format
	@git ls-files '*.h' '*.cpp' | xargs clang-format-14 --dry-run --Werror

check-includes: ## which room includes which, and how long functions are; fails where an include points upwards
	@python3 tools/check_includes.py && python3 tools/check_functions.py

lint: build ## cppcheck over the sources
	@tools/setup.sh lint
	@cppcheck --std=c++20 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --quiet \
	  --suppress=missingInclude --suppress=unknownMacro -I . core formats images models samplers metrics datasets settings distill store harness reports verdicts cli

wheel: deps ## dist/fewstep-*.whl for pip, with the two programs and the pocket world
	@tools/setup.sh wheel
	@.deps/wheel/bin/python tools/wheel.py

wheel-test: build ## the wheel in a fresh virtual environment, and the programs' tests against it
	@[ -f dist/fewstep-*.whl ] || $(MAKE) --no-print-directory wheel
	@tools/wheel-test.sh $(BIN)

clean: ## remove what was built (keeps .deps and the compiler cache)
	@rm -rf build
