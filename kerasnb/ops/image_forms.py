"""What images are: where their height, width and channels lie. Imports config and reshaping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, UnknownDimension, unknown
from kerasnb.ops.reshaping import expand_dims, moveaxis, squeeze
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["channels_last", "colors", "two_sizes"]


def two_sizes(op: str, value: Any) -> tuple[int, int]:
    """A height and a width, given as two numbers or as one for both.

    Raises:
        ArgumentError: they are no whole numbers from 1.
    """
    pair = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) and v > 0 for v in pair):
        raise ArgumentError(f"{op}: expected a height and a width from 1, got {value!r}.")
    return int(pair[0]), int(pair[1])


def channels_last(op: str, images: Any, data_format: str | None) -> tuple[Tensor, Callable]:
    """Images as ``(N, H, W, C)``, and what brings others of that form back."""
    form = config.image_data_format() if data_format is None else data_format
    if form not in ("channels_last", "channels_first"):
        raise unknown("data_format", form, ("channels_last", "channels_first"))
    x = as_tensor(images)
    if x.ndim not in (3, 4):
        raise ShapeError(f"{op}: expected images (H, W, C) or (N, H, W, C), got {x.spec}.")
    one, first = x.ndim == 3, form == "channels_first"
    x = expand_dims(x, 0) if one else x
    x = moveaxis(x, 1, -1) if first else x
    if None in x.shape[1:]:
        raise UnknownDimension(f"{op}: the height and width of images must be known, got {x.spec}.")

    def back(made: Tensor) -> Tensor:
        made = moveaxis(made, -1, 1) if first else made
        return squeeze(made, 0) if one else made

    return x, back


def colors(
    op: str, images: Any, data_format: str | None, floats: bool = False
) -> tuple[Tensor, Callable]:
    """As `channels_last`, for images of three channels.

    Raises:
        ShapeError: there are not three channels.
        DTypeError: `floats` are asked for, and these are none.
    """
    x, back = channels_last(op, images, data_format)
    if x.shape[-1] != 3:
        raise ShapeError(f"{op}: expected three channels, got {x.spec}.")
    if floats and not is_float(x.dtype):
        raise DTypeError(f"{op}: expected floats from 0 to 1, got {x.spec}. Divide by 255.")
    return x, back
