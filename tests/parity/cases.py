"""The table: every case, whichever library it is run under."""

from __future__ import annotations

from .attention_cases import ATTENTION
from .case import Case
from .layer_cases import LAYERS
from .loss_cases import LOSSES
from .metric_cases import METRICS
from .model_cases import MODELS
from .more_layer_cases import MORE_LAYERS
from .optimizer_cases import OPTIMIZERS, SCHEDULES
from .value_cases import (
    ACTIVATIONS,
    CONSTRAINTS,
    FUNCTIONS,
    INITIALIZERS,
    LOOKUPS,
    REGULARIZERS,
)

__all__ = ["CASES"]

_ALL = [*LAYERS, *MORE_LAYERS, *ATTENTION, *ACTIVATIONS, *FUNCTIONS, *LOSSES, *METRICS]
_ALL += [*OPTIMIZERS, *SCHEDULES]
_ALL += [*INITIALIZERS, *REGULARIZERS, *CONSTRAINTS, *LOOKUPS, *MODELS]

CASES: dict[str, Case] = {case.name: case for case in _ALL}

if len(CASES) != len(_ALL):
    raise ValueError("two cases have the same name")
