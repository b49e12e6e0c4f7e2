"""Where a model with two inputs changes its mind: once, or drawn again while it is trained.

Imports outcome, figures and callbacks. IPython is imported where something is shown, and only then.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from kerasnb import screen
from kerasnb.callbacks.base import Callback
from kerasnb.errors import ShapeError
from kerasnb.notebook.figures import COLORS, new_figure, to_png
from kerasnb.notebook.insight.checks import (
    check_count,
    feature_names_for,
    require_built,
    shorten,
    shown_names,
    spread,
    to_arrays,
)
from kerasnb.notebook.insight.confusion import headline
from kerasnb.notebook.insight.outcome import CannotCompare, Outcome, chances, judge, predict
from kerasnb.notebook.insight.pictures import PLAIN, mix

__all__ = [
    "LiveBoundary", "decision_boundary", "draw_boundary", "extent_of", "grid_on",
    "require_two_features", "shades",
]  # fmt: skip

POINTS = 2000
MARKERS = "osD^vPX*hp"
# blue, orange, green, pink, yellow, light blue, then greys: beyond six, markers tell them apart
PALETTE = (*COLORS, "#555555", "#999999", "#8C564B", "#17345C")
MARGIN = 0.08  # of the range of the points, free around them


def decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    class_names: Any = None,
    feature_names: Any = None,
    resolution: int = 200,
) -> Any:
    """A figure of what the model predicts all over the plane, with the examples as points.

    Colours are classes, deeper where the model is surer; the line is where it changes its mind, and
    wrong examples have a black ring. For a model that predicts numbers, the plane and the points
    are coloured by the number.

    Args:
        model: a built model of two features with one output.
        x: inputs.
        y: class numbers, one-hot rows, or numbers.
        class_names: a text for each class.
        feature_names: a text for each of the two features.
        resolution: points along each side of the plane at which the model is asked.

    Returns:
        A ``matplotlib.figure.Figure``.

    Shape:
        x ``(N, 2)``, y ``(N,)``, ``(N, 1)`` or ``(N, classes)``.

    Raises:
        ShapeError: `x` has not two features, lengths differ, or targets do not fit the output.
        ArgumentError: labels are out of range, or names do not fit.
        GraphError: the model is not built.
    """
    resolution = check_count(resolution, "resolution", "decision_boundary", 10, 1000)
    require_built(model, "decision_boundary")
    require_two_features(x, "decision_boundary")
    names = feature_names_for(feature_names, 2, "decision_boundary")
    outcome = judge(model, x, y, class_names, "decision_boundary")
    return draw_boundary(model, outcome, names, resolution)


def require_two_features(x: Any, function: str) -> np.ndarray:
    """`x` as an array ``(N, 2)``.

    Raises:
        ShapeError: it has another shape.
    """
    array, _ = to_arrays(x, None, function)
    shape = getattr(array, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] != 2:
        got = f"shape {shape}" if shape is not None else "several arrays"
        raise ShapeError(
            f"{function}: expected x with two features, (N, 2), got {got}. Pass two columns to a "
            "model that was fitted on these two."
        )
    return array


def draw_boundary(
    model: Any, outcome: Outcome, feature_names: list[str], resolution: int, title: str = ""
) -> Any:
    """The figure of `decision_boundary` for what is known already."""
    extent = extent_of(outcome.x)
    outputs = predict(model, grid_on(extent, resolution), "decision_boundary")
    figure = new_figure(6.2, 4.6)
    axes = figure.subplots()
    if outcome.kind == "classes":
        _draw_classes(axes, outcome, chances(model, outputs), extent, resolution)
    else:
        _draw_surface(figure, axes, outcome, outputs[:, 0], extent, resolution)
    axes.set_xlabel(shorten(feature_names[0], 60), **PLAIN)
    axes.set_ylabel(shorten(feature_names[1], 60), **PLAIN)
    axes.set_title(title + headline(outcome), fontsize=11)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    return figure


def extent_of(points: np.ndarray) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a plane that holds points, with some room around them.

    Shape:
        points ``(N, 2)``.
    """
    points = points.astype("float64")
    return (*_range(points[:, 0]), *_range(points[:, 1]))


def grid_on(extent: tuple[float, float, float, float], resolution: int) -> np.ndarray:
    """Points spread evenly over a plane, row by row from the bottom.

    Shape:
        ``(resolution * resolution, 2)``, float32.
    """
    left, right, bottom, top = extent
    across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    # (R, R, 2) -> (R*R, 2)
    return np.stack(np.meshgrid(across, up), -1).reshape(-1, 2).astype("float32")


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def _color(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def shades(chance: np.ndarray) -> np.ndarray:
    """The colour of the likeliest class, deeper where it is surer.

    Shape:
        ``(N, classes) -> (N, 3)``, from 0 to 1.
    """
    best, sure = chance.argmax(1), np.nan_to_num(chance.max(1))
    picture = np.ones((len(best), 3))
    # from no better than chance to certain: 0 to 1, and never so deep that points are not seen
    floor = 1 / chance.shape[1]
    depth = 0.08 + 0.47 * ((sure - floor) / (1 - floor)).clip(0, 1)
    for index in np.unique(best):
        here = best == index
        picture[here] = mix(_color(index), depth[here])
    return picture


def _draw_classes(
    axes: Any, outcome: Outcome, chance: np.ndarray, extent: tuple, resolution: int
) -> None:
    best, picture = chance.argmax(1), shades(chance)
    axes.imshow(
        picture.reshape(resolution, resolution, 3), extent=extent, origin="lower", aspect="auto",
        interpolation="bilinear",
    )  # fmt: skip
    places = [np.linspace(*extent[2 * i : 2 * i + 2], resolution) for i in (0, 1)]
    for index in np.unique(best) if outcome.classes > 2 else [1]:
        others = np.delete(chance, index, axis=1).max(axis=1)
        lead = (chance[:, index] - others).reshape(resolution, resolution)
        if lead.min() < 0 < lead.max():
            axes.contour(*places, lead, levels=[0], colors="0.25", linewidths=1.2)
    _draw_points(axes, outcome)


def _draw_points(axes: Any, outcome: Outcome) -> None:
    points = outcome.x
    chosen = spread(len(outcome), POINTS)
    names = shown_names(outcome.class_names, 24)
    size = 26 if len(chosen) <= 500 else 10
    for index in np.unique(outcome.truth):
        here = chosen[outcome.truth[chosen] == index]
        right = outcome.predicted[here] == index
        style = {"marker": MARKERS[index % len(MARKERS)], "color": _color(index)}
        axes.scatter(*points[here[right]].T, s=size, edgecolors="white", linewidths=0.6, **style)
        axes.scatter(
            *points[here[~right]].T, s=size * 1.5, edgecolors="black", linewidths=1.4, **style
        )
        if index < 20:
            axes.scatter([], [], s=26, label=names[index], **style)
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9, frameon=False, title="true class"
    )
    for text in legend.get_texts():
        text.set(**PLAIN)


