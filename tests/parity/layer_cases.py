"""The layers: dense, shapes, embedding, convolution, pooling, normalization, recurrence."""

from __future__ import annotations

from typing import Any

from .case import Case
from .draw import bits, fixed, real, uniform, whole
from .layer_runner import layer
from .record import Record
from .sides import Side

__all__ = ["LAYERS"]


def _input_layer(side: Side, rng: Any, record: Record) -> None:
    for title, options in INPUTS.items():
        layer = side.keras.layers.InputLayer(**options)
        tensor = side.keras.Input(**options)
        record.facts[title] = layer.get_config()
        record.facts[f"{title}, tensor"] = {
            "shape": list(tensor.shape),
            "dtype": side.dtype(tensor),
            # a name that was not given is the library's own
            "name": tensor.name if "name" in options else None,
        }


INPUTS: dict[str, dict[str, Any]] = {
    "plain": {"shape": (3,)},
    "integers": {"shape": (4, 2), "dtype": "int32", "name": "words"},
    "batch size": {"shape": (3, 2), "batch_size": 5},
    "batch shape": {"batch_shape": (None, 7)},
    "any length": {"shape": (None, 3)},
    "scalar": {"shape": ()},
}


def _custom_relu(x: Any) -> Any:
    return x * (x > 0)


def _two_calls(lstm: Any, x: Any) -> list[Any]:
    outputs = [lstm(x), lstm(x)]
    lstm.reset_state()
    return outputs


DENSE = [
    layer("Dense/plain", lambda k: k.layers.Dense(4), real(3, 5)),
    layer("Dense/relu", lambda k: k.layers.Dense(4, activation="relu"), real(3, 5)),
    layer("Dense/softmax no bias", lambda k: k.layers.Dense(4, "softmax", False), real(3, 5)),
    layer("Dense/sequence", lambda k: k.layers.Dense(3, activation="tanh"), real(2, 4, 5)),
    layer("Dense/rank 4", lambda k: k.layers.Dense(2), real(2, 3, 4, 5)),
    layer("Dense/one row", lambda k: k.layers.Dense(1), real(1, 1)),
    layer(
        "Dense/regularized",
        lambda k: k.layers.Dense(
            3, kernel_regularizer="l2", bias_regularizer=k.regularizers.L1(0.1)
        ),
        real(4, 5),
    ),
    layer(
        "Dense/activity regularized",
        lambda k: k.layers.Dense(3, activity_regularizer=k.regularizers.L1L2(0.1, 0.2)),
        real(4, 5),
    ),
    layer(
        "Dense/everything",
        lambda k: k.layers.Dense(
            3,
            activation=k.activations.selu,
            kernel_initializer=k.initializers.HeNormal(seed=3),
            bias_initializer=k.initializers.Constant(0.5),
            kernel_constraint=k.constraints.MaxNorm(2.0, axis=0),
            bias_constraint="non_neg",
            name="head",
            trainable=True,
        ),
        real(4, 5),
    ),
    layer("Dense/frozen", lambda k: k.layers.Dense(3, trainable=False), real(4, 5)),
    layer("Dense/integer input", lambda k: k.layers.Dense(3), whole(4, 5, high=9)),
]

