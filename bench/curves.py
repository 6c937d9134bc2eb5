#!/usr/bin/env python3
"""Compares loss curves of every method between devices and precisions, with the same weights, views and settings.

  bench/curves.py [--steps 100] [--methods moco,barlow,...] [--runs DIR] REFERENCE CURVE ...

REFERENCE and CURVE are DEVICE:PRECISION[:FLAG...], such as cpu:f32, cuda:bf16 or cuda:f32:cuda-graph=off. Training
amplifies rounding errors, so include a curve that differs from the reference in rounding only, as a yardstick for the
others: cpu:f32:exact-convolutions for cpu:f32. With --runs the runs stay in DIR, and existing ones are not run again, so
that the CPU's curves can be computed on a machine without a GPU and copied to one with a GPU.
Prints a Markdown table; exits with 1 if a run failed. MINISSL names the binary (default: build/release/apps/minissl).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MINISSL = os.environ.get("MINISSL", os.path.join(HERE, "../build/release/apps/minissl"))
METHODS = "moco,barlow,vicreg,simclr,simsiam,byol"
# Small enough for a CPU, with widths and a queue that a hundred steps of 32 images can train. Without a warmup,
# differences have the most steps in which to grow.
SETTINGS = ["--arch", "resnet18", "--channels", "1", "--size", "64", "--batch", "32", "--epochs", "1000000",
            "--warmup-epochs", "0", "--schedule", "constant", "--lr", "1e-3", "--monitor-every", "0",
            "--checkpoint-every", "0"]
OF_METHOD = {"moco": ["--queue", "1024", "--momentum", "0.99"], "barlow": ["--dim", "512"], "vicreg": ["--dim", "512"],
             "simsiam": ["--dim", "512"], "byol": ["--momentum", "0.98"]}


def losses(folder):
    """Losses by step; empty if there is no run."""
    try:
        with open(os.path.join(folder, "metrics.jsonl")) as lines:
            events = map(json.loads, lines)
            return [event["loss"] for event in events if event["event"] == "step"]
    except FileNotFoundError:
        return []


def curve(method, name, steps, runs):
    folder = os.path.join(runs, f"{method}-{name}".replace(":", "-"))
    if len(losses(folder)) < steps:
        device, precision, *flags = name.split(":")
        command = [MINISSL, "train", method, "--data", "synth:1024", "--out", folder, "--steps", str(steps), *SETTINGS,
                   *OF_METHOD.get(method, []), "--device", device, "--precision", precision, *(f"--{f}" for f in flags)]
        print(f"curves: {method}, {name}", file=sys.stderr, flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            print(f"curves: {method}, {name}: {last}", file=sys.stderr)
            return None
    return losses(folder)[:steps]


def mean(values):
    return sum(values) / len(values)


def differences(values, reference):
    """In % of the reference's range: first step, next nine steps, all steps, and means of the last ten steps."""
    off = [abs(v - r) for v, r in zip(values, reference)]
    span = max(reference) - min(reference)
    found = off[0], max(off[1:10]), max(off), abs(mean(values[-10:]) - mean(reference[-10:]))
    return [f"{100 * part / span:.2g}" for part in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--runs")
    parser.add_argument("curves", nargs="+", metavar="DEVICE:PRECISION[:FLAG...]")
    args = parser.parse_args()
    if any(":" not in c for c in args.curves):
        parser.error("a curve is DEVICE:PRECISION, such as cpu:f32")
    if args.steps < 10:
        parser.error("--steps: at least 10, of which the table compares the first ten with the rest")

    failed = False
    print(f"Largest differences from {args.curves[0]}, in % of what its loss spans in {args.steps} steps:\n")
    columns = ["method", "curve", "first loss", "mean of the last 10",
               "off in step 1", "off in steps 2 to 10", "off in all", "off in the mean of the last 10"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for method in args.methods.split(","):
            reference = None
            for name in args.curves:
                values = curve(method, name, args.steps, args.runs or scratch)
                if values is None:
                    failed = True
                    cells = ["failed"]
                else:
                    cells = [f"{values[0]:.5f}", f"{mean(values[-10:]):.4f}"]
                    if name == args.curves[0]:
                        reference = values
                    elif reference:
                        cells += differences(values, reference)
                cells += [""] * (len(columns) - 2 - len(cells))
                print("| " + " | ".join([method, name, *cells]) + " |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
