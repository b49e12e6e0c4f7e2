"""Metrics: known values, weights, batches and resets, names, configurations, errors."""

import json

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score, roc_auc_score

import kerasnb
from kerasnb import layers, losses, metrics, naming, ops
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.variable import Variable

LOG2 = float(np.log(2.0))
THREE = [[0.1, 0.6, 0.3], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.35, 0.25]]

# class, arguments, targets, predictions, weights, result
KNOWN = [
    ("Accuracy", {}, [1, 2, 3, 4], [0, 2, 3, 4], None, 0.75),
    ("Accuracy", {}, [1, 2, 3, 4], [0, 2, 3, 4], [1, 1, 0, 0], 0.5),
    ("BinaryAccuracy", {}, [1, 1, 0, 0], [0.9, 0.5, 0.2, 0.7], None, 0.5),
    ("BinaryAccuracy", {"threshold": 0.4}, [1, 1, 0, 0], [0.9, 0.5, 0.2, 0.7], None, 0.75),
    ("BinaryAccuracy", {}, [[1, 0], [0, 1]], [[0.9, 0.8], [0.1, 0.9]], [1, 3], 3.5 / 4),
    ("BinaryAccuracy", {}, [1, 0], [[0.9], [0.8]], None, 0.5),
    ("CategoricalAccuracy", {}, np.eye(3)[[1, 0, 1, 0]], THREE, None, 0.75),
    ("CategoricalAccuracy", {}, np.eye(3)[[1, 0, 1, 0]], THREE, [0, 1, 2, 1], 0.5),
    ("SparseCategoricalAccuracy", {}, [1, 0, 1, 0], THREE, None, 0.75),
    ("SparseCategoricalAccuracy", {}, [[1], [0], [1], [0]], THREE, None, 0.75),
    ("SparseCategoricalAccuracy", {}, [[1, 0], [1, 0]], [THREE[:2], THREE[2:]], [1, 0], 1.0),
    ("TopKCategoricalAccuracy", {"k": 2}, np.eye(3)[[0, 1, 1, 2]], THREE, None, 0.5),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, [0, 1, 1, 2], THREE, None, 0.5),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, [[0], [1], [1], [2]], THREE, None, 0.5),
    (
        "SparseTopKCategoricalAccuracy",
        {"k": 1, "from_sorted_ids": True},
        [0, 1],
        [[0, 1], [2, 1]],
        None,
        0.5,
    ),
    ("MeanSquaredError", {}, [[0, 1]], [[1, 3]], None, 2.5),
    ("RootMeanSquaredError", {}, [[0, 1]], [[1, 3]], None, 2.5**0.5),
    ("RootMeanSquaredError", {}, [[0], [0]], [[1], [3]], [1, 0], 1.0),
    ("MeanAbsoluteError", {}, [[0, 1]], [[1, 3]], None, 1.5),
    ("MeanAbsolutePercentageError", {}, [[2, 4]], [[1, 5]], None, 37.5),
    ("MeanSquaredLogarithmicError", {}, [[0, 0]], [[1, 0]], None, LOG2**2 / 2),
    ("LogCoshError", {}, [[0, 0]], [[0, 100]], None, (100 - LOG2) / 2),
    ("Poisson", {}, [[0, 2]], [[1, 1]], None, 1.0),
    ("CosineSimilarity", {}, [[1, 0], [0, 2]], [[1, 1], [0, 3]], None, (0.5**0.5 + 1) / 2),
    ("BinaryCrossentropy", {}, [[0, 1]], [[0.5, 0.25]], None, 1.5 * LOG2),
    ("CategoricalCrossentropy", {}, [[0, 1], [1, 0]], [[0.5, 0.5], [2, 6]], None, 1.5 * LOG2),
    ("SparseCategoricalCrossentropy", {}, [1, 0], [[0.5, 0.5], [2, 6]], None, 1.5 * LOG2),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": 1},
        [1, 0],
        [[0.5, 0.5], [2, 6]],
        None,
        2 * LOG2,
    ),
    ("KLDivergence", {}, [[1, 0]], [[0.5, 0.5]], None, LOG2),
    ("Hinge", {}, [[1, 0]], [[0.5, 0.5]], None, 1.0),
    ("SquaredHinge", {}, [[1, 0]], [[0.5, 0.5]], None, 1.25),
    ("CategoricalHinge", {}, [[0, 1, 0]], [[1, 2, 5]], None, 4.0),
    ("TruePositives", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], None, 2.0),
    ("FalsePositives", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], None, 1.0),
    ("TrueNegatives", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], None, 0.0),
    ("FalseNegatives", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], [1, 1, 1, 0.5], 0.5),
    ("TruePositives", {"thresholds": [0.1, 0.7, 0.8]}, [1, 1], [0.2, 0.8], None, [2, 1, 0]),
    ("Precision", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], None, 2 / 3),
    ("Precision", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], [0.5, 1, 1, 1], 0.8),
    ("Precision", {"thresholds": [0.5, 0.85]}, [0, 1, 1], [0.9, 0.8, 0.7], None, [2 / 3, 0]),
    ("Precision", {"top_k": 1}, [[0, 1], [1, 0]], [[0.2, 0.3], [0.2, 0.3]], None, 0.5),
    ("Precision", {"class_id": 1}, [[1, 0], [0, 1]], [[0.9, 0.9], [0.1, 0.9]], None, 0.5),
    ("Precision", {"top_k": 2}, [[1, 1, 0]], [[0.5, 0.5, 0.5]], None, 1.0),  # a tie keeps two
    ("Recall", {}, [0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2], None, 2 / 3),
    ("Recall", {"top_k": 1, "class_id": 0}, [[1, 0], [1, 0]], [[0.9, 0], [0.1, 0.9]], None, 0.5),
    ("AUC", {"num_thresholds": 3}, [0, 0, 1, 1], [0, 0.5, 0.3, 0.9], None, 0.75),
    ("AUC", {"num_thresholds": 3}, [0, 0, 1, 1], [0, 0.5, 0.3, 0.9], [1, 0, 0, 1], 1.0),
    ("AUC", {"thresholds": [0.4]}, [0, 1], [-3, 3], None, 1.0),
    ("AUC", {"thresholds": [0.4], "from_logits": True}, [0, 1], [-3, 3], None, 1.0),
    ("MeanIoU", {"num_classes": 2}, [0, 0, 1, 1], [0, 1, 0, 1], None, 1 / 3),
    ("IoU", {"num_classes": 3, "target_class_ids": [2]}, [0, 2, 2], [2, 2, 2], None, 2 / 3),
    ("BinaryIoU", {"target_class_ids": [1]}, [0, 1, 1], [0.6, 0.7, 0.2], None, 1 / 3),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}, np.eye(3)[[1, 1, 0, 0]], THREE,
     None, 1 / 2),
    ("OneHotMeanIoU", {"num_classes": 3}, np.eye(3), np.eye(3), None, 1.0),
    ("F1Score", {"threshold": 0.5}, [[1, 1], [1, 0], [0, 1]],
     [[0.9, 0.2], [0.2, 0.7], [0.1, 0.6]], None, [2 / 3, 1 / 2]),
    ("FBetaScore", {"average": "micro", "beta": 2.0, "threshold": 0.5}, [[1, 1], [1, 0]],
     [[0.9, 0.2], [0.2, 0.7]], None, 5 / 14),
    ("R2Score", {}, [[1], [4], [3]], [[2], [4], [4]], None, 4 / 7),
    ("PearsonCorrelation", {}, [[0, 1, 2], [0, 1, 2]], [[1, 3, 5], [5, 3, 1]], [3, 1], 0.5),
    ("ConcordanceCorrelation", {}, [[0, 1, 2]], [[1, 2, 3]], None, 4 / 7),
    ("SensitivityAtSpecificity", {"specificity": 1.0}, [0, 0, 1, 1], [0.5, 0.3, 0.4, 0.9], None,
     0.5),
    ("SpecificityAtSensitivity", {"sensitivity": 1.0}, [0, 0, 1, 1], [0.5, 0.3, 0.4, 0.9], None,
     0.5),
    ("PrecisionAtRecall", {"recall": 1.0}, [0, 0, 1, 1], [0.5, 0.3, 0.4, 0.9], None, 2 / 3),
    ("RecallAtPrecision", {"precision": 0.8}, [0, 0, 1, 1], [0.5, 0.3, 0.4, 0.9], None, 0.5),
]  # fmt: skip


