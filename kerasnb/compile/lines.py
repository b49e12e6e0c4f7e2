"""What goes along one axis, line by line: the place of an extreme, and sums so far.

Vectors go across: each lane has a line of its own. Only a long line whose elements are neighbours
is searched by all lanes together. Imports contract, views and kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from kerasnb.compile.contract import Axis, merged, total
from kerasnb.compile.ir import TYPES, WIDTH, Declined, Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Place, Variable, size_in_bytes
from kerasnb.compile.walk import PIECE, PIECES

__all__ = ["cumsum", "first_extreme"]

_TOGETHER = 2 * WIDTH  # lanes that search one line: two vectors, which do not wait for each other
_LONG = 2 * _TOGETHER  # elements of such a line, at least
_WHERE = "int32"


def first_extreme(x: Place, y: Place, *, axis: int, largest: bool) -> Kernel:
    """The place of the largest or smallest element of each line, the first of equal ones; a NaN is
    more extreme than all else.

    Args:
        x: the input, operand 0.
        y: int32, where the result goes, operand 1: the shape of `x` without `axis`.
        axis: that is searched along.
        largest: or else the smallest.

    Raises:
        Declined: there is no native code for the dtype, or the line is too long for int32.
    """
    lines = _Lines("argmax" if largest else "argmin", x, y, axis)
    if lines.length >= 1 << 31:
        raise Declined("a place beyond int32")
    together = lines.step == 1 and lines.length >= _LONG
    for source, target, vector in lines.each(1 if together else WIDTH):
        if together:
            _search_together(lines, source, target, largest)
        else:
            _search(lines, source, target, vector, largest)
    return lines.kernel()


def cumsum(x: Place, y: Place, *, axis: int, reverse: bool) -> Kernel:
    """The sum of each element and those before it along `axis`; of those after it if `reverse`.

    Args:
        x: the input, operand 0.
        y: where the result goes, operand 1: the shape of `x`.
        axis: that is summed along.
        reverse: whether lines begin at their end.

    Raises:
        Declined: there is no native code for the dtype.
    """
    lines = _Lines("cumsum", x, y, axis)
    f = lines.f
    for source, target, vector in lines.each(WIDTH):
        so_far = f.variable(vector.width, x.dtype)
        so_far.set(so_far.block.constant(-0.0, x.dtype))  # 0.0 would take the sign of a first -0.0
        with f.loop(0, lines.length) as at:
            here = lines.length - 1 - at if reverse else at
            value = vector.load(f.at(source, here * lines.step, x.dtype), x.dtype)
            so_far.set(so_far.get() + value)
            vector.store(f.at(target, here * y.strides[axis], y.dtype), so_far.get())
    return lines.kernel()


def _search(lines: _Lines, source: str, target: str, vector: _Vector, largest: bool) -> None:
    """A line in each lane."""
    f, dtype = lines.f, lines.x.dtype
    best, place = f.variable(vector.width, dtype), f.variable(vector.width, _WHERE)
    best.set(vector.load(source, dtype))
    place.set(place.block.constant(0, _WHERE))
    with f.loop(1, lines.length) as at:
        value = vector.load(f.at(source, at * lines.step, dtype), dtype)
        _take(best, place, value, _splat(f, at, vector.width), largest)
    vector.store(target, place.get())


def _search_together(lines: _Lines, source: str, target: str, largest: bool) -> None:
    """One line in all lanes, every `_TOGETHER`th element in each; then the best of the lanes."""
    f, dtype, length, width = lines.f, lines.x.dtype, lines.length, _TOGETHER
    best, place = f.variable(width, dtype), f.variable(width, _WHERE)
    best.set(f.broadcast(source, dtype, width))
    place.set(place.block.constant(0, _WHERE))
    numbers = Lanes(f.block(width), f"<{', '.join(f'i32 {i}' for i in range(width))}>", _WHERE)
    whole = length - length % width
    with f.loop(0, whole, width) as at:
        value = f.load(f.at(source, at, dtype), dtype, width)
        _take(best, place, value, _splat(f, at, width) + numbers, largest)
    if length > whole:
        value = f.load(f.at(source, whole, dtype), dtype, width, length - whole)
        value = value.block.select(f.first(width, length - whole), value, best.get())
        _take(best, place, value, numbers + whole, largest)
    f.store(target, _best_lane(f, best.get(), place.get(), largest))


def _take(best: Variable, place: Variable, value: Lanes, at: Lanes, largest: bool) -> None:
    """Lanes with a better element take it."""
    better = _better(value, best.get(), largest)
    best.set(value.block.select(better, value, best.get()))
    place.set(at.block.select(better, at, place.get()))


def _better(value: Lanes, best: Lanes, largest: bool) -> Lanes:
    """Whether it is more extreme, which nothing is than a NaN."""
    if not value.is_float:
        return value > best if largest else value < best
    not_better = value <= best if largest else value >= best
    return (not_better ^ True) & best.compare("equal", best)


def _best_lane(f: Function, best: Lanes, place: Lanes, largest: bool) -> Lanes:
    """Of halves that are compared again and again; of equal elements the first."""
    width = best.block.width
    while width > 1:
        width //= 2
        (a, b), (i, j) = (
            [_lanes(f, vector, start, width) for start in (0, width)] for vector in (best, place)
        )
        later = _better(b, a, largest) | ((_better(a, b, largest) ^ True) & (j < i))
        best, place = b.block.select(later, b, a), j.block.select(later, j, i)
    return place


def _lanes(f: Function, vector: Lanes, start: int, width: int) -> Lanes:
    """`width` lanes from `start`."""
    numbers = ", ".join(f"i32 {i}" for i in range(start, start + width))
    kind = vector.block.type(vector.dtype)
    code = f"shufflevector {vector.typed()}, {kind} poison, <{width} x i32> <{numbers}>"
    return f.block(width).emit(code, vector.dtype)


def _splat(f: Function, number: Index, width: int) -> Lanes:
    """A number in all lanes."""
    one = f.emit(f"trunc i64 {number.name} to i32")
    first = f.emit(f"insertelement <1 x i32> poison, i32 {one}, i64 0")
    code = f"shufflevector <1 x i32> {first}, <1 x i32> poison, <{width} x i32> zeroinitializer"
    return f.block(width).emit(code, _WHERE)


class _Vector(NamedTuple):
    """How vectors across lines lie in memory: lanes, how many count if not all do, and the steps
    from lane to lane in input and output."""

    f: Function
    width: int
    some: int | None
    from_step: int
    to_step: int

    def load(self, place: str, dtype: str) -> Lanes:
        """A vector of the input."""
        f, width, step = self.f, self.width, self.from_step
        if width == 1 or step == 0:
            return f.broadcast(place, dtype, width)
        if step != 1:
            return f.gather(place, dtype, width, step, self.some or width)
        return f.load(place, dtype, width, self.some)

    def store(self, place: str, value: Lanes) -> None:
        """Write a vector of the output."""
        if self.width == 1 or self.to_step == 1:
            self.f.store(place, value, self.some)
        else:
            self.f.scatter(place, value, self.to_step, self.some or self.width)


class _Lines:
    """Writes a kernel over the lines of `x` along an axis.

    Attributes:
        length: of a line.
        step: the distance of its elements.
    """

    def __init__(self, name: str, x: Place, y: Place, axis: int):
        if x.dtype not in TYPES:
            raise Declined(f"arrays of {x.dtype}")
        self.name, self.x, self.y, self.f = name, x, y, Function()
        self.length, self.step = x.shape[axis], x.strides[axis]
        gone = () if len(y.shape) == len(x.shape) else (0,)
        to = (*y.strides[:axis], *gone, *y.strides[axis:])
        axes = [Axis(*a) for a in zip(x.shape, x.strides, to, strict=True)]
        self.across = merged([*axes[:axis], *axes[axis + 1 :]]) or [Axis(1)]
        self.chunks = 1

    def each(self, width: int) -> Iterator[tuple[str, str, _Vector]]:
        """Each `width` lines: where the first begins in input and output, and what vectors across
        them are."""
        f, size = self.f, math.prod(self.x.shape)
        places = f.operand(0), f.operand(1)
        *outer, last = self.across
        width = min(width, 1 << (last.extent - 1).bit_length())
        whole, some = divmod(last.extent, width)
        pieces = max(1, min(PIECES, size // PIECE, total(outer) * (whole or 1)))
        for count, start, counting in ((whole, 0, None), (1, whole * width, some)):
            if not count or counting == 0:
                continue
            vector = _Vector(f, width, counting, last.a, last.b)
            each = -(-total(outer) * count // pieces)
            first = f.chunk * each
            with f.loop(first, (first + each).least(total(outer) * count)) as number:
                at = number % count * width + start
                steps = [at * last.a, at * last.b]
                number = number // count
                for axis in reversed(outer):
                    here, number = number % axis.extent, number // axis.extent
                    steps = [here * axis.a + steps[0], here * axis.b + steps[1]]
                dtypes = self.x.dtype, self.y.dtype
                yield (*map(f.at, places, steps, dtypes), vector)
        self.chunks = pieces

    def kernel(self) -> Kernel:
        """The kernel; its code has been written."""
        places = (self.x, self.y)
        moved = sum(math.prod(p.shape) * size_in_bytes(p.dtype) for p in places)
        name = f"{self.name} {'x'.join(map(str, self.x.shape))}"
        return Kernel(name, self.f.text(), self.chunks, math.prod(self.x.shape), moved)
