"""`BackupAndRestore`. Imports callbacks.base, files.state and errors."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from kerasnb.callbacks.base import Callback
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.files.state import load_state, save_state

__all__ = ["BackupAndRestore"]

FILE = "latest.weights.h5"


class BackupAndRestore(Callback):
    """Keeps the state of training on disk, and goes on from there when `fit` is called again.

    Weights, optimizer, metrics, the counters of random layers and the order of the samples come
    back, so that a run that was interrupted ends with the same weights as one that was not: bit for
    bit, if the data is arrays or a `PyDataset`. A generator begins anew, and is read up to where
    training was.

    The backup is removed when training has come to its end; not after an interrupt, an error or
    Stop in a notebook.

    Args:
        backup_dir: a folder for this training alone.
        save_freq: ``"epoch"``, or a number of training steps.
        double_checkpoint: keep the backup before the newest too, in case that the newest cannot be
            read.
        delete_checkpoint: whether to remove the backup at the end.

    Raises:
        ArgumentError: `backup_dir` is empty, or `save_freq` is wrong.
    """

    lazy_logs = True

    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not backup_dir:
            raise ArgumentError("BackupAndRestore: expected backup_dir to name a folder, got none.")
        by_step = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if not by_step and save_freq != "epoch":
            raise ArgumentError(
                'BackupAndRestore: expected save_freq="epoch" or a positive number of steps, got '
                f"{save_freq!r}."
            )
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._steps_since = 0
        self._last_batch = -1
        if by_step:  # attributes, so that saving by epoch costs nothing per step
            self.on_train_batch_end = self._after_step

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._steps_since = 0
        newest, before = self._files()
        if not newest.exists():
            return
        try:
            note = load_state(self.model, newest)
        except LoadError as error:
            if not before.exists():
                raise
            warnings.warn(f"{error} The backup before it is used.", stacklevel=2)
            note = load_state(self.model, before)
        self.model.current_training.resume_from(note)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._last_batch = self.model.current_training.position.step - 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch_is_done=True)

    def _after_step(self, batch: int, logs: Any = None) -> None:
        # several steps may have run in one call, so count by the number of the last one
        self._steps_since += batch - self._last_batch
        self._last_batch = batch
        if self._steps_since >= self.save_freq:
            self._steps_since = 0
            self._save(epoch_is_done=False)

    def _save(self, epoch_is_done: bool) -> None:
        newest, before = self._files()
        newest.parent.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and newest.exists():
            os.replace(newest, before)
        save_state(self.model, newest, self.model.current_training.snapshot(epoch_is_done))

    def _files(self) -> tuple[Path, Path]:
        """The newest backup and the one before."""
        return self.backup_dir / FILE, self.backup_dir / f"{FILE}.bkp"

    def on_train_end(self, logs: dict | None = None) -> None:
        training = self.model.current_training
        if training is None:  # it failed before its first step
            return
        ended = training.state == "done" or training.history.stopped_by == "callback"
        if self.delete_checkpoint and ended and self.backup_dir.exists():
            for file in self._files():
                file.unlink(missing_ok=True)
            if not any(self.backup_dir.iterdir()):  # what others put there is theirs
                self.backup_dir.rmdir()
