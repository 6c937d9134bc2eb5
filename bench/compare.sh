#!/usr/bin/env bash
# Compares minissl with PyTorch: speed and peak memory of whole training steps on this machine, as a table of medians.
#   bench/compare.sh [--python PYTHON] [--repeats 5] [--steps 3] [--warmup 1] [--threads N] [--device cpu]
#                    [--precision f32] [--tf32 off] [--compile] [--results FILE] [CASE ...]
# CASE is METHOD:ARCH:SIZE:BATCH[:STEM[:WIDTH]]; the default cases are those of docs/performance.md. DINO's local crops are four,
# of half the size.
# Each repeat runs minissl, then PyTorch in both memory formats, with --device cuda or --compile also compiled. The table
# uses PyTorch's fastest variant. A sample of a step's time on a GPU is the mean of ten steps for both.
# With --results FILE measurements accumulate in FILE over several runs, and the table covers all of them.
# PYTHON (default: $MINISSL_PYTHON, else python3) is an interpreter with torch and torchvision.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
minissl=${MINISSL:-$here/../build/release/apps/minissl}

python=${MINISSL_PYTHON:-python3} repeats=5 steps=3 warmup=1 threads=$(nproc) device=cpu precision=f32 tf32=off compiled=no results='' cases=()
while [ $# -gt 0 ]; do
  case $1 in
    --python) python=$2; shift 2 ;;
    --repeats) repeats=$2; shift 2 ;;
    --steps) steps=$2; shift 2 ;;
    --warmup) warmup=$2; shift 2 ;;
    --threads) threads=$2; shift 2 ;;
    --device) device=$2; shift 2 ;;
    --precision) precision=$2; shift 2 ;;
    --tf32) tf32=$2; shift 2 ;;
    --results) results=$2; shift 2 ;;
    --compile) compiled=yes; shift ;;
    -*) sed -n '2,11s/^# //p' "$0" >&2; exit 2 ;;
    *) cases+=("$1"); shift ;;
  esac
done
[ ${#cases[@]} -gt 0 ] || cases=(moco:resnet18:224:16 moco:resnet18:64:64 barlow:resnet18:64:64 moco:resnet50:224:16
                                 moco:resnet18:32:128 barlow:resnet50:64:64)
if [ ! -x "$minissl" ]; then
  echo "compare: $minissl is not there; build it (cmake --build --preset release) or set MINISSL" >&2
  exit 1
fi

if [ -z "$results" ]; then
  results=$(mktemp)
  trap 'rm -f "$results"' EXIT
fi
touch "$results"
torch=yes
"$python" -c 'import torch, torchvision' 2> /dev/null || torch=no
[ $torch = yes ] || echo "compare: $python has no torch and torchvision: PyTorch is left out (--python)" >&2

settings=(contiguous channels_last)
[ "$device" = cpu ] && [ $compiled = no ] || settings+=(contiguous+compile channels_last+compile)

# Records "case repeat who img_s peak_mb" from the JSON line that the command prints.
record() {
  local label=$1
  shift
  "$@" | sed -n "s/ //g; s/.*\"img_s\":\([0-9.]*\).*\"peak_mb\":\([0-9]*\).*/$label \1 \2/p" >> "$results"
}
for case in "${cases[@]}"; do
  IFS=: read -r method arch size batch stem width <<< "$case"
  flags=(--arch "$arch" --size "$size" --batch "$batch" --threads "$threads"
         --steps "$steps" --warmup "$warmup" --device "$device" --precision "$precision" --tf32 "$tf32")
  [[ $arch == vit* ]] || flags+=(--stem "${stem:-imagenet}" --width "${width:-64}")
  [[ $method != dino && $method != swav ]] || flags+=(--local-crops 4 --local-size $((size / 2)))
  before=$(awk -v name="$case" '$1 == name && $2 > most { most = $2 } END { print most + 0 }' "$results")
  for repeat in $(seq $((before + 1)) $((before + repeats))); do
    echo "compare: $case, repeat $repeat" >&2
    record "$case $repeat minissl" "$minissl" bench step "$method" "${flags[@]}" --json
    [ $torch = yes ] || continue
    for setting in "${settings[@]}"; do
      compile=()
      [ "$setting" = "${setting%+compile}" ] || compile=(--compile)
      record "$case $repeat $setting" "$python" "$here/torch_step.py" "$method" "${flags[@]}" \
        --format "${setting%+compile}" "${compile[@]}"
    done
  done
done

if [ $torch = yes ]; then
  "$python" -c 'import torch; print("PyTorch", torch.__version__, end="; ")'
fi
where="$threads threads, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
[ "$device" = cpu ] || where="$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1), $precision, TF32 $tf32"
echo "$where; medians of runs of $steps steps"
awk '
  function median(values, n,    i, j, t) {
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && values[j - 1] > values[j]; --j) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  function middle(case_, who, what,    n, i, values) {
    for (i = 1; i <= repeats; ++i)
      if ((case_, who, i, what) in figure) values[++n] = figure[case_, who, i, what]
    return n ? median(values, n) : 0
  }
  {
    if (!($1 in seen)) { seen[$1] = 1; order[++cases] = $1 }
    if ($3 != "minissl" && !($3 in peer)) { peer[$3] = 1; peers[++settings] = $3 }
    figure[$1, $3, $2, "speed"] = $4; figure[$1, $3, $2, "memory"] = $5
    if ($2 > repeats) repeats = $2
  }
  END {
    printf "%-28s %9s %9s %-21s %7s %15s %9s %9s\n", "case", "minissl", "PyTorch", "(its fastest setting)", "ratio", "(least to most)",
           "minissl", "PyTorch"
    printf "%-28s %9s %9s %-21s %7s %15s %9s %9s\n", "", "img/s", "img/s", "", "", "", "MiB", "MiB"
    for (c = 1; c <= cases; ++c) {
      name = order[c]
      best = ""
      for (p = 1; p <= settings; ++p)
        if (middle(name, peers[p], "speed") > middle(name, best, "speed")) best = peers[p]
      if (best == "") {
        printf "%-28s %9.1f %9s %-21s %7s %15s %9d\n", name, middle(name, "minissl", "speed"), "-", "", "-", "",
               middle(name, "minissl", "memory")
        continue
      }
      n = 0
      for (i = 1; i <= repeats; ++i)
        if ((name, "minissl", i, "speed") in figure && (name, best, i, "speed") in figure)
          ratios[++n] = figure[name, "minissl", i, "speed"] / figure[name, best, i, "speed"]
      middle_ratio = median(ratios, n)
      printf "%-28s %9.1f %9.1f %-21s %6.2fx %15s %9d %9d\n", name, middle(name, "minissl", "speed"),
             middle(name, best, "speed"), best, middle_ratio, sprintf("%.2f to %.2f", ratios[1], ratios[n]),
             middle(name, "minissl", "memory"), middle(name, best, "memory")
    }
  }' "$results"
