"""Losses followed as metrics. Imports losses and metrics.base."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasnb import ops
from kerasnb.losses import classification, regression
from kerasnb.losses.base import weights_from_mask
from kerasnb.metrics.base import Mean, MeanMetricWrapper
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity",
    "Hinge", "KLDivergence", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError",
    "SparseCategoricalCrossentropy", "SquaredHinge", "cosine_similarity",
]  # fmt: skip


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions: 1 is the same direction.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    return -regression.cosine_similarity(y_true, y_pred, axis)


class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y_true - y_pred)².

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None):
        super().__init__(regression.mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_true - y_pred)².

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: one weight per sample, or per prediction.
        """
        y_true, y_pred = regression.paired(self.name, y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Tensor:
        """The root of the mean so far; 0 before any batch."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of |y_true - y_pred|.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None):
        super().__init__(regression.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of |y_true - y_pred| / |y_true|, in per cent.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of (log(1 + y_true) - log(1 + y_pred))²; negatives count as 0.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(y_pred - y_true)).

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "logcosh", dtype: Any = None):
        super().__init__(regression.log_cosh, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of y_pred - y_true log(y_pred).

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "poisson", dtype: Any = None):
        super().__init__(regression.poisson, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The cosine of the angle between targets and predictions, from -1 to 1 (the same direction).

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        axis: along which the vectors lie.
    """

    _direction = "up"
    _unwritten: ClassVar[dict] = {"axis": -1}

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class BinaryCrossentropy(MeanMetricWrapper):
    """The crossentropy of two classes, or of several labels that are each 0 or 1.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        from_logits: whether predictions are logits and not probabilities.
        label_smoothing: from 0 to 1; moves labels this part of the way to 1/2.
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        super().__init__(
            classification.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The crossentropy of one-hot labels.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        from_logits: whether predictions are logits and not probabilities.
        label_smoothing: from 0 to 1; spreads this part of each label evenly over the classes.
        axis: where the classes lie.
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        super().__init__(
            classification.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The crossentropy of integer labels.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        from_logits: whether predictions are logits and not probabilities.
        ignore_class: samples with this label do not count; the mean is taken over the others.
        axis: where the classes lie.
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(
            classification.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.ignore_class = ignore_class
        self._axis = axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.ignore_class is not None:
            mask = classification.label_mask(y_true, y_pred, self.ignore_class, self._axis)
            if sample_weight is not None:
                sample_weight = as_tensor(sample_weight, self.dtype)
            sample_weight = weights_from_mask(mask, sample_weight, None, self.dtype)
        super().update_state(y_true, y_pred, sample_weight)


class KLDivergence(MeanMetricWrapper):
    """Σ t log(t / p): how far predictions are from the distributions that are the targets.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "kl_divergence", dtype: Any = None):
        super().__init__(classification.kl_divergence, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean of max(0, 1 - y_true y_pred); labels 0 and 1 count as -1 and 1.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "hinge", dtype: Any = None):
        super().__init__(classification.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of max(0, 1 - y_true y_pred)²; labels 0 and 1 count as -1 and 1.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "squared_hinge", dtype: Any = None):
        super().__init__(classification.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """max(0, 1 + the highest prediction of a wrong class - that of the right one).

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "down"

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None):
        super().__init__(classification.categorical_hinge, name, dtype)
