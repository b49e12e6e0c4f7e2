"""Images: `keras.ops.image`, and the layers that prepare and vary them.

A layer that draws at random is examined where nothing is left to chance: with bounds that are
equal, so that every image is turned, moved or lit by the same amount.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case
from .draw import real, uniform, whole
from .layer_runner import layer
from .ops_rows import rows

__all__ = ["IMAGES"]

IMAGES: list[Case] = []


def _op(name: str, *given: list, **options: Any) -> None:
    rows(f"image.{name}", *given, table=IMAGES, **options)


X, ONE, BYTES = real(2, 5, 7, 3), real(6, 4, 2), whole(2, 6, 5, 3, high=256, dtype="uint8")
FIRST = {"data_format": "channels_first"}
COLORS = uniform(2, 3, 4, 3)

for _kind in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    _op(
        "resize",
        [X, (8, 3), {"interpolation": _kind}],
        [ONE, (3, 9), {"interpolation": _kind, "antialias": True}],
        [real(1, 3, 4, 6), (2, 5), {"interpolation": _kind, **FIRST}],
    )
_op(
    "resize",
    [X, (4, 4), {"crop_to_aspect_ratio": True}],
    [X, (4, 9), {"crop_to_aspect_ratio": True}],
    [X, (4, 4), {"pad_to_aspect_ratio": True, "fill_value": 0.5}],
    [X, (9, 3), {"pad_to_aspect_ratio": True}],
    [BYTES, (7, 3)],
    [BYTES, (4, 7), {"interpolation": "bicubic"}],
)
_op(
    "extract_patches",
    [X, 2],
    [X, (3, 2), {"strides": (1, 2)}],
    [X, 3, {"strides": 2, "padding": "same"}],
    [ONE, 2, {"strides": 1, "dilation_rate": 2}],
    [real(2, 3, 5, 6), (2, 3), dict(FIRST)],
)
_op(
    "crop_images",
    [X, 1, 2, {"target_height": 3, "target_width": 4}],
    [ONE, {"bottom_cropping": 2, "right_cropping": 1, "target_height": 2, "target_width": 3}],
    [X, 1, 1, 2, 3],
)
_op(
    "pad_images",
    [X, 1, 2, {"target_height": 9, "target_width": 10}],
    [ONE, {"bottom_padding": 2, "right_padding": 1, "target_height": 9, "target_width": 6}],
    [X, 1, 1, 2, 0],
)
# arrays, not drawings: Keras on jax has no gradients of its own for the last two numbers; and no
# place is halfway between two pixels, where rounding decides
TURN = np.array([0.8137, -0.6071, 1.3119, 0.5093, 0.9173, -0.7129, 0.0, 0.0], "float32")
TURNS = np.array(
    [
        [1.1093, 0.2179, -0.6137, -0.3071, 0.9119, 2.2193, 0, 0],
        [0.7159, 0.1087, 2.4171, 0.4129, 1.2113, -1.7191, 0, 0],
    ],
    "float32",
)
for _mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
    _op(
        "affine_transform",
        [ONE, TURN, {"fill_mode": _mode, "fill_value": 0.3}],
        [X, TURNS, {"fill_mode": _mode, "interpolation": "nearest"}],
    )
    _op(
        "map_coordinates",
        [real(4, 5), uniform(2, 6, low=-3, high=8), 1, {"fill_mode": _mode, "fill_value": 2.0}],
        [real(6), uniform(1, 3, 4, low=-4, high=9), 0, {"fill_mode": _mode}],
    )
_op("affine_transform", [X, TURNS], [real(2, 3, 4, 5), TURNS, dict(FIRST)])
_op("rgb_to_grayscale", [COLORS], [BYTES], [uniform(2, 3, 4, 5), dict(FIRST)])
_op("rgb_to_hsv", [COLORS], [uniform(3, 4, 3)], [uniform(2, 3, 4, 5), dict(FIRST)])
_op("hsv_to_rgb", [COLORS], [uniform(3, 4, 3)], [uniform(2, 3, 4, 5), dict(FIRST)])


def _layer(title: str, make: Any, *inputs: Any, **options: Any) -> None:
    IMAGES.append(layer(title, make, *inputs, **options))


PHOTO = uniform(2, 6, 5, 3, high=255.0)
for _title, _options in {
    "plain": {"scale": 1 / 255},
    "offset": {"scale": 2.0, "offset": -1.0},
    "channels": {"scale": [0.5, 2.0, 1.0], "offset": [1.0, 0.0, -1.0]},
}.items():
    _layer(f"Rescaling/{_title}", lambda k, o=_options: k.layers.Rescaling(**o), PHOTO)
for _title, _options in {
    "plain": {},
    "bicubic": {"interpolation": "bicubic", "antialias": True},
    "crop": {"crop_to_aspect_ratio": True},
    "pad": {"pad_to_aspect_ratio": True, "fill_value": 7.0},
}.items():
    _layer(f"Resizing/{_title}", lambda k, o=_options: k.layers.Resizing(4, 3, **o), PHOTO)
for _title, _size in {"part": (3, 2), "whole": (6, 5), "larger": (8, 4)}.items():
    _layer(f"CenterCrop/{_title}", lambda k, s=_size: k.layers.CenterCrop(*s), PHOTO)
# at inference Keras's gives other sizes than it says; and here the middle, as its text says
_layer("RandomCrop/whole", lambda k: k.layers.RandomCrop(6, 5, seed=3), PHOTO, training=False)
_layer("RandomCrop/trained", lambda k: k.layers.RandomCrop(6, 5, seed=3), PHOTO, training=True)
_layer(
    "RandomCrop/named",
    lambda k: k.layers.RandomCrop(6, 5, seed=5, data_format="channels_last", name="crop"),
    PHOTO,
    training=False,
)
for _kind in ("bilinear", "bicubic", "lanczos3"):
    _layer(
        f"UpSampling2D/{_kind}",
        lambda k, i=_kind: k.layers.UpSampling2D((2, 3), interpolation=i),
        real(2, 3, 4, 2),
    )

_SAME = {
    "RandomFlip": [{}, {"mode": "horizontal"}, {"mode": "vertical"}],
    "RandomRotation": [{"factor": 0.2}, {"factor": (0.1, 0.3), "fill_mode": "wrap"}],
    "RandomZoom": [{"height_factor": 0.2}, {"height_factor": 0.1, "width_factor": (0.0, 0.3)}],
    "RandomTranslation": [{"height_factor": 0.2, "width_factor": (-0.1, 0.3)}],
    "RandomContrast": [
        {"factor": 0.4},
        {"factor": (0.1, 0.7), "value_range": (0, 1)},
        {"factor": (0.3, 0.3)},
    ],
    "RandomBrightness": [{"factor": 0.4}, {"factor": (-0.1, 0.7), "value_range": (0, 1)}],
}
for _name, _rows in _SAME.items():
    for _number, _options in enumerate(_rows):
        _layer(
            f"{_name}/inference {_number}",
            lambda k, n=_name, o=_options: getattr(k.layers, n)(seed=3, **o),
            PHOTO,
            training=False,
        )

_SURE = {
    "RandomRotation": [
        {"factor": (0.1, 0.1)},
        {"factor": (-0.3, -0.3), "fill_mode": "constant", "fill_value": 9.0},
        {"factor": (0.213, 0.213), "fill_mode": "nearest", "interpolation": "nearest"},
    ],
    "RandomZoom": [
        {"height_factor": (0.3, 0.3)},
        {"height_factor": (-0.4, -0.4), "width_factor": (0.2, 0.2), "fill_mode": "wrap"},
        {"height_factor": (0.5, 0.5), "fill_mode": "constant"},
    ],
    "RandomTranslation": [
        {"height_factor": (0.2, 0.2), "width_factor": (-0.3, -0.3)},
        {"height_factor": (0.0, 0.0), "width_factor": (0.4, 0.4), "fill_mode": "constant"},
    ],
    "RandomBrightness": [{"factor": (0.3, 0.3)}, {"factor": (-0.6, -0.6)}],
}
for _name, _rows in _SURE.items():
    for _number, _options in enumerate(_rows):
        _layer(
            f"{_name}/training {_number}",
            lambda k, n=_name, o=_options: getattr(k.layers, n)(seed=3, **o),
            PHOTO,
            training=True,
            symbolic=False,
        )
