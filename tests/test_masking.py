"""Masks: how they travel, eagerly and compiled, what they do to losses, and errors' texts."""

import warnings

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, losses, metrics, ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.tensor import mask_of, set_mask

TOKENS = np.array([[1, 2, 0, 0], [3, 0, 4, 2]])
SEEN = TOKENS != 0
RNG = np.random.default_rng(3)


def masked(shape=(2, 4, 3)):
    """A tensor with the mask `SEEN` on it."""
    return set_mask(
        ops.convert_to_tensor(RNG.normal(size=shape).astype("float32")), ops.array(SEEN)
    )


def mask(tensor):
    found = mask_of(tensor)
    return None if found is None else found.numpy().tolist()


# How masks travel


def test_zeros_are_masked_only_if_asked():
    assert mask(layers.Embedding(5, 2, mask_zero=True)(TOKENS)) == SEEN.tolist()
    assert mask(layers.Embedding(5, 2)(TOKENS)) is None


def test_masking_leaves_out_steps_and_makes_them_zero():
    x = np.array([[[7.0, 7.0], [7.0, 1.0], [2.0, 3.0]]], "float32")
    y = layers.Masking(7.0)(x)
    assert mask(y) == [[False, True, True]]
    assert y.numpy().tolist() == [[[0, 0], [7, 1], [2, 3]]]


