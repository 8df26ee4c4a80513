#!/usr/bin/python3
"""Faces a second of a model on a CUDA device (or another one): the engine beside the same networks in eager PyTorch, as a table.

    tests/bench/gpu_bench.py [--build BUILD] [--model MODEL] [--device cuda] [--batches 1,4,16,64,256] [--seconds 0.5] [--crops FILE…]

Both sides have their crops in the computer's memory and give their answers there. They take turns, batch by batch; a figure is the median of five, each the mean over
--seconds. Crops are pictures of the model's crop size; without any they are noise. Before anything is timed the engine's outputs in float32 are compared with those of
the CPU's engine and with eager's. Needs PyTorch and torchvision, for CUDA both built with it.
"""
import argparse
import json
import pathlib
import random
import statistics
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import torchvision_reference  # noqa: E402,F401  (exits with 77 where PyTorch is missing)

import torch
from PIL import Image

from engine_bench import Worker

ROOT = HERE.parent.parent
ROUNDS = 5
FACES = 64


def metadata(path):
    with open(path, "rb") as file:
        return json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]


def pixels(options, side, gray):
    """RGB crops, one after the other; R = G = B with `gray`, as eager takes them for a model of gray faces."""
    mode = "L" if gray else "RGB"
    if options.crops:
        pictures = [Image.open(path).convert(mode).convert("RGB") for path in options.crops]
    else:
        noise = random.Random(1)
        pictures = [Image.frombytes(mode, (side, side), noise.randbytes(side * side * len(mode))).convert("RGB") for _ in range(FACES)]
    for path, picture in zip(options.crops, pictures):
        if picture.size != (side, side):
            sys.exit(f"{path}: not a crop of {side} px")
    return b"".join(picture.tobytes() for picture in pictures)


def centres(data, crop, side):
    crops = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, crop, crop, 3)
    first = (crop - side) // 2
    return bytes(crops[:, first:first + side, first:first + side].contiguous().flatten().numpy())


def far(folder, ours, theirs):
    read = lambda name: memoryview((folder / name).read_bytes()).cast("f")
    return max(abs(a - b) for a, b in zip(read(ours), read(theirs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "fmpn-fer2013.safetensors")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", default="1,4,16,64,256")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--crops", nargs="+", default=[])
    options = parser.parse_args()
    meta = metadata(options.model)
    crop, side = int(meta["crop_size"]), int(meta["input_size"])
    threads = 2
    engine = Worker([options.build / "tests" / "bench" / "engine-bench"], threads)
    eager = Worker([sys.executable, HERE / "eager.py"], threads)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = pixels(options, crop, meta["color"] == "gray")
        (folder / "crops").write_bytes(data)
        (folder / "centres").write_bytes(centres(data, crop, side))
        engine("crops", file=str(folder / "crops"), side=crop)
        eager("crops", file=str(folder / "centres"), side=side)
        engine("load", **{"as": "cpu", "model": str(options.model), "precision": "fp32"})
        precisions = engine("precisions", device=options.device)["precisions"]
        for precision in precisions:
            for worker in (engine, eager):
                worker("load", **{"as": precision, "model": str(options.model), "precision": precision, "device": options.device})
        for which in ("cpu", "fp32"):
            engine("outputs", name=which, file=str(folder / which))
        apart = far(folder, "cpu", "fp32")
        print(f"float32 on {options.device} and on the CPU: logits and masks at most {apart:.1e} apart")
        eager_apart = eager("compare", name="fp32", file=str(folder / "fp32"))
        if max(apart, eager_apart["probabilities"], eager_apart["mask"]) > 1e-3:
            sys.exit(f"they do not compute the same; eager: {eager_apart}")
    sides = [(worker, precision) for worker in (engine, eager) for precision in precisions]
    print("| faces at once | " + " | ".join(precisions + [f"eager {precision}" for precision in precisions]) + " |\n|---" + "|---" * len(sides) + "|")
    for batch in map(int, options.batches.split(",")):
        seconds = {at: [] for at in range(len(sides))}
        for turn in range(ROUNDS + 1):  # the first one warms up
            for at, (worker, precision) in enumerate(sides):
                took = worker("run", name=precision, batch=batch, at_least=options.seconds)["seconds"]
                if turn:
                    seconds[at].append(took)
        print(f"| {batch} | " + " | ".join(f"{batch / statistics.median(seconds[at]):,.0f}" for at in seconds) + " |", flush=True)


if __name__ == "__main__":
    main()
