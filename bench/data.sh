#!/usr/bin/env bash
# Pairs of views a second and core, minissl and torchvision in alternation, one thread each; the table of
# docs/performance.md. PYTHON has torch and torchvision.
#   bench/data.sh PYTHON ROUNDS FOLDER:SIZE:CHANNELS ...
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?usage: bench/data.sh PYTHON ROUNDS FOLDER:SIZE:CHANNELS ...}
rounds=${2:?usage: bench/data.sh PYTHON ROUNDS FOLDER:SIZE:CHANNELS ...}
shift 2
minissl=${MINISSL:-build/release/apps/minissl}
for set in "$@"; do
  IFS=: read -r folder size channels <<< "$set"
  echo "$folder, $size pixels, $channels channels"
  for _ in $(seq "$rounds"); do
    "$minissl" bench data --data "$folder" --size "$size" --channels "$channels" --seconds 4 --json
    "$python" bench/torch_data.py --data "$folder" --size "$size" --channels "$channels" --seconds 4
  done | "$python" -c '
import collections, json, statistics, sys
rates, stages = collections.defaultdict(list), collections.defaultdict(list)
for line in sys.stdin:
    figures = json.loads(line)
    rates[figures["peer"]].append(figures["pairs_s_per_core"])
    for name, ms in figures.get("stages_ms", {}).items():
        stages[name].append(ms)
for peer, values in rates.items():
    print(f"  {peer:16} {statistics.median(values):8.1f}  ({min(values):.1f} to {max(values):.1f})")
best = [max(a, b) for a, b in zip(rates["torchvision pil"], rates["torchvision v2"])]
ratios = [ours / theirs for ours, theirs in zip(rates["minissl"], best)]
print(f"  ratio to the faster of the two {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
print("  ms an image: " + ", ".join(f"{name} {statistics.median(ms):.3f}" for name, ms in stages.items()))
'
done
