"""Losses by name, and to and from configurations. Imports the modules that define losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import registry
from kerasnb.errors import ArgumentError
from kerasnb.losses import circle_loss, classification, ctc_loss, focal, overlap, regression
from kerasnb.losses.base import Loss, LossFunctionWrapper, serialize_function

__all__ = ["as_loss", "deserialize", "get", "serialize", "with_function"]

_CLASS_OF: dict[Callable, type[Loss]] = {
    circle_loss.circle: circle_loss.Circle,
    classification.binary_crossentropy: classification.BinaryCrossentropy,
    classification.categorical_crossentropy: classification.CategoricalCrossentropy,
    classification.categorical_hinge: classification.CategoricalHinge,
    classification.hinge: classification.Hinge,
    classification.kl_divergence: classification.KLDivergence,
    classification.sparse_categorical_crossentropy: classification.SparseCategoricalCrossentropy,
    classification.squared_hinge: classification.SquaredHinge,
    ctc_loss.ctc: ctc_loss.CTC,
    focal.binary_focal_crossentropy: focal.BinaryFocalCrossentropy,
    focal.categorical_focal_crossentropy: focal.CategoricalFocalCrossentropy,
    focal.categorical_generalized_cross_entropy: focal.CategoricalGeneralizedCrossEntropy,
    overlap.dice: overlap.Dice,
    overlap.tversky: overlap.Tversky,
    regression.cosine_similarity: regression.CosineSimilarity,
    regression.huber: regression.Huber,
    regression.log_cosh: regression.LogCosh,
    regression.mean_absolute_error: regression.MeanAbsoluteError,
    regression.mean_absolute_percentage_error: regression.MeanAbsolutePercentageError,
    regression.mean_squared_error: regression.MeanSquaredError,
    regression.mean_squared_logarithmic_error: regression.MeanSquaredLogarithmicError,
    regression.poisson: regression.Poisson,
}

_SHORT = {
    "bce": classification.binary_crossentropy,
    "kld": classification.kl_divergence,
    "mae": regression.mean_absolute_error,
    "mape": regression.mean_absolute_percentage_error,
    "mse": regression.mean_squared_error,
    "msle": regression.mean_squared_logarithmic_error,
}

_CHOICES: dict[str, Any] = {
    **{fn.__name__: fn for fn in _CLASS_OF},
    **{cls.__name__: cls for cls in _CLASS_OF.values()},
    "LossFunctionWrapper": LossFunctionWrapper,
    **_SHORT,
    **{name.upper(): fn for name, fn in _SHORT.items()},
    # names of earlier versions of Keras
    "kullback_leibler_divergence": classification.kl_divergence,
    "logcosh": regression.log_cosh,
}


def get(identifier: Any) -> Any:
    """The loss that `identifier` names.

    Args:
        identifier: a name (``"mse"`` and ``"mean_squared_error"`` give the function,
            ``"MeanSquaredError"`` an object), a configuration, a class, a function or a `Loss`;
            None gives None.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        identifier = deserialize(identifier)
    if not callable(identifier):
        raise ArgumentError(
            f"Expected a loss as a name, a function, a Loss or a configuration, got "
            f"{identifier!r:.40}."
        )
    return identifier() if isinstance(identifier, type) else identifier


def as_loss(identifier: Any) -> Loss | None:
    """The `Loss` object that `identifier` names; a function is averaged over the batch.

    Args:
        identifier: as for `get`.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    found = get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    return _CLASS_OF[found]() if found in _CLASS_OF else LossFunctionWrapper(found)


def serialize(loss: Any) -> Any:
    """The loss as data that JSON can hold."""
    is_function = callable(loss) and not isinstance(loss, (Loss, type))
    return serialize_function(loss) if is_function else registry.serialize(loss)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """The loss that a configuration or a name describes.

    Args:
        config: what `serialize` gave, or a name.
        custom_objects: more classes and functions, by name.

    Raises:
        ArgumentError: the name is unknown, or the configuration is malformed.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(with_function(config, deserialize), _CHOICES, "loss")


def with_function(config: Any, find: Callable[[Any], Callable]) -> Any:
    """`config` of a function as its name; of a wrapper, with the function in place of its name."""
    if not isinstance(config, dict):
        return config
    inner = config.get("config")
    if config.get("class_name") == "function":
        name = config.get("registered_name")
        return name if name and name != "function" else inner
    if isinstance(inner, dict) and isinstance(inner.get("fn"), (str, dict)):
        return {**config, "config": {**inner, "fn": find(inner["fn"])}}
    return config
