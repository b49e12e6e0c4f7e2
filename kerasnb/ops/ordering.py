"""Elements by rank, by membership and by condition. Imports index, reduce and reshaping.

Where the shape of a result depends on the data (`nonzero`, `unique`), it works on data alone, and
not in a model under construction or a compiled step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, GraphError, ShapeError, unknown
from kerasnb.op import Sample, primitive
from kerasnb.ops import elementwise
from kerasnb.ops.elementwise import (
    cast,
    equal,
    logical_not,
    minimum,
)
from kerasnb.ops.index import argsort, sort, take
from kerasnb.ops.reshaping import ravel
from kerasnb.spec import TensorSpec, normalize_axis, promote
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "argpartition", "digitize", "isin", "nonzero", "searchsorted", "select", "unique",
    "unravel_index", "where",
]  # fmt: skip


def _searchsorted_spec(ordered: TensorSpec, values: TensorSpec, *, side: str) -> TensorSpec:
    if ordered.ndim != 1:
        raise ShapeError(f"searchsorted: expected a vector to search in, got {ordered}.")
    return values.with_dtype("int32")


@primitive(
    "searchsorted",
    kind="index",
    infer=_searchsorted_spec,
    vjp=[None, None],
    casts="promote",
    samples=[
        Sample((np.array([-1.0, 0.0, 0.0, 2.0]), (3, 2)), {"side": "left"}),
        Sample((np.array([-1.0, 0.0, 0.0, 2.0]), np.array([0.0, 5.0])), {"side": "right"}),
    ],
)
def _searchsorted(xp, ordered, values, *, side):
    return xp.asarray(xp.searchsorted(ordered, values, side), "int32")


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Before which element of a rising vector each value belongs, int32.

    Args:
        sorted_sequence: a vector whose elements rise.
        values: a tensor.
        side: ``"left"``: before elements that are equal to the value; ``"right"``: after them.

    Raises:
        ShapeError: there is no vector to search in.
    """
    if side not in ("left", "right"):
        raise unknown("side of searchsorted", side, ["left", "right"])
    return apply(_searchsorted, sorted_sequence, values, side=side)


def digitize(x: Any, bins: Any) -> Tensor:
    """In which bin each element lies, int32: bin i is from ``bins[i - 1]`` to before ``bins[i]``.

    Raises:
        ShapeError: `bins` is no vector.
    """
    return searchsorted(bins, x, side="right")


def argpartition(x: Any, kth: int, axis: int = -1) -> Tensor:
    """An int32 order along `axis` that has the `kth` smallest in its place, smaller ones before it
    and larger ones after it."""
    x = as_tensor(x)
    length = x.shape[normalize_axis(axis, x.ndim)]
    if length is not None and not -length <= kth < length:
        raise ArgumentError(f"argpartition: kth={kth} is out of range for {length} elements.")
    return argsort(x, axis)


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is one of `x2`.

    Args:
        x1: a tensor.
        x2: a tensor.
        assume_unique: accepted for Keras's sake; the result does not depend on it.
        invert: whether to give the opposite.
    """
    x1, x2 = as_tensor(x1), ravel(x2)
    dtype = promote(x1.dtype, x2.dtype)
    if x2.size == 0:
        found = elementwise.not_equal(x1, x1)
    else:
        ordered, values = sort(cast(x2, dtype)), cast(x1, dtype)
        place = minimum(searchsorted(ordered, values), ordered.shape[0] - 1)
        found = equal(take(ordered, place), values)
    return logical_not(found) if invert else found


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """For each place the element of the first choice whose condition holds there.

    Args:
        condlist: conditions.
        choicelist: as many tensors.
        default: where no condition holds.

    Raises:
        ArgumentError: there are not as many choices as conditions, or none.
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ArgumentError(
            f"select: expected as many choices as conditions, got {len(condlist)} conditions and "
            f"{len(choicelist)} choices."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = elementwise.where(condition, choice, result)
    return result


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, `x2` elsewhere; the three broadcast together.

    With the condition alone: where it holds, as `nonzero` gives it.

    Raises:
        ArgumentError: only one of `x1` and `x2` is given.
    """
    if (x1 is None) != (x2 is None):
        raise ArgumentError("where: expected both x1 and x2, or neither.")
    return nonzero(condition) if x1 is None else elementwise.where(condition, x1, x2)


def _values(name: str, x: Any) -> np.ndarray:
    """The data on the host.

    Raises:
        GraphError: there is none yet.
    """
    x = as_tensor(x)
    if x.data is None:
        raise GraphError(
            f"{name}: the shape of its result depends on the data, but this {x.spec} is symbolic: "
            "it stands for data that comes later. Use ops.where, ops.top_k or another op whose "
            "shape is known, or compile(run_eagerly=True)."
        )
    return x.numpy()


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Where the elements are that are not zero: for each axis their int32 positions.

    Raises:
        GraphError: `x` is symbolic.
    """
    return tuple(as_tensor(i.astype("int32")) for i in np.nonzero(_values("nonzero", x)))


def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements of a tensor, in rising order.

    Args:
        x: a tensor.
        sorted: accepted for Keras's sake; they always rise.
        return_index: whether to give where each is first found.
        return_inverse: whether to give for each element of `x` which one it is.
        return_counts: whether to give how often each is found.
        axis: along which slices are compared; None takes the flattened tensor.
        size: how many to give; further ones are cut, missing ones filled.
        fill_value: in place of missing ones; the first one if None.

    Returns:
        The elements; with one of the flags a tuple of them and of int32 tensors.

    Raises:
        GraphError: `x` is symbolic.
    """
    values = _values("unique", x)
    found, first, inverse, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(values.shape if axis is None else -1)
    axis = 0 if axis is None else axis % values.ndim
    if size is not None:
        found = _of_size(found, size, axis, fill_value)
        first, counts = _of_size(first, size, 0, None), _of_size(counts, size, 0, 0)
    parts = [as_tensor(found)]
    flags = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    parts += [as_tensor(part.astype("int32")) for wanted, part in flags if wanted]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _of_size(found: np.ndarray, size: int, axis: int, fill_value: Any) -> np.ndarray:
    missing = size - found.shape[axis]
    if missing <= 0:
        return np.take(found, range(size), axis)
    rest = np.repeat(np.take(found, [0], axis), missing, axis)
    if fill_value is not None:
        rest = np.full_like(rest, fill_value)
    return np.concatenate([found, rest], axis)


def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """For each axis of `shape` the position of the elements that have these numbers in order."""
    indices = as_tensor(indices)
    found = []
    for length in reversed(tuple(shape)):
        found.append(indices % length)
        indices = indices // length
    return tuple(reversed(found))
