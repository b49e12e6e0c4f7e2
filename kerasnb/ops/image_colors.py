"""The colours of images in other forms. Imports image_forms and ops on numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb.ops.elementwise import absolute, cast, clip, where
from kerasnb.ops.image_forms import colors
from kerasnb.ops.reduce import max, min, sum
from kerasnb.ops.reshaping import concatenate, stack
from kerasnb.tensor import Tensor

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

_GRAY = (0.2989, 0.5870, 0.1140)  # how bright red, green and blue are: ITU-R BT.601


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """How bright each pixel is, with one channel.

    Args:
        images: one image of red, green and blue, or a batch of them.
        data_format: where the channels are.

    Raises:
        ShapeError: there are not three channels.

    Shape:
        ``(..., 3) -> (..., 1)``
    """
    x, back = colors("rgb_to_grayscale", images, data_format)
    gray = sum(cast(x, "float32") * np.array(_GRAY, "float32"), axis=-1, keepdims=True)
    return back(cast(gray, x.dtype))


def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Red, green and blue from 0 to 1 as hue, saturation and value from 0 to 1.

    Args:
        images: one image or a batch of them, of floats.
        data_format: where the channels are.

    Raises:
        ShapeError: there are not three channels.
        DTypeError: the images are no floats.
    """
    x, back = colors("rgb_to_hsv", images, data_format, floats=True)
    red, green, blue = (x[..., i] for i in range(3))
    value = max(x, axis=-1)
    span = value - min(x, axis=-1)
    saturation = where(value > 0, span / where(value > 0, value, 1.0), 0.0)
    safe = where(span > 0, span, 1.0) * 6.0
    hue = where(
        value == red,
        (green - blue) / safe,
        where(value == green, (blue - red) / safe + 2.0 / 6.0, (red - green) / safe + 4.0 / 6.0),
    )
    hue = where(span > 0, hue, 0.0)
    return back(stack([where(hue < 0, hue + 1.0, hue), saturation, value], axis=-1))


def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value from 0 to 1 as red, green and blue from 0 to 1.

    Args:
        images: one image or a batch of them, of floats.
        data_format: where the channels are.

    Raises:
        ShapeError: there are not three channels.
        DTypeError: the images are no floats.
    """
    x, back = colors("hsv_to_rgb", images, data_format, floats=True)
    hue, saturation, value = (x[..., i : i + 1] for i in range(3))
    sixths = hue * 6.0
    # each colour is full over a third of the circle, and rises and falls over a sixth
    near = concatenate(
        [absolute(sixths - 3.0) - 1.0, 2.0 - absolute(sixths - 2.0), 2.0 - absolute(sixths - 4.0)],
        axis=-1,
    )
    return back(((clip(near, 0.0, 1.0) - 1.0) * saturation + 1.0) * value)
