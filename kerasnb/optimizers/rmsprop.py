"""RMSprop. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Gradient descent, each step divided by the root of a running mean of squared gradients.

    Args:
        learning_rate: step size.
        rho: share of the old mean that is kept at each update.
        momentum: share of the last step that is kept.
        epsilon: added to the mean of squares before the root.
        centered: subtract the squared mean of the gradient, which leaves its variance.
        kwargs: the arguments of every `Optimizer`.

    Source: T. Tieleman and G. Hinton (2012), "Neural networks for machine learning", lecture 6.5;
        centred: A. Graves (2013), "Generating sequences with recurrent neural networks",
        arXiv:1308.0850.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        if self.momentum:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self._means = self.add_optimizer_variables(variables, "average_gradient")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        square = self._velocities[i]
        power = square.assign(square * self.rho + gradient * gradient * (1.0 - self.rho))
        if self.centered:
            mean = self._means[i]
            centre = mean.assign(mean * self.rho + gradient * (1.0 - self.rho))
            power = power - centre * centre
        step = gradient * learning_rate / ops.sqrt(power + self.epsilon)
        if self.momentum:
            last = self._momentums[i]
            step = last.assign(last * self.momentum + step)
        variable.assign(variable - step)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
