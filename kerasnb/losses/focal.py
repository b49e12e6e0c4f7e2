"""Crossentropies that care less for some samples: focal ones, and the generalized one.

Imports losses.base, losses.classification and ops.
"""

from __future__ import annotations

from typing import Any

from kerasnb import config, ops
from kerasnb.errors import ArgumentError
from kerasnb.losses.base import LossFunctionWrapper
from kerasnb.losses.classification import check_smoothing, floats, labels_of, require_same
from kerasnb.losses.regression import Reduction, paired
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor

__all__ = [
    "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy",
    "binary_focal_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
]  # fmt: skip


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The mean over `axis` of the binary crossentropy, times (1 - p)ᵞ for the probability p of the
    label.

    Args:
        y_true: 0 or 1, or probabilities.
        y_pred: probabilities, or logits.
        apply_class_balancing: weigh label 1 by `alpha` and label 0 by the rest.
        alpha: the weight of label 1, from 0 to 1.
        gamma: how much less samples count that are right already; 0 is the plain crossentropy.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: from 0 to 1; moves labels this part of the way to 1/2.
        axis: over which the mean is taken.

    **Shape**: (N, …, d) twice -> (N, …).

    **Source**: T.-Y. Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
    """
    y_true, y_pred = paired("binary_focal_crossentropy", y_true, y_pred)
    require_same("binary_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    values = ops.binary_crossentropy(y_true, p)
    right = y_true * p + (1.0 - y_true) * (1.0 - p)
    values = values * ops.power(1.0 - right, gamma)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ alpha (1 - p)ᵞ t log p over the classes.

    Args:
        y_true: one-hot rows, or probabilities.
        y_pred: probabilities (divided by their sum first), or logits.
        alpha: the weight of all classes; a list has one for each.
        gamma: how much less samples count that are right already.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: from 0 to 1; spreads this part of each label evenly over the classes.
        axis: where the classes lie.

    **Shape**: (N, …, classes) twice -> (N, …).

    **Source**: T.-Y. Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
    """
    y_true, y_pred = floats(y_true, y_pred)
    require_same("categorical_focal_crossentropy", y_true, y_pred)
    axis = normalize_axis(axis, y_pred.ndim)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    p = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = p / ops.sum(p, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    return -ops.sum(ops.power(1.0 - p, gamma) * alpha * y_true * ops.log(p), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """(1 - p^q) / q for the probability p of the target class: robust against wrong labels.

    Args:
        y_true: class numbers from 0.
        y_pred: probabilities.
        q: between 0 and 1; near 0 it is the crossentropy, near 1 the absolute error.

    **Shape**: (N, …) or (N, …, 1), and (N, …, classes) -> (N, …).

    **Source**: Z. Zhang and M. Sabuncu 2018, "Generalized cross entropy loss for training deep
    neural networks with noisy labels", arXiv:1805.07836.
    """
    labels, y_pred = labels_of("categorical_generalized_cross_entropy", y_true, y_pred, -1)
    p = ops.sum(y_pred * ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    return (1.0 - ops.power(p, q)) / q


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The binary crossentropy, in which samples that are right already count less.

    Args:
        apply_class_balancing: weigh label 1 by `alpha` and label 0 by the rest.
        alpha: the weight of label 1, from 0 to 1.
        gamma: how much less; 0 is the plain crossentropy.
        from_logits: whether predictions are logits (any number) and not probabilities.
        label_smoothing: from 0 to 1; moves labels this part of the way to 1/2.
        axis: over which the mean is taken.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: T.-Y. Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ):
        check_smoothing("BinaryFocalCrossentropy", label_smoothing)
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """The crossentropy of one-hot labels, in which samples that are right already count less.

    Args:
        alpha: the weight of all classes; a list has one for each.
        gamma: how much less; 0 is the plain crossentropy.
        from_logits: whether predictions are logits (any number) and not probabilities.
        label_smoothing: from 0 to 1; spreads this part of each label evenly over the classes.
        axis: where the classes lie.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: T.-Y. Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002.
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ):
        check_smoothing("CategoricalFocalCrossentropy", label_smoothing)
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Between the crossentropy of integer labels and the absolute error: bears wrong labels.

    Args:
        q: between 0 and 1; near 0 it is the crossentropy, near 1 the absolute error.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    Raises:
        ArgumentError: `q` is not between 0 and 1.

    **Source**: Z. Zhang and M. Sabuncu 2018, "Generalized cross entropy loss for training deep
    neural networks with noisy labels", arXiv:1805.07836.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ):
        if not 0 < q < 1:
            raise ArgumentError(
                f"CategoricalGeneralizedCrossEntropy: q must lie between 0 and 1, got {q}."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
