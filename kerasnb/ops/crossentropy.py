"""Losses of probabilities and logits, one value per sample. Imports activations and index.

Probabilities are kept away from 0 and 1 by `epsilon`.
"""

from __future__ import annotations

from typing import Any

from kerasnb import config
from kerasnb.errors import ShapeError
from kerasnb.ops.activations import log_softmax, softplus
from kerasnb.ops.elementwise import cast, clip, log, where
from kerasnb.ops.index import one_hot
from kerasnb.ops.reduce import sum
from kerasnb.ops.reshaping import squeeze
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
]  # fmt: skip


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)), element by element.

    Args:
        target: 0 or 1, or a probability.
        output: probabilities, or logits if `from_logits`; of the shape of `target`.
        from_logits: use the form max(x, 0) - x t + log(1 + exp(-|x|)), stable for any x.
    """
    target, output = as_tensor(target), as_tensor(output)
    _same_shape("binary_crossentropy", target, output)
    target = cast(target, output.dtype)
    if from_logits:
        return softplus(output) - output * target
    p = clip(output, config.epsilon(), 1.0 - config.epsilon())
    return -(target * log(p) + (1.0 - target) * log(1.0 - p))


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-Σ t log p over the classes.

    Args:
        target: one-hot rows or probabilities.
        output: probabilities (divided by their sum first), or logits if `from_logits`.
        from_logits: whether `output` holds logits.
        axis: where the classes lie.
    """
    target, output = as_tensor(target), as_tensor(output)
    _same_shape("categorical_crossentropy", target, output)
    return -sum(cast(target, output.dtype) * _log_probabilities(output, from_logits, axis), axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log p of the target class.

    Args:
        target: class numbers; the shape of `output` without its class axis (or with 1 there).
        output: probabilities (divided by their sum first), or logits if `from_logits`.
        from_logits: whether `output` holds logits.
        axis: where the classes lie.
    """
    target, output = as_tensor(target), as_tensor(output)
    axis = normalize_axis(axis, output.ndim)
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = squeeze(target, axis)
    rest = output.shape[:axis] + output.shape[axis + 1 :]
    if len(rest) != target.ndim or any(
        a != b and None not in (a, b) for a, b in zip(rest, target.shape, strict=True)
    ):
        raise ShapeError(
            f"sparse_categorical_crossentropy: expected integer targets of shape {rest}, got "
            f"{target.shape} for an output of {output.shape}."
        )
    hot = one_hot(target, output.shape[axis], axis=axis, dtype="bool")
    logs = _log_probabilities(output, from_logits, axis)
    return -sum(where(hot, logs, 0.0), axis)


def _log_probabilities(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return log_softmax(output, axis)
    p = output / sum(output, axis, keepdims=True)
    return log(clip(p, config.epsilon(), 1.0 - config.epsilon()))


def _same_shape(name: str, target: Tensor, output: Tensor) -> None:
    fits = target.ndim == output.ndim and all(
        a == b or None in (a, b) for a, b in zip(target.shape, output.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"{name}: expected target and output of one shape, got {target.shape} and "
            f"{output.shape}."
        )
