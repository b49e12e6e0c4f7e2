"""Losses: known values, reductions and weights, gradients, names, configurations, errors."""

import json

import numpy as np
import pytest

from kerasnb import losses, ops, registry
from kerasnb.autodiff import GradientTape
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.losses.base import match_ranks, spread_weights, weights_from_mask
from kerasnb.variable import Variable

LOG2, LOG3 = float(np.log(2.0)), float(np.log(3.0))
TWO_PAIRS = float(np.log1p(np.exp(-0.5)))  # each a quarter below its margin

# class, arguments, targets, predictions, the value of each sample
KNOWN = [
    ("MeanSquaredError", {}, [[0, 1], [2, 3]], [[1, 3], [2, 3]], [2.5, 0]),
    ("MeanAbsoluteError", {}, [[0, 1], [2, 3]], [[1, 3], [2, 2]], [1.5, 0.5]),
    ("MeanAbsolutePercentageError", {}, [[2, 4]], [[1, 5]], [37.5]),
    ("MeanSquaredLogarithmicError", {}, [[0, -5]], [[1, -7]], [LOG2**2 / 2]),
    ("Huber", {}, [[0, 0]], [[0.5, 3]], [(0.125 + 2.5) / 2]),
    ("Huber", {"delta": 2.0}, [[0, 0]], [[1, 3]], [(0.5 + 4.0) / 2]),
    ("LogCosh", {}, [[0, 0]], [[0, 100]], [(100 - LOG2) / 2]),
    ("Poisson", {}, [[0, 2]], [[1, 1]], [1]),
    (
        "CosineSimilarity",
        {},
        [[1, 0], [0, 2], [1, 0]],
        [[1, 1], [0, 3], [0, 0]],
        [-(0.5**0.5), -1, 0],
    ),
    ("CosineSimilarity", {"axis": 0}, [[1, 0], [0, 2]], [[1, 1], [0, -3]], [-1, 3 / 10**0.5]),
    ("BinaryCrossentropy", {}, [[0, 1]], [[0.5, 0.25]], [1.5 * LOG2]),
    ("BinaryCrossentropy", {"from_logits": True}, [[0, 1]], [[0, -1000]], [(LOG2 + 1000) / 2]),
    ("BinaryCrossentropy", {"label_smoothing": 1.0}, [[0]], [[0.25]], [2 * LOG2 - LOG3 / 2]),
    ("CategoricalCrossentropy", {}, [[0, 1], [1, 0]], [[0.5, 0.5], [2, 6]], [LOG2, 2 * LOG2]),
    ("CategoricalCrossentropy", {"from_logits": True}, [[1, 0]], [[-1000, 0]], [1000]),
    (
        "CategoricalCrossentropy",
        {"label_smoothing": 0.5},
        [[1, 0]],
        [[1, 3]],
        [2 * LOG2 - LOG3 / 4],
    ),
    ("SparseCategoricalCrossentropy", {}, [1, 0], [[0.5, 0.5], [2, 6]], [LOG2, 2 * LOG2]),
    ("SparseCategoricalCrossentropy", {}, [[1], [0]], [[0.5, 0.5], [2, 6]], [LOG2, 2 * LOG2]),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1},
        [-1, 0],
        [[0.5, 0.5], [0.25, 0.75]],
        [0, 2 * LOG2],
    ),
    ("SparseCategoricalCrossentropy", {"axis": 1}, [[0, 1]], [[[0.5, 0], [0.5, 1]]], [[LOG2, 0]]),
    ("KLDivergence", {}, [[0.5, 0.5], [1, 0]], [[0.5, 0.5], [0.5, 0.5]], [0, LOG2]),
    ("Hinge", {}, [[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 2]], [1, 0.75]),
    ("Hinge", {}, [[1, -1], [-1, 1]], [[0.5, 0.5], [0.5, 2]], [1, 0.75]),
    ("SquaredHinge", {}, [[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 2]], [1.25, 1.125]),
    ("CategoricalHinge", {}, [[0, 1, 0], [1, 0, 0]], [[1, 2, 5], [3, 0, 0]], [4, 0]),
    ("BinaryFocalCrossentropy", {}, [[1], [0]], [[0.5], [0.75]], [LOG2 / 4, 2 * LOG2 * 9 / 16]),
    ("BinaryFocalCrossentropy", {"gamma": 0}, [[0, 1]], [[0.5, 0.25]], [1.5 * LOG2]),
    ("CategoricalFocalCrossentropy", {}, [[0, 1]], [[0.5, 0.5]], [LOG2 / 16]),
    (
        "CategoricalFocalCrossentropy",
        {"gamma": 0, "alpha": 1.0},
        [[1, 0]],
        [[2, 6]],
        [2 * LOG2],
    ),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.5}, [1, 0], [[0.5, 0.25], [1, 0]], [1, 0]),
    ("Dice", {}, [[1, 1, 0, 0]], [[1, 0, 1, 1]], 1 - 2 / 5),
    ("Dice", {"axis": 1}, [[1, 1], [0, 1]], [[1, 1], [1, 0]], [0, 1]),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, [[1, 1, 0, 0]], [[1, 0, 1, 1]], 1 - 1 / 2.7),
    # a pair alike and one at a right angle; the last has no pair alike
    (
        "Circle",
        {"gamma": 1.0, "margin": 0.5},
        [0, 0, 1],
        [[1, 0], [1, 0], [0, 1]],
        [TWO_PAIRS, TWO_PAIRS, 0],
    ),
    # three paths of four read 1: "1 _", "_ 1" and "1 1"
    ("CTC", {}, [[1, 0]], [[[0, 0], [0, 0]]], [2 * LOG2 - LOG3]),
]


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred", "expected"), KNOWN)
def test_known_values(name, arguments, y_true, y_pred, expected):
    loss = getattr(losses, name)(reduction="none", **arguments)
    values = loss(np.array(y_true), np.array(y_pred, "float32"))
    assert values.dtype == "float32"
    # epsilon (1e-7) moves a probability of 0 or 1 and a logarithm by at most 3e-7
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)
    function = losses.get(loss.fn.__name__)
    np.testing.assert_allclose(
        function(np.array(y_true), np.array(y_pred, "float32"), **arguments), values, rtol=1e-6
    )


