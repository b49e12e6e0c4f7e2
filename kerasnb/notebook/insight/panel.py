"""`inspect`: all that can be seen of a model and some data, on tabs in a notebook.

Imports the other modules of this folder, ipywidgets and IPython. A tab is worked out when it is
first opened.

What stays: a reader without a kernel sees "model not found" where a widget was, whatever else lies
in its output. So a picture is displayed first, as an output of its own: the matrix (or the scatter)
beside the worst mistakes, with the result in words. It serves as the panel's heading while the
kernel lives, and as the whole of it afterwards.
"""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display

from kerasnb.errors import ArgumentError, KerasnbError
from kerasnb.notebook.figures import new_figure, to_png
from kerasnb.notebook.insight.activations import activations
from kerasnb.notebook.insight.boundary import draw_boundary
from kerasnb.notebook.insight.checks import (
    check_count,
    example_count,
    feature_names_for,
    layers_of,
    require_built,
    spread,
    take,
    to_arrays,
)
from kerasnb.notebook.insight.confusion import draw_confusion, draw_numbers, headline
from kerasnb.notebook.insight.health import health
from kerasnb.notebook.insight.matrix import ConfusionMatrix
from kerasnb.notebook.insight.mistakes import captions, draw_mistakes
from kerasnb.notebook.insight.outcome import CannotCompare, Outcome, judge
from kerasnb.notebook.insight.pad import draw_pad, square_side
from kerasnb.notebook.insight.pictures import Pictures, pictures_of
from kerasnb.notebook.insight.weights import filters, filters_of, has_filters, weights
from kerasnb.notebook.labels import escape
from kerasnb.tree import flatten

__all__ = ["Panel", "inspect"]

ALL = "all layers"
WIDTH = 88  # of plain text, which a page does not wrap between words


def inspect(
    model: Any,
    x: Any,
    y: Any,
    class_names: Any = None,
    feature_names: Any = None,
    image_shape: Sequence[int] | None = None,
    limit: int = 10_000,
) -> Panel:
    """A panel to look inside a model with: mistakes, weights, activations, health and more.

    It has the tabs that apply: a confusion matrix whose cells open, and whose examples lead to
    their activations (or predicted against true numbers), the worst mistakes, weights, filters,
    activations of any example, the health of each layer, the decision boundary for two features,
    and paper to draw on for square pictures. Each is also a function of its own that gives a
    figure.

    Args:
        model: a built model.
        x: inputs as arrays.
        y: targets: class numbers, one-hot rows, or numbers.
        class_names: a text for each class.
        feature_names: a text for each column of `x`, if it is no pictures.
        image_shape: the height and width of pictures that are given as rows of numbers.
        limit: the most examples to look at; of more, some are taken, spread evenly.

    Returns:
        A `Panel`, which a notebook shows.

    Shape:
        x ``(N, ...)``, y ``(N,)``, ``(N, 1)`` or ``(N, classes)``.

    Raises:
        GraphError: the model is not built.
        ShapeError: lengths differ, or targets do not fit the output.
        ArgumentError: labels are out of range, or names do not fit.

    Example:
        >>> import kerasnb
        >>> from kerasnb.notebook.insight.panel import inspect
        >>> model = kerasnb.Sequential([kerasnb.Input((3,)), kerasnb.layers.Dense(2)])
        >>> model.compile("sgd", kerasnb.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> panel = inspect(model, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [0, 1])
        >>> panel.titles
        ['Confusions', 'Worst mistakes', 'Weights', 'Activations', 'Health']
    """
    require_built(model, "inspect")
    if y is None:
        raise ArgumentError("inspect: y is None: pass the targets of x.")
    limit = check_count(limit, "limit", "inspect")
    x, y = to_arrays(x, y, "inspect")
    total = example_count(x)
    index = spread(total, limit)
    some_x, some_y = (take(x, index), take(y, index)) if total > limit else (x, y)
    if feature_names is not None:
        width = sum(a[0].size for a in flatten(x))
        feature_names = feature_names_for(feature_names, width, "inspect")
    pictures = None if feature_names is not None else pictures_of(some_x, image_shape)
    note = ""
    if total > limit:
        note = f"Of {total:,} examples {limit:,} were looked at, spread evenly (see limit=)."
    try:
        outcome = judge(model, some_x, some_y, class_names, "inspect", index)
    except CannotCompare as reason:
        outcome, note = None, str(reason)
    return Panel(model, x, y, outcome, pictures, feature_names, note)


