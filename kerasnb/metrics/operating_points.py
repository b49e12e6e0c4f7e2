"""The best of one rate where another is good enough: over thresholds, as `AUC`.

Imports metrics.base, metrics.confusion and ops.
"""

from __future__ import annotations

from typing import Any

from kerasnb import ops
from kerasnb.errors import ArgumentError
from kerasnb.metrics.base import Metric
from kerasnb.metrics.confusion import ConfusionCounts, count
from kerasnb.tensor import Tensor

__all__ = [
    "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]  # fmt: skip


class _AtRate(Metric):
    """The largest of one rate among the thresholds at which another is at least as asked."""

    _direction = "up"
    _given: str  # the name of the argument
    _held: str  # the rate that must be large enough, of RATES
    _wanted: str  # the rate that is given

    def __init__(
        self,
        rate: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ):
        super().__init__(dtype, name)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ArgumentError(
                f"{self.name}: {self._given} must be a number from 0 to 1, got {rate!r}."
            )
        if not isinstance(num_thresholds, int) or num_thresholds < 1:
            raise ArgumentError(
                f"{self.name}: num_thresholds must be a whole number from 1, got "
                f"{num_thresholds!r}."
            )
        setattr(self, self._given, rate)
        self.num_thresholds, self.class_id = num_thresholds, class_id
        last = num_thresholds - 1
        self.thresholds = [i / last for i in range(num_thresholds)] if last else [0.5]
        for part in ConfusionCounts._fields:
            setattr(self, part, self.add_variable((num_thresholds,), name=part))

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
            class_id=self.class_id,
        )
        for part in ConfusionCounts._fields:
            getattr(self, part).assign_add(getattr(counts, part))

    def result(self) -> Tensor:
        """The rate so far; 0 where no threshold is good enough."""
        held, wanted = self._rate(self._held), self._rate(self._wanted)
        enough = held >= getattr(self, self._given)
        return ops.max(ops.where(enough, wanted, 0.0))

    def _rate(self, name: str) -> Tensor:
        part, rest = (getattr(self, n).value for n in RATES[name])
        return ops.divide_no_nan(part, part + rest)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._given: getattr(self, self._given),
        }


RATES = {
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
}


class SensitivityAtSpecificity(_AtRate):
    """The best share of positive samples found, where a share of the negative ones is left alone.

    Args:
        specificity: that share of the negative samples, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly from 0 to 1.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _given, _held, _wanted = "specificity", "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_AtRate):
    """The best share of negative samples left alone, where a share of the positive ones is found.

    Args:
        sensitivity: that share of the positive samples, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly from 0 to 1.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _given, _held, _wanted = "sensitivity", "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_AtRate):
    """The best precision where a share of the positive samples is found.

    Args:
        recall: that share of the positive samples, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly from 0 to 1.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _given, _held, _wanted = "recall", "sensitivity", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_AtRate):
    """The best share of positive samples found, where a share of those predicted so is right.

    Args:
        precision: that share of the samples predicted positive, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly from 0 to 1.
        class_id: look at this class only.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _given, _held, _wanted = "precision", "precision", "sensitivity"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
