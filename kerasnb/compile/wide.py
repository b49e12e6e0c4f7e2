"""Functions of float32 lanes that are computed in float64, as straight-line code. Imports ir.

In float64 a short polynomial and a plain formula are exact to 1e-9, so that what is left is the
rounding to float32: the results are within 0.51 units in the last place. The coefficients are those
that ``tests/make_polynomials.py`` finds. Zen 4, one core, 10⁶ numbers in the second cache: 0.6 to
1.6 ns a number.
"""

from __future__ import annotations

import math

from kerasnb.compile.ir import Block, Lanes

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh",
    "power", "sin", "sinh", "tan",
]  # fmt: skip

ROUNDER = 1.5 * 2.0**52  # a float64 of that size has no place for fractions
LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has 32 bits, so its products with exponents are exact
LN2_HIGH, LN2_LOW = 0.6931471806019545, -4.2009150726810846e-11
# π/2 in three parts: two of them have 27 bits, so their products with numbers of 26 bits are exact
QUARTER = (1.570796325802803, 9.920935739593517e-10, 5.721188726109832e-18)
FURTHEST = 1e8  # the angle up to which those three are enough

# of exp(r) on [-ln 2 / 2, ln 2 / 2], from the constant on
EXP = (
    1.000000000000016, 0.999999999978103, 0.4999999999938906, 0.16666666904900274,
    0.04166666706506258, 0.008333263358017361, 0.0013888797989943826, 0.00019917372245681244,
    2.488622558874132e-05,
)  # fmt: skip
# of (log((1 + s) / (1 - s)) / s - 2) / s² as a function of s², for arguments of log in [√½, √2]
LOG = (
    0.666666666666618, 0.40000000011846437, 0.2857142393876881, 0.2222288367871439,
    0.18139270112770273, 0.16635618319316586,
)  # fmt: skip
# of (sin(x) - x) / x³ and (cos(x) - 1 + x²/2) / x⁴ as functions of x², on [-π/4, π/4]
SIN = (
    -0.16666666666663757, 0.00833333333098927, -0.0001984126682976412, 2.755596463096652e-06,
    -2.480320966007708e-08,
)  # fmt: skip
COS = (
    0.04166666666422825, -0.0013888887635830508, 2.4800580859165267e-05, -2.729843523228398e-07,
)  # fmt: skip
# of (sinh(x) - x) / x³ as a function of x², on [-1, 1]
SINH = (
    0.1666666666669846, 0.008333333317451962, 0.00019841282536329184, 2.7553769266288104e-06,
    2.5456756623657054e-08,
)  # fmt: skip
# of (atan(x) - x) / x³ as a function of x², on [0, 1]
ATAN = (
    -0.33333333327826803, 0.19999998360698829, -0.14285632938675893, 0.11109515127431512,
    -0.0907451783740713, 0.07591085278980284, -0.0625903777450802, 0.047529713589832545,
    -0.030192131406689745, 0.014278938289861867, -0.004307700137597, 0.0006085742149716627,
)  # fmt: skip


# Angles


def sin(b: Block, x: Lanes) -> Lanes:
    """The sine."""
    quadrant, r = _reduced(b, _wide(b, x))
    value = b.select(_is_odd(quadrant), _cos(b, r), _sin(b, r))
    # -0.0 is its own sine; its reduction is 0.0
    value = b.select(x.compare("equal", 0.0), _wide(b, x), _negated_if(b, value, quadrant & 2))
    return _or_libm(b, "sin", x, value)


def cos(b: Block, x: Lanes) -> Lanes:
    """The cosine."""
    quadrant, r = _reduced(b, _wide(b, x))
    value = b.select(_is_odd(quadrant), _sin(b, r), _cos(b, r))
    return _or_libm(b, "cos", x, _negated_if(b, value, (quadrant + 1) & 2))


def tan(b: Block, x: Lanes) -> Lanes:
    """The tangent."""
    quadrant, r = _reduced(b, _wide(b, x))
    sine, cosine = _sin(b, r), _cos(b, r)
    odd = _is_odd(quadrant)
    value = b.select(odd, -cosine, sine) / b.select(odd, sine, cosine)
    value = b.select(x.compare("equal", 0.0), _wide(b, x), value)
    return _or_libm(b, "tan", x, value)


