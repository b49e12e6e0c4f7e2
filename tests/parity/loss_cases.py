"""The losses, as classes and as functions: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import Case, config_facts, weighted_sum
from .draw import Draw, bits, fixed, one_hot, real, simplex, uniform, whole
from .record import Record
from .sides import Side

__all__ = ["LOSSES"]


def _loss(
    name: str, make: Callable[[Any], Any], y_true: Draw, y_pred: Draw, weight: Draw | None = None
) -> Case:
    """The case of a loss object ``make(keras)``."""

    def run(side: Side, rng: Any, record: Record) -> None:
        loss = make(side.keras)
        truth, guess = side.tensor(y_true(rng)), side.tensor(y_pred(rng))
        arguments = {} if weight is None else {"sample_weight": side.tensor(weight(rng))}
        _measure(side, lambda y: loss(truth, y, **arguments), guess, rng, record)
        # Keras 3.15 leaves `delta` out, and so forgets it
        config_facts(record, loss, ("delta",))

    return Case(f"losses/{name}", run)


def _function(name: str, title: str, y_true: Draw, y_pred: Draw, **options: Any) -> Case:
    """The case of the function `name`, which gives one loss a sample."""

    def run(side: Side, rng: Any, record: Record) -> None:
        function = getattr(side.keras.losses, name)
        truth, guess = side.tensor(y_true(rng)), side.tensor(y_pred(rng))
        _measure(side, lambda y: function(truth, y, **options), guess, rng, record)

    return Case(f"losses/{name}/{title}", run)


def _measure(side: Side, loss: Callable, guess: Any, rng: Any, record: Record) -> None:
    value = loss(guess)
    # a single loss is not weighted: its gradient is small enough as it is
    weights = real(*value.shape)(rng) if len(value.shape) else 1.0
    record.values["loss"] = side.array(value)
    record.values["gradient"] = side.gradients(
        lambda y: weighted_sum(side, [loss(y)], [side.tensor(weights)]), [guess]
    )[0]
    record.facts["dtype"] = side.dtype(value)


REGRESSIONS = ("MeanSquaredError", "MeanAbsoluteError", "Huber")
REDUCTIONS = ("sum", "sum_over_batch_size", "mean", "mean_with_sample_weight", None, "none")

LOSSES = [
    _loss(f"{kind}/{name}", lambda k, kind=kind: getattr(k.losses, kind)(), *drawings)
    for kind in REGRESSIONS
    for name, drawings in {
        "plain": (real(4, 3), real(4, 3)),
        "rank 1": (real(5), real(5)),
        "rank 3": (real(2, 3, 4), real(2, 3, 4)),
        "last axis 1": (real(5), real(5, 1)),
        "integer truth": (whole(4, 3, high=5), real(4, 3)),
        "weights": (real(4, 3), real(4, 3), uniform(4)),
        "weight column": (real(4, 3), real(4, 3), uniform(4, 1)),
        "weights rank 3": (real(2, 3, 4), real(2, 3, 4), uniform(2, 3)),
        "one weight a sequence": (real(2, 3, 4), real(2, 3, 4), uniform(2, 1)),
        "zero weights": (real(4, 3), real(4, 3), fixed([0, 0, 0, 0])),
    }.items()
]
LOSSES += [
    _loss(
        f"{kind}/reduction {reduction}{' weighted' * bool(weights)}",
        lambda k, kind=kind, reduction=reduction: getattr(k.losses, kind)(reduction=reduction),
        truth,
        guess,
        *weights,
    )
    for kind, truth, guess in (
        ("MeanSquaredError", real(4, 3), real(4, 3)),
        ("CategoricalCrossentropy", one_hot(4, 3), simplex(4, 3)),
    )
    for reduction in REDUCTIONS
    for weights in ((), (uniform(4),))
]
LOSSES += [
    _loss("Huber/delta", lambda k: k.losses.Huber(delta=0.4), real(4, 3), real(4, 3)),
    _loss(
        "MeanSquaredError/named",
        lambda k: k.losses.MeanSquaredError(name="squares"),
        *[real(3)] * 2,
    ),
    _loss("KLDivergence/plain", lambda k: k.losses.KLDivergence(), simplex(4, 3), simplex(4, 3)),
    _loss("KLDivergence/zeros", lambda k: k.losses.KLDivergence(), one_hot(4, 3), simplex(4, 3)),
    _loss(
        "KLDivergence/weights",
        lambda k: k.losses.KLDivergence(reduction="sum"),
        simplex(2, 3, 4),
        simplex(2, 3, 4),
        uniform(2, 3),
    ),
]

MORE = ("CategoricalHinge", "CosineSimilarity", "Hinge", "LogCosh", "Poisson", "SquaredHinge")
MORE += ("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError")
LOSSES += [
    _loss(f"{kind}/{name}", lambda k, kind=kind: getattr(k.losses, kind)(), *drawings)
    for kind in MORE
    for name, drawings in {
        # positive: some of these take logarithms
        "plain": (uniform(4, 3, low=0.1), uniform(4, 3, low=0.1)),
        "bits": (bits(4, 3), uniform(4, 3)),
        "weights": (uniform(2, 3, 4, low=0.1), uniform(2, 3, 4, low=0.1), uniform(2, 3)),
    }.items()
]

# beyond what is clipped (1e-7) and beyond where exp leaves float32 (88)
EDGES = fixed([[0.0, 1.0, 1e-9], [1.0, 0.0, 0.25], [0.5, 1e-8, 1.0]])
STEEP = fixed([[-100.0, 100.0, 3.0], [20.0, -20.0, 0.25], [95.0, 90.0, -95.0]])

LOSSES += [
    _loss(
        f"BinaryCrossentropy/{name}", lambda k, o=options: k.losses.BinaryCrossentropy(**o), *draw
    )
    for name, options, draw in (
        ("plain", {}, (bits(4, 3), uniform(4, 3))),
        ("column", {}, (bits(5, 1), uniform(5, 1))),
        ("rank 1 truth", {}, (bits(5), uniform(5, 1))),
        ("integer truth", {}, (bits(4, 3, dtype="int32"), uniform(4, 3))),
        ("soft truth", {}, (uniform(4, 3), uniform(4, 3))),
        ("edges", {}, (fixed([[0, 1, 0], [1, 0, 1], [0, 0, 1]]), EDGES)),
        ("logits", {"from_logits": True}, (bits(4, 3), real(4, 3, scale=2.0))),
        ("steep logits", {"from_logits": True}, (bits(3, 3), STEEP)),
        ("smoothing", {"label_smoothing": 0.2}, (bits(4, 3), uniform(4, 3))),
        (
            "smoothing logits weights",
            {"label_smoothing": 0.1, "from_logits": True},
            (bits(4, 3), real(4, 3), uniform(4)),
        ),
        ("axis", {"axis": 1, "reduction": None}, (bits(2, 3, 4), uniform(2, 3, 4))),
        ("weights", {"reduction": "sum"}, (bits(4, 3), uniform(4, 3), uniform(4))),
    )
]
LOSSES += [
    _loss(
        f"CategoricalCrossentropy/{name}",
        lambda k, o=options: k.losses.CategoricalCrossentropy(**o),
        *draw,
    )
    for name, options, draw in (
        ("plain", {}, (one_hot(4, 3), simplex(4, 3))),
        ("rank 3", {}, (one_hot(2, 4, 3), simplex(2, 4, 3))),
        ("soft truth", {}, (simplex(4, 3), simplex(4, 3))),
        ("unnormalized", {}, (one_hot(4, 3), uniform(4, 3))),
        ("edges", {}, (fixed([[0, 1, 0], [1, 0, 0], [0, 0, 1]]), EDGES)),
        ("logits", {"from_logits": True}, (one_hot(4, 3), real(4, 3, scale=2.0))),
        ("steep logits", {"from_logits": True}, (one_hot(3, 3), STEEP)),
        ("smoothing", {"label_smoothing": 0.2}, (one_hot(4, 3), simplex(4, 3))),
        (
            "smoothing logits",
            {"label_smoothing": 0.1, "from_logits": True},
            (one_hot(4, 3), real(4, 3), uniform(4)),
        ),
        ("axis", {"axis": 1, "from_logits": True}, (simplex(2, 3, 4), real(2, 3, 4))),
        ("axis probabilities", {"axis": 1}, (simplex(2, 3, 4), uniform(2, 3, 4, low=0.1))),
        ("weights", {}, (one_hot(4, 3), simplex(4, 3), uniform(4))),
    )
]
LOSSES += [
    _loss(
        f"SparseCategoricalCrossentropy/{name}",
        lambda k, o=options: k.losses.SparseCategoricalCrossentropy(**o),
        *draw,
    )
    for name, options, draw in (
        ("plain", {}, (whole(4, high=3), simplex(4, 3))),
        ("column", {}, (whole(4, 1, high=3), simplex(4, 3))),
        ("int64", {}, (whole(4, high=3, dtype="int64"), simplex(4, 3))),
        ("uint8", {}, (whole(4, high=3, dtype="uint8"), simplex(4, 3))),
        ("float truth", {}, (whole(4, high=3, dtype="float32"), simplex(4, 3))),
        ("unnormalized", {}, (whole(4, high=3), uniform(4, 3))),
        ("edges", {}, (fixed([1, 0, 2], "int32"), EDGES)),
        ("sequence", {}, (whole(2, 5, high=3), simplex(2, 5, 3))),
        ("image logits", {"from_logits": True}, (whole(2, 3, 2, high=4), real(2, 3, 2, 4))),
        ("logits", {"from_logits": True}, (whole(4, high=3), real(4, 3, scale=2.0))),
        ("steep logits", {"from_logits": True}, (whole(3, high=3), STEEP)),
        (
            "ignored class",
            {"from_logits": True, "ignore_class": 0},
            (fixed([0, 1, 2, 0, 1], "int32"), real(5, 3)),
        ),
        (
            "ignored class probabilities",
            {"ignore_class": -1},
            (fixed([-1, 1, 2, 0, -1], "int32"), simplex(5, 3)),
        ),
        ("weights", {"reduction": "sum"}, (whole(4, high=3), simplex(4, 3), uniform(4))),
        ("sequence weights", {}, (whole(2, 5, high=3), simplex(2, 5, 3), uniform(2, 5))),
    )
]
LOSSES += [
    _function("mean_squared_error", "rank 3", real(2, 3, 4), real(2, 3, 4)),
    _function("mean_squared_error", "rank 1", real(5), real(5)),
    _function("mean_absolute_error", "rank 2", real(4, 3), real(4, 3)),
    _function("huber", "plain", real(4, 3), real(4, 3)),
    _function("huber", "delta", real(4, 3), real(4, 3), delta=0.3),
    _function("kl_divergence", "plain", simplex(4, 3), simplex(4, 3)),
    _function("binary_crossentropy", "plain", bits(4, 3), uniform(4, 3)),
    _function("binary_crossentropy", "logits", bits(4, 3), real(4, 3), from_logits=True),
    _function("binary_crossentropy", "smoothing", bits(4, 3), uniform(4, 3), label_smoothing=0.2),
    _function("categorical_crossentropy", "plain", one_hot(4, 3), simplex(4, 3)),
    _function("categorical_crossentropy", "logits", one_hot(4, 3), real(4, 3), from_logits=True),
    _function(
        "categorical_crossentropy", "smoothing", one_hot(4, 3), simplex(4, 3), label_smoothing=0.3
    ),
    _function("sparse_categorical_crossentropy", "plain", whole(4, high=3), simplex(4, 3)),
    _function(
        "sparse_categorical_crossentropy", "logits", whole(4, high=3), real(4, 3), from_logits=True
    ),
    _function(
        "sparse_categorical_crossentropy",
        "ignored class",
        fixed([0, 2, 1, 2], "int32"),
        simplex(4, 3),
        ignore_class=2,
    ),
]
