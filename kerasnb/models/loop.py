"""Small parts of the training loop: where it is, what it walks over, what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["Position", "checked", "flat_or_dict", "is_due"]


class Position:
    """Where `fit` is: epoch, whole steps done in it, and the newest logs."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.step = 0
        self.logs: Any = None

    def start(self, epoch: int, step: int = 0) -> None:
        self.epoch, self.step, self.logs = epoch, step, None

    def advance(self, steps: int, logs: Any) -> None:
        self.step, self.logs = self.step + steps, logs

    def finish(self) -> None:
        self.epoch, self.step, self.logs = None, 0, None

    def report(self, read: Callable) -> dict:
        """The unfinished epoch for the history."""
        return {"epoch": self.epoch, "step": self.step, "logs": read(self.logs)}


def checked(data: Any, rng: Any = None) -> Iterator:
    """The batches of the next epoch, checked where that was not possible before."""
    if data.check is None:
        return data.epoch(rng)
    return (batch for batch in data.epoch(rng) if data.check(batch) is None)


def is_due(epoch: int, frequency: Any) -> bool:
    """Whether to validate after `epoch` (from 0): every so many epochs, or in those of a list."""
    if isinstance(frequency, (int, np.integer)):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def flat_or_dict(logs: dict, return_dict: bool) -> Any:
    """The logs as a dictionary, or as a list; a single one as a number."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
