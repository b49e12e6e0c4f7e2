"""Pickles read as data: numbers, texts, lists, dictionaries and NumPy arrays. Nothing is executed.

`pickle.load` does what the file says, which may be anything. Here a pickle is a list of
instructions of which those that build data are followed; the only names that may stand in it are
those with which NumPy writes arrays, and no code is called by them. Imports errors.

Source: the instructions are described in Python's own module ``pickletools``.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb.errors import LoadError

__all__ = ["read_pickle"]

_RECONSTRUCT, _ARRAY, _DTYPE, _ENCODE, _NO_BYTES = (object() for _ in range(5))
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): _DTYPE,
    # how Python 3 writes bytes for Python 2, and that there are none
    ("_codecs", "encode"): _ENCODE,
    ("__builtin__", "bytes"): _NO_BYTES,
}
_NUMBERS = re.compile(r"b1|[iu][1248]|f[248]|O8?")


class _Array:
    """An array that has been announced, but whose contents come later."""

    def __init__(self) -> None:
        self.memo_keys: list[int] = []


class _DType:
    """A dtype that has been announced, but whose byte order comes later."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.memo_keys: list[int] = []


def read_pickle(data: bytes, name: str) -> Any:
    """The object of the pickle `data`; text of Python 2 comes as bytes.

    Args:
        data: a pickle of protocol 2 to 5.
        name: of the file, for errors.

    Raises:
        LoadError: it is damaged, or holds anything but data.

    Example:
        >>> import pickle
        >>> read_pickle(pickle.dumps({"labels": [6, 9]}), "batch")
        {'labels': [6, 9]}
    """
    try:
        return _Reader(data).read()
    except _Refused as reason:
        raise LoadError(
            f"{name}: {reason} Only data is read; nothing of it was executed."
        ) from None
    except (IndexError, KeyError, struct.error, TypeError, ValueError):
        raise LoadError(f"{name}: it is no pickle, or a damaged one.") from None


class _Refused(Exception):
    """What is wrong, in a sentence."""


