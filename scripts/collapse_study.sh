#!/usr/bin/env bash
# How much of a falling std is collapse, and how much is shrinking norms? Trains MoCo on images that look much alike,
# with and without the variance term, with plain and with split batch normalisation, and BarlowTwins, and compares them
# in one report: std, std of unit vectors, mean cosine, effective rank and kNN over the epochs, with conclusions.
#   scripts/collapse_study.sh [--force] [FOLDER] [FLAG ...]
# FOLDER (default: runs/collapse) receives the runs and study.html. Flags of `minissl train` after it apply to every run:
#   scripts/collapse_study.sh runs/xray --data cxr/train --eval-train cxr/train --eval-test cxr/test --size 64
# An interrupted study resumes when started again; --force starts from scratch. About 40 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/functions.sh

force=no
if [ "${1:-}" = --force ]; then force=yes; shift; fi
case "${1:-}" in
  "" | --*) out=runs/collapse ;;
  *) out=$1; shift ;;
esac

need_minissl
if [ "$force" = yes ]; then rm -rf -- "$out"/{moco,moco-variance,moco-split,moco-split-variance,barlow}; fi

# 3000 generated radiographs in three classes, which only the evaluation uses, and others of the same kind for testing.
data=(--data synth:3000:64:0 --eval-train synth:2000:64:0 --eval-test synth:1000:64:1)

# train NAME METHOD FLAG ...
train() {
  local name=$1 method=$2
  shift 2
  train_or_resume "$out/$name" "$method" --config "configs/collapse/$method.toml" "${data[@]}" "$@"
}

mkdir -p "$out"
train moco moco --variance-weight 0 "$@"
train moco-variance moco --variance-weight 1 "$@"
train moco-split moco --variance-weight 0 --bn split:8 "$@"
train moco-split-variance moco --variance-weight 1 --bn split:8 "$@"
train barlow barlow "$@"

for name in moco moco-split; do "$minissl" inspect leak --run "$out/$name"; done
"$minissl" report "$out"/{moco,moco-variance,moco-split,moco-split-variance,barlow} --out "$out/study.html"
