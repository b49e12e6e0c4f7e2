"""Masks: what each layer makes of one, and what it does to losses and metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .case import Case
from .draw import bits, real, uniform, weight, whole
from .model_cases import _draws, _fit, _steps
from .record import Record
from .sides import Side

__all__ = ["MASKS"]

SEEN = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)
OTHERS = np.array([[1, 0, 0, 1], [0, 1, 1, 0]], bool)


def _through(
    title: str,
    make: Callable[[Any], Any],
    call: Callable[..., Any] = lambda layer, x, y, free: layer(x),
    eager: bool = True,
    compiled: bool = False,
) -> Case:
    """The case of a layer that gets sequences `x` and `y` with masks, and `free` without one.

    In a functional model, which is run by `predict` if `compiled`, and, if `eager`, by itself.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        k = side.keras
        given = [real(2, 4, 3)(rng) for _ in range(3)]
        for array, seen in zip(given, (SEEN, OTHERS), strict=False):
            array[~seen] = 0.0
        layer = make(k)
        record.facts["supports masking"] = bool(layer.supports_masking)
        with warnings.catch_warnings():  # both warn where a mask is dropped
            warnings.simplefilter("ignore")
            inputs = [k.Input((4, 3)) for _ in given]
            ends = call(layer, *(k.layers.Masking()(i) for i in inputs[:2]), inputs[2])
            # an input that nothing reads is an error
            rest = [k.layers.Identity()(i) for i in inputs]
            model = k.Model(inputs, [*_leaves(ends), *rest])
            model.set_weights([weight(rng, w.path.lower(), tuple(w.shape)) for w in model.weights])
            count = len(_leaves(ends))
            if compiled:
                outputs = [np.asarray(y) for y in model.predict(given, verbose=0)]
            else:
                outputs = [side.array(y) for y in model([side.tensor(a) for a in given])]
            for at, y in enumerate(outputs[:count]):
                record.values[f"of a model {at}"] = y
            record.facts["symbolic masks"] = [
                None if m is None else list(m.shape) for m in map(side.mask, _leaves(ends))
            ]
            if not eager:
                return
            x, y, free = (side.tensor(array) for array in given)
            ends = call(layer, k.layers.Masking()(x), k.layers.Masking()(y), free)
        for at, end in enumerate(_leaves(ends)):
            record.values[f"output {at}"] = side.array(end)
            mask = side.mask(end)
            record.facts[f"mask {at}"] = None if mask is None else side.array(mask).tolist()

    return Case(f"masks/{title}", run)


