"""Many steps of a plan as one native call: each takes other rows of the data, and the state that
the step before left. Imports job and placement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.compile.arena import aligned
from kerasnb.compile.job import Job
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.placement import Placement
from kerasnb.compile.recycling import Recycled
from kerasnb.compile.views import Call

__all__ = ["Repeated"]

_PIECE = 1 << 16  # bytes of a batch that one chunk copies: 5 us

# operands: the rows, the numbers of those that are wanted, where they go; and three int64: how many
# are wanted, how many of them a chunk takes, and bytes of a row
_ROWS = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define void @kernel(ptr noalias %operands, i64 %chunk, ptr noalias %scratch) {
begin:
  %source = load ptr, ptr %operands
  %numbers_at = getelementptr ptr, ptr %operands, i64 1
  %numbers = load ptr, ptr %numbers_at
  %target_at = getelementptr ptr, ptr %operands, i64 2
  %target = load ptr, ptr %target_at
  %sizes_at = getelementptr ptr, ptr %operands, i64 3
  %sizes = load ptr, ptr %sizes_at
  %count = load i64, ptr %sizes
  %each_at = getelementptr i64, ptr %sizes, i64 1
  %each = load i64, ptr %each_at
  %bytes_at = getelementptr i64, ptr %sizes, i64 2
  %bytes = load i64, ptr %bytes_at
  %first = mul i64 %chunk, %each
  %end = add i64 %first, %each
  %beyond = icmp sgt i64 %end, %count
  %last = select i1 %beyond, i64 %count, i64 %end
  br label %head
head:
  %i = phi i64 [%first, %begin], [%next, %body]
  %more = icmp slt i64 %i, %last
  br i1 %more, label %body, label %done
body:
  %number_at = getelementptr i64, ptr %numbers, i64 %i
  %number = load i64, ptr %number_at
  %from_offset = mul i64 %number, %bytes
  %from = getelementptr i8, ptr %source, i64 %from_offset
  %to_offset = mul i64 %i, %bytes
  %to = getelementptr i8, ptr %target, i64 %to_offset
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %bytes, i1 false)
  %next = add i64 %i, 1
  br label %head
done:
  ret void
}
!0 = !{}
"""


class Repeated:
    """A plan's calls with the choice of rows before them.

    Args:
        place: the plan's memory.
        calls: its calls; there is nothing else to be run.
        sources: for some inputs, by number, the array whose rows make a batch; row-major.
        recycled: of each result, in the order of `place.moving`.
        state: pairs of a result and the input, by number, that it is for the next step.

    Attributes:
        sources: as given.
    """

    def __init__(
        self,
        place: Placement,
        calls: Sequence[Call],
        sources: dict[int, np.ndarray],
        recycled: Sequence[Recycled],
        state: Sequence[tuple[int, int]],
    ):
        self.sources, self._place, self._recycled = sources, place, recycled
        self._state: dict[int, list[int]] = {}
        for result, given in state:
            self._state.setdefault(result, []).append(given)
        self._inputs = len(place.moving) - len(recycled)
        self._batches: dict[int, np.ndarray] = {}
        self._sizes: list[np.ndarray] = []
        copies = [self._copy(number, array) for number, array in sources.items()]
        pointers = np.concatenate([place.pointers, *(p for _, p in copies)])
        starts = [*place.starts, *(len(place.pointers) + 4 * i for i in range(len(copies)))]
        operands = [pointers.ctypes.data + 8 * s for s in starts]
        operands = [*operands[len(calls) :], *operands[: len(calls)]]
        numbers = len(place.moving)  # the column of `values` with the address of the row numbers
        patches = [(len(place.pointers) + 4 * i + 1, numbers, 0) for i in range(len(copies))]
        self._job = Job(
            [*(call for call, _ in copies), *calls], operands, pointers,
            np.concatenate([place.patches, np.array(patches, np.int64).reshape(-1, 3)]),
        )  # fmt: skip

    def _copy(self, number: int, array: np.ndarray) -> tuple[Call, np.ndarray]:
        """The call that brings the rows of one input together, and its operands."""
        spec = self._place.moving[number].spec
        row = math.prod(spec.shape[1:]) * array.itemsize
        each = max(1, _PIECE // max(row, 1))
        count = spec.shape[0]
        sizes = np.array([count, each, row], np.int64)
        self._sizes.append(sizes)
        memory = aligned(count * row)
        self._batches[number] = memory
        kernel = Kernel("choose rows", _ROWS, max(1, -(-count // each)), 0, 2 * count * row)
        operands = [array.ctypes.data, 0, memory.ctypes.data, sizes.ctypes.data]
        return Call(kernel, []), np.array(operands, np.uintp)

    def run(self, arrays: Sequence[Any], rows: np.ndarray) -> list:
        """Run a step for each row of `rows`.

        Args:
            arrays: of all inputs, row-major; None where there is a source.
            rows: int64 (steps, batch): which rows of the sources.

        Returns:
            The arrays of all that moves, as after the last step.
        """
        steps = len(rows)
        values = np.empty((steps, len(self._place.moving) + 1), np.int64)
        values[:, -1] = rows.ctypes.data + np.arange(steps) * rows.strides[0]
        made = list(arrays)
        for number, memory in self._batches.items():
            values[:, number] = memory.ctypes.data
        for number, array in enumerate(arrays):
            if array is not None:
                values[:, number] = array.__array_interface__["data"][0]
        for number, recycled in enumerate(self._recycled, self._inputs):
            made.append(self._alternate(values, number, recycled))
        self._job.run(values)
        return made

    def _alternate(self, values: np.ndarray, number: int, recycled: Recycled) -> np.ndarray:
        """Give a result its places, step by step, and the input that it is for the next step.

        It changes between two: where one of them is read, the other is written. Gives the last.
        """
        last, address = recycled.take()
        values[:, number] = address
        given = self._state.get(number, ())
        if given and len(values) > 1:
            _, other = recycled.take(apart_from=last)
            values[-2::-2, number] = other
            for following in given:
                values[1:, following] = values[:-1, number]
        return last
