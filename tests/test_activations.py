"""Activations: known values, gradients, extreme inputs, names."""

import math

import numpy as np
import pytest

from kerasnb import activations, ops, registry
from kerasnb.autodiff import GradientTape
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError
from kerasnb.tensor import as_tensor

X = np.array([-2.8, -1.2, -0.4, 0.3, 1.7, 6.5])

NAMES = [n for n in activations.__all__ if n not in ("deserialize", "get", "serialize")]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


ERF = np.array([math.erf(v / math.sqrt(2)) for v in X])

# name, arguments, the formula written out in NumPy
FORMULAS = [
    ("linear", {}, X),
    ("relu", {}, np.maximum(X, 0)),
    ("relu", {"max_value": 2.0}, np.clip(X, 0, 2)),
    ("relu", {"negative_slope": 0.1}, np.where(X > 0, X, 0.1 * X)),
    ("relu", {"threshold": 1.0}, np.where(X > 1, X, 0)),
    (
        "relu",
        {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5},
        np.minimum(np.where(X > 0.5, X, 0.1 * (X - 0.5)), 2),
    ),
    ("relu6", {}, np.clip(X, 0, 6)),
    ("leaky_relu", {}, np.where(X > 0, X, 0.2 * X)),
    ("leaky_relu", {"negative_slope": 0.3}, np.where(X > 0, X, 0.3 * X)),
    ("elu", {}, elu(X)),
    ("elu", {"alpha": 0.5}, elu(X, 0.5)),
    ("celu", {"alpha": 0.5}, np.where(X > 0, X, 0.5 * np.expm1(X / 0.5))),
    ("selu", {}, 1.0507009873554805 * elu(X, 1.6732632423543772)),
    ("gelu", {}, X * (1 + ERF) / 2),
    (
        "gelu",
        {"approximate": True},
        X / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))),
    ),
    ("silu", {}, X * sigmoid(X)),
    ("sigmoid", {}, sigmoid(X)),
    ("log_sigmoid", {}, np.log(sigmoid(X))),
    ("hard_sigmoid", {}, np.clip(X / 6 + 0.5, 0, 1)),
    ("hard_silu", {}, X * np.clip(X / 6 + 0.5, 0, 1)),
    ("hard_tanh", {}, np.clip(X, -1, 1)),
    ("hard_shrink", {}, np.where(np.abs(X) > 0.5, X, 0)),
    ("soft_shrink", {}, np.sign(X) * np.maximum(np.abs(X) - 0.5, 0)),
    ("tanh_shrink", {}, X - np.tanh(X)),
    ("threshold", {"threshold": 0.5, "default_value": -1.0}, np.where(X > 0.5, X, -1)),
    ("tanh", {}, np.tanh(X)),
    ("softplus", {}, softplus(X)),
    ("softsign", {}, X / (1 + np.abs(X))),
    ("squareplus", {}, (X + np.sqrt(X * X + 4)) / 2),
    ("sparse_plus", {}, np.where(X <= -1, 0, np.where(X >= 1, X, (X + 1) ** 2 / 4))),
    ("sparse_sigmoid", {}, np.clip((X + 1) / 2, 0, 1)),
    ("exponential", {}, np.exp(X)),
    ("mish", {}, X * np.tanh(softplus(X))),
    ("softmax", {}, np.exp(X) / np.exp(X).sum()),
    ("log_softmax", {}, X - np.log(np.exp(X).sum())),
    ("glu", {}, X[:3] * sigmoid(X[3:])),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(FORMULAS)]


@pytest.mark.parametrize(("name", "options", "expected"), FORMULAS, ids=IDS)
def test_values(name, options, expected):
    function = getattr(activations, name)
    # the formulas in float64 lose a few digits themselves, log_sigmoid(-2.8) most
    np.testing.assert_allclose(function(as_tensor(X), **options).numpy(), expected, rtol=1e-13)
    single = function(as_tensor(X, "float32"), **options)
    assert single.dtype == "float32"
    # roundings of 6e-8, of numbers up to 6.5 where log_softmax and tanh_shrink subtract such
    np.testing.assert_allclose(single.numpy(), expected, rtol=3e-6, atol=1e-6)
    traced = Step(lambda x: function(x, **options))(X.astype("float32"))
    np.testing.assert_allclose(as_tensor(traced).numpy(), single.numpy(), rtol=1e-6)


def test_every_name_has_a_formula():
    tested = {name for name, *_ in FORMULAS} | {"swish", "hard_swish", "sparsemax"}
    assert tested == set(NAMES)


@pytest.mark.parametrize(("name", "options", "expected"), FORMULAS, ids=IDS)
def test_gradients(name, options, expected):
    function = getattr(activations, name)
    x, weights = as_tensor(X), np.random.default_rng(0).normal(size=expected.shape)
    with GradientTape() as tape:
        total = ops.sum(function(x, **options) * weights)
    direction, step = np.random.default_rng(1).normal(size=X.shape), 1e-6
    above, below = (
        (function(as_tensor(X + s * step * direction), **options).numpy() * weights).sum()
        for s in (1, -1)
    )
    slope = (tape.gradient(total, x).numpy() * direction).sum()
    # central differences: step² for the third derivative, 1e-16 / step for rounding
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("exponential", "threshold")])
def test_far_inputs_are_finite(name):
    far = as_tensor(np.array([-1e4, -90.0, 0.0, 90.0, 1e4, 3.0], "float32"))
    with GradientTape() as tape:
        y = getattr(activations, name)(far)
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(tape.gradient(y, far).numpy()).all()


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis):
    x = np.random.default_rng(2).normal(size=(6, 7)) * 2
    y = activations.sparsemax(as_tensor(x), axis=axis).numpy()
    np.testing.assert_allclose(y.sum(axis), 1, rtol=1e-12)
    assert (y >= 0).all()
    assert (y == 0).any()
    # at the nearest point p of a convex set, (x - p) · (q - p) <= 0 for every other point q; the
    # corners are enough
    inner = ((x - y) * y).sum(axis, keepdims=True)
    assert (x - y <= inner + 1e-12).all()


def test_softmax_over_several_axes():
    x = np.random.default_rng(3).normal(size=(2, 3, 4)).astype("float32")
    y = activations.softmax(x, axis=(1, 2)).numpy()
    np.testing.assert_allclose(y.sum((1, 2)), 1, rtol=1e-6)


def test_names():
    for name in NAMES:
        function = activations.get(name)
        assert function is getattr(activations, name)
        assert activations.get(activations.serialize(function)) is function
    assert activations.get(None) is activations.linear
    assert activations.get(abs) is abs
    assert activations.serialize(activations.swish) == "silu"


def test_a_custom_activation():
    @registry.register_keras_serializable("tests")
    def double(x):
        return x * 2

    data = activations.serialize(double)
    assert data["registered_name"] == "tests>double"
    assert activations.get(data) is double


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rellu", "Unknown activation 'rellu'. Did you mean 'relu' or 'relu6' or 'elu'?"),
        ("Softmax", "Unknown activation 'Softmax'. Did you mean 'softmax' or 'log_softmax'?"),
    ],
)
def test_an_unknown_name_lists_close_ones(name, text):
    with pytest.raises(ArgumentError) as caught:
        activations.get(name)
    assert str(caught.value) == text
