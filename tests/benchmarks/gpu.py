"""Milliseconds a training step on the CPU and on the GPU, the same models in one run, printed.

    python tests/benchmarks/gpu.py

Needs CuPy and a GPU. Random data of MNIST's and IMDB's shapes; medians of 5 epochs, interleaved,
after one that is not counted. Nothing is asserted but that both losses are finite.
"""

from __future__ import annotations

import math
import statistics
import time

import numpy as np

import kerasnb
from kerasnb import layers

BATCH, STEPS = 128, 20


def mlp() -> kerasnb.Sequential:
    """Two hidden layers of 512 units."""
    return classifier(
        (784,),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(512, activation="relu"),
    )


def cnn() -> kerasnb.Sequential:
    """Two convolutions, as in Keras's example for MNIST."""
    return classifier(
        (28, 28, 1),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
    )


def lstm() -> kerasnb.Sequential:
    """80 words of 20,000, one LSTM of 128 units."""
    return classifier((80,), layers.Embedding(20000, 128), layers.LSTM(128))


def classifier(shape: tuple, *hidden: layers.Layer) -> kerasnb.Sequential:
    """The layers, and ten classes."""
    model = kerasnb.Sequential(
        [kerasnb.Input(shape), *hidden, layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def main() -> None:
    """Print a line for each model."""
    rng = np.random.default_rng(0)
    rows = BATCH * STEPS
    for make in (mlp, cnn, lstm):
        model = make()
        shape = model.input_shape[1:]
        x = rng.integers(0, 20000, (rows, *shape)) if make is lstm else rng.random((rows, *shape))
        y = rng.integers(0, 10, rows)
        x = x.astype("int32" if make is lstm else "float32")
        times: dict[str, list[float]] = {"numpy": [], "cupy": []}
        for repeat in range(6):
            for name, seconds in times.items():
                kerasnb.backend.use(name)
                start = time.perf_counter()
                loss = model.fit(x, y, batch_size=BATCH, verbose=0).history["loss"][0]
                if repeat:
                    seconds.append(time.perf_counter() - start)
                assert math.isfinite(loss)
        cpu, gpu = (statistics.median(t) / STEPS * 1e3 for t in times.values())
        print(f"{make.__name__}: NumPy {cpu:.1f} ms a step, CuPy {gpu:.1f} ms: {cpu / gpu:.1f}x")
    kerasnb.backend.use("cupy")
    print(kerasnb.backend.device())


if __name__ == "__main__":
    main()
