"""A model's picture as a matplotlib figure, which becomes PNG or PDF. Imports figures and svg.

It draws the very marks of which `svg.draw` makes its picture, in the light colours.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from kerasnb.notebook.figures import new_figure
from kerasnb.notebook.svg import Drawing

__all__ = ["figure_of"]

PIXELS = 96.0  # of SVG, an inch
POINT = 72.0 / PIXELS
MARGIN = 8.0
MOST = 90.0  # inches: a larger picture is made smaller
INK, FAINT, LINE, EDGE = "#1f2328", "#59636e", "#8c959f", "#c8ced5"
_FILLS = {"b": ("white", EDGE), "i": ("#f0f3f6", EDGE), "c": ("#eef1f4", "none")}

_PIECE = re.compile(r"([a-zA-Z])([^a-zA-Z]*)")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")


def figure_of(drawing: Drawing) -> Any:
    """A ``matplotlib.figure.Figure`` of a model's picture, on white.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
    scale = min(1.0, MOST * PIXELS / max(width, height))
    figure = new_figure(width * scale / PIXELS, height * scale / PIXELS, layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, width - MARGIN)
    axes.set_ylim(height - MARGIN, -MARGIN)  # y grows downwards
    _draw(axes, ElementTree.fromstring(drawing.svg), (0.0, 0.0), POINT * scale)
    return figure


def _draw(axes: Any, element: ElementTree.Element, at: tuple[float, float], unit: float) -> None:
    """Draw an element and what is in it, moved to `at`; a pixel has `unit` points."""
    moved = element.get("transform")
    if moved:
        x, y = map(float, _NUMBER.findall(moved))
        at = at[0] + x, at[1] + y
    kind = element.tag.rpartition("}")[2]
    if kind == "rect":
        _draw_box(axes, element, at, unit)
    elif kind == "path":
        _draw_path(axes, element, at, unit)
    elif kind == "text":
        _draw_text(axes, element, at, unit)
    for child in element:
        _draw(axes, child, at, unit)


def _draw_box(axes: Any, element: ElementTree.Element, at: tuple, unit: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, height, radius = (
        float(element.get(k)) for k in ("x", "y", "width", "height", "rx")
    )
    words = element.get("class").split()
    fill, edge = _FILLS[words[0]]
    axes.add_patch(
        FancyBboxPatch(
            (at[0] + x, at[1] + y), width, height,
            boxstyle=f"round,pad=0,rounding_size={radius}", facecolor=fill, edgecolor=edge,
            linewidth=unit, linestyle="dashed" if "d" in words else "solid",
            zorder=len(axes.patches) + 1,
        )
    )  # fmt: skip


def _draw_path(axes: Any, element: ElementTree.Element, at: tuple, unit: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    vertices, letters = outline(element.get("d"))
    code = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4, "Q": Path.CURVE3}
    points = [(x + at[0], y + at[1]) for x, y in vertices]
    line = element.get("class") == "e"
    fill = LINE if element.get("class") == "a" else element.get("fill")
    axes.add_patch(
        PathPatch(
            Path(points, [code[letter] for letter in letters]),
            facecolor="none" if line else fill, edgecolor=LINE if line else "none",
            linewidth=1.3 * unit, zorder=len(axes.patches) + 1,
        )
    )  # fmt: skip


def _draw_text(axes: Any, element: ElementTree.Element, at: tuple, unit: float) -> None:
    words = element.get("class").split()
    side = {"end": "right", "middle": "center"}.get(element.get("text-anchor"), "left")
    axes.text(
        at[0] + float(element.get("x")), at[1] + float(element.get("y")), element.text or "",
        fontsize=(10.5 if "s" in words else 12) * unit * 0.92,  # the widths are those of wide fonts
        color=FAINT if "m" in words else INK, weight="bold" if "n" in words else "normal",
        ha=side, va="baseline", zorder=len(axes.patches) + 1, parse_math=False,
    )  # fmt: skip


def outline(path: str) -> tuple[list[tuple[float, float]], list[str]]:
    """The points of an SVG path, absolute, and for each the letter of its curve: M, L, Q or C.

    Example:
        >>> outline("M1 2h3V9")
        ([(1.0, 2.0), (4.0, 2.0), (4.0, 9.0)], ['M', 'L', 'L'])
    """
    points: list[tuple[float, float]] = []
    letters: list[str] = []
    x = y = 0.0
    for letter, rest in _PIECE.findall(path):
        numbers = [float(n) for n in _NUMBER.findall(rest)]
        kind, relative = letter.upper(), letter.islower()
        if kind == "Z":
            numbers, kind, relative = list(points[0]), "L", False
        elif kind in "HV":
            still = 0.0 if relative else (y if kind == "H" else x)
            numbers = [
                n for value in numbers for n in ((value, still)[:: 1 if kind == "H" else -1])
            ]
            kind = "L"
        each = {"M": 1, "L": 1, "Q": 2, "C": 3}[kind]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        for i in range(0, len(pairs), each):
            origin = (x, y) if relative else (0.0, 0.0)
            piece = [(origin[0] + a, origin[1] + b) for a, b in pairs[i : i + each]]
            points += piece
            letters += [kind] * each
            x, y = piece[-1]
    return points, letters
