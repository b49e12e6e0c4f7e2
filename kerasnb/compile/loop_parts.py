"""A scan taken apart, for the passes that change it. Imports graph, op and tensor."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from kerasnb.graph import Graph, Node, topological
from kerasnb.op import OPS
from kerasnb.tensor import Tensor, apply

__all__ = ["SCAN", "Loop", "Stacked"]

SCAN = OPS["scan"]

Stacked = dict[int, Tensor]
"""Tensors by the id of another one that they stand for."""


class Loop:
    """A scan taken apart, to be changed and made again.

    A tensor that the body computes becomes an input of it just by being listed as one.

    Attributes:
        carries, xs, outer: pairs of a tensor from outside and the body's input for it.
        carry_out: the next carry, tensors of the body.
        ys: what is stacked, tensors of the body.
        last, stacked: the results of the scan: the last carry, and the stacked ys.
        made: by the id of a tensor of the body, the stacked one after `again`.
        twice: results that are left out as they are stacked already, each with its tensor of the
            body.
    """

    def __init__(self, node: Node):
        attrs = node.attrs
        self.length, self.reverse = attrs["length"], attrs["reverse"]
        body, n, m = attrs["body"], attrs["carries"], attrs["carries"] + attrs["xs"]
        pairs = list(zip(node.inputs, body.inputs, strict=True))
        self.carries, self.xs, self.outer = pairs[:n], pairs[n:m], pairs[m:]
        self.carry_out, self.ys = list(body.outputs[:n]), list(body.outputs[n:])
        self.last, self.stacked = list(node.outputs[:n]), list(node.outputs[n:])
        self.made: Stacked = {}
        self.twice: list[tuple[Tensor, Tensor]] = []

    @property
    def inputs(self) -> list[Tensor]:
        """The inputs of the body."""
        return [own for _, own in (*self.carries, *self.xs, *self.outer)]

    def nodes(self) -> list[Node]:
        """The nodes of the body, in order."""
        return topological([*self.carry_out, *self.ys], stop=self.inputs)

    def read(self) -> list[Any]:
        """What the nodes of the body read, and what it gives, as often as it does."""
        return [t for node in self.nodes() for t in node.inputs] + self.carry_out + self.ys

    def row(self, tensor: Tensor) -> None:
        """Have a tensor of the body stacked, if it is not one of the xs or stacked already."""
        known = [own for _, own in self.xs] + self.ys
        if not any(tensor is t for t in known):
            self.ys.append(tensor)
            self.stacked.append(tensor)

    def leave_out(self, results: Container[int]) -> None:
        """Neither carry nor stack what gives these results, by id."""
        carried = list(zip(self.carries, self.carry_out, self.last, strict=True))
        stacked = list(zip(self.ys, self.stacked, strict=True))
        carried = [c for c in carried if id(c[2]) not in results]
        stacked = [y for y in stacked if id(y[1]) not in results]
        self.carries, self.carry_out, self.last = ([c[i] for c in carried] for i in range(3))
        self.ys, self.stacked = ([y[i] for y in stacked] for i in range(2))

    def again(self, values: Stacked) -> list[Tensor]:
        """Make the scan; gives its results: `last`, then `stacked`.

        Args:
            values: what has become of the tensors outside, by id.
        """
        body = Graph(self.inputs, [*self.carry_out, *self.ys])
        if body.constants:
            self.outer += [(t, t) for t in body.constants]
            body = Graph(self.inputs, body.outputs)
        pairs = [*self.carries, *self.xs, *self.outer]
        outside = [values.get(id(t), t) for t, _ in pairs]
        n, m = len(self.carries), len(self.carries) + len(self.xs)
        results = apply(
            SCAN, *outside, body=body, carries=n, xs=m - n, length=self.length,
            reverse=self.reverse,
        )  # fmt: skip
        self.made = {id(own): t for (_, own), t in zip(self.xs, outside[n:m], strict=True)}
        self.made |= {id(own): t for own, t in zip(self.ys, results[n:], strict=True)}
        return list(results)
