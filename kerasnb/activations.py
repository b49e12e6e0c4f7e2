"""Activation functions by name. Imports ops and registry.

An activation is any function from a tensor to a tensor; a custom one is passed as it is, or
registered with `registry.register_keras_serializable` to be found by name.
"""

from __future__ import annotations

from typing import Any

from kerasnb import ops, registry
from kerasnb.ops.activations import (
    celu,
    elu,
    glu,
    hard_shrink,
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
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)
from kerasnb.ops.elementwise import sigmoid
from kerasnb.ops.trigonometry import tanh
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
