"""The confusion matrix of a classifier, and predicted against true numbers. Imports outcome.

Plain functions that return figures. Blue is right, orange is wrong, and depth is the share of a row
(of a column, or of all, as `normalize` says).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, unknown
from kerasnb.notebook.figures import COLORS, new_figure
from kerasnb.notebook.insight.checks import shown_names, spread
from kerasnb.notebook.insight.outcome import Outcome, judge
from kerasnb.notebook.insight.pictures import PLAIN, RIGHT, WRONG, ink, mix

__all__ = ["confusion_matrix", "draw_confusion", "draw_numbers", "predicted_versus_true", "shares"]

NORMALIZE = ("true", "pred", "all")
# up to so many classes cells hold numbers; with more, some names are left out and a list is added
NUMBERED = 40
_POINTS = 5000
_COLUMNS = 4


def confusion_matrix(
    model: Any, x: Any, y: Any, class_names: Any = None, normalize: str | None = None
) -> Any:
    """A figure of how often each class was taken for each other one.

    Args:
        model: a built classifier: softmax, sigmoid (one unit for two classes) or logits.
        x: inputs as arrays.
        y: class numbers or one-hot rows.
        class_names: a text for each class.
        normalize: ``"true"`` for the share of each true class, ``"pred"`` of each predicted one,
            ``"all"`` of all examples; None for numbers of examples.

    Returns:
        A ``matplotlib.figure.Figure``.

    Shape:
        x ``(N, ...)``, y ``(N,)``, ``(N, 1)`` or ``(N, classes)``.

    Raises:
        ArgumentError: the model predicts numbers, labels are out of range, or names do not fit.
        ShapeError: lengths differ, or targets do not fit the output.
        GraphError: the model is not built.
    """
    if normalize is not None and normalize not in NORMALIZE:
        raise unknown("normalize of confusion_matrix:", normalize, NORMALIZE)
    outcome = judge(model, x, y, class_names, "confusion_matrix")
    if outcome.kind == "numbers":
        raise ArgumentError(
            f"confusion_matrix: model {model.name!r} predicts numbers, not classes. Use "
            "predicted_versus_true(model, x, y)."
        )
    return draw_confusion(outcome, normalize)


def predicted_versus_true(model: Any, x: Any, y: Any) -> Any:
    """A figure of predicted against true numbers: what is right lies on the line.

    Args:
        model: a built model that predicts numbers.
        x: inputs as arrays.
        y: the true numbers.

    Returns:
        A ``matplotlib.figure.Figure`` with one panel a number, up to four.

    Shape:
        x ``(N, ...)``, y ``(N,)`` or ``(N, d)``.

    Raises:
        ArgumentError: the model chooses among classes.
        ShapeError: lengths differ, or targets do not fit the output.
        GraphError: the model is not built.
    """
    outcome = judge(model, x, y, None, "predicted_versus_true")
    if outcome.kind == "classes":
        raise ArgumentError(
            f"predicted_versus_true: model {model.name!r} chooses among classes. Use "
            "confusion_matrix(model, x, y)."
        )
    return draw_numbers(outcome)


def shares(counts: np.ndarray, normalize: str | None) -> np.ndarray:
    """The cells of a confusion matrix as shares of their row, column or of all; 0 of nothing.

    Shape:
        ``(C, C) -> (C, C)``.
    """
    axis = {"true": 1, None: 1, "pred": 0, "all": None}[normalize]
    total = counts.sum(axis=axis, keepdims=True)
    return counts / np.maximum(total, 1)


def paint(counts: np.ndarray, normalize: str | None) -> np.ndarray:
    """The colours of the cells: blue on the diagonal, orange elsewhere.

    Shape:
        ``(C, C) -> (C, C, 3)``.
    """
    share = shares(counts, normalize)
    if normalize == "all":
        share = share / max(share.max(), 1e-12)
    # mistakes are few: the square root lets 1 % of a row be seen
    colors = mix(WRONG, np.sqrt(share))
    right = np.arange(len(counts))
    colors[right, right] = mix(RIGHT, share[right, right])
    return colors


def draw_confusion(outcome: Outcome, normalize: str | None = None, figure: Any = None) -> Any:
    """The figure of `confusion_matrix` for what is known; in a part of a figure, fewer names."""
    counts = outcome.matrix()
    classes = len(counts)
    side = min(max(0.44 * classes + 1.2, 3.4), 8.5)
    listed = classes > NUMBERED and figure is None
    names = 20 if figure is None else 10
    figure = figure or new_figure(side + 0.9 + 2.6 * listed, side)
    axes = figure.subplots(1, 2, width_ratios=(side, 2.6)) if listed else [figure.subplots()]
    colors = paint(counts, normalize)
    axes[0].imshow(colors, interpolation="nearest")
    _name_classes(axes[0], outcome, names)
    if classes <= NUMBERED:
        _write_numbers(axes[0], counts, colors, normalize)
    if listed:
        _list_confusions(axes[1], outcome, counts)
    axes[0].set_title(headline(outcome), fontsize=11)
    return figure


def headline(outcome: Outcome) -> str:
    """The result in a few words: ``437 of 450 right (97.1 %)``, or the mean error."""
    if outcome.kind == "classes":
        share = 100 * outcome.right / len(outcome)
        return f"{outcome.right:,} of {len(outcome):,} right ({share:.1f} %)"
    error = np.abs(outcome.predicted - outcome.truth).mean()
    return f"{len(outcome):,} examples, mean absolute error {error:.3g}"


def confusions(counts: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """The most frequent mistakes: true class, predicted class, how often."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [(int(i), int(j), int(wrong[i, j])) for i, j in pairs if wrong[i, j]]


