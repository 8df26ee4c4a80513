#!/usr/bin/env python3
"""How fast fmpn-annotate is, as ratios, and that its memory does not grow with the recording.

usage: annotate_bench.py FMPN_ANNOTATE [--seconds 20] [--repeat 3] [--images 60]

Prints one JSON object:
  bare_ratio        frames/s of fmpn-annotate (video, all data, report) over those of the bare pipeline of elements with the same encoder
  real_time         seconds of a 1280x720 recording at 30 frames/s with one face annotated per second
  images_per_second pictures of a folder
  memory_growth_mb  peak memory of a recording ten times as long, less that of the short one
Both sides of a ratio are measured in turn, start-up included, and medians count. Times are told, never judged; the exit
status is 1 where the memory grows by more than 25 MB.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PHOTOGRAPH = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"
MEMORY_LIMIT_MB = 25


def gst(text):
    subprocess.run(["gst-launch-1.0", "-q", *text.split()], check=True)


def make_film(path, seconds):
    """A portrait that stands still beside a ball that moves: one face, and something to encode."""
    frames = seconds * 30
    gst(f"compositor name=c sink_1::xpos=800 sink_1::ypos=120 ! video/x-raw,width=1280,height=720,framerate=30/1 ! videoconvert ! video/x-raw,format=I420 ! "
        f"x264enc speed-preset=veryfast ! mp4mux name=m ! filesink location={path} "
        f"videotestsrc pattern=ball num-buffers={frames} ! video/x-raw,width=1280,height=720,framerate=30/1 ! c.sink_0 "
        f"filesrc location={PHOTOGRAPH} ! jpegdec ! videoscale ! video/x-raw,width=400,height=470 ! imagefreeze num-buffers={frames} ! video/x-raw,framerate=30/1 ! c.sink_1 "
        f"audiotestsrc num-buffers={seconds * 10} samplesperbuffer=4800 volume=0.1 ! audio/x-raw,rate=48000 ! avenc_aac ! m.")


def seconds_of(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def bare_pipeline(film, out):
    return ["gst-launch-1.0", "-q", *(f"filesrc location={film} ! decodebin ! queue max-size-buffers=4 ! videoconvert ! fmpnalign ! fmpnclassify mode=sync ! "
            "queue max-size-buffers=4 ! fmpnoverlay ! videoconvert ! video/x-raw,format=I420 ! x264enc speed-preset=veryfast pass=qual quantizer=22 bframes=0 key-int-max=60 ! "
            f"h264parse ! mp4mux ! filesink location={out}").split()]


def speed(annotate, folder, seconds, repeat):
    film = folder / "film.mp4"
    make_film(film, seconds)
    bare, full = [], []
    for _ in range(repeat):
        bare.append(seconds_of(bare_pipeline(film, folder / "bare.mp4")))
        full.append(seconds_of([annotate, film, "-o", folder / "out", "--quiet"]))
    bare, full = statistics.median(bare), statistics.median(full)
    return {"bare_ratio": round(bare / full, 3), "real_time": round(seconds / full, 2), "frames_per_second": round(30 * seconds / full, 1),
            "bare_frames_per_second": round(30 * seconds / bare, 1)}


def images(annotate, folder, count):
    pictures = folder / "pictures"
    pictures.mkdir()
    for i in range(count):
        shutil.copy(PHOTOGRAPH, pictures / f"{i:04d}.jpg")
    return {"images_per_second": round(count / seconds_of([annotate, pictures, "-o", folder / "images-out", "--quiet"]), 1)}


def peak_mb(command):
    """Peak resident memory of one process: measured in a child of its own, since the system keeps a maximum over all children."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        os.write(writer, f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if status == 0 else -1}".encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    peak = float(os.read(reader, 100))
    os.close(reader)
    if peak < 0:
        raise RuntimeError(f"{command} failed")
    return peak


def memory(annotate, folder):
    peaks = []
    for frames in (400, 4000):
        film = folder / f"long-{frames}.mp4"
        gst(f"videotestsrc num-buffers={frames} pattern=ball ! video/x-raw,width=160,height=120,framerate=30/1 ! x264enc speed-preset=ultrafast ! mp4mux name=m ! "
            f"filesink location={film} audiotestsrc num-buffers={frames} samplesperbuffer=1600 ! audio/x-raw,rate=48000 ! avenc_aac ! m.")
        peaks.append(peak_mb([annotate, film, "-o", folder / "memory-out", "--no-report"]))
    return {"memory_mb": round(peaks[0], 1), "memory_growth_mb": round(peaks[1] - peaks[0], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annotate")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--images", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        result = {"seconds": options.seconds, **speed(options.annotate, folder, options.seconds, options.repeat),
                  **images(options.annotate, folder, options.images), **memory(options.annotate, folder)}
    print(json.dumps(result))
    return 0 if result["memory_growth_mb"] <= MEMORY_LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
