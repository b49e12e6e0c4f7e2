"""`draw_pad`: paper in a notebook to draw a digit on, and what a model thinks it is.

Imports outcome, pictures and widgets. The page makes the drawing as small as the model's input;
here it gets the data's values and shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import traitlets

from kerasnb import activations
from kerasnb.errors import ArgumentError, KerasnbError, ShapeError
from kerasnb.notebook.insight.checks import (
    class_names_for,
    input_shape_of,
    require_built,
    shown_names,
    spread,
    to_arrays,
)
from kerasnb.notebook.insight.outcome import binary_loss, chances, last_activation, predict
from kerasnb.notebook.widgets import Widget, script, style

__all__ = ["DrawPad", "Ink", "draw_pad", "square_side"]

LEAST, MOST = 4, 64  # pixels along a side
# How much of a picture digits take up, and the radius of their strokes, as parts of its side.
# MNIST: 20 of 28 pixels, and strokes 2.75 pixels thick; scikit-learn's: 8 of 8, 1.75 thick.
LARGE, SMALL = (20 / 28, 1.375 / 28), (1.0, 0.875 / 8)
BARS = 12  # classes that are listed in order; of more, the likeliest


class Ink(NamedTuple):
    """How drawings become inputs.

    Attributes:
        paper: the value where nothing is drawn.
        ink: the value of full ink.
    """

    paper: float
    ink: float


def draw_pad(
    model: Any,
    x: Any = None,
    class_names: Any = None,
    scale: float | None = None,
    inverted: bool | None = None,
    centre: bool = True,
) -> DrawPad:
    """Paper to draw on with mouse, finger or keys; what the model makes of it appears beside.

    For a picture that you have, the same is seen in ``activations(model, picture)``.

    Args:
        model: a built classifier of square pictures: ``(28, 28)``, ``(28, 28, 1)``, ``(8, 8)``,
            ``(64,)``, ``(784,)`` and the like, of one or three channels.
        x: some of the data, to find out `scale` and `inverted`.
        class_names: a text for each class.
        scale: the highest value of a pixel: 1, 16 or 255. If not given, that of `x`, else 1.
        inverted: whether ink is dark, that is low. If not given, as in `x`, else False.
        centre: whether drawings are scaled and moved to the middle as those of MNIST were; the
            reader can change it.

    Returns:
        A widget. Its `image` is the newest drawing as the model got it, and `probability` what the
        model said.

    Raises:
        ShapeError: the model's input is no square picture.
        ArgumentError: the model is no classifier, or an argument does not fit.
        GraphError: the model is not built.
    """
    require_built(model, "draw_pad")
    shape = input_shape_of(model, "draw_pad")
    if x is not None:
        x, _ = to_arrays(x, None, "draw_pad")
        shape = x.shape[1:] if shape is None or None in shape else shape
    if shape is None:
        raise ArgumentError(
            f"draw_pad: model {model.name!r} does not tell its input's shape. Pass some data as x."
        )
    side = square_side(shape)
    if side is None:
        raise ShapeError(
            f"draw_pad: expected a model of square pictures, {LEAST} to {MOST} pixels wide, of one "
            f"or three channels, but model {model.name!r} takes {tuple(shape)}."
        )
    return DrawPad(model, tuple(shape), side, _ink(x, scale, inverted), bool(centre), class_names)


def square_side(shape: tuple) -> int | None:
    """The side of square pictures of this shape, with or without channels, or in one row; None if
    they are none, or too large or small to draw."""
    if len(shape) == 3:
        shape = shape[:2] if shape[2] in (1, 3) else shape[1:] if shape[0] in (1, 3) else ()
    if len(shape) == 1 and shape[0] is not None:
        side = math.isqrt(shape[0])
        shape = (side, side) if side * side == shape[0] else ()
    fits = len(shape) == 2 and shape[0] == shape[1] and shape[0] is not None
    return shape[0] if fits and LEAST <= shape[0] <= MOST else None


def _ink(x: Any, scale: Any, inverted: Any) -> Ink:
    """The values of paper and ink, from the arguments or from data."""
    number = isinstance(scale, (int, float)) and not isinstance(scale, bool)
    if scale is not None and not (number and 0 < scale < math.inf):
        raise ArgumentError(f"draw_pad: scale must be a number above 0, got {scale!r}.")
    low, high = 0.0, 1.0 if scale is None else float(scale)
    if x is not None:
        sample = x[spread(len(x), 500)].astype("float64")
        sample = sample[np.isfinite(sample)]
        if scale is None and sample.size and sample.max() > sample.min():
            low, high = float(sample.min()), float(sample.max())
        if inverted is None and sample.size:  # most of a picture is paper
            inverted = bool(np.median(sample) > (sample.min() + sample.max()) / 2)
    return Ink(high, low) if inverted else Ink(low, high)


class DrawPad(Widget):
    """The widget that `draw_pad` gives.

    Attributes:
        image: the newest drawing in the shape of one example; None before the first.
        probability: what the model gave each class for it; None before the first.
    """

    _esm = script("pad.js")
    _css = style("pad.css")
    settings = traitlets.Dict().tag(sync=True)

    def __init__(
        self, model: Any, shape: tuple, side: int, ink: Ink, centre: bool, class_names: Any
    ):
        self._model, self._shape, self._side, self._ink = model, shape, side, ink
        self.image: np.ndarray | None = None
        self.probability: np.ndarray | None = None
        outputs = predict(model, np.zeros((1, *shape), "float32"), "draw_pad")
        classes = _classes(model, outputs)
        self._names = shown_names(class_names_for(class_names, classes, "draw_pad"), 40)
        fill, pen = LARGE if side >= 16 else SMALL
        super().__init__(settings={"side": side, "fill": fill, "pen": pen, "centre": centre})

    def __repr__(self) -> str:
        # also what a reader without a kernel sees of it
        name = shown_names([self._model.name], 40)[0]
        return f"Paper to draw on for {name!r}. It needs a kernel: run this cell."

    @property
    def operations(self) -> dict[str, Callable[[dict], bool]]:
        """What the page may ask for: a prediction for as many pixels as the model takes."""
        return {"draw": self._is_drawing}

    def _is_drawing(self, message: dict) -> bool:
        pixels = message.get("pixels")
        return (
            isinstance(pixels, list)
            and len(pixels) == self._side**2
            and all(type(p) in (int, float) and 0 <= p <= 1 for p in pixels)
        )

    def handle(self, message: dict) -> None:
        """Let the model look at a drawing, and send what it says."""
        image = self._example(np.array(message["pixels"], "float32"))
        try:
            outputs = predict(self._model, image[None], "draw_pad")
            chance = chances(self._model, outputs)[0]
        except KerasnbError as error:
            self.send({"op": "problem", "id": message.get("id"), "text": str(error)})
            return
        self.image, self.probability = image, chance
        chance = np.nan_to_num(chance)
        shown = range(len(chance))
        if len(chance) > BARS:
            shown = np.argsort(-chance, kind="stable")[:BARS].tolist()
        bars = [[self._names[i], round(float(chance[i]), 4)] for i in shown]
        self.send({"op": "prediction", "id": message.get("id"), "bars": bars})

    def _example(self, pixels: np.ndarray) -> np.ndarray:
        """Ink from 0 to 1 as one example: the data's values in the model's shape."""
        values = self._ink.paper + pixels * (self._ink.ink - self._ink.paper)
        picture = values.reshape(self._side, self._side)  # (side * side,) -> (side, side)
        if len(self._shape) == 3 and self._shape[2] in (1, 3):
            return np.repeat(picture[..., None], self._shape[2], axis=2)
        if len(self._shape) == 3:  # channels first
            return np.repeat(picture[None], self._shape[0], axis=0)
        return picture.reshape(self._shape)


def _classes(model: Any, outputs: np.ndarray) -> int:
    """The number of classes among which the model chooses.

    Raises:
        ArgumentError: it predicts a number.
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return outputs.shape[1]
    if last_activation(model) is activations.sigmoid or binary_loss(model):
        return 2
    raise ArgumentError(
        f"draw_pad: model {model.name!r} predicts a number. Drawings need a classifier, with one "
        "output for each class."
    )
