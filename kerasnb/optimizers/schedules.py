"""Learning rates that follow the count of updates. Imports ops, config and registry.

A schedule is a function of the step, written in ops, so that it runs inside the training step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops, registry
from kerasnb.errors import ArgumentError
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """A learning rate for each step. Subclasses define `__call__` and, to be saved, `get_config`.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 ** ops.cast(step, "float32")
        >>> float(Halving()(3))
        0.125
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate of update number `step`, from 0; a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def get_config(self) -> dict:
        """The arguments to make it again."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved.")

    @classmethod
    def from_config(cls, config: dict) -> LearningRateSchedule:
        """A schedule from what `get_config` returned."""
        return cls(**config)


class _Decay(LearningRateSchedule):
    """A schedule whose arguments are attributes of the same names, listed in `arguments`."""

    arguments: tuple[str, ...] = ()

    def get_config(self) -> dict:
        return {key: getattr(self, key) for key in self.arguments}


class ExponentialDecay(_Decay):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: after so many steps the rate has been multiplied by `decay_rate` once.
        decay_rate: the factor.
        staircase: round ``step / decay_steps`` down.
        name: for people.
    """

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Tensor:
        periods = _periods(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate * ops.power(self.decay_rate, periods)


class InverseTimeDecay(_Decay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: the unit in which steps count.
        decay_rate: how fast the divisor grows.
        staircase: round ``step / decay_steps`` down.
        name: for people.
    """

    arguments = ExponentialDecay.arguments

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Tensor:
        periods = _periods(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate / (1.0 + self.decay_rate * periods)


class PiecewiseConstantDecay(_Decay):
    """One rate up to each boundary, and one after the last.

    Args:
        boundaries: steps in increasing order; up to and with the first, the first value holds.
        values: one more than boundaries.
        name: for people.

    Raises:
        ArgumentError: the numbers do not fit.
    """

    arguments = ("boundaries", "values", "name")

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                f"{name}: expected one value more than boundaries, got {len(boundaries)} "
                f"boundaries and {len(values)} values."
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Tensor:
        rate = as_tensor(self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(ops.greater(step, boundary), value, rate)
        return rate


class PolynomialDecay(_Decay):
    """From one rate to another as ``(1 - step / decay_steps) ** power``.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: when the end is reached.
        end_learning_rate: from then on.
        power: 1 for a straight line.
        cycle: begin anew, over a period that has grown to the next multiple of `decay_steps`.
        name: for people.
    """

    arguments = (
        "initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name",
    )  # fmt: skip

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.end_learning_rate, self.power = end_learning_rate, power
        self.cycle, self.name = cycle, name

    def __call__(self, step: Any) -> Tensor:
        done = ops.cast(step, config.floatx()) / self.decay_steps
        # step 0 belongs to the first cycle, where rounding up would give none
        done = done / ops.maximum(ops.ceil(done), 1.0) if self.cycle else ops.minimum(done, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * ops.power(1.0 - done, self.power) + self.end_learning_rate


class CosineDecay(_Decay):
    """Half a cosine wave down to ``alpha`` of the rate, after a linear warm-up if asked for.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: the length of the decay, after the warm-up.
        alpha: share of the rate that remains.
        name: for people.
        warmup_target: the rate that the warm-up reaches and the decay starts from; None for no
            warm-up.
        warmup_steps: its length.

    Source: I. Loshchilov and F. Hutter (2016), "SGDR: stochastic gradient descent with warm
        restarts", arXiv:1608.03983.
    """

    arguments = (
        "initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps",
    )  # fmt: skip

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Tensor:
        step = ops.cast(step, config.floatx())
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        decayed = self._decayed(step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return decayed
        climb = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        warm = self.initial_learning_rate + climb * step
        return ops.where(step < self.warmup_steps, warm, decayed)

    def _decayed(self, step: Tensor, rate: float) -> Tensor:
        done = ops.minimum(step, float(self.decay_steps)) / self.decay_steps
        return rate * _cosine_share(done, self.alpha)


class CosineDecayRestarts(_Decay):
    """Half cosine waves one after another, each longer and lower than the last.

    Args:
        initial_learning_rate: at step 0.
        first_decay_steps: the length of the first wave.
        t_mul: how many times longer each wave is than the one before.
        m_mul: how many times higher each starts.
        alpha: share of the rate that remains at the end of a wave.
        name: for people.

    Source: I. Loshchilov and F. Hutter (2016), "SGDR: stochastic gradient descent with warm
        restarts", arXiv:1608.03983.
    """

    arguments = (
        "initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name",
    )  # fmt: skip

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive(name, "first_decay_steps", first_decay_steps)
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Tensor:
        done = ops.cast(step, config.floatx()) / self.first_decay_steps  # in first waves
        if self.t_mul == 1.0:
            wave = ops.floor(done)
            done = done - wave
        else:
            # wave i starts after 1 + t + … + tⁱ⁻¹ = (1 - tⁱ) / (1 - t) first waves
            wave = ops.floor(ops.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            length = ops.power(float(self.t_mul), wave)
            done = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        height = ops.power(float(self.m_mul), wave)
        return self.initial_learning_rate * _cosine_share(done, self.alpha, height)


def serialize(learning_rate_schedule: Any) -> Any:
    """The schedule as plain data."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Any) -> Any:
    """The schedule from its configuration."""
    return registry.deserialize(config, _CHOICES, "learning rate schedule")


def _periods(step: Any, length: float, whole: bool) -> Tensor:
    periods = ops.cast(step, config.floatx()) / length
    return ops.floor(periods) if whole else periods


def _cosine_share(done: Tensor, alpha: float, height: Any = 1.0) -> Tensor:
    """From `height` at 0 to `alpha` at 1, along a cosine."""
    return (1.0 - alpha) * 0.5 * height * (1.0 + ops.cos(math.pi * done)) + alpha


def _positive(schedule: str, name: str, value: float) -> float:
    if value <= 0:
        raise ArgumentError(f"{schedule}: {name} must be above 0, got {value}.")
    return value


_CHOICES = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}
