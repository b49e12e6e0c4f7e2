"""Models as files: pictures, and graphs in words. Imports errors and screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerasnb import screen
from kerasnb.errors import ArgumentError, unknown

__all__ = ["plot_model"]


def plot_model(model: Any, to_file: Any = "model.svg", **kwargs: Any) -> None:
    """Write a picture of the graph of `model` to an SVG file, which browsers and editors show.

    It always has the names, classes, settings, parameters and cost of the layers, and the shapes
    between them; models within it are one box each. In a notebook, `model` at the end of a cell
    shows the same.

    Args:
        model: any model, also one that is not built.
        to_file: the path, which ends in ``.svg``.
        kwargs: Keras's arguments `show_shapes`, `show_dtype`, `show_layer_names`, `rankdir`,
            `expand_nested`, `dpi`, `show_layer_activations` and `show_trainable` are accepted for
            Keras's sake and change nothing.

    Raises:
        ArgumentError: another kind of file is asked for, or `model` is no model.
    """
    for name in kwargs:
        if name not in _PLOT_ARGUMENTS:
            raise unknown("argument of plot_model:", name, _PLOT_ARGUMENTS)
    path = Path(to_file)
    if path.suffix.lower() != ".svg":
        raise ArgumentError(
            f"plot_model: expected a path that ends in .svg as to_file, got {str(to_file)!r}. "
            f"Pass to_file={path.stem + '.svg'!r}; a browser or Inkscape makes other formats of it."
        )
    path.write_text(screen.view("svg").model_svg(model), encoding="utf-8")


_PLOT_ARGUMENTS = (
    "dpi", "expand_nested", "rankdir", "show_dtype", "show_layer_activations", "show_layer_names",
    "show_shapes", "show_trainable",
)  # fmt: skip
