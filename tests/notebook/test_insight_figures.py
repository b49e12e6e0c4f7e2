"""The figures for looking inside: what is in them, in plain Python, with any names."""

import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.text import Text

import kerasnb
from kerasnb import backends, layers, ops
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.notebook.figures import to_png
from kerasnb.notebook.insight.activations import activations
from kerasnb.notebook.insight.boundary import LiveBoundary, decision_boundary
from kerasnb.notebook.insight.confusion import (
    confusion_matrix,
    confusions,
    paint,
    predicted_versus_true,
    shares,
)
from kerasnb.notebook.insight.mistakes import mistakes
from kerasnb.notebook.insight.probe import layer_values
from kerasnb.notebook.insight.weights import filters, weights

NASTY = ["$x^2$", "<b>&amp;</b>", "\\frac{a}{b} $\\alpha$", "two\nlines", "_^{"]


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        function(*args, **kwargs)


def texts(figure):
    """Every text that is seen in a figure."""
    figure.canvas.draw()
    found = figure.findobj(Text)
    return [t.get_text() for t in found if t.get_text() and t.get_visible()]


def classifier(classes=3, features=4):
    model = kerasnb.Sequential(
        [kerasnb.Input((features,)), layers.Dense(classes, activation="softmax")], name="chooser"
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def regressor(features=4, outputs=1):
    model = kerasnb.Sequential([kerasnb.Input((features,)), layers.Dense(outputs)], name="counter")
    model.compile("sgd", "mse")
    return model


def cnn():
    model = kerasnb.Sequential(
        [
            kerasnb.Input((8, 8, 1)),
            layers.Conv2D(5, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(3, activation="softmax", name="top"),
        ],
        name="seer",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data(n=30, features=4, classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, features)).astype("float32"), rng.integers(0, classes, n)


def images(n=12):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(n, 8, 8, 1)).astype("float32"), rng.integers(0, 3, n)


# Confusion matrix


def test_shares_of_rows_columns_and_all():
    counts = np.array([[3, 1], [0, 0]])
    assert (
        shares(counts, None).tolist() == shares(counts, "true").tolist() == [[0.75, 0.25], [0, 0]]
    )
    assert shares(counts, "pred").tolist() == [[1, 1], [0, 0]]
    assert shares(counts, "all").tolist() == [[0.75, 0.25], [0, 0]]


def test_right_is_blue_and_wrong_is_orange():
    colors = paint(np.array([[9, 1], [0, 4]]), None)
    assert colors[1, 0].tolist() == [1, 1, 1]
    assert colors[0, 0, 2] > colors[0, 0, 0]
    assert colors[0, 1, 0] > colors[0, 1, 2]


def test_most_frequent_confusions_come_first():
    counts = np.array([[5, 1, 0], [3, 9, 0], [0, 2, 4]])
    assert confusions(counts, 2) == [(1, 0, 3), (2, 1, 2)]
    assert confusions(np.eye(3, dtype=int), 5) == []


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix_holds_its_numbers(normalize):
    model, (x, y) = classifier(), data()
    figure = confusion_matrix(model, x, y, ["a", "b", "c"], normalize)
    predicted = model.predict(x, verbose=0).argmax(1)
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (y, predicted), 1)
    shown = texts(figure)
    assert {"a", "b", "c", "true", "predicted"} <= set(shown)
    right = int(expected.trace())
    assert f"{right} of 30 right ({100 * right / 30:.1f} %)" in shown
    if normalize is None:
        numbers = [t for t in shown if t.isdigit()]
        assert sorted(numbers) == sorted(str(n) for n in expected.ravel() if n)


@pytest.mark.parametrize("classes", [2, 41, 150])
def test_any_number_of_classes_can_be_drawn(classes):
    model = classifier(classes)
    x, y = data(400, classes=classes)
    shown = texts(confusion_matrix(model, x, y))
    assert ("most often confused" in shown) == (classes > 40)


def test_confusion_matrix_refuses():
    model, (x, y) = classifier(), data()
    refused(
        ArgumentError,
        "Unknown normalize of confusion_matrix: 'tru'. Did you mean 'true'?",
        confusion_matrix, model, x, y, normalize="tru",
    )  # fmt: skip
    refused(
        ArgumentError,
        "confusion_matrix: model 'counter' predicts numbers, not classes. Use "
        "predicted_versus_true(model, x, y).",
        confusion_matrix, regressor(), x, x[:, 0],
    )  # fmt: skip


