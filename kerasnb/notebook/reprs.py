"""How models, layers and tensors show themselves in a notebook.

Imports svg, labels and models. A bundle holds text for terminals, and HTML without script, style
sheet or reference to anything outside: a picture in it is an ``img`` with its data, which is also
seen in notebooks that are not trusted and can run nothing.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from kerasnb import backends
from kerasnb.layers.base import Layer
from kerasnb.models.cost import CALL_ERRORS
from kerasnb.models.description import describe, is_weightless, output_specs, settings_of
from kerasnb.models.summary import printable, summary_text
from kerasnb.models.trainer import Trainer
from kerasnb.notebook.labels import escape, flop, parameters, settings, shape_text
from kerasnb.notebook.svg import Drawing, draw
from kerasnb.tensor import Tensor
from kerasnb.tree import flatten
from kerasnb.variable import Variable

__all__ = ["mimebundle", "model_html"]

LISTED = 60  # layers of a model whose summary is in its text
ROWS = 200  # of a table
WITHIN = 20  # pictures of models within a model
COUNTED = 10_000_000  # numbers of which the least, the mean and the greatest are found
SIDES = (8, 512)  # of a tensor that is shown as a picture
SEEN = 112  # pixels of its longer side
FRAMES = 6  # of a batch
LINES = 16  # of numbers


def mimebundle(obj: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a model, a layer, a tensor or a variable.

    Args:
        obj: what to show.
        include: the formats that are wanted; SVG is given of models only if it is among them.
        exclude: the formats that are not wanted.

    Returns:
        MIME type -> text: ``text/plain``, which is `repr` and of models the summary; and
        ``text/html`` if there is anything to add.
    """
    found = {"text/plain": _plain(obj)}
    try:
        if isinstance(obj, Trainer):
            description = describe(obj)
            found["text/html"] = model_html(description)
            if "image/svg+xml" in (include or ()):
                found["image/svg+xml"] = draw(description).svg
        elif isinstance(obj, Layer):
            found["text/html"] = _layer_html(obj)
        else:
            found["text/html"] = _tensor_html(obj)
    except CALL_ERRORS:
        # somebody's class, half made or with properties that fail, has at least its text
        found = {"text/plain": found["text/plain"]}
    return {
        kind: text
        for kind, text in found.items()
        if (not include or kind in include) and kind not in (exclude or ())
    }


def _plain(obj: Any) -> str:
    """The text for terminals and screen readers; nothing in it steers a terminal."""
    told = []
    for tell in (repr, _summary):
        with suppress(*CALL_ERRORS):  # somebody's class, half made
            told.append(tell(obj))
    text = "\n".join(filter(None, told)) or f"<{type(obj).__name__}, not ready to be shown>"
    return "\n".join(map(printable, text.split("\n")))


def _summary(obj: Any) -> str:
    """What follows the representation of a model; nothing for anything else."""
    if not isinstance(obj, Trainer):
        return ""
    count = len(obj.layers)
    return f"{count:,} layers; summary() lists them" if count > LISTED else summary_text(obj)


# Models


def model_html(description: dict) -> str:
    """A model that `describe` has described: its picture, and folded beneath it all in a table."""
    parts = [_image(draw(description))]
    if description["nodes"]:
        parts.append(_folded("Layers as a table", _table(description)))
    parts += _inner_models(description, [])
    return f"<div>{''.join(parts)}</div>"


def _inner_models(description: dict, seen: list[int]) -> Iterable[str]:
    """Each model within, once, folded."""
    for node in description["nodes"]:
        inner = node["model"]
        if inner is None or id(inner) in seen or len(seen) >= WITHIN:
            continue
        seen.append(id(inner))
        parts = [_image(draw(inner)), *_inner_models(inner, seen)]
        yield _folded(f"Within {node['type']} {node['name']!r}", "".join(parts))


