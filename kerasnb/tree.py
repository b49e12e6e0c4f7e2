"""Nested lists, tuples and dictionaries of leaves, as models take and return them.

Imports nothing of the package. Dictionaries are walked in sorted key order, so that two of them
with the same keys always flatten alike. `None` is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["flatten", "form", "is_nested", "map_structure", "pack_as"]


def is_nested(value: Any) -> bool:
    """Whether `value` is a container that is walked, not a leaf."""
    return isinstance(value, (list, tuple, dict))


def flatten(structure: Any) -> list:
    """The leaves of `structure` in order, as a list."""
    return list(_leaves(structure))


def map_structure(function: Callable, structure: Any, *others: Any) -> Any:
    """`structure` with each leaf replaced by ``function(leaf, *matching_leaves_of_others)``.

    Raises:
        ValueError: one of `others` has another structure.
    """
    if isinstance(structure, dict):
        for other in others:
            _same_keys(structure, other)
        return type(structure)(
            (key, map_structure(function, value, *(other[key] for other in others)))
            for key, value in structure.items()
        )
    if isinstance(structure, (list, tuple)):
        for other in others:
            _same_length(structure, other)
        return _sequence_like(
            structure,
            (map_structure(function, *items) for items in zip(structure, *others, strict=True)),
        )
    return function(structure, *others)


def form(structure: Any) -> Any:
    """The containers of `structure` without its leaves, as something that can be hashed."""
    if isinstance(structure, dict):
        return ("dict", *((key, form(structure[key])) for key in sorted(structure)))
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, *map(form, structure))
    return None


def pack_as(structure: Any, leaves: Iterable) -> Any:
    """`structure` with its leaves replaced by `leaves`, taken in the order of `flatten`."""
    return _pack(structure, iter(leaves))


def _leaves(structure: Any) -> Iterator:
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from _leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from _leaves(item)
    else:
        yield structure


def _pack(structure: Any, leaves: Iterator) -> Any:
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, packed[key]) for key in structure)
    if isinstance(structure, (list, tuple)):
        return _sequence_like(structure, (_pack(item, leaves) for item in structure))
    return next(leaves)


def _sequence_like(structure: list | tuple, items: Iterable) -> list | tuple:
    if hasattr(structure, "_fields"):  # a named tuple takes its fields one by one
        return type(structure)(*items)
    return tuple(items) if isinstance(structure, tuple) else list(items)


def _same_keys(structure: dict, other: Any) -> None:
    if not isinstance(other, dict) or set(other) != set(structure):
        got = sorted(other) if isinstance(other, dict) else type(other).__name__
        raise ValueError(f"Expected a dictionary with keys {sorted(structure)}, got {got}.")


def _same_length(structure: list | tuple, other: Any) -> None:
    if not isinstance(other, (list, tuple)) or len(other) != len(structure):
        got = len(other) if isinstance(other, (list, tuple)) else type(other).__name__
        raise ValueError(f"Expected a sequence of {len(structure)} items, got {got}.")
