"""What a model predicts beside what is true: kinds of task, labels, and everything refused."""

import re

import numpy as np
import pytest
from cupy_standin import cupy
from second_backend import gpu  # noqa: F401

import kerasnb
from kerasnb import backends, layers
from kerasnb.errors import ArgumentError, DTypeError, GraphError, ShapeError
from kerasnb.notebook.insight.checks import (
    class_names_for,
    feature_names_for,
    kept_seeds,
    layers_of,
    require_one_example,
    select_layers,
    shorten,
    spread,
)
from kerasnb.notebook.insight.outcome import CannotCompare, judge
from kerasnb.notebook.insight.pictures import ink, mosaic, pictures_of

X = np.array([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 2.0], [5.0, 0.0, 1.0]], "float32")


def identity(units=3, activation=None, loss=None, inputs=3):
    """A model whose outputs are its inputs, through an activation."""
    dense = layers.Dense(units, activation=activation, kernel_initializer="identity")
    model = kerasnb.Sequential([kerasnb.Input((inputs,)), dense], name="same")
    if loss is not None:
        model.compile("sgd", loss)
    return model


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        function(*args, **kwargs)


# What kind of task it is


LOGITS = kerasnb.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("activation", "loss", "y"),
    [
        ("softmax", "sparse_categorical_crossentropy", [0, 1, 1, 2]),
        ("softmax", "categorical_crossentropy", np.eye(3)[[0, 1, 1, 2]]),
        ("softmax", None, [[0], [1], [1], [2]]),
        ("softmax", "mse", np.eye(3)[[0, 1, 1, 2]]),
        (None, LOGITS, [0.0, 1.0, 1.0, 2.0]),
        (None, "categorical_hinge", np.eye(3, dtype=bool)[[0, 1, 1, 2]]),
        ("sigmoid", "binary_crossentropy", np.eye(3)[[0, 1, 1, 2]]),
        (None, None, np.array([0, 1, 1, 2])),
    ],
)
def test_classes_are_recognised(activation, loss, y):
    outcome = judge(identity(3, activation, loss), X, y)
    assert outcome.kind == "classes"
    assert outcome.truth.tolist() == [0, 1, 1, 2]
    assert outcome.predicted.tolist() == [0, 1, 2, 0]
    assert outcome.right == 2
    assert outcome.matrix().tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    np.testing.assert_allclose(outcome.probability.sum(axis=1), 1)


def test_logits_become_probabilities():
    outcome = judge(identity(3, None, LOGITS), X, [0, 1, 1, 2])
    e = np.exp(X.astype("float64"))
    np.testing.assert_allclose(outcome.probability, e / e.sum(axis=1, keepdims=True), rtol=1e-6)
    of_truth = outcome.probability[range(4), [0, 1, 1, 2]]
    np.testing.assert_allclose(outcome.loss, -np.log(of_truth))


@pytest.mark.parametrize(
    ("activation", "loss", "x", "y", "second"),
    [
        ("sigmoid", "binary_crossentropy", [0.0, 3.0], [0, 1], [0.5, 1 / (1 + np.exp(-3))]),
        ("sigmoid", None, [0.0, 3.0], [0.0, 1.0], [0.5, 1 / (1 + np.exp(-3))]),
        (None, kerasnb.losses.BinaryCrossentropy(from_logits=True), [0.0, 0.4], [[0], [1]],
         [0.5, 1 / (1 + np.exp(-0.4))]),
        ("tanh", "hinge", [-1.0, 1.0], [-1, 1],
         [1 / (1 + np.exp(np.tanh(1))), 1 / (1 + np.exp(-np.tanh(1)))]),
    ],
)  # fmt: skip
def test_one_unit_stands_for_two_classes(activation, loss, x, y, second):
    outcome = judge(identity(1, activation, loss, inputs=1), np.reshape(x, (2, 1)), y)
    assert outcome.classes == 2
    assert outcome.truth.tolist() == [0, 1]
    np.testing.assert_allclose(outcome.probability[:, 1], second, rtol=1e-5)
    np.testing.assert_allclose(outcome.probability.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("units", "activation", "y"),
    [(1, None, [1.0, 2.0]), (1, "sigmoid", [0.2, 0.9]), (2, None, [[1.0, 2.0], [3.0, 4.0]])],
)
def test_numbers_are_recognised(units, activation, y):
    model = identity(units, activation, "mse", inputs=units)
    outcome = judge(model, np.ones((2, units)), y)
    assert outcome.kind == "numbers"
    assert (outcome.classes, outcome.probability, outcome.class_names) == (0, None, [])
    errors = outcome.predicted - np.reshape(y, (2, units))
    # targets are float32 by then
    np.testing.assert_allclose(outcome.loss, np.sqrt((errors**2).sum(axis=1)), rtol=1e-6)


