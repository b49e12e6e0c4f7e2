"""LLVM code as text, written by values that know Python's operators. Imports errors.

A `Block` holds straight-line code over vectors of `WIDTH` lanes, whatever the machine's registers
are: LLVM makes as many of its instructions as a vector needs. So there is one source for AVX-512,
AVX2, SSE2 and NEON.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb.errors import KerasnbError

__all__ = ["TYPES", "WIDTH", "Block", "Declined", "Lanes"]

WIDTH = 16  # float32 numbers in the widest register there is

TYPES = {"float32": "float", "float64": "double", "bool": "i1"} | {
    f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_INTRINSICS = {"float": "f32", "double": "f64"}  # how they call types; others as they are

# what the operators are for truth values, as in NumPy
_LOGICAL = {"add": "or", "mul": "and"}

# predicate of the comparison: of floats, and of whole numbers; a NaN differs from everything
_COMPARE = {
    "equal": ("oeq", "eq"), "not_equal": ("une", "ne"), "less": ("olt", "lt"),
    "less_equal": ("ole", "le"), "greater": ("ogt", "gt"), "greater_equal": ("oge", "ge"),
}  # fmt: skip


class Declined(KerasnbError):
    """There is no native code for this; the message says what it is."""


class Lanes:
    """A vector that the code computes: its name there, or a constant.

    Operators write the instruction for the whole vector. A Python number beside it counts as a
    constant of the same dtype.
    """

    __slots__ = ("block", "dtype", "name")

    def __init__(self, block: Block, name: str, dtype: str):
        self.block, self.name, self.dtype = block, name, dtype

    @property
    def is_float(self) -> bool:
        """Whether the numbers are floats."""
        return self.dtype.startswith("float")

    @property
    def is_unsigned(self) -> bool:
        """Whether they are whole numbers without a sign; a truth value is 0 or 1."""
        return self.dtype == "bool" or self.dtype.startswith("u")

    def __add__(self, other: Any) -> Lanes:
        return self._with("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._with("sub", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._with("mul", other)

    def __truediv__(self, other: Any) -> Lanes:
        """The quotient; of whole numbers without its fraction, where the divisor is not 0 and the
        quotient is in range."""
        return self._with("div", other)

    def __radd__(self, other: Any) -> Lanes:
        return self.like(other) + self

    def __rsub__(self, other: Any) -> Lanes:
        return self.like(other) - self

    def __rmul__(self, other: Any) -> Lanes:
        return self.like(other) * self

    def __rtruediv__(self, other: Any) -> Lanes:
        return self.like(other) / self

    def __neg__(self) -> Lanes:
        if not self.is_float:
            return self.like(0) - self  # which no truth value has
        return self.block.emit(f"fneg {self.typed()}", self.dtype)

    def __and__(self, other: Any) -> Lanes:
        return self._bitwise("and", other)

    def __or__(self, other: Any) -> Lanes:
        return self._bitwise("or", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._bitwise("xor", other)

    def __lshift__(self, count: int) -> Lanes:
        return self._bitwise("shl", count)

    def __rshift__(self, count: int) -> Lanes:
        """Moves bits to the right; the sign's bit comes in from the left, if there is a sign."""
        return self._bitwise("lshr" if self.is_unsigned else "ashr", count)

    def __lt__(self, other: Any) -> Lanes:
        return self.compare("less", other)

    def __le__(self, other: Any) -> Lanes:
        return self.compare("less_equal", other)

    def __gt__(self, other: Any) -> Lanes:
        return self.compare("greater", other)

    def __ge__(self, other: Any) -> Lanes:
        return self.compare("greater_equal", other)

    def compare(self, relation: str, other: Any) -> Lanes:
        """bool lanes: NumPy's function of that name."""
        other = self.like(other)
        of_floats, of_whole = _COMPARE[relation]
        if relation not in ("equal", "not_equal"):
            of_whole = ("u" if self.is_unsigned else "s") + of_whole
        code = f"fcmp {of_floats}" if self.is_float else f"icmp {of_whole}"
        return self.block.emit(f"{code} {self.typed()}, {other.name}", "bool")

    def like(self, value: Any) -> Lanes:
        """`value` as it is if it is lanes, or a constant of this dtype."""
        return value if isinstance(value, Lanes) else self.block.constant(value, self.dtype)

    def typed(self) -> str:
        """Type and name, as an operand is written."""
        return f"{self.block.type(self.dtype)} {self.name}"

    def _with(self, operation: str, other: Any) -> Lanes:
        other = self.like(other)
        if self.is_float:
            operation = "f" + operation
        elif self.dtype == "bool":
            if operation not in _LOGICAL:
                raise Declined(f"{operation} of truth values")
            operation = _LOGICAL[operation]
        elif operation == "div":
            operation = ("u" if self.is_unsigned else "s") + operation
        return self.block.emit(f"{operation} {self.typed()}, {other.name}", self.dtype)

    def _bitwise(self, operation: str, other: Any) -> Lanes:
        other = self.like(other)
        return self.block.emit(f"{operation} {self.typed()}, {other.name}", self.dtype)