def test_every_class_has_a_known_value():
    classes = {n for n in losses.__all__ if n[0].isupper() and not n.startswith("Loss")}
    assert classes == {row[0] for row in KNOWN}


REDUCED = [
    ("sum_over_batch_size", None, 2.0),
    ("mean", None, 2.0),
    ("sum", None, 6.0),
    ("mean_with_sample_weight", None, 2.0),
    ("sum_over_batch_size", [1, 0, 2], 7 / 3),
    ("mean", [1, 0, 2], 7 / 3),
    ("sum", [1, 0, 2], 7.0),
    ("mean_with_sample_weight", [1, 0, 2], 7 / 3),
    ("mean_with_sample_weight", [3, 0, 1], 6 / 4),
    ("mean_with_sample_weight", [0, 0, 0], 0.0),
    ("sum", 2.0, 12.0),
]


@pytest.mark.parametrize(("reduction", "weight", "expected"), REDUCED)
def test_reductions(reduction, weight, expected):
    # the samples' values are 1, 2 and 3
    loss = losses.MeanAbsoluteError(reduction=reduction)
    value = loss(np.zeros((3, 1)), np.array([[1.0], [2.0], [3.0]]), sample_weight=weight)
    assert value.shape == ()
    assert float(value) == pytest.approx(expected)


@pytest.mark.parametrize("reduction", ["none", None])
def test_no_reduction_keeps_all_values(reduction):
    loss = losses.MeanAbsoluteError(reduction=reduction)
    value = loss(np.zeros((3, 1)), np.array([[1.0], [2.0], [3.0]]), sample_weight=[1, 0, 2])
    np.testing.assert_array_equal(value, [1, 0, 6])


# shape of the values, of the weights as given, and of the weights as they are multiplied
SPREAD = [
    ((4, 3), (), (1, 1)),
    ((4, 3), (4,), (4, 1)),
    ((3, 3), (3,), (3, 1)),
    ((4, 3), (3,), (3,)),
    ((4, 3), (4, 1), (4, 1)),
    ((4, 3), (1, 3), (1, 3)),
    ((4, 3), (4, 3, 1), (4, 3)),
    ((4, 3, 2), (4, 3), (4, 3, 1)),
    ((4, 3, 1), (4, 3), (4, 3)),
    ((), (4,), (4,)),
]


@pytest.mark.parametrize(("values", "weights", "expected"), SPREAD)
def test_weights_belong_to_leading_axes(values, weights, expected):
    _, spread = spread_weights(ops.ones(values), ops.ones(weights), "Loss 'x'")
    assert spread.shape == expected


def test_weights_of_one_value_per_sample_may_have_a_last_axis():
    values, weights = spread_weights(ops.ones((4,)), ops.ones((4, 1)), "Loss 'x'")
    assert values.shape == weights.shape == (4, 1)


