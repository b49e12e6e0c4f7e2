"""Layers and models that compute in float16 and keep their weights in float32; and three layers.

Tolerance: float16 rounds at 5e-4 of a number, and the two libraries round sums at other places:
Keras keeps some partial results in float32 that kerasnb rounds, and the other way round. Four
roundings are allowed; a layer that computed in float32 by mistake would differ in its dtypes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Case
from .draw import real, weight, whole
from .layer_runner import layer
from .record import Record
from .sides import Side

__all__ = ["PRECISION"]

HALF = 2e-3


def _half(
    name: str,
    make: Callable[[Any, Any], Any],
    *inputs: Any,
    tolerance: float = HALF,
    **options: Any,
) -> Case:
    """The case of the layer ``make(keras.layers, dtype)`` with the policy ``mixed_float16``."""
    case = layer(
        f"mixed_float16/{name}", lambda k: make(k.layers, "mixed_float16"), *inputs, **options
    )
    return replace(case, tolerance=tolerance)


LAYERS = [
    _half("Dense", lambda la, d: la.Dense(4, "relu", dtype=d), real(3, 5)),
    _half("Dense/no autocast", lambda la, d: la.Dense(4, dtype=d, autocast=False), real(3, 5)),
    _half("EinsumDense", lambda la, d: la.EinsumDense("abc,cd->abd", (4, 3), dtype=d),
          real(2, 4, 5)),
    _half("Conv2D", lambda la, d: la.Conv2D(3, 3, padding="same", dtype=d), real(2, 6, 5, 2)),
    _half("DepthwiseConv2D", lambda la, d: la.DepthwiseConv2D(3, dtype=d), real(2, 6, 5, 2)),
    _half("Conv1DTranspose", lambda la, d: la.Conv1DTranspose(3, 3, 2, dtype=d), real(2, 5, 2)),
    _half("AveragePooling2D", lambda la, d: la.AveragePooling2D(2, dtype=d), real(2, 6, 4, 3)),
    _half("GlobalAveragePooling2D", lambda la, d: la.GlobalAveragePooling2D(dtype=d),
          real(2, 6, 4, 3)),
    _half("Softmax", lambda la, d: la.Softmax(dtype=d), real(3, 7, scale=4.0)),
    _half("Activation", lambda la, d: la.Activation("gelu", dtype=d), real(3, 7)),
    _half("LayerNormalization", lambda la, d: la.LayerNormalization(dtype=d),
          real(3, 8, scale=90.0)),
    _half("GroupNormalization", lambda la, d: la.GroupNormalization(2, dtype=d), real(3, 5, 4)),
    _half("RMSNormalization", lambda la, d: la.RMSNormalization(dtype=d), real(3, 8)),
    _half("BatchNormalization", lambda la, d: la.BatchNormalization(dtype=d), real(6, 4)),
    _half("BatchNormalization/training", lambda la, d: la.BatchNormalization(dtype=d), real(6, 4),
          training=True, gradients=False),
    _half("Embedding", lambda la, d: la.Embedding(9, 4, dtype=d), whole(3, 5, high=9)),
    _half("SimpleRNN", lambda la, d: la.SimpleRNN(4, dtype=d), real(2, 5, 3)),
    _half("LSTM", lambda la, d: la.LSTM(4, return_sequences=True, dtype=d), real(2, 5, 3)),
    _half("GRU", lambda la, d: la.GRU(4, dtype=d), real(2, 5, 3)),
    _half("MultiHeadAttention", lambda la, d: la.MultiHeadAttention(2, 3, use_bias=False, dtype=d),
          real(2, 5, 4), call=lambda attend, x: attend(x, x, use_causal_mask=True),
          tolerance=2 * HALF),  # gradients through four products in a row, each rounded
    _half("Add", lambda la, d: la.Add(dtype=d), real(3, 4), real(3, 4)),
    replace(
        layer("float16/Dense", lambda k: k.layers.Dense(4, dtype="float16"), real(3, 5)),
        tolerance=HALF,
    ),
    replace(
        layer(
            "policy object/Dense",
            lambda k: k.layers.Dense(4, dtype=k.mixed_precision.Policy("mixed_float16")),
            real(3, 5),
        ),
        tolerance=HALF,
    ),
    layer(
        "policy configuration/Dense",
        lambda k: k.layers.Dense(
            4, dtype={"class_name": "DTypePolicy", "config": {"name": "float64"}}
        ),
        real(3, 5),
        needs="torch",  # jax has no float64 unless it is told to
    ),
]  # fmt: skip

NEW = [
    layer("RMSNormalization/plain", lambda k: k.layers.RMSNormalization(), real(3, 5)),
    layer("RMSNormalization/axes", lambda k: k.layers.RMSNormalization([2, 1]), real(3, 4, 5)),
    layer("RMSNormalization/epsilon", lambda k: k.layers.RMSNormalization(-1, 0.3), real(3, 4, 5)),
    layer("AlphaDropout/inference", lambda k: k.layers.AlphaDropout(0.4), real(3, 5)),
    layer("AlphaDropout/cube", lambda k: k.layers.AlphaDropout(0.7, seed=1), real(3, 4, 5)),
    layer(
        "AlphaDropout/none",
        lambda k: k.layers.AlphaDropout(0.0, noise_shape=(None, 1), seed=3),
        real(3, 5),
        training=True,
    ),
    layer(
        "SpectralNormalization/inference",
        lambda k: k.layers.SpectralNormalization(k.layers.Dense(4, name="a")),
        real(3, 5),
    ),
    layer(
        "SpectralNormalization/training",
        lambda k: k.layers.SpectralNormalization(k.layers.Dense(4, name="a"), power_iterations=3),
        real(3, 5),
        training=True,
        gradients=False,  # jax differentiates through the division, torch does not
    ),
    layer(
        "SpectralNormalization/convolution",
        lambda k: k.layers.SpectralNormalization(k.layers.Conv2D(3, 2, name="a")),
        real(2, 4, 5, 2),
        training=True,
        gradients=False,
    ),
]


def _mlp(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(8, activation="relu", name="a"),
            k.layers.BatchNormalization(name="b"),
            k.layers.Dense(3, activation="softmax", name="c"),
        ]
    )


def _last_in_float32(k: Any) -> Any:
    inputs = k.Input((6,), name="x")
    x = k.layers.Dense(8, activation="tanh", name="a")(inputs)
    x = k.layers.LayerNormalization(name="b")(x)
    outputs = k.layers.Dense(3, activation="softmax", dtype="float32", name="c")(x)
    return k.Model(inputs, outputs)


def _recurrent(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((5,), dtype="int32"),
            k.layers.Embedding(9, 4, name="a"),
            k.layers.GRU(6, name="b"),
            k.layers.Dense(3, name="c"),
            k.layers.Activation("softmax", dtype="float32", name="d"),
        ]
    )


def _training(name: str, make: Callable, inputs: Any, optimizer: Callable, **options: Any) -> Case:
    """Three steps of a model that is made and compiled under ``mixed_float16``."""

    def run(side: Side, rng: Any, record: Record) -> None:
        k = side.keras
        before = k.config.dtype_policy()
        k.config.set_dtype_policy("mixed_float16")
        try:
            model = make(k)
            model.compile(
                optimizer(k), "sparse_categorical_crossentropy", metrics=["accuracy"], **options
            )
            _steps(side, model, inputs, rng, record)
        finally:
            k.config.set_dtype_policy(before)

    return Case(f"models/mixed_float16/{name}", run, tolerance=4 * HALF)


def _steps(side: Side, model: Any, inputs: Any, rng: Any, record: Record) -> None:
    model.set_weights([weight(rng, w.name, tuple(w.shape)) for w in model.weights])
    x, y = inputs(rng), rng.integers(0, 3, 7).astype("int32")
    for step in range(3):
        logs = model.train_on_batch(x, y, return_dict=True)
        record.values[f"loss {step}"] = np.float32(logs["loss"])
    for i, w in enumerate(model.weights):
        record.values[f"weight {i}"] = side.array(w)
    predicted = model.predict_on_batch(x)
    record.values["predicted"] = predicted
    record.facts["predicted"] = str(predicted.dtype)
    record.facts["dtypes"] = [[w.name, str(w.dtype)] for w in model.weights]
    record.facts["optimizer"] = type(model.optimizer).__name__
    record.facts["slots"] = [v.name for v in model.optimizer.variables[:4]]
    if hasattr(model.optimizer, "dynamic_scale"):
        record.values["scale"] = side.array(model.optimizer.dynamic_scale)
    record.facts["policies"] = [la.dtype_policy.name for la in model.layers if la.weights]


MODELS = [
    _training("mlp", _mlp, real(7, 6), lambda k: k.optimizers.SGD(0.1, momentum=0.5)),
    _training("functional", _last_in_float32, real(7, 6), lambda k: k.optimizers.Adam(0.02)),
    _training("recurrent", _recurrent, whole(7, 5, high=9), lambda k: k.optimizers.SGD(0.1)),
    _training(
        "growing",
        _mlp,
        real(7, 6),
        lambda k: k.mixed_precision.LossScaleOptimizer(
            k.optimizers.SGD(0.05), initial_scale=64.0, dynamic_growth_steps=2
        ),
    ),
    _training(
        "too large at first",
        _last_in_float32,
        real(7, 6),
        lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.SGD(0.05), initial_scale=2.0**22),
    ),
    _training(
        "not scaled", _mlp, real(7, 6), lambda k: k.optimizers.SGD(0.05), auto_scale_loss=False
    ),
]

PRECISION = [*LAYERS, *NEW, *MODELS]
