"""Averages, quantiles, counts and what else sums up many numbers. Imports ordering, loops and what
lies below.

Functions whose names begin with ``nan`` leave NaN out.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, GraphError, ShapeError, unknown
from kerasnb.op import OPS
from kerasnb.ops.convolution import conv
from kerasnb.ops.creation import linspace, ones_like
from kerasnb.ops.elementwise import (
    cast,
    ceil,
    clip,
    divide,
    floor,
    isnan,
    logical_and,
    logical_not,
    round,
    sqrt,
    square,
    together,
    where,
)
from kerasnb.ops.index import sort, take, take_along_axis
from kerasnb.ops.ordering import searchsorted
from kerasnb.ops.products import matmul
from kerasnb.ops.reduce import all, any, argmax, argmin, cumsum, max, mean, min, prod, sum
from kerasnb.ops.reshaping import broadcast_to, expand_dims, flip, moveaxis, ravel, reshape
from kerasnb.ops.scans import cumprod
from kerasnb.spec import is_float, normalize_axes, normalize_axis, size_of
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "average", "bincount", "corrcoef", "correlate", "diff", "histogram", "median", "nanargmax",
    "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "percentile", "psnr",
    "ptp", "quantile", "trapezoid",
]  # fmt: skip

Axis = int | Sequence[int] | None
METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _float(x: Any) -> Tensor:
    x = as_tensor(x)
    return x if is_float(x.dtype) else cast(x, config.floatx())


def average(x: Any, axis: Axis = None, weights: Any = None) -> Tensor:
    """The mean over `axis`, each element counting as much as its weight says.

    Args:
        x: a tensor; whole numbers become floats.
        axis: over which to take it; all axes if None.
        weights: of the shape of `x`, or a vector along `axis`; equal ones if None.

    Raises:
        ShapeError: the weights do not fit.
    """
    if weights is None:
        return mean(x, axis)
    x, weights = together(as_tensor(x), as_tensor(weights), "float")
    if weights.shape != x.shape:
        if weights.ndim != 1 or not isinstance(axis, int):
            raise ShapeError(
                f"average: expected weights of shape {x.shape}, or a vector along one axis, got "
                f"{weights.shape}."
            )
        own = normalize_axis(axis, x.ndim)
        weights = reshape(weights, [-1 if i == own else 1 for i in range(x.ndim)])
    return sum(x * weights, axis) / sum(broadcast_to(weights, x.shape), axis)


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The distance from the smallest to the largest element over `axis`."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


# Quantiles


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle of the elements over `axis`; of an even number of them, the mean of two."""
    return quantile(x, 0.5, axis, "linear", keepdims)


def percentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with `q` from 0 to 100."""
    return quantile(x, _float(q) / 100.0, axis, method, keepdims)


def quantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The number below which a share `q` of the elements over `axis` lies.

    Args:
        x: a tensor; whole numbers become floats.
        q: from 0 to 1; a tensor of them gives as many results, along new first axes.
        axis: over which to take it; all axes if None.
        method: what to do between two elements: ``"linear"``, ``"lower"``, ``"higher"``,
            ``"midpoint"`` or ``"nearest"``.
        keepdims: whether the axes stay, with length 1.

    Raises:
        ArgumentError: there is no such method.
    """
    x, rows, axes = _rows(x, axis)
    last = as_tensor(rows.shape[-1] - 1, x.dtype)
    # one NaN makes the result NaN
    broken = any(isnan(rows), -1, keepdims=True)
    return _quantile(x, where(broken, math.nan, sort(rows)), last, q, axes, method, keepdims)


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`median` without NaN."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)


def nanpercentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`percentile` without NaN."""
    return nanquantile(x, _float(q) / 100.0, axis, method, keepdims)


def nanquantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` without NaN; NaN where nothing else is."""
    x, rows, axes = _rows(x, axis)
    numbers = cast(logical_not(isnan(rows)), x.dtype)
    last = sum(numbers, -1) - 1.0  # NaN stands behind all numbers
    return _quantile(x, sort(rows), last, q, axes, method, keepdims)


def _rows(x: Any, axis: Axis) -> tuple[Tensor, Tensor, tuple]:
    """`x` as floats, the same with all that is to be summed up in its last axis, and the axes."""
    x = _float(x)
    axes = normalize_axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = moveaxis(x, axes, range(len(rest), x.ndim))
    count = size_of(tuple(x.shape[i] for i in axes))
    return x, reshape(moved, [*(x.shape[i] for i in rest), count]), axes