def test_cells_and_worst_come_in_order():
    model = identity(3, "softmax", "sparse_categorical_crossentropy")
    outcome = judge(model, X[[0, 3, 1, 2, 0]], [0, 2, 1, 1, 1])
    assert outcome.where(0, 0).tolist() == [0]
    assert outcome.where(2, 0).tolist() == [1]
    assert outcome.where(1, 2).tolist() == [3]
    assert outcome.worst(10).tolist() == [1, 4, 3], "only wrong ones, the surest first"
    assert outcome.worst(1).tolist() == [1]


def test_without_mistakes_the_least_sure_are_the_worst():
    model = identity(3, "softmax", "sparse_categorical_crossentropy")
    outcome = judge(model, X, [0, 1, 2, 0])
    assert outcome.worst(2).tolist() == [2, 0]


def test_the_loss_of_a_sure_mistake_is_finite():
    outcome = judge(identity(3, None, LOGITS), [[1000.0, 0.0, 0.0]], [1])
    np.testing.assert_allclose(outcome.loss, -np.log(1e-7))


# What is refused


ERRORS = [
    (lambda m: (m, X, [0, 1]), ShapeError,
     "Expected as many samples in each array, but x has 4, y has 2."),
    (lambda m: (m, X, [0, 1, 2, 3]), ArgumentError,
     "inspect: labels must lie between 0 and 2, as model 'same' chooses among 3 classes, but y "
     "goes from 0 to 3."),
    (lambda m: (m, X, [0, 1, 2, -1]), ArgumentError,
     "inspect: labels must lie between 0 and 2, as model 'same' chooses among 3 classes, but y "
     "goes from -1 to 2."),
    (lambda m: (m, X, [0, 1, 2, 0.5]), ArgumentError,
     "inspect: expected whole numbers as labels in y, as model 'same' chooses among classes, got "
     "fractions. For a model that predicts numbers, compile with a loss such as 'mse'."),
    (lambda m: (m, X, [0, 1, np.nan, np.inf]), ArgumentError,
     "inspect: y holds 2 NaN or infinite values. Remove those examples."),
    (lambda m: (m, X, np.ones((4, 3))), ArgumentError,
     "inspect: expected each row of y to mark one class, but 4 of 4 rows do not add up to 1. "
     "Examples of several classes at once are looked at one column at a time."),
    (lambda m: (m, X, np.array([[2, -1, 0]] * 4)), ArgumentError,
     "inspect: expected each row of y to mark one class, but some numbers are below 0. "
     "Examples of several classes at once are looked at one column at a time."),
    (lambda m: (m, X, np.ones((4, 2))), ShapeError,
     "inspect: expected y as class numbers (N,), or as one-hot rows (N, 3) for the 3 classes of "
     "model 'same', got shape (4, 2)."),
    (lambda m: (m, X, ["a", "b", "c", "d"]), DTypeError,
     "y: expected numbers, got text (dtype <U1). Turn them into numbers first, with "
     "TextVectorization or StringLookup."),
    (lambda m: (m, X, None), ArgumentError, "inspect: y is None: pass the targets of x."),
    (lambda m: (m, (b for b in [X]), [0]), ArgumentError,
     "inspect: expected x as arrays, got generator. Take some batches out of it first."),
    (lambda m: (m, X, [0, 1, 2, 0], ["a", "b"]), ArgumentError,
     "inspect: expected 3 class_names, one for each class of the output, got 2."),
    (lambda m: (m, X, [0, 1, 2, 0], "abc"), ArgumentError,
     "inspect: expected class_names as a list of names, got str."),
    (lambda m: (m, X, [[0], [1], [2], [0]], {0: "a"}), ArgumentError,
     "inspect: expected class_names as a list of names, got dict."),
    (lambda m: (m, X, [[0, 1, 2, 0], [1, 2, 0, 1]]), ShapeError,
     "Expected as many samples in each array, but x has 4, y has 2."),
    (lambda m: ("model", X, [0]), ArgumentError, "inspect: expected a kerasnb model, got str."),
    (lambda m: (m, [], [0]), ShapeError,
     "Expected as many samples in each array, but x has 0, y has 1."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "text"), ERRORS)
def test_what_does_not_fit_is_refused(arguments, error, text):
    model = identity(3, "softmax", "sparse_categorical_crossentropy")
    refused(error, text, judge, *arguments(model))


def test_targets_are_refused_before_the_model_is_asked(monkeypatch):
    model = identity(3, "softmax", "sparse_categorical_crossentropy")
    monkeypatch.setattr(model, "predict", lambda *_, **__: pytest.fail("asked the model"))
    with pytest.raises(ArgumentError, match="labels must lie between 0 and 2"):
        judge(model, X, [0, 1, 2, 9])


