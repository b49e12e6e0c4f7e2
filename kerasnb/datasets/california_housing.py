"""``kerasnb.datasets.california_housing``: prices of houses in 1990."""

from __future__ import annotations

from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.small import split
from kerasnb.datasets.upstream import GOOGLE, Upstream
from kerasnb.errors import unknown

__all__ = ["load_data"]

FILE = Upstream(
    "california_housing", f"{GOOGLE}california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
)  # fmt: skip


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple:
    """20,640 blocks of California with 8 numbers each, and the median price of a house in dollars.

    The numbers are longitude, latitude, median age of the houses, rooms, bedrooms, inhabitants,
    households and median income.

    Args:
        version: ``"large"``, or ``"small"`` for 600 blocks around San Francisco.
        path: the name under which the file is kept.
        test_split: the part of the rows that is for testing.
        seed: draws the order of the rows.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, numbers as the file has them.

    Shape:
        x ``(N, 8)``, y ``(N,)``.

    Raises:
        ArgumentError: another `version`, or `test_split` is not from 0 to below 1.
        DownloadError: the file is not here and cannot be fetched.

    Source: Pace and Barry 1997, doi:10.1016/S0167-7152(96)00140-X.
    """
    if version not in ("large", "small"):
        raise unknown("version", version, ("large", "small"))
    x, y = read_npz(FILE.path(path), ("x", "y"))
    rows = slice(600 if version == "small" else None)
    return split(x[rows], y[rows], test_split, seed)