def test_a_layer_gets_the_mask_and_passes_it_on():
    class Seeing(kerasnb.Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            return inputs * ops.cast(ops.expand_dims(mask, -1), "float32")

    x = masked()
    y = Seeing()(x)
    assert mask(y) == SEEN.tolist()
    np.testing.assert_array_equal(y.numpy(), x.numpy() * SEEN[..., None])


def test_each_argument_brings_its_own_mask():
    class Two(kerasnb.Layer):
        def call(self, left, right, left_mask=None, right_mask=None):
            self.got = left_mask is not None, right_mask is not None
            return left + right

    two = Two()
    with pytest.warns(UserWarning, match="does not support"):
        two(masked(), ops.ones((2, 4, 3)))
    assert two.got == (True, False)


def test_a_mask_that_was_given_goes_before_that_of_the_input():
    x = masked()
    layer = layers.GlobalAveragePooling1D()
    everything = layer(x, mask=np.ones((2, 4), bool))
    np.testing.assert_allclose(everything, x.numpy().mean(1), rtol=1e-5)


def test_compute_mask_makes_a_class_support_masks():
    class Halved(kerasnb.Layer):
        def call(self, inputs):
            return inputs[:, ::2]

        def compute_mask(self, inputs, previous_mask):
            return None if previous_mask is None else previous_mask[:, ::2]

    assert Halved.supports_masking
    assert mask(Halved()(masked())) == SEEN[:, ::2].tolist()
    assert mask(Halved()(ops.ones((2, 4, 3)))) is None


def test_a_mask_survives_the_change_of_dtype():
    x = set_mask(ops.ones((2, 4, 3), "float64"), ops.array(SEEN))
    assert mask(layers.Dense(2)(x)) == SEEN.tolist()


def test_models_pass_masks_through():
    inner = kerasnb.Sequential([kerasnb.Input((4, 3)), layers.Dense(2), layers.Dropout(0.5)])

    class Own(kerasnb.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    for model in (inner, Own(), kerasnb.Sequential([layers.Dense(2)])):
        assert mask(model(masked())) == SEEN.tolist()


def test_a_model_takes_a_mask():
    model = kerasnb.Sequential([kerasnb.Input((4, 3)), layers.GlobalAveragePooling1D()])
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    expected = [x[0, :2].mean(0), x[1, [0, 2, 3]].mean(0)]
    np.testing.assert_allclose(model(x, mask=ops.array(SEEN)), expected, rtol=1e-5)


def test_symbolic_masks_can_be_used_in_a_graph():
    tokens = kerasnb.Input((4,), dtype="int32")
    x = layers.Embedding(5, 2, mask_zero=True)(tokens)
    count = ops.sum(ops.cast(mask_of(x), "float32"), axis=1)
    model = kerasnb.Model(tokens, [x, count])
    assert model.predict(TOKENS, verbose=0)[1].tolist() == [2.0, 3.0]
    assert mask_of(x).shape == (None, 4)


def test_who_drops_a_mask_says_so():
    with pytest.warns(UserWarning, match="drops it") as caught:
        layers.Flatten(name="flat")(masked())
    assert str(caught[0].message) == (
        "Flatten 'flat' got an input with a mask, does not support masking, and drops it: the "
        "layers that follow see no mask. Take a layer that supports masking, or set "
        "supports_masking = True if the steps stay in their places."
    )


# Compiled


def build(eager):
    kerasnb.utils.set_random_seed(1)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((4,), dtype="int32"),
            layers.Embedding(5, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(3, activation="softmax")),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager)
    return model


def test_compiled_steps_agree_with_eager_ones():
    y = RNG.integers(0, 3, (2, 4))
    logs = []
    for eager in (True, False):
        model = build(eager)
        history = model.fit(TOKENS, y, epochs=2, verbose=0).history
        logs.append((history["loss"], history["accuracy"], model.predict(TOKENS, verbose=0)))
    for a, b in zip(*logs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert "native" in str(model.explain())


def test_a_train_step_of_ones_own_sees_the_mask():
    class Own(kerasnb.Model):
        def train_step(self, data):
            x, y = data
            y_pred = self(x, training=True)
            return {"loss": self.compute_loss(x=x, y=y, y_pred=y_pred)}

    i = kerasnb.Input((4,), dtype="int32")
    model = Own(i, layers.Dense(1)(layers.Embedding(5, 3, mask_zero=True)(i)))
    model.compile("sgd", "mse")
    y = RNG.normal(size=(2, 4, 1)).astype("float32")
    logs = model.train_on_batch(TOKENS, y, return_dict=True)
    errors = (y - model.predict(TOKENS, verbose=0))[..., 0] ** 2
    np.testing.assert_allclose(logs["loss"], errors[SEEN].mean(), rtol=1e-5)


# Losses and metrics


def test_a_loss_is_the_mean_of_what_counts():
    y = set_mask(ops.ones((2, 4, 1)), ops.array(SEEN))
    truth = RNG.normal(size=(2, 4, 1)).astype("float32")
    squares = (truth[..., 0] - 1) ** 2
    np.testing.assert_allclose(losses.MeanSquaredError()(truth, y), squares[SEEN].mean(), rtol=1e-5)
    total = losses.MeanSquaredError(reduction="sum")(truth, y)
    np.testing.assert_allclose(total, squares[SEEN].sum(), rtol=1e-5)
    weighted = losses.MeanSquaredError()(truth, y, sample_weight=[[1.0], [3.0]])
    expected = (squares * SEEN * [[1], [3]]).sum() / SEEN.sum()
    np.testing.assert_allclose(weighted, expected, rtol=1e-5)


def test_a_mask_and_an_ignored_class_both_leave_out():
    y = set_mask(ops.ones((2, 4, 3)) / 3, ops.array(SEEN))
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1, reduction="sum")
    labels = np.array([[1, 0, 0, 0], [0, 0, 1, 2]])
    np.testing.assert_allclose(loss(labels, y), 3 * np.log(3), rtol=1e-5)


def test_a_metric_counts_what_counts():
    y = set_mask(
        ops.convert_to_tensor(np.eye(3, dtype="float32")[[[0, 1, 2, 0]] * 2]), ops.array(SEEN)
    )
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state([[0, 0, 0, 0], [0, 1, 1, 0]], y)
    np.testing.assert_allclose(metric.result(), 3 / 5, rtol=1e-6)


def test_logs_of_a_masked_and_weighted_fit_are_those_of_keras():
    rng = np.random.default_rng(0)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((7,), dtype="int32"),
            layers.Embedding(5, 4, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    name = "sparse_categorical_crossentropy"
    model.compile(
        kerasnb.optimizers.SGD(0.1), name, metrics=["accuracy"], weighted_metrics=[name, "accuracy"]
    )
    x = rng.integers(0, 5, (6, 7))
    x[:, 0] = 1
    y, weights = rng.integers(0, 3, (6, 7)), rng.random((6, 7)).astype("float32")
    history = model.fit(
        x, y, sample_weight=weights, batch_size=4, epochs=2, shuffle=False, verbose=0
    ).history
    # Keras 3.15.1 on TensorFlow
    expected = {
        "accuracy": [0.264706, 0.264706],
        "loss": [0.726592, 0.712385],
        name: [1.448707, 1.420586],
        "weighted_accuracy": [0.276801, 0.276801],
    }
    assert sorted(history) == sorted(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, atol=2e-6)


# Recurrent layers and wrappers


def test_a_stateful_pair_of_directions():
    layer = layers.Bidirectional(layers.GRU(2, stateful=True))
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    first = layer(x).numpy()
    assert np.abs(layer(x).numpy() - first).max() > 1e-4
    layer.reset_states()
    np.testing.assert_allclose(layer(x), first, rtol=1e-6)
    assert [s.shape for s in layer.states] == [(2, 2), (2, 2)]


def test_first_weights_of_both_directions():
    given = layers.Bidirectional(layers.SimpleRNN(2))
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    expected = given(x).numpy()
    again = layers.Bidirectional(layers.SimpleRNN(2), weights=given.get_weights())
    np.testing.assert_allclose(again(x), expected, rtol=1e-6)


def test_cells_of_ones_own_in_a_stack():
    class Sum(kerasnb.Layer):
        state_size = 3

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    class Twice(layers.StackedRNNCells):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states, training)
            return 2 * output, states

    x = np.ones((1, 3, 3), "float32")
    stacked = layers.RNN([Sum(), Sum()], return_sequences=True)
    assert stacked(x).numpy()[0, :, 0].tolist() == [1, 3, 6]
    twice = layers.RNN(Twice([Sum(), Sum()]), return_sequences=True)
    assert twice(x).numpy()[0, :, 0].tolist() == [2, 6, 12]


def test_steps_of_a_layer_of_ones_own_are_taken_one_by_one():
    class Centred(kerasnb.Layer):
        def call(self, inputs):
            return inputs - ops.mean(inputs, axis=0, keepdims=True)

    x = RNG.normal(size=(3, 2, 4)).astype("float32")
    np.testing.assert_allclose(
        layers.TimeDistributed(Centred())(x), x - x.mean(0), rtol=1e-5, atol=1e-6
    )


def test_a_wrapped_model_comes_back_from_its_configuration():
    inner = kerasnb.Sequential([kerasnb.Input((5,)), layers.Dense(2)])
    model = kerasnb.Sequential([kerasnb.Input((4, 5)), layers.TimeDistributed(inner)])
    again = kerasnb.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    x = RNG.normal(size=(2, 4, 5)).astype("float32")
    np.testing.assert_allclose(again(x), model(x), rtol=1e-6)


def test_images_over_time_with_a_mask():
    layer = layers.ConvLSTM2D(2, 2, return_sequences=True, zero_output_for_mask=True)
    x = set_mask(
        ops.convert_to_tensor(RNG.normal(size=(2, 4, 3, 3, 1)).astype("float32")), ops.array(SEEN)
    )
    y = layer(x)
    assert mask(y) == SEEN.tolist()
    assert not y.numpy()[~SEEN].any()
    assert y.numpy()[SEEN].all()


def test_dropout_over_images_is_off_at_rest():
    x = RNG.normal(size=(2, 3, 4, 4, 1)).astype("float32")
    layer = layers.ConvLSTM2D(2, 2, dropout=0.5, recurrent_dropout=0.5, seed=1)
    rest = layer(x).numpy()
    np.testing.assert_array_equal(layer(x).numpy(), rest)
    assert np.abs(layer(x, training=True).numpy() - rest).max() > 1e-3


# Errors

ARGUMENTS = {
    "Unknown Bidirectional 'n': merge_mode 'add'. Known: ave, concat, mul, sum.": lambda: (
        layers.Bidirectional(layers.LSTM(2), "add", name="n")
    ),
    "Bidirectional 'n': layer must be a layer, got int.": (
        lambda: layers.Bidirectional(3, name="n")
    ),
    "Bidirectional 'n': layer must be a recurrent layer, such as LSTM(32), got Dense, which has no "
    "go_backwards, return_sequences, return_state, stateful.": (
        lambda: layers.Bidirectional(layers.Dense(2), name="n")
    ),
    "Bidirectional 'n': the two layers must go opposite ways, but both have go_backwards=False. "
    "Change that of layer or of backward_layer.": (
        lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2), name="n")
    ),
    "Bidirectional 'n': both layers must have the same return_state, got True and False.": (
        lambda: layers.Bidirectional(
            layers.LSTM(2, return_state=True),
            backward_layer=layers.LSTM(2, go_backwards=True),
            name="n",
        )
    ),
    "Bidirectional 'n': there are no states to reset: the layer is not stateful.": (
        lambda: layers.Bidirectional(layers.LSTM(2), name="n").reset_state()
    ),
    "TimeDistributed 'n': layer must be a layer, got str.": (
        lambda: layers.TimeDistributed("dense", name="n")
    ),
    "StackedRNNCells 'n': cells must be a list of cells, such as [LSTMCell(32), LSTMCell(32)], got "
    "[].": lambda: layers.StackedRNNCells([], name="n"),
    "StackedRNNCells 'n': each of cells must be a layer with a state_size, such as LSTMCell(32), "
    "got Dense.": lambda: layers.StackedRNNCells([layers.Dense(2)], name="n"),
    "ConvLSTMCell 'conv_lstm_cell': strides=2 and dilation_rate=2 cannot both be above 1. Set one "
    "of them to 1.": lambda: layers.ConvLSTM2D(2, 2, strides=2, dilation_rate=2),
}


