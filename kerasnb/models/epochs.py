"""One epoch of training in executions: one or more steps, between which others have their turn.

Imports loop and compile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from kerasnb.compile.step import Step
from kerasnb.models.loop import checked
from kerasnb.utils.batches import pack_x_y_sample_weight

__all__ = ["Epoch", "Pace", "RowEpoch", "epoch_of"]

Execution = Callable[[Step, Callable[[], None]], Iterator[tuple[int, Any]]]

_EXECUTION = 0.03  # seconds: an interrupt waits no longer, and a bar moves smoothly
_MOST = 4096  # steps: their addresses take 1 MB


class Pace:
    """How many steps the next execution has.

    Args:
        steps: so many always; or ``"auto"``: as many as take 0.03 s, found out by and by.
    """

    def __init__(self, steps: int | str):
        self._fixed = None if steps == "auto" else steps
        self._next = 1

    def steps(self, alone: bool) -> int:
        """How many steps; where the number is not fixed, one if each is wanted `alone`."""
        if self._fixed is not None:
            return self._fixed
        return 1 if alone else self._next

    def took(self, steps: int, seconds: float) -> None:
        """Note how long an execution took; the next may have up to four times as many steps."""
        fitting = int(steps * _EXECUTION / max(seconds, 1e-6))
        self._next = max(1, min(fitting, 4 * self._next, _MOST))


class Epoch:
    """An epoch whose batches come one by one."""

    def __init__(self, batches: Iterator):
        self._batches = batches

    def skip(self, steps: int) -> None:
        """Leave the next batches out: they were trained on before."""
        for _ in islice(self._batches, steps):
            pass

    def execution(self, most: int) -> Execution | None:
        """The next execution, of at most so many steps; None at the end of the epoch.

        It is called with `step`, and with what is to be done between two calls of it. After each
        call of `step` it gives how many steps that was, and the logs.
        """
        for first in self._batches:
            return partial(_one_by_one, chain([first], islice(self._batches, most - 1)))
        return None


class RowEpoch(Epoch):
    """An epoch over arrays, of which many batches can be taken by one native call.

    Args:
        batch: all rows, as ``(x, y, sample_weight)``.
        order: int64, the rows in the order in which they are taken.
        size: rows of a batch; the last may have fewer.
        take: gives the batch of some rows.
    """

    def __init__(self, batch: Any, order: np.ndarray, size: int, take: Callable):
        super().__init__(self._single())
        self._all, self._order, self._size, self._take = batch, order, size, take
        self._at = 0

    def skip(self, steps: int) -> None:
        self._at += steps * self._size

    def execution(self, most: int) -> Execution | None:
        count = min(most, (len(self._order) - self._at) // self._size)
        return partial(self._together, count, most) if count > 1 else super().execution(most)

    def _together(
        self, count: int, most: int, step: Step, between: Callable[[], None]
    ) -> Iterator[tuple[int, Any]]:
        """Full batches in one call where that is possible; then what is left one by one."""
        stop = self._at + count * self._size
        rows = self._order[self._at : stop].reshape(count, self._size)
        logs = step.repeat((pack_x_y_sample_weight(*self._all),), rows)
        if logs is None:
            yield from _one_by_one(islice(self._batches, most), step, between)
            return
        self._at = stop
        yield count, logs
        for batch in islice(self._batches, most - count):
            between()
            yield 1, step(pack_x_y_sample_weight(*batch))

    def _single(self) -> Iterator:
        while self._at < len(self._order):
            rows = self._order[self._at : self._at + self._size]
            self._at += len(rows)
            yield self._take(rows)


def _one_by_one(
    batches: Iterator, step: Step, between: Callable[[], None]
) -> Iterator[tuple[int, Any]]:
    for number, batch in enumerate(batches):
        if number:
            between()
        yield 1, step(pack_x_y_sample_weight(*batch))


def epoch_of(data: Any, rng: np.random.Generator, step: Step) -> Epoch:
    """The next epoch over `data`, drawn with `rng`."""
    order = data.order(rng) if step.native else None
    if order is None:
        return Epoch(checked(data, rng))
    return RowEpoch(data.known(), order, data.batch_size, data.take)
