"""Two networks on MNIST, trained as their tutorials train them: test accuracy and seconds, printed.

    python tests/benchmarks/mnist.py --data mnist.npz [--model mlp] [--model cnn] [--backend cupy]

The file is Keras's own ``mnist.npz``: x_train, y_train, x_test, y_test. What to expect: at least
98.0 % for the mlp after 10 epochs, 99.0 % for the cnn after 5. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import platform
import time

import numpy as np

import kerasnb
from kerasnb import layers

EPOCHS = {"mlp": 10, "cnn": 5}


def load(path: str) -> tuple:
    """``(x_train, y_train), (x_test, y_test)``: images between 0 and 1, labels as integers."""
    with np.load(path) as file:
        images = [file[k].astype("float32")[..., np.newaxis] / 255 for k in ("x_train", "x_test")]
        labels = [file[k].astype("int32") for k in ("y_train", "y_test")]
    return (images[0], labels[0]), (images[1], labels[1])


def mlp() -> kerasnb.Model:
    """Two hidden layers of 512 units with dropout, trained by RMSprop."""
    model = kerasnb.Sequential(
        [
            kerasnb.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def cnn() -> kerasnb.Model:
    """Two convolutions, a pooling and two dense layers with dropout, trained by Adam."""
    model = kerasnb.Sequential(
        [
            kerasnb.Input((28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def measure(name: str, data: tuple, epochs: int, seed: int, verbose: int) -> None:
    """Train one model and print what came of it."""
    kerasnb.utils.set_random_seed(seed)
    (x_train, y_train), (x_test, y_test) = data
    model = {"mlp": mlp, "cnn": cnn}[name]()
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=128, epochs=epochs, verbose=verbose)
    seconds = time.perf_counter() - start
    accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0, return_dict=True)[
        "accuracy"
    ]
    print(
        f"{name}: test accuracy {accuracy:.4f} after {epochs} epochs, trained in {seconds:.1f} s "
        f"({seconds / epochs:.1f} s an epoch), seed {seed}",
        flush=True,
    )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="path of mnist.npz in Keras's layout")
    parser.add_argument(
        "--model", action="append", choices=list(EPOCHS), help="may be repeated; both if not given"
    )
    parser.add_argument("--epochs", type=int, help="instead of 10 for the mlp and 5 for the cnn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="numpy", help="numpy or cupy")
    parser.add_argument("--verbose", type=int, default=2, help="0 silent, 1 bars, 2 lines")
    given = parser.parse_args()
    kerasnb.backend.use(given.backend)
    print(
        f"kerasnb {kerasnb.__version__} on {given.backend}, {kerasnb.backend.device()}, "
        f"NumPy {np.__version__}, Python {platform.python_version()}"
    )
    data = load(given.data)
    for name in given.model or EPOCHS:
        measure(name, data, given.epochs or EPOCHS[name], given.seed, given.verbose)


if __name__ == "__main__":
    main()
