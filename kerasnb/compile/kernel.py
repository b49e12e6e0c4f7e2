"""A native kernel, and structured control flow to write one. Imports ir.

A kernel is a function ``void kernel(ptr operands, i64 chunk, ptr scratch)``. `operands` holds the
address of each array, inputs first; `chunk` says which piece of the work to do; `scratch` is
memory that belongs to the thread. Pieces may be done in any order and at once, so no two may write
the same place, and what they compute must not depend on how many threads there are.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from kerasnb.compile.ir import TYPES, Block, Lanes

__all__ = ["Function", "Index", "Kernel", "Place", "Variable", "size_in_bytes", "stored_type"]


class Place(NamedTuple):
    """How an array lies in memory: one operand of a kernel.

    Attributes:
        dtype: of its elements; a bool is a byte.
        shape: its lengths.
        strides: the distance of neighbours along each axis, in elements; 0 repeats.
    """

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def dense(cls, dtype: str, shape: Sequence[int]) -> Place:
        """Row-major, without gaps."""
        strides, step = [], 1
        for length in reversed(shape):
            strides.append(step)
            step *= length
        return cls(dtype, tuple(shape), tuple(reversed(strides)))

    def transposed(self) -> Place:
        """The same with its axes in reverse."""
        return Place(self.dtype, self.shape[::-1], self.strides[::-1])

    @property
    def is_dense(self) -> bool:
        """Whether it is row-major without gaps."""
        expected = Place.dense(self.dtype, self.shape).strides
        return all(
            n == 1 or a == b for n, a, b in zip(self.shape, self.strides, expected, strict=True)
        )


class Kernel(NamedTuple):
    """A native function that is not compiled yet.

    Attributes:
        name: what it does, for people, such as ``"matmul 128x784x512"``.
        text: LLVM's language: declarations, and the definition of ``@kernel``; further functions
            and constants of its own are called ``@kernel.something``.
        chunks: the number of pieces, 1 where it is not worth dividing.
        flops: floating-point operations of all chunks.
        moved: bytes that have to be read and written, each once.
        scratch: bytes of scratch that a chunk uses.
        over: pairs of operands, written and read, that may be the same memory: each element is read
            for the last time before it is written.
    """

    name: str
    text: str
    chunks: int = 1
    flops: int = 0
    moved: int = 0
    scratch: int = 0
    over: tuple[tuple[int, int], ...] = ()


class Index:
    """A whole number that the code computes (i64), with Python's operators."""

    __slots__ = ("function", "name")

    def __init__(self, function: Function, name: str):
        self.function, self.name = function, name

    def __add__(self, other: Any) -> Any:
        return self if isinstance(other, int) and other == 0 else self._with("add", other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Index:
        return self._with("sub", other)

    def __rsub__(self, other: int) -> Index:
        return Index(self.function, self.function.emit(f"sub i64 {other}, {self.name}"))

    def __mul__(self, other: Any) -> Any:
        return other if isinstance(other, int) and other == 0 else self._with("mul", other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Index:
        """For numbers that are not negative."""
        return self._with("udiv", other)

    def __mod__(self, other: int) -> Index:
        """For numbers that are not negative."""
        return self._with("urem", other)

    def __lt__(self, other: Any) -> str:
        return self._compare("slt", other)

    def __ge__(self, other: Any) -> str:
        return self._compare("sge", other)

    def __gt__(self, other: Any) -> str:
        return self._compare("sgt", other)

    def equals(self, other: Any) -> str:
        """The condition that both are the same."""
        return self._compare("eq", other)

    def least(self, other: Any) -> Index:
        """The smaller of the two."""
        smaller = self < other
        return Index(
            self.function,
            self.function.emit(f"select i1 {smaller}, i64 {self.name}, i64 {_name(other)}"),
        )

    def within(self, length: Any) -> str:
        """The condition that it is at least 0 and below `length`."""
        return self._compare("ult", length)

    def where(self, condition: str, other: Any) -> Index:
        """Itself where the condition (i1) holds, `other` elsewhere."""
        code = f"select i1 {condition}, i64 {self.name}, i64 {_name(other)}"
        return Index(self.function, self.function.emit(code))

    def _with(self, operation: str, other: Any) -> Index:
        code = f"{operation} i64 {self.name}, {_name(other)}"
        return Index(self.function, self.function.emit(code))

    def _compare(self, relation: str, other: Any) -> str:
        return self.function.emit(f"icmp {relation} i64 {self.name}, {_name(other)}")


class Variable:
    """A vector that changes, such as a sum; LLVM keeps it in a register where it can."""

    def __init__(self, function: Function, width: int, dtype: str):
        self.block, self.dtype = function.block(width), dtype
        self.pointer = function.allocate(self.block.type(dtype))

    def get(self) -> Lanes:
        """Its present value."""
        return self.block.emit(
            f"load {self.block.type(self.dtype)}, ptr {self.pointer}", self.dtype
        )

    def set(self, value: Lanes) -> None:
        """Give it a value."""
        self.block.lines.append(f"store {value.typed()}, ptr {self.pointer}")


class Function:
    """The code of one kernel as it grows, with loops and conditions.

    Attributes:
        lines: the instructions and labels so far.
        declared: the declarations of LLVM's own functions that they call.
        chunk: the number of the piece.
        scratch: the address of the thread's memory.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self._allocated: list[str] = []
        self._labels = 0
        self._streams = False
        self.chunk, self.scratch = Index(self, "%chunk"), "%scratch"

    def operand(self, number: int) -> str:
        """The address of an operand."""
        place = self.emit(f"getelementptr ptr, ptr %operands, i64 {number}")
        return self.emit(f"load ptr, ptr {place}, !invariant.load !0")

    def block(self, width: int) -> Block:
        """Vector code of `width` lanes that goes on from here."""
        return Block(width, around=self)

    def emit(self, code: str) -> str:
        """Append an instruction; gives the name of its value."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return name

    def index(self, value: int) -> Index:
        """A constant as an `Index`."""
        return Index(self, str(value))

    def allocate(self, kind: str) -> str:
        """Memory for one value of an LLVM type, which lasts until the kernel returns."""
        name = f"%a{len(self._allocated)}"
        self._allocated.append(f"{name} = alloca {kind}")
        return name

    def variable(self, width: int, dtype: str) -> Variable:
        """A vector that changes."""
        return Variable(self, width, dtype)

    def at(self, pointer: str, elements: Any, dtype: str) -> str:
        """The address so many elements further."""
        if isinstance(elements, int) and elements == 0:
            return pointer
        return self.emit(
            f"getelementptr {stored_type(dtype)}, ptr {pointer}, i64 {_name(elements)}"
        )

    def load(self, pointer: str, dtype: str, width: int, count: int | None = None) -> Lanes:
        """`width` neighbours in memory; or the first `count` of them, and zeros in other lanes."""
        if count is not None and count < width:
            return self._masked_load(pointer, dtype, width, count)
        block, size = self.block(width), size_in_bytes(dtype)
        name = self.emit(f"load <{width} x {stored_type(dtype)}>, ptr {pointer}, align {size}")
        if dtype == "bool":
            name = self.emit(f"icmp ne <{width} x i8> {name}, zeroinitializer")
        return Lanes(block, name, dtype)

    def load_index(self, pointer: str, elements: Any, dtype: str) -> Index:
        """The whole number that lies so many elements further, of any integer dtype.

        A uint64 must be below 2**63.
        """
        size = size_in_bytes(dtype)
        kind = f"i{8 * size}"
        place = self.emit(f"getelementptr {kind}, ptr {pointer}, i64 {_name(elements)}")
        value = self.emit(f"load {kind}, ptr {place}, align {size}")
        if size < 8:
            extend = "zext" if dtype.startswith("u") else "sext"
            value = self.emit(f"{extend} {kind} {value} to i64")
        return Index(self, value)

    def clear(self, pointer: str, elements: Any, dtype: str) -> None:
        """Write zeros to so many neighbours in memory."""
        self.declared.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        size = self.index(size_in_bytes(dtype)) * elements
        self.lines.append(
            f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, i64 {size.name}, i1 false)"
        )

    def broadcast(self, pointer: str, dtype: str, width: int) -> Lanes:
        """One element of memory in all lanes."""
        if width == 1:
            return self.load(pointer, dtype, 1)
        one = self.load(pointer, dtype, 1)
        name = self.emit(
            f"shufflevector {one.typed()}, <1 x {TYPES[dtype]}> poison, "
            f"<{width} x i32> zeroinitializer"
        )
        return Lanes(self.block(width), name, dtype)

    def store(self, pointer: str, value: Lanes, count: int | None = None) -> None:
        """Write a vector to neighbours in memory; or only the first `count` lanes."""
        if count is not None and count < value.block.width:
            self._masked_store(pointer, value, count)
            return
        typed = value.typed()
        if value.dtype == "bool":
            width = value.block.width
            typed = f"<{width} x i8> " + self.emit(f"zext {typed} to <{width} x i8>")
        self.lines.append(f"store {typed}, ptr {pointer}, align {size_in_bytes(value.dtype)}")

    def stream(self, pointer: str, value: Lanes) -> None:
        """Write a vector past the caches, which saves reading the lines it goes to.

        Args:
            pointer: a multiple of the vector's bytes, or of 64 if that is less.
            value: not bool.
        """
        size = value.block.width * size_in_bytes(value.dtype)
        self.lines.append(
            f"store {value.typed()}, ptr {pointer}, align {min(size, 64)}, !nontemporal !1"
        )
        self._streams = True

    def first(self, width: int, count: int) -> Lanes:
        """bool lanes: true in the first `count`."""
        marks = ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(width))
        return Lanes(self.block(width), f"<{marks}>", "bool")

    def _masked_load(self, pointer: str, dtype: str, width: int, count: int) -> Lanes:
        kind, suffix = f"<{width} x {stored_type(dtype)}>", _suffix(width, dtype)
        name = f"@llvm.masked.load.{suffix}.p0"
        self.declared.add(f"declare {kind} {name}(ptr, i32, <{width} x i1>, {kind})")
        value = self.emit(
            f"call {kind} {name}(ptr {pointer}, i32 {size_in_bytes(dtype)}, "
            f"{self.first(width, count).typed()}, {kind} zeroinitializer)"
        )
        if dtype == "bool":
            value = self.emit(f"icmp ne {kind} {value}, zeroinitializer")
        return Lanes(self.block(width), value, dtype)

    def _masked_store(self, pointer: str, value: Lanes, count: int) -> None:
        width, dtype, typed = value.block.width, value.dtype, value.typed()
        kind, suffix = f"<{width} x {stored_type(dtype)}>", _suffix(width, dtype)
        if dtype == "bool":
            typed = f"{kind} " + self.emit(f"zext {typed} to {kind}")
        name = f"@llvm.masked.store.{suffix}.p0"
        self.declared.add(f"declare void {name}({kind}, ptr, i32, <{width} x i1>)")
        self.lines.append(
            f"call void {name}({typed}, ptr {pointer}, i32 {size_in_bytes(dtype)}, "
            f"{self.first(width, count).typed()})"
        )

    def gather(self, pointer: str, dtype: str, width: int, step: int, count: int) -> Lanes:
        """`count` elements at a distance of `step`, in the first lanes."""
        block = self.block(width)
        kind, name = block.type(dtype), "zeroinitializer"
        for lane in range(count):
            one = self.load(self.at(pointer, lane * step, dtype), dtype, 1)
            element = self.emit(f"extractelement {one.typed()}, i64 0")
            name = self.emit(f"insertelement {kind} {name}, {TYPES[dtype]} {element}, i64 {lane}")
        return Lanes(block, name, dtype)

    def scatter(self, pointer: str, value: Lanes, step: int, count: int) -> None:
        """Write the first `count` lanes to places at a distance of `step`."""
        single = self.block(1)
        for lane in range(count):
            element = self.emit(f"extractelement {value.typed()}, i64 {lane}")
            one = single.emit(
                f"insertelement {single.type(value.dtype)} poison, {TYPES[value.dtype]} "
                f"{element}, i64 0",
                value.dtype,
            )
            self.store(self.at(pointer, lane * step, value.dtype), one)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int = 1) -> Iterator[Index]:
        """The block, for each number from `start` to below `stop`."""
        self._labels += 1
        head, body, end = (f"{part}{self._labels}" for part in ("head", "body", "end"))
        place = self.allocate("i64")
        self.lines += [f"store i64 {_name(start)}, ptr {place}", f"br label %{head}", f"{head}:"]
        now = Index(self, self.emit(f"load i64, ptr {place}"))
        self.lines += [f"br i1 {now < stop}, label %{body}, label %{end}", f"{body}:"]
        yield now
        following = now + step
        self.lines += [
            f"store i64 {following.name}, ptr {place}", f"br label %{head}", f"{end}:",
        ]  # fmt: skip

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """The block, if the condition (i1) holds."""
        self._labels += 1
        body, end = f"then{self._labels}", f"end{self._labels}"
        self.lines += [f"br i1 {condition}, label %{body}, label %{end}", f"{body}:"]
        yield
        self.lines += [f"br label %{end}", f"{end}:"]

    def text(self) -> str:
        """The kernel in LLVM's language."""
        end = []
        if self._streams and platform.machine().lower() in ("x86_64", "amd64"):
            # such stores are not in order: all must be seen before the chunk counts as done
            self.declared.add("declare void @llvm.x86.sse.sfence()")
            end = ["call void @llvm.x86.sse.sfence()"]
        body = "\n  ".join([*self._allocated, *self.lines, *end, "ret void"])
        return "\n".join(
            [
                *sorted(self.declared),
                "define void @kernel(ptr noalias %operands, i64 %chunk, ptr noalias %scratch) {",
                f"  {body}",
                "}",
                "!0 = !{}",
                "!1 = !{i32 1}",
            ]
        )


def stored_type(dtype: str) -> str:
    """LLVM's type of an element in memory, where a truth value is a byte."""
    return "i8" if dtype == "bool" else TYPES[dtype]


def size_in_bytes(dtype: str) -> int:
    """Bytes of an element."""
    return {"bool": 1}.get(dtype) or int(dtype.lstrip("uintfloa")) // 8


def _suffix(width: int, dtype: str) -> str:
    """How LLVM's own functions over vectors in memory end: "v16f32"."""
    letter = "f" if dtype.startswith("float") else "i"
    return f"v{width}{letter}{8 * size_in_bytes(dtype)}"


def _name(value: Any) -> str:
    return value.name if isinstance(value, Index) else str(value)
