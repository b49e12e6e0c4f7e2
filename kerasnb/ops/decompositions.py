"""Matrices taken apart, and equations solved with them: the routines of LAPACK as ops.

Each works on the last two axes of its input, any others being a batch. The gradients are those of
M. Giles (2008), "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation", and for `lu` and `qr` those of S. Walter and L. Lehmann (2010),
"Algorithmic differentiation of linear algebra functions". Imports products, diagonals and reduce.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.op import Sample, primitive
from kerasnb.ops.creation import eye, tril, triu
from kerasnb.ops.elementwise import absolute, cast, equal, power, sqrt, square, where
from kerasnb.ops.products import matmul
from kerasnb.ops.reduce import max, min, sum
from kerasnb.ops.reshaping import broadcast_to, expand_dims, moveaxis, squeeze, swapaxes
from kerasnb.spec import TensorSpec, broadcast_shapes, is_float, normalize_axes
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eigh", "inv", "logdet", "lstsq", "lu_factor",
    "matrix_rank", "norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip

_SQUARE = np.array([[4.0, 1.0, -0.5], [1.0, 3.0, 0.7], [-0.5, 0.7, 2.0]])
_BATCH = np.stack([_SQUARE, _SQUARE[::-1, ::-1] + 0.3 * np.eye(3)])
_TALL = np.array([[1.0, 0.3], [-0.4, 2.0], [0.8, 0.1], [0.5, -1.5]])


def _t(x: Tensor) -> Tensor:
    """(.., M, N) -> (.., N, M)"""
    return swapaxes(x, -2, -1)


def _matrix(name: str, x: Any, square: bool = True) -> Tensor:
    """`x` as a float tensor of matrices; float16 has no routine, and becomes float32.

    Raises:
        ShapeError: it has fewer than two axes, or is not square where it has to be.
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected a matrix or a batch of them, got {x.spec}.")
    if square and x.shape[-2] != x.shape[-1] and None not in x.shape[-2:]:
        raise ShapeError(f"{name}: expected square matrices, got {x.spec}.")
    if not is_float(x.dtype):
        return cast(x, config.floatx())
    return cast(x, "float32") if x.dtype == "float16" else x


def _least(a: int | None, b: int | None) -> int | None:
    """The smaller of two lengths; None if one is not known."""
    return None if a is None or b is None else builtins.min(a, b)


def _symmetric(x: Any) -> Any:
    """The symmetric part, of an array or a tensor."""
    return (x + (_t(x) if isinstance(x, Tensor) else x.swapaxes(-2, -1))) * 0.5


# Triangles


def _cholesky_vjp(g, y, x):
    inner = matmul(_t(y), g)
    half = tril(inner) - 0.5 * _on_diagonal(inner)
    return _symmetric(solve(_t(y), _t(solve(_t(y), _t(half)))))


def _on_diagonal(x: Tensor) -> Tensor:
    return tril(triu(x))


@primitive(
    "cholesky",
    kind="library",
    infer=lambda x: x,
    vjp=[_cholesky_vjp],
    samples=[Sample((_SQUARE,)), Sample((_BATCH,))],
)
def _cholesky(xp, x):
    return xp.linalg.cholesky(_symmetric(x))


def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangle L with x = L Lᵀ of symmetric, positive definite matrices.

    Only the symmetric part of `x` counts.

    Args:
        x: ``(.., N, N)``.
        upper: whether to give Lᵀ.

    Raises:
        ShapeError: `x` is not square.
        numpy.linalg.LinAlgError: a matrix is not positive definite.
    """
    lower = apply(_cholesky, _matrix("cholesky", x))
    return _t(lower) if upper else lower


def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of a matrix of which `x` is the Cholesky factor.

    Args:
        x: ``(.., N, N)``, a triangle.
        upper: whether it is the upper one.
    """
    x = _matrix("cholesky_inverse", x)
    inverse = inv(triu(x) if upper else tril(x))
    return matmul(inverse, _t(inverse)) if upper else matmul(_t(inverse), inverse)