def _reduced(b: Block, x: Lanes) -> tuple[Lanes, Lanes]:
    """n as int64, of which the last two bits count, and r within π/4, with x = n π/2 + r."""
    shifted = b.fma(x, 2.0 / math.pi, ROUNDER)
    n, r = shifted - ROUNDER, x
    for part in QUARTER:
        r = r - n * part
    return b.bits(shifted, "int64"), r


def _is_odd(n: Lanes) -> Lanes:
    return (n & 1).compare("not_equal", 0)


def _negated_if(b: Block, x: Lanes, two: Lanes) -> Lanes:
    """-x where `two` is 2, x where it is 0."""
    return b.bits(b.bits(x, "int64") ^ (two << 62), "float64")


def _or_libm(b: Block, name: str, x: Lanes, value: Lanes) -> Lanes:
    """`value`, but for larger angles the C library's, which few calls need."""
    far = b.call("fabs", x) > FURTHEST
    return b.rarely(far, _narrow(b, value), lambda: b.call(name, x))


def _sin(b: Block, r: Lanes) -> Lanes:
    z = r * r
    return b.fma(r * z, _polynomial(b, z, SIN), r)


def _cos(b: Block, r: Lanes) -> Lanes:
    z = r * r
    return b.fma(z * z, _polynomial(b, z, COS), b.fma(z, -0.5, 1.0))


def arctan(b: Block, x: Lanes) -> Lanes:
    """The angle whose tangent is `x`."""
    wide = _wide(b, x)
    value = _angle(b, b.call("fabs", wide), wide.like(1.0))
    return _narrow(b, b.call("copysign", value, wide))


def arcsin(b: Block, x: Lanes) -> Lanes:
    """The angle whose sine is `x`."""
    wide = _wide(b, x)
    value = _angle(b, b.call("fabs", wide), _across(b, wide))
    return _narrow(b, b.call("copysign", value, wide))


def arccos(b: Block, x: Lanes) -> Lanes:
    """The angle whose cosine is `x`."""
    wide = _wide(b, x)
    value = _angle(b, _across(b, wide), b.call("fabs", wide))
    return _narrow(b, b.select(wide < 0.0, math.pi - value, value))


def arctan2(b: Block, y: Lanes, x: Lanes) -> Lanes:
    """The angle of the point (x, y)."""
    y, x = _wide(b, y), _wide(b, x)
    high, far = b.call("fabs", y), b.call("fabs", x)
    # on the diagonal, where both are infinite; on the axis, where both are 0
    endless = high.compare("equal", math.inf) & far.compare("equal", math.inf)
    nothing = high.compare("equal", 0.0) & far.compare("equal", 0.0)
    one = x.like(1.0)
    high, far = b.select(endless, one, high), b.select(endless | nothing, one, far)
    value = _angle(b, high, far)
    value = b.select(b.bits(x, "int64") < 0, math.pi - value, value)  # also left of it is -0.0
    return _narrow(b, b.call("copysign", value, y))


def _across(b: Block, x: Lanes) -> Lanes:
    """√(1 - x²)"""
    return b.call("sqrt", (1.0 - x) * (1.0 + x))


def _angle(b: Block, high: Lanes, far: Lanes) -> Lanes:
    """atan(high / far) for numbers that are not negative, nor both 0, nor both infinite."""
    steep = high > far
    x = b.select(steep, far, high) / b.select(steep, high, far)
    z = x * x
    value = b.fma(x * z, _polynomial(b, z, ATAN), x)
    return b.select(steep, math.pi / 2 - value, value)


# Hyperbolic functions and powers


def sinh(b: Block, x: Lanes) -> Lanes:
    """The hyperbolic sine."""
    wide = _wide(b, x)
    size, z = b.call("fabs", wide), wide * wide
    near = b.fma(size * z, _polynomial(b, z, SINH), size)
    e = _exp(b, size)
    value = b.select(size < 1.0, near, (e - 1.0 / e) * 0.5)
    return _narrow(b, b.call("copysign", value, wide))


def cosh(b: Block, x: Lanes) -> Lanes:
    """The hyperbolic cosine."""
    e = _exp(b, b.call("fabs", _wide(b, x)))
    return _narrow(b, (e + 1.0 / e) * 0.5)


def arcsinh(b: Block, x: Lanes) -> Lanes:
    """The inverse of the hyperbolic sine."""
    wide = _wide(b, x)
    size = b.call("fabs", wide)
    far = _log(b, size + b.call("sqrt", b.fma(size, size, 1.0)))
    return _narrow(b, b.call("copysign", _unless_small(b, size, far, -1.0 / 6.0), wide))