def batch(y_true, y_pred):
    """The two as arrays, predictions in float32 unless they are class numbers."""
    y_pred = np.array(y_pred)
    return np.array(y_true), y_pred if y_pred.dtype.kind == "i" else y_pred.astype("float32")


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred", "weight", "expected"), KNOWN)
def test_known_values(name, arguments, y_true, y_pred, weight, expected):
    metric = getattr(metrics, name)(**arguments)
    y_true, y_pred = batch(y_true, y_pred)
    # epsilon (1e-7) moves logarithms by at most 3e-7; thresholds lie 1e-7 beyond 0 and 1
    value = metric(y_true, y_pred, sample_weight=weight)
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)
    assert value.dtype == "float32"
    # sums are twice as large after the same batch again, shares stay
    metric.update_state(y_true, y_pred, sample_weight=weight)
    factor = 2 if "Positives" in name or "Negatives" in name else 1
    np.testing.assert_allclose(metric.result(), np.multiply(factor, expected), rtol=1e-6, atol=1e-6)
    metric.reset_state()
    np.testing.assert_array_equal(metric.result(), np.zeros_like(expected))


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred", "weight", "expected"), KNOWN)
def test_traced_is_eager(name, arguments, y_true, y_pred, weight, expected):
    metric, other = (getattr(metrics, name)(**arguments) for _ in range(2))
    y_true, y_pred = batch(y_true, y_pred)
    weight = None if weight is None else np.array(weight, "float32")
    step = Step(lambda a, b, w: metric(a, b, sample_weight=w))
    for _ in range(2):
        value = step(y_true, y_pred, weight)
        np.testing.assert_array_equal(value, other(y_true, y_pred, sample_weight=weight))


