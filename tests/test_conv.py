"""Convolutions against plain loops and known values; the layers, their configuration and errors."""

import itertools
import json
import re

import numpy as np
import pytest

from kerasnb.autodiff import grad
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.graph import inner_level
from kerasnb.layers.convolutional import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D
from kerasnb.layers.depthwise import DepthwiseConv2D, SeparableConv1D, SeparableConv2D
from kerasnb.layers.input import Input
from kerasnb.op import OPS
from kerasnb.ops import window as windows
from kerasnb.ops.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from kerasnb.ops.reduce import sum as op_sum
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder

# float64 sums of at most a few hundred products of numbers around 1: rounding stays below 1e-13
TIGHT = {"rtol": 1e-12, "atol": 1e-12}


def rng(seed=0):
    return np.random.default_rng(seed)


def loop(x, w, strides, padding, dilation, groups):
    """The convolution by its definition, one product of vectors at a time."""
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    window, share, filters = w.shape[:-2], w.shape[-2], w.shape[-1]
    positions = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, d, s in zip(x.shape[1:-1], window, dilation, strides, strict=True)
    ]
    y = np.zeros((x.shape[0], *positions, filters))
    for o in np.ndindex(*positions):
        for k in np.ndindex(*window):
            at = tuple(a * s + b * d for a, s, b, d in zip(o, strides, k, dilation, strict=True))
            for f in range(filters):
                group = f // (filters // groups)
                seen = x[(slice(None), *at, slice(group * share, (group + 1) * share))]
                y[(slice(None), *o, f)] += seen @ w[(*k, slice(None), f)]
    return y