RANKS = [
    ((4,), (4, 1), (4, 1), (4, 1)),
    ((4, 1), (4,), (4, 1), (4, 1)),
    ((4, 3, 1), (4, 3), (4, 3), (4, 3)),
    ((4, 3), (4, 3, 1), (4, 3), (4, 3)),
    ((4,), (4, 3), (4,), (4, 3)),
]


@pytest.mark.parametrize(("a", "b", "new_a", "new_b"), RANKS)
def test_ranks_that_differ_by_a_last_axis_of_one_are_matched(a, b, new_a, new_b):
    matched = match_ranks(ops.ones(a), ops.ones(b))
    assert [t.shape for t in matched] == [new_a, new_b]


def test_targets_without_the_last_axis_of_one_are_not_broadcast():
    loss = losses.MeanSquaredError()
    assert float(loss(np.array([0.0, 1.0]), np.array([[0.0], [3.0]]))) == 2.0


def test_ignored_class_leaves_the_mean_of_the_others():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=2)
    y_pred = np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5], [0.25, 0.5, 0.25]])
    assert float(loss(np.array([0, 2, 0]), y_pred)) == pytest.approx(1.5 * LOG2)
    weighted = loss(np.array([0, 2, 0]), y_pred, sample_weight=np.array([1.0, 9.0, 3.0]))
    assert float(weighted) == pytest.approx((LOG2 + 3 * 2 * LOG2) / 2)
    assert float(loss(np.array([2, 2, 2]), y_pred)) == 0.0


def test_weights_from_mask_make_up_for_what_is_left_out():
    mask = np.array([True, False, True, True])
    np.testing.assert_allclose(
        weights_from_mask(mask, None, "mean", "float32"), [4 / 3, 0, 4 / 3, 4 / 3]
    )
    np.testing.assert_array_equal(weights_from_mask(mask, None, "sum", "float32"), [1, 0, 1, 1])


def test_computes_in_its_own_dtype():
    assert losses.MeanSquaredError(dtype="float16")([[0.0]], [[1.0]]).dtype == "float16"
    assert losses.MeanSquaredError()(np.zeros((2, 2)), np.ones((2, 2))).dtype == "float32"
    assert losses.mean_squared_error(np.zeros((2, 2)), np.ones((2, 2))).dtype == "float64"
    assert losses.mean_squared_error([[0]], [[1]]).dtype == "float32"


def test_one_class_warns_that_nothing_is_learnt():
    with pytest.warns(UserWarning, match="has one class, so the loss is always 0. For two classes"):
        losses.CategoricalCrossentropy()(np.ones((4, 1)), np.full((4, 1), 0.3))


# Gradients


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred", "expected"), KNOWN)
def test_gradient_is_the_slope(name, arguments, y_true, y_pred, expected):
    loss = getattr(losses, name)(dtype="float64", **arguments)
    rng = np.random.default_rng(0)
    y_true = np.array(y_true)
    # away from the kinks and the clipped ends
    point = rng.uniform(0.2, 0.8, np.shape(y_pred))
    direction = rng.standard_normal(point.shape)
    variable = Variable(point)
    with GradientTape() as tape:
        value = loss(y_true, variable)
    slope = float(np.sum(tape.gradient(value, [variable])[0].numpy() * direction))
    h = 1e-6
    ahead, behind = (float(loss(y_true, point + s * h * direction)) for s in (1, -1))
    # central differences in float64: truncation h² ~ 1e-12, rounding 1e-16 / h ~ 1e-10
    assert slope == pytest.approx((ahead - behind) / (2 * h), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred", "expected"), KNOWN)
def test_traced_is_eager(name, arguments, y_true, y_pred, expected):
    loss = getattr(losses, name)(**arguments)
    y_true, y_pred = np.array(y_true), np.array(y_pred, "float32")
    traced = Step(lambda a, b: loss(a, b))(y_true, y_pred)
    np.testing.assert_array_equal(traced, loss(y_true, y_pred))


# Losses of one's own


def test_a_function_is_a_loss():
    def quartic(y_true, y_pred):
        return ops.mean((y_true - y_pred) ** 4, axis=-1)

    loss = losses.as_loss(quartic)
    assert loss.name == "quartic"
    assert float(loss(np.zeros((2,)), np.array([[1.0], [2.0]]))) == 8.5


def test_a_subclass_is_a_loss():
    class Pinball(losses.Loss):
        def __init__(self, quantile=0.9, **kwargs):
            super().__init__(**kwargs)
            self.quantile = quantile

        def call(self, y_true, y_pred):
            error = y_true - y_pred
            return ops.mean(ops.maximum(self.quantile * error, (self.quantile - 1) * error), -1)

    loss = Pinball(name="pinball", reduction="sum")
    assert float(loss([[1.0], [0.0]], [[0.0], [1.0]])) == pytest.approx(1.0)
    assert loss.get_config() == {"name": "pinball", "reduction": "sum"}


def test_targets_and_predictions_may_be_nested():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true["a"] - y_pred["a"]) + y_pred["b"][0], axis=-1)

    y_pred = {"a": np.ones((2, 3)), "b": [np.full((2, 3), 2.0)]}
    assert float(Both()({"a": np.zeros((2, 3))}, y_pred)) == 3.0


