"""Functions of `keras.ops`: new tensors, products, linear algebra, transforms, loops, networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import bits, fixed, real, simplex, uniform, whole
from .ops_cases import OPS
from .ops_rows import SPD, SPDS, A, B, M, N, Plain, T, rows

__all__ = ["ALL_OPS"]

# Creation and types

for _name in ["zeros_like", "ones_like", "empty_like"]:
    rows(
        _name,
        [A],
        [N],
        [A, {"dtype": "int32"}],
        shown=(lambda ops, y, given: ops.zeros_like(y)) if "empty" in _name else None,
    )
rows("full_like", [A, 2.5], [N, 3], [A, 2, {"dtype": "int32"}])
for _name in ["zeros", "ones"]:
    rows(_name, [(2, 3)], [(2,), {"dtype": "int32"}], [()])
rows(
    "empty",
    [(2, 3)],
    [(2,), {"dtype": "int32"}],
    [()],
    shown=lambda ops, y, given: ops.zeros_like(y),
)
rows("full", [(2, 3), 1.5], [(2,), 3], [(2, 2), 1, {"dtype": "float32"}])
rows("eye", [3], [2, 4], [3, {"k": 1, "dtype": "int32"}])
rows("identity", [3], [1], [2, {"dtype": "int32"}])
rows("tri", [3], [2, 4, 1], [3, {"k": -1, "dtype": "int32"}])
rows("arange", [5], [1, 7, 2], [0.0, 1.0, 0.25], [3, {"dtype": "float32"}])
rows(
    "linspace",
    [0.0, 1.0, 5],
    [real(2), real(2), 4],
    [0, 10, 5, False],
    [1.0, 2.0, 3, True, True],
    [real(2), real(2), 3, {"axis": -1}],
    grad=False,
)
rows("logspace", [0.0, 2.0, 5], [0, 3, 4, True, 2], [0.0, 1.0, 4, False])
rows("geomspace", [1.0, 8.0, 4], [1, 100, 3], [2.0, 32.0, 4, False])
for _name in ["bartlett", "blackman", "hamming", "hanning"]:
    rows(_name, [5], [8], [1])
rows("kaiser", [5, 2.0], [8, 14.0], [1, 3.0])
rows("array", [[1.0, 2.0]], [[1, 2], {"dtype": "float32"}], [[[True, False]]])
rows("convert_to_tensor", [[1.0, 2.0]], [3], [A, {"dtype": "int32"}])
rows("cast", [A, "int32"], [N, "float32"], [A, "bool"], [T, "float16"])
rows(
    "saturate_cast",
    [fixed([-300.0, 1.5, 300.0]), "int8"],
    [fixed([-5, 300], "int32"), "uint8"],
    [A, "float16"],
)
rows("one_hot", [N, 6], [M, 4, 0], [fixed([-1, 5, 1], "int32"), 3, {"dtype": "int32"}])
rows("multi_hot", [M, 4], [N, 6], [whole(2, 2, 3, high=4), 5])
rows("dtype", [A], [N], [T], shown=lambda ops, y, given: ops.convert_to_tensor(str(y) == "float32"))
rows("ndim", [A], [B], [N])
rows("size", [A], [B], [N])
rows("shape", [A], [B], [N])

# Products

rows(
    "matmul",
    [real(3, 4), real(4, 2)],
    [real(2, 3, 4), real(4)],
    [real(2, 1, 3, 4), real(5, 4, 2)],
    [whole(2, 3, high=3), whole(3, 2, high=3)],
    [real(4), real(2, 4, 3)],
)
rows("dot", [real(3, 4), real(4)], [real(2, 3, 4), real(2, 4, 5)], [real(3), 2.0])
rows(
    "tensordot",
    [real(2, 3, 4), real(3, 4, 5)],
    [A, real(5, 2), 1],
    [real(2, 3, 4), real(4, 2), ((2, 0), (0, 1))],
)
rows("inner", [real(4), real(4)], [real(2, 4), real(3, 4)], [real(3), 2.0])
rows("outer", [real(3), real(4)], [A, real(2)], [N, real(3)])
rows("vdot", [real(4), real(4)], [A, A], [N, N])
rows("kron", [real(2, 3), real(2, 2)], [real(3), real(2)], [real(2, 2), real(3)])
rows(
    "cross",
    [real(4, 3), real(4, 3)],
    [real(3), real(2, 3)],
    [real(3, 4), real(3, 4), {"axis": 0}],
    [real(2, 3), real(2, 2)],
    [real(5, 2), real(5, 2)],
    [real(3, 2), real(2, 3), 0, 1, 0],
)
rows(
    "einsum",
    ["ij,jk->ik", real(3, 4), real(4, 2)],
    ["bij,bkj->bik", real(2, 3, 4), real(2, 5, 4)],
    ["...i,i", real(2, 3), real(3)],
    ["ij->j", A],
)
rows("cdist", [real(4, 3), real(5, 3)], [real(2, 4, 3), real(2, 2, 3)], [real(1, 2), real(6, 2)])

# Linear algebra


def _gram(ops: Any, y: Any, given: list) -> Any:
    """Vectors by their products with themselves, which their signs leave alone."""
    return ops.matmul(y[0], ops.swapaxes(y[0], -1, -2)), ops.absolute(y[1])


def _projections(ops: Any, y: Any, given: list) -> Any:
    values, vectors = y
    return values, ops.square(vectors)


def _singular(ops: Any, y: Any, given: list) -> Any:
    u, s, vh = y
    k = s.shape[-1]
    return s, ops.square(u[..., :k]), ops.square(vh[..., :k, :])


rows("cholesky", [SPD], [SPDS], [SPD, True])
rows("cholesky_inverse", [SPD], [fixed([[2.0, 0.0], [1.0, 3.0]])], [SPD, True])
rows("det", [real(3, 3)], [real(2, 2, 2)], [SPD])
rows("slogdet", [real(3, 3)], [real(2, 4, 4)], [SPD])
rows("logdet", [SPD], [SPDS], [fixed([[2.0]])])
rows("inv", [SPD], [SPDS], [real(2, 3, 3, shift=0.5)], tolerance=1e-4)
rows("pinv", [real(4, 2)], [SPD], [real(2, 3, 5)], tolerance=1e-4)
rows("solve", [SPD, real(3)], [SPDS, real(3, 2, 4)], [SPD, real(3, 2)])
rows(
    "solve_triangular",
    [SPD, real(3), True],
    [SPDS, real(3, 2, 4)],
    [SPD, real(3, 2), {"lower": True}],
)
rows("lstsq", [real(5, 3), real(5)], [real(4, 2), real(4, 3)], [SPD, real(3)], tolerance=1e-4)
rows("lu_factor", [real(3, 3)], [real(4, 4)], [real(2, 3, 3)], tolerance=1e-4)
rows("lu_factor", [real(4, 3)], [real(2, 4)], grad=False)
rows("qr", [real(4, 3)], [SPD, {"mode": "complete"}], [real(2, 3, 2)], shown=_gram, tolerance=1e-4)
rows("qr", [real(2, 4)], [real(4, 2), "complete"], shown=_gram, grad=False)
rows("eigh", [SPD], [SPDS], [fixed([[1.0, 0.3], [0.3, -2.0]])], shown=_projections, tolerance=1e-4)
rows(
    "svd",
    [real(4, 3), False],
    [SPD],
    [real(2, 2, 3), {"full_matrices": False}],
    shown=_singular,
    tolerance=1e-4,
)
rows("svd", [real(4, 3), True], shown=_singular, grad=False)
rows("svd", [real(3, 5), False, False], [SPD, {"compute_uv": False}])
rows("matrix_rank", [SPD], [fixed([[1.0, 2.0], [2.0, 4.0]])], [real(2, 3, 5)], [SPD, 0.5])
rows("norm", [A], [real(7)], [A, {"axis": 1}], [real(2, 3, 4), {"axis": (1, 2)}], [N])
rows("norm", *([A, o, 0] for o in (1, 2, 3, 0.5, np.inf, -np.inf, -1)))
rows("norm", *([A, o] for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)), tolerance=1e-4)
rows("norm", [real(7), 0], [real(2, 3, 4), 1, (0, 2), True])

# Fourier transforms and frames

rows("fft", [(real(5), real(5))], [(real(2, 8), real(2, 8))], [(real(2, 3, 7), real(2, 3, 7))])
for _name in ("fft2", "ifft2"):
    rows(
        _name,
        [(real(4, 5), real(4, 5))],
        [(real(2, 3, 3), real(2, 3, 3))],
        [(real(1, 8), real(1, 8))],
    )
rows("rfft", [real(8)], [real(2, 7)], [real(2, 6), 4], [real(5), 9])
rows(
    "irfft",
    [(real(5), real(5))],
    [(real(2, 4), real(2, 4)), 7],
    [(real(3), real(3)), 8],
    [(real(6), real(6)), 4],
)
rows(
    "stft",
    [real(40), 8, 4, 8],
    [real(2, 50), 6, 3, 9, "hamming"],
    [real(30), 5, 2, 8, None, False],
    [real(33), 8, 3, 16],
)
rows(
    "istft",
    [(real(9, 5), real(9, 5)), 8, 4, 8],
    [(real(2, 8, 5), real(2, 8, 5)), 6, 3, 9, 20, "hamming"],
    [(real(7, 5), real(7, 5)), 8, 2, 8, None, "hann", False],
    tolerance=1e-4,
)
rows("extract_sequences", [real(9), 4, 2], [real(2, 10), 3, 5], [real(2, 2, 6), 6, 1])

# Updates and segments

IDS = fixed([0, 2, 2, 0, 3], "int32")
for _name in ["segment_sum", "segment_max", "segment_min", "segment_prod"]:
    rows(_name, [real(5, 3), IDS, 4], [real(5), IDS, 5], [whole(5, 2, high=5), IDS, 4], grad=False)
    rows(_name, [real(5, 3), IDS, 4], grad=_name in ("segment_sum",))
rows(
    "scatter",
    [fixed([[0], [2], [0]], "int32"), real(3, 2), (4, 2)],
    [fixed([[0, 1], [1, 1]], "int32"), real(2), (3, 2)],
    [fixed([[[1]], [[0]]], "int32"), real(2, 1, 3), (2, 3)],
)
for _how in (None, "add", "max", "min", "mul"):
    rows(
        "scatter_update",
        [A, fixed([[0], [2]], "int32"), real(2, 5), {"reduction": _how}],
        [A, fixed([[0, 1], [2, 4]], "int32"), real(2), {"reduction": _how}],
        grad=_how != "mul",  # which Keras has on no backend
    )
rows("scatter_update", [N, fixed([[1], [5]], "int32"), fixed([9, 8], "int32")])
rows("slice", [A, (1, 0), (2, 5)], [real(2, 3, 4), (0, 1, 2), (2, 2, 2)], [N, (3,), (2,)])
rows(
    "slice_update",
    [A, (1, 2), real(2, 2)],
    [N, (5,), fixed([1, 2], "int32")],
    [B, (0, 0, 1), real(2, 1, 1)],
)

# Loops, choices and functions of functions

rows(
    "cond",
    [True, Plain(lambda: 1.0), Plain(lambda: 2.0)],
    [False, Plain(lambda: 1.0), Plain(lambda: 2.0)],
    [fixed(True, "bool"), Plain(lambda: 3), Plain(lambda: 4)],
    shown=lambda ops, y, given: ops.convert_to_tensor(y),
)
SWITCHED = [Plain(lambda x: x * 2.0), Plain(lambda x: x * x), Plain(lambda x: x - 1.0)]
rows("switch", *([i, SWITCHED, A] for i in (0, 1, 7)))
rows(
    "fori_loop",
    [0, 4, Plain(lambda i, x: x * 1.5), A],
    [2, 5, Plain(lambda i, x: x + 2.0), real(3)],
    [3, 3, Plain(lambda i, x: x * 2.0), real(3)],
)
rows(
    "while_loop",
    [Plain(lambda i, x: i < 3), Plain(lambda i, x: (i + 1, x * 2.0)), (fixed(0, "int32"), A)],
    [Plain(lambda x: x < 30.0), Plain(lambda x: (x * 2.0,)), (fixed(1.0),)],
    [Plain(lambda x: x < 30.0), Plain(lambda x: (x * 2.0,)), (fixed(1.0),), 2],
    grad=False,
)
for _name in ("map", "vectorized_map"):
    rows(
        _name,
        [Plain(lambda x: x * x), A],
        [Plain(lambda x: x + 1), N],
        [Plain(lambda x: x[0] * 2.0), B],
    )
rows(
    "scan",
    [Plain(lambda c, x: (c * 0.5 + x, c)), real(5), A],
    [Plain(lambda c, x: (c + x, c * x)), real(), real(4)],
    [Plain(lambda c, x: (c + x, c * x)), real(), real(4), {"reverse": True}],
)
rows(
    "associative_scan",
    [Plain(lambda a, b: a + b), A],
    [Plain(lambda a, b: a * b), A, {"axis": 1}],
    [Plain(lambda a, b: a + b), real(7), {"reverse": True}],
)

# Networks

rows("normalize", [A], [A, 0], [B, {"axis": 2, "order": 1}], [A, -1, 3])
rows(
    "batch_normalization",
    [A, real(5), uniform(5), -1],
    [real(4, 3), real(4), uniform(4), 0],
    [real(2, 3, 4), real(3), uniform(3), 1, real(3), uniform(3)],
)
rows(
    "layer_normalization",
    [A],
    [real(2, 3, 4), None, None, (1, 2)],
    [A, uniform(5), real(5)],
    [real(4, 3), None, real(4), 0],
)
rows(
    "rms_normalization", [A], [A, uniform(5)], [real(2, 3, 4), {"axis": (1, 2)}], [A, None, 0, 0.1]
)
for _name in ("binary_crossentropy",):
    rows(
        _name, [bits(3, 4), uniform(3, 4)], [bits(5), real(5), True], [uniform(2, 3), uniform(2, 3)]
    )
rows(
    "categorical_crossentropy",
    [simplex(3, 4), simplex(3, 4)],
    [simplex(3, 4), real(3, 4), True],
    [simplex(3, 4), uniform(3, 4, low=0.1), False, 0],
)
rows(
    "sparse_categorical_crossentropy",
    [whole(3, high=4), simplex(3, 4)],
    [whole(3, high=4), real(3, 4), True],
    [whole(3, 1, high=4), simplex(3, 4)],
)
rows(
    "ctc_loss",
    [whole(2, 3, high=4), real(2, 7, 5), fixed([3, 2], "int32"), fixed([7, 6], "int32"), 4],
    [fixed([[1, 1, 2]], "int32"), real(1, 8, 4), fixed([3], "int32"), fixed([8], "int32")],
    [
        fixed([[1, 2], [2, 2]], "int32"),
        real(2, 5, 3),
        fixed([2, 1], "int32"),
        fixed([5, 3], "int32"),
    ],
    tolerance=3e-5,
)
LENGTHS = fixed([6, 4], "int32")
rows(
    "ctc_decode",
    [real(2, 6, 4), LENGTHS],
    [real(2, 6, 4), LENGTHS, {"merge_repeated": False}],
    [real(2, 6, 4), LENGTHS, {"mask_index": 3}],
    [real(2, 6, 4, scale=3.0), LENGTHS, "beam_search", 20, 2],
    [real(2, 6, 3, scale=3.0), fixed([6, 5], "int32"), {"strategy": "beam_search", "top_paths": 3}],
    grad=False,
)
rows(
    "dot_product_attention",
    [real(2, 3, 2, 4), real(2, 5, 2, 4), real(2, 5, 2, 4)],
    [real(1, 3, 4, 2), real(1, 3, 2, 2), real(1, 3, 2, 2)],
    [real(2, 3, 2, 4), real(2, 3, 2, 4), real(2, 3, 2, 4), {"is_causal": True}],
)
rows(
    "adaptive_average_pool",
    [real(2, 7, 3), 3],
    [real(1, 5, 6, 2), (2, 4)],
    [real(1, 2, 5, 4), 3, "channels_first"],
    [real(1, 3, 4, 5, 1), 2],
)
rows(
    "adaptive_max_pool",
    [real(2, 7, 3), 3],
    [real(1, 5, 6, 2), (2, 4)],
    [real(1, 2, 5, 4), 3, "channels_first"],
    [real(1, 3, 4, 5, 1), 2],
)
for _name in ("max_pool", "average_pool"):
    rows(
        _name,
        [real(2, 7, 3), 2],
        [real(1, 5, 6, 2), (2, 3), 1, "same"],
        [real(1, 2, 5, 4), 2, 2, "valid", "channels_first"],
    )
rows(
    "conv",
    [real(2, 7, 3), real(3, 3, 4)],
    [real(1, 6, 5, 2), real(3, 2, 2, 3), 2, "same"],
    [real(1, 6, 5, 2), real(2, 2, 2, 3), 1, "valid", None, 2],
)
rows(
    "conv_transpose",
    [real(2, 4, 3), real(3, 2, 3)],
    [real(1, 3, 3, 2), real(3, 3, 4, 2), 2, "same"],
    [real(1, 3, 4, 2), real(2, 2, 3, 2), 2],
)
rows(
    "depthwise_conv",
    [real(2, 7, 3), real(3, 3, 2)],
    [real(1, 6, 5, 2), real(3, 2, 2, 1), 2, "same"],
    [real(1, 6, 5, 2), real(2, 2, 2, 2)],
)
rows(
    "separable_conv",
    [real(2, 7, 3), real(3, 3, 2), real(1, 6, 4)],
    [real(1, 6, 5, 2), real(3, 2, 2, 1), real(1, 1, 2, 3), 2, "same"],
    [real(1, 6, 5, 2), real(2, 2, 2, 2), real(1, 1, 4, 3)],
)
rows(
    "unfold",
    [real(2, 3, 4, 5), 2],
    [real(1, 2, 5, 5), (2, 3), 1, 1, 2],
    [real(1, 1, 6, 6), 2, 2, 0, 1],
)
rows(
    "fold",
    [real(2, 12, 12), (4, 5), 2],
    [real(1, 12, 9), (5, 5), (2, 3), 1, 1, 2],
    [real(1, 4, 16), 6, 2, 2, 0, 1],
)

ALL_OPS = OPS
