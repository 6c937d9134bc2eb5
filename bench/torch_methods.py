"""MoCo v3, MAE, DINO and SwAV as a user of PyTorch would write them, for torch_step.py.

Attention is scaled_dot_product_attention. Each class says by `crops` which views its step takes, and by `compiled` which of
its parts torch.compile gets.
"""
import copy

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = {"vit_tiny": (192, 3), "vit_small": (384, 6), "vit_base": (768, 12)}


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width)
        x = x + self.proj(y)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    def __init__(self, arch, size, patch=16, depth=12):
        super().__init__()
        self.width, heads = WIDTHS[arch]
        self.patch, self.grid = patch, size // patch
        self.embed = nn.Conv2d(3, self.width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, self.width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + self.grid**2, self.width))
        self.blocks = nn.Sequential(*(Block(self.width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(self.width, eps=1e-6)

    def tokens(self, images, kept=None):
        x = self.embed(images).flatten(2).transpose(1, 2)
        positions = self.positions
        if x.shape[1] != self.grid**2:
            side = int(x.shape[1]**0.5)
            grid = positions[:, 1:].reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
            grid = F.interpolate(grid, size=(side, side), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
            positions = torch.cat([positions[:, :1], grid], 1)
        x = x + positions[:, 1:]
        if kept is not None:
            x = x.gather(1, kept[..., None].expand(-1, -1, self.width))
        return torch.cat([(self.token + positions[:, :1]).expand(len(x), -1, -1), x], 1)

    def encode(self, tokens):
        return self.norm(self.blocks(tokens))

    def forward(self, images):
        return self.encode(self.tokens(images))[:, 0]


def mlp(*widths, last_norm=False):
    layers = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1], bias=False))
        if i < len(widths) - 2:
            layers += [nn.BatchNorm1d(widths[i + 1]), nn.ReLU()]
        elif last_norm:
            layers.append(nn.BatchNorm1d(widths[i + 1], affine=False))
    return nn.Sequential(*layers)


def follow(target, source, momentum):
    with torch.no_grad():
        t, s = list(target.parameters()), list(source.parameters())
        torch._foreach_mul_(t, momentum)
        torch._foreach_add_(t, s, alpha=1 - momentum)


class MoCoV3(nn.Module):
    compiled = ("base", "momentum")

    def __init__(self, backbone, size, dim=256, hidden=4096, temperature=0.2):
        super().__init__()
        net, features = backbone()
        transformer = isinstance(net, VisionTransformer)
        self.base = nn.Sequential(net, mlp(features, *[hidden] * (2 if transformer else 1), dim, last_norm=True))
        self.momentum = copy.deepcopy(self.base).requires_grad_(False)
        self.predictor = mlp(dim, hidden, dim, last_norm=transformer)
        if transformer:
            net.embed.requires_grad_(False)
            net.positions.requires_grad_(False)
        self.temperature = temperature

    @staticmethod
    def crops(args):
        return [args.size] * 2

    def forward(self, view1, view2):
        follow(self.momentum, self.base, 0.99)
        with torch.no_grad():
            k1, k2 = F.normalize(self.momentum(view1), dim=1), F.normalize(self.momentum(view2), dim=1)
        q1, q2 = (F.normalize(self.predictor(self.base(v)), dim=1) for v in (view1, view2))
        own = torch.arange(len(q1), device=q1.device)
        return sum(2 * self.temperature * F.cross_entropy(q @ k.T / self.temperature, own)
                   for q, k in ((q1, k2), (q2, k1)))


class MAE(nn.Module):
    compiled = ("encoder_blocks", "decoder_blocks")

    def __init__(self, backbone, size, mask_ratio=0.75, width=512, depth=8, heads=16):
        super().__init__()
        self.encoder, features = backbone()
        self.encoder.positions.requires_grad_(False)
        self.encoder_blocks = self.encoder.blocks
        self.kept = int(self.encoder.grid**2 * (1 - mask_ratio))
        self.embed = nn.Linear(features, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", 0.02 * torch.randn(1, 1 + self.encoder.grid**2, width))
        self.decoder_blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pred = nn.Linear(width, 3 * self.encoder.patch**2)

    @staticmethod
    def crops(args):
        return [args.size]

    def forward(self, images):
        n, p, grid = len(images), self.encoder.patch, self.encoder.grid
        order = torch.rand(n, grid**2, device=images.device).argsort(1)
        restore = order.argsort(1)
        x = self.encoder.tokens(images, order[:, :self.kept])
        x = self.embed(self.encoder.norm(self.encoder_blocks(x)))
        gaps = self.mask_token.expand(n, grid**2 - self.kept, -1)
        patches = torch.cat([x[:, 1:], gaps], 1).gather(1, restore[..., None].expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], patches], 1) + self.positions
        pred = self.pred(self.norm(self.decoder_blocks(x)))[:, 1:]
        target = images.reshape(n, 3, grid, p, grid, p).permute(0, 2, 4, 3, 5, 1).reshape(n, grid**2, -1)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        hidden = (restore >= self.kept).to(pred.dtype)
        return ((pred - target).square().mean(-1) * hidden).sum() / hidden.sum()


