"""Activations, functions of layers, initializers, regularizers and constraints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, config_facts, weighted_sum
from .draw import Draw, fixed, real
from .record import Record
from .sides import Side

__all__ = ["ACTIVATIONS", "CONSTRAINTS", "FUNCTIONS", "INITIALIZERS", "LOOKUPS", "REGULARIZERS"]


def function(name: str, call: Callable[..., Any], *inputs: Draw) -> Case:
    """Return the case of a function ``(keras, *tensors) -> tensor``: value and gradients."""

    def run(side: Side, rng: Any, record: Record) -> None:
        tensors = [side.tensor(drawing(rng)) for drawing in inputs]
        y = call(side.keras, *tensors)
        projection = side.tensor(real(*y.shape)(rng))
        record.values["output"] = side.array(y)
        record.facts["dtype"] = side.dtype(y)
        grads = side.gradients(
            lambda *xs: weighted_sum(side, [call(side.keras, *xs)], [projection]), tensors
        )
        for at, g in enumerate(grads):
            record.values[f"gradient of input {at}"] = g

    return Case(name, run)


def _activation(name: str, *arguments: Any, x: Draw | None = None, **options: Any) -> Case:
    shown = [*map(str, arguments), *(f"{key}={value}" for key, value in options.items())]
    title = f"activations/{name}/{', '.join(shown) or 'plain'}"
    return function(
        title + (" far" if x is FAR else ""),
        lambda k, t: getattr(k.activations, name)(t, *arguments, **options),
        real(4, 6, scale=2.0) if x is None else x,
    )


def _by_name(name: str) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        layer = side.keras.layers.Activation(name)
        record.values["output"] = side.array(layer(side.tensor(real(4, 6, scale=2.0)(rng))))
        config_facts(record, layer)
        found = side.keras.activations.get(name)
        record.facts["serialized"] = side.keras.activations.serialize(found)

    return Case(f"layers/Activation/{name}", run)


# 0 is left out: there some of these have no derivative
FAR = fixed([[-200.0, -90.0, -30.0, -5.0, -0.5, 0.5], [5.0, 12.0, 30.0, 60.0, 90.0, 200.0]])
SMOOTH = ("elu", "gelu", "log_sigmoid", "log_softmax", "mish", "selu", "sigmoid", "silu")
SMOOTH += ("softmax", "softplus", "softsign", "tanh")
NAMES = ("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu")
NAMES += ("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu")
NAMES += ("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign")
NAMES += ("sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink")

# Not sparsemax: Keras 3.15 subtracts the sum of the running sums where its threshold needs the last
# of them, so that its rows do not sum to 1 unless a single entry is positive.
ACTIVATIONS = [_activation(name) for name in NAMES]
ACTIVATIONS += [_activation(name, x=FAR) for name in SMOOTH]
ACTIVATIONS += [_by_name(name) for name in (*NAMES, "swish", "hard_swish")]
ACTIVATIONS += [
    _activation("celu", alpha=0.5),
    _activation("elu", alpha=0.5),
    _activation("gelu", approximate=True),
    _activation("glu", axis=0),
    _activation("hard_shrink", threshold=1.0),
    _activation("leaky_relu", negative_slope=0.01),
    _activation("log_softmax", axis=0),
    _activation("relu", negative_slope=0.1, max_value=1.5, threshold=0.5),
    _activation("relu", max_value=1.0),
    _activation("soft_shrink", threshold=1.0),
    _activation("softmax", axis=0),
    _activation("softmax", axis=1, x=real(2, 3, 4)),
    _activation("squareplus", b=2),
    _activation("threshold", 0.5, -1.0),
]

FUNCTIONS = [
    function(f"functions/{name}", lambda k, *xs, n=name: getattr(k.layers, n)(xs), *inputs)
    for name, inputs in {
        "add": (real(3, 4), real(3, 4), real(3, 4)),
        "subtract": (real(3, 4), real(3, 4)),
        "multiply": (real(3, 4), real(3, 4)),
        "average": (real(3, 4), real(3, 4)),
        "maximum": (real(3, 4), real(3, 4)),
        "minimum": (real(3, 4), real(3, 4)),
        "concatenate": (real(3, 4), real(3, 2)),
    }.items()
]
FUNCTIONS += [
    function(
        "functions/concatenate axis 1",
        lambda k, *xs: k.layers.concatenate(xs, axis=1),
        real(2, 3, 4),
        real(2, 1, 4),
    ),
    function("functions/dot", lambda k, *xs: k.layers.dot(xs, axes=1), real(3, 4), real(3, 4)),
    function(
        "functions/dot normalized",
        lambda k, *xs: k.layers.dot(xs, axes=-1, normalize=True),
        real(3, 4),
        real(3, 4),
    ),
]


def _statistics(name: str, make: Callable[[Any], Any], shape: tuple[int, ...] = (200, 300)) -> Case:
    """The case of a random initializer: what its numbers look like, not which they are.

    Everything is in units of the sample's standard deviation. With 60,000 numbers the mean is
    off by 0.004, the deviation by 0.3 % and the outer quantiles by 0.009, on both sides; 0.05 is
    over three times as much.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        initializer = make(side.keras)
        value = initializer(shape, dtype="float32")
        sample = side.array(value)
        record.facts["shape"] = list(value.shape)
        record.facts["dtype"] = side.dtype(value)
        record.values["statistics"] = np.quantile(sample, [0.05, 0.25, 0.5, 0.75, 0.95])
        record.values["statistics"] = np.array(
            [*record.values["statistics"], sample.mean()], "float32"
        ) / max(float(sample.std()), 1e-9)
        # log: a deviation that is wrong by a factor shows whatever its size
        record.values["log deviation"] = np.log(sample.std())
        config_facts(record, initializer)

    return Case(f"initializers/{name}", run, tolerance=0.05)