class Panel:
    """What `inspect` gives: a picture that stays, and tabs.

    Attributes:
        titles: of the tabs.
        outcome: what the model predicts, beside what is true; None if that cannot be compared.
        widget: the tabs, an ``ipywidgets.Tab``.
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any,
        outcome: Outcome | None,
        pictures: Pictures | None,
        feature_names: list[str] | None,
        note: str = "",
    ):
        self.model, self.outcome = model, outcome
        self._x, self._y, self._pictures, self._features = x, y, pictures, feature_names
        self._note = note
        self._parts = dict(self._applicable())
        self.titles = list(self._parts)
        self._opened: set[str] = set()
        last = example_count(x) - 1
        self._place = ipywidgets.BoundedIntText(value=0, min=0, max=last, description="example")
        boxes = [ipywidgets.VBox() for _ in self.titles]
        self.widget = ipywidgets.Tab(children=boxes, titles=self.titles, selected_index=0)
        self._open(0)
        self.widget.observe(lambda change: self._open(change["new"]), "selected_index")

    def summary(self) -> Any:
        """The picture that stays, as a ``matplotlib.figure.Figure``."""
        if self.outcome is None:
            return health(self.model, self._x, self._y).figure()
        table = self._pictures is None
        figure = new_figure(11, 4) if table else new_figure(9.8, 4.4)
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.6) if table else (1, 1.15))
        if self.outcome.kind == "classes":
            draw_confusion(self.outcome, figure=left)
        else:
            draw_numbers(self.outcome, figure=left)
        columns = 6 if table else 4
        draw_mistakes(self.outcome, 8, self._pictures, self._features, columns, right)
        return figure

    def __repr__(self) -> str:
        if self.outcome is None:
            return f"Inside {self.model.name!r}: {self._note}"
        lines = [f"Inside {self.model.name!r}: {headline(self.outcome)}"]
        lines += [self._note] if self._note else []
        index = self.outcome.worst(5)
        rows = zip(self.outcome.places[index], captions(self.outcome, index, 30), strict=True)
        lines += [f"  #{place}: true {t}, predicted {p}, {sure}" for place, (t, p, sure) in rows]
        return "\n".join(lines)

    def _ipython_display_(self) -> None:
        if self._note:  # a page shows of a picture's words nothing
            display({"text/plain": textwrap.fill(self._note, WIDTH)}, raw=True)
        display({"image/png": to_png(self.summary()), "text/plain": repr(self)}, raw=True)
        # in words for where widgets are not known: the tabs' own text is a list of objects
        bundle = self.widget._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        text = f"(Tabs: {', '.join(self.titles)}. They need a kernel: run this cell.)"
        display({**bundle, "text/plain": textwrap.fill(text, WIDTH)}, raw=True)

    def _applicable(self) -> list[tuple[str, Callable[[], Any]]]:
        """The tabs that apply to this model and this data: title and what makes the content."""
        parts: list[tuple[str, Callable[[], Any]]] = []
        outcome = self.outcome
        if outcome is not None and outcome.kind == "classes":
            parts.append(("Confusions", self._matrix))
        elif outcome is not None:
            parts.append(("Predicted and true", self._numbers))
        if outcome is not None:
            parts.append(("Worst mistakes", self._mistakes))
        if any(v.ndim >= 2 for v in self.model.weights):
            parts.append(("Weights", self._weights))
        if has_filters(self.model):
            parts.append(("Filters", self._filters))
        if len(flatten(self._x)) == 1:
            parts.append(("Activations", self._activations))
        parts.append(("Health", self._health))
        if outcome is None or len(flatten(self._x)) > 1:
            return parts
        shape = self._x.shape[1:]
        if shape == (2,):
            parts.append(("Boundary", self._boundary))
        if outcome.kind == "classes" and self._pictures is not None and square_side(shape):
            parts.append(("Draw", self._draw))
        return parts

    def _open(self, index: int | None) -> None:
        """Fill a tab, if it is opened for the first time."""
        if index is None or self.titles[index] in self._opened:
            return
        title = self.titles[index]
        self._opened.add(title)
        box = self.widget.children[index]
        box.children = [_words("Working …")]
        try:
            content = self._parts[title]()
        except KerasnbError as error:
            content = _words(str(error))
        except Exception as error:
            box.children = [_words(f"{type(error).__name__}: {error}")]
            raise
        box.children = [content]

    # The tabs

    def _matrix(self) -> Any:
        choose = self._show_example if "Activations" in self._parts else None
        return ConfusionMatrix(self.outcome, self._pictures, self._features, choose)

    def _show_example(self, place: int) -> None:
        """Open the activations of an example."""
        self._place.value = place
        self.widget.selected_index = self.titles.index("Activations")

    def _numbers(self) -> Any:
        return _image(
            draw_numbers(self.outcome), "Predicted against true. " + headline(self.outcome)
        )

    def _mistakes(self) -> Any:
        figure = draw_mistakes(self.outcome, 24, self._pictures, self._features)
        return _image(figure, f"The worst mistakes. {self!r}")

    def _weights(self) -> Any:
        names = [name for name, layer in layers_of(self.model) if layer.weights]
        return self._by_layer(
            [ALL, *names],
            lambda name: weights(self.model, None if name == ALL else name),
            "Weights of {}: maps and histograms",
        )

    def _filters(self) -> Any:
        names = [name for name, layer in layers_of(self.model) if filters_of(layer) is not None]
        return self._by_layer(
            names, lambda name: filters(self.model, name), "Filters of {} as pictures"
        )

    def _by_layer(self, names: list[str], draw: Callable[[str], Any], alternative: str) -> Any:
        choice = ipywidgets.Dropdown(options=names, description="layer")
        return _redrawn(
            [choice], lambda: _image(draw(choice.value), alternative.format(choice.value))
        )

    def _activations(self) -> Any:
        names = [ALL, *(name for name, _ in layers_of(self.model))]
        layer = ipywidgets.Dropdown(options=names, description="layer")
        classes = self.outcome.class_names if self.outcome is not None else None

        def draw() -> Any:
            chosen = None if layer.value == ALL else layer.value
            figure = activations(self.model, self._x[self._place.value], chosen, classes or None)
            return _image(figure, f"What {layer.value} give for example {self._place.value}")

        return _redrawn([self._place, layer], draw)

    def _health(self) -> Any:
        report = health(self.model, self._x, self._y)
        words = f"<details><summary>as text</summary><pre>{escape(repr(report))}</pre></details>"
        picture = _image(report.figure(), "Health. " + " ".join(report.warnings))
        return ipywidgets.VBox([picture, ipywidgets.HTML(words)])

    def _boundary(self) -> Any:
        names = self._features or feature_names_for(None, 2, "inspect")
        figure = draw_boundary(self.model, self.outcome, names, 200)
        return _image(figure, "Decision boundary. " + headline(self.outcome))

    def _draw(self) -> Any:
        return draw_pad(self.model, self._x, self.outcome.class_names)


def _redrawn(controls: list[Any], draw: Callable[[], Any]) -> Any:
    """Controls with a picture below that is drawn anew whenever one of them changes."""
    picture = ipywidgets.VBox([draw()])

    def change(_: Any) -> None:
        try:
            picture.children = [draw()]
        except KerasnbError as error:
            picture.children = [_words(str(error))]

    for control in controls:
        control.observe(change, "value")
    return ipywidgets.VBox([ipywidgets.HBox(controls), picture])


def _image(figure: Any, alternative: str) -> Any:
    """A figure as a widget, with a text for who cannot see it."""
    data = base64.b64encode(to_png(figure)).decode("ascii")
    return ipywidgets.HTML(
        f'<img alt="{escape(alternative)}" style="max-width: 100%" '
        f'src="data:image/png;base64,{data}">'
    )


def _words(text: str) -> Any:
    return ipywidgets.HTML(f"<p>{escape(text)}</p>")
