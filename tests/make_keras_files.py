"""Write `keras_files/`: files of Keras 2 and Keras 3, and what their models predict.

pip install tf_keras keras torch
python tests/make_keras_files.py
"""

import os
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")

FOLDER = Path(__file__).with_name("keras_files")


def pictures(keras):
    """A sequential model for pictures: convolution, normalization, dropout."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ],
        name="pictures",
    )
    x = np.random.default_rng(0).normal(size=(4, 6, 6, 1)).astype("float32")
    model.compile("adam", "mse")
    model.fit(x, np.ones((4, 3)), verbose=0)
    return model, [x]


def words(keras):
    """A functional model of two inputs and outputs, with a model in it."""
    layers = keras.layers
    first = keras.Input((5,), dtype="int32", name="words")
    second = keras.Input((4,), name="more")
    x = layers.LSTM(3)(layers.Embedding(7, 3)(first))
    y = layers.Dense(3, activation="tanh", name="d")(second)
    z = layers.Concatenate()([x, y])
    z = layers.Add()([z, z])
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(2), layers.LeakyReLU()], name="inner")
    z = inner(z)
    model = keras.Model([first, second], [z, layers.Dense(1)(z)], name="words")
    rng = np.random.default_rng(1)
    x = [rng.integers(0, 7, size=(4, 5)), rng.normal(size=(4, 4)).astype("float32")]
    return model, x


def write(keras, version, endings):
    keras.utils.set_random_seed(1)
    for make in (pictures, words):
        model, x = make(keras)
        outputs = model.predict(x if len(x) > 1 else x[0], verbose=0)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        arrays = {f"x{i}": a for i, a in enumerate(x)} | {f"y{i}": a for i, a in enumerate(outputs)}
        name = f"{make.__name__}{version}"
        np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
        for ending in endings:
            save = model.save_weights if "weights" in ending else model.save
            save(str(FOLDER / f"{name}{ending}"))


if __name__ == "__main__":
    import keras
    import tf_keras

    FOLDER.mkdir(exist_ok=True)
    write(tf_keras, 2, [".h5", "_weights.h5"])
    write(keras, 3, [".h5", ".weights.h5", ".keras"])
