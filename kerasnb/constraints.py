"""Conditions that weights meet after every update: callables from a tensor to a tensor.

A custom one is a function, or a subclass of `Constraint`. Imports ops, config and registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, registry
from kerasnb.naming import snake_case
from kerasnb.ops.elementwise import clip, maximum, minimum, sqrt
from kerasnb.ops.reduce import sum
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


class Constraint:
    """A map of weights to allowed weights. Subclasses define `__call__`."""

    def __call__(self, w: Any) -> Tensor:
        """`w`, changed to meet the condition."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w).")

    def get_config(self) -> dict:
        """The arguments to make it again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Constraint:
        """A constraint from what `get_config` returned."""
        return cls(**config)


class MaxNorm(Constraint):
    """Weights whose length along `axis` is at most `max_value`.

    Args:
        max_value: the bound.
        axis: the axes of one vector: 0 for a Dense kernel (the weights into a unit), ``(0, 1, 2)``
            for a Conv2D kernel.

    Source: Srivastava et al. (2014), "Dropout", JMLR 15, section 5.1.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Tensor:
        w = as_tensor(w)
        length = _length(w, self.axis)
        return w * (minimum(length, self.max_value) / (length + config.epsilon()))

    def get_config(self) -> dict:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Weights with what was below 0 set to 0."""

    def __call__(self, w: Any) -> Tensor:
        return maximum(w, 0.0)


class UnitNorm(Constraint):
    """Weights whose length along `axis` is 1.

    Args:
        axis: the axes of one vector.
    """

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = as_tensor(w)
        return w / (_length(w, self.axis) + config.epsilon())

    def get_config(self) -> dict:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Weights whose length along `axis` lies, or moves, between two bounds.

    Args:
        min_value: lower bound.
        max_value: upper bound.
        rate: the share of the way to go at each update; 1 enforces the bounds.
        axis: the axes of one vector.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Tensor:
        w = as_tensor(w)
        length = _length(w, self.axis)
        wanted = self.rate * clip(length, self.min_value, self.max_value)
        wanted = wanted + (1.0 - self.rate) * length
        return w * (wanted / (length + config.epsilon()))

    def get_config(self) -> dict:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def get(identifier: Any) -> Any:
    """The constraint that `identifier` names.

    Args:
        identifier: a name (``"max_norm"``), a configuration, a class, or a callable, returned as it
            is.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    return registry.resolve(identifier, _CHOICES, "constraint")


def serialize(constraint: Any) -> Any:
    """The constraint as plain data."""
    return registry.serialize(constraint)


def deserialize(config: Any) -> Any:
    """The constraint, or its class, from a configuration or a name."""
    return registry.deserialize(config, _CHOICES, "constraint")


def _length(w: Tensor, axis: int | Sequence[int]) -> Tensor:
    return sqrt(sum(w * w, axis, keepdims=True))


_CHOICES = {
    name: cls
    for cls in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
    for name in (cls.__name__, snake_case(cls.__name__))
}

# the other names under which Keras has them
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
