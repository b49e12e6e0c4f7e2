"""Losses of how far two regions overlap: Dice and Tversky. Imports losses.base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.losses.base import LossFunctionWrapper
from kerasnb.losses.regression import Reduction, paired
from kerasnb.tensor import Tensor

__all__ = ["Dice", "Tversky", "dice", "tversky"]

Axis = int | Sequence[int] | None


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """1 - 2 |A ∩ B| / (|A| + |B|) for the regions A and B that targets and predictions mark.

    Args:
        y_true: 1 inside the region, 0 outside.
        y_pred: probabilities.
        axis: over which sums are taken; all if None, the batch included.

    **Shape**: (N, …) twice -> (), or the axes that are left.

    **Source**: F. Milletari et al. 2016, "V-Net", arXiv:1606.04797.
    """
    y_true, y_pred = paired("dice", y_true, y_pred)
    axis = _axes(axis)
    both = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * both / (total + config.epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Tensor:
    """1 - |A ∩ B| / (|A ∩ B| + alpha |A \\ B| + beta |B \\ A|), as for `dice`.

    Args:
        y_true: 1 inside the region A, 0 outside.
        y_pred: probabilities of the region B.
        alpha: the weight of what is missed.
        beta: the weight of what is predicted in vain. Both 1/2 give `dice`.
        axis: over which sums are taken; all if None, the batch included.

    **Shape**: (N, …) twice -> (), or the axes that are left.

    **Source**: S. S. M. Salehi et al. 2017, "Tversky loss function for image segmentation using 3D
    fully convolutional deep networks", arXiv:1706.05721.
    """
    y_true, y_pred = paired("tversky", y_true, y_pred)
    axis = _axes(axis)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    in_vain = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + missed * alpha + in_vain * beta + config.epsilon())


def _axes(axis: Axis) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


class Dice(LossFunctionWrapper):
    """How far predicted regions are from overlapping the targets: 0 all, 1 not at all.

    Args:
        reduction: how the values become one number; see `Loss`.
        name: for logs.
        axis: over which sums are taken; all if None, the batch included.
        dtype: of the computation; `floatx` if not given.

    **Source**: F. Milletari et al. 2016, "V-Net", arXiv:1606.04797.

    Example:
        >>> import kerasnb
        >>> loss = kerasnb.losses.Dice()
        >>> round(float(loss([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)  # 1 - 2 * 1 / (2 + 1)
        0.3333
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """As `Dice`, with one weight for what is missed and another for what is predicted in vain.

    Args:
        alpha: the weight of what is missed.
        beta: the weight of what is predicted in vain.
        reduction: how the values become one number; see `Loss`.
        name: for logs.
        axis: over which sums are taken; all if None, the batch included.
        dtype: of the computation; `floatx` if not given.

    **Source**: S. S. M. Salehi et al. 2017, arXiv:1706.05721.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
