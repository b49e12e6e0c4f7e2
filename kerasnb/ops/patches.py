"""Windows of images laid out as columns, and laid back. Imports index, reshaping and window."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb.errors import ShapeError
from kerasnb.op import OPS
from kerasnb.ops.index import take
from kerasnb.ops.reshaping import pad, reshape, transpose
from kerasnb.ops.window import per_axis
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = ["fold", "unfold"]


def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The windows of images as columns: (N, C, H, W) -> (N, C kh kw, windows).

    Args:
        x: images, channels first.
        kernel_size: how high and wide a window is.
        dilation: the distance of its elements.
        padding: how many zeros to add on each side.
        stride: the distance of windows.

    Raises:
        ShapeError: `x` has not four axes, or no window fits.
    """
    x = as_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"unfold: expected images (N, C, H, W), got {x.spec}.")
    (ph, pw), kernel, places = _geometry(
        "unfold", x.shape[2:], kernel_size, dilation, padding, stride
    )
    if ph or pw:
        x = pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows, columns = places
    x = take(take(x, columns, 3), rows, 2)  # (N, C, kh, oh, kw, ow)
    x = transpose(x, (0, 1, 2, 4, 3, 5))
    return reshape(
        x, (x.shape[0], x.shape[1] * kernel[0] * kernel[1], rows.shape[1] * columns.shape[1])
    )


def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Columns laid back as the windows of images, which add up where they overlap:
    (N, C kh kw, windows) -> (N, C, H, W).

    Args:
        x: columns as `unfold` gives them.
        output_size: height and width of the images.
        kernel_size: see `unfold`, as for the others.
        dilation: see `unfold`.
        padding: see `unfold`.
        stride: see `unfold`.

    Raises:
        ShapeError: the columns are not those of such images.
    """
    x = as_tensor(x)
    height, width = size = per_axis("fold", "output_size", output_size, 2)
    (ph, pw), (kh, kw), (rows, columns) = _geometry(
        "fold", size, kernel_size, dilation, padding, stride
    )
    windows = rows.shape[1] * columns.shape[1]
    if x.ndim != 3 or x.shape[1] % (kh * kw) or x.shape[2] not in (windows, None):
        raise ShapeError(
            f"fold: expected (N, C * {kh * kw}, {windows}) for images of {size}, got {x.spec}."
        )
    shape = (x.shape[0], x.shape[1] // (kh * kw), kh, kw, rows.shape[1], columns.shape[1])
    x = transpose(reshape(x, shape), (0, 1, 2, 4, 3, 5))  # (N, C, kh, oh, kw, ow)
    x = apply(OPS["scatter_add"], x, rows, axis=2, length=height + 2 * ph)
    x = apply(OPS["scatter_add"], x, columns, axis=3, length=width + 2 * pw)
    return x[:, :, ph : ph + height, pw : pw + width]


def _geometry(
    name: str, size: tuple, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple:
    """Padding and kernel, and for both axes where each element of each window lies, (k, o)."""
    kernel = per_axis(name, "kernel_size", kernel_size, 2)
    dilations, strides = (
        per_axis(name, "dilation", dilation, 2),
        per_axis(name, "stride", stride, 2),
    )
    pads = tuple(padding) if isinstance(padding, (tuple, list)) else (padding, padding)
    places = []
    for n, k, d, p, s in zip(size, kernel, dilations, pads, strides, strict=True):
        count = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ShapeError(f"{name}: no window of {kernel} fits into {size}.")
        places.append((np.arange(k)[:, None] * d + np.arange(count) * s).astype("int32"))
    return pads, kernel, places
