"""Picking elements by position, and putting them back. Imports reshaping, elementwise, op and
tensor."""

from __future__ import annotations

import builtins
from typing import Any

from kerasnb import config
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, UnknownDimension
from kerasnb.op import OPS, Sample, primitive
from kerasnb.ops.elementwise import cast, equal, less, where
from kerasnb.ops.reshaping import broadcast_to, expand_dims, reshape
from kerasnb.spec import TensorSpec, is_integer, normalize_axis
from kerasnb.tensor import Operators, Tensor, apply, as_tensor

__all__ = [
    "argsort", "in_top_k", "multi_hot", "one_hot", "sort", "take",
    "take_along_axis", "top_k",
]  # fmt: skip

_IDS = [[0, 2], [1, 2]]


def _integer(spec: TensorSpec, name: str) -> None:
    if not is_integer(spec.dtype):
        raise DTypeError(f"{name}: expected integer indices, got {spec}.")


def _take_spec(x: TensorSpec, indices: TensorSpec, *, axis: int) -> TensorSpec:
    _integer(indices, "take")
    return x.with_shape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


@primitive(
    "gather",
    kind="index",
    infer=_take_spec,
    vjp=[
        lambda g, y, x, i, *, axis: apply(_scatter_add, g, i, axis=axis, length=x.shape[axis]),
        None,
    ],
    samples=[Sample(((3, 4), _IDS), {"axis": 0}), Sample(((2, 3), [2, 0, 0, 1]), {"axis": 1})],
)
def _take(xp, x, indices, *, axis):
    return xp.take(x, indices, axis)


def _scatter_spec(g: TensorSpec, indices: TensorSpec, *, axis: int, length: int) -> TensorSpec:
    return g.with_shape((*g.shape[:axis], length, *g.shape[axis + indices.ndim :]))


@primitive(
    "scatter_add",
    kind="index",
    infer=_scatter_spec,
    vjp=[lambda g, y, u, i, *, axis, length: apply(_take, g, i, axis=axis), None],
    samples=[Sample(((2, 2, 4), _IDS), {"axis": 0, "length": 3})],
)
def _scatter_add(xp, updates, indices, *, axis, length):
    """Sum the slices of `updates` into rows of a zero tensor; equal indices add up."""
    lead, rest = updates.shape[:axis], updates.shape[axis + indices.ndim :]
    result = xp.zeros((*lead, length, *rest), updates.dtype)
    flat = (
        updates.reshape((*lead, -1, *rest))
        if updates.size
        else updates.reshape((*lead, indices.size, *rest))
    )
    xp.add.at(result, (builtins.slice(None),) * axis + (indices.reshape(-1),), flat)
    return result


def _along_spec(x: TensorSpec, indices: TensorSpec, *, axis: int) -> TensorSpec:
    _integer(indices, "take_along_axis")
    if x.ndim != indices.ndim:
        raise ShapeError(f"take_along_axis: {x.shape} and {indices.shape} differ in rank.")
    return x.with_shape(indices.shape)


@primitive(
    "take_along_axis",
    kind="index",
    infer=_along_spec,
    vjp=[
        lambda g, y, x, i, *, axis: apply(_put_along, g, i, axis=axis, length=x.shape[axis]),
        None,
    ],
    samples=[Sample(((2, 4), [[0, 3, 3], [1, 0, 2]]), {"axis": 1})],
)
def _take_along(xp, x, indices, *, axis):
    return xp.take_along_axis(x, indices, axis)


@primitive(
    "put_along_axis",
    kind="index",
    infer=lambda g, i, *, axis, length: g.with_shape(
        (*g.shape[:axis], length, *g.shape[axis + 1 :])
    ),
    vjp=[lambda g, y, u, i, *, axis, length: apply(_take_along, g, i, axis=axis), None],
    samples=[Sample(((2, 3), [[0, 3, 3], [1, 0, 2]]), {"axis": 1, "length": 4})],
)
def _put_along(xp, updates, indices, *, axis, length):
    """The sum of `updates` at the places `indices` of a zero tensor along `axis`."""
    shape = (*updates.shape[:axis], length, *updates.shape[axis + 1 :])
    result = xp.zeros(shape, updates.dtype)
    grid = list(xp.meshgrid(*(xp.arange(n) for n in updates.shape), indexing="ij"))
    grid[axis] = indices
    xp.add.at(result, tuple(grid), updates)
    return result


@primitive(
    "argsort",
    kind="index",
    infer=lambda x, *, axis: x.with_dtype("int32"),
    vjp=[None],
    samples=[Sample(((3, 4),), {"axis": 1})],
)
def _argsort(xp, x, *, axis):
    # stable, so that equal elements keep their order on every backend
    return xp.asarray(xp.argsort(x, axis, kind="stable"), "int32")


def _getitem(x: Any, key: Any) -> Tensor:
    x = as_tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    used = builtins.sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim:
        raise ShapeError(f"Too many indices: {used} for a tensor with {x.ndim} dimensions.")
    whole = [builtins.slice(None)] * (x.ndim - used)
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = whole
    else:
        keys += whole
    return _index(x, keys)


