"""Pooling against plain loops and known values; the layers, their configuration and errors."""

import itertools
import json
import re

import numpy as np
import pytest

from kerasnb.autodiff import grad
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.graph import inner_level
from kerasnb.layers import pooling
from kerasnb.layers.input import Input
from kerasnb.op import OPS
from kerasnb.ops import window as windows
from kerasnb.ops.pool import average_pool, max_pool
from kerasnb.ops.reduce import sum as op_sum
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder

# float64 means of at most 20 numbers around 1
TIGHT = {"rtol": 1e-14, "atol": 1e-14}


def rng(seed=0):
    return np.random.default_rng(seed)


def loop(function, x, window, strides, padding):
    """`function` of what each window sees, one window at a time; padding is cut off."""
    spatial = x.shape[1:-1]
    lows, positions = [], []
    for n, k, s in zip(spatial, window, strides, strict=True):
        total = max((int(np.ceil(n / s)) - 1) * s + k - n, 0) if padding == "same" else 0
        lows.append(total // 2)
        positions.append((n + total - k) // s + 1)
    y = np.zeros((x.shape[0], *positions, x.shape[-1]), x.dtype)
    for o in np.ndindex(*positions):
        seen = tuple(
            slice(max(a * s - low, 0), a * s - low + k)
            for a, s, low, k in zip(o, strides, lows, window, strict=True)
        )
        axes = tuple(range(1, x.ndim - 1))
        y[(slice(None), *o)] = function(x[(slice(None), *seen)], axis=axes)
    return y


CASES = [
    (lengths, window, strides, padding)
    for lengths, window in [
        ((11,), (2,)), ((11,), (3,)), ((7, 9), (2, 2)), ((7, 9), (3, 1)), ((7, 9), (4, 5)),
        ((5, 4, 3), (2, 3, 1)),
    ]
    for strides, padding in itertools.product((None, 1, 2, 3), ("valid", "same"))
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_equals_a_loop(case):
    lengths, window, strides, padding = case
    x = rng(1).normal(size=(2, *lengths, 3))
    steps = window if strides is None else (strides,) * len(window)
    y = max_pool(x, window, strides, padding).numpy()
    np.testing.assert_array_equal(y, loop(np.max, x, window, steps, padding))
    y = average_pool(x, window, strides, padding).numpy()
    np.testing.assert_allclose(y, loop(np.mean, x, window, steps, padding), **TIGHT)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_equal_a_loop(case):
    """Both are linear near `x`: <gradient, x> is the value, and it lies where the windows look."""
    lengths, window, strides, padding = case
    x = rng(1).normal(size=(2, *lengths, 3))
    for pool in (max_pool, average_pool):
        g = rng(2).normal(size=pool(x, window, strides, padding).shape)

        def form(x, pool=pool, g=g):
            return op_sum(pool(x, window, strides, padding) * g)

        derivative = grad(form)(x).numpy()
        np.testing.assert_allclose((derivative * x).sum(), float(form(x)), rtol=1e-10)
        nudge = 1e-7 * rng(3).normal(size=x.shape)  # too small to change which element is largest
        change = (float(form(x + nudge)) - float(form(x - nudge))) / 2
        # rounding of sums of ~100 terms, over a change of ~1e-6
        np.testing.assert_allclose((derivative * nudge).sum(), change, rtol=1e-5, atol=1e-12)


def test_known_values():
    x = np.array([1.0, 5.0, 2.0, 4.0, 3.0]).reshape(1, 5, 1)

    def values(y):
        return y.numpy().ravel().tolist()

    assert values(max_pool(x, 2)) == [5, 4]
    assert values(max_pool(x, 2, padding="same")) == [5, 4, 3]
    assert values(max_pool(-x, 2, padding="same")) == [-1, -2, -3]  # padding is never the largest
    assert values(max_pool(x, 3, 1)) == [5, 5, 4]
    assert values(average_pool(x, 2)) == [3, 3]
    assert values(average_pool(x, 2, padding="same")) == [3, 3, 3]  # the last of one element
    assert values(average_pool(x, 3, 1, "same")) == pytest.approx([3, 8 / 3, 11 / 3, 3, 3.5])


def test_the_first_of_equal_elements_takes_the_gradient():
    x = np.array([[1.0, 2.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 0.0]]).reshape(1, 3, 3, 1)
    g = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    derivative = grad(lambda x: op_sum(max_pool(x, 2, 1) * g))(x).numpy()
    # windows in order, each with the place of its first 2: three times (0, 1) or (1, 0) or (1, 1)
    np.testing.assert_array_equal(derivative[0, :, :, 0], [[0, 1 + 2, 0], [3, 4, 0], [0, 0, 0]])


def test_infinite_gradients_stay_where_they_belong():
    x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1)
    g = np.array([np.inf, np.nan]).reshape(1, 2, 1)
    attrs = {"window": (2,), "strides": (2,), "padding": ((0, 0),)}
    y = max_pool(x, 2)
    derivative = apply(OPS["max_pool_scatter"], x, y, g, **attrs).numpy().ravel()
    np.testing.assert_array_equal(derivative, [0, np.inf, 0, np.nan])
    h = np.array([np.inf, 1.0, 2.0, np.nan]).reshape(1, 4, 1)
    picked = apply(OPS["max_pool_gather"], x, y, h, **attrs).numpy().ravel()
    np.testing.assert_array_equal(picked, [1, np.nan])


def test_nan_propagates():
    x = np.array([1.0, np.nan, 3.0, 4.0]).reshape(1, 4, 1)
    np.testing.assert_array_equal(max_pool(x, 2).numpy().ravel(), [np.nan, 4])
    np.testing.assert_array_equal(average_pool(x, 2).numpy().ravel(), [np.nan, 3.5])


def test_pieces_of_the_batch_fit_together(monkeypatch):
    x = rng(1).normal(size=(7, 6, 5, 2))

    def derivative():
        return grad(lambda x: op_sum(max_pool(x, 3, 2) * max_pool(x, 3, 2)))(x).numpy()

    whole = derivative()
    monkeypatch.setitem(windows._PIECE_BYTES, "numpy", 2 * 6 * 5 * 2 * 8)  # 2, 2, 2 and 1
    np.testing.assert_array_equal(derivative(), whole)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8", "bool"])
def test_dtypes(dtype):
    x = np.array([1, 0, 1, 0, 0], dtype).reshape(1, 5, 1)
    largest = max_pool(x, 2, padding="same")
    assert largest.dtype == str(largest.numpy().dtype) == dtype
    assert largest.numpy().ravel().tolist() == [1, 1, 0]
    average = average_pool(x, 2, padding="same")
    assert average.dtype == (dtype if dtype.startswith("float") else "float32")
    assert average.numpy().ravel().tolist() == [0.5, 0.5, 0]


def test_strided_inputs():
    x = rng(1).normal(size=(6, 3, 8, 4)).transpose(1, 2, 0, 3)[:, ::-1]
    np.testing.assert_array_equal(max_pool(x, 2).numpy(), max_pool(x.copy(), 2).numpy())
    slope = grad(lambda x: op_sum(max_pool(x, 2)))
    np.testing.assert_array_equal(slope(x).numpy(), slope(x.copy()).numpy())
    flat = np.broadcast_to(np.float64(2), (2, 4, 4, 3))
    np.testing.assert_array_equal(max_pool(flat, 2).numpy(), np.full((2, 2, 2, 3), 2))


@pytest.mark.parametrize("pool", [max_pool, average_pool])
def test_channels_first_is_the_transpose(pool):
    x = rng(1).normal(size=(2, 7, 6, 4))
    y = pool(x, (3, 2), 2, "same").numpy()
    z = pool(np.moveaxis(x, -1, 1), (3, 2), 2, "same", data_format="channels_first").numpy()
    np.testing.assert_array_equal(np.moveaxis(z, 1, -1), y)


def test_unknown_dimensions_are_inferred():
    with inner_level():
        x = placeholder(TensorSpec((None, None, 9, 3), "float32"))
        assert max_pool(x, 2).shape == (None, None, 4, 3)
        assert average_pool(x, (1, 3), (1, 2)).shape == (None, None, 4, 3)
    images = Input((None, 9, 3))
    for layer in (
        pooling.MaxPooling2D(padding="same"),
        pooling.AveragePooling2D(2, padding="same"),
    ):
        assert layer(images).shape == (None, None, 5, 3)


def test_empty_batch():
    assert max_pool(np.zeros((0, 4, 4, 2)), 2).numpy().shape == (0, 2, 2, 2)
    assert average_pool(np.zeros((0, 4, 4, 2)), 2, padding="same").numpy().shape == (0, 2, 2, 2)


def zeros(*shape):
    return np.zeros(shape, "float32")


ERRORS = [
    (
        lambda: max_pool(zeros(2, 3, 3, 1), 4),
        ShapeError,
        "max_pool: the window reaches over (4, 4) positions, but the padded input has only (3, 3). "
        "Use a smaller window or dilation, padding='same', or a larger input.",
    ),
    (
        lambda: max_pool(zeros(2, 3), 2),
        ShapeError,
        "max_pool: expected an input (N, *spatial, channels), got f32[2,3].",
    ),
    (
        lambda: average_pool(zeros(2, 3, 1), -1),
        ArgumentError,
        "average_pool: pool_size must be a positive integer, got -1.",
    ),
    (
        lambda: max_pool(zeros(2, 3, 3, 1), 2, (1, 2, 3)),
        ArgumentError,
        "max_pool: strides must be a positive integer or 2 of them, got (1, 2, 3).",
    ),
    (
        lambda: max_pool(zeros(2, 3, 1), 2, padding="sane"),
        ArgumentError,
        "Unknown padding of max_pool 'sane'. Did you mean 'same'?",
    ),
    (
        lambda: max_pool(zeros(2, 3, 1), 2, data_format="NHWC"),
        ArgumentError,
        "Unknown data_format of max_pool 'NHWC'. Known: channels_first, channels_last.",
    ),
    (
        lambda: pooling.MaxPooling2D(4, name="p")(zeros(2, 3, 3, 1)),
        ShapeError,
        "MaxPooling2D 'p': the window reaches over (4, 4) positions, but the padded input has only "
        "(3, 3). Use a smaller window or dilation, padding='same', or a larger input.",
    ),
    (
        lambda: pooling.AveragePooling1D(4, name="p")(zeros(2, 3, 3, 1)),
        ShapeError,
        "AveragePooling1D 'p': expected an input with 3 axes (N, steps, channels), got "
        "(2, 3, 3, 1). Reshape it, or change the preceding layer.",
    ),
    (
        lambda: pooling.GlobalMaxPooling2D(name="p")(zeros(2, 3)),
        ShapeError,
        "GlobalMaxPooling2D 'p': expected an input with 4 axes (N, height, width, channels), got "
        "(2, 3). Reshape it, or change the preceding layer.",
    ),
    (
        lambda: pooling.MaxPooling1D(0, name="p"),
        ArgumentError,
        "MaxPooling1D 'p': pool_size must be a positive integer, got 0.",
    ),
    (
        lambda: pooling.MaxPooling1D(padding="causal", name="p"),
        ArgumentError,
        "Unknown padding of MaxPooling1D 'p' 'causal'. Known: same, valid.",
    ),
    (
        lambda: apply(
            OPS["max_pool"], zeros(2, 5, 1), window=(2,), strides=(2,), padding=((2, 0),)
        ),
        ShapeError,
        "max_pool: padding ((2, 0),) must be smaller than the window (2,), or a window would see "
        "nothing.",
    ),
    (
        lambda: apply(
            OPS["sum_pool_transpose"],
            zeros(2, 3, 1),
            shape=(5,),
            window=(2,),
            strides=(2,),
            padding=((0, 0),),
        ),
        ShapeError,
        "sum_pool_transpose: expected a gradient of shape (2, 2, 1), got (2, 3, 1).",
    ),
]


@pytest.mark.parametrize(("action", "error", "text"), ERRORS, ids=[e[2][:50] for e in ERRORS])
def test_errors(action, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        action()


# The layers


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_global_pooling(rank, data_format, keepdims, kind):
    x = rng(1).normal(size=(2, 3, 4, 5, 6)[: rank + 2]).astype("float32")
    layer = getattr(pooling, f"Global{kind}Pooling{rank}D")(data_format, keepdims)
    first = 2 if data_format == "channels_first" else 1
    function = {"Max": np.max, "Average": np.mean}[kind]
    expected = function(x, axis=tuple(range(first, first + rank)), keepdims=keepdims)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-7)
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])
    config = json.loads(json.dumps(layer.get_config()))
    assert (config.pop("data_format"), config.pop("keepdims")) == (data_format, keepdims)
    assert set(config) == {"name", "trainable", "dtype"}


