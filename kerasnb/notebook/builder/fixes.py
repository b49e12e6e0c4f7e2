"""What would mend a document: for each kind of trouble the edits to try, as a table.

They are only candidates: `checking` offers those that really help. Imports mending.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kerasnb.notebook.builder import edits, parts
from kerasnb.notebook.builder.document import ROOT, Document, Edge, Node
from kerasnb.notebook.builder.fixes_of_shapes import (
    adapted,
    fewer_groups,
    flatten,
    ranks,
    smaller_window,
    target_shapes,
)
from kerasnb.notebook.builder.mending import (
    Case,
    Fix,
    connected,
    inserted,
    left_out,
    removed,
    set_to,
)
from kerasnb.notebook.builder.palette import Argument, preset_of
from kerasnb.notebook.builder.values import shown
from kerasnb.spec import is_float

__all__ = ["candidates", "last_resort"]


def candidates(kind: str, case: Case) -> Iterator[Fix]:
    """What may mend a trouble of a kind, the likeliest first."""
    for make in _TABLE.get(kind, ()):
        yield from make(case)


def last_resort(kind: str, case: Case) -> Fix | None:
    """What helps where nothing else does: to do without the node."""
    return removed(case, case.node) if kind in _REMOVED else None


# Connections


def _nearest(case: Case) -> Iterator[Fix]:
    """Tensors that come before: one that nothing reads yet, else the one just before."""
    document, node = case.document, case.node
    own = list(document.nodes)
    beside = [
        other
        for other in document.ordered(node.parent)
        if other.id != node.id and document.gives(Edge(other.id))
        if Edge(other.id) not in node.reads
        if not edits.depends(document, other.id, node.id)
    ]
    read = {edge.source for other in document for edge in other.reads if edge is not None}
    before = own.index(node.id)
    beside.sort(key=lambda other: (other.id in read, own.index(other.id) > before))
    nearest = [n for n in beside if own.index(n.id) < before]
    place = case.about[0] if case.about else None
    chosen = dict.fromkeys(n.id for n in (*beside[:1], *nearest[-1:], *beside[1:3]))
    for key in chosen:
        yield connected(case, Edge(key), place)
        yield connected(case, Edge(key), place, as_often=True)


def _taken_off(case: Case) -> Iterator[Fix]:
    """One of several inputs to which nothing is connected goes."""
    place, key = case.about[0], case.node.id
    named = place >= case.node.unnamed
    if case.node.kind == "layer" and (named or case.node.unnamed > 1):
        text = f"Take input {place + 1} away"
        yield Fix(text, lambda document: edits.disconnect(document, key, place))


def _first_output(case: Case) -> Iterator[Fix]:
    place = case.about[0]
    edge = case.node.reads[place]
    text = f"Read the first output of {case.names[edge.source]}"
    first = Edge(edge.source)
    yield Fix(text, lambda document: edits.connect(document, first, case.node.id, place))


def _itself(case: Case) -> Iterator[Fix]:
    """Attention with one tensor: let it attend to itself."""
    edge, entry = case.node.reads[0] if case.node.reads else None, case.entry
    if edge is None or entry is None:
        return
    missing = entry.needed - case.node.unnamed

    def apply(document: Document) -> Document:
        for _ in range(missing):
            place = len(document[case.node.id].reads)
            document = edits.connect(document, edge, case.node.id, place)
        return document

    if missing > 0:
        yield Fix(f"Let it read {case.names[edge.source]} once more", apply)
    elif isinstance(entry.takes, int) and case.node.unnamed > entry.takes:
        last = case.node.unnamed - 1
        text = f"Disconnect {case.names[case.node.reads[last].source]}"
        yield Fix(text, lambda document: edits.disconnect(document, case.node.id, last))


def _named(case: Case) -> Iterator[Fix]:
    """What is one tensor too many may be something that the layer is given by name."""
    key, place = case.node.id, case.node.unnamed - 1
    names = case.entry.keywords if case.entry is not None and place > 0 else ()
    edge = case.node.reads[place] if names else None
    for name in names if edge is not None else ():
        text = f"Read {case.names[edge.source]} as {name}"
        yield Fix(text, lambda document, name=name: edits.name_input(document, key, place, name))


def _output(case: Case) -> Iterator[Fix]:
    yield Fix(
        "Let it be an output", lambda document: edits.append_output(document, Edge(case.node.id))[0]
    )


def _inner_output(case: Case) -> Iterator[Fix]:
    """The last box in a container that gives nothing becomes its output."""
    inside = case.document.ordered(case.owner.id)
    for node in reversed([n for n in inside if case.document.gives(Edge(n.id))]):
        text = f"Let {case.names[node.id]} be its output"
        yield Fix(text, lambda document, key=node.id: edits.append_output(document, Edge(key))[0])


def _joined(case: Case) -> Iterator[Fix]:
    """Several tensors for a layer of one: join them before it, or keep the first only."""
    key, count = case.node.id, case.node.unnamed

    def apply(document: Document, name: str) -> Document:
        reads = document[key].reads
        edges = [edge for edge in reads[:count] if edge is not None]
        new = Node("", type=name)
        document, made = edits.add(document, new, edges, several=True, branch=True)
        return document.change(key, reads=(Edge(made), *reads[count:]))

    for name in ("Concatenate", "Add"):
        yield Fix(f"Insert {name}", lambda document, n=name: apply(document, n))
    last = case.node.reads[count - 1]
    if last is not None:
        text = f"Disconnect {case.names[last.source]}"
        yield Fix(text, lambda document: edits.disconnect(document, key, count - 1))


def _own_layers(case: Case) -> Iterator[Fix]:
    """A layer that is called on what does not suit it: another one with the same arguments."""
    if case.node.shares:
        key = case.node.id
        yield Fix("Give it weights of its own", lambda document: parts.apart(document, key))


def _dead_end(case: Case) -> Iterator[Fix]:
    """An input on which no output depends: where its tensors end becomes an output."""
    document = case.document
    read = {edge for node in document for edge in node.reads}
    for node in reversed(document.ordered(case.node.parent)):
        if node.kind != "output" and edits.depends(document, node.id, case.node.id):
            for edge in [Edge(node.id, i) for i in range(len(case.specs.get(node.id, ())))]:
                if edge not in read:
                    text = f"Let {case.names[node.id]} be an output"
                    yield Fix(text, lambda document, e=edge: edits.append_output(document, e)[0])


def _open_reader(case: Case) -> Iterator[Fix]:
    """An input that nothing reads goes to a box to which nothing is connected."""
    document, key = case.document, case.node.id
    for node in document.children(case.node.parent):
        for place, edge in enumerate(node.reads):
            if edge is None:
                text = f"Connect it to {case.names[node.id]}"
                target = node.id
                yield Fix(
                    text,
                    lambda document, t=target, p=place: edits.connect(document, Edge(key), t, p),
                )


def _remove(case: Case) -> Iterator[Fix]:
    yield removed(case, case.node)


# Arguments


def _missing(case: Case) -> Iterator[Fix]:
    entry, found = case.entry, {}
    for name in case.about:
        preset = entry.presets.get(name) if entry is not None else None
        if preset is None:
            return
        found[name] = preset
    text = " and ".join(f"{name} to {shown(value)}" for name, value in found.items())

    def apply(document: Document) -> Document:
        for name, value in found.items():
            document = edits.set_setting(document, case.owner.id, name, value)
        return document

    yield Fix(f"Set {text}", apply)


def _better_values(case: Case) -> Iterator[Fix]:
    """Another value of an argument that the trouble is about, or one of the others."""
    entry = case.entry
    for name in case.about:
        argument = entry.argument(name) if entry is not None else None
        if argument is None:
            yield from _misspelt(case, name)
            continue
        for value in _near(argument, case.owner.settings.get(name)):
            yield set_to(case, case.owner, name, value)
        if not argument.required:
            yield left_out(case.owner, name)


def _misspelt(case: Case, name: str) -> Iterator[Fix]:
    known = [a.name for a in case.entry.arguments] if case.entry is not None else []
    for close in difflib.get_close_matches(name, known, n=1):
        settings = dict(case.owner.settings)
        settings[close] = settings.pop(name)
        yield Fix(
            f"Call {name} {close}",
            lambda document, s=settings: document.change(case.owner.id, settings=s),
        )
    yield left_out(case.owner, name)


def _near(argument: Argument, value: Any) -> Iterator[Any]:
    if argument.choices and isinstance(value, str):
        yield from difflib.get_close_matches(value.lower(), argument.choices, n=2)
    preset = preset_of(argument)
    if argument.required and preset is not None and preset != value:
        yield preset
    if argument.kind == "int" and isinstance(value, (int, float)) and value != 1:
        yield max(1, round(min(value, 1e6)))
    if argument.kind == "float" and isinstance(value, (int, float)):
        yield float(min(max(value, 0.0), 1.0))


# Other kinds


def _new_name(case: Case) -> Iterator[Fix]:
    taken = {node.name for node in case.document} | set(case.names.values())
    plain = "".join(c if c.isprintable() and c != "/" else "_" for c in case.owner.name)
    number = 2
    while f"{plain}_{number}" in taken:
        number += 1
    name = plain if plain not in taken else f"{plain}_{number}"
    yield Fix(f"Call it {name}", lambda document: edits.rename(document, case.owner.id, name))


def _input_shapes(case: Case) -> Iterator[Fix]:
    settings = case.node.settings
    shape = settings.get("shape")
    if isinstance(shape, (list, tuple)):
        mended = [(abs(n) or None) if type(n) is int else None for n in shape]
        yield set_to(case, case.node, "shape", mended)
    for name in ("dtype", "batch_size"):
        if name in settings:
            yield left_out(case.node, name)
    if not isinstance(shape, (list, tuple)):
        for proposal in ([28, 28, 1], [8], [10, 8]):
            yield set_to(case, case.node, "shape", proposal)


def _inner_shape(case: Case) -> Iterator[Fix]:
    """The input of a model within takes what the model is called on."""
    place = case.about[0]
    inner, spec = case.document.inputs(case.owner.id)[place], case.given(place)
    if spec is not None:
        yield set_to(case, inner, "shape", list(spec.shape[1:]))


def _fewer(case: Case) -> Iterator[Fix]:
    for count in (100, 10, 2):
        if count < case.node.count:
            yield Fix(
                f"Repeat it {count} times",
                lambda document, c=count: edits.set_count(document, case.node.id, c),
            )


def _functional(case: Case) -> Iterator[Fix]:
    if case.owner.settings.get("return_state"):
        yield left_out(case.owner, "return_state")
    parent = case.node.parent

    def apply(document: Document) -> Document:
        if parent == ROOT:
            return replace(document, type="Functional")
        return document.change(parent, type="Functional")

    yield Fix("Make the model Functional", apply)


def _dtype(case: Case) -> Iterator[Fix]:
    """Inputs of whole numbers where fractions are needed."""
    spec, source = case.given(), case.source()
    comes_in = source is not None and source.kind == "input"
    if comes_in and spec is not None and not is_float(spec.dtype):
        yield set_to(case, source, "dtype", "float32")


def _indices(case: Case) -> Iterator[Fix]:
    source = case.source()
    if source is not None and source.kind == "input":
        yield set_to(case, source, "dtype", "int32")


def _softmax(case: Case) -> Iterator[Fix]:
    if case.owner.type == "Softmax":
        yield Fix(
            "Use sigmoid instead",
            lambda document: document.change(
                case.owner.id, type="Activation", settings={"activation": "sigmoid"}
            ),
        )
    else:
        yield set_to(case, case.owner, "activation", "sigmoid")


def _activation(case: Case) -> Iterator[Fix]:
    yield set_to(case, case.owner, "activation", "relu")


def _layer_between(case: Case) -> Iterator[Fix]:
    yield inserted(case, ("Dense", case.palette["Dense"].presets))


_TABLE: dict[str, tuple[Callable[[Case], Iterator[Fix]], ...]] = {
    "open": (_nearest, _taken_off),
    "output": (_first_output,),
    "few": (_named, _itself, _nearest),
    "surplus": (_named, _joined),
    "missing": (_missing,),
    "argument": (_better_values,),
    "weights": (_better_values,),
    "shape": (
        _own_layers,
        ranks, smaller_window, fewer_groups, target_shapes, adapted, flatten, _dtype,
        _better_values,
    ),
    "shape of input": (_input_shapes,),
    "fit": (_inner_shape, _own_layers),
    "name": (_new_name,),
    "many": (_fewer,),
    "end": (_output,),
    "empty": (_inner_output,),
    "direct": (_layer_between,),
    "unread": (_open_reader, _dead_end, _remove),
    "sequential": (_functional,),
    "aside": (_output, _remove),
    "flatten": (flatten,),
    "indices": (_indices,),
    "softmax": (_softmax,),
    "linear": (_activation,),
    "last": (_remove,),
    "single": (_nearest, _remove),
}  # fmt: skip
"""By the kind of a trouble, what to try."""

_REMOVED = ("open", "class", "missing", "argument", "weights", "shape", "empty", "ends", "nesting")
