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

say "1/4 Installing what the build needs (scripts/setup.sh)"
scripts/setup.sh

say "2/4 Building minissl (a few minutes the first time)"
cmake --preset release > /dev/null
cmake --build --preset release --parallel "$(nproc)" --target minissl
minissl=build/release/apps/minissl

run=$out/moco
if [ "$force" = yes ]; then rm -rf -- "$run"; fi
resume=()
if [ -e "$run/last.safetensors" ]; then resume=(--resume); fi
mkdir -p "$out"

# 4000 images of 64 pixels in three classes of phantoms, seed 0; only the evaluation sees the classes.
# Gentle at first and with a bound on the gradient: such images all look alike to a network that begins, and at a high
# learning rate MoCo then collapses (look at the report with --lr 0.03).
say "3/4 Pretraining with MoCo v2: 30 epochs over 4000 generated radiographs"
"$minissl" train moco --data synth:4000:64:0 --channels 1 --arch resnet18 --size 32 \
  --epochs 30 --batch 64 --queue 1024 --momentum 0.99 --temperature 0.1 \
  --optimizer sgd --lr 0.015 --warmup-epochs 3 --clip-norm 1 \
  --jitter-prob 1 --brightness 0.6 --contrast 0.6 --crop-scale 0.3,1 --rotate 15 \
  --monitor-samples 1024 --checkpoint-every 10 --out "$run" "${resume[@]}"

# Tested on images that were not trained on: another seed.
say "4/4 Classifying images by their nearest neighbours: with these features, untrained ones and raw pixels"
"$minissl" eval knn --weights "$run/backbone.safetensors" --train synth:2000:64:0 --test synth:1000:64:1 --k 20 \
  --baselines

say "Done. Open $run/report.html for the loss curve, the collapse metrics and the settings."
