"""Activations, losses, metrics, initializers and the like once more, three or more for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import Case
from .draw import Draw, bits, fixed, one_hot, real, simplex, uniform, whole
from .loss_cases import _function as loss_function
from .loss_cases import _loss as loss_case
from .metric_cases import _function as metric_function
from .metric_cases import _metric as metric_case
from .metric_cases import _rows as metric_rows
from .optimizer_cases import _schedule as schedule_case
from .record import Record
from .sides import Side
from .value_cases import NAMES, _constraint, _exact, _regularizer, _statistics, function

__all__ = ["WIDER_VALUES"]

WIDER_VALUES: list[Case] = [
    function(f"activations/{name}/{title}", lambda k, x, n=name: getattr(k.activations, n)(x), x)
    for name in NAMES
    for title, x in {
        "rank 3": real(2, 3, 6, scale=4.0),
        "column": uniform(7, 2, low=-1.5, high=1.5),
    }.items()
]
WIDER_VALUES += [
    function(
        f"activations/threshold/{at} {value}",
        lambda k, x, at=at, value=value: k.activations.threshold(x, at, value),
        real(3, 5),
    )
    for at, value in ((0.0, 0.0), (-0.7, 2.0))
]

POSITIVE = (uniform(5, 3, low=0.1), uniform(5, 3, low=0.1))
DEEP = (uniform(2, 3, 4, low=0.1), uniform(2, 3, 4, low=0.1))
SIGNS = fixed([[1, -1, 1], [-1, -1, 1]])

WIDER_VALUES += [
    loss_function(name, title, *drawings)
    for name in (
        *("categorical_hinge", "cosine_similarity", "hinge", "huber", "kl_divergence", "log_cosh"),
        *("mean_absolute_error", "mean_absolute_percentage_error"),
        *("mean_squared_logarithmic_error", "poisson", "squared_hinge"),
    )
    for title, drawings in {
        "positive": POSITIVE,
        "deep": DEEP,
        "one row": (uniform(1, 2, low=0.5), uniform(1, 2, low=0.5)),
    }.items()
]
WIDER_VALUES += [
    loss_function("cosine_similarity", "axis", *DEEP, axis=1),
    loss_function("hinge", "signs", SIGNS, real(2, 3)),
    loss_function("squared_hinge", "signs", SIGNS, real(2, 3)),
]


def _own_loss(k: Any) -> type:
    class Cubic(k.losses.Loss):
        """The mean cube of absolute differences."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return k.ops.mean(k.ops.abs(y_true - y_pred) ** 3, axis=-1)

    return Cubic


WIDER_VALUES += [
    loss_case("Loss/own", lambda k: _own_loss(k)(), real(4, 3), real(4, 3)),
    loss_case(
        "Loss/own weighted",
        lambda k: _own_loss(k)(reduction="sum", name="cubes"),
        real(2, 3, 4),
        real(2, 3, 4),
        uniform(2, 3),
    ),
    loss_case("Loss/own each", lambda k: _own_loss(k)(reduction=None), real(4, 3), real(4, 3)),
]

