"""Figures of the native products and convolutions on one core, printed.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/contractions.py

For each shape GFLOP/s, how much that is of what the core's multiply-add units can do, the same of
NumPy's product, and milliseconds to compile. The best of several runs; nothing is asserted.
Convolutions of 3x3 count the operations of their definition, of which they do fewer: over 100 %.
"""

import ctypes
import time

import numpy as np

from kerasnb.compile import llvm
from kerasnb.compile.contract import Contraction, registers_of, text_of, zeros
from kerasnb.compile.convolve import (
    convolution,
    convolution_input_grad,
    convolution_kernel_grad,
)
from kerasnb.compile.kernel import Function, Kernel, Place
from kerasnb.compile.matmul import matmul
from kerasnb.ops.window import same_padding, window_positions

KINDS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
RUNS = 15

# m, k, n, and which operand is transposed
PRODUCTS = [
    (128, 784, 512, ""), (784, 128, 512, "a"), (128, 512, 784, "b"), (128, 512, 512, ""),
    (512, 128, 512, "a"), (128, 512, 512, "b"), (128, 512, 10, ""), (512, 128, 10, "a"),
    (128, 10, 512, "b"), (128, 512, 1, ""), (64, 4096, 256, "a"), (1024, 1024, 1024, ""),
]  # fmt: skip
OF_A_BATCH = [(64, 16, 64, ""), (64, 16, 64, "b"), (64, 64, 16, ""), (64, 64, 16, "a")]

# spatial axes, channels, filters, padding, strides and groups; 128 images, 3x3
CONVOLUTIONS = [
    ((28, 28), 1, 32, "valid", 1, 1), ((26, 26), 32, 64, "valid", 1, 1),
    ((32, 32), 3, 16, "same", 1, 1), ((32, 32), 16, 16, "same", 1, 1),
    ((16, 16), 32, 32, "same", 1, 1), ((8, 8), 64, 64, "same", 1, 1),
    ((32, 32), 16, 32, "same", 2, 1), ((28, 28), 32, 32, "same", 1, 32),
]  # fmt: skip


class Compiled:
    """A contraction that can be run."""

    def __init__(self, contraction: Contraction):
        self.kernels, self.functions = contraction.kernels, []
        start = time.perf_counter()
        for kernel, _ in self.kernels:
            module = llvm.Module(kernel.text.replace("@kernel", "@contraction"))
            self.functions.append(module.function("contraction", *KINDS))
        self.compile_seconds = time.perf_counter() - start
        self.flops = sum(kernel.flops for kernel, _ in self.kernels)
        self.workspace = np.empty(contraction.workspace, np.float32)
        memory = np.empty(max(k.scratch for k, _ in self.kernels) // 4 + 32, np.float32)
        self.scratch = memory[-memory.ctypes.data % 64 // 4 :]

    def seconds(self, *arrays: np.ndarray) -> float:
        """The shortest time of all chunks, one after another."""
        named = {**dict(zip("abc", arrays, strict=False)), "workspace": self.workspace}
        calls = [
            (function, np.array([named[n].ctypes.data for n in names], np.uintp), kernel.chunks)
            for (kernel, names), function in zip(self.kernels, self.functions, strict=True)
        ]
        scratch = self.scratch.ctypes.data

        def run() -> None:
            for function, operands, chunks in calls:
                for chunk in range(chunks):
                    function(operands.ctypes.data, chunk, scratch)

        return best(run)


def best(function) -> float:
    """Seconds of the fastest of some calls, after one that is not counted."""
    function()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def peak() -> float:
    """GFLOP/s of nothing but multiplications and additions in registers."""
    f, lanes, steps = Function(), registers_of().lanes, 1 << 18
    x = f.load(f.operand(0), "float32", lanes)
    (sums,) = zeros(f, lanes, 1, 12)
    with f.loop(0, steps):
        for variable in sums:
            variable.set(x.block.fma(x, x, variable.get()))
    for i, variable in enumerate(sums):
        f.store(f.at(f.operand(1), i * lanes, "float32"), variable.get())
    kernel = Kernel("peak", text_of(f), flops=2 * lanes * len(sums) * steps)
    run = Compiled(Contraction([(kernel, ("a", "b"))]))
    return run.flops / run.seconds(np.ones(lanes, np.float32), np.ones(999, np.float32)) / 1e9


def place(x: np.ndarray) -> Place:
    return Place("float32", x.shape, tuple(s // 4 for s in x.strides))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def products(most: float) -> None:
    """Products of matrices, one or a batch of 256."""
    for batch, sizes in (((), PRODUCTS), ((256,), OF_A_BATCH)):
        for m, k, n, turned in sizes:
            a = normal(*batch, *((k, m) if "a" in turned else (m, k)))
            b = normal(*batch, *((n, k) if "b" in turned else (k, n)))
            a = a.swapaxes(-1, -2) if "a" in turned else a
            b = b.swapaxes(-1, -2) if "b" in turned else b
            c = np.empty((*batch, m, n), np.float32)
            run = Compiled(matmul(place(a), place(b), place(c)))
            numpy = best(lambda a=a, b=b, c=c: np.matmul(a, b, out=c))
            name = f"matmul {m}x{k}x{n}" + (f", {turned} transposed" if turned else "")
            name += f", {batch[0]} times" if batch else ""
            row(name, run, run.seconds(a, b, c), most)
            print(f", NumPy {2 * c.size * k / numpy / 1e9:.0f}")


def convolutions(most: float) -> None:
    """Convolutions of 128 images and both gradients."""
    for spatial, channels, filters, padding, stride, groups in CONVOLUTIONS:
        window, strides, ones = (3, 3), (stride, stride), (1, 1)
        pairs = ((0, 0),) * 2
        if padding == "same":
            pairs = same_padding(spatial, window, strides, ones)
        attrs = {"strides": strides, "padding": pairs, "dilation": ones, "groups": groups}
        positions = window_positions("", spatial, window, strides, pairs, ones)
        x, w = normal(128, *spatial, channels), normal(*window, channels // groups, filters)
        y = normal(128, *positions, filters)
        shape = f"{spatial[0]}x{spatial[1]}x{channels} -> {filters}, {padding}"
        shape += f", strides {stride}" * (stride > 1) + f", {groups} groups" * (groups > 1)
        for kind, operation, arrays in (
            ("forward", convolution, (x, w, np.empty_like(y))),
            ("input gradient", convolution_input_grad, (y, w, np.empty_like(x))),
            ("kernel gradient", convolution_kernel_grad, (x, y, np.empty_like(w))),
        ):
            run = Compiled(operation(*map(place, arrays), **attrs))
            row(f"{shape}: {kind}", run, run.seconds(*arrays), most)
            print()


def row(name: str, run: Compiled, seconds: float, most: float) -> None:
    speed = run.flops / seconds / 1e9
    print(
        f"{name:52} {seconds * 1e3:7.3f} ms {speed:6.1f} GFLOP/s {speed / most:4.0%}, "
        f"compiled in {run.compile_seconds * 1e3:.0f} ms",
        end="",
    )


if __name__ == "__main__":
    print(f"{llvm.host().cpu}: {(most := peak()):.0f} GFLOP/s at most")
    products(most)
    convolutions(most)