def _quantile(
    x: Tensor, ordered: Tensor, last: Tensor, q: Any, axes: tuple, method: str, keepdims: bool
) -> Tensor:
    """The numbers at the places `q` times `last` of rows that rise."""
    if method not in METHODS:
        raise unknown("method of quantile", method, METHODS)
    q = cast(q, x.dtype)
    shape, lead = q.shape, ordered.shape[:-1]
    # (..) and (Q,) -> (.., Q)
    places = clip(expand_dims(last, -1), 0.0, math.inf) * reshape(q, (-1,))

    def at(place: Tensor) -> Tensor:
        place = cast(place, "int32")
        return take_along_axis(ordered, place, -1) if last.ndim else take(ordered, place, -1)

    if method == "lower":
        found = at(floor(places))
    elif method == "higher":
        found = at(ceil(places))
    elif method == "nearest":
        found = at(round(places))
    else:
        low = floor(places)
        share = 0.5 if method == "midpoint" else places - low
        below, above = at(low), at(ceil(places))
        found = below + (above - below) * share
    kept = [1 if i in axes else d for i, d in enumerate(x.shape)] if keepdims else list(lead)
    return reshape(moveaxis(found, -1, 0), [*shape, *kept])  # (.., Q) -> (Q, ..)


# Without NaN


def _without(x: Any, value: float) -> tuple[Tensor, Tensor | None]:
    """The tensor with a value in place of NaN, and where there is none; whole numbers have none."""
    x = as_tensor(x)
    if not is_float(x.dtype):
        return x, None
    missing = isnan(x)
    return where(missing, value, x), missing


def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis` without NaN."""
    return sum(_without(x, 0.0)[0], axis, keepdims)


def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over `axis` without NaN."""
    return prod(_without(x, 1.0)[0], axis, keepdims)


def nancumsum(x: Any, axis: int | None = None, dtype: str | None = None) -> Tensor:
    """The running sum along `axis`, NaN counting as 0."""
    return cumsum(_without(x, 0.0)[0], axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: str | None = None) -> Tensor:
    """The running product along `axis`, NaN counting as 1."""
    return cumprod(_without(x, 1.0)[0], axis, dtype)


def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis` without NaN; NaN where nothing else is."""
    return _extreme(max, x, -math.inf, axis, keepdims)


def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis` without NaN; NaN where nothing else is."""
    return _extreme(min, x, math.inf, axis, keepdims)


def _extreme(reduce: Any, x: Any, value: float, axis: Axis, keepdims: bool) -> Tensor:
    x, missing = _without(x, value)
    result = reduce(x, axis, keepdims)
    if missing is None:
        return result
    return where(all(missing, axis, keepdims), math.nan, result)


def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The int32 position of the largest element along `axis` without NaN; -1 where nothing else
    is."""
    return _position(argmax, x, -math.inf, axis, keepdims)


def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The int32 position of the smallest element along `axis` without NaN; -1 where nothing else
    is."""
    return _position(argmin, x, math.inf, axis, keepdims)