def _leaves(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _plain(kind: str, *arguments: Any, title: str = "", **options: Any) -> Case:
    return _through(
        f"{kind}/{title}" if title else kind,
        lambda k: getattr(k.layers, kind)(*arguments, **options),
        compiled=kind in ("LSTM", "GRU", "GlobalAveragePooling1D", "Masking"),
    )


def _both(kind: str, title: str = "", **options: Any) -> list[Case]:
    """The cases of a layer of two inputs: both masked, and the first, and the second."""
    pairs = {
        "both": lambda layer, x, y, free: layer([x, y]),
        "first": lambda layer, x, y, free: layer([x, free]),
        "second": lambda layer, x, y, free: layer([free, y]),
    }
    return [
        _through(
            f"{kind}/{title}{name}",
            lambda k: getattr(k.layers, kind)(**options),
            call,
            compiled=name == "both" and kind in ("Add", "Concatenate", "Maximum", "Attention"),
        )
        for name, call in pairs.items()
    ]


LAYERS = [
    _plain("Dense", 2),
    _plain("Activation", "relu"),
    _plain("ReLU"),
    _plain("LeakyReLU"),
    _plain("PReLU"),
    _plain("ELU"),
    _plain("Identity"),
    _plain("Dropout", 0.5),
    _plain("SpatialDropout1D", 0.5),
    _plain("GaussianNoise", 0.5),
    _plain("GaussianDropout", 0.5),
    _plain("ActivityRegularization", l2=0.1),
    _plain("BatchNormalization"),
    _plain("LayerNormalization"),
    _plain("GroupNormalization", 3),
    _plain("UnitNormalization"),
    _plain("Flatten"),
    _plain("Reshape", (6, 2)),
    _plain("Permute", (2, 1)),
    _plain("ZeroPadding1D", 1),
    _plain("Cropping1D", 1),
    _plain("UpSampling1D", 2),
    _plain("Conv1D", 2, 3),
    _plain("MaxPooling1D", 2),
    _plain("AveragePooling1D", 2),
    _plain("GlobalMaxPooling1D"),
    _plain("GlobalAveragePooling1D"),
    _plain("GlobalAveragePooling1D", title="keepdims", keepdims=True),
    _plain("EinsumDense", "abc,cd->abd", (4, 2)),
    _plain("Masking", 0.5),
    _plain("Masking", title="zero"),
    _plain("LSTM", 2),
    _plain("GRU", 2, return_sequences=True),
    _plain("SimpleRNN", 2, return_sequences=True, go_backwards=True),
    _plain("LSTM", 2, title="zeros", return_sequences=True, zero_output_for_mask=True),
    _plain("LSTM", 2, title="states", return_sequences=True, return_state=True),
    _through("Lambda", lambda k: k.layers.Lambda(lambda x: 2 * x)),
    _through(
        "Lambda/mask",
        lambda k: k.layers.Lambda(lambda x: 2 * x, mask=lambda x, mask: k.ops.logical_not(mask)),
    ),
    _through(
        "Lambda/takes",
        lambda k: k.layers.Lambda(
            lambda x, mask=None: x * k.ops.expand_dims(k.ops.cast(mask, "float32"), -1),
            output_shape=(4, 3),
        ),
    ),
    _through(
        "LSTM/initial state",
        lambda k: k.layers.LSTM(3, return_sequences=True),
        lambda layer, x, y, free: layer(x, initial_state=[free[:, 0], free[:, 1]]),
    ),
    _through(
        "MultiHeadAttention/itself",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        lambda layer, x, y, free: layer(x, x),
        eager=False,  # eagerly Keras takes the masks off the inputs
        compiled=True,
    ),
    _through(
        "MultiHeadAttention/other",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        lambda layer, x, y, free: layer(x, y),
    ),
    _through(
        "MultiHeadAttention/free",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        lambda layer, x, y, free: layer(free, y),
    ),
    _through(
        "RNN/stack",
        lambda k: k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)], return_sequences=True),
    ),
    _through("TimeDistributed/Dense", lambda k: k.layers.TimeDistributed(k.layers.Dense(2))),
    *(
        _through(
            f"Bidirectional/{mode} {'all' if every else 'last'}",
            compiled=every and mode == "concat",
            make=lambda k, mode=mode, every=every: k.layers.Bidirectional(
                k.layers.GRU(2, return_sequences=every), merge_mode=mode
            ),
        )
        for mode in ("concat", "sum", "mul", "ave", None)
        for every in (False, True)
    ),
    *(case for kind in ("Add", "Subtract", "Multiply", "Average") for case in _both(kind)),
    *(case for kind in ("Maximum", "Minimum") for case in _both(kind)),
    *_both("Concatenate"),
    *_both("Concatenate", "time ", axis=1),
    *_both("Dot", axes=2),
    *_both("Attention"),
    *_both("AdditiveAttention"),
    _through(
        "Maximum/three",
        lambda k: k.layers.Maximum(),
        lambda layer, x, y, free: layer([x, y, x]),
    ),
    _through(
        "Maximum/three, one free",
        lambda k: k.layers.Maximum(),
        lambda layer, x, y, free: layer([x, free, y]),
    ),
    _through(
        "chain",
        lambda k: k.layers.LayerNormalization(),
        lambda layer, x, y, free: layer(x * 2.0),
    ),
]


