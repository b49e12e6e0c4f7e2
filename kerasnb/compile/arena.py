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
    offsets = [0] * len(buffers)
    placed: list[int] = []
    for i in sorted(range(len(buffers)), key=lambda i: -buffers[i].size):
        size, first, last = buffers[i]
        others = sorted(
            (offsets[j], offsets[j] + _rounded(buffers[j].size))
            for j in placed
            if buffers[j].first <= last and first <= buffers[j].last
        )
        at = 0
        for low, high in others:
            if low - at >= size:
                break
            at = max(at, high)
        offsets[i] = at
        placed.append(i)
    total = max((offsets[i] + _rounded(buffers[i].size) for i in placed), default=0)
    return offsets, total


def aligned(size: int) -> np.ndarray:
    """So many bytes, not cleared, that begin at a line of the cache."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
