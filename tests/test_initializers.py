"""Initializers, regularizers and constraints: values, names, configurations, errors."""

import json
import math

import numpy as np
import pytest

from kerasnb import constraints, initializers, ops, random, regularizers
from kerasnb.autodiff import grad
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.tensor import as_tensor
from kerasnb.variable import Variable

FAMILIES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}

OBJECTS = [
    ("initializer", initializers.Zeros()),
    ("initializer", initializers.Ones()),
    ("initializer", initializers.Constant(2.5)),
    ("initializer", initializers.Constant([1.0, 2.0])),
    ("initializer", initializers.Identity(3.0)),
    ("initializer", initializers.RandomNormal(1.0, 2.0, seed=3)),
    ("initializer", initializers.TruncatedNormal(stddev=2.0, seed=3)),
    ("initializer", initializers.RandomUniform(-1.0, 2.0)),
    ("initializer", initializers.VarianceScaling(2.0, "fan_out", "uniform", 1, [0], [1])),
    ("initializer", initializers.GlorotUniform(seed=4)),
    ("initializer", initializers.GlorotNormal()),
    ("initializer", initializers.HeUniform()),
    ("initializer", initializers.HeNormal(seed=random.SeedGenerator(5))),
    ("initializer", initializers.LecunUniform()),
    ("initializer", initializers.LecunNormal()),
    ("initializer", initializers.Orthogonal(0.5, seed=2)),
    ("regularizer", regularizers.L1()),
    ("regularizer", regularizers.L2(0.3)),
    ("regularizer", regularizers.L1L2(0.1, 0.2)),
    ("regularizer", regularizers.OrthogonalRegularizer(0.5, "columns")),
    ("constraint", constraints.MaxNorm(1.5, axis=[0, 1])),
    ("constraint", constraints.MinMaxNorm(0.5, 2.0, 0.3, 1)),
    ("constraint", constraints.NonNeg()),
    ("constraint", constraints.UnitNorm(1)),
]


@pytest.mark.parametrize(
    ("kind", "thing"), OBJECTS, ids=[type(thing).__name__ for _, thing in OBJECTS]
)
def test_a_configuration_goes_through_json_and_back(kind, thing):
    module = FAMILIES[kind]
    data = json.loads(json.dumps(module.serialize(thing)))
    assert data["module"] == f"keras.{kind}s"
    assert data["class_name"] == type(thing).__name__
    assert data["registered_name"] is None
    again = module.get(data)
    assert type(again) is type(thing)
    assert json.loads(json.dumps(module.serialize(again))) == data
    assert module.get(thing) is thing


