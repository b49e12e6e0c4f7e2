"""Memory in one piece, and where in it each buffer lies while it is needed. Imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["ALIGNMENT", "Lifetime", "aligned", "arrange"]

ALIGNMENT = 64  # bytes: a line of the cache, and the longest vector


class Lifetime(NamedTuple):
    """A buffer: how many bytes, and the first and the last step in which it is needed."""

    size: int
    first: int
    last: int


def arrange(buffers: Sequence[Lifetime]) -> tuple[list[int], int]:
    """The offset of each buffer, and how many bytes they take in all.

    Buffers that are needed in the same step do not overlap. The largest are placed first, each as
    low as it fits, which comes close to the least possible.
    """
    # first and last step, begin and end in memory; arrays, as every two buffers are compared
    placed = np.empty((4, len(buffers)), np.int64)
    offsets = [0] * len(buffers)
    order = sorted(range(len(buffers)), key=lambda i: -buffers[i].size)
    for count, i in enumerate(order):
        size, first, last = buffers[i]
        firsts, lasts, *spans = placed[:, :count]
        others = np.array(spans)[:, (firsts <= last) & (first <= lasts)]
        at = 0
        for low, high in sorted(others.T.tolist()):
            if low - at >= size:
                break
            at = max(at, high)
        offsets[i] = at
        placed[:, count] = first, last, at, at + _rounded(size)
    return offsets, int(placed[3].max(initial=0))


def aligned(size: int) -> np.ndarray:
    """So many bytes, not cleared, that begin at a line of the cache."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
