#!/usr/bin/python3
"""Runs the parts of the benchmark in the build's environment and prints their rows as one table; called by run.sh, and once with --quick by a test."""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import engine_bench
import start_bench
from rows import HEAD, line, row

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ("engine", "memory", "agreement", "speed", "growth", "start", "annotate")


def arguments():
    parser = argparse.ArgumentParser(description="speed, memory, start-up and agreement, as ratios")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "fmpn-fer2013.safetensors", help="the default model")
    parser.add_argument("--json", type=pathlib.Path, help="file to write the rows to; rows of other names that it has stay")
    parser.add_argument("--quick", action="store_true", help="once, small: that it works, not how fast")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, of " + ",".join(PARTS))
    parser.add_argument("--threads", default=None, help="numbers of threads for the engine, such as 1,2")
    parser.add_argument("--data", help="FER2013 as fmpn-train prepare writes it for the default model; else made from FMPN_TEST_DATA where that is set")
    options = parser.parse_args()
    options.build, options.model = options.build.resolve(), options.model.resolve()
    options.threads = [int(n) for n in (options.threads or ("2" if options.quick else "2,1")).split(",")]
    options.only = options.only.split(",")
    if options.json and options.json.exists():
        try:
            check_mixing(options.json, options.quick)
        except (ValueError, OSError, KeyError, TypeError) as fault:
            parser.error(f"{options.json}: not rows that this run could join ({fault}); give another file, or remove it")
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: {', '.join(PARTS)} are known")
    return options


def pipeline(options, part):
    command = [str(options.build / "tests" / "bench" / "pipeline-bench"), str(options.model), part, *(["--quick"] if options.quick else [])]
    # The plain loop's best, see blas_threads.py; the elements don't use BLAS.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}) as process:
        for text in process.stdout:
            yield json.loads(text)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}")


def annotate(options):
    size = ["--seconds", "2", "--repeat", "1", "--images", "5"] if options.quick else ["--seconds", "10", "--repeat", "3", "--images", "40"]
    program = options.build / "pipelines" / "annotate" / "fmpn-annotate"
    done = subprocess.run([sys.executable, str(HERE / "annotate_bench.py"), str(program), *size], stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise RuntimeError(f"annotate_bench.py ended with status {done.returncode}")
    found = json.loads(done.stdout)
    yield row("fmpn-annotate, 1280×720 at 30 frames/s, one face: × real time", found["real_time"], "×", goal=">= 1")
    yield {"name": "fmpn-annotate: frames/s / bare pipeline's", "value": found["bare_ratio"], "unit": "ratio", "parts": [found["frames_per_second"], found["bare_frames_per_second"]],
           "parts_unit": "frames/s", "goal": ">= 0.85"}
    yield row("fmpn-annotate: pictures of a folder", found["images_per_second"], "1/s", goal=">= 10")
    yield row("fmpn-annotate: memory that a film ten times as long takes more", found["memory_growth_mb"], "MB", goal="<= 25")
    if done.returncode:
        raise RuntimeError("fmpn-annotate's memory grows with the film")


def processor():
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return platform.machine()


def earlier_rows(path):
    """Name → row, in the file's order."""
    return {one["name"]: one for one in json.loads(path.read_text())}


def check_mixing(path, quick):
    """Rows of small runs are no measurements: they must not take the place of any."""
    if any(one.get("quick", False) != quick for one in earlier_rows(path).values()):
        raise ValueError("it holds rows of a run with" + ("out" if quick else "") + " --quick")


def keep(path, rows):
    """Puts rows into the file in place of earlier ones of their names."""
    names = {one["name"] for one in rows}
    old = earlier_rows(path).values() if path.exists() else []
    with open(f"{path}.new", "w") as file:
        json.dump([one for one in old if one["name"] not in names] + rows, file, indent=1, ensure_ascii=False)
    os.replace(f"{path}.new", path)


def main():
    options = arguments()
    folder = options.build / "tests" / "bench" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["FMPN_MODEL"] = str(options.model)
    measure = {"engine": lambda: engine_bench.measure_speed(options, folder), "memory": lambda: engine_bench.measure_memory(options, folder),
               "agreement": lambda: engine_bench.measure_agreement(options, folder), "speed": lambda: pipeline(options, "speed"), "growth": lambda: pipeline(options, "growth"),
               "start": lambda: start_bench.measure(options), "annotate": lambda: annotate(options)}
    print(f"{processor()}, {len(os.sched_getaffinity(0))} processors, {time.strftime('%Y-%m-%d')}\n\n{HEAD}", flush=True)
    status = 0
    for part in options.only:
        rows = []
        try:
            for one in measure[part]():
                rows.append({"part": part, **one, **({"quick": True} if options.quick else {})})
                print(line(one), flush=True)
        except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as fault:
            print(f"run.py: {part}: {fault}", file=sys.stderr)
            status = 1
        if options.json:
            keep(options.json, rows)
    return status


if __name__ == "__main__":
    sys.exit(main())
