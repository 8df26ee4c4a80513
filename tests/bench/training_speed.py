#!/usr/bin/python3
"""Images a second of phase 2 (FMG, PFN and CN together): fmpn-train beside the same networks trained by Python's torch.

    tests/bench/training_speed.py [--shape paper|default] [--images N] [--batch N] [--threads N] [--precision fp32|bf16]
                                  [--device cpu|cuda]

Both sides hold the same random crops in memory, cut and flip them as the paper does, and take the same steps with as many
threads. Python runs as people write it, and again with channels-last tensors, both with the number of BLAS threads that is faster (see
blas_threads.py). Each run is a process of its own, they take turns, an epoch warms up and the next ones are timed; medians count.
FMPN_TRAIN names the program.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import torchvision_reference as reference  # noqa: E402  (exits with 77 where PyTorch is missing)

import torch
import torchvision

from blas_threads import BlasThreads
from PIL import Image
from torch import nn

SHAPES = {
    "paper": dict(cn="inception_v3", width=64, stem="imagenet", fmg=64, side=299, crop=320, images=8, batch=4),
    "default": dict(cn="resnet18", width=40, stem="small", fmg=8, side=40, crop=44, images=512, batch=128),
}
EPOCHS = 3
CLASSES = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]


def make_data(folder, shape):
    """Random crops and masks; a manifest as `prepare` writes it."""
    generator = torch.Generator().manual_seed(1)
    os.makedirs(folder + "/masks")
    crops = torch.randint(256, (shape["images"], 3, shape["crop"], shape["crop"]), dtype=torch.uint8, generator=generator)
    masks = torch.randint(256, (len(CLASSES), 1, shape["crop"], shape["crop"]), dtype=torch.uint8, generator=generator)
    labels = torch.arange(shape["images"]) % len(CLASSES)

    def save(pixels, path):
        array = pixels.permute(1, 2, 0).contiguous()
        mode = "RGB" if array.shape[2] == 3 else "L"
        Image.frombytes(mode, (array.shape[1], array.shape[0]), bytes(array.flatten().tolist())).save(path)

    with open(folder + "/manifest.csv", "w") as file:
        file.write("path,source,label,subject,sequence,frame,fold,split,neutral,aligned\n")
        for index, crop in enumerate(crops):
            save(crop, "%s/%d.png" % (folder, index))
            file.write("%d.png,,%s,,,,,train,,1\n" % (index, CLASSES[labels[index]]))
    for name, mask in zip(CLASSES, masks):
        save(mask, "%s/masks/%s.png" % (folder, name))
    return crops, masks.float() / 255, labels


class PythonTraining:
    def __init__(self, shape, data, channels_last, precision, device):
        self.shape, self.device = shape, device
        self.crops, self.masks, self.labels = (tensor.to(device) for tensor in data)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.half = precision == "bf16"
        self.fmg, self.pfn = reference.Fmg(shape["fmg"], shape["side"]), reference.Pfn()
        if shape["cn"] == "inception_v3":
            self.cn = torchvision.models.inception_v3(
                weights=None, num_classes=len(CLASSES), aux_logits=False, transform_input=True, init_weights=False)
        else:
            self.cn = reference.SmallResNet18(shape["width"], len(CLASSES))
        for net in (self.fmg, self.pfn, self.cn):
            net.train().to(device, memory_format=self.format)
        self.optimiser = torch.optim.Adam(
            [{"params": list(self.cn.parameters()) + list(self.pfn.parameters()), "lr": 1e-4},
             {"params": self.fmg.parameters(), "lr": 1e-5}], betas=(0.5, 0.999))

    def cut(self, chosen):
        stack = torch.cat([self.crops[chosen].float() / 255, self.masks[self.labels[chosen]]], 1)
        room, side, cut = self.shape["crop"] - self.shape["side"], self.shape["side"], []
        for picture in stack:
            corner = int(torch.randint(5, (1,)))
            y, x = (room // 2, room // 2) if corner == 4 else (corner // 2 * room, corner % 2 * room)
            window = picture[:, y:y + side, x:x + side]
            cut.append(window.flip(2) if torch.rand(1) < 0.5 else window)
        cut = torch.stack(cut)
        return cut[:, :3].contiguous(memory_format=self.format), cut[:, 3:].contiguous()

    def epoch(self):
        """Images a second."""
        start, total = time.perf_counter(), 0
        for chosen in torch.randperm(len(self.crops), device=self.device).split(self.shape["batch"]):
            rgb, truth = self.cut(chosen)
            self.optimiser.zero_grad()
            with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.half):
                gray = 0.299 * rgb[:, 0:1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:3]
                mask = self.fmg(gray)
                logits = self.cn(self.pfn(rgb, mask * gray))
            loss = 0.1 * nn.functional.mse_loss(mask.float(), truth) + nn.functional.cross_entropy(logits.float(), self.labels[chosen])
            loss.backward()
            self.optimiser.step()
            total += loss.detach()
        total.item()  # as fmpn-train, which sums where it computes
        return len(self.crops) / (time.perf_counter() - start)


def python_rates(options, shape, folder, channels_last):
    """Images a second of each epoch but the first, in this process."""
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.allow_tf32 = False  # nor has fmpn-train
    training = PythonTraining(shape, torch.load(folder + "/tensors.pt"), channels_last, options.precision, options.device)
    blas = BlasThreads()
    rates = {}
    for number in {1, options.threads}:
        blas.set(number)
        rates[number] = [training.epoch() for _ in range(EPOCHS)][1:]
    return max(rates.values(), key=statistics.median)


def python_train(folder, channels_last):
    """The same in a new process."""
    command = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--python", "channels-last" if channels_last else "contiguous", "--folder", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def fmpn_train(program, folder, run, shape, options):
    """Images a second of each epoch but the first."""
    command = [program, "fit", folder, "-o", run, "--recipe", "paper", "--masks", folder + "/masks", "--valid-split", "",
               "--cn", shape["cn"], "--cn-width", shape["width"], "--cn-stem", shape["stem"], "--fmg-width", shape["fmg"],
               "--input-size", shape["side"], "--crop-size", shape["crop"], "--phase1-epochs", 0, "--epochs", EPOCHS,
               "--constant", EPOCHS, "--batch", shape["batch"], "--threads", options.threads, "--precision", options.precision,
               "--device", options.device]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    with open(run + "/metrics.csv") as file:
        rows = list(csv.DictReader(file))
    return [shape["images"] / float(row["seconds"]) for row in rows if row["phase"] == "2"][1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="default")
    parser.add_argument("--images", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--python", choices=["contiguous", "channels-last"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    program = os.environ.get("FMPN_TRAIN", os.path.join(HERE, "..", "..", "build", "train", "fmpn-train"))
    shape = dict(SHAPES[options.shape])
    shape.update({name: value for name in ("images", "batch") if (value := getattr(options, name))})
    if options.python:
        print(json.dumps(python_rates(options, shape, options.folder, options.python == "channels-last")))
        return
    rates = {"fmpn-train": [], "python": [], "python, channels-last": []}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(make_data(folder + "/data", shape), folder + "/tensors.pt")
        for turn in range(options.rounds):
            rates["fmpn-train"] += fmpn_train(program, folder + "/data", "%s/run%d" % (folder, turn), shape, options)
            rates["python"] += python_train(folder, False)
            rates["python, channels-last"] += python_train(folder, True)
    median = {name: statistics.median(values) for name, values in rates.items()}
    result = {"shape": options.shape, "device": options.device, "threads": options.threads, "precision": options.precision, "images_per_second": median,
              "ratio": {name: median["fmpn-train"] / median[name] for name in rates if name != "fmpn-train"}}
    if options.json:
        print(json.dumps(result))
        return
    print("%s shape, %s, %d threads, %s" % (options.shape, options.device, options.threads, options.precision))
    for name, value in median.items():
        print("  %-22s %8.2f images/s%s" % (name, value, "" if name == "fmpn-train" else "   fmpn-train: %.2f times" % result["ratio"][name]))


main()