# Names and configurations

NAMES = [
    ("mse", losses.mean_squared_error),
    ("MSE", losses.mean_squared_error),
    ("mean_squared_error", losses.mean_squared_error),
    ("mae", losses.mean_absolute_error),
    ("mape", losses.mean_absolute_percentage_error),
    ("msle", losses.mean_squared_logarithmic_error),
    ("bce", losses.binary_crossentropy),
    ("kld", losses.kl_divergence),
    ("KLD", losses.kl_divergence),
    ("kullback_leibler_divergence", losses.kl_divergence),
    ("logcosh", losses.log_cosh),
]


@pytest.mark.parametrize(("name", "function"), NAMES)
def test_get_by_name(name, function):
    assert losses.get(name) is function


@pytest.mark.parametrize("name", sorted({row[0] for row in KNOWN}))
def test_get_by_class_name_and_configuration(name):
    loss = losses.get(name)
    assert type(loss) is getattr(losses, name)
    data = json.loads(json.dumps(losses.serialize(loss)))
    assert data["module"] == "keras.losses"
    assert data["registered_name"] is None
    assert losses.get(data).get_config() == loss.get_config()
    function = losses.get(losses.serialize(loss.fn))
    assert function is loss.fn
    assert type(losses.as_loss(function)) is type(loss)
    assert losses.as_loss(loss) is loss


def test_get_passes_through():
    loss = losses.Huber()
    assert losses.get(loss) is loss
    assert losses.get(None) is None
    assert losses.as_loss(None) is None
    assert type(losses.get(losses.Huber)) is losses.Huber


CONFIGS = [
    (losses.MeanSquaredError(), {"name": "mean_squared_error"}),
    (losses.Huber(), {"name": "huber_loss"}),
    (losses.Huber(delta=0.5), {"name": "huber_loss", "delta": 0.5}),
    (losses.CosineSimilarity(axis=1), {"name": "cosine_similarity", "axis": 1}),
    (
        losses.BinaryCrossentropy(from_logits=True, name="b"),
        {"name": "b", "from_logits": True, "label_smoothing": 0.0, "axis": -1},
    ),
    (
        losses.SparseCategoricalCrossentropy(ignore_class=1),
        {"name": "sparse_categorical_crossentropy", "from_logits": False, "ignore_class": 1},
    ),
]


@pytest.mark.parametrize(("loss", "expected"), CONFIGS)
def test_configuration_is_that_of_keras(loss, expected):
    expected = {"reduction": "sum_over_batch_size", **expected}
    assert loss.get_config() == expected
    assert type(loss).from_config(expected).get_config() == expected


def test_a_wrapped_function_is_found_again():
    loss = losses.LossFunctionWrapper(losses.huber, reduction="sum", name="h", delta=2.0)
    data = losses.serialize(loss)
    again = losses.deserialize(json.loads(json.dumps(data)))
    assert again.fn is losses.huber
    assert again.get_config() == loss.get_config()


def test_custom_objects():
    class Mine(losses.Loss):
        pass

    def my_function(y_true, y_pred):
        return y_pred

    for data, scope in (
        (losses.serialize(Mine()), {"Mine": Mine}),
        (losses.serialize(losses.LossFunctionWrapper(my_function)), {"my_function": my_function}),
    ):
        assert losses.deserialize(data, scope).name is not None
        with registry.custom_object_scope(scope):
            losses.get(data)
        with pytest.raises(ArgumentError):
            losses.get(data)


# Errors

