"""The live model of a document, with the weights that a change allows to keep.

Imports checking and the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kerasnb import tree
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.layers.input import Input
from kerasnb.models.functional import Functional
from kerasnb.models.sequential import Sequential
from kerasnb.notebook.builder.calls import LAYER_ERRORS, make_layer
from kerasnb.notebook.builder.checking import Checker, Report
from kerasnb.notebook.builder.document import ROOT, Document, Node
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.operations import form_of, operation_call
from kerasnb.notebook.builder.palette import Entry
from kerasnb.tensor import Tensor

__all__ = ["Built", "build"]


class Built(NamedTuple):
    """A model made of a document.

    Attributes:
        model: it.
        layers: by the id of a node its layers: one for each repetition. A node that calls a layer
            once more has that of the other.
        new: the ids of the nodes whose weights are new; those of all others were carried over.
        document: of which it was made.
    """

    model: Any
    layers: dict[str, list[Layer]]
    new: set[str]
    document: Document


def build(
    document: Document,
    palette: Mapping[str, Entry],
    before: Built | None = None,
    report: Report | None = None,
) -> Built:
    """The model of a document; its layers have the names that are shown, and are new objects.

    Args:
        document: the graph.
        palette: the layers there are.
        before: an earlier model, the weights of which are taken where a node still has such a
            layer, with weights of the same shapes.
        report: what `checking` says of the document, if that is known already.

    Raises:
        ArgumentError: the document is not complete, or a layer fails; in words.
    """
    report = report or Checker(palette).check(document)
    if not report.complete:
        raise ArgumentError(_unfinished(document, report))
    making = _Making(document, palette, report.live)
    try:
        model = making.model(ROOT, document.name or document.type.lower(), document.type)
    except MemoryError as error:
        raise ArgumentError(f"There is not enough memory for the weights: {error}") from error
    new = _carried(document, making.layers, before)
    return Built(model, making.layers, new, document)


def _unfinished(document: Document, report: Report) -> str:
    """Why no model can be made."""
    if report.errors:
        key, problem = report.errors[0]
        return f"The model is not complete. {shown_names(document)[key]}: {problem.text}"
    if not document.nodes:
        return "The model is empty: add a layer."
    return "The model is not complete: it needs an input, a layer and an output."


class _Frame:
    """One passage of a container, and the layers made for it."""

    def __init__(self, container: str):
        self.container = container
        self.layers: dict[str, Layer] = {}


class _Making:
    """Calls the layers of a document one after the other, with symbolic tensors."""

    def __init__(self, document: Document, palette: Mapping[str, Entry], live: frozenset[str]):
        self.document, self.palette, self.live = document, palette, live
        self.layers: dict[str, list[Layer]] = {}
        self.functions: dict[str, int] = {}  # how often each was called
        self._names = shown_names(document)
        self._taken = set(self._names.values())
        self._own = {entry.type: entry.cls for entry in palette.values() if entry.custom}

    def model(
        self, key: str, name: str, kind: str, given: Sequence[Tensor] = (), frames: Sequence = ()
    ) -> Any:
        """The model that the root, or a container, is."""
        starts, ends = self.document.inputs(key), self.document.outputs(key)
        inputs = [self._input(node, given[i : i + 1]) for i, node in enumerate(starts)]
        frame = _Frame(key)
        if kind != "Sequential" or not self.document.is_chain(key):
            outputs = self._pass(key, inputs, [*frames, frame])
            return Functional(_gathered(starts, inputs), _gathered(ends, outputs), name=name)
        model = Sequential(name=name)
        with model._named():
            outputs = self._pass(key, inputs, [*frames, frame])
        # they have been called already, and in this order
        model._start, model._stack = inputs[0], list(frame.layers.values())
        model._functional, model.built = Functional(inputs[0], outputs[0], name=name), True
        return model

    def _input(self, node: Node, called: Sequence[Tensor]) -> Tensor:
        settings, name = node.settings, self._names[node.id]
        shape, dtype = settings.get("shape"), settings.get("dtype")
        if shape is None:
            return Input(batch_shape=called[0].shape, dtype=called[0].dtype, name=name)
        return Input(shape, settings.get("batch_size"), dtype, name=name)

    def _pass(self, key: str, given: Sequence[Tensor], frames: list) -> list[Tensor]:
        """What a container gives for some tensors."""
        made: dict[str, list[Tensor]] = {}
        waiting = list(given)
        outputs = {}
        for node in self.document.ordered(key):
            if node.kind == "input":
                place = [n.id for n in self.document.inputs(key)].index(node.id)
                made[node.id] = [waiting[place]]
            elif node.id in self.live:
                # what only a dead end of a group needs was not made
                reads = [made[e.source][e.output] if e.source in made else None for e in node.reads]
                if node.kind == "output":
                    outputs[node.id] = reads[0]
                else:
                    made[node.id] = self._node(node, reads, frames)
        return [outputs.get(node.id) for node in self.document.outputs(key)]

    def _node(self, node: Node, reads: list[Tensor], frames: list) -> list[Tensor]:
        if node.kind == "group":
            return self._pass(node.id, reads, [*frames, _Frame(node.id)])
        if node.kind == "repeat":
            for _ in range(node.count):
                reads = self._pass(node.id, reads, [*frames, _Frame(node.id)])
            return reads
        if node.is_function:
            return self._function(node, reads)
        owner = self.document.owner(node.id)
        home = next(frame for frame in reversed(frames) if frame.container == owner.parent)
        layer = home.layers.get(owner.id)
        if layer is None:
            layer = home.layers[owner.id] = self._layer(owner, reads, frames, home)
        if layer not in self.layers.setdefault(node.id, []):
            self.layers[node.id].append(layer)
        if node.kind == "model":
            outputs = layer(_gathered(self.document.inputs(owner.id), reads))
        else:
            outputs = self._called(node, owner, layer, reads)
        return [t for t in tree.flatten(outputs) if isinstance(t, Tensor)]

    def _function(self, node: Node, reads: list[Tensor]) -> list[Tensor]:
        form = form_of(node.type)
        try:
            outputs = operation_call(form, node.settings, reads, self._name(node))
        except LAYER_ERRORS as error:
            raise ArgumentError(f"{self._names[node.id]}: {error}") from error
        self.functions[node.id] = self.functions.get(node.id, 0) + 1
        return [t for t in tree.flatten(outputs) if isinstance(t, Tensor)]

    def _called(self, node: Node, owner: Node, layer: Layer, reads: list[Tensor]) -> Any:
        entry = self.palette[owner.type]
        try:
            args, named = entry.given(reads, node.keywords)
            return layer(*args, **named, **node.call)
        except MemoryError:
            raise
        except LAYER_ERRORS as error:  # what worked without weights fails with them
            raise ArgumentError(f"{self._names[node.id]}: {error}") from error

    def _layer(self, owner: Node, reads: list[Tensor], frames: list, home: _Frame) -> Layer:
        name = self._name(owner)
        if owner.kind == "layer":
            entry = self.palette[owner.type]
            return make_layer(entry, owner.settings, name, self._own)
        outer = frames[: frames.index(home) + 1]
        model = self.model(owner.id, name, owner.type, reads, outer)
        if owner.settings.get("trainable") is False:
            model.trainable = False
        return model

    def _name(self, owner: Node) -> str:
        """The name as shown; in a further repetition with the number of that."""
        before = self.functions.get(owner.id, 0) or len(self.layers.get(owner.id, ()))
        name, number = self._names[owner.id], before + 1
        if number == 1:
            return name
        further = f"{name}_r{number}"
        while further in self._taken:
            further += "_"
        self._taken.add(further)
        return further


def _gathered(ends: Sequence[Node], tensors: Sequence[Tensor]) -> Any:
    """What a model is given, or gives: a tensor, a list, or a dictionary."""
    if any(node.key for node in ends):
        return {node.key: tensor for node, tensor in zip(ends, tensors, strict=True)}
    return tensors[0] if len(tensors) == 1 else list(tensors)


# Weights


def _carried(
    document: Document, layers: Mapping[str, list[Layer]], before: Built | None
) -> set[str]:
    """Take over weights where they fit; the ids of nodes of which some are new."""
    new: set[str] = set()
    for node in document:
        if node.kind != "layer" or node.shares:
            continue
        own = layers.get(node.id, [])
        earlier = [] if before is None else before.layers.get(node.id, [])
        same = before is None or _are_same(before.document.nodes.get(node.id), node)
        for place, layer in enumerate(own):
            old = earlier[place] if place < len(earlier) and same else None
            if old is not None and _fits(old, layer):
                layer.set_weights(old.get_weights())
            elif layer.weights:
                new.add(node.id)
    return new


def _are_same(old: Node | None, new: Node) -> bool:
    """Whether what the weights begin with was asked for in the same way."""
    if old is None:
        return True  # the layer comes from elsewhere
    keys = [k for k in {*old.settings, *new.settings} if k.endswith("initializer") or k == "dtype"]
    return all(old.settings.get(k) == new.settings.get(k) for k in keys)


def _fits(old: Layer, new: Layer) -> bool:
    if type(old).__name__ != type(new).__name__:
        return False
    pairs = [[(v.name, v.shape) for v in layer.weights] for layer in (old, new)]
    return pairs[0] == pairs[1]
