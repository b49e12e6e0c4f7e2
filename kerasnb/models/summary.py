"""The text of `model.summary()`, line by line as Keras 3 prints it. Imports description and layers.

Column widths are those that rich, with which Keras prints, makes of Keras's wishes, so that what
books and lessons show looks the same here.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from kerasnb import screen, tree
from kerasnb.errors import ArgumentError
from kerasnb.graph import Node
from kerasnb.layers.symbolic import LayerCall, is_symbolic
from kerasnb.models.description import graph_of, is_weightless, op_type, output_specs
from kerasnb.ops.operation import Operation

__all__ = ["printable", "summary_text"]

# the length of a line, and where its columns end
_CHAIN = (88, (0.45, 0.80, 1.0))
_GRAPH = (108, (0.3, 0.56, 0.74, 1.0))


def summary_text(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """A table of the layers of `model`, and its numbers of parameters.

    The arguments are those of `Model.summary`.

    Raises:
        ArgumentError: a column would be narrower than four characters, `positions` has not one
            number a column, or `layer_range` is not two patterns that names of layers match.
    """
    graph = None if hasattr(model, "_stack") else graph_of(model)
    entries = model.layers if graph is None else graph._operations
    names = _names(entries)
    branches = graph is not None and not _is_chain(graph)
    sources = _sources(graph, names) if branches else {}
    head = ["Layer (type)", "Output Shape", "Param #"]
    head += ["Connected to"] * branches + ["Trainable"] * show_trainable
    rows = []
    for entry in _in_range(entries, names, layer_range):
        for one, depth in _nested(entry) if expand_nested else [(entry, 0)]:
            row = [_label(one, names, depth), _shape(one), _parameters(one)]
            row += [sources.get(id(one), "-")] * branches + [_learns(one)] * show_trainable
            rows.append([printable(cell) for cell in row])
    widths = _widths(line_length, positions, branches, show_trainable)
    title = f'Model: "{printable(model.name)}"'
    return "\n".join([title, *_table(head, rows, widths), *_sums(model)])


# What a row says. An entry is a layer, an operation, or a node of the graph for an op.


def _nested(entry: Any, depth: int = 0) -> list[tuple[Any, int]]:
    """`entry` and all layers of the models within it, with how deep each lies."""
    found = [(entry, depth)]
    for layer in getattr(entry, "layers", []):
        found += _nested(layer, depth + 1)
    return found


def _names(entries: list) -> dict[int, str]:
    """A name for each entry; ops are numbered, as they have none of their own."""
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Node):
            number = seen[entry.op.name] = seen.get(entry.op.name, -1) + 1
            names[id(entry)] = f"{entry.op.name}_{number}" if number else entry.op.name
        else:
            names[id(entry)] = entry.name
    return names


def _label(entry: Any, names: dict[int, str], depth: int) -> str:
    kind = op_type(entry.op.name) if isinstance(entry, Node) else _type(entry)
    within = "   " * depth + "└ " if depth else ""
    return f"{within}{names.get(id(entry)) or entry.name} ({kind})"


def _shape(entry: Any) -> str:
    specs = list(entry.outputs) if isinstance(entry, Node) else output_specs(entry)
    leaves = [spec for spec in tree.flatten(specs) if spec is not None]
    if len(leaves) <= 1:
        return str(leaves[0].shape) if leaves else "?"
    return _structure(specs)


def _structure(specs: Any) -> str:
    """Shapes nested as a layer gives its outputs."""
    if isinstance(specs, dict):
        return "{" + ", ".join(f"{key}: {_structure(spec)}" for key, spec in specs.items()) + "}"
    if isinstance(specs, (list, tuple)):
        return f"[{', '.join(map(_structure, specs))}]"
    return "?" if specs is None else str(specs.shape)


def _type(entry: Any) -> str:
    return entry.type if isinstance(entry, Operation) else type(entry).__name__


def _parameters(entry: Any) -> str:
    if isinstance(entry, (Node, Operation)):
        return "0"
    if entry.built:
        return f"{entry.count_params():,}"
    return "0" if is_weightless(entry) else "0 (unbuilt)"


def _learns(entry: Any) -> str:
    if isinstance(entry, (Node, Operation)) or not entry.weights:
        return "-"
    return "Y" if entry.trainable else "N"


def printable(text: str) -> str:
    """`text` without what would steer a terminal or break a line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


# The graph


def _is_chain(graph: Any) -> bool:
    """Whether each node reads the one before it, and no layer is called twice."""
    read: set[int] = set()
    called: set[int] = set()
    for node in graph._nodes:
        sources = [id(t.node) for t in node.inputs if is_symbolic(t)]
        again = isinstance(node, LayerCall) and id(node.op) in called
        if len(sources) != 1 or sources[0] in read or again:
            return False
        read.add(sources[0])
        called.add(id(node.op))
    return len(graph.inputs) == 1


def _sources(graph: Any, names: dict[int, str]) -> dict[int, str]:
    """What each entry reads: ``name[call][output]`` for each input of each of its calls."""
    found: dict[int, list[str]] = {}
    for node in graph._nodes:
        reader = node.op if isinstance(node, LayerCall) else node
        found.setdefault(id(reader), []).extend(
            _source(t, names) for t in node.inputs if is_symbolic(t)
        )
    return {key: ", ".join(read) for key, read in found.items() if read}


