"""What each layer of a model gives for some examples, without a trace left in the model.

Imports checks, functional and step. Models that are graphs of layers are read through a second
model on the same layers; of models with a `call` of their own the layers are watched while it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from kerasnb import tree
from kerasnb.compile.step import EagerScope
from kerasnb.graph import topological
from kerasnb.layers.base import Layer
from kerasnb.layers.symbolic import LayerCall
from kerasnb.models.functional import Functional
from kerasnb.models.model import Model
from kerasnb.models.sequential import Sequential
from kerasnb.notebook.insight.checks import kept_seeds, layers_of
from kerasnb.tensor import Tensor

__all__ = ["Value", "layer_values", "unchanged"]


class Value(NamedTuple):
    """What one call of a layer gave.

    Attributes:
        name: the layer's, ``"inner/name"`` within a model in the model; from the second call on
            with a number.
        layer: the layer.
        output: its first output, a tensor.
    """

    name: str
    layer: Layer
    output: Tensor


@contextmanager
def unchanged(model: Model) -> Iterator[EagerScope]:
    """A block in which nothing lasts: variables keep their values, and seeds their states.

    Gives the scope, whose ``writes`` hold what would have been assigned.
    """
    scope = EagerScope()
    try:
        with kept_seeds(), scope.active():
            yield scope
    finally:
        model._clear_losses()


def layer_values(model: Model, x: Any, training: bool = False) -> list[Value]:
    """What each layer gives for a batch `x`, in the order of the calls.

    Args:
        model: built.
        x: arrays as the model takes them.
        training: whether layers work as in `fit`.
    """
    with unchanged(model), np.errstate(all="ignore"):  # whoever asks will look for NaN
        found = _values(model, x, training, "")
    names: dict[str, int] = {}
    numbered = []
    for value in found:
        names[value.name] = times = names.get(value.name, 0) + 1
        numbered.append(value if times == 1 else value._replace(name=f"{value.name} ({times})"))
    return numbered


def _values(model: Model, x: Any, training: bool, prefix: str) -> list[Value]:
    if _is_graph(model):
        return _of_graph(model, x, training, prefix)
    seen: list[Value] = []
    with _watched(model, prefix, seen):
        model(x, training=training)
    return seen


def _is_graph(model: Model) -> bool:
    """Whether `model` does nothing but call the layers of its graph."""
    plain = type(model).call in (Sequential.call, Functional.call)
    return plain and isinstance(model, (Functional, Sequential)) and bool(model.built)


def _of_graph(model: Any, x: Any, training: bool, prefix: str) -> list[Value]:
    nodes = topological(model.outputs, stop=model.inputs)
    calls = [n for n in nodes if isinstance(n, LayerCall) and isinstance(n.op, Layer)]
    wanted = {id(t): t for call in calls for t in call.outputs}
    for call in calls:
        if isinstance(call.op, Model):
            wanted |= {id(t): t for t in call.inputs}
    inside = Functional(model.inputs, list(wanted.values()), name=model.name)
    given = [x[name] for name in model.input_names] if isinstance(x, dict) else tree.flatten(x)
    made = dict(zip(wanted, inside(given, training=training), strict=True))
    found = []
    for call in calls:
        name = prefix + call.op.name
        if isinstance(call.op, Model):
            inner = tree.map_structure(lambda t: made.get(id(t), t), call.args[0])
            found += _values(call.op, inner, training, f"{name}/")
        else:
            found.append(Value(name, call.op, made[id(call.outputs[0])]))
    return found


@contextmanager
def _watched(model: Model, prefix: str, seen: list[Value]) -> Iterator[None]:
    """Let each layer of `model` note what it gives to this thread, for the length of the block.

    A layer's `call` is covered by an attribute of the same name, and uncovered at the end.
    """
    thread = threading.get_ident()

    def watch(name: str, layer: Layer) -> None:
        call = layer.call

        def noting(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            tensors = [t for t in tree.flatten(outputs) if isinstance(t, Tensor)]
            if tensors and threading.get_ident() == thread:
                seen.append(Value(prefix + name, layer, tensors[0]))
            return outputs

        layer.__dict__["call"] = noting

    watched = layers_of(model)
    try:
        for name, layer in watched:
            watch(name, layer)
        yield
    finally:
        for _, layer in watched:
            layer.__dict__.pop("call", None)
