"""Parts of tensors replaced, and rows put together by number. Imports index, scans and reduce."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.errors import GraphError, ShapeError, unknown
from kerasnb.op import OPS, Sample, primitive
from kerasnb.ops.creation import ones, ones_like
from kerasnb.ops.elementwise import (
    cast,
    clip,
    equal,
    logical_and,
    maximum,
    minimum,
    multiply,
    where,
)
from kerasnb.ops.index import argsort, take
from kerasnb.ops.reduce import max
from kerasnb.ops.reshaping import pad, reshape
from kerasnb.ops.scans import associative_scan
from kerasnb.spec import TensorSpec, is_float, size_of
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "get_item", "scatter", "scatter_update", "segment_max", "segment_min", "segment_prod",
    "segment_sum", "slice", "slice_update",
]  # fmt: skip


def get_item(x: Any, key: Any) -> Tensor:
    """``x[key]``."""
    return as_tensor(x)[key]


# Segments: rows with one number


def _segment_spec(data: TensorSpec, ids: TensorSpec, *, length: int) -> TensorSpec:
    return data.with_shape((length, *data.shape[1:]))


def _segment_max_vjp(g, y, data, ids, *, length):
    # rows that tie for the largest share the gradient
    winners = cast(equal(data, take(y, ids, 0)), data.dtype)
    count = apply(OPS["scatter_add"], winners, ids, axis=0, length=length)
    return winners * take(g / where(equal(count, 0), 1.0, count), ids, 0)


@primitive(
    "segment_max",
    kind="index",
    infer=_segment_spec,
    vjp=[_segment_max_vjp, None],
    samples=[
        Sample(((5, 2), [0, 1, 1, 0, 1]), {"length": 2}),
        Sample(((4,), [1, 1, 0, 1]), {"length": 2}),
    ],
)
def _segment_max(xp, data, ids, *, length):
    dtype = data.dtype
    lowest = -math.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)
    result = xp.full((length, *data.shape[1:]), lowest, dtype)
    xp.maximum.at(result, ids, data)
    return result


def _segments(name: str, data: Any, ids: Any, count: int | None) -> tuple[Tensor, Tensor, int]:
    data, ids = as_tensor(data), as_tensor(ids)
    if ids.ndim != 1 or data.ndim < 1 or ids.shape[0] != data.shape[0]:
        raise ShapeError(
            f"{name}: expected a vector of one number for each row, got segment_ids {ids.spec} for "
            f"data {data.spec}."
        )
    if count is None:
        if ids.data is None:
            raise GraphError(f"{name}: give num_segments, which symbolic ids do not tell.")
        count = int(max(ids)) + 1 if ids.size else 0
    return data, ids, count


def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of the rows of `data` that share a number.

    Args:
        data: rows along the first axis.
        segment_ids: the number of each row.
        num_segments: how many numbers there are; one more than the largest if None.
        sorted: accepted for Keras's sake; the result does not depend on it.

    Raises:
        ShapeError: there is not one number for each row.
        GraphError: neither `num_segments` nor the numbers are known.
    """
    data, ids, count = _segments("segment_sum", data, segment_ids, num_segments)
    return apply(OPS["scatter_add"], data, ids, axis=0, length=count)


def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest of the rows of `data` that share a number, element by element; the lowest number
    of the dtype where there is no row. See `segment_sum`."""
    data, ids, count = _segments("segment_max", data, segment_ids, num_segments)
    return apply(_segment_max, data, ids, length=count)


def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest of the rows of `data` that share a number, element by element; the largest
    number of the dtype where there is no row. See `segment_sum`."""
    data, ids, count = _segments("segment_min", data, segment_ids, num_segments)
    if is_float(data.dtype):
        return -apply(_segment_max, -data, ids, length=count)
    largest = int(np.iinfo(data.dtype).max)
    # -1 - x turns the order round without overflow, and the lowest number into the largest
    top = -1 if data.dtype.startswith("int") else largest
    return top - apply(_segment_max, top - data, ids, length=count)


