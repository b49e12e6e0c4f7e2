"""The document of a live model. Imports palette, values and the models' descriptions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kerasnb import config, tree
from kerasnb.errors import ArgumentError
from kerasnb.layers import LAYERS
from kerasnb.layers.base import Layer
from kerasnb.layers.input import InputLayer
from kerasnb.layers.symbolic import LayerCall, is_symbolic
from kerasnb.models.description import graph_of
from kerasnb.models.trainer import Trainer
from kerasnb.naming import snake_case
from kerasnb.notebook.builder.building import Built
from kerasnb.notebook.builder.calls import LAYER_ERRORS, aside
from kerasnb.notebook.builder.document import ROOT, Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.operations import index_text, is_list, type_of, usual_of
from kerasnb.notebook.builder.palette import entry_of
from kerasnb.notebook.builder.signatures import unusual
from kerasnb.notebook.builder.values import listed
from kerasnb.ops.operation import Operation
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor
from kerasnb.variable import weightless

__all__ = ["built_from", "from_model", "settings_of"]


def from_model(model: Any) -> Document:
    """The graph of a sequential or functional model, built or not.

    Raises:
        ArgumentError: its `call` is Python, or holds what is no layer; it is named.
    """
    return built_from(model).document


def built_from(model: Any) -> Built:
    """The graph of a model with that model, so that one built of it takes over its weights.

    Raises:
        ArgumentError: as `from_model`.
    """
    reading = _Reading()
    reading.container(ROOT, model, None)
    type_ = "Sequential" if hasattr(model, "_stack") else "Functional"
    name = "" if _is_automatic(model) else model.name
    document = Document(reading.placed(), name, type_, reading.serial)
    document.check()
    return Built(model, reading.layers, set(), document)


class _Reading:
    """Makes nodes of what a model holds, containers before what is in them."""

    def __init__(self) -> None:
        self.serial = 1
        self.layers: dict[str, list[Layer]] = {}
        self._nodes: dict[str, Node] = {}
        self._owners: dict[int, str] = {}  # by the identity of a layer, the node that has it
        self._palette = entries()
        self._waiting: list[tuple[str, Any]] = []

    def placed(self) -> dict[str, Node]:
        """All nodes, once the models within have been read too."""
        while self._waiting:
            key, model = self._waiting.pop(0)
            self.container(key, model, self._nodes[key])
        return self._nodes

    def _add(self, **values: Any) -> str:
        key = f"n{self.serial}"
        self.serial += 1
        self._nodes[key] = Node(key, **values)
        return key

    def container(self, key: str, model: Any, box: Node | None) -> None:
        """What lies in the root or in a model within."""
        graph = graph_of(model)
        if graph is not None:
            self._graph(key, graph)
        elif hasattr(model, "_stack"):
            self._stack(key, model)
        else:
            raise ArgumentError(
                f"The model {model.name!r} is a {type(model).__name__} whose call is Python, so "
                "what is connected with what is not known. Only sequential and functional models "
                "can be drawn."
            )

    # A stack that was not built yet

    def _stack(self, key: str, model: Any) -> None:
        edge = Edge(self._input(key, None if model._start is None else model._start))
        for layer in model._stack:
            if id(layer) in self._owners:
                raise ArgumentError(f"The layer {layer.name!r} is twice in {model.name!r}.")
            edge = Edge(self._call(key, layer, (edge,)))
        self._add(kind="output", parent=key, reads=(edge,))

    # A graph

    def _graph(self, key: str, graph: Any) -> None:
        made = {
            id(tensor): Edge(self._input(key, tensor, word))
            for tensor, word in zip(graph.inputs, _keys(graph, graph.input), strict=True)
        }
        for node in graph._nodes:
            if isinstance(node.op, Operation):
                own = self._function(key, node, made)
            elif isinstance(node, LayerCall):
                own = self._call(key, node.op, *self._arguments(node, made))
            elif node.op.name == "convert" and all(is_float(t.dtype) for t in node.inputs):
                made[id(node.outputs[0])] = made[id(node.inputs[0])]  # a layer does that itself
                continue
            else:
                raise ArgumentError(
                    f"The model calls the op {node.op.name!r} outside of a layer, which cannot be "
                    "drawn. Put it into a layer of your own."
                )
            for place, tensor in enumerate(node.outputs):
                made[id(tensor)] = Edge(own, place)
        for tensor, word in zip(graph.outputs, _keys(graph, graph.output), strict=True):
            self._add(kind="output", parent=key, reads=(made[id(tensor)],), key=word)

    def _input(self, parent: str, tensor: Tensor | None, key: str = "") -> str:
        if tensor is None:
            return self._add(kind="input", parent=parent, type="InputLayer")
        layer: InputLayer = tensor.node.attrs["layer"]
        batch, *shape = layer.batch_shape
        settings: dict[str, Any] = {"shape": shape}
        if layer.dtype != config.floatx():
            settings["dtype"] = layer.dtype
        if batch is not None:
            settings["batch_size"] = batch
        chosen = layer.name != key and not _is_automatic(layer, "input", "keras_tensor")
        name = layer.name if chosen else ""
        return self._add(
            kind="input", parent=parent, type="InputLayer", name=name, settings=settings, key=key
        )

    def _call(
        self,
        key: str,
        layer: Layer,
        reads: tuple,
        keywords: tuple[str, ...] = (),
        call: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """A node for a call of a layer or of a model within."""
        nested = isinstance(layer, Trainer)
        kind = "model" if nested else "layer"
        type_ = type(layer).__name__
        if nested:
            type_ = "Sequential" if hasattr(layer, "_stack") else "Functional"
        common = {
            "kind": kind, "parent": key, "type": type_, "reads": reads, "keywords": keywords,
            "call": dict(call),
        }  # fmt: skip
        if id(layer) in self._owners:
            owner = self._owners[id(layer)]
            if not self._is_seen(owner, key):
                raise ArgumentError(
                    f"The layer {layer.name!r} is shared by two models within, which cannot be "
                    "drawn. Call it outside of them as well, or give each its own."
                )
            own = self._add(**common, shares=owner)
        else:
            settings = _frozen(layer) if nested else settings_of(layer)
            name = "" if _is_automatic(layer, type_) else layer.name
            own = self._add(**common, name=name, settings=settings)
            self._owners[id(layer)] = own
            if nested:
                self._waiting.append((own, layer))
        self.layers[own] = [layer]
        return own

    def _is_seen(self, owner: str, key: str) -> bool:
        """Whether what lies in `key` can call the layer of a node."""
        home = self._nodes[owner].parent
        while key not in (ROOT, home):
            key = self._nodes[key].parent
        return key == home

    def _arguments(
        self, node: LayerCall, made: Mapping[int, Edge]
    ) -> tuple[tuple, tuple[str, ...], dict]:
        """The tensors that a call reads, the names of the last of them, and other arguments."""
        layer = node.op
        names = list(inspect.signature(layer.call).parameters)
        given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        if len(node.args) > len(names):  # a call that takes whatever comes
            raise ArgumentError(f"How the layer {layer.name!r} is called cannot be drawn.")
        entry = self._palette.get(type(layer).__name__)
        if entry is None or entry.cls is not type(layer):  # a cell may have defined it twice
            entry = entry_of(type(layer))
        ports = entry.ports if entry is not None and entry.takes != "several" else ()
        ports = ports or tuple(given)[:1]
        reads, named, call = [], [], {}
        for name, value in given.items():
            leaves = tree.flatten(value)
            tensors = [leaf for leaf in leaves if is_symbolic(leaf)]
            if name in ports and tensors and len(tensors) == len(leaves):
                reads += [(ports.index(name), made[id(t)]) for t in tensors]
            elif tensors and len(tensors) == len(leaves) and _is_flat(value):
                named += [(name, made[id(t)]) for t in tensors]
            elif tensors or any(isinstance(leaf, Tensor) for leaf in leaves):
                raise ArgumentError(
                    f"The layer {layer.name!r} is given tensors with other things, or constants, "
                    f"as {name}, which cannot be drawn."
                )
            elif value is not None:
                call[name] = listed(value)
        reads.sort(key=lambda read: read[0])
        named.sort(key=lambda read: read[0])
        edges = tuple(edge for _, edge in (*reads, *named))
        return edges, tuple(name for name, _ in named), call

    def _function(self, key: str, node: LayerCall, made: Mapping[int, Edge]) -> str:
        """A node for a function that is called between layers."""
        operation: Operation = node.op
        form = operation.form
        settings, tensors = dict(operation.settings), []
        for name, value in zip(form.given, node.args, strict=True):
            own = list(value) if is_list(form) else [value]
            if all(map(is_symbolic, own)):
                tensors += own
            else:
                settings[name] = value
        if any(not _is_said(value) for value in settings.values()):
            raise ArgumentError(
                f"The function {form.function!r} is given data of its own, which cannot be drawn."
            )
        settings = {
            name: index_text(value) if name == "key" else listed(value)
            for name, value in settings.items()
            if not usual_of(form, name, value)
        }
        reads = tuple(made[id(t)] for t in tensors)
        return self._add(parent=key, type=type_of(form), settings=settings, reads=reads)


def _is_said(value: Any) -> bool:
    """Whether a document can hold what a function is given beside tensors."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_said, value))
    return value is None or isinstance(value, (bool, int, float, str, slice, type(Ellipsis)))


