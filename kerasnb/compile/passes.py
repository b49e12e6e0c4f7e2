"""Graph to graph: what every engine wants done first. Imports graph and tensor."""

from __future__ import annotations

from typing import Any

from kerasnb.graph import Graph, Node
from kerasnb.tensor import Tensor

__all__ = ["share_common"]


def share_common(graph: Graph) -> Graph:
    """The graph with equal nodes merged into one.

    Two nodes are equal if their op, inputs and attributes are. Random ops are no exception: their
    counter is an input.
    """
    values: dict[int, Tensor] = {}
    made: dict[Any, Node] = {}
    for node in graph.nodes:
        inputs = tuple(values.get(id(t), t) for t in node.inputs)
        key = (
            id(node.op),
            tuple(id(t) if type(t) is Tensor else repr(t) for t in inputs),
            tuple(node.attrs.items()),
        )
        same = made.get(key)
        if same is None:
            same = made[key] = Node(node.op, inputs, node.attrs, node.level)
            same.single = node.single
            same.outputs = tuple(Tensor(None, t.spec, same) for t in node.outputs)
        values.update(zip((id(t) for t in node.outputs), same.outputs, strict=True))
    return Graph(graph.inputs, [values.get(id(t), t) for t in graph.outputs])
