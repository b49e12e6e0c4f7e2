"""Linear algebra: ``kerasnb.ops.linalg``, as Keras 3 has it. A page of names."""

from kerasnb.ops.decompositions import (
    cholesky,
    cholesky_inverse,
    det,
    eigh,
    inv,
    lstsq,
    lu_factor,
    matrix_rank,
    norm,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)
from kerasnb.ops.gradients import (
    jvp,
)
from kerasnb.ops.operation import page

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eigh", "inv", "jvp", "lstsq", "lu_factor",
    "matrix_rank", "norm", "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip

page(globals())
