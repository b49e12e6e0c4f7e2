"""The health report: what it measures, what it says, and that it changes nothing."""

import json
import random

import numpy as np
import pytest
from matplotlib.text import Text

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.notebook.insight import advice
from kerasnb.notebook.insight.health import health


def stack(*given, features=4, name="net", optimizer="sgd", loss="mse"):
    model = kerasnb.Sequential([kerasnb.Input((features,)), *given], name=name)
    if loss is not None:
        model.compile(optimizer, loss)
    return model


def data(n=40, features=4, outputs=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, features)).astype("float32"), rng.normal(size=(n, outputs))


NONE = {"weights": 0, "output": 0, "gradient": 0}


def row(**values):
    """A row of a report in which nothing is unusual."""
    usual = {
        "layer": "a", "type": "Dense", "shape": (2,), "parameters": 100, "gradient": 0.1,
        "weight": 1.0, "ratio": 0.1, "update": 1e-3, "dead": None, "saturated": None,
        "constant": False, "not_finite": NONE,
    }  # fmt: skip
    return {**usual, **values}


# What is measured


def test_gradients_are_those_of_the_loss():
    model, (x, y) = stack(layers.Dense(3, name="a"), layers.Dense(2, name="b")), data()
    report = health(model, x, y)

    def loss():
        return ops.mean(ops.square(model(x) - y.astype("float32")))

    variables = model.trainable_variables
    value, gradients = kerasnb.value_and_grad(loss, variables=variables)()
    lengths = [float(np.sqrt((g.numpy() ** 2).sum())) for g in gradients]
    assert report.loss == pytest.approx(float(value), rel=1e-5)
    assert report.examples == 40
    for found, kernel, bias, variable in zip(
        report.rows, lengths[::2], lengths[1::2], variables[::2], strict=True
    ):
        weight = np.linalg.norm(variable.numpy())
        assert found["gradient"] == pytest.approx(np.hypot(kernel, bias), rel=1e-4)
        assert found["weight"] == pytest.approx(weight, rel=1e-5)
        assert found["ratio"] == pytest.approx(kernel / weight, rel=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_update_is_what_the_next_step_does(optimizer):
    model, (x, y) = stack(layers.Dense(2), optimizer=optimizer), data()
    assert health(model, x, y).rows[0]["update"] is None, "the optimizer has no state yet"
    model.fit(x, y, verbose=0)
    found = health(model, x, y).rows[0]["update"]
    before = model.layers[0].kernel.numpy()
    model.train_on_batch(x, y)
    moved = np.linalg.norm(model.layers[0].kernel.numpy() - before) / np.linalg.norm(before)
    assert found == pytest.approx(moved, rel=1e-3)


def test_regularizers_and_losses_of_layers_count():
    model, (x, y) = stack(layers.Dense(2, kernel_regularizer="l2")), data()
    plain = stack(layers.Dense(2))
    plain.set_weights(model.get_weights())
    penalty = 0.01 * (model.layers[0].kernel.numpy() ** 2).sum()
    difference = health(model, x, y).loss - health(plain, x, y).loss
    assert difference == pytest.approx(penalty, rel=1e-4)


def test_a_loss_of_ones_own_counts():
    class Doubled(kerasnb.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 2 * super().compute_loss(x, y, y_pred, sample_weight, training)

    x, y = data()
    model = Doubled([kerasnb.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.evaluate(x, y, verbose=0)
    plain = stack(layers.Dense(2))
    plain.set_weights(model.get_weights())
    assert health(model, x, y).loss == pytest.approx(2 * health(plain, x, y).loss, rel=1e-5)


def test_dead_units_are_counted():
    model, (x, y) = stack(layers.Dense(4, activation="relu"), layers.Dense(2)), data()
    kernel, _, *rest = model.get_weights()
    model.set_weights([kernel, np.array([-99.0, 0, 0, -99]), *rest])
    report = health(model, x, y)
    assert report.rows[0]["dead"] == 0.5
    assert report.rows[1]["dead"] is None
    assert report.warnings == [
        "Dense 'dense': 50 % of its units are 0 for all 40 examples. Such dead units get no "
        "gradient and stay as they are. Try a smaller learning rate, "
        "kernel_initializer='he_normal', or LeakyReLU.".replace(
            "'dense'", repr(model.layers[0].name)
        )
    ]


@pytest.mark.parametrize("first", [False, True])
def test_a_unit_of_a_convolution_is_a_filter(first):
    shape = (1, 6, 6) if first else (6, 6, 1)
    conv = layers.Conv2D(
        4, 3, activation="relu", data_format="channels_first" if first else "channels_last"
    )
    model = kerasnb.Sequential([kerasnb.Input(shape), conv, layers.Flatten(), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(10, *shape))
    conv.bias.assign([0.0, -99.0, 0.0, 0.0])
    assert health(model, x, None).rows[0]["dead"] == 0.25


@pytest.mark.parametrize(
    ("layer", "dead"),
    [
        (lambda: layers.ReLU(), 1.0),
        (lambda: layers.Activation("relu"), 1.0),
        (lambda: layers.ReLU(negative_slope=0.1), None),
        (lambda: layers.LeakyReLU(), None),
        (lambda: layers.LSTM(4, activation="relu"), None),
    ],
)
def test_which_layers_can_have_dead_units(layer, dead):
    shape = (5, 3)
    model = kerasnb.Sequential([kerasnb.Input(shape), layer()])
    assert health(model, -np.ones((2, *shape)), None).rows[0]["dead"] == dead


@pytest.mark.parametrize(("activation", "far"), [("sigmoid", 0.75), ("tanh", 0.75)])
def test_saturated_units_are_counted_but_not_of_the_output(activation, far):
    model = stack(
        layers.Dense(4, activation=activation, kernel_initializer="identity"),
        layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
    )
    report = health(model, [[9.0, -9.0, 9.0, 0.0]], [[1.0]])
    assert [r["saturated"] for r in report.rows] == [far, None]


def test_many_examples_are_taken_evenly():
    model, (x, y) = stack(layers.Dense(2)), data(1000)
    assert health(model, x, y).examples == 256
    assert health(model, x, y, examples=10).examples == 10
    sorted_x = np.linspace(0, 1, 1000)[:, None].repeat(4, 1)
    model = stack(layers.Dense(1, kernel_initializer="ones", name="sum"))
    assert not health(model, sorted_x, sorted_x[:, :1], examples=2).rows[0]["constant"]


def test_equal_examples_prove_no_collapse():
    model = stack(layers.Dense(2))
    assert not health(model, np.ones((5, 4)), None).rows[0]["constant"]
    model.set_weights([np.zeros((4, 2)), np.zeros(2)])
    assert health(model, data()[0], None).rows[0]["constant"]


def test_the_report_is_plain_data():
    model, (x, y) = stack(layers.Dense(3, activation="relu"), layers.Dense(2)), data()
    report = health(model, x, y)
    assert set(report.rows[0]) == set(row())
    assert json.loads(json.dumps(report.rows))[0]["shape"] == [3]


def test_a_model_that_is_not_compiled_has_no_gradients():
    model, (x, y) = stack(layers.Dense(2), loss=None), data()
    for targets in (None, y):
        report = health(model, x, targets)
        assert (report.loss, report.rows[0]["gradient"], report.rows[0]["update"]) == (None,) * 3


def test_frozen_layers_have_no_gradient():
    model, (x, y) = stack(layers.Dense(3, trainable=False), layers.Dense(2)), data()
    model.fit(x, y, verbose=0)
    report = health(model, x, y)
    assert report.rows[0]["gradient"] is None
    assert report.rows[0]["update"] is None
    assert report.rows[1]["update"] > 0


def test_several_inputs_and_outputs():
    a, b = kerasnb.Input((2,), name="a"), kerasnb.Input((3,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = [layers.Dense(1, name="one")(joined), layers.Dense(2, name="two")(joined)]
    model = kerasnb.Model([a, b], outputs)
    model.compile("sgd", "mse")
    x = [np.ones((6, 2)), np.ones((6, 3))]
    y = [np.zeros((6, 1)), np.zeros((6, 2))]
    first = health(model, x, y)
    assert all(r["gradient"] > 0 for r in first.rows if r["parameters"])
    model.evaluate(x, y, verbose=0)
    assert health(model, x, y).loss == pytest.approx(first.loss)


# Nothing changes


class Everything(kerasnb.Model):
    """Layers with state of all kinds, and a call of its own."""

    def __init__(self):
        super().__init__(name="everything")
        self.parts = [
            layers.Dense(4, activation="relu", activity_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.GaussianNoise(0.1),
            layers.Dense(2),
        ]

    def call(self, inputs, training=None):
        for part in self.parts:
            inputs = part(inputs, training=training) if training else part(inputs)
        return inputs + kerasnb.random.normal(inputs.shape) * 1e-9  # draws a seed of its own


@pytest.mark.parametrize("fitted", [False, True])
def test_health_changes_nothing(fitted):
    model, (x, y) = Everything(), data()
    model.compile("adam", "mse", metrics=["mae"])
    if fitted:
        model.fit(x, y, verbose=0)
        model.fit(x, y, verbose=0, validation_split=0.5)
    else:
        model(x)
    history = model.history

    def state():
        return [v.numpy() for v in model._state_variables()]

    before, python, numpy = state(), random.getstate(), np.random.get_state()[1].tolist()
    metrics, objective = model.metrics, model._objective.losses
    report = health(model, x, y)
    for old, new in zip(before, state(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy
    assert model.metrics == metrics
    assert model._objective.losses is objective
    assert model.optimizer.built is fitted
    assert model.history is history
    assert report.rows[0]["gradient"] > 0


def test_training_goes_on_as_if_nobody_had_looked():
    results = []
    for look in (False, True):
        kerasnb.utils.set_random_seed(5)
        model, (x, y) = Everything(), data()
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0)
        if look:
            health(model, x, y)
        model.fit(x, y, epochs=2, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


# What is said


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(), row(layer="b")], []),
        (
            [row(dead=0.25, layer="b", type="Conv2D")],
            ["Conv2D 'b': 25 % of its units are 0 for all 9 examples. Such dead units get no "
             "gradient and stay as they are. Try a smaller learning rate, "
             "kernel_initializer='he_normal', or LeakyReLU."],
        ),
        ([row(dead=0.2)], []),
        (
            [row(dead=1.0, constant=True)],
            ["Dense 'a' gives the same output for every example, so nothing after it can tell "
             "them apart. All its units may be dead: make the model anew with a smaller learning "
             "rate, and scale the inputs."],
        ),
        (
            [row(saturated=0.5)],
            ["Dense 'a': 50 % of its outputs are at an end of the activation, where its slope is "
             "almost 0, so hardly any gradient passes. Scale the inputs, use smaller initial "
             "weights or BatchNormalization before it, or 'relu'."],
        ),
        (
            [row(), row(layer="b", gradient=0.0)],
            ["Dense 'b' gets no gradient at all: it cannot learn. The loss does not depend on it, "
             "or what follows it is dead."],
        ),
        (
            [row(gradient=2500.0)],
            ["Dense 'a': its gradient is 2.5e+03 long, which makes steps wild. Use clipnorm=1.0 in "
             "the optimizer, a smaller learning rate, or scale inputs and targets."],
        ),
        (
            [row(gradient=1e-5), row(layer="b", gradient=1e-4), row(layer="c", gradient=1.0)],
            ["The gradient vanishes on its way to 'a' and 'b': it is 100,000 times weaker there "
             "than where it is strongest. Use 'relu' in place of 'sigmoid' or 'tanh', "
             "BatchNormalization, shortcuts around layers, or fewer layers."],
        ),
        (
            [row(update=0.5), row(layer="b", update=0.2), row(layer="c", update=2.0)],
            ["The next step changes the weights of 'a', 'b' and 'c' by 200 %, which overwrites "
             "what was learnt. Lower the learning rate."],
        ),
        (
            [row(update=1e-9), row(layer="b", update=0.0)],
            ["The next step changes no layer's weights by more than a ten-millionth: training has "
             "come to its end, or the learning rate is far too small."],
        ),
        ([row(update=1e-9), row(layer="b")], []),
        (
            [row(), row(layer="b", not_finite=dict(NONE, weights=1), dead=1.0)],
            ["Weights of 'b' are NaN or infinite. Training has diverged, and these weights cannot "
             "recover: make the model anew, and fit with a learning rate ten times smaller or with "
             "clipnorm=1.0 in the optimizer."],
        ),
        (
            [row(layer=name, not_finite=dict(NONE, output=9, gradient=9))
             for name in "abcd"],
            ["Outputs of 'a', 'b' and 2 more layers are NaN or infinite ('a' is the first). Check "
             "the inputs for NaN and for very large values; lower the learning rate; look at "
             "logarithms, square roots and divisions in layers of your own."],
        ),
        (
            [row(not_finite=dict(NONE, gradient=4))],
            ["Gradients of 'a' are NaN or infinite. The next step would make the weights NaN: use "
             "clipnorm=1.0 in the optimizer, a smaller learning rate, or from_logits=True with "
             "outputs that have no activation."],
        ),
    ],
)  # fmt: skip
def test_advice(rows, expected):
    assert advice.about(rows, 9, 1.0) == expected


def test_advice_about_the_loss_and_the_inputs():
    assert advice.about([row()], 9, float("nan")) == [
        "The loss is NaN or infinite, though every layer gives finite numbers. Look at the "
        "targets, and at logarithms and divisions in a loss of your own."
    ]
    large = (
        "Inputs reach 255, but networks learn best from numbers around -1 to 1. Divide pixels by "
        "255; subtract the mean of each feature and divide by its standard deviation."
    )
    assert advice.about_inputs(np.array([[1.0, -255.0]])) == [large]
    assert advice.about_inputs(np.full((1, 8, 8, 1), 255, "uint8")) == [large]
    assert advice.about_inputs(np.array([[1.0, -25.0]])) == []
    assert advice.about_inputs(np.array([[4000, 17]])) == [], "integers are indices of words"
    assert advice.about_inputs([np.ones((2, 2)), np.array([[np.nan, np.inf]])]) == [
        "Inputs hold 2 NaN or infinite values, which spread through every layer. Remove those "
        "examples or replace the values."
    ]


def test_vanishing_gradients_of_a_deep_sigmoid_network_are_found():
    deep = [layers.Dense(8, activation="sigmoid") for _ in range(8)]
    model, (x, y) = stack(*deep, layers.Dense(2)), data()
    (warning,) = health(model, x, y).warnings
    assert warning.startswith("The gradient vanishes on its way to ")


def test_a_network_that_diverged_says_so_and_nothing_else():
    model, (x, y) = stack(layers.Dense(3, name="a"), layers.Dense(2, name="b")), data()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    report = health(model, x, y)
    assert report.warnings == [
        "Weights of 'a' and 'b' are NaN or infinite ('a' is the first). Training has diverged, and "
        "these weights cannot recover: make the model anew, and fit with a learning rate ten times "
        "smaller or with clipnorm=1.0 in the optimizer."
    ]
    assert report.rows[0]["not_finite"] == {"weights": 15, "output": 120, "gradient": 15}
    assert "no finite number" in [t.get_text() for t in report.figure().findobj(Text)]


def test_the_report_as_text():
    model = stack(
        layers.Dense(2, activation="relu", kernel_initializer="zeros", name="first"),
        layers.Dense(1, kernel_initializer="ones", name="last"),
        features=1,
    )
    report = health(model, [[1.0], [2.0]], [[3.0], [3.0]])
    assert repr(report).splitlines() == [
        "Health, measured on 2 examples, loss 9",
        "",
        "layer  type   gradient  weight  update   dead  saturated",
        "first  Dense         0       0       -  100 %          -",
        "last   Dense         6     1.4       -      -          -",
        "",
        "- Dense 'first' gives the same output for every example, so nothing after it can tell",
        "  them apart. All its units may be dead: make the model anew with a smaller learning",
        "  rate, and scale the inputs.",
        "- Dense 'first' gets no gradient at all: it cannot learn. The loss does not depend on",
        "  it, or what follows it is dead.",
    ]


def test_a_healthy_network_says_so():
    model, (x, y) = stack(layers.Dense(2)), data()
    report = health(model, x, y)
    assert report.warnings == []
    assert repr(report).endswith("\n- Nothing unusual.")
    assert "•  Nothing unusual." in [t.get_text() for t in report.figure().findobj(Text)]
    assert report._repr_png_()[:4] == b"\x89PNG"  # what a notebook shows


def test_a_figure_without_any_number_says_so():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(2)])
    figure = health(model, data()[0], None).figure()
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert texts.count("not known before fit") == 2


def test_the_figure_leaves_out_what_has_no_number():
    parts = [layers.Dense(4, name=f"d{i}") for i in range(45)]
    model, (x, y) = stack(layers.Dropout(0.1, name="drop"), *parts, layers.Dense(2)), data()
    figure = health(model, x, y).figure()
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert names == [f"d{i}" for i in range(40)]
    assert any("6 more layers are in .rows." in t.get_text() for t in figure.findobj(Text))


# What is refused


@pytest.mark.parametrize(
    ("x", "y", "error", "text"),
    [
        (np.ones((3, 4)), np.ones((2, 2)), ShapeError,
         "Expected as many samples in each array, but x has 3, y has 2."),
        (iter([]), [0], ArgumentError,
         "health: expected x as arrays, got list_iterator. Take some batches out of it first."),
    ],
)  # fmt: skip
def test_health_refuses(x, y, error, text):
    with pytest.raises(error) as caught:
        health(stack(layers.Dense(2)), x, y)
    assert str(caught.value) == text


def test_health_refuses_what_is_not_built_or_no_count():
    with pytest.raises(GraphError) as caught:
        health(kerasnb.Sequential([layers.Dense(2)], name="new"), np.ones((2, 2)), None)
    assert str(caught.value) == (
        "health: model 'new' has no weights yet. Fit it, or call it on data, first."
    )
    with pytest.raises(ArgumentError) as caught:
        health(stack(layers.Dense(2)), np.ones((2, 4)), None, examples=0)
    assert str(caught.value) == "health: examples must be a whole number from 1, got 0."
