"""The examples that a model gets most wrong. Imports outcome and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.notebook.figures import new_figure
from kerasnb.notebook.insight.checks import (
    check_count,
    feature_names_for,
    shorten,
    shown_names,
    spread,
)
from kerasnb.notebook.insight.confusion import headline
from kerasnb.notebook.insight.outcome import Outcome, judge
from kerasnb.notebook.insight.pictures import (
    PLAIN,
    RIGHT,
    WARNING,
    WRONG,
    Pictures,
    ink,
    mix,
    pictures_of,
    table_of,
)

__all__ = ["draw_mistakes", "mistakes"]

MOST = 64
_FEATURES = 12  # columns of a table that can be read


def mistakes(
    model: Any,
    x: Any,
    y: Any,
    count: int = 16,
    class_names: Any = None,
    feature_names: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """A figure of the examples with the highest loss: the wrong answers that are surest come first.

    Pictures are shown as such, other examples as rows of a table. For a model that predicts numbers
    these are the largest errors. If nothing is wrong, the least sure answers are shown.

    Args:
        model: built, with one output.
        x: inputs as arrays.
        y: class numbers, one-hot rows, or numbers.
        count: how many, up to 64.
        class_names: a text for each class.
        feature_names: a text for each column of `x`, if it is no pictures.
        image_shape: the height and width of pictures that are given as rows of numbers.

    Returns:
        A ``matplotlib.figure.Figure``.

    Shape:
        x ``(N, ...)``, y ``(N,)``, ``(N, 1)`` or ``(N, classes)``.

    Raises:
        ArgumentError: labels are out of range, names do not fit, or `count` is no such number.
        ShapeError: lengths differ, or targets do not fit the output.
        GraphError: the model is not built.
    """
    count = check_count(count, "count", "mistakes", most=MOST)
    outcome = judge(model, x, y, class_names, "mistakes")
    pictures = None if feature_names is not None else pictures_of(outcome.x, image_shape)
    return draw_mistakes(outcome, count, pictures, feature_names)


def draw_mistakes(
    outcome: Outcome,
    count: int,
    pictures: Pictures | None,
    feature_names: Any = None,
    columns: int | None = None,
    figure: Any = None,
) -> Any:
    """The figure of `mistakes` for what is known already, or the same in a part of a figure.

    `columns` are pictures abreast (8 if not given), or features of a table (12).
    """
    index = outcome.worst(count)
    if pictures is not None:
        figure = _draw_pictures(outcome, index, pictures, columns or 8, figure)
    else:
        figure = _draw_table(outcome, index, feature_names, columns or _FEATURES, figure)
    figure.suptitle(_title(outcome, len(index)), fontsize=11)
    return figure


def _title(outcome: Outcome, shown: int) -> str:
    if outcome.kind == "numbers":
        return f"The {shown} largest errors of {len(outcome):,} examples"
    wrong = len(outcome) - outcome.right
    if not wrong:
        return f"No mistakes among {len(outcome):,} examples; the least sure answers"
    which = f"all {wrong}" if shown == wrong else f"the worst {shown} of {wrong:,}"
    return f"{headline(outcome)}; {which} mistakes"


def captions(outcome: Outcome, index: np.ndarray, length: int) -> list[tuple[str, str, str]]:
    """For each example the truth, the prediction and how sure or how far off it is, as texts."""
    if outcome.kind == "numbers":
        return [
            (
                _numbers(outcome.truth[i]),
                _numbers(outcome.predicted[i]),
                f"off by {outcome.loss[i]:.3g}",
            )
            for i in index
        ]
    names = shown_names(outcome.class_names, length)
    return [
        (
            names[outcome.truth[i]],
            names[outcome.predicted[i]],
            f"{100 * outcome.probability[i, outcome.predicted[i]]:.0f} %",
        )
        for i in index
    ]


def _numbers(values: np.ndarray) -> str:
    text = ", ".join(f"{v:.3g}" for v in values[:3])
    return text + (", …" if len(values) > 3 else "")


def _draw_pictures(
    outcome: Outcome, index: np.ndarray, pictures: Pictures, columns: int, figure: Any
) -> Any:
    columns = min(columns, len(index))
    rows = math.ceil(len(index) / columns)
    figure = figure or new_figure(max(1.25 * columns, 5.0), 1.95 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    shown = zip(grid, index, pictures.take(index), captions(outcome, index, 12), strict=False)
    for axes, i, picture, (true, predicted, sure) in shown:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        right = outcome.kind == "classes" and outcome.truth[i] == outcome.predicted[i]
        axes.set_title(
            f"{predicted}\n{sure}", fontsize=8.5, color=RIGHT if right else WARNING, pad=3, **PLAIN
        )
        axes.set_xlabel(f"true {true}\n#{outcome.places[i]}", fontsize=8, labelpad=2, **PLAIN)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes in grid[len(index) :]:
        axes.axis("off")
    sure = "how far off it is" if outcome.kind == "numbers" else "its probability"
    figure.supxlabel(
        f"Above: the prediction and {sure}. Below: the truth, and the place in x.", fontsize=8
    )
    return figure


def _draw_table(
    outcome: Outcome, index: np.ndarray, feature_names: Any, columns: int, figure: Any
) -> Any:
    """Rows of values; blue and orange show which are unusually low and high."""
    every = table_of(outcome.x, spread(len(outcome), 5000))
    names = feature_names_for(feature_names, every.shape[1], "mistakes")
    shown = min(len(names), columns)
    values = table_of(outcome.x, index)[:, :shown]
    z = (values - every.mean(0)[:shown]) / np.where(every.std(0) > 0, every.std(0), 1)[:shown]
    depth = np.nan_to_num(np.abs(z) / 3).clip(0, 1) * 0.8
    colors = np.where((z > 0)[..., None], mix(WRONG, depth), mix(RIGHT, depth))

    rows = zip(outcome.places[index], captions(outcome, index, 16), strict=True)
    labels = [f"#{p}   true {t}, predicted {q}, {s}" for p, (t, q, s) in rows]
    heads = [shorten(n, 18) for n in names[:shown]]
    # inches that names take: across beside the rows, aslant above the columns
    beside, above = 0.075 * max(map(len, labels)), 0.055 * max(map(len, heads))
    figure = figure or new_figure(
        max(3.4, 0.5 + beside) + 0.72 * shown, 0.3 * len(index) + 1.2 + above
    )
    axes = figure.subplots()
    axes.imshow(colors, aspect="auto", interpolation="nearest")
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            axes.text(
                j, i, f"{value:.3g}", ha="center", va="center", fontsize=8, color=ink(colors[i, j])
            )
    axes.set_yticks(np.arange(len(index)), labels, fontsize=8.5, **PLAIN)
    axes.set_xticks(
        np.arange(shown), heads, fontsize=8.5, rotation=35, ha="left", rotation_mode="anchor",
        **PLAIN,
    )  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    more = f"{len(names) - shown} more columns are not shown. " if shown < len(names) else ""
    figure.supxlabel(f"{more}Blue: lower than usual, orange: higher.", fontsize=8)
    return figure