SHAPES = [
    layer("Dropout/inference", lambda k: k.layers.Dropout(0.5), real(3, 5), training=False),
    layer("Dropout/default", lambda k: k.layers.Dropout(0.5, seed=1), real(3, 5)),
    layer("Dropout/rate 0", lambda k: k.layers.Dropout(0.0), real(3, 5), training=True),
    layer(
        "Dropout/noise shape",
        lambda k: k.layers.Dropout(0.5, noise_shape=(None, 1, 5), seed=3),
        real(3, 4, 5),
    ),
    layer("Flatten/rank 2", lambda k: k.layers.Flatten(), real(3, 5)),
    layer("Flatten/rank 1", lambda k: k.layers.Flatten(), real(3)),
    layer("Flatten/rank 4", lambda k: k.layers.Flatten(), real(2, 3, 4, 5)),
    layer("Flatten/channels first", lambda k: k.layers.Flatten("channels_first"), real(2, 3, 4, 5)),
    layer("Reshape/plain", lambda k: k.layers.Reshape((4, 3)), real(2, 12)),
    layer("Reshape/unknown", lambda k: k.layers.Reshape((-1, 2)), real(2, 3, 4)),
    layer("Reshape/flat", lambda k: k.layers.Reshape((12,)), real(2, 3, 4)),
    layer("Reshape/unknown only", lambda k: k.layers.Reshape((-1,)), real(2, 3, 4)),
    layer("Permute/two", lambda k: k.layers.Permute((2, 1)), real(2, 3, 4)),
    layer("Permute/three", lambda k: k.layers.Permute((3, 1, 2)), real(2, 3, 4, 5)),
    layer("RepeatVector/3", lambda k: k.layers.RepeatVector(3), real(2, 4)),
    layer("RepeatVector/1", lambda k: k.layers.RepeatVector(1), real(2, 4)),
    layer("Embedding/plain", lambda k: k.layers.Embedding(7, 3), whole(2, 5, high=7)),
    layer("Embedding/rank 1", lambda k: k.layers.Embedding(7, 3), whole(5, high=7)),
    layer("Embedding/rank 3", lambda k: k.layers.Embedding(7, 2), whole(2, 3, 4, high=7)),
    layer(
        "Embedding/int64",
        lambda k: k.layers.Embedding(7, 3, embeddings_regularizer="l1"),
        whole(2, 5, high=7, dtype="int64"),
    ),
    layer("Embedding/float index", lambda k: k.layers.Embedding(7, 3), fixed([[1, 6, 0]])),
]


def _conv1d(name: str, shape: tuple[int, ...] = (2, 9, 3), *arguments: Any, **options: Any) -> Case:
    arguments = arguments or (4, 3)
    return layer(f"Conv1D/{name}", lambda k: k.layers.Conv1D(*arguments, **options), real(*shape))