WIDER_VALUES += [
    case
    for kind in ("BinaryCrossentropy", "CategoricalCrossentropy")
    for case in metric_rows(
        kind,
        ("deep", {"label_smoothing": 0.2}, (one_hot(5, 2, 3), simplex(5, 2, 3), uniform(5, 2))),
    )
]
WIDER_VALUES += [
    *metric_rows(
        "SparseCategoricalCrossentropy",
        ("deep", {"axis": -1}, (whole(5, 2, high=3), simplex(5, 2, 3), uniform(5, 2))),
    ),
    *metric_rows(
        "KLDivergence",
        ("deep", {}, (simplex(5, 2, 3), simplex(5, 2, 3), uniform(5, 2))),
        ("named", {"name": "distance"}, (simplex(6, 4), simplex(6, 4))),
    ),
    *metric_rows(
        "CosineSimilarity",
        ("deep", {}, (real(5, 2, 3), real(5, 2, 3), uniform(5, 2))),
        ("named", {"name": "angle"}, (real(6, 4), real(6, 4))),
    ),
    metric_case("Sum/vector", lambda k: k.metrics.Sum(), real(5), weight=uniform(5)),
    metric_case("Sum/named", lambda k: k.metrics.Sum(name="s"), real(5, 2, 2), weight=uniform(5)),
]
WIDER_VALUES += [
    case
    for kind in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
    for case in metric_rows(
        kind,
        ("threshold", {"thresholds": 0.3, "name": "count"}, (bits(7, 3), uniform(7, 3))),
        weight=uniform(7),
    )
]
WIDER_VALUES += [
    case
    for kind in (
        *("CategoricalHinge", "Hinge", "LogCoshError", "Poisson", "SquaredHinge"),
        *("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
    )
    for case in metric_rows(
        kind,
        ("deep", {}, (*DEEP, uniform(2, 3))),
        ("named", {"name": "distance"}, (*POSITIVE, uniform(5))),
    )
]


def _results(name: str, make: Callable[[Any], Any], truth: Draw, guess: Draw) -> Case:
    """The case of a metric whose configuration is not Keras's, or has a function in it."""

    def run(side: Side, rng: Any, record: Record) -> None:
        metric = make(side.keras)
        for at in range(2):
            metric.update_state(side.tensor(truth(rng)), side.tensor(guess(rng)))
            record.values[f"result {at}"] = side.array(metric.result())
        record.facts["name"] = {"name": metric.name}
        record.facts["state"] = [[v.name, list(v.shape)] for v in metric.variables]

    return Case(f"metrics/{name}", run)


def _distance(y_true: Any, y_pred: Any, power: float = 2.0) -> Any:
    return abs(y_true - y_pred) ** power


def _own_metric(k: Any) -> type:
    class Largest(k.metrics.Metric):
        """The largest absolute difference so far, and in how many batches."""

        def __init__(self, name: str = "largest", **kwargs: Any):
            super().__init__(name=name, **kwargs)
            self.most = self.add_weight(shape=(), initializer="zeros", name="most")
            self.batches = self.add_weight(shape=(), initializer="zeros", name="batches")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            distance = k.ops.abs(k.ops.cast(y_true, "float32") - y_pred)
            if sample_weight is not None:
                distance = distance * k.ops.expand_dims(sample_weight, -1)
            self.most.assign(k.ops.maximum(self.most, k.ops.max(distance)))
            self.batches.assign(self.batches + 1.0)

        def result(self) -> Any:
            return self.most + 100.0 * self.batches

    return Largest


WIDER_VALUES += [
    # Keras 3.15 leaves the axis out of the configuration, and so forgets it
    _results(
        "CosineSimilarity/axis",
        lambda k: k.metrics.CosineSimilarity(axis=1),
        real(5, 2, 3),
        real(5, 2, 3),
    ),
    *(
        _results(
            f"MeanMetricWrapper/{title}",
            lambda k, o=options: k.metrics.MeanMetricWrapper(_distance, **o),
            *draw,
        )
        for title, options, draw in (
            ("plain", {"name": "squares"}, (real(4, 3), real(4, 3))),
            ("power", {"name": "cubes", "power": 3.0}, (real(4, 3), real(4, 3))),
            ("vector", {"name": "first", "power": 1.0}, (real(5), real(5))),
        )
    ),
    *(
        metric_case(f"Metric/{title}", lambda k, o=options: _own_metric(k)(**o), *draw, weight=w)
        for title, options, draw, w in (
            ("own", {}, (real(5, 3), real(5, 3)), uniform(5)),
            ("own named", {"name": "worst"}, (real(4, 1), real(4, 1)), uniform(4)),
            ("own integers", {}, (whole(5, 2, high=4), real(5, 2)), uniform(5)),
        )
    ),
]
WIDER_VALUES += [
    metric_function("binary_accuracy", "column", bits(5, 1), uniform(5, 1)),
    metric_function("categorical_accuracy", "deep", one_hot(4, 2, 3), simplex(4, 2, 3)),
    metric_function("categorical_accuracy", "soft", simplex(4, 3), simplex(4, 3)),
    metric_function("sparse_categorical_accuracy", "deep", whole(4, 2, high=3), simplex(4, 2, 3)),
    metric_function("sparse_categorical_accuracy", "column", whole(4, 1, high=3), simplex(4, 3)),
    metric_function("top_k_categorical_accuracy", "plain", one_hot(4, 8), simplex(4, 8)),
    metric_function("top_k_categorical_accuracy", "k 1", one_hot(5, 4), simplex(5, 4), k=1),
    metric_function("sparse_top_k_categorical_accuracy", "plain", whole(4, high=8), simplex(4, 8)),
    metric_function(
        "sparse_top_k_categorical_accuracy", "deep", whole(4, 2, high=5), simplex(4, 2, 5), k=3
    ),
]

WIDER_VALUES += [
    _exact(f"{kind}/{title}", lambda k, o=options, n=kind: getattr(k.initializers, n)(**o), *given)
    for kind, title, options, given in (
        ("Constant", "zero", {"value": 0.0}, ((3,), "float32")),
        ("Constant", "whole", {"value": 7}, ((2, 1, 2), "int32")),
        ("Constant", "negative", {"value": -1.5}, ((), "float32")),
        ("Zeros", "scalar", {}, ((), "float32")),
        ("Zeros", "whole", {}, ((2, 3, 1), "int32")),
        ("Ones", "deep", {}, ((2, 1, 3), "float32")),
        ("Identity", "tall", {"gain": 0.5}, ((4, 2), "float32")),
    )
]
WIDER_VALUES += [
    _statistics(
        f"{kind}/{title}", lambda k, o=options, n=kind: getattr(k.initializers, n)(**o), shape
    )
    for kind, options in (
        ("RandomNormal", {"mean": -3.0, "stddev": 0.1, "seed": 3}),
        ("RandomUniform", {"minval": -2.0, "maxval": -1.0, "seed": 3}),
        ("TruncatedNormal", {"mean": 5.0, "stddev": 0.2, "seed": 3}),
    )
    for title, shape in {"shifted": (60, 1000), "shifted deep": (20, 30, 100)}.items()
]

WIDER_VALUES += [
    _regularizer("L1/deep", lambda k: k.regularizers.L1(l1=2.0), (2, 3, 1, 4)),
    _regularizer("L1L2/deep", lambda k: k.regularizers.L1L2(l1=0.0, l2=0.7), (3, 2, 2)),
    _regularizer("L1L2/l1", lambda k: k.regularizers.L1L2(l1=0.3), (5,)),
    _regularizer(
        "OrthogonalRegularizer/one row",
        lambda k: k.regularizers.OrthogonalRegularizer(mode="columns"),
        (1, 5),
    ),
    _regularizer(
        "OrthogonalRegularizer/square",
        lambda k: k.regularizers.OrthogonalRegularizer(factor=0.2, mode="rows"),
        (3, 3),
    ),
    _constraint("NonNeg/deep", lambda k: k.constraints.NonNeg(), (2, 3, 4)),
    _constraint("NonNeg/vector", lambda k: k.constraints.NonNeg(), (5,)),
    _constraint("UnitNorm/kernel", lambda k: k.constraints.UnitNorm(axis=[0, 1, 2]), (3, 2, 2, 4)),
    _constraint("MinMaxNorm/kernel", lambda k: k.constraints.MinMaxNorm(axis=[0, 1]), (3, 2, 4)),
]


def _own_regularizer(k: Any) -> type:
    class Fourth(k.regularizers.Regularizer):
        """The sum of fourth powers."""

        def __init__(self, strength: float = 0.1):
            self.strength = strength

        def __call__(self, x: Any) -> Any:
            return self.strength * k.ops.sum(x**4)

        def get_config(self) -> dict:
            return {"strength": self.strength}

    return Fourth


def _own_constraint(k: Any) -> type:
    class Within(k.constraints.Constraint):
        """Numbers between two bounds."""

        def __init__(self, bound: float = 1.0):
            self.bound = bound

        def __call__(self, w: Any) -> Any:
            return k.ops.clip(w, -self.bound, self.bound)

        def get_config(self) -> dict:
            return {"bound": self.bound}

    return Within


def _own_initializer(k: Any) -> type:
    class Steps(k.initializers.Initializer):
        """0, 1, 2 ... times a size."""

        def __init__(self, size: float = 1.0):
            self.size = size

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            count = 1
            for length in shape:
                count *= length
            return self.size * k.ops.reshape(k.ops.arange(count, dtype=dtype), shape)

        def get_config(self) -> dict:
            return {"size": self.size}

    return Steps


def _own_schedule(schedules: Any) -> type:
    class Harmonic(schedules.LearningRateSchedule):
        """A rate that falls as one over the number of steps."""

        def __init__(self, start: float):
            self.start = start

        def __call__(self, step: Any) -> Any:
            return self.start / (step + 1.0)

        def get_config(self) -> dict:
            return {"start": self.start}

    return Harmonic


OWN = {0.5: (2, 3), 1.0: (4,), 2.0: (2, 1, 3)}

WIDER_VALUES += [
    case
    for size, shape in OWN.items()
    for case in (
        _regularizer(f"Regularizer/{size}", lambda k, s=size: _own_regularizer(k)(s), shape),
        _constraint(f"Constraint/{size}", lambda k, s=size: _own_constraint(k)(s), shape),
        _exact(f"Initializer/{size}", lambda k, s=size: _own_initializer(k)(s), shape, "float32"),
        schedule_case(f"LearningRateSchedule/{size}", lambda s, size=size: _own_schedule(s)(size)),
    )
]


def _written(space: str, title: str, make: Callable[[Any], Any]) -> list[Case]:
    """The cases of an object as plain data, and of that data made an object again."""

    def serialize(side: Side, rng: Any, record: Record) -> None:
        data = _library(side, space).serialize(make(side.keras))
        # module and registered name are each library's own, and of Keras's each backend's
        record.facts["data"] = (
            {key: data[key] for key in ("class_name", "config")} if isinstance(data, dict) else data
        )

    def deserialize(side: Side, rng: Any, record: Record) -> None:
        library = _library(side, space)
        record.facts |= _kind(library.deserialize(library.serialize(make(side.keras))))

    return [
        Case(f"{space}/serialize/{title}", serialize),
        Case(f"{space}/deserialize/{title}", deserialize),
    ]


def _got(space: str, title: str, make: Callable[[Any], Any]) -> Case:
    """The case of what `get` gives for an object and for its data."""

    def run(side: Side, rng: Any, record: Record) -> None:
        library, made = _library(side, space), make(side.keras)
        record.facts["itself"] = library.get(made) is made
        record.facts |= _kind(library.get(library.serialize(made)))

    return Case(f"{space}/get/{title}", run)


def _library(side: Side, space: str) -> Any:
    found = side.keras
    for part in space.split("."):
        found = getattr(found, part)
    return found


def _kind(thing: Any) -> dict[str, Any]:
    facts = {"kind": getattr(thing, "__name__", type(thing).__name__)}
    return facts | ({"config": thing.get_config()} if hasattr(thing, "get_config") else {})


WRITTEN: dict[str, dict[str, Callable[[Any], Any]]] = {
    "layers": {
        "Dense": lambda k: k.layers.Dense(3, "tanh", kernel_regularizer=k.regularizers.L2(0.1)),
        "LSTM": lambda k: k.layers.LSTM(4, return_sequences=True, name="memory"),
        "MaxPooling2D": lambda k: k.layers.MaxPooling2D((2, 3), padding="same"),
    },
    "losses": {
        "squares": lambda k: k.losses.MeanSquaredError(reduction="sum", name="squares"),
        "entropy": lambda k: k.losses.CategoricalCrossentropy(from_logits=True),
        "function": lambda k: k.losses.hinge,
    },
    "metrics": {
        "AUC": lambda k: k.metrics.AUC(num_thresholds=5, curve="PR"),
        "Mean": lambda k: k.metrics.Mean(name="average"),
        "Precision": lambda k: k.metrics.Precision(thresholds=[0.2, 0.7]),
    },
    "optimizers": {
        "Adam": lambda k: k.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
        "SGD": lambda k: k.optimizers.SGD(0.5, momentum=0.9, nesterov=True),
        "schedule": lambda k: k.optimizers.RMSprop(
            k.optimizers.schedules.ExponentialDecay(0.5, 4, 0.7, staircase=True)
        ),
    },
    "optimizers.schedules": {
        "exponential": lambda k: k.optimizers.schedules.ExponentialDecay(0.5, 4, 0.7),
        "cosine": lambda k: k.optimizers.schedules.CosineDecay(0.5, 10, alpha=0.1),
        "pieces": lambda k: k.optimizers.schedules.PiecewiseConstantDecay([1, 5], [0.5, 0.2, 0.1]),
    },
    "initializers": {
        "normal": lambda k: k.initializers.RandomNormal(0.5, 0.1, seed=3),
        "constant": lambda k: k.initializers.Constant(2.5),
        "scaling": lambda k: k.initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=1),
    },
    "regularizers": {
        "L1": lambda k: k.regularizers.L1(0.3),
        "L1L2": lambda k: k.regularizers.L1L2(0.2, 0.3),
        "orthogonal": lambda k: k.regularizers.OrthogonalRegularizer(0.5, mode="columns"),
    },
    "constraints": {
        "MaxNorm": lambda k: k.constraints.MaxNorm(1.5, axis=[0, 1]),
        "MinMaxNorm": lambda k: k.constraints.MinMaxNorm(0.5, 1.5, 0.4, axis=1),
        "NonNeg": lambda k: k.constraints.NonNeg(),
    },
    "activations": {
        "relu": lambda k: k.activations.relu,
        "gelu": lambda k: k.activations.gelu,
        "log_softmax": lambda k: k.activations.log_softmax,
    },
}
WIDER_VALUES += [
    case
    for space, things in WRITTEN.items()
    for title, make in things.items()
    for case in _written(space, title, make)
]
WIDER_VALUES += [
    _got(space, title, make)
    for space, things in WRITTEN.items()
    for title, make in things.items()
    if space not in ("layers", "optimizers.schedules")  # which have no `get`
]


def _variable(title: str, draw: Draw, **options: Any) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        variable = side.keras.Variable(draw(rng), **options)
        steps = [draw(rng) for _ in range(3)]
        record.values["new"] = side.array(variable)
        for name, step in zip(("assign", "assign_add", "assign_sub"), steps, strict=True):
            getattr(variable, name)(side.tensor(step))
            record.values[name] = side.array(variable)
        record.values["arithmetic"] = side.array(2 * variable + variable * variable - 1)
        record.facts["type"] = [list(variable.shape), variable.ndim, str(variable.dtype)]
        record.facts["trainable"] = variable.trainable

    return Case(f"keras/Variable/{title}", run)


WIDER_VALUES += [
    _variable("plain", real(3, 4)),
    _variable("scalar", real(), trainable=False, name="rate"),
    _variable("whole", whole(5, high=9), dtype="int32", trainable=False),
]
