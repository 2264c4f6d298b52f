#!/usr/bin/env bash
# Makes the data, tables and pages of results/pocket from the shipped pocket world: three sampling seeds of the table, guidance,
# skip steps, fine-tuning. About an hour and a half on two CPU cores; started again, it goes on where it was stopped.
# usage: tools/pocket-results.sh BIN [table|guidance|skip-step|lcf …]   (default: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1; shift
parts=("$@"); [ ${#parts[@]} -gt 0 ] || parts=(table guidance skip-step lcf)
stores=results/pocket-stores out=results/pocket
mkdir -p "$stores" "$out"

report() {  # store, name
  "$bin/fewstep" report "$1" --format json -o "$out/$2.json"
  "$bin/fewstep" report "$1" --format html --grid-prompts 4 -o "$out/$2.html"
}

# The students that an experiment trained: name, hash of the weights, recipe, parents; and the curve of each training.
trainings() {  # store, name
  sqlite3 -json "$1" "SELECT c.name, c.sha256, json(t.recipe) AS recipe, json(t.parents) AS parents FROM training t
    JOIN checkpoint c ON c.id = t.checkpoint_id WHERE c.name LIKE '%-600' ORDER BY t.checkpoint_id" >"$out/$2.trainings.json"
  sqlite3 -csv -header "$1" "SELECT c.name, l.phase, l.step, round(l.loss, 6) AS loss FROM training_loss l
    JOIN checkpoint c ON c.id = l.checkpoint_id WHERE c.name LIKE '%-600' ORDER BY l.checkpoint_id, l.position" >"$out/$2.losses.csv"
}

for part in "${parts[@]}"; do
  case $part in
    table)
      for seed in 20231006 20231007 20231008; do
        "$bin/fewstep" run experiments/pocket.toml --set prompts.count=2000 --set seed=$seed --store "$stores/$seed.sqlite" >/dev/null
      done
      report "$stores/20231006.sqlite" table
      "$bin/fewstep_paired" --contributions "$out/contributions.csv" "$stores"/2023100[678].sqlite >"$out/paired.md"
      ;;
    guidance)
      "$bin/fewstep" run experiments/pocket-guidance.toml --store "$stores/guidance.sqlite" >/dev/null
      report "$stores/guidance.sqlite" guidance
      ;;
    skip-step)
      "$bin/fewstep" run experiments/ablate-skip-step.toml --store "$stores/skip-step.sqlite" >/dev/null
      report "$stores/skip-step.sqlite" skip-step
      trainings "$stores/skip-step.sqlite" skip-step
      ;;
    lcf)
      "$bin/fewstep" run experiments/lcf.toml --store "$stores/lcf.sqlite" >/dev/null
      report "$stores/lcf.sqlite" lcf
      trainings "$stores/lcf.sqlite" lcf
      ;;
    *) echo "pocket-results: expected table, guidance, skip-step or lcf, got $part" >&2; exit 2 ;;
  esac
done