def test_predicted_versus_true():
    model, (x, _) = regressor(outputs=5), data()
    figure = predicted_versus_true(model, x, np.tile(x[:, :1], 5))
    figure.canvas.draw()
    assert len(figure.axes) == 4
    assert figure.axes[3].get_title().startswith("output 3: mean absolute error ")
    assert ", R² " in figure.axes[0].get_title()
    refused(
        ArgumentError,
        "predicted_versus_true: model 'chooser' chooses among classes. Use "
        "confusion_matrix(model, x, y).",
        predicted_versus_true, classifier(), *data(),
    )  # fmt: skip


# Mistakes


def test_mistakes_of_pictures_show_place_and_truth():
    model, (x, y) = cnn(), images()
    probability = model.predict(x, verbose=0)
    wrong = np.flatnonzero(probability.argmax(1) != y)
    loss = -np.log(probability[wrong, y[wrong]])
    shown = texts(mistakes(model, x, y, count=3))
    places = [int(m[1]) for t in shown if (m := re.search(r"#(\d+)$", t))]
    assert places == wrong[np.argsort(-loss)][:3].tolist()
    assert any(f"the worst 3 of {len(wrong)} mistakes" in t for t in shown)


def test_mistakes_of_rows_are_a_table():
    model, (x, y) = classifier(features=14), data(features=14)
    shown = texts(mistakes(model, x, y, feature_names=[f"f{i}" for i in range(14)]))
    assert "f0" in shown
    assert "f11" in shown
    assert "f12" not in shown
    assert "2 more columns are not shown. Blue: lower than usual, orange: higher." in shown
    assert any(t.startswith("#") and ", predicted " in t for t in shown)


def test_mistakes_of_numbers_are_the_largest_errors():
    model, (x, _) = regressor(), data()
    y = model.predict(x, verbose=0)[:, 0]
    y[[4, 9]] += [100, -300]
    shown = texts(mistakes(model, x, y, count=2))
    places = [t.split()[0] for t in shown if t.startswith("#")]
    assert places == ["#9", "#4"]
    assert "The 2 largest errors of 30 examples" in shown
    assert any(t.endswith("off by 300") for t in shown)


def test_no_mistakes_is_said():
    model, (x, _) = classifier(), data()
    y = model.predict(x, verbose=0).argmax(1)
    shown = texts(mistakes(model, x, y))
    assert "No mistakes among 30 examples; the least sure answers" in shown


def test_mistakes_refuses_a_wrong_count():
    for count in (0, 65, 1.5, True):
        refused(
            ArgumentError,
            f"mistakes: count must be a whole number from 1 to 64, got {count!r}.",
            mistakes, classifier(), *data(), count=count,
        )  # fmt: skip


# Names


def test_names_are_never_formulas():
    x, y = data(60, classes=5)
    model = classifier(5)
    for figure in (
        confusion_matrix(model, x, y, NASTY),
        mistakes(model, x, y, class_names=NASTY, feature_names=NASTY[:4]),
        activations(model, x[0], class_names=NASTY),
        decision_boundary(classifier(5, 2), x[:, :2], y, NASTY, NASTY[:2]),
    ):
        shown = texts(figure)  # drawing an unbalanced formula would raise
        assert any("$x^2$" in t for t in shown)
        for artist in figure.findobj(Text):
            if "$" in artist.get_text():
                assert not artist.get_parse_math()


def test_layer_names_are_never_formulas():
    model = kerasnb.Sequential(
        [kerasnb.Input((8, 8, 1)), layers.Conv2D(2, 3, name="$a_{b$ <i>")], name="m"
    )
    for figure in (weights(model), filters(model), activations(model, np.ones((8, 8, 1)))):
        assert any("$a_{b$ <i>" in t for t in texts(figure))


# Weights and filters


