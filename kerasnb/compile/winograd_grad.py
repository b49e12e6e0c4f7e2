"""The gradient of kernels of 3x3 by fewer multiplications, as native kernels. Imports winograd.

It is the transpose of what `winograd` computes, with the same 16 multiplications instead of 36 for
2x2 results g of an image that see the patch d:

    dW = G' [sum over patches of (A g A') * (B' d B)] G

Source: Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, arXiv:1509.09308.

The sums over patches are 16 products of matrices, of channels by filters. The other order of the
sums is no less exact: 3e-7 of the largest result for one image of 112x112, with 64 to 64 channels,
where the sum by its definition has 5e-6. A number that is not finite makes all places of the window
with its channel or filter not finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb.compile import llvm
from kerasnb.compile.contract import (
    FLOAT,
    Axis,
    Contraction,
    Cut,
    along,
    registers_of,
    sum_of_parts,
    sweep,
    text_of,
)
from kerasnb.compile.ir import Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Place
from kerasnb.compile.packing import clear
from kerasnb.compile.winograd import (
    PLACES,
    Lines,
    Patches,
    suits_winograd,
    vectors,
    whole,
)

__all__ = ["suits_winograd_grad", "winograd_grad"]

_PARTS = 16  # of the sum over patches, at most
_SMALL = 1 << 19  # multiplications of a part that is worth it
_WORKSPACE = 1 << 21  # float32 numbers that all parts may take together
_MOST_NUMBERS = 1 << 14  # channels by filters, of which each part has 16 sums: 1 MB
_BLOCK = 32  # patches at a time, about
_LARGE, _LARGE_BLOCK = 4096, 64  # channels by filters, whose sums are worth fewer rounds


def suits_winograd_grad(
    w: Place, g: Place, strides: Sequence[int], padding: Sequence[Sequence[int]],
    dilation: Sequence[int], groups: int,
) -> bool:  # fmt: skip
    """Whether the gradient of a kernel is computed this way.

    It is where that wins 30 % at least. Measured as for `suits_winograd`: 128 of 32x32, 16 to
    16 channels, 3.34 ms for 5.92; of 16x16, 32 to 32, 3.08 for 5.52; of 8x8, 64 to 64, 3.24 for
    5.64; of 5x5, 64 to 64, 1.62 for 2.16; 8 of 8x8, 128 to 128, 0.73 for 1.43.

    Args:
        w: the result, (*window, C, F).
        g: the gradient of the convolution's result.
        strides, padding, dilation, groups: of the convolution.
    """
    suits = suits_winograd(w, g, strides, padding, dilation, groups)
    return suits and math.prod(w.shape[-2:]) <= _MOST_NUMBERS


def winograd_grad(
    x: Place, g: Place, w: Place, *, low: Sequence[int], target: llvm.Target | None = None
) -> Contraction:
    """(N, H, W, C), (N, *positions, F) -> (3, 3, C, F), with strides of 1.

    The images are divided into a fixed number of parts, whose sums a last kernel adds. The
    operations are reported as for `winograd`.

    Args:
        x: the input (``"a"``), dense.
        g: the gradient (``"b"``), dense.
        w: where the result goes (``"c"``), dense.
        low: zeros before the first row and column, 0 to 2.
        target: the processor; the one that this runs on if None.
    """
    writer = _Gradient(x, g, low, target)
    size, parts = math.prod(w.shape), writer.parts
    sizes = " ".join("x".join(map(str, p.shape)) for p in (x, g))
    moved = 4 * sum(math.prod(p.shape) for p in (x, g, w))
    kernel = writer.kernel(f"kernel gradient {sizes}, Winograd", moved)
    if parts == 1:
        return Contraction([(kernel, ("a", "b", "c"))])
    added = sum_of_parts(parts, size, registers_of(target))
    kernels = [(kernel, ("a", "b", "workspace")), (added, ("workspace", "c"))]
    return Contraction(kernels, parts * size)


class _Gradient:
    """Writes the kernel in which a chunk is a part of the images: some blocks of lines, which are
    the patches of two rows of the gradient."""

    def __init__(self, x: Place, g: Place, low: Sequence[int], target: llvm.Target | None):
        registers = registers_of(target)
        count, self.rows, self.columns, self.filters = g.shape
        self.channels, self.lanes = x.shape[-1], registers.lanes
        self.down, self.across = -(-self.rows // 2), -(-self.columns // 2)
        self.flops = 18 * math.prod(g.shape) * self.channels
        self.lines = count * self.down
        numbers = self.channels * self.filters
        block = _LARGE_BLOCK if numbers >= _LARGE else _BLOCK
        self.block = max(1, min(self.lines, round(block / self.across)))
        patches = self.block * self.across
        self.patches = Patches(x.shape, low, self.across, self.down, patches, self.lanes)
        self.seen = Lines(self.down, x.shape[1], x.shape[2] * self.channels)
        self.given = Lines(self.down, self.rows, self.columns * self.filters)
        self.line = whole(self.filters)
        self.step = patches * self.line + 16  # see `Patches.step`
        self.plane = self.channels * self.line + 16
        rows = [Axis(self.channels, 1, 0, self.line)]
        self.cut = Cut.best(rows, Axis(self.filters, 0, 1, 1), registers)
        blocks = -(-self.lines // self.block)
        worth = self.lines * self.across * PLACES * numbers // _SMALL
        parts = min(_PARTS, blocks, worth, _WORKSPACE // (9 * numbers))
        self.each = -(-blocks // max(1, parts))
        self.parts = -(-blocks // self.each)

    def kernel(self, name: str, moved: int) -> Kernel:
        """The sums of a part."""
        f, patches = Function(), self.patches
        x, g, w = (f.operand(i) for i in range(3))
        squares = f.at(f.scratch, PLACES * patches.step, FLOAT)
        sums = f.at(squares, PLACES * self.step, FLOAT)
        zeros = f.at(sums, PLACES * self.plane, FLOAT)
        length = max(patches.row, whole(self.given.row))
        clear(f, zeros, length, self.lanes)
        each = self.each * self.block
        first = f.chunk * each
        with f.loop(first, (first + each).least(self.lines), self.block) as start:
            stop = (start + self.block).least(self.lines)
            with f.loop(start, stop) as line:
                number = (line - start) * self.across
                patches.write(f, line, x, zeros, f.at(f.scratch, number * patches.line, FLOAT))
                self._squares(f, line, g, zeros, f.at(squares, number * self.line, FLOAT))
            count = (stop - start) * self.across
            with f.loop(0, PLACES) as place:
                self.seen.fetch(f, x, start + self.block, self.block, place, write=False)
                self.given.fetch(f, g, start + self.block, self.block, place, write=False)
                pointers = (
                    f.at(pointer, place * step, FLOAT)
                    for pointer, step in (
                        (f.scratch, patches.step), (squares, self.step), (sums, self.plane),
                    )
                )  # fmt: skip
                reduced = [Axis(count, patches.line, self.line)]
                sweep(f, self.cut, reduced, *pointers, more=start > first)
        self._result(f, sums, f.at(w, f.chunk * (9 * self.channels * self.filters), FLOAT))
        scratch = PLACES * (patches.step + self.step + self.plane) + length
        return Kernel(name, text_of(f), self.parts, self.flops, moved, 4 * scratch)

    def _squares(self, f: Function, line: Index, g: str, zeros: str, to: str) -> None:
        """A g A' for a line, the first at `to`."""
        place = self.given.first(line)
        rows = [f.at(g, place, FLOAT), f.at(g, place + self.given.row, FLOAT)]
        if self.rows % 2:
            both = line % self.down < self.rows // 2
            rows[1] = f.emit(f"select i1 {both}, ptr {rows[1]}, ptr {zeros}")
        pairs, odd = self.columns // 2, self.columns % 2

        def transform(at: Any, count: int) -> None:
            first, second, y = (f.at(p, at, FLOAT) for p in (*rows, to))
            steps = Axis(pairs, 2 * self.filters, 2 * self.filters, self.line)
            with along(f, [steps], first, second, y) as here:
                self._square(f, *here, 2, count)
            if odd:
                first, second = (
                    f.at(p, 2 * pairs * self.filters, FLOAT) for p in (first, second)
                )  # fmt: skip
                self._square(f, first, second, f.at(y, pairs * self.line, FLOAT), 1, count)

        vectors(f, self.filters, self.lanes, transform)

    def _square(
        self, f: Function, first: str, second: str, to: str, columns: int, count: int
    ) -> None:
        """One square of 2x2, of which the second column may be zeros."""
        zero = f.block(self.lanes).constant(0.0, FLOAT)
        half = []
        for j in range(2):
            if j < columns:
                here = [f.at(row, j * self.filters, FLOAT) for row in (first, second)]
                half.append(_spread([f.load(p, FLOAT, self.lanes, count) for p in here]))
            else:
                half.append([zero] * 4)
        for i, line in enumerate(zip(*half, strict=True)):
            for j, value in enumerate(_spread(line)):
                f.store(f.at(to, (4 * i + j) * self.step, FLOAT), value)

    def _result(self, f: Function, sums: str, w: str) -> None:
        """G' m G: (16, C, F) -> (3, 3, C, F)."""
        numbers = self.channels * self.filters
        with along(f, [Axis(self.channels, self.line, self.filters)], sums, w) as (m, y):

            def transform(at: Any, count: int) -> None:
                places = [f.at(m, at + place * self.plane, FLOAT) for place in range(PLACES)]
                values = [f.load(pointer, FLOAT, self.lanes) for pointer in places]
                half = [_gathered(values[i : i + 4]) for i in range(0, PLACES, 4)]  # 4x3
                for j, column in enumerate(zip(*half, strict=True)):
                    for i, value in enumerate(_gathered(column)):
                        f.store(f.at(y, at + (3 * i + j) * numbers, FLOAT), value, count)

            vectors(f, self.filters, self.lanes, transform)


# The transforms, along one axis


def _spread(g: Sequence[Lanes]) -> list[Lanes]:
    """A, but for the sign of its last row: 2 -> 4."""
    return [g[0], g[0] + g[1], g[0] - g[1], g[1]]


def _gathered(m: Sequence[Lanes]) -> list[Lanes]:
    """G', with that sign: 4 -> 3."""
    outer, inner = (m[1] + m[2]) * 0.5, (m[1] - m[2]) * 0.5
    return [m[0] + outer, inner, outer - m[3]]
