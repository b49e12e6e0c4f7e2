"""The layers without time: known values, states, configurations, and every error's whole text."""

import json

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.registry import register_keras_serializable

RNG = np.random.default_rng(0)


def data(*shape):
    return RNG.normal(size=shape).astype("float32")


def gives(layer, inputs, expected, **kwargs):
    np.testing.assert_allclose(layer(inputs, **kwargs), expected, rtol=1e-5, atol=1e-6)


# Known values, to be checked by hand


def test_dense_is_activation_of_product_plus_bias():
    layer = layers.Dense(2, activation="relu")
    layer.build((None, 3))
    layer.set_weights([[[1, 2], [3, 4], [5, 6]], [0.5, -30]])
    gives(layer, [[1.0, 0.0, 2.0]], [[11.5, 0.0]])  # 1 + 10 + 0.5; 2 + 12 - 30 < 0
    gives(layer, [[[1.0, 0.0, 2.0]], [[0.0, 1.0, 0.0]]], [[[11.5, 0.0]], [[3.5, 0.0]]])
    assert [w.path for w in layer.weights] == [f"{layer.name}/kernel", f"{layer.name}/bias"]


def test_dense_without_bias_has_one_weight():
    layer = layers.Dense(2, use_bias=False, kernel_initializer="ones")
    gives(layer, [[1.0, 2.0]], [[3.0, 3.0]])
    assert len(layer.weights) == 1


def test_embedding_looks_up_rows():
    layer = layers.Embedding(3, 2, weights=[[0, 1], [2, 3], [4, 5]])
    gives(layer, [[2, 0]], [[[4, 5], [0, 1]]])
    gives(layer, np.array([1], "int64"), [[2, 3]])
    gives(layer, np.array([1.0], "float32"), [[2, 3]])


def test_embedding_gradients_of_equal_indices_add_up():
    layer = layers.Embedding(3, 2)
    with kerasnb.GradientTape() as tape:
        loss = ops.sum(layer([2, 0, 2]))
    gradient = tape.gradient(loss, layer.trainable_weights)[0]
    np.testing.assert_array_equal(gradient, [[1, 1], [0, 0], [2, 2]])


