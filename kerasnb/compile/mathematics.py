"""exp, log, tanh, erf and the like on float32 lanes, as straight-line code. Imports ir.

Each is reduced to a short interval, where a polynomial gives it; the coefficients are those that
``tests/make_polynomials.py`` finds. The results are within 2 units in the last place of the exact
values; NaN stays NaN, infinities and subnormal numbers are as in IEEE 754.
"""

from __future__ import annotations

from kerasnb.compile.ir import Block, Lanes

__all__ = ["erf", "exp", "expm1", "floor", "log", "log1p", "logistic", "rint", "tanh"]

LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has 9 bits, so its products with exponents are exact
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440054690582e-4
ROUNDER = 12582912.0  # 1.5 · 2²³: a float32 of that size has no place for fractions
WHOLE = {"float32": 2.0**23, "float64": 2.0**52}  # from here on all numbers are whole

# of (exp(r) - 1 - r) / r² on [-ln 2 / 2, ln 2 / 2], from the constant on
EXP = (
    0.5, 0.1666666716337204, 0.04166645556688309, 0.008333297446370125, 0.0013934544986113906,
    0.00019900444021914154,
)  # fmt: skip
# of (log((1 + s) / (1 - s)) / s - 2) / s² as a function of s², for arguments of log in [√½, √2]
LOG = (0.6666666865348816, 0.40000125765800476, 0.2855035662651062, 0.23342862725257874)
# of (tanh(x) - x) / x³ as a function of x², on [0, 0.55]
TANH = (
    -0.3333333432674408, 0.1333332508802414, -0.05396474525332451, 0.021818874403834343,
    -0.008527935482561588, 0.0025285030715167522,
)  # fmt: skip
# of (erf(x) - x) / x as a function of x², on [0, 1], and of -log(1 - erf(x)), on [1, 4]
ERF = (
    0.12837916612625122, -0.3761262595653534, 0.11283597350120544, -0.02685432881116867,
    0.005189312156289816, -0.0008018855005502701, 7.882497448008507e-05,
)  # fmt: skip
ERFC = (
    -0.00030321296071633697, 1.1301666498184204, 0.6319370865821838, 0.10997824370861053,
    -0.02636471763253212, 0.004740222357213497, -0.0005927695310674608, 4.559062290354632e-05,
    -1.6140616025950294e-06,
)  # fmt: skip