def test_every_class_has_a_known_value():
    classes = {n for n in metrics.__all__ if n[0].isupper() and not n.isupper()} | {"AUC"}
    assert classes - {"Mean", "MeanMetricWrapper", "Metric", "Sum"} == {row[0] for row in KNOWN}


# Means and sums

VALUES = np.arange(6.0).reshape(2, 3)

# weights, mean, its two variables, sum
MEANS = [
    (None, 2.5, [5, 2], 15),
    (2.0, 2.5, [5, 2], 30),
    ([1, 0], 1.0, [1, 1], 3),
    ([[1], [0]], 1.0, [1, 1], 3),
    ([[1, 0, 0], [1, 1, 0]], 7 / 3, [7 / 3, 1], 7),
    ([[[1], [0], [0]], [[1], [1], [0]]], 7 / 3, [7 / 3, 1], 7),
    ([0, 0], 0.0, [0, 0], 0),
]


@pytest.mark.parametrize(("weight", "mean", "state", "total"), MEANS)
def test_mean_and_sum(weight, mean, state, total):
    metric = metrics.Mean()
    assert float(metric(VALUES, sample_weight=weight)) == pytest.approx(mean)
    assert [float(v) for v in metric.variables] == pytest.approx(state)
    assert float(metrics.Sum()(VALUES, sample_weight=weight)) == pytest.approx(total)