def same(lengths, window, strides, dilation):
    pairs = []
    for n, k, s, d in zip(lengths, window, strides, dilation, strict=True):
        total = max((int(np.ceil(n / s)) - 1) * s + (k - 1) * d + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


CASES_2D = list(
    itertools.product(
        [(1, 1), (2, 2), (3, 1)],  # strides
        ["valid", "same", ((2, 0), (0, 3))],
        [(1, 1), (2, 1), (2, 2)],  # dilation
        [(1, 3), (2, 3), (4, 2), (8, 4)],  # groups and filters, of 8 channels: 8, 4, 2 and 1 each
        [(1, 1), (3, 2), (2, 4)],  # window
    )
)


def attributes(case):
    strides, padding, dilation, (groups, filters), window = case
    filters *= groups
    return strides, padding, dilation, groups, filters, window


@pytest.mark.parametrize("case", CASES_2D, ids=str)
def test_two_dimensions_equal_a_loop(case):
    strides, padding, dilation, groups, filters, window = attributes(case)
    x = rng(1).normal(size=(2, 7, 9, 8))
    w = rng(2).normal(size=(*window, 8 // groups, filters))
    y = conv(x, w, strides, padding, dilation_rate=dilation).numpy()
    pairs = {"valid": [(0, 0)] * 2, "same": same((7, 9), window, strides, dilation)}
    expected = loop(x, w, strides, pairs.get(padding, padding), dilation, groups)
    np.testing.assert_allclose(y, expected, **TIGHT)


@pytest.mark.parametrize("case", CASES_2D[::7], ids=str)
def test_gradients_are_the_transposes(case):
    """<g, conv(x, w)> = <input_grad(g, w), x> = <kernel_grad(x, g), w>: one trilinear form."""
    strides, padding, dilation, groups, filters, window = attributes(case)
    x = rng(1).normal(size=(3, 7, 9, 8))
    w = rng(2).normal(size=(*window, 8 // groups, filters))

    def form(x, w, g):
        return op_sum(conv(x, w, strides, padding, dilation_rate=dilation) * g)

    g = rng(3).normal(size=conv(x, w, strides, padding, dilation_rate=dilation).shape)
    value = float(form(x, w, g))
    for argument in range(3):
        derivative = grad(form, argument)(x, w, g).numpy()
        assert derivative.shape == (x, w, g)[argument].shape
        np.testing.assert_allclose((derivative * (x, w, g)[argument]).sum(), value, rtol=1e-10)


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_one_and_three_dimensions_equal_a_loop(strides, padding, channels):
    for lengths, window in [((11,), (4,)), ((4, 5, 3), (2, 3, 1))]:
        rank = len(lengths)
        x = rng(1).normal(size=(2, *lengths, channels))
        w = rng(2).normal(size=(*window, channels, 4))
        pairs = [(0, 0)] * rank
        if padding == "same":
            pairs = same(lengths, window, (strides,) * rank, (1,) * rank)
        expected = loop(x, w, (strides,) * rank, pairs, (1,) * rank, 1)
        np.testing.assert_allclose(conv(x, w, strides, padding).numpy(), expected, **TIGHT)


def test_known_values():
    x = np.arange(1.0, 6.0).reshape(1, 5, 1)  # 1 2 3 4 5
    w = np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1)
    np.testing.assert_array_equal(conv(x, w).numpy().ravel(), [-2, -2, -2])
    np.testing.assert_array_equal(conv(x, w, padding="same").numpy().ravel(), [-2, -2, -2, -2, 4])
    np.testing.assert_array_equal(conv(x, w, 2, "same").numpy().ravel(), [-2, -2, 4])
    np.testing.assert_array_equal(conv(x, w, dilation_rate=2).numpy().ravel(), [-4])
    even = np.ones((2, 1, 1))  # one zero is missing: it comes on the right
    np.testing.assert_array_equal(conv(x, even, padding="same").numpy().ravel(), [3, 5, 7, 9, 5])


@pytest.mark.parametrize("channels", [2, 6])
def test_pieces_of_the_batch_fit_together(monkeypatch, channels):
    x = rng(1).normal(size=(7, 6, 5, channels))
    w = rng(2).normal(size=(3, 3, channels, 4))

    def results():
        def loss(x, w):
            y = conv(x, w, padding="same")
            return op_sum(y * y)

        return [conv(x, w, padding="same"), *grad(loss, (0, 1))(x, w)]

    whole = [t.numpy() for t in results()]
    image = 6 * 5 * 9 * channels * 8
    monkeypatch.setitem(windows._PIECE_BYTES, "numpy", 2 * image)  # 7 images: 2, 2, 2 and 1
    for a, b in zip(results(), whole, strict=True):
        np.testing.assert_allclose(a.numpy(), b, **TIGHT)


def test_strided_and_broadcast_inputs():
    x = rng(1).normal(size=(9, 8, 6, 2)).transpose(3, 1, 0, 2)[:, ::-1, ::2]
    w = rng(2).normal(size=(4, 3, 3, 2)).transpose(1, 2, 3, 0)[:, :, :, ::2]
    w = np.concatenate([w] * 3, axis=2)
    expected = conv(x.copy(), w.copy(), padding="same").numpy()
    np.testing.assert_allclose(conv(x, w, padding="same").numpy(), expected, **TIGHT)
    ones = np.broadcast_to(np.float64(1), (2, 4, 4, 3))
    np.testing.assert_array_equal(
        conv(ones, np.ones((2, 2, 3, 1))).numpy(), np.full((2, 3, 3, 1), 12)
    )


@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("float16", "float16", "float16"),
        ("uint8", "float32", "float32"),
        ("int32", "int32", "int32"),
    ],
)
def test_dtypes(x, w, expected):
    y = conv(np.ones((1, 4, 4, 2), x), np.full((2, 2, 2, 3), 2, w))
    assert y.dtype == str(y.numpy().dtype) == expected
    np.testing.assert_array_equal(y.numpy(), np.full((1, 3, 3, 3), 16))


def test_channels_first_is_the_transpose():
    x, w = rng(1).normal(size=(2, 7, 6, 4)), rng(2).normal(size=(3, 2, 2, 6))
    first = np.moveaxis(x, -1, 1)
    y = conv(x, w, (2, 1), "same").numpy()
    z = conv(first, w, (2, 1), "same", data_format="channels_first").numpy()
    np.testing.assert_allclose(np.moveaxis(z, 1, -1), y, **TIGHT)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_and_separable(strides, multiplier):
    x = rng(1).normal(size=(2, 7, 6, 4))
    w = rng(2).normal(size=(3, 2, 4, multiplier))
    mix = rng(3).normal(size=(1, 1, 4 * multiplier, 5))
    alone = [conv(x[..., c : c + 1], w[:, :, c : c + 1], strides, "same").numpy() for c in range(4)]
    expected = np.concatenate(alone, axis=-1)
    y = depthwise_conv(x, w, strides, "same").numpy()
    np.testing.assert_allclose(y, expected, **TIGHT)
    y = separable_conv(x, w, mix, strides, "same").numpy()
    np.testing.assert_allclose(y, expected @ mix[0, 0], **TIGHT)


def test_conv_transpose_known_values():
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1)
    w = np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)

    def run(*args, **kwargs):
        return conv_transpose(x, w, *args, **kwargs).numpy().ravel().tolist()

    assert run() == [1, 12, 123, 230, 300]
    assert run(2) == [1, 10, 102, 20, 203, 30, 300]
    assert run(2, "same") == [1, 10, 102, 20, 203, 30]
    assert run(1, "same") == [12, 123, 230]
    assert run(4) == [1, 10, 100, 0, 2, 20, 200, 0, 3, 30, 300, 0]
    assert run(2, "valid", 1) == [1, 10, 102, 20, 203, 30, 300, 0]
    assert run(2, "same", 0) == [10, 102, 20, 203, 30]
    assert run(dilation_rate=2) == [1, 2, 13, 20, 130, 200, 300]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_conv_transpose_is_the_gradient_of_conv(padding, stride, size):
    """The transposed convolution from n to m is the derivative of the convolution from m to n."""
    g, w = rng(1).normal(size=(2, 4, 3)), rng(2).normal(size=(size, 2, 3))
    y = conv_transpose(g, w, stride, padding).numpy()
    assert y.shape == (2, 4 * stride + (max(size - stride, 0) if padding == "valid" else 0), 2)
    derivative = grad(lambda x: op_sum(conv(x, w, stride, padding) * g))(np.zeros_like(y))
    np.testing.assert_allclose(y, derivative.numpy(), **TIGHT)


