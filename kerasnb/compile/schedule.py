"""A graph as a list of calls of kernels, and of nodes that have none. Imports scans, summing,
lowering, rows and fusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kerasnb.compile.fusion import Group, groups_of
from kerasnb.compile.ir import Declined
from kerasnb.compile.joining import Joined, joined
from kerasnb.compile.lowering import lowered
from kerasnb.compile.recompute import external, recompute
from kerasnb.compile.rows import calls_of, refusal
from kerasnb.compile.scans import scan
from kerasnb.compile.summing import with_sums
from kerasnb.compile.views import Call, Layout
from kerasnb.graph import Graph, Node

__all__ = ["Fallback", "steps_of"]

# Bytes of a result from which it goes past the caches. Adam over a table of 20000x128: 1.9 ms
# instead of 2.6; 1.6 MB, which would have stayed in the cache until the next step, gain nothing.
_STREAMED = 1 << 22


class Fallback(NamedTuple):
    """A node that runs through NumPy, and why."""

    node: Node
    reason: str


def steps_of(graph: Graph, layout: Layout, aligned: bool = False) -> list[Call | Fallback]:
    """What computes the graph's outputs, in order.

    Args:
        graph: the graph.
        layout: where its tensors lie; learns of copies, and of parts made where they are to lie.
        aligned: whether the memory of each output begins at a line of the cache.
    """
    units = groups_of(layout, lambda node: refusal(node) is None)
    units = [joined(unit, units, layout) or unit for unit in units]
    wanted = {id(layout[t].root) for t in graph.outputs if id(t) in layout.views}
    wanted |= {key for unit in units if isinstance(unit, Joined) for key in unit.parts}
    recompute(units, layout, wanted)
    units = [unit for unit in units if not isinstance(unit, Group) or unit.nodes]
    readers: dict[int, set] = {}
    for number, unit in enumerate(units):
        for key in external(unit, layout):
            readers.setdefault(key, set()).add(number)
    streamed: set[int] = set()
    if aligned:
        streamed = {
            id(t) for t in graph.outputs if id(t) not in readers and t.spec.nbytes >= _STREAMED
        }
    made = [_kept(unit, number, readers, wanted) for number, unit in enumerate(units)]
    ready = with_sums(units, layout, readers, wanted, made, streamed)
    steps: list[Call | Fallback] = []
    for number, unit in enumerate(units):
        if number in ready:
            steps += map(_named, ready[number])
        elif isinstance(unit, Node):
            steps += _alone(unit, layout)
        else:
            for group in _groups(unit):
                try:
                    steps += map(_named, calls_of(group, layout, made[number], streamed))
                except Declined as reason:
                    steps += [Fallback(node, str(reason)) for node in group.nodes]
    return steps


def _groups(unit: Group | Joined) -> list[Group]:
    return unit.copies if isinstance(unit, Joined) else [unit]


def _kept(
    unit: Node | Group | Joined, number: int, readers: dict[int, set], wanted: set[int]
) -> set[int]:
    """The ids of the tensors that the groups of a unit write to memory."""
    if isinstance(unit, Node):
        return set()  # its own business
    own = {id(n.outputs[0]) for g in _groups(unit) for n in g.nodes}
    own -= {key for g in _groups(unit) for key in g.again}
    return {key for key in own if readers.get(key, set()) - {number} or key in wanted}


def _named(call: Call) -> Call:
    """The call with its copies named only if it has nothing else."""
    names = [name for name in call.kernel.name.split("+") if name != "stop_gradient"]
    return call._replace(kernel=call.kernel._replace(name="+".join(names) or "copy"))


def _alone(node: Node, layout: Layout) -> Sequence[Call | Fallback]:
    try:
        if node.op.kind == "control":
            return scan(node, layout, steps_of)
        return lowered(node, layout)
    except Declined as reason:
        return [Fallback(node, str(reason))]
