"""A model as plain data: its nodes, its edges, and what each costs. What pictures are drawn from.

Imports cost and layers. Models are known here only by their attributes.
"""

from __future__ import annotations

import inspect
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Any

from kerasnb import config, initializers, tree
from kerasnb.graph import Node
from kerasnb.layers.base import Layer
from kerasnb.layers.input import InputLayer
from kerasnb.layers.symbolic import LayerCall, is_symbolic, map_shapes
from kerasnb.models.cost import CALL_ERRORS, call_cost, node_cost
from kerasnb.models.trainer import Trainer
from kerasnb.ops.operation import Operation
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor

__all__ = ["describe", "graph_of", "is_weightless", "op_type", "output_specs", "settings_of"]


def describe(model: Any) -> dict:
    """The graph of `model` as dictionaries, lists, strings and numbers.

    Works for models that are not built yet, and for those whose `call` is Python: what is not known
    is None.

    Returns:
        ``name``, ``type``, ``parameters``, ``trainable`` (how many of them learn), ``cost``
        (operations for one sample), ``connected`` (False where only the layers are known),
        ``nodes`` and ``edges``.

        A node has ``id``, ``kind`` (``"input"``, ``"layer"``, ``"model"``, ``"op"`` or
        ``"output"``), ``name``, ``type``, ``family`` (the module of a layer's class), ``settings``
        (argument -> text), ``shapes`` (of its outputs), ``parameters``, ``trainable``, ``cost``,
        ``call`` (number, of how many: shared layers have several) and ``model`` (the description of
        a model within).

        An edge has ``source`` and ``target`` (ids), ``shape`` and ``dtype``.
    """
    graph = graph_of(model)
    if graph is not None:
        nodes, edges = _graph_parts(graph)
    else:
        nodes, edges = _listed_parts(model)
    costs = [n["cost"] for n in nodes]
    return {
        "name": model.name,
        "type": type(model).__name__,
        **_parameters(model),
        "cost": sum(costs) if costs and None not in costs else None,
        "connected": graph is not None or hasattr(model, "_stack"),
        "nodes": nodes,
        "edges": edges,
    }


def graph_of(model: Any) -> Any:
    """The functional model that `model` is or holds; None if its `call` is Python or unknown."""
    inner = getattr(model, "_functional", None) or model
    return inner if hasattr(inner, "_nodes") else None


def op_type(name: str) -> str:
    """An op's name as a class would have it: ``reduce_sum`` to ``ReduceSum``."""
    return "".join(part.capitalize() for part in name.split("_"))


def _graph_parts(graph: Any) -> tuple[list, list]:
    ends = [t.node for t in graph.inputs]
    calls = Counter(id(n.op) for n in graph._nodes if isinstance(n, LayerCall))
    seen: Counter = Counter()
    models: dict[int, dict] = {}
    nodes, edges, made = [], [], {}

    def add(node: dict, reads: list) -> str:
        node["id"] = f"n{len(nodes)}"
        nodes.append(node)
        edges.extend(
            {"source": made[id(t)], "target": node["id"], "shape": list(t.shape), "dtype": t.dtype}
            for t in reads
            if id(t) in made
        )
        return node["id"]

    for node in (*ends, *graph._nodes):
        if isinstance(node.op, Operation):
            description = _operation_node(node)
        elif isinstance(node, LayerCall):
            seen[id(node.op)] += 1
            call = (seen[id(node.op)], calls[id(node.op)])
            description = _layer_node(node.op, node, call, models)
        else:
            description = _op_node(node) if node.op is not None else _input_node(node)
        outputs = node.outputs if node.op is not None else (node.attrs["layer"].output,)
        key = add(description, [t for t in node.inputs if is_symbolic(t)])
        made.update((id(t), key) for t in outputs)
    for name, tensor in zip(graph.output_names, graph.outputs, strict=True):
        add({**_EMPTY, "kind": "output", "name": name, "type": "Output"}, [tensor])
    return nodes, edges


