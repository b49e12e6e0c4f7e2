"""Elementwise primitives: each one formula over a namespace of mathematics `m`, and its
derivatives.

`m` is NumPy or CuPy when an op runs, and a namespace of symbols when a compiler renders it, so a
formula uses nothing but functions of `m` and operators. Imports declare, op and tensor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb.op import OPS, Sample, common_dtype
from kerasnb.ops.declare import elementwise
from kerasnb.spec import check_dtype
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "abs", "absolute", "add", "cast", "ceil", "clip", "divide", "divide_no_nan", "equal", "exp",
    "expm1", "floor", "floor_divide", "greater", "greater_equal", "isfinite", "isinf", "isnan",
    "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply",
    "negative", "not_equal", "power", "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign",
    "sqrt", "square", "stop_gradient", "subtract", "true_divide",
]  # fmt: skip

PAIR = [Sample(((3, 4), (3, 4))), Sample(((2, 1, 4), (3, 1))), Sample(((3,), 2.5))]
ONE = [Sample(((3, 4),)), Sample(((),)), Sample(((0, 2),))]
POSITIVE = [Sample(((3, 4),), low=0.3, high=2.0)]
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
    inputs="number",
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g * floor_divide(a, b)],
    samples=[Sample(((3, 4), (4,)), low=0.5)],
)
def mod(m, x1, x2):
    """The remainder of the division, with the sign of the divisor."""
    return m.mod(x1, x2)


def _power_base(g, y, a, b):
    if type(b) in (int, float):
        if b in (0, 1):  # where the general form would ask for 0 to the power of -1
            return g * float(b)
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


@elementwise("square", inputs="number", vjp=[lambda g, y, x: g * 2 * x], samples=ONE)
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
    """1 / (1 + exp(-x)); exp takes only negative numbers, so it cannot overflow."""
    e = m.exp(m.negative(m.abs(x)))
    return m.true_divide(m.where(x >= 0, e * 0.0 + 1.0, e), m.add(e, 1.0))


@elementwise(
    "log_add_exp",
    inputs="float",
    vjp=[lambda g, y, a, b: g * exp(a - y), lambda g, y, a, b: g * exp(b - y)],
    samples=PAIR,
)
def logaddexp(m, x1, x2):
    """log(exp(x1) + exp(x2)) without overflow."""
    return m.logaddexp(x1, x2)


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


def together(x1: Any, x2: Any, rule: str = "promote") -> tuple[Tensor, Tensor]:
    """Two tensors or numbers in one dtype, which Python's numbers do not widen.

    Args:
        x1: a tensor or a number.
        x2: the same.
        rule: see `kerasnb.op.common_dtype`.
    """
    values = [v if type(v) in (bool, int, float) else as_tensor(v) for v in (x1, x2)]
    specs = tuple(v.spec if type(v) is Tensor else type(v) for v in values)
    dtype = common_dtype(specs, rule)
    a, b = (as_tensor(v, dtype) for v in values)
    return a, b


@elementwise("stop_gradient", inputs="any", vjp=[None], samples=ONE)
def stop_gradient(m, variable):
    """The same values, through which no gradient flows."""
    return m.asarray(variable)


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """The quotient, and 0 where the divisor is 0."""
    zero = equal(x2, 0)
    return where(zero, 0.0, divide(x1, where(zero, 1.0, x2)))
