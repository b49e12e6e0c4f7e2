"""What the classes of layers say about their arguments, inputs and outputs, and when two values of
an argument mean the same. Imports the layers and what they name.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

from kerasnb import activations, constraints, initializers, regularizers
from kerasnb.layers import LAYERS
from kerasnb.layers.merging import OfSeveral
from kerasnb.naming import snake_case
from kerasnb.notebook.builder.operations import form_of, output_count_of

__all__ = [
    "BASE", "FAMILIES", "call_names", "class_of", "family_of", "handed_on", "is_activation",
    "is_automatic", "is_usual", "meaning", "output_count", "parameters", "ports", "takes",
    "takes_more", "unusual",
]  # fmt: skip

# the arguments that every layer has, with their defaults; `name` is written apart
BASE = {"activity_regularizer": None, "trainable": True, "dtype": None, "autocast": True}
FAMILIES = {
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
}


@functools.lru_cache(maxsize=512)
def parameters(cls: type) -> dict[str, Any]:
    """The arguments of a class in their order, each with its default; `inspect.Parameter.empty` for
    those that are required."""
    return {
        name: parameter.default
        for name, parameter in _signature(cls.__init__).items()
        if name not in ("self", "name") and parameter.kind not in _OPEN
    }


@functools.lru_cache(maxsize=512)
def handed_on(cls: type) -> dict[str, Any]:
    """The arguments of a layer's bases that it takes without naming them, each with its default."""
    found = dict(BASE)
    for owner in reversed(cls.__mro__[1:]):
        found |= parameters(owner)
    return {name: v for name, v in found.items() if v is not inspect.Parameter.empty}


@functools.lru_cache(maxsize=512)
def takes_more(cls: type) -> bool:
    """Whether a class hands arguments it does not name on to `Layer`."""
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in _signature(cls.__init__).values())


@functools.lru_cache(maxsize=512)
def takes(cls: type | None) -> str | int:
    """What a layer is called on: ``"one"`` tensor (or a list, if there are more), ``"several"`` in
    a list, always, or a number of tensors one by one."""
    if cls is None:
        return "one"
    if issubclass(cls, OfSeveral):
        return "several"
    count = len(ports(cls))
    return count if count > 1 else "one"


@functools.lru_cache(maxsize=512)
def ports(cls: type) -> tuple[str, ...]:
    """The names of the tensors that a layer takes by position."""
    own = list(_signature(cls.call).values())[1:]
    own = [p for p in own if p.kind not in _OPEN and p.name not in _NO_TENSORS]
    found = [p for p in own if p.default is p.empty or _hint(p) == "Tensor"]
    return tuple(p.name for p in found if not p.name.endswith("mask"))


@functools.lru_cache(maxsize=512)
def call_names(cls: type) -> tuple[str, ...]:
    """The names of what a layer is called with, in their order."""
    own = list(_signature(cls.call).values())[1:]
    return tuple(p.name for p in own if p.kind not in _OPEN)


def _hint(parameter: inspect.Parameter) -> str:
    """A type hint as a text, without the None that it may allow."""
    hint = parameter.annotation
    text = hint if isinstance(hint, str) else getattr(hint, "__name__", str(hint))
    return text.split(" | ")[0]


def output_count(
    type_: str, settings: Mapping[str, Any], call: Mapping[str, Any], cls: type | None
) -> int | None:
    """How many tensors a call of a layer gives; None if the class is not known here."""
    form = form_of(type_)
    if form is not None:
        return output_count_of(form, settings)
    if type_ in ("LSTM", "GRU", "SimpleRNN", "RNN"):
        if not settings.get("return_state"):
            return 1
        cell = settings.get("cell")
        if type_ != "RNN":
            return 3 if type_ == "LSTM" else 2
        if isinstance(cell, Mapping):
            return {"LSTMCell": 3, "GRUCell": 2, "SimpleRNNCell": 2}.get(cell.get("class_name"))
        return None
    if type_ in ("MultiHeadAttention", "Attention", "AdditiveAttention"):
        return 2 if call.get("return_attention_scores") else 1
    ours = cls is not None and cls.__module__.split(".")[0] == "kerasnb"
    return 1 if ours else None


# Values of arguments


def family_of(argument: str, value: Mapping[str, Any]) -> str:
    """Where the class of an object that is an argument is found: ``"initializers"``, …,
    ``"layers"``."""
    for family in FAMILIES:
        if argument.endswith(family[:-1]):
            return family
    module = value.get("module")
    last = module.split(".")[-1] if isinstance(module, str) else ""
    return last if last in FAMILIES else "layers"


def class_of(family: str, name: Any) -> type | None:
    """The class of an initializer, regularizer or constraint; None if there is none."""
    module = FAMILIES.get(family)
    found = getattr(module, name, None) if isinstance(name, str) and module else None
    return found if isinstance(found, type) and name in module.__all__ else None


def meaning(argument: str, value: Any) -> Any:
    """A value of an argument such that two are equal if they mean the same."""
    if isinstance(value, bool):
        return ("bool", value)
    if argument.endswith("activation") and value is None:
        return "linear"
    if isinstance(value, str):
        family = family_of(argument, {})
        cls = class_of(family, value)
        return value if cls is None else ("object", cls.__name__, [])
    if isinstance(value, (list, tuple)):
        return [meaning("", v) for v in value]
    if not isinstance(value, Mapping):
        return value
    if not isinstance(value.get("class_name"), str) or not isinstance(value.get("config"), Mapping):
        return {k: meaning(k, v) for k, v in value.items()}
    if value["class_name"] == "DTypePolicy":
        return value["config"].get("name")
    name, config = value["class_name"], value["config"]
    cls = class_of(family_of(argument, value), name) or LAYERS.get(name)
    if is_automatic(config.get("name"), name):
        config = {k: v for k, v in config.items() if k != "name"}
    config = {k: meaning(k, v) for k, v in unusual(cls, config).items()}
    return ("object", cls.__name__ if cls else name, sorted(config.items()))


def is_usual(argument: str, value: Any, default: Any) -> bool:
    """Whether a value means the same as the default of its argument."""
    if default is inspect.Parameter.empty:
        return False
    if type(default) is int and isinstance(value, (list, tuple)) and value:
        return all(type(v) is int and v == default for v in value)
    return meaning(argument, value) == meaning(argument, default)


def unusual(cls: type | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the defaults, in the order of the signature, others after them."""
    if cls is None:
        return dict(settings)
    defaults = {**handed_on(cls), **parameters(cls)}
    order = [n for n in parameters(cls) if n in settings]
    order += sorted(n for n in settings if n not in order)
    return {
        name: settings[name]
        for name in order
        if name not in defaults or not is_usual(name, settings[name], defaults[name])
    }


def is_automatic(name: Any, type_: str) -> bool:
    """Whether a layer of this class could have been given this name by nobody."""
    pattern = re.escape(snake_case(type_)) + r"(_\d+)?"
    return isinstance(name, str) and re.fullmatch(pattern, name) is not None


def is_activation(name: Any) -> bool:
    """Whether an activation function has this name."""
    return isinstance(name, str) and name in activations.__all__


_NO_TENSORS = ("mask", "training", "initial_state", "states")
_OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _signature(function: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # a class that is written in C
        return {}
