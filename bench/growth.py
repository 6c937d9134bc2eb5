#!/usr/bin/env python3
"""How the time and memory of a training step grow with one setting, all others as they are.

  bench/growth.py [--steps 5] [--picture growth.svg] [NAME ...]     NAME: batch, size, width, queue, dim, threads

Prints a Markdown table for each setting: milliseconds a step (the median), the power of the setting with which they grew
since the value before, and the process's peak memory; draws them as curves, both axes logarithmic. MINISSL names the
binary (default: build/release/apps/minissl).
"""
import argparse
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MINISSL = os.environ.get("MINISSL", os.path.join(HERE, "../build/release/apps/minissl"))
COMMON = ["--arch", "resnet18", "--channels", "1", "--warmup", "1"]
# The step that all others are compared with, and the values of one setting.
GROWTH = {
    "batch": ("moco", ["--size", "64"], [8, 16, 32, 64, 128, 256]),
    "size": ("moco", ["--batch", "32"], [32, 64, 96, 128, 192, 256]),
    "width": ("moco", ["--batch", "32", "--size", "64"], [8, 16, 32, 64, 128]),
    "queue": ("moco", ["--batch", "64", "--size", "32", "--width", "16"], [1024, 4096, 16384, 65536, 262144]),
    "dim": ("barlow", ["--batch", "64", "--size", "32", "--width", "16"], [256, 512, 1024, 2048, 4096, 8192]),
    "threads": ("moco", ["--batch", "64", "--size", "64"], list(range(1, (os.cpu_count() or 1) + 1))),
}


def measure(method, flags, name, value, steps):
    command = [MINISSL, "bench", "step", method, *COMMON, *flags, f"--{name}", str(value), "--steps", str(steps), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"growth: {' '.join(command[1:])}: {done.stderr.strip()}")
    said = json.loads(done.stdout)
    return {"value": value, "ms": 1000 * said["batch"] / said["img_s"], "mib": said["peak_mb"]}


def power(points, i, key):
    """The exponent between two neighbours: 1 for a cost in proportion, 0 for one that doesn't grow."""
    if i == 0:
        return ""
    before, now = points[i - 1], points[i]
    return f"{math.log(now[key] / before[key]) / math.log(now['value'] / before['value']):.2f}"


def curve(points, key, box, colour, shift):
    """One curve of a panel as SVG, with its last value, `shift` further down. All curves of a panel have the same scale: a decade has the
    same length on either axis, so that a cost in proportion rises at 45 degrees."""
    left, bottom, decade = box
    x0, y0 = math.log10(points[0]["value"]), math.log10(points[0][key])
    at = [(left + decade * (math.log10(p["value"]) - x0), bottom - decade * (math.log10(p[key]) - y0)) for p in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in at)
    label = f'<text x="{at[-1][0] + 6:.1f}" y="{at[-1][1] + 4 + shift:.1f}" fill="{colour}">{points[-1][key]:.0f}</text>'
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{label}'


def draw(measured, path):
    width, height, decade = 300, 230, 78
    parts = []
    for i, (name, (what, points)) in enumerate(measured.items()):
        left, top = i % 3 * width, i // 3 * height
        span = math.log10(points[-1]["value"] / points[0]["value"]) if len(points) > 1 else 0
        length = decade * span
        box = (left + 20, top + height - 65, decade)
        dashed = min(length, height - 110)
        parts.append(f'<text x="{left + 20}" y="{top + 18}" font-weight="bold">{name}</text>'
                     f'<text x="{left + 20}" y="{top + 33}" fill="#667">{what}</text>')
        parts.append(f'<line x1="{box[0]}" y1="{box[1]}" x2="{box[0] + dashed:.1f}" y2="{box[1] - dashed:.1f}" '
                     'stroke="#bbc" stroke-dasharray="4 4"/>')
        parts.append(f'<text x="{box[0]}" y="{box[1] + 45}" fill="#667">{points[0]["value"]} to {points[-1]["value"]}, '
                     f'from {points[0]["ms"]:.0f} ms, {points[0]["mib"]:.0f} MiB</text>')
        apart = decade * math.log10(points[-1]["ms"] / points[0]["ms"] * points[0]["mib"] / points[-1]["mib"])
        shift = max(0, 12 - abs(apart)) if apart >= 0 else -max(0, 12 - abs(apart))
        parts.append(curve(points, "ms", box, "#1f6fb2", 0) + curve(points, "mib", box, "#b2561f", shift))
    rows = (len(measured) + 2) // 3
    parts.append(f'<text x="20" y="{rows * height + 14}" fill="#1f6fb2">ms a step</text>'
                 f'<text x="100" y="{rows * height + 14}" fill="#b2561f">MiB at the peak</text>'
                 f'<text x="220" y="{rows * height + 14}" fill="#667">dashed: in proportion to the setting</text>')
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * width} {rows * height + 24}" '
                'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(parts) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--picture")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(GROWTH)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(GROWTH)}")
    measured = {}
    for name in arguments.names or GROWTH:
        method, flags, values = GROWTH[name]
        what = " ".join([method, *flags]).replace("--", "")
        print(f"\n| `--{name}` ({what}) | ms a step | grows as its power | MiB | as its power |\n"
              "| --- | --- | --- | --- | --- |", flush=True)
        points = []
        for i, value in enumerate(values):
            points.append(measure(method, flags, name, value, arguments.steps))
            print(f"| {value} | {points[i]['ms']:.1f} | {power(points, i, 'ms')} | {points[i]['mib']:.0f} | "
                  f"{power(points, i, 'mib')} |", flush=True)
        measured[name] = (what, points)
    if arguments.picture:
        draw(measured, arguments.picture)


if __name__ == "__main__":
    main()