class _Reader:
    """A machine with a stack and a memory, as pickles expect it."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        # bytes that can still be copied: no part of an honest file becomes two arrays, but Python 3
        # writes bytes for Python 2 as text, which becomes bytes and then an array
        self.left = 2 * len(data)

    def read(self) -> Any:
        data, stack, push = self.data, self.stack, self.stack.append
        while True:
            code = data[self.at]
            # most of a pickle of sentences is these two: it is read twice as fast with them here
            if code == 0x4B:  # K: a number in one byte
                push(data[self.at + 1])
                self.at += 2
            elif code == 0x4D:  # M: in two
                push(data[self.at + 1] | data[self.at + 2] << 8)
                self.at += 3
            elif code == 0x2E:  # .: the end
                (found,) = stack
                if isinstance(found, (_Array, _DType)) or any(found is n for n in _NAMES.values()):
                    raise ValueError("the end comes too early")
                return found
            else:
                self.at += 1
                do = _INSTRUCTIONS.get(code)
                if do is None:
                    raise _Refused(f"the instruction {bytes([code])!r} of the pickle is refused.")
                do(self)

    def bytes(self, count: int) -> bytes:
        start = self.at
        self.at += count
        if self.at > len(self.data):
            raise ValueError("cut off")
        return self.data[start : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.bytes(struct.calcsize(form)))[0]

    def line(self) -> str:
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at : end].decode("ascii")
        self.at = end + 1
        return text

    def pop_to_mark(self) -> list:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def keep(self, key: int) -> None:
        value = self.stack[-1]
        self.memo[key] = value
        if isinstance(value, (_Array, _DType)):
            value.memo_keys.append(key)

    def again(self, value: Any) -> None:
        """Push what was there before: if that held more, it could grow with every level."""
        if isinstance(value, (list, dict)) or (
            isinstance(value, tuple) and any(isinstance(v, (list, dict, tuple)) for v in value)
        ):
            raise _Refused("the pickle holds a list, a dictionary or a tuple twice.")
        self.stack.append(value)

    def spend(self, size: int) -> None:
        """Refuse to make more of a file than it holds."""
        self.left -= size
        if self.left < 0:
            raise _Refused("the pickle grows beyond its own size.")

    def name(self, module: Any, name: Any) -> None:
        found = _NAMES.get((module, name))
        if found is None:
            raise _Refused(f"the pickle names {f'{module}.{name}'!r}, which is refused.")
        self.stack.append(found)

    def call(self) -> None:
        arguments, what = self.stack.pop(), self.stack.pop()
        if what is _RECONSTRUCT and arguments[0] is _ARRAY and arguments[1] == (0,):
            self.stack.append(_Array())
        elif what is _DTYPE and isinstance(arguments[0], (str, bytes)):
            self.stack.append(_DType(_known_number(arguments[0])))
        elif what is _ENCODE and arguments[1] == "latin1":
            self.spend(len(arguments[0]))
            self.stack.append(str.encode(arguments[0], "latin-1"))
        elif what is _NO_BYTES and arguments == ():
            self.stack.append(b"")
        else:
            raise _Refused("the pickle calls something, which is refused.")

    def build(self) -> None:
        state, what = self.stack.pop(), self.stack[-1]
        if isinstance(what, _DType):
            order = _text(state[1])
            if order not in ("|", "<", ">", "="):
                raise ValueError("byte order")
            built = np.dtype(what.code.removesuffix("8") if "O" in what.code else order + what.code)
        elif isinstance(what, _Array):
            built = _filled(*state[1:5])
            self.spend(0 if built.dtype.hasobject else built.nbytes)
        else:
            raise _Refused("the pickle changes an object, which is refused.")
        self.stack[-1] = built
        for key in what.memo_keys:
            self.memo[key] = built


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _known_number(code: str | bytes) -> str:
    if not _NUMBERS.fullmatch(_text(code)):
        raise _Refused(f"the pickle holds an array of {_text(code)!r}, which is refused.")
    return _text(code)


def _filled(shape: tuple, dtype: np.dtype, by_columns: bool, contents: Any) -> np.ndarray:
    """An array of its parts, no larger than the contents that are there."""
    if not isinstance(dtype, np.dtype) or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError("array")
    size = math.prod(shape)
    if dtype.kind == "O":
        if not isinstance(contents, list) or len(contents) != size:
            raise ValueError("objects")
        array = np.empty(size, object)
        for i, item in enumerate(contents):
            array[i] = item
    else:
        if not isinstance(contents, bytes) or len(contents) != size * dtype.itemsize:
            raise ValueError("bytes")
        array = np.frombuffer(contents, dtype).copy()
    return array.reshape(shape, order="F" if by_columns else "C")


def _push(make: Callable[[_Reader], Any]) -> Callable[[_Reader], None]:
    return lambda reader: reader.stack.append(make(reader))


def _pop_tuple(count: int) -> Callable[[_Reader], None]:
    def do(reader: _Reader) -> None:
        if len(reader.stack) < count:
            raise IndexError
        reader.stack[-count:] = [tuple(reader.stack[-count:])]

    return do


def _append(reader: _Reader) -> None:
    item = reader.stack.pop()
    _list(reader).append(item)


def _appends(reader: _Reader) -> None:
    items = reader.pop_to_mark()
    _list(reader).extend(items)


def _list(reader: _Reader) -> list:
    if type(reader.stack[-1]) is not list:
        raise TypeError
    return reader.stack[-1]


def _set_items(reader: _Reader) -> None:
    items = reader.pop_to_mark()
    if type(reader.stack[-1]) is not dict:
        raise TypeError
    keys = items[::2]
    for key in keys:
        # the place of any other in the table can be chosen, and be that of all the others
        if not isinstance(key, (str, bytes)) and (type(key) is not int or abs(key) >= 1 << 60):
            raise _Refused("the pickle holds a dictionary whose keys are no texts or numbers.")
    reader.stack[-1].update(zip(keys, items[1::2], strict=True))


def _set_item(reader: _Reader) -> None:
    reader.marks.append(len(reader.stack) - 2)
    _set_items(reader)


def _stack_name(reader: _Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.name(module, name)


def _line_number(line: str) -> int:
    return {"00": False, "01": True}[line] if line in ("00", "01") else int(line)


def _skip(count: int) -> Callable[[_Reader], None]:
    return lambda reader: _void(reader.bytes(count))


def _void(_: object) -> None:
    """What is not needed."""


_INSTRUCTIONS: dict[int, Callable[[_Reader], None]] = {
    code[0]: do
    for code, do in {
        b"\x80": _skip(1),  # the protocol
        b"\x95": _skip(8),  # the length of a frame
        b"(": lambda r: r.marks.append(len(r.stack)),
        b"0": lambda r: _void(r.stack.pop()),
        b"2": lambda r: r.again(r.stack[-1]),
        # constants and numbers
        b"N": _push(lambda r: None),
        b"\x88": _push(lambda r: True),
        b"\x89": _push(lambda r: False),
        b"J": _push(lambda r: r.number("<i")),
        b"I": _push(lambda r: _line_number(r.line())),
        b"\x8a": _push(lambda r: int.from_bytes(r.bytes(r.number("B")), "little", signed=True)),
        b"G": _push(lambda r: r.number(">d")),
        # texts and bytes; those of Python 2 are bytes
        b"U": _push(lambda r: r.bytes(r.number("B"))),
        b"T": _push(lambda r: r.bytes(r.number("<I"))),
        b"C": _push(lambda r: r.bytes(r.number("B"))),
        b"B": _push(lambda r: r.bytes(r.number("<I"))),
        b"\x8e": _push(lambda r: r.bytes(r.number("<Q"))),
        b"\x8c": _push(lambda r: r.bytes(r.number("B")).decode()),
        b"X": _push(lambda r: r.bytes(r.number("<I")).decode()),
        # containers
        b")": _push(lambda r: ()),
        b"\x85": _pop_tuple(1),
        b"\x86": _pop_tuple(2),
        b"\x87": _pop_tuple(3),
        b"t": _push(lambda r: tuple(r.pop_to_mark())),
        b"]": _push(lambda r: []),
        b"l": _push(lambda r: r.pop_to_mark()),
        b"a": _append,
        b"e": _appends,
        b"}": _push(lambda r: {}),
        b"s": _set_item,
        b"u": _set_items,
        # the memory
        b"q": lambda r: r.keep(r.number("B")),
        b"r": lambda r: r.keep(r.number("<I")),
        b"\x94": lambda r: r.keep(len(r.memo)),
        b"h": lambda r: r.again(r.memo[r.number("B")]),
        b"j": lambda r: r.again(r.memo[r.number("<I")]),
        # arrays
        b"c": lambda r: r.name(r.line(), r.line()),
        b"\x93": _stack_name,
        b"R": lambda r: r.call(),
        b"b": lambda r: r.build(),
    }.items()
}
