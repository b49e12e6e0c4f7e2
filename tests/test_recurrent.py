"""Recurrent layers: known steps, sequences, states, masks, dropout, models, and errors' texts."""

import json

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
OWN = [layers.SimpleRNN, layers.LSTM, layers.GRU]


def data(*shape):
    return RNG.normal(size=shape).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


# Known values


def test_simple_rnn_adds_input_and_state():
    layer = layers.SimpleRNN(1, activation=None, return_sequences=True)
    layer.build((None, None, 1))
    layer.set_weights([[[1.0]], [[10.0]], [0.5]])
    close(layer([[[1.0], [2.0], [3.0]]]), [[[1.5], [17.5], [178.5]]])


def test_one_step_of_lstm_by_hand():
    cell = layers.LSTMCell(2)
    x, h, c = data(3, 4), data(3, 2), data(3, 2)
    output, states = cell(x, [h, c])
    kernel, recurrent, bias = (w.numpy() for w in cell.weights)
    i, f, candidate, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    memory = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    close(output, sigmoid(o) * np.tanh(memory))
    close(states[0], output)
    close(states[1], memory)


@pytest.mark.parametrize("reset_after", [True, False])
def test_one_step_of_gru_by_hand(reset_after):
    cell = layers.GRUCell(2, reset_after=reset_after, bias_initializer="glorot_uniform")
    x, h = data(3, 4), data(3, 2)
    output, _ = cell(x, [h])
    kernel, recurrent, bias = (w.numpy() for w in cell.weights)
    b_x, b_h = bias if reset_after else (bias, np.zeros(6))
    x_z, x_r, x_h = np.split(x @ kernel + b_x, 3, axis=1)
    h_z, h_r, h_h = np.split(h @ recurrent + b_h, 3, axis=1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    h_h = r * h_h if reset_after else (r * h) @ recurrent[:, 4:]
    close(output, z * h + (1 - z) * np.tanh(x_h + h_h))


def test_a_cell_gives_states_in_the_form_it_got_them():
    cell, x, h = layers.SimpleRNNCell(2), data(3, 4), data(3, 2)
    assert isinstance(cell(x, [h])[1], list)
    assert cell(x, h)[1].shape == (3, 2)


def test_the_forget_gate_begins_open():
    for unit_forget_bias, expected in ((True, 1), (False, 0)):
        layer = layers.LSTM(2, unit_forget_bias=unit_forget_bias)
        layer.build((None, 3, 4))
        close(layer.cell.bias, [0, 0, expected, expected, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("own", "cell", "shapes"),
    [
        (layers.SimpleRNN, "simple_rnn_cell", [(4, 2), (2, 2), (2,)]),
        (layers.LSTM, "lstm_cell", [(4, 8), (2, 8), (8,)]),
        (layers.GRU, "gru_cell", [(4, 6), (2, 6), (2, 6)]),
    ],
)
def test_weights_are_those_of_keras(own, cell, shapes):
    layer = own(2, name="r")
    layer.build((None, 5, 4))
    names = [f"r/{cell}/{name}" for name in ("kernel", "recurrent_kernel", "bias")]
    assert [w.path for w in layer.weights] == names
    assert [w.shape for w in layer.weights] == shapes


# The walk over time


@pytest.mark.parametrize("own", OWN)
def test_a_layer_is_its_cell_step_after_step(own):
    layer = own(2, return_sequences=True, return_state=True)
    x = data(3, 5, 4)
    outputs, *states = layer(x)
    h = layer.get_initial_state(3)
    for t in range(5):
        y, h = layer.cell(x[:, t], h)
        close(outputs[:, t], y)
    for mine, theirs in zip(states, h, strict=True):
        close(mine, theirs)


@pytest.mark.parametrize("own", OWN)
def test_the_last_output_is_the_last_of_all(own):
    layer = own(2)
    x = data(3, 5, 4)
    last = layer(x)
    layer.return_sequences = True
    close(layer(x)[:, -1], last)


@pytest.mark.parametrize("own", OWN)
def test_going_backwards_is_reading_backwards(own):
    layer = own(2, return_sequences=True)
    x = data(3, 5, 4)
    forwards = layer(x[:, ::-1].copy())
    layer.go_backwards = True
    close(layer(x), forwards)


def test_the_initial_state_can_be_given():
    layer = layers.LSTM(2, return_state=True, return_sequences=True)
    x = data(3, 5, 4)
    whole, *end = layer(x)
    first, *middle = layer(x[:, :2])
    second, *again = layer(x[:, 2:], initial_state=middle)
    close(ops.concatenate([first, second], axis=1), whole)
    close(again[1], end[1])


def test_a_stateful_layer_goes_on_where_it_was():
    layer = layers.LSTM(2, stateful=True, return_sequences=True)
    x = data(3, 4, 4)
    first = layer(x[:, :2]), layer(x[:, 2:])
    layer.reset_state()
    whole = layer(x)
    close(ops.concatenate(first, axis=1), whole)
    close(layer.states[0], whole[:, -1])
    assert len(layer.weights) == 3  # the states are none of them


def test_masked_steps_leave_the_state_alone():
    layer = layers.GRU(2, return_sequences=True)
    x = data(1, 4, 3)
    y = layer(x, mask=np.array([[True, False, True, False]])).numpy()
    close(y[0, 1], y[0, 0])
    close(y[0, 3], y[0, 2])
    close(y[0, 2], layer(x[:, ::2]).numpy()[0, 1])


def test_masked_outputs_can_be_zero():
    layer = layers.RNN(layers.LSTMCell(2), return_sequences=True, zero_output_for_mask=True)
    y = layer(data(1, 3, 4), mask=np.array([[True, False, True]])).numpy()
    np.testing.assert_array_equal(y[0, 1], [0, 0])
    assert np.abs(y[0, 2]).min() > 0


def test_dropout_is_for_training_and_one_choice_for_all_steps():
    layer = layers.SimpleRNN(4, activation=None, dropout=0.5, return_sequences=True)
    x = np.ones((2, 6, 3), "float32")
    layer(x)
    kernel, _, bias = layer.get_weights()
    layer.set_weights([kernel, np.zeros((4, 4)), bias])  # no memory: each step is its input
    close(layer(x)[:, 0], x[:, 0] @ kernel)
    y = layer(x, training=True).numpy()
    close(y, np.broadcast_to(y[:, :1], y.shape))
    assert np.abs(y[:, 0] - x[:, 0] @ kernel).max() > 1e-3


def test_recurrent_dropout_drops_the_state():
    layer = layers.SimpleRNN(50, activation=None, recurrent_dropout=0.5, return_sequences=True)
    layer.build((None, None, 50))
    eye = np.eye(50, dtype="float32")
    layer.set_weights([eye, eye, np.zeros(50)])
    y = layer(np.ones((1, 2, 50), "float32"), training=True).numpy()
    assert set(np.unique(y[0, 1])) == {np.float32(1), np.float32(3)}  # 1 + 0, or 1 + 1 / 0.5


# Gradients, plans and models


@pytest.mark.parametrize("own", OWN)
def test_gradients_agree_with_central_differences(own):
    layer = own(3, dtype="float64", return_sequences=True)
    x, weighting = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 4, 3))

    def loss():
        return ops.sum(layer(x) * weighting)

    layer(x)
    with kerasnb.GradientTape() as tape:
        value = loss()
    for weight, gradient in zip(
        layer.weights, tape.gradient(value, layer.trainable_weights), strict=True
    ):
        start, direction = weight.numpy().copy(), RNG.normal(size=weight.shape)
        ends = []
        for step in (1e-6, -1e-6):
            weight.assign(start + step * direction)
            ends.append(float(loss()))
        weight.assign(start)
        slope = (ends[0] - ends[1]) / 2e-6
        # float64: differences at 1e-6 are good to about 1e-9 of the loss
        assert float(ops.sum(gradient * direction)) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("own", OWN)
