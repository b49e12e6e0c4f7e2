"""`Monitor`: callbacks that follow one log and know which direction is better.

Imports callbacks.base and errors.
"""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Iterable
from typing import Any

from kerasnb.callbacks.base import Callback, as_number
from kerasnb.errors import ArgumentError, unknown

__all__ = ["Monitor", "closest_first"]

MODES = ("auto", "min", "max")
LESS_IS_BETTER = ("loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "hinge")
LESS_IS_BETTER += ("divergence", "kld", "perplexity", "poisson", "logcosh", "false_")
MORE_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "similarity")
MORE_IS_BETTER += ("positives", "negatives", "sensitivity", "specificity", "score")


class Monitor(Callback):
    """Follows the log named `monitor`.

    Args:
        monitor: name of the log.
        mode: ``"min"`` if less is better, ``"max"`` if more is, ``"auto"`` to go by the metric.
        min_delta: a change below it is no improvement; its sign does not matter.
        best: the value to improve on at first, if any.

    Raises:
        ArgumentError: `mode` is none of these.
    """

    def __init__(
        self, monitor: str, mode: str = "auto", min_delta: float = 0.0, best: float | None = None
    ):
        super().__init__()
        if mode not in MODES:
            raise unknown(f"mode in {type(self).__name__}", mode, MODES)
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best
        self._sign: int | None = None  # +1 if more is better, -1 if less is
        self._warned = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._warned = False
        self._sign = self._direction()
        if self._sign is None and self._metrics():  # else the name may turn out to be no log at all
            raise ArgumentError(self._undecided())

    def value(self, logs: dict | None) -> float | None:
        """The monitored value, or None and (once) a warning if the logs do not hold it."""
        value = as_number((logs or {}).get(self.monitor))
        if isinstance(value, float):
            return value
        if not self._warned:
            self._warned = True
            warnings.warn(self._missing(logs or {}, value), UserWarning, stacklevel=3)
        return None

    def improves(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`; NaN never is.

        Raises:
            ArgumentError: `mode` is ``"auto"`` and nothing tells which direction is better.
        """
        if self._sign is None:
            self._sign = self._direction()
        if self._sign is None:
            raise ArgumentError(self._undecided())
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        return self._sign * value - self.min_delta > self._sign * reference

    def _direction(self) -> int | None:
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        name = self.monitor.removeprefix("val_")
        for metric in self._metrics():
            direction = getattr(metric, "_direction", None)
            if direction:
                return 1 if direction == "up" else -1
        if any(word in name for word in LESS_IS_BETTER):
            return -1
        return 1 if any(word in name for word in MORE_IS_BETTER) else None

    def _metrics(self) -> list:
        """The model's metrics that bear the monitored name."""
        name = self.monitor.removeprefix("val_")
        metrics = _all_metrics(getattr(self.model, "metrics", ()))
        return [metric for metric in metrics if getattr(metric, "name", None) == name]

    def _undecided(self) -> str:
        return (
            f"{type(self).__name__}: nothing tells whether more or less of {self.monitor!r} is "
            'better. Pass mode="max" or mode="min".'
        )

    def _missing(self, logs: dict, value: Any) -> str:
        kind = type(self).__name__
        if value is not None:
            return (
                f"{kind}: the log {self.monitor!r} is a {type(value).__name__}, not a single "
                f"number, so {kind} does nothing."
            )
        names = ", ".join(closest_first(self.monitor, logs)) or "none"
        text = f"{kind}: there is no log {self.monitor!r}, so {kind} does nothing. "
        text += f"Logs, closest first: {names}."
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            text += " There is no validation: pass validation_data or validation_split to fit."
        return text


def closest_first(name: str, names: Iterable[str]) -> list[str]:
    """`names` in order of likeness to `name`."""
    return sorted(names, key=lambda n: -difflib.SequenceMatcher(None, name, n).ratio())


def _all_metrics(metrics: Any) -> Iterable:
    for metric in metrics or ():
        yield metric
        yield from _all_metrics(getattr(metric, "metrics", ()))
