"""The models of `peers.py` in the names that Keras 3 and kerasnb share, and how they are driven.

Imports neither: the library is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from peers_cases import CASES, Case

__all__ = ["Trained", "tower"]


class Trained:
    """A compiled model of one case.

    Args:
        keras: `keras` or `kerasnb`.
        name: the case.
        options: more arguments of `compile`.
    """

    def __init__(self, keras: ModuleType, name: str, options: dict[str, Any]):
        self.keras, self.case = keras, CASES[name]
        self.model, optimizer = MODELS[name](keras, self.case)
        self.model.compile(optimizer, loss_of(self.case), metrics=["accuracy"], **options)

    def prepare(self, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        """The data as `fit` takes it."""
        return x, y

    def fit(self, x: Any, y: Any, epochs: int) -> float:
        """The loss over the last of these shuffled epochs."""
        history = self.model.fit(x, y, batch_size=self.case.batch, epochs=epochs, verbose=0)
        return float(history.history["loss"][-1])

    def predictors(self) -> dict[str, Callable[[Any], np.ndarray]]:
        """The public ways to a NumPy array of outputs for one batch."""
        as_numpy, model = self.keras.ops.convert_to_numpy, self.model
        return {
            "predict_on_batch": model.predict_on_batch,
            "call": lambda x: as_numpy(model(x, training=False)),
        }

    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(int(np.prod(w.shape)) for w in self.model.trainable_weights)


def loss_of(case: Case) -> str:
    if case.classes == 1:
        return "binary_crossentropy"
    return "categorical_crossentropy" if case.one_hot else "sparse_categorical_crossentropy"


def pima(keras: Any, case: Case) -> tuple[Any, Any]:
    """8-12-8-1, for a table of patients."""
    layers = keras.layers
    hidden = [layers.Dense(units, activation="relu") for units in (12, 8)]
    output = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input(case.shape), *hidden, output]), "adam"


def mlp(keras: Any, case: Case) -> tuple[Any, Any]:
    """784-512-512-10 with dropout."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(case.shape)])
    for _ in range(2):
        model.add(layers.Dense(512, activation="relu"))
        model.add(layers.Dropout(0.2))
    model.add(layers.Dense(10, activation="softmax"))
    return model, "rmsprop"


def cnn(keras: Any, case: Case) -> tuple[Any, Any]:
    """The convolutional network of Keras's first example for MNIST."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(case.shape)])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
    for layer in (layers.MaxPooling2D(2), layers.Dropout(0.25), layers.Flatten()):
        model.add(layer)
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model, "adam"


def lstm(keras: Any, case: Case) -> tuple[Any, Any]:
    """A review's words, an LSTM over them, and one verdict."""
    layers = keras.layers
    words = [layers.Embedding(case.vocabulary, 128), layers.LSTM(128)]
    inputs, output = keras.Input(case.shape, dtype="int32"), layers.Dense(1, activation="sigmoid")
    return keras.Sequential([inputs, *words, output]), "adam"


def resnet20(keras: Any, case: Case) -> tuple[Any, Any]:
    """Three groups of three residual blocks, of 16, 32 and 64 filters."""
    layers = keras.layers

    def convolved(x: Any, filters: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input(case.shape)
    x = layers.ReLU()(convolved(inputs, 16))
    for filters in (16, 32, 64):
        for strides in (1 if filters == 16 else 2, 1, 1):
            y = convolved(layers.ReLU()(convolved(x, filters, strides)), filters)
            if strides > 1:
                x = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs), keras.optimizers.SGD(0.1, momentum=0.9)


def transformer(keras: Any, case: Case) -> tuple[Any, Any]:
    """Two encoder blocks of width 64, four heads, and the mean over the words."""
    layers = keras.layers
    inputs = keras.Input(case.shape, dtype="int32")
    x = layers.Embedding(case.vocabulary, 64)(inputs)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, 16)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        wide = layers.Dense(256, activation="relu")(x)
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(64)(wide)]))
    outputs = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, outputs), "adam"


MODELS = {model.__name__: model for model in (pima, mlp, cnn, lstm, resnet20, transformer)}


def tower(keras: Any, width: int, options: dict[str, Any]) -> Any:
    """Three layers of `width` units on inputs of as many, compiled."""
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((width,)), *hidden, keras.layers.Dense(width)])
    model.compile("adam", "mean_squared_error", **options)
    return model
