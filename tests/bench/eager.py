#!/usr/bin/python3
"""The paper's networks, written plainly, in eager PyTorch: what users would run instead of the engine, and the check that both agree.

Spoken to like the engine's side (engine.cpp): one JSON object a line from standard input, one JSON object a line as the answer.

  {"do": "load", "as": NAME, "model": FILE, "precision": "fp32"|"bf16", "device": "cpu"|"cuda"}   the CPU if no device is given
  {"do": "crops", "file": FILE, "side": S}
  {"do": "run", "name": NAME, "batch": N, "at_least": SECONDS}
  {"do": "compare", "name": NAME, "file": FILE}     the engine's outputs of all crops: largest differences of logits, probabilities and mask
  {"do": "exact", "name": NAME, "file": FILE}       of the first crop: both sides' largest differences of logits from double precision
  {"do": "count", "name": NAME}                     FLOPs of one face, parameters, and the elements of the largest input and output of a layer
"""
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import torchvision_reference as reference  # noqa: E402  (exits with 77 where PyTorch is missing)

import torch
from torch import nn
import torchvision

from blas_threads import BlasThreads


class TransposedConv(nn.ConvTranspose2d):
    """In float32 where its input is bfloat16: PyTorch 1.13 takes the weight's channels the wrong way round there, and stops."""

    def forward(self, x):
        if x.dtype != torch.bfloat16:
            return super().forward(x)
        return nn.functional.conv_transpose2d(x.float(), self.weight.float(), None, self.stride, self.padding, self.output_padding).to(x.dtype)


def plain_fmg(width, side):
    fmg = reference.Fmg(width, side)
    for sequence in fmg.children():
        for at, layer in enumerate(sequence):
            if isinstance(layer, nn.ConvTranspose2d):
                sequence[at] = TransposedConv(layer.in_channels, layer.out_channels, 4, 2, 1, output_padding=side % 2, bias=False)
    return fmg


class Fmpn(nn.Module):
    def __init__(self, meta):
        super().__init__()
        classes = len(json.loads(meta["classes"]))
        self.mirror = meta.get("mirror_average") == "1"
        self.resface, self.fusion = plain_fmg(int(meta["fmg_width"]), int(meta["input_size"])), reference.Pfn()
        if meta["cn"] == "inception_v3":
            self.cls = torchvision.models.inception_v3(weights=None, num_classes=classes, aux_logits=False, transform_input=True, init_weights=False)
        elif meta["cn"] == "resnet18" and meta["cn_stem"] == "small":
            self.cls = reference.SmallResNet18(int(meta["cn_width"]), classes)
        else:
            raise ValueError(f"no plain version of {meta['cn']} with the stem {meta['cn_stem']}")

    def forward(self, rgb):
        gray = 0.299 * rgb[:, 0:1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:3]
        mask = self.resface(gray)
        masked = mask * gray
        logits = self.cls(self.fusion(rgb, masked))
        if self.mirror:
            logits = (logits + self.cls(self.fusion(rgb.flip(3), masked.flip(3)))) / 2
        return logits, mask


def read_safetensors(path):
    types = {"F32": (torch.float32, 4), "F16": (torch.float16, 2)}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    meta = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, size = types[entry["dtype"]]
        tensors[name] = torch.frombuffer(data, dtype=dtype, count=(end - begin) // size, offset=begin).view(entry["shape"]).float()
    return meta, tensors


def load(path):
    meta, tensors = read_safetensors(path)
    net = Fmpn(meta)
    missing, foreign = net.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or foreign:
        raise ValueError(f"{path}: tensors missing {missing}, foreign {foreign}")
    return meta, net.eval()


class Side:
    def __init__(self):
        self.nets, self.meta, self.crops, self.blas = {}, {}, None, BlasThreads()

    def load(self, order):
        meta, net = load(order["model"])
        net.to(order.get("device", "cpu"))
        self.nets[order["as"]] = net.to(torch.bfloat16) if order["precision"] == "bf16" else net
        self.meta[order["as"]] = meta
        return {"input_size": int(meta["input_size"]), "gray": meta["color"] == "gray"}

    def read_crops(self, order):
        with open(order["file"], "rb") as file:
            flat = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
        side = order["side"]
        self.crops = (flat.view(-1, side, side, 3).permute(0, 3, 1, 2).float() / 255).contiguous()
        return {"count": len(self.crops)}

    def run(self, order):
        net = self.nets[order["name"]]
        pick = [i % len(self.crops) for i in range(order["batch"])]
        weight = next(net.parameters())
        batch = self.crops[pick].to(weight.dtype)
        self.blas.choose((order["name"], order["batch"]), lambda: net(batch.to(weight.device))[0].cpu())
        begun, times = time.monotonic(), 0
        while times == 0 or time.monotonic() - begun < order["at_least"]:
            net(batch.to(weight.device))[0].cpu()
            times += 1
        return {"seconds": (time.monotonic() - begun) / times}

    def compare(self, order):
        net = self.nets[order["name"]]
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            logits, mask = (output.cpu() for output in net(self.crops.to(next(net.parameters()).device)))
        with open(order["file"], "rb") as file:
            flat = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        theirs, their_mask = flat[:logits.numel()].view_as(logits), flat[logits.numel():].view_as(mask)
        far = lambda a, b: float((a - b).abs().max())
        return {"logits": far(logits, theirs), "probabilities": far(logits.softmax(1), theirs.softmax(1)), "mask": far(mask, their_mask),
                "mask_deviation": float(mask.std()), "logits_deviation": float(logits.std())}

    def exact(self, order):
        """How far the first crop's logits lie from those in double precision: this side's, and the engine's."""
        net, crop = self.nets[order["name"]], self.crops[:1]
        logits = net(crop.to(next(net.parameters()).device))[0].cpu()
        with open(order["file"], "rb") as file:
            theirs = torch.frombuffer(bytearray(file.read(4 * logits.numel())), dtype=torch.float32).view_as(logits)
        truth = Fmpn(self.meta[order["name"]]).double().eval()
        truth.load_state_dict(net.state_dict())
        truth = truth(crop.double())[0]
        return {"eager": float((logits - truth).abs().max()), "theirs": float((theirs - truth).abs().max())}

    def count(self, order):
        net, side = self.nets[order["name"]], int(self.meta[order["name"]]["input_size"])
        total = {"flop": 0, "pair": 0}

        def convolution(module, inputs, output):
            taps = module.weight.shape[2] * module.weight.shape[3] if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) else 1
            if isinstance(module, nn.ConvTranspose2d):  # every input pixel meets every tap
                total["flop"] += 2 * taps * inputs[0].numel() * module.out_channels
            elif isinstance(module, nn.Conv2d):
                total["flop"] += 2 * taps * output.numel() * module.in_channels
            else:
                total["flop"] += 2 * module.weight.numel()

        def pair(module, inputs, output):
            total["pair"] = max(total["pair"], inputs[0].numel() + output.numel())
        hooks = []
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                hooks += [module.register_forward_hook(convolution), module.register_forward_hook(pair)]
        net(torch.zeros(1, 3, side, side))
        for hook in hooks:
            hook.remove()
        return {**total, "parameters": sum(p.numel() for p in net.parameters())}


def main():
    side = Side()
    orders = {"load": side.load, "crops": side.read_crops, "run": side.run, "compare": side.compare, "exact": side.exact, "count": side.count}
    with torch.no_grad():
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = orders[order["do"]](order)
            except Exception as fault:  # told to the one who asked
                answer = {"error": f"{type(fault).__name__}: {fault}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
