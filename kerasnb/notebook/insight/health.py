"""What is wrong with a network, layer by layer, and what to try. Imports probe and outcome.

Measured on some examples, in a scope in which nothing lasts: gradients and the update that the
optimizer would make (as in `fit`), and what the layers give (as in `predict`).
"""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from kerasnb import activations, tree
from kerasnb.autodiff import GradientTape
from kerasnb.layers.base import Layer
from kerasnb.models.objectives import Objective
from kerasnb.models.trainer import Trainer
from kerasnb.notebook.figures import COLORS, new_figure, to_small_png
from kerasnb.notebook.insight import advice
from kerasnb.notebook.insight.checks import (
    batch_size_for,
    check_count,
    example_count,
    host,
    layers_of,
    require_built,
    shorten,
    spread,
    take,
    to_arrays,
)
from kerasnb.notebook.insight.pictures import PLAIN, WARNING
from kerasnb.notebook.insight.probe import layer_values, unchanged
from kerasnb.tensor import as_tensor

__all__ = ["HealthReport", "health"]

# of a sigmoid or tanh, this close to an end the slope is below a twenty-fifth of the largest
_SATURATED = 0.01
_MOST_BARS = 40
_RELU = {activations.relu, activations.relu6}


class HealthReport:
    """What `health` found.

    Attributes:
        rows: one dictionary a layer, of plain data: ``layer``, ``type``, ``shape``, ``parameters``,
            ``gradient`` (the length of the gradient of its weights), ``weight`` (the length of its
            kernels), ``ratio`` (of the kernels' gradient to them), ``update`` (the part by which
            the next step changes the kernels), ``dead`` and ``saturated`` (shares of units),
            ``constant`` (whether it gives the same for every example) and ``not_finite`` (NaN and
            infinite values in weights, output or gradient). None stands for what does not apply.
        warnings: one sentence or two each, with what to try.
        loss: of the examples.
        examples: how many were looked at.
    """

    def __init__(self, rows: list[dict], warnings: list[str], loss: float | None, examples: int):
        self.rows, self.warnings, self.loss, self.examples = rows, warnings, loss, examples

    def __repr__(self) -> str:
        head = ["layer", "type", "gradient", "weight", "update", "dead", "saturated"]
        cells = [head, *([_cell(row, name) for name in head] for row in self.rows)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
        lines = [self._title(), ""]
        for line in cells:
            padded = [
                text.ljust(w) if i < 2 else text.rjust(w)
                for i, (text, w) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
        lines.append("")
        wrap = textwrap.TextWrapper(88, initial_indent="- ", subsequent_indent="  ")
        return "\n".join(lines + [wrap.fill(w) for w in self.warnings or ["Nothing unusual."]])

    def _title(self) -> str:
        loss = "" if self.loss is None else f", loss {self.loss:.4g}"
        return f"Health, measured on {self.examples:,} examples{loss}"

    def _repr_png_(self) -> bytes:
        return to_small_png(self.figure())

    def figure(self) -> Any:
        """The report as a ``matplotlib.figure.Figure``: bars for each layer, warnings below."""
        texts = self.warnings or ["Nothing unusual."]
        wrapped = [textwrap.fill(text, 125, subsequent_indent="   ") for text in texts]
        lines = sum(text.count("\n") + 1.3 for text in wrapped)
        measured = ("gradient", "dead", "saturated")
        every = [row for row in self.rows if any(row[name] is not None for name in measured)]
        rows = every[:_MOST_BARS]
        if len(rows) < len(every):
            wrapped.append(f"{len(every) - len(rows)} more layers are in .rows.")
        bars, below = 0.32 * max(len(rows), 3) + 0.9, 0.19 * lines + 0.15
        figure = new_figure(9.5, bars + below + 0.3)
        top, bottom = figure.subfigures(2, 1, height_ratios=(bars, below))
        panels = top.subplots(1, 3, sharey=True)
        places = np.arange(len(rows))
        _log_bars(panels[0], places, rows, "gradient", COLORS[0])
        _log_bars(panels[1], places, rows, "update", COLORS[2])
        _share_bars(panels[2], places, rows)
        panels[0].set_yticks(places, [shorten(r["layer"], 28) for r in rows], **PLAIN)
        panels[0].set_ylim(max(len(rows), 1) - 0.5, -0.5)
        panels[0].set_title("length of the gradient", fontsize=9.5)
        panels[1].set_title("part changed by the next step", fontsize=9.5)
        panels[2].set_title("dead (blue), saturated (orange)", fontsize=9.5)
        for axes in panels:
            axes.tick_params(labelsize=8.5, left=False)
            axes.grid(axis="x", alpha=0.3)
            axes.spines[["top", "right", "left"]].set_visible(False)
        figure.suptitle(self._title(), fontsize=11)
        bottom.text(
            0.01, 0.97, "\n".join(f"•  {text}" for text in wrapped), va="top", fontsize=8.8,
            color=WARNING if self.warnings else "black", **PLAIN,
        )  # fmt: skip
        return figure


def health(model: Any, x: Any, y: Any, examples: int = 256) -> HealthReport:
    """A report of each layer's gradient, next update, dead and saturated units, with advice.

    Nothing changes: neither weights nor optimizer, metrics or seeds. A model that is not compiled
    has no gradients; one that was never fitted no update.

    Args:
        model: a built model.
        x: inputs as arrays; some are taken, spread evenly.
        y: targets as `fit` takes them; None if the model is not compiled.
        examples: how many to look at, at most; fewer where they are large.

    Returns:
        A `HealthReport`: ``.figure()`` draws it, as a notebook does; `print` shows it as text;
        ``.rows`` and ``.warnings`` are plain data.

    Shape:
        x ``(N, ...)``, y as the loss takes it.

    Raises:
        GraphError: the model is not built.
        ShapeError: lengths differ, or the targets do not fit the loss.
        ArgumentError: `x` or `y` are no arrays.
    """
    require_built(model, "health")
    most = check_count(examples, "examples", "health")
    x, y = to_arrays(x, y, "health")
    index = spread(example_count(x), min(most, batch_size_for(x)))
    x, y = take(x, index), None if y is None else take(y, index)
    values = layer_values(model, x)
    loss, gradients, updates = _learning(model, x, y)
    by_layer = {id(value.layer): value for value in reversed(values)}
    last = values[-1].layer if values else None
    rows = [
        _row(name, layer, by_layer.get(id(layer)), gradients, updates, layer is last)
        for name, layer in layers_of(model)
    ]
    if all(bool((array == array[:1]).all()) for array in tree.flatten(x)):
        rows = [{**row, "constant": False} for row in rows]  # equal examples prove nothing
    warnings = advice.about_inputs(x) + advice.about(rows, len(index), loss)
    return HealthReport(rows, warnings, loss, len(index))


def _learning(model: Any, x: Any, y: Any) -> tuple[float | None, dict, dict]:
    """The loss of a batch; and by variable, its gradient and what the next update would add."""
    if not model.compiled or y is None:
        return None, {}, {}
    variables = model.trainable_variables
    with unchanged(model) as scope, np.errstate(all="ignore"):
        inputs = tree.map_structure(as_tensor, x)
        with GradientTape() as tape:
            loss = _loss(model, inputs, tree.map_structure(as_tensor, y))
        found = tape.gradient(loss, variables)
        gradients = {id(v): g for v, g in zip(variables, found, strict=True) if g is not None}
        updates = {}
        if model.optimizer.built and gradients:
            moving = [v for v in variables if id(v) in gradients]
            before = {id(v): host(v.value) for v in moving}
            model.optimizer.apply([gradients[id(v)] for v in moving], moving)
            updates = {
                id(v): host(scope.writes[v]) - before[id(v)] for v in moving if v in scope.writes
            }
    return float(loss), {key: host(g) for key, g in gradients.items()}, updates


def _loss(model: Any, x: Any, y: Any) -> Any:
    """The loss that a step of `fit` would minimise."""
    y_pred = model(x, training=True)
    if model._objective.losses is not None or type(model).compute_loss is not Trainer.compute_loss:
        return model.compute_loss(x=x, y=y, y_pred=y_pred, training=True)
    # never fitted: an objective made for the purpose, so that the model gets no metrics from here
    objective = Objective(model.loss, None, None, None)
    objective.build(model, y, y_pred)
    total = None if objective.losses is None else objective.losses(y, y_pred, None, 1)
    for extra in model.losses:
        total = extra if total is None else total + extra
    return total


def _row(
    name: str, layer: Layer, value: Any, gradients: dict, updates: dict, is_last: bool
) -> dict:
    variables = layer.weights
    kernels = [v for v in variables if v.ndim >= 2]
    weights = [host(v.value) for v in variables]
    output = None if value is None else value.output.numpy()
    found = [gradients[id(v)] for v in variables if id(v) in gradients]
    weight = _length([host(v.value) for v in kernels])
    slope = _length([gradients[id(v)] for v in kernels if id(v) in gradients])
    step = _length([updates[id(v)] for v in kernels if id(v) in updates])
    dead, saturated = (None, None) if output is None else _idle(layer, output, is_last)
    return {
        "layer": name,
        "type": type(layer).__name__,
        "shape": None if output is None else tuple(int(d) for d in output.shape[1:]),
        "parameters": sum(v.size for v in variables),
        "gradient": _length(found),
        "weight": weight,
        "ratio": slope / weight if slope is not None and weight else None,
        "update": step / weight if step is not None and weight else None,
        "dead": dead,
        "saturated": saturated,
        "constant": output is not None and bool((output == output[:1]).all()),
        "not_finite": {
            "weights": _not_finite(weights),
            "output": 0 if output is None else _not_finite([output]),
            "gradient": _not_finite(found),
        },
    }


def _idle(layer: Layer, output: np.ndarray, is_last: bool) -> tuple[float | None, float | None]:
    """The share of units that are 0 for all examples, and of values near an end of a sigmoid.

    A unit of a convolution is a filter: it is dead if it is 0 in every place. An output layer is to
    be sure, so its saturation means nothing.
    """
    function = _activation_of(layer)
    if function in _RELU:
        axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
        units = np.moveaxis(output, axis, -1).reshape(-1, output.shape[axis])  # -> (all, units)
        return float((units == 0).all(axis=0).mean()), None
    if is_last or function not in (activations.sigmoid, activations.tanh):
        return None, None
    low = 0.0 if function is activations.sigmoid else -1.0
    margin = _SATURATED * (1.0 - low)
    return None, float(((output < low + margin) | (output > 1.0 - margin)).mean())


def _activation_of(layer: Layer) -> Any:
    """The function that gives the layer's output; None if that is none of a single kind."""
    if type(layer).__name__ == "ReLU":
        return activations.relu if not (layer.negative_slope or layer.threshold) else None
    inner = hasattr(layer, "cell") or hasattr(layer, "recurrent_activation")
    return None if inner else getattr(layer, "activation", None)


def _length(arrays: list[np.ndarray]) -> float | None:
    """The Euclidean length of all numbers in `arrays`; None if there are no arrays."""
    if not arrays:
        return None
    with np.errstate(all="ignore"):
        return float(np.sqrt(sum((a.astype("float64") ** 2).sum() for a in arrays)))


def _not_finite(arrays: list[np.ndarray]) -> int:
    return sum(int((~np.isfinite(a)).sum()) for a in arrays)


def _cell(row: dict, name: str) -> str:
    value = row[name]
    if value is None:
        return "-"
    if name in ("dead", "saturated"):
        return f"{100 * value:.0f} %"
    return shorten(value, 40) if isinstance(value, str) else f"{value:.2g}"


def _log_bars(axes: Any, places: np.ndarray, rows: list[dict], name: str, color: str) -> None:
    values = [row[name] for row in rows]
    drawn = [(p, v) for p, v in zip(places, values, strict=True) if v and np.isfinite(v)]
    if not drawn:
        known = any(v is not None for v in values)
        axes.text(
            0.5, 0.5, "no finite number" if known else "not known before fit", fontsize=9,
            transform=axes.transAxes, ha="center", color="0.4",
        )  # fmt: skip
        axes.set_xticks([])
        return
    low = 10.0 ** np.floor(np.log10(min(v for _, v in drawn)) - 0.3)
    axes.set_xscale("log")
    axes.barh([p for p, _ in drawn], [v for _, v in drawn], height=0.6, color=color)
    axes.set_xlim(low, 10.0 ** np.ceil(np.log10(max(v for _, v in drawn)) + 0.6))
    for place, value in drawn:
        axes.text(value * 1.15, place, f"{value:.2g}", va="center", fontsize=8)
    if name == "update":
        axes.axvspan(*advice.USUAL_UPDATE, color="0.9", zorder=0)


def _share_bars(axes: Any, places: np.ndarray, rows: list[dict]) -> None:
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    for place, row in zip(places, rows, strict=True):
        for name, color in (("dead", COLORS[0]), ("saturated", COLORS[1])):
            if row[name] is not None:
                axes.barh(place, 100 * row[name], height=0.6, color=color)
                axes.text(
                    100 * row[name] + 2, place, f"{100 * row[name]:.0f} %", va="center", fontsize=8
                )
