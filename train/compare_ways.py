#!/usr/bin/env python3
"""Trains a recipe in several ways with several seeds, and prints what each is right on: does the prior help?

    train/compare_ways.py DATA OUT --recipe FILE --masks DIR [--seeds 1,2,3] [--images N] [--jobs N] [--way 'NAME: OPTION…']…

Without --way the three ways of the paper: baseline, no-mask and fmpn. A way is a name and options of `fmpn-train fit` for it. With
--images each seed draws N of the training pictures, the same for every way. Run again it goes on where it was stopped: finished runs
are kept, the others resumed. The table is Markdown: accuracy in per cent, the mean difference from the first way over the seeds with its
standard error, and what is lost in the mean when every face gets the mean mask of all instead of its own. FMPN_TRAIN names the program.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import random
import shlex
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("FMPN_TRAIN", os.path.join(HERE, "..", "build", "train", "fmpn-train"))
PAPER = ["baseline: --ablation baseline", "no-mask: --ablation no-mask", "fmpn:"]


def subset(data, out, seed, count):
    """A data set with `count` of the training pictures of `data`, drawn by `seed`; all else is as it was."""
    folder = os.path.join(out, "data-%d" % seed)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(data, "manifest.csv"), newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    training = [row for row in rows if row["split"] == "train"]
    if count > len(training):
        sys.exit("--images %d: %s has %d training pictures" % (count, data, len(training)))
    chosen = set(id(row) for row in random.Random(seed).sample(training, count))
    with open(os.path.join(folder, "manifest.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if row["split"] == "train" and id(row) not in chosen:
                continue
            row["path"] = os.path.abspath(os.path.join(data, row["path"]))
            writer.writerow(row)
    return folder


def result(run):
    """Accuracy in per cent, and what a face's own mask gives of it; None without masks."""
    with open(os.path.join(run, "result.json")) as file:
        found = json.load(file)
    with_mean = found.get("mean_mask_accuracy")
    return 100 * found["accuracy"], None if with_mean is None else 100 * (found["accuracy"] - with_mean)


def train(data, run, options):
    if not os.path.exists(os.path.join(run, "result.json")):
        command = [PROGRAM, "fit", data, "-o", run, *options]
        if os.path.exists(os.path.join(run, "checkpoint.pt")):
            command.append("--resume")
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError("%s\n%s" % (shlex.join(command), done.stderr))
    return result(run)


def table(names, seeds, found):
    lines = ["| way | " + " | ".join("seed %d" % seed for seed in seeds) + " | mean | difference | own masks |", "|---" * (len(seeds) + 4) + "|"]
    for name in names:
        own = [found[name, seed][0] for seed in seeds]
        row = [name, *("%.2f" % value for value in own), "%.2f" % statistics.mean(own)]
        if name == names[0]:
            row.append("")
        else:
            differences = [value - found[names[0], seed][0] for value, seed in zip(own, seeds)]
            error = statistics.stdev(differences) / len(seeds) ** 0.5 if len(seeds) > 1 else float("nan")
            row.append("%+.2f ± %.2f" % (statistics.mean(differences), error))
        masks = [found[name, seed][1] for seed in seeds]
        row.append("" if None in masks else "%+.2f" % statistics.mean(masks))
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--masks", required=True)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--images", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--way", action="append")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    ways = {}
    for way in arguments.way or PAPER:
        name, colon, options = way.partition(":")
        if not colon:
            parser.error("--way '%s': a name, a colon and options are wanted" % way)
        ways[name.strip()] = shlex.split(options)
    data = {seed: arguments.data for seed in seeds}
    if arguments.images:
        data = {seed: subset(arguments.data, arguments.out, seed, arguments.images) for seed in seeds}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {}
        for seed in seeds:
            for name, options in ways.items():
                run = os.path.join(arguments.out, "%s-%d" % (name, seed))
                # A way's own options come last, and count.
                options = ["--recipe", arguments.recipe, "--masks", arguments.masks, "--seed", str(seed), *options]
                runs[name, seed] = pool.submit(train, data[seed], run, options)
        try:
            found = {key: run.result() for key, run in runs.items()}
        except RuntimeError as fault:
            pool.shutdown(cancel_futures=True)
            sys.exit(str(fault))
    print(table(list(ways), seeds, found))


if __name__ == "__main__":
    main()