def _keys(model: Any, structure: Any) -> list[str]:
    """For each tensor in what a model is given, or gives, its key; "" if that is no dictionary.

    Raises:
        ArgumentError: it is nested, or its keys are no texts.
    """
    words = list(structure) if isinstance(structure, dict) else []
    items = [structure[word] for word in words] if words else structure
    if not _is_flat(items) or not all(isinstance(word, str) and word for word in words):
        raise ArgumentError(
            f"The inputs or outputs of the model {model.name!r} are nested, which cannot be drawn. "
            "Use a list, or a dictionary with texts as keys."
        )
    return sorted(words) or [""] * len(tree.flatten(items))


def _is_flat(value: Any) -> bool:
    """Whether a value is a tensor or a list of tensors."""
    return isinstance(value, Tensor) or (
        isinstance(value, (list, tuple)) and all(isinstance(item, Tensor) for item in value)
    )


def _is_automatic(layer: Layer, *prefixes: str) -> bool:
    """Whether a name is one of those that a layer is given where nobody chose one."""
    prefixes = tuple(map(snake_case, prefixes)) or (snake_case(type(layer).__name__),)
    prefixes = (*prefixes, snake_case(type(layer).__name__))
    pattern = rf"({'|'.join(map(re.escape, prefixes))})(_\d+)?(_r\d+_*)?"
    return re.fullmatch(pattern, layer.name) is not None