def test_weights_show_each_kernel():
    shown = texts(weights(cnn()))
    assert any(t.endswith("conv/kernel  (3, 3, 1, 5)") for t in shown)
    assert any(t.endswith("top/kernel  (45, 3)") for t in shown)
    alone = texts(weights(cnn(), "top"))
    assert not any("conv" in t for t in alone)
    assert any(t.endswith("bias  (3,)") for t in alone)


def test_weights_count_what_is_not_finite():
    model = regressor()
    model.set_weights([np.array([[np.nan], [1], [np.inf], [2]]), np.zeros(1)])
    figure = weights(model)
    assert "2 of 4 are NaN or infinite" in texts(figure)
    figure.canvas.draw()
    colors = np.unique(np.asarray(figure.canvas.buffer_rgba())[..., :3].reshape(-1, 3), axis=0)
    assert [153, 153, 153] in colors.tolist(), "they are grey, where 0 is white"
    model.set_weights([np.full((4, 1), np.nan), np.zeros(1)])
    assert "4 of 4 are NaN or infinite" in texts(weights(model))


def test_only_some_kernels_of_many_are_shown():
    model = kerasnb.Sequential([kerasnb.Input((2,)), *[layers.Dense(2) for _ in range(14)]])
    assert "The first 12 of 14 kernels; pass layer= for another one." in texts(weights(model))


@pytest.mark.parametrize(
    ("shape", "layer", "title"),
    [
        ((8, 8, 1), lambda: layers.Conv2D(6, 3, name="c"), "c: 6 filters of 3×3"),
        ((8, 8, 3), lambda: layers.Conv2D(70, 5, name="c"), "c: 70 filters of 5×5; the first 64"),
        ((8, 8, 4), lambda: layers.Conv2D(2, 3, name="c"),
         "c: 2 filters of 3×3 × 4 channels (a row is a filter, a column a channel)"),
        ((8, 8, 2), lambda: layers.DepthwiseConv2D(3, name="c"), "c: 2 filters of 3×3"),
        ((8, 8, 2), lambda: layers.SeparableConv2D(4, 3, name="c"), "c: 2 filters of 3×3"),
        ((8, 8, 1), lambda: layers.Conv2DTranspose(7, 3, name="c"), "c: 7 filters of 3×3"),
        ((64,), lambda: layers.Dense(5, name="c"), "c: 5 filters of 8×8"),
        ((784,), lambda: layers.Dense(3, name="c"), "c: 3 filters of 28×28"),
    ],
)  # fmt: skip
def test_filters_are_pictures(shape, layer, title):
    model = kerasnb.Sequential([kerasnb.Input(shape), layer()])
    assert title in texts(filters(model))


def test_one_scale_around_nothing_serves_all_filters():
    model = cnn()
    kernel = model.layers[0].kernel.numpy()
    (image,) = filters(model).axes[0].images
    assert image.get_clim() == pytest.approx((-np.abs(kernel).max(), np.abs(kernel).max()))
    sheet = image.get_array()
    assert sheet[0, 0] == pytest.approx(kernel[0, 0, 0, 0])


def test_filters_and_weights_refuse():
    refused(
        ArgumentError,
        "filters: model 'chooser' has no filters that can be seen as pictures. Pass a convolution, "
        "or a dense layer on 8×8 or 28×28 pixels; weights(model) shows every kernel.",
        filters, classifier(),
    )  # fmt: skip
    refused(ArgumentError, "weights: layer 'pool' has no weights to show.", weights, cnn(), "pool")
    new = kerasnb.Sequential([layers.Dense(3)], name="new")
    for function in (weights, filters):
        refused(
            GraphError,
            f"{function.__name__}: model 'new' has no weights yet. Fit it, or call it on data, "
            "first.",
            function, new,
        )  # fmt: skip


# Activations, and the values of layers


class Own(kerasnb.Model):
    """A model with a call of its own, which uses a layer twice."""

    def __init__(self):
        super().__init__(name="own")
        self.first = layers.Dense(3, activation="relu", name="first")
        self.top = layers.Dense(3, name="top")

    def call(self, inputs):
        x = self.first(inputs)
        return self.top(x) + self.top(ops.tanh(x))


