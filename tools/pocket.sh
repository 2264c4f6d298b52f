#!/usr/bin/env bash
# Trains the parts of the pocket world that are not trained by their recipes, and makes the reference statistics.
# usage: tools/pocket.sh PROGRAM [DEVICE [1]]   1: trains anew; stopped and started again, it goes on where it was
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 device=${2:-auto} again=${3:-}
# What "anew" has finished is named here, so that the next start goes on instead of beginning again.
done_list=results/pocket-training/anew
for part in vae clip features teacher lcm guided-distill; do
  options=()
  if [ -n "$again" ] && ! grep -qsx "$part" "$done_list"; then
    [ -f "pocket/$part.training.safetensors" ] || options=(--again)
  fi
  "$program" distill "pocket/recipes/$part.toml" --device "$device" "${options[@]}"
  [ -z "$again" ] || { mkdir -p "$(dirname "$done_list")"; echo "$part" >>"$done_list"; }
done
rm -f "$done_list"
if [ -n "$again" ] || [ ! -f pocket/reference.npz ]; then
  folder=results/pocket-training/reference
  rm -rf "$folder"
  "$program" run experiments/pocket.toml --only 'sampler=ddim steps=1' --limit 2 --store "$folder/pocket.sqlite" \
    --set 'reference={builtin="shapes",split="test",count=4000}' --device "$device" >/dev/null
  cp "$folder"/pocket.references/*.npz pocket/reference.npz
fi
