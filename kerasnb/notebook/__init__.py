"""What is seen: the only place that imports matplotlib, IPython and widgets.

Each name below is imported from its module when it is first used.
"""

from __future__ import annotations

from typing import Any

from kerasnb import screen

_MODULES = {
    "Builder": "builder.widget",
    "Exercise": "builder.exercise",
    "LiveBoundary": "insight.boundary",
    "LiveView": "live",
    "Playground": "builder.playground",
    "activations": "insight.activations",
    "confusion_matrix": "insight.confusion",
    "decision_boundary": "insight.boundary",
    "draw_pad": "insight.pad",
    "filters": "insight.weights",
    "health": "insight.health",
    "inspect": "insight.panel",
    "mistakes": "insight.mistakes",
    "model_svg": "svg",
    "plot_history": "plots",
    "predicted_versus_true": "insight.confusion",
    "timefit": "timing",
    "weights": "insight.weights",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'kerasnb.notebook' has no attribute {name!r}")
    return getattr(screen.view(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