NAMES = {
    "initializer": {
        "zeros": "Zeros", "zero": "Zeros", "ones": "Ones", "one": "Ones", "constant": "Constant",
        "identity": "Identity", "normal": "RandomNormal", "uniform": "RandomUniform",
        "random_normal": "RandomNormal", "random_uniform": "RandomUniform",
        "truncated_normal": "TruncatedNormal", "variance_scaling": "VarianceScaling",
        "glorot_uniform": "GlorotUniform", "glorot_normal": "GlorotNormal",
        "he_uniform": "HeUniform", "he_normal": "HeNormal", "lecun_uniform": "LecunUniform",
        "lecun_normal": "LecunNormal", "orthogonal": "Orthogonal", "HeNormal": "HeNormal",
        "OrthogonalInitializer": "Orthogonal",
    },
    "regularizer": {
        "l1": "L1", "l2": "L2", "l1_l2": "L1L2", "l1l2": "L1L2", "L2": "L2",
        "orthogonal_regularizer": "OrthogonalRegularizer",
    },
    "constraint": {
        "max_norm": "MaxNorm", "min_max_norm": "MinMaxNorm", "non_neg": "NonNeg",
        "unit_norm": "UnitNorm", "MaxNorm": "MaxNorm",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
def test_names(kind):
    module = FAMILIES[kind]
    for name, expected in NAMES[kind].items():
        assert type(module.get(name)).__name__ == expected
        if hasattr(module, name):
            assert getattr(module, name).__name__ == expected
    assert module.get(None) is None
    assert module.get(abs) is abs
    cls = type(module.get(next(iter(NAMES[kind]))))
    assert type(module.get(cls)) is cls


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: initializers.get("glorot_unifrom"),
            ArgumentError,
            "Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform' or "
            "'glorot_normal' or 'GlorotUniform'?",
        ),
        (
            lambda: regularizers.get("l3"),
            ArgumentError,
            "Unknown regularizer 'l3'. Known: L1, L1L2, L2, OrthogonalRegularizer, l1, l1_l2, "
            "l1l2, l2, orthogonal_regularizer.",
        ),
        (
            lambda: constraints.get("maxnorm"),
            ArgumentError,
            "Unknown constraint 'maxnorm'. Did you mean 'max_norm' or 'min_max_norm' or 'MaxNorm'?",
        ),
        (
            lambda: initializers.VarianceScaling(scale=-1.0),
            ArgumentError,
            "VarianceScaling: scale must be above 0, got -1.0.",
        ),
        (
            lambda: initializers.VarianceScaling(mode="fan_inn"),
            ArgumentError,
            "Unknown mode 'fan_inn'. Did you mean 'fan_in'?",
        ),
        (
            lambda: initializers.VarianceScaling(distribution="poisson"),
            ArgumentError,
            "Unknown distribution 'poisson'. Known: truncated_normal, uniform, untruncated_normal.",
        ),
        (
            lambda: initializers.Orthogonal()((3,)),
            ShapeError,
            "Orthogonal: expected two axes or more, got shape (3,).",
        ),
        (
            lambda: initializers.Identity()((3, 4, 5)),
            ShapeError,
            "Identity: expected a shape with two axes, got (3, 4, 5).",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer(mode="diagonal"),
            ArgumentError,
            "Unknown mode 'diagonal'. Known: columns, rows.",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer()(np.ones(3, "float32")),
            ShapeError,
            "OrthogonalRegularizer: expected two axes, got shape (3,).",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


# Initializers


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "name", [n for n in NAMES["initializer"] if n not in ("zero", "one", "normal", "uniform")]
)
def test_shape_and_dtype(name, dtype):
    value = initializers.get(name)((4, 6), dtype=dtype)
    assert value.shape == (4, 6)
    assert value.dtype == dtype
    assert initializers.get(name)((4, 6)).dtype == "float32"


def test_fixed_values():
    assert initializers.Zeros()((2, 2), "int32").numpy().tolist() == [[0, 0], [0, 0]]
    assert initializers.Ones()((2,), "bool").numpy().tolist() == [True, True]
    assert initializers.Ones()(()).numpy() == 1
    assert initializers.Constant(2.5)((2,)).numpy().tolist() == [2.5, 2.5]
    assert initializers.Constant([1, 2])((2, 2)).numpy().tolist() == [[1, 2], [1, 2]]
    assert initializers.Identity(2.0)((2, 3)).numpy().tolist() == [[2, 0, 0], [0, 2, 0]]


# scale, mode, distribution of Glorot, He and LeCun, as their papers have them
NAMED = {
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
    "LecunNormal": (1.0, "fan_in", "truncated_normal"),
}


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((500,), (500, 500)), ((40, 60), (40, 60)), ((3, 5, 8, 16), (120, 240))],
)
@pytest.mark.parametrize("name", NAMED)
def test_variance(name, shape, fans):
    scale, mode, distribution = NAMED[name]
    fan = {"fan_in": fans[0], "fan_avg": sum(fans) / 2}[mode]
    stddev = math.sqrt(scale / fan)
    make = getattr(initializers, name)
    sample = np.stack([make(seed=s)(shape).numpy() for s in range(max(1, 4000 // 500))])
    limit = math.sqrt(3) * stddev if distribution == "uniform" else 2 * stddev / 0.8796256610342398
    assert np.abs(sample).max() <= limit * (1 + 1e-6)
    if sample.size > 1000:
        # of n numbers without heavy tails the deviation is off by less than 1 / sqrt(2 n), 4 times
        assert abs(sample.std() / stddev - 1) < 4 / math.sqrt(2 * sample.size)
        assert abs(sample.mean()) < 4 * stddev / math.sqrt(sample.size)


def test_axes_for_the_fans():
    wide = initializers.VarianceScaling(1.0, "fan_in", "uniform", 0, input_axes=[0, 1])
    both = initializers.VarianceScaling(
        1.0, "fan_in", "uniform", 0, input_axes=[0, 1], output_axes=[2]
    )
    values = [np.abs(i((10, 20, 5)).numpy()).max() for i in (wide, both)]
    # one alone is not enough, and changes nothing: the fan in is the same 10 * 20 here
    np.testing.assert_allclose(values, math.sqrt(3 / 200), rtol=1e-2)
    swapped = initializers.VarianceScaling(
        1.0, "fan_in", "uniform", 0, input_axes=[2], output_axes=[0, 1]
    )
    assert np.abs(swapped((10, 20, 5)).numpy()).max() == pytest.approx(math.sqrt(3 / 5), rel=1e-2)


@pytest.mark.parametrize("shape", [(5, 5), (6, 3), (3, 6), (3, 2, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape).numpy().reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    # a factorization in float32 leaves errors of some 1e-7 for each of the few terms
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_seeds():
    drawn = initializers.GlorotUniform()
    np.testing.assert_array_equal(drawn((3, 4)).numpy(), drawn((3, 4)).numpy())
    other = initializers.GlorotUniform()
    assert (drawn((3, 4)).numpy() != other((3, 4)).numpy()).all()
    assert drawn.get_config()["seed"] is None
    fixed = initializers.HeNormal(seed=3)
    np.testing.assert_array_equal(fixed((5,)).numpy(), fixed.clone()((5,)).numpy())
    moving = initializers.RandomNormal(seed=random.SeedGenerator(3))
    assert (moving((5,)).numpy() != moving((5,)).numpy()).all()


def test_a_custom_initializer_and_its_use_in_a_variable():
    class Ramp(initializers.Initializer):
        def __init__(self, top=1.0):
            self.top = top

        def __call__(self, shape, dtype=None):
            return ops.reshape(ops.linspace(0.0, self.top, math.prod(shape), dtype=dtype), shape)

        def get_config(self):
            return {"top": self.top}

    assert Ramp(3.0).clone().top == 3.0
    assert Variable(Ramp(3.0), shape=(2, 2)).numpy().tolist() == [[0, 1], [2, 3]]
    assert Variable(lambda shape, dtype: ops.ones(shape, dtype), (2,)).numpy().tolist() == [1, 1]
    with pytest.raises(NotImplementedError):
        initializers.Initializer()((2,))


# Regularizers


W = np.array([[1.0, -2.0, 0.0], [3.0, 0.5, -1.0]], "float32")


def test_penalties():
    assert float(regularizers.L1(0.1)(W)) == pytest.approx(0.75)
    assert float(regularizers.L2(0.1)(W)) == pytest.approx(1.525)
    assert float(regularizers.L1L2(0.1, 0.1)(W)) == pytest.approx(2.275)
    assert float(regularizers.L1L2()(W)) == 0
    a, b = W / np.linalg.norm(W, axis=1, keepdims=True)
    rows = regularizers.OrthogonalRegularizer(0.5)
    assert float(rows(W)) == pytest.approx(0.5 * abs(a @ b), rel=1e-5)
    unit = W / np.linalg.norm(W, axis=0)
    cosines = np.abs(unit.T @ unit)[np.triu_indices(3, 1)]
    columns = regularizers.OrthogonalRegularizer(0.5, "columns")
    assert float(columns(W)) == pytest.approx(0.5 * cosines.mean(), rel=1e-5)
    assert float(rows(W[:1])) == 0


def test_penalties_have_gradients():
    np.testing.assert_allclose(grad(regularizers.L2(0.1))(as_tensor(W)).numpy(), 0.2 * W, rtol=1e-6)
    np.testing.assert_allclose(
        grad(regularizers.L1(0.1))(as_tensor(W)).numpy(), 0.1 * np.sign(W), rtol=1e-6
    )


# Constraints


def lengths(w, axis=0):
    return np.linalg.norm(w, axis=axis)


def test_constraints():
    bounded = constraints.MaxNorm(2.0)(W).numpy()
    np.testing.assert_allclose(lengths(bounded), np.minimum(lengths(W), 2.0), rtol=1e-6)
    np.testing.assert_allclose(lengths(constraints.UnitNorm(axis=1)(W).numpy(), 1), 1, rtol=1e-6)
    assert constraints.NonNeg()(W).numpy().tolist() == [[1, 0, 0], [3, 0.5, 0]]
    half = constraints.MinMaxNorm(1.5, 2.0, rate=0.5)(W).numpy()
    wanted = 0.5 * np.clip(lengths(W), 1.5, 2.0) + 0.5 * lengths(W)
    np.testing.assert_allclose(lengths(half), wanted, rtol=1e-6)
    zeros = constraints.UnitNorm()(np.zeros((2, 2), "float32")).numpy()
    assert (zeros == 0).all()


@pytest.mark.parametrize("name", NAMES["constraint"])
def test_constraints_are_the_same_traced(name):
    constraint = constraints.get(name)
    np.testing.assert_allclose(Step(constraint)(W).numpy(), constraint(W).numpy(), rtol=1e-6)
