"""Data to learn from: ``kerasnb.datasets``.

The public sets are fetched once and kept in ``~/.kerasnb/datasets`` (`datasets.upstream` says where
else they are looked for); digits, iris, wine, breast_cancer, diabetes, moons, circles, spirals and
xor need no network.
"""

from kerasnb.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from kerasnb.datasets.small import SETS

breast_cancer = SETS["breast_cancer"]
circles = SETS["circles"]
diabetes = SETS["diabetes"]
digits = SETS["digits"]
iris = SETS["iris"]
moons = SETS["moons"]
spirals = SETS["spirals"]
wine = SETS["wine"]
xor = SETS["xor"]

__all__ = [
    "boston_housing",
    "breast_cancer",
    "california_housing",
    "cifar10",
    "cifar100",
    "circles",
    "diabetes",
    "digits",
    "fashion_mnist",
    "imdb",
    "iris",
    "mnist",
    "moons",
    "reuters",
    "spirals",
    "wine",
    "xor",
]