def _draw_surface(
    figure: Any, axes: Any, outcome: Outcome, surface: np.ndarray, extent: tuple, resolution: int
) -> None:
    truth, points = outcome.truth[:, 0], outcome.x
    low = min(truth.min(), surface.min())
    high = max(truth.max(), surface.max())
    shown = axes.imshow(
        surface.reshape(resolution, resolution), extent=extent, origin="lower", aspect="auto",
        cmap="viridis", vmin=low, vmax=high, interpolation="bilinear", alpha=0.85,
    )  # fmt: skip
    chosen = spread(len(outcome), POINTS)
    axes.scatter(
        *points[chosen].T, c=truth[chosen], cmap="viridis", vmin=low, vmax=high, s=24,
        edgecolors="white", linewidths=0.7,
    )  # fmt: skip
    figure.colorbar(shown, ax=axes, label="predicted (plane) and true (points)")


class LiveBoundary(Callback):
    """Draws the decision boundary while `fit` runs, in place, and leaves the last one as a picture.

    The first shows the model before training. At most two pictures a second follow, which take no
    more than a fifth of the time, and the one at the end always comes. Training gives the same
    numbers with it as without.

    Args:
        x: inputs with two features.
        y: class numbers, one-hot rows, or numbers.
        every: epochs between two pictures.
        class_names: a text for each class.
        feature_names: a text for each feature.
        resolution: points along each side of the plane at which the model is asked.

    Attributes:
        png: the newest picture, bytes of a PNG file; None before the first.
        frames: how many were drawn.

    Shape:
        x ``(N, 2)``, y ``(N,)``, ``(N, 1)`` or ``(N, classes)``.

    Raises:
        ShapeError: `x` has not two features, or the lengths differ.

    Example:
        >>> import kerasnb
        >>> from kerasnb.notebook.insight.boundary import LiveBoundary
        >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
        >>> model = kerasnb.Sequential([kerasnb.layers.Dense(1, activation="sigmoid")])
        >>> model.compile("adam", "binary_crossentropy")
        >>> live = LiveBoundary(x, y)
        >>> history = model.fit(x, y, epochs=3, callbacks=[live], verbose=0)
        >>> live.png[1:4]
        b'PNG'
    """

    LEAST_PAUSE = 0.5  # seconds between two pictures
    PART = 5  # a picture that took t seconds is followed by a pause of (PART - 1) t

    def __init__(
        self,
        x: Any,
        y: Any,
        every: int = 1,
        class_names: Any = None,
        feature_names: Any = None,
        resolution: int = 100,
    ):
        super().__init__()
        require_two_features(x, "LiveBoundary")
        self._x, self._y = to_arrays(x, y, "LiveBoundary")
        self._every = check_count(every, "every", "LiveBoundary")
        self._features = feature_names_for(feature_names, 2, "LiveBoundary")
        self._resolution = check_count(resolution, "resolution", "LiveBoundary", 10, 1000)
        self._classes = class_names
        self.png: bytes | None = None
        self.frames = 0
        self._handle: Any = None
        self._due, self._epoch, self._drawn_at = 0.0, -1, -1

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.png, self.frames, self._handle = None, 0, None
        self._epoch = -1
        self._draw("before training: ")  # and whatever does not fit is found before training, too

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch
        if (epoch + 1) % self._every == 0 and time.perf_counter() >= self._due:
            self._draw(f"epoch {epoch + 1}: ")

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._updates() != self._drawn_at:
            self._draw(f"epoch {self._epoch + 1}: ")

    def _updates(self) -> int:
        """How often the weights were changed so far."""
        return int(self.model.optimizer.iterations)

    def _draw(self, title: str) -> None:
        start = time.perf_counter()
        self._drawn_at = self._updates()
        try:
            outcome = judge(self.model, self._x, self._y, self._classes, "LiveBoundary")
        except CannotCompare:  # training has diverged: the last picture stays
            return
        figure = draw_boundary(self.model, outcome, self._features, self._resolution, title)
        self.png = to_png(figure)
        self.frames += 1
        self._show(f"Decision boundary, {title}{headline(outcome)}")
        took = time.perf_counter() - start
        self._due = start + max(self.LEAST_PAUSE, self.PART * took)

    def _show(self, text: str) -> None:
        if not screen.in_notebook():
            return
        from IPython.display import display

        bundle = {"image/png": self.png, "text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
