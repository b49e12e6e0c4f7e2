"""Products of matrices and tensors in float32 as native kernels. Imports packing."""

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
    Registers,
    along,
    merged,
    registers_of,
    sum_of_parts,
    sweep,
    text_of,
    tiles_of,
    total,
    zeros,
)
from kerasnb.compile.ir import Declined, Lanes
from kerasnb.compile.kernel import Function, Kernel, Place
from kerasnb.compile.packing import copy_lines, pack

__all__ = ["dot_general", "matmul", "product"]

_DEPTH = 512  # values of k at a time: a panel of B, 32 columns wide, then takes 64 KB of the L2
_ROWS = 256  # of A at a time, so that they stay in the L2 with it
_FEW_ROWS = 96  # for which copying B is worth while
_CHUNKS = 16  # to be had at least, if each is worth it
_COLUMNS = 32  # of a panel, as a rule
_FEW_CHUNKS = 8  # are enough if more of them would copy the same again, or add it up
_SMALL = 1 << 18  # multiplications of a chunk that is worth it: 4 us
_DOT_COLUMNS = 4  # up to so many columns a vector runs along k; 16 lanes would mostly be empty


def matmul(a: Place, b: Place, c: Place, target: llvm.Target | None = None) -> Contraction:
    """``c = a @ b``: (*batch, m, k), (*batch, k, n) -> (*batch, m, n).

    Args:
        a, b: the operands, with any strides; a stride of 0 repeats.
        c: where the result goes; no two of its elements may share a place.
        target: the processor; the one that this runs on if None.

    Raises:
        Declined: an array is not of float32.
    """
    n = len(a.shape)
    batch = (tuple(range(n - 2)),) * 2
    return dot_general(a, b, c, contract=((n - 1,), (n - 2,)), batch=batch, target=target)


def dot_general(
    a: Place,
    b: Place,
    c: Place,
    contract: tuple[Sequence[int], Sequence[int]],
    batch: tuple[Sequence[int], Sequence[int]] = ((), ()),
    target: llvm.Target | None = None,
) -> Contraction:
    """The sum over the axes `contract` of each operand, with the axes `batch` in step.

    Args:
        a, b: the operands, with any strides; a stride of 0 repeats.
        c: (*batch, *free axes of a, *free axes of b), where the result goes.
        contract, batch: axes of `a` and of `b`, in pairs.
        target: the processor; the one that this runs on if None.

    Raises:
        Declined: an array is not of float32.
    """
    if {a.dtype, b.dtype, c.dtype} != {FLOAT}:
        raise Declined(f"a product of {a.dtype} and {b.dtype} in {c.dtype}")
    shared = [
        Axis(a.shape[i], a.strides[i], b.strides[j], s)
        for i, j, s in zip(*batch, c.strides[: len(batch[0])], strict=True)
    ]
    summed = [Axis(a.shape[i], a.strides[i], b.strides[j]) for i, j in zip(*contract, strict=True)]
    free_a = [i for i in range(len(a.shape)) if i not in contract[0] and i not in batch[0]]
    free_b = [i for i in range(len(b.shape)) if i not in contract[1] and i not in batch[1]]
    steps = iter(c.strides[len(shared) :])
    rows = [Axis(a.shape[i], a.strides[i], 0, next(steps)) for i in free_a]
    columns = [Axis(b.shape[i], 0, b.strides[i], next(steps)) for i in free_b]
    whole = product(rows, columns, summed, shared, target)
    size = math.prod(c.shape)
    parts = _parts(whole[0].chunks, size, summed)
    if parts == 1 or not c.is_dense:
        return Contraction([whole])
    (extent, *steps), *others = _by_step(summed)
    each = extent // parts
    part = Axis(parts, each * steps[0], each * steps[1], size)
    summed = [Axis(each, *steps), *others]
    kernel, names = product(rows, columns, summed, [part, *shared], target)
    added = sum_of_parts(parts, size, registers_of(target))
    return Contraction(
        [(kernel, (*names[:2], "workspace")), (added, ("workspace", "c"))], parts * size
    )