def arccosh(b: Block, x: Lanes) -> Lanes:
    """The inverse of the hyperbolic cosine."""
    wide = _wide(b, x)
    value = _log(b, wide + b.call("sqrt", (wide - 1.0) * (wide + 1.0)))
    return _narrow(b, b.select(wide >= 1.0, value, wide.like(math.nan)))


def arctanh(b: Block, x: Lanes) -> Lanes:
    """The inverse of the hyperbolic tangent."""
    wide = _wide(b, x)
    size = b.call("fabs", wide)
    far = _log(b, (1.0 + size) / (1.0 - size)) * 0.5
    return _narrow(b, b.call("copysign", _unless_small(b, size, far, 1.0 / 3.0), wide))


def _unless_small(b: Block, x: Lanes, far: Lanes, cubic: float) -> Lanes:
    """`far`, but where x is small the beginning of the series, x + cubic x³."""
    return b.select(x < 2.0**-10, b.fma(x * x * x, cubic, x), far)


def power(b: Block, x: Lanes, y: Lanes) -> Lanes:
    """`x` to the power of `y`."""
    base, exponent = _wide(b, x), _wide(b, y)
    size, one = b.call("fabs", base), base.like(1.0)
    logarithm = _log(b, size)
    # 1 to any power is 1, though infinity times log 1 is NaN
    product = b.select(size.compare("equal", 1.0), base.like(0.0), logarithm * exponent)
    value = _exp(b, product)
    # floats from 2⁵³ on are whole and even; infinity counts as such
    half = exponent * 0.5
    whole = _is_whole(b, exponent)
    odd = whole & (_is_whole(b, half) ^ True)
    negative = b.bits(base, "int64") < 0  # also -0.0
    value = b.select(negative & odd, -value, value)
    nothing = (base < 0.0) & (whole ^ True) & (size < math.inf)
    value = b.select(nothing, base.like(math.nan), value)
    always = base.compare("equal", 1.0) | exponent.compare("equal", 0.0)
    return _narrow(b, b.select(always, one, value))


def _is_whole(b: Block, x: Lanes) -> Lanes:
    size = b.call("fabs", x)
    return (size >= 2.0**52) | ((size + 2.0**52) - 2.0**52).compare("equal", size)


# Their parts


def _wide(b: Block, x: Lanes) -> Lanes:
    return b.convert(x, "float64")


def _narrow(b: Block, x: Lanes) -> Lanes:
    return b.convert(x, "float32")


def _polynomial(b: Block, x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    """Horner's rule, coefficients from the constant on."""
    *rest, total = coefficients
    total = x.like(total)
    for coefficient in reversed(rest):
        total = b.fma(total, x, coefficient)
    return total


def _exp(b: Block, x: Lanes) -> Lanes:
    """e to the power of `x`; outside of ±200 that of 200, beyond float32 as well."""
    x = b.select(x > 200.0, x.like(200.0), x)
    x = b.select(x < -200.0, x.like(-200.0), x)  # NaN stays
    shifted = b.fma(x, LOG2_E, ROUNDER)
    n = shifted - ROUNDER
    r = x - n * LN2_HIGH - n * LN2_LOW
    # n + 1023 stands in the last bits of n + 1023 + 1.5 · 2⁵²
    scale = b.bits(b.bits(shifted + 1023.0, "int64") << 52, "float64")
    return _polynomial(b, r, EXP) * scale


def _log(b: Block, x: Lanes) -> Lanes:
    """The natural logarithm of normal numbers, 0 and infinity; NaN of negative ones."""
    offset, one, two52 = (
        0x3FE6A09E667F3BCD,
        1023 << 52,
        0x4330000000000000,
    )  # the bits of √½, 1, 2⁵²
    bits = b.bits(x, "uint64")
    above = bits - offset
    # the exponent in the last bits of 2⁵²: there are no conversions of whole numbers before AVX-512
    e = b.bits(((above + one) >> 52) | two52, "float64") - (2.0**52 + 1023.0)
    m = b.bits((above & 0x000FFFFFFFFFFFFF) + offset, "float64")
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    value = b.fma(s * z, _polynomial(b, z, LOG), s + s)
    value = b.fma(e, LN2_HIGH, b.fma(e, LN2_LOW, value))
    value = b.select(x.compare("equal", math.inf), x, value)
    value = b.select(x.compare("equal", 0.0), x.like(-math.inf), value)
    return b.select(x >= 0.0, value, x.like(math.nan))
