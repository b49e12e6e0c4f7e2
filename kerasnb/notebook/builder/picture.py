"""The canvas as a figure, which becomes PNG or SVG. Imports view and figures.

It shows what the page shows, from the same data.
"""

from __future__ import annotations

import re
from typing import Any

from kerasnb.notebook.builder.palette import color_of
from kerasnb.notebook.builder.session import Session
from kerasnb.notebook.builder.view import state_of
from kerasnb.notebook.figures import COLORS, new_figure
from kerasnb.notebook.insight.pictures import PLAIN

__all__ = ["picture"]

PIXELS = 100.0  # of the canvas, an inch
MARGIN = 14.0
MOST = 90.0  # inches: a picture of a larger canvas is made smaller
INK, FAINT, LINE, SHEET = "#1f2328", "#59636e", "#8c959f", "#f0f3f6"
ERROR = COLORS[1]

_POINT = re.compile(r"([MLC])([^MLC]*)")


def picture(session: Session) -> Any:
    """A ``matplotlib.figure.Figure`` of the canvas, on white."""
    state = state_of(session, "", 0)
    width = max(state["width"], 260) + 2 * MARGIN
    height = max(state["height"], 40) + 2 * MARGIN
    scale = min(1.0, MOST * PIXELS / max(width, height)) / PIXELS
    figure = new_figure(width * scale, height * scale, layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, width - MARGIN)
    axes.set_ylim(height - MARGIN, -MARGIN)  # y grows downwards
    if not state["nodes"]:
        _write(axes, 0, 20, "An empty model", 9, FAINT)
    for node in state["nodes"]:
        _draw_box(axes, node, 72 * scale)
    for edge in state["edges"]:
        _draw_line(axes, edge, 72 * scale)
    return figure


def _draw_box(axes: Any, node: dict, unit: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, height = (node[k] for k in ("x", "y", "width", "height"))
    end = node["kind"] in ("input", "output")
    radius = height / 2 if end else 6
    style = f"round,pad=0,rounding_size={radius}"
    problem = node["problem"]
    bad = problem is not None and problem["level"] == "error"
    open_ = height > 60
    axes.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle=style, linewidth=1.6 if bad else 0.9,
            facecolor=SHEET if end or open_ else "white", edgecolor=ERROR if bad else LINE,
            zorder=1,
        )
    )  # fmt: skip
    if not end:
        color = color_of(node["family"])
        axes.plot([x + 4, x + 4], [y + 8, y + height - 8], color=color, lw=3 * unit, zorder=2)
    name = node["name"]
    if node["kind"] == "repeat":
        name = f"{name} × {node['count']}"
    first = y + (height / 2 + 4 if end else 18)
    _write(axes, x + 12, first, _cut(name, 20), 11 * unit, INK, "bold")
    if end:
        _write(axes, x + width - 12, first, node["type"], 9.5 * unit, FAINT, side="right")
        return
    _write(axes, x + width - 8, first, _cut(node["type"], 22), 9.5 * unit, FAINT, side="right")
    below = [node["note"], f"{node['parameters']:,} params" if node["parameters"] else ""]
    if not open_:
        _write(axes, x + 12, y + 38, _cut(below[0], 24), 9.5 * unit, FAINT)
        _write(axes, x + width - 8, y + 38, below[1], 9.5 * unit, FAINT, side="right")


def _draw_line(axes: Any, edge: dict, unit: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes, points = [], []
    for letter, numbers in _POINT.findall(edge["path"]):
        pairs = [float(n) for n in re.findall(r"-?[\d.]+", numbers)]
        own = list(zip(pairs[::2], pairs[1::2], strict=True))
        code = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4}[letter]
        codes += [code] * len(own)
        points += own
    color = ERROR if edge["bad"] else LINE
    axes.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=color, lw=1.1, zorder=3))
    x, y = points[-1]
    axes.fill([x, x - 3.5, x + 3.5], [y, y - 6, y - 6], color=color, zorder=4)
    if edge["shape"]:
        box = {"boxstyle": "round,pad=0.25", "facecolor": "#eef1f4", "edgecolor": "none"}
        _write(
            axes,
            edge["x"],
            edge["y"] + 3,
            edge["shape"],
            8.5 * unit,
            FAINT,
            side="center",
            bbox=box,
        )


def _write(
    axes: Any, x: float, y: float, text: str, size: float, color: str, weight: str = "normal",
    side: str = "left", bbox: dict | None = None,
) -> None:  # fmt: skip
    axes.text(
        x, y, text, fontsize=size, color=color, weight=weight, ha=side, va="baseline", bbox=bbox,
        zorder=5, **PLAIN,
    )  # fmt: skip


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
