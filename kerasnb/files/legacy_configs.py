"""Configurations of Keras 2, as plain data, to those of Keras 3. Imports files.plain.

Nothing is made here: what comes out is data, to be read as that of any other file.
"""

from __future__ import annotations

from typing import Any

from kerasnb.files.plain import refusal, shown

__all__ = ["modern"]

_MODELS = {"Model": "Functional", "Functional": "Functional", "Sequential": "Sequential"}
# arguments that Keras 3 has not, and that change nothing in what a layer computes
_DROPPED = {
    "batch_input_shape", "fused", "implementation", "input_length", "time_major",
    "virtual_batch_size",
}  # fmt: skip
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
_FLATTENED = ("BatchNormalization", "LayerNormalization")  # which list their one axis


def modern(config: Any, what: str) -> Any:
    """What Keras 3 would have written for a model, a layer or another object of Keras 2.

    Args:
        config: plain data; that of Keras 3 comes back as it is.
        what: the file's name, which begins every error.

    Raises:
        LoadError: the data is not laid out as Keras 2 lays it out.
    """
    if isinstance(config, list):
        return [modern(item, what) for item in config]
    if not isinstance(config, dict):
        return config
    config = {key: modern(value, what) for key, value in config.items()}
    name, inner = config.get("class_name"), config.get("config")
    if not isinstance(name, str):
        return config
    if name in _MODELS:
        return config | {"class_name": _MODELS[name], "config": _model(inner, what)}
    return config | {"config": _layer(name, inner)} if isinstance(inner, dict) else config


def _layer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A layer's arguments by their names in Keras 3."""
    if name == "InputLayer" and "batch_input_shape" in config:
        config = {"batch_shape": config["batch_input_shape"]} | config
    renamed = _RENAMED.get(name, {})
    config = {renamed.get(key, key): v for key, v in config.items() if key not in _DROPPED}
    axis = config.get("axis")
    if name in _FLATTENED and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if name.startswith("DepthwiseConv") and config.get("groups") == 1:
        del config["groups"]
    policy = config.get("dtype")
    if isinstance(policy, dict) and policy.get("class_name") == "Policy":
        inner = policy.get("config")
        config["dtype"] = inner.get("name") if isinstance(inner, dict) else inner
    return config


def _model(config: Any, what: str) -> Any:
    """The layers of a model and, if it is functional, the calls of these."""
    if isinstance(config, list):  # a sequential model before Keras 2.2.3
        config = {"layers": config}
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise refusal(what, f"expected the layers of a model, got {shown(config)}")
    layers = config["layers"]
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("name", ""), str):
            raise refusal(what, f"expected the configuration of a layer, got {shown(layer)}")
    if "output_layers" not in config or not any(map(_is_old, layers)):
        return config
    calls = {layer.get("name"): layer["inbound_nodes"] for layer in layers if _is_old(layer)}
    shift = _Shift(calls, config["output_layers"])
    layers = [
        layer | {"inbound_nodes": [shift.call(node, what) for node in layer["inbound_nodes"]]}
        if _is_old(layer)
        else layer
        for layer in layers
    ]
    return config | {"layers": layers, "output_layers": shift.places(config["output_layers"])}


def _is_old(layer: dict[str, Any]) -> bool:
    """Whether a layer's calls are those of Keras 2, or of none."""
    nodes = layer.get("inbound_nodes")
    return isinstance(nodes, list) and not any(isinstance(node, dict) for node in nodes)


def _is_place(value: Any) -> bool:
    """Whether something says of which layer, call and output a tensor is."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(n) is int for n in value[1:3])
        and all(isinstance(kwargs, dict) for kwargs in value[3:])
    )


class _Shift:
    """Numbers of calls: Keras 2 counts the one with which a model within the model was made."""

    def __init__(self, calls: dict[str | None, list], outputs: Any):
        highest: dict[str, int] = {}
        waiting = [outputs, *calls.values()]
        while waiting:
            value = waiting.pop()
            if _is_place(value):
                highest[value[0]] = max(highest.get(value[0], 0), value[1])
                waiting += value[3:]
            elif isinstance(value, (list, dict)):
                waiting += value.values() if isinstance(value, dict) else value
        self.shifted = {name for name, nodes in calls.items() if nodes} & {
            name for name, number in highest.items() if number == len(calls.get(name, ()))
        }

    def places(self, value: Any) -> Any:
        """`value` with every place in it in Keras 3's numbers."""
        if _is_place(value):
            return [value[0], value[1] - (value[0] in self.shifted), *value[2:]]
        return [self.places(item) for item in value] if isinstance(value, list) else value

    def call(self, node: Any, what: str) -> dict[str, Any]:
        """A call of a layer: its tensors, and what else it was called with."""
        places = [node] if _is_place(node) else node
        if not isinstance(places, list) or not places or not all(map(_is_place, places)):
            raise refusal(what, f"expected the tensors of a call, got {shown(node)}")
        tensors = [self._tensor(place) for place in places]
        kwargs = places[0][3] if len(places[0]) == 4 else {}
        return {
            "args": [tensors if len(tensors) > 1 else tensors[0]],
            "kwargs": {key: self._tensors_in(value) for key, value in kwargs.items()},
        }

    def _tensor(self, place: list) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {
            "shape": [], "dtype": "float32", "keras_history": self.places(place[:3])}}  # fmt: skip

    def _tensors_in(self, value: Any) -> Any:
        if _is_place(value):
            return self._tensor(value)
        return [self._tensors_in(item) for item in value] if isinstance(value, list) else value
