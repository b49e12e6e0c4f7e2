"""All that can be put into a model. Imports palette and palette_operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasnb.notebook.builder.palette import Entry, layer_entries
from kerasnb.notebook.builder.palette_operations import operation_entries

__all__ = ["entries"]


def entries(namespace: Mapping[str, Any] | None = None) -> dict[str, Entry]:
    """The layers there are, by the names of their classes, family after family, and functions.

    Args:
        namespace: where layers of one's own are looked for first, such as a notebook's variables.
    """
    layers = layer_entries(namespace)
    own = {name: entry for name, entry in layers.items() if entry.custom}
    return {**layers, **operation_entries(), **own}
