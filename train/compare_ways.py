#!/usr/bin/env python3
"""Trains a recipe in several ways with several seeds, and prints what each is right on: does the prior help?

    train/compare_ways.py DATA OUT --recipe FILE [--masks DIR] [--seeds 1,2,3] [--cv | --images N] [--jobs N]
                          [--way 'NAME: OPTION…']…

Without --way the three ways of the paper: baseline, no-mask and fmpn. A way is a name and options of `fmpn-train fit` for it; {seed}
in them is the run's.
With --cv each run is a cross-validation, and the unweighted mean of its folds is what counts. With --images each seed draws N of
the training pictures, the same for every way. Run again it goes on where it was stopped: finished runs are kept, the others
resumed; a run that was made by another command is refused. The table is Markdown: accuracy in per cent, the mean difference from
the first way over the seeds with its standard error, and what is lost in the mean when every face gets the mean mask of all
instead of its own. FMPN_TRAIN names the program.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import random
import shlex
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("FMPN_TRAIN", os.path.join(HERE, "..", "build", "train", "fmpn-train"))
PAPER = ["baseline: --ablation baseline", "no-mask: --ablation no-mask", "fmpn:"]


class Fault(Exception):
    """What the user is told."""


class Fit:
    """The files of a run, and what its result says."""

    command, begun, done = "fit", "checkpoint.pt", "result.json"
    accuracy, with_mean_mask = "accuracy", "mean_mask_accuracy"


class CrossValidation:
    command, begun, done = "cv", "cv.toml", "table.json"
    accuracy, with_mean_mask = "mean", "mean_with_mean_mask"


class Runner:
    """Makes runs, several at a time; stopped, it takes those under way with it."""

    def __init__(self, kind, jobs, threads):
        self.kind, self.stopped, self.children = kind, False, set()
        self.environment = {**os.environ, "OMP_NUM_THREADS": threads}
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)

    def submit(self, data, run, options):
        return self.pool.submit(self.train, data, run, options)

    def stop(self):
        self.stopped = True
        for child in list(self.children):
            child.send_signal(signal.SIGTERM)
        self.pool.shutdown(cancel_futures=True)

    def train(self, data, run, options):
        command = [self.kind.command, data, *options]
        self.belongs_to(run, command)
        if not os.path.exists(os.path.join(run, self.kind.done)):
            command = [PROGRAM, *command, "-o", run]
            if os.path.exists(os.path.join(run, self.kind.begun)):
                command.append("--resume")
            self.call(command)
        return self.result(run)

    @staticmethod
    def belongs_to(run, command):
        note = run + ".command"
        if not os.path.exists(note):
            with open(note, "w") as file:
                file.write(shlex.join(command) + "\n")
        with open(note) as file:
            earlier = file.read().strip()
        if earlier != shlex.join(command):
            raise Fault("%s was made by another command; take another folder, or remove it\n  %s\n  %s"
                        % (run, earlier, shlex.join(command)))

    def call(self, command):
        if self.stopped:
            raise Fault("stopped")
        child = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.children.add(child)
        _, text = child.communicate()
        self.children.remove(child)
        if child.returncode != 0:
            raise Fault("%s\n%s" % (shlex.join(command), "\n".join(text.strip().split("\n")[-3:])))

    def result(self, run):
        """Accuracy in per cent, and what a face's own mask gives of it; None without masks."""
        path = os.path.join(run, self.kind.done)
        if not os.path.exists(path):
            raise Fault("%s: the run has no result; was anything held out?" % path)
        with open(path) as file:
            found = json.load(file)
        accuracy, with_mean = found[self.kind.accuracy], found.get(self.kind.with_mean_mask)
        return 100 * accuracy, None if with_mean is None else 100 * (accuracy - with_mean)


