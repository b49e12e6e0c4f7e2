"""The namespace of mathematics in which a formula becomes native code.

Imports mathematics, wide, whole and ir.

The formula of an elementwise op, called with `LaneMath` in place of NumPy and with lanes in place
of arrays, writes its own instructions. What is not here declines the op, which then runs through
NumPy: slower, never wrong.
"""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import Any

from kerasnb.compile import mathematics, whole, wide
from kerasnb.compile.ir import Block, Declined, Lanes
from kerasnb.compile.kernel import size_in_bytes
from kerasnb.op import OPS, Op
from kerasnb.spec import TensorSpec

__all__ = ["LaneMath", "formula_of"]

# Native code that is more exact in float32 than the formula.
OWN = {OPS["erf"]: mathematics.erf, OPS["logistic"]: mathematics.logistic}


def formula_of(op: Op, specs: tuple, attrs: dict) -> Any:
    """``formula(block, *lanes)`` for an elementwise op: it writes the code of one vector.

    Args:
        op: the declaration.
        specs: a `TensorSpec` for each input that is lanes, and Python numbers as they are.
        attrs: the op's attributes.
    """
    kinds = tuple(s if isinstance(s, TensorSpec) else type(s) for s in specs)
    signature = op.signature(kinds, attrs)
    casts = signature.casts or (None,) * len(specs)

    def formula(block: Block, *lanes: Lanes) -> Lanes:
        m, given = LaneMath(block), iter(lanes)
        inputs = [next(given) if isinstance(s, TensorSpec) else s for s in specs]
        # a number is converted only where it has to carry the dtype
        inputs = [
            x if cast is None else m.asarray(x, cast) for x, cast in zip(inputs, casts, strict=True)
        ]
        if op in OWN and inputs[0].dtype == "float32":
            return OWN[op](block, *inputs)
        return m.asarray(op.impl(m, *inputs, **attrs), signature.outputs.dtype)

    return formula


# of one float32 argument
FUNCTIONS = dict.fromkeys(("exp", "expm1", "log", "log1p", "tanh"), mathematics) | dict.fromkeys(
    (
        "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cos", "cosh", "sin", "sinh",
        "tan",
    ),
    wide,
)  # fmt: skip


