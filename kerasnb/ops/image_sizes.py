"""Images in other sizes, and parts of them. Imports image_forms and ops on shapes."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.ops.elementwise import cast, clip, round
from kerasnb.ops.image_forms import channels_last, two_sizes
from kerasnb.ops.index import take
from kerasnb.ops.products import tensordot
from kerasnb.ops.reshaping import moveaxis, pad, reshape, transpose
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor

__all__ = ["INTERPOLATIONS", "crop_images", "extract_patches", "pad_images", "resize"]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images in another size.

    A pixel's colour is at its middle. Each new one is a mean of the old ones near it, row by row
    and column by column.

    Args:
        images: one image or a batch of them.
        size: the new height and width.
        interpolation: one of `INTERPOLATIONS`.
        antialias: when images get smaller, take the mean over all that a new pixel covers.
        crop_to_aspect_ratio: cut off what does not fit the new proportions, in equal parts.
        pad_to_aspect_ratio: add `fill_value` where images do not fit the new proportions.
        fill_mode: must be ``"constant"``.
        fill_value: what is added.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Raises:
        ShapeError: these are no images, or their height or width is not known.
        ArgumentError: a choice is unknown, or both proportions are to be kept.

    Shape:
        ``(N, H, W, C) -> (N, *size, C)``; integers are rounded.
    """
    if interpolation not in INTERPOLATIONS:
        raise unknown("interpolation", interpolation, INTERPOLATIONS)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError(
            "resize: only one of crop_to_aspect_ratio and pad_to_aspect_ratio may be true."
        )
    if fill_mode != "constant":
        raise ArgumentError(f'resize: fill_mode must be "constant", got {fill_mode!r}.')
    height, width = two_sizes("resize", size)
    x, back = channels_last("resize", images, data_format)
    if crop_to_aspect_ratio:
        x = _cut(x, height, width)
    elif pad_to_aspect_ratio:
        x = _filled(x, height, width, fill_value)
    return back(_resized(x, (height, width), interpolation, antialias))


def _resized(x: Tensor, size: tuple[int, int], interpolation: str, antialias: bool) -> Tensor:
    if interpolation == "nearest":
        for axis, new in zip((1, 2), size, strict=True):
            places = np.floor((np.arange(new) + 0.5) * (x.shape[axis] / new)).astype("int32")
            x = take(x, places, axis)
        return x
    dtype = x.dtype
    values = x if is_float(dtype) else cast(x, "float32")
    for axis, new in zip((1, 2), size, strict=True):
        weights = _weights(x.shape[axis], new, interpolation, antialias)
        # (N, H, W, C) and (new, H) or (new, W): the new axis comes last, and goes back
        product = tensordot(values, cast(weights, values.dtype), ((axis,), (1,)))
        values = moveaxis(product, -1, axis)
    if is_float(dtype):
        return values
    values = round(values)
    if dtype == "uint8":
        values = clip(values, 0, 255)
    return cast(values, dtype)


@lru_cache(maxsize=256)
def _weights(old: int, new: int, interpolation: str, antialias: bool) -> np.ndarray:
    """How much each old place along an axis counts for each new one: (new, old)."""
    scale = old / new
    stretch = builtins.max(scale, 1.0) if antialias else 1.0
    middles = (np.arange(new) + 0.5) * scale - 0.5
    distances = np.abs(middles[:, None] - np.arange(old)) / stretch
    weights = _KERNELS[interpolation](distances)
    total = weights.sum(axis=1, keepdims=True)
    return (weights / np.where(np.abs(total) > 1e-4, total, 1)).astype("float32")


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, doi:10.1109/TASSP.1981.1163711, with a = -1/2."""
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear": lambda x: np.maximum(1 - x, 0),
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def _cut(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of images, in the proportions of `height` and `width`."""
    old_height, old_width = x.shape[1:3]
    high = builtins.min(old_height, builtins.max(1, int(old_width * height / width)))
    wide = builtins.min(old_width, builtins.max(1, int(old_height * width / height)))
    top, left = (old_height - high) // 2, (old_width - wide) // 2
    return x[:, top : top + high, left : left + wide]


