"""What each layer makes of one example. Imports probe and pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError
from kerasnb.notebook.figures import COLORS, new_figure
from kerasnb.notebook.insight.checks import (
    class_names_for,
    input_shape_of,
    require_built,
    require_one_example,
    select_layers,
    shorten,
)
from kerasnb.notebook.insight.pictures import PLAIN, mosaic, pictures_of
from kerasnb.notebook.insight.probe import Value, layer_values
from kerasnb.tensor import as_tensor

__all__ = ["activations"]

ROWS = 16
BARS = 48  # a vector up to here is drawn as bars, above as a strip


def activations(model: Any, x: Any, layer: Any = None, class_names: Any = None) -> Any:
    """A figure of what each layer gives for one example: feature maps, or the units of a vector.

    Args:
        model: a built model with one input.
        x: one example, ``x[0]`` or ``x[:1]``.
        layer: a layer, its name or place, to see its output alone and in full.
        class_names: a text for each class of the output.

    Returns:
        A ``matplotlib.figure.Figure`` with one row a layer, up to 16.

    Shape:
        x ``(...)`` or ``(1, ...)``.

    Raises:
        GraphError: the model is not built.
        ShapeError: `x` is not one example.
        ArgumentError: there is no such layer, or names do not fit the output.
    """
    require_built(model, "activations")
    chosen = {id(each) for _, each in select_layers(model, layer, "activations")}
    batch = require_one_example(x, input_shape_of(model, "activations"), "activations")
    values = layer_values(model, batch)
    last = values[-1].output if values else None
    if class_names is not None and last is not None:
        class_names = class_names_for(class_names, max(last.shape[-1], 2), "activations")
    shown = [v for v in values if id(v.layer) in chosen]
    if not shown:
        raise ArgumentError(
            f"activations: layer {layer!r:.80} of model {model.name!r} is not called for this "
            "example."
        )
    if layer is None:  # what goes in comes first
        shown = _without_repeats([Value("input", None, as_tensor(batch)), *shown])
        return _draw(shown, values[-1], class_names, 16)
    return _draw(shown, values[-1], class_names, 8)


def _without_repeats(values: list[Value]) -> list[Value]:
    """Without the layers that pass on what they get (dropout, and copies in another shape)."""
    kept: list[Value] = []
    for value in values:
        same = kept and np.array_equal(
            value.output.numpy().ravel(), kept[-1].output.numpy().ravel(), equal_nan=True
        )
        if not same:
            kept.append(value)
    return kept


def _draw(values: list[Value], last: Value, class_names: Any, columns: int) -> Any:
    """One row a layer; feature maps `columns` abreast: 16 of each, or 64 of a layer alone."""
    shown = values if len(values) <= ROWS else [*values[: ROWS - 1], values[-1]]
    most = 16 if columns == 16 else 64
    arrays = _channels_last(shown)
    heights = [
        _height(array, most, columns) if value.layer is not None else 1.7
        for value, array in zip(shown, arrays, strict=True)
    ]
    figure = new_figure(9, sum(heights) + 0.3)
    grid = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, value, array in zip(grid, shown, arrays, strict=True):
        axes.spines[:].set_visible(False)
        pictures = None if value.layer is not None else pictures_of(value.output.numpy())
        if pictures is not None:
            axes.imshow(pictures.take([0])[0], cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[], anchor="W")
        else:
            cut = array[..., :most] if array.ndim == 3 else array
            _draw_one(figure, axes, cut, columns, class_names if value is last else None)
        axes.set_title(_describe(value, array, most), fontsize=9.5, loc="left", **PLAIN)
    if len(shown) < len(values):
        figure.supxlabel(
            f"{len(values) - len(shown)} more layers are not shown; pass layer= for one of them.",
            fontsize=8,
        )
    return figure


def _channels_last(values: list[Value]) -> list[np.ndarray]:
    """What each gives for the one example, as float64, with the axis of feature maps at the end.

    A layer that does not tell where they are has them where the layers around it do.
    """
    formats = [getattr(value.layer, "data_format", None) for value in values]
    known = next(filter(None, formats), None)
    arrays = []
    for value, told in zip(values, formats, strict=True):
        known = told or known
        array = value.output.numpy()[0].astype("float64")
        first = known == "channels_first" and array.ndim > 1
        arrays.append(np.moveaxis(array, 0, -1) if first else array)
    return arrays


def _describe(value: Value, array: np.ndarray, most: int) -> str:
    kind = f" ({type(value.layer).__name__})" if value.layer is not None else ""
    text = f"{shorten(value.name, 40)}{kind}  {value.output.shape[1:]}"
    bad = int((~np.isfinite(array)).sum())
    zeros = float((array == 0).mean())
    if array.ndim == 3 and array.shape[-1] > most:
        text += f"  first {most} maps"
    if bad:
        text += f"  {bad} NaN or infinite"
    elif zeros >= 0.005:
        text += f"  {100 * zeros:.0f} % zeros"
    return text


def _height(array: np.ndarray, most: int, columns: int) -> float:
    if array.ndim == 3:
        rows = math.ceil(min(array.shape[-1], most) / columns)
        return 0.35 + max(8 / columns * rows, 0.6) * _aspect(array)
    if array.ndim == 2:
        return 1.7
    return 1.35 if array.size <= BARS else 0.75


def _aspect(array: np.ndarray) -> float:
    return min(max(array.shape[0] / array.shape[1], 0.5), 2.0)


def _draw_one(figure: Any, axes: Any, array: np.ndarray, columns: int, names: Any) -> None:
    if array.ndim >= 4:
        array = array.reshape(*array.shape[:2], -1)  # (A, B, ...) -> (A, B, rest)
    if array.ndim == 3:
        maps = np.moveaxis(array, -1, 0)  # (H, W, C) -> (C, H, W)
        _image(figure, axes, mosaic(maps, columns), "equal")
    elif array.ndim == 2:
        _image(figure, axes, array.T, "auto")  # time along the page
        axes.set_xlabel("step", fontsize=8)
    elif array.size <= BARS:
        _bars(axes, array.ravel(), names)
    else:
        _image(figure, axes, array.reshape(1, -1), "auto")


def _image(figure: Any, axes: Any, picture: np.ndarray, aspect: str) -> None:
    finite = picture[np.isfinite(picture)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if low < 0:
        largest = max(-low, high)
        kind = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
    else:
        kind = {"cmap": "viridis", "vmin": 0.0, "vmax": high or 1.0}
    shown = axes.imshow(picture, aspect=aspect, interpolation="nearest", **kind)
    axes.set(xticks=[], yticks=[])
    bar = figure.colorbar(shown, ax=axes, pad=0.01, aspect=12, fraction=0.05)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)


def _bars(axes: Any, values: np.ndarray, names: Any) -> None:
    places = np.arange(len(values))
    colors = np.where(values < 0, COLORS[1], COLORS[0])
    axes.bar(places, np.nan_to_num(values), color=colors, width=0.8)
    axes.axhline(0, color="0.4", linewidth=0.8)
    if names is not None and len(names) == len(values):
        long = max(map(len, names)) > 6
        axes.set_xticks(
            places, [shorten(n, 16) for n in names], fontsize=8, rotation=30 if long else 0,
            ha="right" if long else "center", **PLAIN,
        )  # fmt: skip
    else:
        axes.set_xticks(places[:: max(1, len(values) // 16)])
    axes.tick_params(labelsize=7.5, length=2)
    axes.set_xlim(-0.8, max(len(values), 6) - 0.2)
