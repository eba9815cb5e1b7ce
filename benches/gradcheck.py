"""Times torch.autograd.gradcheck where benches/duals.rs verifies: cross-entropy of one row in f64."""

import statistics
import time

import torch
from torch.autograd import gradcheck
from torch.nn.functional import cross_entropy

RUNS = 15  # the first, which warms up, does not count
TARGET = torch.tensor([3])


def logits(classes):
    z = torch.arange(classes, dtype=torch.float64) * 0.754877666
    return (z.frac() * 6 - 3).reshape(1, classes).requires_grad_()


def milliseconds(classes, fast_mode):
    z = logits(classes)
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        assert gradcheck(lambda z: cross_entropy(z, TARGET), (z,), fast_mode=fast_mode)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:]), min(times[1:])


print(f"torch {torch.__version__}, {torch.get_num_threads()} threads: milliseconds, median and least")
for classes, fast_mode in [(1000, False), (1000, True), (151_936, True)]:
    median, least = milliseconds(classes, fast_mode)
    print(f"{classes:7} classes, {'fast' if fast_mode else 'slow'} mode: {median:9.2f} {least:9.2f}")