@pytest.mark.parametrize(
    ("layer", "inputs", "expected"),
    [
        (layers.Activation("relu"), [[-1.0, 2.0]], [[0, 2]]),
        (layers.Identity(), [[-1.0, 2.0]], [[-1, 2]]),
        (layers.Lambda(lambda x, power: x**power, arguments={"power": 3}), [[2.0]], [[8]]),
        (layers.ReLU(max_value=3, negative_slope=0.5, threshold=1), [-1.0, 2, 9], [-1, 2, 3]),
        (layers.LeakyReLU(), [-1.0, 2.0], [-0.3, 2]),
        (layers.PReLU(alpha_initializer="ones"), [[-1.0, 2.0]], [[-1, 2]]),
        (layers.ELU(2.0), [0.0, -100.0, 3.0], [0, -2, 3]),
        (layers.Softmax(), [[0.0, np.log(3.0)]], [[0.25, 0.75]]),
        (layers.Softmax(axis=(1, 2)), [[[0.0, 0.0], [0.0, 0.0]]], [[[0.25, 0.25], [0.25, 0.25]]]),
        (layers.Flatten(), [[[1.0, 2], [3, 4]]], [[1, 2, 3, 4]]),
        (layers.Flatten(), [1.0, 2.0], [[1], [2]]),
        (layers.Flatten("channels_first"), [[[1.0, 2], [3, 4]]], [[1, 3, 2, 4]]),
        (layers.Reshape((2, -1)), [[1.0, 2, 3, 4]], [[[1, 2], [3, 4]]]),
        (layers.Permute((2, 1)), [[[1.0, 2], [3, 4]]], [[[1, 3], [2, 4]]]),
        (layers.RepeatVector(2), [[1.0, 2]], [[[1, 2], [1, 2]]]),
        (layers.ZeroPadding1D((1, 0)), [[[1.0], [2]]], [[[0], [1], [2]]]),
        (layers.Cropping1D((1, 0)), [[[1.0], [2]]], [[[2]]]),
        (layers.UpSampling1D(2), [[[1.0], [2]]], [[[1], [1], [2], [2]]]),
        (layers.ZeroPadding2D(((1, 0), (0, 1))), [[[[5.0]]]], [[[[0], [0]], [[5], [0]]]]),
        (layers.Cropping2D((0, 1)), [[[[1.0], [2], [3]]]], [[[[2]]]]),
        (layers.UpSampling2D((1, 2)), [[[[1.0], [2]]]], [[[[1], [1], [2], [2]]]]),
        (layers.UnitNormalization(), [[3.0, 4.0]], [[0.6, 0.8]]),
        (layers.LayerNormalization(epsilon=0.0), [[1.0, 3.0]], [[-1, 1]]),
        (layers.GroupNormalization(2, epsilon=0.0), [[1.0, 3, 10, 30]], [[-1, 1, -1, 1]]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_known_values(layer, inputs, expected):
    gives(layer, np.array(inputs, "float32"), expected)


def test_softmax_gives_nothing_to_masked_elements():
    mask = [[True, False, True], [False, False, False]]
    gives(layers.Softmax(), np.zeros((2, 3)), [[0.5, 0, 0.5], [0, 0, 0]], mask=np.array(mask))


TWO = [np.array([[1.0, 5.0]], "float32"), np.array([[3.0, 2.0]], "float32")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Add", [[4, 7]]),
        ("Subtract", [[-2, 3]]),
        ("Multiply", [[3, 10]]),
        ("Average", [[2, 3.5]]),
        ("Maximum", [[3, 5]]),
        ("Minimum", [[1, 2]]),
        ("Concatenate", [[1, 5, 3, 2]]),
    ],
)
def test_merging_as_class_and_as_function(name, expected):
    gives(getattr(layers, name)(), TWO, expected)
    gives(getattr(layers, name.lower()), TWO, expected)


def test_merging_stretches_lower_ranks_after_the_batch():
    assert layers.Add()([data(2, 3, 4), data(2, 4)]).shape == (2, 3, 4)
    x, y = data(2, 2, 4), data(2, 4)
    gives(layers.Add(), [x, y], x + y[:, None])


def test_dot_is_a_product_for_each_sample():
    gives(layers.Dot(axes=1), TWO, [[13]])
    cosine = 13 / np.sqrt(26 * 13)
    gives(layers.Dot(axes=-1, normalize=True), TWO, [[cosine]])
    x, y = data(2, 3, 4), data(2, 5, 4)
    gives(layers.dot, [x, y], x @ y.transpose(0, 2, 1), axes=2)
    gives(layers.Dot((2, 1)), [x, data(2, 4) * 0 + 1], x.sum(2))


# Training and inference


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5),
        layers.GaussianDropout(0.5),
        layers.GaussianNoise(0.5),
        layers.SpatialDropout1D(0.5),
    ],
    ids=lambda layer: layer.name,
)
def test_noise_is_for_training_only(layer):
    x = data(4, 50, 3)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    assert np.abs(layer(x, training=True).numpy() - x).max() > 0.01
    assert layer.weights == []
    assert [v.name for v in layer.variables] == ["seed_generator_state"]


def test_dropout_scales_what_it_keeps():
    y = layers.Dropout(0.25, seed=1)(np.ones((100, 100)), training=True).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    # 10,000 choices: a standard deviation of the mean is 0.006
    assert abs(y.mean() - 1) < 0.03