def test_a_model_without_weights_is_refused():
    model = kerasnb.Sequential([layers.Dense(3)], name="new")
    refused(
        GraphError,
        "inspect: model 'new' has no weights yet. Fit it, or call it on data, first.",
        judge, model, X, [0, 1, 2, 0],
    )  # fmt: skip
    assert not model.built


def test_rows_for_one_unit_are_refused():
    model = identity(1, "sigmoid", "binary_crossentropy", inputs=1)
    refused(
        ShapeError,
        "inspect: expected y as class numbers (N,) for the 2 classes of model 'same', got shape "
        "(4, 2).",
        judge, model, X[:, :1], np.eye(2)[[0, 1, 1, 0]],
    )  # fmt: skip


def test_numbers_that_do_not_fit_are_refused():
    model = identity(2, None, "mse", inputs=2)
    x = np.ones((2, 2))
    refused(
        ShapeError,
        "inspect: expected y with 2 numbers an example, as the output of model 'same', got shape "
        "(2, 3).",
        judge, model, x, np.ones((2, 3)),
    )  # fmt: skip
    refused(
        ArgumentError,
        "inspect: y holds 1 NaN or infinite values. Remove those examples.",
        judge, model, x, [[1.0, np.nan], [0.0, 0.0]],
    )  # fmt: skip
    refused(
        ArgumentError,
        "inspect: class_names are given, but model 'same' predicts numbers, not classes. Leave "
        "them out, or compile with a loss for classes.",
        judge, model, x, [[1.0, 2.0], [0.0, 0.0]], ["a", "b"],
    )  # fmt: skip


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("backend", ["cupy", "numpy"])
def test_arrays_on_a_gpu_are_read(backend):
    model = identity(3, "softmax", "sparse_categorical_crossentropy")
    backends.use("cupy")
    backends.use(backend)
    outcome = judge(model, cupy.asarray(X), cupy.asarray(np.array([0, 1, 1, 0])))
    assert type(outcome.x) is np.ndarray
    assert outcome.predicted.tolist() == [0, 1, 2, 0]
    assert outcome.truth.tolist() == [0, 1, 1, 0]
    assert pictures_of(outcome.x, (1, 3)).take([0]).tolist() == [[[102, 0, 0]]]


def test_what_cannot_be_compared_says_why():
    model = identity(3, "softmax")
    model.set_weights([np.full((3, 3), np.nan), np.zeros(3)])
    refused(
        CannotCompare,
        "inspect: model 'same' gives NaN or infinite numbers for 4 of 4 examples, so there is "
        "nothing to compare. health(model, x, y) shows where they begin.",
        judge, model, X, [0, 1, 2, 0],
    )  # fmt: skip
    steps = kerasnb.Sequential([kerasnb.Input((5, 3)), layers.Dense(2)], name="steps")
    refused(
        CannotCompare,
        "inspect: expected outputs (examples, classes) or (examples, numbers), but model 'steps' "
        "gives (5, 2) for each example.",
        judge, steps, np.ones((2, 5, 3)), np.ones((2, 5, 2)),
    )  # fmt: skip
    start = kerasnb.Input((3,))
    two = kerasnb.Model(start, [layers.Dense(1)(start), layers.Dense(1)(start)], name="two")
    refused(
        CannotCompare,
        "inspect: expected one array of targets, got 2. Look at one output at a time: "
        "kerasnb.Model(model.inputs, model.outputs[0]).",
        judge, two, X, [np.ones(4), np.ones(4)],
    )  # fmt: skip
    refused(
        CannotCompare,
        "inspect: model 'two' has 2 outputs. Look at one at a time: "
        "kerasnb.Model(model.inputs, model.outputs[0]).",
        judge, two, X, np.ones(4),
    )  # fmt: skip


# Arguments, layers, seeds


def test_names_are_texts_in_number():
    assert class_names_for(None, 3, "f") == ["0", "1", "2"]
    assert class_names_for(np.array(["a", "b"]), 2, "f") == ["a", "b"]
    assert class_names_for([1.5, None], 2, "f") == ["1.5", "None"]
    assert feature_names_for(None, 2, "f") == ["x0", "x1"]
    refused(
        ArgumentError,
        "f: expected 2 feature_names, one for each column of x, got 1.",
        feature_names_for, ["a"], 2, "f",
    )  # fmt: skip


