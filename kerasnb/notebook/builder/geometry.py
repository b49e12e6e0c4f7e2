"""Where the boxes and lines of a document lie on the canvas. Imports document and diagram.

A container that is not folded is a larger box with a drawing of its own inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Document, Edge, Node
from kerasnb.notebook.diagram import Layout, layout, smooth

__all__ = ["Box", "Geometry", "Line", "drawn", "place"]

LAYER, END = (196.0, 52.0), (150.0, 30.0)  # pixels of a box: of a layer, of an input or output
GAP = (30.0, 46.0)  # between boxes beside and above each other; a shape is written between
PAD, HEAD = 16.0, 32.0  # within an open container: around the drawing, and above it for its name
CHIP = 14.0  # from the lower side of a box to the middle of the shape that is written there


class Box(NamedTuple):
    """Where a node is drawn: its left upper corner, and its size."""

    x: float
    y: float
    width: float
    height: float

    def port(self, number: int, count: int) -> float:
        """The x of one of `count` places where lines begin or end, spread over the width."""
        return self.x + self.width * (number + 1) / (max(count, number + 1) + 1)


class Line(NamedTuple):
    """A connection as it is drawn.

    Attributes:
        source: the tensor.
        target: the id of the node that reads it.
        position: as which of its inputs.
        path: for SVG.
        chip: where the tensor's shape is written.
    """

    source: Edge
    target: str
    position: int
    path: str
    chip: tuple[float, float]


class Geometry(NamedTuple):
    """A drawing; y grows downwards.

    Attributes:
        boxes: by the id of a node; containers before what is in them.
        lines: the connections between them.
        width, height: of the whole.
    """

    boxes: dict[str, Box]
    lines: list[Line]
    width: float
    height: float


def place(document: Document, outputs: Mapping[str, int] | None = None) -> Geometry:
    """The drawing of a document. The same document always gives the same.

    Args:
        document: the graph.
        outputs: how many outputs a node has, by id; 1 if it is not there.
    """
    drawings: dict[str, Layout] = {}
    _arrange(document, ROOT, drawings)
    boxes: dict[str, Box] = {}
    lines: list[Line] = []
    _collect(document, ROOT, (0.0, 0.0), drawings, boxes, lines, outputs or {})
    whole = drawings[ROOT]
    return Geometry(boxes, lines, whole.width, whole.height)


def drawn(document: Document) -> list[Node]:
    """The nodes that are boxes: not those within a folded container."""
    found = []

    def walk(parent: str) -> None:
        for node in document.children(parent):
            found.append(node)
            if _is_open(node):
                walk(node.id)

    walk(ROOT)
    return found


def _bent(
    route: Sequence[tuple[float, float]], start: float, end: float
) -> list[tuple[float, float]]:
    """A route from middle to middle of two boxes, from one x to another instead."""
    (first, _), (last, _) = route[0], route[-1]
    here = [i for i in (0, 1) if route[i][0] == first]
    there = [i for i in (len(route) - 2, len(route) - 1) if route[i][0] == last and i > 0]
    moved = dict.fromkeys(here, start) | dict.fromkeys(there, end)
    if len(route) == 2:
        moved = {0: start, 1: end}
    return [(moved.get(i, x), y) for i, (x, y) in enumerate(route)]


def _is_open(node: Node) -> bool:
    return node.kind in CONTAINERS and not node.folded and not node.shares


def _arrange(document: Document, parent: str, drawings: dict[str, Layout]) -> tuple[float, float]:
    """Draw what is in a container, and in those in it; the size of the container's box."""
    sizes = {}
    own = document.children(parent)
    for node in own:
        if _is_open(node):
            sizes[node.id] = _arrange(document, node.id, drawings)
        else:
            sizes[node.id] = END if node.kind in ("input", "output") else LAYER
    pairs = [(edge.source, node.id) for node in own for edge in node.reads if edge is not None]
    drawing = drawings[parent] = layout(sizes, pairs, GAP)
    return max(drawing.width + 2 * PAD, LAYER[0]), drawing.height + HEAD + PAD


def _collect(
    document: Document,
    parent: str,
    corner: tuple[float, float],
    drawings: dict[str, Layout],
    boxes: dict[str, Box],
    lines: list[Line],
    outputs: Mapping[str, int],
) -> None:
    """Move the drawing of a container to its place, and those in it."""
    x0, y0 = corner
    drawing, own = drawings[parent], document.children(parent)
    for node in own:
        x, y = drawing.corners[node.id]
        width, height = END if node.kind in ("input", "output") else LAYER
        if _is_open(node):
            inner = drawings[node.id]
            width = max(inner.width + 2 * PAD, LAYER[0])
            height = inner.height + HEAD + PAD
        boxes[node.id] = Box(x0 + x, y0 + y, width, height)
        if _is_open(node):
            left = (width - drawings[node.id].width) / 2
            within = (x0 + x + left, y0 + y + HEAD)
            _collect(document, node.id, within, drawings, boxes, lines, outputs)
    places = [(e, n.id, i) for n in own for i, e in enumerate(n.reads) if e is not None]
    for (edge, target, position), route in zip(places, drawing.routes, strict=True):
        box, to = boxes[edge.source], boxes[target]
        start = box.port(edge.output, outputs.get(edge.source, 1))
        end = to.port(position, len(document[target].reads))
        path = smooth(_bent([(x0 + x, y0 + y) for x, y in route], start, end))
        chip = (box.x + box.width / 2, box.y + box.height + CHIP)
        lines.append(Line(edge, target, position, path, chip))
