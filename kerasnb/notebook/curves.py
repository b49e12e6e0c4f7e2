"""What a live view knows of a run of `fit`: curves of bounded size, and where training is.

Plain data; imports labels, and nothing that draws. Everything here can be sent to a browser as
JSON, which knows neither NaN nor infinity nor half characters: such values become None, and
characters that cannot be shown are replaced in names.
"""

from __future__ import annotations

import math
import time
from typing import Any

from kerasnb.notebook.labels import showable

__all__ = ["Curves", "Run"]

LIMIT = 2000  # points of a curve: more than a screen has columns


class Curves:
    """Several curves over one axis, of at most `limit` points each.

    When they are full, each two neighbours become one point, and from then on a point stands for
    twice as many values. So a curve over a million batches costs what one over a thousand does.

    Args:
        limit: the most points.
        means: whether a point is the mean of the values it stands for, or else the last of them.

    Attributes:
        x: positions.
        number: what each point is called: that of its epoch, or None.
        values: name -> list as long as `x`, None where there is no value.
        version: counts the merges; whoever shows the points must take all anew when it changes.
    """

    def __init__(self, limit: int = LIMIT, means: bool = True):
        self.limit, self.means = limit, means
        self.x: list[float] = []
        self.number: list[int | None] = []
        self.values: dict[str, list[float | None]] = {}
        self.version = 0
        self._stride = 1
        self._waiting: list[tuple[float, dict, int | None]] = []  # for a point of their own

    def add(self, x: float, row: dict[str, float], number: int | None = None) -> None:
        """Add one value to each curve."""
        self._waiting.append((x, row, number))
        if len(self._waiting) >= self._stride:
            self.finish()

    def finish(self) -> None:
        """Add a point for the newest values, if there is none yet."""
        if not self._waiting:
            return
        x, row, number = self._waiting[-1]
        if self.means:
            row = _mean_row([row for _, row, _ in self._waiting])
        self._waiting = []
        for name in row:
            self.values.setdefault(name, [None] * len(self.x))
        for name, values in self.values.items():
            values.append(_finite(row.get(name)))
        self.number.append(number)
        self.x.append(x)  # last: another thread may read as many points as there are positions
        if len(self.x) > self.limit:
            self._merge()

    def since(self, start: int) -> dict:
        """The points from number `start` on, for JSON."""
        end = len(self.x)
        return {
            "x": self.x[start:end],
            "number": self.number[start:end],
            "values": {name: values[start:end] for name, values in self.values.items()},
        }

    def _merge(self) -> None:
        last = len(self.x) // 2 * 2  # an odd one at the end waits for its neighbour
        if last < len(self.x):
            row = {name: values[-1] for name, values in self.values.items()}
            self._waiting = [(self.x[-1], row, self.number[-1])] * self._stride
        self.x, self.number = self.x[1:last:2], self.number[1:last:2]
        self.values = {
            name: [
                _mean(pair) if self.means else pair[1]
                for pair in zip(values[:last:2], values[1:last:2], strict=True)
            ]
            for name, values in self.values.items()
        }
        self._stride *= 2
        self.version += 1


