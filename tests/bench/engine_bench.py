"""The engine against eager PyTorch and the hardware's floor; load times, memory, agreement."""
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import torch

from rows import ratio, row

HERE = pathlib.Path(__file__).resolve().parent
PREPARED_CROPS = 44
CROPS = 16
TINY_SIDE = 48
ROUNDS, FEWEST_ROUNDS, SECONDS, AT_LEAST = 9, 3, 60, 0.15


class Worker:
    """A process that is told what to do line by line; on as many processors as it has threads."""

    def __init__(self, command, threads):
        processors = sorted(os.sched_getaffinity(0))[:threads]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
                                        preexec_fn=lambda: os.sched_setaffinity(0, processors))

    def __call__(self, do, **rest):
        self.process.stdin.write(json.dumps({"do": do, **rest}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with status {self.process.wait()} on '{do}'")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{do} {rest}: {answer['error']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Case:
    """A model to be measured: its short name, its file, the precisions that this CPU has for it, crops that fit it, and what eager.py counted."""

    def __init__(self, name, path, precisions):
        self.name, self.path, self.precisions = name, str(path), precisions
        self.crops, self.side, self.count = None, 0, {}


def write_crops(path, side, gray, count):
    """Smooth random pictures with some grain, the same every time."""
    torch.manual_seed(7)
    coarse = torch.rand(count, 1 if gray else 3, 9, 9)
    pictures = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
    pictures = (pictures + 0.03 * torch.randn_like(pictures)).clamp(0, 1).expand(count, 3, side, side)
    path.write_bytes((pictures * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy().tobytes())


def eager_command():
    return [sys.executable, str(HERE / "eager.py")]


def prepare(case, ours, eager, folder):
    """Loads every precision on both sides and gives them the same crops."""
    for precision in case.precisions:
        known = eager("load", **{"as": precision, "model": case.path, "precision": precision})
        ours("load", **{"as": precision, "model": case.path, "precision": precision})
    case.crops, case.side = folder / f"{case.name}.rgb", known["input_size"]
    write_crops(case.crops, case.side, known["gray"], CROPS)
    for side in (ours, eager):
        side("crops", file=str(case.crops), side=case.side)
    case.count = eager("count", name="fp32")


def outputs_of(ours, path, precision):
    ours("outputs", name=precision, file=str(path))
    return path


def equality(case, ours, eager, folder):
    """The bench's own nets are the engine's: else no time of theirs means anything.

    With random weights the logits of a deep net differ by what both sides round; a wrong layer shows in their deviation."""
    outputs = folder / f"{case.name}.outputs"
    found = {}
    for precision in case.precisions:
        outputs_of(ours, outputs, precision)
        found[precision] = eager("compare", name="fp32", file=str(outputs))
        limits = {"mask": 1e-4, "logits": 0.01 * found[precision]["logits_deviation"]} if precision == "fp32" else \
            {"mask": found[precision]["mask_deviation"], "logits": 3 * found[precision]["logits_deviation"]}
        for what, limit in limits.items():
            if not found[precision][what] <= limit:
                raise RuntimeError(f"{case.name}, {precision}: {what} lie {found[precision][what]:.2g} from eager PyTorch's, more than {limit:.2g}: not the same nets")
    yield row(f"{case.name}: fp32 from eager fp32, logits", found["fp32"]["logits"], "", goal="<= 1e-4")
    yield row(f"{case.name}: fp32 from eager fp32, mask", found["fp32"]["mask"], "", goal="<= 1e-4")
    yield row(f"{case.name}: fp32 from eager fp32, probabilities", found["fp32"]["probabilities"], "", goal="<= 1e-4")
    exact = eager("exact", name="fp32", file=str(outputs_of(ours, outputs, "fp32")))
    yield row(f"{case.name}: eager fp32 from fp64, logits of a face", exact["eager"], "")
    yield row(f"{case.name}: fp32 from fp64, logits of a face", exact["theirs"], "")
    if "bf16" in found:
        yield row(f"{case.name}: bf16 from eager fp32, mask", found["bf16"]["mask"], "", goal="<= 0.03")
        yield row(f"{case.name}: bf16 from eager fp32, probabilities", found["bf16"]["probabilities"], "")


def goals(case, batch, threads, precision):
    """Goals stand for the paper's model, one face, two threads."""
    if case.name != "paper" or batch != 1 or threads != 2:
        return "", ""
    return ("<= 1.35", ">= 1.8") if precision == "fp32" else ("<= 1.5", ">= 3.2")


def one_round(case, ours, eager, batch, at_least):
    """Milliseconds by (precision, side). Eager bf16, which is slower than it need be, runs with one face only."""
    found = {}
    for precision in case.precisions:
        found[precision, "ours"] = 1000 * ours("run", name=precision, batch=batch, at_least=at_least)["seconds"]
        if precision == "fp32" or batch == 1:
            found[precision, "eager"] = 1000 * eager("run", name=precision, batch=batch, at_least=at_least)["seconds"]
        found[precision, "floor"] = 1000 * case.count["flop"] * batch / ours("floor", precision=precision, batch=batch, at_least=at_least)["flops"]
    return found


def take_rounds(case, ours, eager, batches, quick):
    """Batch sizes and sides in turn: up to ROUNDS rounds, for each batch size as many as begin within SECONDS, FEWEST_ROUNDS at least.
    Lists of milliseconds."""
    times, spent = {}, dict.fromkeys(batches, 0)
    for batch in batches if not quick else ():
        one_round(case, ours, eager, batch, 0)  # makes plans, fills caches
    for turn in range(1 if quick else ROUNDS):
        for batch in batches:
            if spent[batch] > SECONDS and turn >= FEWEST_ROUNDS:
                continue
            begun = time.monotonic()
            for (precision, side), ms in one_round(case, ours, eager, batch, 0 if quick else AT_LEAST).items():
                times.setdefault((batch, precision, side), []).append(ms)
            spent[batch] += time.monotonic() - begun
    return times


def speed(case, ours, eager, threads, batches, quick):
    median = {key: statistics.median(values) for key, values in take_rounds(case, ours, eager, batches, quick).items()}
    with_threads = f"{threads} thread{'s' if threads > 1 else ''}"
    for batch in batches:
        for precision in case.precisions:
            title = f"{case.name}, batch {batch}, {precision}, {with_threads}"
            to_floor, to_eager = goals(case, batch, threads, precision)
            mine = median[batch, precision, "ours"]
            yield row(f"{title}: faces/s", 1000 * batch / mine, "1/s")
            yield ratio(f"{title}: ours / floor", mine, median[batch, precision, "floor"], "ms", goal=to_floor)
            yield ratio(f"{title}: eager fp32 / ours", median[batch, "fp32", "eager"], mine, "ms", goal=to_eager)
            if (batch, "bf16", "eager") in median and precision == "bf16":
                yield ratio(f"{title}: eager bf16 / ours", median[batch, "bf16", "eager"], mine, "ms")
    for precision in case.precisions:
        yield ratio(f"{case.name}, {precision}, {with_threads}: four faces batched / one", median[4, precision, "ours"], median[1, precision, "ours"], "ms", goal="<= 3.2" if threads == 2 else "")


def load_and_memory(case, bench, smaller, repeat):
    """In fresh processes. LibTorch's own pages and its first use do not count in the memory: a smaller model runs before."""
    for precision in case.precisions:
        seconds = []
        for _ in range(repeat):
            with Worker([bench], 2) as ours:
                seconds.append(ours("load", **{"as": "it", "model": case.path, "precision": precision})["seconds"])
        yield row(f"{case.name}, {precision}: load", statistics.median(seconds), "s", goal={"paper": "<= 0.6", "default": "<= 0.15"}.get(case.name, ""))
        with Worker([bench], 2) as ours:
            ours("load", **{"as": "warm", "model": smaller.path, "precision": precision})
            ours("crops", file=str(smaller.crops), side=smaller.side)
            ours("run", name="warm", batch=1, at_least=0)
            ours("crops", file=str(case.crops), side=case.side)
            before = ours("memory", reset=True)
            ours("load", **{"as": "it", "model": case.path, "precision": precision})
            ours("run", name="it", batch=1, at_least=0)
            ours("run", name="it", batch=1, at_least=0)
            after = ours("memory")
            second = ours("load", **{"as": "second", "model": case.path, "precision": precision})
            ours("run", name="second", batch=1, at_least=0)
            both = ours("memory")
        size = 4 if precision == "fp32" else 2
        peak, weights, activations = after["peak"] - before["resident"], case.count["parameters"] * size, case.count["pair"] * size
        yield ratio(f"{case.name}, {precision}: (peak memory − one layer's input and output) / weights", (peak - activations) / 1e6, weights / 1e6, "MB", goal="<= 1.5")
        yield row(f"{case.name}, {precision}: memory of a second instance ({'shared' if second['shared'] else 'a copy'})", (both["resident"] - after["resident"]) / 1e6, "MB", goal="<= 1")


def agreement(case, bench, crops):
    """bf16 against fp32 on real faces."""
    with Worker([bench], 2) as ours:
        for precision in ("fp32", "bf16"):
            ours("load", **{"as": precision, "model": case.path, "precision": precision})
        found = ours("agree", a="fp32", b="bf16", files=crops)
    yield {**row(f"{case.name}: same top label in bf16 and fp32, FER2013 valid", 100 * found["equal"] / found["count"], "%", goal=">= 99.5"),
           "parts": [found["equal"], found["count"]], "parts_unit": "pictures"}
    yield row(f"{case.name}: bf16 mask from fp32 mask, FER2013 valid (an FMG narrower than 32 stays in fp32)", found["mask"], "", goal="<= 0.03")


def valid_crops(data):
    """The prepared crops of split valid."""
    with open(data / "manifest.csv", newline="") as file:
        return [str(data / line["path"]) for line in csv.DictReader(file) if line["split"] == "valid" and line["path"]]


def prepared_data(options, folder):
    """A prepared FER2013: the one given, else made from FMPN_TEST_DATA once and kept; None where neither is there."""
    if options.data:
        return pathlib.Path(options.data)
    archive = pathlib.Path(os.environ.get("FMPN_TEST_DATA", "")) / "fer2013.tar.xz"
    train = options.build / "train" / "fmpn-train"
    data = folder / "fer2013-valid"
    if not (data / "manifest.csv").exists():
        if options.quick or not os.environ.get("FMPN_TEST_DATA") or not archive.exists() or not train.exists():
            return None
        subprocess.run(["tar", "-xJf", str(archive), "-C", str(folder), "fer2013/valid"], check=True)
        subprocess.run([str(train), "prepare", "folder", str(folder / "fer2013"), "-o", str(data), "--crop-size", str(PREPARED_CROPS)], check=True, stdout=subprocess.DEVNULL)
    return data


def bench_program(options):
    return str(options.build / "tests" / "bench" / "engine-bench")


def precisions_here(options):
    with Worker([bench_program(options)], 1) as ours:
        return ours("precisions")["precisions"]


def all_cases(options, folder):
    """The paper's model, made on the first call, and the default one."""
    width = "8" if options.quick else "64"
    paper, make = folder / f"paper-{width}.safetensors", options.build / "tests" / "bench" / "make_model"
    if not paper.exists() or paper.stat().st_mtime < make.stat().st_mtime:
        subprocess.run([str(make), str(paper), width], check=True)
    precisions = precisions_here(options)
    return [Case("paper, FMG of width 8" if options.quick else "paper", paper, precisions), Case("default", options.model, precisions)]


def measure_speed(options, folder):
    bench = bench_program(options)
    for threads in options.threads:
        for case in all_cases(options, folder):
            with Worker([bench], threads) as ours, Worker(eager_command(), threads) as eager:
                prepare(case, ours, eager, folder)
                if threads == options.threads[0]:
                    yield from equality(case, ours, eager, folder)
                yield from speed(case, ours, eager, threads, (1, 4) if options.quick else (1, 4, 16), options.quick)


def measure_memory(options, folder):
    bench = bench_program(options)
    cases = all_cases(options, folder)
    for case in cases:
        with Worker([bench], 2) as ours, Worker(eager_command(), 2) as eager:
            prepare(case, ours, eager, folder)
    tiny = Case("tiny", options.build / "tests" / "support" / "tiny.safetensors", cases[0].precisions)
    tiny.crops, tiny.side = folder / "tiny.rgb", TINY_SIDE
    write_crops(tiny.crops, tiny.side, False, 1)
    for case, smaller in ((cases[0], cases[1]), (cases[1], tiny)):
        yield from load_and_memory(case, bench, smaller, 1 if options.quick else 5)


def measure_agreement(options, folder):
    if "bf16" not in precisions_here(options):
        print("this CPU has no bfloat16 instructions: agreement of bf16 and fp32 is left out", file=sys.stderr)
        return
    data = prepared_data(options, folder)
    if data is None:
        print("no prepared FER2013 (--data, or FMPN_TEST_DATA and fmpn-train): agreement of bf16 and fp32 on it is left out", file=sys.stderr)
        return
    yield from agreement(all_cases(options, folder)[1], bench_program(options), valid_crops(data)[:64 if options.quick else None])
