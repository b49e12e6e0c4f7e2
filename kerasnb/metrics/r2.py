"""`R2Score`: how much of the variance is explained. Imports metrics.base, losses.base and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import ops
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.losses.base import match_ranks
from kerasnb.metrics.base import Metric
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["R2Score"]

AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - Σ (y_true - y_pred)² / Σ (y_true - mean)²: 1 is perfect, 0 no better than the mean.

    Args:
        class_aggregation: the mean over outputs, ``"uniform_average"`` or weighted by the variance
            of their targets (``"variance_weighted_average"``); None for one number an output.
        num_regressors: how many inputs the model has: adjusts the score for it, where there are
            more numbers than that; 0 leaves it.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.

    Raises:
        ArgumentError: `class_aggregation` is unknown, or `num_regressors` below 0.

    Example:
        >>> import kerasnb
        >>> metric = kerasnb.metrics.R2Score()
        >>> round(float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if class_aggregation is not None and class_aggregation not in AGGREGATIONS:
            raise unknown("class_aggregation of R2Score", class_aggregation, AGGREGATIONS)
        if num_regressors < 0:
            raise ArgumentError(
                f"{self.name}: num_regressors must be 0 or more, got {num_regressors}."
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self._made = False

    def _make_state(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), name="squared_sum")
        self.sum = self.add_variable((outputs,), name="sum")
        self.total_mse = self.add_variable((outputs,), name="residual")
        self.count = self.add_variable((outputs,), name="count")
        self._made = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: one weight a sample, or one a number.

        Raises:
            ShapeError: these are not two tensors of shape ``(batch, outputs)``.
        """
        y_true, y_pred = match_ranks(as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype))
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape:
            raise ShapeError(
                f"Metric {self.name!r}: expected y_true and y_pred of one shape (batch, outputs), "
                f"got {y_true.shape} and {y_pred.shape}."
            )
        if not self._made:
            self._make_state(y_pred.shape[-1])
        weights = as_tensor(1.0 if sample_weight is None else sample_weight, self.dtype)
        weights = ops.expand_dims(weights, 1) if weights.ndim == 1 else weights
        weights = ops.broadcast_to(weights, y_true.shape)
        self.sum.assign_add(ops.sum(y_true * weights, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * y_true * weights, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weights, axis=0))
        self.count.assign_add(ops.sum(weights, axis=0))
        self.num_samples.assign_add(float(y_true.size))

    def result(self) -> Tensor:
        """The score so far; 0 before any batch, and where targets do not vary."""
        if not self._made:
            return ops.zeros((), self.dtype)
        mean = ops.divide_no_nan(self.sum, self.count)
        total = self.squared_sum - self.sum * mean
        varies = total != 0.0
        scores = ops.where(varies, 1.0 - self.total_mse / ops.where(varies, total, 1.0), 0.0)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide_no_nan(ops.sum(total * scores), ops.sum(total))
        if not self.num_regressors:
            return scores
        spare = self.num_samples - (self.num_regressors + 1.0)
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / ops.maximum(spare, 1.0)
        return ops.where(spare > 0.0, adjusted, scores)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
