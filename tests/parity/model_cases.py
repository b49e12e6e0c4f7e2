"""Whole models: three training steps from given weights, and `fit` with all its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case
from .draw import bits, one_hot, real, uniform, weight, whole
from .record import Record
from .sides import Side

__all__ = ["MODELS"]


def _mlp(k: Any) -> Any:
    model = k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(8, activation="relu", kernel_regularizer=k.regularizers.L2(0.01)),
            k.layers.Dense(7, activation="tanh", kernel_constraint=k.constraints.MaxNorm(1.0)),
            k.layers.Dense(3, activation="softmax"),
        ],
        name="mlp",
    )
    model.compile(
        optimizer=k.optimizers.Adam(0.05),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _cnn(k: Any) -> Any:
    model = k.Sequential(
        [
            k.Input((9, 8, 2)),
            k.layers.Conv2D(4, 3, padding="same", activation="relu"),
            k.layers.MaxPooling2D(),
            k.layers.Conv2D(5, (3, 2), use_bias=False),
            k.layers.BatchNormalization(momentum=0.8),
            k.layers.ReLU(),
            k.layers.GlobalAveragePooling2D(),
            k.layers.Dense(3),
        ],
        name="cnn",
    )
    model.compile(
        optimizer=k.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        loss=k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=[k.metrics.CategoricalAccuracy(), "mse"],
    )
    return model


def _lstm(k: Any) -> Any:
    model = k.Sequential(
        [
            k.Input((7,), dtype="int32"),
            k.layers.Embedding(11, 5),
            k.layers.LSTM(6, return_sequences=True),
            k.layers.LSTM(4),
            k.layers.Dense(1, activation="sigmoid"),
        ],
        name="lstm",
    )
    model.compile(
        optimizer=k.optimizers.RMSprop(0.02, momentum=0.5),
        loss="binary_crossentropy",
        metrics=["accuracy", k.metrics.AUC(num_thresholds=20, name="auc")],
    )
    return model


def _transformer(k: Any) -> Any:
    words = k.Input((7,), dtype="int32", name="words")
    x = k.layers.Embedding(11, 6, name="embed")(words)
    # no bias: that of the keys changes nothing, and its rounding would decide where Adam moves it
    attend = k.layers.MultiHeadAttention(2, 3, use_bias=False, name="attend")
    x = k.layers.Add(name="sum")([x, attend(x, x, use_causal_mask=True)])
    x = k.layers.LayerNormalization(name="normal")(x)
    lifted = k.layers.Dense(6, activation="relu", name="lift")(x)
    x = k.layers.Add(name="again")([x, lifted])
    kind = k.layers.Dense(3, activation="softmax", name="kind")(x)
    model = k.Model(words, kind, name="transformer")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _branches(k: Any) -> Any:
    left, right = k.Input((5,), name="left"), k.Input((4,), name="right")
    shared = k.layers.Dense(6, activation="tanh", name="shared")
    a = shared(k.layers.Dense(6, name="lift")(left))
    b = shared(k.layers.Dense(6, activation="relu", name="raise")(right))
    joined = k.layers.Concatenate(name="join")([a, k.layers.Multiply(name="times")([a, b]), b])
    kind = k.layers.Dense(3, activation="softmax", name="kind")(joined)
    size = k.layers.Dense(1, name="size")(joined)
    model = k.Model(
        inputs={"left": left, "right": right}, outputs={"kind": kind, "size": size}, name="branches"
    )
    model.compile(
        optimizer=k.optimizers.AdamW(0.05, weight_decay=0.01, clipnorm=1.0),
        loss={"kind": "categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    return model


def _lists(k: Any) -> Any:
    left, right = k.Input((5,)), k.Input((4,))
    a = k.layers.Dense(6, activation="relu", name="a")(left)
    b = k.layers.Dense(6, activation="sigmoid", name="b")(right)
    both = a * b + 0.5
    outputs = [
        k.layers.Dense(2, name="first")(both),
        k.layers.Dense(1, activation="sigmoid", name="second")(both),
    ]
    model = k.Model([left, right], outputs, name="lists")
    model.compile(
        optimizer=k.optimizers.SGD(0.2, clipvalue=0.5),
        loss=["mse", "binary_crossentropy"],
        metrics=[["mae"], ["accuracy"]],
    )
    return model


def _scheduled(k: Any) -> Any:
    frozen = k.layers.Dense(5, activation="tanh", trainable=False)
    model = k.Sequential([k.Input((6,)), frozen, k.layers.Dropout(0.0), k.layers.Dense(1)])
    schedule = k.optimizers.schedules.ExponentialDecay(0.2, 3, 0.5)
    model.compile(
        optimizer=k.optimizers.Adam(schedule, global_clipnorm=0.5),
        loss=k.losses.Huber(0.7),
        metrics=[k.metrics.RootMeanSquaredError()],
        weighted_metrics=["mae"],
    )
    return model


def _start(model: Any, rng: Any) -> None:
    model.set_weights([weight(rng, w.path.lower(), tuple(w.shape)) for w in model.weights])


def _end(side: Side, model: Any, record: Record) -> None:
    for at, value in enumerate(model.get_weights()):
        record.values[f"weight {at}"] = np.asarray(value)
    record.facts["weights"] = [[w.name, list(w.shape)] for w in model.weights]
    record.facts["parameters"] = int(model.count_params())


def _steps(name: str, make: Callable[[Any], Any], x: Callable, y: Callable) -> Case:
    """The case of three training steps: logs, weights, then what the model says."""

    def run(side: Side, rng: Any, record: Record) -> None:
        model = make(side.keras)
        _start(model, rng)
        for at in range(3):
            logs = model.train_on_batch(x(rng), y(rng), return_dict=True)
            record.values |= {f"step {at} {key}": np.asarray(logs[key]) for key in logs}
        _end(side, model, record)
        x_new, y_new = x(rng), y(rng)
        logs = model.test_on_batch(x_new, y_new)
        record.values["test_on_batch"] = np.array([float(value) for value in logs])
        record.values["evaluate"] = np.array(model.evaluate(x_new, y_new, batch_size=3, verbose=0))
        record.values["predict"] = model.predict(x_new, batch_size=3, verbose=0)
        record.values["predict_on_batch"] = np.asarray(model.predict_on_batch(x_new))
        record.facts["config"] = model.get_config()

    return Case(f"models/{name}", run)


def _fit(name: str, make: Callable[[Any], Any], data: Callable, **options: Any) -> Case:
    """The case of `fit` without shuffling: history and weights; `data` draws the arguments."""

    def run(side: Side, rng: Any, record: Record) -> None:
        model = make(side.keras)
        _start(model, rng)
        arguments = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0} | options
        history = model.fit(**data(rng), **arguments)
        record.values |= {
            f"history {key}": np.array(history.history[key]) for key in history.history
        }
        record.facts["epochs"] = list(history.epoch)
        _end(side, model, record)

    return Case(f"fit/{name}", run)


def _draws(**drawings: Any) -> Callable[[Any], dict[str, Any]]:
    """Return a drawing of keyword arguments; dicts, lists and tuples of drawings nest."""

    def draw(drawing: Any, rng: Any) -> Any:
        if isinstance(drawing, dict):
            return {key: draw(item, rng) for key, item in drawing.items()}
        if isinstance(drawing, (list, tuple)):
            return type(drawing)(draw(item, rng) for item in drawing)
        return drawing(rng)

    return lambda rng: draw(drawings, rng)


# ten samples in batches of four: the last batch is smaller
TABLE = {"x": real(10, 6), "y": whole(10, high=3)}
NUMBERS = {"x": real(10, 6), "y": real(10, 1)}
NAMED = {
    "x": {"left": real(10, 5), "right": real(10, 4)},
    "y": {"kind": one_hot(10, 3), "size": real(10, 1)},
}
LISTS = {"x": [real(10, 5), real(10, 4)], "y": [real(10, 2), bits(10, 1)]}

MODELS = [
    _steps("mlp", _mlp, real(5, 6), whole(5, high=3)),
    _steps("cnn", _cnn, real(4, 9, 8, 2), one_hot(4, 3)),
    _steps("lstm", _lstm, whole(5, 7, high=11), bits(5, 1)),
    _steps("transformer", _transformer, whole(5, 7, high=11), whole(5, 7, high=3)),
    _steps("scheduled", _scheduled, real(5, 6), real(5, 1)),
    _fit("plain", _mlp, _draws(**TABLE)),
    _fit("one batch", _mlp, _draws(**TABLE), batch_size=32),
    _fit("class weight", _mlp, _draws(**TABLE), class_weight={0: 0.5, 1: 2.0, 2: 1.5}),
    _fit("sample weight", _mlp, _draws(**TABLE, sample_weight=uniform(10))),
    _fit("validation split", _mlp, _draws(**TABLE), validation_split=0.3),
    _fit("validation data", _mlp, _draws(**TABLE, validation_data=(real(5, 6), whole(5, high=3)))),
    _fit(
        "validation weights",
        _mlp,
        _draws(**TABLE, validation_data=(real(5, 6), whole(5, high=3), uniform(5))),
    ),
    _fit("steps and start", _mlp, _draws(**TABLE), steps_per_epoch=1, initial_epoch=1, epochs=4),
    _fit("schedule", _scheduled, _draws(**NUMBERS)),
    _fit("schedule weights", _scheduled, _draws(**NUMBERS, sample_weight=uniform(10))),
    _fit("named", _branches, _draws(**NAMED)),
    _fit(
        "named weights",
        _branches,
        _draws(**NAMED, sample_weight={"kind": uniform(10), "size": uniform(10)}),
    ),
    _fit("lists", _lists, _draws(**LISTS)),
    _fit("lists validation", _lists, _draws(**LISTS), validation_split=0.25),
    _fit("cnn", _cnn, _draws(x=real(6, 9, 8, 2), y=one_hot(6, 3))),
    _fit(
        "cnn class weight", _cnn, _draws(x=real(6, 9, 8, 2), y=one_hot(6, 3)), class_weight={0: 3.0}
    ),
    _fit("lstm", _lstm, _draws(x=whole(6, 7, high=11), y=bits(6, 1))),
]


def _functional_config(side: Side, rng: Any, record: Record) -> None:
    record.facts["config"] = _branches(side.keras).get_config()


MODELS.append(Case("models/functional config", _functional_config))
