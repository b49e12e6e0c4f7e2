"""Arrays in ``.npz`` files, also arrays of lists, read as data.

Imports errors, pickles and saving.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasnb.datasets.pickles import read_pickle
from kerasnb.errors import LoadError
from kerasnb.files.archive import unpack
from kerasnb.files.whole import read_whole

__all__ = ["read_npz"]

GROWTH = 20  # how many times its size a file may unpack to: tables of small numbers, say
_KINDS = "biufSUO"  # of arrays: numbers, texts, and lists


def read_npz(path: Path, *choices: Sequence[str]) -> list[np.ndarray]:
    """Some of the arrays in a file, in the order of their names.

    Arrays of objects are pickled in such a file; they are read without executing anything.

    Args:
        path: of the file.
        choices: the names that are wanted; of several choices, the first that the file has.

    Raises:
        LoadError: it is no such file, or lacks an array, or holds anything but data.
    """
    what = os.fspath(path)
    members = unpack(read_whole(path, "read_npz"), what, GROWTH)
    held = {name.removesuffix(".npy"): data for name, data in members.items()}
    names = next((names for names in choices if held.keys() >= set(names)), None)
    if names is None:
        raise LoadError(f"{path}: expected the arrays {', '.join(choices[0])}.")
    return [_array(held[name], f"{path}, array {name}") for name in names]


def _array(data: bytes, name: str) -> np.ndarray:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        shape, by_columns, dtype = read[version[0]](stream)
    except Exception as error:  # the header is Python text, which can be wrong in many ways
        raise LoadError(f"{name}: it is no array as NumPy writes them.") from error
    if dtype.kind not in _KINDS or any(n < 0 or n >= 1 << 56 for n in shape):
        raise LoadError(f"{name}: an array of shape {shape} and dtype {dtype.kind!r} is refused.")
    if dtype.hasobject:
        found = read_pickle(data[stream.tell() :], name)
        if not isinstance(found, np.ndarray) or found.shape != shape:
            raise LoadError(f"{name}: expected a pickled array of shape {shape}.")
        return found
    contents = data[stream.tell() :]
    if len(contents) != math.prod(shape) * dtype.itemsize:
        raise LoadError(f"{name}: expected {shape} of {dtype}, got {len(contents)} bytes.")
    return np.frombuffer(contents, dtype).reshape(shape, order="F" if by_columns else "C").copy()
