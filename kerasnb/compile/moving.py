"""Elements in another place: copies, and padding. Imports packing, rows, fusion and views."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from kerasnb.compile.contract import FLOAT, Axis, merged, registers_of, total
from kerasnb.compile.fusion import groups_of
from kerasnb.compile.ir import TYPES, WIDTH, Declined
from kerasnb.compile.kernel import Function, Kernel, Place, size_in_bytes
from kerasnb.compile.packing import transposed
from kerasnb.compile.rows import calls_of
from kerasnb.compile.views import Call, Layout, View, Workspace, dense
from kerasnb.compile.walk import PIECE, PIECES
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder

__all__ = ["copy_of", "dense_copy", "fill_of", "pad"]

_SQUARE = 4  # lines that are worth transposing in registers


def copy_of(view: View, to: View) -> Call:
    """The kernel that writes the elements of one view to another of its shape and dtype.

    Raises:
        Declined: the dtype has no native code, or there are no elements.
    """
    _check(view.place)
    turned = _turned(view, to)
    if turned is not None:
        return turned
    given = placeholder(TensorSpec(view.place.shape, view.place.dtype))
    made = apply(OPS["stop_gradient"], given)
    layout = Layout(Graph([given], [made]))
    layout.views |= {id(given): view, id(made): to}
    (group,) = groups_of(layout, lambda _: True)
    (call,) = calls_of(group, layout, {id(made)})
    return Call(call.kernel._replace(name=f"copy {_sizes(view.place)}"), call.operands)


def _turned(view: View, to: View) -> Call | None:
    """The same in squares that are transposed in registers, where neighbours in one view are no
    neighbours in the other; None where that is not so."""
    lanes, dtype = registers_of().lanes, view.place.dtype
    steps = zip(view.place.shape, view.place.strides, to.place.strides, strict=True)
    axes = merged([Axis(*axis) for axis in steps])
    read = next((axis for axis in axes if axis.a == 1), Axis(1))
    written = next((axis for axis in axes if axis.b == 1), Axis(1))
    few = min(read.extent, written.extent) < _SQUARE
    if dtype != FLOAT or read is written or few or 0 in written[1:3]:
        return None
    # lines of the cache are used up sooner along the axis that takes the shorter steps
    slow, fast = (read, written) if written.a <= read.b else (written, read)
    f, outer = Function(), [axis for axis in axes if axis not in (read, written)]
    pointers, size = (f.operand(0), f.operand(1)), math.prod(view.place.shape)
    pieces = max(1, min(PIECES, size // PIECE, total(outer) * -(-slow.extent // lanes)))
    for first, blocks, width in _blocks(slow.extent, lanes):
        each = -(-total(outer) * blocks // pieces)
        start = f.chunk * each
        with f.loop(start, (start + each).least(total(outer) * blocks)) as number:
            block, rest = number % blocks * lanes + first, number // blocks
            x, y = block * slow.a, block * slow.b
            for axis in reversed(outer):
                here, rest = rest % axis.extent, rest // axis.extent
                x, y = here * axis.a + x, here * axis.b + y
            for at, count, length in _blocks(fast.extent, lanes):
                with f.loop(at, at + count * lanes, lanes) as here:
                    source = f.at(pointers[0], here * fast.a + x, FLOAT)
                    target = f.at(pointers[1], here * fast.b + y, FLOAT)
                    lines, depth = (length, width) if slow is read else (width, length)
                    _square(f, source, target, (written.a, read.b), lines, depth)
    moved = 2 * size * size_in_bytes(dtype)
    return Call(Kernel(f"copy {_sizes(view.place)}", f.text(), pieces, 0, moved), [view, to])


def _blocks(extent: int, lanes: int) -> list[tuple[int, int, int]]:
    """Whole blocks and the rest: where they begin, how many, and their length."""
    whole, rest = divmod(extent, lanes)
    found = [(0, whole, lanes), (whole * lanes, 1, rest)]
    return [block for block in found if block[1] and block[2]]


def _square(
    f: Function, source: str, target: str, steps: tuple[int, int], count: int, depth: int
) -> None:
    """`count` lines of `depth` numbers become `depth` lines; `steps` are the distances of lines."""
    lanes = registers_of().lanes
    places = [f.at(source, j * steps[0], FLOAT) for j in range(count)]
    lines = [f.load(place, FLOAT, lanes, depth) for place in places]
    for i, line in enumerate(transposed(f, lines, lanes)[:depth]):
        f.store(f.at(target, i * steps[1], FLOAT), line, count)


def dense_copy(view: View) -> tuple[Call, Workspace, Place]:
    """The kernel that copies a view, and the memory in which it then lies row-major.

    Raises:
        Declined: the dtype has no native code, or there are no elements.
    """
    place = Place.dense(view.place.dtype, view.place.shape)
    to = dense(placeholder(TensorSpec(place.shape, place.dtype)))
    call, space = copy_of(view, to), Workspace(place.dtype, math.prod(place.shape))
    operands = [space if o.root is to.root else o for o in call.operands]
    return Call(call.kernel, operands), space, place


def fill_of(view: View, value: float) -> Call:
    """The kernel that makes all elements of a view the same number.

    Raises:
        Declined: the dtype has no native code.
    """
    place, f = view.place, Function()
    _check(place)
    axes = [Axis(n, step) for n, step in zip(place.shape, place.strides, strict=True) if n != 1]
    # the first axis is what chunks divide
    *outer, line = [*axes[:1], *merged(axes[1:])] or [Axis(1, 1)]
    if line.a != 1:
        outer, line = [*outer, line], Axis(1, 1)
    size = math.prod(place.shape)
    rows = outer[0].extent if outer else 1
    each = -(-rows // max(1, min(rows, PIECES, size // PIECE)))
    start, offset = f.chunk * each, 0
    with ExitStack() as stack:
        for number, axis in enumerate(outer):
            limits = (0, axis.extent) if number else (start, (start + each).least(rows))
            offset = stack.enter_context(f.loop(*limits)) * axis.a + offset
        to = f.at(f.operand(0), offset, place.dtype)
        vector = f.block(WIDTH if line.extent > 1 else 1).constant(value, place.dtype)
        whole = line.extent - line.extent % vector.block.width
        with f.loop(0, whole, vector.block.width) as at:
            f.store(f.at(to, at, place.dtype), vector)
        if line.extent > whole:
            f.store(f.at(to, whole, place.dtype), vector, line.extent - whole)
    moved = size * size_in_bytes(place.dtype)
    return Call(Kernel(f"fill {_sizes(place)}", f.text(), -(-rows // each), 0, moved), [view])


def pad(node: Node, layout: Layout) -> list[Call]:
    """The kernels of a tensor with elements added around it, and between its own.

    Raises:
        Declined: the dtype has no native code, or elements are taken away.
    """
    (x,), (out,), attrs = node.inputs, node.outputs, node.attrs
    low, interior = attrs["low"], attrs["interior"]
    if any(n < 0 for n in (*low, *attrs["high"], *interior)):
        raise Declined("a padding that takes elements away")
    to = layout[out]
    edges = [to] if not x.size or any(interior) else _around(to, low, x.shape)
    calls = [fill_of(edge, attrs["value"]) for edge in edges]
    if x.size:
        calls.append(copy_of(layout[x], _part(to, low, x.shape, interior)))
    return calls


def _around(view: View, low: Sequence[int], shape: Sequence[int]) -> Iterator[View]:
    """All of `view` but the block of `shape` that begins at `low`: before and after it along each
    axis, as wide as the block along the axes before."""
    whole, none = view.place.shape, (0,) * len(shape)
    for axis, (before, length) in enumerate(zip(low, shape, strict=True)):
        start, size = [*low[:axis], *none[axis:]], [*shape[:axis], *whole[axis:]]
        for first, count in ((0, before), (before + length, whole[axis] - before - length)):
            start[axis], size[axis] = first, count
            if math.prod(size):
                yield _part(view, start, size, none)


def _part(view: View, starts: Sequence[int], shape: Sequence[int], between: Sequence[int]) -> View:
    """The elements of `view` from `starts`, with some of the others between each two."""
    place = view.place
    offset = sum(at * step for at, step in zip(starts, place.strides, strict=True))
    strides = tuple(step * (n + 1) for step, n in zip(place.strides, between, strict=True))
    return View(view.root, view.offset + offset, Place(place.dtype, tuple(shape), strides))


def _check(place: Place) -> None:
    if place.dtype not in TYPES:
        raise Declined(f"arrays of {place.dtype}")


def _sizes(place: Place) -> str:
    return "x".join(map(str, place.shape))
