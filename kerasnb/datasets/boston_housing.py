"""``kerasnb.datasets.boston_housing``: prices of houses in 1978."""

from __future__ import annotations

from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.small import split
from kerasnb.datasets.upstream import GOOGLE, Upstream

__all__ = ["load_data"]

FILE = Upstream(
    "boston_housing", f"{GOOGLE}boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
)  # fmt: skip


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> tuple:
    """506 districts of Boston with 13 numbers each, and the median price of a house in $1000.

    One of the numbers was made from the share of black inhabitants on the assumption that it moves
    prices: for anything but checking old results, `california_housing` is the better choice.

    Args:
        path: the name under which the file is kept.
        test_split: the part of the rows that is for testing.
        seed: draws the order of the rows.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, numbers as the file has them.

    Shape:
        x ``(N, 13)``, y ``(N,)``.

    Raises:
        ArgumentError: `test_split` is not from 0 to below 1.
        DownloadError: the file is not here and cannot be fetched.

    Source: Harrison and Rubinfeld 1978, doi:10.1016/0095-0696(78)90006-2.
    """
    return split(*read_npz(FILE.path(path), ("x", "y")), test_split, seed)