class Run:
    """One run of `fit`: its curves and its position.

    Args:
        title: names it for people.
        number: which run of this kernel it is, from 1.
        epochs: the number of the last epoch, None if not known.
        steps: batches an epoch, None if not known.

    Attributes:
        batch: training values over batches, each the mean since the point before.
        epoch: training and validation values over epochs, which are numbered from 1; of a great
            many every second one, or fourth, and the last.
        first_epoch, present: the epochs in which training began and is, from 0.
        step, batches: batches done in this epoch, and in all.
        started, ended: as `time.perf_counter` tells; `paused_for` seconds of it were waiting.
        unit: what ``x`` counts: ``"epoch"``, or ``"batch"`` if an epoch's length is not known.
        message: what a person should know.
    """

    def __init__(self, title: str, number: int, epochs: int | None, steps: int | None):
        self.title, self.number = showable(title), number
        self.epochs, self.steps = epochs, steps
        self.unit = "batch" if steps is None else "epoch"
        self.batch, self.epoch = Curves(), Curves(means=False)
        self.metrics: list[str] = []
        self.message = ""
        self.first_epoch: int | None = None
        self.present, self.step, self.batches = 0, 0, 0
        self.started = time.perf_counter()
        self.ended: float | None = None
        self.paused_for = 0.0
        self._paused_at: float | None = None
        self._rate: float | None = None
        self._last = (self.started, 0)

    def begin_epoch(self, epoch: int) -> None:
        """Training goes into `epoch`, from 0."""
        if self.first_epoch is None:
            self.first_epoch = epoch
        self.present, self.step = epoch, 0

    def place(self) -> float:
        """Where training is on the x axis."""
        if self.unit == "batch":
            return float(self.batches)
        return self.present + self.step / self.steps

    def add_batch(self, row: dict[str, float]) -> None:
        """Add training values of the batches since the last call."""
        row = _plottable(row)
        self._name(row)
        self._watch(row, f"by batch {self.batches}")
        self.batch.add(self.place(), row)

    def add_epoch(self, epoch: int, row: dict[str, float]) -> None:
        """Add the logs of an epoch that has ended."""
        row = _plottable(row)
        self._name(row)
        self._watch(row, f"in epoch {epoch + 1}")
        place = float(self.batches) if self.unit == "batch" else float(epoch + 1)
        self.epoch.add(place, row, epoch + 1)

    def end(self) -> None:
        """Training has ended: all is in the curves."""
        self.ended = time.perf_counter()
        self.batch.finish()
        self.epoch.finish()

    def pause(self, paused: bool) -> None:
        """Note when waiting begins and ends: it does not count as time of training."""
        now = time.perf_counter()
        if paused and self._paused_at is None:
            self._paused_at = now
        elif not paused and self._paused_at is not None:
            self.paused_for += now - self._paused_at
            self._paused_at, self._last = None, (now, self.batches)

    def elapsed(self) -> float:
        """Seconds of training, without those of waiting."""
        now = self._paused_at or self.ended or time.perf_counter()
        return now - self.started - self.paused_for

    def rate(self) -> float | None:
        """Steps a second, lately."""
        now, (then, before) = time.perf_counter(), self._last
        if self.batches > before and now - then > 0.05 and self._paused_at is None:
            newest = (self.batches - before) / (now - then)
            # a third of what is new: steady to read, and right again after a second
            self._rate = newest if self._rate is None else self._rate + (newest - self._rate) / 3
            self._last = (now, self.batches)
        return self._rate

    def eta(self) -> float | None:
        """Seconds until the end if training goes on as so far; None if that cannot be known."""
        if not self.epochs or self.first_epoch is None or self.steps is None:
            return None
        planned = self.epochs - self.first_epoch
        done = self.present - self.first_epoch + self.step / self.steps
        return self.elapsed() * (planned - done) / done if done > 0 else None

    def _name(self, row: dict) -> None:
        for name in row:
            plain = name.removeprefix("val_")
            if plain not in self.metrics and name not in self.metrics:
                self.metrics.append(plain)

    def _watch(self, row: dict, where: str) -> None:
        for name, value in row.items():
            if not self.message and isinstance(value, float) and not math.isfinite(value):
                what = "not a number" if math.isnan(value) else "infinite"
                self.message = f"{name} is {what} {where}."


def _plottable(row: dict) -> dict[str, float]:
    return {showable(k): v for k, v in row.items() if isinstance(v, (int, float))}


def _finite(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _mean(values: Any) -> float | None:
    found = [v for v in values if v is not None]
    return sum(found) / len(found) if found else None


def _mean_row(rows: list[dict]) -> dict:
    names = {name: None for row in rows for name in row}
    return {n: _mean([_finite(r.get(n)) for r in rows]) for n in names}
