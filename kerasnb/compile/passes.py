"""Graph to graph: what every engine wants done first. Imports graph and tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb.graph import Graph, Node
from kerasnb.tensor import Tensor

__all__ = ["rebuilt", "share_common"]


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


def rebuilt(graph: Graph, change: Callable[[Node, dict[int, Tensor]], Any]) -> Graph:
    """The graph with some nodes replaced.

    Args:
        graph: the graph.
        change: takes a node of it, and what has become of the tensors before, by id. Gives a tensor
            for each output of the node, None where nobody reads it; or nothing, and the node stays.
    """
    values: dict[int, Tensor] = {}
    for node in graph.nodes:
        outputs = change(node, values)
        if not outputs:
            inputs = tuple(values.get(id(t), t) for t in node.inputs)
            if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
                continue
            copy = Node(node.op, inputs, node.attrs, node.level)
            copy.single = node.single
            outputs = copy.outputs = tuple(Tensor(None, t.spec, copy) for t in node.outputs)
        values.update(
            (id(t), new) for t, new in zip(node.outputs, outputs, strict=True) if new is not None
        )
    return Graph(graph.inputs, [values.get(id(t), t) for t in graph.outputs])
