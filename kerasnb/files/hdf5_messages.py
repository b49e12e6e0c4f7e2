"""What the header of an object in an HDF5 file says: type, shape, place and attributes of its data.

One function for each kind of message, which takes its bytes and refuses all that weights and
configurations never need. Imports plain.

Source: The HDF Group, HDF5 File Format Specification 3.0 (2022), chapter IV.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

import numpy as np

from kerasnb.files.plain import refusal

__all__ = ["Layout", "TextType", "Type", "attribute", "datatype", "filters", "layout", "shape"]

UNDEFINED = 0xFFFFFFFFFFFFFFFF
MOST_DIMENSIONS = 32
DEFLATE, SHUFFLE = 1, 2
_COMPACT, _CONTIGUOUS, _CHUNKED = 0, 1, 2
_CLASSES = (
    "number", "float", "time", "text", "bit field", "opaque", "compound", "reference", "enum",
    "variable length", "array",
)  # fmt: skip
# of a float: places and sizes of its parts in bits, and the bias of the exponent
_FLOATS = {
    (15, 0, 16, 10, 5, 0, 10, 15): "f2",
    (31, 0, 32, 23, 8, 0, 23, 127): "f4",
    (63, 0, 64, 52, 11, 0, 52, 1023): "f8",
    (15, 0, 16, 7, 8, 0, 7, 127): "V2",  # bfloat16, which NumPy has not
}
# what h5py makes of bool: an enum of int8
_BOOL = (b"FALSE\0\0\0TRUE\0\0\0\0\x00\x01", b"FALSE\0TRUE\0\x00\x01")


class TextType(NamedTuple):
    """Text of `size` bytes each or, without, of any length, kept in a heap."""

    size: int | None


Type = np.dtype | TextType


class Layout(NamedTuple):
    """Where the values are: in the message itself, in one piece, or in chunks."""

    compact: bytes | None = None
    address: int = UNDEFINED
    size: int = 0
    chunk: tuple[int, ...] | None = None


def datatype(body: bytes, place: str) -> Type:
    """The type of values; NumPy's, or that of text. bfloat16 is ``V2``, as in files of Keras."""
    head, *bits, size = struct.unpack_from("<4BL", body)
    kind, version = head & 15, head >> 4
    if not 1 <= version <= 3 or not size:
        raise refusal(place, "its type is damaged")
    if kind == 0:
        found = _integer(body, bits, size)
    elif kind == 1:
        found = _float(body, bits)
    elif kind == 3:
        return TextType(size)
    elif kind == 5 and size == 2:
        found = "V2"
    elif kind == 8:
        found = _bool(body, bits, size)
    elif kind == 9 and bits[0] & 15 == 1 and size == 16:
        return TextType(None)
    else:
        found = None
    if found is None:
        name = _CLASSES[kind] if kind < len(_CLASSES) else "unknown"
        raise refusal(place, f"a type of the class {name!r} is refused")
    return np.dtype(found)


def _integer(body: bytes, bits: list[int], size: int) -> str | None:
    place, precision = struct.unpack_from("<2H", body, 8)
    if size not in (1, 2, 4, 8) or place or precision != 8 * size or bits[0] & ~9:
        return None
    return "<>"[bits[0] & 1] + "ui"[bits[0] >> 3 & 1] + str(size)


def _float(body: bytes, bits: list[int]) -> str | None:
    size = struct.unpack_from("<L", body, 4)[0]
    parts = struct.unpack_from("<2H4BL", body, 8)
    found = _FLOATS.get((bits[1], *parts))
    # 32: the leading 1 of the mantissa is not written, as in IEEE 754
    if found is None or size * 8 != parts[1] or bits[0] & ~1 != 32:
        return None
    return found if found == "V2" else "<>"[bits[0] & 1] + found


def _bool(body: bytes, bits: list[int], size: int) -> str | None:
    names = body[20:]
    if (bits[0], size) != (2, 1) or datatype(body[8:20], "") != np.dtype("i1"):
        return None
    return "?" if names.startswith(_BOOL) else None