def test_a_traced_step_is_the_eager_one(own):
    x, y = data(8, 5, 3), data(8, 2)
    weights = []
    for run_eagerly in (False, True):
        kerasnb.utils.set_random_seed(1)
        layer = own(2, dropout=0.3, recurrent_dropout=0.3)
        model = kerasnb.Sequential([kerasnb.Input((5, 3)), layer])
        model.compile("adam", "mse", run_eagerly=run_eagerly)
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for traced, eager in zip(*weights, strict=True):
        close(traced, eager)


def test_an_encoder_hands_its_state_to_a_decoder():
    source, target = kerasnb.Input((None, 3)), kerasnb.Input((None, 2))
    _, h, c = layers.LSTM(4, return_state=True)(source)
    decoded = layers.LSTM(4, return_sequences=True)(target, initial_state=[h, c])
    assert decoded.shape == (None, None, 4)
    model = kerasnb.Model([source, target], layers.Dense(2)(decoded))
    model.compile("adam", "mse")
    x, y = [data(8, 5, 3), data(8, 7, 2)], data(8, 7, 2)
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.predict([data(2, 3, 3), data(2, 4, 2)], verbose=0).shape == (2, 4, 2)


def test_a_stateful_layer_keeps_its_state_between_batches():
    layer = layers.SimpleRNN(2, stateful=True)
    model = kerasnb.Sequential([kerasnb.Input(batch_shape=(4, 5, 3)), layer])
    model.compile("sgd", "mse")
    model.fit(data(8, 5, 3), data(8, 2), batch_size=4, verbose=0)
    assert np.abs(layer.states[0].numpy()).min() > 0


