"""Nodes that become kernels of their own: which function makes the kernels of which op.

A lowering takes a node and the graph's layout, and gives the calls that compute the node's outputs
from its inputs as they lie. Imports the families of kernels and views.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb.compile.convolve import (
    convolution,
    convolution_input_grad,
    convolution_kernel_grad,
)
from kerasnb.compile.indices import gather, put_along_axis, scatter_add, take_along_axis
from kerasnb.compile.ir import Declined
from kerasnb.compile.matmul import dot_general
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

__all__ = ["LOWERINGS", "Lowering", "lowered"]

Lowering = Callable[[Node, Layout], list[Call]]


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


def _contraction(make: Callable, *without: str) -> Lowering:
    """The lowering of an op of two arrays and their result, whose attributes `make` takes, too,
    except those that the shapes tell."""

    def lower(node: Node, layout: Layout) -> list[Call]:
        views = {
            name: layout[t] for name, t in zip("abc", (*node.inputs, *node.outputs), strict=True)
        }
        attrs = {key: value for key, value in node.attrs.items() if key not in without}
        made = make(*(view.place for view in views.values()), **attrs)
        operands: dict[str, Any] = {**views, "workspace": Workspace("float32", made.workspace)}
        return [Call(kernel, [operands[n] for n in names]) for kernel, names in made.kernels]

    return lower


def _pooling(make: Callable, *without: str) -> Lowering:
    """The lowering of an op of one kernel, whose attributes `make` takes, except some."""

    def lower(node: Node, layout: Layout) -> list[Call]:
        views = [layout[t] for t in (*node.inputs, *node.outputs)]
        attrs = {key: value for key, value in node.attrs.items() if key not in without}
        return [Call(make(*(view.place for view in views), **attrs), views)]

    return lower


LOWERINGS: dict[Op, Lowering] = {
    OPS["dot_general"]: _contraction(dot_general),
    OPS["convolution"]: _contraction(convolution),
    OPS["convolution_input_grad"]: _contraction(convolution_input_grad, "shape"),
    OPS["convolution_kernel_grad"]: _contraction(convolution_kernel_grad, "window"),
    OPS["gather"]: gather,
    OPS["max_pool"]: _pooling(max_pool),
    OPS["max_pool_gather"]: _pooling(max_pool_gather),
    OPS["max_pool_scatter"]: _pooling(max_pool_scatter),
    OPS["put_along_axis"]: put_along_axis,
    OPS["scatter_add"]: scatter_add,
    OPS["sum_pool"]: _pooling(sum_pool),
    OPS["sum_pool_transpose"]: _pooling(sum_pool_transpose, "shape"),
    OPS["take_along_axis"]: take_along_axis,
}
