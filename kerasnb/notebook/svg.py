"""A model as a picture: SVG text that needs no script, no font and no page around it.

Imports diagram, figures, labels and models.description. Texts from a model go through `escape`.
Colours follow the theme: in JupyterLab's dark theme an image is told that dark is preferred.
"""

from __future__ import annotations

import math
import unicodedata
from itertools import pairwise
from typing import Any, NamedTuple

from kerasnb import config
from kerasnb.errors import ArgumentError
from kerasnb.models.description import describe
from kerasnb.models.trainer import Trainer
from kerasnb.naming import snake_case
from kerasnb.notebook.diagram import Layout, layout, smooth
from kerasnb.notebook.figures import COLORS
from kerasnb.notebook.labels import escape, flop, heading, parameters, settings, shape_text

__all__ = ["Drawing", "draw", "model_svg"]

LIMIT = 60  # boxes of a picture; of more, the first and the last are drawn
LAST = 15
ROWS = 12  # a longer chain goes on in the next column,
COLUMNS = 4  # of which there are so many at most
NARROW, WIDE = 130.0, 235.0  # bounds of the width of a box, which is the same for all
GAP = (26.0, 46.0)  # between boxes beside and above each other
CLOSE = 20.0  # the latter in long chains where the shape stays the same, and is not repeated
PAD, LINE, TEXT, SMALL = 9.0, 15.0, 12.0, 10.5  # pixels
HEADING = 46.0
CHIP = 15.0

# by the module of a layer's class; always beside its name, so colour tells nothing alone
_BLUE, _VERMILION, _GREEN, _PINK, _ORANGE, _SKY = COLORS
_FAMILIES = {
    "core": _GREEN, "convolutional": _BLUE, "depthwise": _BLUE, "windowed": _BLUE,
    "recurrent": _PINK, "recurrent_cells": _PINK, "normalization": _ORANGE,
    "regularization": _ORANGE, "pooling": _SKY, "reshaping": _SKY, "merging": _VERMILION,
}  # fmt: skip
_OTHERS = "#8c959f"

_STYLE = """
.kerasnb-model text{font:12px system-ui,sans-serif;fill:#1f2328}
.kerasnb-model .s{font-size:10.5px}
.kerasnb-model .m{fill:#59636e}
.kerasnb-model .n{font-weight:600}
.kerasnb-model .b{fill:#fff;stroke:#c8ced5}
.kerasnb-model .i{fill:#f0f3f6;stroke:#c8ced5}
.kerasnb-model .d{stroke-dasharray:4 3}
.kerasnb-model .e{fill:none;stroke:#8c959f;stroke-width:1.3}
.kerasnb-model .a{fill:#8c959f}
.kerasnb-model .c{fill:#eef1f4}
@media (prefers-color-scheme:dark){
.kerasnb-model text{fill:#e6edf3}
.kerasnb-model .m{fill:#a5afba}
.kerasnb-model .b{fill:#1d2126;stroke:#4b535d}
.kerasnb-model .i{fill:#2b3138;stroke:#4b535d}
.kerasnb-model .e{stroke:#8b949e}
.kerasnb-model .a{fill:#8b949e}
.kerasnb-model .c{fill:#30363d}
}
""".replace("\n", "")


class Drawing(NamedTuple):
    """A finished picture.

    Attributes:
        svg: the text of the file.
        width: in pixels.
        height: in pixels.
        words: what it shows, in a sentence, for who does not see it.
    """

    svg: str
    width: int
    height: int
    words: str


def model_svg(model: Any) -> str:
    """The graph of `model` as the text of an SVG file; models within it are one box each.

    Boxes hold a layer's name, class and settings, its parameters, and the arithmetic operations
    that it makes for one sample, where they are known. Shapes are on the lines. The file follows
    the light or dark theme of where it is shown. Of more than 60 boxes the first and the last are
    drawn, and how many are not.

    Args:
        model: any model, also one that is not built, or whose `call` is Python: of that the layers
            are shown, as how they are connected is not known.

    Raises:
        ArgumentError: `model` is no model.

    Example:
        >>> import kerasnb
        >>> from kerasnb.notebook.svg import model_svg
        >>> model_svg(kerasnb.Sequential([kerasnb.layers.Dense(1)]))[:4]
        '<svg'
    """
    if not isinstance(model, Trainer):
        raise ArgumentError(f"model_svg: expected a model, got {type(model).__name__}.")
    return draw(describe(model)).svg


