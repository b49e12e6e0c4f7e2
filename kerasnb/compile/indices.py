"""Native kernels that pick elements by index, and that add up what is to go to one index.

Imports contract, walk, views and kernel. A negative index counts from the end. One that is out of
bounds is noted in `Flags`; nothing outside the arrays is read or written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from kerasnb.compile.contract import Axis, merged, total
from kerasnb.compile.ir import TYPES, WIDTH, Declined
from kerasnb.compile.kernel import Function, Index, Kernel, Place, size_in_bytes
from kerasnb.compile.views import Call, Flags, Layout, View
from kerasnb.compile.walk import PIECE, PIECES
from kerasnb.graph import Node
from kerasnb.spec import is_integer
from kerasnb.tensor import Tensor

__all__ = [
    "add_slices", "gather", "put_along_axis", "scatter_add", "slice_flags", "take_along_axis",
]  # fmt: skip


class _Way(NamedTuple):
    """How an op goes along its arrays. Of an `Axis`, a is the step in the indices, b in the input
    and c in the output.

    Attributes:
        lead: axes that are walked through before all others.
        points: axes along which there are indices.
        rest: axes along which elements are moved together, by one index.
    """

    lead: list[Axis]
    points: list[Axis]
    rest: list[Axis]


def gather(node: Node, layout: Layout) -> list[Call]:
    """The kernel of slices by index."""
    views, (x, indices, y), axis = _operands(node, layout)
    end = axis + len(indices.shape)
    lead = _axes(x.shape[:axis], b=x.strides, c=y.strides)
    points = _axes(indices.shape, a=indices.strides, c=y.strides[axis:])
    rest = _axes(x.shape[axis + 1 :], b=x.strides[axis + 1 :], c=y.strides[end:])
    return _picked(node, views, _Way([], lead + points, rest))


def take_along_axis(node: Node, layout: Layout) -> list[Call]:
    """The kernel of elements by index, each in its own line along the axis."""
    views, (x, indices, y), axis = _operands(node, layout)
    _check(_without(axis, x.shape), _without(axis, indices.shape))
    points = _axes(y.shape, indices.strides, _without(axis, x.strides), y.strides)
    return _picked(node, views, _Way([], points, []))


def scatter_add(node: Node, layout: Layout) -> list[Call]:
    """The kernel of the sums of slices by index: the gradient of `gather`."""
    return _added(node, *_by_slice(node, layout))


def _by_slice(node: Node, layout: Layout) -> tuple[list[View], _Way]:
    views, (x, indices, y), axis = _operands(node, layout)
    end = axis + len(indices.shape)
    _check(x.shape[axis:end], indices.shape)
    lead = _axes(x.shape[:axis], b=x.strides)
    points = _axes(indices.shape, indices.strides, x.strides[axis:])
    rest = _axes(x.shape[end:], b=x.strides[end:], c=y.strides[axis + 1 :])
    return views, _Way(lead, points, rest)


def put_along_axis(node: Node, layout: Layout) -> list[Call]:
    """The kernel of sums by index, in each line along the axis: the gradient of
    `take_along_axis`."""
    views, (x, indices, y), axis = _operands(node, layout)
    _check(x.shape, indices.shape)
    lead = _axes(x.shape[:axis], indices.strides, x.strides)
    within = (0, *y.strides[axis + 1 :])
    points = _axes(x.shape[axis:], indices.strides[axis:], x.strides[axis:], within)
    return _added(node, views, _Way(lead, points, []))


def _operands(node: Node, layout: Layout) -> tuple[list[View], list[Place], int]:
    """The arrays of a node (input, indices, output), how they lie, and the axis of its indices."""
    tensors = (*node.inputs, *node.outputs)
    if not all(type(t) is Tensor for t in tensors):
        raise Declined("an index that is a number")
    views = [layout[t] for t in tensors]
    places = [view.place for view in views]
    data, indices = places[0].dtype, places[1].dtype
    if data not in TYPES:
        raise Declined(f"arrays of {data}")
    if not is_integer(indices) or indices in ("bool", "uint64"):
        raise Declined(f"indices of {indices}")
    return views, places, node.attrs["axis"]


def _axes(
    shape: Sequence[int],
    a: Sequence[int] | None = None,
    b: Sequence[int] | None = None,
    c: Sequence[int] | None = None,
) -> list[Axis]:
    """Axes and their steps, 0 where an array has none; steps beyond the shape do not count."""
    none = (0,) * len(shape)
    return [Axis(*axis) for axis in zip(shape, a or none, b or none, c or none, strict=False)]


def _without(axis: int, numbers: Sequence[int]) -> tuple[int, ...]:
    """0 in the place of one axis."""
    return (*numbers[:axis], 0, *numbers[axis + 1 :])


def _check(shape: Sequence[int], expected: Sequence[int]) -> None:
    if tuple(shape) != tuple(expected):
        raise Declined("indices for another shape")


# Picking


def _picked(node: Node, views: list[View], way: _Way) -> list[Call]:
    """Chunks are ranges of points."""
    x, indices, _ = (view.place for view in views)
    axis = node.attrs["axis"]
    length, step = x.shape[axis], x.strides[axis]
    if length == 0:
        raise Declined("an axis without elements")
    points, rest = merged(way.points), merged(way.rest)
    count, size = total(points), total(points) * total(rest)
    chunks, each = _divided(count, size // PIECE)
    f = Function()
    source, numbers, target, flags = (f.operand(i) for i in range(4))
    *outer, last = points or [Axis(1)]
    start = f.chunk * each
    with (
        _parts(f, start, (start + each).least(count), last.extent) as (line, low, high),
        f.loop(low, high) as point,
    ):
        steps = zip(_offsets(outer, line), last[1:], strict=True)
        a, b, c = (far + point * step for far, step in steps)
        index = _index(f, f.load_index(numbers, a, indices.dtype), length, flags)
        inside = index.where(index.within(length), 0)
        places = f.at(source, inside * step + b, x.dtype), f.at(target, c, x.dtype)
        for one, other, width, some in _vectors(f, rest, places, x.dtype):
            f.store(other, f.load(one, x.dtype, width, some), some)
    moved = 2 * size * size_in_bytes(x.dtype) + count * size_in_bytes(indices.dtype)
    kernel = Kernel(node.op.name, f.text(), chunks, 0, moved)
    return [Call(kernel, [*views, _flags(chunks, axis, length)])]


# Adding


def _added(node: Node, views: list[View], way: _Way) -> list[Call]:
    """Chunks are ranges of the output's rows, which an index each is for: a chunk goes through all
    indices and takes those in its range. So sums are added in order, whatever the chunks."""
    x, indices, y = (view.place for view in views)
    if x.dtype == "bool":
        raise Declined("sums of truth values")
    axis = node.attrs["axis"]
    length, step = y.shape[axis], y.strides[axis]
    lead, points, rest = (merged(axes) for axes in way)
    members, count = total(lead), total(points)
    rows, work = members * length, members * (length * step + count * total(rest))
    # going through the indices again must not become more than the work itself
    most = min(work // PIECE, max(members, work // max(1, 2 * count)))
    chunks, each = _divided(rows, most, length if members >= PIECES else 1)
    f = Function()
    start = f.chunk * each
    pointers = [f.operand(i) for i in range(4)]
    _add(f, axis, views, way, pointers, start, (start + each).least(rows))
    added = members * count * total(rest)
    moved = (added + rows * step) * size_in_bytes(x.dtype) + count * size_in_bytes(indices.dtype)
    kernel = Kernel(node.op.name, f.text(), chunks, added, moved)
    return [Call(kernel, [*views, _flags(chunks, axis, length)])]


def add_slices(
    f: Function, node: Node, layout: Layout, pointers: Sequence[str], start: Index, stop: Index
) -> None:
    """Write the code of some rows of a `scatter_add` along the first axis.

    Args:
        f: the kernel that needs them.
        node: the op.
        layout: where its inputs lie.
        pointers: of its inputs and its output, whose rows need not be in memory outside the range,
            and of `slice_flags`.
        start, stop: the range of rows.
    """
    _add(f, 0, *_by_slice(node, layout), pointers, start, stop)


def slice_flags(node: Node, chunks: int) -> Flags:
    """Where `add_slices`, called once in each of so many chunks, notes indices out of bounds."""
    return _flags(chunks, 0, node.outputs[0].shape[0])


def _add(
    f: Function, axis: int, views: Sequence[View], way: _Way, pointers: Sequence[str],
    start: Index, stop: Index,
) -> None:  # fmt: skip
    """The output's rows from `start` to below `stop`."""
    x, indices, y = (view.place for view in views)
    length, step = y.shape[axis], y.strides[axis]
    lead, points, rest = (merged(axes) for axes in way)
    source, numbers, target, flags = pointers
    f.clear(f.at(target, start * step, x.dtype), (stop - start) * step, x.dtype)
    with (
        _parts(f, start, stop, length) as (member, low, high),
        _each(f, points, *_offsets(lead, member)) as (a, b, c),
    ):
        index = _index(f, f.load_index(numbers, a, indices.dtype), length, flags)
        with f.when((index - low).within(high - low)):
            to = f.at(target, (member * length + index) * step + c, x.dtype)
            places = f.at(source, b, x.dtype), to
            for one, other, width, some in _vectors(f, rest, places, x.dtype):
                so_far = f.load(other, x.dtype, width, some)
                f.store(other, so_far + f.load(one, x.dtype, width, some), some)