def _parts(chunks: int, results: int, summed: Sequence[Axis]) -> int:
    """Into how many parts a long sum is divided, so that chunks can share it: 4096 vectors of a
    batch make a gradient of 64x64, which is too little to be divided itself. Each part costs as
    many additions as there are results, 128x512x128 with 1, 2, 4, 16 of them 157, 167, 185, 221 us.

    Args:
        chunks: how many the sum has undivided.
        results: how many numbers it makes.
        summed: its indices.
    """
    if total(summed) * results < 2 * _CHUNKS * _SMALL:
        return 1
    extent, least = _by_step(summed)[0].extent, -(-_FEW_CHUNKS // chunks)
    return next((n for n in range(least, _CHUNKS + 1) if extent % n == 0), 1)


def _by_step(axes: Sequence[Axis]) -> list[Axis]:
    """Indices of a sum, whose order is free, so that neighbours in A come last."""
    return merged(sorted(axes, key=lambda axis: -abs(axis.a))) or [Axis(1)]


def product(
    rows: Sequence[Axis],
    columns: Sequence[Axis],
    reduced: Sequence[Axis],
    batch: Sequence[Axis] = (),
    target: llvm.Target | None = None,
) -> tuple[Kernel, tuple[str, ...]]:
    """A contraction of arrays as they lie, as one kernel and the names of its operands.

    Args:
        rows: the indices that A and C have, outermost first.
        columns: those that B and C have.
        reduced: those that A and B have.
        batch: those that all three have.
        target: the processor; the one that this runs on if None.
    """
    names = ("a", "b", "c")
    m, n, k, count = (total(axes) for axes in (rows, columns, reduced, batch))
    name = f"matmul {m}x{k}x{n}" + (f", {count} times" if count > 1 else "")
    if m * n * count == 0:
        return Kernel(name, Function().text(), 0), names
    rows, columns, batch = merged(rows), merged(columns), merged(batch)
    reduced = _by_step(reduced)
    if _swaps(rows, columns):
        rows, columns = _mirrored(columns), _mirrored(rows)
        reduced, batch = _mirrored(reduced), _mirrored(batch)
        names = ("b", "a", "c")
    *outer, last = columns or [Axis(1, 0, 1, 1)]
    kind = _Dots if _Dots.suits(rows, last, reduced) else _Product
    if kind is _Product:
        rows, apart = _divided(rows, total([*batch, *outer]) * -(-last.extent // _COLUMNS), n * k)
        batch = [*batch, *apart]
    writer = kind(rows, last, reduced, [*batch, *outer], registers_of(target))
    text, chunks, scratch = writer.written()
    moved = 4 * count * (m * k + k * n + m * n)
    return Kernel(name, text, chunks, 2 * count * m * n * k, moved, scratch), names


def _divided(rows: list[Axis], chunks: int, work: int) -> tuple[list[Axis], list[Axis]]:
    """Rows of which a chunk has only a part, and which part it is, as an index of the batch.

    Of several indices of rows a chunk would otherwise have all values of the first.

    Args:
        rows: the indices.
        chunks: how many there are anyway.
        work: multiplications of a row.
    """
    if len(rows) < 2 or chunks >= _FEW_CHUNKS:
        return rows, []
    (extent, a, b, c), *others = rows
    least = max(2 * _FEW_ROWS, -(-2 * _SMALL * chunks // max(work, 1)))
    most = min(-(-_FEW_CHUNKS // chunks), total(rows) // least)
    parts = max((n for n in range(1, most + 1) if extent % n == 0), default=1)
    each = extent // parts
    if parts == 1:
        return rows, []
    return [Axis(each, a, b, c), *others], [Axis(parts, each * a, each * b, each * c)]


def _swaps(rows: list[Axis], columns: list[Axis]) -> bool:
    """Whether the rows of C are the better columns: the transposed product is the same."""
    if not rows or rows[-1].c != 1:
        return False
    return columns[-1].c != 1 if columns else rows[-1].a == 1


def _mirrored(axes: Sequence[Axis]) -> list[Axis]:
    """The same indices with A and B exchanged."""
    return [Axis(extent, b, a, c) for extent, a, b, c in axes]


class _Product:
    """Writes the kernel of one product.

    A chunk is either some members of the batch, or some tiles of rows by some panels of columns of
    one member. It packs what it needs of B, and A where its rows would evict each other from the
    cache, into the scratch memory of its thread: so there is no second kernel to wait for, and the
    copies are read while they are hot. That costs a few percent where a chunk has many rows.
    """

    def __init__(
        self, rows: list[Axis], columns: Axis, reduced: list[Axis], batch: list[Axis],
        registers: Registers,
    ):  # fmt: skip
        self.reduced, self.batch, self.registers = reduced, batch, registers
        self.cut = Cut.best(rows, columns, registers)
        self.f = Function()
        self.members = total(batch)
        self.size = total(rows) * columns.extent * total(reduced)
        self.depth = self._depth()
        self.packs_b = self._packs_b(total(rows))
        self.packs_a = self._packs_a()
        self._divide()

    def written(self) -> tuple[str, int, int]:
        """The text, the number of chunks and the bytes of scratch."""
        f = self.f
        a, b, c = (f.operand(i) for i in range(3))
        if self.each > 1:
            start = f.chunk * self.each
            with f.loop(start, (start + self.each).least(self.members)) as member:
                self._member(member, a, b, c, None, None)
            return text_of(f), -(-self.members // self.each), self.scratch
        across, down = self._counts()
        member, piece = f.chunk // (across * down), f.chunk % (across * down)
        first_panel = piece % across * self.panels
        first_tile = piece // across * self.tiles
        panels = (first_panel, (first_panel + self.panels).least(self.cut.panels))
        tiles = (first_tile, (first_tile + self.tiles).least(self.cut.tiles))
        self._member(member, a, b, c, panels if across > 1 else None, tiles if down > 1 else None)
        return text_of(f), self.members * across * down, self.scratch

    # Decisions

    def _depth(self) -> int:
        """How many values of the outermost sum are done at a time."""
        extent, inner = self.reduced[0].extent, total(self.reduced[1:])
        pieces = -(-extent * inner // _DEPTH)
        if pieces <= 1:
            return extent
        depth = -(-extent // pieces)
        return depth if inner > 1 else -(-depth // self.registers.lanes) * self.registers.lanes

    def _packs_b(self, rows: int) -> bool:
        """Whether B is copied: where a tile cannot read vectors of it, or if several tiles read
        lines that are far apart."""
        columns = self.cut.columns
        if columns.b != 1:
            return columns.extent > 1
        return self.cut.panels > 1 and rows > 2 * self.cut.size * total(self.cut.inner)

    def _packs_a(self) -> bool:
        """Whether A is copied: if the rows of a tile lie in so few of the cache's 64 sets of lines,
        which repeat every 4096 bytes, that they evict each other. 1024x1024x1024: 85 GFLOP/s as it
        lies, 103 copied (of 117). A transposed A is as fast as it lies."""
        split = self.cut.split
        plain = not self.cut.outer and not self.cut.inner and len(self.reduced) == 1
        if not plain or self.cut.panels < 4:
            return False
        return self.reduced[0].a == 1 and self.cut.size * math.gcd(4 * split.a, 4096) > 8 * 4096

    def _divide(self) -> None:
        """What a chunk is: members of the batch at a time, panels and tiles."""
        cut = self.cut
        self.panels, self.tiles, self.each = cut.panels, cut.tiles, 1
        if self.members >= 4 * _CHUNKS or (self.members > 1 and self.size * 4 <= _SMALL):
            most = max(1, self.members // _CHUNKS)
            self.each = max(1, min(most, -(-_SMALL // max(self.size, 1))))
        else:
            rows = max(1, -(-cut.tiles * cut.size // _ROWS)) if cut.split.extent else 1
            self.tiles = max(1, -(-cut.tiles // rows))
            fewest = 4 if self.packs_a else 1
            few = -(-_FEW_ROWS // cut.size) if self.packs_b else 2
            while self._counts_product() < _CHUNKS and self.panels > fewest and self._worth():
                self.panels = max(fewest, -(-self.panels // 2))
            while self._counts_product() < _CHUNKS and self.tiles >= 2 * few and self._worth():
                self.tiles = -(-self.tiles // 2)
        k = self.depth * total(self.reduced[1:])
        self.lane_k = -(-k // 16) * 16 + 16  # not a power of two, which would evict as well
        self.packed = k * cut.width
        numbers = self.panels * self.packed * self.packs_b
        self.a_at = numbers
        if self.packs_a:
            numbers += self.tiles * cut.size * self.lane_k
        self.scratch = 4 * numbers

    def _counts(self) -> tuple[int, int]:
        """Chunks across the columns and down the rows."""
        return -(-self.cut.panels // self.panels), -(-self.cut.tiles // self.tiles)

    def _counts_product(self) -> int:
        across, down = self._counts()
        return across * down * self.members

    def _worth(self) -> bool:
        return self.size * self.members / self._counts_product() >= 2 * _SMALL

    # Code

    def _member(self, member: Any, a: str, b: str, c: str, panels: Any, tiles: Any) -> None:
        """One product of the batch, or its part."""
        f = self.f
        a, b, c = _of_member(f, self.batch, member, a, b, c)
        first, *inner = self.reduced
        if self.depth >= first.extent:
            self._depth_of(self.reduced, a, b, c, False, panels, tiles)
            return
        with f.loop(0, first.extent, self.depth) as k:
            now = Axis((first.extent - k).least(self.depth), first.a, first.b)
            a, b = f.at(a, k * first.a, FLOAT), f.at(b, k * first.b, FLOAT)
            self._depth_of([now, *inner], a, b, c, k > 0, panels, tiles)

    def _depth_of(
        self, reduced: list[Axis], a: str, b: str, c: str, more: Any, panels: Any, tiles: Any
    ) -> None:
        """What some values of k add."""
        f, cut = self.f, self.cut
        if self.packs_a:
            a, cut, reduced = self._copied(reduced, a, tiles)
        packed = 0
        if self.packs_b:
            packed = self.packed
            reduced = pack(f, cut, reduced, b, f.scratch, packed=packed, panels=panels)
            b = f.scratch
        sweep(f, cut, reduced, a, b, c, more=more, packed=packed, tiles=tiles, panels=panels)

    def _copied(self, reduced: list[Axis], a: str, tiles: Any) -> tuple[str, Cut, list[Axis]]:
        """The chunk's rows of A in scratch memory: its address for the first row there is, and the
        steps that it has now."""
        f, cut, k = self.f, self.cut, reduced[0]
        first, last = tiles or (0, cut.tiles)
        start, stop = cut.first_of(first), cut.first_of(last)
        source, to = f.at(a, start * cut.split.a, FLOAT), f.at(f.scratch, self.a_at, FLOAT)
        lines = Axis(stop - start, cut.split.a, self.lane_k)
        copy_lines(f, source, to, [lines], k.extent, cut.lanes)
        cut = cut._replace(split=cut.split._replace(a=self.lane_k))
        return f.at(to, 0 - start * self.lane_k, FLOAT), cut, reduced


def _of_member(f: Function, batch: Sequence[Axis], member: Any, *pointers: str) -> tuple:
    """Where the arrays of one member of the batch begin."""
    inner = total(batch)
    for axis in batch:
        inner //= axis.extent
        number = member // inner % axis.extent
        pointers = tuple(
            f.at(p, number * step, FLOAT) for p, step in zip(pointers, axis[1:], strict=True)
        )
    return pointers


class _Dots:
    """Writes the kernel of a product with few columns: vectors run along k, and the sum of their
    lanes comes last. 128x512x1 takes 3 us instead of 25."""

    def __init__(
        self, rows: list[Axis], columns: Axis, reduced: list[Axis], batch: list[Axis],
        registers: Registers,
    ):  # fmt: skip
        self.columns, (self.k,), self.batch = columns, reduced, batch
        self.f, self.members = Function(), total(batch)
        lanes = registers.lanes
        most = min(registers.rows(columns.extent), 8)
        self.cut = Cut.of(rows, columns, lanes, columns.extent, most)
        # columns of B that are no lines in memory are copied to be some
        self.line = 0 if self.k.b == 1 else -(-self.k.extent // 16) * 16 + 16
        size = total(rows) * columns.extent * self.k.extent
        chunks = max(1, min(_CHUNKS, size // _SMALL, self.cut.tiles)) if self.members == 1 else 1
        self.tiles = -(-self.cut.tiles // chunks)
        self.each = max(1, min(self.members, -(-_SMALL // size))) if size else self.members

    @staticmethod
    def suits(rows: Sequence[Axis], columns: Axis, reduced: Sequence[Axis]) -> bool:
        """Whether the product has this form."""
        few = columns.extent <= _DOT_COLUMNS
        return few and len(reduced) == 1 and reduced[0].a == 1 and reduced[0].extent > 8

    def written(self) -> tuple[str, int, int]:
        """The text, the number of chunks and the bytes of scratch."""
        f = self.f
        a, b, c = (f.operand(i) for i in range(3))
        parts = -(-self.cut.tiles // self.tiles)
        first = f.chunk % parts * self.tiles
        tiles = (first, (first + self.tiles).least(self.cut.tiles)) if parts > 1 else None
        start = f.chunk // parts * self.each
        with f.loop(start, (start + self.each).least(self.members)) as member:
            here_a, here_b, here_c = _of_member(f, self.batch, member, a, b, c)
            if self.line:
                here_b = self._copied(here_b)
            for rows, (x, _, y) in tiles_of(f, self.cut, (here_a, here_b, here_c), tiles):
                self._tile(rows, x, here_b, y)
        scratch = 4 * self.line * self.columns.extent
        return text_of(f), parts * -(-self.members // self.each), scratch

    def _copied(self, b: str) -> str:
        f = self.f
        lines = [
            Axis(self.columns.extent, self.columns.b, self.line),
            Axis(self.k.extent, self.k.b, 1),
        ]
        with along(f, lines, b, f.scratch) as (x, y):
            f.store(y, f.load(x, FLOAT, 1))
        return f.scratch

    def _tile(self, rows: list[tuple[int, int]], a: str, b: str, c: str) -> None:
        """Some rows by all columns."""
        f, lanes, extent = self.f, self.cut.lanes, self.k.extent
        sums = zeros(f, lanes, len(rows), self.columns.extent)
        whole = extent - extent % lanes
        with f.loop(0, whole, lanes) as k:
            self._step(sums, rows, f.at(a, k, FLOAT), f.at(b, k, FLOAT), lanes)
        if whole < extent:
            self._step(sums, rows, f.at(a, whole, FLOAT), f.at(b, whole, FLOAT), extent - whole)
        for row, (_, offset) in zip(sums, rows, strict=True):
            for j, variable in enumerate(row):
                self._store(f.at(c, offset + j * self.columns.c, FLOAT), variable.get())

    def _step(self, sums: list, rows: list[tuple[int, int]], a: str, b: str, count: int) -> None:
        f, lanes, step = self.f, self.cut.lanes, self.line or self.columns.b
        columns = [
            f.load(f.at(b, j * step, FLOAT), FLOAT, lanes, count)
            for j in range(self.columns.extent)
        ]
        for row, (offset, _) in zip(sums, rows, strict=True):
            x = f.load(f.at(a, offset, FLOAT), FLOAT, lanes, count)
            for variable, y in zip(row, columns, strict=True):
                variable.set(x.block.fma(x, y, variable.get()))

    def _store(self, pointer: str, value: Lanes) -> None:
        """Write the sum of the lanes, added pair by pair."""
        f, width = self.f, self.cut.lanes
        name = f"@llvm.vector.reduce.fadd.v{width}f32"
        f.declared.add(f"declare float {name}(float, <{width} x float>)")
        number = f.emit(f"call reassoc float {name}(float -0.0, {value.typed()})")
        f.lines.append(f"store float {number}, ptr {pointer}, align 4")