def polynomial(b: Block, x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    """Horner's rule, coefficients from the constant on."""
    *rest, total = coefficients
    total = x.like(total)
    for coefficient in reversed(rest):
        total = b.fma(total, x, coefficient)
    return total


def rint(b: Block, x: Lanes) -> Lanes:
    """The nearest whole number, halves to the even one."""
    size = b.call("fabs", x)
    whole = WHOLE[x.dtype]
    near = b.call("copysign", (size + whole) - whole, x)
    return b.select(size < whole, near, x)  # NaN stays


def floor(b: Block, x: Lanes) -> Lanes:
    """The largest whole number not above `x`."""
    near = rint(b, x)
    below = b.select(near > x, near - 1.0, near)
    return b.call("copysign", below, x)  # -0.0 is its own floor


def exp(b: Block, x: Lanes) -> Lanes:
    """e to the power of `x`."""
    n, r = _reduced(b, x)
    y = b.fma(r * r, polynomial(b, r, EXP), r) + 1.0
    return _scaled(b, y, n, x)


def expm1(b: Block, x: Lanes) -> Lanes:
    """exp(x) - 1, exact near 0."""
    n, r = _reduced(b, x)
    near = b.fma(r * r, polynomial(b, r, EXP), r)  # exp(r) - 1
    # 2ⁿ (exp(r) - 1) + (2ⁿ - 1), where 2ⁿ - 1 is exact or so large that it does not matter
    middle = b.call("minnum", b.call("maxnum", n, n.like(-30.0)), n.like(126.0))
    scale = _power(b, middle)
    value = b.fma(scale, near, scale - 1.0)
    value = b.select(n > 126.0, exp(b, x), value)
    return b.select(x.compare("equal", 0.0), x, value)


def log(b: Block, x: Lanes) -> Lanes:
    """The natural logarithm."""
    tiny = x < 1.1754943508222875e-38  # subnormal: as a normal number it is 2²³ times as large
    e, m = _split(b, b.select(tiny, x * 8388608.0, x))
    e = b.select(tiny, e - 23.0, e)
    return _of_special(b, x, _log_of(b, e, m - 1.0, None))


def log1p(b: Block, x: Lanes) -> Lanes:
    """log(1 + x), exact near 0."""
    whole = x + 1.0
    e, m = _split(b, whole)
    # what 1 + x lost when it was rounded, as a part of it
    lost = b.select(x > 1.0, 1.0 - (whole - x), x - (whole - 1.0)) / whole
    value = _of_special(b, whole, _log_of(b, e, m - 1.0, lost))
    return b.select(b.call("fabs", x) < 5.9e-8, x, value)


def tanh(b: Block, x: Lanes) -> Lanes:
    """The hyperbolic tangent."""
    size = b.call("fabs", x)
    z = x * x
    near = b.fma(z * x, polynomial(b, z, TANH), x)
    far = 1.0 - 2.0 / (exp(b, size + size) + 1.0)
    return b.call("copysign", b.select(size < 0.55, near, far), x)


def logistic(b: Block, x: Lanes) -> Lanes:
    """1 / (1 + exp(-x)): within 2 units where the plain formula is within 2.3, and a quarter
    faster than in float64."""
    e = exp(b, -b.call("fabs", x))
    negative, whole = x < 0.0, e + 1.0
    value = b.select(negative, e, 1.0) / whole
    # what 1 + e lost when it was rounded, times the slope of the quotient; 1 / (1 + e) is at hand
    inverse = b.select(negative, 1.0 - value, value)
    return b.fma(value * ((whole - 1.0) - e), inverse, value)


def erf(b: Block, x: Lanes) -> Lanes:
    """The error function."""
    size = b.call("fabs", x)
    z = x * x
    near = b.fma(x, polynomial(b, z, ERF), x)
    bounded = b.select(size > 4.0, x.like(4.0), size)  # from there on it is 1 in float32
    far = 1.0 - exp(b, -polynomial(b, bounded, ERFC))
    return b.select(size < 1.0, near, b.call("copysign", far, x))


def _reduced(b: Block, x: Lanes) -> tuple[Lanes, Lanes]:
    """n, whole, and r, small, with x = n ln 2 + r; for an `x` so large that exp has no number for
    it, some n that says so."""
    # minnum and maxnum would make a number of NaN; NaN comes back through r
    bounded = b.select(x > 89.0, x.like(89.0), x)
    bounded = b.select(x < -104.0, x.like(-104.0), bounded)
    n = (b.fma(bounded, LOG2_E, ROUNDER)) - ROUNDER
    r = b.fma(n, -LN2_LOW, b.fma(n, -LN2_HIGH, bounded))
    return n, r


def _scaled(b: Block, y: Lanes, n: Lanes, x: Lanes) -> Lanes:
    """y 2ⁿ in two steps, so that subnormal results are rounded once and no step overflows."""
    half = b.fma(n, 0.5, ROUNDER) - ROUNDER
    value = (y * _power(b, half)) * _power(b, n - half)
    value = b.select(x > 88.72284, x.like(float("inf")), value)
    return b.select(x < -103.97284, x.like(0.0), value)


def _power(b: Block, n: Lanes) -> Lanes:
    """2 to the power of whole `n` from -126 to 127, by its bits. NaN gives some number."""
    # n + 127 stands in the last bits of n + 127 + 1.5 · 2²³
    shifted = b.bits(n + (ROUNDER + 127.0), "int32")
    return b.bits(shifted << 23, "float32")


def _split(b: Block, x: Lanes) -> tuple[Lanes, Lanes]:
    """e, whole, and m from √½ to √2 with x = m 2ᵉ, for normal positive `x`."""
    offset = 0x3F3504F3  # the bits of √½
    above = b.bits(x, "int32") - offset
    e = b.convert(above >> 23, "float32")
    m = b.bits((above & 0x007FFFFF) + offset, "float32")
    return e, m


def _log_of(b: Block, e: Lanes, f: Lanes, more: Lanes | None) -> Lanes:
    """e ln 2 + log(1 + f) + more: log(1 + f) = f - (f²/2 - s (f²/2 + R(s²))), s = f / (2 + f)."""
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    low = e * LN2_LOW if more is None else b.fma(e, LN2_LOW, more)
    rest = b.fma(s, b.fma(z, polynomial(b, z, LOG), half), low)
    return b.fma(e, LN2_HIGH, f - (half - rest))


def _of_special(b: Block, x: Lanes, value: Lanes) -> Lanes:
    """The logarithm where `x` is no positive number."""
    infinite = float("inf")
    value = b.select(x.compare("equal", infinite), x, value)
    value = b.select(x.compare("equal", 0.0), x.like(-infinite), value)
    return b.select(x >= 0.0, value, x.like(float("nan")))