def _position(find: Any, x: Any, value: float, axis: int | None, keepdims: bool) -> Tensor:
    x, missing = _without(x, value)
    result = find(x, axis, keepdims)
    return result if missing is None else where(all(missing, axis, keepdims), -1, result)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis` without NaN; NaN where nothing else is."""
    x, missing = _without(x, 0.0)
    if missing is None:
        return mean(x, axis, keepdims)
    count = sum(cast(logical_not(missing), x.dtype), axis, keepdims)
    return sum(x, axis, keepdims) / count


def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance over `axis` without NaN; NaN where nothing else is."""
    x = _float(x)
    return nanmean(square(x - nanmean(x, axis, keepdims=True)), axis, keepdims)


def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over `axis` without NaN; NaN where nothing else is."""
    return sqrt(nanvar(x, axis, keepdims))


# Counts


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each whole number from 0 on is found; of a matrix, in each row.

    Args:
        x: whole numbers, not negative.
        weights: how much each counts; the result has their dtype.
        minlength: the least length of the result, which else ends with the largest number.
        sparse: must be False.

    Raises:
        ArgumentError: `sparse` is set.
        GraphError: `x` is symbolic: the largest number is not known yet.
    """
    x = as_tensor(x)
    if sparse:
        raise ArgumentError("bincount: sparse tensors are not supported; use sparse=False.")
    if x.data is None:
        raise GraphError(
            f"bincount: the length of its result depends on the data, but this {x.spec} is "
            "symbolic. Use ops.sum of ops.one_hot, whose length is known."
        )
    length = builtins.max(minlength, int(max(x)) + 1 if x.size else 0)
    counted = ones_like(x, "int32") if weights is None else as_tensor(weights)
    if x.ndim == 1:
        return apply(OPS["scatter_add"], counted, x, axis=0, length=length)
    rows = as_tensor(np.arange(x.shape[0], dtype="int32")[:, None] * length)
    places = ravel(cast(x, "int32") + rows)
    total = apply(OPS["scatter_add"], ravel(counted), places, axis=0, length=x.shape[0] * length)
    return reshape(total, (x.shape[0], length))


def histogram(
    x: Any, bins: int | Sequence[float] = 10, range: Sequence[float] | None = None
) -> tuple[Tensor, Tensor]:
    """How many elements lie in each of some bins, as floats, and the edges of the bins.

    Args:
        x: a tensor.
        bins: how many of one width, or their edges.
        range: the outer edges; the smallest and largest element if None.

    Raises:
        ArgumentError: there are no bins, or the range is empty.
    """
    x = ravel(_float(x))
    if isinstance(bins, int):
        if bins < 1:
            raise ArgumentError(f"histogram: expected 1 bin or more, got bins={bins}.")
        edges = _edges(x, bins, range)
    else:
        edges = cast(bins, x.dtype)
    count = edges.shape[0] - 1
    # the last bin has its upper edge, too
    place = where(x >= edges[-1], count - 1, searchsorted(edges, x, "right") - 1)
    inside = logical_and(x >= edges[0], x <= edges[-1])
    counted = cast(inside, x.dtype)
    return (
        apply(OPS["scatter_add"], counted, clip(place, 0, count - 1), axis=0, length=count),
        edges,
    )


def _edges(x: Tensor, bins: int, range: Sequence[float] | None) -> Tensor:
    if range is not None:
        low, high = (float(v) for v in range)
        if low > high:
            raise ArgumentError(f"histogram: expected a rising range, got ({low}, {high}).")
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        return linspace(low, high, bins + 1, dtype=x.dtype)
    low, high = (min(x), max(x)) if x.size else (as_tensor(0.0), as_tensor(1.0))
    single = low >= high
    low, high = where(single, low - 0.5, low), where(single, high + 0.5, high)
    share = as_tensor(np.linspace(0.0, 1.0, bins + 1), x.dtype)
    return low * (1.0 - share) + high * share


# Sequences


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours along `axis`, taken `n` times."""
    x = as_tensor(a)
    if n < 0:
        raise ArgumentError(f"diff: expected n of 0 or more, got {n}.")
    axis = normalize_axis(axis, x.ndim)
    whole = [slice(None)] * axis
    for _ in builtins.range(n):
        after, before = x[(*whole, slice(1, None))], x[(*whole, slice(None, -1))]
        x = _differ(after, before)
    return x


def _differ(after: Tensor, before: Tensor) -> Tensor:
    return apply(OPS["not_equal" if after.dtype == "bool" else "subtract"], after, before)


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The area under the line through the points `y` along `axis`.

    Args:
        y: heights.
        x: where they stand, a vector or of the shape of `y`; `dx` apart if None.
        dx: the distance of neighbours.
        axis: along which to walk.
    """
    y = _float(y)
    axis = normalize_axis(axis, y.ndim)
    rows = moveaxis(y, axis, -1)
    if x is None:
        width: Any = dx
    else:
        x = cast(x, y.dtype)
        width = diff(x if x.ndim == 1 else moveaxis(x, axis, -1))
    return sum((rows[..., 1:] + rows[..., :-1]) * 0.5 * width, -1)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The sums of products of two vectors, the second moved along the first.

    Args:
        x1: a vector.
        x2: a vector.
        mode: ``"valid"``: where they overlap as far as they can; ``"full"``: wherever they
            overlap; ``"same"``: the middle of that, as long as the longer one.

    Raises:
        ShapeError: one is no vector.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(f"correlate: expected two vectors, got {a.spec} and {b.spec}.")
    if mode not in ("valid", "same", "full"):
        raise unknown("mode of correlate", mode, ["full", "same", "valid"])
    a, b = _float(a), _float(b)
    swapped = a.shape[0] < b.shape[0]
    if swapped:
        a, b = b, a
    n, m = a.shape[0], b.shape[0]
    before, after = {"valid": (0, 0), "full": (m - 1, m - 1), "same": (m // 2, m - 1 - m // 2)}[
        mode
    ]
    padding = ((before, after),)
    found = conv(reshape(a, (1, n, 1)), reshape(b, (m, 1, 1)), padding=padding,
                 data_format="channels_last")  # fmt: skip
    found = ravel(found)
    return flip(found) if swapped else found


def corrcoef(x: Any) -> Tensor:
    """How much each row goes with each other row, from -1 to 1 (Pearson's coefficients)."""
    x = _float(x)
    apart = x - mean(x, -1, keepdims=True)
    if x.ndim < 2:
        return sum(apart * apart) / sum(apart * apart)
    products = matmul(apart, moveaxis(apart, -1, -2))
    own = sqrt(sum(square(apart), -1))
    return clip(products / (expand_dims(own, 1) * expand_dims(own, 0)), -1.0, 1.0)


def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The ratio, in decibels, of a signal's largest value to its noise (peak signal-to-noise).

    Args:
        x1: a signal.
        x2: the same with noise, of the same shape.
        max_val: the largest value that a signal can have.

    Raises:
        ShapeError: the shapes differ.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if a.shape != b.shape:
        raise ShapeError(f"psnr: expected two signals of one shape, got {a.shape} and {b.shape}.")
    noise = mean(square(a - b))
    return (20.0 * math.log10(max_val)) - 10.0 * divide(apply(OPS["log"], noise), math.log(10.0))