def _frozen(model: Layer) -> dict[str, Any]:
    return {} if model.trainable else {"trainable": False}


# Settings


_SIZES = ("kernel_size", "strides", "pool_size", "dilation_rate", "size", "output_shape")
_NOT_OWN = ("name", "trainable", "dtype")


def settings_of(layer: Layer) -> dict[str, Any]:
    """The arguments of a layer that are not as usual, as a document holds them.

    Raises:
        ArgumentError: it does not tell its arguments.
    """
    known, given = _config(layer), _given(layer)
    dtype = known.get("dtype")
    known = {name: value for name, value in known.items() if name in given}
    usual = _usual(type(layer), known)
    settings = {
        name: _short(name, value)
        for name, value in known.items()
        if name not in _NOT_OWN and not (name in usual and usual[name] == value)
    }
    if not layer.trainable:
        settings["trainable"] = False
    if layer.dtype_policy.name != config.floatx() and usual.get("dtype") != dtype:
        settings["dtype"] = layer.dtype_policy.name
    return settings


def _given(layer: Layer) -> set[str]:
    """The names of the arguments that a layer was made with."""
    args, kwargs = layer._arguments
    names = list(inspect.signature(type(layer).__init__).parameters)[1:]
    return {*names[: len(args)], *kwargs}


def _config(layer: Layer) -> dict[str, Any]:
    try:
        known = layer.get_config()
    except LAYER_ERRORS as error:
        raise ArgumentError(
            f"The layer {layer.name!r} does not tell its arguments: {error}"
        ) from None
    return {name: listed(value) for name, value in known.items()}


def _usual(cls: type, known: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a layer of which nothing but the necessary was said."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    needed = [p.name for p in parameters if p.default is p.empty and p.name in known]
    required = {name: known[name] for name in needed}
    try:
        with aside(), weightless():
            usual = _config(cls.from_config(dict(required)))
    except (ArgumentError, *LAYER_ERRORS):
        usual = {p.name: listed(p.default) for p in parameters if p.default is not p.empty}
    return {name: value for name, value in usual.items() if name not in required}


def _short(name: str, value: Any) -> Any:
    """A value as a person would write it: 3 for (3, 3), a name for an object without settings."""
    if name in _SIZES and isinstance(value, list) and len(set(map(str, value))) == 1:
        return value[0]
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        plain = set(value) <= {"class_name", "config"}
        if plain and name.endswith("initializer") and not any(value["config"].values()):
            return snake_case(value["class_name"])
        if "name" in value["config"]:  # a layer within, such as a cell
            inner = {k: v for k, v in value["config"].items() if k not in _NOT_OWN}
            inner = unusual(LAYERS.get(value["class_name"]), inner)
            return {**value, "config": {k: _short(k, v) for k, v in inner.items()}}
    return value
