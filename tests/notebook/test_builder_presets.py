"""What is preset for training, why, and what is said of data that does not fit."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from cupy_standin import cupy
from second_backend import gpu  # noqa: F401

import kerasnb
from kerasnb import backends, layers
from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder import edits, parts
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.presets import Places, places_in, suggest, suggest_for
from kerasnb.spec import TensorSpec

N = 40
RNG = np.random.default_rng(0)
TEN = np.arange(N) % 10
THREE = np.arange(N) % 3
TWO = np.arange(N) % 2
SIGNS = 2 * TWO - 1
REAL = RNG.uniform(-3, 3, N)
MARKS = RNG.integers(0, 2, (N, 4))
MARKS[0] = 1  # not one a row


def one_hot(labels):
    return np.eye(labels.max() + 1)[labels]


def spec(*shape):
    return TensorSpec((None, *shape), "float32")


def told(preset):
    return [
        (f.level, f.text, {c["argument"]: c["value"] for c in f.changes}) for f in preset.findings
    ]


def bce(**config):
    return {"class_name": "BinaryCrossentropy", "config": config}


SPARSE = "sparse_categorical_crossentropy"
ONE_HOT = "categorical_crossentropy"
BINARY = "binary_crossentropy"
LOGITS = {"from_logits": True}

FITTING = {
    "labels": (TEN, 10, "softmax", SPARSE, ["accuracy"],
               f"Integer labels 0 to 9 and a softmax over 10 units: {SPARSE}."),
    "labels in a column": (TEN[:, None], 10, "softmax", SPARSE, ["accuracy"],
                           f"Integer labels 0 to 9 and a softmax over 10 units: {SPARSE}."),
    "labels as floats": (THREE.astype("float32"), 3, "softmax", SPARSE, ["accuracy"],
                         f"Integer labels 0 to 2 and a softmax over 3 units: {SPARSE}."),
    "labels as a list": (THREE.tolist(), 3, "softmax", SPARSE, ["accuracy"],
                         f"Integer labels 0 to 2 and a softmax over 3 units: {SPARSE}."),
    "two labels, two units": (TWO, 2, "softmax", SPARSE, ["accuracy"],
                              f"Integer labels 0 to 1 and a softmax over 2 units: {SPARSE}."),
    "one-hot": (one_hot(THREE), 3, "softmax", ONE_HOT, ["accuracy"],
                f"One-hot rows and a softmax over 3 units: {ONE_HOT}."),
    "chances": (np.full((N, 4), 0.25), 4, "softmax", ONE_HOT, ["accuracy"],
                f"Rows of probabilities and a softmax over 4 units: {ONE_HOT}."),
    "yes or no": (TWO, 1, "sigmoid", BINARY, ["accuracy"],
                  f"Labels 0 and 1 and one unit with sigmoid: {BINARY}."),
    "yes or no, column": (TWO[:, None], 1, "sigmoid", BINARY, ["accuracy"],
                          f"Labels 0 and 1 and one unit with sigmoid: {BINARY}."),
    "true or false": (TWO.astype(bool), 1, "sigmoid", BINARY, ["accuracy"],
                      f"Labels 0 and 1 and one unit with sigmoid: {BINARY}."),
    "signs": (SIGNS, 1, "tanh", "hinge", [],
              "Labels -1 and 1 and one unit with tanh: hinge, which asks for the right sign."),
    "numbers": (REAL, 1, None, "mse", ["mae"],
                "Real numbers and one unit: mse, the mean of the squared errors."),
    "numbers in a column": (REAL[:, None], 1, "linear", "mse", ["mae"],
                            "Real numbers and one unit: mse, the mean of the squared errors."),
    "several numbers": (RNG.normal(size=(N, 3)), 3, None, "mse", ["mae"],
                        "Real numbers and 3 units: mse, the mean of the squared errors."),
    "parts from 0 to 1": (RNG.random(N), 1, "sigmoid", "mse", ["mae"],
                          "Real numbers and one unit: mse, the mean of the squared errors."),
    "several marks": (MARKS, 4, "sigmoid", BINARY, ["binary_accuracy"],
                      f"Marks 0 and 1, several a row, and 4 units with sigmoid: {BINARY}."),
}  # fmt: skip


@pytest.mark.parametrize("case", FITTING)
def test_what_fits_is_preset_with_its_reason(case):
    y, units, activation, loss, metrics, reason = FITTING[case]
    preset = suggest(y, [spec(units)], activation)
    assert preset.loss == (loss, reason)
    assert preset.metrics.value == metrics
    assert preset.findings == ()
    assert preset.ready


LOGIT_ADVICE = (
    "Without an activation the outputs are logits; for probabilities: set the activation to"
)
NOT_FITTING = {
    "logits": (TEN, 10, None, {"class_name": "SparseCategoricalCrossentropy", "config": LOGITS},
               [("advice", f"{LOGIT_ADVICE} softmax.", {"activation": "softmax"})]),
    "one-hot logits": (one_hot(THREE), 3, None,
                       {"class_name": "CategoricalCrossentropy", "config": LOGITS},
                       [("advice", f"{LOGIT_ADVICE} softmax.", {"activation": "softmax"})]),
    "yes or no as a logit": (TWO, 1, None, bce(**LOGITS),
                             [("advice", f"{LOGIT_ADVICE} sigmoid.", {"activation": "sigmoid"})]),
    "marks as logits": (MARKS, 4, None, bce(**LOGITS),
                        [("advice", f"{LOGIT_ADVICE} sigmoid.", {"activation": "sigmoid"})]),
    "too few units": (TEN, 3, "softmax", SPARSE,
                      [("error", "y has 10 classes (0 to 9), but the last layer has 3 units: set "
                        "units to 10.", {"units": 10})]),
    "too many units": (THREE, 10, "softmax", SPARSE,
                       [("advice", "y has 3 classes (0 to 2), but the last layer has 10 units, 7 "
                         "of which stand for none: set units to 3.", {"units": 3})]),
    "one unit too many": (THREE, 4, "softmax", SPARSE,
                          [("advice", "y has 3 classes (0 to 2), but the last layer has 4 units, 1 "
                            "of which stands for none: set units to 3.", {"units": 3})]),
    "classes, one sigmoid": (TEN, 1, "sigmoid", SPARSE,
                             [("error", "y has 10 classes (0 to 9), but the last layer has one "
                               "unit: set units to 10 and the activation to softmax.",
                               {"units": 10, "activation": "softmax"})]),
    "classes or amounts": (TEN, 1, None, "mse",
                           [("advice", "If the numbers 0 to 9 in y are classes, not amounts: set "
                             "units to 10 and the activation to softmax.",
                             {"units": 10, "activation": "softmax"})]),
    "no softmax": (TEN, 10, "relu", SPARSE,
                   [("advice", "y has one class for each example, but relu gives no probabilities "
                     "that add up to 1: set the activation to softmax.",
                     {"activation": "softmax"})]),
    "one-hot, no softmax": (one_hot(THREE), 3, "sigmoid", ONE_HOT,
                            [("advice", "y has one class for each example, but sigmoid gives no "
                              "probabilities that add up to 1: set the activation to softmax.",
                              {"activation": "softmax"})]),
    "one-hot, too few units": (one_hot(TEN), 3, "softmax", ONE_HOT,
                               [("error", "y is one-hot with 10 classes, but the last layer has 3 "
                                 "units: set units to 10.", {"units": 10})]),
    "one-hot, one unit": (one_hot(TEN), 1, "sigmoid", ONE_HOT,
                          [("error", "y is one-hot with 10 classes, but the last layer has one "
                            "unit: set units to 10 and the activation to softmax.",
                            {"units": 10, "activation": "softmax"})]),
    "softmax over one": (TWO, 1, "softmax", BINARY,
                         [("error", "A softmax over one unit always gives 1: set the activation to "
                           "sigmoid.", {"activation": "sigmoid"})]),
    "yes or no, relu": (TWO, 1, "relu", BINARY,
                        [("error", "y has the labels 0 and 1, but relu gives no probability: set "
                          "the activation to sigmoid.", {"activation": "sigmoid"})]),
    "signs, sigmoid": (SIGNS, 1, "sigmoid", "hinge",
                       [("error", "y has the labels -1 and 1, which sigmoid does not give (a "
                         "sigmoid would suit (y + 1) / 2): set the activation to tanh.",
                         {"activation": "tanh"})]),
    "signs, two units": (SIGNS, 2, "softmax", SPARSE,
                         [("error", "y has the labels -1 and 1, but class numbers begin at 0: use "
                           "(y + 1) // 2 as y.", {})]),
    "labels from 1": (TEN + 1, 10, "softmax", SPARSE,
                      [("error", "y goes from 1 to 10, but class numbers begin at 0: renumber them "
                        "with y = np.unique(y, return_inverse=True)[1].", {})]),
    "labels below 0": (TEN - 4, 10, "softmax", SPARSE,
                       [("error", "y goes from -4 to 5, but class numbers begin at 0: renumber "
                         "them with y = np.unique(y, return_inverse=True)[1].", {})]),
    "numbers, sigmoid": (REAL, 1, "sigmoid", "mse",
                         [("error", f"y goes from {REAL.min():.4g} to {REAL.max():.4g}, but "
                           "sigmoid gives only 0 to 1: set the activation to linear.",
                           {"activation": "linear"})]),
    "numbers, relu": (REAL, 1, "relu", "mse",
                      [("error", f"y goes from {REAL.min():.4g} to {REAL.max():.4g}, but relu "
                        "gives only numbers from 0: set the activation to linear.",
                        {"activation": "linear"})]),
    "numbers, softmax": (RNG.random((N, 3)), 3, "softmax", "mse",
                         [("error", "A softmax gives numbers that add up to 1, which y does not: "
                           "set the activation to linear.", {"activation": "linear"})]),
    "number, many units": (REAL, 5, "softmax", "mse",
                           [("error", "y has one number with fractions for each example, but the "
                             "last layer has 5 units: set units to 1 and the activation to linear.",
                             {"units": 1, "activation": "linear"})]),
    "rows of another width": (RNG.normal(size=(N, 4)), 3, None, "mse",
                              [("error", "y has 4 numbers a row, but the last layer has 3 units: "
                                "set units to 4.", {"units": 4})]),
    "large numbers": (np.linspace(0, 346, N) + 0.5, 1, None, "mse",
                      [("advice", "y goes from 0.5 to 346.5: a network learns sooner if its "
                        "numbers are near 1. Divide by 100.", {})]),
    "sorted labels": (np.sort(THREE), 3, "softmax", SPARSE,
                      [("advice", "y is sorted, so the last examples, which are held back for "
                        "validation, are not like the others. Shuffle x and y in the same order "
                        "first.", {})]),
    "several marks, softmax": (MARKS, 4, "softmax", BINARY,
                               [("error", "y marks several classes at once, each with a yes or no "
                                 "of its own: set the activation to sigmoid.",
                                 {"activation": "sigmoid"})]),
    "texts": (np.array(["cat", "dog"] * 20), 2, "softmax", None,
              [("error", "y holds text. Turn it into class numbers: names, y = np.unique(y, "
                "return_inverse=True).", {})]),
    "texts as objects": (np.array(["cat", "dog"] * 20, object), 2, "softmax", None,
                         [("error", "y holds text. Turn it into class numbers: names, y = "
                           "np.unique(y, return_inverse=True).", {})]),
    "NaN": (np.where(TEN == 3, np.nan, REAL), 1, None, None,
            [("error", "y holds 4 NaN or infinite values among 40, which make the loss NaN. Remove "
              "those examples or replace the values.", {})]),
    "ragged rows": ([[1, 2], [3]], 2, None, None,
                    [("error", "y is no array of numbers with one row for each example.", {})]),
    "a single number": (3, 2, None, None,
                        [("error", "y is no array of numbers with one row for each example.", {})]),
    "nothing in it": (np.zeros((0, 2)), 2, None, None,
                      [("error", "y is empty: its shape is (0, 2).", {})]),
    "nothing chosen": (None, 2, None, None, [("error", "Choose what is y.", {})]),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_FITTING)
def test_what_does_not_fit_is_said_in_words(case):
    y, units, activation, loss, findings = NOT_FITTING[case]
    preset = suggest(y, [spec(units)], activation)
    assert told(preset) == findings
    assert preset.loss.value == loss
    assert preset.ready == all(level != "error" for level, _, _ in findings)


MENDED = [
    case for case, row in NOT_FITTING.items() if row[4][0][2] and case != "classes or amounts"
]


@pytest.mark.parametrize("case", MENDED)
def test_what_is_proposed_mends_it(case):
    y, units, activation, loss, findings = NOT_FITTING[case]
    changes = findings[0][2]
    again = suggest(y, [spec(changes.get("units", units))], changes.get("activation", activation))
    assert again.findings == ()
    if findings[0][0] == "error":
        assert again.loss.value == loss, "the loss that was shown was that after the change"


@pytest.mark.parametrize("case", [*FITTING, *NOT_FITTING])
def test_what_is_preset_trains(case):
    y, units, activation = {**FITTING, **NOT_FITTING}[case][:3]
    preset = suggest(y, [spec(units)], activation)
    json.dumps(preset.data(), allow_nan=False)
    if not preset.ready:
        return
    model = kerasnb.Sequential([kerasnb.Input((3,)), layers.Dense(units, activation=activation)])
    model.compile(**preset.arguments())
    history = model.fit(
        np.ones((N, 3), "float32"), np.asarray(y), preset.batch_size.value, epochs=2, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()
    names = [m if isinstance(m, str) else m["config"]["name"] for m in preset.metrics.value]
    assert list(history.history) == ["loss", *names]


def test_accuracy_of_logits_is_taken_at_zero():
    preset = suggest(TWO, [spec(1)], None)
    model = kerasnb.Sequential([kerasnb.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(**preset.arguments())
    x = np.where(TWO == 1, 0.3, -0.3)[:, None]  # a probability of 0.57 is a yes
    assert model.evaluate(x, TWO, verbose=0, return_dict=True)["accuracy"] == 1


@pytest.mark.parametrize(
    ("y", "shape", "loss", "text"),
    [
        (np.zeros((N, 6), int), (6, 9), SPARSE, None),
        (RNG.normal(size=(N, 6, 2)), (6, 2), "mse", None),
        (RNG.normal(size=(N, 6)), (6, 1), "mse", None),
        (RNG.random((N, 8, 8, 1)), (8, 8, 1), "mse", None),
        (RNG.normal(size=(N, 5, 2)), (None, 2), "mse", None),
        (TEN, (6, 10), None, "The model gives 6 × 10 numbers for each example, but y has one "
         "number: put a Flatten or a GlobalAveragePooling before the last layer, or "
         "return_sequences=False in a recurrent one."),
        (RNG.normal(size=(N, 5, 2)), (6, 2), None, "The model gives 6 × 2 numbers for each "
         "example, but y has 5 × 2 numbers: change the last layers, or the shape of y."),
        (RNG.normal(size=(N, 5, 2)), (3,), None, "The model gives 3 numbers for each example, but "
         "y has 5 × 2 numbers: change the last layers, or the shape of y."),
    ],
)  # fmt: skip
def test_sequences_and_pictures_as_targets(y, shape, loss, text):
    preset = suggest(y, [spec(*shape)], None if loss != SPARSE else "softmax")
    assert preset.loss.value == loss
    assert [f.text for f in preset.findings if f.level == "error"] == ([text] if text else [])


# Several outputs


def test_each_of_several_outputs_has_its_loss():
    ends, names = [spec(10), spec(1)], ["softmax", "linear"]
    preset = suggest([TEN, REAL], ends, names)
    assert preset.loss.value == [SPARSE, "mse"]
    assert preset.metrics.value == [["accuracy"], ["mae"]]
    assert preset.loss.reason == (
        f"Output 1: Integer labels 0 to 9 and a softmax over 10 units: {SPARSE}. Output 2: Real "
        "numbers and one unit: mse, the mean of the squared errors."
    )
    by_name = suggest({"digit": TEN, "size": REAL}, ends, names)
    assert by_name.loss.value == {"digit": SPARSE, "size": "mse"}
    assert by_name.metrics.value == {"digit": ["accuracy"], "size": ["mae"]}


def test_several_outputs_train():
    inputs = kerasnb.Input((3,))
    outputs = [layers.Dense(1, name="yes")(inputs), layers.Dense(1, name="size")(inputs)]
    model = kerasnb.Model(inputs, outputs)
    for y in ([TWO, REAL], {"yes": TWO, "size": REAL}):
        preset = suggest(y, [spec(1), spec(1)], None)
        model.compile(**preset.arguments())
        history = model.fit(np.ones((N, 3)), y, verbose=0).history
        assert {"yes_accuracy", "size_mae"} <= set(history)


def test_what_is_wrong_is_said_of_the_output_that_it_concerns():
    preset = suggest([TEN, REAL], [spec(3), spec(1)], ["softmax", "relu"])
    reach = f"{REAL.min():.4g} to {REAL.max():.4g}"
    assert [f.text for f in preset.findings] == [
        "y of output 1 has 10 classes (0 to 9), but the layer of output 1 has 3 units: set units "
        "to 10.",
        f"y of output 2 goes from {reach}, but relu gives only numbers from 0: set the activation "
        "to linear.",
    ]


@pytest.mark.parametrize(
    ("y", "count", "text"),
    [
        (TEN, 2, "The model has 2 outputs, so y has to be a list of 2 arrays, one for each, not "
         "one array."),
        ([TEN, TEN, TEN], 2, "The model has 2 outputs, so y has to be a list of 2 arrays, one for "
         "each, not 3 arrays."),
        ([TEN, TEN], 1, "The model has 1 output, so y has to be one array, not 2 arrays."),
    ],
)  # fmt: skip
def test_as_many_targets_as_outputs_are_wanted(y, count, text):
    preset = suggest(y, [spec(10)] * count, "softmax")
    assert [f.text for f in preset.findings] == [text]
    assert preset.loss.value is None
    assert not preset.ready


# Inputs


@pytest.mark.parametrize(
    ("x", "shape", "findings"),
    [
        (np.zeros((N, 4)), (4,), []),
        (np.zeros((N, 8, 8)), (8, 8, 1), []),
        (np.zeros((N, 8, 8, 1)), (8, 8), []),
        (np.zeros(N), (1,), []),
        (np.zeros((N, 7, 3)), (None, 3), []),
        (np.zeros((N, 5)), (4,),
         [("error", "x has shape (5,) for each example, but the Input takes (4,): set its shape to "
           "(5,).", {"shape": [5]})]),
        (np.zeros((N, 28, 28)), (8, 8, 1),
         [("error", "x has shape (28, 28) for each example, but the Input takes (8, 8, 1): set its "
           "shape to (28, 28, 1).", {"shape": [28, 28, 1]})]),
        (np.zeros(N), (4,),
         [("error", "x has shape (1,) for each example, but the Input takes (4,): set its shape to "
           "(1,).", {"shape": [1]})]),
        (np.zeros((30, 4)), (4,),
         [("error", "x has 30 examples, but y has 40: choose two that belong together.", {})]),
        (np.full((N, 4), np.inf), (4,),
         [("error", "x holds 160 NaN or infinite values among 160, which make the loss NaN. Remove "
           "those examples or replace the values.", {})]),
        (np.full((N, 4), "a"), (4,),
         [("error", "x holds text. Turn it into numbers first.", {})]),
        (np.tile(np.array([0, 255], "uint8"), (N, 2)), (4,),
         [("advice", "x goes from 0 to 255: a network learns sooner if its numbers are near 1. "
           "Divide by 255, or put a Rescaling layer first.", {})]),
        (np.full((N, 4), -3000.0), (4,),
         [("advice", "x goes from -3000 to -3000: a network learns sooner if its numbers are near "
           "1. Divide by 1,000, or put a Rescaling layer first.", {})]),
        (np.full((N, 4), 3000), (4,), []),  # may be the numbers of words
        ([np.zeros((N, 4))] * 2, (4,),
         [("error", "The model has 1 input, so x has to be one array, not 2 arrays.", {})]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_inputs_is_said(x, shape, findings):
    preset = suggest(TEN, [spec(10)], "softmax", x, [spec(*shape)])
    assert told(preset) == findings


def test_errors_come_before_advice():
    preset = suggest(TEN, [spec(10)], None, np.zeros((N, 5)), [spec(4)])
    assert [f.level for f in preset.findings] == ["error", "advice"]


def test_arrays_of_another_backend_are_looked_at(gpu):  # noqa: F811
    backends.get("cupy")
    x, y = cupy.array(np.full((N, 5), 99.0)), cupy.array(THREE)
    preset = suggest(y, [spec(3)], "softmax", x, [spec(4)])
    assert preset.loss.value == SPARSE
    assert [f.text[:19] for f in preset.findings] == ["x has shape (5,) fo"]  # x stays there


# How long


@pytest.mark.parametrize(
    ("samples", "size", "epochs"),
    [(4, 16, 200), (150, 16, 200), (1797, 32, 35), (60_000, 128, 5), (10**6, 128, 5)],
)
def test_small_sets_are_gone_through_more_often(samples, size, epochs):
    preset = suggest(np.zeros(samples, "uint8"), [spec(1)], "sigmoid")
    assert (preset.batch_size.value, preset.epochs.value) == (size, epochs)
    steps = -(-samples // size) * epochs
    assert preset.epochs.reason == (
        f"{epochs} times through all examples are {steps:,} steps; stop when you like."
    )


# Documents


def chain(*nodes, shape=(4,)):
    document = Document()
    source = Node("", "input", type="InputLayer", settings={"shape": list(shape)})
    document, key = edits.add(document, source)
    for kind, settings in nodes:
        document, key = edits.add(document, Node("", type=kind, settings=settings), [Edge(key)])
    document, _ = edits.append_output(document, Edge(key))
    return document


@pytest.mark.parametrize(
    ("nodes", "activation", "units", "place"),
    [
        ([("Dense", {"units": 3, "activation": "softmax"})], "softmax", ("n2", "units"), "n2"),
        ([("Dense", {"units": 3})], "linear", ("n2", "units"), "n2"),
        ([("Dense", {"units": 3}), ("Activation", {"activation": "relu"})], "relu",
         ("n2", "units"), "n3"),
        ([("Dense", {"units": 3}), ("Softmax", {})], "softmax", ("n2", "units"), None),
        ([("Dense", {"units": 3, "activation": "tanh"}), ("Dropout", {"rate": 0.5})], "tanh",
         ("n2", "units"), "n2"),
        ([("LSTM", {"units": 3})], "tanh", ("n2", "units"), "n2"),
        ([("Conv2D", {"filters": 3, "kernel_size": 3}), ("GlobalAveragePooling2D", {})], "linear",
         ("n2", "filters"), "n2"),
        ([("Flatten", {})], "linear", None, None),
        ([("Dense", {"units": 3, "activation": "softmax"}), ("Reshape", {"target_shape": [3, 1]})],
         "softmax", None, "n2"),
        ([("Mine", {"units": 3})], "linear", ("n2", "units"), None),
        ([("Dense", {"units": 3, "activation": {"class_name": "function", "config": "selu"}})],
         "selu", ("n2", "units"), "n2"),
        ([], "linear", None, None),
    ],
)  # fmt: skip
def test_where_an_output_can_be_changed_is_found(nodes, activation, units, place):
    places, names = places_in(chain(*nodes))
    assert names == [activation]
    assert places == Places((units,), (place,), ("n1",), False)


@pytest.mark.parametrize("kind", ["group", "repeat", "model"])
def test_the_last_layer_is_found_within_a_part(kind):
    document = chain(("Dense", {"units": 4}), ("Dense", {"units": 4, "activation": "softmax"}))
    document, _ = parts.wrap(document, ["n2", "n3"], kind, count=2)
    places, names = places_in(document)
    assert (names, places.units, places.activations) == (["softmax"], (("n3", "units"),), ("n3",))


def test_a_shared_layer_is_changed_where_it_is():
    document = chain(("Dense", {"units": 4, "activation": "tanh"}))
    document, key = edits.again(document, "n2", [Edge("n2")])
    document, _ = edits.append_output(document, Edge(key))
    places, names = places_in(document)
    assert (names[-1], places.activations[-1]) == ("tanh", "n2")


def test_what_cannot_be_set_is_asked_for_in_other_words():
    places = Places((None,), (None,), ("n1",))
    texts = [
        suggest(TEN, [spec(3)], "linear", places=places).findings[0],
        suggest(TWO, [spec(1)], "relu", places=places).findings[0],
        suggest(REAL, [spec(1)], "relu", places=places).findings[0],
        suggest(TEN, [spec(1)], "sigmoid", places=places).findings[0],
    ]
    assert [f.changes for f in texts] == [()] * 4
    assert [f.text.partition(": ")[2] for f in texts] == [
        "end with a Dense layer of 10 units.",
        "end with an Activation layer of sigmoid.",
        "take out the layer of relu.",
        "end with a Dense layer of 10 units and softmax.",
    ]


def report(document, out, complete=True):
    specs = {n.id: SimpleNamespace(specs=(out,)) for n in document}
    for node in document.inputs():
        specs[node.id] = SimpleNamespace(specs=(spec(*node.settings["shape"]),))
    return SimpleNamespace(nodes=specs, complete=complete)


def test_a_document_is_told_what_to_change():
    document = chain(("Dense", {"units": 3, "activation": "softmax"}))
    preset = suggest_for(document, report(document, spec(3)), np.zeros((N, 6)), TEN)
    assert [dict(c) for f in preset.findings for c in f.changes] == [
        {"node": "n2", "argument": "units", "value": 10},
        {"node": "n1", "argument": "shape", "value": [6]},
    ]


def test_a_layer_that_scales_makes_large_numbers_welcome():
    document = chain(("Rescaling", {"scale": 0.01}), ("Dense", {"units": 10}))
    large = np.full((N, 4), 255.0)
    preset = suggest_for(document, report(document, spec(10)), large, TEN)
    assert not any("Rescaling" in f.text for f in preset.findings)


def test_an_unfinished_model_has_no_preset():
    document = chain(("Dense", {"units": 3}))
    text = "The model is not complete yet: mend what is marked on the canvas."
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        suggest_for(document, report(document, spec(3), complete=False), np.zeros((N, 4)), TEN)
