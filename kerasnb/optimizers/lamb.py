"""`Lamb`: Adam with steps in proportion to each weight tensor's length. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Lamb"]


class Lamb(Optimizer):
    """Adam's direction, with a length in proportion to that of the weight tensor it changes.

    Args:
        learning_rate: the length of a step, as a share of the tensor's own.
        beta_1: share of the old mean of gradients that is kept at each update.
        beta_2: the same for squared gradients.
        epsilon: added to the root of the mean square.
        kwargs: the arguments of every `Optimizer`.

    Source: Y. You et al. (2019), "Large batch optimization for deep learning: training BERT in 76
        minutes", arXiv:1904.00962.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ("momentum", "velocity")
        )

    def begin_step(self, learning_rate: Tensor) -> None:
        # both means start at 0; dividing by 1 - betaᵗ takes that start out of them
        t = ops.cast(self.iterations + 1, config.floatx())
        self._mean_share = 1.0 - ops.power(self.beta_1, t)
        self._square_share = 1.0 - ops.power(self.beta_2, t)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        mean, square = self._momentums[i], self._velocities[i]
        m = mean.assign(mean + (gradient - mean) * (1.0 - self.beta_1))
        v = square.assign(square + (gradient * gradient - square) * (1.0 - self.beta_2))
        step = (m / self._mean_share) / (ops.sqrt(v / self._square_share) + self.epsilon)
        length, own = _length(step), _length(variable)
        usable = ops.logical_and(own > 0.0, length > 0.0)
        ratio = ops.where(usable, own / ops.where(usable, length, 1.0), 1.0)
        variable.assign(variable - step * (ratio * learning_rate))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def _length(x: Any) -> Tensor:
    return ops.sqrt(ops.sum(x * x))
