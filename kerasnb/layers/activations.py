"""Activations that have arguments or weights, as layers. Imports base, common and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import activations, constraints, initializers, ops, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_axis, label
from kerasnb.ops.attention import masked_softmax
from kerasnb.tensor import Tensor

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class ReLU(Layer):
    """The input above `threshold`, at most `max_value`; a line of `negative_slope` below it.

    Args:
        max_value: upper bound, at least 0; None for none.
        negative_slope: slope below the threshold, at least 0.
        threshold: where the output begins to follow the input, at least 0.

    Raises:
        ArgumentError: an argument is negative.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if max_value is not None:
            _check_positive(self, "max_value", max_value)
        self.max_value = max_value
        self.negative_slope = _check_positive(self, "negative_slope", negative_slope)
        self.threshold = _check_positive(self, "threshold", threshold)

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict:
        own = attributes(self, "max_value", "negative_slope", "threshold")
        return {**super().get_config(), **own}


class LeakyReLU(Layer):
    """The input where positive, `negative_slope` times the input elsewhere.

    Args:
        negative_slope: at least 0.

    Shape:
        the input's.

    Source: Maas, Hannun and Ng (2013), "Rectifier nonlinearities improve neural network acoustic
        models", ICML workshop.
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_slope = _check_positive(self, "negative_slope", negative_slope)

    def call(self, inputs: Tensor) -> Tensor:
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "negative_slope")}


class PReLU(Layer):
    """The input where positive, a trained slope `alpha` times the input elsewhere.

    Args:
        alpha_initializer: of the slopes, one for each feature.
        alpha_regularizer: a penalty on them.
        alpha_constraint: applied to them after each update.
        shared_axes: the axes, counted from 1, along which one slope serves for all.

    Shape:
        the input's.

    Source: He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", arXiv:1502.01852.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        if self.shared_axes is not None:
            self.shared_axes = list(self.shared_axes)

    def build(self, input_shape: tuple) -> None:
        shared = {check_axis(self, "shared_axes", a, input_shape) for a in self.shared_axes or ()}
        shape = [1 if i in shared else d for i, d in enumerate(input_shape)][1:]
        if None in shape:
            raise ShapeError(
                f"{label(self)}: the axes of the input {tuple(input_shape)} must be known, or "
                "be among shared_axes."
            )
        self.alpha = self.add_weight(
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def call(self, inputs: Tensor) -> Tensor:
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def get_config(self) -> dict:
        names = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")
        return {**super().get_config(), **attributes(self, *names)}


class ELU(Layer):
    """The input where positive, ``alpha * (exp(input) - 1)`` elsewhere.

    Args:
        alpha: minus the value that very negative inputs approach.

    Shape:
        the input's.

    Source: Clevert, Unterthiner and Hochreiter (2015), "Fast and accurate deep network learning by
        exponential linear units", arXiv:1511.07289.
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "alpha")}


class Softmax(Layer):
    """Numbers turned into probabilities: positive, and with the sum 1 along `axis`.

    Args:
        axis: along which, or several axes.

    Raises:
        ShapeError: there is no such axis, or the mask does not broadcast.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The probabilities.

        Args:
            inputs: logits.
            mask: true where an element takes part; the others get 0.
        """
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = [check_axis(self, "axis", a, inputs.shape) for a in given]
        return masked_softmax(inputs, mask, axes)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "axis")}


def _check_positive(layer: Layer, argument: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ArgumentError(
            f"{label(layer)}: {argument} must be a number of at least 0, got {value!r}."
        )
    return value
