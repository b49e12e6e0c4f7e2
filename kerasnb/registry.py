"""Objects to plain data and back, as Keras 3 writes them, with allow-lists for the way back.

A configuration names a class; only classes that the caller lists, or that the user registered by
hand, are ever made from it. Nothing is imported by name. Imports errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, unknown

__all__ = [
    "custom_object_scope",
    "deserialize",
    "get_custom_objects",
    "get_registered_name",
    "is_known",
    "register_keras_serializable",
    "resolve",
    "serialize",
]

_registered: dict[str, Any] = {}
_scoped: ContextVar[Mapping] = ContextVar("custom_objects", default=MappingProxyType({}))


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Let a class or function of the user's be found again when a configuration names it.

    Args:
        package: the part before ``>`` in its registered name.
        name: the part after it; the class's own name if not given.
    """

    def register(thing: Any) -> Any:
        _registered[f"{package}>{name or thing.__name__}"] = thing
        return thing

    return register


def get_custom_objects() -> dict:
    """Everything registered by hand, by registered name; may be changed."""
    return _registered


@contextmanager
def custom_object_scope(objects: Mapping[str, Any]) -> Iterator[None]:
    """In the block, configurations may also name these objects."""
    token = _scoped.set({**_scoped.get(), **objects})
    try:
        yield
    finally:
        _scoped.reset(token)


def is_known(name: Any) -> bool:
    """Whether the user registered something by this name, or named it for the block."""
    return isinstance(name, str) and (name in _scoped.get() or name in _registered)


def get_registered_name(thing: Any) -> str:
    """The name under which a class or function was registered, or its own."""
    for name, registered in _registered.items():
        if registered is thing:
            return name
    return thing.__name__


def serialize(value: Any) -> Any:
    """`value` as data that JSON can hold.

    Raises:
        ArgumentError: it has no `get_config`.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [serialize(v) for v in value]
    if isinstance(value, dict):
        return {k: serialize(v) for k, v in value.items()}
    if hasattr(value, "get_config") and not isinstance(value, type):
        return serialize_object(value)
    if callable(value):
        name = get_registered_name(value)
        return name if ">" not in name and _is_ours(value) else _named(value, "function", name)
    raise ArgumentError(
        f"{type(value).__name__} cannot be written to a configuration: it has no get_config()."
    )


def serialize_object(value: Any) -> dict:
    """An object with `get_config` as Keras 3 writes it."""
    cls = type(value)
    registered = get_registered_name(cls)
    ours = _is_ours(cls)
    config = {
        "module": _public_module(cls) if ours else cls.__module__,
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": None if ours else registered,
    }
    shapes = getattr(value, "_build_shapes", None)  # of a layer that has weights
    if not shapes:
        return config
    several = {"shapes_dict": _lists(shapes)}
    built_for = several if len(shapes) > 1 else {"input_shape": _lists(*shapes.values())}
    return {**config, "build_config": built_for}


def deserialize(config: Any, choices: Mapping[str, Any], kind: str) -> Any:
    """The object that `config` describes.

    Args:
        config: ``{"class_name": …, "config": …}``, or a name.
        choices: the classes and functions that may be made here, by name.
        kind: what they are, for the error: ``"layer"``.

    Raises:
        ArgumentError: the name is neither in `choices` nor registered, or `config` is malformed.
    """
    if isinstance(config, str):
        return find(config, choices, kind)
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ArgumentError(
            f"Expected a {kind} configuration with a class_name, got {config!r:.80}."
        )
    name = config["class_name"]
    if name == "function":
        return find(config.get("registered_name") or config["config"], choices, kind)
    cls = find(config.get("registered_name") or name, choices, kind, fallback=name)
    inner = config.get("config") or {}
    made = cls.from_config(inner) if hasattr(cls, "from_config") else cls(**inner)
    built_for = config.get("build_config") or {}
    if not getattr(made, "built", True):
        if built_for.get("input_shape") is not None:
            made.build(_tuples(built_for["input_shape"]))
        elif built_for.get("shapes_dict"):
            made.build(**_tuples(built_for["shapes_dict"]))
    return made


def resolve(identifier: Any, choices: Mapping[str, Any], kind: str) -> Any:
    """The object that a name, a class or a configuration stands for; a callable stands for itself.

    Args:
        identifier: what the user gave; None stays None.
        choices: as for `deserialize`.
        kind: as for `deserialize`.
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    if not isinstance(identifier, type):
        identifier = deserialize(identifier, choices, kind)
    return identifier() if isinstance(identifier, type) else identifier


def find(name: str, choices: Mapping[str, Any], kind: str, fallback: str | None = None) -> Any:
    """What is called `name` among the user's objects, then among `choices`."""
    for key in (name, fallback):
        for known in (_scoped.get(), _registered, choices):
            if key in known:
                return known[key]
    raise unknown(kind, fallback or name, choices)


def _lists(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {k: _lists(v) for k, v in shape.items()}
    return [_lists(s) for s in shape] if isinstance(shape, (list, tuple)) else shape


def _tuples(shape: Any) -> Any:
    """A shape as a tuple again; shapes within lists and dictionaries too."""
    if isinstance(shape, dict):
        return {k: _tuples(v) for k, v in shape.items()}
    if any(isinstance(d, (list, dict)) for d in shape):
        return [_tuples(s) for s in shape]
    return tuple(shape)


def _named(value: Any, kind: str, registered: str) -> dict:
    return {
        "module": value.__module__,
        "class_name": kind,
        "config": value.__name__,
        "registered_name": registered,
    }


def _is_ours(thing: Any) -> bool:
    return thing.__module__.split(".")[0] == "kerasnb"


def _public_module(cls: type) -> str:
    """Where Keras keeps the class of this name: its family's public module."""
    parts = cls.__module__.split(".")
    if parts[1] == "models":
        return "keras" if cls.__name__ in ("Sequential", "Model") else "keras.src.models.functional"
    if parts[1] == "config":  # dtype policies
        return "keras"
    if "schedules" in parts:
        return "keras.optimizers.schedules"
    return f"keras.{parts[1]}"
