"""Attention: means of values, weighted by how well keys fit queries. Imports activations, products
and what lies below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension
from kerasnb.ops.activations import softmax
from kerasnb.ops.creation import arange
from kerasnb.ops.elementwise import absolute, cast, logical_and, where
from kerasnb.ops.products import einsum
from kerasnb.ops.reshaping import expand_dims, reshape
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["dot_product_attention"]

Axis = int | Sequence[int] | None


def masked_softmax(x: Any, mask: Any = None, axis: Axis = -1) -> Tensor:
    """`softmax` over the elements where `mask` is true; the others are 0, even all of a row."""
    if mask is None:
        return softmax(x, axis)
    x, mask = as_tensor(x), cast(mask, "bool")
    # not -inf: in a row without any true element inf - inf would be NaN
    low = -3e4 if x.dtype == "float16" else -1e9
    return where(mask, softmax(where(mask, x, low), axis), 0.0)


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