def _listed_parts(model: Any) -> tuple[list, list]:
    """The layers of a model whose connections are not known; a stack's are, but not its shapes."""
    layers, models = model.layers, {}
    nodes = [
        {**_layer_node(layer, None, (1, 1), models), "id": f"n{i}"}
        for i, layer in enumerate(layers)
    ]
    stack = nodes if hasattr(model, "_stack") else []
    edges = [
        {"source": a["id"], "target": b["id"], "shape": None, "dtype": None}
        for a, b in pairwise(stack)
    ]
    return nodes, edges


_EMPTY = {
    "id": "", "kind": "op", "name": "", "type": "", "family": "", "settings": {}, "shapes": [],
    "parameters": 0, "trainable": 0, "cost": 0, "call": (1, 1), "model": None,
}  # fmt: skip


def _input_node(node: Node) -> dict:
    layer = node.attrs["layer"]
    return {
        **_EMPTY,
        "kind": "input",
        "name": layer.name,
        "type": "Input",
        "settings": {} if layer.dtype == config.floatx() else {"dtype": layer.dtype},
        "shapes": [list(layer.batch_shape)],
    }


def _op_node(node: Node) -> dict:
    attrs = {k: _text(v) for k, v in node.attrs.items() if isinstance(v, (int, float, str, tuple))}
    constants = [_text(v) for v in node.inputs if isinstance(v, (bool, int, float))]
    return {
        **_EMPTY,
        "name": node.op.name,
        "type": op_type(node.op.name),
        "family": "op",
        "settings": {**({"constant": ", ".join(constants)} if constants else {}), **attrs},
        "shapes": [list(t.shape) for t in node.outputs],
        "cost": node_cost(node),
    }


def _operation_node(node: LayerCall) -> dict:
    operation = node.op
    given = {k: v for k, v in zip(operation.form.given, node.args, strict=False) if _is_plain(v)}
    settings = {k: _text(v) for k, v in operation.settings.items() if v is not None}
    return {
        **_EMPTY,
        "name": operation.name,
        "type": operation.type,
        "family": "op",
        "settings": {**{k: _text(v) for k, v in given.items()}, **settings},
        "shapes": [list(t.shape) for t in node.outputs],
        "cost": call_cost(operation, node.args, {}),
    }


def _is_plain(value: Any) -> bool:
    return value is not None and not any(isinstance(v, Tensor) for v in tree.flatten(value))


def _layer_node(layer: Layer, node: LayerCall | None, call: tuple, models: dict) -> dict:
    nested = isinstance(layer, Trainer)
    if nested and id(layer) not in models:
        models[id(layer)] = describe(layer)
    inner = models.get(id(layer))
    if inner is not None and inner["cost"] is not None:
        cost = inner["cost"]
    elif node is not None:
        cost = call_cost(layer, node.args, node.kwargs)
    else:
        cost = _listed_cost(layer)
    specs = tree.flatten(output_specs(layer) if node is None else list(node.outputs))
    # the weights of a shared layer are counted at its first call
    counts = _parameters(layer) if call[0] == 1 else {"parameters": 0, "trainable": 0}
    return {
        **_EMPTY,
        "kind": "model" if nested else "layer",
        "name": layer.name,
        "type": type(layer).__name__,
        "family": "model" if nested else _family(type(layer)),
        "settings": {} if nested else settings_of(layer),
        "shapes": [list(s.shape) for s in specs if s is not None],
        **counts,
        "cost": cost,
        "call": call,
        "model": inner,
    }


def _parameters(layer: Layer) -> dict:
    if not layer.built and not is_weightless(layer):
        return {"parameters": None, "trainable": None}
    trainable = sum(v.size for v in layer.trainable_weights)
    return {"parameters": sum(v.size for v in layer.weights), "trainable": trainable}


def is_weightless(layer: Layer) -> bool:
    """Whether `layer` will have no weights, although it is not built yet."""
    return type(layer).build is Layer.build and not layer._sublayers()


