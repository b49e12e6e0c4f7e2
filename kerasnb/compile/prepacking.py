"""Products whose second operand stays the same from step to step of a loop: it is packed before.

Imports packing, views and passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnb.compile.contract import FLOAT, Axis, Cut, registers_of, text_of
from kerasnb.compile.kernel import Function, Kernel, Place
from kerasnb.compile.packing import pack
from kerasnb.compile.passes import rebuilt
from kerasnb.compile.views import Layout, View
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, apply, placeholder

__all__ = ["Packed", "prepacked"]

_MANY_ROWS = 256  # a product with more packs while it computes, at little cost


class Packed(NamedTuple):
    """An operand that is packed before a loop.

    Attributes:
        tensor: the input of the body that takes its place: (panels, *summed axes, columns).
        kernel: makes it; the operands are the old one and the new one.
        source: the old one, as it lies.
    """

    tensor: Tensor
    kernel: Kernel
    source: View


def prepacked(body: Graph, layout: Layout, fixed: Sequence[Tensor]) -> tuple[Graph, list[Packed]]:
    """A loop's body with products of packed operands, which are more inputs of it.

    Panels of 128x512 for 32 rows are packed in each step otherwise: 42 us, and 37 without.

    Args:
        body: the graph.
        layout: where its tensors lie.
        fixed: the inputs that are the same in all steps.
    """
    roots = {id(t) for t in fixed}
    found: dict[int, Packed] = {}
    for node in body.nodes:
        if node.op is OPS["dot_general"] and id(layout[node.inputs[1]].root) in roots:
            packed = None if id(layout[node.inputs[0]].root) in roots else _packed(node, layout)
            if packed is not None:
                found[id(node)] = packed
    if not found:
        return body, []

    def change(node: Node, values: dict[int, Tensor]) -> Any:
        if id(node) not in found:
            return None
        a, contract = node.inputs[0], node.attrs["contract"][0]
        axes = (contract, tuple(range(1, 1 + len(contract))))
        a, b = values.get(id(a), a), found[id(node)].tensor
        whole = apply(node.op, a, b, contract=axes, batch=((), ()))
        return [apply(OPS["reshape"], whole, shape=node.outputs[0].shape)]

    inputs = [*body.inputs, *(p.tensor for p in found.values())]
    return rebuilt(Graph(inputs, body.outputs), change), list(found.values())


def _packed(node: Node, layout: Layout) -> Packed | None:
    """The packed second operand of a product, if that is of use."""
    (a, b), place = node.inputs, layout[node.inputs[1]].place
    contract, batch = node.attrs["contract"], node.attrs["batch"]
    free = [i for i in range(len(place.shape)) if i not in contract[1]]
    rows = math.prod(n for i, n in enumerate(a.shape) if i not in contract[0])
    if batch[0] or len(free) != 1 or not 1 < rows <= _MANY_ROWS or {a.dtype, b.dtype} != {FLOAT}:
        return None
    made = _packing(place, free[0], contract[1], rows)
    if made is None:
        return None
    kernel, shape = made
    return Packed(placeholder(TensorSpec(shape, FLOAT), "packed"), kernel, layout[b])


def _packing(
    b: Place, free: int, summed: Sequence[int], rows: int
) -> tuple[Kernel, tuple[int, ...]] | None:
    """The kernel that packs, and the shape it gives; None if the columns do not fill the panels, or
    lie as they should."""
    columns = Axis(b.shape[free], 0, b.strides[free], 1)
    if columns.extent == 1:
        return None
    registers = registers_of()
    widths = [v for v in (2, 1) if columns.extent % (v * registers.lanes) == 0]
    if not widths or (columns.extent == widths[0] * registers.lanes and columns.b == 1):
        return None
    most = registers.rows(widths[0])
    cut = Cut.of([Axis(rows, 1, 0, 1)], columns, registers.lanes, widths[0], most)
    reduced = [Axis(b.shape[i], 0, b.strides[i]) for i in summed]
    lengths = [axis.extent for axis in reduced]
    depth, f = math.prod(lengths), Function()
    pack(f, cut, reduced, f.operand(0), f.operand(1), packed=depth * cut.width)
    moved = 8 * depth * columns.extent
    kernel = Kernel(f"pack {depth}x{columns.extent}", text_of(f), 1, 0, moved)
    return kernel, (cut.panels, *lengths, cut.width)
