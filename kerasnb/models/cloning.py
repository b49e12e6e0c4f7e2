"""Models from models and from JSON. Imports sequential, functional and files.plain."""

from __future__ import annotations

from typing import Any

from kerasnb import registry
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.files import plain
from kerasnb.models.functional import Functional
from kerasnb.models.model import Model
from kerasnb.models.sequential import Sequential

__all__ = ["clone_model", "model_from_json", "model_of"]


def clone_model(model: Model) -> Model:
    """A model of the same layers with new weights of its own.

    Raises:
        ArgumentError: the model is neither sequential nor functional and has no configuration.
    """
    if type(model).get_config is Model.get_config and not isinstance(model, Functional):
        raise ArgumentError(
            f"clone_model: {type(model).__name__} is a subclass without get_config(); make a "
            "second "
            "object of it."
        )
    return type(model).from_config(model.get_config())


def model_from_json(text: str, custom_objects: dict | None = None) -> Any:
    """The model that `model.to_json()` described, with new weights.

    Args:
        text: the JSON.
        custom_objects: the user's own classes, by name.

    Raises:
        LoadError: the text is no JSON.
        ArgumentError: it names a class that is not among ours and not in `custom_objects`.
    """
    config = plain.parse(text, "model_from_json")
    with registry.custom_object_scope(custom_objects or {}):
        return model_of(config)


def model_of(config: Any) -> Model:
    """The model that a configuration describes, with new weights.

    Raises:
        LoadError: it describes something else, or is not laid out as it should be.
        ArgumentError: it names a class that is not among ours and not the user's.
    """
    choices = {"Sequential": Sequential, "Functional": Functional, "Model": Functional}
    made = registry.deserialize(config, choices, "model")
    if not isinstance(made, Model):
        raise LoadError(f"Expected the configuration of a model, got one of {made!r:.60}.")
    return made
