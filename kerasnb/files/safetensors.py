"""Tensors in ``.safetensors`` files, read strictly and written with a digest. Imports plain.

The format is a length, JSON and bytes. It is read here, and not by the package of its authors,
since that is a compiled dependency that would save a hundred lines, leaves keys that come twice to
its parser, and knows no digest.

Source: Hugging Face, safetensors, Format (2023).
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kerasnb.files.plain import parse, refusal, shown

__all__ = ["StoredTensor", "pack", "unpack"]

MOST_DIMENSIONS = 32
_TYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
    "BF16": "V2",  # which NumPy has not
}  # fmt: skip
_NOTE = "__metadata__"
# how a file of ours goes on after its length: then 64 digits, which count as 0 in the digest
_SEALED = b'{"__metadata__":{"kerasnb sha256":"'
_ZEROS = b"0" * 64
_DIGITS = re.compile(rb"[0-9a-f]{64}")


class StoredTensor(NamedTuple):
    """A tensor of a file.

    Attributes:
        shape: of the values.
        dtype: of the values as they are stored; ``V2`` is bfloat16.
        array: a function without arguments that gives the values, bfloat16 as float32.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    array: Callable[[], np.ndarray]


def pack(values: Mapping[str, np.ndarray]) -> memoryview:
    """A file of `values`, with the digest of all of it among its notes."""
    codes = {np.dtype(code): name for name, code in _TYPES.items() if name != "BF16"}
    # larger items first, so that each lies at a multiple of its size
    arrays = dict(sorted(values.items(), key=lambda pair: -pair[1].dtype.itemsize))
    header: dict[str, Any] = {_NOTE: {"kerasnb sha256": _ZEROS.decode()}}
    end = 0
    for name, value in arrays.items():
        begin, end = end, end + value.nbytes
        entry = {"dtype": codes[value.dtype.newbyteorder("<")], "shape": value.shape}
        header[name] = entry | {"data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    start = 8 + len(text)
    data = memoryview(bytearray(start + end))
    data[:start] = len(text).to_bytes(8, "little") + text
    for name, value in arrays.items():
        at = start + header[name]["data_offsets"][0]
        place = np.frombuffer(data, value.dtype.newbyteorder("<"), value.size, at)
        place.reshape(value.shape)[...] = value
    digits = 8 + len(_SEALED)
    data[digits : digits + 64] = hashlib.sha256(data).hexdigest().encode()
    return data


def unpack(data: Any, what: str) -> dict[str, StoredTensor]:
    """The tensors of a file by name. Their values are read when they are asked for.

    Args:
        data: the file: bytes of any kind, which must stay as they are.
        what: its name, which begins every error.

    Raises:
        LoadError: it is no such file, was changed after it was written, or its tensors do not fill
            it exactly.
    """
    view = memoryview(data).cast("B")
    length = int.from_bytes(view[:8], "little")
    if len(view) < 10 or length > len(view) - 8 or view[8:9] != b"{":
        raise refusal(what, "it is no safetensors file, or is cut short")
    _check_seal(view, what)
    header = parse(bytes(view[8 : 8 + length]), what)
    notes = header.pop(_NOTE, {})
    if not isinstance(notes, dict) or not all(isinstance(v, str) for v in notes.values()):
        raise refusal(f"{what}.{_NOTE}", "expected texts by name")
    begin = 8 + length
    found: dict[str, StoredTensor] = {}
    places: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        place = f"{what}, {shown(name)}"
        shape, dtype, first, last = _entry(entry, place)
        places.append((first, last, place))
        read = functools.partial(_values, view, begin + first, shape, dtype, place)
        found[name] = StoredTensor(shape, dtype, read)
    _check_places(places, len(view) - begin, what)
    return found


def _check_seal(view: memoryview, what: str) -> None:
    """The digest of a file of ours is right; of others, which have none, nothing is asked."""
    digits = 8 + len(_SEALED)
    begin, told = bytes(view[8:digits]), bytes(view[digits : digits + 64])
    differ = sum(a != b for a, b in zip(begin, _SEALED, strict=False))
    # of ours, too, if some bytes of this were changed, but not all
    if differ + len(_SEALED) - len(begin) > 4 and not _DIGITS.fullmatch(told):
        return
    digest = hashlib.sha256(view[:digits])
    digest.update(_ZEROS)
    digest.update(view[digits + 64 :])
    if differ or digest.hexdigest().encode() != told:
        raise refusal(what, "it was changed after it was saved: its digest does not fit")


def _entry(entry: Any, place: str) -> tuple[tuple[int, ...], np.dtype, int, int]:
    """Shape, dtype, begin and end of a tensor's bytes, which must fit each other."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise refusal(place, "expected dtype, shape and data_offsets, and nothing else")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in _TYPES:
        raise refusal(f"{place}.dtype", f"{shown(code)} is none of {', '.join(_TYPES)}")
    if not _counts(shape) or len(shape) > MOST_DIMENSIONS:
        raise refusal(f"{place}.shape", f"expected whole numbers, got {shown(shape)}")
    if not _counts(offsets) or len(offsets) != 2:
        raise refusal(f"{place}.data_offsets", f"expected two whole numbers, got {shown(offsets)}")
    dtype = np.dtype(_TYPES[code])
    declared, stored = math.prod(shape) * dtype.itemsize, offsets[1] - offsets[0]
    if declared != stored:
        raise refusal(place, f"it declares {declared:,} bytes, and stores {stored:,}")
    return tuple(shape), dtype, *offsets


def _counts(value: Any) -> bool:
    # 2 ** 56: NumPy must be able to count the bytes
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 56 for n in value)


def _check_places(places: list[tuple[int, int, str]], size: int, what: str) -> None:
    """Each tensor begins where the one before it ends, and the last ends the file."""
    at = 0
    for begin, end, place in sorted(places):
        if begin != at:
            raise refusal(place, "it lies in another tensor, or something lies between the tensors")
        at = end
    if at != size:
        raise refusal(what, f"its tensors have {at:,} bytes, and {size:,} are stored")


def _values(
    view: memoryview, begin: int, shape: tuple[int, ...], dtype: np.dtype, place: str
) -> np.ndarray:
    if 0 in shape:
        if math.prod(n for n in shape if n) >= 1 << 56:
            raise refusal(place, "its shape is too large")
        return np.empty(shape, np.float32 if dtype.kind == "V" else dtype)
    array = np.frombuffer(view, dtype, math.prod(shape), begin).reshape(shape)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise refusal(place, "a value is neither true nor false")
    if dtype.kind == "V":  # bfloat16 is the upper half of float32
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array.astype(dtype.newbyteorder("="), copy=False)
