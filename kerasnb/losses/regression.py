"""Losses between numbers: squared, absolute, relative and logarithmic errors, and angles.

Imports losses.base and ops. Each function gives the mean over the last axis; each class reduces
these.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from kerasnb import config, ops
from kerasnb.errors import ShapeError
from kerasnb.losses.base import LossFunctionWrapper, comparable, match_ranks
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "CosineSimilarity", "Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "cosine_similarity", "huber",
    "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "paired", "poisson",
]  # fmt: skip

Reduction = str | None


def paired(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions as float tensors of one dtype and rank.

    Args:
        name: of the loss, for the error.
        y_true: targets.
        y_pred: predictions.

    Raises:
        ShapeError: they cannot be compared element by element.
    """
    y_pred = as_tensor(y_pred)
    if not is_float(y_pred.dtype):
        y_pred = ops.cast(y_pred, config.floatx())
    y_true, y_pred = match_ranks(as_tensor(y_true, y_pred.dtype), y_pred)
    if not comparable(y_true.shape, y_pred.shape):
        raise ShapeError(
            f"{name}: expected y_true of the shape of y_pred, {y_pred.shape}, got {y_true.shape}. "
            f"Change the units of the last layer or the shape of y.{_hint(y_true, y_pred)}"
        )
    return y_true, y_pred


def _hint(y_true: Tensor, y_pred: Tensor) -> str:
    """What else may have been meant by a target without the predictions' last axis."""
    if y_true.ndim == y_pred.ndim - 1 and y_true.shape == y_pred.shape[:-1]:
        return " For integer class labels use sparse_categorical_crossentropy."
    return ""


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (y_true - y_pred)² over the last axis.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| over the last axis.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_true - y_pred| / |y_true| over the last axis, in per cent.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("mean_absolute_percentage_error", y_true, y_pred)
    size = ops.maximum(ops.absolute(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.absolute((y_true - y_pred) / size), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (log(1 + y_true) - log(1 + y_pred))² over the last axis; negatives count as 0.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("mean_squared_logarithmic_error", y_true, y_pred)
    low = config.epsilon()
    difference = ops.log(ops.maximum(y_true, low) + 1.0) - ops.log(ops.maximum(y_pred, low) + 1.0)
    return ops.mean(ops.square(difference), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of e²/2 up to an error of `delta`, and of a straight line beyond.

    **Shape**: (N, …, d) twice -> (N, …).

    **Source**: P. J. Huber 1964, "Robust estimation of a location parameter".
    """
    y_true, y_pred = paired("huber", y_true, y_pred)
    error = ops.absolute(y_true - y_pred)
    value = ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta * delta)
    return ops.mean(value, axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of log(cosh(y_pred - y_true)) over the last axis: e²/2 when small, |e| when large.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    # log cosh e = e + log(1 + exp(-2e)) - log 2, which overflows nowhere
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of y_pred - y_true log(y_pred) over the last axis: counts against expected counts.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("poisson", y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions: -1 is the same direction.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("cosine_similarity", y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


class MeanSquaredError(LossFunctionWrapper):
    """The mean of (y_true - y_pred)².

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    Example:
        >>> import kerasnb
        >>> float(kerasnb.losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]))
        2.5
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of |y_true - y_pred|.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of |y_true - y_pred| / |y_true|, in per cent.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of (log(1 + y_true) - log(1 + y_pred))²; negatives count as 0.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Half the squared error up to `delta`, and a straight line beyond, so that outliers pull less.

    Args:
        delta: the error at which the parabola becomes a line, > 0.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: P. J. Huber 1964, "Robust estimation of a location parameter".
    """

    _unwritten: ClassVar[dict] = {"delta": 1.0}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """The mean of log(cosh(y_pred - y_true)): e²/2 for a small error e, |e| for a large one.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: Any = None,
    ):
        super().__init__(log_cosh, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """The mean of y_pred - y_true log(y_pred): the fit of expected counts to counts.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "poisson",
        dtype: Any = None,
    ):
        super().__init__(poisson, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between targets and predictions, from -1 (the same) to 1.

    Args:
        axis: along which the vectors lie.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    _unwritten: ClassVar[dict] = {"axis": -1}

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
