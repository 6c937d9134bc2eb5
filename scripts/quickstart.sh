#!/usr/bin/env bash
# From a bare checkout to a trained encoder: installs, builds, pretrains a small ResNet without labels on generated
# radiographs and compares its features with those of the untrained network. About five minutes on two cores.
#   scripts/quickstart.sh [--force] [FOLDER]     FOLDER: where the run goes, runs/quickstart by default
# An interrupted run goes on where it stopped; --force begins anew.
set -euo pipefail
cd "$(dirname "$0")/.."

force=no
out=runs/quickstart
for argument in "$@"; do
  case "$argument" in
    --force) force=yes ;;
    -*) echo "usage: scripts/quickstart.sh [--force] [FOLDER]" >&2; exit 2 ;;
    *) out=$argument ;;
  esac
done

say() { printf '\n== %s\n' "$*" >&2; }

say "1/5 Installing what the build needs (scripts/setup.sh)"
scripts/setup.sh

say "2/5 Building minissl (a few minutes the first time)"
cmake --preset release > /dev/null
cmake --build --preset release --parallel "$(nproc)" --target minissl
minissl=build/release/apps/minissl

untrained=$out/untrained
trained=$out/trained
if [ "$force" = yes ]; then rm -rf -- "$untrained" "$trained"; fi
mkdir -p "$out"

# Three classes of phantoms, 4000 images; the labels are for the evaluation alone.
model=(--data synth:4000:64:0 --channels 1 --arch resnet18 --stem small --size 32 --seed 0)
training=(--epochs 8 --batch 128 --queue 4096 --momentum 0.99 --temperature 0.1 --lr 1e-3 --warmup-epochs 1
  --checkpoint-every 2 --monitor-every 1 --monitor-samples 1024)

# train FOLDER FLAGS...: begins a run, goes on with one that stopped, does nothing for one that is done.
train() {
  local folder=$1
  shift
  local resume=()
  if [ -e "$folder/last.safetensors" ]; then resume=(--resume); fi
  "$minissl" train moco "${model[@]}" "${training[@]}" "$@" --out "$folder" "${resume[@]}"
}

say "3/5 Keeping the untrained network, to compare"
train "$untrained" --epochs 0

say "4/5 Training MoCo v2: 8 epochs over 4000 images"
train "$trained"

# Other images than those trained on: another seed.
knn() {
  "$minissl" eval knn --weights "$1/backbone.safetensors" --train synth:2000:64:0 --test synth:1000:64:1 --k 20
}
say "5/5 Classifying images by their nearest neighbours: untrained features"
knn "$untrained"
say "    and trained features"
knn "$trained"

say "Done. Open $trained/report.html for the loss curve, the collapse metrics and the settings."
