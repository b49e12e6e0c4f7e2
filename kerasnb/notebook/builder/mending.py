"""Edits as offers to a person: what a fix is, and those of which the tables of fixes are made.

Imports edits and palette.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kerasnb.notebook.builder import edits
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.palette import Entry
from kerasnb.notebook.builder.troubles import origin
from kerasnb.notebook.builder.values import shown
from kerasnb.spec import TensorSpec

__all__ = ["Case", "Fix", "connected", "inserted", "left_out", "removed", "set_to"]


class Fix(NamedTuple):
    """A way to mend a document.

    Attributes:
        text: what it does, as a button says it.
        apply: the document after it.
    """

    text: str
    apply: Callable[[Document], Document]


class Case(NamedTuple):
    """A node with which something is wrong.

    Attributes:
        document: in which it is.
        node: that node, and `owner` that whose layer it calls.
        palette: the layers there are.
        names: the nodes' names as shown.
        specs: what each node gives, where it is known.
        about: what the trouble is about.
    """

    document: Document
    node: Node
    owner: Node
    palette: Mapping[str, Entry]
    names: Mapping[str, str]
    specs: Mapping[str, tuple[TensorSpec, ...]]
    about: tuple[Any, ...]

    @property
    def entry(self) -> Entry | None:
        """Of the node's layer."""
        return self.palette.get(self.owner.type)

    def given(self, place: int = 0) -> TensorSpec | None:
        """What the node reads as one of its inputs, if it is known."""
        edge = self.node.reads[place] if place < len(self.node.reads) else None
        specs = self.specs.get(edge.source, ()) if edge is not None else ()
        return specs[edge.output] if edge is not None and edge.output < len(specs) else None

    def source(self, place: int = 0) -> Node | None:
        """The layer or input that makes what the node reads, with its own settings."""
        edge = self.node.reads[place] if place < len(self.node.reads) else None
        if edge is None:
            return None
        return self.document.owner(origin(self.document, edge).source)


def inserted(case: Case, *nodes: tuple[str, dict], place: int = 0) -> Fix:
    """Put layers before one input of the node."""
    key = case.node.id
    text = "Insert " + " and ".join(_written(case.palette[name], s) for name, s in nodes)
    if len(case.node.reads) > 1:
        text += f" after {case.names[case.node.reads[place].source]}"

    def apply(document: Document) -> Document:
        for type_, settings in nodes:
            edge = document[key].reads[place]
            new = Node("", type=type_, settings=settings)
            document, made = edits.add(document, new, [edge], branch=True)
            document = edits.connect(document, Edge(made), key, place)
        return document

    return Fix(text, apply)


def _written(entry: Entry, settings: Mapping[str, Any]) -> str:
    """A layer as code has it, in short: ``Conv2D(32, 1, strides=2)``."""
    given = []
    first = True
    for argument in entry.arguments:
        first = first and argument.name in settings
        if argument.name in settings:
            value = settings[argument.name]
            value = f'"{value}"' if isinstance(value, str) else shown(value)
            given.append(value if first else f"{argument.name}={value}")
    return f"{entry.type}({', '.join(given)})" if given else entry.type


def set_to(case: Case, node: Node, name: str, value: Any) -> Fix:
    """Give an argument of the node, or of another one, a value."""
    of = "" if node.id == case.owner.id else f" of {case.names[node.id]}"
    text = f"Set {name}{of} to {shown(value)}"
    return Fix(text, lambda document: edits.set_setting(document, node.id, name, value))


def left_out(node: Node, name: str) -> Fix:
    """Let an argument be as usual."""
    return Fix(f"Leave out {name}", lambda document: edits.unset_setting(document, node.id, name))


def removed(case: Case, node: Node) -> Fix:
    """Do without a node."""
    return Fix(f"Remove {case.names[node.id]}", lambda document: edits.remove(document, [node.id]))


def connected(case: Case, edge: Edge, place: int | None, as_often: bool = False) -> Fix:
    """Draw a line to the node; `as_often` as its layer needs tensors."""
    key, entry = case.node.id, case.entry
    more = entry.needed - 1 if as_often and entry is not None else 0

    def apply(document: Document) -> Document:
        document = edits.connect(document, edge, key, place)
        for _ in range(more):
            document = edits.connect(document, edge, key, len(document[key].reads))
        return document

    return Fix(f"Connect {case.names[edge.source]}", apply)
