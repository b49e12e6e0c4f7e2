"""``kerasnb.datasets.cifar10``: small colour pictures of ten kinds."""

from __future__ import annotations

import numpy as np

from kerasnb.datasets.cifar import in_data_format, read_batches
from kerasnb.datasets.upstream import Upstream

__all__ = ["load_data"]

FILE = Upstream(
    "cifar10", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)  # fmt: skip
FOLDER = "cifar-10-batches-py"


def load_data() -> tuple:
    """50,000 colour pictures to train and 10,000 to test, of ten kinds.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 from 0 to 255, and uint8 from 0 to 9, which
        are airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Shape:
        x ``(N, 32, 32, 3)``, or ``(N, 3, 32, 32)`` where the setting `image_data_format` is
        ``"channels_first"``; y ``(N, 1)``.

    Raises:
        DownloadError: the file is not here and cannot be fetched.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    found = FILE.reduced((32, 32, 3))
    if found is not None:
        pairs = [(x.transpose(0, 3, 1, 2), y.reshape(-1, 1)) for x, y in (found[:2], found[2:])]
    else:
        names = [f"{FOLDER}/{n}" for n in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")]
        *parts, test = read_batches(FILE.path(), names, "labels")
        pairs = [tuple(map(np.concatenate, zip(*parts, strict=True))), test]
    (x_train, y_train), (x_test, y_test) = pairs
    y_train, y_test = y_train.astype("uint8"), y_test.astype("uint8")
    return (in_data_format(x_train), y_train), (in_data_format(x_test), y_test)
