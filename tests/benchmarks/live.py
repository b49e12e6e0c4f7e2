"""What the live view costs a fit, and how many messages it sends.

    python tests/benchmarks/live.py

The same fit with and without the view, in turn, in this process with a comm that packs messages as
a kernel does, and counts them. What a page does with them is not counted in. Medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import comm
import numpy as np

import kerasnb
from kerasnb import layers
from kerasnb.notebook import live, stays


class Counter(comm.base_comm.BaseComm):
    """Packs each message as a kernel does, and counts it."""

    sizes: list = []  # noqa: RUF012

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sizes.append((time.perf_counter(), len(json.dumps([data, keys]))))


class Output:
    def update(self, bundle, raw=False):
        self.bundle = bundle


def network(kind: str) -> tuple:
    """A model and data: ``"small"`` has the shortest steps, ``"mlp"`` usual ones."""
    rng = np.random.default_rng(0)
    if kind == "small":
        x = rng.normal(size=(4000, 8)).astype("float32")
        sizes, batch, epochs = (12, 8), 10, 25
    else:
        x = rng.normal(size=(6000, 784)).astype("float32")
        sizes, batch, epochs = (256, 256), 128, 10
    y = rng.integers(0, 10, len(x))
    parts = [kerasnb.Input(x.shape[1:]), *(layers.Dense(n, "relu") for n in sizes)]
    model = kerasnb.Sequential([*parts, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=batch, verbose=0)  # traces
    return model, {"x": x, "y": y, "batch_size": batch, "epochs": epochs, "verbose": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    comm.create_comm = Counter
    live.display = lambda *args, **options: Output()
    leave = []
    live.at_end_of_cell = leave.append  # measured on its own: it is done after `fit`
    for kind in ("small", "mlp"):
        model, arguments = network(kind)
        times: dict[str, list] = {"without": [], "with": []}
        for _ in range(options.repeat):
            for name, callbacks in (("without", []), ("with", [live.LiveView()])):
                Counter.sizes.clear()
                start = time.perf_counter()
                model.fit(callbacks=callbacks, **arguments)
                times[name].append(time.perf_counter() - start)
        sent = list(Counter.sizes)
        start = time.perf_counter()
        leave.pop()()
        last = time.perf_counter() - start
        without, with_view = (statistics.median(times[k]) for k in ("without", "with"))
        rate = max(sum(t <= other < t + 1 for other, _ in sent) for t, _ in sent)
        print(
            f"{kind:5}  fit {without:.3f} s, with the view {with_view:.3f} s: "
            f"{100 * (with_view / without - 1):+.1f} %, {1e3 * (with_view - without):+.0f} ms; "
            f"{len(sent)} messages, at most {rate} within a second, "
            f"{sum(size for _, size in sent) / 1e3:.0f} kB; picture at the end of the cell "
            f"{1e3 * last:.0f} ms"
        )
    start = time.perf_counter()
    stays.kept(live._runs[-1], "done")
    print(f"picture and text once more: {1e3 * (time.perf_counter() - start):.0f} ms")


if __name__ == "__main__":
    main()