@pytest.mark.parametrize("text", ARGUMENTS)
def test_errors_about_arguments(text):
    with pytest.raises(ArgumentError) as caught:
        ARGUMENTS[text]()
    assert str(caught.value) == text


SHAPES = {
    "TimeDistributed 'n': expected an input with at least 3 axes (batch, steps, ...), got (2, 3). "
    "Reshape it, or change the preceding layer.": (
        lambda: layers.TimeDistributed(layers.Dense(2), name="n")(np.ones((2, 3)))
    ),
    "TimeDistributed 'n': expected a mask that begins with (2, 3) (batch, steps), got (2, 4).": (
        lambda: layers.TimeDistributed(layers.Dense(2), name="n")(
            np.ones((2, 3, 4)), mask=np.ones((2, 4))
        )
    ),
    "ConvLSTM2D 'n': expected an input with 5 axes (batch, steps, height, width, channels), got "
    "(2, 3, 4). Reshape it, or change the preceding layer.": (
        lambda: layers.ConvLSTM2D(2, 2, name="n")(np.ones((2, 3, 4)))
    ),
    "ConvLSTMCell 'conv_lstm_cell': the lengths of the spatial axes must be known, got input "
    "(None, None, 4, 1). Give them in Input(shape=...).": (
        lambda: layers.ConvLSTM2D(2, 2)(kerasnb.Input((3, None, 4, 1)))
    ),
    "BatchNormalization 'n': expected a mask with one axis less than the input (2, 3, 4, 5), got "
    "(2, 3).": (
        lambda: layers.BatchNormalization(name="n")(np.ones((2, 3, 4, 5)), mask=np.ones((2, 3)))
    ),
}


@pytest.mark.parametrize("text", SHAPES)
def test_errors_about_shapes(text):
    with pytest.raises(ShapeError) as caught:
        SHAPES[text]()
    assert str(caught.value) == text


def test_no_mask_costs_nothing_and_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = ops.ones((2, 4, 3))
        assert mask(layers.Flatten()(layers.Dense(2)(x))) is None
