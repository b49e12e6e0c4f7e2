"""``python -m kerasnb demo``: a small convolutional network learns handwritten digits."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from kerasnb import layers
from kerasnb.backends import current
from kerasnb.datasets.small import SETS
from kerasnb.layers.input import Input
from kerasnb.models.sequential import Sequential
from kerasnb.notebook.plots import plot_history
from kerasnb.utils.seeds import set_random_seed

__all__ = ["main"]


def main(picture: str = "kerasnb-demo.png", epochs: int = 12) -> float:
    """Train on scikit-learn's 1,797 digits, print the test accuracy and save the curve.

    Args:
        picture: where the training curve goes.
        epochs: how often to walk through the data.

    Returns:
        The test accuracy, between 0 and 1.

    Raises:
        MissingDependency: scikit-learn or matplotlib is not installed.
    """
    set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = SETS["digits"].load_data(test_split=0.25)
    x_train, x_test = ((x / 16).astype("float32")[..., np.newaxis] for x in (x_train, x_test))
    model = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    start = time.perf_counter()
    history = model.fit(
        x_train, y_train, batch_size=32, epochs=epochs, validation_data=(x_test, y_test)
    )
    seconds = time.perf_counter() - start
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
    plot_history(history).savefig(picture)
    print(f"Test accuracy {accuracy:.4f} on {len(x_test)} digits that were not trained on.")
    print(f"Trained {epochs} epochs on {current().title} in {seconds:.1f} s.")
    print(f"The training curve is in {Path(picture).resolve()}")
    return accuracy
