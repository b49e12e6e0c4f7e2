"""`timefit`: the same fits under several backends or engines, timed and put in one table.

Imports models, callbacks, backends and what lies below; it needs no notebook.
"""

from __future__ import annotations

import functools
import gc
import inspect
import numbers
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

from kerasnb import backends, config, tree
from kerasnb.callbacks import Callback, CallbackList
from kerasnb.errors import ArgumentError, BackendError, GraphError, unknown
from kerasnb.models.trainer import Trainer
from kerasnb.models.training import Training
from kerasnb.notebook.fit_times import FitTimes
from kerasnb.notebook.snapshot import Snapshot

__all__ = ["ENGINES", "WORDS", "backend_name", "timefit"]

# how a step can be run: what a model's attributes, named as the arguments of `compile`, are while
# it is fitted
ENGINES: dict[str, dict[str, Any]] = {
    "compiled": {"jit_compile": "auto", "run_eagerly": False},
    "reference": {"jit_compile": False, "run_eagerly": False},
    "eager": {"run_eagerly": True},
}

# what people say for a backend; `backend_name` takes "auto" besides
WORDS = {"cpu": "numpy", "gpu": "cupy"}


def timefit(
    function: Callable[[], Any],
    backends: str | Sequence[str] | None = None,
    engines: str | Sequence[str] | None = None,
    repeat: int = 1,
    warmup: int = 0,
) -> FitTimes:
    """Run `function` under several backends or engines, and compare the times of its `fit` calls.

    Only what happens inside `fit` is timed. Every run does the same work: before each, and after
    the last, all live models are as they were before the first (weights, optimizers, seeds,
    metrics, what `compile` chose), and so are Python's and NumPy's random numbers. Each run traces
    its steps anew, which the time of the first step shows. Fits print nothing.

    Args:
        function: what to run; it calls `fit` at least once.
        backends: names, or ``"cpu"``, ``"gpu"``, ``"auto"``. If not given: the current one if
            `engines` are, else all that work here. One that does not work here is left out, and
            the table says why.
        engines: names out of `ENGINES`, such as ``"compiled"`` and ``"eager"``. If not given:
            what each model is compiled for; all of them if there is only one backend to compare.
        repeat: timed runs of each, in turn; the table shows the median.
        warmup: runs of each before, which are not timed.

    Returns:
        The table.

    Raises:
        ArgumentError: an unknown name, a number out of range, or no `fit` was called.
        BackendError: none of the backends works here.
        GraphError: a model is being trained in the background.

    Example:
        >>> import kerasnb
        >>> model = kerasnb.Sequential([kerasnb.Input((1,)), kerasnb.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> table = timefit(lambda: model.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=3),
        ...                 engines=["compiled", "eager"])
        >>> [row["engine"] for row in table.rows]
        ['compiled', 'eager']
    """
    _check_count("repeat", repeat, 1)
    _check_count("warmup", warmup, 0)
    configurations, unusable = _configurations(_names(backends), _names(engines))
    found: dict[Configuration, list[dict]] = {c: [] for c in configurations}
    with _kept() as snapshot:
        for turn in range(warmup + repeat):
            for configuration in configurations:
                measured = _run(function, configuration, snapshot)
                if turn >= warmup:
                    found[configuration].append(measured)
    rows = [{**c._asdict(), **_summary(runs)} for c, runs in found.items()]
    for row in rows:
        row["speed"] = _ratio(rows[0]["ms_per_step"], row["ms_per_step"])
    return FitTimes(rows, unusable)


class Configuration(NamedTuple):
    """Under what `function` is run."""

    backend: str
    engine: str | None


def backend_name(word: str) -> str:
    """The name of the backend that is meant: ``"gpu"`` is cupy, ``"cpu"`` numpy, ``"auto"`` the
    GPU's if it works here. Any other word is a name already."""
    if word != "auto":
        return WORDS.get(word, word)
    return "numpy" if _problem("cupy") else "cupy"


# What is compared


def _names(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, numbers.Integral) or value < least:
        raise ArgumentError(f"timefit: {name} must be a whole number from {least}, got {value!r}.")


def _configurations(
    names: list[str], engines: list[str]
) -> tuple[list[Configuration], dict[str, str]]:
    """What to compare, and what cannot be: name of a backend -> why."""
    for engine in engines:
        if engine not in ENGINES:
            raise unknown("engine", engine, ENGINES)
    wanted = list(dict.fromkeys(map(backend_name, names or _default_backends(engines))))
    problems = {name: _problem(name) for name in wanted}
    unusable = {name: problem for name, problem in problems.items() if problem}
    usable = [name for name in wanted if name not in unusable]
    if not usable:
        raise BackendError(next(iter(unusable.values())))
    if not engines and not names and len(usable) == 1:
        engines = list(ENGINES)
    found = [Configuration(name, e) for name in usable for e in dict.fromkeys(engines or [None])]
    return found, unusable


def _default_backends(engines: list[str]) -> list[str]:
    first = backends.current().name
    return [first] if engines else [first, *config.backend_names()]


