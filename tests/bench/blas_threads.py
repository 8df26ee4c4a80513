"""How many threads PyTorch's BLAS should have."""
import ctypes
import statistics
import time

import torch

SETTLE = 0.2  # seconds: OpenBLAS's threads spin for a while after their last work
SECONDS, FEWEST = 0.5, 3


def setter():
    for name in ("libopenblas.so.0", "libblas.so.3"):
        try:
            return ctypes.CDLL(name).openblas_set_num_threads
        except (OSError, AttributeError):
            pass
    return lambda number: None


class BlasThreads:
    """PyTorch gives transposed convolutions, and convolutions of one small picture, to BLAS. OpenBLAS has threads of its own, which spin
    against OpenMP's for the same processors: with some nets they help, with others eager takes three times as long. Each net gets what is
    faster with it."""

    def __init__(self):
        self.set, self.best = setter(), {}

    def choose(self, key, body):
        """Sets the number that body() is faster with, measured at the key's first use."""
        if key not in self.best:
            seconds = {number: self.measure(number, body) for number in {1, torch.get_num_threads()}}
            self.best[key] = min(seconds, key=seconds.get)
        self.set(self.best[key])

    def measure(self, number, body):
        self.set(number)
        time.sleep(SETTLE)
        body()
        times = []
        while len(times) < FEWEST or sum(times) < SECONDS:
            begun = time.monotonic()
            body()
            times.append(time.monotonic() - begun)
        return statistics.median(times)
