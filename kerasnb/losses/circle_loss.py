"""`Circle`: embeddings of one class together, of others apart. Imports losses.base and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import ops
from kerasnb.errors import ShapeError
from kerasnb.losses.base import LossFunctionWrapper
from kerasnb.losses.regression import Reduction
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["Circle", "circle"]


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """log(1 + Σ exp(…) over pairs of one class · Σ exp(…) over pairs of two), for each sample.

    Pairs that are far from their aim count more than those that are near it.

    Args:
        y_true: class numbers.
        y_pred: embeddings of length 1.
        ref_labels: of other embeddings to compare with; `y_true` if not given.
        ref_embeddings: these; `y_pred` if not given.
        remove_diagonal: whether no embedding is a pair with itself.
        gamma: how sharp the sums are.
        margin: how far from their aims similarities may be.

    **Shape**: (N,) or (N, 1), and (N, d) -> (N,).

    **Source**: Y. Sun et al. 2020, "Circle loss: a unified perspective of pair similarity
    optimization", arXiv:2002.10857.
    """
    y_pred = as_tensor(y_pred)
    labels = as_tensor(y_true, "int32")
    if y_pred.ndim != 2 or labels.size not in (None, y_pred.shape[0]):
        raise ShapeError(
            "circle: expected one label a sample and y_pred of shape (batch, features), got "
            f"{labels.shape} and {y_pred.shape}."
        )
    others = y_pred if ref_embeddings is None else as_tensor(ref_embeddings, y_pred.dtype)
    their_labels = labels if ref_labels is None else as_tensor(ref_labels, "int32")
    same = ops.equal(ops.reshape(labels, (-1, 1)), ops.reshape(their_labels, (1, -1)))
    different = ops.logical_not(same)
    if remove_diagonal:
        rows, columns = same.shape
        same = ops.logical_and(same, ops.logical_not(ops.eye(rows, columns, dtype="bool")))
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    near = (margin + distance) * (distance - margin) * gamma
    far = ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance) * gamma
    return ops.softplus(_log_sum(near, same) + _log_sum(far, different))


def _log_sum(x: Tensor, kept: Tensor) -> Tensor:
    """The logarithm of the sum of the exponentials of what is kept of each row."""
    # not -inf: the difference of two is NaN in a row of which nothing is kept
    return ops.logsumexp(ops.where(kept, x, -6e4 if x.dtype == "float16" else -1e30), axis=1)


class Circle(LossFunctionWrapper):
    """The circle loss of embeddings; the mean is taken over samples whose loss is above 0.

    Args:
        gamma: how sharp the sums over pairs are.
        margin: how far from their aims similarities may be.
        remove_diagonal: whether no embedding is a pair with itself.
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: Y. Sun et al. 2020, arXiv:2002.10857.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ):
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )

    def compute_mask(self, y_true: Any, y_pred: Any) -> Tensor:
        """True where a sample has a loss."""
        return self.call(y_true, y_pred) > 0.0  # computed once: a trace shares what is equal
