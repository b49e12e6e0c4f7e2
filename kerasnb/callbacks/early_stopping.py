"""`EarlyStopping`. Imports callbacks.monitor and callbacks.progress."""

from __future__ import annotations

from kerasnb.callbacks.monitor import Monitor
from kerasnb.callbacks.progress import say

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitor):
    """Stops training when a log has not improved for a number of epochs.

    Args:
        monitor: name of the log.
        min_delta: a change below it is no improvement.
        patience: epochs without improvement before training stops.
        verbose: 1 prints a line when it stops.
        mode: ``"min"``, ``"max"``, or ``"auto"`` to go by the metric.
        baseline: patience counts until the log is better than this.
        restore_best_weights: whether the model gets the weights of its best epoch at the end. An
            interrupt leaves it as it is; the weights then are in `best_weights`.
        start_from_epoch: the first epoch that counts.

    Attributes:
        best: the best value so far.
        best_epoch: its epoch, from 0.
        stopped_epoch: the epoch after which it stopped training, from 0; 0 if it did not.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        first = self.restore_best_weights and self.best_weights is None
        improved = self.improves(value, self.best)
        if improved:
            self.best = value
        if improved or first:
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        self.wait += 1
        if improved and (self.baseline is None or self.improves(value, self.baseline)):
            self.wait = 0
        elif not improved and self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            say(f"EarlyStopping: stopped after epoch {self.stopped_epoch + 1}.")
        history = getattr(self.model, "history", None)
        if getattr(history, "stopped_by", None) == "interrupt":
            return
        if self.best_weights is not None:
            if self.verbose:
                say(f"EarlyStopping: restoring the weights of epoch {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list | None = None
