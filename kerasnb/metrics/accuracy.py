"""How often predictions are right: for equal values, two classes, one-hot and integer labels.

Imports metrics.base, losses.base and ops. Each function gives 1 for a hit and 0 for a miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from kerasnb import config, ops
from kerasnb.errors import ShapeError
from kerasnb.losses.base import comparable, match_ranks, same_shape
from kerasnb.metrics.base import MeanMetricWrapper
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "accuracy", "accuracy_for",
    "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the prediction equals the target, else 0.

    **Shape**: (N, …) twice -> (N, …).
    """
    y_true, y_pred = _paired("accuracy", y_true, y_pred)
    return ops.cast(y_true == y_pred, config.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where the prediction is on the target's side of `threshold`, else 0.

    **Shape**: (N, …) twice -> (N, …).
    """
    y_true, y_pred = _paired("binary_accuracy", y_true, y_pred)
    return ops.cast(y_true == ops.cast(y_pred > threshold, y_true.dtype), config.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the highest prediction is at the one of the one-hot target, else 0.

    **Shape**: (N, …, classes) twice -> (N, …).
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    _require_one_hot("categorical_accuracy", y_true, y_pred)
    return sparse_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the highest prediction is that of the target's class, else 0.

    **Shape**: (N, …) or (N, …, 1), and (N, …, classes) -> (N, …).
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    _require_labels("sparse_categorical_accuracy", y_true, y_pred)
    hits = y_true == ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype)
    return ops.cast(hits, config.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the one of the one-hot target is among the `k` highest predictions, else 0.

    **Shape**: (N, …, classes) twice -> (N, …).
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    _require_one_hot("top_k_categorical_accuracy", y_true, y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the target's class is among the `k` highest predictions, else 0.

    Args:
        y_true: class numbers.
        y_pred: predictions for every class; or class numbers, best first, if `from_sorted_ids`.
        k: how many predictions count.
        from_sorted_ids: whether `y_pred` holds class numbers.

    **Shape**: (N, …) or (N, …, 1), and (N, …, classes) -> that of `y_true`.
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    shape = y_true.shape
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    _require_labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    y_true = ops.cast(y_true, "int32")
    if from_sorted_ids:
        best = ops.cast(y_pred[..., :k], "int32")
        hits = ops.any(best == ops.expand_dims(y_true, -1), axis=-1)
    else:
        if y_pred.shape[-1] is not None and k > y_pred.shape[-1]:
            raise ShapeError(
                f"sparse_top_k_categorical_accuracy: k={k} is more than the {y_pred.shape[-1]} "
                f"classes of y_pred, {y_pred.shape}. Choose a smaller k."
            )
        rows = ops.reshape(y_pred, (-1, y_pred.shape[-1]))  # (N, …, classes) -> (N …, classes)
        hits = ops.in_top_k(ops.ravel(y_true), rows, k)
    return ops.reshape(ops.cast(hits, config.floatx()), shape)


def accuracy_for(y_true_shape: Sequence, y_pred_shape: Sequence) -> type[MeanMetricWrapper]:
    """The kind of accuracy that ``metrics=["accuracy"]`` means for these shapes.

    Args:
        y_true_shape: the shape of the targets, with the batch.
        y_pred_shape: the shape of the predictions, with the batch.

    Returns:
        `BinaryAccuracy` for one output unit (also without an axis for it),
        `SparseCategoricalAccuracy` for targets without the classes' axis, else
        `CategoricalAccuracy`.
    """
    y_true_shape, y_pred_shape = tuple(y_true_shape), tuple(y_pred_shape)
    if len(y_pred_shape) < 2 or y_pred_shape[-1] == 1:
        return BinaryAccuracy
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return SparseCategoricalAccuracy
    return CategoricalAccuracy


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions lie on the right side of a threshold.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        threshold: predictions above it count as 1.

    Example:
        >>> import kerasnb
        >>> float(kerasnb.metrics.BinaryAccuracy()([1, 1, 0, 0], [0.9, 0.4, 0.1, 0.6]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the highest prediction is that of the class, for one-hot labels.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the highest prediction is that of the class, for integer labels.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class is among the `k` highest predictions, for one-hot labels.

    Args:
        k: how many predictions count.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class is among the `k` highest predictions, for integer labels.

    Args:
        k: how many predictions count.
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
        from_sorted_ids: whether predictions are class numbers, best first.
    """

    _direction = "up"
    _unwritten: ClassVar[dict] = {"from_sorted_ids": False}

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
        self.k = k
        self.from_sorted_ids = from_sorted_ids


def _paired(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions of one rank; the targets in the dtype of float predictions."""
    y_true, y_pred = match_ranks(as_tensor(y_true), as_tensor(y_pred))
    if is_float(y_pred.dtype):
        y_true = ops.cast(y_true, y_pred.dtype)
    if not comparable(y_true.shape, y_pred.shape):
        raise ShapeError(
            f"{name}: expected y_true of the shape of y_pred, {y_pred.shape}, got {y_true.shape}. "
            "For integer class labels use sparse_categorical_accuracy."
        )
    return y_true, y_pred


def _require_one_hot(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    if not same_shape(y_true.shape, y_pred.shape):
        raise ShapeError(
            f"{name}: expected one-hot y_true of the shape of y_pred, {y_pred.shape}, got "
            f"{y_true.shape}. For integer labels use sparse_{name}."
        )


def _require_labels(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    rest = y_pred.shape[:-1]
    if y_pred.ndim == 0 or not same_shape(y_true.shape, rest):
        raise ShapeError(
            f"{name}: expected y_true of shape {rest}, one label for each row of y_pred "
            f"{y_pred.shape}, got {y_true.shape}. For one-hot labels use "
            f"{name.removeprefix('sparse_')}."
        )