def _image(drawing: Drawing) -> str:
    data = base64.b64encode(drawing.svg.encode()).decode()
    return (
        f'<img alt="{escape(drawing.words)}" width="{drawing.width}" height="{drawing.height}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


_HEAD = ("layer", "type", "settings", "reads", "output shape", "parameters", "FLOP a sample")


def _table(description: dict) -> str:
    nodes = description["nodes"]
    names = {node["id"]: node["name"] for node in nodes}
    reads: dict[str, list[str]] = {}
    for edge in description["edges"]:
        reads.setdefault(edge["target"], []).append(names[edge["source"]])
    rows = [
        [
            node["name"], node["type"], settings(node), ", ".join(reads.get(node["id"], [])),
            ", ".join(map(shape_text, node["shapes"])), parameters(node),
            "" if node["kind"] == "input" else flop(node["cost"]),
        ]
        for node in nodes[:ROWS]
        if node["kind"] != "output"
    ]  # fmt: skip
    more = len(nodes) - ROWS
    note = f"<p>{more:,} more are left out.</p>" if more > 0 else ""
    return _rows(_HEAD, rows) + note


def _rows(head: Sequence[str], rows: list[list[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


# Layers


def _layer_html(layer: Layer) -> str:
    facts = [f"{key}={value}" for key, value in settings_of(layer).items()]
    specs = [spec for spec in flatten(output_specs(layer)) if spec is not None]
    if specs:
        facts.append(f"gives {', '.join(shape_text(spec.shape) for spec in specs)}")
    weights = layer.weights
    if weights or not (layer.built or is_weightless(layer)):
        count = sum(v.size for v in weights)
        facts.append(f"{count:,} params" if weights else "no weights before the first call")
    top = _top(layer.name, type(layer).__name__, facts)
    rows = [
        [v.path, shape_text(v.shape), v.dtype, f"{v.size:,}", "yes" if v.trainable else "no"]
        for v in weights[:ROWS]
    ]
    if not rows:
        return f"<div>{top}</div>"
    head = ("weight", "shape", "dtype", "numbers", "learns")
    note = f"<p>{len(weights) - ROWS:,} more are left out.</p>" if len(weights) > ROWS else ""
    return f"<div>{top}{_rows(head, rows)}{note}</div>"


def _top(name: str, kind: str, facts: list[str]) -> str:
    about = f"<br>{escape('; '.join(facts))}" if facts else ""
    return f"<p><strong>{escape(name)}</strong> {escape(kind)}{about}</p>"


# Tensors and variables


def _tensor_html(tensor: Tensor | Variable) -> str:
    known = tensor.value if isinstance(tensor, Variable) else tensor
    name = f"Variable {tensor.path}" if isinstance(tensor, Variable) else "Tensor"
    kind = f"{tensor.dtype} {shape_text(tensor.shape)}"
    facts = []
    if isinstance(tensor, Variable):
        facts.append("learns" if tensor.trainable else "does not learn")
    if known.data is None:
        made = f", made by {known.name!r}" if known.name else ""
        facts.append(f"symbolic: it stands for data that comes later{made}")
        return f"<div>{_top(name, kind, facts)}</div>"
    facts.append(f"on {backends.backend_of(known.data).title}")
    values = known.numpy()
    top = _top(name, kind, facts + _statistics(values))
    picture = _thumbnail(values)
    numbers = "" if picture and values.ndim > 2 else f"<pre>{escape(_preview(values))}</pre>"
    return f"<div>{top}{picture}{numbers}</div>"


def _preview(values: np.ndarray) -> str:
    """Some of the numbers."""
    edge = 3 if values.ndim < 3 else 2
    lines = np.array2string(values, separator=", ", threshold=100, edgeitems=edge).split("\n")
    return "\n".join(lines if len(lines) <= LINES else [*lines[:LINES], "…"])


def _statistics(values: np.ndarray) -> list[str]:
    if not 1 < values.size <= COUNTED:
        return []
    if values.dtype == bool:
        return [f"{int(values.sum()):,} of {values.size:,} are True"]
    facts = []
    finite = values
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        missing = int(np.isnan(values).sum())
        endless = values.size - finite.size - missing
        facts += [f"{n:,} {word}" for n, word in ((missing, "NaN"), (endless, "infinite")) if n]
    if finite.size:
        low, mean, high = finite.min(), finite.mean(dtype="float64"), finite.max()
        facts.append(f"from {low:.4g} to {high:.4g}, mean {mean:.4g}")
    return facts


def _thumbnail(values: np.ndarray) -> str:
    """The numbers as grey levels or colours, if they have the shape of pictures."""
    if values.ndim == 2:
        values = values[None, :, :, None]  # (H, W) -> (1, H, W, 1)
    elif values.ndim == 3:
        values = values[None]  # (H, W, C) -> (1, H, W, C)
    if values.ndim != 4 or not len(values) or values.shape[3] not in (1, 3):
        return ""
    height, width = values.shape[1:3]
    if not SIDES[0] <= min(height, width) <= max(height, width) <= SIDES[1]:
        return ""
    frames = values[:FRAMES].astype("float64")
    finite = frames[np.isfinite(frames)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    levels = np.nan_to_num((frames - low) / ((high - low) or 1.0)).clip(0, 1) * 255
    step = math.ceil(max(height, width) / SEEN)
    fine = max(1, SEEN // max(height, width))
    pixels = levels[:, ::step, ::step].repeat(fine, axis=1).repeat(fine, axis=2).astype("uint8")
    words = f"{len(pixels)} of {len(values):,} as pictures" if len(values) > 1 else "as a picture"
    return "".join(
        f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(_png(one)).decode()}"> '
        for one in pixels
    )


def _png(pixels: np.ndarray) -> bytes:
    """A PNG file of bytes ``(H, W, 1)`` or ``(H, W, 3)``."""
    height, width, channels = pixels.shape
    # each row begins with the number of its filter: none
    rows = np.concatenate([np.zeros((height, 1), "uint8"), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
