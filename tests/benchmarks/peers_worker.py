"""One library's process in `peers.py`: does what each line on standard input says, one at a time.

    python peers_worker.py LIBRARY    # kerasnb, keras or torch

A line is a JSON object whose `do` names a command below; the reply, a line too, is its result or
`{"error": ...}`. Nothing of a library is imported before the first command, which is part of what
is measured.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

PREDICT_SECONDS = 0.1  # for each way and size, in each turn
LAYER_STEPS = 30  # in an epoch
STEP_FLOPS = (
    6  # forward and two gradients, each a multiplication and an addition per weight and row
)


class Commands:
    """What the driver may ask; each method gives the reply.

    Args:
        library: kerasnb, keras or torch.
    """

    def __init__(self, library: str):
        self.library = library
        self.trained: Any = None
        self.data: Any = None  # prepared, and the first batch of it as it was
        self.rows: Any = None

    def _keras(self) -> Any:
        return importlib.import_module(self.library)

    def start(self, case: str, options: dict[str, Any]) -> dict[str, Any]:
        """Import, build, compile, and one step on one batch."""
        from peers_cases import CASES  # imports NumPy

        self.data = None
        chosen = CASES[case]
        if self.library == "torch":
            self.trained = importlib.import_module("peers_torch").Trained(case)
        else:
            peers_keras = importlib.import_module("peers_keras")
            self.trained = peers_keras.Trained(self._keras(), case, options)
        x, y = self.trained.prepare(*chosen.data(chosen.batch))
        return {"loss": self.trained.fit(x, y, 1)}

    def describe(self) -> dict[str, Any]:
        """How much is trained, and by which versions."""
        packages = [self.library, os.environ.get("KERAS_BACKEND", "numpy"), "llvmlite"]
        if self.library == "torch":
            packages = ["torch"]
        found = {}
        for package in dict.fromkeys(packages):
            for name in (package, f"{package}-cpu"):
                try:
                    found.setdefault(package, metadata.version(name))
                except metadata.PackageNotFoundError:
                    continue
        return {"parameters": self.trained.parameters(), "versions": found}

    def train(self) -> dict[str, float]:
        """One turn of epochs on all rows."""
        case = self.trained.case
        if self.data is None:
            x, y = case.data(case.rows)
            self.rows, self.data = x[: case.batch], self.trained.prepare(x, y)
        x, y = self.data
        start = time.perf_counter()
        loss = self.trained.fit(x, y, case.epochs)
        return {"step": (time.perf_counter() - start) / case.steps, "loss": loss}

    def predict(self) -> dict[str, Any]:
        """Seconds a call of one row, and of one batch a row, each by the fastest way."""
        result = {}
        for name, rows in (("row", self.rows[:1]), ("batch", self.rows)):
            ways = self.trained.predictors()
            times = {way: typical(lambda f=f, x=rows: f(x)) for way, f in ways.items()}
            way = min(times, key=times.get)
            result[name], result[f"{name}_by"] = times[way] / len(rows), way
        return result

    def memory(self) -> dict[str, float]:
        """MB, the most that this process has held."""
        unit = 1 if sys.platform == "darwin" else 1024
        return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6}

    def layer(self, name: str) -> dict[str, Any]:
        """Make a model of one layer, and let it take its first step."""
        from layer_cases import CASES, model_of  # imports NumPy
        from numpy import zeros

        case = CASES[name]
        model = model_of(self._keras(), case)
        model.compile("sgd", "mean_squared_error")
        x = case.data(LAYER_STEPS)
        shape = model.output_shape[1:]
        self.data = x if case.inputs > 1 else x[0], zeros((len(x[0]), *shape), "float32")
        self.rows = [a[: case.batch] for a in x] if case.inputs > 1 else x[0][: case.batch]
        self.trained = model, case
        self.layer_steps()
        return {"shape": list(shape), "parameters": model.count_params()}

    def layer_steps(self) -> dict[str, float]:
        """Seconds of a training step."""
        model, case = self.trained
        start = time.perf_counter()
        model.fit(*self.data, batch_size=case.batch, verbose=0)
        return {"step": (time.perf_counter() - start) / LAYER_STEPS}

    def layer_predictions(self) -> dict[str, float]:
        """Seconds of `predict_on_batch`."""
        model, _ = self.trained
        return {"call": typical(lambda: model.predict_on_batch(self.rows))}

    def scale(self, width: int, batch: int, options: dict[str, Any]) -> dict[str, float]:
        """Seconds a step in the fastest of five epochs of three layers, and how much work it is."""
        import numpy as np

        model = importlib.import_module("peers_keras").tower(self._keras(), width, options)
        flops = STEP_FLOPS * batch * sum(int(np.prod(w.shape)) for w in model.trainable_weights)
        steps = int(min(max(2e9 / flops, 8), 200))
        x = np.random.default_rng(0).random((batch * steps, width), dtype=np.float32)
        times = []
        for _ in range(6):
            start = time.perf_counter()
            model.fit(x, x, batch_size=batch, epochs=1, verbose=0)
            times.append((time.perf_counter() - start) / steps)
        return {"step": min(times[1:]), "flops": flops}


def typical(call: Callable[[], Any]) -> float:
    """Seconds of the median call, after one that is not counted."""
    call()
    times, end = [], time.perf_counter() + PREDICT_SECONDS
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(library: str) -> None:
    """Answer until standard input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no reply
    commands = Commands(library)
    rested, used = time.perf_counter(), time.process_time()
    for line in sys.stdin:
        request = json.loads(line)
        idle = (time.process_time() - used) / (time.perf_counter() - rested)
        try:
            reply = getattr(commands, request.pop("do"))(**request)
        except Exception as reason:
            text = str(reason).strip().splitlines() or [""]
            reply = {"error": f"{type(reason).__name__}: {text[0]}"}
        # cores in use while another library had its turn: none, or the comparison is unfair
        print(json.dumps({**reply, "idle": idle}), file=replies, flush=True)
        rested, used = time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main(sys.argv[1])
