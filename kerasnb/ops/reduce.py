"""Reductions over axes, and what is composed of them. Imports elementwise, op and tensor."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ShapeError
from kerasnb.op import OPS, Sample, primitive
from kerasnb.ops.elementwise import (
    cast,
    divide,
    equal,
    exp,
    log,
    maximum,
    minimum,
    sqrt,
    where,
)
from kerasnb.spec import TensorSpec, is_float, normalize_axes, normalize_axis, size_of
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumsum", "logsumexp", "max",
    "mean", "min", "moments", "prod", "std", "sum", "var",
]  # fmt: skip

Axis = int | Sequence[int] | None


def _reduced(spec: TensorSpec, *, axes: tuple) -> TensorSpec:
    return spec.with_shape(tuple(d for i, d in enumerate(spec.shape) if i not in axes))


def _kept(shape: tuple, axes: tuple) -> tuple:
    return tuple(1 if i in axes else d for i, d in enumerate(shape))


def _expand(g: Tensor, x: Tensor, axes: tuple) -> Tensor:
    """A reduced tensor with its axes put back, broadcast to the shape of `x`."""
    g = apply(OPS["reshape"], g, shape=_kept(x.shape, axes))
    return apply(OPS["broadcast_in_dim"], g, shape=x.shape)


SAMPLES = [
    Sample(((3, 4, 2),), {"axes": (1,)}),
    Sample(((3, 4),), {"axes": (0, 1)}),
    Sample(((3, 4),), {"axes": ()}),
]


@primitive(
    "reduce_sum",
    kind="reduce",
    infer=_reduced,
    vjp=[lambda g, y, x, *, axes: _expand(g, x, axes)],
    samples=[*SAMPLES, Sample(((0, 2),), {"axes": (0,)})],
)
def _sum(xp, x, *, axes):
    return xp.sum(x, axes, x.dtype)


def _mean_vjp(g, y, x, *, axes):
    return _expand(g, x, axes) * (1.0 / builtins.max(size_of(tuple(x.shape[a] for a in axes)), 1))


@primitive("reduce_mean", kind="reduce", infer=_reduced, vjp=[_mean_vjp], samples=SAMPLES)
def _mean(xp, x, *, axes):
    # the count is read from the array: a model under construction may not know it
    count = size_of(tuple(x.shape[a] for a in axes))
    if x.dtype.itemsize < 4:  # float16 overflows at 65504
        return xp.asarray(xp.mean(x, axes, "float32"), x.dtype)
    return xp.sum(x, axes) * (1.0 / count if count else float("nan"))


def _variance_vjp(g, y, x, *, axes):
    count = builtins.max(size_of(tuple(x.shape[a] for a in axes)), 1)
    # through the mean nothing comes: the differences add up to 0
    return _expand(g, x, axes) * (2.0 / count) * _centered(x, axes)


@primitive(
    "reduce_variance",
    kind="reduce",
    infer=_reduced,
    vjp=[_variance_vjp],
    samples=[*SAMPLES, Sample(((3, 4, 2),), {"axes": (0, 2)})],
)
def _variance(xp, x, *, axes):
    # from the differences to the mean: E[x²] - E[x]² cancels in float32
    wide = xp.asarray(x, "float32") if x.dtype.itemsize < 4 else x
    count = size_of(tuple(x.shape[a] for a in axes))
    each = 1.0 / count if count else float("nan")
    difference = wide - xp.sum(wide, axes, keepdims=True) * each
    return xp.asarray(xp.sum(difference * difference, axes) * each, x.dtype)


def _centered(x: Tensor, axes: tuple) -> Tensor:
    mean = apply(_mean, x, axes=axes) if axes else x
    return x - apply(OPS["reshape"], mean, shape=_kept(x.shape, axes))


def _extreme_vjp(g, y, x, *, axes):
    # elements that tie for the extreme share the gradient
    winners = cast(equal(x, _expand(y, x, axes)), x.dtype)
    return winners * _expand(divide(g, _sum_axes(winners, axes)), x, axes)


def _sum_axes(x: Tensor, axes: tuple) -> Tensor:
    return apply(_sum, x, axes=axes)


def _nonempty(spec: TensorSpec, *, axes: tuple) -> TensorSpec:
    if 0 in [spec.shape[i] for i in axes]:
        raise ShapeError(f"The extreme of an empty axis is not defined: {spec}, axes {axes}.")
    return _reduced(spec, axes=axes)


@primitive("reduce_max", kind="reduce", infer=_nonempty, vjp=[_extreme_vjp], samples=SAMPLES)
def _max(xp, x, *, axes):
    return xp.max(x, axes)


@primitive("reduce_min", kind="reduce", infer=_nonempty, vjp=[_extreme_vjp], samples=SAMPLES)
def _min(xp, x, *, axes):
    return xp.min(x, axes)


def _prod_vjp(g, y, x, *, axes):
    # the product of the others: y / x, but for an element that is the only zero
    zero = equal(x, 0)
    rest = where(zero, 1.0, x)
    zeros = _expand(_sum_axes(cast(zero, x.dtype), axes), x, axes)
    others = _expand(apply(_prod, rest, axes=axes), x, axes) / rest
    alone = equal(zeros - cast(zero, x.dtype), 0)
    return _expand(g, x, axes) * where(alone, others, 0.0)


@primitive(
    "reduce_prod",
    kind="reduce",
    infer=_reduced,
    vjp=[_prod_vjp],
    samples=[Sample(((3, 4),), {"axes": (1,)}, low=0.5)],
)
def _prod(xp, x, *, axes):
    return xp.prod(x, axes, x.dtype)


def _index_spec(spec: TensorSpec, *, axis: int) -> TensorSpec:
    return _nonempty(spec, axes=(axis,)).with_dtype("int32")


@primitive(
    "argmax", kind="reduce", infer=_index_spec, vjp=[None], samples=[Sample(((3, 4),), {"axis": 1})]
)
def _argmax(xp, x, *, axis):
    return xp.asarray(xp.argmax(x, axis), "int32")


@primitive(
    "argmin", kind="reduce", infer=_index_spec, vjp=[None], samples=[Sample(((3, 4),), {"axis": 1})]
)
def _argmin(xp, x, *, axis):
    return xp.asarray(xp.argmin(x, axis), "int32")


@primitive(
    "cumsum",
    kind="reduce",
    infer=lambda spec, *, axis, reverse: spec,
    vjp=[lambda g, y, x, *, axis, reverse: apply(_cumsum, g, axis=axis, reverse=not reverse)],
    samples=[
        Sample(((3, 4),), {"axis": 1, "reverse": False}),
        Sample(((3, 4),), {"axis": 0, "reverse": True}),
    ],
)
def _cumsum(xp, x, *, axis, reverse):
    if reverse:
        return xp.flip(xp.cumsum(xp.flip(x, axis), axis, x.dtype), axis)
    return xp.cumsum(x, axis, x.dtype)


def _reduce(op, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    axes = normalize_axes(axis, len(x.spec.shape))
    result = apply(op, x, axes=axes) if axes else x
    return (
        apply(OPS["reshape"], result, shape=_kept(x.shape, axes)) if keepdims and axes else result
    )


_SMALL = frozenset({"bool", "int8", "uint8", "int16", "uint16"})


def _widened(x: Any) -> Tensor:
    x = as_tensor(x)
    return cast(x, "int32") if x.spec.dtype in _SMALL else x


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis` (all axes if None); booleans and small integers are summed in int32."""
    return _reduce(_sum, _widened(x), axis, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest element over `axis`, and at least `initial`, which an empty axis needs."""
    return _extreme(_max, maximum, x, axis, keepdims, initial)


def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest element over `axis`, and at most `initial`, which an empty axis needs."""
    return _extreme(_min, minimum, x, axis, keepdims, initial)


def _extreme(op, choose, x: Any, axis: Axis, keepdims: bool, initial: Any) -> Tensor:
    x = as_tensor(x)
    if initial is None:
        return _reduce(op, x, axis, keepdims)
    initial = cast(initial, x.dtype)
    axes = normalize_axes(axis, x.ndim)
    if 0 in [x.shape[i] for i in axes]:
        shape = _kept(x.shape, axes) if keepdims else _reduced(x.spec, axes=axes).shape
        return apply(OPS["broadcast_in_dim"], initial, shape=shape)
    return choose(_reduce(op, x, axis, keepdims), initial)


def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis`."""
    return max(x, axis, keepdims)


def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis`."""
    return min(x, axis, keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: str | None = None) -> Tensor:
    """The product over `axis`; booleans and small integers are multiplied in int32."""
    x = _widened(x) if dtype is None else cast(x, dtype)
    return _reduce(_prod, x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over `axis`; of integers it is a float."""
    x = as_tensor(x)
    if not is_float(x.dtype):
        x = cast(x, config.floatx())
    return _reduce(_mean, x, axis, keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance over `axis`: the mean squared distance from the mean."""
    return moments(x, axis, keepdims)[1]


def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over `axis`."""
    return sqrt(var(x, axis, keepdims))


def moments(
    x: Any, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes`; of integers they are floats.

    Args:
        x: a tensor.
        axes: over which to take them; all axes if None.
        keepdims: whether the axes stay, with length 1.
        synchronized: accepted for Keras's sake; there is one device.
    """
    x = as_tensor(x)
    if not is_float(x.dtype):
        x = cast(x, config.floatx())
    own = normalize_axes(axes, x.ndim)
    variance = apply(_variance, x, axes=own)
    if keepdims:
        variance = apply(OPS["reshape"], variance, shape=_kept(x.shape, own))
    return mean(x, axes, keepdims), variance


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over `axis`; the largest element is taken out first, so exp cannot
    overflow."""
    x = as_tensor(x)
    top = apply(OPS["stop_gradient"], max(x, axis, keepdims=True))
    top = where(apply(OPS["is_finite"], top), top, 0.0)
    result = log(sum(exp(x - top), axis, keepdims=True)) + top
    axes = normalize_axes(axis, x.ndim)
    return (
        result
        if keepdims
        else apply(OPS["reshape"], result, shape=_reduced(x.spec, axes=axes).shape)
    )


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The int32 position of the largest element along `axis` (of the flattened tensor if None)."""
    return _arg(_argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The int32 position of the smallest element along `axis` (of the flattened tensor if None)."""
    return _arg(_argmin, x, axis, keepdims)


def _arg(op, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    if axis is None:
        flat = apply(op, apply(OPS["reshape"], x, shape=(x.size,)), axis=0)
        return apply(OPS["reshape"], flat, shape=(1,) * x.ndim) if keepdims else flat
    axis = normalize_axis(axis, x.ndim)
    result = apply(op, x, axis=axis)
    return apply(OPS["reshape"], result, shape=_kept(x.shape, (axis,))) if keepdims else result


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether some element over `axis` is true."""
    return _reduce(_max, cast(x, "bool"), axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether every element over `axis` is true."""
    return _reduce(_min, cast(x, "bool"), axis, keepdims)


def count_nonzero(x: Any, axis: Axis = None) -> Tensor:
    """How many elements over `axis` are not zero, int32."""
    return sum(cast(x, "bool"), axis)


def cumsum(x: Any, axis: int | None = None, dtype: str | None = None) -> Tensor:
    """The running sum along `axis` (of the flattened tensor if None)."""
    x = as_tensor(x)
    if dtype is not None:
        x = cast(x, dtype)
    elif x.dtype == "bool":
        x = cast(x, "int32")
    if axis is None:
        x, axis = apply(OPS["reshape"], x, shape=(x.size,)), 0
    return apply(_cumsum, x, axis=normalize_axis(axis, x.ndim), reverse=False)
