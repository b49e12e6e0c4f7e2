"""True and false positives and negatives at thresholds; precision and recall.

Imports metrics.base, losses.base and ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnb import ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.losses.base import broadcasts_to, match_ranks
from kerasnb.metrics.base import Metric
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable

__all__ = [
    "ConfusionCounts",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
    "check_thresholds",
    "count",
]

Thresholds = float | Sequence[float] | None

BELOW_ALL = -1e10  # what a prediction outside of the top k becomes, and its threshold


class ConfusionCounts(NamedTuple):
    """The weighted numbers of samples, one for each threshold.

    Attributes:
        true_positives: positive samples predicted above the threshold.
        false_positives: negative samples predicted above it.
        true_negatives: negative samples not predicted above it.
        false_negatives: positive samples not predicted above it.
    """

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor


def count(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    *,
    name: str,
    dtype: str = "float32",
    label_weights: Sequence[float] | None = None,
    per_label: bool = False,
    top_k: int | None = None,
    class_id: int | None = None,
) -> ConfusionCounts:
    """The confusion counts of a batch at each threshold.

    Args:
        y_true: labels; what is not 0 is positive.
        y_pred: predictions.
        thresholds: a prediction above is one for positive.
        sample_weight: for the leading axes of `y_pred`, or None.
        name: of the metric, for the errors.
        dtype: of the counts.
        label_weights: a weight for each place on the last axis.
        per_label: count each place on the last axis for itself.
        top_k: only the highest so many predictions of a row can be positive ones.
        class_id: look only at this place on the last axis.

    **Shape**: (thresholds,), or (thresholds, labels) if `per_label`.

    Raises:
        ShapeError: the shapes do not fit.
    """
    y_true, y_pred = _paired(name, y_true, y_pred, dtype)
    if top_k is not None:
        y_pred = _keep_top(name, y_pred, top_k)
    if class_id is not None:
        if not 0 <= class_id < y_pred.shape[-1]:
            raise ShapeError(
                f"Metric {name!r}: class_id={class_id} is not among the {y_pred.shape[-1]} classes "
                f"of y_pred, {y_pred.shape}."
            )
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
    weights = _weights(name, sample_weight, label_weights, y_pred.shape, dtype)
    # all axes but that of the labels become one: (…, L) -> (P, L) -> (L, P), or (…) -> (P,)
    flat = (-1, y_pred.shape[-1]) if per_label else (-1,)
    y_true, y_pred, weights = (
        ops.transpose(ops.reshape(ops.broadcast_to(x, y_pred.shape), flat))
        for x in (y_true, y_pred, weights)
    )
    return _sum_counts(y_true, y_pred, weights, thresholds)


def _sum_counts(
    y_true: Tensor, y_pred: Tensor, weights: Tensor, thresholds: Sequence[float]
) -> ConfusionCounts:
    """The counts from tensors of shape (P,) or (L, P), as two matrix products over P."""
    positive = y_true != 0
    # twice (L, P) -> (L, P, 2): the weight of each sample as a positive and as a negative
    weights = ops.stack([ops.where(positive, weights, 0), ops.where(positive, 0, weights)], axis=-1)
    limits = as_tensor([[t] for t in thresholds], y_pred.dtype)
    above = ops.expand_dims(y_pred, -2) > limits  # (L, 1, P) and (T, 1) -> (L, T, P)
    hits = ops.matmul(ops.cast(above, weights.dtype), weights)  # (L, T, P) @ (L, P, 2) -> (L, T, 2)
    rest = ops.matmul(ops.cast(ops.logical_not(above), weights.dtype), weights)
    counts = (hits[..., 0], hits[..., 1], rest[..., 1], rest[..., 0])
    return ConfusionCounts(*map(ops.transpose, counts))  # (L, T) -> (T, L), or (T,)


def _paired(name: str, y_true: Any, y_pred: Any, dtype: str) -> tuple[Tensor, Tensor]:
    y_true, y_pred = match_ranks(as_tensor(y_true), as_tensor(y_pred, dtype))
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"Metric {name!r}: expected y_true of the shape of y_pred, {y_pred.shape}, got "
            f"{y_true.shape}. Integer labels need to become one-hot (kerasnb.utils.to_categorical)."
        )
    return y_true, y_pred


def _weights(name: str, sample_weight: Any, label_weights: Any, shape: tuple, dtype: str) -> Tensor:
    weights = ops.ones((1,) * max(len(shape), 1), dtype)
    if sample_weight is not None:
        weights = as_tensor(sample_weight, dtype)
        if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
            weights = ops.squeeze(weights, -1)
        missing = len(shape) - weights.ndim
        spread = weights.shape + (1,) * missing
        if missing < 0 or not broadcasts_to(spread, shape):
            raise ShapeError(
                f"Metric {name!r}: expected sample_weight of shape {shape[:1]} (one per sample) or "
                f"{shape} (one per prediction), got {weights.shape}."
            )
        weights = ops.reshape(weights, spread)
    if label_weights is not None:
        per_label = as_tensor(list(label_weights), dtype)
        if not shape or per_label.shape != shape[-1:]:
            raise ShapeError(
                f"Metric {name!r}: expected label_weights of shape {shape[-1:]}, one for each "
                f"label of y_pred, {shape}, got {per_label.shape}."
            )
        weights = weights * per_label
    return weights


def _keep_top(name: str, y_pred: Tensor, k: int) -> Tensor:
    """Predictions, where not among the highest `k` of their row lowered below every threshold."""
    if y_pred.ndim == 0 or k > y_pred.shape[-1]:
        raise ShapeError(
            f"Metric {name!r}: top_k={k} is more than the classes of y_pred, {y_pred.shape}."
        )
    # positions and not values, so that of equal predictions no more than k are kept
    places = ops.top_k(y_pred, k)[1]
    kept = ops.any(ops.one_hot(places, y_pred.shape[-1], dtype="bool"), axis=-2)
    return ops.where(kept, y_pred, BELOW_ALL)


def check_thresholds(name: str, thresholds: Thresholds, default: float) -> list[float]:
    """Thresholds as a list; `default` for None.

    Raises:
        ArgumentError: one of them is not a number from 0 to 1.
    """
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [v for v in values if not isinstance(v, (int, float, np.number)) or not 0 <= v <= 1]
    if wrong or not values:
        raise ArgumentError(
            f"{name}: expected thresholds from 0 to 1, got {wrong[0] if wrong else 'none'}."
        )
    return [float(v) for v in values]


def _as_given(thresholds: Thresholds, values: list[float]) -> float | list[float] | None:
    """The argument in plain numbers, for the configuration."""
    if thresholds is None:
        return None
    return values if isinstance(thresholds, (list, tuple, np.ndarray)) else values[0]


class _Count(Metric):
    """The sum of one of the confusion counts."""

    _part: str  # of ConfusionCounts

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None):
        super().__init__(dtype, name)
        self.thresholds = check_thresholds(type(self).__name__, thresholds, 0.5)
        self._given_thresholds = _as_given(thresholds, self.thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: labels, 0 or 1.
            y_pred: predictions from 0 to 1.
            sample_weight: one weight per sample, or per prediction.
        """
        counts = count(
            y_true, y_pred, self.thresholds, sample_weight, name=self.name, dtype=self.dtype
        )
        self.accumulator.assign_add(getattr(counts, self._part))

    def result(self) -> Tensor:
        """The count so far; one for each threshold if there are several."""
        return _one_or_all(self.accumulator.value)

    def get_config(self) -> dict:
        return {**super().get_config(), "thresholds": self._given_thresholds}


