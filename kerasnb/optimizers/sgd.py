"""Gradient descent, with momentum if asked for. Imports base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent: ``w -= learning_rate * g``.

    With momentum: ``v = momentum * v - learning_rate * g``, then ``w += v``, or with `nesterov`
    ``w += momentum * v - learning_rate * g``.

    Args:
        learning_rate: step size.
        momentum: share of the last step that is kept, from 0 to 1.
        nesterov: look ahead along the momentum.
        kwargs: the arguments of every `Optimizer`.

    Raises:
        ArgumentError: `momentum` is not between 0 and 1.

    Source: I. Sutskever, J. Martens, G. Dahl and G. Hinton (2013), "On the importance of
        initialization and momentum in deep learning", PMLR 28.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"{self.name}: momentum must be between 0 and 1, got {momentum}.")
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        if self.momentum:
            self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        step = gradient * learning_rate
        if self.momentum:
            velocity = self._momentums[self._get_variable_index(variable)]
            moved = velocity.assign(velocity * self.momentum - step)
            step = step - moved * self.momentum if self.nesterov else -moved
        variable.assign(variable - step)

    def get_config(self) -> dict:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
