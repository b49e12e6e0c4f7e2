"""Pooling to a given size, whatever the size of the input. Imports index, products and window.

The window of output i goes from i n / m, rounded down, to (i + 1) n / m, rounded up, for n inputs
and m outputs: neighbours may overlap by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.errors import ShapeError, UnknownDimension
from kerasnb.ops.index import take
from kerasnb.ops.products import tensordot
from kerasnb.ops.reduce import max
from kerasnb.ops.reshaping import moveaxis
from kerasnb.ops.window import channels_first, per_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def adaptive_average_pool(
    inputs: Any, output_size: int | Sequence[int], data_format: str | None = None
) -> Tensor:
    """The means of as many windows as the output has places.

    Args:
        inputs: ``(N, *spatial, C)``, or ``(N, C, *spatial)``.
        output_size: how many places, once or for each spatial axis.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format` if
            None.

    Raises:
        ShapeError: `inputs` has no spatial axis.
        UnknownDimension: the length of one is not known yet.
    """
    x, sizes = _spatial("adaptive_average_pool", inputs, output_size, data_format)
    for axis, size in sizes:
        starts, stops = _windows(x.shape[axis], size)
        places = np.arange(x.shape[axis])[:, None]
        inside = (places >= starts) & (places < stops)
        weights = as_tensor(inside / (stops - starts), x.dtype)  # (n, m)
        x = moveaxis(tensordot(x, weights, ((axis,), (0,))), -1, axis)
    return x


def adaptive_max_pool(
    inputs: Any, output_size: int | Sequence[int], data_format: str | None = None
) -> Tensor:
    """The largest elements of as many windows as the output has places; see
    `adaptive_average_pool`."""
    x, sizes = _spatial("adaptive_max_pool", inputs, output_size, data_format)
    for axis, size in sizes:
        starts, stops = _windows(x.shape[axis], size)
        widest = int((stops - starts).max())
        # a narrower window repeats its last place, which changes no maximum
        places = np.minimum(starts[:, None] + np.arange(widest), stops[:, None] - 1)
        x = max(take(x, places.astype("int32"), axis), axis + 1)
    return x


def _spatial(name: str, inputs: Any, output_size: Any, data_format: str | None) -> tuple:
    """The input, and for each of its spatial axes how many places it is to have."""
    x = as_tensor(inputs)
    rank = x.ndim - 2
    if not 1 <= rank <= 3:
        raise ShapeError(f"{name}: expected 3 to 5 axes, got {x.spec}.")
    first = 2 if channels_first(name, data_format) else 1
    sizes = per_axis(name, "output_size", output_size, rank)
    axes = range(first, first + rank)
    for axis in axes:
        if x.shape[axis] is None:
            raise UnknownDimension(f"{name}: axis {axis} of {x.spec} is not known yet.")
    return x, list(zip(axes, sizes, strict=True))


def _windows(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the m windows over n places begin, and before which place they end."""
    i = np.arange(m)
    return i * n // m, -(-(i + 1) * n // m)
