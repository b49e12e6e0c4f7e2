"""Wrapped and stacked recurrent layers, and those over images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import Case
from .draw import fixed, real
from .layer_runner import layer

__all__ = ["RECURRENT"]

X = real(3, 5, 4)
SEEN = fixed([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [1, 1, 1, 1, 1]], "bool")


def _both(
    title: str,
    inner: Callable[[Any], Any],
    call: Callable[..., Any] | None = None,
    more: tuple = (),
    **options: Any,
) -> Case:
    return layer(
        f"Bidirectional/{title}",
        lambda k: k.layers.Bidirectional(inner(k), **options),
        X,
        *more,
        call=call,
    )


def _lstm(**options: Any) -> Callable[[Any], Any]:
    return lambda k: k.layers.LSTM(3, name="inner", **options)


BIDIRECTIONAL = [
    *(_both(f"{mode}", _lstm(), merge_mode=mode) for mode in ("concat", "sum", "mul", "ave")),
    *(
        _both(f"{mode} sequences", _lstm(return_sequences=True), merge_mode=mode)
        for mode in ("concat", "sum", "mul", "ave")
    ),
    _both("none", _lstm(), lambda one, x: one(x), merge_mode=None),
    _both("none states", _lstm(return_state=True), lambda one, x: one(x), merge_mode=None),
    _both("states", _lstm(return_sequences=True, return_state=True), lambda one, x: one(x)),
    _both("mask", _lstm(), lambda one, x, mask: one(x, mask=mask), (SEEN,)),
    _both(
        "mask sequences",
        _lstm(return_sequences=True),
        lambda one, x, mask: one(x, mask=mask),
        (SEEN,),
        merge_mode="sum",
    ),
    _both(
        "initial state",
        _lstm(),
        lambda one, x, *states: one(x, initial_state=list(states)),
        (real(3, 3),) * 4,
    ),
    _both("gru", lambda k: k.layers.GRU(3, name="inner", reset_after=False)),
    _both("simple", lambda k: k.layers.SimpleRNN(3, name="inner", return_sequences=True)),
    _both("rnn", lambda k: k.layers.RNN(k.layers.GRUCell(3, name="cell"), name="inner")),
    layer(
        "Bidirectional/backward layer",
        lambda k: k.layers.Bidirectional(
            k.layers.LSTM(3, name="there", kernel_regularizer="l2"),
            backward_layer=k.layers.GRU(2, go_backwards=True, name="back"),
        ),
        X,
        # Keras takes the backward layer to have as many units
        symbolic=False,
    ),
]


def _stack(k: Any, *cells: str) -> Any:
    return [getattr(k.layers, cell)(2 + i, name=f"cell_{i}") for i, cell in enumerate(cells)]


STACKS = [
    layer(
        f"RNN/stack {title}",
        lambda k, cells=cells, options=options: k.layers.RNN(
            k.layers.StackedRNNCells(_stack(k, *cells), name="stack"), **options
        ),
        X,
        *more,
        call=call,
        # Keras gives nested shapes of states
        symbolic="return_state" not in options,
    )
    for title, cells, options, more, call in [
        ("of two", ("LSTMCell", "GRUCell"), {}, (), None),
        ("of three", ("SimpleRNNCell", "LSTMCell", "SimpleRNNCell"), {}, (), None),
        ("sequences", ("GRUCell", "GRUCell"), {"return_sequences": True}, (), None),
        (
            "backwards",
            ("LSTMCell", "LSTMCell"),
            {"go_backwards": True, "return_sequences": True},
            (),
            None,
        ),
        (
            "masked backwards",
            ("LSTMCell", "GRUCell"),
            {"go_backwards": True, "return_sequences": True},
            (SEEN,),
            lambda one, x, mask: one(x, mask=mask),
        ),
        (
            "masked zeros",
            ("GRUCell", "LSTMCell"),
            {"zero_output_for_mask": True, "return_sequences": True},
            (SEEN,),
            lambda one, x, mask: one(x, mask=mask),
        ),
    ]
]


def _over_time(
    title: str,
    inner: Callable[[Any], Any],
    *shape: int,
    training: bool | None = None,
    skip: tuple[str, ...] = (),
) -> Case:
    return layer(
        f"TimeDistributed/{title}",
        lambda k: k.layers.TimeDistributed(inner(k)),
        real(*shape),
        training=training,
        skip_config=skip,
    )


TIME = [
    _over_time("Dense", lambda k: k.layers.Dense(3, name="inner"), 2, 4, 5),
    _over_time("Dense of more axes", lambda k: k.layers.Dense(3, name="inner"), 2, 4, 3, 5),
    _over_time("Conv2D", lambda k: k.layers.Conv2D(2, 2, name="inner"), 2, 3, 4, 5, 2),
    _over_time("LSTM", lambda k: k.layers.LSTM(3, name="inner"), 2, 3, 4, 5),
    _over_time("Flatten", lambda k: k.layers.Flatten(name="inner"), 2, 3, 4, 5, skip=("layer",)),
    _over_time(
        "twice",
        lambda k: k.layers.TimeDistributed(k.layers.Dense(2, name="inmost"), name="inner"),
        *(2, 3, 4, 5),
    ),
    _over_time("normalized", lambda k: k.layers.BatchNormalization(name="inner"), 4, 3, 5),
    _over_time(
        "normalized in training",
        lambda k: k.layers.BatchNormalization(name="inner", momentum=0.7),
        *(9, 3, 5),
        training=True,
    ),
]


def _images(rank: int, title: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Case:
    return layer(
        f"ConvLSTM{rank}D/{title}",
        lambda k: getattr(k.layers, f"ConvLSTM{rank}D")(*arguments, **options),
        real(*shape),
        symbolic=not options.get("return_state"),
    )


IMAGES = [
    _images(1, "plain", (2, 3, 5, 2), 3, 2),
    _images(1, "strided same", (2, 3, 5, 2), 3, 3, strides=2, padding="same"),
    _images(1, "dilated", (2, 3, 6, 2), 2, 2, dilation_rate=2, return_sequences=True),
    _images(2, "plain", (2, 3, 4, 5, 2), 3, 2),
    _images(2, "sequences", (2, 3, 4, 5, 2), 2, (2, 3), padding="same", return_sequences=True),
    _images(2, "states", (2, 3, 4, 5, 2), 2, 2, return_state=True),
    _images(2, "backwards", (2, 3, 4, 4, 2), 2, 2, go_backwards=True, use_bias=False),
    _images(
        2,
        "everything",
        (2, 3, 4, 4, 2),
        *(2, 2),
        activation="relu",
        recurrent_activation="hard_sigmoid",
        kernel_initializer="he_normal",
        recurrent_initializer="glorot_uniform",
        bias_initializer="ones",
        unit_forget_bias=False,
        kernel_regularizer="l2",
        recurrent_regularizer="l1",
        bias_regularizer="l2",
        activity_regularizer="l2",
        kernel_constraint="max_norm",
        recurrent_constraint="max_norm",
        bias_constraint="non_neg",
        seed=3,
    ),
    _images(3, "plain", (1, 2, 3, 4, 3, 2), 2, 2),
    _images(3, "same", (1, 2, 3, 3, 3, 2), 2, 2, padding="same", return_sequences=True),
    _images(3, "strided", (1, 2, 4, 4, 4, 1), 2, 2, strides=2),
]

RECURRENT = [*BIDIRECTIONAL, *STACKS, *TIME, *IMAGES]
