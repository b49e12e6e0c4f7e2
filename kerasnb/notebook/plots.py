"""Figures for people. Draws on `Figure` objects of its own, never on pyplot's shared state."""

from __future__ import annotations

import io
from typing import Any

from kerasnb.errors import ArgumentError, MissingDependency

__all__ = ["plot_history"]

# Wong 2011, "Points of view: Color blindness", Nature Methods 8:441: told apart by everybody
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


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
    try:
        from matplotlib import figure as figures
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise MissingDependency('Plots need matplotlib: pip install "kerasnb[notebook]"') from None
    logs = getattr(history, "history", history)
    names = [n for n in logs if not n.startswith("val_")]
    if not names or not logs[names[0]]:
        raise ArgumentError("plot_history: the history holds no epoch yet; call fit first.")
    epochs = [e + 1 for e in getattr(history, "epoch", range(len(logs[names[0]])))]

    class Figure(figures.Figure):  # one that a notebook shows without pyplot
        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    figure = Figure(figsize=(4.2 * len(names), 3.2), layout="constrained")
    for i, (name, axes) in enumerate(
        zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True)
    ):
        color = COLORS[i % len(COLORS)]
        marker = "o" if len(epochs) < 30 else None
        values = logs[name]
        axes.plot(epochs[: len(values)], values, color=color, marker=marker, ms=3, label="training")
        checks = logs.get(f"val_{name}")
        if checks:
            axes.plot(
                epochs[-len(checks) :], checks, "--", color=color, marker=marker, ms=3,
                label="validation",
            )  # fmt: skip
        axes.set(xlabel="epoch", title=name.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