def test_layers_are_found_by_name_place_and_identity():
    inner = kerasnb.Sequential([kerasnb.Input((3,)), layers.Dense(4, name="deep")], name="inner")
    model = kerasnb.Sequential([kerasnb.Input((3,)), inner, layers.Dense(2, name="top")])
    model.name = "outer"
    deep, top = inner.layers[0], model.layers[1]
    assert layers_of(model) == [("inner/deep", deep), ("top", top)]
    for layer in ("inner/deep", "deep", 0, deep, inner):
        assert select_layers(model, layer, "f") == [("inner/deep", deep)]
    assert select_layers(model, -1, "f") == [("top", top)]
    assert select_layers(model, None, "f") == layers_of(model)
    refused(
        ArgumentError,
        "Unknown layer of model 'outer' in f: 'topp'. Did you mean 'top'?",
        select_layers, model, "topp", "f",
    )  # fmt: skip
    refused(
        ArgumentError,
        "get_layer: index=2, but model 'outer' has 2 layers.",
        select_layers, model, 2, "f",
    )  # fmt: skip
    refused(
        ArgumentError,
        "f: expected layer as a name, a place or a layer of model 'outer', got 1.5.",
        select_layers, model, 1.5, "f",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "shape"),
    [((8, 8), (8, 8)), ((1, 8, 8), (8, 8)), ((8, 8), (8, 8, 1)), ((1, 8, 8, 1), (8, 8)),
     ((1, 5), (None,)), ((5,), (None,)), ((1, 4), None), ((4,), None)],
)  # fmt: skip
def test_one_example_comes_with_or_without_a_batch(given, shape):
    batch = require_one_example(np.zeros(given), shape, "f")
    assert len(batch) == 1
    assert batch.size == np.prod(given)


def test_more_than_one_example_is_refused():
    refused(
        ShapeError, "f: expected one example, got 3. Pass x[0].",
        require_one_example, np.zeros((3, 8)), (8,), "f",
    )  # fmt: skip
    refused(
        ShapeError, "f: expected one example of shape (8,), got shape (9,).",
        require_one_example, np.zeros(9), (8,), "f",
    )  # fmt: skip


def test_spread_takes_the_first_and_the_last():
    assert spread(3, 5).tolist() == [0, 1, 2]
    assert spread(101, 5).tolist() == [0, 25, 50, 75, 100]


def test_seeds_are_given_back():
    import random

    before = random.getstate(), np.random.get_state()[1].tolist()
    with kept_seeds():
        random.random(), np.random.rand()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_looking_changes_no_seed():
    model = identity(3, "softmax")
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    judge(model, X, [0, 1, 2, 0])
    assert random.random() == expected


def test_shorten_keeps_to_one_line():
    assert shorten("a\n b\tc", 9) == "a b c"
    assert shorten("abcdefgh", 5) == "abcd…"


# Pictures


@pytest.mark.parametrize(
    ("shape", "given", "expected"),
    [((8, 8), None, (8, 8)), ((8, 8, 1), None, (8, 8)), ((6, 7, 3), None, (6, 7, 3)),
     ((3, 6, 7), None, (6, 7, 3)), ((1, 6, 7), None, (6, 7)), ((64,), None, (8, 8)),
     ((784,), None, (28, 28)), ((60,), None, None), ((60,), (6, 10), (6, 10)),
     ((6, 7, 5), None, (6, 7)), ((), None, None), ((2, 2, 2, 2), None, None)],
)  # fmt: skip
def test_what_are_pictures(shape, given, expected):
    array = np.linspace(-1, 3, 2 * int(np.prod(shape))).reshape(2, *shape)
    pictures = pictures_of(array, given)
    if expected is None:
        assert pictures is None
        return
    assert pictures.shape == expected
    taken = pictures.take([1, 0])
    assert (taken.shape, taken.dtype) == ((2, *expected), np.uint8)
    assert pictures.take([0, 1]).min() in range(0, 45)  # means over channels are not the lowest


def test_channels_and_rows_go_to_their_places():
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)  # channels first
    np.testing.assert_array_equal(pictures_of(array).values([1])[0, 2, 3], array[1, :, 2, 3])
    flat = np.arange(128.0).reshape(2, 64)
    assert pictures_of(flat).values([1])[0, 2, 3] == 64 + 19


def test_large_pictures_become_small():
    array = np.zeros((1, 100, 60))
    array[:, :50] = 1
    small = pictures_of(array).thumbnails([0], 48)
    assert small.shape == (1, 33, 20)
    assert small[0, 0, 0] == 255
    assert small[0, -1, 0] == 0


def test_a_wrong_image_shape_is_refused():
    refused(
        ShapeError,
        "image_shape: expected (height, width) or (height, width, channels) with 64 numbers, as "
        "each example of x has, got (8, 9).",
        pictures_of, np.zeros((2, 64)), (8, 9),
    )  # fmt: skip


def test_a_mosaic_has_gaps_of_nothing():
    sheet = mosaic(np.ones((3, 12, 12)), 2)
    assert sheet.shape == (25, 25)
    assert np.isnan(sheet[12]).all()
    assert np.isnan(sheet[13:, 13:]).all()
    assert np.nansum(sheet) == 3 * 144


def test_text_is_read_on_any_colour():
    assert ink(np.ones(3)) == "black"
    assert ink(np.array([0.0, 0.45, 0.7])) == "white"
