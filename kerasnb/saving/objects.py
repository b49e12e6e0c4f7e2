"""Any object of the package, or registered by the user, as plain data and back.

Imports all families of objects, and registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kerasnb import (
    activations,
    constraints,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    registry,
    regularizers,
)
from kerasnb.errors import LoadError
from kerasnb.models.cloning import model_of
from kerasnb.optimizers import schedules

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

# how the objects of a public module are made; the longest name that fits counts
_FAMILIES: dict[str, Callable[[Any], Any]] = {
    "keras": lambda config: (
        dtype_policies.deserialize(config) if "Policy" in config["class_name"] else model_of(config)
    ),
    "keras.activations": activations.deserialize,
    "keras.constraints": constraints.deserialize,
    "keras.dtype_policies": dtype_policies.deserialize,
    "keras.initializers": initializers.deserialize,
    "keras.layers": layers.deserialize,
    "keras.losses": losses.deserialize,
    "keras.metrics": metrics.deserialize,
    "keras.models": model_of,
    "keras.optimizers": optimizers.deserialize,
    "keras.optimizers.schedules": schedules.deserialize,
    "keras.regularizers": regularizers.deserialize,
    "keras.src.backend": optimizers.deserialize,
    "keras.src.models": model_of,
}


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as data that JSON can hold: numbers, texts and None as they are, and what is in lists
    and dictionaries.

    Raises:
        ArgumentError: it has no `get_config`.

    Example:
        >>> serialize_keras_object(regularizers.L2(0.5))["config"]
        {'l2': 0.5}
    """
    return registry.serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """What `serialize_keras_object` described.

    Args:
        config: the data. Its ``module`` tells which family of the package's classes it may name;
            nothing is imported.
        custom_objects: the user's own classes and functions, by name.
        safe_mode: accepted for Keras's sake. Code in a configuration is never run.

    Raises:
        LoadError: the data names a module that is none of the package's.
        ArgumentError: it names a class that is not there.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return _made(config)


def _made(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_made(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {key: _made(item) for key, item in config.items()}
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    if registry.is_known(config.get("registered_name")) or registry.is_known(name):
        return registry.deserialize(config, {}, "object")
    module = config.get("module")
    named = module if isinstance(module, str) else ""
    for family in sorted(_FAMILIES, key=len, reverse=True):
        if f"{named}.".startswith(f"{family}."):
            return _FAMILIES[family](config)
    raise LoadError(
        f"deserialize_keras_object: the class {config['class_name']!r:.60} is of the module "
        f"{named!r:.60}, which is none of the package's. Pass your own classes in custom_objects."
    )