def test_unknown_dimensions_are_inferred():
    with inner_level():
        x = placeholder(TensorSpec((None, None, 9, 3), "float32"))
        w = np.zeros((3, 3, 3, 8), "float32")
        assert conv(x, w).shape == (None, None, 7, 8)
        assert conv(x, w, (2, 1)).shape == (None, None, 7, 8)
        assert conv(x, w, 1, "same").shape == (None, None, 9, 8)
    images = Input((None, 9, 3))
    assert Conv2D(8, 3, strides=2, padding="same")(images).shape == (None, None, 5, 8)
    assert Conv2DTranspose(8, 3, strides=2)(images).shape == (None, None, 19, 8)


def test_empty_batch():
    x, w = np.zeros((0, 5, 5, 2)), np.ones((3, 3, 2, 4))
    assert conv(x, w).numpy().shape == (0, 3, 3, 4)
    kernel = grad(lambda k: op_sum(conv(x, k)))(w).numpy()
    np.testing.assert_array_equal(kernel, np.zeros((3, 3, 2, 4)))


def zeros(*shape):
    return np.zeros(shape, "float32")


ERRORS = [
    (
        lambda: conv(zeros(2, 4, 4, 3), zeros(5, 3, 3, 8)),
        ShapeError,
        "convolution: the window reaches over (5, 3) positions, but the padded input has only "
        "(4, 4). Use a smaller window or dilation, padding='same', or a larger input.",
    ),
    (
        lambda: conv(zeros(2, 5, 4, 3), zeros(3, 3, 3, 8), dilation_rate=(2, 2)),
        ShapeError,
        "convolution: the window reaches over (5, 5) positions, but the padded input has only "
        "(5, 4). Use a smaller window or dilation, padding='same', or a larger input.",
    ),
    (
        lambda: conv(zeros(2, 4, 4, 3), zeros(3, 3, 2, 8)),
        ShapeError,
        "conv: the 3 channels of the input do not divide into groups of 2, which a kernel of shape "
        "(3, 3, 2, 8) takes.",
    ),
    (
        lambda: conv(zeros(2, 4, 4, 4), zeros(3, 3, 2, 5)),
        ShapeError,
        "convolution: the 5 filters of a kernel of shape (3, 3, 2, 5) do not divide into groups=2.",
    ),
    (
        lambda: conv(zeros(2, 4, 3), zeros(3, 3, 3, 5)),
        ShapeError,
        "conv: expected an input (N, *spatial, channels) and a kernel (*window, channels, filters) "
        "of as many axes, at least 3, got f32[2,4,3] and f32[3,3,3,5].",
    ),
    (
        lambda: conv(zeros(2, 4, 4, 3), zeros(3, 3, 3, 5), strides=0),
        ArgumentError,
        "conv: strides must be a positive integer or 2 of them, got 0.",
    ),
    (
        lambda: conv(zeros(2, 4, 3), zeros(3, 3, 5), dilation_rate=(1, 2)),
        ArgumentError,
        "conv: dilation_rate must be a positive integer, got (1, 2).",
    ),
    (
        lambda: conv(zeros(2, 4, 3), zeros(3, 3, 5), padding="vaild"),
        ArgumentError,
        "Unknown padding of conv 'vaild'. Did you mean 'valid'?",
    ),
    (
        lambda: conv(zeros(2, 4, 4, 3), zeros(3, 3, 3, 5), padding=((1, 1),)),
        ArgumentError,
        "conv: padding must be 'valid', 'same' or a pair of counts for each of the 2 spatial axes, "
        "got ((1, 1),).",
    ),
    (
        lambda: conv(zeros(2, 4, 3), zeros(3, 3, 5), data_format="channel_last"),
        ArgumentError,
        "Unknown data_format of conv 'channel_last'. Did you mean 'channels_last' or "
        "'channels_first'?",
    ),
    (
        lambda: depthwise_conv(zeros(2, 4, 3), zeros(3, 2, 5)),
        ShapeError,
        "depthwise_conv: expected a kernel for 3 channels, got one of shape (3, 2, 5).",
    ),
    (
        lambda: conv_transpose(zeros(2, 4, 3), zeros(3, 3, 5)),
        ShapeError,
        "conv_transpose: expected 5 channels for a kernel of shape (3, 3, 5), got 3.",
    ),
    (
        lambda: conv_transpose(zeros(2, 4, 3), zeros(3, 5, 3), 2, output_padding=2),
        ArgumentError,
        "conv_transpose: output_padding must be at least 0 and less than strides=(2,), got 2.",
    ),
    (
        lambda: Conv2D(6, 3, name="c")(zeros(2, 5, 3)),
        ShapeError,
        "Conv2D 'c': expected an input with 4 axes (N, height, width, channels), got (2, 5, 3). "
        "Reshape it, or change the preceding layer.",
    ),
    (
        lambda: Conv1D(6, 3, data_format="channels_first", name="c")(zeros(2, 5)),
        ShapeError,
        "Conv1D 'c': expected an input with 3 axes (N, channels, steps), got (2, 5). "
        "Reshape it, or change the preceding layer.",
    ),
    (
        lambda: Conv2D(6, 5, name="c")(zeros(2, 3, 3, 1)),
        ShapeError,
        "Conv2D 'c': the window reaches over (5, 5) positions, but the padded input has only "
        "(3, 3). Use a smaller window or dilation, padding='same', or a larger input.",
    ),
    (
        lambda: Conv2D(6, 3, groups=3, name="c")(zeros(2, 5, 5, 4)),
        ShapeError,
        "Conv2D 'c': the 4 channels of input (2, 5, 5, 4) must be a multiple of groups=3.",
    ),
    (
        lambda: Conv1D(6, 3, name="c")(Input((5, None))),
        ShapeError,
        "Conv1D 'c': the number of channels must be known, got input shape (None, 5, None).",
    ),
    (
        lambda: Conv2D(5, 3, groups=3, name="c"),
        ArgumentError,
        "Conv2D 'c': filters=5 must be a multiple of groups=3.",
    ),
    (
        lambda: Conv2D(0, 3, name="c"),
        ArgumentError,
        "Conv2D 'c': filters must be a whole number of at least 1, got 0.",
    ),
    (
        lambda: Conv2D(4, (3, 3, 3), name="c"),
        ArgumentError,
        "Conv2D 'c': kernel_size must be a positive integer or 2 of them, got (3, 3, 3).",
    ),
    (
        lambda: Conv2D(4, 3, padding="causal", name="c"),
        ArgumentError,
        "Unknown padding of Conv2D 'c' 'causal'. Known: same, valid.",
    ),
    (
        lambda: Conv2DTranspose(4, 3, output_padding=1, name="c"),
        ArgumentError,
        "Conv2DTranspose 'c': output_padding must be at least 0 and less than "
        "strides=(1, 1), got 1.",
    ),
]


