"""Arrays of text: what counts as one, and how lists, bytes and objects become one.

Text is held in NumPy arrays on the host, whatever the backend, and is never part of a compiled
step. Imports errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb.errors import DTypeError, ShapeError

__all__ = ["as_bytes", "as_text", "holds_strings", "is_text", "looks_like_text", "takes_numbers"]


def is_text(value: Any) -> bool:
    """Whether `value` is an array of text: of `str`, of `bytes`, or of objects that are such."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "USTO":
        return False
    kind = value.dtype.kind
    return kind != "O" or (value.size > 0 and isinstance(value.flat[0], (str, bytes)))


def holds_strings(value: Any) -> bool:
    """Whether `value` is a string or nested lists of strings."""
    return isinstance(_first(value), (str, bytes))


def looks_like_text(value: Any) -> bool:
    """Whether `value` is text in any form: a string, nested lists of them, an array, a column."""
    first = _first(value)
    if isinstance(first, np.ndarray):
        return is_text(first)
    return holds_strings(first) or (hasattr(first, "to_numpy") and is_text(np.asarray(first)))


def as_text(value: Any, name: str) -> np.ndarray:
    """`value` as an array of text, of the shape that its nesting gives.

    Args:
        value: a string, nested lists of strings, or an array.
        name: what it is called in errors.

    Raises:
        DTypeError: something in it is no text.
        ShapeError: nested lists of different lengths.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return value
    array = _objects(value, name)
    kinds = set(map(type, array.flat))
    if any(not issubclass(kind, (str, bytes)) for kind in kinds):
        if kinds & {list, tuple, np.ndarray}:
            raise ShapeError(
                f"{name}: expected texts in an array, got lists of different lengths. Join the "
                "words of each text to one string, or fill the lists up with ''."
            )
        others = sorted(k.__name__ for k in kinds if not issubclass(k, (str, bytes)))
        raise DTypeError(
            f"{name}: expected strings, got also {', '.join(others)}. Replace what is missing by ''"
            ", and numbers by str(number)."
        )
    return array


def as_bytes(text: np.ndarray) -> list[bytes]:
    """The elements of an array of text as UTF-8, in one list; bytes stay as they are."""
    items = text.ravel().tolist()
    if text.dtype.kind == "S":
        return items
    return [item.encode() if isinstance(item, str) else bytes(item) for item in items]


def takes_numbers(who: str) -> DTypeError:
    """The error for text where `who` computes with numbers."""
    return DTypeError(
        f"{who} takes numbers, got strings; put a TextVectorization (or for categories a "
        "StringLookup) first."
    )


def _first(value: Any) -> Any:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _objects(value: Any, name: str) -> np.ndarray:
    try:
        return np.array(value, dtype=object)
    except ValueError:  # arrays of different shapes in a list
        raise ShapeError(f"{name}: its parts do not form one array of texts.") from None