def shape(body: bytes, place: str) -> tuple[int, ...] | None:
    """The shape of values; None if there are none."""
    version, rank, flags, kind = struct.unpack_from("<4B", body)
    if version == 2 and kind == 2 and not rank:
        return None
    if version not in (1, 2) or rank > MOST_DIMENSIONS or flags & ~1:
        raise refusal(place, "its shape is damaged")
    return struct.unpack_from(f"<{rank}Q", body, 8 if version == 1 else 4)


def layout(body: bytes, rank: int, itemsize: int, place: str) -> Layout:
    """Where the values of a data set are."""
    version, kind = struct.unpack_from("<2B", body)
    if version == 3 and kind == _COMPACT:
        (size,) = struct.unpack_from("<H", body, 2)
        if len(body) < 4 + size:
            raise refusal(place, "its values are cut short")
        return Layout(compact=body[4 : 4 + size])
    if version == 3 and kind == _CONTIGUOUS:
        address, size = struct.unpack_from("<2Q", body, 2)
        return Layout(address=address, size=size)
    if version == 3 and kind == _CHUNKED:
        count, address = struct.unpack_from("<BQ", body, 2)
        if count != rank + 1 or not rank:
            raise refusal(place, "its chunks have another number of dimensions")
        *chunk, size = struct.unpack_from(f"<{count}L", body, 11)
        if size != itemsize or not all(chunk):
            raise refusal(place, "its chunks are damaged")
        return Layout(address=address, size=math.prod(chunk) * itemsize, chunk=tuple(chunk))
    raise refusal(
        place,
        f"its layout, {kind} of version {version}, is refused: a virtual data set, or one that "
        "was not written in HDF5's earliest format. Write it again with h5py's default settings",
    )


def filters(body: bytes, place: str) -> tuple[int, ...]:
    """The numbers of the filters, in the order in which they were applied."""
    version, count = struct.unpack_from("<2B", body)
    if version not in (1, 2) or count > 2:
        raise refusal(place, "its filters are damaged, or too many")
    at, found = 8 if version == 1 else 2, []
    for _ in range(count):
        number, letters, _, values = struct.unpack_from("<4H", body, at)
        if number not in (DEFLATE, SHUFFLE):
            raise refusal(place, f"its filter {number} is refused: it is not gzip or shuffle")
        at += 8 + -(-letters // 8) * 8 if version == 1 else 6
        at += 4 * values + (4 * (values % 2) if version == 1 else 0)
        found.append(number)
    if len(set(found)) != count or found == [DEFLATE, SHUFFLE]:
        raise refusal(place, "its filters are not in their usual order")
    return tuple(found)


class AttributeParts(NamedTuple):
    """An attribute: its name, the type and shape of its value, and where that begins."""

    name: str
    type: Type
    shape: tuple[int, ...] | None
    value: bytes


def attribute(body: bytes, place: str) -> AttributeParts:
    """The parts of an attribute."""
    version, flags, letters, *sizes = struct.unpack_from("<2B3H", body)
    # in the first version, the flags are a byte that is not used
    if not 1 <= version <= 3 or (flags and version > 1):
        raise refusal(place, "an attribute is damaged, or has a type that is stored elsewhere")
    step = 8 if version == 1 else 1
    at = 9 if version == 3 else 8
    parts = []
    for size in (letters, *sizes):
        parts.append(body[at : at + size])
        at += -(-size // step) * step
    raw_name, raw_type, raw_shape = parts
    if not raw_name.endswith(b"\0") or at > len(body):
        raise refusal(place, "an attribute is damaged")
    try:
        name = raw_name.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(place, "the name of an attribute is not UTF-8") from None
    within = f"{place}, attribute {name[:60]!r}"
    return AttributeParts(name, datatype(raw_type, within), shape(raw_shape, within), body[at:])
