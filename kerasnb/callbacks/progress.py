"""`ProgressBar`: how far training is, through tqdm. Imports callbacks.base, errors and screen."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from kerasnb import config, screen
from kerasnb.callbacks.base import Callback, read
from kerasnb.errors import MissingDependency

__all__ = ["ProgressBar", "format_logs", "progress_display", "say"]

LIVE_INTERVAL = 0.1  # seconds between updates that a person watches
LOG_INTERVAL = 10.0  # in a file each update stays as text, so fewer of them


class ProgressBar(Callback):
    """Shows progress as `verbose` says: 1 a bar per epoch, 2 a line per epoch, 0 nothing.

    The bar is tqdm's, in text, so that it stays in a saved notebook. Where no person watches (a
    file, a pipe), it shows each epoch's end and a sign of life every 10 s.

    Args:
        interval: the shortest time between two updates in seconds; 0.1 by default, 10 into a file.
        file: where to write; by default standard output in a notebook and for lines, and standard
            error for bars elsewhere.
    """

    lazy_logs = True
    shows_progress = True
    every_batch = False

    def __init__(self, interval: float | None = None, file: TextIO | None = None):
        super().__init__()
        self.interval = interval
        self.file = file
        self._bar: Any = None
        self._title = ""
        self._in_fit = False
        self._seen = 0
        self._begun = self._due = 0.0
        self._step = LIVE_INTERVAL

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self._in_fit = False
        self._close()  # after an interrupt the bar of the cut epoch is still there

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._start(f"Epoch {epoch + 1}/{self._param('epochs') or epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        if not self._in_fit:  # validation is part of the epoch's bar
            self._start("Evaluate")

    def on_test_end(self, logs: dict | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._start("Predict")

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._finish(None)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen = batch + 1
        if time.perf_counter() >= self._due:
            self._show(logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._in_fit:
            self.on_train_batch_end(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_train_batch_end(batch)  # the logs hold predictions

    def _param(self, name: str) -> Any:
        return (self.params or {}).get(name)

    @property
    def _verbose(self) -> int:
        verbose = self._param("verbose")
        verbose = 1 if verbose in (None, "auto") else int(verbose)
        # a log takes lines, no bars
        return verbose if verbose != 1 or config.is_interactive_logging_enabled() else 2

    def _start(self, title: str) -> None:
        self._close()
        self._title, self._seen = title, 0
        self._begun = time.perf_counter()
        self._due = float("inf")
        if self._verbose != 1:
            return
        # a notebook paints standard error red
        file = self.file or (sys.stdout if screen.in_notebook() else sys.stderr)
        live = _is_live(file)
        self._step = self.interval
        if self._step is None:
            self._step = LIVE_INTERVAL if live else LOG_INTERVAL
        self._bar = _tqdm()(
            total=self._param("steps"),
            desc=title,
            unit="step",
            file=file,
            dynamic_ncols=True,
            delay=0 if live else 1e-9,  # a delay keeps the empty bar out of files
        )
        self._bar.delay = 0  # but the last line must come, however short the epoch
        self._due = self._begun + self._step

    def _show(self, logs: Any) -> None:
        if self._bar is None:
            return
        self._bar.n = self._seen
        self._bar.set_postfix_str(format_logs(read(logs)), refresh=False)
        self._bar.refresh()
        self._due = time.perf_counter() + self._step

    def _finish(self, logs: dict | None) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(format_logs(logs or {}), refresh=False)
            self._close()
        elif self._verbose == 2:
            seconds = time.perf_counter() - self._begun
            parts = [
                self._title,
                f"{self._seen} steps",
                f"{seconds:.1f} s",
                f"{1e3 * seconds / max(self._seen, 1):.3g} ms/step",
            ]
            if text := format_logs(logs or {}):
                parts.append(text)
            if self.file is None and not config.is_interactive_logging_enabled():
                say(" - ".join(parts))
            else:
                print(" - ".join(parts), file=self.file or sys.stdout, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.n = self._seen
            self._bar.close()
            self._bar = None
            self._due = float("inf")


def format_logs(logs: dict) -> str:
    """The logs in one line: ``loss: 0.1234 - accuracy: 0.9876``."""
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{name}: {value:.4e}"
        for name, value in logs.items()
        if isinstance(value, (int, float))
    )


def say(text: str) -> None:
    """Print a line, past a bar on the screen; or log it, if interactive logging is off."""
    if not config.is_interactive_logging_enabled():
        logging.getLogger("kerasnb").info(text)
        return
    std = sys.modules.get("tqdm.std")
    if std is None:
        print(text)
    else:
        std.tqdm.write(text, file=sys.stdout)


def progress_display(live: bool) -> Callback:
    """What shows how far training is: with `live` in a notebook the live view, else a bar."""
    if live and screen.in_notebook() and config.is_interactive_logging_enabled():
        try:
            return screen.view("live").LiveView()
        except MissingDependency as reason:
            say(f"{reason} Until then, a progress bar.")
    return ProgressBar()


def _tqdm() -> Callable:
    from tqdm import tqdm

    return tqdm


def _is_live(file: TextIO) -> bool:
    """Whether a person sees updates in place: a terminal or a notebook."""
    isatty = getattr(file, "isatty", None)
    return (isatty is not None and isatty()) or screen.in_notebook()
