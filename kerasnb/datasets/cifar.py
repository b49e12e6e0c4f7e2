"""What CIFAR-10 and CIFAR-100 have in common: pickled batches in a compressed archive.

The archive is not unpacked, nor is a pickle executed. Imports errors, pickles and
utils.archives.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasnb import config
from kerasnb.datasets.pickles import read_pickle
from kerasnb.errors import LoadError
from kerasnb.utils.archives import CHUNK, open_tar

__all__ = ["in_data_format", "read_batches"]

LARGEST = 2**29  # bytes of a batch: the largest has 155 MB


def read_batches(path: Path, names: Sequence[str], label: str) -> list[tuple]:
    """Pictures and labels of some batches in the archive, in the order of `names`.

    Args:
        path: of the archive.
        names: of its members.
        label: what the batches call the labels.

    Shape:
        pictures ``(N, 3, 32, 32)`` uint8, labels ``(N, 1)`` int64.

    Raises:
        LoadError: the archive is damaged, lacks a batch, or holds anything but data.
    """
    found: dict[str, bytes] = {}
    try:
        file = open_tar(path)
        with contextlib.closing(file), contextlib.closing(file.fileobj):
            while (info := file.next()) is not None:
                file.members.clear()  # it keeps them all
                plain = info.isfile() and not info.issparse() and info.size <= LARGEST
                if info.name in names and info.name not in found and plain:
                    member = file.extractfile(info)
                    found[info.name] = b"".join(iter(functools.partial(member.read, CHUNK), b""))
    except Exception as error:  # each way to compress has errors of its own
        raise LoadError(f"{path}: cannot be unpacked: {error}.") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise LoadError(f"{path}: expected a member {missing[0]}, which is not there.")
    return [_batch(found[name], f"{path}, {name}", label.encode()) for name in names]


def in_data_format(x: np.ndarray) -> np.ndarray:
    """Pictures with the channels first, as the settings want them."""
    return x.transpose(0, 2, 3, 1) if config.image_data_format() == "channels_last" else x


def _batch(data: bytes, name: str, label: bytes) -> tuple:
    batch = read_pickle(data, name)
    x, y = (batch.get(b"data"), batch.get(label)) if isinstance(batch, dict) else (None, None)
    sound = isinstance(x, np.ndarray) and x.dtype == "uint8" and x.ndim == 2 and isinstance(y, list)
    if not sound or x.shape != (len(y), 3072) or not all(type(n) is int for n in y):
        raise LoadError(f"{name}: expected pictures of 3 x 32 x 32 bytes with a label each.")
    return x.reshape(len(x), 3, 32, 32), np.array(y, "int64").reshape(len(y), 1)