def test_values_of_a_stack_are_what_its_layers_give():
    model, (x, _) = cnn(), images()
    values = layer_values(model, x)
    assert [v.name for v in values] == ["conv", "pool", "flat", "drop", "top"]
    expected = x
    for layer, value in zip(model.layers, values, strict=True):
        expected = layer(expected).numpy()
        np.testing.assert_allclose(value.output.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_values_within_models_shared_layers_and_branches():
    inner = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    left, right = kerasnb.Input((4,), name="left"), kerasnb.Input((4,), name="right")
    joined = layers.Add(name="join")([inner(left), inner(right)])
    model = kerasnb.Model([left, right], joined * 2.0, name="pair")
    a, b = np.ones((2, 4), "float32"), np.zeros((2, 4), "float32")
    for given in ([a, b], {"left": a, "right": b}):
        values = {v.name: v.output.numpy() for v in layer_values(model, given)}
        assert sorted(values) == ["inner/deep", "inner/deep (2)", "join"]
        np.testing.assert_allclose(values["inner/deep"], inner(a).numpy())
        np.testing.assert_allclose(values["join"], inner(a).numpy() + inner(b).numpy())


def test_values_of_a_model_with_a_call_of_its_own():
    model, (x, _) = Own(), data(features=3)
    model(x)
    before = {layer: set(vars(layer)) for layer in model.layers}
    values = layer_values(model, x)
    assert [v.name for v in values] == ["first", "top", "top (2)"]
    np.testing.assert_allclose(values[0].output.numpy(), model.first(x).numpy(), rtol=1e-6)
    assert {layer: set(vars(layer)) for layer in model.layers} == before


def test_layers_are_uncovered_after_an_error():
    class Broken(Own):
        def call(self, inputs):
            raise RuntimeError(f"{super().call(inputs)}")

    model = Broken()
    model.first(np.ones((1, 3)))
    model.top(np.ones((1, 3)))
    model.built = True
    with pytest.raises(RuntimeError):
        layer_values(model, np.ones((1, 3)))
    assert "call" not in vars(model.first)


def test_looking_at_values_changes_nothing():
    model, (x, y) = cnn(), images()
    model.fit(x, y, verbose=0)
    kept = [v.numpy() for v in model._state_variables()]
    calls = [len(layer._calls) for layer in model.layers]
    models = set(backends.models)  # also keeps those of other tests alive meanwhile
    next_name = int(layers.Dense(1).name.rpartition("_")[2])
    activations(model, x[0])
    layer_values(model, x, training=True)
    for old, variable in zip(kept, model._state_variables(), strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    assert [len(layer._calls) for layer in model.layers] == calls
    assert set(backends.models) == models
    assert int(layers.Dense(1).name.rpartition("_")[2]) == next_name + 1


def test_activations_have_one_row_a_layer():
    model, (x, _) = cnn(), images()
    shown = texts(activations(model, x[0]))
    rows = [t for t in shown if re.search(r"\(.*,.*\)", t)]
    assert [t.split()[0] for t in rows] == ["input", "conv", "pool", "top"]  # no repeats
    assert rows[1].startswith("conv (Conv2D)  (6, 6, 5)")
    alone = texts(activations(model, x[:1], "pool"))
    assert next(t for t in alone if "(" in t).startswith("pool (MaxPooling2D)  (3, 3, 5)")


def test_activations_are_drawn_alike_wherever_the_channels_are():
    x = np.random.default_rng(0).normal(size=(1, 9, 7, 3)).astype("float32")
    drawn = []
    for where in ("channels_last", "channels_first"):
        shape = (9, 7, 3) if where == "channels_last" else (3, 9, 7)
        model = kerasnb.Sequential(
            [
                kerasnb.Input(shape),
                layers.Conv2D(5, 3, data_format=where),
                layers.ReLU(),
                layers.MaxPooling2D(data_format=where),
            ]
        )
        weights = np.random.default_rng(1).normal(size=(3, 3, 3, 5))
        model.set_weights([weights, np.zeros(5)])
        data = x if where == "channels_last" else np.moveaxis(x, -1, 1)
        figure = activations(model, data)
        drawn.append([axes.images[0].get_array() for axes in figure.axes if axes.images])
        assert any(f"({', '.join(map(str, shape))})" in text for text in texts(figure))
    assert len(drawn[0]) == len(drawn[1]) >= 4
    for last, first in zip(*drawn, strict=True):
        np.testing.assert_allclose(last, first, rtol=1e-5, atol=1e-6)


def test_activations_leave_out_the_input_in_another_shape():
    start = [kerasnb.Input((8, 8)), layers.Reshape((8, 8, 1), name="again")]
    model = kerasnb.Sequential([*start, layers.Conv2D(2, 3, name="conv")])
    x = np.random.default_rng(0).uniform(size=(8, 8))
    assert not any(text.startswith("again") for text in texts(activations(model, x)))
    assert any(text.startswith("again") for text in texts(activations(model, x, "again")))


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((7, 2), lambda: [layers.LSTM(4, return_sequences=True), layers.GRU(60)]),
        ((6,), lambda: [layers.Embedding(10, 4), layers.GlobalAveragePooling1D()]),
        ((9, 2), lambda: [layers.Conv1D(3, 2)]),
        ((4, 4, 4, 2), lambda: [layers.Conv3D(3, 2)]),
        ((3,), lambda: [layers.Dense(200), layers.Dense(1, activation="sigmoid")]),
    ],
)
def test_activations_of_any_rank_can_be_drawn(shape, make):
    model = kerasnb.Sequential([kerasnb.Input(shape), *make()])
    figure = activations(model, np.ones((1, *shape)), class_names=None)
    assert to_png(figure)[:4] == b"\x89PNG"


