"""What works but is hardly meant: a few rules, each of which is right wherever it speaks.

Imports walking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kerasnb.notebook.builder.document import ROOT, Edge, Node
from kerasnb.notebook.builder.troubles import Trouble, origin
from kerasnb.notebook.builder.walking import Walk, sample
from kerasnb.spec import TensorSpec, is_float

__all__ = ["advice"]

_PICTURE = 16  # pixels: a square sample of two axes that is so large comes from a picture


def advice(walk: Walk) -> dict[str, Trouble]:
    """By the ids of nodes, what a teacher would say of them."""
    found: dict[str, Trouble] = {}
    for node in walk.document:
        rules = _RULES.get(node.type, ()) if node.kind == "layer" and not node.shares else ()
        for rule in rules if node.id in walk.specs else ():
            trouble = rule(walk, node)
            if trouble is not None:
                found[node.id] = trouble
                break
    return found


def _said(kind: str, text: str) -> Trouble:
    return Trouble(kind, text, "advice")


def _source(walk: Walk, node: Node) -> tuple[Node, TensorSpec] | None:
    """What makes the first tensor that a node reads, and that tensor."""
    edge = node.reads[0]
    specs = walk.specs.get(edge.source, ()) if edge is not None else ()
    if edge is None or edge.output >= len(specs):
        return None
    return walk.document.owner(origin(walk.document, edge).source), specs[edge.output]


def _flatten(walk: Walk, node: Node) -> Trouble | None:
    """A Dense on pictures works on each pixel by itself."""
    read = _source(walk, node)
    if read is None:
        return None
    source, spec = read
    shape = spec.shape[1:]
    picture = len(shape) == 2 and shape[0] == shape[1] and (shape[0] or 0) >= _PICTURE
    if len(shape) in (3, 4) or (picture and source.kind == "input"):
        after = "on an input" if source.kind == "input" else f"after {source.type or source.kind}"
        return _said("flatten", f"Dense {after} sees {sample(spec)}: insert Flatten.")
    return None


def _softmax(walk: Walk, node: Node) -> Trouble | None:
    """A softmax over one number is always 1."""
    last = walk.specs[node.id][0].shape[-1:]
    given = {"Softmax": "softmax"}.get(node.type, node.settings.get("activation"))
    usual = node.settings.get("axis", -1) == -1
    if given == "softmax" and last == (1,) and usual:
        return _said("softmax", "A softmax over one unit is always 1: use sigmoid.")
    return None


def _linear(walk: Walk, node: Node) -> Trouble | None:
    """Two Dense without an activation between them are one."""
    if node.settings.get("activation") not in (None, "linear"):
        return None
    readers = walk.readers.get(node.id, [])
    if len(readers) == 1 and readers[0].type == "Dense" and not walk.document.sharers(node.id):
        text = f"Without an activation it does no more than {walk.names[readers[0].id]} alone."
        return _said("linear", text)
    return None


def _last(walk: Walk, node: Node) -> Trouble | None:
    """A dropout of predictions themselves only adds noise to them."""
    readers = walk.readers.get(node.id, [])
    if readers and all(r.kind == "output" and r.parent == ROOT for r in readers):
        return _said("last", f"{node.type} as the last layer sets predictions to 0 in training.")
    return None


def _indices(walk: Walk, node: Node) -> Trouble | None:
    """An Embedding looks up whole numbers."""
    read = _source(walk, node)
    if read is None or not is_float(read[1].dtype):
        return None
    if read[0].kind == "input":
        name = walk.names[read[0].id]
        return _said("indices", f"Embedding looks up whole numbers, but {name} gives fractions.")
    text = f"Embedding looks up whole numbers; what {walk.names[read[0].id]} gives is cut off."
    return _said("indices", text)


def _single(walk: Walk, node: Node) -> Trouble | None:
    """A layer that combines tensors, with one of them."""
    if len(node.reads) == 1 and Edge(node.id) not in node.reads:
        return _said("single", f"{node.type} reads only one tensor: connect another one.")
    return None


_Rule = Callable[[Walk, Node], Trouble | None]


def _merging() -> Iterator[tuple[str, tuple[_Rule, ...]]]:
    for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply"):
        yield name, (_single,)


_RULES: dict[str, tuple[_Rule, ...]] = {
    "Dense": (_flatten, _softmax, _linear),
    "Activation": (_softmax,),
    "Softmax": (_softmax,),
    "Dropout": (_last,),
    "GaussianDropout": (_last,),
    "SpatialDropout1D": (_last,),
    "SpatialDropout2D": (_last,),
    "Embedding": (_indices,),
    **dict(_merging()),
}
