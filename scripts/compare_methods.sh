#!/usr/bin/env bash
# Which method suits these images? Trains an encoder with every settings file in a folder and compares them in a table
# and on a page: loss, spread of the features, and kNN accuracy compared with the untrained network's and with raw
# pixels.
#   scripts/compare_methods.sh SETTINGS TRAIN TEST [FOLDER] [FLAG ...]
# SETTINGS: a folder of files for `minissl train --config`, each naming its method. TRAIN and TEST: folders of images
# with a sub-folder per class; only the evaluation uses the classes. FOLDER (default: runs/compare) receives the runs and
# compare.html. Flags of `minissl train` after it apply to every run, except --size, at which images are packed:
#   scripts/compare_methods.sh configs/ten_epochs/cxr xray/train xray/test runs/xray --epochs 20
# An interrupted comparison resumes when started again.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: scripts/compare_methods.sh SETTINGS TRAIN TEST [FOLDER] [FLAG ...]" >&2
  exit 2
fi
settings=$(realpath -- "$1") train=$(realpath -- "$2") test=$(realpath -- "$3")
shift 3
cd "$(dirname "$0")/.."
. scripts/functions.sh
case "${1:-}" in
  "" | --*) out=runs/compare ;;
  *) out=$1; shift ;;
esac
case " $* " in
  *" --size"*) echo "compare_methods: --size belongs into the files of $settings: images are packed at it" >&2; exit 2 ;;
esac
need_minissl

# value_of KEY FILE: the key's value in a flat TOML file.
value_of() { sed -nE "s/^$1 *= *\"?([^\" ]+)\"? *\$/\1/p" "$2"; }

shopt -s nullglob
configs=("$settings"/*.toml)
if [ ${#configs[@]} -eq 0 ]; then echo "compare_methods: no *.toml in $settings" >&2; exit 1; fi
mkdir -p "$out"
runs=()
for config in "${configs[@]}"; do
  name=$(basename "$config" .toml)
  method=$(value_of method "$config")
  size=$(value_of size "$config")
  if [ -z "$method" ] || [ -z "$size" ]; then echo "compare_methods: $config names no method or no size" >&2; exit 1; fi
  # Decoded and shrunk once, not per epoch: photographs of a few thousand pixels take longer to read than to train on.
  images=$out/train_$size.pack
  if [ ! -e "$images" ]; then "$minissl" data pack "$train" --out "$images" --size "$size"; fi
  train_or_resume "$out/$name" "$method" --config "$config" --data "$images" --eval-train "$train" \
    --eval-test "$test" "$@"
  runs+=("$out/$name")
done
if [ ${#runs[@]} -lt 2 ]; then exit; fi
"$minissl" report "${runs[@]}" --out "$out/compare.html"
