#!/usr/bin/env python3
"""Compares the memory that minissl predicts for a training step with the memory that the step uses.

  bench/memory.py tables   memory kept by each policy for ResNet-18 and ResNet-50 at 224, N = 512, two views: runs no step
  bench/memory.py grid     predicted and actual peaks: runs one step each (--quick: a few small ones)

Prints the Markdown tables of docs/memory.md. MINISSL names the binary (default: build/release/apps/minissl).
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MINISSL = os.environ.get("MINISSL", os.path.join(HERE, "../build/release/apps/minissl"))


def minissl(*arguments):
    done = subprocess.run([MINISSL, *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def gb(count):
    return f"{count / 1e9:.2f}" if count < 9.95e9 else f"{count / 1e9:.1f}"


def tables():
    policies = {"naive": [], "none": ["--recompute", "none"], "block": ["--recompute", "block"],
                "stage": ["--recompute", "stage"], "22 GiB": ["--memory-budget", "22GiB"]}
    for arch in "resnet50", "resnet18":
        for precision in "f32", "bf16":
            said = {name: minissl("inspect", "memory", "barlow", "--arch", arch, "--batch", 512, "--size", 224,
                                  "--precision", precision, "--device", "cuda", *flags) for name, flags in policies.items()}
            print(f"\n{arch}, {precision}, kept between forward and backward, GB:\n")
            row("stage", *policies)
            row("---", *["---"] * len(policies))
            stage_of = lambda stage: stage["name"].split()[-1]  # both views' together
            for name in dict.fromkeys(map(stage_of, said["none"]["stages"])):
                row(name, *[gb(sum(stage["naive_bytes" if policy == "naive" else "bytes"] for stage in s["stages"]
                                   if stage_of(stage) == name)) for policy, s in said.items()])
            row("in all", *[gb(s["naive_activation_bytes" if policy == "naive" else "activation_bytes"])
                            for policy, s in said.items()])
            row("peak of the step", "", *[gb(s["peak_bytes"]) for policy, s in said.items() if policy != "naive"])
            row("more FLOPs", "", *[f"{s['extra_flops_percent']:.1f} %" for policy, s in said.items()
                                    if policy != "naive"])


def grid(quick):
    methods = ["moco", "barlow", "vicreg", "simclr", "simsiam", "byol"]
    cases = [("resnet18", 64, 32), ("resnet18", 224, 8), ("resnet50", 96, 16), ("resnet50", 224, 8)]
    if quick:
        methods, cases = ["moco", "barlow"], [("resnet18", 64, 32), ("resnet50", 96, 16)]
    row("step", "policy", "predicted", "allocator", "", "process", "")
    row(*["---"] * 7)
    worst = [0, 0]
    for method in methods:
        for arch, size, batch in cases:
            step = [method, "--arch", arch, "--size", size, "--batch", batch]
            most, least = (minissl("inspect", "memory", *step, "--recompute", policy)["reserved_bytes"]
                           for policy in ("none", "block"))
            budget = (most + least) // 2
            for policy in (["--recompute", "none"], ["--recompute", "block"], ["--memory-budget", budget]):
                ran = minissl("bench", "step", *step, *policy, "--steps", 1, "--warmup", 0)
                predicted, actual = ran["predicted_peak_bytes"], ran["allocator_peak_bytes"]
                reserved, process = ran["predicted_reserved_bytes"], ran["peak_mb"] << 20
                off = [100 * (predicted / actual - 1), 100 * (reserved / process - 1)]
                worst = [max(w, abs(o)) for w, o in zip(worst, off)]
                name = policy[1] if policy[0] == "--recompute" else f"{budget / 2**20:.0f} MiB"
                row(f"{method} {arch} {size} x {batch}", name, *[f"{b / 2**20:.0f}" for b in (predicted, actual)],
                    f"{off[0]:+.2f} %", f"{process / 2**20:.0f}", f"{off[1]:+.1f} %")
    print(f"\nMiB. At the worst {worst[0]:.2f} % of the allocator's peak; what it predicts to take from the system "
          f"is {worst[1]:.1f} % of the process's peak off.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["tables"]:
        tables()
    elif sys.argv[1:2] == ["grid"]:
        grid("--quick" in sys.argv)
    else:
        sys.exit(__doc__)