def test_dropout_with_a_seed_repeats_itself():
    first, second = layers.Dropout(0.5, seed=7), layers.Dropout(0.5, seed=7)
    x = np.ones((5, 5))
    a, b = first(x, training=True), second(x, training=True)
    np.testing.assert_array_equal(a, b)
    assert np.any(first(x, training=True).numpy() != a.numpy())


def test_dropout_drops_whole_slices_along_a_noise_shape():
    for layer in (layers.Dropout(0.5, noise_shape=(None, 1, None)), layers.SpatialDropout1D(0.5)):
        y = layer(np.ones((20, 6, 3)), training=True).numpy()
        np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    y = layers.SpatialDropout2D(0.5)(np.ones((20, 2, 3, 4)), training=True).numpy()
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))


def test_batch_normalization_moves_its_averages_in_training_only():
    layer = layers.BatchNormalization(momentum=0.9, epsilon=0.0)
    x = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")
    gives(layer, x, x)  # averages 0 and 1: nothing to do
    gives(layer, x, [[-1, -1], [1, 1]], training=True)
    np.testing.assert_allclose(layer.moving_mean, [0.2, 2.0], rtol=1e-6)  # 0.9 * 0 + 0.1 * mean
    np.testing.assert_allclose(layer.moving_variance, [1.0, 10.9], rtol=1e-6)
    gives(layer, x, (x - [0.2, 2.0]) / np.sqrt([1.0, 10.9]))
    names = [w.path.split("/")[-1] for w in layer.weights]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_batch_normalization_that_is_not_trainable_keeps_its_averages():
    layer = layers.BatchNormalization(epsilon=0.0)
    layer.trainable = False
    x = data(6, 2)
    gives(layer, x, x, training=True)
    np.testing.assert_array_equal(layer.moving_mean, [0, 0])


def test_batch_normalization_takes_channels_from_its_axis():
    x = data(4, 3, 5)
    y = layers.BatchNormalization(axis=1)(x, training=True).numpy()
    np.testing.assert_allclose(y.mean((0, 2)), np.zeros(3), atol=1e-5)


def test_activity_regularization_adds_to_the_losses():
    layer = layers.ActivityRegularization(l1=0.5)
    layer(np.array([[1.0, -3.0]], "float32"))
    assert [float(v) for v in layer.losses] == [2.0]


def test_lambda_hears_of_training():
    layer = layers.Lambda(lambda x, training: x * 2 if training else x)
    gives(layer, [1.0], [2], training=True)
    gives(layer, [1.0], [1])


# Shapes and configurations

