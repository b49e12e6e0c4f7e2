"""`Callback`: what `fit`, `evaluate` and `predict` call. Imports nothing of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["HOOKS", "Callback", "as_number", "read"]

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_batch_begin",
    "on_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """Something that acts at points of training. Override the methods you need.

    `logs` maps names to numbers: the mean loss and metrics of the epoch so far, and with ``val_``
    before the name those of validation. At the end of an epoch all callbacks get one dictionary:
    what one adds, those after it and the history see. To stop training after the present step, set
    ``self.model.stop_training = True``.

    Attributes:
        model: the model being trained, evaluated or used.
        params: ``verbose``, ``epochs`` and ``steps`` (None if unknown).
        shows_progress: whether it is what `verbose` asks for, so that nothing else need be.
        lazy_logs: if True, the methods at the end of a batch get a function that returns the logs
            instead of the logs; computing them costs time, so call it only when they are needed.
        every_batch: whether the methods of batches must be called for each single one. If False,
            several steps may run between two calls, with ``steps_per_execution="auto"``.

    Example:
        >>> class Announce(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
        >>> Announce().on_epoch_end(0, {"loss": 0.5})
        epoch 1: loss 0.50
    """

    lazy_logs: bool = False
    shows_progress: bool = False
    every_batch: bool = True

    def __init__(self) -> None:
        self.params: dict | None = None
        self.model: Any = None

    def set_params(self, params: dict) -> None:
        """Tell the callback how training was called."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Tell the callback which model this is about."""
        self.model = model

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Called once before `fit` starts."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Called once when `fit` ends, with the logs of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called before each epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Called after each epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each training step; `on_batch_begin` if not overridden."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after each training step; `on_batch_end` if not overridden."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """The short name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """The short name of `on_train_batch_end`."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Called once before `evaluate`, or validation in `fit`, starts."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """Called once when `evaluate`, or validation in `fit`, ends."""

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each step of `evaluate` or validation."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after each step of `evaluate` or validation."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Called once before `predict` starts."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Called once when `predict` ends."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each step of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after each step of `predict`; `logs` may hold the step's ``outputs``."""


def read(logs: dict | Callable[[], dict] | None) -> dict:
    """The logs themselves, given them, a function that returns them, or None."""
    return (logs() if callable(logs) else logs) or {}


def as_number(value: Any) -> Any:
    """A single number, of whatever type, as a Python float; anything else as it is."""
    single = hasattr(value, "__float__") and getattr(value, "shape", ()) == ()
    return float(value) if single else value
