"""`ScheduleFreeAdamW`: AdamW that averages instead of a schedule. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["ScheduleFreeAdamW"]


class ScheduleFreeAdamW(Optimizer):
    """AdamW whose weights are between the newest and the average of all: no schedule is needed.

    Args:
        learning_rate: step size; constant but for the warmup.
        beta_1: share of the average in the weights at which gradients are taken.
        beta_2: share of the old mean of squared gradients that is kept at each update.
        epsilon: added to the root.
        warmup_steps: over so many updates the learning rate climbs from 0.
        kwargs: the arguments of every `Optimizer`.

    Source: A. Defazio et al. (2024), "The road less scheduled", arXiv:2405.15682.
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.warmup_steps = warmup_steps

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ("momentum", "velocity")
        )
        for newest, variable in zip(self._momentums, variables, strict=True):
            newest.assign(variable.stored)

    def begin_step(self, learning_rate: Tensor) -> None:
        t = ops.cast(self.iterations + 1, config.floatx())
        self._rate = learning_rate
        if self.warmup_steps > 0:
            self._rate = learning_rate * ops.minimum(t / self.warmup_steps, 1.0)
        self._square_share = 1.0 - ops.power(self.beta_2, t)
        self._weight = 1.0 / t

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        newest, square = self._momentums[i], self._velocities[i]
        between = 1.0 - self.beta_1
        # the weights are between * newest + beta_1 * average
        average = (variable - newest * between) / self.beta_1
        v = square.assign(square + (gradient * gradient - square) * (1.0 - self.beta_2))
        step = gradient * self._rate / (ops.sqrt(v / self._square_share) + self.epsilon)
        z = newest.assign(newest - step)
        average = average * (1.0 - self._weight) + z * self._weight
        variable.assign(z * between + average * self.beta_1)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
