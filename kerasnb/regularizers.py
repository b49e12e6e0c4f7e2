"""Penalties on weights or activations: callables that give a scalar to add to the loss.

A custom one is a function of a tensor, or a subclass of `Regularizer`. Imports ops and registry.
"""

from __future__ import annotations

from typing import Any

from kerasnb import registry
from kerasnb.errors import ShapeError, unknown
from kerasnb.ops.creation import eye
from kerasnb.ops.elementwise import absolute
from kerasnb.ops.normalization import normalize
from kerasnb.ops.products import matmul
from kerasnb.ops.reduce import sum
from kerasnb.ops.reshaping import transpose
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer:
    """A penalty. Subclasses define `__call__`, and `get_config` if they take arguments."""

    def __call__(self, x: Any) -> Tensor:
        """The penalty on `x`, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x).")

    def get_config(self) -> dict:
        """The arguments to make it again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Regularizer:
        """A regularizer from what `get_config` returned."""
        return cls(**config)


class L1L2(Regularizer):
    """`l1` times the sum of magnitudes plus `l2` times the sum of squares.

    Args:
        l1: factor of the magnitudes.
        l2: factor of the squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = float(l1 or 0.0), float(l2 or 0.0)

    def __call__(self, x: Any) -> Tensor:
        x = as_tensor(x)
        if not self.l2:
            return self.l1 * sum(absolute(x))
        squares = self.l2 * sum(x * x)
        return squares + self.l1 * sum(absolute(x)) if self.l1 else squares

    def get_config(self) -> dict:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """`l1` times the sum of magnitudes.

    Args:
        l1: the factor.
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)

    def get_config(self) -> dict:
        return {"l1": self.l1}


class L2(L1L2):
    """`l2` times the sum of squares.

    Args:
        l2: the factor.
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)

    def get_config(self) -> dict:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean magnitude of the cosine between two rows (or columns) of a matrix.

    Args:
        factor: on the mean.
        mode: ``"rows"`` or ``"columns"``.

    Raises:
        ArgumentError: `mode` is neither.
        ShapeError: at the call, if the tensor has not two axes.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise unknown("mode", mode, ("rows", "columns"))
        self.factor, self.mode = float(factor), mode

    def __call__(self, x: Any) -> Tensor:
        x = as_tensor(x)
        if x.ndim != 2:
            raise ShapeError(f"OrthogonalRegularizer: expected two axes, got shape {x.shape}.")
        rows = normalize(x if self.mode == "rows" else transpose(x), axis=1)
        count = rows.shape[0]
        cosines = matmul(rows, transpose(rows)) * (1.0 - eye(count, dtype=x.dtype))
        pairs = max(count * (count - 1), 1)  # each pair is there twice
        return (self.factor / pairs) * sum(absolute(cosines))

    def get_config(self) -> dict:
        return {"factor": self.factor, "mode": self.mode}


def get(identifier: Any) -> Any:
    """The regularizer that `identifier` names.

    Args:
        identifier: a name (``"l2"``), a configuration, a class, or a callable, returned as it is.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    return registry.resolve(identifier, _CHOICES, "regularizer")


def serialize(regularizer: Any) -> Any:
    """The regularizer as plain data."""
    return registry.serialize(regularizer)


def deserialize(config: Any) -> Any:
    """The regularizer, or its class, from a configuration or a name."""
    return registry.deserialize(config, _CHOICES, "regularizer")


# the other names under which Keras has them
l1, l2, l1_l2 = L1, L2, L1L2
orthogonal_regularizer = OrthogonalRegularizer

_CHOICES = {
    "L1": L1,
    "L1L2": L1L2,
    "L2": L2,
    "OrthogonalRegularizer": OrthogonalRegularizer,
    "l1": L1,
    "l1_l2": L1L2,
    "l1l2": L1L2,
    "l2": L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}
