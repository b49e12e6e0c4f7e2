"""Trigonometric and hyperbolic functions and the error function, declared as in `elementwise`.

Imports elementwise and declare.
"""

from __future__ import annotations

import math

from kerasnb.op import Sample
from kerasnb.ops.declare import elementwise
from kerasnb.ops.elementwise import ONE, PAIR, exp, rsqrt

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "erf",
    "sin", "sinh", "tan", "tanh",
]  # fmt: skip

UNIT = [Sample(((3, 4),), low=-0.8, high=0.8)]


@elementwise("sine", inputs="float", vjp=[lambda g, y, x: g * cos(x)], samples=ONE)
def sin(m, x):
    """The sine of each element, an angle in radians."""
    return m.sin(x)


@elementwise("cosine", inputs="float", vjp=[lambda g, y, x: -g * sin(x)], samples=ONE)
def cos(m, x):
    """The cosine of each element, an angle in radians."""
    return m.cos(x)


@elementwise("tan", inputs="float", vjp=[lambda g, y, x: g * (1.0 + y * y)], samples=UNIT)
def tan(m, x):
    """The tangent of each element, an angle in radians."""
    return m.tan(x)


@elementwise("asin", inputs="float", vjp=[lambda g, y, x: g * rsqrt(1.0 - x * x)], samples=UNIT)
def arcsin(m, x):
    """The angle in radians whose sine is the element."""
    return m.arcsin(x)


@elementwise("acos", inputs="float", vjp=[lambda g, y, x: -g * rsqrt(1.0 - x * x)], samples=UNIT)
def arccos(m, x):
    """The angle in radians whose cosine is the element."""
    return m.arccos(x)


@elementwise("atan", inputs="float", vjp=[lambda g, y, x: g / (1.0 + x * x)], samples=ONE)
def arctan(m, x):
    """The angle in radians whose tangent is the element."""
    return m.arctan(x)


@elementwise(
    "atan2",
    inputs="float",
    vjp=[
        lambda g, y, a, b: g * b / (a * a + b * b),
        lambda g, y, a, b: -g * a / (a * a + b * b),
    ],
    samples=PAIR,
)
def arctan2(m, x1, x2):
    """The angle in radians of the point (x2, x1) seen from the origin."""
    return m.arctan2(x1, x2)


@elementwise("sinh", inputs="float", vjp=[lambda g, y, x: g * cosh(x)], samples=ONE)
def sinh(m, x):
    """The hyperbolic sine."""
    return m.sinh(x)


@elementwise("cosh", inputs="float", vjp=[lambda g, y, x: g * sinh(x)], samples=ONE)
def cosh(m, x):
    """The hyperbolic cosine."""
    return m.cosh(x)


@elementwise("tanh", inputs="float", vjp=[lambda g, y, x: g * (1.0 - y * y)], samples=ONE)
def tanh(m, x):
    """The hyperbolic tangent."""
    return m.tanh(x)


@elementwise("asinh", inputs="float", vjp=[lambda g, y, x: g * rsqrt(x * x + 1.0)], samples=ONE)
def arcsinh(m, x):
    """The inverse of the hyperbolic sine."""
    return m.arcsinh(x)


@elementwise(
    "acosh",
    inputs="float",
    vjp=[lambda g, y, x: g * rsqrt(x * x - 1.0)],
    samples=[Sample(((3, 4),), low=1.3, high=3.0)],
)
def arccosh(m, x):
    """The inverse of the hyperbolic cosine."""
    return m.arccosh(x)


@elementwise("atanh", inputs="float", vjp=[lambda g, y, x: g / (1.0 - x * x)], samples=UNIT)
def arctanh(m, x):
    """The inverse of the hyperbolic tangent."""
    return m.arctanh(x)


# erf: W. J. Cody, "Rational Chebyshev approximation for the error function",
# Mathematics of Computation 23 (1969): three intervals, about 1e-16 relative error in float64.
_ERF_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
_ERFC_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip


def _horner(m, coefficients, x):
    total = coefficients[0]
    for c in coefficients[1:]:
        total = m.add(m.multiply(total, x), c)
    return total


def _ratio(m, fraction, x):
    return m.true_divide(_horner(m, fraction[0], x), _horner(m, fraction[1], x))


@elementwise(
    "erf",
    inputs="float",
    vjp=[lambda g, y, x: g * (2.0 / math.sqrt(math.pi)) * exp(-x * x)],
    samples=ONE,
)
def erf(m, x):
    """The error function, 2/sqrt(pi) times the integral of exp(-t²) from 0 to x."""
    # erfc(4) = 1.5e-8 and erfc(5.9) < 1e-16: the middle form, clipped there, serves the tail too
    size = m.minimum(m.abs(x), 6.0)
    near = m.multiply(x, _ratio(m, _ERF_SMALL, m.minimum(m.multiply(x, x), 0.25)))
    far = m.multiply(m.exp(m.negative(m.multiply(size, size))), _ratio(m, _ERFC_MIDDLE, size))
    return m.where(m.abs(x) <= 0.46875, near, m.multiply(m.sign(x), m.subtract(1.0, far)))
