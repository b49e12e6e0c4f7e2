"""`FBetaScore` and `F1Score`: precision and recall in one number. Imports metrics.base and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.metrics.base import Metric
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["F1Score", "FBetaScore"]

AVERAGES = ("micro", "macro", "weighted")
STATE = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """(1 + beta²) precision · recall / (beta² precision + recall), for each class or their mean.

    Args:
        average: None for one number a class, ``"micro"`` counts all classes together,
            ``"macro"`` is the mean over classes, ``"weighted"`` that weighted by their targets.
        beta: how many times recall counts as much as precision, above 0.
        threshold: predictions above it are for a class; the highest one of a row if None.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.

    Raises:
        ArgumentError: `average` is unknown, or `beta` or `threshold` out of range.

    Source: C. J. van Rijsbergen (1979), "Information retrieval", chapter 7.
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if average is not None and average not in AVERAGES:
            raise unknown(f"average of {type(self).__name__}", average, AVERAGES)
        if isinstance(beta, bool) or not isinstance(beta, (int, float)) or beta <= 0:
            raise ArgumentError(f"{self.name}: beta must be a number above 0, got {beta!r}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ArgumentError(
                f"{self.name}: threshold must be above 0 and at most 1, got {threshold!r}."
            )
        self.average, self.beta, self.threshold = average, beta, threshold
        self._made = False

    def _make_state(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        for name in STATE:
            setattr(self, name, self.add_variable(shape, name=name))
        self._made = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: 0 or 1 for each class.
            y_pred: predictions for each class.
            sample_weight: one weight a sample.

        Raises:
            ShapeError: these are not two tensors of shape ``(batch, classes)``.
        """
        y_true, y_pred = as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype)
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape:
            raise ShapeError(
                f"Metric {self.name!r}: expected y_true and y_pred of one shape (batch, classes), "
                f"got {y_true.shape} and {y_pred.shape}."
            )
        if not self._made:
            self._make_state(y_pred.shape[-1])
        if self.threshold is None:
            highest = y_pred >= ops.max(y_pred, axis=-1, keepdims=True)
            chosen = ops.logical_and(highest, ops.abs(y_pred) > 1e-9)  # a row of zeros is for none
        else:
            chosen = y_pred > self.threshold
        chosen = ops.cast(chosen, self.dtype)
        weights = None
        if sample_weight is not None:
            weights = ops.reshape(as_tensor(sample_weight, self.dtype), (-1, 1))
        parts = (chosen * y_true, chosen * (1.0 - y_true), (1.0 - chosen) * y_true, y_true)
        axis = None if self.average == "micro" else 0
        for name, part in zip(STATE, parts, strict=True):
            part = part if weights is None else part * weights
            getattr(self, name).assign_add(ops.sum(part, axis=axis))

    def result(self) -> Tensor:
        """The score so far, or one a class; 0 before any batch."""
        if not self._made:
            return ops.zeros((), self.dtype)
        hits, tiny = self.true_positives.value, config.epsilon()
        precision = hits / (hits + self.false_positives + tiny)
        recall = hits / (hits + self.false_negatives + tiny)
        square = self.beta**2
        score = precision * recall / (precision * square + recall + tiny) * (1.0 + square)
        if self.average == "weighted":
            targets = self.intermediate_weights.value
            return ops.sum(score * (targets / (ops.sum(targets) + tiny)))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, for each class or their mean.

    Args:
        average: None for one number a class, ``"micro"`` counts all classes together,
            ``"macro"`` is the mean over classes, ``"weighted"`` that weighted by their targets.
        threshold: predictions above it are for a class; the highest one of a row if None.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.

    Example:
        >>> import kerasnb
        >>> metric = kerasnb.metrics.F1Score(threshold=0.5, average="micro")
        >>> round(float(metric([[1, 1], [1, 0], [0, 1]], [[0.9, 0.8], [0.2, 0.7], [0.1, 0.6]])), 4)
        0.75
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict:
        return {k: v for k, v in super().get_config().items() if k != "beta"}
