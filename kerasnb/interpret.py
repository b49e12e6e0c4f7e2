"""A graph as a Python function over arrays: the reference by which every compiler is judged.

The graph is written out as straight-line source, one line a node, so that a step costs little more
than its array operations, and can be read. Elementwise formulas are rendered by calling them with a
namespace that answers with text. Imports graph, op and what lies below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kerasnb.graph import Graph, Node
from kerasnb.tensor import Tensor

__all__ = ["function_of", "last_uses", "source_of"]


class Expression:
    """A piece of Python source that stands for an array in an elementwise formula."""

    def __init__(self, text: str):
        self.text = text

    def _infix(operator: str) -> Callable:
        def method(self, other):
            return Expression(f"({self.text} {operator} {_text(other)})")

        return method

    __add__, __sub__, __mul__ = _infix("+"), _infix("-"), _infix("*")
    __truediv__, __pow__ = _infix("/"), _infix("**")
    __lt__, __le__, __gt__, __ge__ = _infix("<"), _infix("<="), _infix(">"), _infix(">=")
    del _infix


class ExpressionNamespace:
    """Stands in for NumPy: ``m.exp(x)`` is the text ``exp(x)``. Remembers the names used."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> Callable:
        self.used.add(name)
        return lambda *arguments: Expression(f"{name}({', '.join(map(_text, arguments))})")


def _text(value: Any) -> str:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def function_of(graph: Graph, xp: Any) -> Callable:
    """The function of arrays of the module `xp` that computes `graph`; returns a tuple of
    arrays."""
    if xp in graph.functions:
        return graph.functions[xp]
    source, bound = _write(graph)
    namespace = {name: getattr(xp, name) for name in bound.pop("used")}
    namespace |= bound | {"xp": xp}
    exec(compile(source, "<graph>", "exec"), namespace)
    graph.functions[xp] = namespace["run"]
    return namespace["run"]


def source_of(graph: Graph) -> str:
    """The Python source of `function_of`, for reading."""
    return _write(graph)[0]


def _write(graph: Graph) -> tuple[str, dict]:
    names = {key: name.replace("%", "v") for key, name in graph.names().items()}
    used = ExpressionNamespace()
    bound: dict[str, Any] = {names[id(t)]: t.data for t in graph.constants}
    last = last_uses(graph)
    lines = [f"def run({', '.join(names[id(t)] for t in graph.inputs)}):"]
    for i, node in enumerate(graph.nodes):
        targets = ", ".join(names[id(t)] for t in node.outputs)
        comma = "" if node.single else ","
        lines.append(f"    {targets}{comma} = {_call(node, names, used, bound, i)}")
        dead = [names[key] for key in last.get(i, ())]
        if dead:
            lines.append(f"    del {', '.join(dead)}")
    results = "".join(f"{names[id(t)]}, " for t in graph.outputs)
    lines.append(f"    return ({results})")
    bound["used"] = used.used
    return "\n".join(lines), bound


def _call(node: Node, names: dict, used: ExpressionNamespace, bound: dict, index: int) -> str:
    op = node.op
    if op.kind == "elementwise":
        inputs = [Expression(names[id(t)]) if type(t) is Tensor else t for t in node.inputs]
        return _text(op.impl(used, *inputs, **node.attrs))
    function = f"{op.name}_impl"
    bound[function] = op.impl
    arguments = ["xp", *(names[id(t)] for t in node.inputs)]
    for key, value in node.attrs.items():
        if isinstance(value, (Graph, float)) or callable(value):
            bound[f"{key}_{index}"] = value
            arguments.append(f"{key}={key}_{index}")
        else:
            arguments.append(f"{key}={value!r}")
    return f"{function}({', '.join(arguments)})"


def last_uses(graph: Graph) -> dict[int, list[int]]:
    """For each node the ids of the tensors made in the graph that nobody reads after it."""
    keep = {id(t) for t in graph.outputs}
    last: dict[int, int] = {}
    for i, node in enumerate(graph.nodes):
        for t in node.outputs:
            last[id(t)] = i
        for t in node.inputs:
            if id(t) in last:
                last[id(t)] = i
    uses: dict[int, list[int]] = {}
    for key, i in last.items():
        if key not in keep:
            uses.setdefault(i, []).append(key)
    return uses
