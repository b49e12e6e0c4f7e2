"""Arrays that are made of parts, or of which only parts are read, graph to graph. Imports passes.

The gates of a recurrent cell are parts of one product. What is computed from it on the whole, only
to be taken apart, is computed part by part, so that it fuses with what reads the parts. A sum of
parts with zeros around them, as the gradient of a split gives, is put together without adding.
"""

from __future__ import annotations

from typing import Any

from kerasnb.compile.passes import rebuilt
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor, apply

__all__ = ["by_parts"]

ADD, PAD, SLICE = (OPS[name] for name in ("add", "pad", "slice"))


def by_parts(graph: Graph) -> Graph:
    """The graph with sums of padded parts as concatenations, and elementwise nodes that are only
    sliced as nodes of the slices."""
    graph = _joined(graph)
    while True:
        apart = _split(graph)
        if apart is graph:
            return graph
        graph = apart


# Putting together


def _joined(graph: Graph) -> Graph:
    reads = _readers(graph)
    inner = {
        id(t)
        for node in graph.nodes
        if node.op is ADD
        for t in node.inputs
        if type(t) is Tensor and reads[id(t)] == [node]
    }

    def change(node: Node, values: dict) -> Any:
        if node.op is not ADD or id(node.outputs[0]) in inner:
            return None
        parts = _parts(node.outputs[0], inner)
        found = None if parts is None else _tiling(parts)
        if found is None:
            return None
        axis, sources = found
        return [apply(OPS["concatenate"], *(values.get(id(t), t) for t in sources), axis=axis)]

    return rebuilt(graph, change)


def _parts(tensor: Any, inner: set[int]) -> list[Node] | None:
    """The pads that a sum adds up, if it is one of pads."""
    node = tensor.node if type(tensor) is Tensor else None
    if node is None or node.op not in (ADD, PAD):
        return None
    if node.op is PAD:
        return [node]
    found = []
    for t in node.inputs:
        parts = _parts(t, inner) if type(t) is Tensor and id(t) in inner else None
        if parts is None:
            return None
        found += parts
    return found


def _tiling(pads: list[Node]) -> tuple[int, list[Tensor]] | None:
    """The axis along which the sources of pads follow each other without gaps, and they in order;
    None if they do not."""
    first = pads[0]
    shape = first.outputs[0].shape
    padded = {
        i
        for node in pads
        for i, ends in enumerate(zip(node.attrs["low"], node.attrs["high"], strict=True))
        if any(ends)
    }
    plain = all(
        node.attrs["value"] == 0
        and not any(node.attrs["interior"])
        and min((*node.attrs["low"], *node.attrs["high"])) >= 0
        and node.outputs[0].spec == first.outputs[0].spec
        for node in pads
    )
    if len(padded) != 1 or not plain:
        return None
    (axis,) = padded
    end, sources = 0, []
    for node in sorted(pads, key=lambda n: (n.attrs["low"][axis], n.inputs[0].shape[axis])):
        if node.attrs["low"][axis] != end:
            return None
        sources.append(node.inputs[0])
        end += node.inputs[0].shape[axis]
    return (axis, sources) if end == shape[axis] else None


# Taking apart


def _split(graph: Graph) -> Graph:
    reads = _readers(graph)
    apart = {
        id(node.outputs[0])
        for node in graph.nodes
        if node.op.kind == "elementwise"
        and _only_sliced(node.outputs[0], reads[id(node.outputs[0])])
    }
    if not apart:
        return graph

    def change(node: Node, values: dict) -> Any:
        if node.op is not SLICE or id(node.inputs[0]) not in apart:
            return None
        whole = node.inputs[0]
        inputs = [
            _part(values.get(id(t), t), whole, node.attrs) if type(t) is Tensor else t
            for t in whole.node.inputs
        ]
        return [apply(whole.node.op, *inputs, **whole.node.attrs)]

    return rebuilt(graph, change)


def _only_sliced(tensor: Tensor, readers: list) -> bool:
    """Whether all that reads `tensor` are slices, which do not take an element twice."""
    if not readers or any(node is None or node.op is not SLICE for node in readers):
        return False
    taken = sum(size_of(node.outputs[0].shape) for node in readers)
    return 0 < taken <= size_of(tensor.shape)


def _part(tensor: Tensor, whole: Tensor, attrs: dict) -> Tensor:
    """The part of an operand that a slice of `whole` needs."""
    extra = len(whole.shape) - len(tensor.shape)
    cut = [n == m for n, m in zip(tensor.shape, whole.shape[extra:], strict=True)]
    start, stop, step = (
        tuple(
            value if whole_axis else other
            for value, whole_axis in zip(attrs[name][extra:], cut, strict=True)
        )
        for name, other in (("start", 0), ("stop", None), ("step", 1))
    )
    if not any(cut):
        return tensor
    return apply(SLICE, tensor, start=start, stop=stop, step=step)


def _readers(graph: Graph) -> dict[int, list[Node | None]]:
    """The nodes that read each tensor, by its id, once for each time; None for an output."""
    found: dict[int, list[Node | None]] = {id(t): [] for n in graph.nodes for t in n.outputs}
    for node in graph.nodes:
        for tensor in node.inputs:
            if type(tensor) is Tensor:
                found.setdefault(id(tensor), []).append(node)
    for tensor in graph.outputs:
        found.setdefault(id(tensor), []).append(None)
    return found