def _exact(name: str, make: Callable[[Any], Any], shape: tuple[int, ...], dtype: str) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        initializer = make(side.keras)
        value = initializer(shape, dtype=dtype)
        record.values["value"] = side.array(value)
        record.facts["dtype"] = side.dtype(value)
        # Keras 3.15 leaves out the `gain` of Identity, and so forgets it
        config_facts(record, initializer, ("gain",))

    return Case(f"initializers/{name}", run)


def _orthogonal(name: str, shape: tuple[int, ...], gain: float) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        initializer = side.keras.initializers.Orthogonal(gain=gain, seed=1)
        value = side.array(initializer(shape, dtype="float32"))
        flat = value.reshape(-1, shape[-1])
        tall = flat.shape[0] >= flat.shape[1]
        record.values["product"] = flat.T @ flat if tall else flat @ flat.T
        record.facts["shape"] = list(value.shape)
        config_facts(record, initializer)

    return Case(f"initializers/Orthogonal/{name}", run)


INITIALIZERS = [
    _exact("Zeros/matrix", lambda k: k.initializers.Zeros(), (3, 4), "float32"),
    _exact("Ones/vector", lambda k: k.initializers.Ones(), (4,), "float32"),
    _exact("Ones/integer", lambda k: k.initializers.Ones(), (2, 2), "int32"),
    _exact("Constant/number", lambda k: k.initializers.Constant(2.5), (2, 3), "float32"),
    _exact("Identity/square", lambda k: k.initializers.Identity(2.0), (3, 3), "float32"),
    _exact("Identity/wide", lambda k: k.initializers.Identity(), (2, 4), "float32"),
    _orthogonal("square", (5, 5), 1.0),
    _orthogonal("tall", (6, 3), 1.0),
    _orthogonal("wide", (3, 6), 2.0),
    _orthogonal("kernel", (3, 2, 4), 0.5),
    _statistics("RandomNormal/plain", lambda k: k.initializers.RandomNormal(seed=1)),
    _statistics("RandomNormal/moved", lambda k: k.initializers.RandomNormal(1.0, 2.0, seed=1)),
    _statistics("RandomUniform/plain", lambda k: k.initializers.RandomUniform(seed=1)),
    _statistics("RandomUniform/range", lambda k: k.initializers.RandomUniform(1.0, 4.0, seed=1)),
    _statistics("TruncatedNormal/plain", lambda k: k.initializers.TruncatedNormal(seed=1)),
    _statistics("TruncatedNormal/moved", lambda k: k.initializers.TruncatedNormal(1, 2, seed=1)),
]
INITIALIZERS += [
    _statistics(f"{name}/{what}", lambda k, name=name: getattr(k.initializers, name)(seed=1), shape)
    for family in ("Glorot", "He", "Lecun")
    for name in (f"{family}Normal", f"{family}Uniform")
    for what, shape in {
        "matrix": (200, 300),
        "vector": (60000,),
        "kernel 1D": (5, 100, 120),
        "kernel 2D": (3, 5, 50, 80),
    }.items()
]
INITIALIZERS += [
    _statistics(
        f"VarianceScaling/{mode} {distribution}",
        lambda k, mode=mode, distribution=distribution: k.initializers.VarianceScaling(
            scale=1.7, mode=mode, distribution=distribution, seed=1
        ),
    )
    for mode in ("fan_in", "fan_out", "fan_avg")
    for distribution in ("truncated_normal", "untruncated_normal", "uniform")
]


