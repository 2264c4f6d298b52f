#!/usr/bin/env bash
# Runs libFuzzer over every target: tools/fuzz.sh build/fuzz/bin/fewstep_fuzz 10000. A crash leaves its input in
# tests/fuzz/corpus/TARGET, where every later test replays it, and ends this with exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 runs=$2 code=0
export ASAN_OPTIONS=detect_container_overflow=0:allocator_may_return_null=1  # Arrow's containers are not instrumented
while read -r _ name seeds ending; do
  work=$(mktemp -d)
  if [ -f "$seeds" ]; then cp "$seeds" "$work"; else find "$seeds" -maxdepth 1 -type f -name "*$ending" -exec cp {} "$work" \;; fi
  mkdir -p "tests/fuzz/corpus/$name"  # goes again where nothing is found
  if FEWSTEP_FUZZ=$name "$program" "$work" "tests/fuzz/corpus/$name" -runs="$runs" -timeout=20 -rss_limit_mb=4096 -max_len=65536 \
      -artifact_prefix="tests/fuzz/corpus/$name/" -verbosity=0 -print_final_stats=1 2>"$work.log"; then
    echo "$name: $(grep -o 'number_of_executed_units: *[0-9]*' "$work.log" | grep -o '[0-9]*$') inputs, no fault"
  else
    echo "$name: FAULT"; tail -n 30 "$work.log"; code=1
  fi
  rmdir --ignore-fail-on-non-empty "tests/fuzz/corpus/$name"
  rm -rf "$work" "$work.log"
done < <("$program" 2>&1 | grep '^target ' || true)
exit $code
