"""Loops made cheaper, graph to graph: for every engine. Imports loop_memory, loop_sums and pieces.

A scan does in each step only what a step has to do. What a step computes from outer tensors alone
moves out; sums over all steps, such as the gradients of weights, become one sum after the loop; the
loop of a gradient reads what the loop before it has computed, instead of computing it again; and
what nobody reads is not computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb.compile.loop_memory import remembering
from kerasnb.compile.loop_parts import SCAN, Loop, Stacked
from kerasnb.compile.loop_sums import outside
from kerasnb.compile.passes import rebuilt, share_common
from kerasnb.compile.pieces import by_parts
from kerasnb.graph import Graph, Node, topological
from kerasnb.op import OPS
from kerasnb.tensor import Tensor, apply

__all__ = ["improve_loops"]


def improve_loops(graph: Graph) -> Graph:
    """The graph with cheaper loops; the same graph if it has none."""
    if not any(node.op is SCAN for node in graph.nodes):
        return graph
    graph = rebuilt(graph, _with_better_body)
    graph = without_unused(remembering(rebuilt(graph, _last_row)))
    graph = rebuilt(graph, lambda node, values: node.op is SCAN and outside(Loop(node), values))
    return without_unused(share_common(graph))


def _with_better_body(node: Node, values: Stacked) -> Any:
    if node.op is not SCAN:
        return None
    loop = Loop(node)
    body = improve_loops(share_common(by_parts(node.attrs["body"])))
    n = len(loop.carries)
    loop.carry_out, loop.ys = list(body.outputs[:n]), list(body.outputs[n:])
    return loop.again(values)


def without_unused(graph: Graph) -> Graph:
    """The graph with loops that compute only what is read."""
    used = {id(t) for t in graph.outputs}
    loops: dict[int, tuple] = {}
    for node in reversed(graph.nodes):
        if not any(id(t) in used for t in node.outputs):
            continue
        if node.op is SCAN:
            loop = Loop(node)
            before = [*loop.last, *loop.stacked]
            _drop(loop, used)
            loops[id(node)] = (loop, before)
            used.update(id(t) for t, _ in (*loop.carries, *loop.xs, *loop.outer))
        else:
            used.update(id(t) for t in node.inputs)

    def change(node: Node, values: Stacked) -> Any:
        if id(node) not in loops:
            return None
        loop, before = loops[id(node)]
        results = loop.again(values)
        named = zip((*loop.last, *loop.stacked), results, strict=True)
        made = {id(t): result for t, result in named}
        made |= {id(t): loop.made[id(own)] for t, own in loop.twice}
        return [made.get(id(t)) for t in before]

    return rebuilt(graph, change)


def _drop(loop: Loop, used: set[int]) -> None:
    """Leave out of `loop` what `used` does not need."""
    known = {id(own) for _, own in loop.xs}
    ys: list[tuple[Tensor, Tensor]] = []
    for result, own in zip(loop.stacked, loop.ys, strict=True):
        if id(result) not in used:
            continue
        (loop.twice if id(own) in known else ys).append((result, own))
        known.add(id(own))
    live = {i for i, t in enumerate(loop.last) if id(t) in used}
    while True:
        outputs = [*(loop.carry_out[i] for i in sorted(live)), *(own for _, own in ys)]
        needed = _reached(outputs, loop.inputs)
        more = {i for i, (_, own) in enumerate(loop.carries) if id(own) in needed}
        if more <= live:
            break
        live |= more
    needed |= {id(own) for _, own in loop.twice}
    order = sorted(live)
    loop.carries = [loop.carries[i] for i in order]
    loop.carry_out = [loop.carry_out[i] for i in order]
    loop.last = [loop.last[i] for i in order]
    loop.xs = [pair for pair in loop.xs if id(pair[1]) in needed]
    loop.outer = [pair for pair in loop.outer if id(pair[1]) in needed]
    loop.stacked, loop.ys = [t for t, _ in ys], [own for _, own in ys]


def _reached(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> set[int]:
    """The ids of what `outputs` are computed from, themselves included."""
    nodes = topological(outputs, stop=inputs)
    return {id(t) for t in (*outputs, *(t for node in nodes for t in node.inputs))}


def _last_row(node: Node, values: Stacked) -> list[Tensor] | None:
    """The row of the last step of what is stacked, if the carry holds it anyway."""
    scan = node.inputs[0].node if node.op is OPS["slice"] else None
    if scan is None or scan.op is not SCAN:
        return None
    loop, source = Loop(scan), node.inputs[0]
    last = 0 if loop.reverse else loop.length - 1
    if (node.attrs["start"][0], node.outputs[0].shape) != (last, (1, *source.shape[1:])):
        return None
    owns = [own for t, own in zip(loop.stacked, loop.ys, strict=True) if t is source]
    for result, own in zip(loop.last, loop.carry_out, strict=True):
        if owns and own is owns[0]:
            return [apply(OPS["reshape"], values.get(id(result), result), shape=(1, *own.shape))]
    return None
