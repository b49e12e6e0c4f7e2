"""`FitTimes`: what `timefit` found, as data, text and HTML. Imports labels."""

from __future__ import annotations

from collections.abc import Callable

from kerasnb.notebook.labels import escape

__all__ = ["FitTimes"]


class FitTimes:
    """What `timefit` found; a notebook shows it as a table, and so does `print`.

    Attributes:
        rows: a dictionary for each configuration: ``backend``; ``engine`` (None for what the model
            is compiled for); ``steps`` and ``samples`` trained on; ``seconds`` inside `fit`;
            ``first_step``, those up to the end of the first step, which holds the tracing;
            ``ms_per_step`` and ``samples_per_second`` after it; ``loss``, the last one; ``speed``,
            steps per second as a multiple of the first row's. What could not be found out is None.
        unusable: name of a backend that does not work here -> why.
    """

    HEAD = ("configuration", "fit", "first step", "ms/step", "samples/s", "loss", "speed")

    def __init__(self, rows: list[dict], unusable: dict[str, str]):
        self.rows, self.unusable = rows, unusable

    def cells(self) -> list[list[str]]:
        """The table's texts, row by row, under `HEAD`."""
        return [
            [
                row["backend"] + (f", {row['engine']}" if row["engine"] else ""),
                _duration(row["seconds"]),
                _text(row["first_step"], _duration),
                _text(row["ms_per_step"], _digits),
                _text(row["samples_per_second"], _digits),
                _text(row["loss"], lambda x: f"{x:.4g}"),
                _text(row["speed"], lambda x: f"{_digits(x)}×"),
            ]
            for row in self.rows
        ]

    def notes(self) -> list[str]:
        """What stands below the table."""
        speed = "Speed: steps per second after the first step, which holds the tracing."
        return [speed, *(f"Left out: {name}. {reason}" for name, reason in self.unusable.items())]

    def __repr__(self) -> str:
        table = [list(self.HEAD), *self.cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        return "\n".join([*lines, *self.notes()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.HEAD)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self.cells()
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def _text(value: float | None, form: Callable[[float], str]) -> str:
    return "–" if value is None else form(value)


def _duration(seconds: float) -> str:
    return f"{_digits(seconds)} s" if seconds >= 1 else f"{_digits(1e3 * seconds)} ms"


def _digits(x: float) -> str:
    """Three digits at least, and never an exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"
