"""Convolutions with windows of 3x3 by fewer multiplications, as native kernels. Imports packing.

Four positions that are neighbours, 2x2, see a patch of 4x4. Patch and window become 4x4 numbers
each by a few additions, such that the products of these, summed over channels and transformed back,
are the four results: 16 multiplications for each channel and filter instead of 36.

    Y = A' [(G w G') * (B' d B)] A

Source: Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, arXiv:1509.09308:
F(2x2, 3x3).

The sums over channels are 16 products of matrices, with a row for each patch. Channels lie in the
lanes of vectors throughout. All is done for a few patches at a time, so that their transforms stay
in the L2.

What is not finite: a result that sees such a number is not finite, as in the sum by its definition,
but an infinity may come out as NaN. And the other results of its 2x2 may become NaN without seeing
it. Numbers above a quarter of the largest one may overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kerasnb.compile import llvm
from kerasnb.compile.contract import (
    FLOAT,
    Axis,
    Contraction,
    Cut,
    along,
    registers_of,
    sweep,
    text_of,
)
from kerasnb.compile.ir import Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Place
from kerasnb.compile.packing import clear, pack

__all__ = [
    "PLACES", "Lines", "Patches", "suits_winograd", "vectors", "whole", "winograd",
]  # fmt: skip

_CHUNKS = 32  # at most
_SMALL = 1 << 18  # multiplications of a chunk that is worth it
_BLOCK = 16  # patches at a time, about: as fast as 32 for up to 512 channels, and faster than 48
_NUMBERS = 4096  # of a kernel that a chunk transforms
PLACES = 16  # of a transformed patch
_FEWEST, _MOST = 8, 512  # channels and filters
_MOST_NUMBERS = 1 << 16  # channels by filters: the transformed kernel then takes 8 MB
_MOST_COLUMNS = 256  # whose transforms stay in the L2
_FEWEST_PATCHES = 32  # of all images, that are worth the transform of the kernel

Write = Callable[[Any, int], None]


def suits_winograd(
    w: Place, c: Place, strides: Sequence[int], padding: Sequence[Sequence[int]],
    dilation: Sequence[int], groups: int,
) -> bool:  # fmt: skip
    """Whether a convolution, or its gradient for the input, is computed this way.

    It is where that wins 35 % at least. Measured on one core (Zen 4, AVX-512) with images that are
    not in the cache, against the sum by its definition: 128 of 32x32, 16 to 16 channels, 3.24 ms
    for 5.82; of 16x16, 32 to 32, 2.84 for 5.49; of 8x8, 64 to 64, 2.63 for 5.45; 32 of 5x5, 64 to
    64, 1.4 times as fast; 8 channels, 1.5. But 3x3, where patches reach far beyond, 1.06 to 1.28;
    and 3 to 64 channels, 0.99.

    Args:
        w: the kernel, (*window, C, F).
        c: the result.
        strides, padding, dilation, groups: of the convolution.
    """
    if w.shape[:-2] != (3, 3) or any(n != 1 for n in (*strides, *dilation, groups)):
        return False
    if not all(0 <= n <= 2 for pair in padding for n in pair):
        return False
    if min(w.shape[-2:]) < _FEWEST or max(w.shape[-2:]) > _MOST:
        return False
    count, rows, columns, _ = c.shape
    patches = -(-rows // 2) * -(-columns // 2)
    return (
        math.prod(w.shape[-2:]) <= _MOST_NUMBERS
        and columns <= _MOST_COLUMNS
        and count * patches >= _FEWEST_PATCHES
        and 8 * patches <= 3 * rows * columns  # at most half as much again is computed
    )


def winograd(
    name: str, a: Place, w: Place, c: Place, *, low: Sequence[int], turned: bool = False,
    target: llvm.Target | None = None,
) -> Contraction:  # fmt: skip
    """(N, H, W, C), (3, 3, C, F) -> (N, *positions, F), with strides of 1.

    The kernels report the operations of the sum as it is defined, not the fewer that they do, so
    that figures can be compared.

    Args:
        name: what it is, for people.
        a: the input (``"a"``), dense.
        w: the kernel (``"b"``), dense.
        c: where the result goes (``"c"``), dense.
        low: zeros before the first row and column, 0 to 2.
        turned: whether the kernel is (3, 3, F, C), and turned round in both spatial axes.
        target: the processor; the one that this runs on if None.
    """
    writer = _Winograd(a, c, low, turned, target)
    kernels = [(writer.transformed_kernel(), ("b", "workspace"))]
    if writer.packs:
        kernels.append((writer.packed_kernel(), ("workspace",)))
    sizes = " ".join("x".join(map(str, p.shape)) for p in (a, w))
    moved = 4 * sum(math.prod(p.shape) for p in (a, w, c))
    kernels.append((writer.main(f"{name} {sizes}, Winograd", moved), ("a", "workspace", "c")))
    return Contraction(kernels, writer.workspace)


class _Winograd:
    """Writes the kernels of one convolution.

    A line is the patches of two rows of results, of one image; a block is some lines, and a chunk
    some blocks. Both may go on from one image to the next.
    """

    def __init__(
        self, a: Place, c: Place, low: Sequence[int], turned: bool, target: llvm.Target | None
    ):
        registers = registers_of(target)
        count, self.rows, self.columns, self.filters = c.shape
        self.channels, self.turned, self.lanes = a.shape[-1], turned, registers.lanes
        self.down, self.across = -(-self.rows // 2), -(-self.columns // 2)
        self.flops = 18 * math.prod(c.shape) * self.channels
        self.made = Lines(self.down, self.rows, self.columns * self.filters)
        self.lines = count * self.down
        self.block = max(1, min(self.lines, round(_BLOCK / self.across)))
        patches = self.block * self.across
        self.patches = Patches(a.shape, low, self.across, self.down, patches, self.lanes)
        self.line = whole(self.filters)
        self.step = patches * self.line + 16  # see `Patches.step`
        columns = Axis(self.filters, 0, self.channels if turned else 1, 1)
        rows = [Axis(patches, self.patches.line, 0, self.line)]
        self.cut = Cut.best(rows, columns, registers)
        self.packs = turned or self.cut.panels > 1
        self.numbers = self.channels * self.filters
        self.packed = whole(self.channels * self.cut.width) if self.packs else 0
        self.plane = self.cut.panels * self.packed if self.packs else self.numbers
        self.workspace = PLACES * (self.numbers + self.packs * self.plane)
        blocks = -(-self.lines // self.block)
        worth = -(-_SMALL // (patches * PLACES * self.numbers))
        self.each = max(1, min(blocks, max(worth, -(-blocks // _CHUNKS))))
        self.chunks = -(-blocks // self.each)

    # The kernel

    def transformed_kernel(self) -> Kernel:
        """G w G': (3, 3, C, F) -> (16, C, F)."""
        f, lanes, numbers = Function(), self.lanes, self.numbers
        w, to = f.operand(0), f.operand(1)
        rest, start = numbers % lanes, f.chunk * _NUMBERS
        chunks = -(-numbers // _NUMBERS)

        def transform(at: Any, count: int) -> None:
            here = [f.at(w, at + place * numbers, FLOAT) for place in range(9)]
            window = [f.load(pointer, FLOAT, lanes, count) for pointer in here]
            if self.turned:
                window.reverse()
            half = [_windowed(window[i : i + 3]) for i in (0, 3, 6)]  # 3x4
            for j, column in enumerate(zip(*half, strict=True)):
                for i, value in enumerate(_windowed(column)):
                    f.store(f.at(to, at + (4 * i + j) * numbers, FLOAT), value, count)

        with f.loop(start, (start + _NUMBERS).least(numbers - rest), lanes) as at:
            transform(at, lanes)
        if rest:
            with f.when(f.chunk.equals(chunks - 1)):
                transform(f.index(numbers - rest), rest)
        moved = 4 * (9 + PLACES) * numbers
        name = f"window of Winograd {self.channels}x{self.filters}"
        return Kernel(name, text_of(f), chunks, 0, moved)

    def packed_kernel(self) -> Kernel:
        """The same, as panels that lie one after another."""
        f, moved = Function(), 8 * PLACES * self.numbers
        work = f.operand(0)
        chunks = PLACES if self.numbers > _NUMBERS else 1
        reduced = [Axis(self.channels, 1, 1 if self.turned else self.filters)]
        first = f.chunk * (PLACES // chunks)
        with f.loop(first, first + PLACES // chunks) as place:
            source = f.at(work, place * self.numbers, FLOAT)
            to = f.at(work, place * self.plane + PLACES * self.numbers, FLOAT)
            pack(f, self.cut, reduced, source, to, packed=self.packed)
        name = f"panels of Winograd {self.channels}x{self.filters}"
        return Kernel(name, text_of(f), chunks, 0, moved)

    # Images

    def main(self, name: str, moved: int) -> Kernel:
        """Patches, sums over channels, and results."""
        f, patches = Function(), self.patches
        a, b, c = (f.operand(i) for i in range(3))
        sums = f.at(f.scratch, PLACES * patches.step, FLOAT)
        zeros = f.at(sums, PLACES * self.step, FLOAT)
        clear(f, zeros, patches.row, self.lanes)
        if self.packs:
            b = f.at(b, PLACES * self.numbers, FLOAT)
        each = self.each * self.block
        first = f.chunk * each
        with f.loop(first, (first + each).least(self.lines), self.block) as start:
            stop = (start + self.block).least(self.lines)
            with f.loop(start, stop) as line:
                to = f.at(f.scratch, (line - start) * (self.across * patches.line), FLOAT)
                patches.write(f, line, a, zeros, to)
            with f.loop(0, PLACES) as place:
                self._fetch(f, start, place, a, c)
                self._product(f, place, f.scratch, b, sums)
            with f.loop(start, stop) as line:
                here = f.at(sums, (line - start) * (self.across * self.line), FLOAT)
                self._results(f, line, here, c)
        scratch = PLACES * (patches.step + self.step) + patches.row
        return Kernel(name, text_of(f), self.chunks, self.flops, moved, 4 * scratch)

    def _fetch(self, f: Function, start: Index, place: Index, a: str, c: str) -> None:
        """Ask for a 16th of the next block's images and of this block's results.

        Memory so has the time of the products: 128 images of 32x32, 16 to 16 channels, took 4.27 ms
        without, 3.31 with it; of 8x8, 64 to 64, 2.85 and 2.69.
        """
        _, height, width, channels = self.patches.shape
        seen = Lines(self.down, height, width * channels)
        seen.fetch(f, a, start + self.block, self.block, place, write=False)
        self.made.fetch(f, c, start, self.block, place, write=True)

    def _product(self, f: Function, place: Index, a: str, b: str, c: str) -> None:
        """The sums over channels of one of 16 places."""
        step = self.cut.width if self.packs else self.filters
        pointers = (
            f.at(pointer, place * by, FLOAT)
            for pointer, by in ((a, self.patches.step), (b, self.plane), (c, self.step))
        )
        sweep(f, self.cut, [Axis(self.channels, 1, step)], *pointers, packed=self.packed)

    def _results(self, f: Function, line: Index, sums: str, c: str) -> None:
        """A' m A for the sums of a line."""
        c = f.at(c, self.made.first(line), FLOAT)
        pairs, odd = self.columns // 2, self.columns % 2
        both = line % self.down < self.rows // 2 if self.rows % 2 else None

        def transform(at: Any, count: int) -> None:
            m, y = f.at(sums, at, FLOAT), f.at(c, at, FLOAT)
            with along(f, [Axis(pairs, self.line, 2 * self.filters)], m, y) as here:
                self._square(f, *here, 2, both, count)
            if odd:
                m = f.at(m, pairs * self.line, FLOAT)
                self._square(f, m, f.at(y, 2 * pairs * self.filters, FLOAT), 1, both, count)

        vectors(f, self.filters, self.lanes, transform)

    def _square(
        self, f: Function, m: str, y: str, columns: int, both: str | None, count: int
    ) -> None:
        """The results of one patch: one or two columns, with a second row where `both` holds."""
        places = [f.at(m, place * self.step, FLOAT) for place in range(PLACES)]
        values = [f.load(pointer, FLOAT, self.lanes) for pointer in places]
        half = [_summed(values[i : i + 4]) for i in range(0, PLACES, 4)]  # 4x2
        results = [_summed(column) for column in zip(*half, strict=True)]  # by column

        def write(row: int) -> None:
            for j in range(columns):
                at = (row * self.columns + j) * self.filters
                f.store(f.at(y, at, FLOAT), results[j][row], count)

        write(0)
        if both is None:
            write(1)
        else:
            with f.when(both):
                write(1)


class Lines(NamedTuple):
    """Two rows at a time of images that lie one after another in memory.

    Attributes:
        down: how many in an image.
        rows: rows of an image, of which the last may be alone.
        row: numbers in a row.
    """

    down: int
    rows: int
    row: int

    def first(self, line: Index) -> Index:
        """Where a line begins."""
        return line // self.down * (self.rows * self.row) + line % self.down * (2 * self.row)

    def fetch(
        self, f: Function, pointer: str, line: Index, count: int, place: Index, *, write: bool
    ) -> None:
        """Ask for the 16th `place` of `count` lines, which need not be there, to be read or written
        soon."""
        f.declared.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        each = whole(-(-count * 2 * self.row // PLACES))
        first = self.first(line) + place * each
        with f.loop(first, first + each, 16) as at:
            here = f.at(pointer, at, FLOAT)
            f.lines.append(
                f"call void @llvm.prefetch.p0(ptr {here}, i32 {int(write)}, i32 3, i32 1)"
            )


class Patches:
    """Writes the patches of 4x4 of images, transformed: B' d B.

    Args:
        shape: of the images.
        low: zeros before the first row and column.
        across, down: how many there are in a row, and rows of them.
        count: how many there are in memory at a time.
        lanes: of a vector.

    Attributes:
        line: the distance of patches in memory, of which each is a whole number of vectors.
        step: the distance of places: not by a power of two, since the 16 numbers of a patch would
            evict each other from the cache.
        row: numbers in a row of an image, of which there must be so many zeros.
    """

    def __init__(
        self, shape: Sequence[int], low: Sequence[int], across: int, down: int, count: int,
        lanes: int,
    ):  # fmt: skip
        self.shape, self.low, self.across, self.down = shape, low, across, down
        self.lanes, self.line = lanes, whole(shape[-1])
        self.step = count * self.line + 16
        self.row = whole(shape[2] * shape[3])

    def write(self, f: Function, line: Index, a: str, zeros: str, to: str) -> None:
        """Write a line of patches, the first at `to`; rows beyond the image are at `zeros`."""
        _, height, width, channels = self.shape
        image, top = line // self.down, line % self.down * 2 - self.low[0]
        a = f.at(a, image * (height * width * channels), FLOAT)
        rows = []
        for i in range(4):
            row = top + i
            inside, place = row.within(height), f.at(a, row * (width * channels), FLOAT)
            rows.append(f.emit(f"select i1 {inside}, ptr {place}, ptr {zeros}"))

        def transform(at: Any, count: int) -> None:
            here = [f.at(row, at, FLOAT) for row in rows]
            _Line(self, f, here, count).write(f.at(to, at, FLOAT))

        vectors(f, channels, self.lanes, transform)


class _Line:
    """Writes a line of patches for one vector of channels.

    Neighbours share two columns, which stay in registers.

    Args:
        patches: all there are.
        f: the function.
        rows: the addresses of four rows of the image.
        count: channels in the vector.
    """

    def __init__(self, patches: Patches, f: Function, rows: list[str], count: int):
        self.patches, self.f, self.rows, self.count = patches, f, rows, count
        self.kept = [f.variable(patches.lanes, FLOAT) for _ in range(8)]

    def write(self, to: str) -> None:
        """Write all patches, the first at `to`."""
        f, (_, _, width, channels) = self.f, self.patches.shape
        left, across, step = self.patches.low[1], self.patches.across, self.patches.line
        self._keep(self._column(-left) + self._column(1 - left))
        # those whose columns are all within the image; the others are few
        within = max(0, min(across, (width + left - 2) // 2))
        with f.loop(0, within) as number:
            rows = [f.at(row, number * (2 * channels), FLOAT) for row in self.rows]
            columns = [self._loaded(rows, at - left) for at in (2, 3)]
            self._patch(columns, f.at(to, number * step, FLOAT))
        for number in range(within, across):
            columns = [self._column(2 * number + at - left) for at in (2, 3)]
            self._patch(columns, f.at(to, number * step, FLOAT))

    def _keep(self, values: list[Lanes]) -> None:
        for variable, value in zip(self.kept, values, strict=True):
            variable.set(value)

    def _column(self, at: int) -> list[Lanes]:
        if 0 <= at < self.patches.shape[2]:
            return self._loaded(self.rows, at)
        return [self.f.block(self.patches.lanes).constant(0.0, FLOAT)] * 4

    def _loaded(self, rows: list[str], at: int) -> list[Lanes]:
        """One column of a patch, transformed."""
        f, channels = self.f, self.patches.shape[-1]
        here = [f.at(row, at * channels, FLOAT) for row in rows]
        return _patched([f.load(p, FLOAT, self.patches.lanes, self.count) for p in here])

    def _patch(self, columns: list[list[Lanes]], to: str) -> None:
        """One patch, of the two columns that are kept and two more, which are kept instead."""
        f, kept = self.f, [variable.get() for variable in self.kept]
        for i, line in enumerate(zip(kept[:4], kept[4:], *columns, strict=True)):
            for j, value in enumerate(_patched(line)):
                f.store(f.at(to, (4 * i + j) * self.patches.step, FLOAT), value)
        self._keep(columns[0] + columns[1])


# The transforms, along one axis


def _windowed(g: Sequence[Lanes]) -> list[Lanes]:
    """G: 3 -> 4."""
    outer, middle = (g[0] + g[2]) * 0.5, g[1] * 0.5
    return [g[0], outer + middle, outer - middle, g[2]]


def _patched(d: Sequence[Lanes]) -> list[Lanes]:
    """B': 4 -> 4."""
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _summed(m: Sequence[Lanes]) -> list[Lanes]:
    """A': 4 -> 2."""
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


# Code


def vectors(f: Function, length: int, lanes: int, write: Write) -> None:
    """Call `write` with where a vector begins and how many numbers it has, for all of a line."""
    rest = length % lanes
    if length > rest:
        with f.loop(0, length - rest, lanes) as at:
            write(at, lanes)
    if rest:
        write(length - rest, rest)


def whole(numbers: int) -> int:
    """So many float32 numbers, and what is missing to a line of the cache."""
    return -(-numbers // 16) * 16
