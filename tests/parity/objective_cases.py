"""Losses, metrics and optimizers that Keras has beside the usual ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Case, config_facts
from .draw import Draw, bits, fixed, one_hot, real, simplex, uniform, whole
from .loss_cases import _function as function_case
from .loss_cases import _loss as loss_case
from .metric_cases import _metric as metric_case
from .optimizer_cases import COMMON
from .optimizer_cases import _optimizer as optimizer_case
from .optimizer_cases import _title as title
from .record import Record
from .sides import Side

__all__ = ["OBJECTIVES"]


def _unit(*shape: int) -> Draw:
    """Rows of length 1."""

    def drawing(rng: Any) -> np.ndarray:
        rows = rng.standard_normal(shape)
        return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype("float32")

    return drawing


def _losses(kind: str, *rows: tuple) -> list[Case]:
    """Rows of a title, options, and drawings of targets, predictions and perhaps weights."""
    return [
        loss_case(f"{kind}/{name}", lambda k, o=options: getattr(k.losses, kind)(**o), *drawings)
        for name, options, drawings in rows
    ]


PAIRS = (bits(4, 3), uniform(4, 3, low=0.05, high=0.95))
CLASSES = (one_hot(4, 3), simplex(4, 3))
SPOKEN = fixed([[1, 2, 2, 0], [3, 1, 0, 0], [1, 1, 1, 2], [4, 0, 0, 0]], "int32")

LOSSES = [
    *_losses(
        "BinaryFocalCrossentropy",
        ("plain", {}, PAIRS),
        ("gamma", {"gamma": 3.5, "label_smoothing": 0.1}, PAIRS),
        ("balanced", {"apply_class_balancing": True, "alpha": 0.4}, (*PAIRS, uniform(4))),
        ("logits", {"from_logits": True, "axis": 0, "reduction": None}, (bits(4, 3), real(4, 3))),
        ("rank 3", {"reduction": "sum"}, (bits(2, 3, 5), uniform(2, 3, 5), uniform(2, 3))),
    ),
    *_losses(
        "CategoricalFocalCrossentropy",
        ("plain", {}, CLASSES),
        ("gamma", {"gamma": 0.5, "alpha": 0.6, "label_smoothing": 0.2}, CLASSES),
        ("logits", {"from_logits": True, "reduction": "sum"}, (one_hot(4, 3), real(4, 3))),
        ("weights", {"reduction": None}, (one_hot(2, 3, 5), simplex(2, 3, 5), uniform(2, 3))),
    ),
    *_losses(
        "CategoricalGeneralizedCrossEntropy",
        ("plain", {}, (whole(4, high=3), simplex(4, 3))),
        ("q", {"q": 0.9, "reduction": None}, (whole(4, high=3), simplex(4, 3))),
        ("sequence", {"q": 0.2}, (whole(2, 3, high=5), simplex(2, 3, 5), uniform(2, 3))),
    ),
    *_losses(
        "Dice",
        ("plain", {}, PAIRS),
        ("axis", {"axis": (1, 2), "reduction": None}, (bits(3, 4, 5), uniform(3, 4, 5))),
        ("one axis", {"axis": 1}, (bits(3, 4, 5), uniform(3, 4, 5))),
        ("weights", {"axis": 1, "reduction": "sum"}, (bits(3, 4), uniform(3, 4), uniform(3))),
    ),
    *_losses(
        "Tversky",
        ("plain", {}, PAIRS),
        ("uneven", {"alpha": 0.3, "beta": 0.9}, PAIRS),
        ("axis", {"axis": (1, 2), "alpha": 0.7}, (bits(3, 4, 5), uniform(3, 4, 5))),
    ),
    *_losses(
        "Circle",
        ("plain", {}, (fixed([0, 1, 0, 2, 1, 0], "int32"), _unit(6, 4))),
        ("alone", {}, (fixed([0, 1, 2, 3], "int32"), _unit(4, 3))),
        (
            "all",
            {"gamma": 8.0, "margin": 0.2, "remove_diagonal": False, "reduction": None},
            (fixed([0, 1, 0, 2, 1, 0], "int32"), _unit(6, 4)),
        ),
        ("column", {"reduction": "sum"}, (fixed([[0], [1], [0]], "int32"), _unit(3, 5))),
    ),
    *_losses(
        "CTC",
        ("plain", {}, (SPOKEN, real(4, 9, 5))),
        ("each", {"reduction": None}, (SPOKEN, real(4, 7, 5, scale=3.0))),
        ("just enough steps", {}, (fixed([[1, 1, 2]], "int32"), real(1, 4, 3))),
        ("nothing said", {"reduction": "sum"}, (fixed([[0, 0], [2, 0]], "int32"), real(2, 3, 4))),
        ("weights", {}, (SPOKEN, real(4, 9, 5), uniform(4))),
    ),
    function_case("binary_focal_crossentropy", "gamma", *PAIRS, gamma=1.0),
    function_case("binary_focal_crossentropy", "logits", bits(3, 4), real(3, 4), from_logits=True),
    function_case(
        "binary_focal_crossentropy", "smooth", *PAIRS, apply_class_balancing=True,
        label_smoothing=0.1,
    ),
    function_case("categorical_focal_crossentropy", "alpha", *CLASSES, alpha=0.5),
    function_case("categorical_focal_crossentropy", "gamma", *CLASSES, gamma=0.7),
    function_case(
        "categorical_focal_crossentropy", "logits", one_hot(4, 3), real(4, 3), from_logits=True,
        label_smoothing=0.2,
    ),
    function_case(
        "categorical_generalized_cross_entropy", "q", whole(4, high=3), simplex(4, 3), q=0.3
    ),
    function_case(
        "categorical_generalized_cross_entropy", "most", whole(4, high=3), simplex(4, 3), q=0.99
    ),
    function_case(
        "categorical_generalized_cross_entropy", "sequence", whole(2, 3, high=4),
        simplex(2, 3, 4), q=0.5,
    ),
    function_case("dice", "plain", *PAIRS),
    function_case("dice", "axis", *PAIRS, axis=1),
    function_case("dice", "axes", bits(3, 4, 5), uniform(3, 4, 5), axis=(1, 2)),
    function_case("tversky", "plain", *PAIRS),
    function_case("tversky", "axis", *PAIRS, axis=0, alpha=0.2),
    function_case("tversky", "axes", bits(3, 4, 5), uniform(3, 4, 5), axis=(1, 2), beta=0.9),
    function_case("circle", "plain", fixed([0, 1, 0, 1], "int32"), _unit(4, 3)),
    function_case("circle", "gamma", fixed([0, 1, 0, 1, 1], "int32"), _unit(5, 3), gamma=8.0),
    function_case("circle", "margin", fixed([0, 1, 1, 0], "int32"), _unit(4, 6), margin=0.1),
    function_case("ctc", "plain", SPOKEN, real(4, 6, 5)),
    function_case("ctc", "long", SPOKEN, real(4, 11, 5)),
    function_case("ctc", "sure", SPOKEN, real(4, 8, 5, scale=4.0)),
]  # fmt: skip


def _metrics(kind: str, weight: Draw, *rows: tuple, reset: bool = True) -> list[Case]:
    return [
        metric_case(
            f"{kind}/{name}",
            lambda k, o=options: getattr(k.metrics, kind)(**o),
            *drawings,
            weight=weight,
            reset=reset,
        )
        for name, options, drawings in rows
    ]


WEIGHTS = whole(6, high=4)  # these metrics count in whole numbers
MASKS = (whole(6, high=3), whole(6, high=3))
RATES = (bits(7), uniform(7))

METRICS = [
    *_metrics(
        "IoU",
        WEIGHTS,
        ("plain", {"num_classes": 3, "target_class_ids": [0]}, MASKS),
        ("ignored", {"num_classes": 3, "target_class_ids": [0, 2], "ignore_class": 1}, MASKS),
        ("out of range", {"num_classes": 2, "target_class_ids": [1]}, MASKS),
    ),
    *_metrics(
        "MeanIoU",
        WEIGHTS,
        ("plain", {"num_classes": 3}, MASKS),
        ("a class is missing", {"num_classes": 5, "name": "overlap"}, MASKS),
        ("values", {"num_classes": 3, "sparse_y_pred": False}, (whole(6, high=3), simplex(6, 3))),
        ("float", {"num_classes": 3, "dtype": "float32"}, MASKS),
    ),
    *_metrics(
        "BinaryIoU",
        WEIGHTS,
        ("plain", {}, (bits(6), uniform(6))),
        ("threshold", {"threshold": 0.3, "target_class_ids": [1]}, (bits(6), uniform(6))),
        ("named", {"threshold": 0.7, "name": "overlap"}, (bits(6), uniform(6))),
    ),
    *_metrics(
        "OneHotIoU",
        WEIGHTS,
        ("plain", {"num_classes": 3, "target_class_ids": [0, 2]}, (one_hot(6, 3), simplex(6, 3))),
        (
            "numbers",
            {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": True},
            (one_hot(6, 3), whole(6, high=3)),
        ),
        (
            "ignored",
            {"num_classes": 4, "target_class_ids": [1, 3], "ignore_class": 0},
            (one_hot(6, 4), simplex(6, 4)),
        ),
    ),
    *_metrics(
        "OneHotMeanIoU",
        WEIGHTS,
        ("plain", {"num_classes": 3}, (one_hot(6, 3), simplex(6, 3))),
        ("ignored", {"num_classes": 3, "ignore_class": 2}, (one_hot(6, 3), simplex(6, 3))),
        (
            "numbers",
            {"num_classes": 3, "sparse_y_pred": True, "name": "overlap"},
            (one_hot(6, 3), whole(6, high=3)),
        ),
    ),
    *_metrics(
        "F1Score",
        uniform(6),
        ("plain", {}, (one_hot(6, 3), simplex(6, 3))),
        ("micro", {"average": "micro", "threshold": 0.5}, (bits(6, 3), uniform(6, 3))),
        ("macro", {"average": "macro", "threshold": 0.3}, (bits(6, 3), uniform(6, 3))),
        reset=False,
    ),
    *_metrics(
        "FBetaScore",
        uniform(6),
        ("weighted", {"average": "weighted", "beta": 2.0}, (one_hot(6, 3), simplex(6, 3))),
        ("each", {"beta": 0.5, "threshold": 0.4}, (bits(6, 3), uniform(6, 3))),
        ("micro", {"average": "micro", "beta": 3.0}, (one_hot(6, 4), simplex(6, 4))),
        reset=False,
    ),
    *_metrics(
        "R2Score",
        uniform(6),
        ("plain", {}, (real(6, 2), real(6, 2))),
        ("each", {"class_aggregation": None}, (real(6, 3), real(6, 3))),
        ("variance", {"class_aggregation": "variance_weighted_average"}, (real(6, 3), real(6, 3))),
        ("adjusted", {"num_regressors": 3}, (real(6, 1), real(6, 1))),
        reset=False,
    ),
    *_metrics(
        "PearsonCorrelation",
        uniform(6),
        ("plain", {}, (real(6, 4), real(6, 4))),
        ("name", {"axis": -1, "name": "r"}, (real(6, 7), real(6, 7, scale=3.0))),
        ("axis", {"axis": 1}, (real(6, 4, 2), real(6, 4, 2))),
    ),
    *_metrics(
        "ConcordanceCorrelation",
        uniform(6),
        ("plain", {}, (real(6, 4), real(6, 4))),
        ("name", {"axis": -1, "name": "c"}, (real(6, 7), real(6, 7, scale=3.0))),
        ("axis", {"axis": -2}, (real(6, 4, 2), real(6, 4, 2))),
    ),
]
METRICS += [
    case
    for kind in (
        "SensitivityAtSpecificity",
        "SpecificityAtSensitivity",
        "PrecisionAtRecall",
        "RecallAtPrecision",
    )
    for case in _metrics(
        kind,
        uniform(7),
        ("plain", {kind.split("At")[1].lower(): 0.5}, RATES),
        ("few", {kind.split("At")[1].lower(): 0.8, "num_thresholds": 5}, RATES),
        ("one", {kind.split("At")[1].lower(): 0.2, "num_thresholds": 1}, RATES),
        (
            "class",
            {kind.split("At")[1].lower(): 0.6, "class_id": 1},
            (bits(7, 3), uniform(7, 3)),
        ),
        (
            "ends",
            {kind.split("At")[1].lower(): 0.3, "num_thresholds": 11},
            (bits(7), fixed([0, 0.5, 1, 0.1, 0, 1, 0.9])),
        ),
    )
]


def _function(name: str, heading: str, y_true: Draw, y_pred: Draw, **options: Any) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        truth, guess = side.tensor(y_true(rng)), side.tensor(y_pred(rng))
        value = getattr(side.keras.metrics, name)(truth, guess, **options)
        record.values["value"] = side.array(value)
        record.facts["dtype"] = side.dtype(value)

    return Case(f"metrics/{name}/{heading}", run)


METRICS += [
    _function("pearson_correlation", "plain", real(4, 5), real(4, 5)),
    _function("pearson_correlation", "axis", real(4, 5), real(4, 5), axis=0),
    _function("pearson_correlation", "cube", real(4, 5, 3), real(4, 5, 3), axis=1),
    _function("concordance_correlation", "plain", real(4, 5), real(4, 5)),
    _function("concordance_correlation", "axis", real(4, 5), real(4, 5), axis=0),
    _function("concordance_correlation", "cube", real(4, 5, 3), real(4, 5, 3), axis=1),
]

KINDS: dict[str, list[dict[str, Any]]] = {
    "Adafactor": [
        {},
        {"relative_step": False, "clip_threshold": 0.5},
        {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 0.1},
    ],
    "Ftrl": [
        {},
        {"l1_regularization_strength": 0.3, "l2_regularization_strength": 0.1},
        {"learning_rate_power": -0.3, "initial_accumulator_value": 0.5, "beta": 0.4},
        {"l2_shrinkage_regularization_strength": 0.2},
    ],
    "Lamb": [{}, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}],
    "Lion": [{}, {"beta_1": 0.5, "beta_2": 0.7}],
    "Muon": [
        {},
        {"nesterov": False, "momentum": 0.8, "ns_steps": 3},
        {"exclude_layers": ["kernel"], "adam_lr_ratio": 0.5, "adam_weight_decay": None},
        {"rms_rate": None, "weight_decay": None},
    ],
    "ScheduleFreeAdamW": [{}, {"beta_1": 0.7, "beta_2": 0.9, "warmup_steps": 5}],
}


def _made(kind: str, **options: Any) -> Callable[[Any], Any]:
    return lambda k: getattr(k.optimizers, kind)(learning_rate=0.3, **options)


OPTIMIZERS = [
    optimizer_case(f"{kind}/{title(options)}", _made(kind, **options))
    for kind, own in KINDS.items()
    for options in (*own, *COMMON)
]
OPTIMIZERS += [
    optimizer_case(f"{kind}/defaults", lambda k, kind=kind: getattr(k.optimizers, kind)())
    for kind in KINDS
]
# Keras takes 1 - 0.999 in float32, which leaves five digits; and on torch it overwrites the newest
# weights before it reads them
OPTIMIZERS = [
    replace(case, tolerance=3e-5, needs="jax") if "ScheduleFree" in case.name else case
    for case in OPTIMIZERS
]


def _explode(optimizer: Any, variables: list[Any]) -> None:
    optimizer.apply([np.full(v.shape, np.inf, "float32") for v in variables], variables)


# not on jax, where Keras's is for compiled steps only; and with inner optimizers that are the same
# class on every backend
OPTIMIZERS += [
    replace(
        optimizer_case(
            f"LossScaleOptimizer/{name}",
            lambda k, inner=inner, o=options: k.optimizers.LossScaleOptimizer(inner(k), **o),
            **around,
        ),
        needs="torch",
    )
    for name, inner, options, around in (
        ("plain", lambda k: k.optimizers.Lamb(0.3), {}, {}),
        (
            "grows",
            lambda k: k.optimizers.Ftrl(0.3),
            {"initial_scale": 4.0, "dynamic_growth_steps": 2, "name": "scaled"},
            {"steps": 5},
        ),
        (
            "infinite at first",
            lambda k: k.optimizers.Lamb(0.3, weight_decay=0.1),
            {"initial_scale": 8.0},
            {"before": _explode},
        ),
        (
            "infinite at last",
            lambda k: k.optimizers.Lamb(0.3, use_ema=True),
            {"initial_scale": 8.0, "dynamic_growth_steps": 2},
            {"after": _explode},
        ),
    )
]


def _policy(name: str, make: Callable[[Any], Any]) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        policy = make(side.keras)
        record.facts["types"] = [policy.name, policy.compute_dtype, policy.variable_dtype]
        record.facts["written"] = side.keras.dtype_policies.serialize(policy)
        record.facts["shown"] = repr(policy)
        config_facts(record, policy)

    return Case(f"policies/{name}", run)


POLICIES = [
    _policy("mixed", lambda k: k.DTypePolicy("mixed_float16")),
    _policy("one type", lambda k: k.dtype_policies.get("float64")),
    _policy("in force", lambda k: k.dtype_policies.get(None)),
    _policy(
        "configuration",
        lambda k: k.dtype_policies.deserialize(
            {"class_name": "DTypePolicy", "config": {"name": "float16"}}
        ),
    ),
    _policy("legacy", lambda k: k.mixed_precision.Policy("int8")),
]

OBJECTIVES = [*LOSSES, *METRICS, *OPTIMIZERS, *POLICIES]