def _lu_vjp(g, y, x):
    factors, order = y[0], y[1]
    if x.shape[-2] != x.shape[-1]:
        raise ShapeError(f"The gradient of lu_factor needs square matrices, got {x.spec}.")
    lower, upper = tril(factors, -1) + eye(x.shape[-1], dtype=x.dtype), triu(factors)
    inner = tril(matmul(_t(lower), tril(g[0], -1)), -1) + triu(matmul(triu(g[0]), _t(upper)))
    permuted = solve(_t(lower), _t(solve(upper, _t(inner))))
    return [matmul(_t(_permutation(order, x.shape[-1], x.dtype)), permuted)]


def _permutation(pivots: Tensor, n: int, dtype: str) -> Tensor:
    """The matrix P with P x = L U, from the rows that were exchanged one after another."""
    rows = broadcast_to(eye(n, dtype=dtype), (*pivots.shape[:-1], n, n))
    places = as_tensor(np.arange(n), "int32")
    for k in range(pivots.shape[-1]):
        other = pivots[..., k : k + 1]
        kth = equal(places, k)
        here = where(kth, other, where(equal(places, other), k, places))  # (.., n)
        swap = cast(equal(expand_dims(here, -1), places), dtype)  # (.., n, n)
        rows = matmul(swap, rows)
    return rows


@primitive(
    "lu",
    kind="library",
    infer=lambda x: (
        x,
        TensorSpec((*x.shape[:-2], _least(*x.shape[-2:])), "int32"),
    ),
    vjp=_lu_vjp,
    samples=[Sample((_SQUARE[::-1].copy(),)), Sample((_BATCH,))],
)
def _lu(xp, x):
    a = x.reshape((-1, *x.shape[-2:])).copy()
    count, rows, columns = a.shape
    pivots = xp.zeros((count, builtins.min(rows, columns)), "int32")
    batch = xp.arange(count)
    for k in range(pivots.shape[1]):
        best = xp.argmax(xp.abs(a[:, k:, k]), 1) + k
        pivots[:, k] = best
        kth, other = a[:, k].copy(), a[batch, best]
        a[batch, best] = kth
        a[:, k] = other
        pivot = a[:, k, k][:, None]
        a[:, k + 1 :, k] /= xp.where(pivot == 0, xp.ones_like(pivot), pivot)
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    return a.reshape(x.shape), pivots.reshape((*x.shape[:-2], -1))


def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """Triangles L and U with P x = L U, where P exchanges rows.

    Args:
        x: ``(.., M, N)``; the gradient is for square matrices.

    Returns:
        L below the diagonal (its own is 1) and U from it on, in one matrix of the shape of `x`; and
        int32 pivots ``(.., min(M, N))``: row i was exchanged with row ``pivots[i]``.
    """
    return apply(_lu, _matrix("lu_factor", x, square=False))


def _qr_spec(x: TensorSpec, *, complete: bool) -> tuple:
    m, n = x.shape[-2:]
    k = m if complete else _least(m, n)
    lead = x.shape[:-2]
    return x.with_shape((*lead, m, k)), x.with_shape((*lead, k, n))


def _qr_vjp(g, y, x, *, complete):
    (q, r), (m, n) = y, x.shape[-2:]
    if m < n or (complete and m != n):
        raise ShapeError(
            f"The gradient of qr needs matrices that are not wider than high, and mode='reduced', "
            f"got {x.spec}."
        )
    g_q = q * 0.0 if g[0] is None else g[0]
    inner = -matmul(_t(g_q), q) if g[1] is None else matmul(r, _t(g[1])) - matmul(_t(g_q), q)
    both = tril(inner) + _t(tril(inner, -1))
    return [_t(solve(r, _t(g_q + matmul(q, both))))]


