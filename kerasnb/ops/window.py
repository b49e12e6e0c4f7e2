"""The geometry of windows that slide over an input, shared by convolution and pooling.

A window of given size, strides, dilation and padding, per spatial axis. Imports reshaping and spec.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension, unknown
from kerasnb.ops.reshaping import transpose
from kerasnb.tensor import Tensor

__all__: list[str] = []  # nothing of this is for users

# Intermediate results are made for a few images at a time, to be used while they are in the
# cache. 128 images of 26x26x32, 3x3 to 64 filters, float32, one thread, in one piece: forward
# 48.6 ms, input gradient 75.3, kernel gradient 50.0; in pieces of 8 MB 42.0, 55.5 and 42.5; of 1
# to 4 MB 34, 50 and 37. Of equal ones the largest: BLAS's threads meet once a piece, which costs
# on a busy machine. Other array modules are GPUs, where pieces serve to bound memory alone.
_PIECE_BYTES = {"numpy": 4 << 20}
_PIECE_BYTES_ELSEWHERE = 256 << 20


def covered(window: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How many positions a dilated window reaches over, per axis."""
    return tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))


def window_positions(
    name: str, spatial: tuple, window: tuple, strides: tuple, padding: tuple, dilation: tuple
) -> tuple:
    """How many windows fit along each spatial axis; None where its length is not known.

    Raises:
        ShapeError: the window is larger than the padded input.
    """
    reach = covered(window, dilation)
    padded = tuple(
        None if n is None else n + low + high
        for n, (low, high) in zip(spatial, padding, strict=True)
    )
    for total, size in zip(padded, reach, strict=True):
        if total is not None and total < size:
            raise ShapeError(
                f"{name}: the window reaches over {reach} positions, but the padded input has only "
                f"{padded}. Use a smaller window or dilation, padding='same', or a larger input."
            )
    return tuple(
        None if total is None else (total - size) // s + 1
        for total, size, s in zip(padded, reach, strides, strict=True)
    )


def taps(
    spatial: tuple, positions: tuple, window: tuple, strides: tuple, padding: tuple, dilation: tuple
) -> Iterator[tuple[tuple, tuple, tuple]]:
    """For each place in the window, first to last, what it touches outside the padding.

    Yields:
        The place; the slices of the input's spatial axes that it reads, over all windows; and the
        slices of the output's spatial axes where the results belong.
    """
    axes = zip(spatial, positions, window, strides, padding, dilation, strict=True)
    per_axis = []
    for n, m, size, s, (low, _), d in axes:
        places = []
        for k in range(size):
            shift = k * d - low  # window o reads position o * s + shift
            first = max(0, -(shift // s))
            last = min(m, (n - 1 - shift) // s + 1)
            if first < last:
                start = first * s + shift
                stop = (last - 1) * s + shift + 1
                places.append((k, slice(start, stop, s), slice(first, last)))
        per_axis.append(places)
    for combination in itertools.product(*per_axis):
        yield tuple(zip(*combination, strict=True))


def same_padding(spatial: tuple, window: tuple, strides: tuple, dilation: tuple) -> tuple:
    """The padding that gives ceil(n / stride) windows; what is left over goes to the right.

    Raises:
        UnknownDimension: a length is not known yet, and the padding depends on it.
    """
    pairs = []
    for n, size, s in zip(spatial, covered(window, dilation), strides, strict=True):
        if n is None and s > 1:
            raise UnknownDimension("padding='same' with strides above 1 needs the input's lengths.")
        total = size - 1 if s == 1 else max((-(-n // s) - 1) * s + size - n, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def per_axis(name: str, argument: str, value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """An argument given once, or once per spatial axis, as a tuple of positive integers.

    Raises:
        ArgumentError: it has another number of values, or one is not a positive integer.
    """
    try:
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
        numbers = tuple(int(v) for v in values)
    except (TypeError, ValueError):
        numbers = values = ()
    if len(numbers) != rank or any(n < 1 or n != v for n, v in zip(numbers, values, strict=True)):
        each = "a positive integer" if rank == 1 else f"a positive integer or {rank} of them"
        raise ArgumentError(f"{name}: {argument} must be {each}, got {value!r}.")
    return numbers


def channels_first(name: str, data_format: str | None) -> bool:
    """Whether channels are the second axis; `config.image_data_format` decides if None is given.

    Raises:
        ArgumentError: it is neither ``"channels_last"`` nor ``"channels_first"``.
    """
    if data_format is None:
        data_format = config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise unknown(f"data_format of {name}", data_format, ["channels_first", "channels_last"])
    return data_format == "channels_first"


def to_channels_last(x: Tensor) -> Tensor:
    """(N, C, *spatial) -> (N, *spatial, C)"""
    return transpose(x, (0, *range(2, x.ndim), 1))


def to_channels_first(x: Tensor) -> Tensor:
    """(N, *spatial, C) -> (N, C, *spatial)"""
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def chunk(xp: Any, image_bytes: int) -> int:
    """How many images to take at a time, if each needs so many bytes of intermediate results."""
    limit = _PIECE_BYTES.get(xp.__name__, _PIECE_BYTES_ELSEWHERE)
    return max(1, limit // max(1, image_bytes))
