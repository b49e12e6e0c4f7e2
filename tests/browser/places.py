"""Where a journey takes place: front-end, theme, kernel and version of JupyterLab.

A test without a mark runs in `Place()`: newest JupyterLab, light, this environment's kernel.
`@everywhere` runs it in all places below, `@at("dark", "kernel 6.31")` in those that are named.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from .server import DEFAULT_KERNEL

__all__ = ["Place", "at", "everywhere"]


class Place(NamedTuple):
    """A combination. `kernel` and `lab` are names in the environment variables of `conftest`."""

    frontend: str = "lab"
    theme: str = "JupyterLab Light"
    kernel: str = DEFAULT_KERNEL
    lab: str = "newest"


PLACES = {
    "lab": Place(),
    "dark": Place(theme="JupyterLab Dark"),
    "notebook": Place(frontend="notebook"),
    "kernel 6.31": Place(kernel="ipykernel-6.31"),
    "kernel 7.3": Place(kernel="ipykernel-7.3"),
    "lab 4.4": Place(kernel="ipykernel-6.31", lab="4.4"),  # as they were released together
}


def at(*names: str):
    """Run a test in each of these places."""
    return pytest.mark.parametrize("place", [PLACES[n] for n in names], ids=names, indirect=True)


everywhere = at(*PLACES)