def _family(kind: type) -> str:
    for ancestor in kind.__mro__:
        package, _, module = ancestor.__module__.rpartition(".")
        if package == "kerasnb.layers" and module != "base":
            return module
    return "custom"


# Layers outside a graph: what the shape for which they were built tells


def output_specs(layer: Layer) -> Any:
    """The specs of what `layer` gives, nested as it gives them; None if they are not known."""
    if layer._calls:
        return layer._calls[-1].structure
    if isinstance(layer, InputLayer):
        return layer.output
    given = _built_for(layer)
    if given is None:
        return None
    try:
        return layer.compute_output_spec(given)
    except CALL_ERRORS:
        return None


def _listed_cost(layer: Layer) -> int | None:
    given = _built_for(layer)
    return None if given is None else call_cost(layer, (given,), {})


def _built_for(layer: Layer) -> Any:
    """The specs of the input for which `layer` was built, if it is known and was but one."""
    shape = layer.build_shape
    if shape is None or not layer.built:
        return None
    try:
        return map_shapes(lambda s: TensorSpec(s, layer.compute_dtype), shape)
    except TypeError:  # a build of one's own may be called with anything
        return None


# Settings: the arguments that a person gave


def settings_of(layer: Layer) -> dict[str, str]:
    """The arguments that `layer` was made with and that are not the defaults, as short texts."""
    args, kwargs = getattr(layer, "_arguments", ((), {}))
    names, defaults = _signature(type(layer))
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    try:
        known = layer.get_config()
    except CALL_ERRORS:
        known = {}
    known = known if isinstance(known, dict) else {}
    found = {}
    for key, value in given.items():
        if key not in _UNTOLD:
            value = known.get(key, value)
            if not (key in defaults and _is_default(key, value, defaults[key])):
                found[str(key)] = _text(value)
    return found


_UNTOLD = ("name", "trainable", "dtype", "input_shape", "layers", "inputs", "outputs")


@lru_cache(maxsize=256)
def _signature(kind: type) -> tuple[list[str], dict]:
    """The arguments of a class in order, and the defaults of its own and its ancestors' ones."""
    defaults: dict[str, Any] = {}
    for ancestor in reversed(kind.__mro__):
        if "__init__" in ancestor.__dict__ and issubclass(ancestor, Layer):
            parameters = inspect.signature(ancestor.__init__).parameters.values()
            defaults |= {p.name: p.default for p in parameters if p.default is not p.empty}
    return list(inspect.signature(kind.__init__).parameters)[1:], defaults


_PLAIN = (bool, int, float, str, type(None))


def _is_default(key: str, value: Any, default: Any) -> bool:
    if isinstance(value, (list, tuple)):  # a size for each axis, or the same for all
        items = default if isinstance(default, (list, tuple)) else [default] * len(value)
        return len(items) == len(value) and all(
            isinstance(v, _PLAIN) and v == d for v, d in zip(value, items, strict=True)
        )
    if isinstance(value, dict) and isinstance(default, str) and key.endswith("initializer"):
        return value == _default_initializer(default)
    if default is None and key == "activation":
        return value in (None, "linear")
    return isinstance(value, _PLAIN) and value == default


@lru_cache(maxsize=64)
def _default_initializer(name: str) -> Any:
    return initializers.serialize(initializers.get(name))


def _text(value: Any, depth: int = 2) -> str:
    """A setting in a few characters."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, _PLAIN):
        return str(value)[:200]
    if isinstance(value, (list, tuple)) and depth:
        items = [_text(v, depth - 1) for v in value[:8]]
        more = ["…"] if len(value) > 8 else []
        return f"({', '.join(items + more)}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict) and "class_name" in value:  # an object as configurations have it
        inner = value.get("config")
        return _text(inner if isinstance(inner, str) else value["class_name"], depth=0)
    if isinstance(value, Tensor):
        return str(value.spec)
    return getattr(value, "__name__", None) or type(value).__name__