def threads_of_each(out, jobs):
    """Runs at a time share the cores, but where the user says how many each takes (or the recipe does). Sums depend on it: a table that
    goes on keeps its number, whatever --jobs is by then."""
    note = os.path.join(out, "threads")
    if not os.path.exists(note):
        with open(note, "w") as file:
            file.write(os.environ.get("OMP_NUM_THREADS") or str(max(1, len(os.sched_getaffinity(0)) // jobs)))
    with open(note) as file:
        return file.read().strip()


def subset(data, out, seed, count):
    """A data set with `count` of the labelled training pictures of `data`, drawn by `seed`; all else is as it was."""
    folder = os.path.join(out, "data-%d-%d" % (count, seed))
    with open(os.path.join(data, "manifest.csv"), newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    training = [index for index, row in enumerate(rows) if row["split"] == "train" and row["label"]]
    if count > len(training):
        raise Fault("--images %d: %s has %d training pictures" % (count, data, len(training)))
    left_out = set(training) - set(random.Random(seed).sample(training, count))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "manifest.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames, lineterminator="\n")
        writer.writeheader()
        for index, row in enumerate(rows):
            if index in left_out:
                continue
            for column in ("path", "neutral"):
                if row[column]:
                    row[column] = os.path.abspath(os.path.join(data, row[column]))
            writer.writerow(row)
    return folder


def table(names, seeds, found):
    heading = ["way", *("seed %d" % seed for seed in seeds), "mean", "difference", "own masks"]
    lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
    for name in names:
        own = [found[name, seed][0] for seed in seeds]
        row = [name, *("%.2f" % value for value in own), "%.2f" % statistics.mean(own)]
        if name == names[0]:
            row.append("")
        else:
            differences = [value - found[names[0], seed][0] for value, seed in zip(own, seeds)]
            error = " ± %.2f" % (statistics.stdev(differences) / len(seeds) ** 0.5) if len(seeds) > 1 else ""
            row.append("%+.2f%s" % (statistics.mean(differences), error))
        masks = [found[name, seed][1] for seed in seeds]
        row.append("" if None in masks else "%+.2f" % statistics.mean(masks))
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--masks")
    parser.add_argument("--seeds", default="1,2,3", type=lambda text: [int(seed) for seed in text.split(",")])
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--cv", action="store_true")
    amount.add_argument("--images", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--way", action="append")
    arguments = parser.parse_args()
    if arguments.jobs < 1 or (arguments.images is not None and arguments.images < 2):
        parser.error("--jobs takes 1 and more, --images 2 and more")
    if len(set(arguments.seeds)) < len(arguments.seeds):
        parser.error("--seeds: one stands there twice")
    arguments.ways = {}
    for way in arguments.way or PAPER:
        name, colon, options = way.partition(":")
        if not colon or not name.strip() or "/" in name:
            parser.error("--way '%s': a name, a colon and options are wanted" % way)
        if name.strip() in arguments.ways:
            parser.error("--way: '%s' stands there twice" % name.strip())
        arguments.ways[name.strip()] = shlex.split(options)
    return arguments


def compare(arguments):
    os.makedirs(arguments.out, exist_ok=True)
    common = ["--recipe", arguments.recipe]
    if arguments.masks:
        common += ["--masks", arguments.masks]
    runner = Runner(CrossValidation if arguments.cv else Fit, arguments.jobs, threads_of_each(arguments.out, arguments.jobs))
    try:
        runs = {}
        for seed in arguments.seeds:
            data = subset(arguments.data, arguments.out, seed, arguments.images) if arguments.images else arguments.data
            for name, options in arguments.ways.items():
                # A way's own options come last, and count.
                options = [*common, "--seed", str(seed), *(option.replace("{seed}", str(seed)) for option in options)]
                runs[name, seed] = runner.submit(data, os.path.join(arguments.out, "%s-%d" % (name, seed)), options)
        print(table(list(arguments.ways), arguments.seeds, {key: run.result() for key, run in runs.items()}))
    except BaseException:
        runner.stop()
        raise


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        compare(arguments)
    except (Fault, OSError) as fault:
        sys.exit("compare_ways: %s" % fault)
    except KeyboardInterrupt:
        sys.exit("compare_ways: stopped; the same command goes on")


if __name__ == "__main__":
    main()
