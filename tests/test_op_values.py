"""Values of composed ops that are known by hand, by SciPy's tables, or by what undoes them.

Keras's numbers are in `tests/parity/ops_cases.py`; here is what they do not show: float64, symbolic
arguments, unknown lengths, edges, and second derivatives.
"""

import math

import numpy as np
import pytest
from test_loops import both, traced

import kerasnb
from kerasnb import Input, grad, ops
from kerasnb.tensor import as_tensor

RNG = np.random.default_rng(0)


def close(tensor, expected, tolerance=1e-12):
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=tolerance, atol=tolerance)


# Names


@pytest.mark.parametrize("page", [ops.numpy, ops.nn, ops.linalg], ids=["numpy", "nn", "linalg"])
def test_pages_of_names_hold_what_ops_holds(page):
    assert len(set(page.__all__)) == len(page.__all__)
    assert [name for name in page.__all__ if getattr(page, name) is not getattr(ops, name)] == []


# Special functions, in float64


def test_error_functions():
    x = np.linspace(-6.0, 26.0, 65)
    expected = np.array([math.erfc(v) for v in x])
    np.testing.assert_allclose(ops.erfc(x).numpy(), expected, rtol=1e-13)
    y = np.array([-0.999999, -0.5, 0.0, 1e-10, 0.3, 0.9, 1.0 - 1e-12, 1.0 - 2.0**-53])
    inverse = ops.erfinv(y).numpy()
    np.testing.assert_allclose([math.erfc(abs(v)) for v in inverse], 1.0 - np.abs(y), rtol=1e-12)
    ends = ops.erfinv(np.array([-1.0, 1.0, 1.5, np.nan])).numpy()
    assert ends[:2].tolist() == [-math.inf, math.inf]
    assert np.isnan(ends[2:]).all()
    # (erfinv)' = √π/2 exp(y²), (erfinv)'' = 2 y (erfinv)'²
    slope = math.sqrt(math.pi) / 2 * math.exp(float(ops.erfinv(as_tensor(0.5, "float64"))) ** 2)
    assert float(grad(ops.erfinv)(as_tensor(0.5, "float64"))) == pytest.approx(slope, rel=1e-12)
    curve = 2 * float(ops.erfinv(as_tensor(0.5, "float64"))) * slope**2
    assert float(grad(grad(ops.erfinv))(as_tensor(0.5, "float64"))) == pytest.approx(
        curve, rel=1e-9
    )


def test_bessel_function():
    x = np.array([0.0, 1.0, -2.5, 50.0, 600.0])
    np.testing.assert_allclose(ops.i0(x).numpy(), np.i0(x), rtol=1e-13)
    assert float(ops.i0(80.0)) == pytest.approx(float(np.i0(80.0)), rel=1e-5)
    # its derivative is the function of order 1
    assert float(grad(ops.i0)(as_tensor(1.0, "float64"))) == pytest.approx(0.5651591039924851)


def test_sizes_at_the_ends_of_float32():
    assert float(ops.hypot(3e30, 4e30)) == pytest.approx(5e30)
    assert float(ops.hypot(0.0, 0.0)) == 0.0
    assert float(ops.ldexp(1e-38, 130)) == pytest.approx(1e-38 * 2.0**130, rel=1e-6)
    assert float(ops.logaddexp2(1000.0, 1000.0)) == pytest.approx(1001.0)
    assert float(ops.sinc(0.0)) == 1.0
    assert float(grad(ops.sinc)(0.0)) == 0.0


def test_signs_and_zeros():
    x = np.float32([-0.0, 0.0, -1.0, np.inf, -np.inf])
    assert ops.signbit(x).numpy().tolist() == [True, False, True, False, True]
    assert ops.heaviside(x, 0.5).numpy().tolist() == [0.5, 0.5, 0.0, 1.0, 0.0]
    assert ops.fmod(np.float32([-7.0, 7.0]), 3.0).numpy().tolist() == [-1.0, 1.0]
    assert ops.lcm(np.int32([4, 0, -6]), np.int32([6, 5, 4])).numpy().tolist() == [12, 0, 12]


@pytest.mark.parametrize(
    ("x", "dtype", "expected"),
    [
        (np.float32([-1e20, 2.5, 1e20, np.inf]), "int32", [-(2**31), 2, 2147483520, 2147483520]),
        (np.float32([-3.0, 300.0]), "uint8", [0, 255]),
        (np.int32([-200, 5, 200]), "int8", [-128, 5, 127]),
        (
            np.float64([1e300, -1e300]),
            "float32",
            [np.finfo("float32").max, np.finfo("float32").min],
        ),
        (np.int8([-1, 2]), "uint16", [0, 2]),
    ],
)
def test_saturate_cast(x, dtype, expected):
    result = ops.saturate_cast(x, dtype)
    assert result.dtype == dtype
    assert result.numpy().tolist() == expected


# Linear algebra, by what undoes it


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)])
def test_parts_make_the_matrix_again(shape):
    x = RNG.normal(size=shape)
    q, r = ops.qr(x)
    close(ops.matmul(q, r), x)
    u, s, vh = ops.svd(x, full_matrices=False)
    close(ops.matmul(u * ops.expand_dims(s, -2), vh), x)
    close(ops.matmul(x, ops.matmul(ops.pinv(x), x)), x)
    factors, pivots = (t.numpy() for t in ops.lu_factor(x))
    m, n = shape[-2:]
    for matrix, factor, swaps in zip(
        x.reshape(-1, m, n), factors.reshape(-1, m, n), pivots.reshape(-1, min(m, n)), strict=True
    ):
        rows = matrix.copy()
        for i, j in enumerate(swaps):
            rows[[i, j]] = rows[[j, i]]
        lower = np.tril(factor, -1)[:, : min(m, n)] + np.eye(m, min(m, n))
        np.testing.assert_allclose(lower @ np.triu(factor)[: min(m, n)], rows, atol=1e-12)


def test_inverses():
    a = RNG.normal(size=(2, 4, 4))
    spd = a @ a.swapaxes(-1, -2) + np.eye(4)
    close(ops.matmul(ops.inv(a), a), np.broadcast_to(np.eye(4), (2, 4, 4)), 1e-10)
    lower = ops.cholesky(spd)
    close(ops.matmul(lower, ops.swapaxes(lower, -1, -2)), spd)
    close(ops.cholesky_inverse(lower), np.linalg.inv(spd), 1e-9)
    close(ops.logdet(spd), np.linalg.slogdet(spd)[1])
    values, vectors = ops.eigh(spd)
    close(ops.matmul(vectors * ops.expand_dims(values, -2), ops.swapaxes(vectors, -1, -2)), spd)
    assert ops.matrix_rank(np.outer([1.0, 2.0], [3.0, 4.0])).numpy() == 1
    x = ops.lstsq(a[0, :, :2], a[0, :, 3])
    close(x, np.linalg.lstsq(a[0, :, :2], a[0, :, 3], rcond=None)[0])


def test_float16_and_whole_matrices_take_the_routines_there_are():
    assert ops.det(np.array([[2, 1], [1, 3]], "int32")).dtype == "float32"
    assert float(ops.det(np.array([[2, 1], [1, 3]], "float16"))) == pytest.approx(5.0)


# Transforms


@pytest.mark.parametrize("window", ["hann", "hamming"])
@pytest.mark.parametrize(("length", "stride", "size"), [(8, 2, 8), (6, 3, 9), (16, 4, 16)])
def test_a_signal_comes_back(window, length, stride, size):
    x = RNG.normal(size=(2, 64))
    parts = ops.stft(x, length, stride, size, window)
    back = ops.istft(parts, length, stride, size, window=window).numpy()
    kept = back.shape[1]
    assert kept > 48
    np.testing.assert_allclose(back[:, 4 : kept - 8], x[:, 4 : kept - 8], atol=1e-12)


def test_dtypes_of_transforms():
    for dtype in ("float16", "float32", "float64"):
        real, imaginary = ops.fft((np.ones(4, dtype), np.zeros(4, dtype)))
        assert (real.dtype, imaginary.dtype) == (dtype, dtype)
        assert real.numpy().tolist() == [4.0, 0.0, 0.0, 0.0]
    assert ops.rfft(np.arange(4))[0].dtype == "float32"
    assert ops.irfft(ops.rfft(np.arange(5.0)), 5).numpy().tolist() == pytest.approx([0, 1, 2, 3, 4])