@primitive(
    "qr",
    kind="library",
    infer=_qr_spec,
    vjp=_qr_vjp,
    samples=[Sample((_SQUARE,), {"complete": True}), Sample((_TALL,), {"complete": False})],
)
def _qr(xp, x, *, complete):
    return tuple(xp.linalg.qr(x, mode="complete" if complete else "reduced"))


def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Q with orthonormal columns and an upper triangle R, with x = Q R.

    Args:
        x: ``(.., M, N)``.
        mode: ``"reduced"``: Q is ``(.., M, min(M, N))``; or ``"complete"``: ``(.., M, M)``.

    Raises:
        ArgumentError: another mode.
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr: expected mode 'reduced' or 'complete', got {mode!r}.")
    return apply(_qr, _matrix("qr", x, square=False), complete=mode == "complete")


# Equations


def _solve_vjp(g, y, a, b):
    g_b = apply(_solve, _t(a), g)
    return [-matmul(g_b, _t(y)), g_b]


def _solve_spec(a: TensorSpec, b: TensorSpec) -> TensorSpec:
    if a.shape[-1] != b.shape[-2] and None not in (a.shape[-1], b.shape[-2]):
        raise ShapeError(f"solve: {a.shape} and {b.shape} differ in the number of equations.")
    return b


@primitive(
    "solve",
    kind="library",
    infer=_solve_spec,
    vjp=_solve_vjp,
    casts="promote",
    samples=[Sample((_SQUARE, (3, 2))), Sample((_BATCH, (2, 3, 1)))],
)
def _solve(xp, a, b):
    return xp.linalg.solve(a, b)


def solve(a: Any, b: Any) -> Tensor:
    """The x with a x = b.

    Args:
        a: ``(.., N, N)``.
        b: ``(.., N, K)``, or ``(.., N)`` for one right side.

    Raises:
        ShapeError: the shapes do not fit.
        numpy.linalg.LinAlgError: a matrix is singular.
    """
    a, b = _matrix("solve", a), as_tensor(b)
    if b.ndim == a.ndim - 1:
        return squeeze(solve(a, expand_dims(b, -1)), -1)
    b = _matrix("solve", b, square=False)
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = broadcast_to(a, (*lead, *a.shape[-2:]))
    return apply(_solve, a, broadcast_to(b, (*lead, *b.shape[-2:])))


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The x with a x = b, where `a` is a triangle: what lies on its other side does not count.

    Args:
        a: ``(.., N, N)``.
        b: ``(.., N, K)``, or ``(.., N)`` for one right side.
        lower: whether it is the lower triangle.
    """
    a = _matrix("solve_triangular", a)
    return solve(tril(a) if lower else triu(a), b)


def inv(x: Any) -> Tensor:
    """The inverse of each matrix."""
    x = _matrix("inv", x)
    return solve(x, broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape))


@primitive(
    "determinant",
    kind="library",
    infer=lambda x: x.with_shape(x.shape[:-2]),
    vjp=[lambda g, y, x: expand_dims(g * y, (-2, -1)) * _t(inv(x))],
    samples=[Sample((_SQUARE,)), Sample((_BATCH,))],
)
def _det(xp, x):
    return xp.linalg.det(x)


def det(x: Any) -> Tensor:
    """The determinant of each square matrix."""
    return apply(_det, _matrix("det", x))


def _slogdet_vjp(g, y, x):
    return [None if g[1] is None else expand_dims(g[1], (-2, -1)) * _t(inv(x))]


@primitive(
    "slogdet",
    kind="library",
    infer=lambda x: (x.with_shape(x.shape[:-2]),) * 2,
    vjp=_slogdet_vjp,
    samples=[Sample((_SQUARE,)), Sample((-_BATCH,))],
)
def _slogdet(xp, x):
    return tuple(xp.linalg.slogdet(x))


def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant of each square matrix, and the logarithm of its size."""
    return apply(_slogdet, _matrix("slogdet", x))


