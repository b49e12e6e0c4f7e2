"""``kerasnb.datasets.fashion_mnist``: pictures of clothes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from kerasnb.datasets.upstream import GOOGLE, Upstream
from kerasnb.errors import LoadError

__all__ = ["load_data"]

FOLDER = "fashion-mnist"
FILES = [
    Upstream("fashion_mnist", GOOGLE + name, digest, FOLDER)
    for name, digest in (
        ("train-images-idx3-ubyte.gz",
         "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte.gz",
         "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte.gz",
         "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte.gz",
         "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    )
]  # fmt: skip
LARGEST = 2**28  # bytes unpacked: the largest of these files has 47 MB


def load_data() -> tuple:
    """60,000 pictures of clothes to train and 10,000 to test, of ten kinds.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 from 0 to 255, and uint8 from 0 to 9, which
        are T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Shape:
        x ``(N, 28, 28)``, y ``(N,)``.

    Raises:
        DownloadError: the files are not here and cannot be fetched.

    Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """
    found = FILES[0].reduced((28, 28))
    if found is None:
        found = [read_idx(file.path()) for file in FILES]
    x_train, y_train, x_test, y_test = found
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path) -> np.ndarray:
    """The bytes in a compressed file of LeCun's format "idx", in their shape."""
    try:
        with gzip.open(path) as file:
            data = file.read(LARGEST)
    except (EOFError, OSError, zlib.error) as error:
        raise LoadError(f"{path}: cannot be unpacked: {error}.") from None
    head = 4 + 4 * data[3] if data[:3] == b"\0\0\x08" and len(data) > 3 else 0  # 8: unsigned bytes
    shape = struct.unpack(f">{data[3]}I", data[4:head]) if 0 < head <= len(data) else ()
    if not shape or len(data) != head + math.prod(shape):
        raise LoadError(f"{path}: expected bytes in the format idx, got something else.")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape).copy()
