"""Pictures in files and arrays. Imports config and errors; Pillow when a picture is used."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, LoadError, MissingDependency, ShapeError, unknown

__all__ = [
    "INTERPOLATIONS",
    "MODES",
    "array_to_img",
    "check_data_format",
    "img_to_array",
    "load_img",
    "resize",
    "save_img",
]

MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GRAY = ("L", "I;16", "I")  # what counts as gray as it is
RESAMPLING = ("bicubic", "bilinear", "box", "hamming", "lanczos", "nearest")
FORMATS = ("channels_first", "channels_last")


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A picture from a file, as Pillow's object.

    Args:
        path: of the file, or an open ``io.BytesIO``.
        color_mode: ``"rgb"``, ``"rgba"`` or ``"grayscale"``.
        target_size: height and width to make it; as it is if not given.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"hamming"``, ``"box"`` or
            ``"lanczos"``, by which Pillow makes it larger or smaller.
        keep_aspect_ratio: cut off at the sides what does not fit, instead of distorting it.

    Raises:
        ArgumentError: an unknown word.
        LoadError: there is no such file, or no picture in it.
        MissingDependency: Pillow is not installed.
    """
    if color_mode not in MODES:
        raise unknown("color_mode", color_mode, MODES)
    if interpolation not in RESAMPLING:
        raise unknown("interpolation", interpolation, RESAMPLING)
    image = _read(path, color_mode)
    if target_size is None:
        return image
    height, width = target_size
    if image.size == (width, height):
        return image
    how = getattr(_pillow().Resampling, interpolation.upper())
    box = _middle(*image.size, width, height) if keep_aspect_ratio else None
    return image.resize((width, height), how, box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A picture of Pillow's as an array.

    Args:
        img: the picture, or an array of its pixels.
        data_format: ``"channels_last"`` or ``"channels_first"``; the setting if not given.
        dtype: of the array; `floatx` if not given.

    Shape:
        ``(H, W)`` or ``(H, W, C)`` -> ``(H, W, C)``, or ``(C, H, W)`` with the channels first.

    Raises:
        ShapeError: it has other dimensions.
    """
    data_format = check_data_format(data_format)
    array = np.asarray(img, dtype or config.floatx())
    if array.ndim == 2:
        array = array[..., np.newaxis]  # (H, W) -> (H, W, 1)
    if array.ndim != 3:
        raise ShapeError(f"img_to_array: expected (H, W) or (H, W, C), got {array.shape}.")
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """An array as Pillow's picture.

    Args:
        x: the pixels of one picture, with 1, 3 or 4 channels.
        data_format: ``"channels_last"`` or ``"channels_first"``; the setting if not given.
        scale: stretch the numbers to 0 to 255; else they are taken as they are.
        dtype: with which this is reckoned; `floatx` if not given.

    Shape:
        ``(H, W, C)``, or ``(C, H, W)`` with the channels first.

    Raises:
        ShapeError: it has other dimensions or channels.
        MissingDependency: Pillow is not installed.
    """
    data_format = check_data_format(data_format)
    image = _pillow()
    array = np.asarray(x, dtype or config.floatx())
    if array.ndim == 3 and data_format == "channels_first":
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ShapeError(
            f"array_to_img: expected one picture of 1, 3 or 4 channels, {data_format}, got "
            f"{np.shape(x)}."
        )
    if scale:
        array = array - array.min()
        largest = array.max()
        array = array * (255 / largest if largest else 1)
    if array.shape[2] > 1:
        return image.fromarray(array.astype("uint8"))
    array = array[..., 0]
    return image.fromarray(array.astype("int32" if array.max() > 255 else "uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as a picture to a file.

    Args:
        path: of the file, or an open file to write to.
        x: the pixels of one picture, with 1, 3 or 4 channels.
        data_format: ``"channels_last"`` or ``"channels_first"``; the setting if not given.
        file_format: for example ``"png"``; what the name ends in if not given.
        scale: stretch the numbers to 0 to 255; else they are taken as they are.
        kwargs: passed to Pillow's ``Image.save``.

    Raises:
        ShapeError: it has other dimensions or channels.
        MissingDependency: Pillow is not installed.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix[1:]
    file_format = (file_format or "").lower().replace("jpg", "jpeg")
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG has no transparency: save_img leaves it out.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format or None, **kwargs)


def check_data_format(value: str | None) -> str:
    """`value`, or the setting if it is None.

    Raises:
        ArgumentError: it is neither of the two.
    """
    if value is None:
        return config.image_data_format()
    if value not in FORMATS:
        raise unknown("data_format", value, FORMATS)
    return value


def _read(path: Any, color_mode: str) -> Any:
    """The picture in a file, in the colours that are wanted."""
    image = _pillow()
    if isinstance(path, (str, bytes, os.PathLike)):
        name = os.fsdecode(path)
        try:
            data = Path(name).read_bytes()
        except OSError as error:
            raise LoadError(f"{name}: cannot be read: {error.strerror}.") from None
    elif isinstance(path, io.BytesIO):
        name, data = "the open file", path.getvalue()
    else:
        raise ArgumentError(f"load_img: expected a path or io.BytesIO, got {type(path).__name__}.")
    try:
        found = image.open(io.BytesIO(data))
        found.load()
    except (OSError, SyntaxError, ValueError, image.DecompressionBombError) as error:
        raise LoadError(f"{name}: it is no picture that Pillow can read: {error}.") from None
    keep = found.mode in _GRAY if color_mode == "grayscale" else found.mode == MODES[color_mode]
    return found if keep else found.convert(MODES[color_mode])


def _middle(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int, int, int]:
    """The largest part in the middle that has the proportions of the target."""
    part_height = min(height, width * to_height // to_width)
    part_width = min(width, height * to_width // to_height)
    left, top = (width - part_width) // 2, (height - part_height) // 2
    return left, top, left + part_width, top + part_height


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingDependency('Pictures need Pillow: pip install "kerasnb[image]"') from None
    return Image


# Sizes


def resize(image: np.ndarray, size: tuple[int, int], interpolation: str = "bilinear") -> np.ndarray:
    """An array of pixels in another size, as TensorFlow's ``image.resize`` makes it.

    A pixel's colour is at its middle. When a picture gets smaller, only the pixels nearest to each
    new one count, except with ``"area"``, which takes the mean of all that it covers.

    Args:
        image: the pixels.
        size: height and width to make it.
        interpolation: one of `INTERPOLATIONS`.

    Shape:
        ``(H, W, C)`` -> ``(*size, C)``, float32; of the same dtype with ``"nearest"``.
    """
    if interpolation == "nearest":
        rows, columns = (_taps(image.shape[i], size[i], "nearest")[0][:, 0] for i in (0, 1))
        return image[rows][:, columns]
    # a tap at a time: 4 ms for 375 x 500 pixels made 180 x 180, where one einsum took 12
    image = image.astype("float32")
    for axis, form in ((0, (-1, 1, 1)), (1, (1, -1, 1))):
        places, weights = _taps(image.shape[axis], size[axis], interpolation)
        parts = (
            image.take(place, axis) * weight.reshape(form)
            for place, weight in zip(places.T, weights.T, strict=True)
        )
        image = sum(parts)
    return image


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.sinc(x) * np.sinc(x / radius) * (np.abs(x) < radius)


def _cubic(b: float, c: float) -> Callable[[np.ndarray], np.ndarray]:
    """Mitchell and Netravali 1988, doi:10.1145/378456.378514, equation 8."""

    def weight(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (12 * b + 6 * c - 18) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6

    return weight


# how far a pixel reaches, and how much it counts at a distance
_KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    "bicubic": (2, _cubic(0, 0.5)),
    "mitchellcubic": (2, _cubic(1 / 3, 1 / 3)),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
    "gaussian": (1.5, lambda x: np.exp(-(x**2) / 0.5) * (np.abs(x) < 1.5)),
}
INTERPOLATIONS = ("nearest", "area", *_KERNELS)


@lru_cache(maxsize=256)
def _taps(old: int, new: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """For each new place along an axis, the old ones that count and their weights; (new, taps)."""
    scale = old / new
    middles = (np.arange(new) + 0.5) * scale
    if interpolation == "nearest":
        places = np.minimum(middles.astype(int), old - 1)
        return places[:, None], np.ones((new, 1), "float32")
    if interpolation == "area":
        starts = np.arange(new) * scale
        places = np.floor(starts).astype(int)[:, None] + np.arange(int(np.ceil(scale)) + 1)
        ends = (np.arange(new) + 1)[:, None] * scale
        covered = np.minimum(places + 1, ends) - np.maximum(places, starts[:, None])
        weights = np.maximum(covered, 0)
    else:
        reach, weigh = _KERNELS[interpolation]
        first = np.ceil(middles - reach - 0.5).astype(int)
        places = first[:, None] + np.arange(int(2 * reach) + 1)
        weights = weigh(places + 0.5 - middles[:, None])
    weights = np.where((places < 0) | (places >= old), 0, weights)
    weights = weights / weights.sum(axis=1, keepdims=True)
    used = weights.any(axis=0)
    return np.clip(places, 0, old - 1)[:, used], weights[:, used].astype("float32")
