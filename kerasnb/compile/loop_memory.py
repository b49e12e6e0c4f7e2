"""Loops that read what an earlier one has computed, instead of computing it again.

The gradient of a scan repeats each step to get at what is within it. The earlier scan has computed
all that, and stacks it. Imports loop_parts and passes.
"""

from __future__ import annotations

from typing import Any

from kerasnb.compile.loop_parts import SCAN, Loop, Stacked
from kerasnb.compile.passes import rebuilt
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.tensor import Tensor

__all__ = ["remembering"]

VIEWS = {OPS[name] for name in ("reshape", "transpose", "broadcast_in_dim", "slice")}
# computed again sooner than kept
CHEAP = {OPS[name] for name in ("add", "subtract", "multiply", "negate")}


def remembering(graph: Graph) -> Graph:
    """The graph with loops that read what an earlier one has computed of the same rows."""
    loops: dict[int, Loop] = {}
    saved: dict[int, list] = {}
    for node in graph.nodes:
        if node.op is not SCAN:
            continue
        loop, saved[id(node)] = Loop(node), []
        for earlier in loops.values():
            if earlier.length == loop.length:
                saved[id(node)] += [(earlier, *pair) for pair in _remembered(loop, earlier)]
        loops[id(node)] = loop

    def change(node: Node, values: Stacked) -> Any:
        if id(node) not in loops:
            return None
        loop, count = loops[id(node)], len(node.outputs)
        known = {id(own): earlier.made[id(theirs)] for earlier, own, theirs in saved[id(node)]}
        loop.xs = [(known.get(id(own), t), own) for t, own in loop.xs]
        return loop.again(values)[:count]

    return rebuilt(graph, change)


def _remembered(loop: Loop, earlier: Loop) -> list[tuple[Tensor, Tensor]]:
    """Pairs of a tensor of the body of `loop` and of `earlier`, which has the latter stacked from
    now on."""
    same = _same(loop, earlier)
    given = {id(t) for t in loop.inputs}
    nodes = loop.nodes()
    read = [t for n in nodes if id(n.outputs[0]) not in same for t in n.inputs]
    wanted: dict[int, Tensor] = {}
    for tensor in (*read, *loop.carry_out, *loop.ys):
        if type(tensor) is Tensor:
            tensor = _origin(tensor, given)
            if id(tensor) in same and id(tensor) not in given:
                wanted[id(tensor)] = tensor
    kept = {key for key, t in wanted.items() if t.node.op not in CHEAP}

    def at_hand(tensor: Any) -> bool:
        if type(tensor) is not Tensor:
            return True
        tensor = _origin(tensor, given)
        return id(tensor) in given or id(tensor) in kept

    for node in nodes:
        key = id(node.outputs[0])
        if key in wanted and key not in kept and not all(map(at_hand, node.inputs)):
            kept.add(key)
    pairs = [(t, same[key]) for key, t in wanted.items() if key in kept]
    for own, theirs in pairs:
        earlier.row(theirs)
        loop.xs.append((own, own))  # until it is known what it is outside
    return pairs


def _same(loop: Loop, earlier: Loop) -> Stacked:
    """By the id of a tensor in the body of `loop`, the one of `earlier` with the same value in the
    step of the same row."""
    rows = {id(t): own for t, own in earlier.xs}
    rows |= {id(t): own for t, own in zip(earlier.stacked, earlier.ys, strict=True)}
    same = {id(own): rows[id(t)] for t, own in loop.xs if id(t) in rows}
    if not same:
        return {}
    outer = {id(t): own for t, own in earlier.outer}
    same |= {id(own): outer[id(t)] for t, own in loop.outer if id(t) in outer}
    themselves = {id(t): t for node in earlier.nodes() for t in node.inputs if type(t) is Tensor}
    made = {_key(node, themselves): node for node in earlier.nodes()}
    for node in loop.nodes():
        other = made.get(_key(node, same))
        if other is not None and node.single:
            same[id(node.outputs[0])] = other.outputs[0]
    return same


def _key(node: Node, names: Stacked) -> tuple:
    """What a node computes, its inputs given by those of which `names` knows that they are the
    same."""
    inputs = [
        id(names.get(id(t), node)) if type(t) is Tensor else (type(t), repr(t)) for t in node.inputs
    ]
    return (id(node.op), tuple(inputs), tuple(node.attrs.items()))


def _origin(tensor: Tensor, given: set[int]) -> Tensor:
    """What a view is taken of."""
    while id(tensor) not in given and tensor.node.op in VIEWS:
        tensor = tensor.node.inputs[0]
    return tensor