def _index(x: Tensor, keys: list) -> Tensor:
    starts, stops, steps, flips, shape, gathers = [], [], [], [], [], []
    axis = 0  # of x
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        n = x.shape[axis]
        if isinstance(k, builtins.slice):
            start, stop, step, flipped, length = _slice_bounds(k, n)
            flips += [axis] if flipped else []
            shape.append(length)
        elif isinstance(k, int) and not isinstance(k, bool):
            if n is None and k < 0:
                raise UnknownDimension(
                    f"Index {k} counts from the end of an axis of unknown length."
                )
            if n is not None and not -n <= k < n:
                raise IndexError(f"Index {k} is out of range for axis {axis} of length {n}.")
            start, stop, step = k % n if n is not None else k, None, 1
            stop = start + 1
        else:
            start, stop, step = 0, None, 1
            gathers.append((len(shape), k))
            shape.append(n)
        starts.append(start)
        stops.append(stop)
        steps.append(step)
        axis += 1
    if any(stop is not None for stop in stops):
        x = apply(OPS["slice"], x, start=tuple(starts), stop=tuple(stops), step=tuple(steps))
    if flips:
        x = apply(OPS["reverse"], x, axes=tuple(flips))
    if tuple(shape) != x.shape:
        x = apply(OPS["reshape"], x, shape=tuple(shape))
    if len(gathers) > 1:
        raise ArgumentError("Indexing with several arrays at once is not supported; use ops.take.")
    for place, indices in gathers:
        x = _gather_key(x, indices, place)
    return x


def _gather_key(x: Tensor, indices: Any, axis: int) -> Tensor:
    indices = as_tensor(indices)
    if indices.dtype == "bool":
        raise DTypeError(
            "A boolean mask would give a shape that depends on the data; use ops.where, or index a "
            "NumPy array."
        )
    if indices.ndim == 0 and indices.data is not None:
        return _index(
            x,
            [builtins.slice(None)] * axis
            + [int(indices)]
            + [builtins.slice(None)] * (x.ndim - axis - 1),
        )
    return take(x, indices, axis)


def _slice_bounds(k: builtins.slice, n: int | None) -> tuple:
    """Start, stop, step (positive), whether to reverse, and the length."""
    if k.start is None and k.stop is None and k.step in (None, 1):
        return 0, None, 1, False, n
    if n is None:
        raise UnknownDimension("An axis of unknown length can only be taken whole (`:`).")
    start, stop, step = k.indices(n)
    length = len(range(start, stop, step))
    if step < 0:  # the same elements from the other end
        return start + (length - 1) * step, start + 1, -step, True, length
    return start, builtins.max(start, stop), step, False, length


Operators._getitem = staticmethod(_getitem)


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements or slices at `indices` along `axis` (of the flattened tensor if None).

    Negative indices count from the end. Indices out of range raise on the CPU's eager path and are
    undefined on a GPU.
    """
    x = as_tensor(x)
    indices = as_tensor(indices)
    if not is_integer(indices.dtype):
        indices = cast(indices, "int32")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return apply(_take, x, indices, axis=normalize_axis(axis, x.ndim))


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """For each place of `indices` the element of `x` at that index along `axis`."""
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, indices, axis = reshape(x, (-1,)), reshape(indices, (-1,)), 0
    axis = normalize_axis(axis, x.ndim)
    lead = (*x.shape[:axis], indices.shape[axis], *x.shape[axis + 1 :])
    return apply(_take_along, x, broadcast_to(indices, lead), axis=axis)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False
) -> Tensor:
    """1 at each index, 0 elsewhere, along a new axis of length `num_classes`.

    An index out of range gives a row of zeros.
    """
    if sparse:
        raise ArgumentError("one_hot: sparse tensors are not supported; use sparse=False.")
    x = as_tensor(x)
    x = x if is_integer(x.dtype) else cast(x, "int32")
    axis = axis % (x.ndim + 1)
    shape = tuple(num_classes if i == axis else 1 for i in range(x.ndim + 1))
    classes = reshape(as_tensor(list(range(num_classes)), x.dtype), shape)
    return cast(equal(expand_dims(x, axis), classes), dtype or config.floatx())


def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: str | None = None,
    sparse: bool = False,
) -> Tensor:
    """1 for every class that occurs along the second axis of `inputs` (the first of a vector).

    Args:
        inputs: class numbers.
        num_classes: how many classes there are.
        axis: where the classes stand before that axis goes.
        dtype: of the result; `floatx` if None.
        sparse: must be False.

    Raises:
        ArgumentError: `num_classes` is not given, or `sparse` is set.
    """
    if num_classes is None:
        raise ArgumentError("multi_hot: give num_classes.")
    hot = one_hot(inputs, num_classes, axis, dtype, sparse)
    return apply(OPS["reduce_max"], hot, axes=(1 if hot.ndim > 2 else 0,))


def argsort(x: Any, axis: int = -1) -> Tensor:
    """The int32 order that sorts the tensor along `axis`; equal elements keep their order."""
    x = as_tensor(x)
    return apply(_argsort, x, axis=normalize_axis(axis, x.ndim))


def sort(x: Any, axis: int = -1) -> Tensor:
    """The tensor with its elements in rising order along `axis`."""
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    return apply(_take_along, x, argsort(x, axis), axis=axis)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements of the last axis, largest first, and their int32 positions."""
    x = as_tensor(x)
    if x.ndim == 0 or (x.shape[-1] is not None and k > x.shape[-1]):
        raise ShapeError(f"top_k: k={k} is more than the last axis of {x.spec} holds.")
    order = argsort(-x, -1)[..., :k]
    return apply(_take_along, x, order, axis=x.ndim - 1), order


def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether each target class is among the `k` highest predictions of its row.

    Ties with the k-th count as in.
    """
    targets, predictions = as_tensor(targets), as_tensor(predictions)
    hot = one_hot(targets, predictions.shape[-1], dtype="bool")
    low = where(hot, predictions, -float("inf"))
    own = apply(OPS["reduce_max"], low, axes=(1,))
    higher = cast(less(expand_dims(own, 1), predictions), "int32")
    found = apply(OPS["reduce_max"], hot, axes=(1,))
    return where(found, less(apply(OPS["reduce_sum"], higher, axes=(1,)), k), False)
