"""What stays of a run of `fit` in the notebook: a picture and a text, for readers without a kernel.

Imports curves, figures, labels, plots and models. No widget, script or style is in it, so it is
shown in notebooks that are not trusted, in exports, and wherever notebooks are rendered.
"""

from __future__ import annotations

import base64
import time
from typing import Any

from kerasnb.models.cost import CALL_ERRORS
from kerasnb.notebook.curves import Run
from kerasnb.notebook.figures import to_small_png
from kerasnb.notebook.labels import escape
from kerasnb.notebook.plots import draw_metric, panels

__all__ = ["kept", "picture", "snapshot", "text"]

LINES = 6  # of a table: the first epochs and the last


def kept(run: Run, state: str) -> dict[str, str]:
    """The final output of a run, as a MIME bundle."""
    image, trouble = _encoded(run, state)
    bundle = {"text/plain": text(run, state) + trouble}
    return bundle | {"image/png": image} if image else bundle


def snapshot(run: Run, state: str) -> dict[str, str]:
    """The output for the case that the kernel is lost while training goes on.

    It lies folded beneath the live view. The picture is in HTML because that is what is shown of an
    output with both, and is harmless: the text is escaped, and there is nothing else in it.
    """
    words = (
        f"Kept at {time.strftime('%H:%M:%S')} in case the kernel is lost: {headline(run, state)}"
    )
    image, trouble = _encoded(run, state)
    shown = escape(trouble)
    if image:
        shown = f'<img alt="training curves" src="data:image/png;base64,{image}">'
    return {
        "text/plain": f"{words}\n{text(run, state)}{trouble}",
        "text/html": f"<details><summary>{escape(words)}</summary>{shown}</details>",
    }


def headline(run: Run, state: str) -> str:
    """One line: what was trained, how it ended, where, and how long it took."""
    return f"{run.title}: {_end(run, state)}"


def _end(run: Run, state: str) -> str:
    ends = {"done": "done", "stopped": "stopped", "failed": "failed"}
    where = f"epoch {run.present + 1}"
    if run.epochs:
        where += f" of {run.epochs}"
    if state != "done":
        where += f", step {run.step}" + (f" of {run.steps}" if run.steps else "")
    return f"{ends.get(state, state)} at {where}, {_duration(run.elapsed())}"


def text(run: Run, state: str) -> str:
    """The headline, and a table of epochs: all if they are few, else the first and the last."""
    lines = [headline(run, state)]
    if run.message:
        lines.append(run.message)
    names = list(run.epoch.values)
    rows = [
        [f"{number}", *(_number(run.epoch.values[n][i]) for n in names)]
        for i, number in enumerate(run.epoch.number)
    ]
    if len(rows) > 2 * LINES:
        rows = [*rows[:LINES], ["…"] * (len(names) + 1), *rows[-LINES:]]
    if rows:
        table = [["epoch", *names], *rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines += [
            "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in table
        ]
    return "\n".join(lines)


def picture(run: Run, state: str) -> Any:
    """A figure of the run, one panel a metric, and a line that tells pictures apart.

    The line has no name in it: a font may lack its letters, and matplotlib would warn of each.
    """
    figure, grid = panels(len(run.metrics), f"Run {run.number}: {_end(run, state)}")
    for name, axes in zip(run.metrics, grid, strict=True):
        batches = (run.batch.x, run.batch.values.get(name, []))
        ends = [(run.epoch.x, run.epoch.values.get(n, [])) for n in (name, f"val_{name}")]
        training, validation = (pair if pair[1] else ((), ()) for pair in ends)
        draw_metric(axes, name, training, validation, batches if batches[1] else ((), ()))
        axes.set_xlabel(run.unit)
    return figure


def _encoded(run: Run, state: str) -> tuple[str, str]:
    """The picture for a MIME bundle, if there is something to draw; and why it is missing.

    What fails is said, not raised: it would end the training that is shown. It is what matplotlib's
    settings lead to (LaTeX that is not installed), or a warning that is made an error.
    """
    if not run.metrics:
        return "", ""
    try:
        return base64.b64encode(to_small_png(picture(run, state))).decode("ascii"), ""
    except (*CALL_ERRORS, OSError, Warning) as error:
        return "", f"\nNo picture of the curves: {type(error).__name__}: {error}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
