"""The largest element and the mean of windows. Imports window, op and tensor.

Channels last within: (N, *spatial, C). An implementation loops over the places in the window, each
one strided slice of the input; padding is never read, so it can neither win nor count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ShapeError, UnknownDimension, unknown
from kerasnb.op import Op, Sample, primitive
from kerasnb.ops.elementwise import cast
from kerasnb.ops.window import (
    channels_first,
    chunk,
    per_axis,
    same_padding,
    taps,
    to_channels_first,
    to_channels_last,
    window_positions,
)
from kerasnb.spec import TensorSpec, is_float
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = ["average_pool", "max_pool"]


def _places(shape: tuple, positions: tuple, window, strides, padding) -> Iterator[tuple]:
    """For each place in the window: where it reads in (N, *spatial, C), and where that belongs."""
    ones = (1,) * len(window)
    whole = slice(None)
    for _, inputs, outputs in taps(shape[1:-1], positions, window, strides, padding, ones):
        yield (whole, *inputs), (whole, *outputs)


def _window_spec(name: str, x: TensorSpec, window, strides, padding) -> TensorSpec:
    if x.ndim != len(window) + 2:
        raise ShapeError(
            f"{name}: expected an input with {len(window) + 2} axes (N, *spatial, channels) for a "
            f"window of {len(window)}, got {x}."
        )
    for (low, high), k in zip(padding, window, strict=True):
        if low >= k or high >= k:
            raise ShapeError(
                f"{name}: padding {padding} must be smaller than the window {window}, or a window "
                "would see nothing."
            )
    ones = (1,) * len(window)
    positions = window_positions(name, x.shape[1:-1], window, strides, padding, ones)
    return x.with_shape((x.shape[0], *positions, x.shape[-1]))


def _check_window_output(name: str, what: str, found: TensorSpec, expected: TensorSpec) -> None:
    pairs = zip(found.shape, expected.shape, strict=True)
    if found.ndim != expected.ndim or any(a != b and None not in (a, b) for a, b in pairs):
        raise ShapeError(f"{name}: expected {what} of shape {expected.shape}, got {found.shape}.")


# The largest element. Its gradient belongs to the first place of the window, in the order of
# memory, that holds it, as in TensorFlow and PyTorch: equal neighbours do not share.


def _max_spec(x, *, window, strides, padding):
    return _window_spec("max_pool", x, window, strides, padding)


def _scatter_spec(x, y, g, *, window, strides, padding):
    expected = _window_spec("max_pool_scatter", x, window, strides, padding)
    _check_window_output("max_pool_scatter", "maxima", y, expected)
    _check_window_output("max_pool_scatter", "a gradient", g, expected)
    return x.with_dtype(g.dtype)


def _gather_spec(x, y, h, *, window, strides, padding):
    expected = _window_spec("max_pool_gather", x, window, strides, padding)
    _check_window_output("max_pool_gather", "maxima", y, expected)
    _check_window_output("max_pool_gather", "values", h, x)
    return expected.with_dtype(h.dtype)


_SAMPLES = [
    Sample(((2, 7, 3),), {"window": (3,), "strides": (2,), "padding": ((0, 0),)}),
    Sample(((2, 5, 7, 2),), {"window": (2, 3), "strides": (2, 2), "padding": ((0, 1), (2, 1))}),
    Sample(((1, 5, 5, 1),), {"window": (3, 2), "strides": (1, 1), "padding": ((1, 1), (0, 0))}),
    Sample(((0, 4, 2),), {"window": (2,), "strides": (2,), "padding": ((0, 0),)}),
]
_SCATTER_SAMPLES = [
    Sample((s.inputs[0], out, out), s.attrs)
    for s, out in zip(_SAMPLES[:2], ((2, 3, 3), (2, 3, 4, 2)), strict=True)
]
_GATHER_SAMPLES = [Sample((x, y, x), attrs) for (x, y, _), attrs, *_ in _SCATTER_SAMPLES]


@primitive(
    "max_pool",
    kind="window",
    infer=_max_spec,
    vjp=[lambda g, y, x, **a: apply(_max_scatter, x, y, g, **a)],
    samples=_SAMPLES,
)
def _max_pool(xp, x, *, window, strides, padding):
    positions = _positions("max_pool", x, window, strides, padding)
    y = xp.full((x.shape[0], *positions, x.shape[-1]), _lowest(x.dtype), x.dtype)
    for source, target in _places(x.shape, positions, window, strides, padding):
        xp.maximum(y[target], x[source], out=y[target])
    return y


@primitive(
    "max_pool_scatter",
    kind="window",
    infer=_scatter_spec,
    vjp=[None, None, lambda c, out, x, y, g, **a: apply(_max_gather, x, y, c, **a)],
    samples=_SCATTER_SAMPLES,
)
def _max_scatter(xp, x, y, g, *, window, strides, padding):
    """For maxima `y` of windows of `x`: `g` added up where the maximum of each window lies."""
    result = xp.zeros(x.shape, g.dtype)
    places = list(_places(x.shape, y.shape[1:-1], window, strides, padding))
    # a few images at a time: 128 of 24x24x64, 2x2, take 8.3 ms so and 11.8 ms in one piece
    step = chunk(xp, math.prod(x.shape[1:]) * x.dtype.itemsize)
    for i in range(0, x.shape[0], step):
        part, bits = result[i : i + step], _bits(g[i : i + step])
        for source, target, hit in _winners(xp, x[i : i + step], y[i : i + step], places):
            part[source] += xp.multiply(bits[target], hit).view(g.dtype)
    return result


@primitive(
    "max_pool_gather",
    kind="window",
    infer=_gather_spec,
    vjp=[None, None, lambda c, out, x, y, h, **a: apply(_max_scatter, x, y, c, **a)],
    samples=_GATHER_SAMPLES,
)
def _max_gather(xp, x, y, h, *, window, strides, padding):
    """For maxima `y` of windows of `x`: the element of `h` where each window's maximum lies."""
    places = list(_places(x.shape, y.shape[1:-1], window, strides, padding))
    result, bits = xp.zeros(y.shape, h.dtype), _bits(h)
    for source, target, hit in _winners(xp, x, y, places):
        result[target] += xp.multiply(bits[source], hit).view(h.dtype)
    return result