def draw(description: dict, sideways: bool = False) -> Drawing:
    """The picture of a model that `describe` has described.

    Args:
        description: of the model.
        sideways: whether it goes from left to right, not from top to bottom.
    """
    nodes, edges = _limited(description["nodes"], description["edges"])
    boxes = {node["id"]: _lines(node) for node in nodes}
    widest = max((_natural(lines) for lines in boxes.values()), default=NARROW)
    width = min(max(widest, NARROW), WIDE)
    sizes = {key: (width, LINE * len(lines) + PAD) for key, lines in boxes.items()}
    pairs = [(edge["source"], edge["target"]) for edge in edges]
    if sideways:
        placed, paths = _sideways(sizes, pairs, edges)
    elif _is_list(sizes, pairs):
        edges = _told_once(edges) if len(sizes) > ROWS else edges
        placed, paths = _in_columns(sizes, pairs, {e["source"] for e in edges if _label(e)})
    else:
        placed = layout(sizes, pairs, GAP)
        paths = [(smooth(route), route[-1]) for route in placed.routes]
    title, *rest = heading(description)
    parts = [
        _text(1, 15, title, "n"),
        *(_text(1, 31, ". ".join(rest), "s m") for _ in [0] if rest),
        f'<g transform="translate(1 {HEADING:g})">',
        *(f'<path class="e" d="{path}"/>' + _arrow(end, sideways) for path, end in paths),
        *_chips(edges, placed, sizes, sideways),
        *(_box(node, boxes[node["id"]], placed, sizes) for node in nodes),
        "</g>",
    ]
    words = f"{title}. {'. '.join(rest)}." if rest else f"{title}."
    least = max(_width(title, TEXT) * 1.08, _width(". ".join(rest), SMALL))
    size = round(max(placed.width, least) + 3), round(placed.height + HEADING + 3)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
        f'viewBox="0 0 {size[0]} {size[1]}" class="kerasnb-model" role="img" '
        f'aria-label="{escape(words)}"><title>{escape(words)}</title><style>{_STYLE}</style>'
        f"{''.join(parts)}</svg>"
    )
    return Drawing(svg, *size, words)


# Which boxes, and what is in them


def _limited(nodes: list[dict], edges: list[dict]) -> tuple[list[dict], list[dict]]:
    """The nodes and edges to draw: of too many nodes, one box stands for those in the middle."""
    if len(nodes) <= LIMIT:
        return nodes, edges
    first, middle = nodes[: LIMIT - LAST - 1], nodes[LIMIT - LAST - 1 : -LAST]
    more = {"id": "more", "kind": "more", "name": f"{len(middle):,} more, not drawn"}
    new = {node["id"]: "more" for node in middle}
    moved: dict[tuple, dict] = {}
    for edge in edges:
        source, target = (new.get(edge[end], edge[end]) for end in ("source", "target"))
        if source != target:
            key = (source, target, str(edge["shape"]))
            moved[key] = {**edge, "source": source, "target": target}
    return [*first, more, *nodes[-LAST:]], list(moved.values())


def _lines(node: dict) -> list[tuple[str, str]]:
    """The texts at the left and the right of each line of a box."""
    if node["kind"] == "more":
        return [(node["name"], "")]
    kind = "op" if node["kind"] == "op" else node["type"]
    lines = [(node["name"], "" if kind == node["name"] else kind)]
    if node["kind"] == "model":
        inner = len([n for n in node["model"]["nodes"] if n["kind"] in ("layer", "model")])
        lines.append((f"{inner:,} layer{'s' * (inner != 1)} within", ""))
    elif node["settings"]:
        lines.append((settings(node, short=True), ""))
    own = parameters(node)
    cost = flop(node["cost"]) if node["cost"] else ""
    if node["cost"] is None and node["shapes"]:
        cost = flop(None)
    return [*lines, (own, cost)] if own or cost else lines


def _natural(lines: list[tuple[str, str]]) -> float:
    """The width that a box would like."""
    widths = [_width(left, TEXT if i == 0 else SMALL) for i, (left, _) in enumerate(lines)]
    widths[0] *= 1.08  # bold
    rights = [_width(right, SMALL) + 14 if right else 0.0 for _, right in lines]
    return max(map(sum, zip(widths, rights, strict=True))) + 2 * PAD + 4