def test_mean_of_numbers_over_batches_of_different_size():
    mean = metrics.Mean()
    mean.update_state(1.0, sample_weight=30)
    mean.update_state(4.0, sample_weight=10)
    assert float(mean.result()) == 1.75
    mean.reset_state()
    assert float(mean.result()) == 0.0
    assert float(mean([1, 2])) == 1.5


def test_a_function_is_a_metric():
    metric = metrics.MeanMetricWrapper(
        lambda y_true, y_pred, power: (y_true - y_pred) ** power, power=4
    )
    value = metric(ops.convert_to_tensor([0.0, 0.0]), ops.convert_to_tensor([1.0, 2.0]))
    assert float(value) == 8.5


# Areas under curves, and counts, against another implementation


def sample(size=400):
    """Labels and predictions that agree in part, with weights."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, size)
    predictions = np.clip(0.4 * labels + 0.6 * rng.random(size), 0, 1)
    return labels, predictions.astype("float32"), rng.random(size).astype("float32")


def test_roc_area_is_that_of_all_thresholds():
    labels, predictions, weights = sample()
    metric = metrics.AUC(num_thresholds=2000)
    for part in np.array_split(np.arange(len(labels)), 7):
        metric.update_state(labels[part], predictions[part], sample_weight=weights[part])
    exact = roc_auc_score(labels, predictions, sample_weight=weights)
    # 400 samples among 2000 thresholds: few pairs fall between the same two
    assert float(metric.result()) == pytest.approx(exact, abs=1e-3)


def test_lower_and_higher_sums_enclose_the_area():
    labels, predictions, _ = sample()
    low, middle, high = (
        float(metrics.AUC(summation_method=m)(labels, predictions))
        for m in ("minoring", "interpolation", "majoring")
    )
    assert low < middle < high
    assert middle == pytest.approx((low + high) / 2, abs=1e-6)


def test_areas_of_labels_are_averaged():
    rng = np.random.default_rng(4)
    labels, predictions = rng.integers(0, 2, (50, 3)), rng.random((50, 3)).astype("float32")
    areas = [float(metrics.AUC()(labels[:, i], predictions[:, i])) for i in range(3)]
    whole = metrics.AUC(multi_label=True)
    assert float(whole.result()) == 0.0
    assert whole.variables == []
    assert float(whole(labels, predictions)) == pytest.approx(np.mean(areas))
    assert whole.variables[0].shape == (200, 3)
    weighted = metrics.AUC(multi_label=True, num_labels=3, label_weights=[1, 2, 3])
    assert float(weighted(labels, predictions)) == pytest.approx(np.dot(areas, [1, 2, 3]) / 6)


# true and false positives, true and false negatives at three thresholds; the area by hand
CURVES = [
    # tp/(tp+fp): 4/9 3/5 0; recall 1 3/4 0. Heights by their lower end: 1/4 * 4/9 + 3/4 * 0
    ("PR", "minoring", 1 / 9),
    ("PR", "majoring", 3 / 20 + 9 / 20),
    # p: 9 5 0. First slope 1/4, intercept 7/4; then 3/5 and 0 (no logarithm where p is 0)
    ("PR", "interpolation", (1 / 4 * (1 + 7 / 4 * np.log(9 / 5)) + 3 / 5 * 3) / 4),
    # gains with P/N = 4/5: precision 0 7/15 1, recall 1 11/15 0
    ("PRGAIN", "minoring", 11 / 15 * 7 / 15),
    ("PRGAIN", "majoring", 4 / 15 * 7 / 15 + 11 / 15),
    # false positive rate 1 2/5 0, recall 1 3/4 0
    ("ROC", "interpolation", 3 / 5 * 7 / 8 + 2 / 5 * 3 / 8),
]


@pytest.mark.parametrize(("curve", "method", "expected"), CURVES)
def test_curves_by_hand(curve, method, expected):
    metric = metrics.AUC(num_thresholds=3, curve=curve, summation_method=method)
    counts = ([4, 3, 0], [5, 2, 0], [0, 3, 5], [0, 1, 4])
    for variable, value in zip(metric.variables, counts, strict=True):
        variable.assign(value)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "score"), [("Precision", precision_score), ("Recall", recall_score)]
)
def test_precision_and_recall(kind, score):
    labels, predictions, weights = sample()
    value = getattr(metrics, kind)()(labels, predictions, sample_weight=weights)
    expected = score(labels, predictions > 0.5, sample_weight=weights)
    assert float(value) == pytest.approx(expected, rel=1e-5)


# The kind of accuracy

ACCURACIES = [
    ((32,), (32, 1), "BinaryAccuracy"),
    ((32, 1), (32, 1), "BinaryAccuracy"),
    ((32,), (32,), "BinaryAccuracy"),
    ((32,), (32, 10), "SparseCategoricalAccuracy"),
    ((32, 1), (32, 10), "SparseCategoricalAccuracy"),
    ((None,), (None, 10), "SparseCategoricalAccuracy"),
    ((32, 7), (32, 7, 10), "SparseCategoricalAccuracy"),
    ((32, 10), (32, 10), "CategoricalAccuracy"),
    ((32, 7, 10), [32, 7, 10], "CategoricalAccuracy"),
]


@pytest.mark.parametrize(("y_true", "y_pred", "name"), ACCURACIES)
def test_accuracy_by_shape(y_true, y_pred, name):
    assert metrics.accuracy_for(y_true, y_pred) is getattr(metrics, name)


# Metrics of one's own


class Spread(metrics.Metric):
    """The range of predictions, and how many batches there were."""

    def __init__(self, name="spread"):
        super().__init__(name=name)
        self.top = self.add_variable(shape=(), initializer="zeros", name="top")
        self.low = self.add_weight(initializer="ones", name="low")
        self.inner = {"mean": metrics.Mean()}
        self.batches = Variable(0, name="batches")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.top.assign(ops.maximum(self.top, ops.max(y_pred)))
        self.low.assign(ops.minimum(self.low, ops.min(y_pred)))
        self.inner["mean"].update_state(y_pred)
        self.batches.assign_add(1)

    def result(self):
        return {"range": self.top - self.low, "mean": self.inner["mean"].result()}


def test_a_subclass_is_a_metric():
    metric = Spread()
    result = metric([0.0, 0.0], [0.25, 0.75])
    assert {key: float(value) for key, value in result.items()} == {"range": 0.5, "mean": 0.5}
    assert [v.path for v in metric.variables[:2]] == ["spread/top", "spread/low"]
    assert len(metric.variables) == 5
    assert int(metric.batches) == 1
    metric.reset_state()
    # each goes back to where it began; a variable that the metric did not make, to zero
    assert [float(v) for v in metric.variables] == [0, 1, 0, 0, 0]


def test_a_metric_of_several_labels_makes_its_state_within_a_trace():
    model = kerasnb.Sequential([layers.Input((4,)), layers.Dense(3, activation="sigmoid")])
    model.compile("sgd", "bce", metrics=[metrics.AUC(multi_label=True, name="area")])
    rng = np.random.default_rng(0)
    history = model.fit(rng.random((20, 4)), rng.integers(0, 2, (20, 3)), verbose=0, epochs=2)
    assert 0 < history.history["area"][-1] < 1


def test_the_direction_tells_callbacks_what_is_better():
    found = {name: getattr(metrics, name)._direction for name in {row[0] for row in KNOWN}}
    up = {
        n for n in found if any(part in n for part in ("Accuracy", "IoU", "Score", "Correl", "At"))
    }
    up |= {"AUC", "Precision", "Recall", "CosineSimilarity"}
    unclear = {n for n in found if "Positives" in n or "Negatives" in n}
    assert {n for n, direction in found.items() if direction == "up"} == up
    assert {n for n, direction in found.items() if direction is None} == unclear


# Names and configurations

NAMES = [
    ("mse", "MeanSquaredError"),
    ("MAE", "MeanAbsoluteError"),
    ("rmse", "RootMeanSquaredError"),
    ("bce", "BinaryCrossentropy"),
    ("kld", "KLDivergence"),
    ("acc", "Accuracy"),
    ("accuracy", "Accuracy"),
    ("auc", "AUC"),
    ("true_positives", "TruePositives"),
    ("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_get_by_name(name, kind):
    assert type(metrics.get(name)) is getattr(metrics, kind)


@pytest.mark.parametrize("name", sorted({row[0] for row in KNOWN} | {"Mean", "Sum"}))
def test_get_by_class_name_and_configuration(name):
    needed = next((row[1] for row in KNOWN if row[0] == name), {})
    # some have arguments that must be given, which a name alone does not
    metric = metrics.deserialize(name)(**needed)
    assert type(metric) is getattr(metrics, name)
    assert needed or type(metrics.get(name)) is type(metric)
    data = json.loads(json.dumps(metrics.serialize(metric)))
    assert data["module"] == "keras.metrics"
    assert metrics.get(data).get_config() == metric.get_config()


def test_names_count_up():
    naming.reset_names()
    assert [metrics.AUC().name, metrics.AUC().name] == ["auc", "auc_1"]
    assert [metrics.Mean().name, metrics.Mean().name] == ["mean", "mean"]


CONFIGS = [
    (metrics.MeanSquaredError(dtype="float16"), {"dtype": "float16"}),
    (metrics.BinaryAccuracy(), {"threshold": 0.5}),
    (metrics.SparseTopKCategoricalAccuracy(), {"k": 5}),
    (metrics.BinaryCrossentropy(), {"from_logits": False, "label_smoothing": 0}),
    (metrics.TruePositives(thresholds=(0.2, 0.5)), {"thresholds": [0.2, 0.5]}),
    (metrics.Precision(np.float64(0.5)), {"thresholds": 0.5, "top_k": None, "class_id": None}),
    (
        metrics.AUC(thresholds=[0.5, 0.2], curve="PR"),
        {
            "num_thresholds": 4,
            "curve": "PR",
            "summation_method": "interpolation",
            "multi_label": False,
            "num_labels": None,
            "label_weights": None,
            "from_logits": False,
            "thresholds": [0.2, 0.5],
        },
    ),
    (
        metrics.MeanMetricWrapper(losses.huber, name="h", delta=2.0),
        {
            "fn": {
                "module": "builtins",
                "class_name": "function",
                "config": "huber",
                "registered_name": "function",
            },
            "delta": 2.0,
        },
    ),
]


@pytest.mark.parametrize(("metric", "expected"), CONFIGS)
def test_configuration_is_that_of_keras(metric, expected):
    expected = {"name": metric.name, "dtype": "float32", **expected}
    assert metric.get_config() == expected
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert again.get_config() == expected


def test_a_wrapped_function_is_found_again():
    for function in (metrics.binary_accuracy, losses.mean_squared_error):
        data = metrics.serialize(metrics.MeanMetricWrapper(function, name="f"))
        assert metrics.deserialize(data)._fn is function


# Errors

ERRORS = [
    (
        lambda: metrics.SparseCategoricalAccuracy()(np.zeros((5, 3)), np.ones((5, 3))),
        "sparse_categorical_accuracy: expected y_true of shape (5,), one label for each row of "
        "y_pred (5, 3), got (5, 3). For one-hot labels use categorical_accuracy.",
    ),
    (
        lambda: metrics.CategoricalAccuracy()(np.zeros(5), np.ones((5, 3))),
        "categorical_accuracy: expected one-hot y_true of the shape of y_pred, (5, 3), got (5,). "
        "For integer labels use sparse_categorical_accuracy.",
    ),
    (
        lambda: metrics.BinaryAccuracy()(np.zeros(5), np.ones((5, 3))),
        "binary_accuracy: expected y_true of the shape of y_pred, (5, 3), got (5,). For integer "
        "class labels use sparse_categorical_accuracy.",
    ),
    (
        lambda: metrics.SparseTopKCategoricalAccuracy()(np.zeros(5), np.ones((5, 3))),
        "sparse_top_k_categorical_accuracy: k=5 is more than the 3 classes of y_pred, (5, 3). "
        "Choose a smaller k.",
    ),
    (
        lambda: metrics.Precision(name="p")(np.zeros(5), np.ones((5, 3))),
        "Metric 'p': expected y_true of the shape of y_pred, (5, 3), got (5,). Integer labels "
        "need to become one-hot (kerasnb.utils.to_categorical).",
    ),
    (
        lambda: metrics.Precision(name="p", class_id=3)(np.zeros((5, 3)), np.ones((5, 3))),
        "Metric 'p': class_id=3 is not among the 3 classes of y_pred, (5, 3).",
    ),
    (
        lambda: metrics.Recall(name="r", top_k=4)(np.zeros((5, 3)), np.ones((5, 3))),
        "Metric 'r': top_k=4 is more than the classes of y_pred, (5, 3).",
    ),
    (
        lambda: metrics.Recall(name="r")(
            np.zeros((5, 3)), np.ones((5, 3)), sample_weight=np.ones(3)
        ),
        "Metric 'r': expected sample_weight of shape (5,) (one per sample) or (5, 3) (one per "
        "prediction), got (3,).",
    ),
    (
        lambda: metrics.Mean()(np.ones((4, 3)), sample_weight=np.ones(3)),
        "Metric 'mean': expected sample_weight of shape (4,) (one per sample) or (4, 3) (one per "
        "value), got (3,).",
    ),
    (
        lambda: metrics.AUC(name="a", multi_label=True)(np.zeros(5), np.ones(5)),
        "Metric 'a': multi_label=True expects y_pred of shape (N, labels), got (5,).",
    ),
    (
        lambda: metrics.AUC(name="a", multi_label=True, num_labels=2)(
            np.zeros((5, 3)), np.ones((5, 3))
        ),
        "Metric 'a': expected y_pred for 2 labels, got 3.",
    ),
    (
        lambda: metrics.AUC(name="a", label_weights=[1, 2])(np.zeros((5, 3)), np.ones((5, 3))),
        "Metric 'a': expected label_weights of shape (3,), one for each label of y_pred, (5, 3), "
        "got (2,).",
    ),
]


@pytest.mark.parametrize(("call", "text"), ERRORS)
def test_shape_errors(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text


BAD_ARGUMENTS = [
    (lambda: metrics.get("acuracy"), "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    (
        lambda: metrics.get(3),
        "Expected a metric as a name, a function, a Metric or a configuration, got 3.",
    ),
    (lambda: metrics.Precision(2.0), "Precision: expected thresholds from 0 to 1, got 2.0."),
    (lambda: metrics.Precision([None]), "Precision: expected thresholds from 0 to 1, got None."),
    (
        lambda: metrics.AUC(num_thresholds=1),
        "AUC: expected num_thresholds to be an integer > 1, got 1.",
    ),
    (lambda: metrics.AUC(curve="ROK"), "Unknown AUC curve 'ROK'."),
    (
        lambda: metrics.AUC(summation_method="minor"),
        "Unknown AUC summation_method 'minor'. Did you mean 'minoring'",
    ),
    (lambda: metrics.AUC(num_labels=2), "AUC: num_labels needs multi_label=True."),
]


@pytest.mark.parametrize(("call", "text"), BAD_ARGUMENTS)
def test_argument_errors(call, text):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value).startswith(text)


def test_a_metric_without_methods_says_so():
    with pytest.raises(NotImplementedError, match="Metric does not define update_state"):
        metrics.Metric().update_state()
    with pytest.raises(NotImplementedError, match=r"Metric does not define result\(\)"):
        metrics.Metric().result()
