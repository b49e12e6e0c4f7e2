"""Losses between class labels and predictions: crossentropies, divergence and hinges.

Imports losses.base, losses.regression and ops. Each function gives one value per sample; each class
reduces these.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.losses.base import LossFunctionWrapper, same_shape
from kerasnb.losses.regression import Reduction, paired
from kerasnb.spec import is_float, normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "Hinge", "KLDivergence",
    "SparseCategoricalCrossentropy", "SquaredHinge", "binary_crossentropy",
    "categorical_crossentropy", "categorical_hinge", "check_smoothing", "floats", "hinge",
    "kl_divergence", "label_mask", "labels_of", "require_same", "sparse_categorical_crossentropy",
    "squared_hinge",
]  # fmt: skip


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The mean of -(t log p + (1 - t) log(1 - p)) over `axis`.

    Args:
        y_true: 0 or 1, or probabilities.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: from 0 to 1; moves labels this part of the way to 1/2.
        axis: over which the mean is taken.

    **Shape**: (N, …, d) twice -> (N, …).

    Raises:
        ShapeError: the shapes differ.
    """
    y_true, y_pred = paired("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    y_true = ops.broadcast_to(y_true, y_pred.shape) if y_true.ndim == 0 else y_true
    require_same("binary_crossentropy", y_true, y_pred)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ t log p over the classes.

    Args:
        y_true: one-hot rows, or probabilities.
        y_pred: probabilities (divided by their sum first), or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: from 0 to 1; spreads this part of each label evenly over the classes.
        axis: where the classes lie.

    **Shape**: (N, …, classes) twice -> (N, …).

    Raises:
        ShapeError: the shapes differ.
    """
    y_true, y_pred = floats(y_true, y_pred)
    require_same("categorical_crossentropy", y_true, y_pred)
    axis = normalize_axis(axis, y_pred.ndim)
    if y_pred.shape[axis] == 1:
        warnings.warn(
            f"categorical_crossentropy: y_pred of shape {y_pred.shape} has one class, so the loss "
            "is always 0. For two classes use binary_crossentropy.",
            UserWarning,
            stacklevel=3,
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log p of the target class.

    Args:
        y_true: class numbers from 0.
        y_pred: probabilities (divided by their sum first), or logits.
        from_logits: whether `y_pred` holds logits.
        ignore_class: where the target is this number the value is 0.
        axis: where the classes lie.

    **Shape**: (N, …) or (N, …, 1), and (N, …, classes) -> (N, …).

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: a label is below 0 or not below the number of classes.
    """
    y_true, y_pred = labels_of("sparse_categorical_crossentropy", y_true, y_pred, axis)
    if ignore_class is None:
        _require_range(y_true, y_pred.shape[axis])
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    valid = y_true != ignore_class
    y_true = ops.where(valid, y_true, 0)
    _require_range(y_true, y_pred.shape[axis])
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    return ops.where(valid, values, 0.0)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Σ t log(t / p) over the last axis: how far `y_pred` is from the distribution `y_true`.

    **Shape**: (N, …, classes) twice -> (N, …).

    **Source**: S. Kullback and R. A. Leibler 1951, "On information and sufficiency".
    """
    y_true, y_pred = paired("kl_divergence", y_true, y_pred)
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(0, 1 - y_true y_pred) over the last axis; labels 0 and 1 count as -1 and 1.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("hinge", y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(0, 1 - y_true y_pred)² over the last axis; labels 0 and 1 count as -1 and 1.

    **Shape**: (N, …, d) twice -> (N, …).
    """
    y_true, y_pred = paired("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(0, 1 + the highest prediction of a wrong class - that of the right one).

    **Shape**: (N, …, classes) twice, targets one-hot -> (N, …).
    """
    y_true, y_pred = paired("categorical_hinge", y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


def _signs(labels: Tensor) -> Tensor:
    """Labels as they are, or 0 and 1 as -1 and 1 if there are no others."""
    binary = ops.all(ops.logical_or(labels == 0.0, labels == 1.0))
    return ops.where(binary, 2.0 * labels - 1.0, labels)


def floats(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions as float tensors of one dtype."""
    y_pred = as_tensor(y_pred)
    if not is_float(y_pred.dtype):
        y_pred = ops.cast(y_pred, config.floatx())
    return as_tensor(y_true, y_pred.dtype), y_pred


def require_same(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    """Nothing, if targets and predictions have one shape.

    Raises:
        ShapeError: they have not; the text names the loss `name`.
    """
    if same_shape(y_true.shape, y_pred.shape):
        return
    if name == "categorical_crossentropy" and _is_one_per_sample(y_true, y_pred):
        fix = (
            "Use sparse_categorical_crossentropy for integer labels, or one-hot labels "
            "(kerasnb.utils.to_categorical)."
        )
    else:
        fix = "Change the units of the last layer or the shape of y."
    raise ShapeError(
        f"{name}: expected y_true of the shape of y_pred, {y_pred.shape}, got {y_true.shape}. {fix}"
    )


def _is_one_per_sample(y_true: Tensor, y_pred: Tensor) -> bool:
    rest = y_pred.shape[:-1]
    return same_shape(y_true.shape, rest) or same_shape(y_true.shape, (*rest, 1))


def labels_of(name: str, y_true: Any, y_pred: Any, axis: int) -> tuple[Tensor, Tensor]:
    """Labels as int32 of the predictions' shape without the axis of the classes.

    Raises:
        ShapeError: they have another shape; the text names the loss `name`.
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    given = y_true.shape
    axis = normalize_axis(axis, y_pred.ndim)
    rest = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    if y_true.ndim == y_pred.ndim and given[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if not same_shape(y_true.shape, rest):
        fix = "Give one integer label per sample."
        if same_shape(given, y_pred.shape):
            fix = "Use categorical_crossentropy for one-hot labels."
        elif given[:1] == y_pred.shape[:1]:
            fix = (
                "Give one integer label per prediction, or change the shape of the model's output."
            )
        raise ShapeError(
            f"{name}: expected y_true of shape {rest}, as y_pred is "
            f"{y_pred.shape}, got {given}. {fix}"
        )
    return ops.cast(y_true, "int32"), y_pred


def label_mask(y_true: Any, y_pred: Any, ignore_class: int, axis: int = -1) -> Tensor:
    """True where the label is not `ignore_class`.

    **Shape**: that of `y_pred` without the axis of the classes.
    """
    return labels_of("sparse_categorical_crossentropy", y_true, y_pred, axis)[0] != ignore_class


def _require_range(labels: Tensor, classes: int | None) -> None:
    """Look at the labels where there are values to look at; a trace has none."""
    if labels.data is None or not labels.size or classes is None:
        return
    values = labels.numpy()
    low, high = int(np.min(values)), int(np.max(values))
    if low < 0:
        fix = f"Renumber the labels from 0, or pass ignore_class={low}."
    elif high >= classes:
        fix = f"Give the last layer {high + 1} units, or renumber the labels."
    else:
        return
    raise ArgumentError(
        f"sparse_categorical_crossentropy: expected labels from 0 to {classes - 1}, as y_pred has "
        f"{classes} classes, got labels from {low} to {high}. {fix}"
    )


def check_smoothing(name: str, value: float) -> None:
    """Nothing, if the label smoothing of the loss `name` is from 0 to 1.

    Raises:
        ArgumentError: it is not.
    """
    if not 0.0 <= value <= 1.0:
        raise ArgumentError(f"{name}: expected label_smoothing from 0 to 1, got {value}.")


class BinaryCrossentropy(LossFunctionWrapper):
    """The crossentropy of two classes, or of several labels that are each 0 or 1.

    Args:
        from_logits: whether predictions are logits (any number) and not probabilities.
        label_smoothing: from 0 to 1; moves labels this part of the way to 1/2.
        axis: over which the mean is taken.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    Example:
        >>> import kerasnb
        >>> loss = kerasnb.losses.BinaryCrossentropy()
        >>> round(float(loss([0, 1], [0.5, 0.25])), 4)  # (log 2 + log 4) / 2
        1.0397
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        check_smoothing("BinaryCrossentropy", label_smoothing)
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """The crossentropy of one-hot labels.

    Args:
        from_logits: whether predictions are logits (any number) and not probabilities.
        label_smoothing: from 0 to 1; spreads this part of each label evenly over the classes.
        axis: where the classes lie.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        check_smoothing("CategoricalCrossentropy", label_smoothing)
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The crossentropy of integer labels.

    Args:
        from_logits: whether predictions are logits (any number) and not probabilities.
        ignore_class: samples with this label do not count; the mean is taken over the others.
        reduction: how the values of the samples become one number; see `Loss`.
        axis: where the classes lie.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    _unwritten: ClassVar[dict] = {"axis": -1}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.ignore_class = ignore_class
        self._axis = axis

    def compute_mask(self, y_true: Tensor, y_pred: Tensor) -> Tensor | None:
        """True where the label is not `ignore_class`."""
        if self.ignore_class is None:
            return None
        return label_mask(y_true, y_pred, self.ignore_class, self._axis)


class KLDivergence(LossFunctionWrapper):
    """Σ t log(t / p): how far predictions are from the distributions that are the targets.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: S. Kullback and R. A. Leibler 1951, "On information and sufficiency".
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: Any = None,
    ):
        super().__init__(kl_divergence, reduction, name, dtype)


class Hinge(LossFunctionWrapper):
    """The mean of max(0, 1 - y_true y_pred); labels 0 and 1 count as -1 and 1.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "hinge",
        dtype: Any = None,
    ):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """The mean of max(0, 1 - y_true y_pred)²; labels 0 and 1 count as -1 and 1.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: Any = None,
    ):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(0, 1 + the highest prediction of a wrong class - that of the right one).

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: Any = None,
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)
