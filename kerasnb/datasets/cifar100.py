"""``kerasnb.datasets.cifar100``: small colour pictures of a hundred kinds."""

from __future__ import annotations

from kerasnb.datasets.cifar import in_data_format, read_batches
from kerasnb.datasets.upstream import Upstream
from kerasnb.errors import unknown

__all__ = ["load_data"]

FILE = Upstream(
    "cifar100", "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
)  # fmt: skip


def load_data(label_mode: str = "fine") -> tuple:
    """50,000 colour pictures to train and 10,000 to test, of a hundred kinds in twenty groups.

    Args:
        label_mode: ``"fine"`` for labels from 0 to 99, ``"coarse"`` for the groups, 0 to 19.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 from 0 to 255, and int64.

    Shape:
        x ``(N, 32, 32, 3)``, or ``(N, 3, 32, 32)`` where the setting `image_data_format` is
        ``"channels_first"``; y ``(N, 1)``.

    Raises:
        ArgumentError: another `label_mode`.
        DownloadError: the file is not here and cannot be fetched.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    if label_mode not in ("fine", "coarse"):
        raise unknown("label_mode", label_mode, ("fine", "coarse"))
    names = ["cifar-100-python/train", "cifar-100-python/test"]
    (x_train, y_train), (x_test, y_test) = read_batches(FILE.path(), names, f"{label_mode}_labels")
    return (in_data_format(x_train), y_train), (in_data_format(x_test), y_test)
