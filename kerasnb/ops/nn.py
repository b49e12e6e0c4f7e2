"""Activations and losses on tensors, composed of other ops. Imports elementwise, reduce, index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ShapeError
from kerasnb.ops.elementwise import (
    absolute,
    cast,
    clip,
    exp,
    expm1,
    log,
    logaddexp,
    maximum,
    minimum,
    rsqrt,
    sigmoid,
    square,
    stop_gradient,
    where,
)
from kerasnb.ops.index import one_hot
from kerasnb.ops.reduce import logsumexp, max, sum
from kerasnb.ops.reshaping import squeeze
from kerasnb.ops.trigonometry import erf, tanh
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "celu", "elu", "gelu", "hard_sigmoid",
    "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "normalize",
    "relu6", "selu", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_categorical_crossentropy", "swish",
]  # fmt: skip

# Klambauer et al. 2017, "Self-Normalizing Neural Networks", arXiv:1706.02515, appendix A
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

Axis = int | Sequence[int] | None


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    return clip(x, 0.0, 6.0)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """`x` where positive, `negative_slope * x` elsewhere."""
    x = as_tensor(x)
    return where(x > 0, x, x * negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere."""
    x = as_tensor(x)
    return where(x > 0, x, alpha * expm1(minimum(x, 0.0)))


def selu(x: Any) -> Tensor:
    """The self-normalising exponential unit (Klambauer et al. 2017)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron 2017)."""
    x = as_tensor(x)
    return where(x > 0, x, alpha * expm1(minimum(x, 0.0) / alpha))


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """`x` times the normal distribution function at `x` (Hendrycks and Gimpel 2016).

    Args:
        x: a float tensor.
        approximate: through tanh, as in the paper; else exactly, through erf.
    """
    x = as_tensor(x)
    if approximate:
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1.0 + tanh(inner))
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


def silu(x: Any) -> Tensor:
    """`x * sigmoid(x)`."""
    return x * sigmoid(x)


swish = silu


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)) without overflow."""
    return logaddexp(x, 0.0)


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)) without overflow."""
    return -softplus(-as_tensor(x))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    return x / (1.0 + absolute(x))


def hard_sigmoid(x: Any) -> Tensor:
    """The straight line x/6 + 1/2, held between 0 and 1."""
    return clip(as_tensor(x) * (1.0 / 6.0) + 0.5, 0.0, 1.0)


def hard_silu(x: Any) -> Tensor:
    """`x * hard_sigmoid(x)`."""
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def hard_tanh(x: Any) -> Tensor:
    """`x`, held between -1 and 1."""
    return clip(x, -1.0, 1.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` moved towards 0 by `threshold`, and 0 where it would cross."""
    x = as_tensor(x)
    return maximum(x - threshold, 0.0) + minimum(x + threshold, 0.0)


def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """exp(x) divided by its sum over `axis`; the largest element is taken out first."""
    x = as_tensor(x)
    e = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return e / sum(e, axis, keepdims=True)


def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """The logarithm of `softmax`, stable."""
    x = as_tensor(x)
    return x - logsumexp(x, axis, keepdims=True)


def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """`x` divided by its Euclidean length along `axis`."""
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 1:
        return x / maximum(sum(absolute(x), axis, keepdims=True), epsilon)
    return x * rsqrt(maximum(sum(square(x), axis, keepdims=True), epsilon * epsilon))


# Losses, one value per sample. Probabilities are kept away from 0 and 1 by `epsilon`.


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
