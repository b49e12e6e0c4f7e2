"""What a model makes of all its data, as the page shows it: the plane of two features, or mistakes.

Imports data and insight.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from kerasnb.errors import KerasnbError
from kerasnb.notebook.builder.data import Data
from kerasnb.notebook.figures import to_small_png
from kerasnb.notebook.insight.boundary import extent_of, grid_on, shades
from kerasnb.notebook.insight.checks import shown_names, spread
from kerasnb.notebook.insight.confusion import headline
from kerasnb.notebook.insight.mistakes import draw_mistakes
from kerasnb.notebook.insight.outcome import Outcome, chances, judge, predict
from kerasnb.notebook.insight.pictures import pictures_of

__all__ = ["class_names", "plane_of", "sight"]

SIDE = 50  # points of the plane along each side at which the model is asked
POINTS = 500  # that are drawn
LOOKED_AT = 2000  # examples among which mistakes are looked for


def sight(model: Any, data: Data) -> dict[str, Any]:
    """What the page draws of a model on data, as JSON; empty where there is nothing of the kind.

    For two features it is ``kind`` ``"plane"``, with ``extent`` (left, right, bottom, top),
    ``points`` (x, y, class or number, whether the model is right), ``names`` of classes, ``plane``
    (colours of `SIDE` rows from bottom to top, ``"#rrggbb"`` each) and ``text``; for pictures
    ``"mistakes"``, with ``png`` and ``text``.
    """
    if not isinstance(data.x, np.ndarray) or not isinstance(data.y, np.ndarray):
        return {}
    try:
        index = spread(len(data.x), LOOKED_AT)
        outcome = judge(model, data.x[index], data.y[index], data.names, "builder", index)
    except KerasnbError as reason:  # what it gives cannot be compared with y
        return {} if data.x.ndim != 2 else {**plane_of(data), "text": str(reason)}
    if data.x.shape[1:] == (2,):
        return _plane(model, data, outcome)
    pictures = pictures_of(data.x[index], None)
    if pictures is None or outcome.kind != "classes":
        return {}
    figure = draw_mistakes(outcome, 12, pictures, None, 6)
    image = base64.b64encode(to_small_png(figure)).decode("ascii")
    return {"kind": "mistakes", "png": image, "text": headline(outcome)}


def class_names(data: Data) -> list[str] | None:
    """A text for each class; None if the targets are no classes."""
    if data.names is not None or data.task not in ("classes", "two_classes"):
        return data.names
    return [str(i) for i in range(int(np.max(data.y)) + 1)]


def plane_of(data: Data | None) -> dict[str, Any]:
    """The plane with its points, before there is a model; empty if there are not two features."""
    if data is None or not isinstance(data.x, np.ndarray) or data.x.shape[1:] != (2,):
        return {}
    if data.y is None or data.x.ndim != 2:
        return {}
    x, y = np.asarray(data.x, "float64"), np.asarray(data.y, "float64")
    index = spread(len(x), POINTS)
    points = [[*map(_short, x[i]), _short(y[i].flat[0]), True] for i in index]
    return {
        "kind": "plane", "extent": list(_extent(x)), "points": points, "plane": [], "text": "",
        "names": shown_names(class_names(data) or [], 40), "classes": bool(class_names(data)),
    }  # fmt: skip


def _plane(model: Any, data: Data, outcome: Outcome) -> dict[str, Any]:
    extent = _extent(data.x)
    outputs = predict(model, grid_on(extent, SIDE), "builder")
    shown = spread(len(outcome), POINTS)
    if outcome.kind == "classes":
        colors = _texts(255 * shades(chances(model, outputs)))
        values, right_ones = outcome.truth[shown], outcome.truth[shown] == outcome.predicted[shown]
    else:
        values, right_ones = outcome.truth[shown, 0], np.ones(len(shown), bool)
        colors = _colors_of_numbers(outputs[:, 0], outcome.truth[:, 0])
    points = [
        [*map(_short, outcome.x[i]), _short(value), bool(fits)]
        for i, value, fits in zip(shown, values, right_ones, strict=True)
    ]
    return {
        "kind": "plane", "extent": list(extent), "points": points,
        "plane": colors, "text": headline(outcome), "classes": outcome.kind == "classes",
        "names": shown_names(outcome.class_names or [], 40),
    }  # fmt: skip


def _extent(x: np.ndarray) -> tuple[float, ...]:
    return tuple(map(_short, extent_of(x))) if len(x) else (-1.0, 1.0, -1.0, 1.0)


def _colors_of_numbers(values: np.ndarray, truth: np.ndarray) -> list[str]:
    """From blue for the lowest number to orange for the highest."""
    low, high = float(truth.min()), float(truth.max())
    part = np.nan_to_num((values - low) / ((high - low) or 1.0)).clip(0, 1)[:, None]
    ends = [np.array(rgb, "float64") for rgb in ((86, 130, 190), (255, 255, 255), (230, 150, 60))]
    lower = ends[0] + 2 * part * (ends[1] - ends[0])
    upper = ends[1] + (2 * part - 1) * (ends[2] - ends[1])
    return _texts(np.where(part < 0.5, lower, upper))


def _texts(colors: np.ndarray) -> list[str]:
    rows = colors.round().astype(int).tolist()
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in rows]


def _short(value: Any) -> float:
    return float(f"{float(value):.4g}")
