"""Pooling as native kernels: the largest and the sum of windows, and their gradients.

Channels last, one to three spatial axes; what is computed is defined in `ops.pool`, whose
primitives these are. Vectors are of neighbouring channels, which must lie next to each other; all
else about where the arrays lie is free. Imports kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from kerasnb.compile.ir import TYPES, WIDTH, Declined, Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Place, Variable, size_in_bytes

__all__ = ["max_pool", "max_pool_gather", "max_pool_scatter", "sum_pool", "sum_pool_transpose"]

_PIECE = 1 << 14  # elements of a chunk that is worth it
_CHUNKS = 16
_RUN = 4 * WIDTH  # channels that are held in registers at a time
_NEAR = 1 << 18  # bytes of an image that stay in the L2 from when they are cleared

Pairs = Sequence[Sequence[int]]


def max_pool(
    x: Place, y: Place, *, window: Sequence[int], strides: Sequence[int], padding: Pairs
) -> Kernel:
    """(N, *spatial, C) -> (N, *positions, C), the largest of each window; NaN if one is.

    Args:
        x, y: the operands: the input, and where the result goes.
        window, strides, padding: per spatial axis.

    Raises:
        Declined: the dtype has no native kernel, or channels are not neighbours.
    """
    writer = _Writer("max_pool", (x, y), (x, y), window, strides, padding)
    for image, position, run in writer.over(y):
        best = writer.variables(run, _lowest(x.dtype), x.dtype)
        # whether there is a NaN is noted apart: one instruction waits for the one before, not three
        unknown = writer.variables(run, False, "bool")
        with writer.places(position) as place:
            values = writer.get(0, image, place, run)
            for value, largest, nan in zip(values, best, unknown, strict=True):
                largest.set(value.block.select(value > largest.get(), value, largest.get()))
                if value.is_float:
                    nan.set(nan.get() | value.compare("not_equal", value))
        values = [largest.get() for largest in best]
        if x.dtype.startswith("float"):
            values = [
                value.block.select(nan.get(), value.like(math.nan), value)
                for value, nan in zip(values, unknown, strict=True)
            ]
        writer.put(1, image, position, run, values)
    return writer.kernel()


def max_pool_gather(
    x: Place, y: Place, h: Place, out: Place, *,
    window: Sequence[int], strides: Sequence[int], padding: Pairs,
) -> Kernel:  # fmt: skip
    """For maxima `y` of windows of `x`: the element of `h` where each window's maximum lies.

    The places of a window are gone through backwards, so the first that is not below the maximum
    is the last to be chosen. Arguments and errors are those of `max_pool`.
    """
    writer = _Writer("max_pool_gather", (x, y), (x, y, h, out), window, strides, padding)
    for image, position, run in writer.over(y):
        most = writer.get(1, image, position, run)
        chosen = writer.variables(run, 0, h.dtype)
        with writer.places(position, backwards=True) as place:
            values, here = (writer.get(i, image, place, run) for i in (0, 2))
            for value, largest, given, held in zip(values, most, here, chosen, strict=True):
                held.set(given.block.select(value < largest, held.get(), given))
        writer.put(3, image, position, run, [held.get() for held in chosen])
    return writer.kernel()


def max_pool_scatter(
    x: Place, y: Place, gradient: Place, out: Place, *,
    window: Sequence[int], strides: Sequence[int], padding: Pairs,
) -> Kernel:  # fmt: skip
    """For maxima `y` of windows of `x`: the gradient added up where each window's maximum lies.

    A chunk goes through bands of rows of images and writes these alone, so windows that reach into
    the next band are looked at once for each. Arguments and errors are those of `max_pool`.
    """
    writer = _Writer("max_pool_scatter", (x, y), (x, y, gradient, out), window, strides, padding)
    bands = _Bands(writer, out)
    for image, position, run in bands.windows():
        most, given = (writer.get(i, image, position, run) for i in (1, 2))
        searching = writer.variables(run, True, "bool")
        with writer.places(position) as place:
            winners, values = [], writer.get(0, image, place, run)
            for value, largest, g, left in zip(values, most, given, searching, strict=True):
                below, still = value < largest, left.get()
                left.set(still & below)
                winners.append(g.block.select(still & (below ^ True), g, 0))
            with bands.own(place[0]):
                if bands.overlap:
                    before = writer.get(3, image, place, run)
                    winners = [a + b for a, b in zip(before, winners, strict=True)]
                writer.put(3, image, place, run, winners)
    return writer.kernel()


def sum_pool(
    x: Place, y: Place, *, window: Sequence[int], strides: Sequence[int], padding: Pairs
) -> Kernel:
    """(N, *spatial, C) -> (N, *positions, C), the sum of each window; see `max_pool`."""
    writer = _Writer("sum_pool", (x, y), (x, y), window, strides, padding)
    return _sums(writer, y, writer.places)


def sum_pool_transpose(
    g: Place, x: Place, *, window: Sequence[int], strides: Sequence[int], padding: Pairs
) -> Kernel:
    """(N, *positions, C) -> (N, *spatial, C), each element added to all places of its window.

    Every place adds up the windows that cover it. Arguments and errors are those of `max_pool`,
    whose input `x` is the result here.
    """
    writer = _Writer("sum_pool_transpose", (x, g), (g, x), window, strides, padding)
    return _sums(writer, x, writer.windows)


def _sums(writer: _Writer, target: Place, seen: Any) -> Kernel:
    """For each place of `target` the sum of the places of operand 0 that ``seen`` goes through."""
    for image, here, run in writer.over(target):
        totals = writer.variables(run, 0, target.dtype)
        with seen(here) as place:
            for value, held in zip(writer.get(0, image, place, run), totals, strict=True):
                held.set(held.get() + value)
        writer.put(1, image, here, run, [held.get() for held in totals])
    return writer.kernel()


class _Part(NamedTuple):
    """A vector of channels: where it begins in its run, its lanes, and how many are used if not
    all."""

    at: int
    width: int
    count: int | None


class _Run(NamedTuple):
    """Channels that are dealt with at a time: the first of them, and their vectors."""

    at: Any
    parts: list[_Part]

    @classmethod
    def of(cls, at: Any, channels: int) -> _Run:
        """`channels` of them; the last vector is as short as it can be."""
        parts = []
        for start in range(0, channels, WIDTH):
            count = min(WIDTH, channels - start)
            width = 1 << (count - 1).bit_length()
            parts.append(_Part(start, width, None if count == width else count))
        return cls(at, parts)


class _Axis(NamedTuple):
    """A spatial axis: window p covers `size` places of `length` from ``p * stride - low``, as far
    as they exist."""

    length: int
    positions: int
    size: int
    stride: int
    low: int

    @property
    def is_inside(self) -> bool:
        """Whether all windows lie within the input."""
        return self.low == 0 and (self.positions - 1) * self.stride + self.size <= self.length

    @property
    def is_covered(self) -> bool:
        """Whether each place is in a window."""
        reach = (self.positions - 1) * self.stride - self.low + self.size
        return self.stride <= self.size and reach >= self.length

    @property
    def overlap(self) -> int:
        """How many windows before a window it has places in common with."""
        return -(-self.size // self.stride) - 1

    @contextmanager
    def places(self, f: Function, position: Index, backwards: bool) -> Iterator[Index]:
        """The loop over the places that a window covers."""
        start = position * self.stride - self.low
        with f.loop(0, self.size) as at:
            place = start + (self.size - 1 - at if backwards else at)
            with nullcontext() if self.is_inside else f.when(place.within(self.length)):
                yield place

    @contextmanager
    def windows(self, f: Function, place: Index) -> Iterator[Index]:
        """The loop over the windows that cover a place, the last first."""
        seen = place + self.low
        with f.loop(0, self.overlap + 1) as before:
            position = seen // self.stride - before
            covers = position.within(self.positions)
            if self.size % self.stride:
                covers = f.emit(f"and i1 {covers}, {seen - position * self.stride < self.size}")
            with f.when(covers):
                yield position


class _Writer:
    """Writes a kernel over the places of images and their channels.

    Args:
        name: what the kernel does.
        sizes: the input of the pooling and its result, or places of their shapes.
        operands: how each lies, in order.
        window, strides, padding: per spatial axis.

    Raises:
        Declined: the dtype has no native kernel, or channels are not neighbours.
    """

    def __init__(
        self, name: str, sizes: tuple[Place, Place], operands: Sequence[Place],
        window: Sequence[int], strides: Sequence[int], padding: Pairs,
    ):  # fmt: skip
        for place in operands:
            if place.dtype not in TYPES:
                raise Declined(f"arrays of {place.dtype}")
            if place.strides[-1] != 1 and place.shape[-1] != 1:
                raise Declined("channels that are not neighbours")
        x, y = sizes
        self.name, self.operands, self.f = name, operands, Function()
        self.pointers = [self.f.operand(i) for i in range(len(operands))]
        self.images, self.channels = x.shape[0], x.shape[-1]
        self.axes = [
            _Axis(n, m, size, stride, low)
            for n, m, size, stride, (low, _) in zip(
                x.shape[1:-1], y.shape[1:-1], window, strides, padding, strict=True
            )
        ]
        self.flops = math.prod(y.shape) * math.prod(window)
        self.size = math.prod(x.shape)
        self.chunks = 1

    def kernel(self) -> Kernel:
        """The kernel; its code has been written."""
        sizes = "x".join(map(str, self.operands[0].shape))
        moved = sum(math.prod(p.shape) * size_in_bytes(p.dtype) for p in self.operands)
        return Kernel(f"{self.name} {sizes}", self.f.text(), self.chunks, self.flops, moved)

    # Loops

    def share(self, count: int) -> Any:
        """The loop over a chunk's share of so many equal parts of the work."""
        chunks = max(1, min(count, _CHUNKS, self.size // _PIECE))
        each = -(-count // chunks)
        self.chunks = -(-count // each)
        start = self.f.chunk * each
        return self.f.loop(start, (start + each).least(count))

    def over(self, target: Place) -> Iterator[tuple[Index, list[Index], _Run]]:
        """Each place of the images of `target`: the image, where in it, and which channels."""
        first = target.shape[1]
        with self.share(self.images * first) as row:
            for place, run in self.along(row % first, target.shape[2:-1]):
                yield row // first, place, run

    def along(self, first: Index, others: Sequence[int]) -> Iterator[tuple[list[Index], _Run]]:
        """Each place of a row of places, and which channels."""
        with ExitStack() as stack:
            place = [first, *(stack.enter_context(self.f.loop(0, n)) for n in others)]
            whole = self.channels - self.channels % _RUN
            if whole > _RUN:
                with self.f.loop(0, whole, _RUN) as channel:
                    yield place, _Run.of(channel, _RUN)
            elif whole:
                yield place, _Run.of(0, _RUN)
            if self.channels > whole:
                yield place, _Run.of(whole, self.channels - whole)

    @contextmanager
    def places(self, position: list[Index], backwards: bool = False) -> Iterator[list[Index]]:
        """The loops over the places that a window covers, in order of memory."""
        with ExitStack() as stack:
            pairs = zip(self.axes, position, strict=True)
            yield [stack.enter_context(a.places(self.f, p, backwards)) for a, p in pairs]

    @contextmanager
    def windows(self, place: list[Index]) -> Iterator[list[Index]]:
        """The loops over the windows that cover a place, the last first: the order in which a place
        in the window after another adds to it."""
        with ExitStack() as stack:
            pairs = zip(self.axes, place, strict=True)
            yield [stack.enter_context(axis.windows(self.f, h)) for axis, h in pairs]

    # Memory

    def variables(self, run: _Run, value: Any, dtype: str) -> list[Variable]:
        """A vector for each of a run, all with the same number in them."""
        made = [self.f.variable(part.width, dtype) for part in run.parts]
        for variable in made:
            variable.set(variable.block.constant(value, dtype))
        return made

    def get(self, operand: int, image: Index, place: list[Index], run: _Run) -> list[Lanes]:
        """The vectors of a run."""
        start, dtype = self._address(operand, image, place, run)
        values = []
        for at, width, count in run.parts:
            pointer = self.f.at(start, at, dtype)
            values.append(self.f.load(pointer, dtype, width, count))
        return values

    def put(
        self, operand: int, image: Index, place: list[Index], run: _Run, values: list[Lanes]
    ) -> None:
        """Write the vectors of a run."""
        start, dtype = self._address(operand, image, place, run)
        for (at, _, count), value in zip(run.parts, values, strict=True):
            self.f.store(self.f.at(start, at, dtype), value, count)

    def _address(
        self, operand: int, image: Index, place: list[Index], run: _Run
    ) -> tuple[str, str]:
        here, offset = self.operands[operand], run.at
        for index, stride in zip((image, *place), here.strides[:-1], strict=True):
            offset = index * stride + offset
        return self.f.at(self.pointers[operand], offset, here.dtype), here.dtype


class _Bands:
    """The windows of `writer`, and what of `out` belongs to a chunk: bands of rows of places.

    A band is what a number of windows along the first axis covers, up to where the next begins.

    Attributes:
        overlap: whether windows have places in common, so that one adds to what others gave.
    """

    def __init__(self, writer: _Writer, out: Place):
        self.writer, self.out, self.axis = writer, out, writer.axes[0]
        self.overlap = any(axis.overlap for axis in writer.axes)
        self.cleared = self.overlap or not all(axis.is_covered for axis in writer.axes)
        images = writer.images
        near = math.prod(out.shape[1:]) * size_in_bytes(out.dtype) // _NEAR
        wanted = min(_CHUNKS, writer.size // _PIECE) // images
        # windows that are looked at twice are to be few
        self.each = max(-(-self.axis.positions // max(1, near, wanted)), 4 * self.axis.overlap)
        self.count = -(-self.axis.positions // self.each)

    def windows(self) -> Iterator[tuple[Index, list[Index], _Run]]:
        """Each window of the chunk's bands: the image, its position, and which channels."""
        writer, axis = self.writer, self.axis
        with writer.share(writer.images * self.count) as number:
            image, first = number // self.count, number % self.count * self.each
            stop = (first + self.each).least(axis.positions)
            self._limit(first, stop)
            if self.cleared:
                self._clear(image)
            with writer.f.loop(_not_negative(first - axis.overlap), stop) as position:
                others = [axis.positions for axis in writer.axes[1:]]
                for window, run in writer.along(position, others):
                    yield image, window, run

    @contextmanager
    def own(self, row: Index) -> Iterator[None]:
        """What is done only if a row of places belongs to the band."""
        with ExitStack() as stack:
            if self.overlap and self.count > 1:
                inside = self.writer.f.emit(f"and i1 {row >= self.low}, {row < self.high}")
                stack.enter_context(self.writer.f.when(inside))
            yield

    def _limit(self, first: Index, stop: Index) -> None:
        axis = self.axis
        self.low, end = (
            _not_negative(window * axis.stride - axis.low).least(axis.length)
            for window in (first, stop)
        )
        self.high = end.where(stop < axis.positions, axis.length)

    def _clear(self, image: Index) -> None:
        f, out = self.writer.f, self.out
        start = image * out.strides[0] + self.low * out.strides[1]
        place = f.at(self.writer.pointers[-1], start, out.dtype)
        f.clear(place, (self.high - self.low) * out.strides[1], out.dtype)


def _not_negative(number: Index) -> Index:
    return number.where(number > 0, 0)


def _lowest(dtype: str) -> Any:
    if dtype.startswith("float"):
        return -math.inf
    return False if dtype == "bool" else np.iinfo(dtype).min