class DINO(nn.Module):
    compiled = ("student_net", "teacher_net")

    def __init__(self, backbone, size, dim=65536, hidden=2048, bottleneck=256):
        super().__init__()
        self.student_net, features = backbone()
        self.student_head = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(),
                                          nn.Linear(hidden, bottleneck))
        self.student_last = nn.Parameter(torch.randn(dim, bottleneck))
        self.teacher_net, self.teacher_head = copy.deepcopy(self.student_net), copy.deepcopy(self.student_head)
        self.teacher_last = nn.Parameter(self.student_last.detach().clone())
        for part in (self.teacher_net, self.teacher_head, self.teacher_last):
            part.requires_grad_(False)
        self.register_buffer("center", torch.zeros(1, dim))

    @staticmethod
    def crops(args):
        return [args.size] * 2 + [args.local_size] * args.local_crops

    @staticmethod
    def logits(features, head, last):
        return F.linear(F.normalize(head(features), dim=1), F.normalize(last, dim=1))

    def after_step(self):
        for target, source in ((self.teacher_net, self.student_net), (self.teacher_head, self.student_head)):
            follow(target, source, 0.996)
        with torch.no_grad():
            self.teacher_last.mul_(0.996).add_(self.student_last, alpha=0.004)

    def forward(self, *crops):
        large, small = torch.cat(crops[:2]), crops[2:]
        features = [self.student_net(large)] + ([self.student_net(torch.cat(small))] if small else [])
        student = self.logits(torch.cat(features), self.student_head, self.student_last)
        with torch.no_grad():
            teacher = self.logits(self.teacher_net(large), self.teacher_head, self.teacher_last)
            targets = F.softmax((teacher - self.center) / 0.04, dim=1).chunk(2)
        logs = F.log_softmax(student / 0.1, dim=1).chunk(len(crops))
        terms = [-(target * log).sum(1).mean() for i, target in enumerate(targets) for j, log in enumerate(logs) if i != j]
        with torch.no_grad():
            self.center.mul_(0.9).add_(teacher.mean(0, keepdim=True), alpha=0.1)
        return sum(terms) / len(terms)


class SwAV(nn.Module):
    compiled = ("net",)
    crops = DINO.crops

    def __init__(self, backbone, size, dim=128, hidden=2048, prototypes=3000):
        super().__init__()
        self.net, features = backbone()
        self.projector = nn.Sequential(nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.prototypes = nn.Linear(dim, prototypes, bias=False)

    @staticmethod
    def assigned(scores):
        q = (scores.float() / 0.05).exp()
        for _ in range(3):
            q = q / q.sum(0)
            q = q / q.sum(1, keepdim=True)
        return q

    def forward(self, *crops):
        with torch.no_grad():
            self.prototypes.weight.copy_(F.normalize(self.prototypes.weight, dim=1))
        large, small = torch.cat(crops[:2]), crops[2:]
        features = [self.net(large)] + ([self.net(torch.cat(small))] if small else [])
        scores = self.prototypes(F.normalize(self.projector(torch.cat(features)), dim=1))
        with torch.no_grad():
            targets = [self.assigned(part) for part in scores.chunk(len(crops))[:2]]
        logs = F.log_softmax(scores / 0.1, dim=1).chunk(len(crops))
        terms = [-(target * log).sum(1).mean() for i, target in enumerate(targets) for j, log in enumerate(logs) if i != j]
        return sum(terms) / len(terms)
