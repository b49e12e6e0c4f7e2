"""The names that nodes are shown with, which the live model's layers have. Imports document."""

from __future__ import annotations

from collections import Counter

from kerasnb.naming import snake_case
from kerasnb.notebook.builder.document import Document, Node

__all__ = ["own_name", "shown_names"]

_OTHERS = {"input": "input", "output": "output", "group": "group", "repeat": "repeat"}


def own_name(node: Node) -> str:
    """The name that was given, or, of an input, the key, which Keras wants to be its name."""
    keyed = node.kind == "input" and "/" not in node.key
    return node.name or (node.key if keyed else "")


def shown_names(document: Document) -> dict[str, str]:
    """By id, the name that was given, or else one after the class: ``dense``, ``dense_1``, …

    A node that shares a layer has its name.
    """
    taken = {node.name for node in document if node.name}
    counts: Counter = Counter()
    names: dict[str, str] = {}
    for node in document:
        if node.shares:
            continue
        name = node.name
        while not name:
            prefix = _OTHERS.get(node.kind) or snake_case(node.type.split(".")[-1]) or "layer"
            prefix = own_name(node) or prefix
            count = counts[prefix]
            counts[prefix] += 1
            candidate = f"{prefix}_{count}" if count else prefix
            name = "" if candidate in taken else candidate
        names[node.id] = name
    names |= {node.id: names[node.shares] for node in document if node.shares}
    return names
