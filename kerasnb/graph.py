"""The intermediate representation: nodes that make tensors, and graphs of them.

Single assignment: a tensor is made by exactly one node. A graph prints as one line a node and can
check itself. Imports op, spec and errors; tensors are known here only by their attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kerasnb.errors import GraphError
from kerasnb.spec import TensorSpec

__all__ = ["Graph", "Node", "current_level", "inner_level", "recorders", "topological"]

# Lists that receive every node made, symbolic or eager, in order: what a gradient tape reads.
recorders: ContextVar[tuple[list, ...]] = ContextVar("recorders", default=())

# How many traces surround the running code. A node belongs to the innermost trace of its inputs, so
# that what a loop body computes from outer tensors alone stays outside the loop.
_level: ContextVar[int] = ContextVar("level", default=0)


class Node:
    """One application of an op.

    Attributes:
        op: the `Op`, or None for a placeholder; a layer for a call that a functional model replays.
        inputs: tensors and Python scalars.
        attrs: the keyword attributes.
        outputs: the tensors it makes.
        single: whether the op gives one tensor, not a tuple of them.
        level: the trace to which it belongs.
        name: a placeholder's name.
    """

    __slots__ = ("attrs", "inputs", "level", "name", "op", "outputs", "single")

    def __init__(
        self, op: Any, inputs: tuple = (), attrs: dict | None = None, level: int = 0, name: str = ""
    ):
        self.op, self.inputs, self.attrs = op, inputs, attrs or {}
        self.level, self.name, self.outputs, self.single = level, name, (), True

    def __repr__(self) -> str:
        return f"Node({self.op.name if self.op is not None else self.name or 'placeholder'})"


class Graph:
    """A function from tensors to tensors as a list of nodes.

    Attributes:
        inputs: the placeholders, in order.
        outputs: the results, in order; each is a node's output, an input or a constant.
        nodes: the op nodes in an order in which each comes after those it reads.
        constants: the tensors with data that the nodes read.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Any]):
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.functions: dict = {}  # what interpreters made of it, by array module
        self.nodes = topological(self.outputs, stop=self.inputs)
        known = {id(t) for t in self.inputs}
        self.constants: list[Any] = []
        for tensor in [t for n in self.nodes for t in n.inputs] + list(self.outputs):
            if id(tensor) in known or not hasattr(tensor, "spec"):
                continue
            known.add(id(tensor))
            if tensor.data is not None:
                self.constants.append(tensor)
            elif tensor.node.op is None:
                raise GraphError(
                    f"The graph reads {tensor.spec} {tensor.node.name!r}, which is none of its "
                    "inputs. "
                    "A tensor of another model, or of an earlier trace, was kept and used again."
                )

    def check(self) -> None:
        """Infer every node again and compare.

        Raises:
            GraphError: a node reads a tensor made later, or its stored spec is not the inferred
                one.
        """
        known = {id(t) for t in (*self.inputs, *self.constants)}
        for node in self.nodes:
            for tensor in node.inputs:
                if hasattr(tensor, "spec") and id(tensor) not in known:
                    raise GraphError(f"{node} reads a tensor that is not made before it.")
            specs = tuple(t.spec if hasattr(t, "spec") else type(t) for t in node.inputs)
            inferred = node.op.signature(specs, node.attrs).outputs
            inferred = (inferred,) if isinstance(inferred, TensorSpec) else inferred
            stored = tuple(t.spec for t in node.outputs)
            if inferred != stored:
                raise GraphError(f"{node}: expected {inferred} from its inputs, stored {stored}.")
            known.update(id(t) for t in node.outputs)

    def names(self) -> dict[int, str]:
        """A short unique name for each tensor, by `id`."""
        names = {id(t): f"%in{i}" for i, t in enumerate(self.inputs)}
        names |= {id(t): f"%c{i}" for i, t in enumerate(self.constants)}
        made = [t for node in self.nodes for t in node.outputs]
        return names | {id(t): f"%{i}" for i, t in enumerate(made)}

    def __str__(self) -> str:
        names = self.names()

        def show(tensor):
            return names.get(id(tensor), repr(tensor))

        lines = [
            f"{show(t)}: {t.spec} = input {t.node.name if t.node else ''}".rstrip()
            for t in self.inputs
        ]
        lines += [f"{show(t)}: {t.spec} = constant" for t in self.constants]
        for node in self.nodes:
            left = ", ".join(f"{show(t)}: {t.spec}" for t in node.outputs)
            arguments = [show(t) for t in node.inputs]
            arguments += [f"{k}={v!r}" for k, v in node.attrs.items() if not isinstance(v, Graph)]
            lines.append(f"{left} = {node.op.name}({', '.join(arguments)})")
            for key, body in node.attrs.items():
                if isinstance(body, Graph):
                    lines += [f"    {key}| {line}" for line in str(body).splitlines()]
        return "\n".join([*lines, "return " + ", ".join(map(show, self.outputs))])

    def to_dict(self) -> dict:
        """The graph as plain lists, dictionaries, strings and numbers."""
        names = self.names()

        def value(tensor):
            return names.get(id(tensor), tensor)

        def attribute(v):
            return v.to_dict() if isinstance(v, Graph) else v

        return {
            "inputs": [{"name": value(t), "spec": str(t.spec)} for t in self.inputs],
            "constants": [{"name": value(t), "spec": str(t.spec)} for t in self.constants],
            "nodes": [
                {
                    "op": n.op.name,
                    "inputs": [value(t) for t in n.inputs],
                    "attrs": {k: attribute(v) for k, v in n.attrs.items()},
                    "outputs": [{"name": value(t), "spec": str(t.spec)} for t in n.outputs],
                }
                for n in self.nodes
            ],
            "outputs": [value(t) for t in self.outputs],
        }


def topological(outputs: Iterable[Any], stop: Iterable[Any] = ()) -> list[Node]:
    """The op nodes that `outputs` depend on, each after those it reads, not going beyond `stop`."""
    stops = {id(t) for t in stop}
    order: list[Node] = []
    done: set[int] = set()
    stack = [(t, False) for t in reversed(list(outputs))]
    while stack:  # iterative: a deep model must not meet Python's recursion limit
        tensor, expanded = stack.pop()
        node = getattr(tensor, "node", None)
        if node is None or id(tensor) in stops or id(node) in done or node.op is None:
            continue
        if expanded:
            done.add(id(node))
            order.append(node)
        else:
            stack.append((tensor, True))
            stack.extend((t, False) for t in reversed(node.inputs))
    return order


def current_level() -> int:
    """How many traces surround the running code."""
    return _level.get()


@contextmanager
def inner_level():
    """Run the block one trace further in; gives the level."""
    level = _level.get() + 1
    token = _level.set(level)
    try:
        yield level
    finally:
        _level.reset(token)
