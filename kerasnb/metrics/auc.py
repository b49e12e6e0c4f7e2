"""`AUC`: the area under the ROC or precision-recall curve. Imports metrics.confusion and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import ops
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.metrics.base import Metric
from kerasnb.metrics.confusion import ConfusionCounts, check_thresholds, count
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable

__all__ = ["AUC"]

CURVES = ("ROC", "PR", "PRGAIN")
METHODS = ("interpolation", "majoring", "minoring")
MARGIN = 1e-7  # so that 0 lies above the first threshold, and 1 below the last


class AUC(Metric):
    """The area under the ROC curve (or another), summed between a fixed number of thresholds.

    1 is a perfect order of positive before negative samples, and 0.5 under the ROC curve is chance.
    The more thresholds, the nearer to the exact area; they should be dense where predictions are.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1, at least 2.
        curve: ``"ROC"`` (true against false positive rate), ``"PR"`` (precision against recall) or
            ``"PRGAIN"`` (their gains over a classifier that always says yes).
        summation_method: ``"interpolation"`` between thresholds, or the lower (``"minoring"``) or
            higher (``"majoring"``) of two heights.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        thresholds: thresholds of your own between 0 and 1, instead of `num_thresholds`.
        multi_label: take the area for each place on the last axis, and the mean of these.
        num_labels: the length of that axis; seen from the first batch if not given.
        label_weights: a weight for each place on that axis.
        from_logits: whether predictions are logits and not probabilities.

    **Source**: T. Fawcett 2006, "An introduction to ROC analysis"; J. Davis and M. Goadrich 2006,
    "The relationship between precision-recall and ROC curves"; P. Flach and M. Kull 2015,
    "Precision-recall-gain curves".

    Example:
        >>> import kerasnb
        >>> float(kerasnb.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        if curve not in CURVES:
            raise unknown("AUC curve", curve, CURVES)
        if summation_method not in METHODS:
            raise unknown("AUC summation_method", summation_method, METHODS)
        if num_labels is not None and not multi_label:
            raise ArgumentError("AUC: num_labels needs multi_label=True.")
        self.curve = curve
        self.summation_method = summation_method
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self.from_logits = from_logits
        self._own_thresholds = thresholds is not None
        inner = _even(num_thresholds) if thresholds is None else thresholds
        inner = sorted(check_thresholds("AUC", list(inner), 0.5)) if len(inner) else []
        self.thresholds = [-MARGIN, *inner, 1.0 + MARGIN]
        self.num_thresholds = len(self.thresholds)
        self._counts: dict[str, Variable] = {}
        if not multi_label:
            self._make_state((self.num_thresholds,))
        elif num_labels is not None:
            self._make_state((self.num_thresholds, num_labels))

    def _make_state(self, shape: tuple[int, ...]) -> None:
        self._counts = {
            part: self.add_variable(shape, name=part) for part in ConfusionCounts._fields
        }

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: labels, 0 or 1.
            y_pred: predictions from 0 to 1 (what lies outside is moved to there), or logits.
            sample_weight: one weight per sample, or per prediction.

        Raises:
            ShapeError: the shapes do not fit.
        """
        y_pred = as_tensor(y_pred, self.dtype)
        y_pred = ops.sigmoid(y_pred) if self.from_logits else ops.clip(y_pred, 0.0, 1.0)
        if self.multi_label:
            self._check_labels(y_pred)
        counts = count(
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            name=self.name,
            dtype=self.dtype,
            # with a mean over labels these weigh the areas, without it the samples
            label_weights=None if self.multi_label else self.label_weights,
            per_label=self.multi_label,
        )
        for part, variable in self._counts.items():
            variable.assign_add(getattr(counts, part))

    def _check_labels(self, y_pred: Tensor) -> None:
        if y_pred.ndim < 2:
            raise ShapeError(
                f"Metric {self.name!r}: multi_label=True expects y_pred of shape (N, labels), got "
                f"{y_pred.shape}."
            )
        if not self._counts:
            self._make_state((self.num_thresholds, y_pred.shape[-1]))
        labels = self._counts["true_positives"].shape[-1]
        for what, number in (
            ("y_pred", y_pred.shape[-1]),
            ("label_weights", labels if self.label_weights is None else len(self.label_weights)),
        ):
            if number != labels:
                raise ShapeError(
                    f"Metric {self.name!r}: expected {what} for {labels} labels, got {number}."
                )

    def result(self) -> Tensor:
        """The area so far; 0 before any batch."""
        if not self._counts:
            return ops.zeros((), self.dtype)
        counts = ConfusionCounts(**{part: v.value for part, v in self._counts.items()})
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_precision_recall(counts)
        else:
            x, y = {"ROC": _roc, "PR": _precision_recall, "PRGAIN": _gains}[self.curve](counts)
            left, right = y[:-1], y[1:]
            heights = {
                "interpolation": lambda: (left + right) * 0.5,
                "minoring": lambda: ops.minimum(left, right),
                "majoring": lambda: ops.maximum(left, right),
            }[self.summation_method]()
            areas = ops.sum((x[:-1] - x[1:]) * heights, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = as_tensor(self.label_weights, self.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self) -> dict:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        if self._own_thresholds:
            config["thresholds"] = self.thresholds[1:-1]
        return config


def _even(number: int) -> list[float]:
    """The thresholds between 0 and 1 of `number` that are evenly spaced."""
    if not isinstance(number, int) or number < 2:
        raise ArgumentError(f"AUC: expected num_thresholds to be an integer > 1, got {number!r}.")
    return [i / (number - 1) for i in range(1, number - 1)]


def _share(part: Tensor, rest: Tensor) -> Tensor:
    return ops.divide_no_nan(part, part + rest)


def _roc(c: ConfusionCounts) -> tuple[Tensor, Tensor]:
    return _share(c.false_positives, c.true_negatives), _share(c.true_positives, c.false_negatives)


def _precision_recall(c: ConfusionCounts) -> tuple[Tensor, Tensor]:
    return _share(c.true_positives, c.false_negatives), _share(c.true_positives, c.false_positives)


def _gains(c: ConfusionCounts) -> tuple[Tensor, Tensor]:
    """Recall gain (below 0 taken as 0) and precision gain: 1 - (P / N) (wrong / right).

    P and N are the numbers of positive and negative samples. Where nothing is right, recall gain is
    0 and precision gain 1, so that the curve ends where it does for precision and recall.
    """
    odds = ops.divide_no_nan(
        c.true_positives + c.false_negatives, c.true_negatives + c.false_positives
    )
    recall_gain = ops.divide_no_nan(c.true_positives - odds * c.false_negatives, c.true_positives)
    precision_gain = 1.0 - odds * ops.divide_no_nan(c.false_positives, c.true_positives)
    return ops.maximum(recall_gain, 0.0), precision_gain


def _interpolated_precision_recall(c: ConfusionCounts) -> Tensor:
    """The area under precision over recall, where counts and not precisions are interpolated.

    Between two thresholds true positives run on a straight line over all positive predictions p:
    tp = intercept + slope p. So precision is slope + intercept / p, and the integral over recall
    (d tp / positives = slope d p / positives) is slope (Δtp + intercept log(p₀ / p₁)) / positives.
    """
    tp = c.true_positives
    p = tp + c.false_positives
    step = tp[:-1] - tp[1:]
    slope = ops.divide_no_nan(step, ops.maximum(p[:-1] - p[1:], 0.0))
    intercept = tp[1:] - slope * p[1:]
    both = ops.logical_and(p[:-1] > 0.0, p[1:] > 0.0)
    ratio = ops.where(both, ops.divide_no_nan(p[:-1], ops.maximum(p[1:], 0.0)), 1.0)
    positives = ops.maximum(tp[1:] + c.false_negatives[1:], 0.0)
    return ops.sum(
        ops.divide_no_nan(slope * (step + intercept * ops.log(ratio)), positives), axis=0
    )
