"""Numbers brought to a common size: by their length, their mean and their variance.

Imports reduce, elementwise and reshaping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.ops.elementwise import absolute, cast, maximum, power, rsqrt, square
from kerasnb.ops.reduce import mean, moments, sum
from kerasnb.ops.reshaping import reshape
from kerasnb.spec import normalize_axes, normalize_axis, promote
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["batch_normalization", "layer_normalization", "normalize", "rms_normalization"]


def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """`x` divided by its length along `axis`; `order` 2 is the Euclidean length."""
    x = as_tensor(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 1:
        return x / maximum(sum(absolute(x), axis, keepdims=True), epsilon)
    if order == 2:
        return x * rsqrt(maximum(sum(square(x), axis, keepdims=True), epsilon * epsilon))
    total = sum(power(absolute(x), order), axis, keepdims=True)
    return x / maximum(power(total, 1.0 / order), epsilon)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """`x` with a given mean taken away, divided by the root of a given variance.

    Args:
        x: a float tensor.
        mean: one number for each place along `axis`.
        variance: the same.
        axis: the axis that keeps its places apart.
        offset: added at the end, one number for each place.
        scale: multiplied before that, one number for each place.
        epsilon: added to the variance.

    Source: S. Ioffe and C. Szegedy (2015), "Batch normalization", arXiv:1502.03167.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)

    def along(values: Any) -> Tensor:  # (C,) -> (1, .., C, .., 1)
        return reshape(cast(values, x.dtype), [-1 if i == axis else 1 for i in range(x.ndim)])

    factor = rsqrt(along(variance) + epsilon)
    if scale is not None:
        factor = factor * along(scale)
    y = (x - along(mean)) * factor
    return y if offset is None else y + along(offset)


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Tensor:
    """`x` with its own mean taken away, divided by the root of its own variance.

    Args:
        x: a float tensor.
        gamma: multiplied at the end; of the lengths of `axis`.
        beta: added after that; of the lengths of `axis`.
        axis: over which mean and variance are taken.
        epsilon: added to the variance; `config.epsilon` if None.

    Source: J. L. Ba, J. R. Kiros and G. E. Hinton (2016), "Layer normalization", arXiv:1607.06450.
    """
    x, dtype = _at_least_float32(x)
    center, variance = moments(x, axis, keepdims=True)
    y = (x - center) * rsqrt(variance + (config.epsilon() if epsilon is None else epsilon))
    if gamma is not None:
        y = y * _over_axes(gamma, x, axis)
    if beta is not None:
        y = y + _over_axes(beta, x, axis)
    return cast(y, dtype)


def rms_normalization(
    x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> Tensor:
    """`x` divided by the root of the mean of its squares.

    Args:
        x: a float tensor.
        scale: multiplied at the end; broadcasts to `x`.
        axis: over which the mean is taken.
        epsilon: added to the mean; `config.epsilon` if None.

    Source: B. Zhang and R. Sennrich (2019), "Root mean square layer normalization",
        arXiv:1910.07467.
    """
    x, dtype = _at_least_float32(x)
    if x.ndim == 0:
        x = reshape(x, (1,))
    size = mean(square(x), axis, keepdims=True)
    y = x * rsqrt(size + (config.epsilon() if epsilon is None else epsilon))
    return cast(y if scale is None else y * cast(scale, y.dtype), dtype)


def _at_least_float32(x: Any) -> tuple[Tensor, str]:
    """The tensor in a dtype in which sums keep their digits, and the dtype it came in."""
    x = as_tensor(x)
    return cast(x, promote(x.dtype, "float32")), x.dtype


def _over_axes(values: Any, x: Tensor, axis: int | Sequence[int]) -> Tensor:
    axes = normalize_axes(axis, x.ndim)
    shape = [x.shape[i] if i in axes else 1 for i in range(x.ndim)]
    return reshape(cast(values, x.dtype), shape)
