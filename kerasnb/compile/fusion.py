"""Which nodes become one kernel. Imports views, lanes and op.

A `Group` walks once over a space of elements, its axes in order of memory, and computes all its
nodes there. Elementwise nodes meet at a point of the space. A reduction over the last axes gives a
number for each row, with which the walk over the row goes on (softmax, layer normalization); any
other reduction ends in memory, and what reads it is in a later group. One over axes in the middle
(the mean over an image's places) is a reduction over rows for each index of the axes before. Random
bits are a source: an element's bits depend on nothing but its number and a state, which must be in
memory before.
"""

from __future__ import annotations

from typing import Any

from kerasnb.compile.views import Layout, View
from kerasnb.graph import Node
from kerasnb.op import OPS
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor

__all__ = ["REDUCTIONS", "Group", "groups_of"]

REDUCTIONS = {OPS[f"reduce_{name}"]: name for name in ("sum", "mean", "max", "min", "prod")}

# The longest row that is walked over again after a reduction: its numbers are kept in the
# processor's first cache, 4 bytes each and several of them.
ROW = 8192
_FEW_COLUMNS = 8  # fill no vector: a copy with the axes in another order is faster


class Group:
    """Nodes that are computed in one walk over a space.

    Attributes:
        number: which group it is.
        shape: the lengths of the space's axes, none of them 1.
        nodes: in order.
        axes: for each tensor made here, by id, the axis of the space for each of its own, None for
            one of length 1.
        inner: how many of the last axes are reduced within a row; None if none ever is.
        columns: how many of the last axes reductions over rows keep; None if there are none.
        apart: how many of the first axes they keep; None if there are none.
        ended: the tensors, by id, that are in memory only after the walk.
        before: the tensors, by id, that must be in memory before the walk: states of random bits.
        again: the tensors, by id, that an earlier group makes, too, and writes if they are wanted;
            their nodes come first.
        needs: the numbers of the units that must come before, as bits.
    """

    def __init__(self, number: int, shape: tuple):
        self.number, self.shape = number, shape
        self.nodes: list[Node] = []
        self.axes: dict[int, tuple] = {}
        self.spread: dict[int, tuple] = {}
        self.inner: int | None = None
        self.columns: int | None = None
        self.apart: int | None = None
        self.ended: set[int] = set()
        self.before: set[int] = set()
        self.again: set[int] = set()
        self.needs = 0

    @property
    def size(self) -> int:
        """How many points the space has."""
        return size_of(self.shape)

    def axes_of(self, view: View) -> tuple | None:
        """For each axis of a view of a tensor made here the axis of the space, None where it does
        not vary; None if the view is not all of the tensor, in order."""
        own = self.axes[id(view.root)]
        strides = _dense_strides(view.root.shape)
        place, found = view.place, []
        for length, stride in zip(place.shape, place.strides, strict=True):
            if length == 1 or stride == 0:
                found.append(None)
                continue
            axis = next((i for i, s in enumerate(strides) if s == stride), None)
            if axis is None or view.root.shape[axis] != length:
                return None
            found.append(own[axis])
        kept = [a for a in found if a is not None]
        whole = len(kept) == sum(a is not None for a in own)
        return tuple(found) if view.offset == 0 and whole and kept == sorted(kept) else None

    def place(self, tensors: list[tuple | None], shape: tuple) -> tuple | None:
        """The axes of the space for a tensor of `shape`, computed from tensors that vary along
        given axes (None for one from memory); None if there is no way."""
        spread = [i for i, n in enumerate(shape) if n != 1]
        whole = [shape[i] for i in spread] == list(self.shape)
        result: list[int | None] = [None] * len(shape)
        for position, axis in enumerate(spread):
            met = {
                known[axis - len(shape) + len(known)]
                for known in tensors
                if known is not None and axis - len(shape) + len(known) >= 0
            } - {None}
            if whole:
                met.add(position)
            if len(met) != 1:
                return None
            result[axis] = met.pop()
        kept = [a for a in result if a is not None]
        fits = all(shape[i] == self.shape[result[i]] for i in spread)
        return tuple(result) if fits and kept == sorted(set(kept)) else None


def _dense_strides(shape: tuple) -> list[int | None]:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(None if n == 1 else step)
        step *= n
    return strides[::-1]