def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of the rows of `data` that share a number; 1 where there is no row. See
    `segment_sum`."""
    data, ids, count = _segments("segment_prod", data, segment_ids, num_segments)
    if data.shape[0] == 0:
        return ones((count, *data.shape[1:]), data.dtype)
    order = argsort(ids)
    rows, numbers = take(data, order, 0), take(ids, order, 0)

    def join(a: tuple, b: tuple) -> tuple:
        (x, i), (y, j) = a, b
        same = reshape(equal(i, j), (-1,) + (1,) * (data.ndim - 1))
        return where(same, multiply(x, y), y), j

    running, _ = associative_scan(join, (rows, numbers))
    places = np.arange(data.shape[0], dtype="int32")
    last = apply(_segment_max, places, numbers, length=count)  # below 0 where there is no row
    there = reshape(last >= 0, (-1,) + (1,) * (data.ndim - 1))
    return where(there, take(running, maximum(last, 0), 0), ones_like(data[:1]))


# Places


def _rows(
    name: str, indices: Any, updates: Any, shape: Sequence[int]
) -> tuple[Tensor, Tensor, int]:
    """The number of the row that each update is for, the updates as rows, and how many rows a
    tensor of `shape` has."""
    indices, updates = as_tensor(indices), as_tensor(updates)
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= len(shape):
        raise ShapeError(
            f"{name}: expected in the last axis of the indices 1 to {len(shape)} positions for the "
            f"shape {tuple(shape)}, got {indices.spec}."
        )
    wanted = (*indices.shape[:-1], *shape[depth:])
    if updates.shape != wanted:
        raise ShapeError(f"{name}: expected values of shape {wanted}, got {updates.spec}.")
    lengths = np.asarray(shape[:depth], "int32")
    indices = cast(indices, "int32")
    indices = where(indices < 0, indices + lengths, indices)
    steps = np.append(np.cumprod(lengths[:0:-1], dtype="int32")[::-1], np.int32(1))
    numbers = reshape(apply(OPS["reduce_sum"], indices * steps, axes=(indices.ndim - 1,)), (-1,))
    return numbers, reshape(updates, (-1, *shape[depth:])), size_of(tuple(lengths.tolist()))


def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Tensor:
    """A tensor of zeros with values added at some places.

    Args:
        indices: ``(.., k)``: each the first k positions of a place.
        values: ``(.., *shape[k:])``; those for one place add up.
        shape: of the result.

    Raises:
        ShapeError: the shapes do not fit.
    """
    shape = tuple(int(d) for d in shape)
    numbers, rows, count = _rows("scatter", indices, values, shape)
    return reshape(apply(OPS["scatter_add"], rows, numbers, axis=0, length=count), shape)


REDUCTIONS = ("add", "max", "min", "mul")


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """A tensor with other values at some places.

    Args:
        inputs: the tensor.
        indices: ``(.., k)``: each the first k positions of a place.
        updates: ``(.., *inputs.shape[k:])``; of several for one place the last counts.
        reduction: how an update joins what is there: ``"add"``, ``"max"``, ``"min"``, ``"mul"``,
            or None to replace it.

    Raises:
        ArgumentError: there is no such reduction.
        ShapeError: the shapes do not fit.
    """
    x = as_tensor(inputs)
    if reduction is not None and reduction not in REDUCTIONS:
        raise unknown("reduction of scatter_update", reduction, REDUCTIONS)
    numbers, rows, count = _rows("scatter_update", indices, updates, x.shape)
    rows = cast(rows, x.dtype)
    if rows.shape[0] == 0:
        return x
    old = reshape(x, (count, *rows.shape[1:]))
    if reduction == "add":
        new = old + segment_sum(rows, numbers, count)
    elif reduction == "mul":
        new = old * segment_prod(rows, numbers, count)
    elif reduction == "max":
        new = maximum(old, segment_max(rows, numbers, count))
    elif reduction == "min":
        new = minimum(old, segment_min(rows, numbers, count))
    else:
        places = np.arange(rows.shape[0], dtype="int32")
        last = apply(_segment_max, places, numbers, length=count)  # below 0 where there is none
        there = reshape(last >= 0, (-1,) + (1,) * (rows.ndim - 1))
        new = where(there, take(rows, maximum(last, 0), 0), old)
    return reshape(new, x.shape)


# Blocks


def _starts(name: str, x: Tensor, start_indices: Any, shape: Sequence[int]) -> list:
    """Where a block of `shape` begins on each axis: integers, or tensors where they are symbolic;
    moved so that the block lies inside, as XLA does."""
    if isinstance(start_indices, Tensor) and start_indices.data is None:
        starts: list = [start_indices[i] for i in range(start_indices.shape[0])]
    else:
        starts = list(start_indices)
    if not len(starts) == len(shape) == x.ndim:
        raise ShapeError(
            f"{name}: expected a start and a length for each axis of {x.spec}, got {len(starts)} "
            f"starts and {len(shape)} lengths."
        )
    found = []
    for start, length, n in zip(starts, shape, x.shape, strict=True):
        if n is not None and length > n:
            raise ShapeError(f"{name}: a block of {tuple(shape)} does not fit into {x.spec}.")
        start = as_tensor(start)
        room = None if n is None else n - length
        if start.data is None:
            if room is None:
                raise ShapeError(f"{name}: an axis of {x.spec} is not known yet.")
            found.append(clip(cast(start, "int32"), 0, room))
        else:
            start = builtins.max(int(start), 0)
            found.append(start if room is None else builtins.min(start, room))
    return found


def slice(inputs: Any, start_indices: Any, shape: Sequence[int]) -> Tensor:
    """The block of size `shape` that begins at `start_indices`.

    Args:
        inputs: a tensor.
        start_indices: for each axis a number, which may be a symbolic tensor. A block that would
            reach beyond the end is moved back.
        shape: for each axis how long the block is.

    Raises:
        ShapeError: the block is larger than the tensor.
    """
    x, shape = as_tensor(inputs), tuple(int(n) for n in shape)
    starts = _starts("slice", x, start_indices, shape)
    fixed = [s if isinstance(s, int) else 0 for s in starts]
    stops = [
        s + n if isinstance(given, int) else None
        for s, n, given in zip(fixed, shape, starts, strict=True)
    ]
    whole = tuple(zip(fixed, stops, x.shape, strict=True))
    if builtins.any((b, e) not in ((0, None), (0, n)) for b, e, n in whole):
        x = apply(OPS["slice"], x, start=tuple(fixed), stop=tuple(stops), step=(1,) * x.ndim)
    for axis, (start, length) in enumerate(zip(starts, shape, strict=True)):
        if not isinstance(start, int):
            x = take(x, start + as_tensor(np.arange(length, dtype="int32")), axis)
    return x


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """The tensor with the block `updates` in place of that which begins at `start_indices`; see
    `slice`.

    Raises:
        ShapeError: the block is larger than the tensor.
    """
    x = as_tensor(inputs)
    block = cast(updates, x.dtype)
    starts = _starts("slice_update", x, start_indices, block.shape)
    if builtins.all(isinstance(s, int) for s in starts):
        around = [(s, n - s - m) for s, n, m in zip(starts, x.shape, block.shape, strict=True)]
        inside = np.zeros(x.shape, bool)
        inside[
            tuple(builtins.slice(s, s + m) for s, m in zip(starts, block.shape, strict=True))
        ] = True
        return where(as_tensor(inside), pad(block, around), x)
    inside = as_tensor(True)
    for axis, start in enumerate(starts):
        place = as_tensor(np.arange(x.shape[axis], dtype="int32")) - start
        last = block.shape[axis] - 1
        here = logical_and(place >= 0, place <= last)
        inside = logical_and(inside, reshape(here, [-1 if i == axis else 1 for i in range(x.ndim)]))
        block = take(block, clip(place, 0, last), axis)
    return where(inside, block, x)
