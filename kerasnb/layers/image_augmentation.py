"""Layers that vary images in training, each image of a batch by itself: turned, moved, lit anew.

What is drawn comes from a seeded generator within the compiled step; at inference images pass as
they are. As in Keras, a call by itself, outside of a model that predicts, is training. Imports
image_preprocessing, common, random and ops.image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb import ops, random
from kerasnb.errors import ArgumentError, unknown
from kerasnb.layers.common import attributes, label
from kerasnb.layers.image_preprocessing import ImageLayer
from kerasnb.ops import image
from kerasnb.tensor import Tensor

__all__ = [
    "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation",
    "RandomZoom",
]  # fmt: skip

_FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")


class _RandomImage(ImageLayer):
    """Base: `_vary` makes new images of a batch, in training only."""

    def __init__(self, seed: int | None, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.seed = random.default_seed() if seed is None else seed
        self.seed_generator = random.SeedGenerator(self.seed)

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        self._places(x)
        if not training:
            return x
        if x.ndim == 3:
            return ops.squeeze(self._vary(ops.expand_dims(x, 0)), 0)
        return self._vary(x)

    def _vary(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _draw(self, x: Tensor, low: float, high: float) -> Tensor:
        """A number for each image: (N, 1)."""
        if low == high:
            return ops.full((x.shape[0], 1), low, self.compute_dtype)
        return random.uniform(
            (x.shape[0], 1), low, high, self.compute_dtype, seed=self.seed_generator
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}


class RandomFlip(_RandomImage):
    """In training images that are mirrored or not, as chance has it.

    Args:
        mode: ``"horizontal"`` (left becomes right), ``"vertical"`` or
            ``"horizontal_and_vertical"``.
        seed: an integer makes the choices repeatable.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Raises:
        ArgumentError: `mode` is unknown.

    Shape:
        the input's.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        if mode not in _FLIPS:
            raise unknown(f"mode of {label(self)}:", mode, _FLIPS)
        self.mode = mode

    def _vary(self, x: Tensor) -> Tensor:
        rows, columns, _ = self._places(x)
        if self.mode != "vertical":
            x = self._mirrored(x, columns)
        if self.mode != "horizontal":
            x = self._mirrored(x, rows)
        return x

    def _mirrored(self, x: Tensor, axis: int) -> Tensor:
        chosen = ops.reshape(self._draw(x, 0.0, 1.0) < 0.5, (-1, 1, 1, 1))
        return ops.where(chosen, ops.flip(x, axis), x)

    def get_config(self) -> dict:
        return {**super().get_config(), "mode": self.mode}


class _RandomPlaces(_RandomImage):
    """Base of the layers whose pixels come from other places, `_transform` says from which."""

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        for name, value, known in (
            ("fill_mode", fill_mode, ("constant", "nearest", "wrap", "reflect")),
            ("interpolation", interpolation, ("nearest", "bilinear")),
        ):
            if value not in known:
                raise unknown(f"{name} of {label(self)}:", value, known)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _vary(self, x: Tensor) -> Tensor:
        rows, columns, _ = self._places(x)
        parts = self._transform(x, x.shape[rows], x.shape[columns])
        zero = ops.zeros((x.shape[0], 1), self.compute_dtype)
        parts = [zero + part for part in (*parts, 0.0, 0.0)]
        return image.affine_transform(
            x, ops.concatenate(parts, axis=1), self.interpolation, self.fill_mode, self.fill_value,
            self.data_format,
        )  # fmt: skip

    def _transform(self, x: Tensor, height: int, width: int) -> Sequence[Any]:
        """The first six numbers that `affine_transform` takes: each (N, 1) or one for all."""
        raise NotImplementedError

    def get_config(self) -> dict:
        names = ("fill_mode", "interpolation", "fill_value")
        return {**super().get_config(), **attributes(self, *names)}


