"""Elements in another place: copies, and padding. Imports rows, fusion and views."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from kerasnb.compile.contract import Axis, merged
from kerasnb.compile.fusion import groups_of
from kerasnb.compile.ir import TYPES, WIDTH, Declined
from kerasnb.compile.kernel import Function, Kernel, Place, size_in_bytes
from kerasnb.compile.rows import calls_of
from kerasnb.compile.views import Call, Layout, View, Workspace, dense
from kerasnb.compile.walk import PIECE, PIECES
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder

__all__ = ["copy_of", "dense_copy", "fill_of", "pad"]


def copy_of(view: View, to: View) -> Call:
    """The kernel that writes the elements of one view to another of its shape and dtype.

    Raises:
        Declined: the dtype has no native code, or there are no elements.
    """
    _check(view.place)
    given = placeholder(TensorSpec(view.place.shape, view.place.dtype))
    made = apply(OPS["stop_gradient"], given)
    layout = Layout(Graph([given], [made]))
    layout.views |= {id(given): view, id(made): to}
    (group,) = groups_of(layout, lambda _: True)
    (call,) = calls_of(group, layout, {id(made)})
    return Call(call.kernel._replace(name=f"copy {_sizes(view.place)}"), call.operands)


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
            f.masked_store(f.at(to, whole, place.dtype), vector, line.extent - whole)
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
