"""`Lion`: steps of one size, in the direction that momentum tells. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import ops
from kerasnb.errors import ArgumentError
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Lion"]


class Lion(Optimizer):
    """Steps of equal size for every weight: only the sign of the momentum counts.

    Good learning rates are three to ten times smaller than for Adam, and good weight decays larger
    by the same factor.

    Args:
        learning_rate: the size of each weight's step.
        beta_1: share of the momentum in the direction of the step; the rest is the gradient.
        beta_2: share of the old momentum that is kept at each update.
        kwargs: the arguments of every `Optimizer`.

    Raises:
        ArgumentError: `beta_1` is not above 0, or above 1.

    Source: X. Chen et al. (2023), "Symbolic discovery of optimization algorithms",
        arXiv:2302.06675.
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any
    ):
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ArgumentError(f"{self.name}: beta_1 must be above 0 and at most 1, got {beta_1}.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        m = self._momentums[self._get_variable_index(variable)]
        direction = ops.sign(m * self.beta_1 + gradient * (1.0 - self.beta_1))
        variable.assign(variable - direction * learning_rate)
        m.assign(m * self.beta_2 + gradient * (1.0 - self.beta_2))

    def get_config(self) -> dict:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
