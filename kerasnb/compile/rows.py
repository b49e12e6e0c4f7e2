"""A group of fused nodes as kernels: writes the code of a walk. Imports remembering and philox.

A row is taken `WIDTH` elements at a time, the last ones under a mask. What a later stage needs of
an earlier one is kept in the thread's scratch memory.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.compile import philox
from kerasnb.compile.fusion import REDUCTIONS, Group
from kerasnb.compile.ir import TYPES, WIDTH, Block, Declined, Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, size_in_bytes
from kerasnb.compile.lanes import LaneMath, formula_of
from kerasnb.compile.remembering import remembered
from kerasnb.compile.views import Call, Layout, Workspace
from kerasnb.compile.walk import Operand, Walk
from kerasnb.graph import Node
from kerasnb.op import Op
from kerasnb.spec import TensorSpec, is_float, size_of
from kerasnb.tensor import Tensor

__all__ = ["Writer", "calls_of", "refusal"]

UNROLLED = 4  # vectors of a row that is written out instead of looped over


def calls_of(
    group: Group, layout: Layout, kept: set[int], streamed: Container[int] = ()
) -> list[Call]:
    """The kernels of a group, in order.

    Args:
        group: the nodes.
        layout: where their inputs lie.
        kept: the ids of the tensors that must be in memory afterwards.
        streamed: the ids of those that are written past the caches, because nothing reads them
            soon; their memory begins at a line of the cache.

    Raises:
        Declined: there is no native code for one of the nodes.
    """
    if group.size == 0:
        raise Declined("there are no elements")
    walk = Walk(group, layout, kept)
    return remembered(walk, streamed, lambda: Writer(walk, streamed).calls())


def refusal(node: Node) -> str | None:
    """Why a node cannot be part of a kernel; None if it can."""
    try:
        if node.op.kind == "elementwise":
            inputs = [(type(s), s) for s in _specs(node)]  # 1 and True are equal, but not the same
            return _refused(node.op, tuple(inputs), tuple(node.attrs.items()))
        if node.op in REDUCTIONS:
            _known(node.outputs[0].dtype)
            _neutral(node)
        elif node.op.kind == "random":
            _known(node.outputs[0].dtype)
        else:
            return f"there is no native {node.op.name}"
    except Declined as reason:
        return str(reason)
    return None


@lru_cache(1024)
def _refused(op: Op, inputs: tuple, attrs: tuple) -> str | None:
    """Why an elementwise op has no native code for such inputs."""
    block, specs = Block(), [s for _, s in inputs]
    try:
        dtypes = [_known(s.dtype) for s in specs if isinstance(s, TensorSpec)]
        lanes = [Lanes(block, f"%{i}", dtype) for i, dtype in enumerate(dtypes)]
        _known(formula_of(op, tuple(specs), dict(attrs))(block, *lanes).dtype)
    except Declined as reason:
        return str(reason)
    return None


config.on_floatx_change(_refused.cache_clear)  # some results have that type


def _known(dtype: str) -> str:
    if dtype not in TYPES:
        raise Declined(f"arrays of {dtype}")
    return dtype


class Writer:
    """Writes the kernels of a `Walk`."""

    def __init__(self, walk: Walk, streamed: Container[int] = ()):
        self.walk, self.group, self.pieces = walk, walk.group, walk.pieces()
        self.streamed = streamed
        self.f = Function()
        self.width = WIDTH if walk.length > 1 else 1
        self.unit = self.width  # elements of a row that are not divided among pieces
        self.pointers = [self.f.operand(i) for i in range(len(walk.views))]
        self.numbers: dict[int, Lanes] = {}  # of the row
        self.sums: dict[int, Any] = {}
        self.workspaces: dict[int, Workspace] = {}
        self.scratch: dict[int, int] = {}  # where a tensor of an earlier stage is kept
        used = 0
        for key, tensor in walk.crossing.items():
            self.scratch[key] = used
            # a whole vector is stored, though it may begin at the row's last element
            used += -(-(walk.length + WIDTH) * size_in_bytes(tensor.dtype) // 64) * 64
        self.used = used
        self.keys = {id(n): self._key(n) for n in self.group.nodes if n.op.kind == "random"}

    def calls(self) -> list[Call]:
        """The kernels, in order."""
        walk, f = self.walk, self.f
        totals = [n for n in self.group.nodes if n.op in REDUCTIONS and not walk.is_row_sum(n)]
        if walk.apart > 1:
            rows = walk.rows // walk.apart
            with self._shared(walk.apart) as index:
                self._open(totals, index)
                with f.loop(0, rows) as row:
                    self._row(index * rows + row)
                self._close(totals)
        else:
            self._open(totals)
            if walk.rows == 1:
                self._row(None)
            else:
                with self._shared(walk.rows) as row:
                    self._row(row)
            self._close(totals)
        kernel = Kernel(
            self._name(), f.text(), self.pieces, self._flops(), self._moved(), self.used,
            walk.over(),
        )  # fmt: skip
        calls = [Call(kernel, [*walk.views, *self.workspaces.values()])]
        return calls + [self._added(n) for n in totals if id(n.outputs[0]) in self.workspaces]

    def _shared(self, count: int) -> Any:
        """A loop over the chunk's part of so many things."""
        each = -(-count // self.pieces)
        start = self.f.chunk * each
        return self.f.loop(start, (start + each).least(count))

    def _name(self) -> str:
        return "+".join(dict.fromkeys(n.op.name for n in self.group.nodes))

    def _flops(self) -> int:
        return self.walk.rows * self.walk.length * len(self.group.nodes)

    def _moved(self) -> int:
        return sum(size_of(v.place.shape) * size_in_bytes(v.place.dtype) for v in self.walk.views)

    # A row

    def _row(self, row: Index | None) -> None:
        walk = self.walk
        self.numbers.clear()
        self.at_row = dict.fromkeys(walk.strides, 0)
        rest = row
        for axis in range(walk.boundary - 1, -1, -1):
            if rest is None:
                break
            here = rest % walk.lengths[axis] if axis else rest
            rest = rest // walk.lengths[axis] if axis else rest
            for number, strides in walk.strides.items():
                if strides[axis]:
                    self.at_row[number] = here * strides[axis] + self.at_row[number]
        for stage in range(max(walk.stage.values(), default=0) + 1):
            nodes = [n for n in self.group.nodes if walk.stage[id(n.outputs[0])] == stage]
            for node in nodes:
                if not self._goes_over_row(node):
                    self._number(node)
            within = [n for n in nodes if self._goes_over_row(n)]
            if within:
                self._elements(within, stage)

    def _goes_over_row(self, node: Node) -> bool:
        """Whether it is computed for each element: it varies within the row, or reduces it."""
        if node.op in REDUCTIONS:
            return self._source_varies(node)
        return self.walk.varies[id(node.outputs[0])]

    def _source_varies(self, node: Node) -> bool:
        root = self.walk.layout[node.inputs[0]].root
        if id(root) in self.walk.varies:
            return self.walk.varies[id(root)]
        strides = self.walk.strides[self._operand(node, node.inputs[0]).number]
        return any(strides[self.walk.boundary :]) or self.walk.length == 1

    def _operand(self, node: Node, tensor: Tensor) -> Operand:
        return self.walk.reads[id(node), id(tensor)]

    def _number(self, node: Node) -> None:
        """A node that has one number a row."""
        output = node.outputs[0]
        if node.op.kind == "random":
            self.numbers[id(output)] = self._words(node, 0, 1)
            self._keep_number(output)
            return
        lanes = [self._row_input(node, t) for t in node.inputs if type(t) is Tensor]
        if node.op in REDUCTIONS:
            if id(output) in self.sums:
                self._add(node, lanes[0])
                return
            self.numbers[id(output)] = lanes[0]  # over axes of length 1
        else:
            formula = formula_of(node.op, _specs(node), node.attrs)
            self.numbers[id(output)] = formula(self.f.block(1), *lanes)
        self._keep_number(output)

    def _row_input(self, node: Node, tensor: Tensor) -> Lanes:
        root = self.walk.layout[tensor].root
        if id(root) in self.numbers:
            return self.numbers[id(root)]
        operand = self._operand(node, tensor)
        place = self.f.at(self.pointers[operand.number], self.at_row[operand.number], operand.dtype)
        return self.f.load(place, operand.dtype, 1)

    def _keep_number(self, tensor: Tensor) -> None:
        operand = self.walk.writes.get(id(tensor))
        if operand is not None:
            at = self.at_row[operand.number]
            self.f.store(
                self.f.at(self.pointers[operand.number], at, tensor.dtype), self.numbers[id(tensor)]
            )

    # The elements of a row

    def _elements(self, nodes: list[Node], stage: int) -> None:
        row_sums = [n for n in nodes if self.walk.is_row_sum(n)]
        self._open_row(row_sums)
        for at, flat, count in self._positions():
            self.at, self.flat, self.count = at, flat, count
            values: dict[int, Lanes] = {}
            for node in nodes:
                self._element(node, values)
        for node in row_sums:
            self._close_row(node)

    def _positions(self) -> Iterator[tuple]:
        """Each vector of the row: how far each operand is from the row's first element, the number
        of the first element, and how many there are if not all lanes."""
        walk, f = self.walk, self.f
        lengths = walk.lengths[walk.boundary :] or [1]
        last = lengths[-1]
        with _nested(f, lengths[:-1]) as outer:
            base: dict[int, Any] = dict.fromkeys(walk.strides, 0)
            first: Any = 0
            for axis, index in enumerate(outer):
                first = (first + index) * lengths[axis + 1]
                for number, strides in walk.strides.items():
                    if strides[walk.boundary + axis]:
                        base[number] = index * strides[walk.boundary + axis] + base[number]

            def position(at: Any) -> tuple:
                moved = {}
                for n, strides in walk.strides.items():
                    step = strides[-1] if len(strides) > walk.boundary else 0
                    moved[n] = _sum(base[n], at * step if step else 0)
                return moved, _sum(first, at)

            yield from self._vectors(last, position)

    def _share(self, last: int) -> int:
        """How many elements of the last axis a piece has where a single row is divided."""
        return math.ceil(last / (self.unit * self.pieces)) * self.unit

    def _vectors(self, last: int, position: Any) -> Iterator[tuple]:
        f, width = self.f, self.width
        whole, rest = last - last % width, last % width
        if self.walk.rows == 1 and self.pieces > 1:
            each = self._share(last)
            start = f.chunk * each
            stop = start + each
            with f.loop(start, stop.least(whole), width) as at:
                yield (*position(at), None)
            if rest:
                inside = f.emit(f"and i1 {start < last}, {stop > whole}")
                with f.when(inside):
                    yield (*position(f.index(whole)), rest)
            return
        if whole <= UNROLLED * width:
            for at in range(0, whole, width):
                yield (*position(at), None)
        else:
            with f.loop(0, whole, width) as at:
                yield (*position(at), None)
        if rest:
            yield (*position(whole), rest)

    def _is_written_out(self) -> bool:
        """Whether the vectors of a row are written one after another, at places known now: sums
        over rows can then stay in registers, which LLVM would not find out by itself."""
        walk = self.walk
        return (
            len(walk.lengths) - walk.boundary <= 1
            and walk.length < (UNROLLED + 1) * self.width
            and (walk.rows > 1 or self.pieces == 1)
        )

    def _element(self, node: Node, values: dict[int, Lanes]) -> None:
        output = node.outputs[0]
        if node.op.kind == "random":
            value = self._words(
                node, self.at[self._operand(node, node.inputs[0]).number], self.width
            )
        else:
            lanes = [self._input(node, t, values) for t in node.inputs if type(t) is Tensor]
            if node.op in REDUCTIONS:
                self._add(node, lanes[0])
                return
            formula = formula_of(node.op, _specs(node), node.attrs)
            value = formula(self.f.block(self.width), *lanes)
        values[id(output)] = value
        if id(output) in self.walk.writes:
            operand = self.walk.writes[id(output)]
            if id(output) in self.streamed and self._is_aligned(operand):
                self.f.stream(self._place(operand)[0], value)
            else:
                self._store(operand, value)
        if id(output) in self.scratch:
            self.f.store(self._kept(output), value)

    def _input(self, node: Node, tensor: Tensor, values: dict[int, Lanes]) -> Lanes:
        root = self.walk.layout[tensor].root
        if id(root) in values:
            return values[id(root)]
        if id(root) in self.numbers:
            return self._splat(self.numbers[id(root)])
        if id(root) in self.scratch:
            return self.f.load(self._kept(root), root.dtype, self.width)
        return self._load(self._operand(node, tensor))

    def _key(self, node: Node) -> tuple:
        """What the random bits of a node come from, beside the number of the element."""
        (state,) = node.inputs
        pointer = self.pointers[self._operand(node, state).number]
        (step,) = self.walk.layout[state].place.strides
        return philox.keys(self.f, pointer, step)

    def _words(self, node: Node, at: Any, width: int) -> Lanes:
        """Random bits from `at` on, counted from the row's first element."""
        number = self._operand(node, node.inputs[0]).number
        first = _sum(self.at_row[number], at)
        # along the last axis the vectors begin at multiples of their width
        aligned = all(step % philox.BLOCK == 0 for step in self.walk.strides[number][:-1])
        return philox.words(self.f, self.keys[id(node)], first, width, aligned)

    def _kept(self, tensor: Tensor) -> str:
        start = self.f.emit(f"getelementptr i8, ptr %scratch, i64 {self.scratch[id(tensor)]}")
        return self.f.at(start, self.flat, tensor.dtype)

    def _splat(self, number: Lanes) -> Lanes:
        if self.width == 1:
            return number
        kind = number.block.type(number.dtype)
        block = self.f.block(self.width)
        return block.emit(
            f"shufflevector {number.typed()}, {kind} poison, <{self.width} x i32> zeroinitializer",
            number.dtype,
        )

    def _place(self, operand: Operand) -> tuple[str, int]:
        number, strides = operand.number, self.walk.strides[operand.number]
        step = strides[-1] if len(strides) > self.walk.boundary else 0
        at = _sum(self.at_row[number], self.at[number])
        return self.f.at(self.pointers[number], at, operand.dtype), step

    def _load(self, operand: Operand) -> Lanes:
        f, width = self.f, self.width
        place, step = self._place(operand)
        if step == 0 or width == 1:
            return f.broadcast(place, operand.dtype, width)
        if step == 1:
            return f.load(place, operand.dtype, width, self.count)
        return f.gather(place, operand.dtype, width, step, self.count or width)

    def _is_aligned(self, operand: Operand) -> bool:
        """Whether all of a vector is written, to a multiple of its length in dense memory."""
        *steps, last = self.walk.strides[operand.number]
        aligned = last == 1 and all(step % self.width == 0 for step in steps)
        return aligned and self.count is None and self.width > 1 and operand.dtype != "bool"

    def _store(self, operand: Operand, value: Lanes) -> None:
        place, step = self._place(operand)
        if step == 1 or self.width == 1:
            self.f.store(place, value, self.count)
        else:
            self.f.scatter(place, value, step, self.count or self.width)

    # Sums of a row, and over rows

    def _open_row(self, nodes: list[Node]) -> None:
        for node in nodes:
            dtype = node.outputs[0].dtype
            variable = self.sums[id(node.outputs[0])] = self.f.variable(self.width, dtype)
            variable.set(variable.block.constant(_neutral(node), dtype))

    def _close_row(self, node: Node) -> None:
        output = node.outputs[0]
        total = _across(self.f, node, self.sums.pop(id(output)).get())
        self.numbers[id(output)] = self._scaled(node, total)
        self._keep_number(output)

    def _scaled(self, node: Node, total: Lanes) -> Lanes:
        if REDUCTIONS[node.op] != "mean":
            return total
        count = size_of(tuple(node.inputs[0].shape[a] for a in node.attrs["axes"]))
        return total * (1.0 / count)

    def _over_columns(self, node: Node) -> bool:
        return any(a is not None for a in self.group.axes[id(node.outputs[0])])

    def _open(self, nodes: list[Node], index: Index | None = None) -> None:
        """Sums over rows: one number in registers, or a row of them in memory; those of `index`,
        where there are several."""
        f, walk = self.f, self.walk
        for node in nodes:
            output = node.outputs[0]
            size = walk.length if self._over_columns(node) else 1
            if index is not None:
                pointer = f.at(
                    self.pointers[walk.writes[id(output)].number], index * size, output.dtype
                )
            elif self.pieces > 1:
                pointer = f.operand(len(walk.views) + len(self.workspaces))
                self.workspaces[id(output)] = Workspace(output.dtype, self.pieces * size)
                pointer = f.at(pointer, f.chunk * size, output.dtype)
            else:
                pointer = self.pointers[walk.writes[id(output)].number]
            if size == 1 or self._is_written_out():
                width = self.width if self._source_varies(node) else 1
                variables = [f.variable(width, output.dtype) for _ in range(0, size, width)]
                for variable in variables:
                    variable.set(variable.block.constant(_neutral(node), output.dtype))
                self.sums[id(output)] = (pointer, variables)
                continue
            self.sums[id(output)] = (pointer, [])
            for at, count in _steps(f, size, self.width):
                neutral = f.block(self.width).constant(_neutral(node), output.dtype)
                f.store(f.at(pointer, at, output.dtype), neutral, count)

    def _add(self, node: Node, value: Lanes) -> None:
        held = self.sums[id(node.outputs[0])]
        f, dtype = self.f, value.dtype
        pointer, variables = held if isinstance(held, tuple) else (None, [held])
        if not variables:
            place = f.at(pointer, self.flat, dtype)
            total = _combined(f, node, f.load(place, dtype, self.width, self.count), value)
            f.store(place, total, self.count)
            return
        if value.block.width > 1 and self.count is not None:
            neutral = value.like(_neutral(node))
            value = value.block.select(f.first(value.block.width, self.count), value, neutral)
        variable = variables[self.flat // self.width if len(variables) > 1 else 0]
        variable.set(_combined(f, node, variable.get(), value))

    def _close(self, nodes: list[Node]) -> None:
        for node in nodes:
            self._close_one(node, self.pieces == 1 or self.walk.apart > 1)

    def _close_one(self, node: Node, alone: bool) -> None:
        pointer, variables = self.sums[id(node.outputs[0])]
        f, walk = self.f, self.walk
        if variables and self._over_columns(node):
            for variable, at in zip(variables, range(0, walk.length, self.width), strict=True):
                total = self._scaled(node, variable.get()) if alone else variable.get()
                count = walk.length - at
                place = f.at(pointer, at, node.outputs[0].dtype)
                f.store(place, total, count)
        elif variables:
            total = _across(f, node, variables[0].get())
            f.store(pointer, self._scaled(node, total) if alone else total)
        elif alone and REDUCTIONS[node.op] == "mean":
            dtype = node.outputs[0].dtype
            for at, count in _steps(f, walk.length, self.width):
                place = f.at(pointer, at, dtype)
                total = f.load(place, dtype, self.width, count)
                f.store(place, self._scaled(node, total), count)

    def _added(self, node: Node) -> Call:
        """The kernel that adds up the sums of the pieces, in their order."""
        output, f = node.outputs[0], Function()
        size = self.walk.length if self._over_columns(node) else 1
        width = self.width if size > 1 else 1
        source, target = f.operand(0), f.operand(1)
        for at, count in _steps(f, size, width):
            total = f.variable(width, output.dtype)
            total.set(total.block.constant(_neutral(node), output.dtype))
            with f.loop(0, self.pieces) as piece:
                place = f.at(source, _sum(piece * size, at), output.dtype)
                value = f.load(place, output.dtype, width, count)
                total.set(_combined(f, node, total.get(), value))
            f.store(f.at(target, at, output.dtype), self._scaled(node, total.get()), count)
        kernel = Kernel(f"add pieces of {node.op.name}", f.text(), 1, self.pieces * size)
        return Call(kernel, [self.workspaces[id(output)], self.walk.layout[output]])


def _specs(node: Node) -> tuple:
    return tuple(t.spec if type(t) is Tensor else t for t in node.inputs)


def _sum(a: Any, b: Any) -> Any:
    return b if isinstance(a, int) and a == 0 else a + b


def _neutral(node: Node) -> float:
    dtype, name = node.outputs[0].dtype, REDUCTIONS[node.op]
    if name in ("sum", "mean", "prod"):
        if name == "mean" and not is_float(dtype):
            raise Declined("the mean of whole numbers")
        return 1 if name == "prod" else 0
    if is_float(dtype):
        return -math.inf if name == "max" else math.inf
    if dtype == "bool":
        return name == "min"
    limits = np.iinfo(dtype)
    return int(limits.min if name == "max" else limits.max)


def _combined(f: Function, node: Node, a: Lanes, b: Lanes) -> Lanes:
    m, name = LaneMath(f.block(a.block.width)), REDUCTIONS[node.op]
    if name in ("max", "min"):
        return m.maximum(a, b) if name == "max" else m.minimum(a, b)
    return a * b if name == "prod" else a + b


def _across(f: Function, node: Node, lanes: Lanes) -> Lanes:
    """All lanes combined, the halves first."""
    width = lanes.block.width
    while width > 1:
        kind, width = lanes.block.type(lanes.dtype), width // 2
        block = f.block(width)
        low, high = (
            block.emit(
                f"shufflevector {lanes.typed()}, {kind} poison, <{width} x i32> "
                f"<{', '.join(f'i32 {i}' for i in range(start, start + width))}>",
                lanes.dtype,
            )
            for start in (0, width)
        )
        lanes = _combined(f, node, low, high)
    return lanes


def _steps(f: Function, size: int, width: int) -> Iterator[tuple]:
    """Each vector of `size` neighbours: where it begins, and how many there are if not all."""
    whole = size - size % width
    if whole:
        with f.loop(0, whole, width) as at:
            yield at, None
    if size % width:
        yield whole, size % width


@contextmanager
def _nested(f: Function, lengths: list[int]) -> Iterator[list[Index]]:
    """Loops within loops; gives their numbers."""
    with ExitStack() as stack:
        yield [stack.enter_context(f.loop(0, n)) for n in lengths]
