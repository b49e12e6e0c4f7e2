"""Optimizers under Keras's names, and `get` to find them."""

from __future__ import annotations

from typing import Any

from kerasnb import registry
from kerasnb.optimizers import schedules
from kerasnb.optimizers.adafactor import Adafactor
from kerasnb.optimizers.adagrad import Adadelta, Adagrad
from kerasnb.optimizers.adam import Adam, Adamax, AdamW, Nadam
from kerasnb.optimizers.base import Optimizer
from kerasnb.optimizers.ftrl import Ftrl
from kerasnb.optimizers.lamb import Lamb
from kerasnb.optimizers.lion import Lion
from kerasnb.optimizers.loss_scale import KNOWN, LossScaleOptimizer
from kerasnb.optimizers.muon import Muon
from kerasnb.optimizers.rmsprop import RMSprop
from kerasnb.optimizers.schedule_free import ScheduleFreeAdamW
from kerasnb.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES = (
    SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer,
    Muon, Nadam, RMSprop, ScheduleFreeAdamW,
)  # fmt: skip
_CHOICES = {name: cls for cls in _CLASSES for name in (cls.__name__, cls.__name__.lower())}
KNOWN.update(_CHOICES)


def get(identifier: Any) -> Optimizer:
    """The optimizer that `identifier` names.

    Args:
        identifier: a name (``"adam"``, with default arguments), a configuration, a class, or an
            optimizer, returned as it is.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    found = identifier if isinstance(identifier, type) else deserialize(identifier)
    return found() if isinstance(found, type) else found


def serialize(optimizer: Optimizer) -> dict:
    """The optimizer as plain data: its arguments, not its state."""
    return registry.serialize(optimizer)


def deserialize(config: Any) -> Any:
    """The optimizer from a configuration, or its class from a name."""
    return registry.deserialize(config, _CHOICES, "optimizer")
