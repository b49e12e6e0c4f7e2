"""The everyday layers of kerasnb beside Keras 3 on other backends, interleaved, printed.

    python tests/benchmarks/layers.py --peer keras-tensorflow=PYTHON --peer keras-jax=PYTHON \
        --peer keras-torch=PYTHON [layer ...] [--rounds N] [--threads N]

For each layer the time of a training step, of it and its mean squared error, and of one
`predict_on_batch`; the ratio is that of the fastest peer by ours, so that below 1 ours is slower.
Layers are named by a part of their names in `layer_cases.py`; all if none is given. Each library
has one process, and they work in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from layer_cases import CASES
from peers import OURS, Failed, Worker, peer, turns

HEAD = (
    f"{'':26}{'ms a step':>10}{'best peer':>11}{'ratio':>7}{'predict':>10}{'peer':>9}{'ratio':>7}"
)


def measured(name: str, workers: list[Worker], rounds: int) -> dict[str, dict[str, Any]]:
    """What each library took for one layer, or under `failed` why it could not."""
    results: dict[str, dict[str, Any]] = {worker.name: {} for worker in workers}
    for worker in workers:
        try:
            reply = worker.ask("layer", name=name)
            results[worker.name] |= {key: reply[key] for key in ("shape", "parameters")}
        except Failed as reason:
            results[worker.name]["failed"] = str(reason)
    turns("layer_steps", workers, results, rounds)
    turns("layer_predictions", workers, results, rounds)
    return results


def line(name: str, results: dict[str, dict[str, Any]]) -> str:
    """One layer's row of the table."""
    ours = results[OURS]
    if "failed" in ours:
        return f"{name:26} {ours['failed'][:90]}"
    text = f"{name:26}"
    for key in ("step", "call"):
        own = statistics.median(ours[key])
        peers = {
            n: statistics.median(r[key])
            for n, r in results.items()
            if n != OURS and "failed" not in r
        }
        text += f"{own * 1e3:10.3f}"
        if peers:
            best = min(peers, key=peers.get)
            short = best.partition("-")[2][:5]
            text += f"{peers[best] * 1e3:9.3f} {short:5}{peers[best] / own:5.2f}"
    shapes = {str(r.get("shape")) for r in results.values() if "failed" not in r}
    counts = {r.get("parameters") for r in results.values() if "failed" not in r}
    failed = [f"{n}: {r['failed'][:60]}" for n, r in results.items() if "failed" in r]
    if len(shapes) > 1 or len(counts) > 1:
        text += f"  DOUBT: shapes {shapes}, parameters {counts}"
    return text + "".join(f"  ({reason})" for reason in failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("layers", nargs="*", help="parts of names; all layers if none is given")
    add("--peer", action="append", default=[], type=peer, metavar="NAME=PYTHON")
    add("--rounds", type=int, default=3, help="turns that are counted")
    add("--threads", type=int, help="cores for each library; all if not given")
    add("--json", metavar="FILE", help="where to write everything that was measured")
    arguments = parser.parse_args()
    chosen = [
        name
        for name in CASES
        if not arguments.layers or any(part.lower() in name.lower() for part in arguments.layers)
    ]
    if not chosen:
        parser.error(f"no layer is named so; there are {', '.join(CASES)}")
    cores = arguments.threads or os.cpu_count()
    print(f"{platform.machine()}, {cores} cores\n{HEAD}", flush=True)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache, threads = os.path.join(folder, "cache"), arguments.threads
        pythons = {OURS: sys.executable, **dict(arguments.peer)}
        workers = [Worker(n, p, threads, folder, cache) for n, p in pythons.items()]
        try:
            for name in chosen:
                found[name] = measured(name, workers, arguments.rounds)
                print(line(name, found[name]), flush=True)
        finally:
            for worker in workers:
                worker.close()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
