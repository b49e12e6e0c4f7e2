"""Examples as pictures, and how text and colours go into figures. Plain NumPy.

Imports checks and figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.errors import ShapeError
from kerasnb.notebook.figures import COLORS
from kerasnb.notebook.insight.checks import spread

__all__ = [
    "PLAIN", "RIGHT", "SQUARES", "WARNING", "WRONG", "Pictures", "ink", "mix", "mosaic",
    "pictures_of", "table_of",
]  # fmt: skip

# for every text from data or models: `$x$` is two dollars and an x, never a formula
PLAIN = {"parse_math": False, "usetex": False}

RIGHT, WRONG = COLORS[0], COLORS[1]  # blue and orange: told apart by everybody
WARNING = "#8A3A00"  # the orange, dark enough for small text on white

# rows of so many numbers are pictures: scikit-learn's digits, and MNIST's
SQUARES = {64: (8, 8), 784: (28, 28)}


class Pictures:
    """Examples of `x` as pictures of grey levels or colours.

    Args:
        array: ``(N, ...)``.
        shape: of one picture: ``(H, W)`` or ``(H, W, channels)``.
        first: whether the channels come before height and width in `array`.

    Attributes:
        shape: ``(H, W)``, or ``(H, W, 3)``.
    """

    def __init__(self, array: np.ndarray, shape: tuple[int, ...], first: bool = False):
        self._array, self._from, self._first = array, shape, first
        colour = len(shape) == 3 and shape[2] in (3, 4)
        self.shape = (*shape[:2], 3) if colour else shape[:2]
        sample = array[spread(len(array), 500)].astype("float64")
        sample = sample[np.isfinite(sample)]
        self.low, self.high = (sample.min(), sample.max()) if sample.size else (0.0, 1.0)

    def values(self, index: Any) -> np.ndarray:
        """Some examples as they are, ``(n, H, W)`` or ``(n, H, W, 3)``."""
        chosen = self._array[index].astype("float64")
        if self._first:
            chosen = np.moveaxis(chosen, 1, -1)  # (n, C, H, W) -> (n, H, W, C)
        chosen = chosen.reshape(len(chosen), *self._from)  # (n, 784) -> (n, 28, 28)
        if len(self.shape) == 3:
            return chosen[..., :3]
        return chosen if chosen.ndim == 3 else chosen.mean(axis=-1)  # (n, H, W, C) -> (n, H, W)

    def take(self, index: Any) -> np.ndarray:
        """Some examples with the lowest value of the data at 0 and the highest at 255, uint8."""
        scaled = (self.values(index) - self.low) / ((self.high - self.low) or 1.0)
        return (np.nan_to_num(scaled).clip(0, 1) * 255).round().astype("uint8")

    def thumbnails(self, index: Any, side: int) -> np.ndarray:
        """The same, no higher and no wider than `side` pixels."""
        pictures = self.take(index)
        step = math.ceil(max(self.shape[:2]) / side)
        return pictures if step == 1 else _pooled(pictures, step)


def pictures_of(x: Any, image_shape: Sequence[int] | None = None) -> Pictures | None:
    """The examples of arrays `x` as pictures; None if they are none.

    Args:
        x: arrays; of several inputs the first that holds pictures counts.
        image_shape: ``(H, W)`` or ``(H, W, C)``, to see rows of numbers as pictures. Without it
            rows of 64 and of 784 numbers count as 8×8 and 28×28.

    Raises:
        ShapeError: `image_shape` does not fit.
    """
    for array in tree.flatten(x):
        shape = array.shape[1:]
        if image_shape is not None:
            wanted = tuple(image_shape)
            if len(wanted) not in (2, 3) or math.prod(wanted) != math.prod(shape):
                raise ShapeError(
                    f"image_shape: expected (height, width) or (height, width, channels) with "
                    f"{math.prod(shape)} numbers, as each example of x has, got {wanted}."
                )
            return Pictures(array, wanted)
        if len(shape) == 1 and shape[0] in SQUARES:
            return Pictures(array, SQUARES[shape[0]])
        if len(shape) == 2:
            return Pictures(array, shape)
        if len(shape) == 3:
            first = shape[0] in (1, 3) and shape[2] not in (1, 3, 4)
            return Pictures(array, (*shape[1:], shape[0]) if first else shape, first)
    return None


def table_of(x: Any, index: Any) -> np.ndarray:
    """Some examples of arrays `x` as rows of numbers, ``(n, features)``."""
    arrays = [array[index] for array in tree.flatten(x)]
    # (n, ...) -> (n, features); with the number written out, as there may be no row
    rows = [a.reshape(len(a), math.prod(a.shape[1:])) for a in arrays]
    return np.concatenate(rows, axis=1).astype("float64")


def _pooled(pictures: np.ndarray, step: int) -> np.ndarray:
    """The means of blocks of `step` by `step` pixels; what is left over at the end is cut."""
    n, h, w = pictures.shape[:3]
    h, w = h // step, w // step
    cut = pictures[:, : h * step, : w * step].astype("float32")
    blocks = cut.reshape(n, h, step, w, step, *pictures.shape[3:])  # (n, H, W) -> (n, h, s, w, s)
    return blocks.mean(axis=(2, 4)).round().astype("uint8")


def mosaic(maps: np.ndarray, columns: int) -> np.ndarray:
    """Maps side by side with a gap of NaN, which stays blank, between.

    Shape:
        ``(n, H, W)`` or ``(n, H, W, 3)`` -> one such picture, ``columns`` maps wide.
    """
    fine = math.ceil(12 / max(maps.shape[1:3]))  # so that a gap is thin beside small maps, too
    maps = maps.repeat(fine, axis=1).repeat(fine, axis=2)
    n, h, w = maps.shape[:3]
    gap = max(1, round(max(h, w) / 12))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, *maps.shape[3:]), np.nan)
    for i, one in enumerate(maps):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = one
    return sheet


def mix(color: str, share: np.ndarray) -> np.ndarray:
    """White at share 0, `color` at 1.

    Shape:
        ``(...)`` -> ``(..., 3)``, from 0 to 1.
    """
    full = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return 1 - np.asarray(share)[..., None] * (1 - full)


def ink(background: np.ndarray) -> str:
    """Black or white, whichever is read better on a colour ``(3,)`` (W3C's contrast ratio)."""
    linear = np.where(
        background <= 0.04045, background / 12.92, ((background + 0.055) / 1.055) ** 2.4
    )
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"