class TruePositives(_Count):
    """How many positive samples are predicted above the threshold.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _part = "true_positives"


class FalsePositives(_Count):
    """How many negative samples are predicted above the threshold.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _part = "false_positives"


class TrueNegatives(_Count):
    """How many negative samples are not predicted above the threshold.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _part = "true_negatives"


class FalseNegatives(_Count):
    """How many positive samples are not predicted above the threshold.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _part = "false_negatives"


class _Share(Metric):
    """True positives as a share of themselves and another of the confusion counts."""

    _direction = "up"
    _other: str  # of ConfusionCounts

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        self.top_k = top_k
        self.class_id = class_id
        default = 0.5 if top_k is None else BELOW_ALL
        self.thresholds = check_thresholds(type(self).__name__, thresholds, default)
        self._given_thresholds = _as_given(thresholds, self.thresholds)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, name="true_positives")
        self._others: Variable = self.add_variable(shape, name=self._other)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: labels, 0 or 1.
            y_pred: predictions from 0 to 1.
            sample_weight: one weight per sample, or per prediction.
        """
        counts = count(
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            name=self.name,
            dtype=self.dtype,
            top_k=self.top_k,
            class_id=self.class_id,
        )
        self.true_positives.assign_add(counts.true_positives)
        self._others.assign_add(getattr(counts, self._other))

    def result(self) -> Tensor:
        """The share so far, 0 before any; one for each threshold if there are several."""
        hits = self.true_positives.value
        return _one_or_all(ops.divide_no_nan(hits, hits + self._others))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "thresholds": self._given_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Share):
    """How many of the samples that are predicted positive are positive.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given, none if `top_k` is.
        top_k: only the highest so many predictions of a row are positive ones.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.

    Example:
        >>> import kerasnb
        >>> float(kerasnb.metrics.Precision()([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2]))
        0.6666666865348816
    """

    _other = "false_positives"

    @property
    def false_positives(self) -> Variable:
        """The count of negative samples predicted positive."""
        return self._others


class Recall(_Share):
    """How many of the positive samples are predicted positive.

    Args:
        thresholds: from 0 to 1, one or several; 0.5 if not given, none if `top_k` is.
        top_k: only the highest so many predictions of a row are positive ones.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _other = "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """The count of positive samples not predicted positive."""
        return self._others


def _one_or_all(values: Tensor) -> Tensor:
    return values[0] if values.shape[0] == 1 else values