class RandomRotation(_RandomPlaces):
    """In training images that are turned around their middle.

    Args:
        factor: the largest part of a full turn, either way; or the least and the largest. Positive
            ones turn to the left.
        fill_mode: what lies beyond the edges: ``"constant"``, ``"nearest"``, ``"wrap"`` or
            ``"reflect"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: an integer makes the angles repeatable.
        fill_value: for ``"constant"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Raises:
        ArgumentError: `factor` is out of range, or a choice is unknown.

    Shape:
        the input's.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = _bounds(self, "factor", factor)

    def _transform(self, x: Tensor, height: int, width: int) -> Sequence[Any]:
        low, high = (2 * math.pi * f for f in self.factor)
        angle = self._draw(x, low, high)
        cos, sin = ops.cos(angle), ops.sin(angle)
        right, bottom = width - 1.0, height - 1.0
        across = (right - (cos * right - sin * bottom)) / 2.0
        down = (bottom - (sin * right + cos * bottom)) / 2.0
        return cos, -sin, across, sin, cos, down

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


class RandomZoom(_RandomPlaces):
    """In training images that are shrunk or enlarged around their middle.

    Args:
        height_factor: the largest part, either way, by which the height is shown larger (negative:
            zoomed in) or smaller (positive); or the least and the largest.
        width_factor: the same for the width; the proportions stay if it is not given.
        fill_mode: what lies beyond the edges: ``"constant"``, ``"nearest"``, ``"wrap"`` or
            ``"reflect"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: an integer makes the zooms repeatable.
        fill_value: for ``"constant"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Raises:
        ArgumentError: a factor is out of range, or a choice is unknown.

    Shape:
        the input's.
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = _bounds(self, "height_factor", height_factor)
        if width_factor is not None:
            self._widths = _bounds(self, "width_factor", width_factor)

    def _transform(self, x: Tensor, height: int, width: int) -> Sequence[Any]:
        down = 1.0 + self._draw(x, *self._heights)
        across = down if self.width_factor is None else 1.0 + self._draw(x, *self._widths)
        left, top = (width - 1.0) / 2.0 * (1.0 - across), (height - 1.0) / 2.0 * (1.0 - down)
        return across, 0.0, left, 0.0, down, top

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "height_factor", "width_factor")}


class RandomTranslation(_RandomPlaces):
    """In training images that are moved.

    Args:
        height_factor: the largest part of the height, either way; or the least and the largest.
            Positive ones move down.
        width_factor: the same of the width. Positive ones move to the right.
        fill_mode: what lies beyond the edges: ``"constant"``, ``"nearest"``, ``"wrap"`` or
            ``"reflect"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: an integer makes the ways repeatable.
        fill_value: for ``"constant"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Raises:
        ArgumentError: a factor is out of range, or a choice is unknown.

    Shape:
        the input's.
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._heights = _bounds(self, "height_factor", height_factor)
        self._widths = _bounds(self, "width_factor", width_factor)

    def _transform(self, x: Tensor, height: int, width: int) -> Sequence[Any]:
        down = self._draw(x, *self._heights) * float(height)
        across = self._draw(x, *self._widths) * float(width)
        return 1.0, 0.0, -across, 0.0, 1.0, -down

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "height_factor", "width_factor")}


class RandomContrast(_RandomImage):
    """In training images whose colours are closer to their mean, or further from it.

    Args:
        factor: ``(a, b)`` for distances of ``1 - a`` to ``1 + b`` times what they were, both from 0
            to 1; a number ``b`` stands for ``(0, b)``.
        value_range: the least and the largest value of a colour.
        seed: an integer makes the changes repeatable.

    Raises:
        ArgumentError: `factor` or `value_range` is out of range.

    Shape:
        the input's.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, **kwargs)
        self.factor = _bounds(self, "factor", factor, (0, 1))
        self.value_range = _value_range(self, value_range)

    def _vary(self, x: Tensor) -> Tensor:
        rows, columns, _ = self._places(x)
        low, high = self.factor
        much = ops.reshape(self._draw(x, 1.0 - low, 1.0 + high), (-1, 1, 1, 1))
        mean = ops.mean(x, axis=(rows, columns), keepdims=True)
        return ops.clip((x - mean) * much + mean, *self.value_range)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "factor", "value_range")}


class RandomBrightness(_RandomImage):
    """In training images that are darker or brighter.

    Args:
        factor: the largest change, either way, as a part of the range of values; or the least and
            the largest.
        value_range: the least and the largest value of a colour.
        seed: an integer makes the changes repeatable.

    Raises:
        ArgumentError: `factor` or `value_range` is out of range.

    Shape:
        the input's.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, **kwargs)
        self.factor = _bounds(self, "factor", factor)
        self.value_range = list(_value_range(self, value_range))

    def _vary(self, x: Tensor) -> Tensor:
        low, high = self.value_range
        change = ops.reshape(self._draw(x, *self.factor), (-1, 1, 1, 1))
        return ops.clip(x + change * float(high - low), low, high)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "factor", "value_range")}


def _bounds(
    layer: Any, name: str, value: Any, within: tuple[float, float] = (-1.0, 1.0)
) -> tuple[float, float]:
    """A factor as its two ends, the lesser first; a number means from its negative to itself, as
    far as that is `within`."""
    low, high = within
    if isinstance(value, (int, float)) and low <= value <= high:
        return max(-abs(value), low), abs(value)
    pair = value if isinstance(value, (tuple, list)) else ()
    if len(pair) != 2 or not all(isinstance(v, (int, float)) for v in pair):
        pair = (high + 1, low - 1)
    if pair[0] > high or pair[1] < low:
        raise ArgumentError(
            f"{label(layer)}: {name} must be a number from {low:g} to {high:g}, or two of them, "
            f"got {value!r}."
        )
    return tuple(sorted(pair))


def _value_range(layer: Any, value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not value[0] < value[1]:
        raise ArgumentError(
            f"{label(layer)}: value_range must be the least and the largest value, got {value!r}."
        )
    return tuple(value)
