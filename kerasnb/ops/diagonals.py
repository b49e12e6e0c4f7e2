"""Diagonals of matrices, and matrices made by their diagonals or powers. Imports index, reshaping
and reduce.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from kerasnb.errors import ShapeError, UnknownDimension
from kerasnb.ops.creation import ones_like
from kerasnb.ops.elementwise import where
from kerasnb.ops.index import take
from kerasnb.ops.reduce import sum
from kerasnb.ops.reshaping import expand_dims, flip, moveaxis, pad, ravel, reshape, stack
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["diag", "diagflat", "diagonal", "trace", "vander"]


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal number `offset` of the matrices along two axes, as a new last axis.

    Raises:
        ShapeError: `x` has fewer than two axes, or the two are one.
        UnknownDimension: a length of a matrix is not known yet.
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: expected at least two axes, got {x.spec}.")
    first, second = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    if first == second:
        raise ShapeError(f"diagonal: axis1 and axis2 must differ, got {axis1} and {axis2}.")
    x = moveaxis(x, (first, second), (-2, -1))
    rows, columns = x.shape[-2:]
    if rows is None or columns is None:
        raise UnknownDimension(f"diagonal: the lengths of a matrix must be known, got {x.spec}.")
    start, row = builtins.max(offset, 0), builtins.max(-offset, 0)
    count = builtins.max(0, builtins.min(rows - row, columns - start))
    places = (np.arange(count) + row) * columns + np.arange(count) + start
    flat = reshape(x, (*x.shape[:-2], rows * columns))  # (.., M, N) -> (.., M N)
    return take(flat, places.astype("int32"), -1)


def diag(x: Any, k: int = 0) -> Tensor:
    """A matrix with the vector `x` on its diagonal number `k`; of a matrix, that diagonal.

    Raises:
        ShapeError: `x` is neither a vector nor a matrix.
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: expected a vector or a matrix, got {x.spec}.")
    n = x.shape[0] + builtins.abs(k)
    long = pad(x, ((0, n - x.shape[0]),))
    # element i stands in row i where k >= 0, else in column i
    wide = expand_dims(long, 1 if k >= 0 else 0)
    return where(as_tensor(np.eye(n, k=k, dtype=bool)), wide, 0)


def diagflat(x: Any, k: int = 0) -> Tensor:
    """A matrix with all elements of `x` on its diagonal number `k`."""
    return diag(ravel(x), k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal number `offset` of the matrices along two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element of a vector, as rows (Vandermonde's matrix).

    Args:
        x: a vector.
        N: how many powers, from 0 on; the length of `x` if None.
        increasing: whether the power 0 comes first, not last.

    Raises:
        ShapeError: `x` is no vector.
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got {x.spec}.")
    count = x.shape[0] if N is None else N
    columns = [ones_like(x)]
    for _ in range(1, count):
        columns.append(columns[-1] * x)
    powers = stack(columns[:count], 1) if count else reshape(x, (-1, 1))[:, :0]
    return powers if increasing else flip(powers, 1)