class Fusion:
    """Groups as they grow, node by node.

    Attributes:
        groups: by number; a number may also stand for a node of its own.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self.units: list[Group | Node] = []
        self.made: dict[int, int] = {}  # the unit that makes a tensor, by the tensor's id
        self.needs: list[int] = []  # of each unit, as bits
        self.needed = 0  # all of them together, and perhaps units that are no more

    def alone(self, node: Node) -> None:
        """A node that is a unit of its own."""
        self._new(node)
        self._depend(len(self.units) - 1, node)
        self.made.update((id(t), len(self.units) - 1) for t in node.outputs)

    def add(self, node: Node) -> None:
        """A node that may be fused with those before it."""
        views = [self.layout[t] for t in node.inputs if type(t) is Tensor]
        if node.op.kind == "random":
            self._begin(node, views)
            self.units[-1].before.update(id(v.root) for v in views)
            return
        for number in sorted({self.made.get(id(v.root), -1) for v in views}, reverse=True):
            if number >= 0 and self._joins(node, views, number):
                return
        self._begin(node, views)

    def _joins(self, node: Node, views: list[View], number: int) -> bool:
        group = self.units[number]
        if not isinstance(group, Group):
            return False
        known = []
        for view in views:
            own = self.made.get(id(view.root))
            if own != number:
                if own is not None and self._reaches(own, number):
                    return False  # it would wait for itself
                known.append(None)
                continue
            axes = None if id(view.root) in group.ended else group.axes_of(view)
            if axes is None:
                return False
            known.append(axes)
        placed = _reduced if node.op in REDUCTIONS else _elementwise
        if not placed(group, node, known):
            return False
        self._take(number, node)
        self._merge(number, views)
        return True

    def _begin(self, node: Node, views: list[View]) -> None:
        shape = views[0].place.shape if node.op in REDUCTIONS else node.outputs[0].shape
        self._new(Group(len(self.units), tuple(n for n in shape if n != 1)))
        placed = _reduced if node.op in REDUCTIONS else _elementwise
        if not placed(self.units[-1], node, [None] * len(views)):
            self.units[-1] = _in_other_order(self.units[-1].number, node)
        self._take(len(self.units) - 1, node)

    def _new(self, unit: Any) -> None:
        self.units.append(unit)
        self.needs.append(0)

    def _take(self, number: int, node: Node) -> None:
        self.units[number].nodes.append(node)
        self._depend(number, node)
        self.made[id(node.outputs[0])] = number

    def _depend(self, number: int, node: Node) -> None:
        """`number` comes after the units that make what `node` reads."""
        before = 0
        for tensor in node.inputs:
            if type(tensor) is Tensor:
                own = self.made.get(id(self.layout[tensor].root), number)
                if own != number:
                    before |= self.needs[own] | 1 << own
        self._require(number, before)

    def _require(self, number: int, before: int) -> None:
        if before | self.needs[number] == self.needs[number]:
            return
        self.needs[number] |= before
        self.needed |= before
        if self.needed >> number & 1:  # of a new one nobody knows
            for other, needs in enumerate(self.needs):
                if needs >> number & 1:
                    self.needs[other] |= self.needs[number]

    def _reaches(self, later: int, earlier: int) -> bool:
        return bool(self.needs[later] >> earlier & 1)

    def _merge(self, number: int, views: list[View]) -> None:
        """Take in groups over the same space whose tensors were read from memory."""
        group = self.units[number]
        for view in views:
            own = self.made.get(id(view.root))
            if own is None or own == number:
                continue
            other = self.units[own]
            if (
                isinstance(other, Group)
                and other.shape == group.shape
                and self._meets(group, other)
                and not (group.before & other.axes.keys() or other.before & group.axes.keys())
                and len({other.inner, other.columns, group.inner, group.columns} - {None}) <= 1
                and _agree(other.apart, group.apart)
                and self._free_between(own, number)
            ):
                self._absorb(number, own)

    def _meets(self, group: Group, other: Group) -> bool:
        """Whether all that `group` reads of `other` is there during a walk, at the point where it
        is read."""
        for node in group.nodes:
            spread = group.spread[id(node)]
            for view in (self.layout[t] for t in node.inputs if type(t) is Tensor):
                if id(view.root) not in other.axes:
                    continue
                axes = None if id(view.root) in other.ended else other.axes_of(view)
                if axes is None:
                    return False
                own = spread[len(spread) - len(axes) :]
                if any(a is not None and a != b for a, b in zip(axes, own, strict=True)):
                    return False
        return True

    def _free_between(self, earlier: int, later: int) -> bool:
        """Whether no unit comes after `earlier` and before `later`."""
        before, bit = self.needs[later], 1 << earlier
        return not any(needs & bit and before >> u & 1 for u, needs in enumerate(self.needs))

    def _absorb(self, number: int, own: int) -> None:
        group, other = self.units[number], self.units[own]
        if group.inner is None:
            group.inner = other.inner
        if group.columns is None:
            group.columns = other.columns
        if group.apart is None:
            group.apart = other.apart
        group.nodes = other.nodes + group.nodes
        group.axes |= other.axes
        group.spread |= other.spread
        group.ended |= other.ended
        group.before |= other.before
        self.made.update((id(node.outputs[0]), number) for node in other.nodes)
        self.units[own] = None
        gone, kept = 1 << own, 1 << number
        self.needed |= kept
        for other_number, needs in enumerate(self.needs):
            if needs & gone and other_number != number:
                self.needs[other_number] = needs & ~gone | kept
        before = (self.needs[number] | self.needs[own]) & ~gone
        self.needs[number] &= ~gone
        self.needs[own] = 0
        self._require(number, before)
        for other_number, needs in enumerate(self.needs):
            if needs & kept:
                self.needs[other_number] |= self.needs[number]


def _agree(a: int | None, b: int | None) -> bool:
    return a is None or b is None or a == b


def _elementwise(group: Group, node: Node, known: list) -> bool:
    axes = group.place(known, node.outputs[0].shape)
    if axes is None:
        return False
    group.axes[id(node.outputs[0])] = group.spread[id(node)] = axes
    return True


def _reduced(group: Group, node: Node, known: list) -> bool:
    source, output = node.inputs[0], node.outputs[0]
    axes = group.place(known, source.shape)
    if axes is None:
        return False
    over = {axes[i] for i in node.attrs["axes"]} - {None}
    kept = tuple(a for i, a in enumerate(axes) if i not in node.attrs["axes"])
    rank, count = len(group.shape), len(over)
    varying = [a for a in kept if a is not None]
    wanted = group.inner if group.inner is not None else group.columns
    if len(varying) + count == rank and over == set(range(rank - count, rank)):
        if not _agree(wanted, count):
            return False
        group.inner = count
        if size_of(group.shape[rank - count :]) > ROW:
            group.ended.add(id(output))
    else:
        # over rows: one number is kept, or all of the last axes, and perhaps some of the first
        apart = next((i for i, a in enumerate(varying) if a != i), 0)
        columns = len(varying) - apart
        ends = varying[apart:] == list(range(rank - columns, rank))
        if (
            not ends
            or (apart and size_of(group.shape[rank - columns :]) < _FEW_COLUMNS)
            or REDUCTIONS[node.op] == "prod"
            or (varying and not _agree(wanted, columns))
            or not _agree(group.apart, apart)
        ):
            return False
        if varying:
            group.columns = columns
        group.apart = apart
        group.ended.add(id(output))
    group.axes[id(output)], group.spread[id(node)] = kept, axes
    return True


def _in_other_order(number: int, node: Node) -> Group:
    """A group for a reduction alone: the axes it keeps come first, those it reduces are a row."""
    shape, over = node.inputs[0].shape, set(node.attrs["axes"])
    spread = [i for i, n in enumerate(shape) if n != 1]
    order = [i for i in spread if i not in over] + [i for i in spread if i in over]
    axes = tuple(order.index(i) if i in order else None for i in range(len(shape)))
    group = Group(number, tuple(shape[i] for i in order))
    group.spread[id(node)] = axes
    group.axes[id(node.outputs[0])] = tuple(a for i, a in enumerate(axes) if i not in over)
    group.inner = sum(i in over for i in order)
    if size_of(group.shape[len(order) - group.inner :]) > ROW:
        group.ended.add(id(node.outputs[0]))
    return group


def groups_of(layout: Layout, fusable: Any) -> list[Group | Node]:
    """Groups and single nodes, each after those it reads.

    Args:
        layout: the graph.
        fusable: whether a node can be part of a kernel.
    """
    fusion = Fusion(layout)
    for node in layout.nodes:
        if fusable(node):
            fusion.add(node)
        else:
            fusion.alone(node)
    numbers = [i for i, unit in enumerate(fusion.units) if unit is not None]
    order = sorted(numbers, key=lambda i: bin(fusion.needs[i]).count("1"))
    return [fusion.units[i] for i in order]
