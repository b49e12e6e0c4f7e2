"""Figures of the core, printed: import time, eager dispatch, and a step of a tiny network.

    python tests/benchmarks/core.py

Medians of several runs; what is compared runs in turn. Nothing is asserted.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import kerasnb
from kerasnb import layers, ops


def import_seconds(modules: str, runs: int = 9) -> list[float]:
    """Seconds that a fresh interpreter takes to import `modules`, once per run."""
    code = f"import time; t = time.perf_counter(); import {modules}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    # as after an installation: compiled once, then read from the cache
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = tempfile.gettempdir() + "/kerasnb-benchmark-pycache"
    subprocess.check_output(command, env=env)
    return [float(subprocess.check_output(command, env=env)) for _ in range(runs)]


def imports() -> None:
    """`import kerasnb` beyond NumPy's own import."""
    ours, numpy = [], []
    for _ in range(9):
        numpy += import_seconds("numpy", 1)
        ours += import_seconds("numpy, kerasnb", 1)
    extra = statistics.median(a - b for a, b in zip(ours, numpy, strict=True))
    print(
        f"import kerasnb beyond numpy: {extra * 1e3:.0f} ms (numpy "
        f"{statistics.median(numpy) * 1e3:.0f} ms)"
    )


def microseconds(function, number: int = 20000) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - start) / number * 1e6


def dispatch() -> None:
    """An op on small tensors, less the same NumPy call."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(10, 12)).astype("float32") for _ in range(2))
    x, y = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    for name, ours, numpys in (
        ("add", lambda: ops.add(x, y), lambda: np.add(a, b)),
        ("multiply by 2.0", lambda: x * 2.0, lambda: a * 2.0),
        ("tanh", lambda: ops.tanh(x), lambda: np.tanh(a)),
        ("sum over axis 0", lambda: ops.sum(x, 0), lambda: np.sum(a, 0)),
    ):
        pairs = [(microseconds(ours), microseconds(numpys)) for _ in range(7)]
        extra = statistics.median(p - q for p, q in pairs)
        print(f"eager dispatch over NumPy, {name}: {extra:.2f} us")


def tiny_step() -> None:
    """8-12-8-1, batch 10, Adam, through `fit`."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(760, 8)).astype("float32")
    y = rng.integers(0, 2, (760, 1)).astype("float32")
    model = kerasnb.Sequential(
        [
            kerasnb.Input((8,)),
            layers.Dense(12, activation="relu"),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=10, verbose=0)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        model.fit(x, y, batch_size=10, epochs=5, verbose=0)
        times.append((time.perf_counter() - start) / (5 * 76))
    print(f"8-12-8-1, batch 10, Adam: {statistics.median(times) * 1e3:.3f} ms a step of fit")


if __name__ == "__main__":
    imports()
    dispatch()
    tiny_step()