def _problem(name: str) -> str | None:
    """Why the backend does not work here, or None if it does."""
    try:
        backends.get(name)
    except BackendError as error:
        return str(error)
    return None


# Running it


@contextmanager
def _kept() -> Iterator[Snapshot]:
    """Leave everything alive as it was, on the backend where it was."""
    gc.collect()  # models that nobody can reach any more would be kept by the snapshot
    for model in list(backends.models):
        if model.current_training is not None:
            raise GraphError(
                f"timefit: model {model.name!r} is being trained. Wait until it has ended, or end "
                "it with model.current_training.stop()."
            )
    backend, snapshot = backends.current().name, Snapshot()
    try:
        yield snapshot
    finally:
        backends.use(backend)
        snapshot.restore()


def _run(function: Callable, configuration: Configuration, snapshot: Snapshot) -> dict:
    """One run from the kept state: the sums over its fits."""
    gc.collect()  # what the run before has left would be moved, too
    backends.use(configuration.backend)
    snapshot.restore()
    for model in snapshot.models:
        model._forget_programs()  # they may be of another engine
    flags = ENGINES[configuration.engine] if configuration.engine else {}
    with _watching(flags) as fits:
        function()
    if not fits:
        raise ArgumentError("timefit: fit was not called, so there is nothing to compare.")
    return _sums(fits)


class Fit(Callback):
    """Times one `fit` and counts what passes; its first callback."""

    lazy_logs = True
    every_batch = False

    def __init__(self) -> None:
        super().__init__()
        self.steps = self.samples = self.first_steps = 0
        self.seconds = self.first = 0.0
        self.loss: float | None = None
        self._batch, self._counted, self._start = -1, False, time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._batch, self._counted = -1, False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += batch - self._batch  # several steps may be one execution
        self._batch = batch
        if not self.first_steps:
            backends.current().synchronize()
            self.first, self.first_steps = self._now(), self.steps

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._count()  # validation counts anew

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._count()
        self.loss = (logs or {}).get("loss", self.loss)

    def end(self) -> None:
        """Stop the clock."""
        backends.current().synchronize()
        self.seconds = self._now()

    def _count(self) -> None:
        """Add the samples of this epoch: what its mean loss is the mean of."""
        if not self._counted:
            self.samples += int(self.model._loss_tracker.count)
            self._counted = True

    def _now(self) -> float:
        return time.perf_counter() - self._start


@contextmanager
def _watching(flags: dict[str, Any]) -> Iterator[list[Fit]]:
    """Collect every `fit` of the block, run with these attributes of the model and silently."""
    fits: list[Fit] = []
    original = Trainer.fit
    running: list[Any] = []

    @functools.wraps(original)
    def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # an error shows the user's frames, and those of `fit` itself
        if running:  # within another, whose time it is
            return original(model, *args, **kwargs)
        before = {name: getattr(model, name) for name in flags}
        vars(model).update(flags)
        running.append(model)
        try:
            watch, result = _timed(original, model, args, kwargs)
        finally:
            running.clear()
            vars(model).update(before)
        fits.append(watch)
        return result

    Trainer.fit = fit
    try:
        yield fits
    finally:
        Trainer.fit = original


def _timed(original: Callable, model: Any, args: tuple, kwargs: dict) -> tuple[Fit, Any]:
    """Call `fit`, and wait for its end if it trains in the background."""
    __tracebackhide__ = True
    call = inspect.signature(original).bind(model, *args, **kwargs)
    watch = Fit()
    given = call.arguments.get("callbacks")
    if isinstance(given, CallbackList):
        params = {**given.params, "verbose": 0}
        callbacks = CallbackList([watch, *given.callbacks], model=model, **params)
    else:
        callbacks = [watch, *([] if given is None else tree.flatten(given))]
    call.arguments.update(callbacks=callbacks, verbose=0)
    result = original(*call.args, **call.kwargs)
    history = _outcome(result) if isinstance(result, Training) else result
    watch.end()
    if history.stopped_by == "interrupt":  # in a notebook `fit` itself returns then
        raise KeyboardInterrupt
    return watch, result


def _outcome(training: Training) -> Any:
    try:
        return training.result()
    finally:
        if training.running:  # interrupted while it waits
            training.stop()
            training.wait()


# Numbers


def _sums(fits: list[Fit]) -> dict:
    steps, samples = sum(f.steps for f in fits), sum(f.samples for f in fits)
    seconds, first = sum(f.seconds for f in fits), sum(f.first for f in fits)
    after = steps - sum(f.first_steps for f in fits)
    ms = 1e3 * (seconds - first) / after if after else None
    return {
        "steps": steps,
        "samples": samples,
        "seconds": seconds,
        "first_step": first if steps else None,
        "ms_per_step": ms,
        "samples_per_second": 1e3 * samples / steps / ms if ms and samples else None,
        "loss": fits[-1].loss,
    }


def _summary(runs: list[dict]) -> dict:
    """The median of each number; the loss of the last run, for all have the same."""
    middle = {
        key: None if runs[0][key] is None else median(run[key] for run in runs) for key in runs[0]
    }
    return {**middle, "loss": runs[-1]["loss"]}


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a and b else None
