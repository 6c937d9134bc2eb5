#!/usr/bin/env python3
"""How near a training step comes to what this machine can do: for each operation the longer of two times, its
multiplications at the speed of the fastest product and its bytes at the speed of the fastest pass over memory.

  bench/floor.py [--steps 3] [METHOD:ARCH:SIZE:BATCH ...]    default: the four cases of docs/performance.md

Multiplications are those of the algorithm: Winograd's for 3x3 kernels at stride 1 are 36 for each tile of 4 x 4 pixels,
including tiles that reach over an image's edge. Both speeds are the best of any single
operation of these steps, and of a Vision Transformer's, large enough to measure; memory's, of those that do little else.
MINISSL names the binary.
"""
import argparse
import collections
import json
import math
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MINISSL = os.environ.get("MINISSL", os.path.join(HERE, "../build/release/apps/minissl"))
CASES = ["moco:resnet18:224:16", "moco:resnet18:64:64", "barlow:resnet18:64:64", "moco:resnet50:224:16"]
YARDSTICK = "mae:vit_small:224:8"
# Operations that count as measurements of the machine: large ones, and of the memory those that do little else.
LEAST_FLOPS, LEAST_BYTES = 1e9, 2e7
PASSES = ("batch_norm", "accumulate", "adamw", "ema")


def trace(case, steps):
    """The operations of the steps: (name, shapes, seconds, flops, bytes)."""
    method, arch, size, batch = case.split(":")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        command = [MINISSL, "bench", "step", method, "--arch", arch, "--size", size, "--batch", batch, "--warmup", "1",
                   "--steps", str(steps), "--trace", path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"floor: {' '.join(command[1:])}: {done.stderr.strip()}")
        with open(path) as f:
            events = json.load(f)
    events = events["traceEvents"] if isinstance(events, dict) else events
    ms = float(re.search(r"([\d.]+) ms a step", done.stdout).group(1))
    operations = []
    for e in events:
        if e.get("ph") == "X" and "shapes" in e.get("args", {}):
            seconds = e["dur"] * 1e-6
            operations.append((e["name"], e["args"]["shapes"], seconds, e["args"]["gflops_per_s"] * 1e9 * seconds,
                               e["args"]["gb_per_s"] * 1e9 * seconds))
    return ms, operations


def winograd_share(name, shapes):
    """What Winograd's products are of the multiplications of a direct convolution; 1 where it isn't used."""
    if not name.startswith("convolution"):
        return 1
    found = [[int(n) for n in s.split(", ")] for s in re.findall(r"\[([\d, ]+)\]", shapes) if s.count(",") == 3]
    kernel = [s for s in found if s[1] == 3 and s[2] == 3]
    images = [s for s in found if s not in kernel[:1]]
    if not kernel or len(images) < 2 or images[0][1:3] != images[1][1:3] or kernel[0][3] % 16 or kernel[0][0] % 16:
        return 1
    height, width = images[0][1:3]
    if height * width <= 4:
        return 1
    return 36 * math.ceil(height / 4) * math.ceil(width / 4) / (9 * height * width)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("cases", nargs="*", metavar="CASE", default=CASES)
    arguments = parser.parse_args()
    measured = {case: trace(case, arguments.steps) for case in [*arguments.cases, YARDSTICK]}
    flops = bandwidth = 0
    for _, operations in measured.values():
        for name, shapes, seconds, f, b in operations:
            if f * winograd_share(name, shapes) > LEAST_FLOPS and winograd_share(name, shapes) == 1:
                flops = max(flops, f / seconds)
            if b > LEAST_BYTES and name.startswith(PASSES):
                bandwidth = max(bandwidth, b / seconds)
    print(f"products at {flops * 1e-9:.0f} GFLOP/s, memory at {bandwidth * 1e-9:.0f} GB/s\n")
    print("| step | ms | products alone, ms | memory alone, ms | floor, ms | reached | what takes the rest, ms |\n"
          "| --- | --- | --- | --- | --- | --- | --- |")
    for case in arguments.cases:
        ms, operations = measured[case]
        products = memory = floor = total = 0
        above = collections.Counter()
        for name, shapes, seconds, f, b in operations:
            by_flops, by_bytes = f * winograd_share(name, shapes) / flops, b / bandwidth
            products, memory, floor = products + by_flops, memory + by_bytes, floor + max(by_flops, by_bytes)
            total += seconds
            above[name] += seconds - max(by_flops, by_bytes)
        scale = 1000 / arguments.steps
        above["between operations"] = ms / scale - total
        rest = ", ".join(f"{name} {seconds * scale:.0f}" for name, seconds in above.most_common(4))
        print(f"| {case} | {ms:.0f} | {products * scale:.0f} | {memory * scale:.0f} | {floor * scale:.0f} | "
              f"{floor * scale / ms:.0%} | {rest} |", flush=True)


if __name__ == "__main__":
    main()
