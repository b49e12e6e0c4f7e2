"""The metrics: the result after two updates, after a reset, and with weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import Case, config_facts
from .draw import Draw, bits, fixed, one_hot, real, simplex, uniform, whole
from .record import Record
from .sides import Side

__all__ = ["METRICS"]


def _metric(
    name: str,
    make: Callable[[Any], Any],
    *arguments: Draw,
    weight: Draw,
    needs: str | None = None,
    reset: bool = True,
) -> Case:
    """The case of a metric; `arguments` draw what comes before the sample weights.

    `reset` asks for the result without any batch, where Keras has one.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        metric = make(side.keras)
        batches = [[drawing(rng) for drawing in (*arguments, weight)] for _ in range(2)]
        # batches of two sizes: a mean of means is another number
        batches[1] = [array[:-1] for array in batches[1]]
        for *values, _ in batches:
            metric.update_state(*map(side.tensor, values))
        result = metric.result()
        record.values["plain"] = side.array(result)
        record.facts["dtype"] = side.dtype(result)
        metric.reset_state()
        if reset:
            record.values["reset"] = side.array(metric.result())
        for *values, weights in batches:
            metric.update_state(*map(side.tensor, values), sample_weight=side.tensor(weights))
        record.values["weighted"] = side.array(metric.result())
        record.facts["name"] = {"name": metric.name}
        record.facts["state"] = [[v.name, list(v.shape)] for v in metric.variables]
        if "label weights" in name:
            # Keras's configuration holds them as a tensor, which neither JSON nor == can take
            config_facts(record, metric, ("label_weights",), restore=False)
        else:
            config_facts(record, metric)

    return Case(f"metrics/{name}", run)


def _function(name: str, title: str, y_true: Draw, y_pred: Draw, **options: Any) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        truth, guess = side.tensor(y_true(rng)), side.tensor(y_pred(rng))
        value = getattr(side.keras.metrics, name)(truth, guess, **options)
        record.values["value"] = side.array(value)
        record.facts["dtype"] = side.dtype(value)

    return Case(f"metrics/{name}/{title}", run)


def _rows(kind: str, *rows: tuple, weight: Draw | None = None) -> list[Case]:
    return [
        _metric(
            f"{kind}/{name}",
            lambda k, options=options: getattr(k.metrics, kind)(**options),
            *draw[:2],
            weight=draw[2] if len(draw) > 2 else weight or uniform(6),
        )
        for name, options, draw in rows
    ]