# Statistics


def test_counts_and_bins():
    counts, edges = ops.histogram(np.float32([0.0, 0.4, 1.0, 2.0]), 2)
    assert counts.numpy().tolist() == [2.0, 2.0]
    assert edges.numpy().tolist() == [0.0, 1.0, 2.0]
    # edges of one's own; the last bin is closed
    counts, _ = ops.histogram([0.5, 1.0, 3.0, 9.0], [0.0, 1.0, 3.0])
    assert counts.numpy().tolist() == [1.0, 2.0]
    assert ops.bincount(np.int32([[0, 2, 2], [1, 1, 0]]), minlength=4).numpy().tolist() == [
        [1, 0, 2, 0],
        [1, 2, 0, 0],
    ]
    assert ops.bincount(np.zeros(0, "int32"), minlength=2).numpy().tolist() == [0, 0]


def test_nan_spreads_or_is_left_out():
    x = np.float32([[1.0, np.nan, 3.0], [np.nan] * 3])
    assert np.isnan(ops.median(x, 1).numpy()).all()
    assert ops.nanmedian(x, 1).numpy()[0] == 2.0
    assert np.isnan(ops.nanquantile(x, 0.3, 1).numpy()[1])
    assert ops.nanargmax(x, 1).numpy().tolist() == [2, -1]
    assert ops.nansum(np.int32([1, 2])).dtype == "int32"


def test_a_quantile_that_is_known_only_later():
    x = np.float32([3.0, 1.0, 2.0, 5.0])
    assert both(lambda x, q: ops.quantile(x, q), x, np.float32([0.0, 0.5, 1.0])) == [
        [1.0, 2.5, 5.0]
    ]


def test_running_products_have_gradients_through_zeros():
    x = as_tensor(np.array([2.0, 0.0, 3.0, 0.0]))
    gradient = grad(lambda x: ops.sum(ops.cumprod(x)))(x)
    assert gradient.numpy().tolist() == [1.0, 8.0, 0.0, 0.0]
    ids = np.int32([0, 1, 0, 1])
    gradient = grad(lambda x: ops.sum(ops.segment_prod(x, ids, 3)))(x)
    assert gradient.numpy().tolist() == [3.0, 0.0, 2.0, 0.0]


def test_membership_and_order():
    assert ops.isin(np.int32([1, 2]), np.zeros(0, "int32")).numpy().tolist() == [False, False]
    assert ops.where(np.float32([0.0, 2.0]))[0].numpy().tolist() == [1]
    found, first, inverse, counts = ops.unique(
        np.int32([3, 1, 3]), return_index=True, return_inverse=True, return_counts=True
    )
    assert [t.numpy().tolist() for t in (found, first, inverse, counts)] == [
        [1, 3], [1, 0], [1, 0, 1], [1, 2],
    ]  # fmt: skip
    assert ops.unique(np.int32([3, 1]), size=1).numpy().tolist() == [1]


# Updates


def test_starts_that_are_known_only_later():
    x, block = np.arange(12, dtype="float32").reshape(3, 4), np.float32([[-1.0, -2.0]])
    start = np.int32([1, 9])  # too far: moved back
    assert both(lambda x, s: ops.slice(x, s, (2, 2)), x, start) == [[[6.0, 7.0], [10.0, 11.0]]]
    changed = x.copy()
    changed[1, 2:] = block
    assert both(ops.slice_update, x, start, block) == [changed.tolist()]

    def f(x, s, b):
        return grad(lambda b: ops.sum(ops.slice_update(x, s, b) * x))(b)

    assert both(f, x, start, block) == [[[6.0, 7.0]]]


def test_of_several_updates_the_last_counts():
    x, indices = np.zeros(3, "float32"), np.int32([[1], [1], [-1]])
    updates = np.float32([4.0, 5.0, 6.0])
    assert both(lambda x, u: ops.scatter_update(x, indices, u), x, updates) == [[0.0, 5.0, 6.0]]
    gradient = grad(lambda u: ops.sum(ops.scatter_update(x, indices, u)))(updates)
    assert gradient.numpy().tolist() == [0.0, 1.0, 1.0]


