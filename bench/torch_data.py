#!/usr/bin/env python3
"""Decoding and augmentation in torchvision, timed: the peer of `minissl bench data`.

Pairs of views with the recipe of minissl's defaults, in one thread, in two ways:
  pil  PIL images and torchvision.transforms, as MoCo's code has it
  v2   torchvision.io's decoder and torchvision.transforms.v2 on uint8 tensors
One JSON line for each: pairs_s_per_core, and decode_ms, the milliseconds of decoding an image.
"""
import argparse, io, json, os, random, time

import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2


def quantum_noise(x, strength=0.1):
    return (x + strength * torch.rand(()) * x.clamp(min=0).sqrt() * torch.randn(x.shape[-2:])).clamp(0, 1)


class Pil:
    def __init__(self, size, channels, noise):
        self.mode = "L" if channels == 1 else "RGB"
        sigma = (0.1 * size / 224, 2.0 * size / 224)
        kernel = 2 * max(1, round(3 * sigma[1])) + 1
        mean, std = ((0.449,), (0.226,)) if channels == 1 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        steps = [
            T.RandomResizedCrop(size, scale=(0.08, 1)), T.RandomRotation(10, T.InterpolationMode.BILINEAR),
            T.RandomHorizontalFlip(), T.RandomApply([T.ColorJitter(0.8, 0.8)], 0.8),
            T.RandomApply([T.GaussianBlur(kernel, sigma)], 0.5), T.ToTensor()]
        if noise:
            steps.append(T.Lambda(quantum_noise))
        self.transform = T.Compose(steps + [T.Normalize(mean, std)])

    def decode(self, data):
        return Image.open(io.BytesIO(data)).convert(self.mode)


class V2(Pil):
    def __init__(self, size, channels, noise):
        super().__init__(size, channels, noise)
        self.mode = ImageReadMode.GRAY if channels == 1 else ImageReadMode.RGB
        sigma = (0.1 * size / 224, 2.0 * size / 224)
        kernel = 2 * max(1, round(3 * sigma[1])) + 1
        mean, std = ((0.449,), (0.226,)) if channels == 1 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        steps = [
            v2.RandomResizedCrop(size, scale=(0.08, 1), antialias=True),
            v2.RandomRotation(10, v2.InterpolationMode.BILINEAR), v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8, 0.8)], 0.8), v2.RandomApply([v2.GaussianBlur(kernel, sigma)], 0.5),
            v2.ToDtype(torch.float32, scale=True)]
        if noise:
            steps.append(v2.Lambda(quantum_noise))
        self.transform = v2.Compose(steps + [v2.Normalize(mean, std)])

    def decode(self, data):
        return decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), self.mode)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--noise", type=int, default=1)
    parser.add_argument("--peers", default="pil,v2")
    args = parser.parse_args()
    torch.set_num_threads(1)
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(args.data) for name in names
                   if name.lower().endswith((".jpg", ".jpeg", ".png")))
    random.Random(0).shuffle(files)
    for peer in args.peers.split(","):
        pipeline = {"pil": Pil, "v2": V2}[peer](args.size, args.channels, args.noise)
        torch.manual_seed(0)
        pairs = decoding = 0
        start = None
        for i in range(10**9):
            if i == 16:  # warmed up
                pairs, decoding, start = 0, 0, time.perf_counter()
            if start and time.perf_counter() - start > args.seconds:
                break
            begun = time.perf_counter()
            with open(files[i % len(files)], "rb") as file:
                image = pipeline.decode(file.read())
                if peer == "pil":
                    image.load()
            decoding += time.perf_counter() - begun
            pipeline.transform(image), pipeline.transform(image)
            pairs += 1
        seconds = time.perf_counter() - start
        print(json.dumps({"peer": "torchvision " + peer, "pairs_s_per_core": round(pairs / seconds, 1),
                          "decode_ms": round(1e3 * decoding / pairs, 3), "size": args.size,
                          "channels": args.channels}), flush=True)


if __name__ == "__main__":
    main()
