"""`Training`: one run of `fit`, steered from another thread, a button or a key.

Imports boundary, screen, callbacks and loop. The loop of `fit` calls `Training.rest` between two
steps; whoever steers only leaves a wish, which is fulfilled there. So state is always that after a
whole number of steps.
"""

from __future__ import annotations

import atexit
import contextvars
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasnb import screen
from kerasnb.boundary import boundary
from kerasnb.callbacks import History
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.models.loop import Position
from kerasnb.random import default_seed

__all__ = ["StopRequested", "Training"]

ABORT_WINDOW = 5.0  # seconds: a second interrupt within them ends more than one `fit`
PULSE = 0.05  # seconds from one call of the listeners to the next
EXIT_PATIENCE = 2.0  # seconds that the end of Python waits for training in the background


class StopRequested(Exception):
    """Leaves the loop of `fit` at a step boundary."""


class Training:
    """A run of `fit`; what ``fit(background=True)`` gives.

    While a model is trained, in the background or not, ``model.current_training`` is this object.
    Its methods may be called from any thread. What they ask for happens when the step that is
    being computed is done.

    Attributes:
        model: the model that is trained.
        history: the logs so far; also what `result` gives.
        position: epoch, whole steps done in it, and the newest logs.
        error: what training failed with, or None.
        view: what shows it in a notebook, or None.
        rng: draws the order of the samples.
        listeners: functions without arguments, called in the thread that trains, between two steps:
            whenever `state` has changed, and else every 0.05 s, or when a longer step is done.

    Example:
        >>> import kerasnb
        >>> model = kerasnb.Sequential([kerasnb.Input((1,)), kerasnb.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> training = model.fit([[0.0], [1.0]], [[1.0], [3.0]], epochs=5, background=True,
        ...                      verbose=0)
        >>> len(training.result().epoch)
        5
    """

    def __init__(self, model: Any, history: History, background: bool = False):
        self.model, self.history = model, history
        self.position = Position()
        self.error: BaseException | None = None
        self.view: Any = None
        self.listeners: list[Callable[[], None]] = []
        self.rng = np.random.default_rng(default_seed())
        self._shuffled: dict = {}  # the state of `rng` before the present epoch
        self._resumed: tuple[int, int] | None = None
        self._told = 0.0  # when the listeners were called
        self._changed = threading.Condition()
        self._asked = False  # whether there is any wish: all that a step looks at
        self._stop = self._pause = self._waiting = False
        self._granted = False  # whether the batch that runs was allowed by `step`
        self._steps = 0  # batches that `step` allows still
        self._rate: float | None = None
        self._outcome: str | None = None
        self._finished = threading.Event()
        self._thread = threading.current_thread()
        self._background = background
        with _claiming:
            if model.current_training is not None:
                raise GraphError(busy(model, "fit"))
            model.current_training = self

    # What others ask

    def stop(self) -> None:
        """End training after the present step; `fit` gives the history up to there."""
        with self._wish():
            self._stop = True

    def pause(self) -> None:
        """Wait after the present step, until `resume`, `step` or `stop`."""
        with self._wish():
            self._pause, self._steps = True, 0

    def resume(self) -> None:
        """Go on after `pause`."""
        with self._wish():
            self._pause, self._steps = False, 0

    def step(self, count: int = 1) -> None:
        """Train on exactly `count` batches more, and wait again."""
        if not isinstance(count, int) or count < 1:
            raise ArgumentError(f"step: count must be a whole number from 1, got {count!r}.")
        with self._wish():
            self._pause = True
            self._steps += count

    @property
    def learning_rate(self) -> float:
        """The optimizer's learning rate; one that is assigned holds from the next step on.

        Raises:
            ArgumentError: on assignment, if a schedule sets it, or the value is not above 0.
        """
        return float(self.model.optimizer.learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not self.adjustable:
            raise ArgumentError(
                "The learning rate follows a schedule; compile with a number to set it by hand."
            )
        if not 0 < value < float("inf"):
            raise ArgumentError(f"learning_rate: expected a number above 0, got {value!r}.")
        with self._wish():
            self._rate = float(value)
        if not self.running:
            self._set_rate()

    def logs(self) -> dict[str, float]:
        """The mean loss and metrics of the present epoch so far; empty before its first step."""
        return self.model._read_logs(self.position.logs)

    @property
    def adjustable(self) -> bool:
        """Whether the learning rate may be assigned: it is a number, not a schedule."""
        return getattr(self.model.optimizer, "rate_is_set_by_hand", False)

    @property
    def state(self) -> str:
        """``"running"``, ``"paused"``, ``"stopping"``; at the end ``"done"``, ``"stopped"`` or
        ``"failed"``."""
        if self._outcome is not None:
            return self._outcome
        if self._stop:
            return "stopping"
        return "paused" if self._waiting else "running"

    @property
    def running(self) -> bool:
        """Whether training has not ended; it may be paused."""
        return not self._finished.is_set()

    @property
    def paused(self) -> bool:
        """Whether it waits between two steps."""
        return self.state == "paused"

    @property
    def stepping(self) -> bool:
        """Whether it trains on a batch that `step` allowed, and is to wait again after it."""
        return self._pause and self._granted

    @property
    def watched(self) -> bool:
        """Whether each single step counts, because somebody has asked for something."""
        return self._asked

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until training has ended, `timeout` seconds at most; gives whether it has.

        Raises:
            GraphError: called by a callback of this training, which would wait for itself.
        """
        if self.running and threading.current_thread() is self._thread:
            raise GraphError("wait: training cannot wait for its own end.")
        return self._finished.wait(timeout)

    def result(self, timeout: float | None = None) -> History:
        """Wait until training has ended, and give the history.

        Raises:
            TimeoutError: it has not ended after `timeout` seconds.
            BaseException: whatever training failed with.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"{self!r} has not ended after {timeout} s.")
        if self.error is not None:
            raise self.error
        return self.history

    def __repr__(self) -> str:
        if not self.running:
            return f"<Training of {self.model.name!r}: {self.state}, {self.history!r}>"
        where = ""
        if self.position.epoch is not None:
            where = f", epoch {self.position.epoch + 1}, step {self.position.step}"
        return f"<Training of {self.model.name!r}: {self.state}{where}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        """The live view, while it runs: in a further cell, or after a reload lost the first."""
        if self.view is None:
            return {"text/plain": repr(self)}
        return self.view.mimebundle(include, exclude)

    # What the loop calls

    def begin(self, callbacks: Any) -> None:
        """Tell callbacks that training begins, in the thread that called `fit`: what they show goes
        to its notebook cell, and what they refuse is an error there."""
        with self._or_failed(callbacks):
            callbacks.on_train_begin()

    def snapshot(self, epoch_is_done: bool) -> dict:
        """Where training is, as data that JSON can hold; for `resume_from`.

        Args:
            epoch_is_done: whether the present epoch is to count as a whole.
        """
        epoch, step = self.position.epoch or 0, self.position.step
        if epoch_is_done:
            return {"epoch": epoch + 1, "batch": 0, "order": self.rng.bit_generator.state}
        return {"epoch": epoch, "batch": step, "order": self._shuffled}

    def resume_from(self, snapshot: dict) -> None:
        """Begin where `snapshot` was taken; to be called before the first epoch."""
        self.rng.bit_generator.state = snapshot["order"]
        self._resumed = (snapshot["epoch"], snapshot["batch"])

    def epochs_left(self, epochs: range) -> range:
        """Those of `epochs` that are to be trained."""
        return epochs if self._resumed is None else range(self._resumed[0], epochs.stop)

    def begin_epoch(self, epoch: int) -> int:
        """Note that an epoch begins; gives how many of its steps are done already."""
        self._shuffled = self.rng.bit_generator.state
        done = 0 if self._resumed is None else self._resumed[1]
        self._resumed = None
        self.position.start(epoch, done)
        return done

    @contextmanager
    def _or_failed(self, callbacks: Any) -> Iterator[None]:
        """What goes wrong before the loop begins ends training, and is raised."""
        try:
            yield
        except BaseException as error:
            self.error = error
            try:
                self.end("failed")
            finally:
                self.close()
                callbacks.on_train_end()
            raise

    def close(self) -> None:
        """The model is free again."""
        self.model.current_training = None
        self._finished.set()
        self._set_rate()

    def run(self, loop: Callable[[Training], None]) -> History:
        """Run `loop` in this thread, to its end."""
        try:
            with boundary.inside():
                loop(self)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.close()
        return self.history

    def start(self, loop: Callable[[Training], None], callbacks: Any) -> Training:
        """Run `loop` in a thread of its own, and give this handle at once."""
        # a copy of the context: what callbacks print goes to the notebook cell that called `fit`
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run_in_background, loop), name=f"fit {self.model.name}",
            daemon=True,
        )  # fmt: skip
        _in_background.add(self)
        with self._or_failed(callbacks):  # there may be no more threads
            self._thread.start()
        return self

    def _run_in_background(self, loop: Callable[[Training], None]) -> None:
        try:
            self.run(loop)
        except BaseException as error:  # result() raises it, and nobody may ever ask for that
            print(
                f"Training of {self.model.name!r} in the background failed: "
                f"{type(error).__name__}: {error}",
                file=sys.stderr,
            )
            if not isinstance(error, Exception):
                raise

    def rest(self, trained: bool = True) -> None:
        """Called between two steps: do what was asked for, and let backends be switched.

        Args:
            trained: whether the step before was one of training; validation passes False.

        Raises:
            StopRequested: training is to end here.
        """
        boundary.rest()
        if self._asked:
            self._obey(trained)
        if self.listeners and time.monotonic() - self._told >= PULSE:
            self._tell()

    def end(self, outcome: str) -> None:
        """Note how training ended: ``"done"``, ``"stopped"`` or ``"failed"``."""
        self._outcome = outcome
        self._tell()

    @property
    def background(self) -> bool:
        """Whether `fit` was called with ``background=True``."""
        return self._background

    def belongs_to(self, thread: threading.Thread) -> bool:
        """Whether it is `thread` that trains."""
        return thread is self._thread

    def _obey(self, trained: bool) -> None:
        with self._changed:
            if trained:
                self._granted = False
            while not self._stop:
                if self._set_rate():
                    self._tell()
                if not self._pause or self._granted:
                    break
                if self._steps:
                    self._steps -= 1
                    self._granted = True
                    break
                self._wait()
            self._asked = self._stop or self._pause
            if self._waiting:
                self._waiting = False
                self._tell()
            if self._stop:
                raise StopRequested

    def _set_rate(self) -> bool:
        """Set the learning rate that was asked for, if there is one; gives whether there was."""
        with self._changed:
            rate, self._rate = self._rate, None
        if rate is not None:
            self.model.optimizer.learning_rate = rate
        return rate is not None

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._tell()
        with boundary.outside():
            asked = self._changed.wait(PULSE)
        if not asked:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        for listener in self.listeners:
            listener()

    def _wish(self) -> _Wish:
        return _Wish(self)


class _Wish:
    """A block in which a `Training` is told what to do; it wakes if it waits."""

    def __init__(self, training: Training):
        self.training = training

    def __enter__(self) -> None:
        self.training._changed.acquire()

    def __exit__(self, *_: object) -> None:
        self.training._asked = True
        self.training._changed.notify_all()
        self.training._changed.release()


def busy(model: Any, method: str) -> str:
    """The sentence for who asks for two things at once."""
    return (
        f"Model {model.name!r} is being trained: {method} must wait until it has ended "
        "(model.current_training.stop() ends it)."
    )


def absorbs_interrupt() -> bool:
    """Whether an interrupt of `fit` means no more than Stop.

    So it is in a notebook, where the cells that follow are to run; except that a second interrupt
    soon after the first ends everything, as in a loop of many fits.
    """
    if not screen.in_notebook():
        return False
    now = time.monotonic()
    first = now - _last_interrupt["time"] > ABORT_WINDOW
    _last_interrupt["time"] = now
    return first


_last_interrupt = {"time": float("-inf")}
_claiming = threading.Lock()
_in_background: weakref.WeakSet[Training] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """End training in the background at a step boundary, so that callbacks close their files."""
    alive = [t for t in _in_background if t.running]
    for training in alive:
        training.stop()
    for training in alive:
        training.wait(EXIT_PATIENCE)
