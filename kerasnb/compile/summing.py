"""Sums by index that are used up where they are made. Imports rows and indices.

The gradient of a table is zeros but for some rows, and only its optimizer reads it. So each chunk
adds up its rows in scratch memory and goes on with them there, instead of writing a table, mostly
of zeros, for another kernel to read.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import Any

from kerasnb.compile.fusion import Group
from kerasnb.compile.indices import add_slices, slice_flags
from kerasnb.compile.ir import Declined
from kerasnb.compile.rows import Writer
from kerasnb.compile.views import Call, Layout
from kerasnb.compile.walk import PIECES, Walk
from kerasnb.graph import Node
from kerasnb.op import OPS

__all__ = ["with_sums"]

_LEAST = 1 << 20  # bytes of a table; a smaller one stays in the cache
_PIECE = 1 << 19  # bytes of it that a chunk has in its cache


def with_sums(
    units: Sequence[Any], layout: Layout, readers: dict[int, set], wanted: set[int],
    made: Sequence[set[int]], streamed: Container[int],
) -> dict[int, list[Call]]:  # fmt: skip
    """The kernels of groups that are the only ones to read sums by index, with these.

    Args:
        units: groups and others.
        layout: where the tensors lie.
        readers: the numbers of the units that read a root, by its id.
        wanted: the ids of the tensors that must be in memory in the end.
        made: the ids of the tensors that the groups of each unit write to memory.
        streamed: as for `rows.calls_of`.

    Returns:
        By number of the unit; for the sums alone there are no calls any more.
    """
    found: dict[int, list[Call]] = {}
    for number, unit in enumerate(units):
        if not isinstance(unit, Node) or unit.op is not OPS["scatter_add"]:
            continue
        (output,) = unit.outputs
        reading = list(readers.get(id(output), ()))
        if len(reading) != 1 or id(output) in wanted:
            continue
        (reader,) = reading
        if reader not in found:
            calls = _together(unit, units[reader], layout, made[reader], streamed)
            found |= {number: [], reader: calls} if calls else {}
    return found


def _together(
    node: Node, group: Any, layout: Layout, kept: set[int], streamed: Container[int]
) -> list[Call] | None:
    """One kernel for sums by index and what reads them; None if there is no such."""
    (table,) = node.outputs
    if node.attrs["axis"] or table.spec.nbytes < _LEAST or not isinstance(group, Group):
        return None
    if group.before or group.ended or group.inner is not None:
        return None
    try:
        walk = Walk(group, layout, kept)
        read = [i for i, view in enumerate(walk.views) if view.root is table]
        flat = walk.lengths == [table.size] and walk.rows == 1
        if len(read) != 1 or not flat or walk.strides[read[0]] != [1]:
            return None
        writer = _Summing(walk, streamed, node, layout, read[0])
        return writer.calls() if writer.is_worth_it() else None
    except Declined:
        return None


class _Summing(Writer):
    """Writes the kernel of a walk along a table, one of whose operands are sums by index.

    Args:
        walk: over all elements in one row.
        streamed: as for `rows.calls_of`.
        node: the sums.
        layout: where its inputs lie.
        number: that of the operand.
    """

    def __init__(
        self, walk: Walk, streamed: Container[int], node: Node, layout: Layout, number: int
    ):
        super().__init__(walk, streamed)
        self.node, self.layout, self.number = node, layout, number
        (table,) = node.outputs
        self.columns = table.size // table.shape[0]
        self.unit = math.lcm(self.width, self.columns)
        size = table.spec.nbytes // table.size
        units = -(-table.size // self.unit)
        each = max(1, min(_PIECE // (self.unit * size), -(-units // PIECES)))
        self.pieces = -(-units // each)
        self.each = self._share(table.size)  # what the walk takes, which may be less
        self.pieces = -(-table.size // self.each)  # none of them empty; they share it as before
        self.used = self.each * size

    def is_worth_it(self) -> bool:
        """Whether going through all indices in each chunk is little beside the walk itself."""
        count = self.node.inputs[1].size
        return self.pieces > 1 and self.pieces * count <= 2 * self.walk.length

    def calls(self) -> list[Call]:
        """The kernel."""
        f, (table,), views = self.f, self.node.outputs, self.walk.views
        source, indices = (self.layout[t] for t in self.node.inputs)
        flags = slice_flags(self.node, self.pieces)
        start = f.chunk * (self.each // self.columns)
        stop = (start + self.each // self.columns).least(table.shape[0])
        # scratch holds the chunk's rows; so far before it would be the first row of all
        target = f.at(f.scratch, 0 - f.chunk * self.each, table.dtype)
        # operands: the slices in place of the sums; indices and flags after those of the walk
        given = self.pointers[self.number]
        pointers = [given, f.operand(len(views)), target, f.operand(len(views) + 1)]
        add_slices(f, self.node, self.layout, pointers, start, stop)
        self.pointers[self.number] = target
        ((kernel, operands),) = super().calls()
        operands[self.number] = source
        # slices are read in another order than results are written
        over = tuple(pair for pair in kernel.over if self.number not in pair)
        kernel = kernel._replace(
            name=f"{self.node.op.name}+{kernel.name}",
            over=over,
            flops=kernel.flops + self.node.inputs[0].size,
            moved=kernel.moved - table.spec.nbytes + sum(t.spec.nbytes for t in self.node.inputs),
        )
        return [Call(kernel, [*operands, indices, flags])]
