"""Values at places between the elements of arrays, and images that are turned or moved.

Imports image_forms and ops on numbers and indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.ops.creation import arange
from kerasnb.ops.elementwise import (
    add,
    cast,
    clip,
    floor,
    logical_and,
    mod,
    multiply,
    round,
    where,
)  # fmt: skip
from kerasnb.ops.image_forms import channels_last
from kerasnb.ops.index import take
from kerasnb.ops.reshaping import expand_dims, reshape, squeeze
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["FILL_MODES", "affine_transform", "map_coordinates"]

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images whose pixels come from other places: turned, shifted, scaled or sheared.

    Args:
        images: one image or a batch of them.
        transform: ``(8,)`` for all images or ``(N, 8)``: with ``a0 a1 a2 b0 b1 b2 c0 c1`` the pixel
            at column x and row y comes from ``(a0 x + a1 y + a2) / k`` and
            ``(b0 x + b1 y + b2) / k``, where ``k = c0 x + c1 y + 1``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        fill_mode: what lies beyond the edges, one of `FILL_MODES`: `fill_value`, the edge, the
            image again, or its mirror image, without (``"mirror"``) or with the edge.
        fill_value: for ``"constant"``.
        data_format: where the channels are.

    Raises:
        ShapeError: `images` or `transform` has another shape.
        ArgumentError: a choice is unknown.

    Shape:
        the images'.
    """
    orders = {"nearest": 0, "bilinear": 1}
    if interpolation not in orders:
        raise unknown("interpolation", interpolation, orders)
    x, back = channels_last("affine_transform", images, data_format)
    t = cast(transform, x.dtype if is_float(x.dtype) else "float32")
    if t.ndim == 1:
        t = expand_dims(t, 0)
    known = None not in (t.shape[0], x.shape[0])
    if t.ndim != 2 or t.shape[1] != 8 or (known and t.shape[0] not in (1, x.shape[0])):
        raise ShapeError(
            f"affine_transform: expected transform (8,) or (N, 8) for images {x.spec}, got "
            f"{t.spec}."
        )
    n, h, w, c = x.shape
    row, column = (
        cast(axis.reshape(1, -1), t.dtype) for axis in np.mgrid[:h, :w].astype("float32")
    )  # (1, H W)
    a0, a1, a2, b0, b1, b2, c0, c1 = (t[:, i : i + 1] for i in range(8))  # (N, 1)
    k = c0 * column + c1 * row + 1.0
    places = [(b0 * column + b1 * row + b2) / k, (a0 * column + a1 * row + a2) / k]  # (N, H W)
    pixels = reshape(x, (-1, c))
    first = cast(arange(n) * (h * w), "int32")  # the first pixel of each image
    made = _interpolated(
        pixels, (h, w), places, expand_dims(first, -1), orders[interpolation], fill_mode,
        fill_value,
    )  # fmt: skip
    return back(reshape(made, (n, h, w, c)))


def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Tensor:
    """The values of an array at places between its elements.

    Args:
        inputs: the array.
        coordinates: ``(inputs.ndim, ...)``: the place along each axis.
        order: 0 takes the nearest element, 1 the mean of the neighbours by their distances.
        fill_mode: what lies beyond the edges, as for `affine_transform`.
        fill_value: for ``"constant"``.

    Raises:
        ShapeError: there is not one coordinate for each axis.
        ArgumentError: `order` or `fill_mode` is unknown.

    Shape:
        ``coordinates.shape[1:]``
    """
    if order not in (0, 1):
        raise ArgumentError(f"map_coordinates: order must be 0 or 1, got {order!r}.")
    x, places = as_tensor(inputs), as_tensor(coordinates)
    if places.ndim < 1 or places.shape[0] != x.ndim:
        raise ShapeError(
            f"map_coordinates: expected coordinates ({x.ndim}, ...) for {x.spec}, got "
            f"{places.spec}."
        )
    places = cast(places, x.dtype if is_float(x.dtype) else "float32")
    parts = [places[i] for i in range(x.ndim)]
    values = reshape(x, (-1, 1))
    return squeeze(_interpolated(values, x.shape, parts, 0, order, fill_mode, fill_value), -1)


def _interpolated(
    values: Tensor,
    lengths: Sequence[int],
    places: Sequence[Tensor],
    first: Any,
    order: int,
    fill_mode: str,
    fill_value: float,
) -> Tensor:
    """The rows of `values` at places between them.

    Args:
        values: ``(rows, C)``, of arrays of `lengths` one after another.
        lengths: of the axes.
        places: along each axis, ``(...)``.
        first: the row with which the array of each place begins.
        order: 0 or 1.
        fill_mode: one of `FILL_MODES`.
        fill_value: for ``"constant"``.

    Shape:
        ``(..., C)``
    """
    if fill_mode not in FILL_MODES:
        raise unknown("fill_mode", fill_mode, FILL_MODES)
    dtype = values.dtype
    parts = []
    if order == 0:
        corners = [[(round(p), None) for p in places]]
    else:
        low = [floor(p) for p in places]
        above = [p - m for p, m in zip(places, low, strict=True)]
        sides = [[(m, 1.0 - f), (m + 1.0, f)] for m, f in zip(low, above, strict=True)]
        corners = itertools.product(*sides)
    for corner in corners:
        found = take(values, _row(corner, lengths, first, fill_mode), 0)  # (..., C)
        if fill_mode == "constant":
            fits = [
                logical_and(place >= 0.0, place <= length - 1.0)
                for (place, _), length in zip(corner, lengths, strict=True)
            ]
            inside = reduce(logical_and, fits)
            found = where(expand_dims(inside, -1), found, cast(fill_value, dtype))
        if order == 1:
            found = found * expand_dims(reduce(multiply, [part for _, part in corner]), -1)
        parts.append(found)
    total = reduce(add, parts)
    if total.dtype == dtype:
        return total
    return cast(round(total), dtype)


def _row(corner: Sequence, lengths: Sequence[int], first: Any, fill_mode: str) -> Tensor:
    """The number of the element at whole places, each brought within its axis."""
    number: Any = 0
    for (place, _), length in zip(corner, lengths, strict=True):
        within = cast(_within(place, length, fill_mode), "int32")
        number = number * length + within
    return number + first


def _within(place: Tensor, length: int, fill_mode: str) -> Tensor:
    """Whole places, beyond the edges too, as places along an axis of this length."""
    last = length - 1.0
    if fill_mode == "wrap":
        return mod(place, float(length))
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        turned = mod(place, 2.0 * length)
        return where(turned > last, 2.0 * length - 1.0 - turned, turned)
    if fill_mode == "mirror" and length > 1:  # d c b | a b c d | c b a
        turned = mod(place, 2.0 * last)
        return where(turned > last, 2.0 * last - turned, turned)
    return clip(place, 0.0, last)
