"""`ModelCheckpoint`. Imports callbacks.monitor, callbacks.progress and errors."""

from __future__ import annotations

import os
import string
from typing import Any

from kerasnb.callbacks.base import read
from kerasnb.callbacks.monitor import Monitor, closest_first
from kerasnb.callbacks.progress import say
from kerasnb.errors import ArgumentError

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Monitor):
    """Saves the model or its weights as training goes on.

    Args:
        filepath: where to save; may name epoch and logs, as ``"{epoch:02d}-{val_loss:.2f}.keras"``.
            Ends in ``.keras``; for weights in ``.weights.h5`` or ``.safetensors``.
        monitor: name of the log that says which is best.
        verbose: 1 prints a line for each decision.
        save_best_only: whether to save only when the log is better than ever.
        save_weights_only: whether to save the weights only (`model.save_weights`), or the model
            (`model.save`).
        mode: ``"min"``, ``"max"``, or ``"auto"`` to go by the metric.
        save_freq: ``"epoch"``, or a number of training steps.
        initial_value_threshold: what the log must be better than to be saved at first.

    Raises:
        ArgumentError: `filepath`, `save_freq` or `mode` is wrong.
    """

    lazy_logs = True

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        _check_path(self.filepath, save_weights_only)
        by_step = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if not by_step and save_freq != "epoch":
            raise ArgumentError(
                'ModelCheckpoint: expected save_freq="epoch" or a positive number of steps, '
                f"got {save_freq!r}."
            )
        self._epoch = 0
        self._steps_since = 0
        self._last_batch = -1
        if by_step:  # an attribute, so that saving by epoch costs nothing per step
            self.on_train_batch_end = self._after_step

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch
        self._last_batch = -1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.save_freq == "epoch":
            self._consider(logs or {}, None)

    def _after_step(self, batch: int, logs: Any = None) -> None:
        # several steps may have run in one call, so count by the number of the last one
        self._steps_since += batch - self._last_batch
        self._last_batch = batch
        if self._steps_since >= self.save_freq:
            self._steps_since = 0
            self._consider(read(logs), batch)

    def _consider(self, logs: dict, batch: int | None) -> None:
        reason = ""
        if self.save_best_only:
            value = self.value(logs)
            if value is not None:
                best = "none" if self.best is None else f"{self.best:.5f}"
                if not self.improves(value, self.best):
                    self._tell(f"{self.monitor} did not improve from {best}.")
                    return
                reason = f"{self.monitor} improved from {best} to {value:.5f}; "
                self.best = value
        path = self._path(logs, batch)
        self._tell(f"{reason}saving to {path}.")
        self._save(path)

    def _save(self, path: str) -> None:
        if os.path.isdir(path):
            raise ArgumentError(
                f"ModelCheckpoint: filepath {path!r} is a directory; name a file in it."
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _path(self, logs: dict, batch: int | None) -> str:
        fields = dict(logs, epoch=self._epoch + 1)
        if batch is not None:
            fields.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**fields)
        except KeyError as error:
            name = error.args[0]
            raise ArgumentError(
                f"ModelCheckpoint: filepath {self.filepath!r} names {name!r}, which is no log. "
                f"Known, closest first: {', '.join(closest_first(name, fields))}."
            ) from None

    def _tell(self, text: str) -> None:
        if self.verbose:
            say(f"Epoch {self._epoch + 1}: {text}")

    def _missing(self, logs: dict, value: Any) -> str:
        text = super()._missing(logs, value)
        return text.replace("so ModelCheckpoint does nothing", "so each checkpoint is saved")


def _check_path(path: str, weights: bool) -> None:
    endings = (".weights.h5", ".safetensors") if weights else (".keras",)
    if not path.endswith(endings):
        raise ArgumentError(
            f"ModelCheckpoint: with save_weights_only={weights}, expected filepath to end in "
            f"{' or '.join(map(repr, endings))}, got {path!r}."
        )
    try:
        list(string.Formatter().parse(path))
    except ValueError:
        raise ArgumentError(
            f"ModelCheckpoint: filepath {path!r} is no format string; close its braces, or write "
            "{{ and }} for braces in the name."
        ) from None
