"""New tensors from numbers. Imports elementwise, reshaping and tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import backends, config
from kerasnb.errors import ArgumentError, UnknownDimension
from kerasnb.ops.elementwise import absolute, cast, equal, exp, log, logical_and, power, sign
from kerasnb.ops.reshaping import broadcast_to, expand_dims, moveaxis
from kerasnb.spec import check_dtype, is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "arange", "array", "convert_to_numpy", "convert_to_tensor", "empty", "empty_like", "eye",
    "full", "full_like", "geomspace", "identity", "is_tensor", "linspace", "logspace", "meshgrid",
    "ones", "ones_like", "tri", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def convert_to_tensor(
    x: Any, dtype: str | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """A tensor with the values of `x`; Python floats become `floatx`, Python integers int32.

    Raises:
        ArgumentError: `sparse` or `ragged` is set; there are no such tensors here.
    """
    if sparse or ragged:
        raise ArgumentError(
            "convert_to_tensor: sparse and ragged tensors are not supported; leave both out."
        )
    if isinstance(x, np.ndarray):
        x = x.copy()  # what the caller does to the array later must not reach the tensor
    return as_tensor(x, None if dtype is None else check_dtype(dtype))


def array(x: Any, dtype: str | None = None) -> Tensor:
    """A tensor with the values of `x`."""
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """The values as a NumPy array on the host."""
    return as_tensor(x).numpy()


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of this package."""
    return isinstance(x, Tensor)


def _host(value: np.ndarray, dtype: str) -> Tensor:
    return Tensor(backends.current().asarray(value, dtype))


def full(shape: int | Sequence[int], fill_value: Any, dtype: str | None = None) -> Tensor:
    """A tensor of `shape` filled with one value; `floatx` if no dtype is given."""
    value = as_tensor(fill_value, check_dtype(dtype or config.floatx()))
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if None in shape:
        raise UnknownDimension(f"full: every dimension must be known, got {shape}.")
    if value.data is None or value.ndim:
        return broadcast_to(value, shape)
    backend = backends.current()
    return Tensor(backend.xp.full(shape, value.item(), value.dtype))


def zeros(shape: int | Sequence[int], dtype: str | None = None) -> Tensor:
    """A tensor of zeros."""
    return full(shape, 0, dtype or config.floatx())


def ones(shape: int | Sequence[int], dtype: str | None = None) -> Tensor:
    """A tensor of ones."""
    return full(shape, 1, dtype or config.floatx())


empty = zeros  # memory that was not written to would only hide mistakes


def full_like(x: Any, fill_value: Any, dtype: str | None = None) -> Tensor:
    """A tensor like `x` filled with one value."""
    x, value = as_tensor(x), as_tensor(fill_value, dtype)
    value = as_tensor(value, dtype or x.dtype)
    if None in x.shape:  # the shape is not known before the model runs: take it from x
        return cast(logical_and(equal(x, x), False), value.dtype) + value
    return broadcast_to(value, x.shape)


def zeros_like(x: Any, dtype: str | None = None) -> Tensor:
    """Zeros of the shape of `x`."""
    return full_like(x, 0, dtype)


def empty_like(x: Any, dtype: str | None = None) -> Tensor:
    """Zeros of the shape of `x`; see `empty`."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: str | None = None) -> Tensor:
    """Ones of the shape of `x`."""
    return full_like(x, 1, dtype)


def arange(
    start: float, stop: float | None = None, step: float | None = None, dtype: str | None = None
) -> Tensor:
    """The numbers from `start` (0 if only one is given) to before `stop`, `step` apart."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    whole = all(isinstance(v, int) for v in (start, stop, step))
    return _host(np.arange(start, stop, step), dtype or ("int32" if whole else config.floatx()))


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: str | None = None,
    axis: int = 0,
) -> Any:
    """`num` numbers evenly spaced from `start` to `stop`.

    Args:
        start: the first number, or a tensor of first ones.
        stop: the last number, or a tensor of last ones.
        num: how many.
        endpoint: whether `stop` is the last; else it would be the next.
        retstep: whether to give the distance of neighbours, too.
        dtype: of the result; `floatx` if None.
        axis: of the result, where the numbers stand.

    Raises:
        ArgumentError: `num` is negative.
    """
    if num < 0:
        raise ArgumentError(f"linspace: expected num of 0 or more, got {num}.")
    steps = num - 1 if endpoint else num
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        values = _host(np.linspace(start, stop, num, endpoint), dtype or config.floatx())
        step: Any = as_tensor((stop - start) / steps if steps > 0 else float("nan"))
    else:
        first, last = _floats(start), _floats(stop)
        share = as_tensor(np.arange(num) / max(steps, 1), first.dtype)
        first, last = expand_dims(first, -1), expand_dims(last, -1)
        values = moveaxis(first * (1.0 - share) + last * share, -1, axis)
        values = values if dtype is None else cast(values, dtype)
        step = (last - first)[..., 0] / float(steps or "nan")
    return (values, step) if retstep else values


def _floats(x: Any) -> Tensor:
    x = as_tensor(x)
    return x if is_float(x.dtype) else cast(x, config.floatx())


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: str | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` powers of `base`, their exponents evenly spaced from `start` to `stop`; see
    `linspace`."""
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        values = _host(np.logspace(start, stop, num, endpoint, base), dtype or config.floatx())
        return values
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    values = power(float(base), exponents)
    return values if dtype is None else cast(values, dtype)


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: str | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from `start` to `stop`, each the one before times one factor; see `linspace`.

    Both ends must have one sign, and not be 0.
    """
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        return _host(np.geomspace(start, stop, num, endpoint), dtype or config.floatx())
    first, last = _floats(start), _floats(stop)
    exponents = linspace(log(absolute(first)), log(absolute(last)), num, endpoint, axis=axis)
    signs = expand_dims(sign(first), axis) if first.ndim else sign(first)
    values = exp(exponents) * signs
    return values if dtype is None else cast(values, dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Tensor:
    """A matrix with ones on its diagonal number `k`."""
    return _host(np.eye(N, M, k), dtype or config.floatx())


def identity(n: int, dtype: str | None = None) -> Tensor:
    """The square identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Tensor:
    """A matrix with ones on and below its diagonal number `k`."""
    return _host(np.tri(N, M, k), dtype or config.floatx())


def tril(x: Any, k: int = 0) -> Tensor:
    """The tensor with zeros above the diagonal number `k` of its last two axes."""
    x = as_tensor(x)
    return x * tri(x.shape[-2], x.shape[-1], k, x.dtype)


def triu(x: Any, k: int = 0) -> Tensor:
    """The tensor with zeros below the diagonal number `k` of its last two axes."""
    x = as_tensor(x)
    return x * (1 - tri(x.shape[-2], x.shape[-1], k - 1, x.dtype))


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinate tensors from vectors of coordinates."""
    vectors = [as_tensor(v) for v in x]
    rank = len(vectors)
    places = list(range(rank))
    if indexing == "xy" and rank > 1:
        places[0], places[1] = 1, 0
    shape = [0] * rank
    for vector, place in zip(vectors, places, strict=True):
        shape[place] = vector.shape[0]
    return [
        broadcast_to(expand_dims(v, [i for i in range(rank) if i != p]), shape)
        for v, p in zip(vectors, places, strict=True)
    ]
