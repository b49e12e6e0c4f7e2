"""`Ftrl`: follow the regularized leader, for wide and sparse models. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import initializers, ops
from kerasnb.errors import ArgumentError
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Ftrl"]


class Ftrl(Optimizer):
    """Each weight is what would have been best so far, with penalties that can make it exactly 0.

    Args:
        learning_rate: step size.
        learning_rate_power: how steps shrink with the sum of squared gradients; 0 leaves them.
        initial_accumulator_value: what the sums start from.
        l1_regularization_strength: weights whose sums are smaller are 0.
        l2_regularization_strength: holds weights near 0.
        l2_shrinkage_regularization_strength: adds so much of each weight, twice, to its gradient.
        beta: of the paper; makes first steps smaller.
        kwargs: the arguments of every `Optimizer`.

    Raises:
        ArgumentError: an argument is below 0, or `learning_rate_power` above it.

    Source: H. B. McMahan et al. (2013), "Ad click prediction: a view from the trenches", KDD.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        for name in _STRENGTHS:
            if getattr(self, name) < 0:
                raise ArgumentError(
                    f"{self.name}: {name} must be 0 or more, got {getattr(self, name)}."
                )
        if learning_rate_power > 0:
            raise ArgumentError(
                f"{self.name}: learning_rate_power must be 0 or less, got {learning_rate_power}."
            )

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        self._squares, self._linears = [], []
        for variable in variables:
            self._squares.append(self.add_variable_from_reference(variable, "accumulator", start))
            self._linears.append(self.add_variable_from_reference(variable, "linear"))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        squares, linear = self._squares[i], self._linears[i]
        shrinkage = 2.0 * self.l2_shrinkage_regularization_strength
        shrunk = gradient + variable * shrinkage if shrinkage else gradient
        total = squares + gradient * gradient
        power = ops.power(total, -self.learning_rate_power)
        grown = (power - ops.power(squares, -self.learning_rate_power)) / learning_rate
        z = linear.assign(linear + shrunk - grown * variable)
        squares.assign(total)
        damping = (power + self.beta) / learning_rate + 2.0 * self.l2_regularization_strength
        bound = self.l1_regularization_strength
        variable.assign((ops.clip(z, -bound, bound) - z) / damping)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            **{name: getattr(self, name) for name in _STRENGTHS},
            "beta": self.beta,
        }


_STRENGTHS = (
    "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
)  # fmt: skip