def test_activations_of_a_model_of_its_own_and_not_finite():
    model = Own()
    model(np.ones((1, 3)))
    assert any(t.startswith("top (2) (Dense)") for t in texts(activations(model, np.ones(3))))
    model.first.set_weights([np.full((3, 3), np.nan), np.zeros(3)])
    assert any(t.endswith("3 NaN or infinite") for t in texts(activations(model, np.ones(3))))


def test_activations_refuses():
    model = cnn()
    refused(
        ShapeError, "activations: expected one example, got 2. Pass x[0].",
        activations, model, np.zeros((2, 8, 8, 1)),
    )  # fmt: skip
    refused(
        ShapeError, "activations: expected one example of shape (8, 8, 1), got shape (7, 8).",
        activations, model, np.zeros((7, 8)),
    )  # fmt: skip
    refused(
        ArgumentError,
        "Unknown layer of model 'seer' in activations: 'con'. Did you mean 'conv'?",
        activations, model, np.zeros((8, 8)), "con",
    )  # fmt: skip
    refused(
        ArgumentError,
        "activations: expected 3 class_names, one for each class of the output, got 1.",
        activations, model, np.zeros((8, 8)), class_names=["a"],
    )  # fmt: skip
    a, b = kerasnb.Input((2,)), kerasnb.Input((2,))
    two = kerasnb.Model([a, b], layers.Add()([a, b]), name="two")
    refused(
        GraphError, "activations: expected a model with one input, but 'two' has 2.",
        activations, two, np.zeros(2),
    )  # fmt: skip


# Decision boundary


def test_boundary_of_classes_marks_what_is_wrong():
    model, (x, y) = classifier(3, 2), data(features=2)
    figure = decision_boundary(model, x, y, ["a", "b", "c"], ["length", "width"], resolution=20)
    shown = texts(figure)
    assert {"a", "b", "c", "length", "width", "true class"} <= set(shown)
    wrong = int((model.predict(x, verbose=0).argmax(1) != y).sum())
    black = [
        len(points.get_offsets())
        for points in figure.axes[0].collections
        if len(points.get_edgecolors()) and tuple(points.get_edgecolors()[0]) == (0, 0, 0, 1)
    ]
    assert sum(black) == wrong


@pytest.mark.parametrize("kind", ["binary", "numbers"])
def test_boundary_of_one_output(kind):
    x, y = data(features=2, classes=2)
    model = kerasnb.Sequential(
        [kerasnb.Input((2,)), layers.Dense(1, activation="sigmoid" if kind == "binary" else None)]
    )
    model.compile("sgd", "binary_crossentropy" if kind == "binary" else "mse")
    shown = texts(decision_boundary(model, x, y, resolution=20))
    assert ("true class" in shown) == (kind == "binary")


