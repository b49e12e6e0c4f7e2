"""Whole numbers: their bits, their divisors. Imports declare, elementwise and tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb.errors import DTypeError
from kerasnb.op import Sample
from kerasnb.ops.declare import elementwise
from kerasnb.ops.elementwise import absolute, equal, floor_divide, logical_not, where
from kerasnb.spec import is_integer
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "gcd", "lcm", "left_shift", "right_shift",
]  # fmt: skip

_A, _B = np.array([12, 0, 7, -9, 1], "int32"), np.array([10, 3, 7, 4, -1], "int32")
_BITS = [Sample((_A, _B)), Sample((np.array([200, 3], "uint8"), 5))]
_SHIFTS = [Sample((_A, np.array([0, 1, 2, 3, 7], "int32")), low=0.0, high=7.0)]


@elementwise("bitwise_and", vjp=[None, None], samples=_BITS)
def bitwise_and(m, x, y):
    """The bits that both whole numbers have."""
    return m.bitwise_and(x, y)


@elementwise("bitwise_or", vjp=[None, None], samples=_BITS)
def bitwise_or(m, x, y):
    """The bits that one of two whole numbers has, or both."""
    return m.bitwise_or(x, y)


@elementwise("bitwise_xor", vjp=[None, None], samples=_BITS)
def bitwise_xor(m, x, y):
    """The bits that exactly one of two whole numbers has."""
    return m.bitwise_xor(x, y)


@elementwise("shift_left", vjp=[None, None], samples=_SHIFTS)
def left_shift(m, x, y):
    """The bits of `x` moved `y` places to the left, zeros coming in from the right."""
    return m.left_shift(x, y)


@elementwise("shift_right", vjp=[None, None], samples=_SHIFTS)
def right_shift(m, x, y):
    """The bits of `x` moved `y` places to the right; the sign stays."""
    return m.right_shift(x, y)


@elementwise("gcd", vjp=[None, None], samples=_BITS)
def gcd(m, x1, x2):
    """The greatest common divisor of two whole numbers; never negative."""
    return m.gcd(x1, x2)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of two whole numbers; 0 if one of them is 0."""
    divisor = gcd(x1, x2)
    nothing = equal(divisor, 0)
    # divided first, so that the product is not larger than the result
    return absolute(where(nothing, 0, floor_divide(x1, where(nothing, 1, divisor)) * x2))


def bitwise_not(x: Any) -> Tensor:
    """The bits that a whole number has not.

    Raises:
        DTypeError: `x` holds no whole numbers.
    """
    x = as_tensor(x)
    if x.dtype == "bool":
        return logical_not(x)
    if not is_integer(x.dtype):
        raise DTypeError(f"bitwise_not: expected whole numbers, got {x.spec}.")
    return bitwise_xor(x, -1 if x.dtype.startswith("int") else int(np.iinfo(x.dtype).max))


bitwise_invert = bitwise_not