def _box(node: dict, lines: list, placed: Layout, sizes: dict) -> str:
    (x, y), (width, height) = placed.corners[node["id"]], sizes[node["id"]]
    end = node["kind"] in ("input", "output")
    shape = "i" if end else "b d" if node["kind"] == "more" else "b"
    parts = [f"<title>{escape(_tooltip(node))}</title>"]
    if node["kind"] == "model":  # a sheet beneath: there is more in it
        parts.append(_rectangle(x + 3, y + 3, width, height, "b", 5))
    parts.append(_rectangle(x, y, width, height, shape, height / 2 if end else 5))
    if node["kind"] in ("layer", "model"):
        color = _FAMILIES.get(node["family"], _OTHERS)
        parts.append(
            f'<path fill="{color}" d="M{x + 5:.5g} {y + 0.5:.5g}h-1q-3.5 0-3.5 3.5'
            f'v{height - 8:.5g}q0 3.5 3.5 3.5h1z"/>'
        )
    left, right = x + PAD + 3, x + width - PAD
    for i, (text, note) in enumerate(lines):
        base = y + PAD / 2 + LINE * i + 11.5
        size, name = (SMALL, "s m") if i else (TEXT, "n")
        room = right - left
        if note and i == 0:  # a name comes first: it often begins as the class does
            spare = room - _width(text, size) * 1.08 - 10
            said = spare < _width(note, SMALL) and text.startswith(snake_case(note))
            note = "" if said else _cut(note, max(spare, room * 0.35), SMALL)
        if note:
            parts.append(_text(right, base, note, "s m", "end"))
            room -= _width(note, SMALL) + 10
        parts.append(_text(left, base, _cut(text, room / (1 if i else 1.08), size), name))
    return f"<g>{''.join(parts)}</g>"


def _tooltip(node: dict) -> str:
    """Everything about a node, whatever its length."""
    if node["kind"] == "more":
        return node["name"]
    given = ", ".join(map(shape_text, node["shapes"]))
    parts = [f"{node['type']} {node['name']!r}", settings(node), given, parameters(node)]
    return ". ".join(filter(None, parts))


def _chips(edges: list[dict], placed: Layout, sizes: dict, sideways: bool) -> list[str]:
    """The shapes that leave each box, once each, on the line below or beside it."""
    parts = []
    for key, text in _told(edges).items():
        (x, y), (width, height) = placed.corners[key], sizes[key]
        text = text if sideways else _cut(text, width + GAP[0] - 18, SMALL)
        room = _width(text, SMALL) + 10
        middle, top = x + width / 2, y + height + 8
        if sideways:
            middle, top = x + width + 8 + room / 2, y + (height - CHIP) / 2
        parts.append(_rectangle(middle - room / 2, top, room, CHIP, "c", CHIP / 2))
        parts.append(_text(middle, top + 11, text, "s m", "middle"))
    return parts


def _told(edges: list[dict]) -> dict[str, str]:
    """What is written on the lines that leave each box."""
    told: dict[str, dict[str, None]] = {}
    for edge in edges:
        if text := _label(edge):
            told.setdefault(edge["source"], {})[text] = None
    return {key: ", ".join(texts) for key, texts in told.items()}


def _label(edge: dict) -> str | None:
    """What is written on an edge: the shape, and the dtype if it is not the usual one.

    A label of its own takes their place.
    """
    if "label" in edge or edge["shape"] is None:
        return edge.get("label")
    usual = edge["dtype"] in (None, config.floatx())
    return shape_text(edge["shape"]) + ("" if usual else f" {edge['dtype']}")


# From left to right


def _sideways(sizes: dict, pairs: list, edges: list[dict]) -> tuple[Layout, list]:
    """The layout from top to bottom, turned; and the paths between the boxes."""
    longest = max((_width(text, SMALL) for text in _told(edges).values()), default=0.0)
    turned = {key: (height, width) for key, (width, height) in sizes.items()}
    placed = layout(turned, pairs, (GAP[0] / 2, GAP[1] + longest))
    corners = {key: (y, x) for key, (x, y) in placed.corners.items()}
    routes = [[(y, x) for x, y in route] for route in placed.routes]
    paths = [(smooth(route, turned=True), route[-1]) for route in routes]
    return Layout(corners, routes, placed.height, placed.width), paths


