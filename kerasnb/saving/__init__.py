"""Models on disk, and the user's own classes in configurations: ``kerasnb.saving``."""

from kerasnb.files.weights import load_weights, save_weights
from kerasnb.models.files import load_model, save_model
from kerasnb.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    register_keras_serializable,
)
from kerasnb.saving.objects import deserialize_keras_object, serialize_keras_object

__all__ = [
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
