"""`Optimizer`: from gradients to new weights. Imports ops, variable, initializers and registry.

All state is in variables and all arithmetic in ops, so an update runs eagerly, or becomes part of
the graph of a training step, as it is written here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kerasnb import config, initializers, naming, ops, registry
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.optimizers import schedules
from kerasnb.optimizers.schedules import LearningRateSchedule
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable

__all__ = ["Optimizer"]


class Optimizer:
    """The base of all optimizers.

    A subclass defines `update_step`, and `build` if it keeps something for each weight.

    Args:
        learning_rate: a number, a `schedules.LearningRateSchedule`, or a function of nothing.
        weight_decay: share of each weight, times the learning rate, taken off at every update.
        clipnorm: bound on the length of each gradient.
        clipvalue: bound on the magnitude of each element of a gradient.
        global_clipnorm: bound on the length of all gradients together. Of these three only one.
        use_ema: keep a moving average of the weights; `finalize_variable_values` puts it in their
            place.
        ema_momentum: share of the old average at each update.
        ema_overwrite_frequency: after so many updates the weights become their averages.
        loss_scale_factor: what `scale_loss` multiplies the loss by; gradients are divided by it.
        gradient_accumulation_steps: add up the gradients of so many calls, then update with their
            mean.
        name: made from the class name if not given.

    Raises:
        ArgumentError: an argument is out of its range, or two exclude each other.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, ops.sign(gradient) * learning_rate)
        >>> weight = Variable([1.0, 2.0])
        >>> _ = SignDescent(learning_rate=0.5).apply([[3.0, -4.0]], [weight])
        >>> weight.numpy().tolist()
        [0.5, 2.5]
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ):
        self.name = name or naming.auto_name(naming.snake_case(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self.built = False
        self._slots: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._positions: dict[int, int] = {}  # of each trainable variable, by id
        self._no_decay: tuple[set[int], list[str]] = (set(), [])
        self._iterations = self._own(Variable(0, dtype="int32", trainable=False, name="iteration"))
        self._learning_rate: Any = None
        self._set_learning_rate(learning_rate)

    # What a subclass fills in

    def build(self, variables: Sequence[Variable]) -> None:
        """Make what is kept for each of the trainable `variables`. Called before the first update.

        A subclass calls ``super().build(variables)``, then `add_variable_from_reference`.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._positions = {id(v): i for i, v in enumerate(variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulators = self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def begin_step(self, learning_rate: Tensor) -> None:
        """Compute what is the same for every variable. Called before the `update_step` calls."""

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Assign to `variable` (and to what is kept for it) after one gradient."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update_step(gradient, variable, learning_rate)."
        )

    def get_config(self) -> dict:
        """The arguments to make it again, as data that JSON can hold."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": _number(rate)
            if isinstance(rate, Variable)
            else registry.serialize(rate),
            **{key: getattr(self, key) for key in _BASE_ARGUMENTS},
        }

    @classmethod
    def from_config(
        cls, config: dict, custom_objects: Mapping[str, Any] | None = None
    ) -> Optimizer:
        """An optimizer from what `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            with registry.custom_object_scope(custom_objects or {}):
                config = {**config, "learning_rate": schedules.deserialize(rate)}
        return cls(**config)

    # Updating

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Update the variables of pairs ``(gradient, variable)``; gives the count of updates.

        Without any pair, nothing happens.
        """
        pairs = list(grads_and_vars)
        if pairs:
            self.apply(*zip(*pairs, strict=True))
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Update variables with their gradients.

        Args:
            grads: one gradient a variable; where it is None, that variable stays as it is.
            trainable_variables: those that `build` was given if None.

        Raises:
            GraphError: no variables are known, or one is not among those of `build`.
            ArgumentError: there are not as many gradients as variables, or all are None.
        """
        grads, variables = self._pairs(list(grads), trainable_variables)
        if self.loss_scale_factor is not None:
            grads = [g * (1.0 / self.loss_scale_factor) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def _pairs(
        self, grads: list, variables: Sequence[Variable] | None
    ) -> tuple[list[Tensor], list[Variable]]:
        """The gradients that exist, in their variables' dtypes, and those variables."""
        if variables is None:
            if not self.built:
                raise GraphError(
                    f"{self.name}: apply(grads) needs to know the variables. Pass them, or call "
                    "build(variables) first."
                )
            variables = self._trainable_variables
        variables = list(variables)
        if len(grads) != len(variables):
            raise ArgumentError(
                f"{self.name}: expected one gradient a variable, got {len(grads)} gradients for "
                f"{len(variables)} variables."
            )
        if not self.built:
            self.build(variables)
        missing = [v.path for v, g in zip(variables, grads, strict=True) if g is None]
        if variables and len(missing) == len(variables):
            raise ArgumentError(
                f"{self.name}: no variable has a gradient. The loss does not depend on any of them."
            )
        if missing:
            warnings.warn(
                "The loss does not depend on these variables, which stay as they are: "
                f"{', '.join(missing)}.",
                stacklevel=4,
            )
        kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        for _, variable in kept:
            self._get_variable_index(variable)  # raises if it is not known
        return [as_tensor(g, v.dtype) for g, v in kept], [v for _, v in kept]

    def _update(self, grads: list[Tensor], variables: list[Variable]) -> None:
        """One update: clip, decay, step."""
        rate = as_tensor(self.learning_rate)
        grads = self._clip(grads)
        self._decay(variables, rate)
        self.begin_step(rate)
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, rate)

    def _decay(self, variables: Sequence[Variable], rate: Tensor) -> None:
        if self.weight_decay:
            kept = 1.0 - self.weight_decay * rate
            for variable in filter(self._use_weight_decay, variables):
                variable.assign(variable * kept)

    def _accumulate(self, grads: list[Tensor], variables: list[Variable]) -> None:
        """Add up gradients; every few calls, update with their mean.

        A graph has no branches: the update is always computed, and kept or dropped by `where`.
        """
        steps = self.gradient_accumulation_steps
        due = ops.equal((self._iterations + 1) % steps, 0)
        sums = [self._accumulators[self._get_variable_index(v)] for v in variables]
        totals = [s + g for s, g in zip(sums, grads, strict=True)]
        state = [v for v in (*variables, *self.variables) if v is not self._iterations]
        before = [v.value for v in state]
        self._update([t * (1.0 / steps) for t in totals], variables)
        for variable, old in zip(state, before, strict=True):
            if variable.value is not old:
                variable.assign(ops.where(due, variable.value, old))
        for accumulator, total in zip(sums, totals, strict=True):
            accumulator.assign(ops.where(due, 0.0, total))

    def _clip(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        if self.clipnorm is not None:
            return [g * _shrink(self.clipnorm, ops.sum(g * g)) for g in grads]
        if self.global_clipnorm is not None:
            first, *others = (ops.sum(g * g) for g in grads)
            factor = _shrink(self.global_clipnorm, sum(others, first))
            return [g * factor for g in grads]
        return grads

    def _average(self) -> None:
        """Move the averages of the weights; the first time, they become the weights."""
        count = self.iterations
        share = ops.cast(ops.not_equal(count, 0), config.floatx()) * self.ema_momentum
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            average.assign(variable + (average - variable) * share)
        if self.ema_overwrite_frequency:
            due = ops.equal((count + 1) % self.ema_overwrite_frequency, 0)
            for variable, average in zip(self._trainable_variables, self._averages, strict=True):
                variable.assign(ops.where(due, average, variable))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """At the end of training: with `use_ema`, give each of `var_list` its average."""
        if self.use_ema and self.built:
            for variable in var_list:
                variable.assign(self._averages[self._get_variable_index(variable)])

    @property
    def averages(self) -> list[tuple[Variable, Variable]]:
        """Each weight with its moving average; with `use_ema`, once built."""
        return list(zip(self._trainable_variables, self._averages, strict=True))

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, so that small float16 gradients do not vanish."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def assign(self, variable: Variable, value: Any) -> None:
        """Give `variable` a new value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add `value` to `variable`."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract `value` from `variable`."""
        variable.assign_sub(value)

    # State

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of this optimizer."""
        if isinstance(initializer, str):
            initializer = initializers.get(initializer)
        return self._own(Variable(initializer, tuple(shape), dtype, trainable=False, name=name))

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new variable of the shape and dtype of another, named after it."""
        full_name = f"{reference_variable.name}_{name or 'slot'}"
        return self.add_variable(
            reference_variable.shape, initializer, reference_variable.dtype, full_name
        )

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | Sequence[str],
        initializer: Any = "zeros",
    ) -> Any:
        """A new variable for each of `trainable_variables`: a list, or one list for each name."""
        names = (name,) if isinstance(name, str) else tuple(name)
        each = [
            [self.add_variable_from_reference(v, n, initializer) for n in names]
            for v in trainable_variables
        ]
        lists = [list(slots) for slots in zip(*each, strict=True)] or [[] for _ in names]
        return lists[0] if isinstance(name, str) else lists

    @property
    def variables(self) -> list[Variable]:
        """Everything that is kept from update to update, the learning rate included."""
        extra = [v for v in vars(self).values() if isinstance(v, Variable)]
        return list({id(v): v for v in (*self._slots, *extra)}.values())

    @property
    def iterations(self) -> Any:
        """The number of updates so far, int32."""
        if self.gradient_accumulation_steps:
            return self._iterations // self.gradient_accumulation_steps
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a `Variable`, or a schedule's present value. May be assigned."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._set_learning_rate(value)

    @property
    def rate_is_set_by_hand(self) -> bool:
        """Whether the learning rate is a number, which may be assigned, and no schedule."""
        return isinstance(self._learning_rate, Variable)

    def _set_learning_rate(self, value: Any) -> None:
        present = self._learning_rate
        if isinstance(value, LearningRateSchedule) or (
            callable(value) and not isinstance(value, Variable)
        ):
            self._slots = [v for v in self._slots if v is not present]
            self._learning_rate = value
        elif present is None:
            rate = Variable(value, dtype=config.floatx(), trainable=False, name="learning_rate")
            self._learning_rate = self._own(rate)
        elif isinstance(present, Variable):
            present.assign(value)
        else:
            raise ArgumentError(
                f"{self.name}: the learning rate follows a {type(present).__name__} and cannot be "
                "set. Make the optimizer with a number to be able to set it."
            )

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Let some variables be without weight decay.

        Args:
            var_list: these variables.
            var_names: those in whose name one of these regular expressions is found.

        Raises:
            GraphError: the optimizer is built already.
        """
        if self.built:
            raise GraphError(f"{self.name}: call exclude_from_weight_decay before training starts.")
        self._no_decay = ({id(v) for v in var_list or ()}, list(var_names or ()))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give each of `variables` a new value.

        Raises:
            ArgumentError: their number is another.
        """
        own = self.variables
        if len(own) != len(weights):
            raise ArgumentError(f"{self.name}: expected {len(own)} values, got {len(weights)}.")
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Write every variable's value to `store`, under its position."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote.

        Raises:
            ArgumentError: `store` holds another number of values.
        """
        self.set_weights([np.asarray(store[str(i)]) for i in range(len(store.keys()))])

    def _own(self, variable: Variable) -> Variable:
        variable.path = f"{self.name}/{variable.name}"
        self._slots.append(variable)
        return variable

    def _get_variable_index(self, variable: Variable) -> int:
        try:
            return self._positions[id(variable)]
        except KeyError:
            raise GraphError(
                f"{self.name}: variable {variable.path!r} is not among those that the optimizer "
                "was built for. Make a new optimizer for a new set of variables."
            ) from None

    def _use_weight_decay(self, variable: Variable) -> bool:
        excluded, patterns = self._no_decay
        return id(variable) not in excluded and not any(
            re.search(pattern, variable.name) for pattern in patterns
        )

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        # a copy has variables of its own: what is known by their ids is known by new ones
        ids = {old: id(self._trainable_variables[at]) for old, at in self._positions.items()}
        self._positions = {ids[old]: at for old, at in self._positions.items()}
        excluded, names = self._no_decay
        self._no_decay = ({ids.get(old, old) for old in excluded}, names)

    def _check_arguments(self) -> None:
        clips = [self.clipnorm, self.clipvalue, self.global_clipnorm]
        if sum(c is not None for c in clips) > 1:
            raise ArgumentError(
                f"{self.name}: give only one of clipnorm={self.clipnorm}, "
                f"clipvalue={self.clipvalue}, global_clipnorm={self.global_clipnorm}."
            )
        if not 0 <= self.ema_momentum <= 1:
            raise ArgumentError(
                f"{self.name}: ema_momentum must be between 0 and 1, got {self.ema_momentum}."
            )
        for key, least in (("gradient_accumulation_steps", 2), ("ema_overwrite_frequency", 1)):
            value = getattr(self, key)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ArgumentError(
                    f"{self.name}: {key} must be a whole number from {least} on, got {value!r}."
                )


_BASE_ARGUMENTS = (
    "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


def _number(variable: Variable) -> float:
    return float(variable.numpy())


def _shrink(bound: float, square: Tensor) -> Tensor:
    """The factor that brings a vector of squared length `square` down to length `bound`."""
    return bound / ops.maximum(ops.sqrt(square), bound)