def _conv2d(name: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Case:
    arguments = arguments or (4, 3)
    return layer(f"Conv2D/{name}", lambda k: k.layers.Conv2D(*arguments, **options), real(*shape))


CONVOLUTIONS = [
    _conv1d("plain"),
    _conv1d("same", padding="same"),
    _conv1d("same even kernel", (2, 8, 3), 4, 4, padding="same"),
    _conv1d("causal", padding="causal"),
    _conv1d("causal dilated", padding="causal", dilation_rate=2),
    _conv1d("causal strided", padding="causal", strides=2),
    _conv1d("strided", (2, 10, 3), 4, 3, strides=2),
    _conv1d("strided same", (2, 10, 3), 4, 3, strides=2, padding="same"),
    _conv1d("strided same odd", (2, 11, 3), 2, 5, strides=3, padding="same"),
    _conv1d("dilated", (2, 11, 3), 4, 3, dilation_rate=3),
    _conv1d("dilated same", dilation_rate=2, padding="same"),
    _conv1d("groups", (2, 7, 4), 6, 3, groups=2),
    _conv1d("groups same strided", (2, 7, 6), 6, 3, groups=3, padding="same", strides=2),
    _conv1d("no bias", use_bias=False),
    _conv1d("kernel 1", (2, 5, 3), 2, 1),
    _conv1d("kernel fills", (2, 5, 3), 2, 5, activation="tanh"),
    _conv1d("stride beyond kernel", (2, 11, 2), 2, 2, strides=4),
    _conv1d("channels first", (2, 3, 9), 4, 3, padding="same", data_format="channels_first"),
    _conv2d("plain", (2, 7, 6, 3)),
    _conv2d("same", (2, 7, 6, 3), 4, 3, padding="same"),
    _conv2d("same even kernel", (2, 6, 5, 2), 3, (2, 4), padding="same"),
    _conv2d("strided", (2, 8, 9, 2), 3, 3, strides=2),
    _conv2d("strided same", (2, 8, 9, 2), 3, 3, strides=2, padding="same"),
    _conv2d("uneven strides", (2, 8, 9, 2), 3, (3, 2), strides=(3, 1), padding="same"),
    _conv2d("dilated", (2, 9, 8, 2), 3, 3, dilation_rate=(2, 1)),
    _conv2d("dilated same", (2, 9, 8, 2), 3, (3, 2), dilation_rate=2, padding="same"),
    _conv2d("groups", (2, 5, 6, 4), 6, 3, groups=2, padding="same"),
    _conv2d("depthwise groups", (2, 5, 6, 4), 4, (3, 1), groups=4),
    _conv2d("no bias relu", (2, 5, 5, 2), 3, 3, activation="relu", use_bias=False),
    _conv2d("kernel 1 strided", (2, 5, 4, 3), 2, 1, strides=2),
    _conv2d("one pixel", (1, 3, 3, 1), 1, 3),
    _conv2d("regularized", (1, 4, 4, 2), 2, 2, kernel_regularizer="l1", bias_constraint="non_neg"),
    _conv2d("channels first", (2, 3, 7, 6), 4, 3, data_format="channels_first", strides=2),
]


def _pool(kind: str, name: str, shape: tuple[int, ...], **options: Any) -> Case:
    if kind.startswith("Average"):
        # the one kind without a default
        options.setdefault("pool_size", 2)
    return layer(
        f"{kind}/{name}",
        lambda k: getattr(k.layers, kind)(**options),
        real(*shape),
        # Keras 3.15 on torch repeats the border where the padding differs between two sides
        needs="jax" if kind.startswith("Average") and name == "uneven padding" else None,
    )


POOLING = [
    case
    for kind in ("MaxPooling", "AveragePooling")
    for case in (
        _pool(f"{kind}1D", "plain", (2, 8, 3)),
        _pool(f"{kind}1D", "odd", (2, 9, 3)),
        _pool(f"{kind}1D", "odd same", (2, 9, 3), padding="same"),
        _pool(f"{kind}1D", "overlap", (2, 9, 2), pool_size=3, strides=1),
        _pool(f"{kind}1D", "overlap same", (2, 9, 2), pool_size=3, strides=2, padding="same"),
        _pool(f"{kind}1D", "wide same", (2, 7, 2), pool_size=5, strides=1, padding="same"),
        _pool(f"{kind}1D", "gaps", (2, 9, 2), pool_size=2, strides=3),
        _pool(f"{kind}1D", "uneven padding", (2, 10, 2), pool_size=3, strides=2, padding="same"),
        _pool(f"{kind}2D", "uneven padding", (2, 10, 7, 2), pool_size=(3, 2), padding="same"),
        _pool(f"{kind}1D", "channels first", (2, 3, 8), data_format="channels_first"),
        _pool(f"{kind}2D", "plain", (2, 6, 8, 3)),
        _pool(f"{kind}2D", "odd", (2, 7, 5, 2)),
        _pool(f"{kind}2D", "odd same", (2, 7, 5, 2), padding="same"),
        _pool(f"{kind}2D", "uneven", (2, 7, 8, 2), pool_size=(3, 2), strides=(2, 1)),
        _pool(f"{kind}2D", "wide same", (2, 7, 8, 2), pool_size=(3, 2), strides=2, padding="same"),
        _pool(f"{kind}2D", "overlap", (2, 6, 6, 2), pool_size=3, strides=1, padding="same"),
        _pool(f"{kind}2D", "channels first", (2, 2, 7, 6), data_format="channels_first"),
    )
]
POOLING += [
    case
    for kind in ("GlobalMaxPooling", "GlobalAveragePooling")
    for case in (
        _pool(f"{kind}1D", "plain", (2, 5, 3)),
        _pool(f"{kind}1D", "keepdims", (2, 5, 3), keepdims=True),
        _pool(f"{kind}1D", "channels first", (2, 3, 5), data_format="channels_first"),
        _pool(f"{kind}2D", "plain", (2, 5, 4, 3)),
        _pool(f"{kind}2D", "keepdims", (2, 5, 4, 3), keepdims=True),
        _pool(f"{kind}2D", "channels first", (2, 3, 5, 4), data_format="channels_first"),
    )
]


def _batch(name: str, shape: tuple[int, ...], training: bool | None, **options: Any) -> Case:
    return layer(
        f"BatchNormalization/{name}",
        lambda k: k.layers.BatchNormalization(**options),
        real(*shape, scale=1.5, shift=0.5),
        training=training,
    )


def _across(name: str, shape: tuple[int, ...], **options: Any) -> Case:
    return layer(
        f"LayerNormalization/{name}",
        lambda k: k.layers.LayerNormalization(**options),
        real(*shape, scale=1.5, shift=0.5),
        # Keras 3.15 on torch normalizes the last axis when it is given one other axis
        needs="jax" if options.get("axis") == 1 else None,
    )


NORMALIZATION = [
    _batch("inference", (6, 4), False),
    _batch("default", (6, 4), None),
    _batch("training", (6, 4), True),
    _batch("training rank 3", (4, 5, 3), True),
    _batch("training rank 4", (3, 4, 5, 2), True),
    _batch("inference rank 4", (3, 4, 5, 2), False),
    _batch("axis 1", (3, 4, 5, 2), True, axis=1),
    _batch("axis 1 inference", (3, 4, 5), False, axis=1),
    _batch("no scale", (6, 4), True, scale=False),
    _batch("no center", (6, 4), True, center=False),
    _batch("bare", (6, 4), True, center=False, scale=False),
    _batch("bare inference", (6, 4), False, center=False, scale=False),
    _batch("momentum epsilon", (6, 4), True, momentum=0.6, epsilon=0.01),
    _batch("frozen in training", (6, 4), True, trainable=False),
    _batch("regularized", (6, 4), True, gamma_regularizer="l2", beta_constraint="non_neg"),
    _across("plain", (3, 6)),
    _across("rank 3", (2, 4, 5)),
    _across("axis 1", (2, 4, 5), axis=1),
    _across("two axes", (2, 4, 5), axis=[1, 2]),
    _across("last two of four", (2, 3, 4, 5), axis=[-2, -1]),
    _across("axes apart", (2, 3, 4, 5), axis=[1, 3]),
    _across("no scale", (3, 6), scale=False),
    _across("no center", (3, 6), center=False),
    _across("bare", (3, 6), center=False, scale=False),
    _across("epsilon", (3, 6), epsilon=0.1),
    _across("regularized", (3, 6), beta_regularizer="l2", gamma_initializer="zeros"),
]


def _lstm(name: str, *arguments: Any, shape: tuple[int, ...] = (3, 5, 4), **options: Any) -> Case:
    arguments = arguments or (6,)
    return layer(f"LSTM/{name}", lambda k: k.layers.LSTM(*arguments, **options), real(*shape))


RECURRENT = [
    _lstm("plain"),
    _lstm("sequences", return_sequences=True),
    _lstm("state", return_state=True),
    _lstm("sequences and state", return_sequences=True, return_state=True),
    _lstm("backwards", go_backwards=True),
    _lstm("backwards sequences", go_backwards=True, return_sequences=True),
    _lstm("relu", activation="relu"),
    _lstm("linear", activation=None),
    _lstm("softsign hard sigmoid", activation="softsign", recurrent_activation="hard_sigmoid"),
    _lstm("elu tanh gates", activation="elu", recurrent_activation="tanh"),
    _lstm("no bias", use_bias=False),
    _lstm("no forget bias", unit_forget_bias=False),
    _lstm("unrolled", unroll=True, return_sequences=True),
    _lstm("one step", shape=(2, 1, 3)),
    _lstm("one unit", 1, shape=(2, 4, 1)),
    _lstm("long", 3, shape=(2, 25, 2), return_sequences=True),
    _lstm("dropout at inference", dropout=0.3, recurrent_dropout=0.2),
    _lstm(
        "regularized", kernel_regularizer="l2", recurrent_regularizer="l1", bias_regularizer="l2"
    ),
    layer(
        "LSTM/initial state",
        lambda k: k.layers.LSTM(6, return_sequences=True),
        real(3, 5, 4),
        real(3, 6),
        real(3, 6),
        call=lambda one, x, h, c: one(x, initial_state=[h, c]),
    ),
    layer(
        "LSTM/mask",
        lambda k: k.layers.LSTM(6, return_sequences=True, return_state=True),
        real(3, 5, 4),
        fixed([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 1]], "bool"),
        call=lambda one, x, mask: one(x, mask=mask),
    ),
    layer(
        "LSTM/stateful",
        lambda k: k.layers.LSTM(4, stateful=True),
        real(3, 5, 2),
        call=_two_calls,
        gradients=False,
    ),
]

