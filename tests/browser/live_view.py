"""The live view of a fit in a cell's output, as a person sees and clicks it.

The classes and attributes that are looked for are those that `static/live.js` lists at its top.
"""

from __future__ import annotations

import time
from typing import Any

from .notebook import SECONDS, Notebook

__all__ = ["LiveView"]


class LiveView:
    """The view in the output of a notebook's cell; `number` counts where there are several."""

    def __init__(self, notebook: Notebook, cell: int, number: int = 0):
        self.notebook = notebook
        self.root = notebook.output(cell).locator(".kerasnb-live").nth(number)

    @property
    def state(self) -> str:
        """ "running", "paused", "stopping", "done", "stopped" or "failed"."""
        return self.root.get_attribute("data-state")

    def wait_for(self, state: str, seconds: float = SECONDS) -> float:
        """Wait until the view is on the screen and shows that state; how long that took."""
        start = time.monotonic()
        self.root.wait_for(timeout=1000 * seconds)
        self.root.scroll_into_view_if_needed()  # out of sight, it does not draw
        self.notebook.until(lambda: self.state == state, f"the view shows {state!r}", seconds)
        return time.monotonic() - start

    def part(self, name: str) -> Any:
        """The part of the view with that name: "stop", "pause", "lr", "numbers", "status", ..."""
        return self.root.locator(f".kerasnb-{name}")

    def click(self, name: str) -> float:
        """Click a button; that of "pause" resumes, too. When that was, as `time.time` tells."""
        clicked = time.time()
        self.part(name).click()
        return clicked

    def panel(self, metric: str) -> Any:
        """The curves of a metric."""
        return self.root.locator(f'.kerasnb-panel[data-metric="{metric}"]')

    def curves(self, metric: str) -> list[str]:
        """Which curves the panel of a metric shows now, drawn with at least one point."""
        return self.panel(metric).evaluate(
            """panel => [...panel.querySelectorAll(".kerasnb-curve")]
                .filter(curve => curve.getAttribute("d")?.length > 1)
                .map(curve => curve.dataset.curve)"""
        )

    def status(self) -> str:
        """The line that says where training is."""
        return self.part("status").inner_text()