def _regularizer(name: str, make: Callable[[Any], Any], shape: tuple[int, ...] = (4, 3)) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        regularizer = make(side.keras)
        x = side.tensor(real(*shape)(rng))
        record.values["value"] = side.array(regularizer(x))
        record.values["gradient"] = side.gradients(regularizer, [x])[0]
        config_facts(record, regularizer)

    return Case(f"regularizers/{name}", run)


REGULARIZERS = [
    _regularizer("L1/plain", lambda k: k.regularizers.L1()),
    _regularizer("L1/0.3", lambda k: k.regularizers.L1(0.3)),
    _regularizer("L2/plain", lambda k: k.regularizers.L2(), (2, 3, 4)),
    _regularizer("L2/0.3", lambda k: k.regularizers.L2(l2=0.3)),
    _regularizer("L1L2/both", lambda k: k.regularizers.L1L2(0.2, 0.3)),
    _regularizer("L1L2/none", lambda k: k.regularizers.L1L2()),
    _regularizer("L2/string", lambda k: k.regularizers.get("l2")),
    _regularizer("Orthogonal/rows", lambda k: k.regularizers.OrthogonalRegularizer(0.5)),
    _regularizer(
        "Orthogonal/columns", lambda k: k.regularizers.OrthogonalRegularizer(0.5, mode="columns")
    ),
]


def _constraint(name: str, make: Callable[[Any], Any], shape: tuple[int, ...] = (4, 3)) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        constraint = make(side.keras)
        x = side.tensor(real(*shape, scale=1.5)(rng))
        y = constraint(x)
        record.values["value"] = side.array(y)
        record.facts["dtype"] = side.dtype(y)
        config_facts(record, constraint)

    return Case(f"constraints/{name}", run)


CONSTRAINTS = [
    _constraint("MaxNorm/plain", lambda k: k.constraints.MaxNorm()),
    _constraint("MaxNorm/axis 1", lambda k: k.constraints.MaxNorm(1.0, axis=1)),
    _constraint("MaxNorm/kernel", lambda k: k.constraints.MaxNorm(1.5, [0, 1, 2]), (3, 3, 2, 4)),
    _constraint("NonNeg/plain", lambda k: k.constraints.NonNeg()),
    _constraint("UnitNorm/plain", lambda k: k.constraints.UnitNorm()),
    _constraint("UnitNorm/axis 1", lambda k: k.constraints.UnitNorm(axis=1)),
    _constraint("MinMaxNorm/plain", lambda k: k.constraints.MinMaxNorm()),
    _constraint("MinMaxNorm/rate", lambda k: k.constraints.MinMaxNorm(0.5, 1.5, 0.4, axis=1)),
    _constraint("MaxNorm/string", lambda k: k.constraints.get("max_norm")),
]


def _lookup(family: str, *names: str) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        get = getattr(side.keras, family).get
        for name in names:
            found = get(name)
            record.facts[name] = getattr(found, "__name__", type(found).__name__)

    return Case(f"lookups/{family}", run)


LOOKUPS = [
    _lookup(
        "losses",
        *("mse", "MSE", "mae", "MAE", "kld", "KLD", "huber", "Huber", "mean_squared_error"),
        *("mean_absolute_error", "kl_divergence", "binary_crossentropy", "bce", "BCE"),
        *("categorical_crossentropy", "sparse_categorical_crossentropy", "MeanSquaredError"),
        *("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
    ),
    _lookup(
        "metrics",
        *("mse", "MSE", "mae", "MAE", "accuracy", "Accuracy", "binary_accuracy"),
        *("categorical_accuracy", "sparse_categorical_accuracy", "AUC", "Precision", "Recall"),
        *("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "bce"),
        *("RootMeanSquaredError", "MeanSquaredError", "mean_squared_error"),
    ),
    _lookup("optimizers", "sgd", "SGD", "rmsprop", "RMSprop", "adam", "Adam", "adamw", "adagrad"),
    _lookup(
        "initializers",
        *("zeros", "ones", "random_normal", "random_uniform", "truncated_normal"),
        *("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal"),
        *("lecun_uniform", "variance_scaling", "identity", "orthogonal", "GlorotUniform"),
    ),
    _lookup("regularizers", "l1", "l2", "l1l2", "L1", "L2", "L1L2", "orthogonal_regularizer"),
    _lookup("constraints", "max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm"),
    _lookup("activations", *NAMES, "sparsemax", "swish", "hard_swish"),
]
