"""Adam and its relatives: AdamW, Adamax, Nadam. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Adam", "AdamW", "Adamax", "Nadam"]


class Adam(Optimizer):
    """Steps along a running mean of gradients, divided by the root of that of their squares.

    Args:
        learning_rate: step size, about the largest change of a weight in one update.
        beta_1: share of the old mean of gradients that is kept at each update.
        beta_2: the same for squared gradients.
        epsilon: added to the root.
        amsgrad: divide by the largest root so far instead.
        kwargs: the arguments of every `Optimizer`.

    Source: D. P. Kingma and J. Ba (2014), "Adam: a method for stochastic optimization",
        arXiv:1412.6980, in the form before its section 2.1; amsgrad: S. J. Reddi, S. Kale and S.
        Kumar (2018), "On the convergence of Adam and beyond", arXiv:1904.09237.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.amsgrad = amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ("momentum", "velocity")
        )
        if self.amsgrad:
            self._largest = self.add_optimizer_variables(variables, "velocity_hat")

    def begin_step(self, learning_rate: Tensor) -> None:
        # both means start at 0; dividing by 1 - betaᵗ takes that start out of them
        t = ops.cast(self.iterations + 1, config.floatx())
        root = ops.sqrt(1.0 - ops.power(self.beta_2, t))
        self._step_size = learning_rate * root / (1.0 - ops.power(self.beta_1, t))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        mean, square = self._momentums[i], self._velocities[i]
        m = mean.assign(mean + (gradient - mean) * (1.0 - self.beta_1))
        v = square.assign(square + (gradient * gradient - square) * (1.0 - self.beta_2))
        if self.amsgrad:
            v = self._largest[i].assign(ops.maximum(self._largest[i], v))
        variable.assign(variable - m * self._step_size / (ops.sqrt(v) + self.epsilon))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with weight decay apart from the gradient.

    Args:
        learning_rate: step size.
        weight_decay: share of each weight, times the learning rate, taken off at every update.
        beta_1: see `Adam`, like the following.
        beta_2: see `Adam`.
        epsilon: see `Adam`.
        amsgrad: see `Adam`.
        kwargs: the arguments of every `Optimizer`.

    Source: I. Loshchilov and F. Hutter (2017), "Decoupled weight decay regularization",
        arXiv:1711.05101.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )


class _Moments(Optimizer):
    """What Adamax and Nadam share with Adam: the arguments."""

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

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


class Adamax(_Moments):
    """Adam with the largest recent gradient in place of the root of the mean square.

    Args:
        learning_rate: step size.
        beta_1: share of the old mean of gradients that is kept at each update.
        beta_2: share of the largest magnitude that is left after each update.
        epsilon: added to the divisor.
        kwargs: the arguments of every `Optimizer`.

    Source: D. P. Kingma and J. Ba (2014), arXiv:1412.6980, section 7.1.
    """

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._norms = self.add_optimizer_variables(variables, ("momentum", "norm"))

    def begin_step(self, learning_rate: Tensor) -> None:
        t = ops.cast(self.iterations + 1, config.floatx())
        self._step_size = learning_rate / (1.0 - ops.power(self.beta_1, t))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        mean, norm = self._momentums[i], self._norms[i]
        m = mean.assign(mean + (gradient - mean) * (1.0 - self.beta_1))
        u = norm.assign(ops.maximum(norm * self.beta_2, ops.abs(gradient)))
        variable.assign(variable - m * self._step_size / (u + self.epsilon))


class Nadam(_Moments):
    """Adam with Nesterov's look ahead along the momentum.

    Args:
        learning_rate: step size.
        beta_1: share of the old mean of gradients that is kept, towards which a schedule climbs.
        beta_2: share of the old mean of squared gradients that is kept.
        epsilon: added to the root.
        kwargs: the arguments of every `Optimizer`.

    Source: T. Dozat (2015), "Incorporating Nesterov momentum into Adam", with the schedule of its
        section on decay: beta_1 (1 - 0.96ᵗ / 2) at update t.
    """

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ("momentum", "velocity")
        )
        # the product of all momentum shares so far, by which the means are corrected
        self._product = Variable(1.0, dtype=config.floatx(), trainable=False, name="product")

    def begin_step(self, learning_rate: Tensor) -> None:
        t = ops.cast(self.iterations + 1, config.floatx())
        now = self.beta_1 * (1.0 - 0.5 * ops.power(0.96, t))
        ahead = self.beta_1 * (1.0 - 0.5 * ops.power(0.96, t + 1.0))
        product = self._product.assign(self._product * now)
        root = ops.sqrt(1.0 - ops.power(self.beta_2, t))
        self._root = root
        self._mean_share = learning_rate * root * ahead / (1.0 - product * ahead)
        self._gradient_share = learning_rate * root * (1.0 - now) / (1.0 - product)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        mean, square = self._momentums[i], self._velocities[i]
        m = mean.assign(mean + (gradient - mean) * (1.0 - self.beta_1))
        v = square.assign(square + (gradient * gradient - square) * (1.0 - self.beta_2))
        step = m * self._mean_share + gradient * self._gradient_share
        # sqrt(v / root²) + epsilon, with both sides times root
        variable.assign(variable - step / (ops.sqrt(v) + self.epsilon * self._root))
