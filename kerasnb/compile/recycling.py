"""Arrays for results that are used again as soon as nobody holds them. Imports arena.

A step's new weights are as large as the old ones. New memory each time would cost the operating
system's clearing of every page: 1 ms for 4 MB, which a small step takes in all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from kerasnb.compile.arena import aligned

__all__ = ["Recycled"]

_KEPT = 4  # arrays; more are in use only if someone collects results


class _Block:
    """Memory, and the array that lies in it."""

    __slots__ = ("address", "array", "memory")

    def __init__(self, dtype: str, shape: Sequence[int]):
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        part = aligned(size)
        # what every view of the array has as its base
        self.memory = part.base if isinstance(part.base, np.ndarray) else part
        self.address = part.ctypes.data
        self.array = part.view(dtype).reshape(tuple(shape))

    def holders(self) -> tuple[int, int]:
        """How many hold the array; and how many the memory, as any view of the array does."""
        return sys.getrefcount(self.array), sys.getrefcount(self.memory)


_IDLE = _Block("float32", (1,)).holders()


class Recycled:
    """Arrays of one dtype and shape.

    Args:
        dtype, shape: of the arrays.
    """

    def __init__(self, dtype: str, shape: Sequence[int]):
        self._dtype, self._shape = dtype, tuple(shape)
        self._blocks: list[_Block] = []

    def take(self, apart_from: np.ndarray | None = None) -> tuple[np.ndarray, int]:
        """An array that nobody else holds, with what was in it before, and its address.

        Args:
            apart_from: one that was taken and is not to be given again.
        """
        for block in self._blocks:
            if block.array is not apart_from and block.holders() == _IDLE:
                return block.array, block.address
        block = _Block(self._dtype, self._shape)
        self._blocks = [block, *self._blocks[: _KEPT - 1]]
        return block.array, block.address