class Block:
    """Straight-line code, as it grows.

    Args:
        width: how many lanes its vectors have.
        prefix: what the names of its values begin with; blocks of one function differ in it.
        around: the function that it is a part of, whose `lines` and `declared` it goes on with.

    Attributes:
        lines: the instructions.
        declared: the declarations of LLVM's own functions that they call.
    """

    def __init__(self, width: int = WIDTH, prefix: str = "v", around: Any = None):
        self.width, self.prefix = width, prefix
        self.lines: list[str] = [] if around is None else around.lines
        self.declared: set[str] = set() if around is None else around.declared

    def type(self, dtype: str) -> str:
        """LLVM's name of a vector of `dtype`."""
        return f"<{self.width} x {_kind(dtype)}>"

    def constant(self, value: Any, dtype: str) -> Lanes:
        """The same number in all lanes."""
        kind = _kind(dtype)
        if dtype.startswith("float"):
            # bits of the float64 that has the value, in both widths
            (bits,) = struct.unpack("<Q", struct.pack("<d", float(np.dtype(dtype).type(value))))
            text = f"0x{bits:016X}"
        elif dtype == "bool":
            text = str(bool(value)).lower()
        else:
            limits = np.iinfo(dtype)
            if not limits.min <= value <= limits.max:
                raise Declined(f"a number out of the range of {dtype}")
            text = str(int(value))
        return Lanes(self, f"splat ({kind} {text})", dtype)

    def emit(self, code: str, dtype: str) -> Lanes:
        """Append an instruction; gives its value."""
        name = f"%{self.prefix}{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return Lanes(self, name, dtype)

    def call(self, function: str, *operands: Lanes) -> Lanes:
        """Call one of LLVM's own functions, whose operands and value have one dtype."""
        kind, dtype = self.type(operands[0].dtype), operands[0].dtype
        name = f"@llvm.{function}.v{self.width}{_INTRINSICS.get(TYPES[dtype], TYPES[dtype])}"
        self.declared.add(f"declare {kind} {name}({', '.join([kind] * len(operands))})")
        return self.emit(f"call {kind} {name}({', '.join(o.typed() for o in operands)})", dtype)

    def remainder(self, x: Lanes, y: Lanes) -> Lanes:
        """What the division of floats leaves, exact and with the sign of `x`: a call of the C
        library for each lane."""
        return self.emit(f"frem {x.typed()}, {y.name}", x.dtype)

    def rarely(self, condition: Lanes, usual: Lanes, other: Callable[[], Lanes]) -> Lanes:
        """`usual`, but where the condition holds what `other` writes; that code is jumped over
        unless it holds in some lane."""
        start, middle, end = (
            f"{self.prefix}{part}{len(self.lines)}" for part in ("if", "do", "od")
        )
        some = f"@llvm.vector.reduce.or.v{self.width}i1"
        self.declared.add(f"declare i1 {some}({self.type('bool')})")
        self.declared.add("declare i1 @llvm.expect.i1(i1, i1)")
        found = self.emit(f"call i1 {some}({condition.typed()})", "bool").name
        found = self.emit(f"call i1 @llvm.expect.i1(i1 {found}, i1 false)", "bool").name
        self.lines += [f"br label %{start}", f"{start}:"]
        self.lines += [f"br i1 {found}, label %{middle}, label %{end}", f"{middle}:"]
        chosen = self.select(condition, other(), usual)
        self.lines += [f"br label %{end}", f"{end}:"]
        kind = self.type(usual.dtype)
        code = f"phi {kind} [{usual.name}, %{start}], [{chosen.name}, %{middle}]"
        return self.emit(code, usual.dtype)

    def fma(self, x: Lanes, y: Any, z: Any) -> Lanes:
        """x * y + z, rounded once where the machine can, else twice."""
        return self.call("fmuladd", x, x.like(y), x.like(z))

    def select(self, condition: Lanes, x: Lanes, y: Any) -> Lanes:
        """`x` where the condition holds, `y` elsewhere."""
        y = x.like(y)
        return self.emit(f"select {condition.typed()}, {x.typed()}, {y.typed()}", x.dtype)

    def bits(self, x: Lanes, dtype: str) -> Lanes:
        """The same bits as another dtype of the same size."""
        return self.emit(f"bitcast {x.typed()} to {self.type(dtype)}", dtype)

    def convert(self, x: Lanes, dtype: str) -> Lanes:
        """The numbers in another dtype; floats that become whole must be in its range."""
        if x.dtype == dtype:
            return x
        code = _conversion(x.dtype, dtype)
        return self.emit(f"{code} {x.typed()} to {self.type(dtype)}", dtype)


def _kind(dtype: str) -> str:
    if dtype not in TYPES:
        raise Declined(f"arrays of {dtype}")
    return TYPES[dtype]


def _conversion(old: str, new: str) -> str:
    unsigned = old == "bool" or old.startswith("u")
    if old.startswith("float"):
        if new.startswith("float"):
            return "fpext" if new == "float64" else "fptrunc"
        return "fptoui" if new.startswith("u") else "fptosi"
    if new.startswith("float"):
        return "uitofp" if unsigned else "sitofp"
    narrow, wide = (int(TYPES[dtype][1:]) for dtype in (old, new))
    if narrow == wide:
        return "bitcast"
    if narrow > wide:
        return "trunc"
    return "zext" if unsigned else "sext"
