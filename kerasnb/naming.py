"""Names for people: ``BatchNormalization`` to ``batch_normalization``, and unique ones in a
session.

Imports nothing of the package.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["auto_name", "reset_names", "snake_case"]

_counts: Counter = Counter()


def snake_case(name: str) -> str:
    """`name` in lower case with underscores between words."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`prefix` the first time, then with a number: ``dense``, ``dense_1``, …"""
    count = _counts[prefix]
    _counts[prefix] += 1
    return prefix if count == 0 else f"{prefix}_{count}"


def reset_names() -> None:
    """Begin to count again, as `clear_session` does."""
    _counts.clear()
