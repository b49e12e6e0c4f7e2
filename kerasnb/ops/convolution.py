"""Convolutions in one, two and three dimensions. Imports reshaping, op and tensor.

Channels last within: inputs are (N, *spatial, C), kernels (*window, C/groups, filters). The three
primitives are the three partial derivatives of one trilinear form

    T(x, w, g) = sum over n o k c f of x[n, o*stride + k*dilation - low, c] w[k, c, f] g[n, o, f]

namely dT/dg = `convolution`, dT/dx = `convolution_input_grad` (the transposed convolution as well)
and dT/dw = `convolution_kernel_grad`. So the gradients of each are the two others, to any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension, unknown
from kerasnb.op import Sample, primitive
from kerasnb.ops.half import through_float32
from kerasnb.ops.reshaping import reshape
from kerasnb.ops.window import (
    channels_first,
    chunk,
    covered,
    per_axis,
    same_padding,
    taps,
    to_channels_first,
    to_channels_last,
    window_positions,
)
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

# Columns of few channels are copied place by place in the window: the runs in memory are then
# rows of the image. 128 images of 28x28, 3x3 to 32 filters, forward, one thread: position by
# position 2.5 ms with 1 channel, 3.0 with 2, 3.8 with 3, 4.2 with 4; place by place 1.2, 2.4, 3.5
# and 5.0.
_FEW_CHANNELS = 4


# The implementation: columns and matrix products


def _kernel_matrix(w: Any, groups: int) -> Any:
    """(*window, C/G, F) -> (G, window * C/G, F/G)"""
    filters = w.shape[-1]
    return w.reshape(math.prod(w.shape[:-1]), groups, filters // groups).transpose(1, 0, 2)


def _by_group(y: Any, groups: int) -> Any:
    """(n, *positions, F) -> (G, n * positions, F/G), a view if `y` is contiguous"""
    rows, filters = math.prod(y.shape[:-1]), y.shape[-1]
    return y.reshape(rows, groups, filters // groups).transpose(1, 0, 2)


class _Columns:
    """What the windows of some images see, as the rows of a matrix per group.

    Calling it on n images (n, *spatial, C) gives (G, n * positions, window * C/G).
    """

    def __init__(self, xp, x, window, positions, *, strides, padding, dilation, groups):
        self.xp, self.window, self.positions = xp, window, positions
        self.strides, self.dilation, self.groups = strides, dilation, groups
        row = math.prod(window) * x.shape[-1]
        self.step = chunk(xp, math.prod(positions) * row * x.dtype.itemsize)
        self.padded = None
        if any(low or high for low, high in padding):
            spatial = x.shape[1:-1]
            sizes = [n + low + high for n, (low, high) in zip(spatial, padding, strict=True)]
            images = min(self.step, x.shape[0])
            self.padded = xp.zeros((images, *sizes, x.shape[-1]), x.dtype)
            self.inside = tuple(
                slice(low, low + n) for n, (low, _) in zip(spatial, padding, strict=True)
            )

    def __call__(self, x):
        n = x.shape[0]
        if self.padded is not None:
            self.padded[(slice(0, n), *self.inside)] = x
            x = self.padded[:n]
        channels, rank = x.shape[-1] // self.groups, len(self.window)
        step, c = x.strides[1:-1], x.strides[-1]
        windows = self.xp.lib.stride_tricks.as_strided(
            x,
            (n, *self.positions, *self.window, self.groups, channels),
            (
                x.strides[0],
                *(p * s for p, s in zip(step, self.strides, strict=True)),
                *(p * d for p, d in zip(step, self.dilation, strict=True)),
                c * channels,
                c,
            ),
        )
        at, within = range(rank + 1), range(rank + 1, 2 * rank + 1)
        rows, row = n * math.prod(self.positions), math.prod(self.window) * channels
        if channels < _FEW_CHANNELS:
            # (n, *positions, *window, G, C/G) -> (G, *window, C/G, n, *positions) -> (G, row, rows)
            columns = windows.transpose(2 * rank + 1, *within, 2 * rank + 2, *at)
            return columns.reshape(self.groups, row, rows).transpose(0, 2, 1)
        # (n, *positions, *window, G, C/G) -> (G, n, *positions, *window, C/G) -> (G, rows, row)
        columns = windows.transpose(2 * rank + 1, *at, *within, 2 * rank + 2)
        return columns.reshape(self.groups, rows, row)


# The primitives


def _check_ranks(name: str, first: TensorSpec, second: TensorSpec) -> None:
    if first.ndim < 3 or first.ndim != second.ndim:
        raise ShapeError(
            f"{name}: expected an input (N, *spatial, channels) and a kernel (*window, channels, "
            f"filters) of as many axes, at least 3, got {first} and {second}."
        )


def _check_groups(name: str, channels: int | None, kernel: tuple, groups: int) -> None:
    if channels is not None and channels != kernel[-2] * groups:
        raise ShapeError(
            f"{name}: expected {kernel[-2] * groups} channels for a kernel of shape {kernel} and "
            f"groups={groups}, got {channels}."
        )
    if kernel[-1] % groups:
        raise ShapeError(
            f"{name}: the {kernel[-1]} filters of a kernel of shape {kernel} do not divide into "
            f"groups={groups}."
        )


def _check_positions(name: str, found: tuple, expected: tuple) -> None:
    for a, b in zip(found, expected, strict=True):
        if a != b and None not in (a, b):
            raise ShapeError(
                f"{name}: expected a gradient with spatial shape {expected}, got {found}."
            )


def _convolution_spec(x, w, *, strides, padding, dilation, groups):
    name = "convolution"
    _check_ranks(name, x, w)
    _check_groups(name, x.shape[-1], w.shape, groups)
    window = w.shape[:-2]
    positions = window_positions(name, x.shape[1:-1], window, strides, padding, dilation)
    return x.with_shape((x.shape[0], *positions, w.shape[-1]))


def _input_grad_spec(g, w, *, shape, strides, padding, dilation, groups):
    name = "convolution_input_grad"
    _check_ranks(name, g, w)
    _check_groups(name, None, w.shape, groups)
    if g.shape[-1] not in (None, w.shape[-1]):
        raise ShapeError(
            f"{name}: expected {w.shape[-1]} channels for a kernel of shape {w.shape}, got "
            f"{g.shape[-1]}."
        )
    positions = window_positions(name, shape, w.shape[:-2], strides, padding, dilation)
    _check_positions(name, g.shape[1:-1], positions)
    return g.with_shape((g.shape[0], *shape, w.shape[-2] * groups))


def _kernel_grad_spec(x, g, *, window, strides, padding, dilation, groups):
    name = "convolution_kernel_grad"
    if x.ndim < 3 or x.ndim != g.ndim:
        raise ShapeError(
            f"{name}: expected an input and a gradient of equal rank, at least 3, got {x} and {g}."
        )
    positions = window_positions(name, x.shape[1:-1], window, strides, padding, dilation)
    _check_positions(name, g.shape[1:-1], positions)
    channels, filters = x.shape[-1], g.shape[-1]
    for count, what in ((channels, "channels"), (filters, "filters")):
        if count % groups:
            raise ShapeError(f"{name}: {count} {what} do not divide into groups={groups}.")
    return x.with_shape((*window, channels // groups, filters))


def _attrs(strides, padding, dilation, groups=1):
    return {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}


_ATTRS_2D = _attrs((2, 1), ((1, 0), (0, 2)), (1, 2), 2)

_SAMPLES = [
    Sample(((2, 7, 3), (3, 3, 2)), _attrs((2,), ((2, 0),), (1,))),
    Sample(((2, 6, 5, 2), (3, 2, 2, 3)), _attrs((1, 2), ((0, 0), (1, 2)), (1, 1))),
    Sample(((2, 5, 6, 4), (2, 3, 2, 6)), _ATTRS_2D),
    Sample(((1, 3, 4, 5, 4), (2, 1, 2, 4, 2)), _attrs((1, 2, 1), ((0, 1),) * 3, (1, 1, 2))),
    Sample(((0, 4, 2), (3, 2, 2)), _attrs((1,), ((0, 0),), (1,))),
]


@primitive(
    "convolution",
    kind="contract",
    infer=_convolution_spec,
    vjp=[
        lambda g, y, x, w, **a: apply(_input_grad, g, w, shape=x.shape[1:-1], **a),
        lambda g, y, x, w, **a: apply(_kernel_grad, x, g, window=w.shape[:-2], **a),
    ],
    casts="promote",
    samples=_SAMPLES,
)
@through_float32
def _convolution(xp, x, w, *, strides, padding, dilation, groups):
    window = w.shape[:-2]
    positions = window_positions("convolution", x.shape[1:-1], window, strides, padding, dilation)
    columns = _Columns(
        xp, x, window, positions, strides=strides, padding=padding, dilation=dilation, groups=groups
    )
    y = xp.empty((x.shape[0], *positions, w.shape[-1]), x.dtype)
    kernel = _kernel_matrix(w, groups)
    for i in range(0, x.shape[0], columns.step):
        images = slice(i, i + columns.step)
        xp.matmul(columns(x[images]), kernel, out=_by_group(y[images], groups))
    return y


@primitive(
    "convolution_input_grad",
    kind="contract",
    infer=_input_grad_spec,
    vjp=[
        lambda c, x, g, w, *, shape, **a: apply(_convolution, c, w, **a),
        lambda c, x, g, w, *, shape, **a: apply(_kernel_grad, c, g, window=w.shape[:-2], **a),
    ],
    casts="promote",
    samples=[
        Sample(((2, 4, 2), (3, 3, 2)), {"shape": (7,), **_attrs((2,), ((2, 0),), (1,))}),
        Sample(((2, 3, 4, 6), (2, 3, 2, 6)), {"shape": (5, 6), **_ATTRS_2D}),
        Sample(((0, 2, 2), (3, 2, 2)), {"shape": (4,), **_attrs((1,), ((0, 0),), (1,))}),
    ],
)
@through_float32
def _input_grad(xp, g, w, *, shape, strides, padding, dilation, groups):
    window, positions = w.shape[:-2], g.shape[1:-1]
    channels = w.shape[-2]
    row = math.prod(window) * channels * groups
    step = chunk(xp, math.prod(positions) * row * g.dtype.itemsize)
    kernel = xp.ascontiguousarray(_kernel_matrix(w, groups).transpose(0, 2, 1))  # (G, F/G, row)
    places = list(taps(shape, positions, window, strides, padding, dilation))
    x = xp.zeros((g.shape[0], *shape, groups, channels), g.dtype)
    axes = (*range(1, len(window) + 2), 0, len(window) + 2)
    for i in range(0, g.shape[0], step):
        images = slice(i, i + step)
        part = x[images]
        columns = xp.matmul(_by_group(g[images], groups), kernel)
        columns = columns.reshape(groups, part.shape[0], *positions, *window, channels)
        for place, inputs, outputs in places:
            # (G, n, *positions, C/G) -> (n, *positions, G, C/G)
            seen = columns[(slice(None), slice(None), *outputs, *place)].transpose(axes)
            part[(slice(None), *inputs)] += seen
    return x.reshape(g.shape[0], *shape, groups * channels)


@primitive(
    "convolution_kernel_grad",
    kind="contract",
    infer=_kernel_grad_spec,
    vjp=[
        lambda c, w, x, g, *, window, **a: apply(_input_grad, g, c, shape=x.shape[1:-1], **a),
        lambda c, w, x, g, *, window, **a: apply(_convolution, x, c, **a),
    ],
    casts="promote",
    samples=[
        Sample(((2, 7, 3), (2, 4, 2)), {"window": (3,), **_attrs((2,), ((2, 0),), (1,))}),
        Sample(((2, 5, 6, 4), (2, 3, 4, 6)), {"window": (2, 3), **_ATTRS_2D}),
        Sample(((0, 4, 2), (0, 2, 2)), {"window": (3,), **_attrs((1,), ((0, 0),), (1,))}),
    ],
)
@through_float32
def _kernel_grad(xp, x, g, *, window, strides, padding, dilation, groups):
    columns = _Columns(
        xp, x, window, g.shape[1:-1],
        strides=strides, padding=padding, dilation=dilation, groups=groups,
    )  # fmt: skip
    channels, filters = x.shape[-1] // groups, g.shape[-1]
    total = xp.zeros((groups, math.prod(window) * channels, filters // groups), x.dtype)
    for i in range(0, x.shape[0], columns.step):
        images = slice(i, i + columns.step)
        total += xp.matmul(columns(x[images]).transpose(0, 2, 1), _by_group(g[images], groups))
    # (G, window * C/G, F/G) -> (window * C/G, G, F/G) -> (*window, C/G, F)
    return total.transpose(1, 0, 2).reshape(*window, channels, filters)


# The public functions


def conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str | Sequence[Sequence[int]] = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """The convolution of a batch of sequences, images or volumes with a kernel.

    As in every deep-learning library the kernel is not flipped. If it has fewer input channels than
    the inputs, these are divided into groups, each with its share of the filters.

    Args:
        inputs: the batch.
        kernel: (*window, channels / groups, filters), in either data format.
        strides: how far the window moves, once or per spatial axis.
        padding: ``"valid"`` (none), ``"same"`` (zeros, so that n becomes ceil(n / stride); an odd
            one goes to the right), or how many zeros before and after, per spatial axis.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, filters)``, or with the channels second.

    Raises:
        ShapeError: ranks or channels do not fit, or the window is larger than the padded input.
        ArgumentError: an argument is none of those above.

    Example:
        >>> from kerasnb import ops
        >>> ops.conv(ops.ones((1, 5, 5, 3)), ops.ones((3, 3, 3, 8)), padding="same").shape
        (1, 5, 5, 8)
    """
    x, w = as_tensor(inputs), as_tensor(kernel)
    _check_ranks("conv", x.spec, w.spec)
    rank = x.ndim - 2
    strides = per_axis("conv", "strides", strides, rank)
    dilation = per_axis("conv", "dilation_rate", dilation_rate, rank)
    first = channels_first("conv", data_format)
    x = to_channels_last(x) if first else x
    pairs = _padding_pairs("conv", padding, x.shape[1:-1], w.shape[:-2], strides, dilation)
    groups = _groups("conv", x.shape, w.shape)
    y = apply(_convolution, x, w, strides=strides, padding=pairs, dilation=dilation, groups=groups)
    return to_channels_first(y) if first else y


def _padding_pairs(
    name: str, padding: Any, spatial: tuple, window: tuple, strides: tuple, dilation: tuple
) -> tuple:
    if padding == "valid":
        return ((0, 0),) * len(spatial)
    if padding == "same":
        return same_padding(spatial, window, strides, dilation)
    if isinstance(padding, str):
        raise unknown(f"padding of {name}", padding, ["same", "valid"])
    try:
        pairs = tuple((int(low), int(high)) for low, high in padding)
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) != len(spatial) or min(map(min, pairs)) < 0:
        raise ArgumentError(
            f"{name}: padding must be 'valid', 'same' or a pair of counts for each of the "
            f"{len(spatial)} spatial axes, got {padding!r}."
        )
    return pairs


def _groups(name: str, inputs: tuple, kernel: tuple) -> int:
    channels, share = inputs[-1], kernel[-2]
    if channels is None:
        raise UnknownDimension(f"{name}: the number of channels of {inputs} is not known yet.")
    if share == 0 or channels % share:
        raise ShapeError(
            f"{name}: the {channels} channels of the input do not divide into groups of {share}, "
            f"which a kernel of shape {kernel} takes."
        )
    return max(1, channels // share)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str | Sequence[Sequence[int]] = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """The convolution of each channel by itself.

    Args:
        inputs: the batch.
        kernel: (*window, channels, filters per channel).
        strides: see `conv`, as for the other arguments.
        padding: see `conv`.
        data_format: see `conv`.
        dilation_rate: see `conv`.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, C * filters per channel)``, or channels second.

    Raises:
        ShapeError: ranks or channels do not fit, or the window is larger than the padded input.
        ArgumentError: an argument is none of those that `conv` takes.
    """
    x, w = as_tensor(inputs), as_tensor(kernel)
    _check_ranks("depthwise_conv", x.spec, w.spec)
    channels = x.shape[1 if channels_first("depthwise_conv", data_format) else -1]
    if w.shape[-2] != channels:
        raise ShapeError(
            f"depthwise_conv: expected a kernel for {channels} channels, got one of shape "
            f"{w.shape}."
        )
    # (*window, C, M) -> (*window, 1, C * M)
    w = reshape(w, (*w.shape[:-2], 1, w.shape[-2] * w.shape[-1]))
    return conv(x, w, strides, padding, data_format, dilation_rate)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str | Sequence[Sequence[int]] = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """A convolution of each channel by itself, then one over the channels of each position.

    Args:
        inputs: the batch.
        depthwise_kernel: (*window, channels, multiplier).
        pointwise_kernel: (*ones, channels * multiplier, filters).
        strides: of the first convolution; see `conv`, as for the other arguments.
        padding: see `conv`.
        data_format: see `conv`.
        dilation_rate: see `conv`.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, filters)``, or with the channels second.

    Raises:
        ShapeError: ranks or channels do not fit, or the window is larger than the padded input.
        ArgumentError: an argument is none of those that `conv` takes.
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """The transposed convolution: each input adds its multiple of the kernel to the output.

    Args:
        inputs: the batch.
        kernel: (*window, filters, channels).
        strides: how far apart neighbours of the input are set down, once or per spatial axis.
        padding: ``"valid"``, or ``"same"`` for outputs of n * stride elements.
        output_padding: how many elements to add to the right of each spatial axis, fewer than the
            stride. If given, n becomes (n - 1) * stride + window + output_padding, less
            2 * (window // 2) with ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.

    Shape:
        ``(N, *spatial, C) -> (N, *positions, filters)``, or with the channels second.

    Raises:
        ShapeError: ranks or channels do not fit.
        ArgumentError: an argument is none of those above.
    """
    x, w = as_tensor(inputs), as_tensor(kernel)
    name = "conv_transpose"
    _check_ranks(name, x.spec, w.spec)
    rank = x.ndim - 2
    strides = per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation_rate, rank)
    extra = check_output_padding(name, output_padding, strides) or (None,) * rank
    if padding not in ("same", "valid"):
        raise unknown(f"padding of {name}", padding, ["same", "valid"])
    first = channels_first(name, data_format)
    x = to_channels_last(x) if first else x
    if x.shape[-1] != w.shape[-1]:
        raise ShapeError(
            f"{name}: expected {w.shape[-1]} channels for a kernel of shape {w.shape}, got "
            f"{x.shape[-1]}."
        )
    axes = zip(x.shape[1:-1], covered(w.shape[:-2], dilation), strides, extra, strict=True)
    shape, pairs = zip(*(_transposed_axis(*axis, padding == "same") for axis in axes), strict=True)
    y = apply(
        _input_grad, x, w,
        shape=shape, strides=strides, padding=pairs, dilation=dilation, groups=1,
    )  # fmt: skip
    return to_channels_first(y) if first else y


def check_output_padding(name: str, value: Any, strides: tuple) -> tuple[int, ...] | None:
    """`value` once per spatial axis; None stays None.

    Raises:
        ArgumentError: it has another number of values, or one is negative or not below the stride.
    """
    if value is None:
        return None
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(strides)
    if len(values) != len(strides) or not all(
        isinstance(v, int) and 0 <= v < s for v, s in zip(values, strides, strict=True)
    ):
        raise ArgumentError(
            f"{name}: output_padding must be at least 0 and less than strides={strides}, got "
            f"{value!r}."
        )
    return values


def _transposed_axis(
    n: int | None, reach: int, stride: int, extra: int | None, same: bool
) -> tuple[int | None, tuple[int, int]]:
    """The length of one axis of the result, and how much of it is cut before and after."""
    if extra is None:
        # n * stride for "same"; for "valid" at least that much
        cut = reach - stride if same else min(reach - stride, 0)
    else:
        cut = (2 * (reach // 2) if same else 0) - extra
    low = max(cut, 0) // 2
    length = None if n is None else (n - 1) * stride + reach - cut
    return length, (low, max(cut - low, 0))
