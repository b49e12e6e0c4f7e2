"""Correlations of targets and predictions. Imports losses.regression, metrics.base and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import config, ops
from kerasnb.losses.regression import paired
from kerasnb.metrics.base import MeanMetricWrapper
from kerasnb.tensor import Tensor

__all__ = [
    "ConcordanceCorrelation", "PearsonCorrelation", "concordance_correlation",
    "pearson_correlation",
]  # fmt: skip


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The correlation coefficient: 1 on a rising line, -1 on a falling one, NaN without variance.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: along which numbers are correlated.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("pearson_correlation", y_true, y_pred)
    a = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    b = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    a = a / ops.std(a, axis=axis, keepdims=True)
    b = b / ops.std(b, axis=axis, keepdims=True)
    return ops.mean(a * b, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Lin's coefficient: as the correlation, but 1 only where predictions equal targets.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: along which numbers are compared.

    **Shape**: (N, …, d) twice -> (N, …).

    **Source**: L. I.-K. Lin 1989, "A concordance correlation coefficient to evaluate
    reproducibility", Biometrics 45.
    """
    y_true, y_pred = paired("concordance_correlation", y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    # the second factor sums to 0, so the first may be taken from any one mean
    common = (y_true - mean_pred) * (y_pred - mean_pred)
    apart = spread + ops.square(mean_true - mean_pred) + config.epsilon()
    return ops.mean(2.0 * common / apart, axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean correlation coefficient of targets and predictions.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        axis: along which numbers are correlated.
    """

    _direction = "up"

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean concordance of targets and predictions: 1 only where they are equal.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        axis: along which numbers are compared.

    **Source**: L. I.-K. Lin 1989, "A concordance correlation coefficient to evaluate
    reproducibility", Biometrics 45.
    """

    _direction = "up"

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
