"""`LossScaleOptimizer`: keeps small gradients of float16 from vanishing. Imports base and ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnb import ops, registry
from kerasnb.errors import ArgumentError
from kerasnb.optimizers.base import Optimizer
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable

__all__ = ["LossScaleOptimizer"]

# what Keras once wrote to configurations for this class, and what it may hold there
_WITHOUT_EFFECT = {
    "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
    "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
    "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip


class LossScaleOptimizer(Optimizer):
    """Another optimizer, for a loss that is multiplied by a large number before differentiation.

    Gradients below 6e-8 are 0 in float16; multiplied they are not, and are divided again before the
    update. Where a gradient overflows, the step is left out and the number halved; after enough
    steps without overflow it is doubled. `compile` wraps the optimizer of a model whose policy is
    ``"mixed_float16"`` by itself.

    Args:
        inner_optimizer: makes the updates.
        initial_scale: what the loss is multiplied by at first.
        dynamic_growth_steps: after so many finite steps the number is doubled.
        name: made from the class name if not given.

    Raises:
        ArgumentError: an argument belongs to `inner_optimizer`, or is unknown.

    Source: P. Micikevicius et al. (2017), "Mixed precision training", arXiv:1710.03740.
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ):
        _refuse(kwargs)
        if not isinstance(inner_optimizer, Optimizer):
            raise ArgumentError(
                "LossScaleOptimizer: inner_optimizer must be an Optimizer, such as Adam(), got "
                f"{inner_optimizer!r:.60}."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # or gradients would be scaled twice

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self._own(
            Variable(
                float(self.initial_scale), dtype="float32", trainable=False, name="dynamic_scale"
            )
        )
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Update variables with their gradients, unless one of these is not finite.

        A graph has no branches: the update is always computed, and kept or dropped by `where`.

        Args:
            grads: gradients of the loss that `scale_loss` gave, one a variable, or None.
            trainable_variables: those that `build` was given if None.
        """
        grads, inner = list(grads), self.inner_optimizer
        if not self.built and trainable_variables is not None:
            self.build(list(trainable_variables))
        variables = (
            inner._trainable_variables if trainable_variables is None else trainable_variables
        )
        state = [*variables, *inner.variables]
        before = [v.stored for v in state]
        scale, finite = self.dynamic_scale.stored, _all_finite(grads)
        # 0 in place of what will be dropped: no arithmetic with infinities
        usable = [None if g is None else ops.where(finite, g / scale, 0.0) for g in grads]
        inner.apply(usable, trainable_variables)
        for variable, old in zip(state, before, strict=True):
            if variable.stored is not old:
                variable.assign(ops.where(finite, variable.stored, old))
        self._rescale(finite, scale)

    def _rescale(self, finite: Tensor, scale: Tensor) -> None:
        count = self.step_counter.stored
        grows = ops.equal(count, self.dynamic_growth_steps - 1)
        counts = ops.logical_and(finite, ops.logical_not(grows))
        self.step_counter.assign(ops.where(counts, count + 1, 0))
        self.dynamic_scale.assign(
            ops.where(finite, ops.where(grows, scale * 2.0, scale), scale * 0.5)
        )

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the present scale."""
        return loss * (self.dynamic_scale if self.built else self.initial_scale)

    @property
    def variables(self) -> list[Variable]:
        """Everything that is kept from update to update, that of the inner optimizer last."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """The number of updates that were kept."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer. May be assigned."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def rate_is_set_by_hand(self) -> bool:
        """Whether the inner optimizer's learning rate may be assigned."""
        return self.inner_optimizer.rate_is_set_by_hand

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """As of the inner optimizer."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict:
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict, custom_objects: Mapping[str, Any] | None = None
    ) -> LossScaleOptimizer:
        """An optimizer from what `get_config` returned."""
        with registry.custom_object_scope(custom_objects or {}):
            inner = registry.deserialize(config["inner_optimizer"], KNOWN, "optimizer")
        return cls(**{**config, "inner_optimizer": inner})


KNOWN: dict[str, type] = {}
"""The optimizers that may be within; the page of the package puts them here."""


def _all_finite(grads: Sequence[Any]) -> Tensor:
    found = as_tensor(True)
    for gradient in grads:
        if gradient is not None:
            found = ops.logical_and(found, ops.all(ops.isfinite(gradient)))
    return found


def _refuse(arguments: dict) -> None:
    for name, value in arguments.items():
        if name == "dynamic" and value:
            continue
        if name == "dynamic":
            raise ArgumentError(
                "LossScaleOptimizer: dynamic=False is not supported. Give loss_scale_factor to the "
                "inner optimizer instead, without a LossScaleOptimizer."
            )
        if name not in _WITHOUT_EFFECT:
            raise ArgumentError(f"LossScaleOptimizer: unknown argument {name!r}.")
        if value != _WITHOUT_EFFECT[name]:
            raise ArgumentError(
                f"LossScaleOptimizer: {name} belongs to the inner optimizer: give it there."
            )
