"""What a call costs: arithmetic operations for one sample, read off the ops that it is made of.

A call is traced for a batch of one, so that layers of one's own have a cost too. A multiply-add is
two operations; an elementwise function counts as one an element, however long the processor takes;
moving data is free. Imports graph, tensor, variable and what lies below.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kerasnb import tree
from kerasnb.errors import KerasnbError
from kerasnb.graph import Graph, Node, inner_level, topological
from kerasnb.spec import TensorSpec, size_of
from kerasnb.tensor import Tensor, placeholder
from kerasnb.variable import StateScope

__all__ = ["CALL_ERRORS", "call_cost", "node_cost"]

# What the `call` of somebody's layer may raise when it is only being looked at.
CALL_ERRORS = (
    KerasnbError, ArithmeticError, AttributeError, LookupError, NameError, NotImplementedError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip

_FREE = ("convert", "stop_gradient")  # elementwise, but no arithmetic


def call_cost(layer: Any, args: tuple, kwargs: dict) -> int | None:
    """The operations that a call of `layer` makes for one sample, without training.

    Args:
        layer: whose `call` is traced. Nothing about it changes.
        args: positional arguments, with symbolic tensors or specs for tensors.
        kwargs: keyword arguments.

    Returns:
        The number, or None where it is not known: a layer without weights yet, an axis of unknown
        length, a call that cannot be traced.
    """
    if not all(part.built for part in layer._flatten_layers()):
        return None
    specs = [_spec(leaf) for leaf in tree.flatten((args, kwargs))]
    shapes = [s.shape for s in specs if s is not None]
    if any(None in shape[1:] for shape in shapes):
        return None
    samples = max((shape[0] or 1 for shape in shapes if shape), default=1)

    def stand_in(leaf: Any) -> Any:
        spec = _spec(leaf)
        return leaf if spec is None else placeholder(spec.with_shape(_of_one(spec.shape)))

    try:
        with _unchanged(layer), inner_level(), StateScope().active():
            args, kwargs = tree.map_structure(stand_in, (args, kwargs))
            outputs = tree.flatten(layer.call(*args, **kwargs))
    except CALL_ERRORS:
        return None
    nodes = topological([t for t in outputs if isinstance(t, Tensor)])
    total = _total(nodes)
    return None if total is None else total // samples


def node_cost(node: Node) -> int | None:
    """The operations of one op for one sample, or None if an axis has an unknown length."""
    inputs = [_of_one(t.shape) for t in node.inputs if hasattr(t, "shape")]
    outputs = [_of_one(t.shape) for t in node.outputs]
    if any(None in shape for shape in (*inputs, *outputs)):
        return None
    bodies = [value for value in node.attrs.values() if isinstance(value, Graph)]
    if bodies:  # a loop
        costs = [_total(body.nodes) for body in bodies]
        return None if None in costs else node.attrs.get("length", 1) * sum(costs)
    return _COSTS.get(node.op.kind, _nothing)(node, inputs, outputs)


def _total(nodes: Iterable[Node]) -> int | None:
    costs = [node_cost(node) for node in nodes]
    return None if None in costs else sum(costs)


def _spec(leaf: Any) -> TensorSpec | None:
    if isinstance(leaf, TensorSpec):
        return leaf
    return leaf.spec if type(leaf) is Tensor and leaf.data is None else None


def _of_one(shape: tuple) -> tuple:
    """The shape with a batch of one where the size of the batch is open."""
    return (1, *shape[1:]) if shape and shape[0] is None else shape


@contextmanager
def _unchanged(layer: Any) -> Iterator[None]:
    """Take back the losses that the block's calls add, which belong to no step."""
    before = [(part._losses, len(part._losses)) for part in layer._flatten_layers()]
    try:
        yield
    finally:
        for losses, length in before:
            del losses[length:]


def _elementwise(node: Node, inputs: list, outputs: list) -> int:
    return 0 if node.op.name in _FREE else _count(outputs)


def _contraction(node: Node, inputs: list, outputs: list) -> int:
    """Twice the number of products, from the sizes of the operands and of the result."""
    if "window" in node.attrs or "strides" in node.attrs:  # the three faces of a convolution
        # every weight meets every position once; padding counts as if it were data
        positions, kernel = {
            "convolution": (outputs[0], inputs[1]),
            "convolution_input_grad": (inputs[0], inputs[1]),
            "convolution_kernel_grad": (inputs[1], outputs[0]),
        }[node.op.name]
        return 2 * math.prod(positions[:-1]) * math.prod(kernel)
    # (B, M, K) x (B, K, N) -> (B, M, N): the product of the sizes is B^3 (M K N)^2
    shared = math.prod(inputs[0][axis] for axis in node.attrs["batch"][0])
    product = math.prod(map(math.prod, (*inputs, *outputs)))
    return 2 * (math.isqrt(product // shared) if product else 0)


def _reduction(node: Node, inputs: list, outputs: list) -> int:
    return _count(inputs)


def _window(node: Node, inputs: list, outputs: list) -> int:
    # each element of the smaller side is met by a whole window
    return min(_count(inputs[:1]), _count(outputs)) * math.prod(node.attrs["window"])


def _random(node: Node, inputs: list, outputs: list) -> int:
    return _count(outputs)


def _nothing(node: Node, inputs: list, outputs: list) -> int:
    return 0


def _count(shapes: list) -> int:
    return sum(size_of(shape) for shape in shapes)


_COSTS = {
    "elementwise": _elementwise,
    "contract": _contraction,
    "reduce": _reduction,
    "window": _window,
    "random": _random,
}
