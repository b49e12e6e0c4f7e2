"""Functions of mathematics beside those of `elementwise` and `trigonometry`. Imports those, and
declare.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.op import Sample
from kerasnb.ops.declare import elementwise
from kerasnb.ops.elementwise import (
    ONE,
    absolute,
    cast,
    equal,
    exp,
    isnan,
    log,
    logaddexp,
    maximum,
    minimum,
    power,
    sign,
    sqrt,
    square,
    together,
    where,
)
from kerasnb.ops.gradients import custom_gradient
from kerasnb.ops.reduce import mean
from kerasnb.ops.reshaping import expand_dims
from kerasnb.ops.trigonometry import _ERF_SMALL, _ERFC_MIDDLE, _ratio, sin
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "cbrt", "deg2rad", "erfc", "erfinv", "exp2", "heaviside", "hypot", "i0", "ldexp", "logaddexp2",
    "nextafter", "rad2deg", "sinc",
]  # fmt: skip

# The third interval of Cody (1969), see `trigonometry`: a function of 1 / x², for x >= 4.
_ERFC_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
_INVERSE_ROOT_PI = 1.0 / math.sqrt(math.pi)


def _erfc(m, x):
    # erfc(27) is below the smallest float64, and exp takes no more than its square
    size = m.minimum(m.abs(x), 27.0)
    near = m.multiply(x, _ratio(m, _ERF_SMALL, m.minimum(m.multiply(x, x), 0.25)))
    middle = _ratio(m, _ERFC_MIDDLE, m.minimum(size, 4.0))
    large = m.maximum(size, 4.0)
    z = m.true_divide(1.0, m.multiply(large, large))
    far = m.subtract(_INVERSE_ROOT_PI, m.multiply(z, _ratio(m, _ERFC_FAR, z)))
    tail = m.multiply(
        m.exp(m.negative(m.multiply(size, size))),
        m.where(size <= 4.0, middle, m.true_divide(far, large)),
    )
    return m.where(
        m.abs(x) <= 0.46875, m.subtract(1.0, near), m.where(x < 0, m.subtract(2.0, tail), tail)
    )


@elementwise(
    "erfc",
    inputs="float",
    vjp=[lambda g, y, x: g * (-2.0 * _INVERSE_ROOT_PI) * exp(-x * x)],
    samples=[*ONE, Sample(((7, 5),), low=-6.0, high=6.0)],
)
def erfc(m, x):
    """One minus the error function, exact where that is nearly 1."""
    return _erfc(m, x)


# M. Giles (2012), "Approximating the erfinv function": a polynomial in -log(1 - x²), to about 3e-7
# where that is below 5.
_INVERSE_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip


@custom_gradient
def _erfinv(x: Tensor) -> tuple:
    size = absolute(x)
    inside = where(size < 1.0, size, 0.0)
    rest = 1.0 - inside  # exact from 1/2 on
    w = -log(rest * (1.0 + inside))
    near = _polynomial(_INVERSE_NEAR, minimum(w, 5.0) - 2.5) * inside
    # beyond, 1 - x is nearly exp(-y²) / (y √π): y² = -log((1 - x) √π) - log y, to about 1e-3
    squared = maximum(-log(rest) - 0.5 * math.log(math.pi), 2.0)
    y = where(w < 5.0, near, sqrt(squared - 0.5 * log(squared)))
    for _ in range(3):  # Halley's steps on erfc(y) = 1 - x: each has three times the digits
        step = (erfc(y) - rest) / (exp(-y * y) * (2.0 * _INVERSE_ROOT_PI))
        y = y + step / (1.0 + y * step)
    y = where(equal(size, 1.0), math.inf, where(size < 1.0, y, math.nan))
    # of `erfinv` again, so that the gradient has a gradient
    return sign(x) * y, lambda g: g * (0.5 * math.sqrt(math.pi)) * exp(square(_erfinv(x)))


def _polynomial(coefficients: tuple, x: Tensor) -> Tensor:
    total = x * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        total = total * x + c
    return total


def erfinv(x: Any) -> Tensor:
    """The number whose error function is `x`; infinite for -1 and 1, and NaN beyond."""
    return _erfinv(_float(x))


@elementwise(
    "next_after",
    inputs="float",
    vjp=[None, None],
    samples=[Sample(((3, 4), (4,))), Sample(((2,), 5.0))],
)
def nextafter(m, x1, x2):
    """The number next to `x1` on the way to `x2`."""
    return m.nextafter(x1, x2)


def _float(x: Any) -> Tensor:
    x = as_tensor(x)
    return x if is_float(x.dtype) else cast(x, config.floatx())


def cbrt(x: Any) -> Tensor:
    """The cube root, which negative numbers have too."""
    x = _float(x)
    return sign(x) * power(absolute(x), 1.0 / 3.0)


def exp2(x: Any) -> Tensor:
    """2 to the power of each element."""
    return power(2.0, _float(x))


def ldexp(x1: Any, x2: Any) -> Tensor:
    """`x1` times 2 to the power of `x2`."""
    x1 = _float(x1)
    # in two halves: 2 to the whole power may be no number where the result is one
    half = cast(x2, "int32") // 2
    rest = cast(cast(x2, "int32") - half, x1.dtype)
    return x1 * power(2.0, cast(half, x1.dtype)) * power(2.0, rest)


def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """The logarithm to base 2 of 2^x1 + 2^x2, without overflow."""
    ln2 = math.log(2.0)
    a, b = together(x1, x2, "float")
    return logaddexp(a * ln2, b * ln2) * (1.0 / ln2)


def hypot(x1: Any, x2: Any) -> Tensor:
    """The length of the hypotenuse over two sides, without overflow."""
    a, b = (absolute(x) for x in together(x1, x2, "float"))
    large = maximum(a, b)
    usable = where(equal(large, 0), 1.0, large)
    return where(equal(large, 0), 0.0, usable * sqrt(square(a / usable) + square(b / usable)))


def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 where `x1` is negative, 1 where it is positive, and `x2` where it is 0."""
    x1 = _float(x1)
    return where(equal(x1, 0), x2, where(x1 > 0, 1.0, where(isnan(x1), x1, 0.0)))


def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    return _float(x) * (math.pi / 180.0)


def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    return _float(x) * (180.0 / math.pi)


def sinc(x: Any) -> Tensor:
    """sin(πx) / (πx), and 1 at 0."""
    x = _float(x)
    angle = where(equal(x, 0), 1.0, x) * math.pi
    return where(equal(x, 0), 1.0, sin(angle) / angle)


def i0(x: Any) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    As the mean of exp(x cos θ) over θ, in steps that are equal. This is off by the Bessel function
    of twice as high an order as there are steps in half a turn, which is nothing in that dtype.
    """
    x = _float(x)
    steps = 128 if x.dtype == "float64" else 32
    cosines = np.cos((np.arange(steps) + 0.5) * (math.pi / steps))
    return mean(exp(expand_dims(x, -1) * as_tensor(cosines, x.dtype)), -1)
