"""What ops say of arguments that they cannot take: the whole text, eager and traced alike."""

import numpy as np
import pytest

from kerasnb import Input, grad, ops
from kerasnb.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    ShapeError,
    UnknownDimension,
)

X = np.ones((2, 3), "float32")
V = np.ones(4, "float32")
I = np.array([1, 2], "int32")  # noqa: E741

ERRORS = {
    # linear algebra
    "a vector has no determinant": (
        lambda: ops.det(V), ShapeError, "det: expected a matrix or a batch of them, got f32[4].",
    ),
    "inverse of a wide matrix": (
        lambda: ops.inv(X), ShapeError, "inv: expected square matrices, got f32[2,3].",
    ),
    "equations that do not fit": (
        lambda: ops.solve(np.eye(3), X), ShapeError,
        "solve: (3, 3) and (2, 3) differ in the number of equations.",
    ),
    "mode of qr": (
        lambda: ops.qr(X, "raw"), ArgumentError,
        "qr: expected mode 'reduced' or 'complete', got 'raw'.",
    ),
    "norm of matrices": (
        lambda: ops.norm(X, 3), ArgumentError, "norm: a matrix has no norm of ord 3.",
    ),
    "norm of vectors": (
        lambda: ops.norm(V, "nuc"), ArgumentError,
        "norm: expected a number as ord of vectors, got 'nuc'.",
    ),
    "norm over three axes": (
        lambda: ops.norm(np.ones((2, 2, 2)), 1), ArgumentError,
        "norm: expected one axis or two, got axis=None for f64[2,2,2].",
    ),
    "diagonal of a vector": (
        lambda: ops.diagonal(V), ShapeError, "diagonal: expected at least two axes, got f32[4].",
    ),
    "diagonal of one axis": (
        lambda: ops.trace(X, 0, 1, -1), ShapeError,
        "diagonal: axis1 and axis2 must differ, got 1 and -1.",
    ),
    "diagonal of what is not known": (
        lambda: ops.diagonal(Input((3,))), UnknownDimension,
        "diagonal: the lengths of a matrix must be known, got f32[?,3].",
    ),
    "diag of a cube": (
        lambda: ops.diag(np.ones((2, 2, 2))), ShapeError,
        "diag: expected a vector or a matrix, got f64[2,2,2].",
    ),
    "vander of a matrix": (
        lambda: ops.vander(X), ShapeError, "vander: expected a vector, got f32[2,3].",
    ),
    "cross product in four dimensions": (
        lambda: ops.cross(V, V), ShapeError,
        "cross: expected vectors of length 2 or 3, got (4,) and (4,).",
    ),
    "distances of other rows": (
        lambda: ops.cdist(X, X.T), ShapeError,
        "cdist: expected rows of one length, got (2, 3) and (3, 2).",
    ),
    # transforms
    "fft of one tensor": (
        lambda: ops.fft(X), ArgumentError, "fft: expected a pair (real, imaginary), got ndarray.",
    ),
    "fft of parts that differ": (
        lambda: ops.fft((X, V)), ShapeError,
        "fft: expected two parts of one shape with at least 1 axes, got (2, 3) and (4,).",
    ),
    "fft of whole numbers": (
        lambda: ops.fft((I, I)), DTypeError, "fft: expected float parts, got i32[2].",
    ),
    "stft of whole numbers": (
        lambda: ops.stft(I, 2, 1, 2), DTypeError, "stft: expected float32 or float64, got i32[2].",
    ),
    "window longer than its part": (
        lambda: ops.stft(V, 4, 1, 2), ArgumentError,
        "stft: expected a fft_length of at least sequence_length=4, got 2.",
    ),
    "window of that name": (
        lambda: ops.stft(V, 2, 1, 2, "han"), ArgumentError,
        "Unknown window of stft 'han'. Did you mean 'hann' or 'hamming'?",
    ),
    "window of another length": (
        lambda: ops.istft((X, X), 3, 1, 4, window=V), ShapeError,
        "istft: expected a window of shape (3,), got (4,).",
    ),
    # shapes
    "rearrange without an arrow": (
        lambda: ops.rearrange(X, "a b"), ArgumentError, "rearrange: expected one '->' in 'a b'.",
    ),
    "rearrange with signs": (
        lambda: ops.rearrange(X, "a+b -> b a"), ArgumentError,
        "rearrange: 'a+b -> b a' cannot be read at '+'.",
    ),
    "rearrange of other axes": (
        lambda: ops.rearrange(X, "a b c -> a"), ArgumentError,
        "rearrange: 'a b c -> a' does not fit f32[2,3].",
    ),
    "rearrange that drops an axis": (
        lambda: ops.rearrange(X, "a b -> a"), ArgumentError,
        "rearrange: 'a b -> a' must name each axis once on either side.",
    ),
    "rearrange with a wrong length": (
        lambda: ops.rearrange(X, "a (b c) -> a b c", b=2), ArgumentError,
        "rearrange: an axis of length 3 of f32[2,3] is not (b c) in 'a (b c) -> a b c' with the "
        "lengths {'b': 2, 'a': 2}.",
    ),
    "blocks that do not divide": (
        lambda: ops.space_to_depth(np.ones((1, 3, 4, 1)), 2), ShapeError,
        "space_to_depth: 3 x 4 pixels do not divide by block_size=2.",
    ),
    "channels that do not divide": (
        lambda: ops.depth_to_space(np.ones((1, 3, 4, 3)), 2), ShapeError,
        "depth_to_space: 3 channels do not divide by block_size ** 2 = 4.",
    ),
    "images without channels": (
        lambda: ops.space_to_depth(X, 2), ShapeError,
        "space_to_depth: expected images with four axes, got f32[2,3].",
    ),
    "turn of a vector": (
        lambda: ops.rot90(V), ShapeError,
        "rot90: expected two axes of a tensor, got axes=(0, 1) and f32[4].",
    ),
    "no parts": (
        lambda: ops.array_split(V, 0), ArgumentError,
        "array_split: expected 1 part or more, got 0.",
    ),
    "view of bytes that are too few": (
        lambda: ops.view(np.ones(3, "int8"), "int32"), ShapeError,
        "view: the last axis of i8[3] does not divide into numbers of int32.",
    ),
    "columns of other images": (
        lambda: ops.fold(np.ones((1, 4, 5)), 4, 2), ShapeError,
        "fold: expected (N, C * 4, 9) for images of (4, 4), got f64[1,4,5].",
    ),
    "windows of a matrix": (
        lambda: ops.unfold(X, 2), ShapeError, "unfold: expected images (N, C, H, W), got f32[2,3].",
    ),
    "window that does not fit": (
        lambda: ops.unfold(np.ones((1, 1, 2, 2)), 3), ShapeError,
        "unfold: no window of (3, 3) fits into (2, 2).",
    ),
    "adaptive pooling without space": (
        lambda: ops.adaptive_max_pool(X, 2), ShapeError,
        "adaptive_max_pool: expected 3 to 5 axes, got f32[2,3].",
    ),
    "adaptive pooling over what is not known": (
        lambda: ops.adaptive_average_pool(Input((None, 3)), 2), UnknownDimension,
        "adaptive_average_pool: axis 1 of f32[?,?,3] is not known yet.",
    ),
    # order, counts and conditions
    "nonzero later": (
        lambda: ops.nonzero(Input((3,))), GraphError,
        "nonzero: the shape of its result depends on the data, but this f32[?,3] is symbolic: it "
        "stands for data that comes later. Use ops.where, ops.top_k or another op whose shape is "
        "known, or compile(run_eagerly=True).",
    ),
    "bincount later": (
        lambda: ops.bincount(Input((), dtype="int32")), GraphError,
        "bincount: the length of its result depends on the data, but this i32[?] is symbolic. Use "
        "ops.sum of ops.one_hot, whose length is known.",
    ),
    "sparse counts": (
        lambda: ops.bincount(I, sparse=True), ArgumentError,
        "bincount: sparse tensors are not supported; use sparse=False.",
    ),
    "where with one choice": (
        lambda: ops.where(X, X), ArgumentError, "where: expected both x1 and x2, or neither.",
    ),
    "conditions without choices": (
        lambda: ops.select([X > 0], []), ArgumentError,
        "select: expected as many choices as conditions, got 1 conditions and 0 choices.",
    ),
    "search in a matrix": (
        lambda: ops.searchsorted(X, V), ShapeError,
        "searchsorted: expected a vector to search in, got f32[2,3].",
    ),
    "side of a search": (
        lambda: ops.searchsorted(V, V, "lef"), ArgumentError,
        "Unknown side of searchsorted 'lef'. Did you mean 'left'?",
    ),
    "place in an order": (
        lambda: ops.argpartition(V, 4), ArgumentError,
        "argpartition: kth=4 is out of range for 4 elements.",
    ),
    "method of quantile": (
        lambda: ops.quantile(V, 0.5, method="linea"), ArgumentError,
        "Unknown method of quantile 'linea'. Did you mean 'linear'?",
    ),
    "no bins": (
        lambda: ops.histogram(V, 0), ArgumentError,
        "histogram: expected 1 bin or more, got bins=0.",
    ),
    "falling range": (
        lambda: ops.histogram(V, 2, (3, 1)), ArgumentError,
        "histogram: expected a rising range, got (3.0, 1.0).",
    ),
    "weights of another shape": (
        lambda: ops.average(X, weights=V), ShapeError,
        "average: expected weights of shape (2, 3), or a vector along one axis, got (4,).",
    ),
    "correlation of matrices": (
        lambda: ops.correlate(X, V), ShapeError,
        "correlate: expected two vectors, got f32[2,3] and f32[4].",
    ),
    "mode of correlate": (
        lambda: ops.correlate(V, V, "sam"), ArgumentError,
        "Unknown mode of correlate 'sam'. Did you mean 'same'?",
    ),
    "negative difference": (
        lambda: ops.diff(V, -1), ArgumentError, "diff: expected n of 0 or more, got -1.",
    ),
    "noise of another signal": (
        lambda: ops.psnr(X, V, 1.0), ShapeError,
        "psnr: expected two signals of one shape, got (2, 3) and (4,).",
    ),
    "fewer than no numbers": (
        lambda: ops.linspace(0.0, 1.0, -1), ArgumentError,
        "linspace: expected num of 0 or more, got -1.",
    ),
    "bits of floats": (
        lambda: ops.bitwise_not(V), DTypeError, "bitwise_not: expected whole numbers, got f32[4].",
    ),
    # updates
    "reduction": (
        lambda: ops.scatter_update(V, [[0]], [1.0], "ad"), ArgumentError,
        "Unknown reduction of scatter_update 'ad'. Did you mean 'add'?",
    ),
    "values of another shape": (
        lambda: ops.scatter([[0], [1]], V, (3, 2)), ShapeError,
        "scatter: expected values of shape (2, 2), got f32[4].",
    ),
    "places with too many positions": (
        lambda: ops.scatter([[0, 1]], [1.0], (3,)), ShapeError,
        "scatter: expected in the last axis of the indices 1 to 1 positions for the shape (3,), "
        "got i32[1,2].",
    ),
    "rows without numbers": (
        lambda: ops.segment_max(X, [0, 1, 1]), ShapeError,
        "segment_max: expected a vector of one number for each row, got segment_ids i32[3] for "
        "data f32[2,3].",
    ),
    "segments of later": (
        lambda: ops.segment_sum(Input(()), Input((), dtype="int32")), GraphError,
        "segment_sum: give num_segments, which symbolic ids do not tell.",
    ),
    "block of other axes": (
        lambda: ops.slice(X, (0,), (1, 1)), ShapeError,
        "slice: expected a start and a length for each axis of f32[2,3], got 1 starts and 2 "
        "lengths.",
    ),
    "block that is too large": (
        lambda: ops.slice_update(V, (0,), np.ones(5)), ShapeError,
        "slice_update: a block of (5,) does not fit into f32[4].",
    ),
    # networks
    "labels of logits": (
        lambda: ops.ctc_loss(V, X, V, V), ShapeError,
        "ctc_loss: expected a target (N, L) and an output (N, T, classes), got i32[4] and "
        "f32[2,3].",
    ),
    "strategy": (
        lambda: ops.ctc_decode(np.ones((1, 2, 3)), [2], "greed"), ArgumentError,
        "Unknown strategy of ctc_decode 'greed'. Did you mean 'greedy'?",
    ),
    "beam search later": (
        lambda: ops.ctc_decode(Input((2, 3)), Input(()), "beam_search"), GraphError,
        "ctc_decode: a beam search works on data, but its inputs are symbolic. Use "
        "strategy='greedy', or compile(run_eagerly=True).",
    ),
    "classes of multi_hot": (
        lambda: ops.multi_hot(I), ArgumentError, "multi_hot: give num_classes.",
    ),
    "sparse tensors": (
        lambda: ops.convert_to_tensor(V, sparse=True), ArgumentError,
        "convert_to_tensor: sparse and ragged tensors are not supported; leave both out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_refused_says_why(name):
    call, kind, text = ERRORS[name]
    with pytest.raises(kind) as error:
        call()
    assert type(error.value) is kind
    assert str(error.value) == text


def gradient(function, x):
    return grad(lambda x: ops.sum(ops.stack([ops.sum(t) for t in function(x)])))(x)


@pytest.mark.parametrize(
    ("function", "x", "text"),
    [
        (
            lambda x: ops.qr(x),
            X,
            "The gradient of qr needs matrices that are not wider than high, and mode='reduced', "
            "got f32[2,3].",
        ),
        (
            lambda x: ops.svd(x),
            X,
            "The gradient of svd needs full_matrices=False for matrices that are not square, got "
            "f32[2,3].",
        ),
        (
            lambda x: ops.lu_factor(x)[:1],
            X,
            "The gradient of lu_factor needs square matrices, got f32[2,3].",
        ),
    ],
    ids=["qr", "svd", "lu_factor"],
)
def test_gradients_that_there_are_not(function, x, text):
    x = x + np.random.default_rng(0).normal(size=x.shape).astype("float32")
    with pytest.raises(ShapeError) as error:
        gradient(function, x)
    assert str(error.value) == text


def test_matrices_that_lapack_refuses():
    with pytest.raises(np.linalg.LinAlgError):
        ops.cholesky(-np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        ops.solve(np.zeros((2, 2)), np.ones(2))
