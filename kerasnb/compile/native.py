"""The native plan: a graph as kernels over one arena, and NumPy for what has none.

Imports schedule, arena, llvm and what lies below.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.compile import llvm
from kerasnb.compile.arena import ALIGNMENT, Lifetime, arrange
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.schedule import Fallback, steps_of
from kerasnb.compile.views import Call, Flags, Layout, View, Workspace
from kerasnb.graph import Graph, Node
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor

__all__ = ["NativePlan"]


class NativePlan:
    """`graph` as native kernels; what has none runs through its implementation in between.

    It is called as `ReferencePlan` is: with the list of input arrays, for the tuple of outputs,
    which are new arrays. Calls from several threads wait for each other.

    Attributes:
        graph: what it computes.
        steps: kernels with their operands, and nodes that run through NumPy, in order.
        arena: the memory of all that is neither input nor output.
    """

    def __init__(self, graph: Graph):
        self.graph, self.layout = graph, Layout(graph)
        self.steps = steps_of(graph, self.layout)
        self._lock = threading.Lock()
        self._outputs = self._own_outputs()
        self._arrange()
        self._bind()

    def __call__(self, arrays: Sequence[np.ndarray]) -> tuple:
        with self._lock:
            try:
                return self._run(arrays)
            finally:
                self._flags.fill(0)

    def explain(self) -> str:
        """What runs how, for people: a line for each kernel, and for each operation without one
        why that is."""
        lines = []
        for step in self.steps:
            if isinstance(step, Fallback):
                lines.append(f"NumPy   {step.node.op.name}: {step.reason}")
            else:
                lines.append(f"native  {step.kernel.name}")
        return "\n".join(lines)

    def _roots(self, tensors: Sequence[Any]) -> list[Tensor]:
        return [self.layout[t].root for t in tensors if type(t) is Tensor]

    def _own_outputs(self) -> dict[int, Tensor]:
        """The roots, by id, that are whole outputs: they are computed where they are to lie.

        Also notes for each output which of them it is; others are copied in the end.
        """
        given = {id(t) for t in (*self.graph.inputs, *self.graph.constants)}
        found = {}
        for tensor in self.graph.outputs:
            view = self.layout[tensor]
            whole = view.is_dense and size_of(view.place.shape) == size_of(view.root.shape)
            if whole and id(view.root) not in given:
                found[id(view.root)] = view.root
        self._results = [
            (t, key if (key := id(self.layout[t].root)) in found and self._fills(t) else None)
            for t in self.graph.outputs
        ]
        return found

    def _fills(self, tensor: Tensor) -> bool:
        """Whether it is its root, shape and all."""
        view = self.layout[tensor]
        return view.is_dense and view.place.shape == view.root.shape

    # Memory

    def _arrange(self) -> None:
        given = {id(t) for t in (*self.graph.inputs, *self.graph.constants)}
        spans: dict[Any, list] = {}
        for number, step in enumerate(self.steps):
            for key, size in self._touched(number, step):
                if key not in given and key not in self._outputs:
                    spans.setdefault(key, [size, number, number])[2] = number
        for tensor in self.graph.outputs:
            key = id(self.layout[tensor].root)
            if key in spans:
                spans[key][2] = len(self.steps)
        offsets, size = arrange([Lifetime(*span) for span in spans.values()])
        self.arena = _aligned(size)
        self._offsets = dict(zip(spans, offsets, strict=True))

    def _touched(self, number: int, step: Call | Fallback) -> list[tuple]:
        """Key and bytes of each buffer of a step."""
        if isinstance(step, Fallback):
            roots = [*self._roots(step.node.inputs), *step.node.outputs]
            return [(id(r), _bytes(r.dtype, r.size)) for r in roots]
        touched = []
        for operand in step.operands:
            if isinstance(operand, Workspace):
                touched.append((operand, _bytes(operand.dtype, operand.size)))
            elif isinstance(operand, View):
                touched.append((id(operand.root), _bytes(operand.root.dtype, operand.root.size)))
        return touched

    def _bind(self) -> None:
        """Addresses of all that stays where it is, and the positions of all that does not."""
        self._arrays = {
            id(t): np.ascontiguousarray(t.data).reshape(t.shape) for t in self.graph.constants
        }
        roots: dict[int, Tensor] = {}
        for step in self.steps:
            views = [] if isinstance(step, Fallback) else step.operands
            roots.update((id(v.root), v.root) for v in views if isinstance(v, View))
            if isinstance(step, Fallback):
                found = [*self._roots(step.node.inputs), *step.node.outputs]
                roots.update((id(r), r) for r in found)
        for key, root in roots.items():
            if key in self._offsets:
                start = self._offsets[key]
                part = self.arena[start : start + _bytes(root.dtype, root.size)]
                self._arrays[key] = part.view(root.dtype).reshape(root.shape)
        self._moving: dict[int, list] = {}  # positions and offsets in bytes, by root
        addresses: list[int] = []
        kernels = [s for s in self.steps if isinstance(s, Call)]
        self._bind_flags(kernels)
        starts = []
        for call in kernels:
            starts.append(len(addresses))
            addresses += [self._address(o, len(addresses) + i) for i, o in enumerate(call.operands)]
        self._pointers = np.array(addresses, np.uintp)
        self._scratch = _aligned(max((c.kernel.scratch for c in kernels), default=0))
        base, scratch = self._pointers.ctypes.data, self._scratch.ctypes.data
        functions = _compiled([c.kernel for c in kernels])
        ready = iter(
            [
                (function, base + start * self._pointers.itemsize, call.kernel.chunks, scratch)
                for function, start, call in zip(functions, starts, kernels, strict=True)
            ]
        )
        self._program = [s if isinstance(s, Fallback) else next(ready) for s in self.steps]

    def _bind_flags(self, kernels: Sequence[Call]) -> None:
        self._slots: dict[Flags, int] = {}  # the first slot of each
        size = 0
        for operand in (o for call in kernels for o in call.operands):
            if isinstance(operand, Flags) and operand not in self._slots:
                self._slots[operand] = size
                size += operand.size
        self._flags = np.zeros((size, 2), np.int64)

    def _address(self, operand: View | Workspace | Flags, position: int) -> int:
        if isinstance(operand, Flags):
            return self._flags[self._slots[operand] :].ctypes.data
        if isinstance(operand, Workspace):
            return self.arena.ctypes.data + self._offsets[operand]
        key, offset = id(operand.root), operand.offset * np.dtype(operand.root.dtype).itemsize
        if key in self._arrays:
            return self._arrays[key].ctypes.data + offset
        self._moving.setdefault(key, []).append((position, offset))
        return 0

    # Running

    def _run(self, arrays: Sequence[np.ndarray]) -> tuple:
        moving = {
            id(t): a if a.flags.c_contiguous else np.ascontiguousarray(a)
            for t, a in zip(self.graph.inputs, arrays, strict=True)
        }
        moving |= {key: np.empty(t.shape, t.dtype) for key, t in self._outputs.items()}
        pointers = self._pointers
        for key, places in self._moving.items():
            address = moving[key].__array_interface__["data"][0]  # half the time of ctypes.data
            for position, offset in places:
                pointers[position] = address + offset
        for step in self._program:
            if isinstance(step, Fallback):
                self._through_numpy(step.node, moving)
                continue
            function, operands, chunks, scratch = step
            for chunk in range(chunks):
                function(operands, chunk, scratch)
        if self._flags.size and self._flags.any():
            self._raise()
        return tuple(
            [
                moving[key] if key is not None else np.array(self._seen(tensor, moving))
                for tensor, key in self._results
            ]
        )

    def _raise(self) -> None:
        """The error of the first kernel, in order, that has noted one."""
        for flags, first in self._slots.items():
            for is_set, number in self._flags[first : first + flags.size]:
                if is_set:
                    raise flags.error(flags.message.format(number))

    def _through_numpy(self, node: Node, moving: dict) -> None:
        inputs = [self._seen(t, moving) if type(t) is Tensor else t for t in node.inputs]
        result = node.op.impl(np, *inputs, **node.attrs)
        for tensor, value in zip(node.outputs, [result] if node.single else result, strict=True):
            key = id(tensor)
            np.copyto(moving[key] if key in moving else self._arrays[key], value)

    def _seen(self, tensor: Tensor, moving: dict) -> np.ndarray:
        view = self.layout[tensor]
        key = id(view.root)
        root = moving[key] if key in moving else self._arrays[key]
        if root.shape == view.place.shape and view.is_dense:
            return root
        steps = tuple(s * root.itemsize for s in view.place.strides)
        start = root.reshape(-1)[view.offset :]
        return np.lib.stride_tricks.as_strided(start, view.place.shape, steps)


def _bytes(dtype: str, size: int) -> int:
    return size * np.dtype(dtype).itemsize


def _aligned(size: int) -> np.ndarray:
    """Bytes that begin at a line of the cache."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _compiled(kernels: Sequence[Kernel]) -> list:
    """The functions of kernels; equal ones are compiled once."""
    names = {text: f"k{i}" for i, text in enumerate(dict.fromkeys(k.text for k in kernels))}
    if not names:
        return []
    lines: dict[str, None] = {}
    for text, name in names.items():
        before, define, body = text.partition("define ")
        lines |= dict.fromkeys(before.splitlines())
        lines[(define + body).replace("@kernel", f"@{name}").replace("!0 = !{}", "")] = None
    module = llvm.Module("\n".join([*lines, "!0 = !{}"]))
    kinds = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    made = {text: module.function(name, *kinds) for text, name in names.items()}
    return [made[k.text] for k in kernels]