METRICS = [
    *_rows(
        "Accuracy",
        ("plain", {}, (whole(6, high=3), whole(6, high=3))),
        ("column", {}, (whole(6, 1, high=2), whole(6, 1, high=2))),
        ("matrix", {}, (whole(6, 4, high=2), whole(6, 4, high=2))),
        ("float", {}, (bits(6, 2), bits(6, 2), uniform(6, 2))),
    ),
    *_rows(
        "BinaryAccuracy",
        ("plain", {}, (bits(6), uniform(6))),
        ("column", {}, (bits(6, 1), uniform(6, 1))),
        ("rank 1 truth", {}, (bits(6), uniform(6, 1))),
        ("matrix", {}, (bits(6, 3), uniform(6, 3))),
        ("threshold", {"threshold": 0.8}, (bits(6, 3), uniform(6, 3))),
        ("at the threshold", {}, (bits(4, 1), fixed([[0.5], [0.4], [0.6], [0.5]]), uniform(4))),
    ),
    *_rows(
        "CategoricalAccuracy",
        ("plain", {}, (one_hot(6, 4), simplex(6, 4))),
        ("soft truth", {}, (simplex(6, 4), simplex(6, 4))),
        ("rank 3", {}, (one_hot(6, 2, 4), simplex(6, 2, 4), uniform(6, 2))),
        ("ties", {}, (one_hot(6, 3), bits(6, 3))),
    ),
    *_rows(
        "SparseCategoricalAccuracy",
        ("plain", {}, (whole(6, high=4), simplex(6, 4))),
        ("column", {}, (whole(6, 1, high=4), simplex(6, 4))),
        ("sequence", {}, (whole(6, 2, high=4), simplex(6, 2, 4), uniform(6, 2))),
        ("float truth", {}, (whole(6, high=4, dtype="float32"), simplex(6, 4))),
    ),
    *_rows(
        "TopKCategoricalAccuracy",
        ("plain", {}, (one_hot(6, 8), simplex(6, 8))),
        ("k 2", {"k": 2}, (one_hot(6, 4), simplex(6, 4))),
        ("rank 3", {"k": 2}, (one_hot(6, 2, 5), simplex(6, 2, 5), uniform(6, 2))),
    ),
    *_rows(
        "SparseTopKCategoricalAccuracy",
        ("plain", {}, (whole(6, high=8), simplex(6, 8))),
        ("k 2", {"k": 2}, (whole(6, high=4), simplex(6, 4))),
        ("k 1", {"k": 1}, (whole(6, 1, high=4), simplex(6, 4))),
        ("sequence", {"k": 2}, (whole(6, 2, high=5), simplex(6, 2, 5), uniform(6, 2))),
    ),
]
METRICS += [
    case
    for kind in ("MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError")
    for case in _rows(
        kind,
        ("plain", {}, (real(6, 3), real(6, 3))),
        ("rank 1 truth", {}, (real(6), real(6, 1))),
        ("rank 3", {}, (real(6, 2, 3), real(6, 2, 3), uniform(6, 2))),
        ("named", {"name": "distance"}, (real(6, 3), real(6, 3))),
    )
]
METRICS += [
    _metric("Mean/vector", lambda k: k.metrics.Mean(), real(6), weight=uniform(6)),
    _metric("Mean/matrix", lambda k: k.metrics.Mean(name="m"), real(6, 3), weight=uniform(6)),
    _metric("Mean/integers", lambda k: k.metrics.Mean(), whole(6, high=9), weight=uniform(6)),
    _metric("Sum/matrix", lambda k: k.metrics.Sum(), real(6, 3), weight=uniform(6, 3)),
]
METRICS += [
    case
    for kind in ("BinaryCrossentropy", "CategoricalCrossentropy")
    for case in _rows(
        kind,
        ("plain", {}, (one_hot(6, 3), simplex(6, 3))),
        ("logits", {"from_logits": True, "label_smoothing": 0.1}, (one_hot(6, 3), real(6, 3))),
    )
]
METRICS += _rows(
    "SparseCategoricalCrossentropy",
    ("plain", {}, (whole(6, high=3), simplex(6, 3))),
    ("logits", {"from_logits": True}, (whole(6, high=3), real(6, 3))),
)
METRICS += _rows("KLDivergence", ("plain", {}, (simplex(6, 3), simplex(6, 3))))
METRICS += _rows(
    "AUC",
    ("ROC", {}, (bits(12), uniform(12), uniform(12))),
    ("column", {}, (bits(12, 1), uniform(12, 1), uniform(12))),
    ("PR", {"curve": "PR"}, (bits(12), uniform(12), uniform(12))),
    ("few thresholds", {"num_thresholds": 7}, (bits(12), uniform(12), uniform(12))),
    ("own thresholds", {"thresholds": [0.2, 0.5, 0.6]}, (bits(12), uniform(12), uniform(12))),
    ("minoring", {"summation_method": "minoring"}, (bits(12), uniform(12), uniform(12))),
    (
        "PR majoring",
        {"curve": "PR", "summation_method": "majoring", "num_thresholds": 20},
        (bits(12), uniform(12), uniform(12)),
    ),
    (
        "PR minoring",
        {"curve": "PR", "summation_method": "minoring", "num_thresholds": 20},
        (bits(12), uniform(12), uniform(12)),
    ),
    (
        "ROC majoring",
        {"summation_method": "majoring", "num_thresholds": 20},
        (bits(12), uniform(12), uniform(12)),
    ),
    ("logits", {"from_logits": True}, (bits(12), real(12, scale=3.0), uniform(12))),
    (
        "multi-label",
        {"multi_label": True, "num_labels": 3},
        (bits(12, 3), uniform(12, 3), uniform(12)),
    ),
    (
        "multi-label, label weights",
        {"multi_label": True, "num_labels": 3, "label_weights": [0.2, 0.5, 0.3], "curve": "PR"},
        (bits(12, 3), uniform(12, 3), uniform(12)),
    ),
    (
        "integer truth",
        {"num_thresholds": 50},
        (bits(12, dtype="int32"), uniform(12), uniform(12)),
    ),
)
METRICS += [
    case
    for kind in ("Precision", "Recall")
    for case in _rows(
        kind,
        ("plain", {}, (bits(9), uniform(9))),
        ("column", {}, (bits(9, 1), uniform(9, 1))),
        ("threshold", {"thresholds": 0.3}, (bits(9), uniform(9))),
        ("thresholds", {"thresholds": [0.2, 0.5, 0.9]}, (bits(9), uniform(9))),
        ("uneven thresholds", {"thresholds": [0.2, 0.21, 0.9]}, (bits(9, 2), uniform(9, 2))),
        ("matrix", {}, (bits(9, 4), uniform(9, 4))),
        ("top k", {"top_k": 2}, (one_hot(9, 4), simplex(9, 4))),
        ("class", {"class_id": 1}, (bits(9, 4), uniform(9, 4))),
        ("top k of a class", {"top_k": 2, "class_id": 2}, (bits(9, 4), uniform(9, 4))),
        ("top k threshold", {"top_k": 2, "thresholds": 0.4}, (bits(9, 4), uniform(9, 4))),
        weight=uniform(9),
    )
]
METRICS += [
    case
    for kind in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
    for case in _rows(
        kind,
        ("plain", {}, (bits(9), uniform(9))),
        ("thresholds", {"thresholds": [0.2, 0.5, 0.9]}, (bits(9, 2), uniform(9, 2))),
        weight=uniform(9),
    )
]
METRICS += [
    case
    for kind in (
        *("CategoricalHinge", "CosineSimilarity", "Hinge", "LogCoshError", "Poisson"),
        *("SquaredHinge", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
    )
    for case in _rows(kind, ("plain", {}, (uniform(6, 3, low=0.1), uniform(6, 3, low=0.1))))
]
METRICS += [
    _function("binary_accuracy", "plain", bits(5, 3), uniform(5, 3)),
    _function("binary_accuracy", "threshold", bits(5, 3), uniform(5, 3), threshold=0.2),
    _function("categorical_accuracy", "plain", one_hot(5, 3), simplex(5, 3)),
    _function("sparse_categorical_accuracy", "plain", whole(5, high=3), simplex(5, 3)),
    _function("top_k_categorical_accuracy", "k 2", one_hot(5, 4), simplex(5, 4), k=2),
    _function("sparse_top_k_categorical_accuracy", "k 2", whole(5, high=4), simplex(5, 4), k=2),
    _function("mean_squared_error", "plain", real(5, 3), real(5, 3)),
    _function("mean_absolute_error", "plain", real(5, 3), real(5, 3)),
]