def test_segments_without_rows():
    data, ids = np.float32([1.0, -2.0]), np.int32([2, 2])
    assert ops.segment_sum(data, ids).numpy().tolist() == [0.0, 0.0, -1.0]
    assert ops.segment_max(data, ids).numpy().tolist() == [-math.inf, -math.inf, 1.0]
    assert ops.segment_min(data, ids).numpy().tolist() == [math.inf, math.inf, -2.0]
    assert ops.segment_prod(data, ids).numpy().tolist() == [1.0, 1.0, -2.0]
    assert ops.segment_min(np.uint8([7]), ids[:1]).numpy().tolist() == [255, 255, 7]


# Shapes that are not known yet


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: ops.rearrange(x, "n (h w) c -> n h (w c)", w=3), (None, 2, 12)),
        (lambda x: ops.depth_to_space(ops.reshape(x, (-1, 2, 3, 4)), 2), (None, 4, 6, 1)),
        (lambda x: ops.median(x, (1, 2)), (None,)),
        (lambda x: ops.svd(x, full_matrices=False)[0], (None, 6, 4)),
        (lambda x: ops.rfft(x)[1], (None, 6, 3)),
        (lambda x: ops.unfold(ops.expand_dims(x, 1), 2), (None, 4, 15)),
        (lambda x: ops.adaptive_max_pool(x, 4, "channels_last"), (None, 4, 4)),
        (lambda x: ops.layer_normalization(x, axis=(1, 2)), (None, 6, 4)),
        (lambda x: ops.cumprod(x, 1), (None, 6, 4)),
        (lambda x: ops.isclose(x, 1.0), (None, 6, 4)),
        (lambda x: ops.diff(x, axis=1), (None, 5, 4)),
        (lambda x: ops.trapezoid(x), (None, 6)),
        (lambda x: ops.hstack([x, x]), (None, 12, 4)),
        (lambda x: ops.trace(x, 0, 1, 2), (None,)),
    ],
    ids=[
        "rearrange", "depth_to_space", "median", "svd", "rfft", "unfold", "adaptive_max_pool",
        "layer_normalization", "cumprod", "isclose", "diff", "trapezoid", "hstack", "trace",
    ],
)  # fmt: skip
def test_models_of_any_batch(function, shape):
    x = Input((6, 4))
    y = function(x)
    assert y.shape == shape
    model = kerasnb.Model(x, y)
    values = RNG.normal(size=(3, 6, 4)).astype("float32")
    np.testing.assert_array_equal(np.asarray(model(values)), function(as_tensor(values)).numpy())


# Labels


def test_ctc_loss_of_a_sequence_is_the_sum_over_all_ways():
    logits = RNG.normal(size=(1, 4, 3))
    p = np.exp(logits[0]) / np.exp(logits[0]).sum(1, keepdims=True)
    total = 0.0
    for way in np.ndindex(3, 3, 3, 3):
        labels = [c for i, c in enumerate(way) if c and (i == 0 or way[i - 1] != c)]
        total += math.prod(p[t, c] for t, c in enumerate(way)) * (labels == [1, 1])
    loss = ops.ctc_loss(np.int32([[1, 1]]), logits, np.int32([2]), np.int32([4]))
    assert float(loss[0]) == pytest.approx(-math.log(total), rel=1e-9)
    later = traced(lambda x: ops.ctc_loss(np.int32([[1, 1]]), x, [2], [4]), logits)[0]
    assert later.tolist() == pytest.approx(loss.numpy().tolist(), rel=1e-12)


def test_a_wide_beam_finds_the_likeliest_labels():
    logits = 2.0 * RNG.normal(size=(1, 5, 3))
    (labels, scores) = ops.ctc_decode(logits, [5], "beam_search", beam_width=50, top_paths=4)

    def loss(path):
        own = [c for c in path if c >= 0]
        return float(ops.ctc_loss([own or [1]], logits, [len(own)], [5])[0])

    losses = [loss(path) for path in labels.numpy()[:, 0].tolist()]
    assert losses == pytest.approx((-scores.numpy()[0]).tolist(), rel=1e-6)
    assert losses == sorted(losses)
