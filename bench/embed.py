#!/usr/bin/env python3
"""Features of images: minissl beside onnxruntime, OpenVINO and PyTorch, from the same weights.

Makes a torchvision ResNet with random weights and statistics, and writes it for all of them. First `minissl embed`
embeds a batch of images, and everyone's features of these are compared with PyTorch's in float64. Then batches are
timed in turn, each program in a process of its own. What is timed is the forward pass alone: weights are loaded, the
graph is compiled and one batch has run before. Prints the medians of the rounds, and ratios with their spread.

  bench/embed.py [--arch resnet18] [--size 224] [--batch 32] [--rounds 5] [--steps 4] [--threads N]

needs torch, torchvision, safetensors, onnx, onnxruntime and openvino; what is absent is left out, and said to be.
"""
import argparse, importlib.util, json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

here = Path(__file__).resolve().parent


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--arch", default="resnet18")
    p.add_argument("--size", type=int, default=224)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=4, help="batches that are timed in each round")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--minissl", default=here.parent / "build/release/apps/minissl", type=Path)
    p.add_argument("--peer", help=argparse.SUPPRESS)  # the process of one program
    p.add_argument("--folder", help=argparse.SUPPRESS)
    return p.parse_args()


def backbone(arch):
    import torch, torchvision

    torch.manual_seed(0)
    net = getattr(torchvision.models, arch)(weights=None)
    net.fc = torch.nn.Identity()
    for module in net.modules():  # as after training: no normalisation is the identity
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.2, 0.6)
            module.bias.data.normal_(0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return net.eval()


def write_models(args, folder):
    import torch
    from PIL import Image
    from safetensors.torch import load_file, save_file

    net = backbone(args.arch)
    weights = folder / "backbone.safetensors"
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, weights)
    pictures = folder / "pictures"
    pictures.mkdir()
    for i in range(args.batch):
        pixels = torch.randint(0, 256, (args.size // 8, args.size // 8, 3), dtype=torch.uint8).numpy()
        Image.fromarray(pixels).resize((args.size, args.size)).save(pictures / f"{i:04}.png")
    subprocess.run([args.minissl, "embed", "--weights", weights, "--arch", args.arch, "--size", str(args.size), "--data",
                    pictures, "--out", folder / "features.npy", "--images-out", folder / "images.safetensors"],
                   check=True, capture_output=True)
    batches = load_file(folder / "images.safetensors")
    images = torch.cat([batches[f"batch{i}"] for i in range(len(batches))])
    save_file({"images": images, "features": net.double()(images.double()).detach()}, folder / "exact.safetensors")
    torch.onnx.export(net.float(), (images,), folder / "backbone.onnx", dynamo=False, input_names=["images"],
                      output_names=["features"], opset_version=17)


def error_of(features, folder):
    """The largest difference from the exact ones, relative to the largest of them."""
    import numpy
    from safetensors.numpy import load_file

    exact = load_file(folder / "exact.safetensors")["features"]
    return float(numpy.abs(features - exact).max() / numpy.abs(exact).max())


def time_minissl(args, folder):
    import numpy

    out = subprocess.run([args.minissl, "bench", "embed", "--weights", folder / "backbone.safetensors", "--arch", args.arch,
                          "--size", str(args.size), "--batch", str(args.batch), "--steps", str(args.steps),
                          "--warmup", "1", "--threads", str(args.threads), "--json"],
                         check=True, capture_output=True, text=True).stdout
    return {**json.loads(out), "error": error_of(numpy.load(folder / "features.npy"), folder)}


def forward_of(peer, args, folder):
    """A function that computes the features of the images."""
    from safetensors.numpy import load_file

    images = load_file(folder / "exact.safetensors")["images"]
    if peer == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = onnxruntime.InferenceSession(folder / "backbone.onnx", options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"images": images})[0]
    if peer == "OpenVINO":
        import openvino

        model = openvino.Core().compile_model(folder / "backbone.onnx", "CPU", {
            "INFERENCE_NUM_THREADS": args.threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
        return lambda: model(images)[0]
    import torch

    torch.set_num_threads(args.threads)
    net = backbone(args.arch).to(memory_format=torch.channels_last)
    x = torch.from_numpy(images).to(memory_format=torch.channels_last)

    def forward():
        with torch.inference_mode():
            return net(x).numpy()

    return forward


def time_peer(peer, args, folder):
    forward = forward_of(peer, args, folder)
    error = error_of(forward(), folder)
    times = []
    for _ in range(args.steps):
        start = time.perf_counter()
        forward()
        times.append(time.perf_counter() - start)
    print(json.dumps({"img_s": args.batch / statistics.median(times), "error": error}))


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    args = arguments()
    if args.peer:
        return time_peer(args.peer, args, Path(args.folder))
    needed = {"onnxruntime": "onnxruntime", "OpenVINO": "openvino", "PyTorch": "torch"}
    peers = [name for name, module in needed.items() if importlib.util.find_spec(module)]
    for name in set(needed) - set(peers):
        print(f"embed: {name} is not installed and left out", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(args, folder)
        rates, errors = {}, {}
        for r in range(args.rounds):
            print(f"embed: round {r + 1} of {args.rounds}", file=sys.stderr)
            for who in ["minissl", *peers]:
                if who == "minissl":
                    result = time_minissl(args, folder)
                else:
                    out = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--peer", who, "--folder", name],
                                         check=True, capture_output=True, text=True).stdout
                    result = json.loads(out)
                rates.setdefault(who, []).append(result["img_s"])
                errors[who] = result["error"]
    print(f"{args.arch} at {args.size}, batch {args.batch}, {args.threads} threads: medians of {args.rounds} rounds of "
          f"{args.steps} batches")
    for who, values in rates.items():
        ratios = [a / b for a, b in zip(rates["minissl"], values)]
        print(f"  {who:12} {statistics.median(values):7.1f} images/s   minissl is {spread(ratios)} times as fast   "
              f"largest error {errors[who]:.1e}")


if __name__ == "__main__":
    main()