# `weighted`: not with sample weights: Keras on torch changes these in the loss, so that the metrics
# see others, and Keras on jax shows training metrics no mask (tests/test_masking.py has numbers of
# Keras on TensorFlow)
def _tagger(
    k: Any,
    loss: Any = "sparse_categorical_crossentropy",
    rate: float = 0.5,
    weighted: bool = True,
) -> Any:
    model = k.Sequential(
        [
            k.Input((7,), dtype="int32"),
            k.layers.Embedding(5, 4, mask_zero=True),
            k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True)),
            k.layers.BatchNormalization(momentum=0.8),
            k.layers.TimeDistributed(k.layers.Dense(3, activation="softmax")),
        ],
        name="tagger",
    )
    model.compile(
        optimizer=k.optimizers.SGD(rate),
        loss=loss,
        metrics=["accuracy"],
        weighted_metrics=["sparse_categorical_crossentropy"] if weighted else None,
    )
    return model


def _reducing(
    reduction: str, ignored: int | None = None, weighted: bool = True
) -> Callable[[Any], Any]:
    return lambda k: _tagger(
        k,
        k.losses.SparseCategoricalCrossentropy(reduction=reduction, ignore_class=ignored),
        0.5 if reduction != "sum" else 0.01,  # a sum has large gradients
        weighted,
    )


def _two(k: Any, weighted: bool = True) -> Any:
    tokens = k.Input((7,), dtype="int32", name="tokens")
    x = k.layers.Embedding(5, 4, mask_zero=True)(tokens)
    inside = k.Sequential([k.Input((7, 4)), k.layers.GRU(3, return_sequences=True)], name="inside")
    x = inside(x)
    tags = k.layers.Dense(3, activation="softmax", name="tags")(x)
    score = k.layers.Dense(1, name="score")(k.layers.GlobalAveragePooling1D()(x))
    model = k.Model(tokens, {"tags": tags, "score": score}, name="two")
    model.compile(
        optimizer=k.optimizers.Adam(0.05),
        loss={"tags": "sparse_categorical_crossentropy", "score": "mse"},
        loss_weights={"tags": 0.5, "score": 2.0},
        metrics={"tags": ["accuracy"], "score": ["mae"]},
        weighted_metrics={"tags": ["accuracy"], "score": []} if weighted else None,
    )
    return model


def _vector(k: Any) -> Any:
    model = k.Sequential(
        [
            k.Input((7, 2)),
            k.layers.Masking(),
            k.layers.LSTM(3, return_sequences=True),
            k.layers.Dropout(0.0),
            k.layers.LSTM(2),
            k.layers.Dense(1),
        ],
        name="vector",
    )
    model.compile(optimizer=k.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    return model


# every first step counts: a mean over no step at all is NaN
def _tokens(count: int) -> Callable[[Any], np.ndarray]:
    def draw(rng: Any) -> np.ndarray:
        tokens = whole(count, 7, high=5)(rng)
        tokens[:, 0] = 1
        return tokens

    return draw


def _rows(count: int) -> Callable[[Any], np.ndarray]:
    return lambda rng: real(count, 7, 2)(rng) * bits(count, 7, 1)(rng)


TAGS = {"x": _tokens(6), "y": whole(6, 7, high=3)}
TWO = {"x": _tokens(6), "y": {"tags": whole(6, 7, high=3), "score": real(6, 1)}}

MODELS = [
    _steps("masked tagger", _tagger, _tokens(5), whole(5, 7, high=3)),
    _steps("masked vector", _vector, _rows(5), real(5, 1)),
    _fit("masked tagger", _tagger, _draws(**TAGS)),
    _fit(
        "masked tagger weights",
        partial(_tagger, weighted=False),
        _draws(**TAGS, sample_weight=uniform(6, 7)),
    ),
    _fit("masked tagger validation", _tagger, _draws(**TAGS), validation_split=0.34),
    _fit("masked sum", _reducing("sum"), _draws(**TAGS)),
    _fit(
        "masked sum weights",
        _reducing("sum", weighted=False),
        _draws(**TAGS, sample_weight=uniform(6, 7)),
    ),
    _fit("masked weighted mean", _reducing("mean_with_sample_weight"), _draws(**TAGS)),
    _fit("masked ignored", _reducing("sum_over_batch_size", 1), _draws(**TAGS)),
    _fit("masked two", _two, _draws(**TWO)),
    _fit(
        "masked two weights",
        partial(_two, weighted=False),
        _draws(**TWO, sample_weight={"tags": uniform(6, 7), "score": uniform(6)}),
    ),
]

MASKS = [*LAYERS, *MODELS]
