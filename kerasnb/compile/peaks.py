"""What this machine can do at most, measured. Imports contract, job, profile and what they do."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from kerasnb.compile import cores
from kerasnb.compile.contract import FLOAT, registers_of, text_of, zeros
from kerasnb.compile.job import Job
from kerasnb.compile.kernel import Function, Kernel
from kerasnb.compile.profile import Peaks
from kerasnb.compile.views import Call

__all__ = ["peaks"]


@cache
def peaks() -> Peaks:
    """What this machine can do, measured once: some 0.1 s."""
    threads = cores.threads()
    lanes = registers_of().lanes
    sums = np.empty(threads * 12 * lanes, np.float32)
    ones = np.ones(lanes, np.float32)
    arithmetic = _multiply_add(threads)
    source, target = np.ones((2, 1 << 24), np.float32)  # 64 MB each: in no cache
    copy = _copy(len(source), threads)
    return Peaks(
        arithmetic.flops / _best(arithmetic, ones, sums), copy.moved / _best(copy, source, target)
    )


def _best(kernel: Kernel, *arrays: np.ndarray) -> float:
    """Seconds of its fastest of some runs."""
    pointers = np.array([array.ctypes.data for array in arrays], np.uintp)
    nothing = np.empty((0, 3), np.int64)
    job = Job([Call(kernel, [])], [pointers.ctypes.data], pointers, nothing)
    values = np.zeros((1, 1), np.int64)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        job.run(values)
        times.append(time.perf_counter() - start)
    return min(times)


def _multiply_add(chunks: int) -> Kernel:
    f, lanes, steps = Function(), registers_of().lanes, 1 << 18
    x = f.load(f.operand(0), FLOAT, lanes)
    (sums,) = zeros(f, lanes, 1, 12)
    with f.loop(0, steps):
        for variable in sums:
            variable.set(x.block.fma(x, x, variable.get()))
    own = f.at(f.operand(1), f.chunk * (len(sums) * lanes), FLOAT)
    for i, variable in enumerate(sums):
        f.store(f.at(own, i * lanes, FLOAT), variable.get())
    flops = 2 * lanes * len(sums) * steps * chunks
    return Kernel("multiply and add", text_of(f), chunks, flops)


def _copy(length: int, chunks: int) -> Kernel:
    f, lanes = Function(), registers_of().lanes
    each = -(-length // (chunks * lanes)) * lanes
    start, source, target = f.chunk * each, f.operand(0), f.operand(1)
    with f.loop(start, (start + each).least(length - length % lanes), lanes) as at:
        f.store(f.at(target, at, FLOAT), f.load(f.at(source, at, FLOAT), FLOAT, lanes))
    return Kernel("copy", text_of(f), chunks, 0, 8 * length)
