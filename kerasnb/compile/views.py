"""Which part of another array a tensor is, and what kernels work on. Imports kernel and op.

A `View` says where each element of a tensor lies in its root, a tensor that has memory of its own
and lies there row-major. Reshaping, transposing, reversing, broadcasting and slicing only make
another view.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from kerasnb.compile.kernel import Kernel, Place
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.tensor import Tensor

__all__ = ["Call", "Flags", "Layout", "View", "Workspace", "dense"]


class View(NamedTuple):
    """A tensor as elements of its root.

    Attributes:
        root: the tensor that has memory.
        offset: where the first element lies, in elements.
        place: dtype, shape and strides.
    """

    root: Tensor
    offset: int
    place: Place

    @property
    def is_dense(self) -> bool:
        """Whether it is row-major without gaps."""
        return self.place.is_dense


def dense(tensor: Tensor) -> View:
    """A tensor with memory of its own."""
    return View(tensor, 0, Place.dense(tensor.dtype, tensor.shape))


class Workspace:
    """Memory that lasts from the first to the last of the kernels that name it.

    Attributes:
        dtype: of its elements.
        size: how many there are.
    """

    __slots__ = ("dtype", "size")

    def __init__(self, dtype: str, size: int):
        self.dtype, self.size = dtype, size


class Flags:
    """Where a kernel notes that a number in its input is not allowed; it then goes on without it.

    The memory is two int64 for each slot, zeros before a run: whether it is set, and the number. A
    kernel sets the slot of its chunk, for the first such number that the chunk meets.

    Attributes:
        size: how many slots there are, as many as chunks.
        message: of the error that is raised after the run, with ``{}`` for the number.
        error: its type.
    """

    __slots__ = ("error", "message", "size")

    def __init__(self, size: int, message: str, error: type[Exception] = IndexError):
        self.size, self.message, self.error = size, message, error


class Call(NamedTuple):
    """A kernel and what it works on: for each operand a `View`, of which the address of the first
    element is passed, a `Workspace` or `Flags`."""

    kernel: Kernel
    operands: list


class Layout:
    """A graph with its views taken out.

    Args:
        graph: the graph.
        given: by id, the views of inputs that have no memory of their own.

    Attributes:
        nodes: those that compute or copy, in order; each of their outputs is a root.
        views: the view of every tensor, by id.
    """

    def __init__(self, graph: Graph, given: dict[int, View] | None = None):
        self.nodes: list[Node] = []
        self.views = {id(t): dense(t) for t in (*graph.inputs, *graph.constants)}
        self.views |= given or {}
        for node in graph.nodes:
            if node.op not in _MAKERS:
                self.nodes.append(node)
                self.views.update((id(t), dense(t)) for t in node.outputs)
                continue
            (tensor,) = node.outputs
            make, source = _MAKERS[node.op], self.views[id(node.inputs[0])]
            view = make(source, **node.attrs)
            if view is None:  # not without moving the elements together first
                view = make(self._copied(node.inputs[0]), **node.attrs)
            self.views[id(tensor)] = view

    def __getitem__(self, tensor: Tensor) -> View:
        return self.views[id(tensor)]

    def _copied(self, tensor: Tensor) -> View:
        copy = Node(OPS["stop_gradient"], (tensor,))
        made = Tensor(None, tensor.spec, copy)
        copy.outputs = (made,)
        self.nodes.append(copy)
        self.views[id(made)] = dense(made)
        return self.views[id(made)]


def _reshaped(view: View, *, shape: tuple) -> View | None:
    """Possible if axes that are joined follow each other in memory; others are only split."""
    dtype = view.place.dtype
    if 0 in shape:
        return View(view.root, view.offset, Place.dense(dtype, shape))
    old = [(n, s) for n, s in zip(view.place.shape, view.place.strides, strict=True) if n != 1]
    strides = [0] * len(shape)
    new = [i for i, n in enumerate(shape) if n != 1]
    while new:
        # the shortest groups of the last axes of both that have as many elements
        group, joined = [new.pop()], [old.pop()]
        count, length = shape[group[0]], joined[0][0]
        while count != length:
            if count < length:
                group.append(new.pop())
                count *= shape[group[-1]]
            else:
                joined.append(old.pop())
                length *= joined[-1][0]
        for (n, stride), (_, further) in itertools.pairwise(joined):
            if further != n * stride:
                return None
        step = joined[0][1]
        for axis in group:
            strides[axis] = step
            step *= shape[axis]
    return View(view.root, view.offset, Place(dtype, shape, tuple(strides)))


def _transposed(view: View, *, axes: tuple) -> View:
    place = view.place
    shape = tuple(place.shape[a] for a in axes)
    return View(
        view.root, view.offset, Place(place.dtype, shape, tuple(place.strides[a] for a in axes))
    )


def _broadcast(view: View, *, shape: tuple) -> View:
    place = view.place
    extra = len(shape) - len(place.shape)
    strides = tuple(
        s if n == m else 0
        for n, s, m in zip(place.shape, place.strides, shape[extra:], strict=True)
    )
    return View(view.root, view.offset, Place(place.dtype, shape, (0,) * extra + strides))


def _sliced(view: View, *, start: tuple, stop: tuple, step: tuple) -> View:
    place = view.place
    offset = sum(b * s for b, s in zip(start, place.strides, strict=True))
    shape = tuple(
        n if e is None else max(0, -(-(e - b) // k))
        for n, b, e, k in zip(place.shape, start, stop, step, strict=True)
    )
    strides = tuple(s * k for s, k in zip(place.strides, step, strict=True))
    return View(view.root, view.offset + offset, Place(place.dtype, shape, strides))


def _reversed(view: View, *, axes: tuple) -> View:
    place = view.place
    offset = sum(max(place.shape[a] - 1, 0) * place.strides[a] for a in axes)
    strides = tuple(-s if a in axes else s for a, s in enumerate(place.strides))
    return View(view.root, view.offset + offset, Place(place.dtype, place.shape, strides))


_MAKERS: dict[Any, Any] = {
    OPS["reshape"]: _reshaped,
    OPS["transpose"]: _transposed,
    OPS["broadcast_in_dim"]: _broadcast,
    OPS["slice"]: _sliced,
    OPS["reverse"]: _reversed,
}
