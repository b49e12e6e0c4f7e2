"""What is seen inside a model while it is built: badges on nodes in training, and weights.

Imports building and insight.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.building import Built
from kerasnb.notebook.figures import to_small_png
from kerasnb.notebook.insight.health import health
from kerasnb.notebook.insight.probe import layer_values
from kerasnb.notebook.insight.weights import weights
from kerasnb.variable import Variable

__all__ = ["EXAMPLES", "badges", "set_weight", "weights_of"]

EXAMPLES = 64  # that a badge is measured on
BARS = 12
EDITED = 200  # weights that are shown one by one


def badges(built: Built, x: Any, y: Any) -> dict[str, dict[str, Any]]:
    """By the id of a node what its layer gives and learns, measured on some examples.

    Each has ``text`` (the length of the gradient of its weights, or the share of units that are
    dead), ``title`` (all of it in words) and ``bars`` (a histogram of its output, each bar from 0
    to 1). Nothing about the model changes.
    """
    report = {row["layer"]: row for row in health(built.model, x, y).rows}
    outputs: dict[int, np.ndarray] = {}
    for value in layer_values(built.model, x):
        outputs.setdefault(id(value.layer), value.output.numpy())
    found = {}
    for key, layers in built.layers.items():
        layer = layers[0]
        if id(layer) in outputs:
            found[key] = _badge(report.get(layer.name, {}), outputs[id(layer)])
    return found


def _badge(row: dict[str, Any], output: np.ndarray) -> dict[str, Any]:
    numbers = output[np.isfinite(output)].ravel()
    said = []
    if numbers.size:
        said.append(f"gives {numbers.mean():.3g} ± {numbers.std():.3g}")
    if numbers.size < output.size:
        said.append("gives NaN or infinity")
    gradient, dead, saturated = (row.get(name) for name in ("gradient", "dead", "saturated"))
    text = ""
    if gradient is not None and math.isfinite(gradient):
        said.append(f"gradient of length {gradient:.2g}")
        text = f"∇ {gradient:.1g}"
    if saturated:
        said.append(f"{saturated:.0%} saturated")
    if dead:
        said.append(f"{dead:.0%} dead")
        text = f"{dead:.0%} dead"
    if numbers.size < output.size:
        text = "NaN"
    bars = []
    if numbers.size:
        counts = np.histogram(numbers, BARS)[0]
        bars = [round(float(n), 3) for n in counts / counts.max()]
    return {"text": text, "title": ", ".join(said), "bars": bars}


def weights_of(built: Built, key: str) -> dict[str, Any]:
    """The weights of a node's layer as a picture (PNG in base64) and in words, and, if they are
    few, one by one.

    Raises:
        ArgumentError: it has none.
    """
    own = [layer for layer in built.layers.get(key, ()) if layer.weights]
    if not own:
        raise ArgumentError("This box has no weights to look at.")
    layer = own[0]
    words = ", ".join(f"{v.name} {v.shape}" for v in layer.weights)
    more = f" The first of {len(own)} repetitions." if len(own) > 1 else ""
    numbers = sum(v.size for v in layer.weights)
    table = [_table(v) for v in layer.weights] if numbers <= EDITED and len(own) == 1 else []
    picture = base64.b64encode(to_small_png(weights(built.model, layer))).decode("ascii")
    text = f"Weights of {layer.name}: {words}.{more}"
    return {"png": picture, "text": text, "weights": table}


def _table(variable: Variable) -> dict[str, Any]:
    values = [float(f"{v:.6g}") for v in variable.numpy().ravel().tolist()]
    return {"name": variable.name, "shape": list(variable.shape), "values": values}


def set_weight(built: Built, key: str, number: int, place: int, value: float) -> float:
    """Change one weight of a node's layer by hand; what it was before.

    Args:
        built: the model.
        key: the node.
        number: of the variable among the layer's weights.
        place: of the weight in it, row by row.
        value: the new one.

    Raises:
        ArgumentError: there is no such weight, or the model is being trained at this moment.
    """
    layers = built.layers.get(key, ())
    variables = layers[0].weights if layers else []
    if number >= len(variables) or place >= variables[number].size:
        raise ArgumentError("There is no such weight.")
    values = variables[number].numpy()
    before = float(values.flat[place])
    values.flat[place] = value
    variables[number].assign(values)
    return before
