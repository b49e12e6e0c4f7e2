"""Seeded arrays: each function returns a drawing, which a case calls with its own generator."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

__all__ = ["Draw", "bits", "fixed", "one_hot", "real", "rng_of", "simplex", "uniform", "weight"]
__all__ += ["whole"]

Draw = Callable[[np.random.Generator], np.ndarray]


def rng_of(name: str) -> np.random.Generator:
    """Return the generator of the case `name`."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def real(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Draw:
    """Normal numbers."""
    return lambda rng: (shift + scale * rng.standard_normal(shape)).astype("float32")


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Draw:
    """Uniform numbers from `low` to `high`."""
    return lambda rng: rng.uniform(low, high, shape).astype("float32")


def whole(*shape: int, high: int, dtype: str = "int32") -> Draw:
    """Whole numbers from 0 to `high` - 1."""
    return lambda rng: rng.integers(0, high, shape).astype(dtype)


def bits(*shape: int, dtype: str = "float32") -> Draw:
    """Zeros and ones."""
    return whole(*shape, high=2, dtype=dtype)


def one_hot(*shape: int) -> Draw:
    """Rows with one 1; the last dimension is the number of classes."""
    return lambda rng: np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]


def simplex(*shape: int) -> Draw:
    """Positive rows that sum to 1."""
    return lambda rng: rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype("float32")


def fixed(values: object, dtype: str = "float32") -> Draw:
    """Given numbers."""
    return lambda rng: np.asarray(values, dtype)


def weight(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a value for the weight `name`: variances and scales positive, the rest normal."""
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return (0.5 * rng.standard_normal(shape)).astype("float32")
