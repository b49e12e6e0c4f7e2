"""The one door from the core to what is seen. Imports errors.

The core makes plain data. Where a person is to see something (the live view of `fit`, a model in a
notebook, `history.plot()`), it asks here for a module of `kerasnb.notebook`, which is imported then
and not before.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from kerasnb.errors import MissingDependency

__all__ = ["in_notebook", "view"]


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook. IPython is asked only if it runs."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def view(module: str) -> Any:
    """The module of that name in `kerasnb.notebook`.

    Raises:
        MissingDependency: what it needs to be seen is not installed.
    """
    try:
        return importlib.import_module(f"kerasnb.notebook.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "kerasnb":
            raise
        raise MissingDependency(
            f'This view needs {error.name}: pip install "kerasnb[notebook]".'
        ) from None
