"""`History`: the logs of every epoch. Imports callbacks.base, screen and errors."""

from __future__ import annotations

from typing import Any

from kerasnb import screen
from kerasnb.callbacks.base import Callback
from kerasnb.errors import unknown

__all__ = ["History"]

REASONS = ("interrupt", "user", "callback")


class History(Callback):
    """The logs of every epoch as lists; `fit` returns one.

    Used for a second `fit`, it goes on after the epochs of the first.

    Attributes:
        history: name -> list with one value per epoch.
        epoch: the numbers of the epochs, from 0.
        params: ``verbose``, ``epochs`` and ``steps`` of the last `fit`.
        stopped_by: None if training went to its end; ``"interrupt"``, ``"user"`` (a Stop button, or
            `Training.stop`) or ``"callback"``.
        partial: None, or the epoch that was cut: ``{"epoch", "step", "logs"}`` with its number, the
            whole steps done in it, and the logs up to there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list] = {}
        self.epoch: list[int] = []
        self.stopped_by: str | None = None
        self.partial: dict | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.stopped_by = None
        self.partial = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def stop(
        self,
        by: str,
        *,
        epoch: int | None = None,
        step: int | None = None,
        logs: dict | None = None,
    ) -> None:
        """Note that training ended early.

        Args:
            by: ``"interrupt"``, ``"user"`` or ``"callback"``.
            epoch: the unfinished epoch, from 0; None if the last one was finished.
            step: whole steps done in it.
            logs: the logs up to there.
        """
        if by not in REASONS:
            raise unknown("reason to stop", by, REASONS)
        self.stopped_by = by
        if epoch is not None:
            self.partial = {"epoch": epoch, "step": step, "logs": dict(logs or {})}

    def plot(self) -> Any:
        """The curves as a figure, one panel a metric, validation dashed; a notebook shows it.

        Raises:
            MissingDependency: matplotlib is not installed.
            ArgumentError: no epoch has ended.
        """
        return screen.view("plots").plot_history(self)

    def __repr__(self) -> str:
        last = [
            f"{name} {values[-1]:.4g}"
            for name, values in self.history.items()
            if isinstance(values[-1], float)
        ]
        count = len(self.epoch)
        text = ", ".join([f"{count} epoch{'' if count == 1 else 's'}", *last])
        return f"<History: {text}{f'; stopped by {self.stopped_by}' if self.stopped_by else ''}>"
