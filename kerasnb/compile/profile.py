"""How long each kernel of a plan takes, and how that compares with what the machine can do.

Imports cores; what it tells of is measured by native and peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kerasnb.compile import cores

__all__ = ["Peaks", "Profile", "Row"]

_SHOWN = 30  # rows of a table; the rest is one row


class Peaks(NamedTuple):
    """What the machine can do, measured with all threads.

    Attributes:
        flops: floating-point operations a second, of multiply-adds in registers.
        bandwidth: bytes a second, read and written, of a copy in memory.
    """

    flops: float
    bandwidth: float


class Row(NamedTuple):
    """A kernel in a profile.

    Attributes:
        name: what it does; of an operation through NumPy, its name.
        native: whether it is a kernel.
        count: how many times it runs in a step.
        seconds: of all of them.
        flops: operations of all.
        moved: bytes of all that have to be read or written.
    """

    name: str
    native: bool
    count: int
    seconds: float
    flops: int
    moved: int


class Profile:
    """The time of one step, kernel by kernel; prints as a table.

    Args:
        rows: one for each run of a kernel, in order.
        title: what was measured.
        peaks: of the machine.

    Attributes:
        rows: one for each kernel, the longest first.
        seconds: of the whole step.
        peaks: of the machine.
    """

    def __init__(self, rows: Sequence[Row], title: str, peaks: Peaks):
        self.title, self.peaks = title, peaks
        merged: dict[tuple[str, bool], Row] = {}
        for row in rows:
            key = row.name, row.native
            before = merged.get(key)
            if before is not None:
                row = Row(*key, *(a + b for a, b in zip(before[2:], row[2:], strict=True)))
            merged[key] = row
        self.rows = sorted(merged.values(), key=lambda row: -row.seconds)
        self.seconds = sum(row.seconds for row in self.rows)

    def share(self, row: Row) -> float:
        """Which part of the machine's peak a kernel reaches: of its arithmetic or of its memory,
        whichever it is nearer to."""
        least = max(row.flops / self.peaks.flops, row.moved / self.peaks.bandwidth)
        return least / row.seconds if row.seconds else 0.0

    def __str__(self) -> str:
        shown, rest = self.rows[:_SHOWN], self.rows[_SHOWN:]
        lines = [
            f"{self.title}: {self.seconds * 1e3:.3f} ms in {sum(r.count for r in self.rows)} calls,"
            f" {cores.threads()} threads",
            f"peak of this machine: {self.peaks.flops / 1e9:.0f} GFLOP/s, "
            f"{self.peaks.bandwidth / 1e9:.0f} GB/s",
            f"{'':44} {'calls':>5} {'ms':>8} {'time':>5} {'GFLOP/s':>8} {'GB/s':>6} {'peak':>5}",
            *(self._line(row) for row in shown),
        ]
        if rest:
            seconds = sum(row.seconds for row in rest)
            name = f"{len(rest)} others"
            count = sum(row.count for row in rest)
            lines.append(f"{name:44} {count:5} {seconds * 1e3:8.3f} {self._part(seconds):5.0%}")
        return "\n".join(lines)

    __repr__ = __str__

    def _line(self, row: Row) -> str:
        name = row.name if row.native else f"NumPy: {row.name}"
        line = f"{_fitting(name):44} {row.count:5} {row.seconds * 1e3:8.3f}"
        line += f" {self._part(row.seconds):5.0%}"
        if not row.native or not row.seconds:
            return line
        gigaflops, gigabytes = row.flops / row.seconds / 1e9, row.moved / row.seconds / 1e9
        return f"{line} {gigaflops:8.1f} {gigabytes:6.1f} {self.share(row):5.0%}"

    def _part(self, seconds: float) -> float:
        return seconds / self.seconds if self.seconds else 0.0


def _fitting(name: str) -> str:
    return name if len(name) <= 44 else name[:43] + "…"
