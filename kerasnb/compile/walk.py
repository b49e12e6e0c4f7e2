"""How a group of fused nodes is walked through: rows, stages and pieces. Imports fusion.

The space is walked row by row. In a row there are stages: a stage goes once over the row's
elements, and a reduction that ends in one gives a number to the next.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from kerasnb.compile.fusion import REDUCTIONS, ROW, Group
from kerasnb.compile.ir import Declined
from kerasnb.compile.views import Layout, View
from kerasnb.graph import Node
from kerasnb.op import OPS
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor

__all__ = ["SLOW", "Operand", "Walk"]

# Of the smallest piece that is worth giving to another thread: pairs of elements to be read or
# written, some 5 us of work.
PIECE = 16384
# One of these takes as long for an element as reading four others.
SLOW = {
    OPS[name]
    for name in (
        "exponential", "exponential_minus_one", "log", "log_plus_one", "log_add_exp", "logistic",
        "power", "sine", "cosine", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
        "asinh", "acosh", "atanh", "erf",
    )
}  # fmt: skip
_MOST_PIECES = 128  # for any number of threads
PIECES = 16  # of a reduction over rows: each has its own sums, which are added at the end


class Operand(NamedTuple):
    """An array that the walk reads or writes, and how it moves with the axes of the space."""

    number: int
    dtype: str
    strides: tuple


class Walk:
    """The order in which one group is computed.

    Attributes:
        views: the operands, those that are read first.
        reads: for each node and input tensor, by their ids, which operand that is.
        writes: the same for each tensor, by id, that is wanted in memory.
        lengths: the space's axes, joined where all operands allow it.
        boundary: how many of them lead from row to row; the others are within a row.
        apart: for so many combinations of the first ones, reductions over rows are separate.
        strides: of each operand, by number, along `lengths`.
        rows: how many rows there are.
        length: how many elements a row has.
        stage: in which stage each tensor, by id, is computed.
        varies: whether it varies within a row.
        reduced: the tensors that are one number a row, known when the row has been seen.
        crossing: the tensors that a later stage needs, too.
    """

    def __init__(self, group: Group, layout: Layout, kept: set[int]):
        self.group, self.layout = group, layout
        self.shape = group.shape
        self.rank = len(self.shape)
        inner = group.inner if group.inner is not None else group.columns
        self.inner = min(self.rank, 1) if inner is None else inner
        self.length = size_of(self.shape[self.rank - self.inner :])
        self.rows = size_of(self.shape[: self.rank - self.inner])
        self.views: list[View] = []
        self.reads: dict[tuple, Operand] = {}
        for node in group.nodes:
            if node.op.kind == "random":
                self._number(node)
                continue
            for tensor in node.inputs:
                if type(tensor) is Tensor and id(layout[tensor].root) not in group.axes:
                    self._read(node, tensor)
        made = [n.outputs[0] for n in group.nodes]
        self.writes = {id(t): self._write(t) for t in made if id(t) in kept}
        self._flatten()
        self._plan_stages()

    # Operands

    def _read(self, node: Node, tensor: Tensor) -> None:
        view, axes = self.layout[tensor], self.group.spread[id(node)]
        strides = [0] * self.rank
        place = view.place
        for axis, length, step in zip(
            axes[len(axes) - len(place.shape) :], place.shape, place.strides, strict=True
        ):
            if length != 1 and axis is not None:
                strides[axis] = step
        key = (id(view.root), view.offset, tuple(strides))
        if key not in self.reads:
            self.reads[key] = Operand(len(self.views), place.dtype, key[2])
            self.views.append(view)
        self.reads[id(node), id(tensor)] = self.reads[key]

    def _number(self, node: Node) -> None:
        """The state of random bits, which moves as if it were the bits: how far it is moved is the
        number of the element."""
        (state,), (bits,) = node.inputs, node.outputs
        operand = Operand(len(self.views), state.dtype, self._strides(bits))
        self.reads[id(node), id(state)] = operand
        self.views.append(self.layout[state])

    def _write(self, tensor: Tensor) -> Operand:
        self.views.append(self.layout[tensor])
        return Operand(len(self.views) - 1, tensor.dtype, self._strides(tensor))

    def _strides(self, tensor: Tensor) -> tuple:
        """How a tensor that is made here lies along the space's axes."""
        strides = [0] * self.rank
        for axis, step in zip(
            self.group.axes[id(tensor)], self.layout[tensor].place.strides, strict=True
        ):
            if axis is not None:
                strides[axis] = step
        return tuple(strides)

    def _flatten(self) -> None:
        """Rows and their elements as one axis each, where memory allows: all operands."""
        operands = {o.number: o for o in (*self.reads.values(), *self.writes.values())}
        shape = list(self.shape)
        strides = {n: list(o.strides) for n, o in operands.items()}
        boundary, apart = self.rank - self.inner, self.group.apart or 0
        free = self.group.inner is None and self.group.columns is None
        axis = 0
        while axis + 1 < len(shape):
            joins = all(s[axis] == s[axis + 1] * shape[axis + 1] for s in strides.values())
            if joins and (free or axis + 1 not in (boundary, apart)):
                length = shape.pop(axis)
                shape[axis] *= length
                for s in strides.values():
                    s.pop(axis)
                boundary -= axis < boundary
                apart -= axis < apart
            else:
                axis += 1
        if free:
            boundary = max(len(shape) - 1, 0)
        self.lengths, self.boundary = shape, boundary
        self.apart = size_of(tuple(shape[:apart]))
        self.rows, self.length = size_of(tuple(shape[:boundary])), size_of(tuple(shape[boundary:]))
        self.strides = strides

    # Stages

    def _plan_stages(self) -> None:
        group = self.group
        free = group.inner is None and group.columns is None
        first = self.rank - self.inner
        self.stage: dict[int, int] = {}  # of each tensor
        self.varies: dict[int, bool] = {}  # within a row
        self.reduced: set[int] = set()  # numbers of a row, known after their stage
        self.crossing: dict[int, Tensor] = {}  # needed by a later stage than their own
        for node in group.nodes:
            output, stage = node.outputs[0], 0
            inputs = list(self.internal(node))
            for tensor in inputs:
                stage = max(stage, self.stage[id(tensor)] + (id(tensor) in self.reduced))
            self.stage[id(output)] = stage
            axes = group.axes[id(output)]
            self.varies[id(output)] = free or any(a is not None and a >= first for a in axes)
            if self.is_row_sum(node):
                self.reduced.add(id(output))
            for tensor in inputs:
                if self.varies[id(tensor)] and self.stage[id(tensor)] < stage:
                    self.crossing[id(tensor)] = tensor
        if self.crossing and self.length > ROW:
            raise Declined("a row that is too long to be kept")

    def is_row_sum(self, node: Node) -> bool:
        """Whether the node reduces a row to a number, which is known when the row has been seen."""
        output = node.outputs[0]
        if node.op not in REDUCTIONS:
            return False
        alone = id(output) not in self.group.ended
        return alone or (
            self.rows > 1
            and any(a is not None for a in self.group.axes[id(output)])
            and self._over_row(node)
        )

    def _over_row(self, node: Node) -> bool:
        axes = self.group.spread[id(node)]
        over = {axes[i] for i in node.attrs["axes"]} - {None}
        return over == set(range(self.rank - self.inner, self.rank))

    def over(self) -> tuple[tuple[int, int], ...]:
        """Pairs of operands, written and read, that may be the same memory, as `Kernel.over`."""
        nodes, operands = self.group.nodes, {}
        if any(self.stage.values()):
            return ()  # a later stage reads a row again
        last: dict[int, int] = {}  # the last node that reads an operand
        for i, node in enumerate(nodes):
            for tensor in node.inputs:
                operand = self.reads.get((id(node), id(tensor)))
                if operand is not None and node.op.kind != "random":
                    last[operand.number] = i
                    operands[operand.number] = operand
        found = []
        for i, node in enumerate(nodes):
            key = id(node.outputs[0])
            if key not in self.writes or key in self.group.ended or not self.varies[key]:
                continue
            written = self.writes[key]
            found += [
                (written.number, read.number)
                for read in operands.values()
                if last[read.number] <= i and self._meet(written, read)
            ]
        return tuple(found)

    def _meet(self, a: Operand, b: Operand) -> bool:
        """Whether each point of the space has an element of its own of both, in the same order."""
        strides = self.strides[a.number]
        spread = all(s for s, n in zip(strides, self.lengths, strict=True) if n > 1)
        return spread and strides == self.strides[b.number]

    def internal(self, node: Node) -> Iterator[Tensor]:
        for tensor in node.inputs:
            if type(tensor) is Tensor and id(self.layout[tensor].root) in self.group.axes:
                yield self.layout[tensor].root

    def form(self, marked: Container[int] = ()) -> tuple:
        """What is the same only for walks that have the same code, on other arrays.

        Args:
            marked: ids of tensors that make a difference by being here.
        """
        made = {id(node.outputs[0]): i for i, node in enumerate(self.group.nodes)}
        nodes = tuple(self._form_of(node, made, marked) for node in self.group.nodes)
        moves = tuple(map(tuple, self.strides.values()))
        group = (self.inner, self.group.inner, self.group.columns, self.apart)
        return (nodes, tuple(self.strides), moves, tuple(self.lengths), self.boundary, group)

    def _form_of(self, node: Node, made: dict[int, int], marked: Container[int]) -> tuple:
        inputs: list[Any] = []
        for tensor in node.inputs:
            if type(tensor) is not Tensor:
                inputs.append(repr(tensor))  # 1 and True are equal, and so are 0.0 and -0.0
                continue
            view = self.layout[tensor]
            inputs.append(made.get(id(view.root), -1))
            inputs.append(self.reads.get((id(node), id(tensor))))
            inputs.append(view.place)
        (output,) = node.outputs
        key = id(output)
        return (
            id(node.op), repr(node.attrs), *inputs, output.spec, self.group.axes[key],
            self.group.spread.get(id(node)), self.writes.get(key), key in self.group.ended,
            key in marked,
        )  # fmt: skip

    def pieces(self) -> int:
        """How many pieces the walk is divided into, which may be done at once."""
        slow = sum(node.op in SLOW for node in self.group.nodes)
        work = self.rows * self.length * (len(self.views) / 2 + 2 * slow)
        pieces = max(1, min(round(work / PIECE), _MOST_PIECES))
        if self.apart > 1:
            return min(pieces, self.apart)
        if self.group.ended:
            pieces = min(pieces, PIECES)
        if self.rows > 1:
            return min(pieces, self.rows)
        return 1 if self.reduced or len(self.lengths) > self.boundary + 1 else pieces
