"""Numbers that are computed again where they are needed, instead of kept. Imports fusion and walk.

What a group makes for a later one is written to memory and read again, which takes as long as some
ten operations on each element. If the later group can make it from what it reads anyway, or from
nothing larger, it does: a difference to the mean, or where a normalized value is above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnb.compile.fusion import Group
from kerasnb.compile.views import Layout
from kerasnb.compile.walk import SLOW
from kerasnb.graph import Node
from kerasnb.op import OPS
from kerasnb.tensor import Tensor

__all__ = ["external", "recompute"]

LEAST = 1 << 16  # bytes: smaller tensors stay in the first caches
MOST = 8  # nodes that are computed again for one tensor
SMALL = 16  # what is so many times smaller than the tensor costs nothing to read
_COSTLY = SLOW | {OPS[name] for name in ("divide", "rsqrt", "sqrt")}


class Plan(NamedTuple):
    """How a group makes a tensor of another one.

    Attributes:
        extra: bytes that it has to read for that, beyond what it reads already; what must be
            written first counts twice.
        nodes: what it computes, in order, each with the axes of its result in the group's space.
    """

    extra: int
    nodes: tuple[tuple[Node, tuple], ...] = ()


def recompute(units: Sequence[Any], layout: Layout, wanted: set[int]) -> None:
    """Have groups among `units` compute again what costs less than reading it.

    Args:
        units: groups and others, in order. Groups get nodes of earlier ones, and lose those that
            nobody needs any more.
        layout: where the tensors lie.
        wanted: the ids of the tensors that must be in memory in the end.
    """
    _Recomputing(units, layout, wanted).run()


def external(unit: Any, layout: Layout) -> dict[int, Tensor]:
    """The roots, by id, that a group, a node or a concatenation reads from memory."""
    found = {}
    for part in getattr(unit, "copies", [unit]):
        nodes, made = (part.nodes, part.axes) if isinstance(part, Group) else ([part], {})
        roots = [layout[t].root for n in nodes for t in n.inputs if type(t) is Tensor]
        found |= {id(root): root for root in roots if id(root) not in made}
    return found


class _Recomputing:
    """Goes through the groups in order, so that a later tensor finds what became of earlier ones.

    Attributes:
        reads: the roots, by id, that each unit reads from memory.
        readers: the numbers of the units that read a root, by its id.
        makers: the node of each tensor, by id, that can be computed again.
        within: the ids of the tensors that a group makes and need not write.
    """

    def __init__(self, units: Sequence[Any], layout: Layout, wanted: set[int]):
        self.units, self.layout, self.wanted = units, layout, wanted
        self.reads = [external(unit, layout) for unit in units]
        self.readers: dict[int, set[int]] = {}
        for number, roots in enumerate(self.reads):
            for key in roots:
                self.readers.setdefault(key, set()).add(number)
        groups = [unit for unit in units if isinstance(unit, Group)]
        self.makers = {
            id(n.outputs[0]): n
            for g in groups
            for n in g.nodes
            if n.op.kind == "elementwise" and n.op not in _COSTLY
        }
        self.within = {key for g in groups for key in g.axes if key not in g.ended}

    def run(self) -> None:
        for unit in self.units:
            if isinstance(unit, Group):
                for node in [n for n in unit.nodes if id(n.outputs[0]) not in unit.again]:
                    if node.outputs[0].spec.nbytes >= LEAST:
                        self._consider(node.outputs[0])
        for number, unit in enumerate(self.units):
            if isinstance(unit, Group):
                self._drop_unused(number, unit)

    def _consider(self, tensor: Tensor) -> None:
        """Have all readers make a tensor, so that it need not be written; or those that read no
        more for that."""
        key = id(tensor)
        plans = {number: self._plan(tensor, number) for number in self.readers.get(key, ())}
        most = 0
        if key not in self.wanted and None not in plans.values():
            most = tensor.spec.nbytes
        everywhere = all(plan is not None and plan.extra <= most for plan in plans.values())
        for number, plan in plans.items():
            if plan is not None and (everywhere or plan.extra == 0):
                self._take(number, tensor, plan)

    def _plan(self, tensor: Tensor, number: int) -> Plan | None:
        group = self.units[number]
        if not isinstance(group, Group) or group.size != tensor.size:
            return None
        found = set()
        for node in group.nodes:
            for t in node.inputs:
                if type(t) is Tensor and self.layout[t].root is tensor:
                    if self.layout[t] != self.layout[tensor]:
                        return None  # read in another order, or only a part of it
                    found.add(_aligned(group.spread[id(node)], t.shape))
        return self._made(tensor, found.pop(), number, MOST) if len(found) == 1 else None

    def _made(self, tensor: Tensor, axes: tuple, number: int, most: int) -> Plan | None:
        """How a group makes a tensor that lies along `axes` of its space, with `most` nodes."""
        node = self.makers.get(id(tensor))
        if node is None or most == 0:
            return None
        extra, nodes = 0, {}
        for t in node.inputs:
            if type(t) is not Tensor:
                continue
            plan = self._at_hand(t, _aligned(axes, t.shape), number, most - 1, tensor.spec.nbytes)
            if plan is None or any(nodes.get(id(n), (n, a)) != (n, a) for n, a in plan.nodes):
                return None
            extra += plan.extra
            nodes |= {id(n): (n, a) for n, a in plan.nodes}
        if len(nodes) >= most:
            return None
        return Plan(extra, (*nodes.values(), (node, axes)))

    def _at_hand(self, t: Tensor, axes: tuple, number: int, most: int, size: int) -> Plan | None:
        """How a group comes by an operand of a node that makes `size` bytes."""
        group, view = self.units[number], self.layout[t]
        key = id(view.root)
        if key in group.axes:
            return Plan(0) if group.axes_of(view) == axes else None
        if key in self.reads[number] or view.root.spec.nbytes * SMALL <= size:
            return Plan(0)
        is_kept = key not in self.within or key in self.wanted or self.readers.get(key)
        read = Plan(view.root.spec.nbytes * (1 if is_kept else 2))
        made = self._made(t, axes, number, most) if view.root is t else None
        return read if made is None or made.extra >= read.extra else made

    def _take(self, number: int, tensor: Tensor, plan: Plan) -> None:
        group = self.units[number]
        new = [(n, axes) for n, axes in plan.nodes if id(n.outputs[0]) not in group.axes]
        first = len(group.again)  # after what it computes again already
        group.nodes[first:first] = [node for node, _ in new]
        for node, axes in new:
            key = id(node.outputs[0])
            group.axes[key] = group.spread[id(node)] = axes
            group.again.add(key)
        reads = external(group, self.layout)
        for key in self.reads[number].keys() - reads.keys():
            self.readers[key].discard(number)
        for key in reads:
            self.readers.setdefault(key, set()).add(number)
        self.reads[number] = reads

    def _drop_unused(self, number: int, group: Group) -> None:
        used: set[int] = set()
        for node in reversed(group.nodes[:]):
            key = id(node.outputs[0])
            is_kept = key in self.wanted or self.readers.get(key, set()) - {number}
            if key in used or (is_kept and key not in group.again) or key not in self.makers:
                used |= {id(self.layout[t].root) for t in node.inputs if type(t) is Tensor}
            else:
                group.nodes.remove(node)
                group.again.discard(key)
                del group.axes[key], group.spread[id(node)]


def _aligned(axes: tuple, shape: tuple) -> tuple:
    """The axes of a space for an operand of `shape`, whose last axes meet the last of `axes`."""
    own = axes[len(axes) - len(shape) :]
    return tuple(None if n == 1 else axis for n, axis in zip(shape, own, strict=True))
