"""Models on disk, and the user's own classes in configurations: ``kerasnb.saving``."""

from kerasnb.files.weights import load_weights, save_weights
from kerasnb.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    register_keras_serializable,
)

__all__ = [
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "load_weights",
    "register_keras_serializable",
    "save_weights",
]