def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of symmetric, positive definite matrices."""
    return slogdet(x)[1]


# Spectra


def _differences(values: Tensor) -> Tensor:
    """1 / (v_j - v_i), and 0 on the diagonal."""
    gaps = expand_dims(values, -2) - expand_dims(values, -1)
    n = values.shape[-1]
    same = as_tensor(np.eye(n, dtype=bool))
    return where(same, 0.0, 1.0 / where(same, 1.0, gaps))


def _eigh_vjp(g, y, x):
    values, vectors = y
    inner = None if g[1] is None else _differences(values) * matmul(_t(vectors), g[1])
    if g[0] is not None:
        own = expand_dims(g[0], -1) * eye(x.shape[-1], dtype=x.dtype)
        inner = own if inner is None else inner + own
    return [_symmetric(matmul(matmul(vectors, inner), _t(vectors)))]


@primitive(
    "eigh",
    kind="library",
    infer=lambda x: (x.with_shape(x.shape[:-1]), x),
    vjp=_eigh_vjp,
    samples=[Sample((_SQUARE,)), Sample((_BATCH,))],
)
def _eigh(xp, x):
    return tuple(xp.linalg.eigh(_symmetric(x)))


def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues of symmetric matrices, rising, and their eigenvectors as columns.

    Only the symmetric part of `x` counts.
    """
    return apply(_eigh, _matrix("eigh", x))


def _svd_spec(x: TensorSpec, *, full: bool) -> tuple:
    (m, n), lead = x.shape[-2:], x.shape[:-2]
    k = _least(m, n)
    return (
        x.with_shape((*lead, m, m if full else k)),
        x.with_shape((*lead, k)),
        x.with_shape((*lead, n if full else k, n)),
    )


def _svd_vjp(g, y, x, *, full):
    (u, s, vh), (m, n) = y, x.shape[-2:]
    if full and m != n:
        if g[0] is not None or g[2] is not None:
            raise ShapeError(
                f"The gradient of svd needs full_matrices=False for matrices that are not square, "
                f"got {x.spec}."
            )
        u, vh = u[..., : s.shape[-1]], vh[..., : s.shape[-1], :]
    own = eye(s.shape[-1], dtype=x.dtype)
    inner = own * 0.0 if g[1] is None else expand_dims(g[1], -1) * own
    column, row = expand_dims(s, -1), expand_dims(s, -2)
    gaps, v = _differences(square(s)), _t(vh)
    outer = None
    if g[0] is not None:
        turned = gaps * matmul(_t(u), g[0])
        inner = inner + (turned + _t(turned)) * row
        rest = (g[0] - matmul(u, matmul(_t(u), g[0]))) / row
        outer = matmul(rest, vh)
    if g[2] is not None:
        g_v = _t(g[2])
        turned = gaps * matmul(vh, g_v)
        inner = inner + column * (turned + _t(turned))
        rest = (g_v - matmul(v, matmul(vh, g_v))) / row
        other = matmul(u, _t(rest))
        outer = other if outer is None else outer + other
    total = matmul(matmul(u, inner), vh)
    return [total if outer is None else total + outer]