EVERY = [
    (layers.Dense(3, "tanh", kernel_regularizer="l2"), (None, 4), (None, 3)),
    (layers.Embedding(5, 2), (None, 4), (None, 4, 2)),
    (layers.Activation("gelu"), (None, 4), (None, 4)),
    (layers.Identity(), (None, 4), (None, 4)),
    (layers.Dropout(0.5, noise_shape=(None, 1), seed=3), (None, 4), (None, 4)),
    (layers.GaussianDropout(0.5), (None, 4), (None, 4)),
    (layers.GaussianNoise(0.5), (None, 4), (None, 4)),
    (layers.SpatialDropout1D(0.5), (None, 4, 3), (None, 4, 3)),
    (layers.SpatialDropout2D(0.5), (None, 4, 3, 2), (None, 4, 3, 2)),
    (layers.ActivityRegularization(0.1, 0.2), (None, 4), (None, 4)),
    (layers.Flatten(), (None, 4, 3), (None, 12)),
    (layers.Flatten(), (None, None, 3), (None, None)),
    (layers.Reshape((-1, 2)), (None, 4, 3), (None, 6, 2)),
    (layers.Reshape((-1, 3)), (None, None, 3), (None, None, 3)),
    (layers.Permute((2, 1)), (None, 4, 3), (None, 3, 4)),
    (layers.RepeatVector(3), (None, 4), (None, 3, 4)),
    (layers.ZeroPadding1D(2), (None, 4, 3), (None, 8, 3)),
    (layers.ZeroPadding2D(), (None, 4, 3, 2), (None, 6, 5, 2)),
    (layers.Cropping1D(1), (None, 4, 3), (None, 2, 3)),
    (layers.Cropping2D(1), (None, 4, 3, 2), (None, 2, 1, 2)),
    (layers.UpSampling1D(), (None, 4, 3), (None, 8, 3)),
    (layers.UpSampling2D(), (None, 4, 3, 2), (None, 8, 6, 2)),
    (layers.Add(), [(None, 4), (None, 4)], (None, 4)),
    (layers.Subtract(), [(None, 4, 1), (None, 1, 3)], (None, 4, 3)),
    (layers.Concatenate(axis=1), [(None, 4), (None, 2)], (None, 6)),
    (layers.Dot(axes=(2, 1)), [(None, 4, 3), (None, 3, 2)], (None, 4, 2)),
    (layers.BatchNormalization(axis=1), (None, 4, 3), (None, 4, 3)),
    (layers.LayerNormalization(axis=[1, 2]), (None, 4, 3), (None, 4, 3)),
    (layers.GroupNormalization(2), (None, 4), (None, 4)),
    (layers.UnitNormalization(), (None, 4), (None, 4)),
    (layers.ReLU(6), (None, 4), (None, 4)),
    (layers.LeakyReLU(), (None, 4), (None, 4)),
    (layers.PReLU(shared_axes=1), (None, 4, 3), (None, 4, 3)),
    (layers.ELU(), (None, 4), (None, 4)),
    (layers.Softmax(), (None, 4), (None, 4)),
]


@pytest.mark.parametrize(
    ("layer", "given", "expected"), EVERY, ids=lambda v: getattr(v, "name", "")
)
def test_output_shapes_with_an_unknown_batch(layer, given, expected):
    assert tuple(layer.compute_output_shape(given)) == expected


@pytest.mark.parametrize("layer", [case[0] for case in EVERY], ids=lambda layer: layer.name)
def test_a_layer_comes_back_from_its_configuration(layer):
    config = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(config)
    assert type(again) is type(layer)
    assert json.loads(json.dumps(layers.serialize(again))) == config


def test_a_dense_configuration_is_that_of_keras():
    config = layers.Dense(3, activation="relu", bias_regularizer="l1", name="head").get_config()
    assert list(config.pop("bias_regularizer")) == [
        "module", "class_name", "config", "registered_name"
    ]  # fmt: skip
    zeros = {
        "module": "keras.initializers",
        "class_name": "Zeros",
        "config": {},
        "registered_name": None,
    }
    glorot = {"seed": None, "input_axes": None, "output_axes": None}
    assert config == {
        "name": "head",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "units": 3,
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": {**zeros, "class_name": "GlorotUniform", "config": glorot},
        "bias_initializer": zeros,
        "kernel_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        "quantization_config": None,
    }


@register_keras_serializable("Test")
def triple(x):
    return 3 * x


def test_a_lambda_of_a_registered_function_comes_back():
    again = layers.Lambda.from_config(layers.Lambda(triple).get_config())
    gives(again, [2.0], [6])


def test_a_python_lambda_does_not_come_back():
    config = layers.Lambda(lambda x: x, name="own").get_config()
    with pytest.raises(ArgumentError) as caught:
        layers.Lambda.from_config(config)
    assert str(caught.value) == (
        "Lambda 'own': a configuration cannot hold a Python lambda. Write it as a function under "
        "kerasnb.saving.register_keras_serializable()."
    )


# Errors


def built_dense():
    layer = layers.Dense(2, name="n")
    layer.build((None, 64))
    return layer


def built_batch_normalization():
    layer = layers.BatchNormalization(name="n")
    layer.build((None, 3))
    return layer


def ones(*shape):
    return np.ones(shape, "float32")