SPARSE = "sparse_categorical_crossentropy"
ERRORS = [
    (
        lambda: losses.CategoricalCrossentropy()(np.zeros(32), np.ones((32, 10))),
        "categorical_crossentropy: expected y_true of the shape of y_pred, (32, 10), got (32,). "
        "Use sparse_categorical_crossentropy for integer labels, or one-hot labels "
        "(kerasnb.utils.to_categorical).",
    ),
    (
        lambda: losses.CategoricalCrossentropy()(np.zeros((32, 1)), np.ones((32, 10))),
        "categorical_crossentropy: expected y_true of the shape of y_pred, (32, 10), got (32, 1). "
        "Use sparse_categorical_crossentropy for integer labels, or one-hot labels "
        "(kerasnb.utils.to_categorical).",
    ),
    (
        lambda: losses.CategoricalCrossentropy()(np.zeros((32, 9)), np.ones((32, 10))),
        "categorical_crossentropy: expected y_true of the shape of y_pred, (32, 10), got (32, 9). "
        "Change the units of the last layer or the shape of y.",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(np.zeros((32, 10)), np.ones((32, 10))),
        f"{SPARSE}: expected y_true of shape (32,), as y_pred is (32, 10), got (32, 10). Use "
        "categorical_crossentropy for one-hot labels.",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(np.zeros((32, 5)), np.ones((32, 10))),
        f"{SPARSE}: expected y_true of shape (32,), as y_pred is (32, 10), got (32, 5). Give one "
        "integer label per prediction, or change the shape of the model's output.",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(np.zeros(31), np.ones((32, 10))),
        f"{SPARSE}: expected y_true of shape (32,), as y_pred is (32, 10), got (31,). Give one "
        "integer label per sample.",
    ),
    (
        lambda: losses.BinaryCrossentropy()(np.zeros(32), np.ones((32, 10))),
        "binary_crossentropy: expected y_true of the shape of y_pred, (32, 10), got (32,). Change "
        "the units of the last layer or the shape of y. For integer class labels use "
        "sparse_categorical_crossentropy.",
    ),
    (
        lambda: losses.BinaryCrossentropy()(np.zeros((32, 1)), np.ones((32, 10))),
        "binary_crossentropy: expected y_true of the shape of y_pred, (32, 10), got (32, 1). "
        "Change the units of the last layer or the shape of y.",
    ),
    (
        # NumPy would broadcast three samples over three features
        lambda: losses.MeanSquaredError()(np.zeros(3), np.ones((3, 3))),
        "mean_squared_error: expected y_true of the shape of y_pred, (3, 3), got (3,). Change the "
        "units of the last layer or the shape of y. For integer class labels use "
        "sparse_categorical_crossentropy.",
    ),
    (
        lambda: losses.MeanSquaredError(name="m")(
            np.ones((4, 3)), np.ones((4, 3)), sample_weight=np.ones(5)
        ),
        "Loss 'm': expected sample_weight of shape (4,) (one per sample) or (4,) (one per value), "
        "got (5,).",
    ),
]


@pytest.mark.parametrize(("call", "text"), ERRORS)
def test_shape_errors(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == text


BAD_ARGUMENTS = [
    (
        lambda: losses.SparseCategoricalCrossentropy()(np.array([0, 10]), np.ones((2, 10))),
        f"{SPARSE}: expected labels from 0 to 9, as y_pred has 10 classes, got labels from 0 to "
        "10. Give the last layer 11 units, or renumber the labels.",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(np.array([-1, 1]), np.ones((2, 10))),
        f"{SPARSE}: expected labels from 0 to 9, as y_pred has 10 classes, got labels from -1 to "
        "1. Renumber the labels from 0, or pass ignore_class=-1.",
    ),
    (
        lambda: losses.MeanSquaredError(reduction="summ"),
        "Unknown reduction of MeanSquaredError 'summ'. Did you mean 'sum'?",
    ),
    (
        lambda: losses.BinaryCrossentropy(label_smoothing=1.5),
        "BinaryCrossentropy: expected label_smoothing from 0 to 1, got 1.5.",
    ),
    (
        lambda: losses.get("mean_sqared_error"),
        "Unknown loss 'mean_sqared_error'. Did you mean 'mean_squared_error'",
    ),
    (
        lambda: losses.get(3),
        "Expected a loss as a name, a function, a Loss or a configuration, got 3.",
    ),
    (
        lambda: losses.get({"config": {}}),
        "Expected a loss configuration with a class_name, got {'config': {}}.",
    ),
]


@pytest.mark.parametrize(("call", "text"), BAD_ARGUMENTS)
def test_argument_errors(call, text):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value).startswith(text)


def test_a_loss_without_call_says_so():
    with pytest.raises(NotImplementedError, match=r"Loss does not define call\(y_true, y_pred\)."):
        losses.Loss()([0.0], [1.0])
