"""Training speed of kerasnb beside other libraries on the same models, interleaved, printed.

    python tests/benchmarks/peers.py --peer keras-tensorflow=PYTHON --peer keras-jax=PYTHON \
        --peer keras-torch=PYTHON --peer torch=PYTHON [case ...] [--rounds N] [--threads N]

PYTHON is an interpreter that has the library. Each library trains in a process of its own, and all
of them live at the same time: in a round each trains in turn while the others sleep, so that a
noisy minute of the machine meets all. The ratio is the median time of the fastest peer by ours.
Nothing is asserted, but losses and sizes that differ are pointed out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peers_report import print_case, print_scaling, print_together

HERE = Path(__file__).resolve().parent
CASES = ["pima", "mlp", "cnn", "lstm", "resnet20", "transformer"]
PEERS = ["keras-jax", "keras-tensorflow", "keras-torch", "torch"]
OURS = "kerasnb"
THREADS = [
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KERASNB_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
]  # fmt: skip
SETTLE = 0.25  # seconds after a turn until its library's threads have stopped waiting for work


class Failed(Exception):
    """A library could not do what it was asked, with the reason."""


class Worker:
    """A library's process.

    Args:
        name: kerasnb or one of `PEERS`.
        python: its interpreter.
        threads: cores it may use; all if None.
        home: a folder for the settings of Keras and ours, so that none of the user's count.
        cache: the folder of our compiled kernels.

    Raises:
        Failed: there is no such interpreter.
    """

    def __init__(self, name: str, python: str, threads: int | None, home: str, cache: str):
        library, _, backend = name.partition("-")
        self.name, self.log = name, tempfile.TemporaryFile("w+")  # noqa: SIM115
        env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        env |= {"JAX_PLATFORMS": "cpu", "KERASNB_BACKEND": "numpy"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # else starts would compile what others read
        env |= {"KERAS_HOME": home, "KERASNB_HOME": home, "KERASNB_CACHE": cache}
        if backend:
            env["KERAS_BACKEND"] = backend
        if name == OURS:
            paths = [str(HERE.parents[1]), env.get("PYTHONPATH", "")]
            env["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if threads:
            env |= dict.fromkeys(THREADS, str(threads))
        self.began = time.perf_counter()
        command = [python, str(HERE / "peers_worker.py"), library]
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=self.log, env=env, text=True
            )
        except OSError as reason:
            raise Failed(str(reason)) from reason
        if threads and hasattr(os, "sched_setaffinity"):  # JAX has no variable for it
            cores = sorted(os.sched_getaffinity(0))[:threads]
            os.sched_setaffinity(self.process.pid, cores)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """The reply to a command of `peers_worker.Commands`.

        Raises:
            Failed: with what the library said.
        """
        try:
            print(json.dumps({"do": do, **arguments}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            self.log.seek(0)
            said = self.log.read().strip().splitlines()[-1:] if code > 0 else []
            raise Failed("".join(said) or f"the process ended with {code}")
        reply = json.loads(line)
        if "error" in reply:
            raise Failed(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Comparison:
    """All libraries on one case after another.

    Args:
        arguments: of the command line.
    """

    def __init__(self, arguments: argparse.Namespace):
        self.rounds, self.starts = arguments.rounds, arguments.starts
        self.threads, self.peers = arguments.threads, dict(arguments.peer)
        jit = {"true": True, "false": False}
        self.options = {"jit_compile": jit.get(arguments.jit, arguments.jit)}

    def worker(self, name: str, folder: str, cache: str = "cache") -> Worker:
        """A fresh process, with all it may write in `folder`."""
        python = self.peers.get(name, sys.executable)
        return Worker(name, python, self.threads, folder, os.path.join(folder, cache))

    def run(self, case: str) -> dict[str, dict[str, Any]]:
        """What was measured of each library, or under `failed` why it could not go on."""
        results: dict[str, dict] = {name: {} for name in (OURS, *self.peers)}
        workers: list[Worker] = []
        with tempfile.TemporaryDirectory() as folder:
            try:
                for name, result in results.items():
                    try:
                        workers.append(self.started(name, case, result, folder))
                    except Failed as reason:
                        result["failed"] = str(reason)
                turns("describe", workers, results, 0)
                turns("train", workers, results, self.rounds)
                turns("predict", workers, results, self.rounds)
                turns("memory", workers, results, 0)
            finally:
                for worker in workers:
                    worker.close()
        return results

    def started(self, name: str, case: str, result: dict[str, Any], folder: str) -> Worker:
        """A worker that has done one step; ours several times, without and with its cache."""
        cold, warm = result.setdefault("cold", []), result.setdefault("warm", [])
        if name == OURS:
            for number in range(self.starts):
                self.first_step(name, case, cold, folder, f"cache-{number}").close()
                self.first_step(name, case, warm, folder, f"cache-{number}").close()
        # ours compiles everything once more, so that memory includes it
        return self.first_step(name, case, cold, folder, "cache")

    def first_step(
        self, name: str, case: str, seconds: list[float], folder: str, cache: str
    ) -> Worker:
        """A worker that has done one step, which took what is appended to `seconds`."""
        worker = self.worker(name, folder, cache)
        try:
            worker.ask("start", case=case, options=self.options if name == OURS else {})
        except BaseException:
            worker.close()
            raise
        seconds.append(time.perf_counter() - worker.began)
        return worker

    def together(self, cases: list[str]) -> dict[str, Any]:
        """The memory of one process of ours that trains all cases."""
        with tempfile.TemporaryDirectory() as folder:
            worker = self.worker(OURS, folder)
            try:
                for case in cases:
                    worker.ask("start", case=case, options=self.options)
                    worker.ask("train")
                    worker.ask("predict")
                return worker.ask("memory")
            except Failed as reason:
                return {"failed": str(reason)}
            finally:
                worker.close()

    def scaling(self) -> dict[str, list[dict[str, Any]]]:
        """Seconds a step of ours against batch size and against width."""
        series = {
            "batch": [(256, 1 << k) for k in range(10)],
            "width": [(1 << k, 32) for k in range(3, 11)],
        }
        with tempfile.TemporaryDirectory() as folder:
            worker = self.worker(OURS, folder)
            try:
                return {
                    name: [
                        {"width": width, "batch": batch}
                        | worker.ask("scale", width=width, batch=batch, options=self.options)
                        for width, batch in points
                    ]
                    for name, points in series.items()
                }
            except Failed as reason:
                sys.exit(f"--scaling: {reason}")
            finally:
                worker.close()


def turns(do: str, workers: list[Worker], results: dict[str, dict], rounds: int) -> None:
    """Ask each in turn, once without counting and then `rounds` times; 0 counts the first."""
    for number in range(rounds + 1):
        # there and back: none is always the one that follows the heaviest
        for worker in workers if number % 2 else workers[::-1]:
            result = results[worker.name]
            if "failed" in result:
                continue
            time.sleep(SETTLE)
            try:
                reply = worker.ask(do)
            except Failed as reason:
                result["failed"] = f"{do}: {reason}"
                continue
            if number or not rounds:
                for key, value in reply.items():
                    result.setdefault(key, []).append(value)


def peer(text: str) -> tuple[str, str]:
    """NAME=PYTHON, apart."""
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected one of {', '.join(PEERS)}, = and a path"
        )
    return name, python


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("cases", nargs="*", help=f"some of {', '.join(CASES)}; all if none is given")
    add("--peer", action="append", default=[], type=peer, metavar="NAME=PYTHON")
    add("--rounds", type=int, default=5, help="turns of training that are counted")
    add("--starts", type=int, default=3, help="processes of ours without and with its cache")
    add("--threads", type=int, help="cores for each library; all if not given")
    add("--jit", choices=["true", "auto", "false"], default="true", help="our jit_compile")
    add("--scaling", action="store_true", help="only our time against batch size and width")
    add("--json", metavar="FILE", help="where to write everything that was measured")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if min(arguments.rounds, arguments.starts) < 1:
        parser.error("--rounds and --starts must be 1 or more")
    return arguments


def main() -> None:
    arguments = parsed()
    comparison = Comparison(arguments)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    cores = arguments.threads or os.cpu_count()
    print(
        f"{platform.machine()}, {cores} cores, load {load:.1f} before, jit_compile={arguments.jit}"
    )
    measured: dict[str, Any] = {"cores": cores, "load": load, "jit": arguments.jit}
    if arguments.scaling:
        measured["scaling"] = comparison.scaling()
        print_scaling(measured["scaling"])
    else:
        cases = arguments.cases or CASES
        for case in cases:
            measured[case] = comparison.run(case)
            print_case(case, measured[case])
        if len(cases) > 1:
            measured["together"] = comparison.together(cases)
            print_together(cases, measured["together"])
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