ARGUMENTS = {
    "Dense 'n': units must be a whole number of at least 1, got 0.": lambda: layers.Dense(
        0, name="n"
    ),
    "Dense 'n': units must be a whole number of at least 1, got 2.5.": lambda: layers.Dense(
        2.5, name="n"
    ),
    "Dense 'n': quantization_config must be None: quantised layers are not supported.": (
        lambda: layers.Dense(2, quantization_config={}, name="n")
    ),
    "Embedding 'n': input_dim must be a whole number of at least 1, got -1.": (
        lambda: layers.Embedding(-1, 2, name="n")
    ),
    "Lambda 'n': function must be callable, got 3.": lambda: layers.Lambda(3, name="n"),
    "Dropout 'n': rate must be a number from 0 to 1, got 1.5.": lambda: layers.Dropout(
        1.5, name="n"
    ),
    "Dropout 'n': noise_shape must be a tuple of positive whole numbers and None, got (0,).": (
        lambda: layers.Dropout(0.5, noise_shape=(0,), name="n")
    ),
    "Flatten 'n': data_format must be 'channels_last' or 'channels_first', got 'last'.": (
        lambda: layers.Flatten("last", name="n")
    ),
    "Reshape 'n': only one dimension of target_shape may be -1, got (-1, -1).": (
        lambda: layers.Reshape((-1, -1), name="n")
    ),
    "Permute 'n': dims must hold each of 1 to 2 once, got (0, 1).": lambda: layers.Permute(
        (0, 1), name="n"
    ),
    "RepeatVector 'n': n must be a whole number of at least 1, got 'a'.": (
        lambda: layers.RepeatVector("a", name="n")
    ),
    "ZeroPadding1D 'n': padding must be one number or two, got (1, 2, 3).": (
        lambda: layers.ZeroPadding1D((1, 2, 3), name="n")
    ),
    "ZeroPadding2D 'n': padding must be one number, two, or two pairs, got (1, 2, 3).": (
        lambda: layers.ZeroPadding2D((1, 2, 3), name="n")
    ),
    "Unknown interpolation of UpSampling2D 'n': 'cubic'. Did you mean 'bicubic'?": (
        lambda: layers.UpSampling2D(interpolation="cubic", name="n")
    ),
    "Add 'n': expected a list of tensors, got one input of shape (2, 3).": (
        lambda: layers.Add(name="n")(ones(2, 3))
    ),
    "Subtract 'n': expected two inputs, got 3.": lambda: layers.Subtract(name="n")([ones(2)] * 3),
    "Dot 'n': axes must be a whole number or two, other than 0 (the batch), got 0.": (
        lambda: layers.Dot(0, name="n")
    ),
    "BatchNormalization 'n': momentum must be a number from 0 to 1, got 2.": (
        lambda: layers.BatchNormalization(momentum=2, name="n")
    ),
    "BatchNormalization 'n': renorm must be False: batch renormalisation is not supported.": (
        lambda: layers.BatchNormalization(renorm=True, name="n")
    ),
    "LayerNormalization 'n': rms_scaling must be False: it is not supported.": (
        lambda: layers.LayerNormalization(rms_scaling=True, name="n")
    ),
    "LeakyReLU 'n': negative_slope must be a number of at least 0, got -1.": (
        lambda: layers.LeakyReLU(-1, name="n")
    ),
}

