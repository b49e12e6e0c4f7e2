"""The weights of layers: histograms and maps, and filters as pictures. Imports checks, pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.notebook.figures import COLORS, new_figure
from kerasnb.notebook.insight.checks import (
    check_count,
    host,
    require_built,
    select_layers,
    shorten,
)
from kerasnb.notebook.insight.pictures import PLAIN, SQUARES, WARNING, mosaic

__all__ = ["filters", "filters_of", "has_filters", "weights"]

ROWS = 12
DIVERGING = "PuOr"  # purple below 0, orange above, told apart by everybody; white is 0
_CELLS = 400  # of a map along each side: more than there are pixels to see them


def weights(model: Any, layer: Any = None) -> Any:
    """A figure of the kernels: as a map, white where a weight is 0, and as a histogram.

    A weight that is NaN or infinite is grey.

    Args:
        model: a built model.
        layer: a layer, its name or place, to see its weights alone; all layers if None.

    Returns:
        A ``matplotlib.figure.Figure`` with one row a kernel, up to 12.

    Raises:
        GraphError: the model is not built.
        ArgumentError: there is no such layer, or none has weights.
    """
    require_built(model, "weights")
    chosen = _kernels(select_layers(model, layer, "weights"), all_weights=layer is not None)
    if not chosen:
        what = f"model {model.name!r}" if layer is None else f"layer {layer!r:.80}"
        raise ArgumentError(f"weights: {what} has no weights to show.")
    shown = chosen[:ROWS]
    figure = new_figure(8.2, 1.75 * len(shown) + 0.4)
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1.6, 1))
    for (name, value), (map_axes, histogram_axes) in zip(shown, grid, strict=True):
        _draw_map(figure, map_axes, value)
        _draw_histogram(histogram_axes, value)
        map_axes.set_title(f"{shorten(name, 40)}  {value.shape}", fontsize=9.5, loc="left", **PLAIN)
    if len(shown) < len(chosen):
        figure.supxlabel(
            f"The first {len(shown)} of {len(chosen)} kernels; pass layer= for another one.",
            fontsize=8,
        )
    return figure


def filters(model: Any, layer: Any = None, count: int = 64) -> Any:
    """A figure of a layer's filters as pictures, on one scale around 0 for all.

    Without `layer` these are the filters of the first convolution; in a network without one, what
    each unit of a first dense layer looks for in 8×8 or 28×28 pixels. Filters of three colours in
    the first layer are shown in colour, with grey as 0.

    Args:
        model: a built model.
        layer: a layer, its name or place.
        count: the most filters to show.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        GraphError: the model is not built.
        ArgumentError: there is no such layer, or it has no filters.
    """
    require_built(model, "filters")
    count = check_count(count, "count", "filters", most=256)
    found = [
        (name, kernel)
        for name, each in select_layers(model, layer, "filters")
        if (kernel := filters_of(each)) is not None
    ]
    if not found:
        where = f"model {model.name!r}" if layer is None else f"layer {layer!r:.80}"
        raise ArgumentError(
            f"filters: {where} has no filters that can be seen as pictures. Pass a convolution, "
            "or a dense layer on 8×8 or 28×28 pixels; weights(model) shows every kernel."
        )
    name, kernel = found[0]
    return _draw_filters(name, kernel, count)


def has_filters(model: Any) -> bool:
    """Whether `filters` has something to show of a model."""
    layers = select_layers(model, None, "filters")
    return any(filters_of(layer) is not None for _, layer in layers)


def _kernels(layers: list[tuple[str, Layer]], all_weights: bool) -> list[tuple[str, np.ndarray]]:
    """The weights with at least two axes, by name; with `all_weights` the others too."""
    found: dict[int, tuple[str, np.ndarray]] = {}
    for name, layer in layers:
        for variable in layer.weights:
            if variable.ndim >= 2 or (all_weights and variable.size > 1):
                label = (
                    variable.path if variable.path.startswith(name) else f"{name}/{variable.name}"
                )
                found[id(variable)] = (label, host(variable.value).astype("float64"))
    return list(found.values())


def filters_of(layer: Layer) -> np.ndarray | None:
    """Filters as ``(n, H, W, channels)``; None if the layer has none."""
    kernel = getattr(layer, "depthwise_kernel", None)
    kernel = getattr(layer, "kernel", None) if kernel is None else kernel
    if kernel is None:
        return None
    kind, value = type(layer).__name__, host(kernel.value).astype("float64")
    if "Conv" in kind and value.ndim == 4:
        h, w, before, after = value.shape
        if "Depthwise" in kind or "Separable" in kind:  # one picture a channel and filter
            return np.moveaxis(value.reshape(h, w, before * after), -1, 0)[..., None]
        # a transposed convolution lists its outputs first
        return np.moveaxis(value, 2 if "Transpose" in kind else 3, 0)
    if value.ndim == 2 and value.shape[0] in SQUARES:
        # (pixels, units) -> (units, H, W, 1)
        return value.T.reshape(value.shape[1], *SQUARES[value.shape[0]], 1)
    return None


def _draw_filters(name: str, kernel: np.ndarray, count: int) -> Any:
    total, channels = len(kernel), kernel.shape[-1]
    kernel = kernel[:count]
    largest = _largest(kernel)
    colour = channels == 3
    if colour or channels == 1:
        maps = kernel * 0.5 / largest + 0.5 if colour else kernel[..., 0]
        columns = math.ceil(math.sqrt(len(maps) * 2))
    else:  # one row a filter, one column a channel
        kernel = kernel[:16, ..., :16]
        columns = kernel.shape[-1]
        maps = np.moveaxis(kernel, -1, 1).reshape(-1, *kernel.shape[1:3])  # -> (n * channels, H, W)
    rows = math.ceil(len(maps) / columns)
    side = min(0.8, 8.5 / columns)
    figure = new_figure(max(columns * side + 1.0, 4.5), max(rows * side + 0.7, 1.8))
    axes = figure.subplots()
    sheet = mosaic(maps, columns)
    if colour:
        axes.imshow(np.nan_to_num(sheet, nan=1.0).clip(0, 1), interpolation="nearest")
    else:
        shown = axes.imshow(
            sheet, cmap=DIVERGING + "_r", vmin=-largest, vmax=largest, interpolation="nearest"
        )
        _scale(figure, axes, shown)
    axes.axis("off")
    shape = f"{kernel.shape[1]}×{kernel.shape[2]}"
    text = f"{shorten(name, 40)}: {total} filters of {shape}"
    if not colour and channels > 1:
        text += f" × {channels} channels (a row is a filter, a column a channel)"
    shown_filters = len(kernel)
    if shown_filters < total or (kernel.shape[-1] < channels):
        text += f"; the first {shown_filters}"
    axes.set_title(text, fontsize=10, loc="left", **PLAIN)
    return figure


def _draw_map(figure: Any, axes: Any, value: np.ndarray) -> None:
    flat = value.reshape(-1, value.shape[-1])  # (..., out) -> (in, out)
    along, down = "units", "inputs"
    if flat.shape[0] > flat.shape[1]:  # the longer side lies along the page
        flat, along, down = flat.T, down, along
    flat = flat[:: math.ceil(flat.shape[0] / _CELLS), :: math.ceil(flat.shape[1] / _CELLS)]
    largest = _largest(flat)
    shown = axes.imshow(
        flat, cmap=DIVERGING + "_r", vmin=-largest, vmax=largest, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    axes.set_facecolor("0.6")  # seen where a weight is NaN or infinite
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(along, fontsize=7.5, labelpad=2)
    axes.set_ylabel(down, fontsize=7.5, labelpad=2)
    axes.spines[:].set_color("0.8")
    _scale(figure, axes, shown)


def _draw_histogram(axes: Any, value: np.ndarray) -> None:
    finite = value[np.isfinite(value)]
    bad = value.size - finite.size
    if finite.size:
        axes.hist(finite, bins=50, color=COLORS[0])
        axes.axvline(0, color="0.4", linewidth=0.8)
        text = f"mean {finite.mean():.2g}, standard deviation {finite.std():.2g}"
    else:
        text = "no finite weight"
    if bad:
        text = f"{bad:,} of {value.size:,} are NaN or infinite"
    axes.set_title(text, fontsize=8.5, color=WARNING if bad else "black")
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _scale(figure: Any, axes: Any, shown: Any) -> None:
    bar = figure.colorbar(shown, ax=axes, pad=0.01, aspect=12)
    bar.ax.tick_params(labelsize=7.5)
    bar.outline.set_visible(False)


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0
