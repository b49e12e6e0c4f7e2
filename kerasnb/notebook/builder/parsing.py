"""Keras code as a document. The code is read, never run, and nothing is imported for it.

`parsing_statements` goes through the statements and `parsing_expressions` through what is in them,
`parsing_names` knows Keras's names, `parsing_layers` what layers and models are given, and
`parsing_values` what all of it stands for. Here the graph that was read becomes a document.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from kerasnb.errors import LoadError
from kerasnb.notebook.builder.document import ROOT, Document, Edge, Node
from kerasnb.notebook.builder.parsing_layers import LAYERS_AT_MOST
from kerasnb.notebook.builder.parsing_statements import Reader
from kerasnb.notebook.builder.parsing_values import (
    Flatten,
    LayerValue,
    Made,
    ModelValue,
    Scope,
    Stuck,
    Tensor,
    Unknown,
)

__all__ = ["from_code"]

LONGEST = 200_000  # characters
_DEEPEST = 20  # models in models


def from_code(source: str, known: Mapping[str, type]) -> Document:
    """The graph of the model that code makes.

    It is the last model that gets a name outside all functions and is no part of another one.

    Args:
        source: Python code. It is only read.
        known: classes of the user's own layers, by name.

    Raises:
        LoadError: there is no model in it, or one that cannot be drawn; says in which line.
    """
    tree = _parsed(source)
    flat: set[tuple] = set()
    work = None
    while True:
        before = set(flat)
        reader = Reader(known, flat)
        reader.work = reader.work if work is None else work
        try:
            reader.run(tree.body)
            return _drawn(reader, tree)
        except Flatten as flatten:
            if flatten.sites <= before:
                line = min(site[0] for site in flatten.sites)
                text = "What is made here is used where it cannot be seen."
                raise LoadError(f"Line {line}: {text}") from None
            flat |= flatten.sites
            work = reader.work
        except Stuck as stuck:
            raise LoadError(f"Line {stuck.line}: {stuck.text}") from None
        except RecursionError:
            raise LoadError("Line 1: This is nested too deeply to be read.") from None


def _parsed(source: str) -> ast.Module:
    if len(source) > LONGEST:
        raise LoadError(f"Line 1: This code is longer than {LONGEST:,} characters.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in texts are no matter here
            return ast.parse(source.removeprefix("\ufeff"))
    except SyntaxError as error:
        text = str(error.msg).rstrip(".")
        raise LoadError(f"Line {error.lineno or 1}: This is no Python: {text}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise LoadError("Line 1: This is nested too deeply to be read.") from None


def _drawn(reader: Reader, tree: ast.Module) -> Document:
    model = _chosen(reader)
    if model is None:
        named = reader.module.find("model")
        if isinstance(named, Unknown):
            raise named.reason
        line = tree.body[-1].lineno if tree.body else 1
        text = 'There is no model here. Write one, such as "model = keras.Sequential([...])".'
        raise LoadError(f"Line {line}: {text}")
    return _Drawing(reader, model).document


def _chosen(reader: Reader) -> ModelValue | None:
    """The last model that is no part of another one."""
    parts: set[ModelValue] = set()
    for model in reader.models:
        if isinstance(model, ModelValue):
            parts |= _models_in(reader, model)
    whole = [m for m in reader.models if not isinstance(m, ModelValue) or m not in parts]
    whole = whole or reader.models
    if not whole:
        return None
    if isinstance(whole[-1], Unknown):
        raise whole[-1].reason
    return whole[-1]


def _models_in(reader: Reader, model: ModelValue) -> set[ModelValue]:
    """The models that one calls."""
    if model.items is not None:
        return {item for item in model.items if isinstance(item, ModelValue)}
    calls = list(_needed(reader, model.outputs, set(model.inputs)))
    found = set()
    while calls:
        made = calls.pop()
        if isinstance(made.what, ModelValue):
            found.add(made.what)
        if made.inner is not None:
            calls += _needed(reader, made.inner.outputs, set())
    return found


def _needed(reader: Reader, outputs: Sequence[Tensor], ends: set[Tensor]) -> list[Made]:
    """The calls that lead to tensors, in the order of the code; none beyond `ends`."""
    found: set[Made] = set()
    waiting = [tensor for tensor in outputs if tensor not in ends]
    while waiting:
        made = waiting.pop().made
        if made not in found:
            reader.spend(made.line)
            found.add(made)
            waiting += [tensor for tensor in made.reads if tensor not in ends]
    return sorted(found, key=lambda made: made.number)


class _Drawing:
    """A document in the making."""

    def __init__(self, reader: Reader, model: ModelValue):
        self.reader = reader
        self.nodes: dict[str, Node] = {}
        self.calls: dict[LayerValue | ModelValue, list[str]] = {}
        self.scopes: dict[str, Scope] = {}  # of groups and repeats
        self.open: list[ModelValue] = []
        self.layers = 0
        self._draw_model(model, ROOT)
        for what in [*self.calls]:
            if isinstance(what, ModelValue):
                self._share(what)
        for what in self.calls:
            if isinstance(what, LayerValue):
                self._share(what)
        type_ = "Sequential" if model.sequential else "Functional"
        self.document = Document(self.nodes, model.name, type_, len(self.nodes) + 1)

    def _put(self, kind: str, parent: str, **values: Any) -> str:
        key = f"n{len(self.nodes) + 1}"
        self.nodes[key] = Node(key, kind, parent, **values)
        return key

    def _draw_model(self, model: ModelValue, parent: str) -> None:
        if model.broken is not None:
            raise model.broken
        if model in self.open:
            raise Stuck(model.line, "This model is a part of itself.")
        self.open.append(model)
        if model.sequential:
            self._draw_sequential(model, parent)
        else:
            self._draw_graph(model, parent)
        self.open.pop()

    def _draw_sequential(self, model: ModelValue, parent: str) -> None:
        items = list(model.items or ())
        settings, name = model.shape, ""
        first = items[0] if items else None
        if isinstance(first, Tensor):
            settings, name = first.made.settings, first.made.name
            items = items[1:]
        elif isinstance(first, LayerValue) and first.type == "InputLayer":
            settings, name = _input_settings(first), first.name
            items = items[1:]
        elif isinstance(first, LayerValue) and first.shape:
            settings = first.shape
        elif isinstance(first, ModelValue) and parent == ROOT and not settings:
            settings = _first_settings(first)
        if not items and not settings:
            return
        edge = self._put_input(parent, name, settings)
        for item in items:
            if isinstance(item, Tensor) or getattr(item, "type", "") == "InputLayer":
                raise Stuck(model.line, "An Input can only be the first of a Sequential.")
            edge = Edge(self._draw_call(item, parent, (edge,)))
        self._put("output", parent, reads=(edge,))

    def _draw_graph(self, model: ModelValue, parent: str) -> None:
        ends: dict[Tensor, Edge] = {}
        for tensor, word in zip_longest(model.inputs, model.input_keys, fillvalue=""):
            made = tensor.made  # an input, or what is one for this model
            settings = made.settings if made.kind == "input" else {}
            name = made.name if made.kind == "input" and made.name != word else ""
            ends[tensor] = self._put_input(parent, name, settings, word)
        self._draw_calls(model.outputs, parent, ends, model.output_keys)

    def _put_input(
        self, parent: str, name: str, settings: Mapping[str, Any], word: str = ""
    ) -> Edge:
        type_ = "InputLayer" if settings or parent == ROOT else ""
        return Edge(self._put("input", parent, type=type_, name=name, settings=settings, key=word))

    def _draw_calls(
        self,
        outputs: Sequence[Tensor],
        parent: str,
        ends: Mapping[Tensor, Edge],
        words: Sequence[str] = (),
    ) -> None:
        """Draw tensors that a container gives, and all calls that lead to them from its inputs."""
        keys: dict[Made, str] = {}

        def edge(tensor: Tensor) -> Edge:
            return ends.get(tensor) or Edge(keys[tensor.made], tensor.output)

        for made in _needed(self.reader, outputs, set(ends)):
            if made.kind == "input":
                text = "This Input is needed, but it is not among the model's inputs."
                raise Stuck(made.line, text)
            reads = tuple(map(edge, made.reads))
            if made.inner is None:
                keys[made] = self._draw_call(made.what, parent, reads, made.keywords, made.call)
            else:
                keys[made] = self._draw_part(made, parent, reads)
        for tensor, word in zip_longest(outputs, words, fillvalue=""):
            self._put("output", parent, reads=(edge(tensor),), key=word)

    def _draw_call(
        self,
        what: LayerValue | ModelValue,
        parent: str,
        reads: tuple,
        keywords: tuple[str, ...] = (),
        call: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """Draw a call of a layer or a model; the first of a model holds what is in it."""
        self.layers += 1
        if self.layers > LAYERS_AT_MOST:
            text = f"A model here has {LAYERS_AT_MOST} layers at most."
            raise LoadError(f"Line {what.line}: {text}")
        is_model = isinstance(what, ModelValue)
        type_ = what.type if not is_model else "Sequential" if what.sequential else "Functional"
        kind = "model" if is_model else "layer"
        key = self._put(
            kind, parent, type=type_, name=what.name, settings=what.settings, reads=reads,
            keywords=keywords, call=dict(call),
        )  # fmt: skip
        self.calls.setdefault(what, []).append(key)
        if is_model and len(self.calls[what]) == 1:
            self._draw_model(what, key)
        return key

    def _draw_part(self, made: Made, parent: str, reads: tuple) -> str:
        """Draw a group or a repeat."""
        key = self._put(made.kind, parent, name=made.name, reads=reads, count=made.count)
        self.scopes[key] = made.inner
        ends = {Tensor(port): self._put_input(key, "", {}) for port in made.inner.inputs}
        self._draw_calls(made.inner.outputs, key, ends)
        return key

    # Layers that are called more than once

    def _around(self, key: str) -> list[str]:
        found = []
        while (key := self.nodes[key].parent) != ROOT:
            found.append(key)
        return found

    def _share(self, what: LayerValue | ModelValue) -> None:
        """Let one call own the layer: one that all others can see."""
        calls = self.calls[what]
        around = {key: self._around(key) for key in calls}
        owners = [
            key
            for key in calls
            if all(self.nodes[key].parent in (ROOT, *around[other]) for other in calls)
        ]
        outside = what.scope.chain()
        if owners:
            apart = [key for key in around[owners[0]] if self._is_apart(key, outside)]
        else:
            apart = [key for call in calls for key in around[call] if key in self.scopes]
            common = set.intersection(*(set(around[call]) for call in calls))
            apart = [key for key in apart if key not in common]
        if apart:
            raise Flatten(self.scopes[key].site for key in apart)
        if not owners:
            kind = "layer" if isinstance(what, LayerValue) else "model"
            text = f"This {kind} is in two models and in none around both, which cannot be drawn."
            raise Stuck(what.line, text)
        owner, first = owners[0], calls[0]
        for key in calls:
            if key != owner:
                self.nodes[key] = replace(self.nodes[key], shares=owner, name="", settings={})
        if owner != first:
            for key, node in self.nodes.items():
                if node.parent == first:
                    self.nodes[key] = replace(node, parent=owner)

    def _is_apart(self, key: str, outside: list[Scope]) -> bool:
        """Whether a part around a call is a repeat that the layer itself was made before."""
        scope = self.scopes.get(key)
        return scope is not None and scope.kind == "repeat" and scope not in outside


def _first_settings(model: ModelValue) -> Mapping[str, Any]:
    """What the input of a model is, if the model says so."""
    for _ in range(_DEEPEST):
        if model.shape:
            return model.shape
        first = model.items[0] if model.items else model.inputs[0] if model.inputs else None
        if isinstance(first, Tensor):
            return first.made.settings
        if not isinstance(first, ModelValue):
            return getattr(first, "shape", {})
        model = first
    return {}


def _input_settings(layer: LayerValue) -> dict[str, Any]:
    values = dict(layer.settings)
    whole = values.pop("batch_shape", None)
    if isinstance(whole, list) and whole:
        values |= {"shape": whole[1:], **({} if whole[0] is None else {"batch_size": whole[0]})}
    return {k: values[k] for k in ("shape", "batch_size", "dtype") if values.get(k) is not None}
