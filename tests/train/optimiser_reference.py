"""The paper's two phases, one step of each, written apart from ours.

optimiser_reference.py CASE.safetensors RESULT.safetensors

CASE holds the weights (net.resface.*, net.fusion.*, net.cls.*: FMG of any width, PFN, a narrow DenseNet-121), the inputs
rgb and mask and the class numbers label. RESULT gets, as 64-bit floats, the state after a step of phase 1 (1.*) and of
phase 2 (2.*), the losses, and the learning rate of every epoch. Exit status 77: PyTorch or torchvision is not installed.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import torchvision_reference as reference  # noqa: E402  (exits with 77 where PyTorch is missing)

import torch
import torchvision
from safetensors_writer import write_safetensors

BETAS = (0.5, 0.999)


def build(tensors):
    def part(name):
        start = "net." + name + "."
        return {key[len(start):]: value.double() for key, value in tensors.items() if key.startswith(start)}

    width = part("cls")["features.conv0.weight"].shape[0]
    classes = part("cls")["classifier.bias"].shape[0]
    fmg = reference.Fmg(part("resface")["res_top.0.weight"].shape[1], tensors["rgb"].shape[2])
    cls = torchvision.models.DenseNet(
        growth_rate=width // 2, block_config=(6, 12, 24, 16), num_init_features=width, num_classes=classes)
    nets = {"resface": fmg, "fusion": reference.Pfn(), "cls": cls}
    for name, net in nets.items():
        net.double().load_state_dict(part(name))
        net.train()
    return nets


def gray_of(rgb):
    return 0.299 * rgb[:, 0:1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:3]


def state(nets, phase):
    result = {}
    for part, net in nets.items():
        for name, value in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                result["%d.%s.%s" % (phase, part, name)] = value.detach().clone()
    return result


def phase_1(tensors, rgb, mask):
    nets = build(tensors)
    optimiser = torch.optim.Adam(nets["resface"].parameters(), lr=1e-4, betas=BETAS)
    loss = torch.nn.MSELoss()(nets["resface"](gray_of(rgb)), mask)
    loss.backward()
    optimiser.step()
    return state(nets, 1), [loss.item()]


def phase_2(tensors, rgb, mask, label):
    nets = build(tensors)
    optimiser = torch.optim.Adam(
        [{"params": list(nets["cls"].parameters()) + list(nets["fusion"].parameters()), "lr": 1e-4},
         {"params": nets["resface"].parameters(), "lr": 1e-5}], betas=BETAS)
    gray = gray_of(rgb)
    generated = nets["resface"](gray)
    mask_loss = torch.nn.MSELoss()(generated, mask)
    class_loss = torch.nn.CrossEntropyLoss()(nets["cls"](nets["fusion"](rgb, generated * gray)), label)
    (0.1 * mask_loss + 1.0 * class_loss).backward()
    optimiser.step()
    return state(nets, 2), [mask_loss.item(), class_loss.item()]


def rates(base, constant, decay):
    """As the published code sets them: LambdaLR, stepped after each epoch."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda index: 1.0 - max(0, index + 1 + 1 - constant) / float(decay + 1))
    seen = []
    for _ in range(constant + decay):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return torch.tensor(seen, dtype=torch.float64)


def main():
    _, tensors = reference.read_safetensors(sys.argv[1])
    rgb, mask, label = tensors["rgb"].double(), tensors["mask"].double(), tensors["label"].long()
    first, losses_1 = phase_1(tensors, rgb, mask)
    second, losses_2 = phase_2(tensors, rgb, mask, label)
    result = {**first, **second, "losses": torch.tensor(losses_1 + losses_2, dtype=torch.float64)}
    result["rates.1"] = rates(1e-4, 150, 150)
    result["rates.2"] = rates(1e-4, 100, 100)
    result["rates.2.fmg"] = rates(1e-5, 100, 100)
    write_safetensors(result, sys.argv[2])


main()
