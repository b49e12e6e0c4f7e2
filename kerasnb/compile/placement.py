"""Where all that a plan works on lies in memory. Imports arena, views and graph.

Inputs and whole outputs of the graph are *moving*: each run has other arrays for them. Everything
else stays at its place in the arena.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasnb.compile.arena import Lifetime, aligned, arrange
from kerasnb.compile.views import Call, Flags, Layout, View, Workspace
from kerasnb.graph import Graph, Node
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor

__all__ = ["Placement"]

_LARGE = 1 << 23  # bytes


class Placement:
    """The memory of a plan.

    Args:
        graph: what is computed.
        layout: its views.
        steps: calls, and nodes that run through NumPy, in order.

    Attributes:
        moving: the roots that move, in order: inputs, then outputs.
        outputs: for each output of the graph the number in `moving` of the array that is it; None
            if it has to be copied out of what it is a part of.
        arena: the memory of what stays.
        pointers: the address of each operand of each call, one call after another.
        starts: where the operands of each call begin in `pointers`.
        patches: (n, 3): position in `pointers`, number in `moving`, offset in bytes.
        flags: (n, 2): whether a kernel has met a wrong number, and that number.
    """

    def __init__(self, graph: Graph, layout: Layout, steps: Sequence[Call | Node]):
        self.graph, self.layout = graph, layout
        self.moving: list[Tensor] = list(graph.inputs)
        self._number = {id(t): i for i, t in enumerate(self.moving)}
        self._constants = {
            id(t): np.ascontiguousarray(t.data).reshape(t.shape) for t in graph.constants
        }
        self.outputs = [self._as_output(t) for t in graph.outputs]
        self._arrange(steps)
        self._bind([step for step in steps if isinstance(step, Call)])

    def array(self, tensor: Tensor, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """A tensor's elements where they lie now, given the arrays of all that moves."""
        view = self.layout[tensor]
        root = self._root(view.root, arrays)
        if root.shape == view.place.shape and view.is_dense:
            return root
        steps = tuple(s * root.itemsize for s in view.place.strides)
        start = root.reshape(-1)[view.offset :]
        return np.lib.stride_tricks.as_strided(start, view.place.shape, steps)

    def check_flags(self) -> None:
        """Raise the error of the first kernel, in order, that has noted one."""
        if not self.flags.size or not self.flags.any():
            return
        noted = self.flags.copy()
        self.flags[:] = 0
        for flags, first in self._slots.items():
            for is_set, number in noted[first : first + flags.size]:
                if is_set:
                    raise flags.error(flags.message.format(number))

    def _as_output(self, tensor: Tensor) -> int | None:
        """Also makes its root one that moves, if it is all of it; then it is computed where it is
        to lie."""
        view = self.layout[tensor]
        root, key = view.root, id(view.root)
        number = self._number.get(key)
        if key in self._constants or (number is not None and number < len(self.graph.inputs)):
            return None
        if not view.is_dense or size_of(view.place.shape) != size_of(root.shape):
            return None
        if number is None:
            number = self._number[key] = len(self.moving)
            self.moving.append(root)
        return number if view.place.shape == root.shape else None

    def _stays(self, root: Tensor) -> bool:
        return id(root) not in self._number and id(root) not in self._constants

    def _arrange(self, steps: Sequence[Call | Node]) -> None:
        spans: dict[Any, list] = {}
        for number, step in enumerate(steps):
            for key, size in self._touched(step):
                spans.setdefault(key, [size, number, number])[2] = number
        for tensor in self.graph.outputs:
            key = id(self.layout[tensor].root)
            if key in spans:
                spans[key][2] = len(steps)
        homes = _replace(steps, spans)
        offsets, size = arrange([Lifetime(*span) for span in spans.values()])
        if size >= _LARGE:
            # models that nobody has any more are cycles, and hold as much: six of them in turn
            # took 450 MB, and 344 with these 30 ms
            gc.collect()
        self.arena = aligned(size)
        self._offsets = dict(zip(spans, offsets, strict=True))
        self._offsets |= {key: self._offsets[home] for key, home in homes.items()}

    def _touched(self, step: Call | Node) -> Iterable[tuple]:
        """Key and bytes of each buffer of a step that stays."""
        if isinstance(step, Node):
            read = [self.layout[t].root for t in step.inputs if type(t) is Tensor]
            roots = [*read, *step.outputs]
        else:
            roots = [o.root for o in step.operands if isinstance(o, View)]
            for operand in step.operands:
                if isinstance(operand, Workspace):
                    yield operand, _bytes(operand)
        yield from ((id(r), _bytes(r)) for r in roots if self._stays(r))

    def _root(self, root: Tensor, arrays: Sequence[np.ndarray]) -> np.ndarray:
        key = id(root)
        if key in self._number:
            return arrays[self._number[key]]
        if key in self._constants:
            return self._constants[key]
        start = self._offsets[key]
        return self.arena[start : start + _bytes(root)].view(root.dtype).reshape(root.shape)

    # Operands

    def _bind(self, calls: Sequence[Call]) -> None:
        self._bind_flags(calls)
        addresses: list[int] = []
        patches: list[tuple] = []
        self.starts: list[int] = []
        for call in calls:
            self.starts.append(len(addresses))
            for operand in call.operands:
                if isinstance(operand, View) and id(operand.root) in self._number:
                    number = self._number[id(operand.root)]
                    patches.append((len(addresses), number, _offset(operand)))
                    addresses.append(0)
                else:
                    addresses.append(self._address(operand))
        self.pointers = np.array(addresses, np.uintp)
        self.patches = np.array(patches, np.int64).reshape(-1, 3)

    def _bind_flags(self, calls: Sequence[Call]) -> None:
        self._slots: dict[Flags, int] = {}  # the first slot of each
        size = 0
        for operand in (o for call in calls for o in call.operands):
            if isinstance(operand, Flags) and operand not in self._slots:
                self._slots[operand] = size
                size += operand.size
        self.flags = np.zeros((size, 2), np.int64)

    def _address(self, operand: View | Workspace | Flags) -> int:
        if isinstance(operand, Flags):
            return self.flags.ctypes.data + self._slots[operand] * self.flags.strides[0]
        if isinstance(operand, Workspace):
            return self.arena.ctypes.data + self._offsets[operand]
        key, offset = id(operand.root), _offset(operand)
        if key in self._constants:
            return self._constants[key].ctypes.data + offset
        return self.arena.ctypes.data + self._offsets[key] + offset


