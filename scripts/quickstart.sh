#!/usr/bin/env bash
# Goes from a fresh checkout to a trained encoder: installs, builds, pretrains a small ResNet without labels on generated
# radiographs and compares its features with those of the untrained network. About five minutes on two cores.
#   scripts/quickstart.sh [--force] [FOLDER]     FOLDER: where the run goes, runs/quickstart by default
# Resumes an interrupted run; --force starts from scratch.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/functions.sh

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

run=$out/simclr
if [ "$force" = yes ]; then rm -rf -- "$run"; fi
mkdir -p "$out"

# 4000 images of 64 pixels in three classes of phantoms, seed 0; only the evaluation uses the classes.
# SimCLR needs the fewest steps: its negatives are the other images of the batch, while MoCo's key encoder and queue have
# to settle first. A few thousand images that look much alike also need weaker augmentation than photographs: crops of at
# least 0.4 of the area, in which the finding is mostly still visible, and smaller changes of brightness.
say "3/4 Pretraining with SimCLR: 20 epochs over 4000 generated radiographs"
train_or_resume "$run" simclr --data synth:4000:64:0 --channels 1 --arch resnet18 --size 32 \
  --epochs 20 --batch 128 --hidden 512 --temperature 0.2 --optimizer adamw --lr 0.001 --warmup-epochs 1 \
  --crop-scale 0.4,1 --rotate 15 --jitter-prob 1 --brightness 0.4 --contrast 0.4 --noise 0.05 \
  --monitor-samples 1024 --checkpoint-every 8

# Tests on images outside the training set, from another seed.
say "4/4 Classifying images by their nearest neighbours: with these features, untrained ones and raw pixels"
"$minissl" eval knn --weights "$run/backbone.safetensors" --train synth:2000:64:0 --test synth:1000:64:1 --k 20 \
  --baselines

say "Done. Open $run/report.html for the loss curve, the collapse metrics and the settings."