MERGING = [
    layer(f"{kind}/{name}", lambda k, kind=kind: getattr(k.layers, kind)(), *inputs)
    for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum")
    for name, inputs in {
        "two": (real(3, 4), real(3, 4)),
        "three": (real(3, 4), real(3, 4), real(3, 4)),
        "broadcast": (real(2, 3, 4), real(2, 1, 4)),
        "ranks": (real(2, 3, 4), real(2, 4)),
    }.items()
]
MERGING += [
    layer("Subtract/two", lambda k: k.layers.Subtract(), real(3, 4), real(3, 4)),
    layer("Subtract/broadcast", lambda k: k.layers.Subtract(), real(2, 3, 4), real(2, 3, 1)),
    layer("Concatenate/last", lambda k: k.layers.Concatenate(), real(2, 3, 4), real(2, 3, 2)),
    layer("Concatenate/axis 1", lambda k: k.layers.Concatenate(axis=1), real(2, 3), real(2, 4)),
    layer(
        "Concatenate/axis -2",
        lambda k: k.layers.Concatenate(axis=-2),
        real(2, 3, 4),
        real(2, 1, 4),
        real(2, 2, 4),
    ),
    layer("Dot/vectors", lambda k: k.layers.Dot(axes=1), real(3, 4), real(3, 4)),
    layer("Dot/cosine", lambda k: k.layers.Dot(-1, normalize=True), real(3, 4), real(3, 4)),
    layer("Dot/matrices", lambda k: k.layers.Dot(axes=(2, 1)), real(2, 3, 4), real(2, 4, 5)),
    layer("Dot/columns", lambda k: k.layers.Dot(axes=1), real(2, 4, 3), real(2, 4, 5)),
    layer("Dot/matrix vector", lambda k: k.layers.Dot(axes=(2, 1)), real(2, 3, 4), real(2, 4)),
    layer("Dot/negative", lambda k: k.layers.Dot(axes=(-1, -2)), real(2, 3, 4), real(2, 4, 5)),
    layer(
        "Dot/matrices cosine",
        lambda k: k.layers.Dot(axes=(2, 2), normalize=True),
        real(2, 3, 4),
        real(2, 5, 4),
    ),
]