def _source(tensor: Any, names: dict[int, str]) -> str:
    node = tensor.node
    if isinstance(node, LayerCall):
        call, output = node.op._calls.index(node), _place(node.outputs, tensor)
        return f"{names.get(id(node.op), node.op.name)}[{call}][{output}]"
    if node.op is None:
        return f"{node.name}[0][0]"
    return f"{names.get(id(node), node.op.name)}[0][{_place(node.outputs, tensor)}]"


def _place(tensors: Sequence[Any], wanted: Any) -> int:
    return [id(t) for t in tensors].index(id(wanted))


def _in_range(entries: list, names: dict[int, str], layer_range: Any) -> list:
    """The entries from the first to the last that either pattern matches."""
    if layer_range is None:
        return entries
    if (
        isinstance(layer_range, str)
        or len(layer_range) != 2
        or not all(isinstance(pattern, str) for pattern in layer_range)
    ):
        raise ArgumentError(
            "summary: expected two names (or patterns) of layers as layer_range, got "
            f"{layer_range!r}."
        )
    known = [names[id(entry)] for entry in entries]
    places = [[i for i, name in enumerate(known) if re.match(p, name)] for p in layer_range]
    for pattern, found in zip(layer_range, places, strict=True):
        if not found:
            raise ArgumentError(
                f"summary: no layer has a name that matches {pattern!r} of layer_range. There are "
                f"{', '.join(known)}."
            )
    first, last = places
    if min(first) > max(last):  # given from bottom to top
        first, last = last, first
    return entries[min(first) : max(last) + 1]


# The table


def _widths(
    line_length: int | None, positions: Any, branches: bool, show_trainable: bool
) -> list[int]:
    """The width of each column between its bars."""
    length, ends = _GRAPH if branches else _CHAIN
    if positions is not None and len(positions) != len(ends):
        raise ArgumentError(
            f"summary: expected {len(ends)} numbers as positions, where each column ends, got "
            f"{positions!r}."
        )
    ends = list(positions or ends)
    if show_trainable:
        length, ends = length + 12, [0.9 * end for end in ends] + [1.0]
    if line_length is None:
        line_length = min(length, _terminal() - 4)
    wished, start = [], 0
    for end in ends:
        wished.append(int(end * line_length) - start)
        start += wished[-1]
    if min(wished) < 4:
        raise ArgumentError(
            f"summary: {line_length} characters are too few for {len(ends)} columns; pass a larger "
            "line_length."
        )
    return _narrowed([w + 2 for w in wished], line_length - len(ends) - 1)


def _terminal() -> int:
    """The columns that there are for text; a notebook has enough, and no terminal to ask."""
    return 120 if screen.in_notebook() else shutil.get_terminal_size().columns


def _narrowed(widths: list[int], room: int) -> list[int]:
    """Widths that fill `room`, by taking about as much away from each."""
    excess = max(sum(widths) - room, 0)
    narrow = []
    for i, width in enumerate(widths):
        less = min(width, round(excess / (len(widths) - i)))
        narrow.append(width - less)
        excess -= less
    return narrow


def _table(head: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    lines = [_rule("┏┳┓", widths, "━")]
    lines += _lines(head, head, widths, "┃", bottom=True)
    lines.append(_rule("┡╇┩", widths, "━"))
    for i, row in enumerate(rows):
        lines += [] if i == 0 else [_rule("├┼┤", widths, "─")]
        lines += _lines(row, head, widths, "│")
    return [*lines, _rule("└┴┘", widths, "─")]


def _rule(corners: str, widths: list[int], line: str) -> str:
    return corners[0] + corners[1].join(line * width for width in widths) + corners[2]


def _lines(
    cells: list[str], head: list[str], widths: list[int], bar: str, bottom: bool = False
) -> list[str]:
    """One row of the table, of as many lines as its fullest cell needs."""
    wrapped = [_wrapped(cell, width - 2) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, wrapped))
    columns = []
    for name, column, width in zip(head, wrapped, widths, strict=True):
        align = {"Param #": ">", "Trainable": "^"}.get(name, "<")
        empty = [""] * (height - len(column))
        filled = [*empty, *column] if bottom else [*column, *empty]
        columns.append([f" {text:{align}{width - 2}} " for text in filled])
    return [bar + bar.join(parts) + bar for parts in zip(*columns, strict=True)]


def _wrapped(text: str, width: int) -> list[str]:
    """Lines broken at spaces; a word that is too long is cut."""
    lines = textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
    return [line if len(line) <= width else line[: max(width - 1, 0)] + "…" for line in lines]


# The sums


def _sums(model: Any) -> list[str]:
    weights, learning = model.weights, model.trainable_weights
    groups = {"Trainable params": learning, "Non-trainable params": model.non_trainable_weights}
    if model.optimizer is not None and model.optimizer.built:
        groups["Optimizer params"] = model.optimizer.variables
        weights = [*weights, *model.optimizer.variables]
    return [f" {name}: {_count(v)}" for name, v in {"Total params": weights, **groups}.items()]


def _count(variables: list) -> str:
    nbytes = _bytes(sum(v.spec.nbytes for v in variables))
    return f"{sum(v.size for v in variables):,} ({nbytes})"


def _bytes(count: float) -> str:
    """A number of bytes as Keras writes it: ``1.50 KB``, of 1024 bytes."""
    units = ["B", "KB", "MB", "GB", "TB", "PB"]
    while count >= 1024 and len(units) > 1:
        count, units = count / 1024, units[1:]
    return f"{count:.2f} {units[0]}"