# Parts of both


def _divided(count: int, most: int, unit: int = 1) -> tuple[int, int]:
    """How many chunks, none of them empty, and how many of `count` are in each: whole units."""
    units = count // unit
    each = -(-units // max(1, min(most, PIECES, units)))
    return -(-units // each), each * unit


@contextmanager
def _parts(f: Function, start: Index, stop: Index, length: int) -> Iterator[tuple]:
    """Numbers from `start` to below `stop`, line by line of `length`: each line that has some of
    them, and from where to below where they are in it."""
    with f.loop(start // length, (stop + (length - 1)) // length) as line:
        low = start - line * length
        yield line, low.where(low > 0, 0), (stop - line * length).least(length)


def _index(f: Function, given: Index, length: int, flags: str) -> Index:
    """An index counted from the start; it is noted, with this chunk, if it is out of bounds."""
    index = (given + length).where(given < 0, given)
    known = index.within(length)
    with f.when(f.emit(f"xor i1 {known}, true")):
        slot = f.at(flags, f.chunk * 2, "int64")
        unset = f.load_index(slot, 0, "int64").equals(0)
        with f.when(unset):
            f.lines += [
                f"store i64 1, ptr {slot}",
                f"store i64 {given.name}, ptr {f.at(slot, 1, 'int64')}",
            ]
    return index


def _flags(chunks: int, axis: int, length: int) -> Flags:
    return Flags(chunks, f"index {{}} is out of bounds for axis {axis} with size {length}")


def _offsets(axes: Sequence[Axis], number: Index) -> list:
    """How far point `number` along `axes` is from the first, in each array."""
    found: list = [0, 0, 0]
    for i, axis in reversed([*enumerate(axes)]):
        here = number % axis.extent if i else number
        number = number // axis.extent if i else number
        found = [here * step + far for step, far in zip(axis[1:], found, strict=True)]
    return found


@contextmanager
def _each(f: Function, axes: Sequence[Axis], *starts: Any) -> Iterator[list]:
    """Loops within loops: how far a point is from the first, in each array."""
    found = [*starts]
    with ExitStack() as stack:
        for axis in axes:
            here = stack.enter_context(f.loop(0, axis.extent))
            found = [here * step + far for step, far in zip(axis[1:], found, strict=True)]
        yield found


def _vectors(
    f: Function, rest: Sequence[Axis], places: tuple[str, str], dtype: str
) -> Iterator[tuple]:
    """Each vector along `rest`: where it lies in input and output, its width, and how many of its
    elements count if not all do."""
    *outer, last = rest or [Axis(1)]
    width = WIDTH if last.extent > 1 and last.b == last.c == 1 else 1
    whole = last.extent - last.extent % width
    with _each(f, outer, 0, 0, 0) as (_, b, c):
        source, target = f.at(places[0], b, dtype), f.at(places[1], c, dtype)

        def at(i: Any) -> tuple[str, str]:
            return f.at(source, i * last.b, dtype), f.at(target, i * last.c, dtype)

        if whole:
            with f.loop(0, whole, width) as i:
                yield (*at(i), width, None)
        if whole < last.extent:
            yield (*at(whole), width, last.extent - whole)
