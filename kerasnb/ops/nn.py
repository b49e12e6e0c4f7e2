"""Activations, attention and losses on tensors, composed of other ops. Imports elementwise, reduce,
index, linalg."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension
from kerasnb.ops.creation import arange
from kerasnb.ops.elementwise import (
    absolute,
    cast,
    clip,
    exp,
    expm1,
    log,
    logaddexp,
    logical_and,
    maximum,
    minimum,
    rsqrt,
    sigmoid,
    square,
    stop_gradient,
    where,
)
from kerasnb.ops.index import one_hot
from kerasnb.ops.linalg import einsum
from kerasnb.ops.reduce import logsumexp, max, sum
from kerasnb.ops.reshaping import expand_dims, reshape, squeeze
from kerasnb.ops.trigonometry import erf, tanh
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "celu", "dot_product_attention", "elu",
    "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid",
    "log_softmax", "normalize", "relu6", "selu", "silu", "soft_shrink", "softmax", "softplus",
    "softsign", "sparse_categorical_crossentropy", "swish",
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


def masked_softmax(x: Any, mask: Any = None, axis: Axis = -1) -> Tensor:
    """`softmax` over the elements where `mask` is true; the others are 0, even all of a row."""
    if mask is None:
        return softmax(x, axis)
    x, mask = as_tensor(x), cast(mask, "bool")
    # not -inf: in a row without any true element inf - inf would be NaN
    low = -3e4 if x.dtype == "float16" else -1e9
    return where(mask, softmax(where(mask, x, low), axis), 0.0)


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


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """For each query the mean of the values, weighted by how well their keys fit it.

    Args:
        query: ``(B, T, N, H)``: batch, length, heads, features of a head.
        key: ``(B, S, K, H)``; N is a multiple of K, whose heads serve N / K queries each.
        value: ``(B, S, K, V)``.
        bias: added to the products of queries and keys; broadcasts to ``(B, N, T, S)``.
        mask: true where a query may look; broadcasts to ``(B, N, T, S)``. One that may look nowhere
            gives 0.
        scale: of the products; ``1 / sqrt(H)`` if not given.
        is_causal: whether queries look no further than their own position.
        flash_attention: accepted for Keras's sake; the result does not depend on it.
        attn_logits_soft_cap: must be None; accepted because Keras takes it.

    Returns:
        ``(B, T, N, V)``.

    Raises:
        ArgumentError: `attn_logits_soft_cap` is given.
        ShapeError: an input has not four axes, or the heads do not divide.

    Source: Vaswani et al. (2017), "Attention is all you need", arXiv:1706.03762.
    """
    q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
    if attn_logits_soft_cap is not None:
        raise ArgumentError("dot_product_attention: attn_logits_soft_cap must be None.")
    if not q.ndim == k.ndim == v.ndim == 4:
        raise ShapeError(
            "dot_product_attention: expected query, key and value with 4 axes (batch, length, "
            f"heads, features), got {q.shape}, {k.shape} and {v.shape}."
        )
    logits = _head_scores(q, k) * (q.shape[3] ** -0.5 if scale is None else scale)
    if bias is not None:
        logits = logits + cast(bias, logits.dtype)
    if is_causal:
        seen = seen_positions(logits.shape[2], logits.shape[3])
        mask = seen if mask is None else logical_and(mask, seen)
    return _head_means(masked_softmax(logits, mask), v)


def seen_positions(queries: int | None, keys: int | None, window: int | None = None) -> Tensor:
    """Which positions see which, ``(T, S)``: those up to their own, or less than `window` away.

    Raises:
        UnknownDimension: a length is not known.
    """
    if queries is None or keys is None:
        raise UnknownDimension(
            f"A causal mask or a window needs known lengths, got {queries} queries and {keys} keys."
        )
    after = expand_dims(arange(queries), 1) - expand_dims(arange(keys), 0)
    return after >= 0 if window is None else absolute(after) < window


def _head_scores(q: Tensor, k: Tensor) -> Tensor:
    """The products of each query with each key of its head."""
    (b, t, heads, h), s, shared = q.shape, k.shape[1], k.shape[2]
    if heads == shared:
        return einsum("btnh,bsnh->bnts", q, k)  # (B, T, N, H), (B, S, N, H) -> (B, N, T, S)
    if heads % shared:
        raise ShapeError(
            f"dot_product_attention: expected a multiple of the key's {shared} heads, got query "
            f"{q.shape} and key {k.shape}."
        )
    q = reshape(q, (b, t, shared, heads // shared, h))  # (B, T, N, H) -> (B, T, K, G, H)
    return reshape(einsum("btkgh,bskh->bkgts", q, k), (b, heads, t, s))  # -> (B, N, T, S)


def _head_means(weights: Tensor, v: Tensor) -> Tensor:
    """The values of each head, added with the weights of each query."""
    (b, heads, t, s), shared, h = weights.shape, v.shape[2], v.shape[3]
    if heads == shared:
        return einsum("bnts,bsnh->btnh", weights, v)  # -> (B, T, N, V)
    weights = reshape(weights, (b, shared, heads // shared, t, s))  # -> (B, K, G, T, S)
    return reshape(einsum("bkgts,bskh->btkgh", weights, v), (b, t, heads, h))  # -> (B, T, N, V)


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
