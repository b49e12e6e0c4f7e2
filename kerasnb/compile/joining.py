"""Concatenation without copying: what computes a part writes it where it is to lie.

Imports rows, views and what lies below.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnb.compile.fusion import Fusion, Group
from kerasnb.compile.kernel import Place
from kerasnb.compile.rows import refusal
from kerasnb.compile.views import Layout, View
from kerasnb.graph import Node
from kerasnb.op import OPS
from kerasnb.tensor import Tensor

__all__ = ["Joined", "copying", "joined"]


class Joined(NamedTuple):
    """A concatenation.

    Attributes:
        parts: the ids of the tensors that are its parts, made where they are to lie.
        copies: the groups that copy those parts that no other group makes.
    """

    parts: set[int]
    copies: list[Group]


def joined(unit: Any, units: Sequence[Any], layout: Layout) -> Joined | None:
    """A concatenation among `units`, whose groups now also write its parts; None if `unit` is
    something else."""
    if not isinstance(unit, Node) or unit.op is not OPS["concatenate"]:
        return None
    if not unit.outputs[0].size or refusal(_copy(unit.outputs[0])[0]) is not None:
        return None
    makers = _makers(units)
    _merge([makers[id(t)] for t in unit.inputs if id(t) in makers], units, layout)
    makers = _makers(units)
    (whole,), axis, start = unit.outputs, unit.attrs["axis"], 0
    strides = layout[whole].place.strides
    found = Joined(set(), [])
    for part in unit.inputs:
        place = Place(whole.dtype, part.shape, strides)
        copy, made = _copy(part)
        layout.views[id(made)] = View(whole, start * strides[axis], place)
        start += part.shape[axis]
        group = makers.get(id(layout[part].root))
        if part.size:
            found.parts.add(id(made))
            if group is not None and _is_whole(part, layout) and id(part) not in group.ended:
                group.nodes.append(copy)
                group.axes[id(made)] = group.spread[id(copy)] = group.axes[id(part)]
            else:
                found.copies.append(copying(copy, layout))
    return found


def _makers(units: Sequence[Any]) -> dict[int, Group]:
    """The group that makes each tensor, by the tensor's id."""
    groups = [unit for unit in units if isinstance(unit, Group)]
    return {id(node.outputs[0]): group for group in groups for node in group.nodes}


def _merge(groups: list[Group], units: Sequence[Any], layout: Layout) -> None:
    """Have the first of `groups` do the work of others over the same space, if it can come as
    early; those have no nodes then. One walk for all gates of a cell saves 2 us of 10."""
    order = [u for u in units if any(u is group for group in groups)]
    for other in order[1:]:
        first = order[0]
        start = next(i for i, u in enumerate(units) if u is first)
        between = itertools.takewhile(lambda u, stop=other: u is not stop, units[start:])
        made = {id(t) for u in between for n in _nodes(u) for t in n.outputs}
        read = {id(layout[t].root) for n in other.nodes for t in n.inputs if type(t) is Tensor}
        if first.shape == other.shape and _is_plain(first) and _is_plain(other) and not made & read:
            first.nodes += other.nodes
            first.axes |= other.axes
            first.spread |= other.spread
            other.nodes = []


def _nodes(unit: Any) -> list[Node]:
    return [unit] if isinstance(unit, Node) else unit.nodes


def _is_plain(group: Group) -> bool:
    """Whether it has nothing but elementwise nodes."""
    return group.inner is None and group.columns is None and not (group.ended or group.before)


def copying(node: Node, layout: Layout) -> Group:
    """An elementwise node as a group of its own."""
    fusion = Fusion(layout)
    fusion.add(node)
    return fusion.units[0]


def _is_whole(tensor: Tensor, layout: Layout) -> bool:
    return layout[tensor].root is tensor


def _copy(tensor: Tensor) -> tuple[Node, Tensor]:
    copy = Node(OPS["stop_gradient"], (tensor,))
    made = Tensor(None, tensor.spec, copy)
    copy.outputs = (made,)
    return copy, made