# Lists of layers


def _is_list(sizes: dict, pairs: list) -> bool:
    """Whether the boxes form one chain in their order, or are not connected at all."""
    keys = list(sizes)
    return pairs in ([], list(pairwise(keys)))


def _told_once(edges: list[dict]) -> list[dict]:
    """The edges of a chain, without the label where it is that of the edge before."""
    before = [None, *map(_label, edges)]
    return [
        {**edge, "shape": None, "label": None} if _label(edge) == last else edge
        for edge, last in zip(edges, before, strict=False)
    ]


def _in_columns(sizes: dict, pairs: list, chips: set) -> tuple[Layout, list]:
    """Boxes from top to bottom, column by column, and the paths between them.

    Args:
        sizes: width and height of each box.
        pairs: source and target of each line.
        chips: the boxes below which a shape is to be written.
    """
    keys = list(sizes)
    # as many columns as are needed, of the same length
    rows = math.ceil(len(keys) / min(math.ceil(len(keys) / ROWS), COLUMNS)) if keys else 1
    columns = [keys[i : i + rows] for i in range(0, len(keys), rows)]
    across, down = GAP[0] + 14, GAP[1] - 6
    top = 14.0 if len(columns) > 1 and pairs else 0.0
    corners, right, bottom = {}, 0.0, 0.0
    for i, column in enumerate(columns):
        y = top
        for key in column:
            width, height = sizes[key]
            corners[key] = (i * (width + across), y)
            right, bottom = max(right, corners[key][0] + width), max(bottom, y + height)
            y += height + (down if key in chips else CLOSE if pairs else 8.0)
    bottom += down if top else 0.0
    paths = []
    for source, target in pairs:
        (x0, y0), (x1, y1) = corners[source], corners[target]
        width, height = sizes[source]
        start, end = (x0 + width / 2, y0 + height), (x1 + width / 2, y1)
        path = f"M{start[0]:.5g} {start[1]:.5g}V{end[1]:.5g}"
        if x0 != x1:
            gutter, low, high = x0 + width + across / 2, start[1] + down - 8, end[1] - 12
            path = (
                f"M{start[0]:.5g} {start[1]:.5g}V{low - 6:.5g}q0 6 6 6H{gutter - 6:.5g}q6 0 6-6"
                f"V{high + 6:.5g}q0-6 6-6H{end[0] - 6:.5g}q6 0 6 6V{end[1]:.5g}"
            )
        paths.append((path, end))
    return Layout(corners, [], right, bottom), paths


# Marks


def _rectangle(x: float, y: float, width: float, height: float, name: str, round_: float) -> str:
    return (
        f'<rect class="{name}" x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" '
        f'rx="{round_:.3g}"/>'
    )


def _text(x: float, y: float, text: str, name: str, anchor: str = "") -> str:
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{name}" x="{x:.5g}" y="{y:.5g}"{where}>{escape(text)}</text>'


def _arrow(end: tuple[float, float], sideways: bool) -> str:
    head = "l-6-3.5v7z" if sideways else "l-3.5-6h7z"
    return f'<path class="a" d="M{end[0]:.5g} {end[1]:.5g}{head}"/>'


# Widths of characters as parts of the font's size, for DejaVu Sans, one of the widest there is:
# in other fonts there is some room left over.
_WIDTHS = {
    **dict.fromkeys("ijl|'", 0.28), **dict.fromkeys(" ,.:;!()[]ft/rI", 0.39),
    **dict.fromkeys("mwMW%@", 0.95), **dict.fromkeys("=+<>×~", 0.84), "_": 0.5, "…": 1.0,
}  # fmt: skip


def _width(text: str, size: float) -> float:
    """About how wide `text` is drawn."""
    return size * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.72 if character.isupper() else 0.63


def _cut(text: str, room: float, size: float) -> str:
    """`text`, or as much of its beginning as there is room for."""
    if _width(text, size) <= room:
        return text
    left = room - _width("…", size)
    for i, character in enumerate(text):
        left -= size * _character_width(character)
        if left < 0:
            return text[:i] + "…"
    return text
