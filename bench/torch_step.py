#!/usr/bin/env python3
"""Times a pretraining step in PyTorch for compare.sh and prints one line of JSON with bench step's keys.

MoCo v2 with the variance term, or BarlowTwins, on random images with torchvision's ResNet, or one of torch_methods.py,
as a user of PyTorch would write them. Runs with PyTorch 1.13 and later. Prints nothing and exits with status 3 if PyTorch is not installed.
"""
import argparse
import json
import resource
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
    import torchvision
    from torch import nn
except ImportError:
    sys.exit(3)


from torch_methods import DINO, MAE, MoCoV3, SwAV, VisionTransformer


class MoCo(nn.Module):
    compiled = ("query", "key")

    def __init__(self, encoder, dim=128, queue=65536, momentum=0.999, temperature=0.07):
        super().__init__()

        def head(features):
            return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, dim))

        self.query, self.key = encoder(head), encoder(head)
        self.key.load_state_dict(self.query.state_dict())
        self.key.requires_grad_(False)
        self.register_buffer("queue", F.normalize(torch.randn(dim, queue), dim=0))
        self.pointer, self.momentum, self.temperature = 0, momentum, temperature

    @torch.no_grad()
    def keys(self, images):
        k, q = list(self.key.parameters()), list(self.query.parameters())
        torch._foreach_mul_(k, self.momentum)
        torch._foreach_add_(k, q, alpha=1 - self.momentum)
        return F.normalize(self.key(images), dim=1)

    @torch.no_grad()
    def push(self, keys):
        end = self.pointer + len(keys)
        self.queue[:, self.pointer:end] = keys.T
        self.pointer = end % self.queue.shape[1]

    def forward(self, view1, view2):
        keys = self.keys(view2)
        raw = self.query(view1)
        q = F.normalize(raw, dim=1)
        positives = (q * keys).sum(1, keepdim=True)
        # Copied, as in MoCo's own code, because the queue changes before the backward pass reads it.
        negatives = q @ self.queue.clone()
        logits = torch.cat([positives, negatives], dim=1) / self.temperature
        loss = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))
        self.push(keys)
        return loss + F.relu(1 - torch.sqrt(raw.var(dim=0) + 1e-4)).mean()


class BarlowTwins(nn.Module):
    compiled = ("net",)

    def __init__(self, encoder, dim=2048, off_diagonal=0.005):
        super().__init__()

        def layer(inputs):
            return [nn.Linear(inputs, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU()]

        self.net = encoder(
            lambda features: nn.Sequential(*layer(features), *layer(dim), nn.Linear(dim, dim, bias=False)))
        self.off_diagonal = off_diagonal

    def forward(self, view1, view2):
        a, b = ((z - z.mean(0)) / (z.std(0) + 1e-6) for z in (self.net(view1), self.net(view2)))
        correlation = a.T @ b / len(a)
        diagonal = torch.diagonal(correlation)
        off = correlation.square().sum() - diagonal.square().sum()
        return (diagonal - 1).square().sum() + self.off_diagonal * off


def resnet(arch, width):
    """torchvision's, whose widths are fixed, or the same network with `width` channels in its first stage."""
    net = getattr(torchvision.models, arch)()
    if width == 64:
        return net
    block, net.inplanes = type(net.layer1[0]), width
    net.conv1, net.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
    for stage in range(4):
        name = f"layer{stage + 1}"
        blocks = len(getattr(net, name))
        setattr(net, name, net._make_layer(block, width << stage, blocks, stride=1 if stage == 0 else 2))
    net.fc = nn.Linear((width << 3) * block.expansion, 1000)
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=["moco", "barlow", "mocov3", "mae", "dino", "swav"])
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--stem", choices=["imagenet", "small"], default="imagenet")
    parser.add_argument("--width", type=int, default=64, help="channels of a ResNet's first stage")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--local-crops", type=int, default=8, help="DINO's and SwAV's")
    parser.add_argument("--local-size", type=int, default=96)
    parser.add_argument("--mask-ratio", type=float, default=0.75, help="MAE's")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--format", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="bf16: autocast")
    parser.add_argument("--tf32", choices=["on", "off"], default="off")
    parser.add_argument("--compile", action="store_true", help="the networks; the rest of a step is Python either way")
    args = parser.parse_args()
    cuda = args.device.startswith("cuda")
    if cuda:
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32 == "on"
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    def encoder(head):
        net = resnet(args.arch, args.width)
        net.fc = head(net.fc.in_features)
        if args.stem == "small":
            net.conv1, net.maxpool = nn.Conv2d(3, args.width, 3, padding=1, bias=False), nn.Identity()
        return net

    def backbone():
        if args.arch.startswith("vit"):
            net = VisionTransformer(args.arch, args.size)
            return net, net.width
        net = encoder(lambda features: nn.Identity())
        return net, resnet(args.arch, args.width).fc.in_features

    layout = torch.channels_last if args.format == "channels_last" else torch.contiguous_format
    crops = [args.size] * 2
    if args.method in ("moco", "barlow"):
        model = {"moco": MoCo, "barlow": BarlowTwins}[args.method](encoder)
    else:
        method = {"mocov3": MoCoV3, "mae": MAE, "dino": DINO, "swav": SwAV}[args.method]
        model = method(backbone, args.size, **({"mask_ratio": args.mask_ratio} if args.method == "mae" else {}))
        crops = method.crops(args)
    model = model.to(args.device, memory_format=layout)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=1e-4)
    if args.compile:
        for name in model.compiled:
            setattr(model, name, torch.compile(getattr(model, name)))
    views = [torch.randn(args.batch, 3, size, size).to(args.device, memory_format=layout) for size in crops]

    milliseconds = []
    in_sample = 10 if cuda else 1  # like bench step: training on a GPU doesn't wait for each step
    for step in range(args.warmup + args.steps):
        begin = time.perf_counter()
        for _ in range(in_sample):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda" if cuda else "cpu", torch.bfloat16, enabled=args.precision == "bf16"):
                loss = model(*views)
            loss.backward()
            optimizer.step()
            if hasattr(model, "after_step"):
                model.after_step()
        value = loss.item()
        if step >= args.warmup:
            milliseconds.append((time.perf_counter() - begin) * 1e3 / in_sample)
    median = statistics.median(milliseconds)
    peak = torch.cuda.max_memory_reserved() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(json.dumps({
        "peer": "torch " + torch.__version__, "method": args.method, "arch": args.arch, "batch": args.batch,
        "size": args.size, "device": args.device, "precision": args.precision,
        "threads": torch.get_num_threads(), "format": args.format, "compile": args.compile, "steps": args.steps,
        "warmup": args.warmup, "img_s": round(args.batch / median * 1e3, 2),
        "step_ms": [round(t, 1) for t in (median, min(milliseconds), max(milliseconds))],
        "peak_mb": peak >> 20, "loss": round(value, 4)}))


if __name__ == "__main__":
    main()