class Leaky(layers.Layer):
    """A cell in a few lines: a running mean of its inputs."""

    state_size = 3

    def call(self, inputs, states):
        state = 0.5 * states[0] + 0.5 * inputs
        return state, [state]


def test_a_cell_of_ones_own():
    layer = layers.RNN(Leaky(), return_sequences=True)
    close(layer([[[2.0] * 3, [4.0] * 3]]), [[[1.0] * 3, [2.5] * 3]])
    inputs = kerasnb.Input((4, 3))
    assert kerasnb.Model(inputs, layer(inputs)).predict(data(2, 4, 3), verbose=0).shape == (2, 4, 3)


@pytest.mark.parametrize(
    "layer",
    [
        layers.LSTM(2, dropout=0.1, seed=3, activity_regularizer="l2", go_backwards=True),
        layers.GRU(2, reset_after=False, return_state=True),
        layers.SimpleRNN(2, activation="relu", stateful=True),
        layers.RNN(layers.LSTMCell(2, recurrent_activation="hard_sigmoid"), unroll=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_comes_back_from_its_configuration(layer):
    config = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(config)
    assert type(again) is type(layer)
    assert json.loads(json.dumps(layers.serialize(again))) == config


# Errors


def built():
    layer = layers.LSTM(2, name="n")
    layer.build((None, 5, 3))
    return layer


ERRORS = {
    "LSTMCell 'lstm_cell': units must be a whole number of at least 1, got 0.": (
        ArgumentError,
        lambda: layers.LSTM(0),
    ),
    "GRUCell 'gru_cell': dropout must be a number from 0 to 1, got 1.5.": (
        ArgumentError,
        lambda: layers.GRU(2, dropout=1.5),
    ),
    "RNN 'n': cell must be a layer with a state_size, such as LSTMCell(32), got int.": (
        ArgumentError,
        lambda: layers.RNN(3, name="n"),
    ),
    "LSTM 'n': expected an input with 3 axes (batch, steps, features), got (5, 3). Reshape it, or "
    "change the preceding layer.": (ShapeError, lambda: layers.LSTM(2, name="n")(data(5, 3))),
    "LSTM 'n': expected at least one step, got input (2, 0, 3).": (
        ShapeError,
        lambda: layers.LSTM(2, name="n")(data(2, 0, 3)),
    ),
    "LSTM 'n': expected last axis 3, got input (2, 5, 4). Change the preceding layer or units.": (
        ShapeError,
        lambda: built()(data(2, 5, 4)),
    ),
    "LSTM 'n': the last axis of the input (None, 5, None) must be known. Give its length in "
    "Input(shape=...).": (ShapeError, lambda: layers.LSTM(2, name="n")(kerasnb.Input((5, None)))),
    "LSTM 'n': expected states of shapes (2, 2), (2, 2), got (2, 2). Change initial_state, or, if "
    "stateful, the batch size.": (
        ShapeError,
        lambda: built()(data(2, 5, 3), initial_state=[data(2, 2)]),
    ),
    "LSTM 'n': expected a mask of shape (2, 5) (batch, steps), got (2, 4).": (
        ShapeError,
        lambda: built()(data(2, 5, 3), mask=np.ones((2, 4), bool)),
    ),
    "GRU 'n': stateful=True needs a fixed batch size, got input (None, 5, 3). Use "
    "Input(batch_shape=...).": (
        ShapeError,
        lambda: layers.GRU(2, stateful=True, name="n")(kerasnb.Input((5, 3))),
    ),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    error, function = ERRORS[text]
    with pytest.raises(error) as caught:
        function()
    assert str(caught.value) == text
