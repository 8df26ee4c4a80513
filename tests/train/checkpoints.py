"""Checkpoints as others write them, and what their own programs answer.

checkpoints.py small FOLDER FACE.png     small .pth files of every kind
checkpoints.py make FOLDER FACE.png      the three published files; the networks' answers to FACE.png in answers.json
checkpoints.py run FOLDER FACE.png       loads FOLDER/script.pt, resface, fusion and cls.safetensors; prints the answers

Exit status 77: PyTorch or torchvision is not installed.
"""

import collections
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import torchvision_reference as reference  # noqa: E402  (exits with 77 where PyTorch is missing)

import torch
import torchvision
from PIL import Image
from safetensors_writer import write_safetensors

SIDE, WIDTH, CLASSES = 75, 4, 7


def draw(net):
    with torch.no_grad():
        for name, value in net.named_parameters():
            if value.dim() >= 2:
                torch.nn.init.kaiming_normal_(value)
            elif name.endswith("bias"):
                value.uniform_(-0.2, 0.2)
            else:
                value.uniform_(0.2, 1.0)
        for name, value in net.named_buffers():
            if name.endswith("running_mean"):
                value.uniform_(-0.3, 0.3)
            if name.endswith("running_var"):
                value.uniform_(0.3, 1.5)
    return net.eval()


def nets(auxiliary):
    cls = torchvision.models.inception_v3(
        weights=None, num_classes=CLASSES, aux_logits=auxiliary, transform_input=True, init_weights=False)
    return reference.Fmg(WIDTH, SIDE).eval(), reference.Pfn().eval(), cls.eval()


def face_of(path):
    picture = Image.open(path).convert("RGB")
    flat = torch.tensor(list(picture.tobytes()), dtype=torch.float32) / 255
    return flat.reshape(picture.height, picture.width, 3).permute(2, 0, 1).unsqueeze(0)


def answer(fmg, pfn, cls, rgb):
    with torch.no_grad():
        gray = 0.299 * rgb[:, 0:1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:3]
        mask = fmg(gray)
        return {"logits": cls(pfn(rgb, mask * gray))[0].tolist(), "mask": mask.flatten().tolist()}


def old(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


class Command:
    def __reduce__(self):
        return os.system, ("touch executed",)


def make_small(folder):
    """Few numbers, every oddity: other types, strides, shared storages, prefixes, a checkpoint around."""
    storage = torch.arange(24, dtype=torch.float32)
    small = collections.OrderedDict([
        ("a.weight", torch.randn(3, 2, 3, 3)),
        ("a.bias", storage[3:6]),
        ("transposed", storage.reshape(4, 6)[1:, ::2].t()),
        ("channels_last", torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)),
        ("half", torch.randn(5).half()),
        ("brain", torch.randn(5).bfloat16()),
        ("double", torch.randn(2, 2).double()),
        ("num_batches_tracked", torch.tensor(7)),
        ("empty", torch.zeros(0, 3)),
    ])
    write_safetensors(small, folder + "/small.safetensors")
    torch.save(small, folder + "/small_zip.pth")
    old(small, folder + "/small_old.pth")
    prefixed = collections.OrderedDict(("module." + name, value) for name, value in small.items())
    torch.save(prefixed, folder + "/module_zip.pth")
    parameter = torch.nn.Parameter(torch.randn(3))
    optimiser = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimiser.step()
    checkpoint = {"epoch": 3, "best": 0.5, "name": "x", "state_dict": small, "args": [1, None, True]}
    torch.save(checkpoint, folder + "/checkpoint_zip.pth")
    old(checkpoint, folder + "/checkpoint_old.pth")
    net = torch.nn.Sequential(torch.nn.Linear(2, 3))
    torch.save(collections.OrderedDict(net.named_parameters()), folder + "/parameters_zip.pth")
    write_safetensors({name: value.detach() for name, value in net.named_parameters()}, folder + "/parameters.safetensors")
    torch.save({"a": net.state_dict(), "b": net.state_dict()}, folder + "/two_zip.pth")
    torch.save(net, folder + "/whole_zip.pth")
    old({"w": torch.zeros(2), "x": Command()}, folder + "/command_old.pth")
    torch.save({"w": torch.zeros(2), "x": Command()}, folder + "/command_zip.pth")
    torch.save(small, folder + "/protocol4_zip.pth", pickle_protocol=4)


def small(folder, _face):
    torch.manual_seed(5)
    make_small(folder)


def make(folder, face):
    torch.manual_seed(6)
    fmg, pfn, cls = (draw(net) for net in nets(auxiliary=True))
    old(fmg.state_dict(), folder + "/1_net_resface.pth")
    torch.save(torch.nn.DataParallel(pfn).state_dict(), folder + "/1_net_fusion.pth")
    torch.save(cls.state_dict(), folder + "/1_net_cls.pth")
    json.dump(answer(fmg, pfn, cls, face_of(face)), open(folder + "/answers.json", "w"))


def run(folder, face):
    rgb = face_of(face)
    fmg, pfn, cls = nets(auxiliary=False)
    for net, part in ((fmg, "resface"), (pfn, "fusion"), (cls, "cls")):
        net.load_state_dict(reference.read_safetensors(folder + "/" + part + ".safetensors")[1])
    extra = {"fmpn.json": ""}
    script = torch.jit.load(folder + "/script.pt", _extra_files=extra)
    logits, mask = script(rgb.repeat(3, 1, 1, 1))
    traced = {"logits": logits[2].tolist(), "mask": mask[2].flatten().tolist(), "about": json.loads(extra["fmpn.json"])}
    traced["parameters"] = sorted(name for name, _ in script.named_parameters())
    print(json.dumps({"loaded": answer(fmg, pfn, cls, rgb), "traced": traced}))


def main():
    torch.set_num_threads(2)
    {"small": small, "make": make, "run": run}[sys.argv[1]](*sys.argv[2:])


main()
