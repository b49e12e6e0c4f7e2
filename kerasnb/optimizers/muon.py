"""`Muon`: orthogonal steps for matrices, AdamW for the rest. Imports base and ops."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum whose matrices are made nearly orthogonal before each step; else AdamW.

    Hidden matrices gain by it. Name the output layer in `exclude_layers`: it and embeddings learn
    better with AdamW, as all that is no matrix does.

    Args:
        learning_rate: step size, about as for AdamW.
        adam_beta_1: share of the old mean of gradients that AdamW keeps.
        adam_beta_2: the same for squared gradients.
        adam_weight_decay: weight decay of what AdamW updates; None for none.
        epsilon: added to the root in AdamW.
        weight_decay: of the matrices; None for none.
        exclude_layers: patterns; a variable in whose path one is found is updated by AdamW.
        exclude_embeddings: the same for paths that hold ``embedding``.
        muon_a: the factor of x in the polynomial that makes matrices orthogonal.
        muon_b: the factor of x³.
        muon_c: the factor of x⁵.
        adam_lr_ratio: the learning rate of AdamW, as a multiple of `learning_rate`.
        momentum: share of the old momentum that is kept.
        ns_steps: how often the polynomial is applied.
        nesterov: whether to look ahead along the momentum.
        rms_rate: makes steps as large as those of AdamW; None leaves them.
        kwargs: the arguments of every `Optimizer`.

    Source: K. Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks";
        J. Liu et al. (2025), "Muon is scalable for LLM training", arXiv:2502.16982.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = exclude_layers or [], exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.nesterov = momentum, nesterov
        self.ns_steps, self.rms_rate = ns_steps, rms_rate

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums: list[Variable] = []
        self._velocities: list[Variable | None] = []
        for v in variables:
            self._momentums.append(self.add_variable_from_reference(v, "momentum"))
            self._velocities.append(
                self.add_variable_from_reference(v, "velocity") if self._by_adam(v) else None
            )

    def _by_adam(self, variable: Variable) -> bool:
        """Whether a variable is updated by AdamW."""
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _decay(self, variables: Sequence[Variable], rate: Tensor) -> None:
        for variable in filter(self._use_weight_decay, variables):
            decay = self.adam_weight_decay if self._by_adam(variable) else self.weight_decay
            if decay:
                variable.assign(variable - variable * (decay * rate))

    def begin_step(self, learning_rate: Tensor) -> None:
        t = ops.cast(self.iterations + 1, config.floatx())
        root = ops.sqrt(1.0 - ops.power(self.adam_beta_2, t))
        rate = learning_rate * self.adam_lr_ratio
        self._adam_step_size = rate * root / (1.0 - ops.power(self.adam_beta_1, t))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        i = self._get_variable_index(variable)
        momentum, velocity = self._momentums[i], self._velocities[i]
        if velocity is None:
            m = momentum.assign(momentum * self.momentum + gradient)
            ahead = gradient + m * self.momentum if self.nesterov else m
            step = self._orthogonal(ahead) * learning_rate
            if self.rms_rate is not None:
                step = step * (math.sqrt(max(variable.shape)) * self.rms_rate)
            variable.assign(variable - step)
            return
        m = momentum.assign(momentum + (gradient - momentum) * (1.0 - self.adam_beta_1))
        v = velocity.assign(velocity + (gradient * gradient - velocity) * (1.0 - self.adam_beta_2))
        variable.assign(variable - m * self._adam_step_size / (ops.sqrt(v) + self.epsilon))

    def _orthogonal(self, x: Tensor) -> Tensor:
        """About U Vᵗ for x = U S Vᵗ: a polynomial, applied again and again, that pulls singular
        values from 0 to 1 towards 1."""
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x
        # 1e-7 keeps a zero gradient from dividing by 0; no singular value is above this length
        x = x / (ops.sqrt(ops.sum(x * x)) + 1e-7)
        for _ in range(self.ns_steps):
            a = ops.matmul(x, ops.transpose(x))  # (m, n) @ (n, m) -> (m, m)
            b = a * self.muon_b + ops.matmul(a, a) * self.muon_c
            x = x * self.muon_a + ops.matmul(b, x)
        return ops.transpose(x) if tall else x

    def get_config(self) -> dict:
        return {**super().get_config(), **{name: getattr(self, name) for name in _ARGUMENTS}}


_ARGUMENTS = (
    "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c",
    "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay",
    "rms_rate",
)  # fmt: skip
