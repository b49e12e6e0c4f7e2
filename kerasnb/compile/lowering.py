"""Nodes that become kernels of their own: which function makes the kernels of which op.

A lowering takes a node and the graph's layout, and gives the calls that compute the node's outputs
from its inputs as they lie. Imports the families of kernels and views.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from kerasnb.compile.convolve import (
    convolution,
    convolution_input_grad,
    convolution_kernel_grad,
)
from kerasnb.compile.indices import gather, put_along_axis, scatter_add, take_along_axis
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Place
from kerasnb.compile.lines import cumsum, first_extreme
from kerasnb.compile.matmul import dot_general
from kerasnb.compile.moving import dense_copy, pad
from kerasnb.compile.pooling import (
    max_pool,
    max_pool_gather,
    max_pool_scatter,
    sum_pool,
    sum_pool_transpose,
)
from kerasnb.compile.rows import refusal
from kerasnb.compile.views import Call, Layout, Workspace
from kerasnb.graph import Node
from kerasnb.op import OPS, Op

__all__ = ["LOWERINGS", "lowered"]

Lowering = Callable[[Node, Layout], list[Call]]
Fits = Callable[[Place], bool]

_KEPT = 256  # kernels of each op: equal layers share them, and so do a model's further plans


def lowered(node: Node, layout: Layout) -> list[Call]:
    """The kernels of a node, in order.

    Raises:
        Declined: there are none; it says why.
    """
    if node.op not in LOWERINGS:
        raise Declined(refusal(node))
    if not all(t.size for t in node.outputs):
        raise Declined("there are no elements")
    return LOWERINGS[node.op](node, layout)


def _contraction(make: Callable, *without: str, fits: Fits = lambda _: True) -> Lowering:
    """The lowering of an op of two arrays and their result, whose attributes `make` takes, too,
    except those that the shapes tell. What does not lie as it `fits` is copied first."""

    kept = lru_cache(_KEPT)(make)

    def lower(node: Node, layout: Layout) -> list[Call]:
        copies, operands, places = _operands(node, layout, fits)
        made = kept(*places, **_attributes(node, without))
        named: dict[str, Any] = dict(zip("abc", operands, strict=True))
        named["workspace"] = Workspace("float32", made.workspace)
        return copies + [Call(kernel, [named[n] for n in names]) for kernel, names in made.kernels]

    return lower


def _single(make: Callable, *without: str, fits: Fits = lambda _: True) -> Lowering:
    """The same for an op of one kernel, whose operands are its inputs and its result."""

    kept = lru_cache(_KEPT)(make)

    def lower(node: Node, layout: Layout) -> list[Call]:
        copies, operands, places = _operands(node, layout, fits)
        return [*copies, Call(kept(*places, **_attributes(node, without)), operands)]

    return lower


def _operands(node: Node, layout: Layout, fits: Fits) -> tuple[list[Call], list, list[Place]]:
    """Copies of those inputs that do not fit; all operands, and how they lie."""
    copies, operands, places = [], [], []
    for view in [layout[t] for t in (*node.inputs, *node.outputs)]:
        operand, place = view, view.place
        if not fits(place):
            copy, operand, place = dense_copy(view)
            copies.append(copy)
        operands.append(operand)
        places.append(place)
    return copies, operands, places


def _attributes(node: Node, without: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in node.attrs.items() if key not in without}


_convolution = partial(_contraction, fits=lambda place: place.is_dense)
_pooling = partial(_single, fits=lambda place: place.strides[-1] == 1 or place.shape[-1] == 1)

LOWERINGS: dict[Op, Lowering] = {
    OPS["argmax"]: _single(partial(first_extreme, largest=True)),
    OPS["argmin"]: _single(partial(first_extreme, largest=False)),
    OPS["convolution"]: _convolution(convolution),
    OPS["convolution_input_grad"]: _convolution(convolution_input_grad, "shape"),
    OPS["convolution_kernel_grad"]: _convolution(convolution_kernel_grad, "window"),
    OPS["cumsum"]: _single(cumsum),
    OPS["dot_general"]: _contraction(dot_general),
    OPS["gather"]: gather,
    OPS["max_pool"]: _pooling(max_pool),
    OPS["max_pool_gather"]: _pooling(max_pool_gather),
    OPS["max_pool_scatter"]: _pooling(max_pool_scatter),
    OPS["pad"]: pad,
    OPS["put_along_axis"]: put_along_axis,
    OPS["scatter_add"]: scatter_add,
    OPS["sum_pool"]: _pooling(sum_pool),
    OPS["sum_pool_transpose"]: _pooling(sum_pool_transpose, "shape"),
    OPS["take_along_axis"]: take_along_axis,
}
