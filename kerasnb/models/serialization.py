"""Models as plain data, in Keras 3's layout, and back. Imports layers and registry.

A functional model's data lists its layers, and for each call of a layer where its arguments came
from: ``[layer name, number of the call, number of the output]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import registry, tree
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.graph import Node
from kerasnb.layers import LAYERS
from kerasnb.layers.input import InputLayer
from kerasnb.layers.symbolic import LayerCall
from kerasnb.ops.operation import Operation, form_of_class
from kerasnb.tensor import Tensor

__all__ = ["functional_config", "rebuild_graph", "rebuild_layer"]


def rebuild_layer(config: dict, models: dict) -> Any:
    """The layer, or the model, that `config` describes."""
    return registry.deserialize(config, {**LAYERS, **models}, "layer")


def functional_config(model: Any) -> dict:
    """The layers of a functional model, their calls, and its ends.

    Raises:
        ArgumentError: an op was called outside a layer that is no function of ``keras.ops``, or one
            is given what no configuration holds.
    """
    operations = [part for part in model._operations if not isinstance(part, Node)]
    calls: dict[int, list[dict]] = {id(operation): [] for operation in operations}
    origin = {id(t): [t.node.attrs["layer"].name, 0, 0] for t in model.inputs}
    for node in model._nodes:
        if not isinstance(node, LayerCall):
            raise ArgumentError(
                f"Model {model.name!r}: the op {node.op.name!r} was called on symbolic tensors "
                "outside "
                "a layer, and has no configuration. Put it into a layer of your own."
            )
        number = len(calls[id(node.op)])
        calls[id(node.op)].append(
            tree.map_structure(
                lambda leaf: _tensor_config(leaf, origin),
                {"args": list(map(_indices, node.args)), "kwargs": dict(node.kwargs)},
            )
        )
        for i, t in enumerate(node.outputs):
            origin[id(t)] = [node.op.name, number, i]
    layers = [
        {**_serialized(part), "name": part.name, "inbound_nodes": calls[id(part)]}
        for part in operations
    ]
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": _ends(model.input, origin),
        "output_layers": _ends(model.output, origin),
    }


def rebuild_graph(config: dict, models: dict) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of the functional model that `config` describes.

    Raises:
        LoadError: a call reads what nothing makes, or the data is not laid out as it should be.
    """
    try:
        layers = {c["name"]: _rebuilt(c, models) for c in config["layers"]}
        made: dict[tuple, Tensor] = {
            (name, 0, 0): layer.output
            for name, layer in layers.items()
            if isinstance(layer, InputLayer)
        }
        waiting = [
            (c["name"], number, call)
            for c in config["layers"]
            for number, call in enumerate(c["inbound_nodes"])
        ]
    except (KeyError, TypeError) as error:
        raise LoadError(f"This is no configuration of a functional model: {error!r}.") from None
    while waiting:
        ready = [w for w in waiting if all(key in made for key in _read(w[2]))]
        if not ready:
            names = ", ".join(sorted({w[0] for w in waiting}))
            raise LoadError(f"The layers {names} read tensors that no layer before them makes.")
        for name, number, call in ready:
            call = _replace(call, made.__getitem__)
            part = layers[name]
            if isinstance(part, Operation):
                outputs = part.on(call["args"])
            else:
                outputs = part(*call["args"], **call["kwargs"])
            for i, t in enumerate(tree.flatten(outputs)):
                made[name, number, i] = t
        waiting = [w for w in waiting if w not in ready]
    return tuple(
        _map_ends(lambda key: made[tuple(key)], config[end])
        for end in ("input_layers", "output_layers")
    )


def _serialized(part: Any) -> dict:
    """A layer or an operation as data."""
    if not isinstance(part, Operation):
        return registry.serialize(part)
    return {
        "module": f"{_OPS}{part.form.page}",
        "class_name": part.type,
        "config": tree.map_structure(registry.serialize, part.get_config()),
        "registered_name": part.type,
    }


_OPS = "keras.src.ops."


def _rebuilt(config: dict, models: dict) -> Any:
    """The layer, operation or model that `config` describes."""
    module = config.get("module")
    if not isinstance(module, str) or not module.startswith(_OPS):
        return rebuild_layer(config, models)
    form = form_of_class(module.removeprefix(_OPS), config["class_name"])
    if form is None:
        raise LoadError(f"There is no operation {config['class_name']!r:.60} in {module!r:.60}.")
    return Operation.from_config(form, config["config"])


# What stands between the brackets of ``x[...]``, as Keras writes it


def _indices(value: Any) -> Any:
    if isinstance(value, slice):
        ends = {key: getattr(value, key) for key in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": ends}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if type(value) in (list, tuple):
        return [_indices(item) for item in value]
    return value


def _index_of(value: dict) -> Any:
    """What `_indices` made a dictionary of; None for anything else."""
    if value.get("class_name") == "__slice__":
        return slice(*(value["config"][key] for key in ("start", "stop", "step")))
    return Ellipsis if value.get("class_name") == "__ellipsis__" else None


def _tensor_config(leaf: Any, origin: dict) -> Any:
    if not isinstance(leaf, Tensor):
        return registry.serialize(leaf)
    if id(leaf) not in origin:
        raise ArgumentError(
            "get_config: the model computes with a tensor of its own that is no weight. Put it "
            "into a layer of your own."
        )
    return {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": list(leaf.shape),
            "dtype": leaf.dtype,
            "keras_history": origin[id(leaf)],
        },
    }


def _is_tensor_config(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _replace(value: Any, tensor_of: Callable) -> Any:
    if _is_tensor_config(value):
        return tensor_of(tuple(value["config"]["keras_history"]))
    if isinstance(value, dict) and (index := _index_of(value)) is not None:
        return index
    if isinstance(value, dict):
        return {k: _replace(v, tensor_of) for k, v in value.items()}
    return [_replace(v, tensor_of) for v in value] if isinstance(value, list) else value


def _read(call: dict) -> list[tuple]:
    """Where the tensors of a call come from."""
    found: list[tuple] = []
    _replace(call, found.append)
    return found


def _ends(structure: Any, origin: dict) -> Any:
    ends = tree.map_structure(lambda t: origin[id(t)], structure)
    return list(ends) if isinstance(ends, tuple) else ends


def _map_ends(function: Callable, ends: Any) -> Any:
    if isinstance(ends, dict):
        return {k: _map_ends(function, v) for k, v in ends.items()}
    if len(ends) == 3 and isinstance(ends[0], str):
        return function(ends)
    return [_map_ends(function, e) for e in ends]
