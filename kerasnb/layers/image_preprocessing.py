"""Layers that bring images into one form: scale, size, part. Imports base, common and ops.image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops, random
from kerasnb.errors import ShapeError, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_whole, label
from kerasnb.ops import image
from kerasnb.ops.image_sizes import INTERPOLATIONS
from kerasnb.tensor import Tensor

__all__ = ["CenterCrop", "ImageLayer", "RandomCrop", "Rescaling", "Resizing"]


class Rescaling(Layer):
    """The input times a factor, plus an offset: ``Rescaling(1 / 255)`` brings bytes to 0 to 1.

    Args:
        scale: the factor, or one for each channel.
        offset: what is added then, or one number for each channel.

    Shape:
        the input's.

    Example:
        >>> import kerasnb
        >>> float(kerasnb.layers.Rescaling(2.0, offset=-1.0)([0.75])[0])
        0.5
    """

    supports_masking = True

    def __init__(
        self,
        scale: float | Sequence[float],
        offset: float | Sequence[float] = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        scale, offset = (
            ops.convert_to_tensor(value, self.compute_dtype) for value in (self.scale, self.offset)
        )
        return x * scale + offset

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "scale", "offset")}


class ImageLayer(Layer):
    """Base of the layers that take images: where their height, width and channels are.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        known = ("channels_last", "channels_first")
        self.data_format = config.image_data_format() if data_format is None else data_format
        if self.data_format not in known:
            raise unknown(f"data_format of {label(self)}:", data_format, known)

    def _places(self, x: Tensor) -> tuple[int, int, int]:
        """The axes of the height, the width and the channels.

        Raises:
            ShapeError: `x` is no image and no batch of images.
        """
        if x.ndim not in (3, 4):
            raise ShapeError(
                f"{label(self)}: expected images (H, W, C) or (N, H, W, C), got {x.spec}."
            )
        first = x.ndim - 3
        if self.data_format == "channels_first":
            return first + 1, first + 2, first
        return first, first + 1, first + 2

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}


class Resizing(ImageLayer):
    """Images in another size.

    Args:
        height: the new one.
        width: the new one.
        interpolation: how new pixels are made of old ones: ``"nearest"``, ``"bilinear"``,
            ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``.
        crop_to_aspect_ratio: cut off what does not fit the new proportions, in equal parts.
        pad_to_aspect_ratio: add `fill_value` where images do not fit the new proportions.
        fill_mode: must be ``"constant"``.
        fill_value: what is added.
        antialias: when images get smaller, take the mean over all that a new pixel covers.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Shape:
        ``(N, H, W, C) -> (N, height, width, C)``
    """

    interpolations = INTERPOLATIONS

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        self.height, self.width = (
            check_whole(self, name, v) for name, v in (("height", height), ("width", width))
        )
        if interpolation not in INTERPOLATIONS:
            raise unknown(f"interpolation of {label(self)}:", interpolation, INTERPOLATIONS)
        self.interpolation, self.antialias = interpolation, antialias
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def call(self, inputs: Tensor) -> Tensor:
        self._places(inputs)
        return image.resize(
            ops.cast(inputs, self.compute_dtype), (self.height, self.width), self.interpolation,
            self.antialias, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode,
            self.fill_value, self.data_format,
        )  # fmt: skip

    def get_config(self) -> dict:
        names = ("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
        more = ("fill_mode", "fill_value", "antialias")
        return {**super().get_config(), **attributes(self, *names, *more)}


class CenterCrop(ImageLayer):
    """The middle of images; smaller images are made larger first.

    Args:
        height: of the part.
        width: of the part.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Shape:
        ``(N, H, W, C) -> (N, height, width, C)``
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.height, self.width = (
            check_whole(self, name, v) for name, v in (("height", height), ("width", width))
        )

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        rows, columns, _ = self._places(x)
        down, across = x.shape[rows] - self.height, x.shape[columns] - self.width
        if down < 0 or across < 0:
            return self._fitted(x)
        return self._part(x, down // 2, across // 2)

    def _fitted(self, x: Tensor) -> Tensor:
        return image.resize(
            x, (self.height, self.width), crop_to_aspect_ratio=True, data_format=self.data_format
        )

    def _part(self, x: Tensor, top: Any, left: Any) -> Tensor:
        """The part that begins at a row and a column, which may be tensors."""
        rows, columns, _ = self._places(x)
        x = ops.take(x, ops.arange(self.height) + top, rows)
        return ops.take(x, ops.arange(self.width) + left, columns)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "height", "width")}


class RandomCrop(CenterCrop):
    """In training a part of images at a random place, the same for a whole batch; else the middle.

    Smaller images are made larger first; else images are made smaller before their middle is taken.

    Args:
        height: of the part.
        width: of the part.
        seed: an integer makes the places repeatable.
        data_format: ``"channels_last"`` or ``"channels_first"``; `config.image_data_format()` if
            not given.

    Shape:
        ``(N, H, W, C) -> (N, height, width, C)``
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, data_format, name=name, **kwargs)
        self.seed = random.default_seed() if seed is None else seed
        self.seed_generator = random.SeedGenerator(self.seed)

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        rows, columns, _ = self._places(x)
        down, across = x.shape[rows] - self.height, x.shape[columns] - self.width
        if not training or down < 0 or across < 0:
            return self._fitted(x)
        top, left = (
            random.randint((), 0, room + 1, seed=self.seed_generator) for room in (down, across)
        )
        return self._part(x, top, left)

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}
