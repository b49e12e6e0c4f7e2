"""What the page is told of a session, as plain data for JSON. Imports session, geometry and labels.

``static/builder.js`` draws it, and decides nothing. Every text is only ever text there.
"""

from __future__ import annotations

from typing import Any

from kerasnb.notebook.builder.building import Built
from kerasnb.notebook.builder.checking import Checked
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.geometry import Geometry, drawn, place
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.palette import Entry, shown
from kerasnb.notebook.builder.session import Session
from kerasnb.notebook.labels import settings as settings_text
from kerasnb.notebook.labels import showable
from kerasnb.spec import TensorSpec

__all__ = ["state_of"]

_TITLES = {"input": "Input", "output": "Output", "group": "Group", "repeat": "Repeat"}


def state_of(
    session: Session,
    code: str,
    number: int,
    built: Built | None = None,
    badges: dict[str, dict] | None = None,
    locked: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The canvas, the totals and the code.

    Args:
        session: what is worked on.
        code: it as Keras code.
        number: of this state; a later one has a higher one.
        built: the live model, if there is one of this document.
        badges: by the id of a node what is seen of it in training.
        locked: the ids of nodes that must not be changed.
    """
    document, report = session.document, session.report
    outputs = {key: len(checked.specs) for key, checked in report.nodes.items()}
    geometry, names = place(document, outputs), shown_names(document)
    fresh = built.new if built is not None else set()
    nodes = []
    for node in drawn(document):
        checked = report.nodes.get(node.id)
        nodes.append({
            **_node(node, document, session, geometry),
            **_checked(checked),
            "name": showable(names.get(node.id, "")),
            "fresh": node.id in fresh,
            "badge": (badges or {}).get(node.id),
            "locked": node.id in locked,
        })  # fmt: skip
    problems = [c.problem for c in report.nodes.values() if c.problem is not None]
    return {
        "number": number,
        "nodes": nodes,
        "edges": _edges(session, geometry),
        "width": round(geometry.width),
        "height": round(geometry.height),
        "model": {
            "name": showable(document.name),
            "type": document.type if document.is_chain() else "Functional",
            "layers": sum(
                n.kind == "layer" and not n.shares and not n.is_function for n in document
            ),
            "parameters": report.parameters,
            "trainable": report.trainable,
            "cost": report.cost,
            "memory": report.memory,
            "problems": len([p for p in problems if p.level == "error"]),
            "complete": report.complete,
        },
        "undo": session.undoable,
        "redo": session.redoable,
        "code": code,
    }


def _node(node: Node, document: Document, session: Session, geometry: Geometry) -> dict[str, Any]:
    owner, box = document.owner(node.id), geometry.boxes[node.id]
    entry = session.palette.get("Input" if node.kind == "input" else node.type)
    settings = {name: shown(value) for name, value in owner.settings.items()}
    return {
        "id": node.id,
        "kind": node.kind,
        "parent": node.parent,
        "type": showable(_TITLES.get(node.kind, node.type)),
        "family": entry.family if entry is not None else "",
        "named": bool(owner.name),
        "x": round(box.x, 1),
        "y": round(box.y, 1),
        "width": round(box.width, 1),
        "height": round(box.height, 1),
        "folded": node.folded,
        "key": showable(node.key),
        "count": node.count,
        "shares": node.shares,
        "settings": settings,
        "call": dict(node.call),
        "note": showable(settings_text({"settings": settings}, short=True)),
        "reads": [None if edge is None else list(edge) for edge in node.reads],
        "ports": _ports(node, entry),
        "entry": entry.data() if entry is not None and not entry.listed else None,
    }


def _ports(node: Node, entry: Entry | None) -> list[str]:
    """The names of a node's inputs, as far as they have any."""
    known = entry.ports if entry is not None else ()
    return [*(*known, *[""] * node.unnamed)[: node.unnamed], *node.keywords]


def _checked(checked: Checked | None) -> dict[str, Any]:
    if checked is None:
        return {
            "shapes": [], "parameters": None, "trainable": None, "cost": None, "memory": None,
            "problem": None,
        }  # fmt: skip
    problem = checked.problem
    return {
        "shapes": [_spec_text(spec) for spec in checked.specs],
        "parameters": checked.parameters,
        "trainable": checked.trainable,
        "cost": checked.cost,
        "memory": checked.memory,
        "problem": None if problem is None else {
            "level": problem.level,
            "text": showable(problem.text),
            "fixes": [showable(fix.text) for fix in problem.fixes],
        },
    }  # fmt: skip


def _spec_text(spec: TensorSpec) -> str:
    """A shape without the batch, as it is written beside a line: ``26 × 26 × 32``."""
    sample = " × ".join("?" if d is None else str(d) for d in spec.shape[1:]) or "()"
    return sample if spec.dtype == "float32" else f"{sample} {spec.dtype}"


def _edges(session: Session, geometry: Geometry) -> list[dict[str, Any]]:
    """The lines; a shape is written once where several begin."""
    report, told, found = session.report, set(), []
    for line in geometry.lines:
        spec = _spec_of(session, line.source)
        text = "" if line.source.source in told or spec is None else _spec_text(spec)
        told.add(line.source.source)
        reader = report.nodes.get(line.target)
        bad = reader is not None and reader.problem is not None and reader.problem.level == "error"
        found.append({
            "source": line.source.source, "output": line.source.output, "target": line.target,
            "position": line.position, "path": line.path, "shape": text,
            "x": round(line.chip[0], 1), "y": round(line.chip[1], 1), "bad": bad,
        })  # fmt: skip
    return found


def _spec_of(session: Session, edge: Edge) -> TensorSpec | None:
    checked = session.report.nodes.get(edge.source)
    if checked is None or edge.output >= len(checked.specs):
        return None
    return checked.specs[edge.output]
