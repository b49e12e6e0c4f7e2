"""A model's picture as Keras's `plot_model` is asked for it, and its graph as DOT text.

Imports figures, labels, svg, svg_figure and models.description.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.models.description import describe
from kerasnb.models.trainer import Trainer
from kerasnb.notebook.labels import shape_text, showable
from kerasnb.notebook.svg import draw
from kerasnb.notebook.svg_figure import figure_of

__all__ = ["expanded", "model_dot", "shown", "write_picture"]


def write_picture(
    model: Any, path: Path, sideways: bool, dpi: int, nested: bool, shows: dict[str, bool]
) -> None:
    """Write the picture of `model` to a file of the kind that the name ends in.

    Args:
        model: any model.
        path: of the file: ``.svg``, or what matplotlib writes; PNG without an ending.
        sideways: whether it goes from left to right.
        dpi: dots in an inch, for kinds that have dots.
        nested: whether to draw what is in models within.
        shows: Keras's arguments by their names.
    """
    drawing = draw(_chosen(_description(model, "plot_model", nested), shows), sideways)
    if path.suffix.lower() == ".svg":
        path.write_text(drawing.svg, encoding="utf-8")
        return
    figure = figure_of(drawing)
    figure.savefig(path, dpi=dpi, format=path.suffix[1:].lower() or "png")


def shown(path: Path) -> Any:
    """The picture in a file, for a notebook; None for kinds that a notebook does not show."""
    from IPython import display

    kind = path.suffix.lower()
    if kind == ".svg":
        return display.SVG(filename=str(path))
    return None if kind == ".pdf" else display.Image(filename=str(path), format=kind[1:] or "png")


def _description(model: Any, function: str, nested: bool) -> dict:
    if not isinstance(model, Trainer):
        raise ArgumentError(f"{function}: expected a model, got {type(model).__name__}.")
    description = describe(model)
    return expanded(description) if nested else description


def _chosen(description: dict, shows: dict[str, bool]) -> dict:
    """The description with what is to be shown of it."""
    nodes = [_chosen_node(node, shows) for node in description["nodes"]]
    edges = []
    for edge in description["edges"]:
        dtype = edge["dtype"] if shows["show_dtype"] else None
        shape = edge["shape"] if shows["show_shapes"] else None
        label = " ".join(filter(None, (shape and shape_text(shape), dtype)))
        edges.append({**edge, "shape": shape, "label": label or None})
    return {**description, "nodes": nodes, "edges": edges}


def _chosen_node(node: dict, shows: dict[str, bool]) -> dict:
    settings = dict(node["settings"])
    if not shows["show_layer_activations"]:
        settings.pop("activation", None)
    if shows["show_trainable"] and node["parameters"]:
        settings["trainable"] = str(bool(node["trainable"]))
    name = node["name"] if shows["show_layer_names"] or node["kind"] == "op" else node["type"]
    return {**node, "settings": settings, "name": name}


# Models within


def expanded(description: dict, within: tuple[str, ...] = ()) -> dict:
    """The description with the layers of models within in place of these, down to the last.

    A model with several outputs stays as it is, since an edge does not tell which it is from. Each
    node gets ``within``: the names of the models that it is in.
    """
    nodes: list[dict] = []
    edges: list[dict] = []
    gives: dict[str, str] = {}  # what stands for a node that was opened, or passed through
    for node in description["nodes"]:
        coming = [
            {**edge, "source": gives.get(edge["source"], edge["source"])}
            for edge in description["edges"]
            if edge["target"] == node["id"]
        ]
        if not _opens(node, coming):
            nodes.append({**node, "within": within})
            edges += coming
            continue
        inner = _named_within(expanded(node["model"], (*within, node["name"])), node["id"])
        ends = {n["id"]: n["kind"] for n in inner["nodes"] if n["kind"] in ("input", "output")}
        inputs = [key for key, kind in ends.items() if kind == "input"]
        stands = dict(zip(inputs, (edge["source"] for edge in coming), strict=False))
        kept = [n for n in inner["nodes"] if n["id"] not in ends]
        nodes += kept
        if not inputs:
            edges += [{**edge, "target": kept[0]["id"]} for edge in coming]
        if "output" not in ends.values():
            gives[node["id"]] = kept[-1]["id"]
        for edge in inner["edges"]:
            source = stands.get(edge["source"], edge["source"])
            if ends.get(edge["target"]) == "output":
                gives[node["id"]] = source
            else:
                edges.append({**edge, "source": source})
    return {**description, "nodes": nodes, "edges": edges}


def _opens(node: dict, coming: list[dict]) -> bool:
    inner = node["model"]
    if inner is None or not inner["connected"] or not inner["nodes"]:
        return False
    kinds = [n["kind"] for n in inner["nodes"]]
    inputs = kinds.count("input") or 1
    return kinds.count("output") <= 1 and inputs == len(coming)


def _named_within(description: dict, name: str) -> dict:
    """With ids that no other model has."""
    nodes = [{**n, "id": f"{name}_{n['id']}"} for n in description["nodes"]]
    edges = [
        {**e, "source": f"{name}_{e['source']}", "target": f"{name}_{e['target']}"}
        for e in description["edges"]
    ]
    return {**description, "nodes": nodes, "edges": edges}


# DOT


def model_dot(
    model: Any,
    rankdir: str,
    dpi: int,
    splines: str,
    nested: bool,
    subgraph: bool,
    shows: dict[str, bool],
) -> str:
    """The graph of `model` in the language of Graphviz; models within as clusters if `nested`."""
    description = _description(model, "model_to_dot", nested)
    name = _quoted(description["name"])
    if subgraph:
        lines = [f"subgraph {_quoted('cluster_' + description['name'])} {{"]
        lines += [f"  graph [label={name}, labeljust=l, style=dashed];"]
    else:
        lines = [f"digraph {name} {{"]
        graph = f"rankdir={rankdir}, dpi={dpi}, splines={splines}, concentrate=true"
        lines += [f"  graph [{graph}];", '  node [shape=record, fontname="Helvetica"];']
    lines += _clusters(description["nodes"], description["edges"], (), shows, "  ")
    pairs = dict.fromkeys((e["source"], e["target"]) for e in description["edges"])
    lines += [f"  {a} -> {b};" for a, b in pairs]
    return "\n".join([*lines, "}", ""])


def _clusters(nodes: list, edges: list, within: tuple, shows: dict, indent: str) -> list[str]:
    lines, opened = [], set()
    depth = len(within)
    for node in nodes:
        place = node.get("within", ())
        if place == within:
            lines.append(f"{indent}{node['id']} [label={_record(node, edges, shows)}];")
        elif place[:depth] == within and place[: depth + 1] not in opened:
            opened.add(place[: depth + 1])
            name = place[depth]
            lines.append(f"{indent}subgraph cluster_{node['id']}_{depth} {{")
            lines.append(f"{indent}  graph [label={_quoted(name)}, labeljust=l, style=dashed];")
            lines += _clusters(nodes, edges, place[: depth + 1], shows, indent + "  ")
            lines.append(f"{indent}}}")
    return lines


def _record(node: dict, edges: list, shows: dict) -> str:
    """A node's label: a table of one column, with shapes side by side."""
    kind = node["type"] or node["kind"]
    rows = [f"{node['name']} ({kind})" if shows["show_layer_names"] else kind]
    activation = node["settings"].get("activation")
    if shows["show_layer_activations"] and activation is not None:
        rows.append(f"Activation: {activation}")
    rows = [_escaped(row) for row in rows]
    cells = []
    coming = [e for e in edges if e["target"] == node["id"]]
    if shows["show_shapes"]:
        if node["kind"] != "input":
            cells.append(f"Input shape: {_listed([shape_text(e['shape']) for e in coming])}")
        if node["kind"] != "output":
            cells.append(f"Output shape: {_listed([shape_text(s) for s in node['shapes']])}")
    if shows["show_dtype"] and node["kind"] != "output":
        going = {e["dtype"] for e in edges if e["source"] == node["id"]} - {None}
        cells.append(f"Output dtype: {_listed(sorted(going))}")
    if shows["show_trainable"] and node["parameters"]:
        cells.append("Trainable" if node["trainable"] else "Non-trainable")
    if cells:
        rows.append("{" + "|".join(map(_escaped, cells)) + "}")
    return '"{' + "|".join(rows) + '}"'


def _listed(texts: list[str]) -> str:
    return ", ".join(texts) or "?"


def _escaped(text: str) -> str:
    """Text within a record."""
    text = showable(text).replace("\n", " ")
    return re.sub(r'([\\{}|<>"])', r"\\\1", text)


def _quoted(text: str) -> str:
    escaped = showable(text).replace("\n", " ").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
