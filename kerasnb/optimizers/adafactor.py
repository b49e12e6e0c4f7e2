"""`Adafactor`: step sizes from row and column means of squared gradients. Imports base and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Steps divided by the root of a mean square that is kept for rows and columns only.

    For an ``(m, n)`` matrix it learns from m + n numbers where Adam has 2 m n.

    Args:
        learning_rate: the largest relative step; with `relative_step` it shrinks with time.
        beta_2_decay: the share of the old means that is kept at update t is ``1 - t ** this``.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size that a weight tensor is taken to have.
        clip_threshold: a step whose root mean square is larger is made so large.
        relative_step: bound a constant `learning_rate` by one over the root of t.
        kwargs: the arguments of every `Optimizer`.

    Source: N. Shazeer and M. Stern (2018), "Adafactor: adaptive learning rates with sublinear
        memory cost", arXiv:1804.04235.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._rows: list[Variable] = []
        self._columns: list[Variable] = []
        self._means: list[Variable] = []
        for v in variables:
            # without rows and columns there is nothing to keep: Keras has a number in their place
            factored, shape = len(v.shape) >= 2, v.shape
            dtype = v.dtype if factored else "int32"
            rows = shape[:-1] if factored else ()
            columns = (*shape[:-2], shape[-1]) if factored else ()
            self._rows.append(self.add_variable(rows, dtype=dtype, name=v.name))
            self._columns.append(self.add_variable(columns, dtype=dtype, name=v.name))
            self._means.append(self.add_variable_from_reference(v, "velocity"))

    def begin_step(self, learning_rate: Tensor) -> None:
        t = ops.cast(self.iterations + 1, config.floatx())
        self._relative = ops.minimum(learning_rate, ops.rsqrt(t))
        self._kept = 1.0 - ops.power(t, self.beta_2_decay)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        square = gradient * gradient + self.epsilon_1
        if len(variable.shape) < 2:
            mean = self._moved(self._means[i], square)
        else:
            rows = self._moved(self._rows[i], ops.mean(square, axis=-1))
            columns = self._moved(self._columns[i], ops.mean(square, axis=-2))
            # (..., m, 1) * (..., 1, n) -> (..., m, n)
            shares = ops.expand_dims(rows / ops.mean(rows, axis=-1, keepdims=True), -1)
            mean = self._means[i].assign(shares * ops.expand_dims(columns, -2))
        step = gradient / ops.sqrt(mean)
        step = step / ops.maximum(1.0, _root_mean_square(step) / self.clip_threshold)
        size = ops.maximum(self.epsilon_2, _root_mean_square(variable)) * self._relative
        variable.assign(variable - step * size)

    def _moved(self, mean: Variable, value: Tensor) -> Tensor:
        return mean.assign(mean * self._kept + value * (1.0 - self._kept))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _root_mean_square(x: Any) -> Tensor:
    return ops.sqrt(ops.mean(x * x))
