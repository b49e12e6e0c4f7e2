"""Models from models and from JSON. Imports sequential and functional."""

from __future__ import annotations

import json
from typing import Any

from kerasnb import registry
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.models.functional import Functional
from kerasnb.models.model import Model
from kerasnb.models.sequential import Sequential

__all__ = ["clone_model", "model_from_json"]


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
    try:
        config = json.loads(text)
    except ValueError as error:
        raise LoadError(f"model_from_json: {error}") from None
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(
            config, {"Sequential": Sequential, "Functional": Functional}, "model"
        )