def _name_classes(axes: Any, outcome: Outcome, most: int) -> None:
    """Name the classes; of very many, `most` of them."""
    classes = outcome.classes
    names = shown_names(outcome.class_names, 20)
    step = 1 if classes <= NUMBERED else math.ceil(classes / most)
    places = np.arange(0, classes, step)
    some = [names[i] for i in places]
    long = max(map(len, some)) > 3
    font = 9 if classes <= 20 else 7
    axes.set_xticks(
        places, some, fontsize=font, rotation=45 if long else 0, ha="right" if long else "center",
        rotation_mode="anchor" if long else "default", **PLAIN,
    )  # fmt: skip
    axes.set_yticks(places, some, fontsize=font, **PLAIN)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if classes <= NUMBERED:
        axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="0.9", linewidth=0.8)
        axes.tick_params(which="minor", length=0)


def _write_numbers(axes: Any, counts: np.ndarray, colors: np.ndarray, normalize: Any) -> None:
    """The numbers in the cells, and what share of each true class was found."""
    percent = 100 * shares(counts, normalize)
    font = 9 if len(counts) <= 12 and counts.max() < 10_000 else (7 if len(counts) <= 20 else 5.5)
    for i, j in zip(*np.nonzero(counts), strict=True):
        text = f"{counts[i, j]}" if normalize is None else f"{percent[i, j]:.0f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=font, color=ink(colors[i, j]))
    found = 100 * shares(counts, "true").diagonal()
    right = axes.secondary_yaxis("right")
    present = counts.sum(axis=1) > 0
    labels = [f"{f:.0f} %" if p else "–" for f, p in zip(found, present, strict=True)]
    right.set_yticks(np.arange(len(counts)), labels, fontsize=max(font, 7))
    right.set_ylabel("found (recall)", fontsize=9)
    right.tick_params(length=0)
    right.spines[:].set_visible(False)


def _list_confusions(axes: Any, outcome: Outcome, counts: np.ndarray) -> None:
    axes.axis("off")
    names = shown_names(outcome.class_names, 14)
    most = confusions(counts, 20)
    axes.text(0, 1, "most often confused" if most else "no mistakes", va="top", weight="bold")
    for row, (i, j, count) in enumerate(most):
        y = 0.94 - 0.046 * row
        axes.text(0, y, f"{names[i]} → {names[j]}", va="top", fontsize=8.5, **PLAIN)
        axes.text(1, y, f"{count:,}", va="top", ha="right", fontsize=8.5)


def draw_numbers(outcome: Outcome, figure: Any = None) -> Any:
    """The figure of `predicted_versus_true` for what is known, or the same in a part of one."""
    columns = min(outcome.truth.shape[1], _COLUMNS)
    figure = figure or new_figure(4.2 * columns, 4.2)
    chosen = spread(len(outcome), _POINTS)
    several = outcome.truth.shape[1] > 1
    for column, axes in enumerate(figure.subplots(1, columns, squeeze=False)[0]):
        true, predicted = outcome.truth[:, column], outcome.predicted[:, column]
        low = min(true.min(), predicted.min())
        high = max(true.max(), predicted.max())
        margin = 0.04 * (high - low or 1.0)
        ends = (low - margin, high + margin)
        axes.plot(ends, ends, color="0.55", linewidth=1, label="right")
        dense = len(chosen) > 500
        axes.scatter(
            true[chosen], predicted[chosen], s=8 if dense else 18, alpha=0.3 if dense else 0.6,
            color=COLORS[0], linewidths=0,
        )  # fmt: skip
        axes.set(xlim=ends, ylim=ends, xlabel="true", ylabel="predicted", aspect="equal")
        axes.grid(alpha=0.25)
        axes.set_title(
            (f"output {column}: " if several else "") + _errors(true, predicted), fontsize=10
        )
    return figure


def _errors(true: np.ndarray, predicted: np.ndarray) -> str:
    error = np.abs(predicted - true).mean()
    spread_of = ((true - true.mean()) ** 2).sum()
    text = f"mean absolute error {error:.3g}"
    if spread_of:
        text += f", R² {1 - ((predicted - true) ** 2).sum() / spread_of:.2f}"
    return text