@pytest.mark.parametrize(("action", "error", "text"), ERRORS, ids=[e[2][:50] for e in ERRORS])
def test_errors(action, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        action()


def test_primitive_errors():
    attrs = {"strides": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}
    with pytest.raises(
        ShapeError, match=r"^convolution: expected 2 channels for a kernel of shape "
    ):
        apply(OPS["convolution"], zeros(2, 5, 3), zeros(3, 2, 4), **attrs)
    text = "convolution_input_grad: expected a gradient with spatial shape (3,), got (4,)."
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        apply(OPS["convolution_input_grad"], zeros(2, 4, 4), zeros(3, 2, 4), shape=(5,), **attrs)
    text = "convolution_kernel_grad: 3 channels do not divide into groups=2."
    attrs["groups"] = 2
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        apply(OPS["convolution_kernel_grad"], zeros(2, 5, 3), zeros(2, 3, 4), window=(3,), **attrs)


# The layers


def test_a_layer_refuses_other_channels_than_it_was_built_for():
    layer = Conv2D(6, 3, name="c")
    layer(zeros(2, 5, 5, 3))
    text = (
        "Conv2D 'c': expected 3 channels on axis -1, got input (2, 5, 5, 6). Change the preceding "
        "layer, or make a new layer."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        layer(zeros(2, 5, 5, 6))  # which would divide into two groups


def test_layer_is_op_bias_activation():
    x = rng(1).normal(size=(2, 7, 6, 4)).astype("float32")
    layer = Conv2D(6, (3, 2), (2, 1), "same", groups=2, activation="relu", name="head")
    layer.build(x.shape)
    assert [w.path for w in layer.weights] == ["head/kernel", "head/bias"]
    assert [w.shape for w in layer.weights] == [(3, 2, 2, 6), (6,)]
    kernel, bias = rng(2).normal(size=(3, 2, 2, 6)), rng(3).normal(size=6)
    layer.set_weights([kernel, bias])
    expected = np.maximum(conv(x, kernel.astype("float32"), (2, 1), "same").numpy() + bias, 0)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    first = Conv2D(
        6, (3, 2), (2, 1), "same", "channels_first", groups=2, activation="relu", name="first"
    )
    first.build((2, 4, 7, 6))
    first.set_weights([kernel, bias])
    y = first(np.moveaxis(x, -1, 1)).numpy()
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_causal_padding_sees_no_later_step(dilation, data_format):
    layer = Conv1D(2, 3, padding="causal", dilation_rate=dilation, data_format=data_format)
    x = rng(1).normal(size=(1, 9, 3)).astype("float32")
    steps = 1
    if data_format == "channels_first":
        x, steps = np.moveaxis(x, 1, 2), 2
    changed = x.copy()
    changed[(0, 5, 0) if steps == 1 else (0, 0, 5)] += 1
    before, after = layer(x).numpy(), layer(changed).numpy()
    assert before.shape[steps] == 9
    different = np.abs(before - after).sum(axis=(0, 3 - steps)) > 0
    assert np.flatnonzero(different).tolist() == [
        t for t in (5, 5 + dilation, 5 + 2 * dilation) if t < 9
    ]


LAYERS = [
    (Conv1D(3, 2, 2, "causal"), (2, 9, 4)),
    (Conv2D(4, 3, padding="same", groups=2, kernel_regularizer="l2"), (2, 5, 6, 4)),
    (Conv2D(4, 3, use_bias=False, data_format="channels_first"), (2, 3, 6, 5)),
    (Conv3D(2, (1, 2, 3)), (1, 3, 4, 5, 2)),
    (Conv1DTranspose(3, 4, 2, "same"), (2, 5, 2)),
    (Conv2DTranspose(3, 3, 2, output_padding=1, activation="tanh"), (2, 4, 5, 2)),
    (DepthwiseConv2D(3, depth_multiplier=2), (2, 5, 6, 3)),
    (SeparableConv1D(4, 3, padding="same"), (2, 7, 3)),
    (SeparableConv2D(4, 3, depth_multiplier=2, bias_initializer="ones"), (2, 5, 6, 3)),
]


@pytest.mark.parametrize(
    ("layer", "shape"), LAYERS, ids=[f"{i}-{type(e[0]).__name__}" for i, e in enumerate(LAYERS)]
)
def test_layers_come_back_from_their_configuration(layer, shape):
    x = rng(1).normal(size=shape).astype("float32")
    y = layer(x)
    copy = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    copy.build(shape)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(x).numpy(), y.numpy())
    assert copy.get_config() == layer.get_config()
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *y.shape[1:])
    assert layer(Input(shape[1:])).shape == (None, *y.shape[1:])
    assert [w.name for w in copy.weights] == [w.name for w in layer.weights]


def test_configuration_is_that_of_keras():
    assert json.loads(json.dumps(Conv2D(4, 3, activation="relu", name="c").get_config())) == {
        "name": "c",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "filters": 4,
        "kernel_size": [3, 3],
        "strides": [1, 1],
        "padding": "valid",
        "data_format": "channels_last",
        "dilation_rate": [1, 1],
        "groups": 1,
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "GlorotUniform",
            "config": {"seed": None, "input_axes": None, "output_axes": None},
            "registered_name": None,
        },
        "bias_initializer": {
            "module": "keras.initializers",
            "class_name": "Zeros",
            "config": {},
            "registered_name": None,
        },
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }
