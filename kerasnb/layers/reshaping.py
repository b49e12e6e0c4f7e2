"""Layers that arrange elements anew without computing on them. Imports base, common and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, channels_last, check_rank, check_whole, label
from kerasnb.ops import image
from kerasnb.ops.image_sizes import INTERPOLATIONS
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor

__all__ = [
    "Cropping1D", "Cropping2D", "Flatten", "Permute", "RepeatVector", "Reshape", "UpSampling1D",
    "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
]  # fmt: skip


class Flatten(Layer):
    """All features of a sample in one axis.

    Args:
        data_format: ``"channels_first"`` moves the channels to the end before, so that the order of
            features does not depend on the format; as configured if not given.

    Raises:
        ShapeError: the input has no batch axis.

    Shape:
        ``(N, a, b, ...) -> (N, a * b * ...)``; ``(N,) -> (N, 1)``
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 1, "(batch, ...)", more=True)
        x = inputs if self._last or inputs.ndim < 3 else ops.moveaxis(inputs, 1, -1)
        return ops.reshape(x, (x.shape[0], _known_size(self, x.shape[1:])))

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "data_format")}


class Reshape(Layer):
    """The features of each sample, in order, in another shape.

    Args:
        target_shape: of one sample, without the batch; one dimension may be -1: the rest.

    Raises:
        ArgumentError: `target_shape` is no shape.
        ShapeError: a sample has another number of features.

    Shape:
        ``(N, ...) -> (N, *target_shape)``
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        target = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        dims = [check_whole(self, "each dimension of target_shape", d, least=-1) for d in target]
        if dims.count(-1) > 1:
            raise ArgumentError(
                f"{label(self)}: only one dimension of target_shape may be -1, got {target}."
            )
        self.target_shape = tuple(dims)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 1, "(batch, ...)", more=True)
        features = _known_size(self, inputs.shape[1:])
        known = size_of(tuple(d for d in self.target_shape if d != -1))
        fits = known == features
        if -1 in self.target_shape:
            fits = known > 0 and features % known == 0
        if not fits:
            raise ShapeError(
                f"{label(self)}: a sample of shape {inputs.shape[1:]} has {features} features, "
                f"which do not fit into target_shape={self.target_shape}."
            )
        target = tuple(features // known if d == -1 else d for d in self.target_shape)
        return ops.reshape(inputs, (inputs.shape[0], *target))

    def get_config(self) -> dict:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """The axes of each sample in another order.

    Args:
        dims: for each axis of the output which axis of the input it is, counted from 1: the batch,
            axis 0, stays.

    Raises:
        ArgumentError: `dims` does not name each axis once.

    Shape:
        ``(N, a, b) -> (N, b, a)`` for ``dims=(2, 1)``
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                f"{label(self)}: dims must hold each of 1 to {len(self.dims)} once, got "
                f"{self.dims}."
            )

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, len(self.dims) + 1, f"for dims={self.dims}")
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Each vector repeated to a sequence of `n` equal steps.

    Args:
        n: the number of steps, at least 1.

    Shape:
        ``(N, C) -> (N, n, C)``
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = check_whole(self, "n", n)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 2, "(batch, features)")
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "n")}


class ZeroPadding1D(Layer):
    """A sequence with zeros added before and after it.

    Args:
        padding: how many steps on each side, or ``(before, after)``.
        data_format: where the channels are; as configured if not given.

    Shape:
        ``(N, T, C) -> (N, before + T + after, C)``
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = _pair(self, "padding", padding)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 3, "(batch, steps, channels)")
        return ops.pad(inputs, _around_space([self.padding], self._last))

    def get_config(self) -> dict:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding2D(Layer):
    """Images with zeros added around them.

    Args:
        padding: how many pixels on every side, ``(vertical, horizontal)``, or
            ``((top, bottom), (left, right))``.
        data_format: where the channels are; as configured if not given.

    Shape:
        ``(N, H, W, C) -> (N, top + H + bottom, left + W + right, C)``
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = _two_pairs(self, "padding", padding)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 4, "(batch, height, width, channels)")
        return ops.pad(inputs, _around_space(self.padding, self._last))

    def get_config(self) -> dict:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class Cropping1D(Layer):
    """A sequence without its first and last steps.

    Args:
        cropping: how many steps to cut on each side, or ``(before, after)``.

    Raises:
        ShapeError: nothing would be left.

    Shape:
        ``(N, T, C) -> (N, T - before - after, C)``
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(**kwargs)
        self.cropping = _pair(self, "cropping", cropping)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 3, "(batch, steps, channels)")
        return inputs[:, _inside(self, inputs.shape, 1, self.cropping)]

    def get_config(self) -> dict:
        return {**super().get_config(), "cropping": self.cropping}


class Cropping2D(Layer):
    """Images without their borders.

    Args:
        cropping: how many pixels to cut on every side, ``(vertical, horizontal)``, or
            ``((top, bottom), (left, right))``.
        data_format: where the channels are; as configured if not given.

    Raises:
        ShapeError: nothing would be left.

    Shape:
        ``(N, H, W, C) -> (N, H - top - bottom, W - left - right, C)``
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.cropping = _two_pairs(self, "cropping", cropping)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 4, "(batch, height, width, channels)")
        first = 1 if self._last else 2
        rows = _inside(self, inputs.shape, first, self.cropping[0])
        columns = _inside(self, inputs.shape, first + 1, self.cropping[1])
        return inputs[:, rows, columns] if self._last else inputs[:, :, rows, columns]

    def get_config(self) -> dict:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


class UpSampling1D(Layer):
    """A sequence with each step repeated.

    Args:
        size: how many times, at least 1.

    Shape:
        ``(N, T, C) -> (N, T * size, C)``
    """

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = check_whole(self, "size", size)

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 3, "(batch, steps, channels)")
        return ops.repeat(inputs, self.size, axis=1)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "size")}


class UpSampling2D(Layer):
    """Images enlarged a whole number of times, by repeating pixels or by means of neighbours.

    Args:
        size: by how much, one number or ``(vertical, horizontal)``, at least 1.
        data_format: where the channels are; as configured if not given.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or
            ``"lanczos5"``.

    Raises:
        ArgumentError: the interpolation is unknown.

    Shape:
        ``(N, H, W, C) -> (N, H * size[0], W * size[1], C)``
    """

    interpolations = INTERPOLATIONS

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.size = _pair(self, "size", size, least=1)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)
        if interpolation not in self.interpolations:
            raise unknown(f"interpolation of {label(self)}:", interpolation, self.interpolations)
        self.interpolation = interpolation

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, 4, "(batch, height, width, channels)")
        first = 1 if self._last else 2
        if self.interpolation != "nearest":
            old = inputs.shape[first : first + 2]
            if None in old:
                raise UnknownDimension(
                    f"{label(self)}: the size of {inputs.spec} is not known yet."
                )
            new = [n * k for n, k in zip(old, self.size, strict=True)]
            return image.resize(inputs, new, self.interpolation, data_format=self.data_format)
        return ops.repeat(ops.repeat(inputs, self.size[0], first), self.size[1], first + 1)

    def get_config(self) -> dict:
        own = attributes(self, "data_format", "interpolation")
        return {**super().get_config(), "size": self.size, **own}


def _known_size(layer: Layer, shape: Sequence[int | None]) -> int:
    size = size_of(tuple(shape))
    if size is None:
        raise UnknownDimension(
            f"{label(layer)}: the number of features in {tuple(shape)} is not known yet."
        )
    return size


def _pair(layer: Layer, argument: str, value: Any, least: int = 0) -> tuple[int, int]:
    """One number for both, or two numbers."""
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(numbers) != 2:
        raise ArgumentError(f"{label(layer)}: {argument} must be one number or two, got {value!r}.")
    first, second = (check_whole(layer, argument, n, least) for n in numbers)
    return first, second


def _two_pairs(layer: Layer, argument: str, value: Any) -> tuple:
    """One number for all four sides, two for the directions, or two pairs."""
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2:
        raise ArgumentError(
            f"{label(layer)}: {argument} must be one number, two, or two pairs, got {value!r}."
        )
    return tuple(_pair(layer, argument, p) for p in pair)


def _around_space(pairs: Sequence[tuple[int, int]], last: bool) -> list[tuple[int, int]]:
    """`pairs` for the axes of space, nothing for batch and channels."""
    none = (0, 0)
    return [none, *pairs, none] if last else [none, none, *pairs]


def _inside(layer: Layer, shape: tuple, axis: int, cropping: tuple[int, int]) -> slice:
    low, high = cropping
    length = shape[axis]
    if low == high == 0:
        return slice(None)
    if length is None:
        raise UnknownDimension(f"{label(layer)}: axis {axis} of {shape} is not known yet.")
    if low + high >= length:
        raise ShapeError(
            f"{label(layer)}: cropping={cropping} leaves nothing of axis {axis} of an input of "
            f"shape {shape}."
        )
    return slice(low, length - high)
