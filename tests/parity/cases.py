"""The tables: every case, whichever library it is run under."""

from __future__ import annotations

from .attention_cases import ATTENTION
from .case import Case
from .image_cases import IMAGES
from .layer_cases import LAYERS
from .loss_cases import LOSSES
from .mask_cases import MASKS
from .metric_cases import METRICS
from .model_cases import MODELS
from .more_layer_cases import MORE_LAYERS
from .more_ops_cases import ALL_OPS
from .objective_cases import OBJECTIVES
from .ops_dtype_cases import OPS_DTYPES
from .optimizer_cases import OPTIMIZERS, SCHEDULES
from .precision_cases import PRECISION
from .preprocessing_cases import PREPROCESSING
from .recurrent_cases import RECURRENT
from .value_cases import (
    ACTIVATIONS,
    CONSTRAINTS,
    FUNCTIONS,
    INITIALIZERS,
    LOOKUPS,
    REGULARIZERS,
)
from .wider_layer_cases import WIDER_LAYERS
from .wider_value_cases import WIDER_VALUES

__all__ = ["CASES", "TABLES"]

# what Keras gave is in golden/<table>.npz, so that a new table leaves the others' files alone
TABLES: dict[str, list[Case]] = {
    "layers": [*LAYERS, *MORE_LAYERS],
    "attention": ATTENTION,
    "ops": [*ALL_OPS, *OPS_DTYPES],
    "functions": [*ACTIVATIONS, *FUNCTIONS],
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": [*OPTIMIZERS, *SCHEDULES],
    "weights": [*INITIALIZERS, *REGULARIZERS, *CONSTRAINTS],
    "lookups": LOOKUPS,
    "models": MODELS,
    "preprocessing": PREPROCESSING,
    "objectives": OBJECTIVES,
    "precision": PRECISION,
    "images": IMAGES,
    "masks": MASKS,
    "recurrent": RECURRENT,
    "wider_layers": WIDER_LAYERS,
    "wider_values": WIDER_VALUES,
}

_ALL = [case for table in TABLES.values() for case in table]

CASES: dict[str, Case] = {case.name: case for case in _ALL}

if len(CASES) != len(_ALL):
    raise ValueError("two cases have the same name")
