"""Elementwise primitives: each one formula over a namespace of mathematics `m`, and its
derivatives.

`m` is NumPy or CuPy when an op runs, and a namespace of symbols when a compiler renders it, so a
formula uses nothing but functions of `m` and operators. Imports declare, op and tensor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb.op import OPS, Sample
from kerasnb.ops.declare import elementwise
from kerasnb.spec import check_dtype
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "abs",
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cast",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "divide",
    "divide_no_nan",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "where",
]  # fmt: skip

PAIR = [Sample(((3, 4), (3, 4))), Sample(((2, 1, 4), (3, 1))), Sample(((3,), 2.5))]
ONE = [Sample(((3, 4),)), Sample(((),)), Sample(((0, 2),))]
POSITIVE = [Sample(((3, 4),), low=0.3, high=2.0)]
UNIT = [Sample(((3, 4),), low=-0.8, high=0.8)]
APART = [Sample(((3, 4), (3, 4)))]  # random numbers are distinct: no ties, where slopes jump


# Arithmetic


@elementwise("add", vjp=[lambda g, y, a, b: g, lambda g, y, a, b: g], samples=PAIR)
def add(m, x1, x2):
    """The sum of two tensors, element by element."""
    return m.add(x1, x2)


@elementwise("subtract", vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g], samples=PAIR)
def subtract(m, x1, x2):
    """The difference of two tensors, element by element."""
    return m.subtract(x1, x2)


@elementwise("multiply", vjp=[lambda g, y, a, b: g * b, lambda g, y, a, b: g * a], samples=PAIR)
def multiply(m, x1, x2):
    """The product of two tensors, element by element."""
    return m.multiply(x1, x2)


@elementwise(
    "divide",
    inputs="float",
    vjp=[lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b],
    samples=[Sample(((3, 4), (4,)), low=0.5)],
)
def divide(m, x1, x2):
    """The quotient of two tensors; of integers too it is a float."""
    return m.true_divide(x1, x2)


true_divide = divide


@elementwise("floor_divide", vjp=[None, None], samples=[Sample(((3, 4), (4,)), low=0.5)])
def floor_divide(m, x1, x2):
    """The quotient rounded down."""
    return m.floor_divide(x1, x2)


@elementwise(
    "mod",
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g * floor_divide(a, b)],
    samples=[Sample(((3, 4), (4,)), low=0.5)],
)
def mod(m, x1, x2):
    """The remainder of the division, with the sign of the divisor."""
    return m.mod(x1, x2)


def _power_base(g, y, a, b):
    if type(b) in (int, float):
        return g * (b * (a if b == 2 else power(a, b - 1)))
    return g * b * power(a, b - 1)


def _power_exponent(g, y, a, b):
    # d(a^b)/db = a^b log a; at a = 0 the limit for b > 0 is 0, where log would give NaN
    a = as_tensor(a, y.dtype)
    return g * y * log(where(equal(a, 0), 1.0, a))


@elementwise(
    "power",
    vjp=[_power_base, _power_exponent],
    samples=[Sample(((3, 4), (4,)), low=0.3), Sample(((3,), 3))],
)
def power(m, x1, x2):
    """The first tensor to the power of the second."""
    return m.power(x1, x2)


@elementwise("negate", vjp=[lambda g, y, x: -g], samples=ONE)
def negative(m, x):
    """The tensor with its sign changed."""
    return m.negative(x)


@elementwise("abs", vjp=[lambda g, y, x: g * sign(x)], samples=ONE)
def absolute(m, x):
    """The magnitude of each element; its slope at 0 is taken as 0."""
    return m.abs(x)


abs = absolute


@elementwise("sign", vjp=[None], samples=ONE)
def sign(m, x):
    """-1, 0 or 1 for each element."""
    return m.sign(x)


@elementwise("square", vjp=[lambda g, y, x: g * 2 * x], samples=ONE)
def square(m, x):
    """Each element times itself."""
    return m.multiply(x, x)


@elementwise("reciprocal", inputs="float", vjp=[lambda g, y, x: -g * y * y], samples=POSITIVE)
def reciprocal(m, x):
    """One over each element."""
    return m.true_divide(1.0, x)


# At a tie each of the two gets half, so that the slope of max(x, x) is 1.
def _tie_share(g, chosen, tied):
    return where(chosen, g, where(tied, 0.5 * g, 0.0))


@elementwise(
    "maximum",
    vjp=[
        lambda g, y, a, b: _tie_share(g, greater(a, b), equal(a, b)),
        lambda g, y, a, b: _tie_share(g, less(a, b), equal(a, b)),
    ],
    samples=APART,
)
def maximum(m, x1, x2):
    """The larger of two elements; NaN if one of them is."""
    return m.maximum(x1, x2)


@elementwise(
    "minimum",
    vjp=[
        lambda g, y, a, b: _tie_share(g, less(a, b), equal(a, b)),
        lambda g, y, a, b: _tie_share(g, greater(a, b), equal(a, b)),
    ],
    samples=APART,
)
def minimum(m, x1, x2):
    """The smaller of two elements; NaN if one of them is."""
    return m.minimum(x1, x2)


@elementwise(
    "clamp",
    vjp=[
        lambda g, y, x, low, high: where(logical_and(x >= low, x <= high), g, 0.0),
        lambda g, y, x, low, high: where(less(x, low), g, 0.0),
        lambda g, y, x, low, high: where(greater(x, high), g, 0.0),
    ],
    samples=[Sample(((3, 4), -1.0, 1.0))],
)
def clip(m, x, x_min, x_max):
    """Each element, raised to `x_min` and lowered to `x_max` where it lies outside."""
    return m.minimum(m.maximum(x, x_min), x_max)


@elementwise("floor", inputs="float", vjp=[None], samples=ONE)
def floor(m, x):
    """The largest whole number not above each element."""
    return m.floor(x)


@elementwise("ceil", inputs="float", vjp=[None], samples=ONE)
def ceil(m, x):
    """The smallest whole number not below each element."""
    return m.ceil(x)


@elementwise("round_nearest_even", vjp=[None], samples=ONE)
def _round(m, x):
    return m.rint(x)


def round(x: Any, decimals: int = 0) -> Tensor:
    """Each element rounded to `decimals` places, halves to the even neighbour."""
    x = as_tensor(x)
    if not x.dtype.startswith("float"):
        return x
    return _round(x) if decimals == 0 else _round(x * 10.0**decimals) / 10.0**decimals


# Exponentials and roots


@elementwise("exponential", inputs="float", vjp=[lambda g, y, x: g * y], samples=ONE)
def exp(m, x):
    """e to the power of each element."""
    return m.exp(x)


@elementwise(
    "exponential_minus_one", inputs="float", vjp=[lambda g, y, x: g * (y + 1.0)], samples=ONE
)
def expm1(m, x):
    """exp(x) - 1, exact near 0."""
    return m.expm1(x)


@elementwise("log", inputs="float", vjp=[lambda g, y, x: g / x], samples=POSITIVE)
def log(m, x):
    """The natural logarithm of each element."""
    return m.log(x)


@elementwise("log_plus_one", inputs="float", vjp=[lambda g, y, x: g / (x + 1.0)], samples=POSITIVE)
def log1p(m, x):
    """log(1 + x), exact near 0."""
    return m.log1p(x)


def log2(x: Any) -> Tensor:
    """The logarithm to base 2."""
    return log(x) * (1.0 / math.log(2.0))


def log10(x: Any) -> Tensor:
    """The logarithm to base 10."""
    return log(x) * (1.0 / math.log(10.0))


@elementwise("sqrt", inputs="float", vjp=[lambda g, y, x: g * 0.5 / y], samples=POSITIVE)
def sqrt(m, x):
    """The square root of each element."""
    return m.sqrt(x)


@elementwise("rsqrt", inputs="float", vjp=[lambda g, y, x: g * -0.5 * y / x], samples=POSITIVE)
def rsqrt(m, x):
    """One over the square root of each element."""
    return m.true_divide(1.0, m.sqrt(x))


@elementwise("logistic", inputs="float", vjp=[lambda g, y, x: g * y * (1.0 - y)], samples=ONE)
def sigmoid(m, x):
    """1 / (1 + exp(-x)), through tanh, which cannot overflow."""
    return m.multiply(m.add(m.tanh(m.multiply(x, 0.5)), 1.0), 0.5)


@elementwise(
    "log_add_exp",
    inputs="float",
    vjp=[lambda g, y, a, b: g * exp(a - y), lambda g, y, a, b: g * exp(b - y)],
    samples=PAIR,
)
def logaddexp(m, x1, x2):
    """log(exp(x1) + exp(x2)) without overflow."""
    return m.logaddexp(x1, x2)


# Trigonometry


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


# Choice and comparison


@elementwise("relu", vjp=[lambda g, y, x: where(y > 0, g, 0.0)], samples=ONE)
def relu(m, x):
    """max(x, 0); its slope at 0 is taken as 0."""
    return m.maximum(x, 0)


@elementwise(
    "select",
    inputs="select",
    vjp=[
        None,
        lambda g, y, c, a, b: _where(c, g, 0.0),
        lambda g, y, c, a, b: _where(c, 0.0, g),
    ],
    samples=[
        Sample(((3, 4), (3, 4), (4,))),
        Sample(((3, 4), (3, 4), 0.0)),
        Sample((np.array([True, False]), 1.0, 0.0)),
    ],
)
def _where(m, condition, x1, x2):
    return m.where(condition, x1, x2)


def where(condition: Any, x1: Any, x2: Any) -> Tensor:
    """`x1` where the condition holds, `x2` elsewhere; the three broadcast together."""
    return apply(OPS["select"], condition, x1, x2)


@elementwise("equal", output="bool", vjp=[None, None], samples=PAIR)
def equal(m, x1, x2):
    """Whether two elements are equal."""
    return m.equal(x1, x2)


@elementwise("not_equal", output="bool", vjp=[None, None], samples=PAIR)
def not_equal(m, x1, x2):
    """Whether two elements differ."""
    return m.not_equal(x1, x2)


@elementwise("less", output="bool", vjp=[None, None], samples=PAIR)
def less(m, x1, x2):
    """Whether the first is smaller."""
    return m.less(x1, x2)


@elementwise("less_equal", output="bool", vjp=[None, None], samples=PAIR)
def less_equal(m, x1, x2):
    """Whether the first is smaller or equal."""
    return m.less_equal(x1, x2)


@elementwise("greater", output="bool", vjp=[None, None], samples=PAIR)
def greater(m, x1, x2):
    """Whether the first is larger."""
    return m.greater(x1, x2)


@elementwise("greater_equal", output="bool", vjp=[None, None], samples=PAIR)
def greater_equal(m, x1, x2):
    """Whether the first is larger or equal."""
    return m.greater_equal(x1, x2)


@elementwise("and", inputs="bool", vjp=[None, None], samples=PAIR)
def logical_and(m, x1, x2):
    """Whether both hold."""
    return m.logical_and(x1, x2)


@elementwise("or", inputs="bool", vjp=[None, None], samples=PAIR)
def logical_or(m, x1, x2):
    """Whether at least one holds."""
    return m.logical_or(x1, x2)


@elementwise("xor", inputs="bool", vjp=[None, None], samples=PAIR)
def logical_xor(m, x1, x2):
    """Whether exactly one holds."""
    return m.logical_xor(x1, x2)


@elementwise("not", inputs="bool", vjp=[None], samples=ONE)
def logical_not(m, x):
    """Whether it does not hold."""
    return m.logical_not(x)


@elementwise("is_nan", inputs="float", output="bool", vjp=[None], samples=ONE)
def isnan(m, x):
    """Whether each element is not a number."""
    return m.isnan(x)


@elementwise("is_inf", inputs="float", output="bool", vjp=[None], samples=ONE)
def isinf(m, x):
    """Whether each element is infinite."""
    return m.isinf(x)


@elementwise("is_finite", inputs="float", output="bool", vjp=[None], samples=ONE)
def isfinite(m, x):
    """Whether each element is a finite number."""
    return m.isfinite(x)


# Conversion


@elementwise(
    "convert",
    inputs="any",
    output="attr",
    vjp=[lambda g, y, x, *, dtype: _convert(g, dtype=x.dtype)],
    samples=[Sample(((3, 4),), {"dtype": "float64"})],
)
def _convert(m, x, *, dtype):
    return m.asarray(x, dtype)


def cast(x: Any, dtype: str) -> Tensor:
    """The tensor converted to `dtype`."""
    x, dtype = as_tensor(x), check_dtype(dtype)
    return x if x.dtype == dtype else _convert(x, dtype=dtype)


@elementwise("stop_gradient", inputs="any", vjp=[None], samples=ONE)
def stop_gradient(m, variable):
    """The same values, through which no gradient flows."""
    return m.asarray(variable)


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """The quotient, and 0 where the divisor is 0."""
    zero = equal(x2, 0)
    return where(zero, 0.0, divide(x1, where(zero, 1.0, x2)))
