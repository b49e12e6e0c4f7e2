"""Metrics by name, and to and from configurations. Imports the modules that define metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import naming, registry
from kerasnb.errors import ArgumentError
from kerasnb.losses import lookup as losses
from kerasnb.losses.base import serialize_function
from kerasnb.losses.lookup import with_function
from kerasnb.metrics import (
    accuracy,
    auc,
    base,
    confusion,
    correlation,
    from_losses,
    fscore,
    iou,
    operating_points,
    r2,
)

__all__ = ["deserialize", "get", "serialize"]

_CLASSES = (
    accuracy.Accuracy,
    accuracy.BinaryAccuracy,
    accuracy.CategoricalAccuracy,
    accuracy.SparseCategoricalAccuracy,
    accuracy.SparseTopKCategoricalAccuracy,
    accuracy.TopKCategoricalAccuracy,
    auc.AUC,
    base.Mean,
    base.MeanMetricWrapper,
    base.Sum,
    confusion.FalseNegatives,
    confusion.FalsePositives,
    confusion.Precision,
    confusion.Recall,
    confusion.TrueNegatives,
    confusion.TruePositives,
    from_losses.BinaryCrossentropy,
    from_losses.CategoricalCrossentropy,
    from_losses.CategoricalHinge,
    from_losses.CosineSimilarity,
    from_losses.Hinge,
    from_losses.KLDivergence,
    from_losses.LogCoshError,
    from_losses.MeanAbsoluteError,
    from_losses.MeanAbsolutePercentageError,
    from_losses.MeanSquaredError,
    from_losses.MeanSquaredLogarithmicError,
    from_losses.Poisson,
    from_losses.RootMeanSquaredError,
    from_losses.SparseCategoricalCrossentropy,
    from_losses.SquaredHinge,
    correlation.ConcordanceCorrelation,
    correlation.PearsonCorrelation,
    fscore.F1Score,
    fscore.FBetaScore,
    iou.BinaryIoU,
    iou.IoU,
    iou.MeanIoU,
    iou.OneHotIoU,
    iou.OneHotMeanIoU,
    operating_points.PrecisionAtRecall,
    operating_points.RecallAtPrecision,
    operating_points.SensitivityAtSpecificity,
    operating_points.SpecificityAtSensitivity,
    r2.R2Score,
)

SHORT_NAMES = {
    "bce": from_losses.BinaryCrossentropy,
    "kld": from_losses.KLDivergence,
    "mae": from_losses.MeanAbsoluteError,
    "mape": from_losses.MeanAbsolutePercentageError,
    "mse": from_losses.MeanSquaredError,
    "msle": from_losses.MeanSquaredLogarithmicError,
    "rmse": from_losses.RootMeanSquaredError,
}

_CHOICES: dict[str, Any] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{naming.snake_case(cls.__name__): cls for cls in _CLASSES},
    **SHORT_NAMES,
    **{name.upper(): cls for name, cls in SHORT_NAMES.items()},
    "acc": accuracy.Accuracy,
    "logcosh": from_losses.LogCoshError,
}

_FUNCTIONS = {
    fn.__name__: fn
    for fn in (
        accuracy.accuracy,
        accuracy.binary_accuracy,
        accuracy.categorical_accuracy,
        accuracy.sparse_categorical_accuracy,
        accuracy.sparse_top_k_categorical_accuracy,
        accuracy.top_k_categorical_accuracy,
        correlation.concordance_correlation,
        correlation.pearson_correlation,
        from_losses.cosine_similarity,
    )
}


def get(identifier: Any) -> Any:
    """The metric that `identifier` names.

    Args:
        identifier: a name (``"mse"``, ``"mean_squared_error"`` or ``"MeanSquaredError"`` give a new
            object), a configuration, a class, a function or a `Metric`; None gives None.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        identifier = deserialize(identifier)
    if not callable(identifier):
        raise ArgumentError(
            f"Expected a metric as a name, a function, a Metric or a configuration, got "
            f"{identifier!r:.40}."
        )
    return identifier() if isinstance(identifier, type) else identifier


def serialize(metric: Any) -> Any:
    """The metric as data that JSON can hold."""
    is_function = callable(metric) and not isinstance(metric, (base.Metric, type))
    return serialize_function(metric) if is_function else registry.serialize(metric)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """The metric that a configuration describes; for a name, its class.

    Args:
        config: what `serialize` gave, or a name.
        custom_objects: more classes and functions, by name.

    Raises:
        ArgumentError: the name is unknown, or the configuration is malformed.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(with_function(config, _function), _CHOICES, "metric")


def _function(config: Any) -> Callable:
    """The function that a `MeanMetricWrapper` was made with."""
    name = with_function(config, _function)
    return _FUNCTIONS[name] if name in _FUNCTIONS else losses.deserialize(name)