SHAPES = {
    "Dense 'n': expected last axis 64, got input (32, 10, 63). Change the preceding layer or "
    "units.": lambda: built_dense()(ones(32, 10, 63)),
    "Dense 'n': expected an input with at least 2 axes (batch, ..., features), got (3,). Reshape "
    "it, or change the preceding layer.": lambda: layers.Dense(2, name="n")(ones(3)),
    "Dense 'n': the last axis of the input (None, None) must be known. Give its length in "
    "Input(shape=...).": lambda: layers.Dense(2, name="n")(kerasnb.Input((None,))),
    "Embedding 'n': expected indices from 0 to 2, got 0 to 3. Raise input_dim, or change the "
    "data.": lambda: layers.Embedding(3, 2, name="n")([[0, 3]]),
    "Embedding 'n': expected indices from 0 to 2, got -1 to 1. Raise input_dim, or change the "
    "data.": lambda: layers.Embedding(3, 2, name="n")([[-1, 1]]),
    "SpatialDropout1D 'n': expected an input with 3 axes (batch, steps, channels), got (2, 3). "
    "Reshape it, or change the preceding layer.": (
        lambda: layers.SpatialDropout1D(0.5, name="n")(ones(2, 3), training=True)
    ),
    "Reshape 'n': a sample of shape (5,) has 5 features, which do not fit into "
    "target_shape=(2, -1).": lambda: layers.Reshape((2, -1), name="n")(ones(2, 5)),
    "Permute 'n': expected an input with 3 axes for dims=(2, 1), got (2, 3). Reshape it, or change "
    "the preceding layer.": lambda: layers.Permute((2, 1), name="n")(ones(2, 3)),
    "Cropping1D 'n': cropping=(1, 2) leaves nothing of axis 1 of an input of shape (2, 3, 1).": (
        lambda: layers.Cropping1D((1, 2), name="n")(ones(2, 3, 1))
    ),
    "Add 'n': expected shapes that broadcast together with one batch size, got (2, 3), (2, 4); "
    "they differ in axis 1.": lambda: layers.Add(name="n")([ones(2, 3), ones(2, 4)]),
    "Add 'n': expected shapes that broadcast together with one batch size, got (2, 3), (1, 3); "
    "they differ in axis 0.": lambda: layers.Add(name="n")([ones(2, 3), ones(1, 3)]),
    "Concatenate 'n': expected shapes that differ in axis 1 only, got (2, 3), (3, 3). Change axis, "
    "or a preceding layer.": lambda: layers.Concatenate(name="n")([ones(2, 3), ones(3, 3)]),
    "Concatenate 'n': axis=2 does not exist in an input of shape (2, 3); expected -2 to 1.": (
        lambda: layers.Concatenate(2, name="n")([ones(2, 3), ones(2, 3)])
    ),
    "Dot 'n': expected axes of one length, got 3 and 4 in inputs of (2, 3) and (2, 4) with "
    "axes=1.": lambda: layers.Dot(1, name="n")([ones(2, 3), ones(2, 4)]),
    "BatchNormalization 'n': axis=5 does not exist in an input of shape (2, 3); expected -2 to "
    "1.": (lambda: layers.BatchNormalization(axis=5, name="n")(ones(2, 3))),
    "BatchNormalization 'n': expected 3 channels in axis 1, got input (2, 4). Change the preceding "
    "layer or axis.": lambda: built_batch_normalization()(ones(2, 4)),
    "LayerNormalization 'n': the normalised axes must be known, got lengths (None,). Give them in "
    "Input(shape=...).": (
        lambda: layers.LayerNormalization(axis=1, name="n")(kerasnb.Input((None, 3)))
    ),
    "GroupNormalization 'n': expected channels that divide into groups=2, got 3 in an input of "
    "shape (2, 3).": lambda: layers.GroupNormalization(2, name="n")(ones(2, 3)),
    "PReLU 'n': the axes of the input (None, None, 3) must be known, or be among shared_axes.": (
        lambda: layers.PReLU(name="n")(kerasnb.Input((None, 3)))
    ),
}


@pytest.mark.parametrize("text", ARGUMENTS)
def test_errors_about_arguments(text):
    with pytest.raises(ArgumentError) as caught:
        ARGUMENTS[text]()
    assert str(caught.value) == text


@pytest.mark.parametrize("text", SHAPES)
def test_errors_about_shapes(text):
    with pytest.raises(ShapeError) as caught:
        SHAPES[text]()
    assert str(caught.value) == text