def _winners(xp: Any, x: Any, y: Any, places: list) -> Iterator[tuple]:
    """For each place in the window: its slices, and where it holds the first maximum.

    A window with NaN in it has a NaN as maximum, which no element is below: its first place wins.
    """
    searching = xp.ones(y.shape, bool)
    for source, target in places:
        below = xp.less(x[source], y[target])
        yield source, target, xp.greater(searching[target], below)  # searching and not below
        xp.logical_and(searching[target], below, out=searching[target])


def _bits(array: Any) -> Any:
    """Floats as integers of their width, whose product with a Boolean picks exactly.

    Float infinity times 0 would be NaN, and `where` takes twice as long.
    """
    return array.view(f"int{8 * array.dtype.itemsize}")


def _lowest(dtype: Any) -> Any:
    if dtype.kind == "f":
        return -math.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


# The sum of windows, and its transpose, which spreads each element over its window. Each is the
# derivative of the other.


def _sum_spec(x, *, window, strides, padding):
    return _window_spec("sum_pool", x, window, strides, padding)


def _spread_spec(g, *, shape, window, strides, padding):
    x = g.with_shape((g.shape[0], *shape, g.shape[-1]))
    expected = _window_spec("sum_pool_transpose", x, window, strides, padding)
    _check_window_output("sum_pool_transpose", "a gradient", g, expected)
    return x


@primitive(
    "sum_pool",
    kind="window",
    infer=_sum_spec,
    vjp=[lambda g, y, x, **a: apply(_sum_spread, g, shape=x.shape[1:-1], **a)],
    samples=_SAMPLES,
)
def _sum_pool(xp, x, *, window, strides, padding):
    positions = _positions("sum_pool", x, window, strides, padding)
    y = xp.zeros((x.shape[0], *positions, x.shape[-1]), x.dtype)
    for source, target in _places(x.shape, positions, window, strides, padding):
        y[target] += x[source]
    return y


@primitive(
    "sum_pool_transpose",
    kind="window",
    infer=_spread_spec,
    vjp=[lambda c, x, g, *, shape, **a: apply(_sum_pool, c, **a)],
    samples=[
        Sample((y,), {"shape": x[1:-1], **attrs}) for (x, y, _), attrs, *_ in _SCATTER_SAMPLES
    ],
)
def _sum_spread(xp, g, *, shape, window, strides, padding):
    x = xp.zeros((g.shape[0], *shape, g.shape[-1]), g.dtype)
    for source, target in _places(x.shape, g.shape[1:-1], window, strides, padding):
        x[source] += g[target]
    return x


def _positions(name: str, x: Any, window: tuple, strides: tuple, padding: tuple) -> tuple:
    return window_positions(name, x.shape[1:-1], window, strides, padding, (1,) * len(window))


# The public functions


def max_pool(
    inputs: Any,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of each window, per channel.

    Where equal elements are the largest, the gradient goes to the first of them.

    Args:
        inputs: a batch of sequences, images or volumes.
        pool_size: the length of the window, once or per spatial axis.
        strides: how far the window moves, once or per spatial axis; `pool_size` if None.
        padding: ``"valid"`` (only whole windows), or ``"same"`` (ceil(n / stride) windows; what
            lies outside is left out).
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, C)``, or with the channels second.

    Raises:
        ShapeError: the input has no spatial axis, or the window is larger than the input.
        ArgumentError: an argument is none of those above.
    """
    return _pooled("max_pool", _max_pool, inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window, per channel; padding does not count.

    Args:
        inputs: a batch of sequences, images or volumes of floats.
        pool_size: see `max_pool`, as for the other arguments.
        strides: see `max_pool`.
        padding: see `max_pool`.
        data_format: see `max_pool`.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, C)``, or with the channels second.

    Raises:
        ShapeError: the input has no spatial axis, or the window is larger than the input.
        ArgumentError: an argument is none of those that `max_pool` takes.
    """
    inputs = as_tensor(inputs)
    if not is_float(inputs.dtype):
        inputs = cast(inputs, config.floatx())
    return _pooled("average_pool", _sum_pool, inputs, pool_size, strides, padding, data_format)


def _pooled(name: str, op: Op, inputs, pool_size, strides, padding, data_format) -> Tensor:
    x = as_tensor(inputs)
    if x.ndim < 3:
        raise ShapeError(f"{name}: expected an input (N, *spatial, channels), got {x.spec}.")
    rank = x.ndim - 2
    window = per_axis(name, "pool_size", pool_size, rank)
    strides = window if strides is None else per_axis(name, "strides", strides, rank)
    first = channels_first(name, data_format)
    x = to_channels_last(x) if first else x
    if padding not in ("same", "valid"):
        raise unknown(f"padding of {name}", padding, ["same", "valid"])
    if padding == "same":
        pairs = same_padding(x.shape[1:-1], window, strides, (1,) * rank)
    else:
        pairs = ((0, 0),) * rank
    y = apply(op, x, window=window, strides=strides, padding=pairs)
    if op is _sum_pool:
        y = _divided(y, x.shape[1:-1], window, strides, pairs)
    return to_channels_first(y) if first else y


def _divided(sums: Tensor, spatial: tuple, window, strides, padding) -> Tensor:
    """Sums of windows over the number of elements in each that are no padding."""
    if not any(low or high for low, high in padding):
        return sums * (1.0 / math.prod(window))
    if None in spatial:
        raise UnknownDimension("average_pool: padding='same' needs the input's lengths.")
    counts = np.ones((1, *spatial, 1), sums.dtype)
    counts = _sum_pool.impl(np, counts, window=window, strides=strides, padding=padding)
    return sums * as_tensor(1.0 / counts)