def _replace(steps: Sequence[Call | Node], spans: dict[Any, list]) -> dict[int, int]:
    """Let what a kernel makes take the memory of what it is the last to read, where it may.

    Args:
        steps: in order.
        spans: for each buffer that stays its bytes, and its first and last step; changed.

    Returns:
        For the id of each tensor that has no memory of its own the buffer that it takes.
    """
    homes: dict[int, int] = {}
    for number, step in enumerate(steps):
        for written, read in step.kernel.over if isinstance(step, Call) else ():
            new, old = step.operands[written], step.operands[read]
            key, home = id(getattr(new, "root", None)), id(getattr(old, "root", None))
            home = homes.get(home, home)
            if key not in spans or home not in spans or not (_is_whole(new) and _is_whole(old)):
                continue
            size, first, last = spans[key]
            readers = [o for o in step.operands if isinstance(o, View) and o.root is old.root]
            ends_here = spans[home] == [size, spans[home][1], number] and len(readers) == 1
            if first == number < last and ends_here:
                homes[key], spans[home][2] = home, last
                del spans[key]
    return homes


def _is_whole(view: View) -> bool:
    return view.is_dense and size_of(view.place.shape) == view.root.size


def _bytes(buffer: Any) -> int:
    return buffer.size * np.dtype(buffer.dtype).itemsize


def _offset(view: View) -> int:
    return view.offset * np.dtype(view.root.dtype).itemsize