@primitive(
    "svd",
    kind="library",
    infer=_svd_spec,
    vjp=_svd_vjp,
    samples=[Sample((_SQUARE,), {"full": True}), Sample((_TALL,), {"full": False})],
)
def _svd(xp, x, *, full):
    return tuple(xp.linalg.svd(x, full_matrices=full))


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, the singular values s, falling, and Vᵀ, with x = U diag(s) Vᵀ.

    Args:
        x: ``(.., M, N)``.
        full_matrices: whether U and Vᵀ are square; their gradients are for False, or square `x`.
        compute_uv: whether to give more than s.

    Returns:
        ``(U, s, Vᵀ)``, or s alone.
    """
    parts = apply(_svd, _matrix("svd", x, square=False), full=full_matrices and compute_uv)
    return parts if compute_uv else parts[1]


def _noise(x: Tensor, factor: float = 1.0) -> float:
    """What rounding leaves of a singular value that is 0, as a part of the largest."""
    return factor * builtins.max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)


def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The pseudo-inverse (Moore and Penrose): (.., M, N) -> (.., N, M).

    Args:
        x: matrices.
        rcond: singular values below this part of the largest count as 0.
    """
    x = _matrix("pinv", x, square=False)
    u, s, vh = svd(x, full_matrices=False)
    least = max(s, -1, keepdims=True) * (_noise(x, 10.0) if rcond is None else rcond)
    kept = s > least
    inverse = where(kept, 1.0 / where(kept, s, 1.0), 0.0)
    return matmul(_t(vh) * expand_dims(inverse, -2), _t(u))


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The shortest x for which a x is nearest to b.

    Args:
        a: ``(M, N)``.
        b: ``(M, K)`` or ``(M,)``.
        rcond: singular values of `a` below this part of the largest count as 0.
    """
    a, b = _matrix("lstsq", a, square=False), as_tensor(b)
    inverse = pinv(a, _noise(a) if rcond is None else rcond)
    if b.ndim == a.ndim - 1:
        return squeeze(matmul(inverse, expand_dims(b, -1)), -1)
    return matmul(inverse, b)


def matrix_rank(x: Any, tol: float | None = None) -> Tensor:
    """How many singular values are above `tol`, int32; if None, above what rounding may leave."""
    x = _matrix("matrix_rank", x, square=False)
    s = svd(x, compute_uv=False)
    least = max(s, -1, keepdims=True) * _noise(x) if tol is None else tol
    return sum(cast(s > least, "int32"), -1)


# Norms


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The length of vectors or the size of matrices.

    Args:
        x: a tensor; whole numbers become floats.
        ord: None is the root of the sum of squares. Of vectors: a number p, also 0, inf and -inf.
            Of matrices: 1, -1, 2, -2, inf, -inf, ``"fro"`` or ``"nuc"``.
        axis: one axis for vectors, two for matrices; None takes all of `x`.
        keepdims: whether the axes stay, with length 1.

    Raises:
        ArgumentError: there is no such norm.
    """
    x = as_tensor(x)
    x = x if is_float(x.dtype) else cast(x, config.floatx())
    if axis is None and (
        ord is None or (ord == 2 and x.ndim == 1) or (ord == "fro" and x.ndim == 2)
    ):
        return sqrt(sum(square(x), None, keepdims))
    axes = normalize_axes(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        own = tuple(a % x.ndim for a in axis) if axis is not None else axes
        return _matrix_norm(x, ord, own, keepdims)
    raise ArgumentError(f"norm: expected one axis or two, got axis={axis} for {x.spec}.")


def _vector_norm(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if ord is None or ord == 2:
        return sqrt(sum(square(x), axis, keepdims))
    if isinstance(ord, str):
        raise ArgumentError(f"norm: expected a number as ord of vectors, got {ord!r}.")
    if ord == math.inf:
        return max(absolute(x), axis, keepdims)
    if ord == -math.inf:
        return min(absolute(x), axis, keepdims)
    if ord == 0:
        return sum(cast(cast(x, "bool"), x.dtype), axis, keepdims)
    if ord == 1:
        return sum(absolute(x), axis, keepdims)
    return power(sum(power(absolute(x), float(ord)), axis, keepdims), 1.0 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple, keepdims: bool) -> Tensor:
    row, column = axes
    if ord in (None, "fro"):
        return sqrt(sum(square(x), axes, keepdims))
    if ord in (1, -1, math.inf, -math.inf):
        first, second = (row, column) if ord in (1, -1) else (column, row)
        sums = sum(absolute(x), first, keepdims=True)
        y = (max if ord > 0 else min)(sums, second, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        y = sum(s, -1) if ord == "nuc" else (max if ord == 2 else min)(s, -1)
        y = expand_dims(y, sorted(axes))
    else:
        raise ArgumentError(f"norm: a matrix has no norm of ord {ord!r}.")
    return y if keepdims else squeeze(y, axes)
