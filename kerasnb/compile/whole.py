"""Division with a remainder, whole powers and conversions to whole numbers. Imports mathematics
and ir.

The results are NumPy's on the same processor, also where the divisor is 0 or the number is out of
range; no input stops the program.
"""

from __future__ import annotations

import numpy as np

from kerasnb.compile import mathematics
from kerasnb.compile.ir import Block, Declined, Lanes

__all__ = ["floor_divide", "power", "remainder", "truncated"]


def floor_divide(b: Block, x: Lanes, y: Lanes) -> Lanes:
    """The quotient rounded down; of whole numbers by 0 it is 0."""
    if not x.is_float:
        quotient, rest, zero = _divided(b, x, y)
        below = _apart(rest, y)
        if below is not None:
            quotient = b.select(below, quotient - 1, quotient)
        return b.select(zero, x.like(0), quotient)
    rest = b.remainder(x, y)
    quotient = (x - rest) / y  # whole but for a rounding
    quotient = b.select(_apart(rest, y), quotient - 1.0, quotient)
    down = mathematics.floor(b, quotient)
    down = b.select(quotient - down > 0.5, down + 1.0, down)
    plain = x / y
    down = b.select(quotient.compare("equal", 0.0), b.call("copysign", x.like(0.0), plain), down)
    return b.select(y.compare("equal", 0.0), plain, down)


def remainder(b: Block, x: Lanes, y: Lanes) -> Lanes:
    """What division leaves, with the sign of the divisor; of whole numbers by 0 it is 0."""
    if not x.is_float:
        _, rest, zero = _divided(b, x, y)
        below = _apart(rest, y)
        if below is not None:
            rest = b.select(below, rest + y, rest)
        return b.select(zero, x.like(0), rest)
    rest = b.remainder(x, y)
    value = b.select(_apart(rest, y), rest + y, rest)
    value = b.select(rest.compare("equal", 0.0), b.call("copysign", x.like(0.0), y), value)
    return b.select(y.compare("equal", 0.0), rest, value)


def power(b: Block, x: Lanes, exponent: int) -> Lanes:
    """`x` times itself, so many times; what is out of range loses its highest bits."""
    if exponent < 0:
        raise Declined("a negative power of whole numbers")
    result, square = x.like(1), x
    while exponent:
        if exponent & 1:
            result = result * square
        exponent >>= 1
        if exponent:
            square = square * square
    return result


def truncated(b: Block, x: Lanes, dtype: str) -> Lanes:
    """Floats as whole numbers, rounded towards 0.

    NaN and what is out of range become the lowest number of int32 or int64, of which the last bits
    make the narrower and the unsigned types.
    """
    if dtype == "uint64":
        high = x >= 2.0**63
        low = _within(b, b.select(high, x - 2.0**63, x), "int64")
        return b.bits(b.select(high, low ^ -(2**63), low), dtype)
    narrow = dtype in ("int8", "uint8", "int16", "uint16")
    return b.convert(_within(b, x, "int32" if narrow or dtype == "int32" else "int64"), dtype)


def _within(b: Block, x: Lanes, dtype: str) -> Lanes:
    lowest = int(np.iinfo(dtype).min)
    inside = (x >= float(lowest)) & (x < -float(lowest))
    number = b.convert(b.select(inside, x, 0.0), dtype)
    return b.select(inside, number, number.like(lowest))


def _divided(b: Block, x: Lanes, y: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """Quotient and remainder, rounded towards 0, and where the divisor is 0."""
    zero = y.compare("equal", 0)
    # processors stop at a quotient that is out of range, too: -2³¹ / -1, which is -2³¹ here
    stops = zero if x.is_unsigned else zero | _beyond(x, y)
    divisor = b.select(stops, y.like(1), y)
    quotient = x / divisor
    return quotient, x - quotient * divisor, zero


def _beyond(x: Lanes, y: Lanes) -> Lanes:
    return x.compare("equal", int(np.iinfo(x.dtype).min)) & y.compare("equal", -1)


def _apart(rest: Lanes, y: Lanes) -> Lanes | None:
    """Where a remainder has not the sign of the divisor; None if there are no signs."""
    if rest.is_unsigned:
        return None
    return rest.compare("not_equal", 0) & ((rest < 0) ^ (y < 0))
