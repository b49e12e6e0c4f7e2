"""`Playground`: a builder with data and a first model on it, ready to train. Imports widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.data import SETS, Data, from_csv, load
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.edits import add, append_output
from kerasnb.notebook.builder.sight import class_names
from kerasnb.notebook.builder.widget import Builder

__all__ = ["Playground"]

EPOCHS, PACE = 500, 25.0  # epochs, and how many a second: so that people can watch


def Playground(data: Any = "moons", y: Any = None) -> Builder:
    """A page to play on: points in a plane (or digits), a small network, and what it makes of them.

    Press Train and see the boundary move, or the mistakes; step by batch, add points, change the
    network, or a single weight by hand.

    Args:
        data: the name of a set (``"moons"``, ``"circles"``, ``"spirals"``, ``"xor"``, ``"digits"``
            or another one of the builder's), inputs as an array, or the text or path of a CSV file.
        y: targets, if `data` is an array; without any, points are drawn by hand.

    Returns:
        The builder, whose `model` is the network.

    Shape:
        data ``(N, ...)``, y ``(N,)``.

    Raises:
        ArgumentError: there is no such set or file.
        LoadError: the file is no table of numbers.

    Example:
        >>> from kerasnb.notebook.builder.playground import Playground
        >>> Playground("xor").model.output_shape
        (None, 2)
    """
    own = _data(data, y)
    builder = Builder(_document=_network(own))
    builder.give(own, epochs=EPOCHS, pace=PACE)
    return builder


def _data(data: Any, y: Any) -> Data:
    if isinstance(data, str) and data in SETS:
        return load(data)
    if isinstance(data, (str, Path)):
        if isinstance(data, str) and "\n" not in data and not Path(data).suffix:
            return load(data)  # raises, with the names that there are
        return from_csv(data)
    x = np.array(data, "float32")
    if y is None:
        if x.size:
            raise ArgumentError("Playground: pass the targets y, too.")
        return Data("points", np.zeros((0, 2), "float32"), np.zeros(0, "int32"), ["0", "1"], "")
    targets = np.asarray(y)
    if len(x) != len(targets):
        raise ArgumentError(f"Playground: {len(x)} inputs, but {len(targets)} targets.")
    names = None
    if targets.dtype.kind in "iub" and targets.ndim == 1:
        names = [str(i) for i in range(int(targets.max()) + 1)]
        targets = targets.astype("int32")
    return Data("own", x, targets, names, "")


def _network(data: Data) -> Document:
    """A small network that fits the data."""
    document = Document(name="playground")
    shape = list(data.x.shape[1:])
    layers: list[tuple[str, dict[str, Any]]] = []
    if len(shape) > 1:
        layers.append(("Flatten", {}))
    layers += [("Dense", {"units": 8, "activation": "tanh"})] * 2
    names = class_names(data)
    if names is not None:
        layers.append(("Dense", {"units": len(names), "activation": "softmax"}))
    else:
        layers.append(("Dense", {"units": 1}))
    start = Node("", "input", type="InputLayer", settings={"shape": shape})
    document, key = add(document, start)
    for type_, settings in layers:
        document, key = add(document, Node("", type=type_, settings=settings), [Edge(key)])
    document, _ = append_output(document, Edge(key))
    return document