class LaneMath:
    """NumPy's functions on lanes and Python numbers, one of which at least is lanes."""

    def __init__(self, block: Block):
        self.block = block

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return partial(self._float32, FUNCTIONS[name], name)
        raise Declined(f"there is no native {name}")

    def _float32(self, module: Any, name: str, x: Lanes) -> Lanes:
        if x.dtype != "float32":
            raise Declined(f"native {name} is for float32, not {x.dtype}")
        return getattr(module, name)(self.block, x)

    # Arithmetic

    add = staticmethod(operator.add)
    subtract = staticmethod(operator.sub)
    multiply = staticmethod(operator.mul)
    true_divide = staticmethod(operator.truediv)
    negative = staticmethod(operator.neg)

    def arctan2(self, y: Any, x: Any) -> Lanes:
        """The angle of a point."""
        y, x = self._pair(y, x)
        if x.dtype != "float32":
            raise Declined(f"native arctan2 is for float32, not {x.dtype}")
        return wide.arctan2(self.block, y, x)

    def floor_divide(self, x: Any, y: Any) -> Lanes:
        """The quotient rounded down."""
        return whole.floor_divide(self.block, *self._numbers(x, y))

    def mod(self, x: Any, y: Any) -> Lanes:
        """What the division leaves."""
        return whole.remainder(self.block, *self._numbers(x, y))

    def power(self, x: Any, exponent: Any) -> Lanes:
        """Products for small whole exponents; in float64 else the C library's function, lane by
        lane."""
        if isinstance(x, Lanes) and isinstance(exponent, (int, float)):
            square = x * x
            known = {1: x, 2: square, 3: square * x, 4: square * square}
            if exponent in known:
                return known[int(exponent)]
            if exponent == 0.5:
                return self.sqrt(x)
            if not x.is_float and x.dtype != "bool" and exponent == int(exponent):
                return whole.power(self.block, x, int(exponent))
        x, exponent = self._pair(x, exponent)
        if not x.is_float:
            raise Declined("a power of whole numbers that is not known before")
        if x.dtype == "float32":
            return wide.power(self.block, x, exponent)
        return self.block.call("pow", x, exponent)

    def abs(self, x: Lanes) -> Lanes:
        """The magnitude."""
        if x.is_float:
            return self.block.call("fabs", x)
        return x if x.is_unsigned else self.block.select(x < 0, -x, x)

    def sign(self, x: Lanes) -> Lanes:
        """-1, 0 or 1; NaN stays."""
        one = x.like(1)
        if x.is_unsigned and x.dtype != "bool":
            return self.block.select(x > 0, one, x)
        signed = self.block.select(x > 0, one, self.block.select(x < 0, -one, x))
        return signed + 0 if x.is_float else signed  # 0.0 for -0.0, too

    def maximum(self, x: Any, y: Any) -> Lanes:
        """The larger; NaN if one is."""
        return self._choose(operator.gt, x, y)

    def minimum(self, x: Any, y: Any) -> Lanes:
        """The smaller; NaN if one is."""
        return self._choose(operator.lt, x, y)

    def _choose(self, better: Any, x: Any, y: Any) -> Lanes:
        x, y = self._pair(x, y)
        chosen = self.block.select(better(x, y), x, y)  # y if one is NaN
        return self.block.select(self.isnan(x), x, chosen) if x.is_float else chosen

    def right_shift(self, x: Any, bits: Any) -> Lanes:
        """The bits moved to the right."""
        x, bits, size = self._shifted(x, bits)
        if isinstance(bits, Lanes):
            within = self._within(bits, size)
            moved = x >> self.block.select(within, bits, bits.like(size - 1))
            return self.block.select(within, moved, x ^ x) if x.is_unsigned else moved
        if bits < size:
            return x >> bits
        return x ^ x if x.is_unsigned else x >> size - 1

    def left_shift(self, x: Any, bits: Any) -> Lanes:
        """The bits moved to the left."""
        x, bits, size = self._shifted(x, bits)
        if isinstance(bits, Lanes):
            within = self._within(bits, size)
            return self.block.select(
                within, x << self.block.select(within, bits, bits ^ bits), x ^ x
            )
        return x << bits if bits < size else x ^ x

    def _shifted(self, x: Any, bits: Any) -> tuple[Lanes, Any, int]:
        known = x if isinstance(x, Lanes) else bits
        if known.is_float or known.dtype == "bool":
            raise Declined(f"a shift of {known.dtype}")
        return known.like(x), bits, 8 * size_in_bytes(known.dtype)

    def _within(self, bits: Lanes, size: int) -> Lanes:
        """Whether a number has so many bits to move by; NumPy takes no negative one for that."""
        return bits < size if bits.is_unsigned else (bits >= 0) & (bits < size)

    # Roots and roundings

    def sqrt(self, x: Lanes) -> Lanes:
        """The square root."""
        return self.block.call("sqrt", x)

    def floor(self, x: Lanes) -> Lanes:
        """The largest whole number not above."""
        return mathematics.floor(self.block, x)

    def ceil(self, x: Lanes) -> Lanes:
        """The smallest whole number not below."""
        return -self.floor(-x)

    def rint(self, x: Lanes) -> Lanes:
        """The nearest whole number, halves to the even one."""
        return mathematics.rint(self.block, x) if x.is_float else x

    def logaddexp(self, x: Any, y: Any) -> Lanes:
        """log(exp(x) + exp(y)) without overflow."""
        x, y = self._pair(x, y)
        larger = self.maximum(x, y)
        value = larger + self.log1p(self.exp(-self.abs(x - y)))
        # infinities of one sign have no difference
        return self.block.select(x.compare("equal", y), x + math.log(2.0), value)

    # Choice and comparison

    def where(self, condition: Any, x: Any, y: Any) -> Lanes:
        """`x` where the condition holds, `y` elsewhere."""
        if not isinstance(condition, Lanes):
            raise Declined("a condition that is a number")
        if not isinstance(x, Lanes) and not isinstance(y, Lanes):
            raise Declined("a choice between two numbers, which have no dtype")
        x, y = self._pair(x, y)
        return self.block.select(condition, x, y)

    def _compare(self, relation: str, x: Any, y: Any) -> Lanes:
        x, y = self._pair(x, y)
        return x.compare(relation, y)

    def equal(self, x: Any, y: Any) -> Lanes:
        """Whether equal."""
        return self._compare("equal", x, y)

    def not_equal(self, x: Any, y: Any) -> Lanes:
        """Whether different."""
        return self._compare("not_equal", x, y)

    def less(self, x: Any, y: Any) -> Lanes:
        """Whether smaller."""
        return self._compare("less", x, y)

    def less_equal(self, x: Any, y: Any) -> Lanes:
        """Whether not larger."""
        return self._compare("less_equal", x, y)

    def greater(self, x: Any, y: Any) -> Lanes:
        """Whether larger."""
        return self._compare("greater", x, y)

    def greater_equal(self, x: Any, y: Any) -> Lanes:
        """Whether not smaller."""
        return self._compare("greater_equal", x, y)

    logical_and = staticmethod(operator.and_)
    logical_or = staticmethod(operator.or_)
    logical_xor = staticmethod(operator.xor)
    bitwise_and = staticmethod(operator.and_)
    bitwise_or = staticmethod(operator.or_)
    bitwise_xor = staticmethod(operator.xor)

    def logical_not(self, x: Lanes) -> Lanes:
        """Whether it does not hold."""
        return x ^ True

    def isnan(self, x: Lanes) -> Lanes:
        """Whether it is no number."""
        return x.compare("not_equal", x)

    def isinf(self, x: Lanes) -> Lanes:
        """Whether it is infinite."""
        return self.abs(x).compare("equal", math.inf)

    def isfinite(self, x: Lanes) -> Lanes:
        """Whether it is a finite number."""
        return self.abs(x) < math.inf

    # Conversion

    def asarray(self, x: Any, dtype: str | None = None) -> Lanes:
        """The same numbers in another dtype."""
        if not isinstance(x, Lanes):
            return self.block.constant(x, dtype)
        if dtype is None or dtype == x.dtype:
            return x
        if dtype == "bool":
            return x.compare("not_equal", 0)
        if x.is_float and not dtype.startswith("float"):
            return whole.truncated(self.block, x, dtype)
        return self.block.convert(x, dtype)

    def _numbers(self, x: Any, y: Any) -> tuple[Lanes, Lanes]:
        x, y = self._pair(x, y)
        if x.dtype == "bool":
            raise Declined("a division of truth values")
        return x, y

    def _pair(self, x: Any, y: Any) -> tuple[Lanes, Lanes]:
        """Both as lanes of one dtype."""
        known = x if isinstance(x, Lanes) else y
        return known.like(x), known.like(y)