ACTIVATION_LAYERS = [
    layer("ReLU/plain", lambda k: k.layers.ReLU(), real(4, 6, scale=3.0)),
    layer("ReLU/max value", lambda k: k.layers.ReLU(max_value=2.0), real(4, 6, scale=3.0)),
    layer("ReLU/slope", lambda k: k.layers.ReLU(negative_slope=0.3), real(4, 6, scale=3.0)),
    layer("ReLU/threshold", lambda k: k.layers.ReLU(threshold=1.0), real(4, 6, scale=3.0)),
    layer("ReLU/everything", lambda k: k.layers.ReLU(2.5, 0.2, 0.7), real(4, 6, scale=3.0)),
    layer("ReLU/slope threshold", lambda k: k.layers.ReLU(None, 0.2, 0.7), real(4, 6, scale=3.0)),
    layer("LeakyReLU/plain", lambda k: k.layers.LeakyReLU(), real(4, 6)),
    layer("LeakyReLU/slope", lambda k: k.layers.LeakyReLU(negative_slope=0.05), real(4, 6)),
    layer("Softmax/plain", lambda k: k.layers.Softmax(), real(4, 6)),
    layer("Softmax/axis 1", lambda k: k.layers.Softmax(axis=1), real(2, 3, 4)),
    layer("Softmax/two axes", lambda k: k.layers.Softmax(axis=(1, 2)), real(2, 3, 4)),
    layer(
        "Softmax/mask",
        lambda k: k.layers.Softmax(),
        real(3, 5),
        bits(3, 5, dtype="bool"),
        call=lambda one, x, mask: one(x, mask=mask),
    ),
    layer(
        "Lambda/function",
        lambda k: k.layers.Lambda(lambda x: k.ops.sin(x) * x),
        real(3, 4),
        skip_config=("function",),
    ),
    layer(
        "Lambda/arguments",
        lambda k: k.layers.Lambda(
            lambda x, power: x**power, output_shape=(4,), arguments={"power": 3}
        ),
        real(3, 4),
        skip_config=("function",),
    ),
    layer(
        "Lambda/changes shape",
        lambda k: k.layers.Lambda(lambda x: k.ops.mean(x, axis=1)),
        uniform(3, 4, 5),
        skip_config=("function",),
    ),
    layer("Activation/callable", lambda k: k.layers.Activation(k.activations.tanh), real(3, 4)),
    layer(
        "Activation/own function",
        lambda k: k.layers.Activation(_custom_relu),
        real(3, 4),
        skip_config=("activation",),
    ),
]

LAYERS = [
    Case("layers/Input/all", _input_layer),
    *DENSE,
    *SHAPES,
    *CONVOLUTIONS,
    *POOLING,
    *NORMALIZATION,
    *RECURRENT,
    *MERGING,
]
LAYERS += ACTIVATION_LAYERS
