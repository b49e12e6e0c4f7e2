"""`CTC`: sequences of labels without their places in time. Imports losses.base and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import ops
from kerasnb.errors import ShapeError
from kerasnb.losses.base import LossFunctionWrapper
from kerasnb.losses.regression import Reduction
from kerasnb.spec import promote
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["CTC", "ctc"]

BLANK = 0
NEVER = -1e5  # the logarithm of no probability: its gradients are 0 and not NaN, as for -inf


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """-log of the probability that predictions, without repeats and blanks, read `y_true`.

    Args:
        y_true: labels from 1, padded with 0 at the end; 0 is the blank.
        y_pred: logits of the blank and the labels at each step.

    **Shape**: (N, L) and (N, T, classes) -> (N,).

    Raises:
        ShapeError: the shapes do not fit.

    **Source**: A. Graves et al. 2006, "Connectionist temporal classification", ICML.
    """
    y_pred = as_tensor(y_pred)
    labels = as_tensor(y_true, "int32")
    if labels.ndim != 2 or y_pred.ndim != 3 or labels.shape[0] != y_pred.shape[0]:
        raise ShapeError(
            "ctc: expected labels of shape (batch, length) and logits of shape (batch, steps, "
            f"classes), got {labels.shape} and {y_pred.shape}."
        )
    states = _with_blanks(labels)
    logits = ops.cast(y_pred, promote(y_pred.dtype, "float32"))
    emitted = _emissions(ops.log_softmax(logits, axis=-1), states)
    may_skip = _may_skip(states)
    first = ops.one_hot(ops.zeros(labels.shape[:1], "int32"), states.shape[1], dtype=logits.dtype)

    def step(before: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        stayed = ops.logaddexp(before, _shifted(before, 1))
        skipped = ops.where(may_skip, _shifted(before, 2), NEVER)
        after = ops.logaddexp(stayed, skipped) + now
        return after, after

    last, _ = ops.scan(step, (1.0 - first) * NEVER, emitted)
    return -_at_the_end(last, labels)


def _with_blanks(labels: Tensor) -> Tensor:
    """The states of a reading: a blank before, between and after the labels.

    **Shape**: (N, L) -> (N, 2 L + 1)
    """
    count, length = labels.shape
    pairs = ops.stack([ops.full((count, length), BLANK, "int32"), labels], axis=-1)
    blank = ops.full((count, 1), BLANK, "int32")
    return ops.concatenate([ops.reshape(pairs, (count, 2 * length)), blank], axis=1)


def _emissions(log_probabilities: Tensor, states: Tensor) -> Tensor:
    """(N, T, K) and (N, S) -> (T, N, S): what each state says at each step."""
    count, steps, _ = log_probabilities.shape
    indices = ops.broadcast_to(ops.expand_dims(states, 1), (count, steps, states.shape[1]))
    return ops.transpose(ops.take_along_axis(log_probabilities, indices, axis=2), (1, 0, 2))


def _may_skip(states: Tensor) -> Tensor:
    """Whether a state may follow the last but one: a label after a different label."""
    before = ops.pad(states[:, :-2], ((0, 0), (2, 0)))
    return ops.logical_and(states != BLANK, states != before)


def _shifted(x: Tensor, places: int) -> Tensor:
    return ops.pad(x[:, :-places], ((0, 0), (places, 0)), constant_values=NEVER)


def _at_the_end(last: Tensor, labels: Tensor) -> Tensor:
    """The logarithm of the probability to end in the last label or the blank after it."""
    length = ops.sum(ops.cast(labels != BLANK, "int32"), axis=1)
    states = last.shape[1]
    blank = ops.sum(last * ops.one_hot(2 * length, states, dtype=last.dtype), axis=1)
    label = ops.sum(last * ops.one_hot(2 * length - 1, states, dtype=last.dtype), axis=1)
    return ops.where(length > 0, ops.logaddexp(blank, label), blank)


class CTC(LossFunctionWrapper):
    """The loss of sequences of labels whose places in time are not known.

    Targets are labels from 1, padded with 0; predictions are logits at each step, of which the
    first is the blank's.

    Args:
        reduction: how the values of the samples become one number; see `Loss`.
        name: for logs.
        dtype: of the computation; `floatx` if not given.

    **Source**: A. Graves et al. 2006, "Connectionist temporal classification", ICML.
    """

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str = "ctc", dtype: Any = None
    ):
        super().__init__(ctc, reduction, name, dtype)
