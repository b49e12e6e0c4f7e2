"""What is seen: the only place that imports matplotlib, IPython and widgets.

Each name below is imported from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "LiveView": "live",
    "plot_history": "plots",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'kerasnb.notebook' has no attribute {name!r}")
    return getattr(importlib.import_module(f"kerasnb.notebook.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
