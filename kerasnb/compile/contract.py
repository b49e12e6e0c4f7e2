"""Sums of products in float32: the tile of registers that all of them are made of. Imports kernel.

A contraction is ``C[row, column] += sum over k of A[row, k] B[k, column]``, where row, column and k
are each one index or several (`Axis`) and an array is known by its steps along them. Products of
matrices and convolutions, with all their gradients, are contractions that differ in their steps.

The work is cut (`Cut`) into tiles of some rows by some vectors of columns. A tile's sums stay in
registers while k runs: each step loads the vectors of B, and multiplies them by one number of A for
each row, which lies at a constant distance from the first row's. 13 rows of 2 vectors reach 99 % of
the peak of an AVX-512 core (Zen 4, 116 of 117 GFLOP/s) as long as their numbers are in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from kerasnb.compile import llvm
from kerasnb.compile.ir import Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Variable

__all__ = [
    "FLOAT", "Axis", "Contraction", "Cut", "Registers", "along", "least", "merged",
    "panels_of", "registers_of", "sum_of_parts", "sweep", "text_of", "tiles_of", "total", "zeros",
]  # fmt: skip

FLOAT = "float32"
_MOST_VECTORS = 8  # of a tile: what a single row needs to hide the latency of its sums
_UNROLLED = 96  # additions of vectors that may be written out instead of a loop
_MOST_ROWS = 24  # of a tile: more only make its code longer


class Axis(NamedTuple):
    """An index of a contraction.

    Attributes:
        extent: how many values it takes; an `Index` where the code computes it.
        a, b, c: the distance of neighbours in each array, in elements; 0 where the array does not
            depend on it.
    """

    extent: Any
    a: int = 0
    b: int = 0
    c: int = 0


class Contraction(NamedTuple):
    """What computes a contraction: kernels, to be run one after another.

    Attributes:
        kernels: each with the names of its operands, in order. ``"a"``, ``"b"`` and ``"c"`` are the
            arrays; ``"workspace"`` is memory that lasts from the first kernel to the last.
        workspace: how many float32 numbers that memory holds; it need not be cleared.
    """

    kernels: list[tuple[Kernel, tuple[str, ...]]]
    workspace: int = 0


class Registers(NamedTuple):
    """The vector registers of a processor.

    Attributes:
        lanes: float32 numbers in one.
        count: how many there are.
        spare: how many a step needs beside sums and vectors of B: the number of A, and the product
            where it is not added in the same instruction.
    """

    lanes: int
    count: int
    spare: int = 1

    def rows(self, vectors: int) -> int:
        """The most rows that a tile of so many vectors can have."""
        return min((self.count - self.spare - vectors) // vectors, _MOST_ROWS)


_AVX512, _AVX2 = Registers(16, 32), Registers(8, 16)
_SSE2, _NEON = Registers(4, 16, spare=2), Registers(4, 32)
_BY_NAME = {"x86-64": _SSE2, "x86-64-v2": _SSE2, "x86-64-v3": _AVX2, "x86-64-v4": _AVX512}


def registers_of(target: llvm.Target | None = None) -> Registers:
    """The registers of `target`; of the processor that this runs on if None."""
    target = target or llvm.host()
    if target.cpu in _BY_NAME:
        return _BY_NAME[target.cpu]
    features = target.features.split(",")
    for feature, registers in (("+avx512f", _AVX512), ("+avx2", _AVX2), ("+sse2", _SSE2)):
        if feature in features:
            return registers
    return _NEON


# Indices


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The same indices, outermost first, with neighbours made one where all steps allow it."""
    found: list[Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        if found:
            outer = found[-1]
            if all(
                far == axis.extent * near for far, near in zip(outer[1:], axis[1:], strict=True)
            ):
                found[-1] = Axis(outer.extent * axis.extent, *axis[1:])
                continue
        found.append(axis)
    return found


def total(axes: Sequence[Axis]) -> int:
    """How many values several indices take together."""
    return math.prod(axis.extent for axis in axes)


@contextmanager
def along(f: Function, axes: Sequence[Axis], *pointers: str) -> Iterator[tuple[str, ...]]:
    """Loops over indices: the block, with the addresses in A, B and C (or the first of these)."""
    with ExitStack() as stack:
        for axis in axes:
            if axis.extent == 1:
                continue
            i = stack.enter_context(f.loop(0, axis.extent))
            steps = axis[1 : 1 + len(pointers)]
            pointers = tuple(
                f.at(p, i * step, FLOAT) for p, step in zip(pointers, steps, strict=True)
            )
        yield pointers


def least(x: Any, y: Any) -> Any:
    """The smaller of two numbers, each known or computed by the code."""
    if isinstance(x, Index):
        return x.least(y)
    return y.least(x) if isinstance(y, Index) else min(x, y)


def zeros(f: Function, lanes: int, rows: int, columns: int) -> list[list[Variable]]:
    """Vectors of sums that begin at zero."""
    sums = [[f.variable(lanes, FLOAT) for _ in range(columns)] for _ in range(rows)]
    for row in sums:
        for variable in row:
            variable.set(f.block(lanes).constant(0.0, FLOAT))
    return sums


# How the work is cut


class Cut(NamedTuple):
    """How rows and columns are cut into tiles.

    Attributes:
        lanes: numbers in a vector.
        vectors: of a tile. Columns are cut into panels of so many; the last may be narrower.
        outer: the indices of rows over which tiles are repeated.
        split: the index of rows that tiles divide among them.
        inner: the indices of rows that each tile has whole.
        size: how many values of `split` a large tile takes; a small one takes one less.
        large, small: how many there are of each, large ones first.
        columns: the index of columns. Where A depends on it, A is read in vectors as B is.
    """

    lanes: int
    vectors: int
    outer: tuple[Axis, ...]
    split: Axis
    inner: tuple[Axis, ...]
    size: int
    large: int
    small: int
    columns: Axis

    @classmethod
    def best(cls, rows: Sequence[Axis], columns: Axis, registers: Registers) -> Cut:
        """The cut that takes the fewest cycles by a simple count."""
        lanes = registers.lanes
        cuts = []
        for vectors in range(1, _MOST_VECTORS + 1):
            most = registers.rows(vectors)
            if most > 0 and (vectors == 1 or (vectors - 1) * lanes < columns.extent):
                cuts.append(cls.of(rows, columns, lanes, vectors, most))
        return min(cuts, key=cls._cycles)

    @classmethod
    def of(cls, rows: Sequence[Axis], columns: Axis, lanes: int, vectors: int, most: int) -> Cut:
        """The cut into tiles of so many vectors and at most so many rows."""
        rows = merged(rows) or [Axis(1)]
        at, whole = len(rows) - 1, 1
        while at and whole * rows[at].extent <= most:
            whole *= rows[at].extent
            at -= 1
        extent = rows[at].extent
        tiles = -(-extent // (most // whole))
        size = -(-extent // tiles)  # 26 rows in tiles of at most 12 are 9 + 9 + 8
        small = tiles * size - extent
        return cls(
            lanes, vectors, tuple(rows[:at]), rows[at], tuple(rows[at + 1 :]),
            size, tiles - small, small, columns,
        )  # fmt: skip

    @property
    def width(self) -> int:
        """Columns of a full panel."""
        return self.lanes * self.vectors

    @property
    def tiles(self) -> int:
        """How many tiles divide `split`."""
        return self.large + self.small

    @property
    def full(self) -> int:
        """How many panels are full."""
        return self.columns.extent // self.width

    @property
    def rest(self) -> int:
        """Columns of the last panel if it is not full, or 0."""
        return self.columns.extent % self.width

    @property
    def panels(self) -> int:
        """How many panels there are."""
        return self.full + (self.rest > 0)

    def first_of(self, tile: Any) -> Any:
        """The value of `split` at which a tile begins."""
        return tile * self.size - (tile - least(tile, self.large))

    def offsets(self, size: int) -> list[tuple[int, int]]:
        """Where each row of a tile lies in A and in C, from the tile's first."""
        found = [(0, 0)]
        for axis in (Axis(size, self.split.a, 0, self.split.c), *self.inner):
            found = [(a + i * axis.a, c + i * axis.c) for a, c in found for i in range(axis.extent)]
        return found

    def _cycles(self) -> float:
        """Cycles of a step of k, by a rough count.

        A core adds two vectors a cycle, four cycles after it began; and loads cost a little even
        where there is a unit to spare for them, those of B more, as they come from further away.
        Each kind of tile adds about 8 ms to the compilation, so it has to win 1 %.
        """
        whole = total(self.inner)
        cycles = 0.0
        for count, size in ((self.large, self.size), (self.small, self.size - 1)):
            rows = size * whole
            for panels, vectors in ((self.full, self.vectors), (1, -(-self.rest // self.lanes))):
                sums = max(rows * vectors, 8) + 0.1 * rows + 0.4 * vectors
                cycles += count * panels * sums * (vectors > 0)
        kinds = (1 + (self.small > 0)) * ((self.full > 0) + (self.rest > 0))
        return cycles * total(self.outer) * (1 + 0.01 * kinds)


# The tile


class _Tile(NamedTuple):
    """One tile's code: where its rows lie, and how many columns it has."""

    cut: Cut
    rows: list[tuple[int, int]]
    columns: int  # a masked vector is the last of them
    masked: bool  # whether B has no more columns than that

    @property
    def vectors(self) -> int:
        return -(-self.columns // self.cut.lanes)

    def write(
        self, f: Function, reduced: Sequence[Axis], a: str, b: str, c: str, more: Any
    ) -> None:
        """Compute it: ``C = sum``, or ``C += sum`` where `more` holds."""
        lanes = self.cut.lanes
        sums = zeros(f, lanes, len(self.rows), self.vectors)
        loops, unrolled = self._unrolled(reduced)
        with along(f, loops, a, b) as (a_now, b_now):
            for a_step, b_step in unrolled:
                self._step(f, sums, f.at(a_now, a_step, FLOAT), f.at(b_now, b_step, FLOAT))
        if isinstance(more, str):
            with f.when(more):
                self._add(f, sums, c)
        elif more:
            self._add(f, sums, c)
        for row, (_, offset) in zip(sums, self.rows, strict=True):
            for v, variable in enumerate(row):
                self._store(f, f.at(c, offset, FLOAT), v, variable.get())

    def _unrolled(self, reduced: Sequence[Axis]) -> tuple[list[Axis], list[tuple[int, int]]]:
        """The sums to be written as loops; and, for those that are so short that a loop's own work
        shows, the steps in A and B one by one."""
        loops, steps = list(reduced), [(0, 0)]
        while loops and isinstance(loops[-1].extent, int):
            extent, a, b, _ = loops[-1]
            if extent * len(steps) * len(self.rows) * self.vectors > _UNROLLED:
                break
            loops.pop()
            steps = [(i * a + x, i * b + y) for i in range(extent) for x, y in steps]
        return loops, steps

    def _step(self, f: Function, sums: list, a: str, b: str) -> None:
        """One value of k."""
        columns = [self.load(f, b, v, self.masked) for v in range(self.vectors)]
        for row, (offset, _) in zip(sums, self.rows, strict=True):
            numbers = self._numbers(f, f.at(a, offset, FLOAT))
            for variable, x, y in zip(row, numbers, columns, strict=True):
                variable.set(x.block.fma(x, y, variable.get()))

    def _numbers(self, f: Function, a: str) -> list[Lanes]:
        """What multiplies each vector of B: one number of A, or vectors of it."""
        if self.cut.columns.a == 0:
            return [f.broadcast(a, FLOAT, self.cut.lanes)] * self.vectors
        return [self.load(f, a, v, True) for v in range(self.vectors)]

    def _add(self, f: Function, sums: list, c: str) -> None:
        for row, (_, offset) in zip(sums, self.rows, strict=True):
            for v, variable in enumerate(row):
                before = self.load(f, f.at(c, offset, FLOAT), v, True, self.cut.columns.c)
                variable.set(before + variable.get())

    def _count(self, vector: int) -> int:
        return min(self.columns - vector * self.cut.lanes, self.cut.lanes)

    def load(self, f: Function, pointer: str, vector: int, masked: bool, step: int = 1) -> Lanes:
        lanes, count = self.cut.lanes, self._count(vector)
        pointer = f.at(pointer, vector * lanes * step, FLOAT)
        if step != 1:
            return f.gather(pointer, FLOAT, lanes, step, count)
        return f.load(pointer, FLOAT, lanes, count if masked else lanes)

    def _store(self, f: Function, pointer: str, vector: int, value: Lanes) -> None:
        lanes, step, count = self.cut.lanes, self.cut.columns.c, self._count(vector)
        pointer = f.at(pointer, vector * lanes * step, FLOAT)
        if step != 1 and count > 1:
            f.scatter(pointer, value, step, count)
        else:
            f.store(pointer, value, count)


def sweep(
    f: Function,
    cut: Cut,
    reduced: Sequence[Axis],
    a: str,
    b: str,
    c: str,
    *,
    more: Any = False,
    packed: int = 0,
    tiles: tuple[Any, Any] | None = None,
    panels: tuple[Any, Any] | None = None,
) -> None:
    """Write the loops over panels and rows around the tiles.

    Args:
        f: the function.
        cut: rows and columns.
        reduced: the indices that are summed over, outermost first.
        a, b, c: the addresses of the arrays' first elements.
        more: whether the sums are added to what C holds; may be a condition (i1).
        packed: how far panels of B are from each other if `pack` has made them, with that of the
            first of `panels` at `b`. 0 reads B as it is.
        tiles: which tiles of `cut.split`, from and to; all if None.
        panels: which panels, from and to; all if None.
    """
    first = panels[0] if packed and panels else 0
    step = packed or cut.width * cut.columns.b
    for number, columns in panels_of(f, cut, panels):
        pointers = (
            f.at(a, number * (cut.width * cut.columns.a), FLOAT),
            f.at(b, (number - first) * step, FLOAT),
            f.at(c, number * (cut.width * cut.columns.c), FLOAT),
        )
        for rows, here in tiles_of(f, cut, pointers, tiles):
            _Tile(cut, rows, columns, not packed).write(f, reduced, *here, more)


def panels_of(
    f: Function, cut: Cut, panels: tuple[Any, Any] | None = None
) -> Iterator[tuple[Index, int]]:
    """Loops over panels: gives the number of a panel, and how many columns it has. There are two
    rounds if the last one is narrower; each has to write the code for one panel."""
    first, last = panels or (0, cut.panels)
    if cut.full:
        with f.loop(first, least(last, cut.full)) as number:
            yield number, cut.width
    if cut.rest:
        with f.when((f.index(0) + last) > cut.full):
            yield f.index(cut.full), cut.rest


def tiles_of(
    f: Function, cut: Cut, pointers: tuple[str, ...], tiles: tuple[Any, Any] | None = None
) -> Iterator[tuple[list[tuple[int, int]], tuple[str, ...]]]:
    """Loops over the tiles of a panel: gives the offsets of a tile's rows, and the addresses of its
    beginning in A, B and C. There are two rounds if there are tiles of two sizes."""
    first, last = tiles or (0, cut.tiles)
    middle = cut.large + first - least(first, cut.large)  # the larger of the two
    with along(f, cut.outer, *pointers) as (a, b, c):
        for count, start, stop, size in (
            (cut.large, first, least(last, cut.large), cut.size),
            (cut.small, middle, last, cut.size - 1),
        ):
            if count:
                with f.loop(start, stop) as number:
                    at = cut.first_of(number)
                    here = f.at(a, at * cut.split.a, FLOAT), b, f.at(c, at * cut.split.c, FLOAT)
                    yield cut.offsets(size), here


def sum_of_parts(parts: int, length: int, registers: Registers) -> Kernel:
    """The kernel that adds results of equal length which lie one after another: the operands are
    those, and the result. The order is fixed, whoever computed them and when."""
    f, lanes = Function(), registers.lanes
    source, to = f.operand(0), f.operand(1)
    chunks = max(1, min(parts, length // 4096))
    each = -(-length // (chunks * lanes)) * lanes
    start = f.chunk * each

    def add(at: Any, width: int) -> None:
        total = f.load(f.at(source, at, FLOAT), FLOAT, width)
        for part in range(1, parts):
            total = total + f.load(f.at(source, at + part * length, FLOAT), FLOAT, width)
        f.store(f.at(to, at, FLOAT), total)

    with f.loop(start, (start + each).least(length - length % lanes), lanes) as at:
        add(at, lanes)
    if length % lanes:
        with f.when(f.chunk.equals(chunks - 1)), f.loop(length - length % lanes, length) as at:
            add(at, 1)
    moved = 4 * length * (parts + 1)
    return Kernel(f"sum of {parts} parts", text_of(f), chunks, (parts - 1) * length, moved)


def text_of(f: Function) -> str:
    """The kernel in LLVM's language, with its loops left as they are written.

    Unrolled loops around tiles are no faster, and take up to twice as long to compile: 88 ms
    instead of 39 for 1024x1024x1024.
    """
    return f.text().replace("%scratch) {", "%scratch) optsize {", 1)
