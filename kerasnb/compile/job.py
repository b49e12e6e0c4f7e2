"""Calls as one native job. Imports driver, pool and library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasnb.compile import pool
from kerasnb.compile.arena import aligned
from kerasnb.compile.driver import DRIVER, JOB, LINE
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.library import addresses
from kerasnb.compile.views import Call

__all__ = ["Job"]

# a rough count of what a kernel takes, to know whether threads are worth waking: 50 us
_FLOPS, _BYTES, _WORTH = 50e9, 10e9, 50e-6


class Job:
    """Calls that are run one after another without Python.

    Args:
        calls: kernels with their operands.
        operands: the address of each call's operands.
        pointers: the operands of all calls of the plan, where patches go.
        patches: (n, 3): position in `pointers`, number of a value, what is added to it.
        apart: whether each call is a segment of its own, so that `seconds` can tell them apart.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        operands: Sequence[int],
        pointers: np.ndarray,
        patches: np.ndarray,
        apart: bool = False,
    ):
        kernels = [call.kernel for call in calls]
        chunks = [kernel.chunks for kernel in kernels]
        # with the driver: by itself it keeps two threads waiting for 17 ms, and it would be loaded
        # once more, which takes 1.5 ms
        places = addresses([*kernels, *DRIVER])[: len(kernels)]
        self.records = np.array(list(zip(places, operands, chunks, strict=True)), np.int64)
        self.records = self.records.reshape(-1, 3)
        segments = [(i, 1, max(n, 1)) for i, n in enumerate(chunks)] if apart else _segments(chunks)
        self._segments = np.array(segments, np.int64).reshape(-1, 3)
        self._tickets = aligned(LINE * len(self._segments))
        self._tickets[:] = 255  # of no generation
        self._patches, self._pointers = patches, pointers
        self._size = max((kernel.scratch for kernel in kernels), default=0)
        self._scratch = aligned(self._size)
        self._address = self._scratch.ctypes.data
        self._shared_seconds = sum(_seconds(k) for k in kernels if k.chunks > 1)
        self._words = np.zeros(len(JOB), np.int64)
        self._place = self._words.ctypes.data  # asking takes 2 us
        self._values: np.ndarray | None = None
        for name, array in (
            ("records", self.records), ("segments", self._segments), ("tickets", self._tickets),
            ("pointers", pointers), ("patches", patches),
        ):  # fmt: skip
            self._words[JOB.index(name)] = array.ctypes.data
        for name, count in (
            ("record_count", len(self.records)), ("segment_count", len(self._segments)),
            ("patch_count", len(patches)),
        ):  # fmt: skip
            self._words[JOB.index(name)] = count

    def run(self, values: np.ndarray) -> None:
        """Run it once for each row of `values`, in which the patches find their addresses.

        Args:
            values: int64 (steps, values).
        """
        self._take(values)
        divided = self._is_divided(len(values))
        pool.run(self._words, self._place, len(values), self._address, self._size, divided)

    def seconds(self, values: np.ndarray) -> np.ndarray:
        """Run it as `run` does, and tell how long each segment took in the last step."""
        self._take(values)
        times = np.zeros((len(self._segments) + 1, 2), np.int64)
        given = self._words, self._place, len(values), self._address, self._size
        pool.pool(alone=not self._is_divided(len(values))).time(*given, times)
        return np.diff(pool.seconds(times))

    def _is_divided(self, steps: int) -> bool:
        """Whether so many steps are worth other threads."""
        return self._shared_seconds * steps > _WORTH

    def _take(self, values: np.ndarray) -> None:
        if values is not self._values:
            self._values = values
            self._words[_VALUES] = values.ctypes.data
            self._words[_VALUE_COUNT] = values.shape[1]


_VALUES, _VALUE_COUNT = JOB.index("values"), JOB.index("value_count")


def _segments(chunks: Sequence[int]) -> list[tuple[int, int, int]]:
    """First record, how many, and their chunks: neighbours of one chunk each are together."""
    found: list[tuple[int, int, int]] = []
    for number, count in enumerate(chunks):
        if count <= 1 and found and found[-1][2] == 1:
            first, before, _ = found[-1]
            found[-1] = (first, before + 1, 1)
        else:
            found.append((number, 1, max(count, 1)))
    return found


def _seconds(kernel: Kernel) -> float:
    return kernel.flops / _FLOPS + kernel.moved / _BYTES
