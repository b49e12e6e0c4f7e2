"""Models as files: pictures, and graphs in Graphviz's language. Imports errors and screen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kerasnb import screen
from kerasnb.errors import unknown

__all__ = ["Dot", "model_to_dot", "plot_model"]

KINDS = (".jpeg", ".jpg", ".pdf", ".png", ".svg")
DIRECTIONS = ("BT", "LR", "RL", "TB")


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Write a picture of the graph of `model` to a file, without Graphviz.

    It always has the classes, settings, parameters and cost of the layers. In a notebook, `model`
    at the end of a cell shows all there is to show.

    Args:
        model: any model, also one that is not built.
        to_file: the path, which ends in ``.png``, ``.svg``, ``.pdf`` or ``.jpg``.
        show_shapes: whether to write shapes on the lines.
        show_dtype: whether to write dtypes there.
        show_layer_names: whether to write the layers' names.
        rankdir: the direction, ``"TB"`` from top to bottom or ``"LR"`` from left to right.
        expand_nested: whether to draw the layers of models within; of those with one output.
        dpi: dots in an inch; of no matter for ``.svg``.
        show_layer_activations: whether to write activations.
        show_trainable: whether to write which layers learn.
        splines: accepted so that code for Keras runs.

    Returns:
        In a notebook the picture, which it shows; else None.

    Raises:
        ArgumentError: another kind of file or direction is asked for, or `model` is no model.
        MissingDependency: matplotlib is not installed, which makes all kinds but ``.svg``.
    """
    path = Path(os.fspath(to_file))
    if path.suffix and path.suffix.lower() not in KINDS:
        raise unknown("kind of file in plot_model:", path.suffix, KINDS)
    if rankdir not in ("LR", "TB"):
        raise unknown("rankdir of plot_model:", rankdir, ("LR", "TB"))
    shows = _shows(
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    files = screen.view("model_files")
    files.write_picture(model, path, rankdir == "LR", dpi, expand_nested, shows)
    return files.shown(path) if screen.in_notebook() else None


class Dot:
    """A graph in Graphviz's language.

    Attributes:
        source: the text.
    """

    def __init__(self, source: str):
        self.source = source

    def to_string(self) -> str:
        """The text, as pydot calls it."""
        return self.source

    def __str__(self) -> str:
        return self.source

    def write(self, path: Any) -> None:
        """Write the text to a file, of which Graphviz's ``dot`` makes pictures."""
        Path(path).write_text(self.source, encoding="utf-8")


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Dot:
    """The graph of `model` in Graphviz's language, which is text: no other program is needed.

    Args:
        model: any model, also one that is not built.
        show_shapes: whether to write shapes.
        show_dtype: whether to write dtypes.
        show_layer_names: whether to write the layers' names.
        rankdir: the direction, ``"TB"`` from top to bottom, ``"LR"``, ``"BT"`` or ``"RL"``.
        expand_nested: whether to write the layers of models within; of those with one output.
        dpi: dots in an inch.
        subgraph: whether it is to be part of another graph.
        show_layer_activations: whether to write activations.
        show_trainable: whether to write which layers learn.
        splines: how Graphviz draws lines.

    Raises:
        ArgumentError: `model` is no model, or `rankdir` no direction.

    Example:
        >>> import kerasnb
        >>> x = kerasnb.Input((2,), name="x")
        >>> y = kerasnb.layers.Dense(1, name="y")(x)
        >>> print(model_to_dot(kerasnb.Model(x, y, name="line")))
        digraph "line" {
          graph [rankdir=TB, dpi=200, splines=ortho, concentrate=true];
          node [shape=record, fontname="Helvetica"];
          n0 [label="{x (Input)}"];
          n1 [label="{y (Dense)}"];
          n2 [label="{y (Output)}"];
          n0 -> n1;
          n1 -> n2;
        }
    """
    if rankdir not in DIRECTIONS:
        raise unknown("rankdir", rankdir, DIRECTIONS)
    shows = _shows(
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    view = screen.view("model_files")
    return Dot(view.model_dot(model, rankdir, dpi, splines, expand_nested, subgraph, shows))


def _shows(shapes: bool, dtype: bool, names: bool, activations: bool, trainable: bool) -> dict:
    return {
        "show_shapes": shapes,
        "show_dtype": dtype,
        "show_layer_names": names,
        "show_layer_activations": activations,
        "show_trainable": trainable,
    }