def test_boundary_refuses():
    model, (x, y) = classifier(3, 2), data(features=2)
    refused(
        ShapeError,
        "decision_boundary: expected x with two features, (N, 2), got shape (30, 4). Pass two "
        "columns to a model that was fitted on these two.",
        decision_boundary, model, *data(),
    )  # fmt: skip
    refused(
        ShapeError,
        "LiveBoundary: expected x with two features, (N, 2), got several arrays. Pass two columns "
        "to a model that was fitted on these two.",
        LiveBoundary, [x, x], y,
    )  # fmt: skip
    refused(
        ArgumentError,
        "decision_boundary: resolution must be a whole number from 10 to 1000, got 5.",
        decision_boundary, model, x, y, resolution=5,
    )  # fmt: skip
    refused(
        ArgumentError,
        "decision_boundary: expected 2 feature_names, one for each column of x, got 3.",
        decision_boundary, model, x, y, feature_names=["a", "b", "c"],
    )  # fmt: skip
    refused(
        ArgumentError, "LiveBoundary: every must be a whole number from 1, got 0.",
        LiveBoundary, x, y, every=0,
    )  # fmt: skip


def test_live_boundary_draws_first_and_last_and_seldom_between():
    model, (x, y) = classifier(3, 2), data(features=2)
    live = LiveBoundary(x, y, resolution=20)
    model.fit(x, y, epochs=20, callbacks=[live], verbose=0)
    assert live.png[:4] == b"\x89PNG"
    assert 2 <= live.frames <= 8, "no more than two a second"


def test_live_boundary_draws_what_is_due(monkeypatch):
    monkeypatch.setattr(LiveBoundary, "LEAST_PAUSE", 0)
    monkeypatch.setattr(LiveBoundary, "PART", 0)
    model, (x, y) = classifier(3, 2), data(features=2)
    live = LiveBoundary(x, y, every=3, resolution=10)
    model.fit(x, y, epochs=7, callbacks=[live], verbose=0)
    assert live.frames == 4, "before training, after epochs 3 and 6, and at the end"


def test_training_gives_the_same_with_a_live_boundary():
    x, y = data(features=2)
    results = []
    for callbacks in ([], [LiveBoundary(x, y, resolution=10)]):
        kerasnb.utils.set_random_seed(3)
        model = kerasnb.Sequential(
            [kerasnb.Input((2,)), layers.Dropout(0.5), layers.Dense(3, activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=3, callbacks=callbacks, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_live_boundary_refuses_before_training():
    model, (x, y) = classifier(3, 2), data(features=2)
    before = model.get_weights()
    with pytest.raises(ArgumentError, match=r"^LiveBoundary: expected 3 class_names, one for each"):
        model.fit(x, y, callbacks=[LiveBoundary(x, y, class_names=["a"])], verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_live_boundary_keeps_the_last_picture_when_training_diverges():
    x, y = data(features=2)
    model = regressor(2)
    model.compile(kerasnb.optimizers.SGD(1e30), "mse")
    live = LiveBoundary(x, y, resolution=10)
    with np.errstate(all="ignore"):
        model.fit(x, y, epochs=3, callbacks=[live], verbose=0)
    assert live.frames == 1
    assert live.png is not None


# Plain Python

PLAIN = """
import sys
for name in ("IPython", "ipywidgets", "anywidget", "traitlets"):
    sys.modules[name] = None  # as if it were not installed
import numpy as np, kerasnb
from kerasnb.notebook.insight import activations, boundary, confusion, health, mistakes, weights
model = kerasnb.Sequential([kerasnb.Input((2,)), kerasnb.layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = np.eye(2), [0, 1]
model.fit(x, y, callbacks=[boundary.LiveBoundary(x, y, resolution=10)], verbose=0)
for figure in (
    confusion.confusion_matrix(model, x, y), mistakes.mistakes(model, x, y), weights.weights(model),
    activations.activations(model, x[0]), health.health(model, x, y).figure(),
    boundary.decision_boundary(model, x, y, resolution=10),
):
    assert figure._repr_png_()[:4] == b"\\x89PNG"
assert "matplotlib.pyplot" not in sys.modules
print("fine")
"""


def test_figures_need_no_notebook():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PLAIN], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("fine\n", "")
