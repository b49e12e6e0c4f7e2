"""`CSVLogger`. Imports callbacks.base."""

from __future__ import annotations

import csv
import os
import warnings
from pathlib import Path
from typing import Any, TextIO

from kerasnb.callbacks.base import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the logs of every epoch as a line of a CSV file.

    The columns are ``epoch``, from 0, and the logs of the first epoch in alphabetical order. A log
    that is missing later is ``NA``.

    Args:
        filename: the file; folders that are missing are made.
        separator: between the values.
        append: whether to add to an existing file, whose columns then stay.
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file: TextIO | None = None
        self._columns: list[str] | None = None
        self._warned = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._close()
        path = Path(self.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._columns = self._present_columns(path) if self.append else None
        self._file = path.open("a" if self.append else "w", newline="", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._columns is None:
            self._columns = ["epoch", *_with_validation(sorted(logs))]
            writer.writerow(self._columns)
        elif extra := sorted(set(logs).difference(self._columns)):
            self._warn_once(extra)
        values = dict(logs, epoch=epoch)
        writer.writerow([_cell(values.get(name, "NA")) for name in self._columns])
        self._file.flush()  # a reader sees the epoch at once, and an interrupt loses nothing

    def on_train_end(self, logs: dict | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._warned = False

    def _present_columns(self, path: Path) -> list[str] | None:
        if not path.exists():
            return None
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file, delimiter=self.separator), None)

    def _warn_once(self, extra: list[str]) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"CSVLogger: {self.filename} has no column for {', '.join(extra)}, so they are "
                "left out. Use another file to have them.",
                UserWarning,
                stacklevel=4,
            )


def _with_validation(names: list[str]) -> list[str]:
    """With columns for validation too, which may run for the first time in a later epoch."""
    if any(name.startswith("val_") for name in names):
        return names
    return names + [f"val_{name}" for name in names if name != "learning_rate"]


def _cell(value: Any) -> Any:
    if getattr(value, "shape", ()) != () or isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    return value
