"""Activation functions, composed of other ops. Imports elementwise, reduce and reshaping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb.ops.creation import arange
from kerasnb.ops.elementwise import (
    absolute,
    cast,
    clip,
    exp,
    expm1,
    logaddexp,
    maximum,
    minimum,
    relu,
    sigmoid,
    sqrt,
    stop_gradient,
    where,
)
from kerasnb.ops.index import sort
from kerasnb.ops.reduce import cumsum, logsumexp, max, min, sum
from kerasnb.ops.reshaping import flip, reshape, split
from kerasnb.ops.trigonometry import erf, tanh
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
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


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of `x` along `axis` times the sigmoid of the second.

    Source: Y. Dauphin, A. Fan, M. Auli and D. Grangier (2016), "Language modeling with gated
        convolutional networks", arXiv:1612.08083.
    """
    a, b = split(x, 2, axis)
    return a * sigmoid(b)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` where its magnitude is above `threshold`, else 0."""
    x = as_tensor(x)
    return where(absolute(x) > threshold, x, 0.0)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` above `threshold`, else `default_value`."""
    x = as_tensor(x)
    return where(x > threshold, x, default_value)


def tanh_shrink(x: Any) -> Tensor:
    """`x - tanh(x)`."""
    x = as_tensor(x)
    return x - tanh(x)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """`(x + sqrt(x² + b)) / 2`, a softplus without exponentials.

    Source: J. T. Barron (2021), "Squareplus: a softplus-like algebraic rectifier",
        arXiv:2112.11687.
    """
    x = as_tensor(x)
    return 0.5 * (x + sqrt(x * x + b))


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, and the parabola `(x + 1)² / 4` between."""
    x = as_tensor(x)
    middle = clip(x, -1.0, 1.0) + 1.0
    return where(x < 1.0, 0.25 * middle * middle, x)


def sparse_sigmoid(x: Any) -> Tensor:
    """The straight line `(x + 1) / 2`, held between 0 and 1."""
    return clip(0.5 * as_tensor(x) + 0.5, 0.0, 1.0)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest point to `x` whose elements along `axis` are probabilities; many are exactly 0.

    Source: A. Martins and R. Astudillo (2016), "From softmax to sparsemax", arXiv:1602.02068.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    logits = stop_gradient(x)
    ordered = flip(sort(logits, axis), axis)
    ranks = arange(1, x.shape[axis] + 1, dtype=x.dtype)
    ranks = reshape(ranks, [-1 if i == axis else 1 for i in range(x.ndim)])
    supported = ordered * ranks > cumsum(ordered, axis) - 1.0
    smallest = min(where(supported, ordered, math.inf), axis, keepdims=True)
    # which elements stay above 0 is settled; on these, x is moved down by one common number
    kept = logits >= smallest
    count = sum(cast(kept, x.dtype), axis, keepdims=True)
    excess = sum(where(kept, x, 0.0), axis, keepdims=True) - 1.0
    return where(kept, x - excess / count, 0.0)
