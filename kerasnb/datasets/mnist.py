"""``kerasnb.datasets.mnist``: handwritten digits."""

from __future__ import annotations

from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.upstream import GOOGLE, Upstream

__all__ = ["load_data"]

FILE = Upstream(
    "mnist", f"{GOOGLE}mnist.npz",
    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
)  # fmt: skip


def load_data(path: str = "mnist.npz") -> tuple:
    """60,000 handwritten digits to train and 10,000 to test, with their values.

    Args:
        path: the name under which the file is kept.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 from 0 to 255, and uint8 from 0 to 9.

    Shape:
        x ``(N, 28, 28)``, y ``(N,)``.

    Raises:
        DownloadError: the file is not here and cannot be fetched.

    Source: LeCun, Cortes and Burges 1998, "The MNIST database of handwritten digits".
    """
    found = FILE.reduced((28, 28))
    if found is None:
        found = read_npz(FILE.path(path), ("x_train", "y_train", "x_test", "y_test"))
    x_train, y_train, x_test, y_test = found
    return (x_train, y_train), (x_test, y_test)