def _filled(x: Tensor, height: int, width: int, value: float) -> Tensor:
    """Images with margins that give them the proportions of `height` and `width`."""
    old_height, old_width = x.shape[1:3]
    high = builtins.max(old_height, int(old_width * height / width))
    wide = builtins.max(old_width, int(old_height * width / height))
    top, left = (high - old_height) // 2, (wide - old_width) // 2
    margins = ((top, high - old_height - top), (left, wide - old_width - left))
    return pad(x, ((0, 0), *margins, (0, 0)), constant_values=value)


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """A part of images; two of three numbers say where it is, along the height and the width.

    Args:
        images: one image or a batch of them.
        top_cropping: rows to leave out above.
        left_cropping: columns to leave out on the left.
        bottom_cropping: rows to leave out below.
        right_cropping: columns to leave out on the right.
        target_height: rows that stay.
        target_width: columns that stay.
        data_format: where the channels are.

    Raises:
        ArgumentError: not two of three numbers are given, or one is negative.
        ShapeError: the part reaches beyond the images.
    """
    x, back = channels_last("crop_images", images, data_format)
    spans = []
    for axis, low, high, target, names in (
        (1, top_cropping, bottom_cropping, target_height, "top_cropping, bottom_cropping and "
         "target_height"),
        (2, left_cropping, right_cropping, target_width, "left_cropping, right_cropping and "
         "target_width"),
    ):  # fmt: skip
        _two_of("crop_images", names, low, high, target)
        length = x.shape[axis]
        low = length - high - target if low is None else low
        end = low + target if target is not None else length - high
        if low < 0 or end > length or end <= low:
            raise ShapeError(
                f"crop_images: {low} to {end} is no part of the {length} along axis {axis}."
            )
        spans.append(slice(low, end))
    return back(x[:, spans[0], spans[1]])


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images with margins of zeros; two of three numbers say how wide, along each axis.

    Args:
        images: one image or a batch of them.
        top_padding: rows to add above.
        left_padding: columns to add on the left.
        bottom_padding: rows to add below.
        right_padding: columns to add on the right.
        target_height: rows that there are then.
        target_width: columns that there are then.
        data_format: where the channels are.

    Raises:
        ArgumentError: not two of three numbers are given, or one is negative.
        ShapeError: the images are larger than they are to become.
    """
    x, back = channels_last("pad_images", images, data_format)
    margins = []
    for axis, low, high, target, names in (
        (1, top_padding, bottom_padding, target_height, "top_padding, bottom_padding and "
         "target_height"),
        (2, left_padding, right_padding, target_width, "left_padding, right_padding and "
         "target_width"),
    ):  # fmt: skip
        _two_of("pad_images", names, low, high, target)
        length = x.shape[axis]
        low = target - length - high if low is None else low
        high = target - length - low if high is None else high
        if low < 0 or high < 0:
            raise ShapeError(
                f"pad_images: the {length} along axis {axis} do not fit into {target} with the "
                "given padding."
            )
        margins.append((low, high))
    return back(pad(x, ((0, 0), *margins, (0, 0))))


def _two_of(op: str, names: str, *values: int | None) -> None:
    if [v is None for v in values].count(True) != 1:
        raise ArgumentError(f"{op}: give two of {names}.")
    if any(v is not None and v < 0 for v in values):
        raise ArgumentError(f"{op}: {names} must not be negative.")


def extract_patches(
    images: Any,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Windows of images, each laid out as a vector.

    Args:
        images: one image or a batch of them.
        size: the height and width of a window.
        strides: the distance of windows; `size` if not given.
        dilation_rate: the distance of the pixels in a window.
        padding: ``"valid"``, or ``"same"`` for zeros around the images.
        data_format: where the channels are.

    Raises:
        ArgumentError: `padding` is unknown.
        ShapeError: these are no images, or no window fits.

    Shape:
        ``(N, H, W, C) -> (N, H', W', h w C)``
    """
    if padding not in ("valid", "same"):
        raise unknown("padding", padding, ("valid", "same"))
    kernel = two_sizes("extract_patches", size)
    steps = kernel if strides is None else two_sizes("extract_patches", strides)
    gaps = two_sizes("extract_patches", dilation_rate)
    x, back = channels_last("extract_patches", images, data_format)
    rows, columns = (
        _windows(x.shape[axis], kernel[axis - 1], steps[axis - 1], gaps[axis - 1], padding)
        for axis in (1, 2)
    )
    x = pad(x, ((0, 0), rows[0], columns[0], (0, 0)))
    x = take(take(x, columns[1], 2), rows[1], 1)  # (N, H', h, W', w, C)
    x = transpose(x, (0, 1, 3, 2, 4, 5))
    high, wide = x.shape[1:3]
    return back(reshape(x, (-1, high, wide, math.prod(x.shape[3:]))))


def _windows(
    length: int, size: int, step: int, gap: int, padding: str
) -> tuple[tuple[int, int], np.ndarray]:
    """The margins along an axis, and the places of each window: (windows, size)."""
    reach = (size - 1) * gap + 1
    missing = 0
    if padding == "same":
        missing = builtins.max((math.ceil(length / step) - 1) * step + reach - length, 0)
    if length + missing < reach:
        raise ShapeError(f"extract_patches: windows of {reach} do not fit into {length} pixels.")
    starts = np.arange(0, length + missing - reach + 1, step)
    places = starts[:, None] + np.arange(size) * gap
    return (missing // 2, missing - missing // 2), places.astype("int32")
