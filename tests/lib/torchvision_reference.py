"""Runs networks that were written apart from ours: torchvision's, and FMG and PFN by their description.

torchvision_reference.py CASE.safetensors...

Each case holds the weights under net.*, the inputs as input.0, input.1 ..., and in its metadata the network's name.
The output goes to CASE.safetensors.out as raw float32. Exit status 77: PyTorch or torchvision is not installed.
"""

import json
import struct
import sys

try:
    import torch
    import torchvision
    from torch import nn
    from torchvision.models.resnet import BasicBlock
except ImportError as fault:
    print(fault)
    sys.exit(77)


def read_safetensors(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        body = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        first, last = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(body[first:last]), dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"])
    return metadata, tensors


class Residual(nn.Module):
    """x + [conv, BN, PReLU, conv, BN, PReLU]; nothing after the sum."""

    def __init__(self, width):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU())

    def forward(self, x):
        return x + self.conv_block(x)


class Fmg(nn.Module):
    def __init__(self, width, side):
        super().__init__()

        def down(inner, outer):
            return [nn.Conv2d(inner, outer, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(True)]

        def up(inner, outer):
            transposed = nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1, output_padding=side % 2, bias=False)
            return [transposed, nn.BatchNorm2d(outer), nn.ReLU(True)]

        first = [nn.Conv2d(1, width, 7, padding=3, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
        blocks = [Residual(4 * width) for _ in range(4)]
        self.feature_extractor = nn.Sequential(
            *first, *down(width, 2 * width), *down(2 * width, 4 * width), *blocks,
            *up(4 * width, 2 * width), *up(2 * width, width))
        self.res_top = nn.Sequential(nn.Conv2d(width, 1, 7, padding=3, bias=False), nn.Sigmoid())

    def forward(self, gray):
        return self.res_top(self.feature_extractor(gray))


class Pfn(nn.Module):
    def __init__(self):
        super().__init__()
        self.process_a = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(True))
        self.process_b = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(True))
        self.model = nn.Sequential(Residual(3), nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.Sigmoid())

    def forward(self, rgb, masked_gray):
        return self.model(self.process_a(rgb) + self.process_b(masked_gray))


class SmallResNet18(nn.Module):
    """torchvision's blocks and names at any width, behind a 3×3 stem without pooling."""

    def __init__(self, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inner = width
        for index in range(4):
            outer, stride = width << index, 1 if index == 0 else 2
            down = None
            if stride != 1:
                down = nn.Sequential(nn.Conv2d(inner, outer, 1, stride=stride, bias=False), nn.BatchNorm2d(outer))
            setattr(self, "layer%d" % (index + 1), nn.Sequential(BasicBlock(inner, outer, stride, down), BasicBlock(outer, outer)))
            inner = outer
        self.fc = nn.Linear(inner, classes)

    def forward(self, x):
        x = torch.relu_(self.bn1(self.conv1(x)))
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


def vgg(name, weights):
    """torchvision's VGG with its channel counts scaled to the weights' width."""
    from torchvision.models.vgg import VGG, cfgs, make_layers
    width = weights["features.0.weight"].shape[0]
    plan = [n if n == "M" else n * width // 64 for n in cfgs["D" if "16" in name else "E"]]
    net = VGG(make_layers(plan, batch_norm=name.endswith("_bn")), init_weights=False)
    hidden, classes = 64 * width, weights["classifier.6.bias"].shape[0]
    net.classifier[0] = nn.Linear(8 * width * 7 * 7, hidden)
    net.classifier[3] = nn.Linear(hidden, hidden)
    net.classifier[6] = nn.Linear(hidden, classes)
    return net


def network(name, weights, inputs):
    if name == "fmg":
        return Fmg(weights["res_top.0.weight"].shape[1], inputs[0].shape[2])
    if name == "pfn":
        return Pfn()
    if name.startswith("vgg"):
        return vgg(name, weights)
    if name == "densenet121":
        return torchvision.models.densenet121(weights=None, num_classes=weights["classifier.bias"].shape[0])
    classes = weights["fc.bias"].shape[0]
    if name in ("resnet18", "resnet50", "resnet152"):
        return getattr(torchvision.models, name)(weights=None, num_classes=classes)
    if name == "inception_v3":
        return torchvision.models.inception_v3(
            weights=None, num_classes=classes, aux_logits=False, transform_input=True, init_weights=False)
    raise SystemExit("unknown network " + name)


def main():
    torch.set_num_threads(2)
    for path in sys.argv[1:]:
        metadata, tensors = read_safetensors(path)
        weights = {name[4:]: value for name, value in tensors.items() if name.startswith("net.")}
        inputs = [tensors[name] for name in sorted(tensors) if name.startswith("input.")]
        net = network(metadata["network"], weights, inputs)
        missing, unexpected = net.load_state_dict(weights, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise SystemExit("%s: missing %s, unexpected %s" % (path, missing, unexpected))
        net.eval()
        with torch.no_grad():
            output = net(*inputs)
        with open(path + ".out", "wb") as file:
            file.write(output.contiguous().numpy().tobytes())


if __name__ == "__main__":
    main()
