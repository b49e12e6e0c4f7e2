"""The text of `model.summary()`. Imports layers."""

from __future__ import annotations

import math
from typing import Any

from kerasnb.layers.base import Layer
from kerasnb.layers.symbolic import LayerCall

__all__ = ["summary_text"]


def summary_text(
    model: Any,
    line_length: int | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> str:
    """A table of the layers of `model`, and its numbers of parameters."""
    shapes = _output_shapes(model)
    connected = _connections(model)
    head = ["Layer (type)", "Output Shape", "Param #"]
    if connected:
        head.append("Connected to")
    if show_trainable:
        head.append("Trainable")
    rows = []
    for layer in _in_range(model.layers, layer_range):
        rows += _rows(layer, shapes, connected, show_trainable, expand_nested, 0)
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    if line_length is not None:
        widths[0] = max(widths[0], line_length - sum(widths[1:]) - 3 * len(widths) - 1)
    lines = [f'Model: "{model.name}"', _rule("┏┳┓", widths, "━"), _row(head, widths, "┃")]
    lines.append(_rule("┡╇┩", widths, "━"))
    for i, row in enumerate(rows):
        lines.append(_row(row, widths, "│"))
        lines.append(_rule("└┴┘" if i == len(rows) - 1 else "├┼┤", widths, "─"))
    return "\n".join([*lines, *_totals(model)])


def _rows(layer, shapes, connected, show_trainable, expand_nested, depth) -> list:
    label = "    " * depth + f"{layer.name} ({type(layer).__name__})"
    row = [
        label,
        shapes.get(id(layer), "?"),
        f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
    ]
    if connected:
        row.append(connected.get(id(layer), "-"))
    if show_trainable:
        row.append("Y" if layer.trainable_weights else ("N" if layer.weights else "-"))
    rows = [row]
    if expand_nested and hasattr(layer, "layers"):
        inner = {**shapes, **_output_shapes(layer)}
        for sub in layer.layers:
            rows += _rows(sub, inner, connected, show_trainable, expand_nested, depth + 1)
    return rows


def _in_range(layers: list[Layer], layer_range: Any) -> list[Layer]:
    if layer_range is None:
        return layers
    names = [layer.name for layer in layers]
    return layers[names.index(layer_range[0]) : names.index(layer_range[1]) + 1]


def _graph_nodes(model: Any) -> list[LayerCall]:
    functional = getattr(model, "_functional", None) or model
    return [n for n in getattr(functional, "_nodes", []) if isinstance(n, LayerCall)]


def _output_shapes(model: Any) -> dict[int, str]:
    shapes = {}
    for tensor in getattr(model, "inputs", []) if _graph_nodes(model) else []:
        if "layer" in tensor.node.attrs:
            shapes[id(tensor.node.attrs["layer"])] = str(tensor.shape)
    for node in _graph_nodes(model):
        shapes[id(node.op)] = ", ".join(str(t.shape) for t in node.outputs)
    return shapes


def _connections(model: Any) -> dict[int, str]:
    """What each layer reads, for models that are no simple chain."""
    nodes = _graph_nodes(model)
    if hasattr(model, "_stack") or not nodes:
        return {}
    found: dict[int, list[str]] = {}
    for node in nodes:
        for t in node.inputs:
            source = t.node.op.name if t.node.op is not None else t.node.name
            found.setdefault(id(node.op), []).append(source)
    chain = all(len(v) == 1 for v in found.values())
    return {} if chain else {k: ", ".join(v) for k, v in found.items()}


def _rule(corners: str, widths: list[int], line: str) -> str:
    return corners[0] + corners[1].join(line * (w + 2) for w in widths) + corners[2]


def _row(cells: list[str], widths: list[int], bar: str) -> str:
    padded = [
        f" {c:>{w}} " if i == 2 else f" {c:<{w}} "
        for i, (c, w) in enumerate(zip(cells, widths, strict=True))
    ]
    return bar + bar.join(padded) + bar


_BYTES = {"float16": 2, "float32": 4, "float64": 8, "bool": 1, "int32": 4, "uint32": 4, "int64": 8}


def _totals(model: Any) -> list[str]:
    groups = [
        (" Total params", model.weights),
        (" Trainable params", model.trainable_weights),
        (" Non-trainable params", model.non_trainable_weights),
    ]
    if model.optimizer is not None and model.optimizer.built:
        groups.append((" Optimizer params", model.optimizer.variables))
        groups[0] = (" Total params", [*model.weights, *model.optimizer.variables])
    return [f"{name}: {_count(v)}" for name, v in groups]


def _count(variables: list) -> str:
    size = sum(v.size for v in variables)
    nbytes = sum(v.size * _BYTES.get(v.dtype, 8) for v in variables)
    if nbytes == 0:
        return f"{size:,} (0.00 B)"
    power = min(int(math.log(nbytes, 1024)), 4)
    return f"{size:,} ({nbytes / 1024**power:.2f} {['B', 'KB', 'MB', 'GB', 'TB'][power]})"