@pytest.mark.parametrize("name", ["MaxPooling", "AveragePooling"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers_are_the_ops(name, rank):
    cls = getattr(pooling, f"{name}{rank}D")
    op = {"MaxPooling": max_pool, "AveragePooling": average_pool}[name]
    layer = cls(3, 2, "same", "channels_first", name="p")
    x = rng(1).normal(size=(2, 3, 8, 5, 6)[: rank + 2]).astype("float32")
    y = layer(x).numpy()
    np.testing.assert_array_equal(y, op(x, 3, 2, "same", "channels_first").numpy())
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *y.shape[1:])
    config = json.loads(json.dumps(layer.get_config()))
    assert config == {
        "name": "p",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "pool_size": [3] * rank,
        "padding": "same",
        "strides": [2] * rank,
        "data_format": "channels_first",
    }
    np.testing.assert_array_equal(cls.from_config(config)(x).numpy(), y)


def test_defaults_and_other_names():
    assert pooling.MaxPooling2D().strides == pooling.MaxPooling2D().pool_size == (2, 2)
    assert pooling.AveragePooling1D(3).strides == (3,)
    for rank in (1, 2, 3):
        for short, long in (("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling")):
            for prefix in ("", "Global"):
                short_name, long_name = f"{prefix}{short}{rank}D", f"{prefix}{long}{rank}D"
                assert getattr(pooling, short_name) is getattr(pooling, long_name)
                assert {short_name, long_name} <= set(pooling.__all__)
