"""What kind of number each element is, and numbers brought into range. Imports elementwise, special
and tensor.

Tensors hold real numbers: the imaginary part of each is 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ShapeError
from kerasnb.op import Sample, primitive
from kerasnb.ops.creation import convert_to_tensor, zeros_like
from kerasnb.ops.elementwise import (
    absolute,
    cast,
    ceil,
    clip,
    equal,
    floor,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    mod,
    together,
    where,
)
from kerasnb.ops.reduce import all
from kerasnb.ops.trigonometry import arctan2
from kerasnb.spec import TensorSpec, check_dtype, is_float
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "allclose", "angle", "conj", "conjugate", "copy", "dtype", "fabs", "fmax", "fmin", "fmod",
    "imag", "isclose", "isneginf", "isposinf", "isreal", "nan_to_num", "real", "saturate_cast",
    "signbit", "trunc", "view",
]  # fmt: skip


def dtype(x: Any) -> str:
    """The data type's name, for example ``"float32"``."""
    return as_tensor(x).dtype


def copy(x: Any) -> Tensor:
    """A tensor of the same values, which no later change of an array reaches."""
    return convert_to_tensor(x)


def _view_spec(x: TensorSpec, *, dtype: str) -> TensorSpec:
    old, new = np.dtype(x.dtype).itemsize, np.dtype(dtype).itemsize
    if old == new:
        return x.with_dtype(dtype)
    if not x.shape or (x.shape[-1] is not None and x.shape[-1] * old % new):
        raise ShapeError(f"view: the last axis of {x} does not divide into numbers of {dtype}.")
    last = None if x.shape[-1] is None else x.shape[-1] * old // new
    return TensorSpec((*x.shape[:-1], last), dtype)


@primitive(
    "bitcast_convert",
    kind="library",
    infer=_view_spec,
    vjp=[None],
    samples=[
        Sample((np.array([[1, 2], [3, -4]], "int32"),), {"dtype": "uint8"}),
        Sample((np.array([0.5, -2.0], "float32"),), {"dtype": "int32"}),
    ],
)
def _view(xp, x, *, dtype):
    return xp.ascontiguousarray(x).view(dtype)


def view(x: Any, dtype: str | None = None) -> Tensor:
    """The same bytes, read as numbers of another dtype.

    Raises:
        ShapeError: the bytes of the last axis do not divide into such numbers.
    """
    x = as_tensor(x)
    return x if dtype is None else apply(_view, x, dtype=check_dtype(dtype))


# Real numbers as complex ones


def real(x: Any) -> Tensor:
    """The real part, which is `x` itself."""
    return as_tensor(x)


def imag(x: Any) -> Tensor:
    """The imaginary part, which is 0."""
    return zeros_like(x)


def conjugate(x: Any) -> Tensor:
    """The complex conjugate, which is `x` itself."""
    return as_tensor(x)


conj = conjugate


def angle(x: Any) -> Tensor:
    """The angle in radians in the complex plane: 0, or π where `x` is negative."""
    x = _float(x)
    return arctan2(zeros_like(x), x)


def isreal(x: Any) -> Tensor:
    """Whether each element is real: all of them are."""
    return equal(zeros_like(x), 0)


# Kinds of numbers


def isposinf(x: Any) -> Tensor:
    """Whether each element is plus infinity."""
    return equal(_float(x), math.inf)


def isneginf(x: Any) -> Tensor:
    """Whether each element is minus infinity."""
    return equal(_float(x), -math.inf)


def signbit(x: Any) -> Tensor:
    """Whether each element has a minus sign, which -0.0 has too."""
    x = as_tensor(x)
    return arctan2(x, -1.0) < 0 if is_float(x.dtype) else x < 0


def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether two elements differ by no more than `atol` plus `rtol` times the second's size."""
    a, b = together(x1, x2, "float")
    near = less_equal(absolute(a - b), atol + rtol * absolute(b))
    # an infinity is close to itself alone, though its difference to itself is NaN
    close = logical_or(logical_and(near, logical_and(isfinite(a), isfinite(b))), equal(a, b))
    return logical_or(close, logical_and(isnan(a), isnan(b))) if equal_nan else close


def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are as `isclose` asks."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))


# Numbers in range


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`x` with numbers in place of NaN and of infinities.

    Args:
        x: a tensor.
        nan: in place of NaN.
        posinf: in place of plus infinity; the largest number of the dtype if None.
        neginf: in place of minus infinity; the lowest number of the dtype if None.
    """
    x = as_tensor(x)
    if not is_float(x.dtype):
        return x
    limits = np.finfo(x.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    y = where(isposinf(x), high, where(isneginf(x), low, x))
    return where(isnan(x), nan, y)


def saturate_cast(x: Any, dtype: str) -> Tensor:
    """The tensor converted to `dtype`, numbers out of its range becoming its lowest or largest."""
    x, dtype = as_tensor(x), check_dtype(dtype)
    low, high = _limits(dtype)
    own_low, own_high = _limits(x.dtype)
    if own_low >= low and own_high <= high:
        return cast(x, dtype)
    low, high = max(low, own_low), min(high, own_high)
    if is_float(x.dtype) and not is_float(dtype) and dtype != "bool":
        # the nearest floats that are not outside: 2**31 - 1 is no float32
        kind = np.dtype(x.dtype).type
        high = kind(high) if int(kind(high)) <= high else np.nextafter(kind(high), kind(0))
        low, high = float(low), float(high)
    return cast(clip(x, low, high), dtype)


def _limits(dtype: str) -> tuple:
    if dtype == "bool":
        return 0, 1
    limits = np.finfo(dtype) if is_float(dtype) else np.iinfo(dtype)
    return (float if is_float(dtype) else int)(limits.min), (float if is_float(dtype) else int)(
        limits.max
    )


def trunc(x: Any) -> Tensor:
    """The whole number next to each element on the way to 0."""
    x = as_tensor(x)
    return where(x < 0, ceil(x), floor(x)) if is_float(x.dtype) else x


def fabs(x: Any) -> Tensor:
    """The magnitude of each element, as a float."""
    return absolute(_float(x))


def fmod(x1: Any, x2: Any) -> Tensor:
    """The remainder of the division, with the sign of the dividend."""
    a, b = together(x1, x2, "number")
    rest = mod(absolute(a), absolute(b))
    return where(a < 0, -rest, rest)


def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of two elements; where one is NaN the other."""
    return _but_nan(maximum, *together(x1, x2))


def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of two elements; where one is NaN the other."""
    return _but_nan(minimum, *together(x1, x2))


def _but_nan(choose: Any, a: Tensor, b: Tensor) -> Tensor:
    if not is_float(a.dtype):
        return choose(a, b)
    a_is, b_is = isnan(a), isnan(b)
    both = choose(where(a_is, b, a), where(b_is, a, b))
    return where(logical_and(a_is, logical_not(b_is)), b, both)


def _float(x: Any) -> Tensor:
    x = as_tensor(x)
    return x if is_float(x.dtype) else cast(x, config.floatx())
