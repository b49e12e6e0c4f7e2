"""What is wrong with a document whatever its shapes are: names, ends, what nothing reads.

Imports document.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Document, Edge, Node

__all__ = ["MOST_LAYERS", "Trouble", "origin", "reached", "structural"]

MOST_LAYERS = 5000  # in a model; more of them would take minutes to make
_DEEPEST = 40  # containers within each other


class Trouble(NamedTuple):
    """What is wrong with a node.

    Attributes:
        kind: names the row of the table of fixes.
        text: in words.
        level: ``"error"`` or ``"advice"``.
        about: what a fix must know: the names of arguments, the number of an input.
    """

    kind: str
    text: str
    level: str = "error"
    about: tuple[Any, ...] = ()


def structural(document: Document) -> dict[str, Trouble]:
    """The troubles of a document's structure, by the ids of nodes; one for each node."""
    found: dict[str, Trouble] = {}
    for rule in (_nesting, _names, _repeats, _ends, _unread):
        for key, trouble in rule(document):
            found.setdefault(key, trouble)
    return found


def reached(document: Document, ends: Iterable[Edge]) -> set[str]:
    """The ids of the nodes on which some tensors depend, those in containers too."""
    outputs = {c.id: document.outputs(c.id) for c in document if c.kind in CONTAINERS}
    inputs = {c.id: document.inputs(c.id) for c in document if c.kind in CONTAINERS}
    found: set[str] = set()
    seen: set[Edge] = set()
    waiting = list(ends)

    def take(edges: Iterable[Edge | None]) -> None:
        waiting.extend(e for e in edges if e is not None and e not in seen)

    while waiting:
        edge = waiting.pop()
        seen.add(edge)
        node = document[edge.source]
        new = node.id not in found
        found.add(node.id)
        if node.kind == "layer":
            take(node.reads)
        elif node.kind == "input" and node.parent != ROOT:
            box, place = document[node.parent], inputs[node.parent].index(node)
            if box.kind != "model" and place < len(box.reads):
                take(box.reads[place : place + 1])
        elif node.kind in ("group", "repeat") and edge.output < len(outputs[node.id]):
            end = outputs[node.id][edge.output]
            found.add(end.id)
            take(end.reads)
        elif node.kind == "model" and new:
            take(node.reads)
            for end in outputs[document.owner(node.id).id]:
                found.add(end.id)
                take(end.reads)
    return found


def origin(document: Document, edge: Edge, within: str = ROOT) -> Edge:
    """Where a tensor really comes from: what a group or repeat gives comes from a layer in it, and
    what it is given from outside; but not from outside of the container `within`."""
    for _ in range(2 * _DEEPEST):
        node = document[edge.source]
        if node.kind in ("group", "repeat"):
            ends = document.outputs(node.id)
            inner = ends[edge.output].reads[0] if edge.output < len(ends) else None
        elif node.kind == "input" and node.parent not in (ROOT, within):
            box = document[node.parent]
            place = document.inputs(node.parent).index(node)
            own = box.kind == "model" and node.settings.get("shape") is not None
            inner = box.reads[place] if place < len(box.reads) and not own else None
        else:
            inner = None
        if inner is None:
            break
        edge = inner
    return edge


def _nesting(document: Document) -> Iterable[tuple[str, Trouble]]:
    for node in document:
        if node.kind in CONTAINERS and len(document.ancestors(node.id)) >= _DEEPEST:
            yield node.id, Trouble("nesting", "Parts lie too deep within each other here.")
        owner = document.owner(node.id).id
        if node.shares and node.kind == "model" and _holds(document, owner, owner, set()):
            yield node.id, Trouble("nesting", "A model cannot be within itself.")


def _holds(document: Document, key: str, wanted: str, seen: set[str]) -> bool:
    """Whether the model `wanted` is called within the model `key`."""
    if key in seen:
        return False
    seen.add(key)
    inside = [n for n in document.within(key) if n.kind == "model" and n.shares]
    return any(n.shares == wanted or _holds(document, n.shares, wanted, seen) for n in inside)


def _names(document: Document) -> Iterable[tuple[str, Trouble]]:
    taken: set[tuple[str, str]] = set()
    for node in document:
        named = node.kind in ("layer", "model", "input") and node.name and not node.shares
        if not named:
            continue
        model = next((k for k in document.ancestors(node.id) if document[k].kind == "model"), ROOT)
        if "/" in node.name or not node.name.isprintable():
            yield node.id, Trouble("name", "A name must not hold '/'.")
        elif (model, node.name) in taken:
            yield node.id, Trouble("name", f"There is another layer named {node.name!r}.")
        taken.add((model, node.name))


def _repeats(document: Document) -> Iterable[tuple[str, Trouble]]:
    layers = 0
    for node in document:
        if node.kind == "layer" and not node.shares:
            layers += math.prod(document[key].count for key in document.ancestors(node.id))
    for node in document:
        if node.kind != "repeat":
            continue
        ends = len(document.inputs(node.id)), len(document.outputs(node.id))
        if ends != (1, 1):
            yield node.id, Trouble("ends", "What is repeated has one input and one output.")
        elif layers > MOST_LAYERS and node.count > 1:
            text = f"The model would have {layers:,} layers: repeat this less often."
            yield node.id, Trouble("many", text)


def _ends(document: Document) -> Iterable[tuple[str, Trouble]]:
    for node in document:
        if node.kind not in CONTAINERS:
            continue
        owner = document.owner(node.id).id
        given = len(document.inputs(owner))
        if not document.outputs(owner):
            yield node.id, Trouble("empty", f"This {node.kind} gives nothing: it has no output.")
        elif given != len(node.reads):
            text = f"This {node.kind} takes {given} inputs, but {len(node.reads)} are drawn to it."
            yield node.id, Trouble("ends", text)
    for key in (ROOT, *_models(document)):
        outputs = document.outputs(key)
        sources = [document[origin(document, edge, key).source] for edge in _sources(outputs)]
        if sources and all(node.kind == "input" and node.parent == key for node in sources):
            first = next(node.id for node in outputs if node.reads[0] is not None)
            yield first, Trouble("direct", "There is no layer between input and output.")


def _unread(document: Document) -> Iterable[tuple[str, Trouble]]:
    """Inputs, and the last boxes, on which no output depends."""
    outputs = document.outputs()
    whole = reached(document, _sources(outputs))
    read = {e.source for node in document for e in node.reads if e is not None}
    last = [n for n in document.children() if n.id not in read and n.kind != "output"]
    last = [n for n in last if n.kind != "input" or len(last) == 1]
    if not outputs and last and last[-1].kind != "input":
        yield last[-1].id, Trouble("end", "The model has no output: let this box be one.")
    for key in (ROOT, *_models(document)):
        within = whole if key == ROOT else reached(document, _sources(document.outputs(key)))
        for node in document.inputs(key):
            if node.id not in read:
                yield node.id, Trouble("unread", "Nothing reads this input.")
            elif node.id not in within and document.outputs(key):
                yield node.id, Trouble("unread", "No output depends on this input.")
    for node in document:
        kinds = ("layer", *CONTAINERS)
        if outputs and node.kind in kinds and node.id not in whole and node.id not in read:
            text = "No output depends on this box, so it is not part of the model."
            yield node.id, Trouble("aside", text, "advice")


def _models(document: Document) -> list[str]:
    return [node.id for node in document if node.kind == "model" and not node.shares]


def _sources(outputs: Iterable[Node]) -> list[Edge]:
    return [edge for node in outputs for edge in node.reads if edge is not None]
