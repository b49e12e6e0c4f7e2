"""Scans as native calls: those of the body, once for each step, on other rows. Imports joining,
prepacking, rows and what lies below.

The body becomes calls once. In each step they are made with other operands: rows of the xs and of
the stacked ys. A carry is written where the next step reads it, which is a row of the ys if the
carry is stacked, so that nothing is copied from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kerasnb.compile.ir import Declined
from kerasnb.compile.joining import copying
from kerasnb.compile.kernel import Place
from kerasnb.compile.prepacking import Packed, prepacked
from kerasnb.compile.rows import calls_of
from kerasnb.compile.variance import without_variance
from kerasnb.compile.views import Call, Layout, View, dense
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.tensor import Tensor

__all__ = ["scan"]

_MOST_CALLS = 100_000  # they would take a second to prepare

Where = tuple[Tensor, int]  # a root, and an offset in elements


def scan(node: Node, layout: Layout, steps_of: Callable) -> list[Call]:
    """The calls of a scan, all steps one after another.

    Args:
        node: the scan.
        layout: where its inputs and outputs lie.
        steps_of: makes calls of a graph and its layout.

    Raises:
        Declined: the body has a node without a kernel.
    """
    if node.op is not OPS["scan"]:
        raise Declined(f"there is no native {node.op.name}")
    if node.attrs["length"] < 1 or not all(t.size for t in node.outputs):
        raise Declined("there are no elements")
    if node.attrs["body"].constants:
        raise Declined("its body has constants of its own")
    loop = _Scan(node, layout)
    steps = steps_of(loop.body, loop.own)
    for step in steps:
        if not isinstance(step, Call):
            raise Declined(f"its body has {step.node.op.name}: {step.reason}")
    if len(steps) * loop.length > _MOST_CALLS:
        raise Declined(f"{loop.length} steps of {len(steps)} kernels")
    return loop.calls(steps)


class _Home(NamedTuple):
    """Where a carry lies between steps.

    Attributes:
        stacked: the scan's output in whose rows it lies; None if two buffers take turns.
        early: whether a row holds the carry before the step of this row, not the one after.
    """

    stacked: Tensor | None
    early: bool = False


class _Scan:
    """A scan, its body with a place of its own for each output, and how that body's operands move.

    Attributes:
        body: the body; each output is made by a node, and is none of the others.
        own: its layout.
    """

    def __init__(self, node: Node, layout: Layout):
        attrs = node.attrs
        self.length, self.carries = attrs["length"], attrs["carries"]
        self.order = range(self.length)[:: -1 if attrs["reverse"] else 1]
        n, m = self.carries, self.carries + attrs["xs"]
        self.node, self.layout = node, layout
        body = without_variance(attrs["body"])
        self.inputs = [layout[t] for t in node.inputs]
        given = {}
        for i, (tensor, view) in enumerate(zip(body.inputs, self.inputs, strict=True)):
            if i < n:
                given[id(tensor)] = dense(tensor)
            else:
                shape, strides = (view.place.shape, view.place.strides)
                cut = i < m
                place = Place(view.place.dtype, shape[cut:], strides[cut:])
                given[id(tensor)] = View(tensor, 0, place)
        body, self.packed = prepacked(body, Layout(body, given), body.inputs[m:])
        self.homes = [self._home(i, body) for i in range(n)]
        self.body = self._apart(body, given)
        self.own = Layout(self.body, given)

    # The body

    def _home(self, number: int, body: Graph) -> _Home:
        ys = list(zip(body.outputs[self.carries :], self.node.outputs[self.carries :], strict=True))
        before, after = body.inputs[number], body.outputs[number]
        for wanted, early in ((before, True), (after, False)):
            for own, stacked in ys:
                if own is wanted and (early or number == self._first(after, body)):
                    return _Home(stacked, early)
        return _Home(None)

    def _first(self, tensor: Tensor, body: Graph) -> int:
        return next(i for i, t in enumerate(body.outputs) if t is tensor)

    def _apart(self, body: Graph, given: dict[int, View]) -> Graph:
        """The body with copies where an output is no tensor of its own. Rows that are the home of a
        carry are left to it."""
        layout = Layout(body, given)
        homes = {id(home.stacked) for home in self.homes}
        made = {id(t) for node in body.nodes for t in node.outputs}
        outputs, self.stacked = [], []
        for i, tensor in enumerate(body.outputs):
            if i >= self.carries:
                stacked = self.node.outputs[i]
                if id(stacked) in homes:
                    continue
                self.stacked.append(stacked)
            view = layout[tensor]
            if id(view.root) in made and view.is_dense and view.root.size == tensor.size:
                tensor = view.root
            else:
                copy = Node(OPS["stop_gradient"], (tensor,))
                tensor = Tensor(None, tensor.spec, copy)
                copy.outputs = (tensor,)
            made.discard(id(tensor))
            outputs.append(tensor)
        return Graph(body.inputs, outputs)

    # The calls

    def calls(self, steps: Sequence[Call]) -> list[Call]:
        """The body's calls for all steps, with what has to be copied before and after."""
        calls = self._begin()
        fixed = {
            id(own): (view.root, view.offset)
            for own, view in zip(self.body.inputs, self.inputs, strict=False)
        }
        calls += [self._pack(packed, *fixed[id(packed.source.root)]) for packed in self.packed]
        templates = [_Template(call, self._moving(), fixed) for call in steps]
        for number in range(self.length):
            where = self._where(number)
            calls += [template.at(where) for template in templates]
        return calls + self._end()

    def _pack(self, packed: Packed, root: Tensor, offset: int) -> Call:
        source = packed.source._replace(root=root, offset=offset + packed.source.offset)
        return Call(packed.kernel, [source, dense(packed.tensor)])

    def _moving(self) -> set[int]:
        """The ids of the body's tensors that lie elsewhere in each step."""
        m = self.carries + self.node.attrs["xs"]
        return {id(t) for t in (*self.body.inputs[:m], *self.body.outputs)}

    def _begin(self) -> list[Call]:
        """Says where each carry lies at first, makes the buffers, and gives the copies of those
        that do not lie where or how they should."""
        calls = []
        self.first: list[Where] = []
        self.buffers: list[Tensor | None] = []
        for home, view in zip(self.homes, self.inputs, strict=False):
            spec, place = view.root.spec, Place.dense(view.place.dtype, view.place.shape)
            buffer = Tensor(None, spec.with_shape((2, *place.shape)))
            self.buffers.append(buffer if home.stacked is None else None)
            if view.is_dense and not home.early:
                self.first.append((view.root, view.offset))
                continue
            first = (Tensor(None, spec.with_shape(place.shape)), 0)
            if home.early:
                first = (home.stacked, self._row(home.stacked, self.order[0]))
            calls += _copied(view, View(*first, place))
            self.first.append(first)
        return calls

    def _where(self, number: int) -> dict[int, Where]:
        """Where each tensor that moves lies in a step."""
        row, n = self.order[number], self.carries
        xs = slice(n, n + self.node.attrs["xs"])
        where = {
            id(own): (view.root, view.offset + row * view.place.strides[0])
            for own, view in zip(self.body.inputs[xs], self.inputs[xs], strict=True)
        }
        for i in range(n):
            where[id(self.body.inputs[i])] = self._carry(i, number)
            where[id(self.body.outputs[i])] = self._carry(i, number + 1)
        for own, stacked in zip(self.body.outputs[n:], self.stacked, strict=True):
            where[id(own)] = (stacked, self._row(stacked, row))
        return where

    def _carry(self, i: int, number: int) -> Where:
        """Where a carry lies before a step."""
        home, last = self.homes[i], number == self.length
        if number == 0:
            return self.first[i]
        if home.stacked is None:
            if last:
                return self.node.outputs[i], 0
            return self.buffers[i], number % 2 * self.node.outputs[i].size
        if home.early:
            if last:
                return self.node.outputs[i], 0
            return home.stacked, self._row(home.stacked, self.order[number])
        return home.stacked, self._row(home.stacked, self.order[number - 1])

    def _end(self) -> list[Call]:
        """Copies of the last carry, where it lies in a row."""
        calls = []
        for i, home in enumerate(self.homes):
            if home.stacked is not None and not home.early:
                last = self.node.outputs[i]
                place = Place.dense(last.dtype, last.shape)
                calls += _copied(View(*self._carry(i, self.length), place), dense(last))
        return calls

    def _row(self, stacked: Tensor, row: int) -> int:
        return row * (stacked.size // self.length)


class _Template:
    """A call of the body, to be made for each step.

    Args:
        call: with operands of the body.
        moving: the ids of the tensors of the body that lie elsewhere in each step.
        fixed: where other inputs of the body lie, by id.
    """

    def __init__(self, call: Call, moving: set[int], fixed: dict[int, Where]):
        self.kernel, self.operands = call.kernel, list(call.operands)
        self.moving: list[tuple[int, View]] = []
        for position, operand in enumerate(self.operands):
            if not isinstance(operand, View):
                continue
            if id(operand.root) in moving:
                self.moving.append((position, operand))
            elif id(operand.root) in fixed:
                root, offset = fixed[id(operand.root)]
                self.operands[position] = View(root, offset + operand.offset, operand.place)

    def at(self, where: dict[int, Where]) -> Call:
        """The call in a step."""
        operands = self.operands.copy()
        for position, view in self.moving:
            root, offset = where[id(view.root)]
            operands[position] = View(root, offset + view.offset, view.place)
        return Call(self.kernel, operands)


def _copied(source: View, target: View) -> list[Call]:
    """What copies the elements of a view to another."""
    tensor = Tensor(None, source.root.spec.with_shape(source.place.shape))
    copy = Node(OPS["stop_gradient"], (tensor,))
    made = Tensor(None, tensor.spec, copy)
    copy.outputs = (made,)
    layout = Layout(Graph([tensor], [tensor]), {id(tensor): source})
    layout.views[id(made)] = target
    return calls_of(copying(copy, layout), layout, {id(made)})
