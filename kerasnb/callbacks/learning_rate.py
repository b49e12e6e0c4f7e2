"""Callbacks that change the learning rate. Imports callbacks.monitor and .progress, and errors."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from kerasnb.callbacks.base import Callback
from kerasnb.callbacks.monitor import Monitor
from kerasnb.callbacks.progress import say
from kerasnb.errors import ArgumentError

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch to what a function says.

    The log ``learning_rate`` has the rate of each epoch.

    Args:
        schedule: ``schedule(epoch, learning_rate)`` or ``schedule(epoch)``, with epochs from 0 and
            the present rate, returns the rate for the epoch.
        verbose: 1 prints the rate.

    Raises:
        ArgumentError: `schedule` is no function.
    """

    def __init__(self, schedule: Callable, verbose: int = 0):
        super().__init__()
        if not callable(schedule):
            raise ArgumentError(
                "LearningRateScheduler: expected a function of (epoch, learning_rate) as schedule, "
                f"got {type(schedule).__name__}."
            )
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_train_begin(self, logs: dict | None = None) -> None:
        _check_settable(self)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        optimizer = self.model.optimizer
        arguments = (epoch, _get(optimizer)) if self._takes_rate else (epoch,)
        rate = self.schedule(*arguments)
        if not _is_rate(rate):
            raise ArgumentError(
                "LearningRateScheduler: expected schedule to return a finite number, "
                f"got {_describe(rate)} for epoch {epoch}."
            )
        _set(optimizer, float(rate))
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:.6g}.")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _get(self.model.optimizer)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by a factor when a log has not improved for a number of epochs.

    The log ``learning_rate`` has the rate of each epoch.

    Args:
        monitor: name of the log.
        factor: the new rate is the old one times this; between 0 and 1.
        patience: epochs without improvement before the rate is reduced.
        verbose: 1 prints a line for each reduction.
        mode: ``"min"``, ``"max"``, or ``"auto"`` to go by the metric.
        min_delta: a change below it is no improvement.
        cooldown: epochs to wait after a reduction before patience counts again.
        min_lr: the rate never goes below this.

    Raises:
        ArgumentError: `factor` is not between 0 and 1, or `mode` is unknown.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ArgumentError(
                f"ReduceLROnPlateau: expected a factor between 0 and 1, got {factor!r}."
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        _check_settable(self)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is None:
            logs = {}
        logs["learning_rate"] = _get(self.model.optimizer)
        value = self.value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best = value
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = _get(self.model.optimizer)
        new = max(old * self.factor, self.min_lr)
        if math.isclose(old, new, rel_tol=1e-6) or new > old:  # float32: equal but for rounding
            return
        _set(self.model.optimizer, new)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau reduces the learning rate to {new:.6g}.")

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0


def _takes_two(schedule: Callable) -> bool:
    """Whether a schedule also takes the present rate."""
    try:
        parameters = inspect.signature(schedule).parameters.values()
    except (TypeError, ValueError):  # some callables written in C have no signature
        return True
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 1


def _check_settable(callback: Callback) -> None:
    kind = type(callback).__name__
    optimizer = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ArgumentError(
            f"{kind}: expected a model compiled with an optimizer that has a learning_rate, "
            f"got {type(optimizer).__name__}."
        )
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    rate = getattr(optimizer, "_learning_rate", optimizer.learning_rate)
    if not hasattr(rate, "assign") and not isinstance(rate, (int, float)):
        raise ArgumentError(
            f"{kind}: the learning rate of {type(optimizer).__name__} is the schedule "
            f"{type(rate).__name__} and cannot be set. Compile with a number as learning_rate, "
            f"or leave {kind} out."
        )


def _get(optimizer: Any) -> float:
    return float(optimizer.learning_rate)


def _set(optimizer: Any, value: float) -> None:
    rate = optimizer.learning_rate
    if hasattr(rate, "assign"):
        rate.assign(value)
    else:
        optimizer.learning_rate = value


def _is_rate(value: Any) -> bool:
    if value is None or isinstance(value, (bool, str)) or getattr(value, "shape", ()) != ():
        return False
    return hasattr(value, "__float__") and math.isfinite(float(value))


def _describe(value: Any) -> str:
    return str(value) if isinstance(value, float) else type(value).__name__
