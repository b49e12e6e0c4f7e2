"""Cells that train, at a known pace, and what their training has done so far.

A fit writes a line a step into a file: a truth that does not depend on what the page shows.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["SETUP", "fit", "rates"]

SETUP = '''
import time
import numpy as np
import kerasnb
from kerasnb import layers

kerasnb.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")

def network(name="model"):
    model = kerasnb.Sequential(
        [
            kerasnb.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name=name,
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model

class Paced(kerasnb.callbacks.Callback):
    """Waits after each step, and writes down the learning rate."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.file = open("steps", "a", buffering=1)

    def on_train_batch_end(self, batch, logs=None):
        self.file.write(f"{float(self.model.optimizer.learning_rate):.6g}\\n")
        time.sleep(self.seconds)

    def on_train_end(self, logs=None):
        self.file.close()

model = network()
'''


def fit(epochs: int = 100_000, pace: float = 0.02, **options: object) -> str:
    """A call of `fit` with ten steps an epoch; so many epochs last longer than any test."""
    more = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"model.fit(x, y, epochs={epochs}, callbacks=[Paced({pace})]{more})"


def rates(folder: Path) -> list[float]:
    """The learning rate of each step that training in this folder has done so far."""
    file = folder / "steps"
    lines = file.read_text().split("\n") if file.exists() else [""]
    return [float(line) for line in lines[:-1]]  # the last line is not finished
