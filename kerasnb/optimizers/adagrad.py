"""Adagrad and Adadelta: step sizes from the history of squared gradients. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import initializers, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Adadelta", "Adagrad"]


class Adagrad(Optimizer):
    """Gradient descent, each step divided by the root of the sum of all squared gradients.

    Args:
        learning_rate: step size.
        initial_accumulator_value: what the sums start from.
        epsilon: added to the sum before the root.
        kwargs: the arguments of every `Optimizer`.

    Source: J. Duchi, E. Hazan and Y. Singer (2011), "Adaptive subgradient methods for online
        learning and stochastic optimization", JMLR 12.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators_of_squares = self.add_optimizer_variables(
            variables, "accumulator", start
        )

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        total = self._accumulators_of_squares[self._get_variable_index(variable)]
        power = total.assign(total + gradient * gradient)
        step = gradient * learning_rate / ops.sqrt(power + self.epsilon)
        variable.assign(variable - step)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


class Adadelta(Optimizer):
    """Gradient descent scaled by the running size of past steps over that of past gradients.

    Args:
        learning_rate: step size; 1.0 is the form of the paper.
        rho: share of the old means that is kept at each update.
        epsilon: added to the means before the roots.
        kwargs: the arguments of every `Optimizer`.

    Source: M. D. Zeiler (2012), "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.
    """

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any
    ):
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._squares, self._square_steps = self.add_optimizer_variables(
            variables, ("accumulated_grad", "accumulated_delta_var")
        )

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        square, square_step = self._squares[i], self._square_steps[i]
        power = square.assign(square * self.rho + gradient * gradient * (1.0 - self.rho))
        ratio = (square_step + self.epsilon) / (power + self.epsilon)
        step = gradient * ops.sqrt(ratio)
        square_step.assign(square_step * self.rho + step * step * (1.0 - self.rho))
        variable.assign(variable - step * learning_rate)

    def get_config(self) -> dict:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
