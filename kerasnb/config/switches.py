"""What Keras lets a program switch: limits on training, logging, and short tracebacks.

Imports settings and errors.
"""

from __future__ import annotations

import os

from kerasnb.config.settings import state
from kerasnb.errors import ArgumentError

__all__ = [
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]


def max_epochs() -> int | None:
    """The most epochs a `fit` trains, or None: what was set, else `KERAS_MAX_EPOCHS`."""
    return _limit("max_epochs", "KERAS_MAX_EPOCHS")


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` of this session train more epochs; for trying out a program quickly.

    Args:
        max_epochs: how many, from 1; None for no limit.

    Raises:
        ArgumentError: it is no whole number from 1.
    """
    state["max_epochs"] = _check("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps of an epoch of `fit`, of `evaluate` and of `predict`, or None: what was set,
    else `KERAS_MAX_STEPS_PER_EPOCH`."""
    return _limit("max_steps_per_epoch", "KERAS_MAX_STEPS_PER_EPOCH")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch of `fit`, no `evaluate` and no `predict` of this session take more steps.

    Args:
        max_steps_per_epoch: how many, from 1; None for no limit.

    Raises:
        ArgumentError: it is no whole number from 1.
    """
    state["max_steps_per_epoch"] = _check("max_steps_per_epoch", max_steps_per_epoch)


def _limit(key: str, variable: str) -> int | None:
    if key in state:
        return state[key]
    value = os.environ.get(variable, "").strip()
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ArgumentError(f"{variable}: expected a whole number from 1, got {value!r}.")
    return int(value)


def _check(name: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name}: expected a whole number from 1, or None, got {value!r}.")
    return value


def enable_interactive_logging() -> None:
    """Show progress bars and messages of callbacks on the standard output, as is usual."""
    state["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Send messages of callbacks to the logger ``"kerasnb"`` of Python's `logging`, and let
    ``verbose="auto"`` mean one line an epoch, which goes there as well: for jobs without a screen.
    """
    state["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages go to the standard output."""
    return state.get("interactive_logging", True)


def enable_traceback_filtering() -> None:
    """Leave the frames of this package out of tracebacks, as is usual."""
    state["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Show every frame in tracebacks: for who looks for a mistake in this package."""
    state["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether the frames of this package are left out of tracebacks."""
    return state.get("traceback_filtering", True)
