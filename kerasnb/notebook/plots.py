"""Training curves as figures. Imports figures, labels and errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.notebook.figures import COLORS, new_figure
from kerasnb.notebook.labels import showable

__all__ = ["draw_metric", "panels", "plot_history"]

ACROSS = 3  # panels in a row
MARKED = 30  # up to so many epochs each has a mark


def plot_history(history: Any) -> Any:
    """A figure with one panel a metric: training as a line, validation dashed, epochs from 1.

    Args:
        history: what `fit` returned, or its dictionary of logs.

    Returns:
        A ``matplotlib.figure.Figure``, which a notebook shows; ``savefig("curve.png")`` writes it.

    Raises:
        MissingDependency: matplotlib is not installed.
        ArgumentError: the history holds no epoch.
    """
    logs = getattr(history, "history", history)
    names = [n for n in logs if not n.startswith("val_")]
    if not names or not logs[names[0]]:
        raise ArgumentError("plot_history: the history holds no epoch yet; call fit first.")
    epochs = [e + 1 for e in getattr(history, "epoch", range(len(logs[names[0]])))]
    figure, grid = panels(len(names))
    for name, axes in zip(names, grid, strict=True):
        checks = logs.get(f"val_{name}", [])
        validation = (epochs[len(epochs) - len(checks) :], checks)
        draw_metric(axes, name, (epochs[: len(logs[name])], logs[name]), validation)
        axes.set_xlabel("epoch")
    return figure


def panels(count: int, headline: str = "") -> tuple[Any, list]:
    """A figure with `count` axes in rows of three at most, and these axes."""
    across = min(count, ACROSS)
    down = math.ceil(count / across)
    top = 0.6 if headline else 0.35
    width, height = 4.2 * across, 2.85 * down + top
    # margins in inches, set by hand: matplotlib's own layout takes as long as all the rest
    figure = new_figure(width, height, layout=None)
    figure.subplots_adjust(
        left=0.6 / width, right=1 - 0.15 / width, bottom=0.5 / height, top=1 - top / height,
        wspace=0.22, hspace=0.3,
    )  # fmt: skip
    figure.text(0.6 / width, 1 - 0.08 / height, headline, va="top")
    grid = list(figure.subplots(down, across, squeeze=False).flat)
    for spare in grid[count:]:
        spare.remove()
    return figure, grid[:count]


def draw_metric(
    axes: Any,
    name: str,
    training: tuple[Sequence, Sequence],
    validation: tuple[Sequence, Sequence],
    batches: tuple[Sequence, Sequence] = ((), ()),
) -> None:
    """Draw one metric into `axes`.

    Args:
        axes: where to draw.
        name: of the metric.
        training: positions and values, one an epoch.
        validation: the same; drawn dashed.
        batches: the same, many an epoch; drawn thin.
    """
    first, second = COLORS[:2]
    style = {"marker": "o" if len(training[0]) < MARKED else None, "ms": 3}
    if len(batches[0]):
        axes.plot(*map(_plain, batches), color=first, alpha=0.35, lw=0.8, label="per batch")
    if len(training[0]):
        axes.plot(*map(_plain, training), label="training", color=first, **style)
    if len(validation[0]):
        axes.plot(*map(_plain, validation), "--", label="validation", color=second, **style)
    axes.set_title(showable(name).replace("_", " "), parse_math=False)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()


def _plain(values: Sequence) -> list[float]:
    """The values, with NaN for None: a gap in the line."""
    return [math.nan if v is None else v for v in values]
