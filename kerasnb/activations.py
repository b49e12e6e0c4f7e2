"""Activation functions by name. Imports ops and registry.

An activation is any function from a tensor to a tensor; a custom one is passed as it is, or
registered with `registry.register_keras_serializable` to be found by name.
"""

from __future__ import annotations

import math
from typing import Any

from kerasnb import ops, registry
from kerasnb.ops.elementwise import sigmoid
from kerasnb.ops.nn import (
    celu,
    elu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
)
from kerasnb.ops.trigonometry import tanh
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid",
    "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """`x` above `threshold`, at most `max_value`; below, `negative_slope * (x - threshold)`.

    Args:
        x: a tensor.
        negative_slope: slope below the threshold.
        max_value: upper bound; None for none.
        threshold: where the function begins to follow `x`.

    Example:
        >>> relu([-2.0, 1.0, 9.0], negative_slope=0.5, max_value=6.0).numpy().tolist()
        [-1.0, 1.0, 6.0]
    """
    x = as_tensor(x)
    if negative_slope == 0.0 and threshold == 0.0:
        y = ops.relu(x)
    else:
        y = ops.where(x > threshold, x, (x - threshold) * negative_slope)
    return y if max_value is None else ops.minimum(y, max_value)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """`x` times the normal distribution function at `x`.

    Args:
        x: a float tensor.
        approximate: use a form with tanh in place of the error function; off by at most 5e-4.

    Source: D. Hendrycks and K. Gimpel (2016), "Gaussian error linear units", arXiv:1606.08415.
    """
    return ops.gelu(x, approximate)


def mish(x: Any) -> Tensor:
    """`x * tanh(softplus(x))`.

    Source: D. Misra (2019), "Mish: a self regularized non-monotonic activation function",
        arXiv:1908.08681.
    """
    x = as_tensor(x)
    return x * tanh(softplus(x))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of `x` along `axis` times the sigmoid of the second.

    Source: Y. Dauphin, A. Fan, M. Auli and D. Grangier (2016), "Language modeling with gated
        convolutional networks", arXiv:1612.08083.
    """
    a, b = ops.split(x, 2, axis)
    return a * sigmoid(b)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` where its magnitude is above `threshold`, else 0."""
    x = as_tensor(x)
    return ops.where(ops.abs(x) > threshold, x, 0.0)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` above `threshold`, else `default_value`."""
    x = as_tensor(x)
    return ops.where(x > threshold, x, default_value)


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
    return 0.5 * (x + ops.sqrt(x * x + b))


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, and the parabola `(x + 1)² / 4` between."""
    x = as_tensor(x)
    middle = ops.clip(x, -1.0, 1.0) + 1.0
    return ops.where(x < 1.0, 0.25 * middle * middle, x)


def sparse_sigmoid(x: Any) -> Tensor:
    """The straight line `(x + 1) / 2`, held between 0 and 1."""
    return ops.clip(0.5 * as_tensor(x) + 0.5, 0.0, 1.0)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest point to `x` whose elements along `axis` are probabilities; many are exactly 0.

    Source: A. Martins and R. Astudillo (2016), "From softmax to sparsemax", arXiv:1602.02068.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    logits = ops.stop_gradient(x)
    ordered = ops.flip(ops.sort(logits, axis), axis)
    ranks = ops.arange(1, x.shape[axis] + 1, dtype=x.dtype)
    ranks = ops.reshape(ranks, [-1 if i == axis else 1 for i in range(x.ndim)])
    supported = ordered * ranks > ops.cumsum(ordered, axis) - 1.0
    smallest = ops.min(ops.where(supported, ordered, math.inf), axis, keepdims=True)
    # which elements stay above 0 is settled; on these, x is moved down by one common number
    kept = logits >= smallest
    count = ops.sum(ops.cast(kept, x.dtype), axis, keepdims=True)
    excess = ops.sum(ops.where(kept, x, 0.0), axis, keepdims=True) - 1.0
    return ops.where(kept, x - excess / count, 0.0)


def exponential(x: Any) -> Tensor:
    """e to the power of each element."""
    return ops.exp(x)


def linear(x: Any) -> Any:
    """`x` itself."""
    return x


swish, hard_swish = silu, hard_silu


def get(identifier: Any) -> Any:
    """The activation function that `identifier` names.

    Args:
        identifier: a name (``"relu"``), a configuration, or a callable, returned as it is; None is
            `linear`.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.

    Example:
        >>> get("swish") is silu
        True
    """
    if identifier is None:
        return linear
    return identifier if callable(identifier) else deserialize(identifier)


def serialize(activation: Any) -> Any:
    """The activation as plain data: its name, if it is one of this module."""
    return registry.serialize(activation)


def deserialize(config: Any) -> Any:
    """The activation from a name or a configuration."""
    return registry.deserialize(config, _CHOICES, "activation")


_CHOICES = {
    function.__name__: function
    for function in (
        celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh,
        leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu,
        soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
        squareplus, tanh, tanh_shrink, threshold,
    )
} | {"swish": swish, "hard_swish": hard_swish}  # fmt: skip
