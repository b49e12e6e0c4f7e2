"""`Progbar`: how far a loop of one's own is, through tqdm. Imports callbacks.progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

from kerasnb.callbacks.progress import format_logs
from kerasnb.errors import ArgumentError

__all__ = ["Progbar"]


class Progbar:
    """A bar that shows how far a loop is, and the means of numbers along the way.

    Args:
        target: steps in all; None if nobody knows.
        width: characters of the bar.
        verbose: 1 for a bar, 2 for a line at the end, 0 for nothing.
        interval: the shortest time between two updates, in seconds.
        stateful_metrics: names of numbers that are shown as they are, not as means.
        stateless_metrics: the only names that are shown as means, instead.
        unit_name: what a step is called.

    Raises:
        ArgumentError: both kinds of names are given.

    Example:
        >>> bar = Progbar(3, verbose=2)
        >>> for step in range(3):
        ...     bar.add(1, [("loss", 1.0 / (step + 1))])  # doctest: +ELLIPSIS
        3/3 - ... s - ... ms/step - loss: 0.3333
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError("Progbar: give stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._as_they_are = None if stateful_metrics is None else set(stateful_metrics)
        self._as_means = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[float, int]] = {}  # name -> sum, steps
        self._seen = 0
        self._begun = time.perf_counter()
        self._due = 0.0
        self._bar: Any = None

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that `current` steps are done.

        Args:
            current: steps that are done.
            values: pairs of a name and its number; each counts for the steps since the last update.
                Those of the last update are shown as they are, as in Keras.
            finalize: whether this is the last update; if None, whether the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            if finalize or not self._is_mean(name):
                self._sums[name] = (float(value), 1)
            else:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + float(value) * steps, count + steps)
        self._seen = current
        if self.verbose == 1:
            self._show(finalize)
        elif self.verbose == 2 and finalize:
            self._print()

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done; see `update`."""
        self.update(self._seen + n, values)

    def _is_mean(self, name: str) -> bool:
        if self._as_means is not None:
            return name in self._as_means
        return self._as_they_are is None or name not in self._as_they_are

    def _logs(self) -> str:
        return format_logs({name: total / count for name, (total, count) in self._sums.items()})

    def _show(self, finalize: bool) -> None:
        now = time.perf_counter()
        if now < self._due and not finalize:
            return
        self._due = now + self.interval
        if self._bar is None:
            self._bar = self._new_bar()
        self._bar.n = self._seen
        self._bar.set_postfix_str(self._logs(), refresh=False)
        self._bar.refresh()
        if finalize:
            self._bar.close()
            self._bar = None

    def _new_bar(self) -> Any:
        from tqdm import tqdm

        form = (
            None
            if self.target is None
            else (
                f"{{n_fmt}}/{{total_fmt}} |{{bar:{self.width}}}| "
                "{elapsed}<{remaining}, {rate_fmt}{postfix}"
            )
        )
        return tqdm(total=self.target, unit=self.unit_name, file=sys.stdout, bar_format=form)

    def _print(self) -> None:
        seconds = time.perf_counter() - self._begun
        each = 1e3 * seconds / max(self._seen, 1)
        of = f"/{self.target}" if self.target is not None else ""
        parts = [f"{self._seen}{of}", f"{seconds:.1f} s", f"{each:.3g} ms/{self.unit_name}"]
        print(" - ".join([*parts, *filter(None, [self._logs()])]), flush=True)
